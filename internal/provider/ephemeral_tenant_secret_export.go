package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

var _ ephemeral.EphemeralResourceWithConfigure = (*tenantSecretExportEphemeral)(nil)

// tenantSecretExportEphemeral exports one record.
type tenantSecretExportEphemeral struct{ ephemeralBase }

func newTenantSecretExportEphemeral() ephemeral.EphemeralResource {
	return &tenantSecretExportEphemeral{}
}

type tenantSecretExportModel struct {
	TenantSecretID      types.String `tfsdk:"tenant_secret_id"`
	ExportedSecretValue types.String `tfsdk:"exported_secret_value"`
	Version             types.Int64  `tfsdk:"version"`
	SecretValueHash     types.String `tfsdk:"secret_value_hash"`
}

func (e *tenantSecretExportEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest,
	resp *ephemeral.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secret_export"
}

func (e *tenantSecretExportEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest,
	resp *ephemeral.SchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The export of a tenant secret: the key as Salesforce hands it out, encrypted under another " +
			"key of Salesforce's. It is no plaintext and fits no other org, but it is the only thing that restores the record " +
			"after its destruction. Store it before you destroy, and give it back in `exported_secret_value_wo` of " +
			"`salesforcebyok_tenant_secret_version`. **Each opening is an export that the org may audit**, and Terraform " +
			"opens it at least once for the plan and once for the apply. The export may differ after a Salesforce release: " +
			"keep the newest one.\n\nNeeds Terraform 1.10 or newer, or OpenTofu 1.11 or newer.",
		Attributes: map[string]schema.Attribute{
			"tenant_secret_id": schema.StringAttribute{
				MarkdownDescription: "Id of the record, 15 or 18 characters (`02G…`).",
				Required:            true,
				Validators:          []validator.String{tfvalidator.SalesforceID(tenantSecretPrefix)},
			},
			"exported_secret_value": schema.StringAttribute{
				MarkdownDescription: "The export, base64.",
				Computed:            true,
				Sensitive:           true,
			},
			"version": schema.Int64Attribute{
				MarkdownDescription: "Version of the record, a number that grows within the org.",
				Computed:            true,
			},
			"secret_value_hash": schema.StringAttribute{
				MarkdownDescription: "Base64 SHA-256 of the plaintext, to name the copy by. Null if Salesforce made the key and " +
					"shows no hash.",
				Computed: true,
			},
		},
	}
}

func (e *tenantSecretExportEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest,
	resp *ephemeral.OpenResponse,
) {
	var model tenantSecretExportModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() || !e.ready(&resp.Diagnostics) {
		return
	}
	id, at := model.TenantSecretID.ValueString(), path.Root("tenant_secret_id")
	export, err := e.data.Client.ExportTenantSecret(ctx, id)
	switch {
	case errors.Is(err, salesforce.ErrNotFound):
		resp.Diagnostics.AddAttributeError(at, "No such tenant secret",
			fmt.Sprintf("Expected a record with the id %s in org %s. Salesforce answered: %s %s", id,
				e.data.Session.OrganizationID, sentence(err.Error()), permissionsAdvice))

		return
	case err != nil:
		addError(&resp.Diagnostics, "Unable to export the tenant secret", err)

		return
	case export.SecretValue.IsZero():
		resp.Diagnostics.AddAttributeError(at, "There is nothing to export",
			fmt.Sprintf("Expected a record that holds a key. Record %s (%s, version %d, source %s) has the status %s, and "+
				"Salesforce handed out no SecretValue. Export a record that is ACTIVE or ARCHIVED and not cache-only.", export.ID,
				export.Type, export.Version, export.Source, export.Status))

		return
	}
	model.ExportedSecretValue = types.StringValue(export.SecretValue.Expose())
	model.Version = types.Int64Value(export.Version)
	model.SecretValueHash = hashOrNull(export.SecretValueHash)
	resp.Diagnostics.Append(resp.Result.Set(ctx, &model)...)
}
