package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// valueOr returns the value of an attribute, or a default if it is null.
func valueOr(v types.Int64, otherwise int64) int64 {
	if v.IsNull() {
		return otherwise
	}

	return v.ValueInt64()
}

// stringOrNull maps Salesforce's null, which the client reads as "", to Terraform's.
func stringOrNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}

	return types.StringValue(s)
}

// stringList returns a list of strings.
func stringList(elements []string) types.List {
	values := make([]attr.Value, len(elements))
	for i, element := range elements {
		values[i] = types.StringValue(element)
	}

	return types.ListValueMust(types.StringType, values)
}

// stringsIn returns the elements of a list of strings that are known; a null one is "".
func stringsIn(list types.List) []string {
	var all []string
	for _, v := range list.Elements() {
		if text, ok := v.(types.String); ok && !text.IsUnknown() {
			all = append(all, text.ValueString())
		}
	}

	return all
}

// timeOrNull returns an instant as RFC 3339 in UTC, and null for none.
func timeOrNull(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}

	return types.StringValue(t.UTC().Format(time.RFC3339))
}

// hashOrNull returns a SecretValueHash, and null for what Salesforce answers if it made the key
// itself: "UNKNOWM=" [V ThalesDoc] is no hash.
func hashOrNull(s string) types.String {
	if _, err := byok.ParseHash(s); err != nil {
		return types.StringNull()
	}

	return types.StringValue(s)
}

// fullID is a record id as identities have it: 18 characters.
func fullID(id string) string {
	if full, err := salesforce.ID18(id); err == nil {
		return full
	}

	return id
}
