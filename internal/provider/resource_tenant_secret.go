package provider

import (
	"context"
	"errors"
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
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
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
type tenantSecretResource struct{ resourceBase }

func newTenantSecretResource() resource.Resource { return &tenantSecretResource{} }

type tenantSecretModel struct {
	rotatedKeyModel

	Type                 types.String `tfsdk:"type"`
	Description          types.String `tfsdk:"description"`
	Source               types.String `tfsdk:"source"`
	Certificate          types.String `tfsdk:"certificate"`
	WrappingAlgorithm    types.String `tfsdk:"wrapping_algorithm"`
	KeyDerivationMode    types.String `tfsdk:"key_derivation_mode"`
	WrappedKeyMaterial   types.String `tfsdk:"wrapped_key_material"`
	RemoteKeyIdentifier  types.String `tfsdk:"remote_key_identifier"`
	RemoteKeyServiceID   types.String `tfsdk:"remote_key_service_id"`
	RemoteKeyCertificate types.String `tfsdk:"remote_key_certificate"`
	TenantSecretID       types.String `tfsdk:"tenant_secret_id"`
	CreatedByID          types.String `tfsdk:"created_by_id"`
	LastModifiedDate     types.String `tfsdk:"last_modified_date"`
}

type escrowModel struct {
	AgeRecipients types.List   `tfsdk:"age_recipients"`
	Directory     types.String `tfsdk:"directory"`
}

type tenantSecretIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
	Type           types.String `tfsdk:"type"`
}

const (
	derivationPBKDF2 = "PBKDF2"
	derivationNone   = "NONE"

	typeDatabase = "Database"
)

func (r *tenantSecretResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secret"
}

func (r *tenantSecretResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The key of one type in one org. Salesforce keeps exactly one ACTIVE tenant secret per type; this resource is the lineage of " +
			"those records, and **rotation is an in-place update**: it uploads a new key, Salesforce archives the previous one, and data that the previous one " +
			"encrypted stays readable. With `source = \"UPLOADED\"` (the default) and neither `key_material_wo` nor `wrapped_key_material`, the provider " +
			"generates 32 random bytes, escrows them, wraps them with the certificate and uploads them; the plaintext never reaches a state, a plan, a log or a disk.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: "What the key encrypts: `Data` (fields and files, probabilistic), `DeterministicData`, `EventBus`, `SearchIndex`, `Analytics` or " +
					"`Database`. Another value is a warning. Changing it makes another resource; the key of the old type is only forgotten.",
				Required:      true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:    []validator.String{stringvalidator.LengthAtLeast(1), tfvalidator.KnownTenantSecretType()},
			},
			"description": schema.StringAttribute{
				MarkdownDescription: fmt.Sprintf("Text for people in Setup, up to %d characters. The record's Description is this text followed by the marker "+
					"` [tf:<rotation_id>]`. A change is patched and does not rotate.", keys.MaxDescription),
				Optional:   true,
				Validators: []validator.String{stringvalidator.UTF8LengthAtMost(keys.MaxDescription)},
			},
			"source": schema.StringAttribute{
				MarkdownDescription: "Where the key comes from: `UPLOADED` (default; Bring Your Own Key), `HSM` (Salesforce generates it) or `REMOTE` (cache-only: Salesforce " +
					"fetches it from your key service). A change rotates.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(upload.SourceUploaded),
				Validators: []validator.String{stringvalidator.OneOf(upload.SourceUploaded, upload.SourceHSM, upload.SourceRemote)},
			},
			"certificate": schema.StringAttribute{
				MarkdownDescription: "Unique name (DeveloperName, not the label) of the BYOK-compatible certificate that wraps the key. Required for `UPLOADED`. A change " +
					"alone does not rotate: it applies from the next upload.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.DeveloperName()},
			},
			"wrapping_algorithm": schema.StringAttribute{
				MarkdownDescription: "How the key is wrapped: `RSA_OAEP_SHA512` (default), `RSA_OAEP_SHA1` (for orgs that refuse SHA-512; not available under strict FIPS) or " +
					"`RSA_AES_KEY_WRAP_SHA512` (PKCS#11 CKM_RSA_AES_KEY_WRAP; the default for `Database`). A change alone does not rotate.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{tfvalidator.WrappingAlgorithm()},
			},
			"key_derivation_mode": schema.StringAttribute{
				MarkdownDescription: "`PBKDF2` (default): Salesforce derives the data encryption key from the tenant secret. `NONE`: the 32 bytes are the data encryption key " +
					"itself; the org must allow to opt out of derivation, and `Database` keys can't. A change rotates.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(derivationPBKDF2),
				Validators: []validator.String{stringvalidator.OneOf(derivationPBKDF2, derivationNone)},
			},
			"key_material_wo":         keyMaterialAttribute(),
			"key_material_wo_version": keyMaterialVersionAttribute(),
			"wrapped_key_material": schema.StringAttribute{
				MarkdownDescription: "Key material that was wrapped elsewhere, for instance in an HSM ceremony: base64 of the ciphertext under `certificate` and " +
					"`wrapping_algorithm`. Needs `secret_value_hash`. No plaintext enters the pipeline, so there is no escrow and no key check value.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.WrappedKeyMaterial()},
			},
			"secret_value_hash": schema.StringAttribute{
				MarkdownDescription: "Base64 SHA-256 of the 32 plaintext bytes, as Salesforce keeps it. Configured, it is a pin: material with another hash is refused before " +
					"anything is sent, a new value rotates, and an ACTIVE record that already has it is adopted instead of uploading. Null where Salesforce made the key.",
				Optional:   true,
				Computed:   true,
				Validators: []validator.String{tfvalidator.SecretValueHash()},
			},
			"rotation_triggers": rotationTriggersAttribute(),
			"rotate_after_days": schema.Int64Attribute{
				MarkdownDescription: "Age of the ACTIVE record, in days, at which the first plan rotates, 1 or more. The age is taken at the refresh by the org's clock; with " +
					"`-refresh=false` it is not noticed. Default: age rotates nothing.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.AtLeast(1)},
			},
			"escrow": escrowAttribute(),
			"remote_key_identifier": schema.StringAttribute{
				MarkdownDescription: "Identifier of the key at the key service. Required for `REMOTE`, and an error for other sources. A change rotates.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"remote_key_service_id": schema.StringAttribute{
				MarkdownDescription: "Record id of the Named Credential of the key service. Required for `REMOTE`, and an error for other sources. A change is patched.",
				Optional:            true,
				Validators:          []validator.String{tfvalidator.SalesforceID()},
			},
			"remote_key_certificate": schema.StringAttribute{
				MarkdownDescription: "Unique name of the certificate that the key service wraps the key with. Required for `REMOTE`, and an error for other sources. A change is patched.",
				Optional:            true,
				Validators:          []validator.String{tfvalidator.DeveloperName()},
			},
			"deletion_policy": deletionPolicyAttribute("`ABANDON` (default): it forgets the key, which stays ACTIVE in the org; a warning says so. `PREVENT`: it "+
				"fails, even after the block is gone from the configuration, until an apply has set `ABANDON`. No policy destroys the key.", policyAbandon, policyPrevent),
			"organization_id":    computedString("Id of the org, 18 characters."),
			"tenant_secret_id":   computedString("Id (`02G…`, 18 characters) of the ACTIVE record."),
			"version":            schema.Int64Attribute{MarkdownDescription: "Version of the ACTIVE record, a number that grows within the org.", Computed: true},
			"status":             computedString("Status of the record: `ACTIVE`; a cache-only key may read `DESTROYED` while callouts fail."),
			"created_date":       computedString("When the ACTIVE record was created, RFC 3339, UTC."),
			"created_by_id":      computedString("Id of the user who created the ACTIVE record."),
			"last_modified_date": computedString("When the ACTIVE record was last changed, RFC 3339, UTC."),
			"rotation_id": computedString("Name of the rotation that the ACTIVE record answers: 8 hex digits over the inputs that ask for a new key, a dot, and a counter that " +
				"every rotation raises. It travels in the record's Description and makes an interrupted apply repeatable."),
			"rotation_due_date": computedString("When the ACTIVE record reaches `rotate_after_days`, RFC 3339, UTC. Null without `rotate_after_days`."),
			"next_rotation_allowed_date": computedString("From when Salesforce documents that it accepts the next key of this type, RFC 3339, UTC: 24 hours after the newest one " +
				"for Data and Analytics and 7 days for DeterministicData (4 hours each in a sandbox that is recognised by its host name), 7 days for EventBus and " +
				"SearchIndex, 90 days for Database. Null for other types."),
			"escrow_ciphertext": computedString("The escrow copy, age armor, safe to publish. `age -d` with an identity of a recipient gives the 32 bytes. Null without escrow."),
			"key_check_value": computedString("First 3 bytes of AES-256-ECB over a zero block, hex: tells keys apart without telling anything of them. Null where the material was " +
				"never seen."),
			"certificate_sha256": computedString("SHA-256 fingerprint of the certificate that wrapped the key, hex. Null where that is not known."),
			"receipt": computedString("Evidence of the upload, JSON: org, record, version, type, hash, algorithm, certificate, key source, escrow recipients, whether Salesforce's " +
				"hash matched on read-back, FIPS mode, provider version, UTC time."),
		},
	}
}

func (r *tenantSecretResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{Description: "Id of the org, 18 characters.", RequiredForImport: true},
		"type":            identityschema.StringAttribute{Description: "Type of the key, such as Data.", RequiredForImport: true},
	}}
}

func (r *tenantSecretResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config tenantSecretModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}

	result, ok := r.rotate(ctx, plan, config, keys.RotationID{}, keys.Ours{}, "", &resp.Diagnostics)
	if !ok {
		return
	}
	plan.populate(result.Record, r.data, result.RotationID)
	plan.populateEvidence(result)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	keepPrivate(ctx, resp.Private, ownRecord(result.Record, result.RotationID), freshObservation(result.RotationID), &resp.Diagnostics)
}

func (r *tenantSecretResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state tenantSecretModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	ours, seen := readPrivate(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}

	decision := keys.Decide(plan.desired(plan.SecretValueHash), state.known(ours, seen))
	var err error
	if decision.Rotate {
		result, ok := r.rotate(ctx, plan, config, decision.RotationID, ours, state.TenantSecretID.ValueString(), &resp.Diagnostics)
		if !ok {
			rememberUnconfirmed(ctx, resp, ours, seen, decision.RotationID)

			return
		}
		plan.populate(result.Record, r.data, result.RotationID)
		plan.populateEvidence(result)
		if result.Adopted && result.Record.ID == ours.ID {
			plan.keepEvidence(state.rotatedKeyModel)
		}
		ours, seen = ownRecord(result.Record, result.RotationID), freshObservation(result.RotationID)
	} else {
		var row salesforce.TenantSecret
		row, err = r.adjust(ctx, plan, state, decision.RotationID)
		if err != nil {
			addError(&resp.Diagnostics, "Unable to change the tenant secret", err)

			return
		}
		// All else is as planned, from the state: what has changed since the refresh is for the next plan to show, and the core takes it for a
		// bug here.
		if plan.LastModifiedDate.IsUnknown() {
			plan.LastModifiedDate = timeOrNull(row.LastModifiedDate)
		}
		if plan.Receipt.IsUnknown() {
			plan.Receipt = types.StringValue(upload.ImportReceipt(r.data.Session.OrganizationID, decision.RotationID.String(), r.data.Version, row, time.Now()))
		}
		ours = ownRecord(row, decision.RotationID)
		seen.ActiveMarker = decision.RotationID.String()
		seen.HighestCounter = max(seen.HighestCounter, decision.RotationID.Counter)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	keepPrivate(ctx, resp.Private, ours, seen, &resp.Diagnostics)
}

// rememberUnconfirmed keeps, beside the unchanged state, that a POST went out whose outcome nobody knows.
func rememberUnconfirmed(ctx context.Context, resp *resource.UpdateResponse, ours keys.Ours, seen keys.Observation, id keys.RotationID) {
	if !hasUnknownOutcome(resp.Diagnostics) {
		return
	}
	ours.Unconfirmed, ours.UnconfirmedSince = id.String(), time.Now().UTC()
	keepPrivate(ctx, resp.Private, ours, seen, &resp.Diagnostics)
}

// rotate carries out one rotation. It returns false after an error, and then there is no new record that is known of.
func (r *tenantSecretResource) rotate(
	ctx context.Context, plan, config tenantSecretModel, id keys.RotationID, ours keys.Ours, expected string, diags *diag.Diagnostics,
) (upload.Result, bool) {
	request, ok := plan.request(ctx, config, diags)
	if !ok {
		return upload.Result{}, false
	}
	defer request.Material.Destroy()
	defer request.Escrow.Close()
	request.RotationID, request.ExpectedActive = id, expected
	if ours.Unconfirmed == id.String() {
		request.UnconfirmedSince = ours.UnconfirmedSince
	}

	turn, err := r.data.turns.take(ctx, request.Type)
	if err != nil {
		addError(diags, "Unable to upload the tenant secret", err)

		return upload.Result{}, false
	}
	defer turn.end()
	result, err := r.data.uploader(turn).Run(ctx, request)
	if err != nil {
		r.explainUpload(ctx, request, err, diags)

		return upload.Result{}, false
	}
	turn.warnShared(result, diags)
	for _, w := range result.Warnings {
		diags.AddWarning(w.Summary, w.Detail)
	}

	return result, true
}

// adjust brings what can be changed on the ACTIVE record in line, without a new key.
func (r *tenantSecretResource) adjust(ctx context.Context, plan, state tenantSecretModel, id keys.RotationID) (salesforce.TenantSecret, error) {
	all, err := r.data.Inventory.ForPlan(ctx)
	if err != nil {
		return salesforce.TenantSecret{}, fmt.Errorf("reading the tenant secrets of the org: %w", err)
	}
	row, ok := upload.Current(all.Rows(), plan.Type.ValueString())
	if !ok || row.ID != state.TenantSecretID.ValueString() {
		return row, &upload.Problem{
			Summary: "The org has moved on since the plan",
			Detail: fmt.Sprintf("The plan was made over the record %s, which is no longer the ACTIVE %s key. Nothing was changed. Plan again.",
				state.TenantSecretID.ValueString(), plan.Type.ValueString()),
		}
	}

	change := salesforce.TenantSecretChange{}
	if wanted := keys.Describe(plan.Description.ValueString(), id); wanted != row.Description {
		change.Description = &wanted
	}
	if row.Source == upload.SourceRemote {
		if v := plan.RemoteKeyServiceID.ValueString(); v != "" && !salesforce.SameID(v, row.RemoteKeyServiceID) {
			change.RemoteKeyServiceID = &v
		}
		if v := plan.RemoteKeyCertificate.ValueString(); v != "" && v != row.RemoteKeyCertificate {
			change.RemoteKeyCertificate = &v
		}
	}
	if change == (salesforce.TenantSecretChange{}) {
		return row, nil
	}
	registry := upload.TenantSecrets{Client: r.data.Client, Inventory: r.data.Inventory}
	if err := registry.Update(ctx, row.ID, change); err != nil {
		return row, fmt.Errorf("patching the record %s: %w", row.ID, err)
	}
	row, err = registry.Get(ctx, row.ID)
	if err != nil {
		return row, fmt.Errorf("reading back the record %s after the change, which was made: %w", state.TenantSecretID.ValueString(), err)
	}

	return row, nil
}

// Read follows the record that is ACTIVE now. It never drops the key from state: a tenant secret can't be deleted, so that an answer
// without it speaks of permissions or of the wrong org.
func (r *tenantSecretResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state tenantSecretModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	ours, seen := readPrivate(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	all, ok := r.forPlan(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	row, found := upload.Current(all.Rows(), state.Type.ValueString())
	if !found {
		addNoActive(&resp.Diagnostics, state.Type.ValueString(), r.data.Session.OrganizationID, all.Rows())

		return
	}

	_, marker := keys.ParseDescription(row.Description)
	state.refresh(row, r.data, row.ID == ours.ID && !ours.Imported)
	state.RotationID = stringOrNull(marker.String())
	observed := observe(row, upload.Descriptions(all.Rows(), row.Type), all.ServerTime())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	if observed != seen {
		keepPrivate(ctx, resp.Private, ours, observed, &resp.Diagnostics)
	}
}

// Delete forgets. There is nothing else to do: Salesforce refuses to destroy an ACTIVE secret.
func (r *tenantSecretResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state tenantSecretModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if state.DeletionPolicy.ValueString() == policyPrevent {
		state.addPrevented(&resp.Diagnostics)

		return
	}
	resp.Diagnostics.AddWarning("The key was forgotten, not destroyed",
		fmt.Sprintf("The %s record %s (version %d) stays ACTIVE in org %s and goes on encrypting. Terraform no longer manages it; import it to take it back.",
			state.Type.ValueString(), state.TenantSecretID.ValueString(), state.Version.ValueInt64(), state.OrganizationID.ValueString()))
}

// addPrevented refuses to forget the key under PREVENT.
func (m *tenantSecretModel) addPrevented(diags *diag.Diagnostics) {
	addPrevented(diags, fmt.Sprintf("the %s key %s", m.Type.ValueString(), m.TenantSecretID.ValueString()), policyAbandon)
}

// ImportState takes the type ("Data"), the id of the ACTIVE record, or an identity.
func (r *tenantSecretResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	wanted, ok := r.importID(ctx, req, "type", &resp.Diagnostics)
	if !ok {
		return
	}
	all, ok := r.forPlan(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	row, ok := findImport(all.Rows(), wanted, r.data.Session.OrganizationID, &resp.Diagnostics)
	if !ok {
		return
	}

	state := importedTenantSecret(row, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	ours := keys.Ours{ID: row.ID, RotationID: state.RotationID.ValueString(), Imported: true}
	keepPrivate(ctx, resp.Private, ours, observe(row, upload.Descriptions(all.Rows(), row.Type), all.ServerTime()), &resp.Diagnostics)
}

// importedTenantSecret is the resource as an import finds it.
func importedTenantSecret(row salesforce.TenantSecret, data *Data) tenantSecretModel {
	_, marker := keys.ParseDescription(row.Description)
	model := tenantSecretModel{
		rotatedKeyModel: importedKey(),
		Type:            types.StringValue(row.Type),
	}
	model.refresh(row, data, false)
	model.RotationID = stringOrNull(marker.String())

	return model
}

// findImport finds the record that an import id means, or says what is wrong with it.
func findImport(records []salesforce.TenantSecret, wanted, org string, diags *diag.Diagnostics) (salesforce.TenantSecret, bool) {
	if !strings.HasPrefix(wanted, tenantSecretPrefix) {
		row, ok := upload.Current(records, wanted)
		if !ok {
			addNoActive(diags, wanted, org, records)
		}

		return row, ok
	}
	for _, row := range records {
		if !salesforce.SameID(row.ID, wanted) {
			continue
		}
		if current, ok := upload.Current(records, row.Type); ok && current.ID == row.ID {
			return row, true
		}
		diags.AddError("This record is not the ACTIVE key of its type",
			fmt.Sprintf("%s is the %s record of version %d, with the status %s. salesforcebyok_tenant_secret manages the ACTIVE key of a type: import it by type, as %q. To keep, "+
				"destroy or restore this record, import it as salesforcebyok_tenant_secret_version.", row.ID, row.Type, row.Version, row.Status, row.Type))

		return row, false
	}
	diags.AddError("No such tenant secret",
		fmt.Sprintf("The org %s shows no tenant secret with the id %q. Expected a type, such as Data, or the id (%s…) of an ACTIVE record. %s", org, wanted, tenantSecretPrefix, permissionsAdvice))

	return salesforce.TenantSecret{}, false
}

// tenantSecretPrefix is the key prefix of TenantSecret ids [V FtxDoc, ThalesDoc].
const tenantSecretPrefix = "02G"

// addNoActive explains that a type has no ACTIVE record. That is never a reason to drop anything.
func addNoActive(diags *diag.Diagnostics, typ, org string, records []salesforce.TenantSecret) {
	found := "The org shows no tenant secret at all."
	if len(records) > 0 {
		var types []string
		for _, r := range records {
			if r.Status == "ACTIVE" {
				types = append(types, r.Type)
			}
		}
		found = fmt.Sprintf("The org shows %d tenant secrets; ACTIVE types: %s.", len(records), strings.Join(types, ", "))
	}
	diags.AddError("No ACTIVE tenant secret of this type",
		fmt.Sprintf("Expected an ACTIVE record of type %q in org %s. %s Tenant secrets can't be deleted, so nothing was removed from state. %s", typ, org, found, permissionsAdvice))
}

// sameOrg refuses a state, or an identity, of another org.
func (b *base) sameOrg(id types.String, diags *diag.Diagnostics) bool {
	if id.IsNull() || id.IsUnknown() || salesforce.SameID(id.ValueString(), b.data.Session.OrganizationID) {
		return true
	}
	diags.AddAttributeError(path.Root("organization_id"), "This key belongs to another org",
		fmt.Sprintf("Expected org %s, but the credentials lead to org %s. Nothing was read or changed. A sandbox refreshed from production gets another org id: use a state "+
			"of its own for each org, or import the keys anew.", id.ValueString(), b.data.Session.OrganizationID))

	return false
}

func hasUnknownOutcome(diags diag.Diagnostics) bool {
	for _, d := range diags.Errors() {
		if d.Summary() == summaryUnknownOutcome {
			return true
		}
	}

	return false
}

// explainUpload adds what we know to a refusal: Salesforce's own texts are not documented, so they are shown and never interpreted.
func (r *tenantSecretResource) explainUpload(ctx context.Context, request upload.Request, err error, diags *diag.Diagnostics) {
	var refused *upload.RefusedError
	if !errors.As(err, &refused) || errors.As(err, new(*upload.Problem)) {
		addError(diags, "Unable to upload the tenant secret", err)

		return
	}
	detail := opening(refused) + " Nothing was changed."
	all, readErr := r.data.Inventory.ForPlan(ctx)
	if readErr == nil && speaksOfRequest(refused.Err) {
		if hints := r.refusalHints(request, all); len(hints) > 0 {
			detail += " Known of this org: " + strings.Join(hints, "; ") + "."
		}
	}
	diags.AddError("Salesforce refused the new "+request.Type+" key", detail+advice(refused.Err))
}

// refusalHints lists, in words, the documented reasons for a refusal that apply here.
func (r *tenantSecretResource) refusalHints(request upload.Request, all inventory.Reading) []string {
	var hints []string
	if newest, ok := upload.Newest(all.Rows(), request.Type); ok {
		if next, ok := keys.NextAllowed(request.Type, r.data.sandbox(), newest.CreatedDate); ok && next.After(all.ServerTime()) {
			hints = append(hints, fmt.Sprintf("the newest %s key is of %s, and Salesforce documents %s between two of them, so that the next is allowed from %s%s", request.Type,
				newest.CreatedDate.UTC().Format(time.RFC3339), intervalWords(request.Type, r.data.sandbox()), next.UTC().Format(time.RFC3339), inSandbox(request.Type, newest.CreatedDate, next)))
		}
	}
	if n := countKeys(all.Rows(), request.Type); n >= keys.KeyCap {
		hints = append(hints, fmt.Sprintf("the type has %d ACTIVE and ARCHIVED keys, the cap is %d: destroy an archived one that is no longer needed", n, keys.KeyCap))
	}
	if missing := keys.MissingPrerequisite(request.Type, request.Source, activeTypes(all.Rows())); missing != "" {
		hints = append(hints, missing)
	}
	if request.Source == upload.SourceUploaded {
		if request.Algorithm == byok.RSAOAEPSHA512 {
			hints = append(hints, fmt.Sprintf("the key was wrapped with %s; an org that does not take it yet may take %s", byok.RSAOAEPSHA512, byok.RSAOAEPSHA1))
		}
		if request.KeyDerivationMode == derivationNone {
			hints = append(hints, "key_derivation_mode NONE needs the org setting \"Allow BYOK to Opt-Out of Key Derivation\"")
		}
	}

	return hints
}
