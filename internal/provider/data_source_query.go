package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

var (
	_ datasource.DataSourceWithConfigure      = (*queryDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig = (*queryDataSource)(nil)
)

// queryDataSource shows the result of a SOQL query.
type queryDataSource struct{ dataSourceBase }

func newQueryDataSource() datasource.DataSource { return &queryDataSource{} }

type queryDataSourceModel struct {
	SOQL        types.String `tfsdk:"soql"`
	Tooling     types.Bool   `tfsdk:"tooling"`
	TotalSize   types.Int64  `tfsdk:"total_size"`
	RecordsJSON types.String `tfsdk:"records_json"`
}

func (d *queryDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_query"
}

func (d *queryDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The result of a SOQL query, all pages of it. What the query selects is kept in state in plain text: select nothing that must not be there. A query that " +
			"could return the `SecretValue` of a tenant secret is refused, since reading it is an export that Salesforce may audit, and state is no place for it: use the " +
			"ephemeral resource `salesforcebyok_tenant_secret_export`.",
		Attributes: map[string]schema.Attribute{
			"soql": schema.StringAttribute{
				MarkdownDescription: "The query. It is sent as it is: whatever is interpolated into it must be escaped for SOQL (`\\` and `'` within a string by a `\\`).",
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"tooling": schema.BoolAttribute{
				MarkdownDescription: "Whether to ask the Tooling API, which has objects of its own, such as `Certificate`. Default `false`.",
				Optional:            true,
			},
			"total_size": shownInt64("Number of records as Salesforce counts them; for `SELECT COUNT()`, which returns no record, the count."),
			"records_json": shownString("The records as a JSON array, in the order and form in which Salesforce sent them, with their `attributes`. Read them with " +
				"`jsondecode`. Without `ORDER BY` the order may differ at each read."),
		},
	}
}

// secretValueField finds the field SecretValue, but neither SecretValueHash nor SecretValueCertificate.
var secretValueField = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\bSecretValue\b`) })

// allFields finds FIELDS(ALL), FIELDS(STANDARD) and FIELDS(CUSTOM), the first two of which include SecretValue.
var allFields = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\bFIELDS\s*\(`) })

// tenantSecretObject finds the object TenantSecret.
var tenantSecretObject = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\bTenantSecret\b`) })

// guardedObject finds an object that Salesforce hides from a user without permission, by an empty result or as if it did not exist [R].
var guardedObject = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(TenantSecret|Certificate|DataEncryptionKey|ExternalEncryptionRootKey)\b`)
})

// warnHidden warns of an empty answer about such an object if the user lacks a permission, or may. Permissions that can't be checked are no
// reason to warn.
func (d *dataSourceBase) warnHidden(ctx context.Context, at path.Path, diags *diag.Diagnostics) {
	found, err := d.data.Client.CheckPermissions(ctx)
	hides := func(permissions []string) string {
		return strings.Join(slices.DeleteFunc(permissions, func(p string) bool {
			return p != salesforce.PermissionManageEncryptionKeys && p != salesforce.PermissionManageCertificates
		}), ", ")
	}
	missing, untold := hides(found.Missing), hides(found.Untold)
	lacks := "The user lacks " + missing
	switch {
	case err != nil || missing+untold == "":
		return
	case missing == "":
		lacks = "Whether the user has " + untold + " can't be learned"
	}
	diags.AddAttributeWarning(at, "Missing permissions may hide records",
		fmt.Sprintf("Salesforce shows nothing. It answers so if there is nothing, and if the user may not see it. %s in org %s; see missing_permissions of salesforcebyok_organization.", lacks,
			d.data.Session.OrganizationID))
}

// readsSecretValue reports whether a query may return a SecretValue. It would rather refuse a query too many.
func readsSecretValue(soql string) bool {
	return secretValueField().MatchString(soql) || allFields().MatchString(soql) && tenantSecretObject().MatchString(soql)
}

// ValidateConfig refuses an export in disguise before anything is sent.
func (d *queryDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var config queryDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.SOQL.IsUnknown() {
		return
	}
	config.check(&resp.Diagnostics)
}

func (m *queryDataSourceModel) check(diags *diag.Diagnostics) {
	if readsSecretValue(m.SOQL.ValueString()) {
		diags.AddAttributeError(path.Root("soql"), "Query of a SecretValue",
			"Expected a query that can't return the SecretValue of a tenant secret; this one names it, or asks TenantSecret for all its fields. Reading it is an export, and the "+
				"result would stay in state. Nothing was sent. To export a key use the ephemeral resource salesforcebyok_tenant_secret_export; otherwise name the fields without it.")
	}
}

func (d *queryDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model queryDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	// Validation has not seen a value that was unknown then.
	model.check(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	result, err := d.data.Client.Query(ctx, model.SOQL.ValueString(), model.Tooling.ValueBool())
	if err != nil {
		addAnswer(&resp.Diagnostics, path.Root("soql"), "Unable to run the query", err)

		return
	}
	if result.TotalSize == 0 && guardedObject().MatchString(model.SOQL.ValueString()) {
		d.warnHidden(ctx, path.Root("soql"), &resp.Diagnostics)
	}
	records, err := joinRecords(result.Records)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("soql"), "Result of the query is not kept", opening(err)+" Nothing was changed.")

		return
	}
	model.TotalSize = types.Int64Value(int64(result.TotalSize))
	model.RecordsJSON = types.StringValue(records)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// addAnswer is addError for an answer of Salesforce that an attribute has caused: where it refused what was asked, the attribute is marked.
func addAnswer(diags *diag.Diagnostics, at path.Path, summary string, err error) {
	var refused *salesforce.Error
	if errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
		diags.AddAttributeError(at, summary, opening(err)+advice(err))

		return
	}
	addError(diags, summary, err)
}

// joinRecords makes a JSON array of records and keeps their text. Records with a SecretValue, by whatever way a query came by it, are an
// error.
func joinRecords(records []json.RawMessage) (string, error) {
	var all bytes.Buffer
	all.WriteByte('[')
	for i, record := range records {
		var value any
		if err := json.Unmarshal(record, &value); err != nil {
			return "", fmt.Errorf("record %d of the result is not JSON", i+1)
		}
		if hasSecretValue(value) {
			return "", fmt.Errorf("record %d of the result holds a SecretValue, which must not be in state; export it with the ephemeral resource "+
				"salesforcebyok_tenant_secret_export", i+1)
		}
		if i > 0 {
			all.WriteByte(',')
		}
		if err := json.Compact(&all, record); err != nil {
			return "", fmt.Errorf("record %d of the result is not JSON", i+1)
		}
	}
	all.WriteByte(']')

	return all.String(), nil
}

// hasSecretValue looks for a field SecretValue with a value, at any depth.
func hasSecretValue(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			if strings.EqualFold(name, "SecretValue") && field != nil || hasSecretValue(field) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasSecretValue)
	}

	return false
}
