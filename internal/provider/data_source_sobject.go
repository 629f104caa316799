package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

var _ datasource.DataSourceWithConfigure = (*sobjectDataSource)(nil)

// sobjectDataSource shows how the org describes one of its objects.
type sobjectDataSource struct{ dataSourceBase }

func newSObjectDataSource() datasource.DataSource { return &sobjectDataSource{} }

type sobjectDataSourceModel struct {
	Name         types.String `tfsdk:"name"`
	Tooling      types.Bool   `tfsdk:"tooling"`
	DescribeJSON types.String `tfsdk:"describe_json"`
	KeyPrefix    types.String `tfsdk:"key_prefix"`
	Createable   types.Bool   `tfsdk:"createable"`
	Updateable   types.Bool   `tfsdk:"updateable"`
	Queryable    types.Bool   `tfsdk:"queryable"`
	Deletable    types.Bool   `tfsdk:"deletable"`
}

func (d *sobjectDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_sobject"
}

func (d *sobjectDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "How the org describes one of its objects, such as the types that it takes for a " +
			"`TenantSecret`. It depends on the API version and on the user's permissions.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				MarkdownDescription: "API name of the object, such as `TenantSecret`.",
				Required:            true,
				Validators:          []validator.String{tfvalidator.SObjectName()},
			},
			"tooling": schema.BoolAttribute{
				MarkdownDescription: "Whether to ask the Tooling API, which has objects of its own, such as `Certificate`. " +
					"Default `false`.",
				Optional: true,
			},
			"describe_json": shownString("The whole description as Salesforce sent it, JSON. Read it with `jsondecode`."),
			"key_prefix":    shownString("First three characters of the ids of its records. Null if it has none."),
			"createable":    shownBool("Whether the user may create records of it."),
			"updateable":    shownBool("Whether the user may change records of it."),
			"queryable":     shownBool("Whether the user may query it."),
			"deletable":     shownBool("Whether the user may delete records of it; false for `TenantSecret`, for everybody."),
		},
	}
}

func (d *sobjectDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model sobjectDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	name, at := model.Name.ValueString(), path.Root("name")
	description, err := d.data.Client.Describe(ctx, name, model.Tooling.ValueBool())
	if errors.Is(err, salesforce.ErrNotFound) {
		api, other := "data API", "Tooling API (tooling = true)"
		if model.Tooling.ValueBool() {
			api, other = "Tooling API", "data API (tooling = false)"
		}
		resp.Diagnostics.AddAttributeError(at, "No such object",
			fmt.Sprintf("Expected an object %s in the %s of version %s in org %s. Salesforce answered: %s It may belong to the "+
				"%s or to a newer version. %s", name, api, d.data.Client.APIVersion(),
				d.data.Session.OrganizationID, sentence(err.Error()), other, permissionsAdvice))

		return
	}
	if err != nil {
		addAnswer(&resp.Diagnostics, at, "Unable to describe the object", err)

		return
	}
	if err := model.populate(description); err != nil {
		resp.Diagnostics.AddAttributeError(at, "Description of the object can't be read", opening(err))

		return
	}
	if !model.Queryable.IsNull() && !model.Queryable.ValueBool() && guardedObject.MatchString(name) {
		d.warnHidden(ctx, at, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// populate fills the model from a description. A flag that Salesforce leaves out is null.
func (m *sobjectDataSourceModel) populate(description json.RawMessage) error {
	var described struct {
		KeyPrefix  *string `json:"keyPrefix"`
		Createable *bool   `json:"createable"`
		Updateable *bool   `json:"updateable"`
		Queryable  *bool   `json:"queryable"`
		Deletable  *bool   `json:"deletable"`
	}
	var compact bytes.Buffer
	if json.Unmarshal(description, &described) != nil || json.Compact(&compact, description) != nil {
		return errors.New("expected a JSON object with keyPrefix and the flags createable, updateable, queryable and " +
			"deletable; Salesforce sent something else")
	}
	m.DescribeJSON = types.StringValue(compact.String())
	m.KeyPrefix = types.StringPointerValue(described.KeyPrefix)
	m.Createable = types.BoolPointerValue(described.Createable)
	m.Updateable = types.BoolPointerValue(described.Updateable)
	m.Queryable = types.BoolPointerValue(described.Queryable)
	m.Deletable = types.BoolPointerValue(described.Deletable)

	return nil
}
