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
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

var (
	_ resource.ResourceWithConfigure      = (*dataEncryptionKeyResource)(nil)
	_ resource.ResourceWithIdentity       = (*dataEncryptionKeyResource)(nil)
	_ resource.ResourceWithValidateConfig = (*dataEncryptionKeyResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*dataEncryptionKeyResource)(nil)
	_ resource.ResourceWithImportState    = (*dataEncryptionKeyResource)(nil)
)

// dataEncryptionKeyResource is the Search Index key of an org on Hyperforce, rotated in place.
type dataEncryptionKeyResource struct{ rotatedKey }

func newDataEncryptionKeyResource() resource.Resource {
	return &dataEncryptionKeyResource{rotatedKey{kind: dataKeyKind{}}}
}

type dataEncryptionKeyModel struct {
	Type                 types.String `tfsdk:"type"`
	KeyMaterialWO        types.String `tfsdk:"key_material_wo"`
	KeyMaterialWOVersion types.String `tfsdk:"key_material_wo_version"`
	CertificatePins      types.List   `tfsdk:"certificate_pins"`
	RotationTriggers     types.Map    `tfsdk:"rotation_triggers"`
	RotateAfterDays      types.Int64  `tfsdk:"rotate_after_days"`
	Escrow               types.Object `tfsdk:"escrow"`
	DeletionPolicy       types.String `tfsdk:"deletion_policy"`
	OrganizationID       types.String `tfsdk:"organization_id"`
	DataEncryptionKeyID  types.String `tfsdk:"data_encryption_key_id"`
	Version              types.Int64  `tfsdk:"version"`
	Status               types.String `tfsdk:"status"`
	CreatedDate          types.String `tfsdk:"created_date"`
	RotationID           types.String `tfsdk:"rotation_id"`
	RotationDueDate      types.String `tfsdk:"rotation_due_date"`
	NextRotationAllowed  types.String `tfsdk:"next_rotation_allowed_date"`
	SecretValueHash      types.String `tfsdk:"secret_value_hash"`
	EscrowCiphertext     types.String `tfsdk:"escrow_ciphertext"`
	KeyCheckValue        types.String `tfsdk:"key_check_value"`
	CertificateSHA256    types.String `tfsdk:"certificate_sha256"`
	Receipt              types.String `tfsdk:"receipt"`
}

// dataKeyKind is the kind of key that DataEncryptionKey records hold.
type dataKeyKind struct{}

// shared pairs the attributes that both models have.
func (d *dataEncryptionKeyModel) shared(m *keyModel) []struct{ own, common *types.String } {
	return []struct{ own, common *types.String }{
		{&d.Type, &m.Type},
		{&d.KeyMaterialWO, &m.KeyMaterialWO},
		{&d.KeyMaterialWOVersion, &m.KeyMaterialWOVersion},
		{&d.DeletionPolicy, &m.DeletionPolicy},
		{&d.OrganizationID, &m.OrganizationID},
		{&d.DataEncryptionKeyID, &m.TenantSecretID},
		{&d.Status, &m.Status},
		{&d.CreatedDate, &m.CreatedDate},
		{&d.RotationID, &m.RotationID},
		{&d.RotationDueDate, &m.RotationDueDate},
		{&d.NextRotationAllowed, &m.NextRotationAllowed},
		{&d.SecretValueHash, &m.SecretValueHash},
		{&d.EscrowCiphertext, &m.EscrowCiphertext},
		{&d.KeyCheckValue, &m.KeyCheckValue},
		{&d.CertificateSHA256, &m.CertificateSHA256},
		{&d.Receipt, &m.Receipt},
	}
}

func (dataKeyKind) load(ctx context.Context, from getter, to *keyModel) diag.Diagnostics {
	var model dataEncryptionKeyModel
	diags := from.Get(ctx, &model)
	for _, v := range model.shared(to) {
		*v.common = *v.own
	}
	to.CertificatePins, to.RotationTriggers, to.RotateAfterDays, to.Escrow, to.Version = model.CertificatePins,
		model.RotationTriggers, model.RotateAfterDays, model.Escrow, model.Version

	return diags
}

func (dataKeyKind) store(ctx context.Context, from *keyModel, to setter) diag.Diagnostics {
	var model dataEncryptionKeyModel
	for _, v := range model.shared(from) {
		*v.own = *v.common
	}
	model.CertificatePins, model.RotationTriggers = from.CertificatePins, from.RotationTriggers
	model.RotateAfterDays, model.Escrow, model.Version = from.RotateAfterDays, from.Escrow, from.Version
	return to.Set(ctx, &model)
}

func (dataKeyKind) recordType(typ string) string {
	if typ == keys.TypeSearchIndex {
		return keys.TypeDataKey
	}

	return typ
}

func (dataKeyKind) org(d *Data) upload.Org {
	return &upload.DataKeys{Client: d.Client, Patience: d.forWrite()}
}

func (k dataKeyKind) readForPlan(ctx context.Context, d *Data) (reading, error) {
	rows, err := d.Client.ListDataEncryptionKeys(ctx)
	if err != nil {
		return reading{}, err
	}

	return reading{records: upload.DataKeyRecords(rows), now: d.Client.Now()}, nil
}

// warm does nothing: such keys are read by each for itself.
func (dataKeyKind) warm(context.Context, *Data) {}

func (k dataKeyKind) readAgain(ctx context.Context, d *Data) (reading, error) {
	return k.readForPlan(ctx, d)
}

// dataEncryptionKeyAPI is the first API version with the object [D DEKRef].
const dataEncryptionKeyAPI = 63

func (dataKeyKind) check(d *Data, _ *keyModel) *problem.Problem {
	if d.Client.APINumber() >= dataEncryptionKeyAPI {
		return nil
	}

	return problem.New("", "This object needs a newer API version",
		"DataEncryptionKey exists from API version %d.0 on, found %s. Nothing was sent. Set api_version = \"%d.0\" or "+
			"newer in the provider block, or manage the Search Index key with salesforcebyok_tenant_secret.",
		dataEncryptionKeyAPI, d.Client.APIVersion(), dataEncryptionKeyAPI)
}

func (dataKeyKind) moved(context.Context, *Data, string) string { return "" }

func (dataKeyKind) setting(context.Context, *Data, string, []keys.Record) (string, bool) {
	return "", true
}

func (dataKeyKind) warn(ctx context.Context, b *base, diags *diag.Diagnostics) {
	b.warnNoRootKey(ctx, diags)
}

// traits asks whether the org keeps a Description on such keys: it is not documented that each
// does.
func (dataKeyKind) traits(ctx context.Context, d *Data, w *keys.Wanted) error {
	marked, err := d.keepsDescription(ctx)
	if err != nil {
		return fmt.Errorf("describing DataEncryptionKey: %w", err)
	}
	w.Hashless, w.Unmarked = true, !marked

	return nil
}

func (dataKeyKind) resource() string { return typeName + "_data_encryption_key" }

func (dataKeyKind) words(string) (name, importAs, objects string) {
	return "Search Index", "salesforcebyok_data_encryption_key.<name> " + keys.TypeSearchIndex, "data encryption keys"
}

func (r *dataEncryptionKeyResource) Metadata(_ context.Context, req resource.MetadataRequest,
	resp *resource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_data_encryption_key"
}

func (r *dataEncryptionKeyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The Search Index key of an org on Hyperforce (API version 63.0 or newer), rotated in place. " +
			"Salesforce makes a certificate for each upload; the key is wrapped with it by CKM_RSA_AES_KEY_WRAP. An active " +
			"Salesforce root key is needed. Such a key can be neither destroyed nor exported. Orgs elsewhere, and API " +
			"versions up to 62.0, keep the Search Index key in `salesforcebyok_tenant_secret`.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: "`SearchIndex`, the default and only type.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(keys.TypeSearchIndex),
				Validators:          []validator.String{stringvalidator.OneOf(keys.TypeSearchIndex)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"key_material_wo":         keyMaterialAttribute(),
			"key_material_wo_version": keyMaterialVersionAttribute(),
			"certificate_pins": certificatePinsAttribute(" Salesforce makes a certificate for each key: the first apply of a " +
				"rotation stops and names it, and an apply with its pin goes on."),
			"rotation_triggers": rotationTriggersAttribute(),
			"rotate_after_days": schema.Int64Attribute{
				MarkdownDescription: "Age in days, 1 or more, after which the next plan rotates the key in use. Default: age " +
					"rotates nothing.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(1, maxDays)},
			},
			"escrow": escrowAttribute(),
			"deletion_policy": deletionPolicyAttribute("`ABANDON` (default) forgets the key, which stays in use. `PREVENT` "+
				"makes it an error, even after the block is gone from the configuration.", policyAbandon, policyPrevent),
			"organization_id":        computedString("Id of the org, 18 characters."),
			"data_encryption_key_id": computedString("Id of the key in use, or `version-<n>` if Salesforce shows none."),
			"version": schema.Int64Attribute{
				MarkdownDescription: "Version of the key in use.",
				Computed:            true,
			},
			"status":            computedString("Status of the key in use: `ACTIVE`."),
			"created_date":      computedString("When the key in use was created, RFC 3339, UTC."),
			"rotation_id":       computedString("Id of the rotation that made the key; see `salesforcebyok_tenant_secret`."),
			"rotation_due_date": computedString("When the key in use reaches `rotate_after_days`, RFC 3339, UTC."),
			"next_rotation_allowed_date": computedString("When Salesforce documents that it accepts the next key, RFC 3339, " +
				"UTC: one hour after the last."),
			"secret_value_hash": computedString("Base64 SHA-256 of the 32 plaintext bytes, as computed here: Salesforce keeps " +
				"none for this kind of key. Null if the provider never saw the material."),
			"escrow_ciphertext": computedString("The escrow copy, age armor, safe to publish. Null without escrow."),
			"key_check_value": computedString("First 3 bytes of AES-256-ECB over a zero block, hex. Null if the provider " +
				"never saw the material."),
			"certificate_sha256": computedString("SHA-256 fingerprint of the certificate that wrapped the key, hex. Null if " +
				"that is not known."),
			"receipt": computedString("Evidence of the upload, JSON; see `salesforcebyok_tenant_secret`."),
		},
	}
}

// ValidateConfig checks what depends on more than one attribute.
func (r *dataEncryptionKeyResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest,
	resp *resource.ValidateConfigResponse,
) {
	var config keyModel
	resp.Diagnostics.Append(r.kind.load(ctx, req.Config, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	checkMaterialVersion(config.KeyMaterialWO, config.KeyMaterialWOVersion, &resp.Diagnostics)
	checkEscrow(ctx, config.Escrow, &resp.Diagnostics)
}
