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

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

var _ datasource.DataSourceWithConfigure = (*queryDataSource)(nil)

// queryDataSource shows the result of a SOQL query.
type queryDataSource struct{ dataSourceBase }

func newQueryDataSource() datasource.DataSource { return &queryDataSource{} }

type queryDataSourceModel struct {
	SOQL        types.String `tfsdk:"soql"`
	Tooling     types.Bool   `tfsdk:"tooling"`
	TotalSize   types.Int64  `tfsdk:"total_size"`
	RecordsJSON types.String `tfsdk:"records_json"`
}

func (d *queryDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_query"
}

func (d *queryDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The result of a SOQL query, all pages of it. What the query selects is kept in state in " +
			"plain text: select nothing that must not be there. Fields named `SecretValue` or `SessionToken`, of whatever " +
			"object, are null in the result, with a warning: reading a `SecretValue` is an export that Salesforce may log, " +
			"and state is no place for it. Use the ephemeral resource `salesforcebyok_tenant_secret_export`.",
		Attributes: map[string]schema.Attribute{
			"soql": schema.StringAttribute{
				MarkdownDescription: "The query. It is sent as it is: whatever is interpolated into it must be escaped for SOQL " +
					"(`\\` and `'` within a string by a `\\`).",
				Required:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"tooling": schema.BoolAttribute{
				MarkdownDescription: "Whether to ask the Tooling API, which has objects of its own, such as `Certificate`. " +
					"Default `false`.",
				Optional: true,
			},
			"total_size": shownInt64("Number of records as Salesforce counts them; for `SELECT COUNT()`, which returns no " +
				"record, the count."),
			"records_json": shownString("The records as a JSON array, in the order and form in which Salesforce sent them, " +
				"with their `attributes`. Read them with `jsondecode`. Without `ORDER BY` the order may differ at each read."),
		},
	}
}

func (d *queryDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model queryDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	result, err := d.data.Client.Query(ctx, model.SOQL.ValueString(), model.Tooling.ValueBool())
	if err != nil {
		addAnswer(&resp.Diagnostics, path.Root("soql"), "Unable to run the query", err)

		return
	}
	if result.TotalSize == 0 && guardedObject.MatchString(model.SOQL.ValueString()) {
		d.warnHidden(ctx, path.Root("soql"), &resp.Diagnostics)
	}
	records, hidden, err := joinRecords(result.Records)
	if hidden {
		resp.Diagnostics.AddAttributeWarning(path.Root("soql"), "Secrets of the result are left out",
			"The query selects SecretValue or SessionToken, which must not be in state: each is null in records_json. Reading "+
				"a SecretValue is an export, which Salesforce may log. Leave these fields out, or use the ephemeral resource "+
				"salesforcebyok_tenant_secret_export.")
	}
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("soql"), "Result of the query is not kept",
			opening(err)+" Nothing was changed.")

		return
	}
	model.TotalSize = types.Int64Value(int64(result.TotalSize))
	model.RecordsJSON = types.StringValue(records)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// addAnswer is addError for an answer of Salesforce that an attribute has caused: if it refused
// what was asked, the attribute is marked.
func addAnswer(diags *diag.Diagnostics, at path.Path, summary string, err error) {
	var refused *salesforce.Error
	if errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
		diags.AddAttributeError(at, summary, opening(err)+advice(err))

		return
	}
	addError(diags, summary, err)
}

// guardedObject finds an object that Salesforce hides from a user without permission, by an empty
// result or as if it did not exist [R].
var guardedObject = regexp.MustCompile(`(?i)\b(TenantSecret|Certificate|DataEncryptionKey|ExternalEncryptionRootKey)\b`)

// warnHidden warns of an empty answer about such an object if the user lacks a permission, or may.
// Permissions that can't be checked are no reason to warn.
func (d *dataSourceBase) warnHidden(ctx context.Context, at path.Path, diags *diag.Diagnostics) {
	found, err := d.data.Client.CheckPermissions(ctx)
	hides := func(permissions []string) string {
		return strings.Join(slices.DeleteFunc(permissions, func(p string) bool {
			return p != salesforce.PermissionManageEncryptionKeys && p != salesforce.PermissionManageCertificates
		}), ", ")
	}
	missing, undetermined := hides(found.Missing), hides(found.Undetermined)
	lacks := "The user lacks " + missing
	switch {
	case err != nil || missing+undetermined == "":
		return
	case missing == "":
		lacks = "Whether the user has " + undetermined + " can't be learned"
	}
	diags.AddAttributeWarning(at, "Missing permissions may hide records",
		fmt.Sprintf("Salesforce shows nothing: either there is nothing, or the user may not see it. %s in org %s; see "+
			"missing_permissions of salesforcebyok_organization.", lacks,
			d.data.Session.OrganizationID))
}

// secretFields are the fields, of any object, whose values must not be in state: an exported key,
// and what authorises the upload of one.
var secretFields = []string{"SecretValue", "SessionToken"}

func isSecretField(name string) bool {
	return slices.ContainsFunc(secretFields, func(field string) bool { return strings.EqualFold(field, name) })
}

// joinRecords makes a JSON array of records and keeps their text, but for secrets, which become
// null. hidden reports whether there were any.
func joinRecords(records []json.RawMessage) (text string, hidden bool, err error) {
	var all bytes.Buffer
	all.WriteByte('[')
	for i, record := range records {
		var value any
		if err := json.Unmarshal(record, &value); err != nil {
			return "", hidden, fmt.Errorf("record %d of the result is not JSON", i+1)
		}
		if i > 0 {
			all.WriteByte(',')
		}
		if hasSecret(value) {
			hidden = true
			in := json.NewDecoder(bytes.NewReader(record))
			in.UseNumber()
			err = withoutSecrets(&all, in)
		} else {
			err = json.Compact(&all, record)
		}
		if err != nil {
			return "", hidden, fmt.Errorf("record %d of the result is not JSON", i+1)
		}
	}
	all.WriteByte(']')

	return all.String(), hidden, nil
}

// hasSecret looks for a secret field with a value, at any depth.
func hasSecret(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			if isSecretField(name) && field != nil || hasSecret(field) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasSecret)
	}

	return false
}

// withoutSecrets copies one value, in the order of its members, with null for what a secret field
// holds.
func withoutSecrets(out *bytes.Buffer, in *json.Decoder) error {
	token, err := in.Token()
	if err != nil {
		return err
	}
	opening, isDelimiter := token.(json.Delim)
	if !isDelimiter {
		return writeToken(out, token)
	}
	out.WriteString(opening.String())
	for n := 0; in.More(); n++ {
		if n > 0 {
			out.WriteByte(',')
		}
		if opening == '{' {
			if token, err = in.Token(); err != nil {
				return err
			}
			if err = writeToken(out, token); err != nil {
				return err
			}
			out.WriteByte(':')
			if name, _ := token.(string); isSecretField(name) {
				out.WriteString("null")
				if err = in.Decode(new(json.RawMessage)); err != nil {
					return err
				}

				continue
			}
		}
		if err = withoutSecrets(out, in); err != nil {
			return err
		}
	}
	if token, err = in.Token(); err != nil {
		return err
	}
	closing, _ := token.(json.Delim)
	out.WriteString(closing.String())

	return nil
}

// writeToken writes a JSON string, number, truth value or null as Salesforce would.
func writeToken(out *bytes.Buffer, token json.Token) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(token); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // the line end

	return nil
}
