package provider

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

var _ list.ListResourceWithConfigure = (*tenantSecretList)(nil)

// tenantSecretList finds the lineages of an org: its types that have a key.
type tenantSecretList struct{ resourceBase }

func newTenantSecretList() list.ListResource { return &tenantSecretList{} }

func (l *tenantSecretList) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secret"
}

func (l *tenantSecretList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest,
	resp *list.ListResourceSchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The types of the org that have a key, to import them as `salesforcebyok_tenant_secret`. What " +
			"can't be read back, such as the certificate and the escrow, must be added to the generated configuration. Needs " +
			"Terraform 1.14 or newer.",
	}
}

func (l *tenantSecretList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var diags diag.Diagnostics
	all, ok := l.forPlan(ctx, &diags)
	if !ok {
		stream.Results = list.ListResultsStreamDiagnostics(diags)

		return
	}
	stream.Results = listResults(ctx, req, currentRecords(all.Records()), func(row keys.Record, result *list.ListResult) {
		result.DisplayName = fmt.Sprintf("%s (%s, version %d)", row.Type, row.Source, row.Version)
		result.Diagnostics.Append(result.Identity.Set(ctx,
			keyIdentity{OrganizationID: types.StringValue(l.data.Session.OrganizationID), Type: types.StringValue(row.Type)})...)
		if req.IncludeResource {
			model := listedTenantSecret(row, l.data)
			result.Diagnostics.Append(result.Resource.Set(ctx, &model)...)
		}
	})
}

// currentRecords returns the record that stands for each type, by type.
func currentRecords(records []keys.Record) []keys.Record {
	var current []keys.Record
	var seen []string
	for _, r := range records {
		if slices.Contains(seen, r.Type) {
			continue
		}
		seen = append(seen, r.Type)
		if row, ok := keys.Current(records, r.Type); ok {
			current = append(current, row)
		}
	}

	return current
}

// listedTenantSecret is the resource as an import would find it, but for the hash: in a generated
// configuration it would be a pin, and a pin refuses every rotation to another key.
func listedTenantSecret(row keys.Record, data *Data) keyModel {
	model := importedKey(row, data)
	model.SecretValueHash = types.StringNull()

	return model
}

// listResults streams one result for each row, up to the limit of the request; a limit below 1 is
// none. Errors are part of a result: what is assigned to the stream while it is read is lost.
func listResults[T any](ctx context.Context, req list.ListRequest, rows []T,
	fill func(row T, result *list.ListResult),
) iter.Seq[list.ListResult] {
	if req.Limit > 0 && int64(len(rows)) > req.Limit {
		rows = rows[:req.Limit]
	}

	return func(push func(list.ListResult) bool) {
		for _, row := range rows {
			result := req.NewListResult(ctx)
			fill(row, &result)
			if !push(result) {
				return
			}
		}
	}
}
