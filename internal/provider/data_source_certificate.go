package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

var _ datasource.DataSourceWithConfigure = (*certificateDataSource)(nil)

// certificateDataSource shows one certificate of the org.
type certificateDataSource struct{ dataSourceBase }

func newCertificateDataSource() datasource.DataSource { return &certificateDataSource{} }

// certificateRecordModel is a certificate as the data sources show it: its row, and its X.509
// content where the org has one.
type certificateRecordModel struct {
	ID                              types.String `tfsdk:"id"`
	DeveloperName                   types.String `tfsdk:"developer_name"`
	Label                           types.String `tfsdk:"label"`
	ExpirationDate                  types.String `tfsdk:"expiration_date"`
	CreatedDate                     types.String `tfsdk:"created_date"`
	KeySize                         types.Int64  `tfsdk:"key_size"`
	CASigned                        types.Bool   `tfsdk:"ca_signed"`
	EncryptedWithPlatformEncryption types.Bool   `tfsdk:"encrypted_with_platform_encryption"`
	PrivateKeyExportable            types.Bool   `tfsdk:"private_key_exportable"`
	Unusable                        types.Bool   `tfsdk:"unusable"`
	UsingKMS                        types.Bool   `tfsdk:"using_kms"`
	CertificatePEM                  types.String `tfsdk:"certificate_pem"`
	CSRPEM                          types.String `tfsdk:"csr_pem"`
	SHA256Fingerprint               types.String `tfsdk:"sha256_fingerprint"`
	SerialNumber                    types.String `tfsdk:"serial_number"`
	NotBefore                       types.String `tfsdk:"not_before"`
	NotAfter                        types.String `tfsdk:"not_after"`
	BYOKCompatible                  types.Bool   `tfsdk:"byok_compatible"`
	BYOKProblems                    []string     `tfsdk:"byok_problems"`
	CompatibleTypes                 []string     `tfsdk:"compatible_types"`
}

type certificateDataSourceModel struct {
	certificateRecordModel

	OrganizationID types.String `tfsdk:"organization_id"`
}

func (d *certificateDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_certificate"
}

// certificateAttributes are those of certificateRecordModel, all shown.
func certificateAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": shownString("Id of the certificate, 18 characters."),
		"developer_name": shownString("Unique name (DeveloperName): what `certificate` of " +
			"`salesforcebyok_tenant_secret` takes."),
		"label": shownString("Label in Setup. It may differ from the unique name."),
		"expiration_date": shownString("When it expires, as its row shows, RFC 3339, UTC. Null if " +
			"Salesforce shows none."),
		"created_date": shownString("When it was created, RFC 3339, UTC."),
		"key_size":     shownInt64("Size of its key in bits. BYOK needs 4096."),
		"ca_signed": shownBool("Whether a certificate authority signs it, as opposed to " +
			"self-signed."),
		"encrypted_with_platform_encryption": shownBool("Whether its private key is encrypted with Platform Encryption, " +
			"which BYOK needs."),
		"private_key_exportable": shownBool("Whether its private key may be exported. BYOK needs `false`."),
		"unusable": shownBool("Whether it can't be used yet: a CA-signed certificate waits for " +
			"its signed chain."),
		"using_kms": shownBool("Whether it is made for the KMS. Such a certificate serves keys of the type Database only, " +
			"and these take no other."),
		"certificate_pem": shownString("The certificate, without its issuers, as PEM. Null if the org holds none that can " +
			"be read."),
		"csr_pem": shownString("The signing request of a CA-signed certificate that waits for its chain, as PEM, else null."),
		"sha256_fingerprint": shownString("SHA-256 of its DER encoding, 64 lower-case hex digits without " +
			"colons. Compare it with what `certificate_sha256` shows."),
		"serial_number": shownString("Serial number, lower-case hex."),
		"not_before":    shownString("Beginning of its validity, from the X.509 certificate, RFC 3339, UTC."),
		"not_after":     shownString("End of its validity, from the X.509 certificate, RFC 3339, UTC."),
		"byok_compatible": shownBool("Whether it can wrap key material now: RSA of 4096 bits, encrypted with Platform " +
			"Encryption, not exportable, usable, within its validity by the org's clock. `compatible_types` says for which " +
			"types."),
		"byok_problems": schema.ListAttribute{
			MarkdownDescription: "Why it can't wrap key material, in words. Empty if it can.",
			Computed:            true,
			ElementType:         types.StringType,
		},
		"compatible_types": schema.ListAttribute{
			MarkdownDescription: compatibleTypesDescription,
			Computed:            true,
			ElementType:         types.StringType,
		},
	}
}

// compatibleTypesDescription is that of compatible_types wherever a certificate is shown.
const compatibleTypesDescription = "Types of keys that the certificate can wrap now: `Database` alone if it uses the " +
	"KMS, every other type if it does not. Empty if it can wrap none."

func (d *certificateDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := certificateAttributes()
	attributes["developer_name"] = schema.StringAttribute{
		MarkdownDescription: "Unique name (DeveloperName) of the certificate; the label is not searched.",
		Required:            true,
		Validators:          []validator.String{tfvalidator.DeveloperName()},
	}
	attributes["organization_id"] = shownString("Id of the org, 18 characters.")
	resp.Schema = schema.Schema{
		MarkdownDescription: "A certificate of the org (Setup, Certificate and Key Management), with its X.509 content and " +
			"whether key material can be wrapped with it. Its private key never leaves Salesforce.",
		Attributes: attributes,
	}
}

func (d *certificateDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model certificateDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	rows, ok := d.certificates(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	name := model.DeveloperName.ValueString()
	i := slices.IndexFunc(rows, func(c salesforce.Certificate) bool { return c.DeveloperName == name })
	if i < 0 {
		addNoCertificate(&resp.Diagnostics, rows, name, d.data.Session.OrganizationID)

		return
	}
	body, err := d.data.Inventory.CertificateChain(ctx, rows[i].ID)
	if err != nil && !errors.Is(err, salesforce.ErrNotFound) {
		addError(&resp.Diagnostics, "Unable to read the certificate", err)

		return
	}
	resp.Diagnostics.Append(model.populate(rows[i], body, d.data.Client.Now())...)
	model.OrganizationID = types.StringValue(d.data.Session.OrganizationID)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// addNoCertificate names the certificates that are there, and the one that was perhaps meant.
func addNoCertificate(diags *diag.Diagnostics, rows []salesforce.Certificate, name, org string) {
	found, meant := "The org shows no certificate at all.", ""
	names := make([]string, 0, len(rows))
	for _, row := range rows {
		names = append(names, row.DeveloperName)
		if strings.EqualFold(row.DeveloperName, name) || row.MasterLabel == name {
			meant = fmt.Sprintf(" Did you mean %s (label %q)?", row.DeveloperName, row.MasterLabel)
		}
	}
	if len(rows) > 0 {
		found = "The org shows these certificates: " + strings.Join(names, ", ") + "." + meant
	}
	diags.AddAttributeError(path.Root("developer_name"), "No such certificate",
		fmt.Sprintf("Expected a certificate with the unique name (DeveloperName) %q in org %s. %s %s", name, org, found,
			permissionsAdvice))
}

// populate fills the model from a certificate's row and the body of its CertificateChain, which is
// nil if the org has none. What is no certificate is a warning: the row is shown all the same.
func (m *certificateRecordModel) populate(row salesforce.Certificate, body []byte, now time.Time) diag.Diagnostics {
	var diags diag.Diagnostics
	*m = certificateRecordModel{
		ID:                              types.StringValue(row.ID),
		DeveloperName:                   types.StringValue(row.DeveloperName),
		Label:                           stringOrNull(row.MasterLabel),
		ExpirationDate:                  timeOrNull(row.ExpirationDate),
		CreatedDate:                     timeOrNull(row.CreatedDate),
		KeySize:                         types.Int64Value(int64(row.KeySize)),
		CASigned:                        types.BoolValue(row.CASigned),
		EncryptedWithPlatformEncryption: types.BoolValue(row.EncryptedWithPlatformEncryption),
		PrivateKeyExportable:            types.BoolValue(row.PrivateKeyExportable),
		Unusable:                        types.BoolValue(row.Unusable),
		UsingKMS:                        types.BoolValue(row.UsingKMS),
	}
	parsed, err := parseChain(body)
	facts := upload.Facts(row, parsed)
	problems := facts.Problems(now)

	var pending *byok.CertificateRequestError
	switch {
	case err == nil:
		m.CertificatePEM = types.StringValue(parsed.PEM())
		m.SHA256Fingerprint = types.StringValue(parsed.SHA256Fingerprint())
		m.SerialNumber = types.StringValue(parsed.SerialNumber())
		m.NotBefore = timeOrNull(parsed.X509.NotBefore)
		m.NotAfter = timeOrNull(parsed.X509.NotAfter)
	case errors.As(err, &pending):
		m.CSRPEM = types.StringValue(pending.PEM())
		problems = append(problems, "its signed chain has not been uploaded to Salesforce")
		diags.AddWarning("Certificate waits for its signature",
			fmt.Sprintf("Certificate %q holds a signing request (csr_pem) and no certificate yet: certificate_pem is null. "+
				"Have the request signed by the certificate authority, and upload the chain to Salesforce.", row.DeveloperName))
	default:
		problems = append(problems, "its X.509 certificate can't be read")
		diags.AddWarning("Certificate can't be read",
			fmt.Sprintf("Expected an X.509 certificate in the CertificateChain of %q (%s): %s The row is shown without it, "+
				"and certificate_pem is null.",
				row.DeveloperName, row.ID, sentence(err.Error())))
	}
	m.BYOKProblems = append([]string{}, problems...)
	m.BYOKCompatible = types.BoolValue(len(problems) == 0)
	m.CompatibleTypes = []string{}
	if len(problems) == 0 {
		m.CompatibleTypes = facts.CompatibleTypes(keys.KnownTypes(), now)
	}

	return diags
}

// errNoChain is a CertificateChain that the org answered with "not found".
var errNoChain = errors.New("there is none for this certificate")

func parseChain(body []byte) (*byok.Certificate, error) {
	if body == nil {
		return nil, errNoChain
	}

	return byok.ParseCertificate(body)
}
