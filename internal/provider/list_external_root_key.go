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

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

var _ list.ListResourceWithConfigure = (*externalRootKeyList)(nil)

// externalRootKeyList finds the root keys of an org.
type externalRootKeyList struct{ resourceBase }

func newExternalRootKeyList() list.ListResource { return &externalRootKeyList{} }

type externalRootKeyListModel struct {
	Status         types.String `tfsdk:"status"`
	RootKeyService types.String `tfsdk:"root_key_service"`
}

func (l *externalRootKeyList) Metadata(_ context.Context, req resource.MetadataRequest,
	resp *resource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_external_root_key"
}

func (l *externalRootKeyList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest,
	resp *list.ListResourceSchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The root keys of the org, sorted by id, to import them as " +
			"`salesforcebyok_external_root_key`. Needs Terraform 1.14 or newer, and API version 58.0 or newer.",
		Attributes: map[string]schema.Attribute{
			"status": schema.StringAttribute{
				MarkdownDescription: "Only root keys of this status: `Activation Pending`, `Active`, `Archived`, `Canceled`, " +
					"`Inactive` or `Unavailable`.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.OneOf(rootKeyStatuses()...)},
			},
			"root_key_service": schema.StringAttribute{
				MarkdownDescription: "Only root keys of this service: `AWS`, or `SF` for Salesforce's own.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
	}
}

func (l *externalRootKeyList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config externalRootKeyListModel
	diags := req.Config.Get(ctx, &config)
	var found []salesforce.ExternalRootKey
	ok := !diags.HasError()
	if ok {
		found, ok = l.rootKeys(ctx, rootKeyFilter{config.Status, config.RootKeyService}, &diags)
	}
	if !ok {
		stream.Results = list.ListResultsStreamDiagnostics(diags)

		return
	}
	stream.Results = listResults(ctx, req, found, func(key salesforce.ExternalRootKey, result *list.ListResult) {
		model := foundRootKey(key, l.data)
		result.DisplayName = fmt.Sprintf("%s (%s, %s)", key.RootKeyIdentifier, key.RootKeyService, key.Status)
		result.Diagnostics.Append(result.Identity.Set(ctx, model.identity())...)
		if req.IncludeResource {
			result.Diagnostics.Append(result.Resource.Set(ctx, &model)...)
		}
	})
}
