package provider

import (
	"context"
	"encoding/base64"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

var _ ephemeral.EphemeralResource = (*keyMaterialEphemeral)(nil)

// keyMaterialEphemeral generates key material. It needs no org.
type keyMaterialEphemeral struct{}

func newKeyMaterialEphemeral() ephemeral.EphemeralResource { return &keyMaterialEphemeral{} }

type keyMaterialModel struct {
	KeyMaterial     types.String `tfsdk:"key_material"`
	SecretValueHash types.String `tfsdk:"secret_value_hash"`
	KeyCheckValue   types.String `tfsdk:"key_check_value"`
}

func (e *keyMaterialEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest,
	resp *ephemeral.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_key_material"
}

func (e *keyMaterialEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "32 random bytes for a tenant secret, made where Terraform runs and kept nowhere. **It gives " +
			"another value each time it is opened**, at least once for the plan and once for the apply. So never feed it to a " +
			"secret store and to `salesforcebyok_tenant_secret` side by side: generate, store, **read back** from the store, " +
			"upload what was read. If you need no copy in a store of your own, leave this out: `salesforcebyok_tenant_secret` " +
			"generates keys itself, and escrows them.\n\nIt asks the org for nothing, but the provider still needs its " +
			"credentials, and logs in. Needs Terraform 1.10 or newer, or OpenTofu 1.11 or newer.",
		Attributes: map[string]schema.Attribute{
			"key_material": schema.StringAttribute{
				MarkdownDescription: "Base64 of the 32 bytes, as `key_material_wo` takes it.",
				Computed:            true,
				Sensitive:           true,
			},
			"secret_value_hash": schema.StringAttribute{
				MarkdownDescription: "Base64 SHA-256 of the 32 bytes, as Salesforce keeps it.",
				Computed:            true,
			},
			"key_check_value": schema.StringAttribute{
				MarkdownDescription: "First 3 bytes of AES-256-ECB over a zero block, 6 lower-case hex digits.",
				Computed:            true,
			},
		},
	}
}

func (e *keyMaterialEphemeral) Open(ctx context.Context, _ ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	material := byok.GenerateMaterial()
	defer material.Destroy()
	resp.Diagnostics.Append(resp.Result.Set(ctx, &keyMaterialModel{
		KeyMaterial:     types.StringValue(base64.StdEncoding.EncodeToString(material.Expose())),
		SecretValueHash: types.StringValue(byok.HashMaterial(material)),
		KeyCheckValue:   types.StringValue(byok.KeyCheckValue(material)),
	})...)
}
