package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// objectAsOptions let an escrow object be read whose members are not all known.
var objectAsOptions = basetypes.ObjectAsOptions{UnhandledNullAsEmpty: true, UnhandledUnknownAsEmpty: true}

// ModifyPlan plans every computed value itself: the framework marks computed values unknown only where the configuration differs from
// state, and a rotation may come from drift or age alone. Planned values are a function of configuration, prior state and private
// state; the network is asked for warnings only. The core calls this again during apply.
func (r *tenantSecretResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		r.planDestroy(ctx, req, resp)

		return
	}
	var plan, config tenantSecretModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.planAlgorithm(config)

	if req.State.Raw.IsNull() {
		plan.planRotation(config)
		plan.RotationID = types.StringUnknown()
		plan.OrganizationID = types.StringUnknown()
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
		r.helpCreate(ctx, plan, config, &resp.Diagnostics)

		return
	}

	var state tenantSecretModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	ours, seen := readPrivate(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if wanted, is := plan.Type.ValueString(), state.Type.ValueString(); wanted != is && strings.EqualFold(wanted, is) {
		resp.Diagnostics.AddAttributeError(path.Root("type"), "The type differs in case alone",
			fmt.Sprintf("The key in state is of the type %q, type says %q. A replacement would forget that key over a capital letter. Nothing was changed. Write the type as Salesforce does.", is, wanted))

		return
	}
	if plan.Type.IsUnknown() || !plan.Type.Equal(state.Type) {
		// Another type is another lineage: the core plans the replacement's create leg with a null state.
		plan.planRotation(config)
		plan.RotationID, plan.OrganizationID = types.StringUnknown(), types.StringUnknown()
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

		return
	}
	r.planUpdate(ctx, plan, config, state, ours, seen, resp)
}

func (r *tenantSecretResource) planDestroy(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state tenantSecretModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if state.DeletionPolicy.ValueString() == policyPrevent {
		state.addPrevented(&resp.Diagnostics)

		return
	}
	resp.Diagnostics.AddWarning("The key will be forgotten, not destroyed",
		fmt.Sprintf("The %s record %s (version %d) will stay ACTIVE in org %s and go on encrypting; Terraform will no longer manage it.",
			state.Type.ValueString(), state.TenantSecretID.ValueString(), state.Version.ValueInt64(), state.OrganizationID.ValueString()))
}

func (r *tenantSecretResource) planUpdate(
	ctx context.Context, plan, config, state tenantSecretModel, ours keys.Ours, seen keys.Observation, resp *resource.ModifyPlanResponse,
) {
	plan.keepComputed(state, config)
	if !plan.inputsKnown(config) {
		// Whether this rotates is known only during apply, when the core plans again.
		plan.planRotation(config)
		plan.planUndecided()
		plan.RotationID = types.StringUnknown()
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

		return
	}

	decision := keys.Decide(plan.desired(config.SecretValueHash), state.known(ours, seen))
	plan.RotationID = types.StringValue(decision.RotationID.String())
	if decision.Rotate {
		plan.planRotation(config)
	} else {
		plan.planAdjustment(state, ours)
	}
	if decision.Rotate && plan.adoptsPinned(config, state, decision) {
		plan.planUndecided()
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

	if decision.Rotate {
		r.helpRotate(ctx, plan, config, state, decision, &resp.Diagnostics)

		return
	}
	warnCacheOnly(state, &resp.Diagnostics)
	warnEscrowChanged(plan.Escrow, state.Escrow, ours, &resp.Diagnostics)
}

// adoptsPinned reports whether the ACTIVE record, as last refreshed, already has the pinned hash, so that a rotation only marks it. Not so for
// one that is too old: it would be too old again at the next plan.
func (m *tenantSecretModel) adoptsPinned(config, state tenantSecretModel, decision keys.Decision) bool {
	return !config.SecretValueHash.IsNull() && config.SecretValueHash.Equal(state.SecretValueHash) && !slices.Contains(decision.Reasons, keys.TooOld) &&
		state.Source.ValueString() == upload.SourceUploaded && m.Source.ValueString() == upload.SourceUploaded
}

// warnEscrowChanged says what a changed escrow does to a key that stays. Of an imported key the state does not know which escrow it has.
func warnEscrowChanged(planned, before types.Object, ours keys.Ours, diags *diag.Diagnostics) {
	if !planned.Equal(before) && !ours.Imported {
		diags.AddAttributeWarning(path.Root("escrow"), "Escrow applies from the next upload",
			"The ACTIVE key is not escrowed anew: its material is not known any more. The changed escrow is used when the key is next rotated.")
	}
}

// warnCacheOnly reports a cache-only key that is DESTROYED, and plans nothing for it: Salesforce sets the status by itself while its callouts
// fail, and takes it back [D Help cache_considerations].
func warnCacheOnly(state tenantSecretModel, diags *diag.Diagnostics) {
	if state.Source.ValueString() != upload.SourceRemote || state.Status.ValueString() != keys.StatusDestroyed {
		return
	}
	diags.AddWarning("The cache-only key is not available",
		fmt.Sprintf("Record %s reads DESTROYED, so data that it encrypts can't be read now. Salesforce sets a cache-only key to DESTROYED while its callouts to the key service fail, and "+
			"tries again for 24 hours; it may also have been set by hand. Nothing is planned for it here: look at the key service first. To make the key ACTIVE by hand, manage the record with "+
			"salesforcebyok_tenant_secret_version and desired_status = %q.", state.TenantSecretID.ValueString(), keys.StatusActive))
}

// planAlgorithm plans the default of wrapping_algorithm, which depends on source and type.
func (m *tenantSecretModel) planAlgorithm(config tenantSecretModel) {
	switch {
	case !config.WrappingAlgorithm.IsNull():
		return
	case m.Source.IsUnknown() || m.Type.IsUnknown():
		m.WrappingAlgorithm = types.StringUnknown()
	case m.Source.ValueString() != upload.SourceUploaded:
		m.WrappingAlgorithm = types.StringNull()
	case m.Type.ValueString() == typeDatabase:
		m.WrappingAlgorithm = types.StringValue(string(byok.RSAAESKeyWrapSHA512))
	default:
		m.WrappingAlgorithm = types.StringValue(string(byok.RSAOAEPSHA512))
	}
}

// planRotation plans the computed values of a record that is still to be made.
func (m *tenantSecretModel) planRotation(config tenantSecretModel) {
	m.planNew()
	m.TenantSecretID, m.CreatedByID, m.LastModifiedDate = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	if !config.SecretValueHash.IsNull() {
		m.SecretValueHash = config.SecretValueHash
	}
	if isGiven(m.WrappedKeyMaterial) {
		m.KeyCheckValue = types.StringNull()
	}
	if !m.Source.IsUnknown() && m.Source.ValueString() != upload.SourceUploaded {
		m.EscrowCiphertext, m.KeyCheckValue, m.CertificateSHA256 = types.StringNull(), types.StringNull(), types.StringNull()
	}
}

// keepComputed plans the computed values of the record that stays.
func (m *tenantSecretModel) keepComputed(state, config tenantSecretModel) {
	m.keepRecord(state.rotatedKeyModel)
	m.TenantSecretID, m.CreatedByID, m.LastModifiedDate = state.TenantSecretID, state.CreatedByID, state.LastModifiedDate
	if config.SecretValueHash.IsNull() {
		m.SecretValueHash = state.SecretValueHash
	}
}

// planAdjustment plans what a patch of the record changes beside what is configured.
func (m *tenantSecretModel) planAdjustment(state tenantSecretModel, ours keys.Ours) {
	if ours.Imported && state.Receipt.IsNull() {
		// The first apply after an import writes evidence that the record was taken over. It also makes sure that there is a first apply.
		m.Receipt = types.StringUnknown()
	}
	patched := !m.Description.Equal(state.Description) || !m.RotationID.Equal(state.RotationID) ||
		!m.RemoteKeyServiceID.Equal(state.RemoteKeyServiceID) || !m.RemoteKeyCertificate.Equal(state.RemoteKeyCertificate)
	if patched {
		m.LastModifiedDate = types.StringUnknown()
	}
}

// lowOnKeys is how close to the cap a type must be for a warning.
const lowOnKeys = 5

// soon is how long before its end a certificate is worth a warning.
const soon = 30 * 24 * time.Hour

// helpCreate warns of what the org would say to a first apply.
func (r *tenantSecretResource) helpCreate(ctx context.Context, plan, config tenantSecretModel, diags *diag.Diagnostics) {
	if !r.online() || !plan.inputsKnown(config) {
		warnWithoutEscrow(plan, config, diags)

		return
	}
	all, err := r.data.Inventory.ForPlan(ctx)
	if err != nil {
		addUnchecked(diags, err)

		return
	}
	if current, ok := upload.Current(all.Rows(), plan.Type.ValueString()); ok {
		_, marker := keys.ParseDescription(current.Description)
		pin := config.SecretValueHash.ValueString()
		byMarker := marker.Fingerprint == plan.inputs().Fingerprint() && current.Source == plan.Source.ValueString() && (pin == "" || pin == current.SecretValueHash)
		switch {
		case byMarker || (pin != "" && pin == current.SecretValueHash):
			addWillBeAdopted(diags, current)

			return
		default:
			addWillBeArchived(diags, current, "salesforcebyok_tenant_secret.<name> "+plan.Type.ValueString())
		}
	}
	r.helpUpload(ctx, plan, config, all, diags)
}

// addWillBeAdopted says that a create finds its key made already.
func addWillBeAdopted(diags *diag.Diagnostics, current salesforce.TenantSecret) {
	diags.AddWarning("An existing key will be adopted",
		fmt.Sprintf("%s already answers this configuration. Nothing will be uploaded: the record is adopted. Its receipt and escrow ciphertext come back only where the "+
			"escrow directory has them. To get a new key, change rotation_triggers after this apply.", describeRecord(current)))
}

// addWillBeArchived names the key that a create takes the place of, and how to import it instead.
func addWillBeArchived(diags *diag.Diagnostics, current salesforce.TenantSecret, arguments string) {
	diags.AddWarning("An existing key will be archived",
		fmt.Sprintf("%s is ACTIVE in this org and is not of this configuration. Salesforce will archive it when the new key is uploaded; data that it encrypted stays readable. "+
			"To manage that key instead, import it: terraform import %s", describeRecord(current), arguments))
}

// helpRotate says why a key is rotated, and warns of what the org would say to it.
func (r *tenantSecretResource) helpRotate(ctx context.Context, plan, config, state tenantSecretModel, decision keys.Decision, diags *diag.Diagnostics) {
	if plan.adoptsPinned(config, state, decision) {
		diags.AddAttributeWarning(path.Root("secret_value_hash"), "An existing key will be adopted",
			fmt.Sprintf("A new key is asked for, and record %s (version %d), which is ACTIVE, already has the pinned secret_value_hash. Nothing will be uploaded: the record is marked as this rotation's. "+
				"To get a new key, pin another hash or remove the pin.", state.TenantSecretID.ValueString(), state.Version.ValueInt64()))

		return
	}
	addRotationReasons(diags, plan.Type.ValueString(), decision, fmt.Sprintf("Record %s (version %d) will be archived by the new one; data that it encrypted stays readable.",
		state.TenantSecretID.ValueString(), state.Version.ValueInt64()))
	if !r.online() {
		warnWithoutEscrow(plan, config, diags)

		return
	}
	all, err := r.data.Inventory.ForPlan(ctx)
	if err != nil {
		addUnchecked(diags, err)

		return
	}
	if current, ok := upload.Current(all.Rows(), plan.Type.ValueString()); ok {
		if _, marker := keys.ParseDescription(current.Description); marker == decision.RotationID {
			// The interrupted run's own record: the apply adopts it, so nothing that follows is about to happen.
			return
		}
	}
	r.helpUpload(ctx, plan, config, all, diags)
}

// helpUpload holds the warnings that a first key and a rotation share.
func (r *tenantSecretResource) helpUpload(ctx context.Context, plan, config tenantSecretModel, all inventory.Reading, diags *diag.Diagnostics) {
	typ := plan.Type.ValueString()
	if newest, ok := upload.Newest(all.Rows(), typ); ok {
		r.helpInterval(typ, newest, all.ServerTime(), diags)
	}
	if n := countKeys(all.Rows(), typ); n > keys.KeyCap-lowOnKeys {
		diags.AddWarning("Few keys of this type are left",
			fmt.Sprintf("Org %s has %d ACTIVE and ARCHIVED %s keys, Salesforce allows %d. Destroy archived keys that are no longer needed (salesforcebyok_tenant_secret_version) before the "+
				"cap stops a rotation.", r.data.Session.OrganizationID, n, typ, keys.KeyCap))
	}
	if missing := keys.MissingPrerequisite(typ, plan.Source.ValueString(), activeTypes(all.Rows())); missing != "" {
		diags.AddAttributeWarning(path.Root("type"), "A prerequisite is missing",
			"In this org "+missing+". The apply fails unless it is made first: if it is in this configuration, add depends_on.")
	}
	if hash, attribute := wantedHash(config); hash != "" {
		for _, row := range all.Rows() {
			if row.SecretValueHash == hash {
				diags.AddAttributeError(path.Root(attribute), "This key material has been used in this org",
					fmt.Sprintf("%s already has the hash %s, and Salesforce accepts a secret only once. Give other material.", describeRecord(row), hash))
			}
		}
	}
	if plan.KeyDerivationMode.ValueString() == derivationNone {
		r.helpOptOut(ctx, diags)
	}
	if plan.Source.ValueString() == upload.SourceUploaded {
		warnWithoutEscrow(plan, config, diags)
		warnWithoutMaterial(config, diags)
		r.helpCertificate(ctx, plan.Certificate, typ, all.ServerTime(), diags)
	}
}

// warnWithoutMaterial says that generated material can't have a pinned hash. It is no error: a key with that hash may be ACTIVE by the time of
// the apply.
func warnWithoutMaterial(config tenantSecretModel, diags *diag.Diagnostics) {
	if pin := config.SecretValueHash; pin.IsNull() || pin.IsUnknown() || !config.KeyMaterialWO.IsNull() || !config.WrappedKeyMaterial.IsNull() {
		return
	}
	diags.AddAttributeWarning(path.Root("secret_value_hash"), "A pinned hash without its key material",
		fmt.Sprintf("secret_value_hash pins %s, no record with that hash is ACTIVE, and neither key_material_wo nor wrapped_key_material gives the material: newly generated material can never have "+
			"it. The apply will refuse unless such a record is ACTIVE by then. Give the material, or remove the pin; a configuration that was generated at an import has it as a pin.", config.SecretValueHash.ValueString()))
}

// wantedHash returns the hash that the next upload will have, as far as the configuration tells, and the attribute that tells it. It goes
// into diagnostics only: material from an ephemeral generator is another one at each plan.
func wantedHash(config tenantSecretModel) (hash, attribute string) {
	if pin := config.SecretValueHash.ValueString(); pin != "" {
		return pin, "secret_value_hash"
	}
	if config.KeyMaterialWO.IsNull() || config.KeyMaterialWO.IsUnknown() {
		return "", ""
	}
	material, err := byok.ParseMaterial(config.KeyMaterialWO.ValueString())
	if err != nil {
		return "", ""
	}
	defer material.Destroy()

	return byok.HashMaterial(material), "key_material_wo"
}

// helpOptOut warns where the org does not allow to opt out of key derivation. A user who may not read the settings is not warned: that
// permission is not needed for the upload itself.
func (r *tenantSecretResource) helpOptOut(ctx context.Context, diags *diag.Diagnostics) {
	settings, err := r.data.Client.ReadSettings(ctx, salesforce.EncryptionKeySettings())
	if err != nil || settings[salesforce.SettingOptOutOfDerivation] {
		return
	}
	diags.AddAttributeWarning(path.Root("key_derivation_mode"), "The org does not allow to opt out of key derivation",
		"key_derivation_mode = \"NONE\" needs the setting \"Allow BYOK to Opt-Out of Key Derivation\", which is off in this org. The apply fails unless it is turned on first: in Setup (Encryption Settings), "+
			"or with salesforcebyok_encryption_key_settings, on which this resource should then depend.")
}

func (r *tenantSecretResource) helpInterval(typ string, newest salesforce.TenantSecret, now time.Time, diags *diag.Diagnostics) {
	next, ok := keys.NextAllowed(typ, r.data.sandbox(), newest.CreatedDate)
	if !ok || !next.After(now) {
		return
	}
	diags.AddWarning("The rotation interval is not over",
		fmt.Sprintf("The newest %s key, %s, was created at %s. Salesforce documents %s between two keys of this type, so it will accept the next one from %s%s, and is likely to refuse "+
			"this one before.", typ, newest.ID, newest.CreatedDate.UTC().Format(time.RFC3339), intervalWords(typ, r.data.sandbox()), next.UTC().Format(time.RFC3339), inSandbox(typ, newest.CreatedDate, next)))
}

// inSandbox adds, in words, when a sandbox takes the next key, where that is before next: an org does not always tell that it is one.
func inSandbox(typ string, created, next time.Time) string {
	earlier, ok := keys.NextAllowed(typ, true, created)
	if !ok || !earlier.Before(next) {
		return ""
	}

	return fmt.Sprintf(" (in a sandbox from %s)", earlier.UTC().Format(time.RFC3339))
}

// helpCertificate refuses, at plan, a certificate that exists and can never fit; one that does not exist yet, or waits for its chain,
// may be made by the same apply.
func (r *tenantSecretResource) helpCertificate(ctx context.Context, name types.String, typ string, now time.Time, diags *diag.Diagnostics) {
	if name.IsUnknown() || name.IsNull() {
		return
	}
	rows, err := r.data.Inventory.Certificates(ctx)
	if err != nil {
		addUnchecked(diags, err)

		return
	}
	for _, row := range rows {
		if row.DeveloperName != name.ValueString() {
			continue
		}
		if problems := upload.Facts(row, nil).ProblemsFor(typ, now); len(problems) > 0 {
			detail := fmt.Sprintf("Certificate %q can't wrap a %s key: %s. Expected a %d-bit RSA certificate that is encrypted with Platform Encryption, not exportable, usable and not "+
				"expired. Nothing was sent. Make another certificate, since none of this can be changed in an existing one, and name it.", row.DeveloperName, typ, strings.Join(problems, "; "), byok.WrappingKeyBits)
			if row.Unusable && len(problems) == 1 {
				diags.AddAttributeWarning(path.Root("certificate"), "Wrapping certificate is not usable yet", detail)
			} else {
				diags.AddAttributeError(path.Root("certificate"), "Wrapping certificate is not fit for BYOK", detail)
			}
		} else if left := row.ExpirationDate.Sub(now); !row.ExpirationDate.IsZero() && left < soon {
			diags.AddAttributeWarning(path.Root("certificate"), "Wrapping certificate expires soon",
				fmt.Sprintf("Certificate %q expires at %s. Keys that it has wrapped are not affected; make a new one before the next rotation.", row.DeveloperName,
					row.ExpirationDate.UTC().Format(time.RFC3339)))
		}

		return
	}
	diags.AddAttributeWarning(path.Root("certificate"), "Wrapping certificate not found",
		fmt.Sprintf("No certificate with the unique name (DeveloperName, not the label) %q is visible in this org. The apply fails unless it is made first: if it is in this "+
			"configuration, refer to it or add depends_on; otherwise look the name up with the data source salesforcebyok_certificates.", name.ValueString()))
}

// warnWithoutEscrow warns of a key whose only copy will be Salesforce's.
func warnWithoutEscrow(plan, config tenantSecretModel, diags *diag.Diagnostics) {
	generated := !plan.Source.IsUnknown() && plan.Source.ValueString() == upload.SourceUploaded && config.KeyMaterialWO.IsNull() && plan.WrappedKeyMaterial.IsNull()
	if generated && plan.Escrow.IsNull() && config.SecretValueHash.IsNull() {
		addWithoutEscrow(diags)
	}
}

func addWithoutEscrow(diags *diag.Diagnostics) {
	diags.AddAttributeWarning(path.Root("escrow"), "The key will be generated without escrow",
		"The provider generates this key and keeps no copy. Salesforce will hold the only one. Set escrow with the age public keys of those who must be able to recover it.")
}

// addRotationReasons says in the plan why a key is rotated, and what becomes of the old one.
func addRotationReasons(diags *diag.Diagnostics, typ string, decision keys.Decision, consequence string) {
	reasons := make([]string, len(decision.Reasons))
	for i, reason := range decision.Reasons {
		reasons[i] = reason.String()
	}
	diags.AddWarning("The "+typ+" key will be rotated", "Because "+strings.Join(reasons, ", and because ")+". "+consequence)
}

func addUnchecked(diags *diag.Diagnostics, err error) {
	diags.AddWarning("The plan could not be checked against the org",
		"The planned values do not depend on it, but rotation interval, key cap, certificate and prerequisites were not looked at: "+sentence(err.Error())+advice(err))
}

func describeRecord(row salesforce.TenantSecret) string {
	return fmt.Sprintf("The %s record %s (version %d, %s, source %s, created %s)", row.Type, row.ID, row.Version, row.Status, row.Source, row.CreatedDate.UTC().Format(time.RFC3339))
}
