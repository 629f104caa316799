package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

var _ list.ListResourceWithConfigure = (*tenantSecretVersionList)(nil)

// tenantSecretVersionList finds records of an org that can be managed one by one.
type tenantSecretVersionList struct{ resourceBase }

func newTenantSecretVersionList() list.ListResource { return &tenantSecretVersionList{} }

type tenantSecretVersionListModel struct {
	Type   types.String `tfsdk:"type"`
	Status types.String `tfsdk:"status"`
	Source types.String `tfsdk:"source"`
}

func (l *tenantSecretVersionList) Metadata(_ context.Context, req resource.MetadataRequest,
	resp *resource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secret_version"
}

func (l *tenantSecretVersionList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest,
	resp *list.ListResourceSchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The tenant secret records of the org, sorted by type and version, to import them as " +
			"`salesforcebyok_tenant_secret_version`. Listing is no export: the `SecretValue` is never asked for. An ACTIVE " +
			"record that is not cache-only is listed only if `status` asks for it: only a rotation, by " +
			"`salesforcebyok_tenant_secret`, can change it. Needs Terraform 1.14 or newer.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: "Only records of this type, such as `Data`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1), tfvalidator.KnownTenantSecretType()},
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "Only records of this status: `ACTIVE`, `ARCHIVED` or `DESTROYED`. Default: all that can be " +
					"managed, which excludes ACTIVE ones that are not cache-only.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.OneOf(recordStatuses()...)},
			},
			"source": schema.StringAttribute{
				MarkdownDescription: "Only records of this source: `UPLOADED`, `HSM` or `REMOTE`.",
				Optional:            true,
				Validators: []validator.String{stringvalidator.OneOf(salesforce.SourceUploaded, salesforce.SourceHSM,
					salesforce.SourceRemote)},
			},
		},
	}
}

func (l *tenantSecretVersionList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config tenantSecretVersionListModel
	var all inventory.Reading
	diags := req.Config.Get(ctx, &config)
	ok := !diags.HasError()
	if ok {
		all, ok = l.forPlan(ctx, &diags)
	}
	if !ok {
		stream.Results = list.ListResultsStreamDiagnostics(diags)

		return
	}
	stream.Results = listResults(ctx, req, config.matching(all.Rows()),
		func(row salesforce.TenantSecret, result *list.ListResult) {
			result.DisplayName = fmt.Sprintf("%s version %d (%s, %s)", row.Type, row.Version, row.Source, row.Status)
			model := importedTenantSecretVersion(row, l.data)
			result.Diagnostics.Append(result.Identity.Set(ctx, model.identity())...)
			if req.IncludeResource {
				result.Diagnostics.Append(result.Resource.Set(ctx, &model)...)
			}
		})
}

// matching returns the records that the filters match.
func (m *tenantSecretVersionListModel) matching(records []salesforce.TenantSecret) []salesforce.TenantSecret {
	var matched []salesforce.TenantSecret
	for _, r := range records {
		if m.Status.IsNull() && !inventory.Record(r).Settable() {
			continue
		}
		if matchesFilter(m.Type, r.Type) && matchesFilter(m.Status, r.Status) && matchesFilter(m.Source, r.Source) {
			matched = append(matched, r)
		}
	}

	return matched
}
