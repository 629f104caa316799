package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

var _ datasource.DataSourceWithConfigure = (*organizationDataSource)(nil)

// organizationDataSource shows the org that the credentials lead to.
type organizationDataSource struct{ dataSourceBase }

func newOrganizationDataSource() datasource.DataSource { return &organizationDataSource{} }

type organizationDataSourceModel struct {
	ID                      types.String   `tfsdk:"id"`
	Name                    types.String   `tfsdk:"name"`
	OrganizationType        types.String   `tfsdk:"organization_type"`
	IsSandbox               types.Bool     `tfsdk:"is_sandbox"`
	InstanceName            types.String   `tfsdk:"instance_name"`
	APIVersions             []string       `tfsdk:"api_versions"`
	APIUsage                *apiUsageModel `tfsdk:"api_usage"`
	UserID                  types.String   `tfsdk:"user_id"`
	MissingPermissions      []string       `tfsdk:"missing_permissions"`
	UndeterminedPermissions []string       `tfsdk:"undetermined_permissions"`
}

type apiUsageModel struct {
	Used  types.Int64 `tfsdk:"used"`
	Limit types.Int64 `tfsdk:"limit"`
}

func (d *organizationDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_organization"
}

func (d *organizationDataSource) Schema(_ context.Context, _ datasource.SchemaRequest,
	resp *datasource.SchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The org that the credentials lead to, and a preflight: which of the permissions that BYOK " +
			"needs the user lacks. It only reads.",
		Attributes: map[string]schema.Attribute{
			"id":                shownString("Id of the org, 18 characters (`00D…`)."),
			"name":              shownString("Name of the org."),
			"organization_type": shownString("Edition, such as `Enterprise Edition`."),
			"is_sandbox":        shownBool("Whether the org is a sandbox."),
			"instance_name":     shownString("Where the org is hosted, such as `NA139`."),
			"api_versions": schema.ListAttribute{
				MarkdownDescription: "Versions of the API that the org serves, oldest first, such as `62.0`.",
				Computed:            true,
				ElementType:         types.StringType,
			},
			"api_usage": schema.SingleNestedAttribute{
				MarkdownDescription: "API calls of the org within the last 24 hours, as Salesforce reported with its latest " +
					"answer. It differs at each read, so don't let a resource depend on it. Null if Salesforce reported none.",
				Computed: true,
				Attributes: map[string]schema.Attribute{
					"used":  shownInt64("Calls that were made."),
					"limit": shownInt64("Calls that may be made."),
				},
			},
			"user_id": shownString("Id of the user whom the calls run as. Null with `access_token`, which does not show it."),
			"missing_permissions": schema.ListAttribute{
				MarkdownDescription: fmt.Sprintf("Which of `%s`, `%s`, `%s` and `%s` the user lacks; empty is good. The last is "+
					"needed for certificates and settings only, and Modify All Data stands in for it. Read from "+
					"UserPermissionAccess. If the org does not show that object, judged by what the user can see: without the "+
					"first, TenantSecret is hidden or can't be created (so it is without Shield); without the second, certificates "+
					"are hidden.", salesforce.PermissionManageEncryptionKeys,
					salesforce.PermissionManageCertificates,
					salesforce.PermissionCustomizeApplication, salesforce.PermissionModifyMetadata),
				Computed:    true,
				ElementType: types.StringType,
			},
			"undetermined_permissions": schema.ListAttribute{
				MarkdownDescription: "Which of these permissions cannot be checked without changing something in the org. They " +
					"are not in `missing_permissions`, but may be missing too.",
				Computed:    true,
				ElementType: types.StringType,
			},
		},
	}
}

func (d *organizationDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	if !d.ready(&resp.Diagnostics) {
		return
	}
	client := d.data.Client
	organization, err := client.GetOrganization(ctx)
	if err != nil {
		addError(&resp.Diagnostics, "Unable to read the organization", err)

		return
	}
	versions, err := client.APIVersions(ctx)
	if err != nil {
		addError(&resp.Diagnostics, "Unable to read the API versions", err)

		return
	}
	permissions, err := client.CheckPermissions(ctx)
	if err != nil {
		addError(&resp.Diagnostics, "Unable to check the permissions", err)

		return
	}
	if len(permissions.Missing) > 0 {
		resp.Diagnostics.AddWarning("The user lacks permissions that BYOK needs",
			fmt.Sprintf("Expected %s, %s, %s and, for certificates and settings, %s. Missing in org %s: %s. Assign them by a "+
				"permission set, and check that the org has Shield Platform Encryption.",
				salesforce.PermissionManageEncryptionKeys, salesforce.PermissionManageCertificates,
				salesforce.PermissionCustomizeApplication, salesforce.PermissionModifyMetadata,
				organization.ID, strings.Join(permissions.Missing, ", ")))
	}

	model := organizationDataSourceModel{
		ID:                      types.StringValue(organization.ID),
		Name:                    stringOrNull(organization.Name),
		OrganizationType:        stringOrNull(organization.OrganizationType),
		IsSandbox:               types.BoolValue(organization.IsSandbox),
		InstanceName:            stringOrNull(organization.InstanceName),
		APIVersions:             versions,
		UserID:                  stringOrNull(d.data.Session.UserID),
		MissingPermissions:      append([]string{}, permissions.Missing...),
		UndeterminedPermissions: append([]string{}, permissions.Undetermined...),
	}
	if used, limit, ok := client.Usage(); ok {
		model.APIUsage = &apiUsageModel{Used: types.Int64Value(used), Limit: types.Int64Value(limit)}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}
