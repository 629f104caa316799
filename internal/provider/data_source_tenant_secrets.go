package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

var _ datasource.DataSourceWithConfigure = (*tenantSecretsDataSource)(nil)

// tenantSecretsDataSource shows all records of the org.
type tenantSecretsDataSource struct{ dataSourceBase }

func newTenantSecretsDataSource() datasource.DataSource { return &tenantSecretsDataSource{} }

type tenantSecretsDataSourceModel struct {
	Type           types.String              `tfsdk:"type"`
	Status         types.String              `tfsdk:"status"`
	Source         types.String              `tfsdk:"source"`
	OrganizationID types.String              `tfsdk:"organization_id"`
	TenantSecrets  []tenantSecretRecordModel `tfsdk:"tenant_secrets"`
	Counts         map[string]int64          `tfsdk:"counts"`
}

func (d *tenantSecretsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secrets"
}

func (d *tenantSecretsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest,
	resp *datasource.SchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The tenant secret records of the org, every version of every type, or those that all given " +
			"filters match. Reading them is no export: the `SecretValue` is never asked for. All reads of a run share one " +
			"query.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: "Only records of this type, such as `Data`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1), tfvalidator.KnownTenantSecretType()},
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "Only records of this status: `ACTIVE`, `ARCHIVED` or `DESTROYED`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf(recordStatuses()...)},
			},
			"source": schema.StringAttribute{
				MarkdownDescription: "Only records of this source: `UPLOADED`, `HSM` or `REMOTE`.",
				Optional:            true,
				Validators: []validator.String{stringvalidator.OneOf(salesforce.SourceUploaded, salesforce.SourceHSM,
					salesforce.SourceRemote)},
			},
			"organization_id": shownString("Id of the org, 18 characters."),
			"tenant_secrets": schema.ListNestedAttribute{
				MarkdownDescription: "The records, sorted by type, then version.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: recordAttributes()},
			},
			"counts": schema.MapAttribute{
				MarkdownDescription: "Number of records in `tenant_secrets` by status. `ACTIVE`, `ARCHIVED` and `DESTROYED` are " +
					"always there, with 0 for none. Salesforce keeps at most 50 ACTIVE and ARCHIVED keys of a type.",
				Computed:    true,
				ElementType: types.Int64Type,
			},
		},
	}
}

// recordStatuses are the statuses of a TenantSecret [D ShieldREST].
func recordStatuses() []string {
	return []string{salesforce.StatusActive, salesforce.StatusArchived, salesforce.StatusDestroyed}
}

func (d *tenantSecretsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model tenantSecretsDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	all, ok := d.forPlan(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	if all.Count() == 0 {
		resp.Diagnostics.AddWarning("The org shows no tenant secret at all",
			"Either it has none, or the user may not see them. "+permissionsAdvice)
	}
	model.populate(all.Rows(), d.data.Session.OrganizationID)
	rows := model.TenantSecrets
	model.TenantSecrets = []tenantSecretRecordModel{}
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
	if !resp.Diagnostics.HasError() {
		row := func(i int) tenantSecretRecordModel { return rows[i] }
		pluginserver.SetRows(ctx, &resp.State, "tenant_secrets", len(rows), row, &resp.Diagnostics)
	}
}

// populate fills the model with the records that the filters match.
func (m *tenantSecretsDataSourceModel) populate(records []salesforce.TenantSecret, org string) {
	m.OrganizationID = types.StringValue(org)
	m.TenantSecrets = []tenantSecretRecordModel{}
	m.Counts = map[string]int64{}
	for _, status := range recordStatuses() {
		m.Counts[status] = 0
	}
	for _, row := range records {
		if !matchesFilter(m.Type, row.Type) || !matchesFilter(m.Status, row.Status) || !matchesFilter(m.Source, row.Source) {
			continue
		}
		var shown tenantSecretRecordModel
		shown.populate(row)
		m.TenantSecrets = append(m.TenantSecrets, shown)
		m.Counts[row.Status]++
	}
}

// matchesFilter reports whether a value passes an optional filter.
func matchesFilter(filter types.String, value string) bool {
	return filter.IsNull() || filter.ValueString() == value
}
