package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

var (
	_ resource.ResourceWithConfigure      = (*tenantSecretResource)(nil)
	_ resource.ResourceWithIdentity       = (*tenantSecretResource)(nil)
	_ resource.ResourceWithValidateConfig = (*tenantSecretResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*tenantSecretResource)(nil)
	_ resource.ResourceWithImportState    = (*tenantSecretResource)(nil)
)

// tenantSecretResource is the key of one type in one org, rotated in place.
type tenantSecretResource struct{ rotatedKey }

func newTenantSecretResource() resource.Resource {
	return &tenantSecretResource{rotatedKey{kind: tenantSecretKind{}}}
}

// tenantSecretKind is the kind of key that TenantSecret records hold.
type tenantSecretKind struct{}

func (tenantSecretKind) load(ctx context.Context, from getter, to *keyModel) diag.Diagnostics {
	return from.Get(ctx, to)
}

func (tenantSecretKind) store(ctx context.Context, from *keyModel, to setter) diag.Diagnostics {
	return to.Set(ctx, from)
}

func (tenantSecretKind) recordType(typ string) string { return typ }

func (tenantSecretKind) org(d *Data) upload.Org {
	return upload.TenantSecrets{Client: d.Client, Inventory: d.Inventory}
}

func (tenantSecretKind) readForPlan(ctx context.Context, d *Data) (reading, error) {
	return readingOf(d.Inventory.ForPlan(ctx))
}

func (tenantSecretKind) warm(ctx context.Context, d *Data) {
	// Whoever needs the reading finds it, or its error. One after the other: a fault of the matrix
	// strikes a request by its place.
	_, _ = d.Inventory.ForPlan(ctx)
}

func (tenantSecretKind) readAgain(ctx context.Context, d *Data) (reading, error) {
	return readingOf(d.Inventory.ForWrite(ctx))
}

func readingOf(all inventory.Reading, err error) (reading, error) {
	if err != nil {
		return reading{}, err
	}

	return reading{records: all.Records(), now: all.ServerTime()}, nil
}

func (tenantSecretKind) check(*Data, *keyModel) *problem.Problem { return nil }

// moved asks only in the one case that it is about.
func (tenantSecretKind) moved(ctx context.Context, d *Data, typ string) string {
	api := d.Client.APINumber()
	if keys.SearchIndexMoved(typ, api, true) == "" {
		return ""
	}
	_, err := d.Client.Describe(ctx, "DataEncryptionKey", false)

	return keys.SearchIndexMoved(typ, api, err == nil)
}

// setting asks only before the first key of the type: Salesforce has taken one already if there is
// any.
func (tenantSecretKind) setting(ctx context.Context, d *Data, typ string, records []keys.Record) (string, bool) {
	if keys.DeterministicSetting(typ, false) == "" || len(keys.OfType(records, typ)) > 0 {
		return "", true
	}
	settings, err := d.Client.ReadSettings(ctx, salesforce.PlatformEncryptionSettings())

	return keys.DeterministicSetting(typ, settings[salesforce.SettingDeterministicEncryption]), err == nil
}

func (tenantSecretKind) warn(context.Context, *base, *diag.Diagnostics) {}

func (tenantSecretKind) traits(context.Context, *Data, *keys.Wanted) error { return nil }

func (tenantSecretKind) resource() string { return typeName + "_tenant_secret" }

func (tenantSecretKind) words(typ string) (name, importAs, objects string) {
	return typ, "salesforcebyok_tenant_secret.<name> " + typ, "tenant secrets"
}

// maxDays bounds ages and warnings in days: a century.
const maxDays = 36500

func (r *tenantSecretResource) Metadata(_ context.Context, req resource.MetadataRequest,
	resp *resource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secret"
}

func (r *tenantSecretResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The key of one type in one org. Salesforce keeps exactly one ACTIVE tenant secret per type; " +
			"this resource is the lineage of those records, and **rotation is an in-place update**: it uploads a new key, " +
			"Salesforce archives the previous one, and data that the previous one encrypted stays readable. With `source = " +
			"\"UPLOADED\"` (the default) and neither `key_material_wo` nor `wrapped_key_material`, the provider generates 32 " +
			"random bytes, escrows them, wraps them with the certificate and uploads them; the plaintext never reaches a " +
			"state, a plan, a log or a disk.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: "What the key encrypts: `Data` (fields and files, probabilistic), `DeterministicData`, " +
					"`EventBus`, `SearchIndex`, `Analytics` or `Database`. Any other value is a warning; one that differs only in " +
					"letter case is an error. A change replaces the resource and only forgets the key of the old type.",
				Required:      true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:    []validator.String{stringvalidator.LengthAtLeast(1), tfvalidator.KnownTenantSecretType()},
			},
			"description": schema.StringAttribute{
				MarkdownDescription: fmt.Sprintf("Description of the record in Setup, up to %d characters. The provider appends "+
					"the marker ` [tf:<rotation_id>]`. A change is made in place and does not rotate.",
					keys.MaxDescription),
				Optional:   true,
				Validators: []validator.String{stringvalidator.UTF8LengthAtMost(keys.MaxDescription)},
			},
			"source": schema.StringAttribute{
				MarkdownDescription: "Where the key comes from: `UPLOADED` (default; Bring Your Own Key), `HSM` (Salesforce " +
					"generates it) or `REMOTE` (cache-only: Salesforce fetches it from your key service). A change rotates.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(keys.SourceUploaded),
				Validators: []validator.String{stringvalidator.OneOf(keys.SourceUploaded, keys.SourceHSM, keys.SourceRemote)},
			},
			"certificate": schema.StringAttribute{
				MarkdownDescription: "Unique name (DeveloperName, not the label) of the BYOK-compatible certificate that wraps " +
					"the key. Required to make an `UPLOADED` key; an import can't read it back. A change alone does not rotate: it " +
					"applies from the next upload.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.DeveloperName()},
			},
			"certificate_pins": certificatePinsAttribute(""),
			"wrapping_algorithm": schema.StringAttribute{
				MarkdownDescription: "How the key is wrapped: `RSA_OAEP_SHA512` (default), `RSA_OAEP_SHA1` (for orgs that refuse " +
					"SHA-512; not available under strict FIPS) or `RSA_AES_KEY_WRAP_SHA512` (PKCS#11 CKM_RSA_AES_KEY_WRAP; the " +
					"default for `Database`). A change alone does not rotate.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{tfvalidator.WrappingAlgorithm()},
			},
			"key_derivation_mode": schema.StringAttribute{
				MarkdownDescription: "`PBKDF2` (default): Salesforce derives the data encryption key from the tenant secret. " +
					"`NONE`: the 32 bytes are the data encryption key itself; the org must allow opting out of derivation, and " +
					"`Database` keys can't opt out. A change rotates.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(keys.DerivationPBKDF2),
				Validators: []validator.String{stringvalidator.OneOf(keys.DerivationPBKDF2, keys.DerivationNone)},
			},
			"key_material_wo":         keyMaterialAttribute(),
			"key_material_wo_version": keyMaterialVersionAttribute(),
			"wrapped_key_material": schema.StringAttribute{
				MarkdownDescription: "Key material that was wrapped elsewhere, for instance in an HSM ceremony: base64 of the " +
					"ciphertext under `certificate` and `wrapping_algorithm`. Needs `secret_value_hash`. No plaintext enters the " +
					"pipeline, so there is no escrow and no key check value.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.WrappedKeyMaterial()},
			},
			"secret_value_hash": schema.StringAttribute{
				MarkdownDescription: "Base64 SHA-256 of the 32 plaintext bytes, as Salesforce keeps it. If configured, it pins " +
					"the key: material with another hash is refused before anything is sent, a new value rotates, and an ACTIVE " +
					"record that already has it is adopted instead of uploading. Null if Salesforce made the key.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{tfvalidator.SecretValueHash()},
			},
			"rotation_triggers": rotationTriggersAttribute(),
			"rotate_after_days": schema.Int64Attribute{
				MarkdownDescription: "Age in days, 1 or more, after which the next plan rotates the ACTIVE record. Default: age " +
					"rotates nothing. The refresh measures the age by the org's clock, so `-refresh=false` does not see it.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(1, maxDays)},
			},
			"warn_before_days": schema.Int64Attribute{
				MarkdownDescription: fmt.Sprintf("Days before the wrapping certificate expires from which a plan that uploads a "+
					"key warns. Default: %d.", defaultWarnBeforeDays),
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(0, maxDays)},
			},
			"escrow": escrowAttribute(),
			"remote_key_identifier": schema.StringAttribute{
				MarkdownDescription: "Identifier of the key at the key service, the last part of the callout's URL. Characters " +
					"that end or change a URL's path are a warning. Required for `REMOTE`, and an error for other sources. A change " +
					"rotates.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1), tfvalidator.Warn(tfvalidator.KeyIdentifier())},
			},
			"remote_key_service_id": schema.StringAttribute{
				MarkdownDescription: "Record id of the Named Credential of the key service. Required for `REMOTE`, and an error " +
					"for other sources. A change is made in place.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.SalesforceID()},
			},
			"remote_key_certificate": schema.StringAttribute{
				MarkdownDescription: "Unique name of the certificate that the key service wraps the key with. Required for " +
					"`REMOTE`, and an error for other sources. A change is made in place.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.DeveloperName()},
			},
			"deletion_policy": deletionPolicyAttribute("`ABANDON` (default) forgets the key, which stays ACTIVE in the org; a "+
				"warning says so. `PREVENT` makes it an error, even after the block is gone from the configuration, until an "+
				"apply has set `ABANDON`. No policy destroys the key.", policyAbandon, policyPrevent),
			"organization_id":  computedString("Id of the org, 18 characters."),
			"tenant_secret_id": computedString("Id (`02G…`, 18 characters) of the ACTIVE record."),
			"version": schema.Int64Attribute{MarkdownDescription: "Version of the ACTIVE record, a number that " +
				"grows within the org.", Computed: true},
			"status": computedString("Status of the record: `ACTIVE`; a cache-only key may read `DESTROYED` while " +
				"callouts fail."),
			"created_date":       computedString("When the ACTIVE record was created, RFC 3339, UTC."),
			"created_by_id":      computedString("Id of the user who created the ACTIVE record."),
			"last_modified_date": computedString("When the ACTIVE record was last changed, RFC 3339, UTC."),
			"rotation_id": computedString("Id of the rotation that made the ACTIVE record: 8 hex digits of a hash over the " +
				"rotation inputs, a dot, and a counter that every rotation raises. It is in the record's Description, so that an " +
				"interrupted apply can be repeated."),
			"rotation_due_date": computedString("When the ACTIVE record reaches `rotate_after_days`, RFC 3339, UTC. Null " +
				"without `rotate_after_days`."),
			"next_rotation_allowed_date": computedString("When Salesforce documents that it accepts the next key of this " +
				"type, RFC 3339, UTC: 24 hours after the newest one for Data and Analytics, 7 days for DeterministicData (4 " +
				"hours each in a sandbox, if its host name shows that it is one), 7 days for EventBus and SearchIndex, 90 days " +
				"for Database. Null for other types."),
			"escrow_ciphertext": computedString("The escrow copy, age armor, safe to publish. `age -d` with an identity of a " +
				"recipient gives the 32 bytes. Null without escrow."),
			"key_check_value": computedString("First 3 bytes of AES-256-ECB over a zero block, hex: it distinguishes keys and " +
				"reveals nothing about them. Null if the provider never saw the material."),
			"certificate_sha256": computedString("SHA-256 fingerprint of the certificate that wrapped the key, hex. Null if " +
				"that is not known."),
			"wrapping_certificate_sha256": computedString("SHA-256 fingerprint, hex, of the certificate that `certificate` " +
				"names **now**: the next upload wraps for it. Read at each refresh, and planned as a known value. Null for `HSM` " +
				"and `REMOTE`."),
			"receipt": computedString("Evidence of the upload, JSON: org, record, version, type, hash, algorithm, " +
				"certificate, key source, escrow recipients, whether Salesforce's hash matched on read-back, FIPS mode, provider " +
				"version, UTC time."),
		},
	}
}
