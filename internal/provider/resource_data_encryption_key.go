package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
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
type dataEncryptionKeyResource struct{ resourceBase }

func newDataEncryptionKeyResource() resource.Resource { return &dataEncryptionKeyResource{} }

type dataEncryptionKeyModel struct {
	rotatedKeyModel

	Type                types.String `tfsdk:"type"`
	DataEncryptionKeyID types.String `tfsdk:"data_encryption_key_id"`
}

// typeSearchIndex is the only type that this flow is documented for [D DEKRef].
const typeSearchIndex = "SearchIndex"

func (r *dataEncryptionKeyResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_data_encryption_key"
}

func (r *dataEncryptionKeyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The Search Index key of an org on Hyperforce (API version 63.0 or newer), rotated in place. Salesforce makes a certificate for each upload; the key is wrapped with it by " +
			"CKM_RSA_AES_KEY_WRAP. An active Salesforce root key is needed. Such a key can be neither destroyed nor exported. Orgs elsewhere, and API versions up to 62.0, keep the Search Index key in " +
			"`salesforcebyok_tenant_secret`.",
		Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: "`SearchIndex`, the default and only type.",
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(typeSearchIndex),
				Validators:          []validator.String{stringvalidator.OneOf(typeSearchIndex)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"key_material_wo":         keyMaterialAttribute(),
			"key_material_wo_version": keyMaterialVersionAttribute(),
			"rotation_triggers":       rotationTriggersAttribute(),
			"rotate_after_days": schema.Int64Attribute{
				MarkdownDescription: "Age of the key in use, in days, at which the first plan rotates, 1 or more. Default: age rotates nothing.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"escrow":                     escrowAttribute(),
			"deletion_policy":            deletionPolicyAttribute("`ABANDON` (default): it forgets the key, which stays in use. `PREVENT`: it fails, even after the block is gone from the configuration.", policyAbandon, policyPrevent),
			"organization_id":            computedString("Id of the org, 18 characters."),
			"data_encryption_key_id":     computedString("Id of the key in use, or `version-<n>` where Salesforce tells none."),
			"version":                    schema.Int64Attribute{MarkdownDescription: "Version of the key in use.", Computed: true},
			"status":                     computedString("Status of the key in use: `ACTIVE`."),
			"created_date":               computedString("When the key in use was created, RFC 3339, UTC."),
			"rotation_id":                computedString("Name of the rotation that the key in use answers; see `salesforcebyok_tenant_secret`."),
			"rotation_due_date":          computedString("When the key in use reaches `rotate_after_days`, RFC 3339, UTC."),
			"next_rotation_allowed_date": computedString("From when Salesforce documents that it accepts the next key: one hour after the last, RFC 3339, UTC."),
			"secret_value_hash":          computedString("Base64 SHA-256 of the 32 plaintext bytes, as computed here: Salesforce keeps none for this kind of key. Null where the material was never seen."),
			"escrow_ciphertext":          computedString("The escrow copy, age armor, safe to publish. Null without escrow."),
			"key_check_value":            computedString("First 3 bytes of AES-256-ECB over a zero block, hex. Null where the material was never seen."),
			"certificate_sha256":         computedString("SHA-256 fingerprint of the certificate that wrapped the key, hex. Null where that is not known."),
			"receipt":                    computedString("Evidence of the upload, JSON; see `salesforcebyok_tenant_secret`."),
		},
	}
}

func (r *dataEncryptionKeyResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{Description: "Id of the org, 18 characters.", RequiredForImport: true},
		"type":            identityschema.StringAttribute{Description: "Type of the key: SearchIndex.", RequiredForImport: true},
	}}
}

// ValidateConfig checks what depends on more than one attribute.
func (r *dataEncryptionKeyResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config dataEncryptionKeyModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	checkMaterialVersion(config.KeyMaterialWO, config.KeyMaterialWOVersion, &resp.Diagnostics)
	checkEscrow(ctx, config.Escrow, &resp.Diagnostics)
}

// ModifyPlan follows the rules of the tenant secret: a pure function of configuration, prior state and private state.
func (r *dataEncryptionKeyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var plan, config, state dataEncryptionKeyModel
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if req.Plan.Raw.IsNull() {
		if !resp.Diagnostics.HasError() {
			state.mayForget(&resp.Diagnostics)
		}

		return
	}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if r.online() && r.data.Client.APINumber() < dataEncryptionKeyAPI {
		resp.Diagnostics.AddError("This object needs a newer API version",
			fmt.Sprintf("DataEncryptionKey exists from API version %d.0 on; the provider is configured for %s. Nothing was sent. Set api_version = \"%d.0\" or newer in the provider block, or manage the Search Index "+
				"key with salesforcebyok_tenant_secret.", dataEncryptionKeyAPI, r.data.Client.APIVersion(), dataEncryptionKeyAPI))

		return
	}
	if req.State.Raw.IsNull() {
		plan.planRotation()
		plan.RotationID, plan.OrganizationID = types.StringUnknown(), types.StringUnknown()
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
		r.warnNoRootKey(ctx, &resp.Diagnostics)
		r.helpCreate(ctx, plan, config, &resp.Diagnostics)

		return
	}

	ours, seen := readPrivate(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.keep(state)
	if !plan.inputsKnown() {
		// Whether this rotates is known only during apply, when the core plans again.
		plan.planRotation()
		plan.planUndecided()
		plan.RotationID = types.StringUnknown()
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

		return
	}
	decision := keys.Decide(plan.desired(), state.known(ours, seen))
	plan.RotationID = types.StringValue(decision.RotationID.String())
	if decision.Rotate {
		plan.planRotation()
		plan.warnWithoutEscrow(config, &resp.Diagnostics)
		r.warnNoRootKey(ctx, &resp.Diagnostics)
		addRotationReasons(&resp.Diagnostics, "Search Index", decision, fmt.Sprintf("The key of version %d will be archived by the new one.", state.Version.ValueInt64()))
	} else {
		if ours.Imported && state.Receipt.IsNull() {
			// The first apply after an import writes evidence, and makes sure that there is a first apply.
			plan.Receipt = types.StringUnknown()
		}
		warnEscrowChanged(plan.Escrow, state.Escrow, ours, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// helpCreate warns of what a first apply does to the key in use.
func (r *dataEncryptionKeyResource) helpCreate(ctx context.Context, plan, config dataEncryptionKeyModel, diags *diag.Diagnostics) {
	if r.online() && plan.inputsKnown() {
		rows, err := r.data.Client.ListDataEncryptionKeys(ctx)
		if err != nil {
			addUnchecked(diags, err)
		}
		if key, ok := upload.ActiveDataKey(rows); ok {
			if _, marker := keys.ParseDescription(key.Description); marker.Fingerprint == plan.inputs().Fingerprint() {
				addWillBeAdopted(diags, upload.DataKeyRecord(key))

				return
			}
			addWillBeArchived(diags, upload.DataKeyRecord(key), "salesforcebyok_data_encryption_key.<name> "+typeSearchIndex)
		}
	}
	plan.warnWithoutEscrow(config, diags)
}

// dataEncryptionKeyAPI is the first API version with the object [D DEKRef].
const dataEncryptionKeyAPI = 63

func (m *dataEncryptionKeyModel) warnWithoutEscrow(config dataEncryptionKeyModel, diags *diag.Diagnostics) {
	if config.KeyMaterialWO.IsNull() && m.Escrow.IsNull() {
		addWithoutEscrow(diags)
	}
}

func (m *dataEncryptionKeyModel) mayForget(diags *diag.Diagnostics) {
	if m.DeletionPolicy.ValueString() == policyPrevent {
		addPrevented(diags, fmt.Sprintf("the Search Index key of version %d", m.Version.ValueInt64()), policyAbandon)

		return
	}
	diags.AddWarning("The key will be forgotten, not destroyed",
		fmt.Sprintf("The Search Index key of version %d stays in use in org %s; Terraform no longer manages it.", m.Version.ValueInt64(), m.OrganizationID.ValueString()))
}

func (m *dataEncryptionKeyModel) planRotation() {
	m.planNew()
	m.DataEncryptionKeyID = types.StringUnknown()
}

func (m *dataEncryptionKeyModel) keep(state dataEncryptionKeyModel) {
	m.keepRecord(state.rotatedKeyModel)
	m.DataEncryptionKeyID, m.SecretValueHash = state.DataEncryptionKeyID, state.SecretValueHash
}

func (m *dataEncryptionKeyModel) inputs() keys.Inputs {
	return keys.Inputs{Type: upload.TypeDataKey, Source: upload.SourceUploaded, MaterialVersion: m.KeyMaterialWOVersion.ValueStringPointer(), Triggers: triggersOf(m.RotationTriggers)}
}

func (m *dataEncryptionKeyModel) inputsKnown() bool {
	return !m.KeyMaterialWOVersion.IsUnknown() && !m.RotateAfterDays.IsUnknown() && triggersKnown(m.RotationTriggers)
}

func (m *dataEncryptionKeyModel) desired() keys.Desired {
	return keys.Desired{Inputs: m.inputs(), RotateAfterDays: m.RotateAfterDays.ValueInt64()}
}

// known leaves out source and derivation: an imported key of this kind tells neither.
func (m *dataEncryptionKeyModel) known(ours keys.Ours, seen keys.Observation) keys.Known {
	return keys.Known{ActiveID: m.DataEncryptionKeyID.ValueString(), Ours: ours, Seen: seen}
}

func (m *dataEncryptionKeyModel) populate(row salesforce.TenantSecret, data *Data) {
	m.populateRecord(row, data)
	m.DataEncryptionKeyID = stringOrNull(row.ID)
}

func (m *dataEncryptionKeyModel) identity() tenantSecretIdentity {
	return tenantSecretIdentity{OrganizationID: m.OrganizationID, Type: m.Type}
}

func (r *dataEncryptionKeyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config dataEncryptionKeyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	result, ok := r.rotate(ctx, &plan, config, keys.RotationID{}, keys.Ours{}, &resp.Diagnostics)
	if !ok {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	keepPrivate(ctx, resp.Private, ownRecord(result.Record, result.RotationID), freshObservation(result.RotationID), &resp.Diagnostics)
}

func (r *dataEncryptionKeyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state dataEncryptionKeyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	ours, seen := readPrivate(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	decision := keys.Decide(plan.desired(), state.known(ours, seen))
	plan.RotationID = types.StringValue(decision.RotationID.String())
	if decision.Rotate {
		result, ok := r.rotate(ctx, &plan, config, decision.RotationID, ours, &resp.Diagnostics)
		if !ok {
			rememberUnconfirmed(ctx, resp, ours, seen, decision.RotationID)

			return
		}
		ours, seen = ownRecord(result.Record, result.RotationID), freshObservation(result.RotationID)
	} else {
		ours = keys.Ours{ID: state.DataEncryptionKeyID.ValueString(), RotationID: decision.RotationID.String()}
	}
	if plan.Receipt.IsUnknown() {
		row := salesforce.TenantSecret{ID: state.DataEncryptionKeyID.ValueString(), Version: state.Version.ValueInt64(), Type: upload.TypeDataKey, Source: upload.SourceUploaded}
		plan.Receipt = types.StringValue(upload.ImportReceipt(r.data.Session.OrganizationID, decision.RotationID.String(), r.data.Version, row, time.Now()))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	keepPrivate(ctx, resp.Private, ours, seen, &resp.Diagnostics)
}

// rotate uploads or adopts, and fills the plan with the outcome.
func (r *dataEncryptionKeyResource) rotate(ctx context.Context, plan *dataEncryptionKeyModel, config dataEncryptionKeyModel, id keys.RotationID, ours keys.Ours, diags *diag.Diagnostics) (upload.Result, bool) {
	request := upload.Request{Type: upload.TypeDataKey, Source: upload.SourceUploaded, Fingerprint: plan.inputs().Fingerprint(), RotationID: id}
	if ours.Unconfirmed == id.String() {
		request.UnconfirmedSince = ours.UnconfirmedSince
	}
	if !config.KeyMaterialWO.IsNull() {
		material, ok := takeMaterial(config.KeyMaterialWO, diags)
		if !ok {
			return upload.Result{}, false
		}
		request.Material = material
		defer material.Destroy()
	}
	request.Escrow = escrowOf(ctx, plan.Escrow, diags)
	if diags.HasError() {
		return upload.Result{}, false
	}
	defer request.Escrow.Close()

	turn, err := r.data.turns.take(ctx, "Search Index")
	if err != nil {
		addError(diags, "Unable to upload the Search Index key", err)

		return upload.Result{}, false
	}
	defer turn.end()
	result, err := r.data.uploader(turn).RunDataKey(ctx, turnDataKeys{r.data.Client, turn}, request)
	if err != nil {
		if refused, ok := errors.AsType[*upload.RefusedError](err); ok && !errors.As(err, new(*upload.Problem)) {
			diags.AddError("Salesforce refused the new Search Index key", opening(refused)+" Nothing was changed. Known of such keys: the org must be on Hyperforce and have an active Salesforce root key, "+
				"and Salesforce documents one hour between two of them. If the refusal is of a session or a certificate (Terraform_BYOK_…) that an earlier apply left open, change rotation_triggers: that opens another."+advice(refused.Err))
		} else {
			addError(diags, "Unable to upload the Search Index key", err)
		}

		return upload.Result{}, false
	}
	turn.warnShared(result, diags)
	for _, w := range result.Warnings {
		diags.AddWarning(w.Summary, w.Detail)
	}
	plan.settle(result, r.data)

	return result, true
}

// settle fills the model after an upload or an adoption.
func (m *dataEncryptionKeyModel) settle(result upload.Result, data *Data) {
	m.populate(result.Record, data)
	m.populateEvidence(result)
	m.RotationID = stringOrNull(result.RotationID.String())
	m.SecretValueHash = stringOrNull(result.Hash)
}

// Read follows the key in use, and never drops it from state.
func (r *dataEncryptionKeyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state dataEncryptionKeyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	ours, seen := readPrivate(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	key, rows, ok := r.active(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	row := upload.DataKeyRecord(key)
	observed, unnamed := observe(row, upload.DataKeyDescriptions(rows), r.data.Client.Now()), ours.ID == ""
	if unnamed {
		// The upload could not be read back: what became Active with it is ours.
		ours.ID = row.ID
	}
	state.populate(row, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	if observed != seen || unnamed {
		keepPrivate(ctx, resp.Private, ours, observed, &resp.Diagnostics)
	}
}

func (r *dataEncryptionKeyResource) active(ctx context.Context, diags *diag.Diagnostics) (salesforce.DataEncryptionKey, []salesforce.DataEncryptionKey, bool) {
	rows, err := r.data.Client.ListDataEncryptionKeys(ctx)
	if err != nil {
		addError(diags, "Unable to read the data encryption keys", err)

		return salesforce.DataEncryptionKey{}, nil, false
	}
	key, ok := upload.ActiveDataKey(rows)
	if !ok {
		diags.AddError("No Search Index key in use",
			fmt.Sprintf("Org %s shows %d data encryption keys, and none that is Active for the Search Index. Nothing was removed from state. %s", r.data.Session.OrganizationID, len(rows), permissionsAdvice))
	}

	return key, rows, ok
}

// Delete forgets.
func (r *dataEncryptionKeyResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state dataEncryptionKeyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if !resp.Diagnostics.HasError() {
		state.mayForget(&resp.Diagnostics)
	}
}

// ImportState takes the type, SearchIndex, or an identity.
func (r *dataEncryptionKeyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	wanted, ok := r.importID(ctx, req, "type", &resp.Diagnostics)
	if !ok {
		return
	}
	if wanted != typeSearchIndex {
		resp.Diagnostics.AddError("Invalid import id", fmt.Sprintf("Expected the type, %s. Nothing was imported.", typeSearchIndex))

		return
	}
	key, rows, ok := r.active(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	row := upload.DataKeyRecord(key)
	seen := observe(row, upload.DataKeyDescriptions(rows), r.data.Client.Now())
	state := dataEncryptionKeyModel{rotatedKeyModel: importedKey(), Type: types.StringValue(typeSearchIndex)}
	state.RotationID = stringOrNull(seen.ActiveMarker)
	state.populate(row, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	keepPrivate(ctx, resp.Private, keys.Ours{ID: row.ID, RotationID: seen.ActiveMarker, Imported: true}, seen, &resp.Diagnostics)
}
