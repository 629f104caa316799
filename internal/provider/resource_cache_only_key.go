package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

var (
	_ resource.ResourceWithConfigure      = (*cacheOnlyKeyResource)(nil)
	_ resource.ResourceWithIdentity       = (*cacheOnlyKeyResource)(nil)
	_ resource.ResourceWithValidateConfig = (*cacheOnlyKeyResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*cacheOnlyKeyResource)(nil)
	_ resource.ResourceWithImportState    = (*cacheOnlyKeyResource)(nil)
)

// cacheOnlyKeyResource is the JWE that a key service must answer with.
type cacheOnlyKeyResource struct{ resourceBase }

func newCacheOnlyKeyResource() resource.Resource { return &cacheOnlyKeyResource{} }

type cacheOnlyKeyModel struct {
	KeyIdentifier        types.String `tfsdk:"key_identifier"`
	Certificate          types.String `tfsdk:"certificate"`
	CertificatePins      types.List   `tfsdk:"certificate_pins"`
	WarnBeforeDays       types.Int64  `tfsdk:"warn_before_days"`
	KeyMaterialWO        types.String `tfsdk:"key_material_wo"`
	KeyMaterialWOVersion types.String `tfsdk:"key_material_wo_version"`
	ReplayNonce          types.String `tfsdk:"replay_nonce"`
	Escrow               types.Object `tfsdk:"escrow"`
	OrganizationID       types.String `tfsdk:"organization_id"`
	JWE                  types.String `tfsdk:"jwe"`
	SecretValueHash      types.String `tfsdk:"secret_value_hash"`
	KeyCheckValue        types.String `tfsdk:"key_check_value"`
	CertificateSHA256    types.String `tfsdk:"certificate_sha256"`
	EscrowCiphertext     types.String `tfsdk:"escrow_ciphertext"`
	Receipt              types.String `tfsdk:"receipt"`
}

type cacheOnlyKeyIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
	KeyIdentifier  types.String `tfsdk:"key_identifier"`
}

// cacheOnlyEscrowType stands for the type in the names of escrow files: a cache-only key is not yet
// a tenant secret of any type.
const cacheOnlyEscrowType = "CacheOnly"

func (r *cacheOnlyKeyResource) Metadata(_ context.Context, req resource.MetadataRequest,
	resp *resource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_cache_only_key"
}

func (r *cacheOnlyKeyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	version := keyMaterialVersionAttribute()
	version.MarkdownDescription = "Any text that stands for the material in `key_material_wo`, such as `1` or the " +
		"version id of a secrets manager. A new value encrypts the material again, which must be the same: another key " +
		"needs another `key_identifier`."
	escrow := escrowAttribute()
	escrow.MarkdownDescription = "Escrow copy of the key, encrypted with [age](https://age-encryption.org) before the " +
		"JWE is made. Default: none; only Salesforce can then open the JWE, and a generated key can't be encrypted for " +
		"another certificate: a warning says so. A change applies when the JWE is next made, from `key_material_wo` with a " +
		"new version; a generated key keeps the copy that it has."
	escrow.Attributes["directory"] = schema.StringAttribute{
		MarkdownDescription: "Directory on the machine that applies, where the copy is also written as " +
			"`<org>-CacheOnly-<key_identifier>-<first 8 hex digits of the hash>.age` (mode 0600, never overwritten). Default: " +
			"none, so the copy is in state only.",
		Optional:   true,
		Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The JWE with which a key service answers Salesforce's callout for a cache-only key: the key, " +
			"encrypted for the org's certificate (RSA-OAEP, A256GCM). Nothing is sent to Salesforce; publish `jwe` at your " +
			"key service and create a `salesforcebyok_tenant_secret` with `source = \"REMOTE\"` on it. The JWE is ciphertext " +
			"and may be in state. Destroying this resource drops the JWE from state: with `escrow`, the key itself can be " +
			"recovered.",
		Attributes: map[string]schema.Attribute{
			"key_identifier": schema.StringAttribute{
				MarkdownDescription: "Identifier of the key at the key service: the JWE's `kid` and the tenant secret's " +
					"`remote_key_identifier`. It is the last part of the callout's URL, so `?`, `#`, `%`, `\\`, spaces and parts " +
					"like `..` are refused. A change makes another key: keep the instance of the old one, since archived records " +
					"need it.",
				Required:      true,
				Validators:    []validator.String{stringvalidator.LengthBetween(1, 255), tfvalidator.KeyIdentifier()},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"certificate": schema.StringAttribute{
				MarkdownDescription: "Unique name of the BYOK-compatible certificate that encrypts the key, the tenant secret's " +
					"`remote_key_certificate`. A change encrypts the same key again if `key_material_wo` gives it, and is refused " +
					"for a generated key, whose material is no longer known.",
				Required:   true,
				Validators: []validator.String{tfvalidator.DeveloperName()},
			},
			"certificate_pins": certificatePinsAttribute(""),
			"warn_before_days": schema.Int64Attribute{
				MarkdownDescription: fmt.Sprintf("Days before the certificate expires from which a refresh warns. Default: %d.",
					defaultWarnBeforeDays),
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(0, maxDays)},
			},
			"key_material_wo":         keyMaterialAttribute(),
			"key_material_wo_version": version,
			"replay_nonce": schema.StringAttribute{
				MarkdownDescription: "The JWE's `jti`: the nonce of a callout, if the org has replay detection on. Default: " +
					"none. A static JWE can't repeat it, so this is for tests and for key services that make each answer with " +
					"Terraform.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.LengthBetween(1, 255)},
			},
			"escrow":          escrow,
			"organization_id": computedString("Id of the org, 18 characters."),
			"jwe": computedString("The compact JWE, five base64url parts. A key service answers `{\"kid\": " +
				"key_identifier, \"jwe\": jwe}`."),
			"secret_value_hash": computedString("Base64 SHA-256 of the 32 plaintext bytes. Null for an imported JWE."),
			"key_check_value": computedString("First 3 bytes of AES-256-ECB over a zero block, hex. Null for an imported " +
				"JWE."),
			"certificate_sha256": computedString("SHA-256 fingerprint of the certificate that the key is encrypted for, hex. " +
				"Null for an imported JWE."),
			"escrow_ciphertext": computedString("The escrow copy, age armor, safe to publish. Null without escrow."),
			"receipt": computedString(receiptDescription +
				" Of the last making of the JWE; null for an imported one."),
		},
	}
}

func (r *cacheOnlyKeyResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{
			Description:       "Id of the org, 18 characters.",
			RequiredForImport: true,
		},
		"key_identifier": identityschema.StringAttribute{
			Description:       "Identifier of the key at the key service.",
			RequiredForImport: true,
		},
	}}
}

// ValidateConfig checks what depends on more than one attribute.
func (r *cacheOnlyKeyResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest,
	resp *resource.ValidateConfigResponse,
) {
	var config cacheOnlyKeyModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	checkMaterialVersion(config.KeyMaterialWO, config.KeyMaterialWOVersion, &resp.Diagnostics)
	checkEscrow(ctx, config.Escrow, &resp.Diagnostics)
}

// ModifyPlan keeps the JWE as it is unless an input changed; each making of it is another
// ciphertext.
func (r *cacheOnlyKeyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse,
) {
	var plan, config, state cacheOnlyKeyModel
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if req.Plan.Raw.IsNull() {
		r.warnDropped(ctx, state, &resp.Diagnostics)

		return
	}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	generated := config.KeyMaterialWO.IsNull()
	// Another identifier is another key: Terraform plans a creation next.
	if req.State.Raw.IsNull() || !plan.KeyIdentifier.Equal(state.KeyIdentifier) {
		if plan.Escrow.IsNull() {
			plan.EscrowCiphertext = types.StringNull()
		}
		if r.online() {
			plan.OrganizationID = types.StringValue(r.data.Session.OrganizationID)
		}
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
		if generated && plan.Escrow.IsNull() {
			resp.Diagnostics.AddAttributeWarning(path.Root("escrow"), "The key will be generated without escrow",
				"Only Salesforce can open the JWE: without an escrow copy this key can't be recovered or encrypted for another "+
					"certificate. Set escrow.")
		}
		if !req.State.Raw.IsNull() && !plan.KeyIdentifier.IsUnknown() {
			r.warnDropped(ctx, state, &resp.Diagnostics)
		}
		if r.online() && !plan.KeyIdentifier.IsUnknown() {
			r.checkIdentifier(ctx, plan.KeyIdentifier.ValueString(), config.KeyMaterialWO, &resp.Diagnostics)
		}
		r.checkCertificate(ctx, plan, &resp.Diagnostics)

		return
	}
	// An imported JWE has no fingerprint; what it was encrypted for is as the import said.
	changed := !plan.Certificate.Equal(state.Certificate) || !plan.ReplayNonce.Equal(state.ReplayNonce) ||
		!plan.KeyMaterialWOVersion.Equal(state.KeyMaterialWOVersion)
	plan.OrganizationID = state.OrganizationID
	if plan.Certificate.IsUnknown() || plan.ReplayNonce.IsUnknown() || plan.KeyMaterialWOVersion.IsUnknown() {
		// Whether the JWE is made again is known only during apply, when the core plans again.
		if generated {
			resp.Diagnostics.AddAttributeWarning(path.Root("certificate"), "A generated key can't be encrypted again",
				fmt.Sprintf("Key %q was generated. If its certificate is replaced, the apply can't make its JWE for the new one, "+
					"and refuses. Before that, take the key out of escrow and give it in "+
					"key_material_wo.", state.KeyIdentifier.ValueString()))
		}
		plan.planNew()
		plan.EscrowCiphertext = types.StringUnknown()
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

		return
	}
	if !changed {
		if !plan.Escrow.Equal(state.Escrow) {
			resp.Diagnostics.AddAttributeWarning(path.Root("escrow"), "Escrow applies from the next JWE",
				"The changed escrow does not apply to the key in use, whose material is no longer known. It applies when the JWE "+
					"is next made from key_material_wo.")
		}
		warnUnpinned(plan.CertificatePins, plan.Certificate, state.CertificateSHA256, &resp.Diagnostics)
		plan.warnOf(getPrivate[watchedCertificate](ctx, req.Private, privateWatchedCertificate, &resp.Diagnostics),
			&resp.Diagnostics)
		plan.JWE, plan.SecretValueHash, plan.KeyCheckValue = state.JWE, state.SecretValueHash, state.KeyCheckValue
		plan.CertificateSHA256, plan.EscrowCiphertext, plan.Receipt = state.CertificateSHA256, state.EscrowCiphertext,
			state.Receipt
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

		return
	}
	if generated {
		resp.Diagnostics.AddAttributeError(path.Root("certificate"), "A generated key's material is no longer known",
			fmt.Sprintf("A changed certificate, replay_nonce or key_material_wo_version needs the JWE of %q made again, but "+
				"its key was generated. Another key under this identifier would make data unreadable. Nothing was changed. Take "+
				"the key out of escrow and give it in key_material_wo, or use a new "+
				"key_identifier.", state.KeyIdentifier.ValueString()))

		return
	}
	if !config.KeyMaterialWO.IsUnknown() {
		if material, ok := takeMaterial(config.KeyMaterialWO, &resp.Diagnostics); ok {
			if sameKey(material, state, &resp.Diagnostics) && upload.WeakMaterial(material) != nil {
				warnWeakInUse(state.KeyIdentifier.ValueString(), &resp.Diagnostics)
			}
			material.Destroy()
		}
	}
	r.checkCertificate(ctx, plan, &resp.Diagnostics)
	plan.planNew()
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// warnDropped says what leaves the state with a key: data that the key has encrypted needs it for
// ever.
func (r *cacheOnlyKeyResource) warnDropped(ctx context.Context, state cacheOnlyKeyModel, diags *diag.Diagnostics) {
	identifier := state.KeyIdentifier.ValueString()
	if onlyInState(ctx, state.EscrowCiphertext, state.Escrow, state.OrganizationID.ValueString(), cacheOnlyEscrowType,
		state.SecretValueHash.ValueString()) {
		diags.AddAttributeWarning(path.Root("key_identifier"), "The only escrow copy leaves the state",
			fmt.Sprintf("The escrow_ciphertext of key %q is in no escrow.directory and leaves the state. Archived records "+
				"need that key for ever, and a new certificate needs the copy. Save it first, or keep this instance and add "+
				"another for the new key.", identifier))

		return
	}
	diags.AddWarning("The cache-only key's JWE leaves the state",
		fmt.Sprintf("Nothing changes in Salesforce or at the key service, which must keep what was published under %q: "+
			"without that and an escrow copy, data under this key can't be read again.", identifier))
}

// checkCertificate refuses, at plan, a certificate that can't wrap a cache-only key. One that is
// not there yet or waits for its chain may be made fit by the same apply.
func (r *cacheOnlyKeyResource) checkCertificate(ctx context.Context, plan cacheOnlyKeyModel, diags *diag.Diagnostics) {
	if !r.online() || plan.Certificate.IsUnknown() {
		return
	}
	name := plan.Certificate.ValueString()
	found, err := upload.LookUpCertificate(ctx, r.data.Inventory, name, "", r.data.Client.Now())
	if _, missing := problem.Of(err); missing || err == nil && found.Row.Unusable {
		return
	}
	switch {
	case err != nil:
		addUnchecked(diags, err)
	case len(found.Problems) > 0:
		diags.AddAttributeError(path.Root("certificate"), "Wrapping certificate is not fit for BYOK",
			fmt.Sprintf("Certificate %q can't wrap a cache-only key: %s. Nothing was made. Name another certificate.", name,
				strings.Join(found.Problems, "; ")))
	default:
		plan.checkPins(found.Certificate, diags)
	}
}

// checkPins refuses to encrypt the key for a certificate that is not pinned, and reports whether
// the pins hold.
func (m *cacheOnlyKeyModel) checkPins(certificate *byok.Certificate, diags *diag.Diagnostics) bool {
	if pinsHold(m.CertificatePins, certificate.SHA256Fingerprint()) {
		return true
	}

	return addProblem(diags, keys.CertificateNotPinned(m.Certificate.ValueString(), certificate.SHA256Fingerprint()))
}

// planNew plans the computed values of a JWE that is still to be made.
func (m *cacheOnlyKeyModel) planNew() {
	m.JWE, m.SecretValueHash, m.KeyCheckValue = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.CertificateSHA256, m.EscrowCiphertext, m.Receipt = types.StringUnknown(), types.StringUnknown(),
		types.StringUnknown()
	if m.Escrow.IsNull() {
		m.EscrowCiphertext = types.StringNull()
	}
}

func (r *cacheOnlyKeyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config cacheOnlyKeyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(plan.OrganizationID, &resp.Diagnostics) {
		return
	}
	if !r.checkIdentifier(ctx, plan.KeyIdentifier.ValueString(), config.KeyMaterialWO, &resp.Diagnostics) ||
		!r.encrypt(ctx, &plan, config, cacheOnlyKeyModel{}, &resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

func (r *cacheOnlyKeyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state cacheOnlyKeyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(plan.OrganizationID, &resp.Diagnostics) {
		return
	}
	if plan.JWE.IsUnknown() && !r.encrypt(ctx, &plan, config, state, &resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

// checkIdentifier refuses to generate a key under an identifier that the org fetches a key by
// already, as after a lost state or for a replacement: Salesforce would get it for data that
// another key has encrypted. It refuses weak material for any other identifier.
func (r *cacheOnlyKeyResource) checkIdentifier(ctx context.Context, identifier string, given types.String,
	diags *diag.Diagnostics,
) bool {
	all, ok := r.forPlan(ctx, diags)
	if !ok {
		return false
	}
	record, used := keys.FetchedBy(all.Records(), identifier)
	switch {
	case !used:
		return addProblem(diags, weakGiven(given))
	case given.IsNull():
		diags.AddAttributeError(path.Root("key_identifier"), "The identifier is in use",
			fmt.Sprintf("%s is fetched from the key service by the identifier %q: a newly generated key would make its data "+
				"unreadable. Nothing was made. Give the same key in key_material_wo, from its escrow copy, import its JWE, or "+
				"use a new key_identifier.",
				record.Describe(), identifier))

		return false
	default:
		diags.AddAttributeWarning(attributePath("key_material_wo"), "The identifier is in use",
			fmt.Sprintf("%s is fetched from the key service by the identifier %q. The key in key_material_wo must be the one "+
				"that the record was made with: with any other its data can't be read.", record.Describe(),
				identifier))
		if weakGiven(given) != nil {
			warnWeakInUse(identifier, diags)
		}

		return true
	}
}

// encrypt takes or generates the material, escrows it and encrypts it for the certificate. state is
// empty on create.
func (r *cacheOnlyKeyResource) encrypt(ctx context.Context, plan *cacheOnlyKeyModel, config, state cacheOnlyKeyModel,
	diags *diag.Diagnostics,
) bool {
	if !r.data.canRecord(ctx, diags) {
		return false
	}
	certificate, err := upload.ReadWrappingCertificate(ctx, r.data.Inventory, plan.Certificate.ValueString(), "",
		r.data.Client.Now())
	if err != nil {
		addError(diags, "Unable to read the certificate", err)

		return false
	}
	if !plan.checkPins(certificate, diags) {
		return false
	}
	material, ok := takeMaterial(config.KeyMaterialWO, diags)
	if !ok {
		return false
	}
	defer material.Destroy()
	if !sameKey(material, state, diags) {
		return false
	}

	plan.OrganizationID = types.StringValue(r.data.Session.OrganizationID)
	plan.SecretValueHash = types.StringValue(byok.HashMaterial(material))
	plan.KeyCheckValue = types.StringValue(byok.KeyCheckValue(material))
	plan.CertificateSHA256 = types.StringValue(certificate.SHA256Fingerprint())
	evidence := receipt.Receipt{
		Operation: receipt.MakeJWE, Cause: receipt.CausePlan, Resource: typeName + "_cache_only_key",
		Type: cacheOnlyEscrowType, RotationID: plan.KeyIdentifier.ValueString(),
		SecretValueHash: plan.SecretValueHash.ValueString(), KeySource: upload.MaterialGenerated,
		Certificate: upload.OfCertificate(plan.Certificate.ValueString(), certificate),
		PinsHeld:    upload.OfPins(stringsIn(plan.CertificatePins), true),
	}
	if !config.KeyMaterialWO.IsNull() {
		evidence.KeySource = upload.MaterialGiven
	}
	if !r.escrow(ctx, plan, material, &evidence, diags) {
		return false
	}
	jwe, err := byok.CacheOnlyJWE(certificate, material, plan.KeyIdentifier.ValueString(), plan.ReplayNonce.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("key_identifier"), "The JWE could not be made", opening(err)+" Nothing was sent.")

		return false
	}
	plan.JWE = types.StringValue(jwe)
	plan.Receipt = r.data.record(ctx, evidence, state.Receipt, diags)

	return true
}

// sameKey refuses to put another key under an identifier: Salesforce would get it for data that the
// first key has encrypted. Of an imported JWE the key is not known.
func sameKey(material secret.Bytes, state cacheOnlyKeyModel, diags *diag.Diagnostics) bool {
	before := state.SecretValueHash.ValueString()
	if before == "" || before == byok.HashMaterial(material) {
		return true
	}
	diags.AddAttributeError(attributePath("key_material_wo"), "Another key under the same identifier",
		fmt.Sprintf("Expected key %q with the SHA-256 %s, found another in key_material_wo, which can't read data of the "+
			"first. Nothing was changed. Give the same material, or use a new "+
			"key_identifier.", state.KeyIdentifier.ValueString(), before))

	return false
}

// warnWeakInUse warns of weak material under an identifier that is in use: the same key is
// encrypted again, so nothing gets worse.
func warnWeakInUse(identifier string, diags *diag.Diagnostics) {
	diags.AddAttributeWarning(attributePath("key_material_wo"), "Key material in use is weak",
		fmt.Sprintf("Expected 32 random bytes in key_material_wo, found a pattern. Since key %q is in use, its JWE is made "+
			"again. Rotate to random material under a new key_identifier.", identifier))
}

// takeMaterial parses the given material, or generates it.
func takeMaterial(given types.String, diags *diag.Diagnostics) (secret.Bytes, bool) {
	if given.IsNull() {
		return byok.GenerateMaterial(), true
	}
	material, err := byok.ParseMaterial(given.ValueString())
	if err != nil {
		diags.AddAttributeError(attributePath("key_material_wo"), "Key material is not usable",
			"key_material_wo can't be used: "+sentence(err.Error())+" Nothing was sent.")

		return secret.Bytes{}, false
	}

	return material, true
}

// escrow makes the escrow copy durable before the JWE exists, and says so in the receipt.
func (r *cacheOnlyKeyResource) escrow(ctx context.Context, plan *cacheOnlyKeyModel, material secret.Bytes,
	evidence *receipt.Receipt, diags *diag.Diagnostics,
) bool {
	plan.EscrowCiphertext = types.StringNull()
	keeper, p := openEscrow(ctx, plan.Escrow, diags)
	if addProblem(diags, p); p != nil || keeper == nil {
		return p == nil
	}
	defer keeper.Close()
	key := escrow.Key{
		Organization: r.data.Session.OrganizationID, Type: cacheOnlyEscrowType, RotationID: plan.KeyIdentifier.ValueString(),
		Hash: plan.SecretValueHash.ValueString(), Time: time.Now().UTC(),
	}
	armored, kept, err := keeper.Keep(key, material)
	if err != nil {
		addError(diags, "Escrow copy could not be made", err)

		return false
	}
	plan.EscrowCiphertext = types.StringValue(armored)
	*evidence = keeper.Evidence(*evidence, armored, kept.Path)

	return true
}

func (m *cacheOnlyKeyModel) identity() cacheOnlyKeyIdentity {
	return cacheOnlyKeyIdentity{OrganizationID: m.OrganizationID, KeyIdentifier: m.KeyIdentifier}
}

// privateWatchedCertificate is the entry of what the last refresh saw of the certificate.
const privateWatchedCertificate = "certificate"

// watchedCertificate is the certificate that Salesforce opens a JWE with. DaysLeft, by the org's
// clock, is nil if its end is not known.
type watchedCertificate struct {
	Missing  bool   `json:"missing,omitempty"`
	Expires  string `json:"expires,omitempty"`
	DaysLeft *int64 `json:"days_left,omitempty"`
}

// warnOf says what is to be done about the certificate of a JWE that stays as it is.
func (m *cacheOnlyKeyModel) warnOf(seen watchedCertificate, diags *diag.Diagnostics) {
	certificate, identifier := m.Certificate.ValueString(), m.KeyIdentifier.ValueString()
	switch {
	case seen.Missing:
		diags.AddWarning("The cache-only key's certificate is missing",
			fmt.Sprintf("Salesforce can't open the JWE of %q without certificate %q, which org %s does not show. Make the JWE "+
				"for another certificate, from the escrow copy.", identifier, certificate, m.OrganizationID.ValueString()))
	case seen.DaysLeft == nil:
	case *seen.DaysLeft < 0:
		diags.AddWarning("The cache-only key's certificate has expired",
			fmt.Sprintf("Certificate %q, which encrypts key %q, expired at %s. Make the JWE for another certificate, from "+
				"the escrow copy.", certificate, identifier, seen.Expires))
	case *seen.DaysLeft < valueOr(m.WarnBeforeDays, defaultWarnBeforeDays):
		diags.AddWarning("The cache-only key's certificate expires soon",
			fmt.Sprintf("Certificate %q, which encrypts key %q, expires at %s. Before then, make the JWE for another "+
				"certificate, from the escrow copy.", certificate, identifier, seen.Expires))
	}
}

// Read has nothing to read: the JWE is nowhere but in state and where it was published. It looks
// after the certificate, for the plan to warn.
func (r *cacheOnlyKeyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer onlyFirstLimit(ctx, &resp.Diagnostics)
	var state cacheOnlyKeyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	rows, ok := r.certificates(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	row, found := certificateNamed(rows, state.Certificate.ValueString())
	seen := watchedCertificate{Missing: !found}
	if found && !row.ExpirationDate.IsZero() {
		left := keys.DaysLeft(keys.EndOf(row.ExpirationDate), r.data.Client.Now())
		seen.Expires, seen.DaysLeft = rfc3339(row.ExpirationDate), &left
	}
	setPrivate(ctx, resp.Private, privateWatchedCertificate, seen, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}

// Delete forgets; the plan has said so.
func (r *cacheOnlyKeyResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

// ImportState takes "<certificate>/<compact JWE>": the JWE is kept where it was published, and
// nowhere in Salesforce.
func (r *cacheOnlyKeyResource) ImportState(ctx context.Context, req resource.ImportStateRequest,
	resp *resource.ImportStateResponse,
) {
	if !r.ready(&resp.Diagnostics) {
		return
	}
	certificate, jwe, ok := strings.Cut(req.ID, "/")
	if req.ID == "" || !ok {
		resp.Diagnostics.AddError("Invalid import id",
			"Expected <certificate>/<compact JWE>, such as My_BYOK/eyJhbGciOi…. The JWE can't be read from Salesforce, so an "+
				"identity alone is not enough. Nothing was imported. Take it from the key service.")

		return
	}
	kid, jti, err := byok.CacheOnlyIdentifiers(jwe)
	if err != nil {
		resp.Diagnostics.AddError("Invalid import id", sentence("After the first slash: "+err.Error())+
			" Nothing was imported.")

		return
	}
	state := cacheOnlyKeyModel{
		KeyIdentifier: types.StringValue(kid), Certificate: types.StringValue(certificate), ReplayNonce: stringOrNull(jti),
		Escrow:          types.ObjectNull(escrowAttributeTypes()),
		CertificatePins: types.ListNull(types.StringType),
		OrganizationID:  types.StringValue(r.data.Session.OrganizationID), JWE: types.StringValue(jwe),
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}
