package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// forPlan reads the tenant secrets of the org for a refresh or a plan.
func (b *base) forPlan(ctx context.Context, diags *diag.Diagnostics) (inventory.Reading, bool) {
	return b.reading(ctx, (*inventory.Inventory).ForPlan, diags)
}

// forWrite reads the tenant secrets of the org for a decision to write, forget or drop something.
func (b *base) forWrite(ctx context.Context, diags *diag.Diagnostics) (inventory.Reading, bool) {
	return b.reading(ctx, (*inventory.Inventory).ForWrite, diags)
}

func (b *base) reading(
	ctx context.Context, read func(*inventory.Inventory, context.Context) (inventory.Reading, error),
	diags *diag.Diagnostics,
) (inventory.Reading, bool) {
	if !b.ready(diags) {
		return inventory.Reading{}, false
	}
	all, err := read(b.data.Inventory, ctx)
	if err != nil {
		addError(diags, "Unable to read the tenant secrets", err)

		return inventory.Reading{}, false
	}

	return all, true
}

// certificates reads the rows of the org's certificates.
func (b *base) certificates(ctx context.Context, diags *diag.Diagnostics) ([]salesforce.Certificate, bool) {
	if !b.ready(diags) {
		return nil, false
	}
	rows, err := b.data.Inventory.Certificates(ctx)
	if err != nil {
		addError(diags, "Unable to read the certificates", err)

		return nil, false
	}

	return rows, true
}

// certificateNamed finds the row of a unique name, whose case Salesforce ignores.
func certificateNamed(rows []salesforce.Certificate, name string) (salesforce.Certificate, bool) {
	i := slices.IndexFunc(rows, func(c salesforce.Certificate) bool { return strings.EqualFold(c.DeveloperName, name) })
	if i < 0 {
		return salesforce.Certificate{}, false
	}

	return rows[i], true
}

// importID returns what an import names: the id that was typed or, of an identity, which must be of
// this org, the attribute of that name.
func (b *base) importID(ctx context.Context, req resource.ImportStateRequest, attribute string,
	diags *diag.Diagnostics,
) (string, bool) {
	if !b.ready(diags) {
		return "", false
	}
	if req.ID != "" {
		return req.ID, true
	}
	var org, id types.String
	diags.Append(req.Identity.GetAttribute(ctx, path.Root("organization_id"), &org)...)
	diags.Append(req.Identity.GetAttribute(ctx, path.Root(attribute), &id)...)

	return id.ValueString(), !diags.HasError() && b.sameOrg(org, diags)
}

// sameOrg refuses a state, a plan or an identity of another org. What is unknown or null is not
// refused.
func (b *base) sameOrg(id types.String, diags *diag.Diagnostics) bool {
	if id.IsNull() || id.IsUnknown() || salesforce.SameID(id.ValueString(), b.data.Session.OrganizationID) {
		return true
	}
	diags.AddAttributeError(path.Root("organization_id"), "This key belongs to another org",
		fmt.Sprintf("Expected org %s, but the credentials lead to org %s. Nothing was read or changed. Use a separate "+
			"state for each org. If the org is gone, such as a deleted or refreshed sandbox, remove the object with terraform "+
			"state rm.", id.ValueString(), b.data.Session.OrganizationID))

	return false
}

// recordsOf are tenant secrets as the rules look at them.
func recordsOf(rows []salesforce.TenantSecret) []keys.Record {
	records := make([]keys.Record, len(rows))
	for i, row := range rows {
		records[i] = inventory.Record(row)
	}

	return records
}
