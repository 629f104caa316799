package provider

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// getPrivate reads an entry of private state; the zero value if there is none.
func getPrivate[T any](ctx context.Context, from privateReader, key string, diags *diag.Diagnostics) T {
	var value T
	text, found := from.GetKey(ctx, key)
	diags.Append(found...)
	if len(text) == 0 {
		return value
	}
	if err := json.Unmarshal(text, &value); err != nil {
		diags.AddError("Private state can't be read",
			fmt.Sprintf("The entry %q is not what this version of the provider writes: %s. Import the resource again "+
				"(terraform state rm, then import); Salesforce is not affected.", key, err))
	}

	return value
}

// setPrivate writes an entry of private state.
func setPrivate(ctx context.Context, to privateWriter, key string, value any, diags *diag.Diagnostics) {
	text, err := json.Marshal(value)
	if err != nil {
		diags.AddError("Private state can't be written", fmt.Sprintf("Internal error: the entry %q could not be encoded: "+
			"%s. Please report it.", key, err))

		return
	}
	diags.Append(to.SetKey(ctx, key, text)...)
}
