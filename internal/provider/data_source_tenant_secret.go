package provider

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

var (
	_ datasource.DataSourceWithConfigure        = (*tenantSecretDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*tenantSecretDataSource)(nil)
)

// tenantSecretDataSource shows one record.
type tenantSecretDataSource struct{ dataSourceBase }

func newTenantSecretDataSource() datasource.DataSource { return &tenantSecretDataSource{} }

// tenantSecretRecordModel is a record as the data sources show it. It never holds a SecretValue,
// whose reading Salesforce may log as an export [I].
type tenantSecretRecordModel struct {
	TenantSecretID       types.String `tfsdk:"tenant_secret_id"`
	Type                 types.String `tfsdk:"type"`
	Version              types.Int64  `tfsdk:"version"`
	Status               types.String `tfsdk:"status"`
	Source               types.String `tfsdk:"source"`
	Description          types.String `tfsdk:"description"`
	RotationID           types.String `tfsdk:"rotation_id"`
	KeyDerivationMode    types.String `tfsdk:"key_derivation_mode"`
	SecretValueHash      types.String `tfsdk:"secret_value_hash"`
	RemoteKeyIdentifier  types.String `tfsdk:"remote_key_identifier"`
	RemoteKeyServiceID   types.String `tfsdk:"remote_key_service_id"`
	RemoteKeyCertificate types.String `tfsdk:"remote_key_certificate"`
	CreatedDate          types.String `tfsdk:"created_date"`
	CreatedByID          types.String `tfsdk:"created_by_id"`
	LastModifiedDate     types.String `tfsdk:"last_modified_date"`
	LastModifiedByID     types.String `tfsdk:"last_modified_by_id"`
}

type tenantSecretDataSourceModel struct {
	tenantSecretRecordModel

	OrganizationID types.String `tfsdk:"organization_id"`
}

func (d *tenantSecretDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secret"
}

// recordAttributes are those of tenantSecretRecordModel, all shown.
func recordAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"tenant_secret_id": shownString("Id of the record, 18 characters (`02G…`)."),
		"type":             shownString("What the key encrypts, such as `Data`."),
		"version":          shownInt64("Version of the record, a number that grows within the org."),
		"status":           shownString("`ACTIVE`, `ARCHIVED` or `DESTROYED`."),
		"source":           shownString("Where the key came from: `UPLOADED`, `HSM` or `REMOTE`."),
		"description": shownString("Description as Salesforce holds it: if this provider made the record, its description " +
			"followed by the marker `[tf:<rotation_id>]`. Null if there is none."),
		"rotation_id":         shownString("Rotation id in the marker of the description. Null without a marker."),
		"key_derivation_mode": shownString("`PBKDF2` or `NONE`. Null if Salesforce shows none."),
		"secret_value_hash": shownString("Base64 SHA-256 of the 32 plaintext bytes; it outlives the destruction of the " +
			"key. Null if Salesforce made the key and shows no hash."),
		"remote_key_identifier": shownString("For `REMOTE`: identifier of the key at the key service, else null."),
		"remote_key_service_id": shownString("For `REMOTE`: id of the Named Credential of the key service, else null."),
		"remote_key_certificate": shownString("For `REMOTE`: unique name of the certificate that the key service wraps the " +
			"key with, else null."),
		"created_date":        shownString("When the record was created, RFC 3339, UTC."),
		"created_by_id":       shownString("Id of the user who created the record."),
		"last_modified_date":  shownString("When the record was last changed, RFC 3339, UTC."),
		"last_modified_by_id": shownString("Id of the user who last changed the record."),
	}
}

func (d *tenantSecretDataSource) Schema(_ context.Context, _ datasource.SchemaRequest,
	resp *datasource.SchemaResponse,
) {
	attributes := recordAttributes()
	attributes["tenant_secret_id"] = schema.StringAttribute{
		MarkdownDescription: "Id of the record, 15 or 18 characters (`02G…`); shown as it is given. Give this, or `type`.",
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{tfvalidator.SalesforceID(tenantSecretPrefix)},
	}
	attributes["type"] = schema.StringAttribute{
		MarkdownDescription: "Type of the key, such as `Data`. Without `version` the ACTIVE record of the type is read; " +
			"for a cache-only type without one, the newest record, since Salesforce shows it as DESTROYED while callouts fail.",
		Optional:   true,
		Computed:   true,
		Validators: []validator.String{stringvalidator.LengthAtLeast(1), tfvalidator.KnownTenantSecretType()},
	}
	attributes["version"] = schema.Int64Attribute{
		MarkdownDescription: "Version of the record, a number that grows within the org. Give it with `type` to read a " +
			"record that is not ACTIVE.",
		Optional: true,
		Computed: true,
		Validators: []validator.Int64{
			int64validator.AtLeast(1),
			int64validator.AlsoRequires(path.MatchRoot("type")),
		},
	}
	attributes["organization_id"] = shownString("Id of the org, 18 characters.")
	resp.Schema = schema.Schema{
		MarkdownDescription: "One tenant secret record: by id, or the ACTIVE one of a type, or a version of a type. " +
			"Reading it is no export: the `SecretValue` is never asked for. All reads of a run share one query.",
		Attributes: attributes,
	}
}

func (d *tenantSecretDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.ExactlyOneOf(path.MatchRoot("tenant_secret_id"),
		path.MatchRoot("type"))}
}

func (d *tenantSecretDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model tenantSecretDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	all, ok := d.forPlan(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	row, ok := model.find(all.Rows(), d.data.Session.OrganizationID, &resp.Diagnostics)
	if !ok {
		return
	}

	given := model.TenantSecretID
	model.populate(row)
	if !given.IsNull() {
		// Terraform refuses a result that differs from the configuration.
		model.TenantSecretID = given
	}
	model.OrganizationID = types.StringValue(d.data.Session.OrganizationID)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// find returns the record that the configuration asks for, or says what is there instead.
func (m *tenantSecretDataSourceModel) find(records []salesforce.TenantSecret, org string,
	diags *diag.Diagnostics,
) (salesforce.TenantSecret, bool) {
	typ := m.Type.ValueString()
	var matches func(salesforce.TenantSecret) bool
	var asked string
	var attribute path.Path
	switch {
	case !m.TenantSecretID.IsNull():
		id := m.TenantSecretID.ValueString()
		matches = func(r salesforce.TenantSecret) bool { return salesforce.SameID(r.ID, id) }
		asked, attribute = "the id "+id, path.Root("tenant_secret_id")
	case !m.Version.IsNull():
		version := m.Version.ValueInt64()
		matches = func(r salesforce.TenantSecret) bool { return r.Type == typ && r.Version == version }
		asked, attribute = fmt.Sprintf("the type %q and the version %d", typ, version), path.Root("version")
	default:
		if current, ok := keys.Current(recordsOf(records), typ); ok {
			return records[slices.IndexFunc(records, func(r salesforce.TenantSecret) bool { return r.ID == current.ID })], true
		}
		asked, attribute = fmt.Sprintf("the type %q and the status ACTIVE", typ), path.Root("type")
		matches = func(salesforce.TenantSecret) bool { return false }
	}
	if i := slices.IndexFunc(records, matches); i >= 0 {
		return records[i], true
	}
	diags.AddAttributeError(attribute, "No such tenant secret",
		fmt.Sprintf("Expected a record with %s in org %s. %s %s", asked, org, recordsInWords(records, typ),
			permissionsAdvice))

	return salesforce.TenantSecret{}, false
}

// recordsInWords says which records an org shows: of one type by version, or of all types by
// number.
func recordsInWords(records []salesforce.TenantSecret, typ string) string {
	if len(records) == 0 {
		return "The org shows no tenant secret at all."
	}
	var versions []string
	byType := map[string]int{}
	for _, r := range records {
		byType[r.Type]++
		if r.Type == typ {
			versions = append(versions, strconv.FormatInt(r.Version, 10)+" "+r.Status)
		}
	}
	const shown = 10
	if n := len(versions); n > shown {
		versions = append([]string{fmt.Sprintf("%d older ones", n-shown)}, versions[n-shown:]...)
	}
	if len(versions) > 0 {
		return fmt.Sprintf("The org shows these versions of %s: %s.", typ, strings.Join(versions, ", "))
	}
	counts := make([]string, 0, len(byType))
	for name, n := range byType {
		counts = append(counts, fmt.Sprintf("%s (%d)", name, n))
	}
	slices.Sort(counts)

	return "The org shows records of these types: " + strings.Join(counts, ", ") + "."
}

// populate fills the model from a record.
func (m *tenantSecretRecordModel) populate(row salesforce.TenantSecret) {
	_, marker := keys.ParseDescription(row.Description)
	*m = tenantSecretRecordModel{
		TenantSecretID:       types.StringValue(row.ID),
		Type:                 types.StringValue(row.Type),
		Version:              types.Int64Value(row.Version),
		Status:               stringOrNull(row.Status),
		Source:               stringOrNull(row.Source),
		Description:          stringOrNull(row.Description),
		RotationID:           stringOrNull(marker.String()),
		KeyDerivationMode:    stringOrNull(row.KeyDerivationMode),
		SecretValueHash:      hashOrNull(row.SecretValueHash),
		RemoteKeyIdentifier:  stringOrNull(row.RemoteKeyIdentifier),
		RemoteKeyServiceID:   stringOrNull(row.RemoteKeyServiceID),
		RemoteKeyCertificate: stringOrNull(row.RemoteKeyCertificate),
		CreatedDate:          timeOrNull(row.CreatedDate),
		CreatedByID:          stringOrNull(row.CreatedByID),
		LastModifiedDate:     timeOrNull(row.LastModifiedDate),
		LastModifiedByID:     stringOrNull(row.LastModifiedByID),
	}
}
