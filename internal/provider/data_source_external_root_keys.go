package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

var _ datasource.DataSourceWithConfigure = (*externalRootKeysDataSource)(nil)

// externalRootKeysDataSource shows the root keys of the org.
type externalRootKeysDataSource struct{ dataSourceBase }

func newExternalRootKeysDataSource() datasource.DataSource { return &externalRootKeysDataSource{} }

type externalRootKeysDataSourceModel struct {
	Status           types.String           `tfsdk:"status"`
	RootKeyService   types.String           `tfsdk:"root_key_service"`
	OrganizationID   types.String           `tfsdk:"organization_id"`
	ExternalRootKeys []externalRootKeyShown `tfsdk:"external_root_keys"`
}

type externalRootKeyShown struct {
	RootKeyID         types.String `tfsdk:"root_key_id"`
	RootKeyIdentifier types.String `tfsdk:"root_key_identifier"`
	RootKeyService    types.String `tfsdk:"root_key_service"`
	Region            types.String `tfsdk:"region"`
	Status            types.String `tfsdk:"status"`
	Description       types.String `tfsdk:"description"`
	ActivatedDate     types.String `tfsdk:"activated_date"`
}

func (d *externalRootKeysDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_external_root_keys"
}

func (d *externalRootKeysDataSource) Schema(_ context.Context, _ datasource.SchemaRequest,
	resp *datasource.SchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The root keys of the org, Salesforce's own and those in AWS KMS, or those that all given " +
			"filters match. Root keys are created, rotated and tested in Setup only. Needs API version 58.0 or newer.",
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
			"organization_id": shownString("Id of the org, 18 characters."),
			"external_root_keys": schema.ListNestedAttribute{
				MarkdownDescription: "The root keys, sorted by id.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"root_key_id": shownString("Id (`48q…`) of the root key, 18 characters."),
					"root_key_identifier": shownString("How the key management service names the key: an ARN, or a UUID for " +
						"Salesforce's own keys."),
					"root_key_service": shownString("The key management service: `AWS`, or `SF` for Salesforce's own keys."),
					"region":           shownString("Region of the key, null if it has none."),
					"status":           shownString("Status in the org."),
					"description":      shownString("Description of the root key in the org."),
					"activated_date":   shownString("When it was activated, RFC 3339, UTC."),
				}},
			},
		},
	}
}

func (d *externalRootKeysDataSource) Read(ctx context.Context, req datasource.ReadRequest,
	resp *datasource.ReadResponse,
) {
	var model externalRootKeysDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	found, ok := d.rootKeys(ctx, rootKeyFilter{model.Status, model.RootKeyService}, &resp.Diagnostics)
	if !ok {
		return
	}
	model.OrganizationID = types.StringValue(d.data.Session.OrganizationID)
	model.ExternalRootKeys = []externalRootKeyShown{}
	for _, key := range found {
		model.ExternalRootKeys = append(model.ExternalRootKeys, shownRootKey(key))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

func shownRootKey(key salesforce.ExternalRootKey) externalRootKeyShown {
	return externalRootKeyShown{
		RootKeyID: types.StringValue(key.ID), RootKeyIdentifier: stringOrNull(key.RootKeyIdentifier),
		RootKeyService: stringOrNull(key.RootKeyService),
		Region:         stringOrNull(key.Region), Status: stringOrNull(key.Status),
		Description:   stringOrNull(key.Description),
		ActivatedDate: timeOrNull(key.ActivatedDate),
	}
}
