package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

var _ list.ListResourceWithConfigure = (*certificateList)(nil)

// certificateList finds the certificates of an org.
type certificateList struct{ resourceBase }

func newCertificateList() list.ListResource { return &certificateList{} }

type certificateListModel struct {
	BYOKCompatibleOnly types.Bool `tfsdk:"byok_compatible_only"`
}

func (l *certificateList) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_certificate"
}

func (l *certificateList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest,
	resp *list.ListResourceSchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The certificates of the org, sorted by unique name, to import them as " +
			"`salesforcebyok_certificate`. With `include_resource` the content of each is read, which is one API call for " +
			"each. Needs Terraform 1.14 or newer.",
		Attributes: map[string]schema.Attribute{
			"byok_compatible_only": schema.BoolAttribute{
				MarkdownDescription: "Only certificates that can wrap key material, as their rows show. Default `false`: all, " +
					"also those that serve something else, such as single sign-on.",
				Optional: true,
			},
		},
	}
}

func (l *certificateList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config certificateListModel
	diags := req.Config.Get(ctx, &config)
	rows, ok := l.rows(ctx, config.BYOKCompatibleOnly.ValueBool(), &diags)
	if !ok {
		stream.Results = list.ListResultsStreamDiagnostics(diags)

		return
	}
	stream.Results = listResults(ctx, req, rows, func(row salesforce.Certificate, result *list.ListResult) {
		result.DisplayName = fmt.Sprintf("%s (%s, %d bits)", row.DeveloperName, row.MasterLabel, row.KeySize)
		result.Diagnostics.Append(result.Identity.Set(ctx, certificateIdentity{
			OrganizationID: types.StringValue(l.data.Session.OrganizationID),
			DeveloperName:  types.StringValue(row.DeveloperName),
		})...)
		if !req.IncludeResource {
			return
		}
		model, ok := (&certificateResource{l.resourceBase}).adopt(ctx, row, &result.Diagnostics)
		if !ok {
			return
		}
		result.Diagnostics.Append(result.Resource.Set(ctx, &model)...)
	})
}

// rows reads the certificates of the org.
func (l *certificateList) rows(ctx context.Context, compatibleOnly bool,
	diags *diag.Diagnostics,
) ([]salesforce.Certificate, bool) {
	if diags.HasError() {
		return nil, false
	}
	rows, ok := l.certificates(ctx, diags)
	if !ok {
		return nil, false
	}
	now := l.data.Client.Now()

	return slices.DeleteFunc(rows, func(c salesforce.Certificate) bool {
		return compatibleOnly && len(upload.Facts(c, nil).Problems(now)) > 0
	}), true
}
