package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/custody"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

func (m *tenantSecretVersionModel) identity() tenantSecretVersionIdentity {
	return tenantSecretVersionIdentity{OrganizationID: m.OrganizationID, TenantSecretID: types.StringValue(fullID(m.TenantSecretID.ValueString()))}
}

// populate fills what every reading of the record tells.
func (m *tenantSecretVersionModel) populate(row salesforce.TenantSecret, data *Data) {
	m.OrganizationID = types.StringValue(data.Session.OrganizationID)
	m.Type = types.StringValue(row.Type)
	m.Version = types.Int64Value(row.Version)
	m.Status = stringOrNull(row.Status)
	m.Source = stringOrNull(row.Source)
	m.Description = stringOrNull(row.Description)
	m.KeyDerivationMode = stringOrNull(row.KeyDerivationMode)
	m.SecretValueHash = hashOrNull(row.SecretValueHash)
	m.CreatedDate = timeOrNull(row.CreatedDate)
	m.LastModifiedDate = timeOrNull(row.LastModifiedDate)
}

// settle fills the model after a create or an update.
func (m *tenantSecretVersionModel) settle(outcome custody.Export, data *Data) {
	m.populate(outcome.Record, data)
	m.ExportedSecretValue = stringOrNull(outcome.Value.Expose())
	m.Recoverable = types.BoolValue(!m.ExportedSecretValue.IsNull())
}

// honour keeps what the plan has promised: what somebody else has changed since the refresh is for the next plan to show, and the core
// takes it for a bug here.
func (m *tenantSecretVersionModel) honour(planned tenantSecretVersionModel) {
	for _, v := range []struct{ is, promised *types.String }{
		{&m.Type, &planned.Type},
		{&m.Status, &planned.Status},
		{&m.Source, &planned.Source},
		{&m.Description, &planned.Description},
		{&m.KeyDerivationMode, &planned.KeyDerivationMode},
		{&m.SecretValueHash, &planned.SecretValueHash},
		{&m.CreatedDate, &planned.CreatedDate},
		{&m.LastModifiedDate, &planned.LastModifiedDate},
	} {
		if !v.promised.IsUnknown() {
			*v.is = *v.promised
		}
	}
}

// row is the record as the state has it.
func (m *tenantSecretVersionModel) row() salesforce.TenantSecret {
	id := m.identity().TenantSecretID.ValueString()
	created, _ := time.Parse(time.RFC3339, m.CreatedDate.ValueString())
	modified, _ := time.Parse(time.RFC3339, m.LastModifiedDate.ValueString())

	return salesforce.TenantSecret{
		ID: id, Type: m.Type.ValueString(), Version: m.Version.ValueInt64(), Status: m.Status.ValueString(), Source: m.Source.ValueString(),
		Description: m.Description.ValueString(), KeyDerivationMode: m.KeyDerivationMode.ValueString(), SecretValueHash: m.SecretValueHash.ValueString(),
		CreatedDate: created, LastModifiedDate: modified,
	}
}

// subjectOf returns what the rules need of a record in state. Whether a cache-only record is the newest of its type the org alone can tell;
// where it can't be asked, an older one is left to Salesforce, which refuses it.
func (r *tenantSecretVersionResource) subjectOf(ctx context.Context, state tenantSecretVersionModel) keys.Kept {
	record := inventory.Record(state.row())
	if !r.online() {
		return keys.Keeping(record, nil, 0)
	}
	var records []keys.Record
	if record.Source == keys.SourceRemote {
		if all, err := r.data.Inventory.ForPlan(ctx); err == nil {
			records = all.Records()
		}
	}

	return keys.Keeping(record, records, r.data.Client.APINumber())
}

// locks are the locks on a destroy as configured, and as an earlier apply has left them in held.
func (r *tenantSecretVersionResource) locks(plan, held tenantSecretVersionModel) keys.Locks {
	return keys.Locks{
		Allowed:         r.data != nil && r.data.AllowKeyDestruction,
		BackupNone:      plan.Backup.ValueString() == backupNone,
		Acknowledgement: plan.DestructionAcknowledgement.ValueString(),
		ExportSaved:     held.ExportedSecretValue.ValueString() != "",
	}
}

// ModifyPlan refuses what can't be done, opens no lock by itself, and shows the status that will hold. For a record in state the
// planned values are a pure function of configuration and state; the org is asked only for what may refuse the plan.
func (r *tenantSecretVersionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		var state tenantSecretVersionModel
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		if resp.Diagnostics.HasError() {
			return
		}
		if err := r.follow(ctx, &state); err != nil {
			addError(&resp.Diagnostics, "Unable to forget the record", err)

			return
		}
		if state.mayForget(&resp.Diagnostics) {
			resp.Diagnostics.AddWarning("The record will be forgotten, not changed",
				fmt.Sprintf("Record %s (%s, version %d) will stay %s in org %s; Terraform will no longer manage it.", state.TenantSecretID.ValueString(), state.Type.ValueString(),
					state.Version.ValueInt64(), state.Status.ValueString(), state.OrganizationID.ValueString()))
		}

		return
	}
	if req.Plan.Raw.Equal(req.State.Raw) && settledVersion(newRawObject(req.State.Raw)) {
		return
	}
	var plan, config tenantSecretVersionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	var state tenantSecretVersionModel
	replaced := req.State.Raw.IsNull()
	if !replaced {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		if resp.Diagnostics.HasError() {
			return
		}
		replaced = !salesforce.SameID(plan.TenantSecretID.ValueString(), state.TenantSecretID.ValueString())
	}
	if replaced {
		plan.planAdoption()
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
		if req.State.Raw.IsNull() {
			r.checkAdoption(ctx, plan, config, &resp.Diagnostics)
		}

		return
	}
	r.planChange(ctx, plan, config, state, &resp.Diagnostics, func(p *tenantSecretVersionModel) { resp.Diagnostics.Append(resp.Plan.Set(ctx, p)...) })
}

// settledVersion reports whether a record in state, over which a configuration without changes is planned, is as wanted in every respect:
// then there is nothing to plan, to refuse or to warn of.
func settledVersion(state rawObject) bool {
	status, known := state.text("status")
	if !known || status == "" || !state.is("desired_status", status) {
		return false
	}
	source, _ := state.text("source")
	if status == keys.StatusActive && source != keys.SourceRemote {
		return false
	}
	held := !state.is("exported_secret_value", "")
	if state.is("backup", backupNone) {
		return !held
	}
	typ, _ := state.text("type")

	return held || !(keys.Record{Status: status, Source: source, Type: typ}).Exportable()
}

// sameVersion reports whether a refresh has found the record as it is in state.
func sameVersion(state rawObject, row salesforce.TenantSecret, data *Data) bool {
	return state.is("organization_id", data.Session.OrganizationID) && state.is("type", row.Type) && state.isNumber("version", row.Version) && state.is("status", row.Status) &&
		state.is("source", row.Source) && state.is("description", row.Description) && state.is("key_derivation_mode", row.KeyDerivationMode) &&
		state.is("secret_value_hash", hashOrNull(row.SecretValueHash).ValueString()) && state.is("created_date", timeOrNull(row.CreatedDate).ValueString()) &&
		state.is("last_modified_date", timeOrNull(row.LastModifiedDate).ValueString())
}

// planAdoption plans the computed values of a record that is not in state yet.
func (m *tenantSecretVersionModel) planAdoption() {
	for _, v := range []*types.String{
		&m.OrganizationID, &m.Type, &m.Status, &m.Source, &m.Description, &m.KeyDerivationMode, &m.SecretValueHash, &m.CreatedDate, &m.LastModifiedDate, &m.ExportedSecretValue,
	} {
		*v = types.StringUnknown()
	}
	m.Version, m.Recoverable = types.Int64Unknown(), types.BoolUnknown()
	if m.Backup.ValueString() == backupNone {
		m.ExportedSecretValue, m.Recoverable = types.StringNull(), types.BoolValue(false)
	}
}

// checkAdoption refuses at plan what the org would refuse at apply.
func (r *tenantSecretVersionResource) checkAdoption(ctx context.Context, plan, config tenantSecretVersionModel, diags *diag.Diagnostics) {
	if !r.online() || plan.TenantSecretID.IsUnknown() || plan.DesiredStatus.IsUnknown() || plan.Backup.IsUnknown() || plan.DestructionAcknowledgement.IsUnknown() {
		return
	}
	row, subject, ok := r.find(ctx, plan.TenantSecretID.ValueString(), diags)
	if !ok {
		return
	}
	action, refusal := subject.Transition(plan.DesiredStatus.ValueString())
	if refusal == nil {
		refusal = r.locks(plan, tenantSecretVersionModel{}).Check(subject, action)
	}
	if refusal == nil && action == keys.Restore && config.ExportedSecretValueWO.IsNull() {
		refusal = unrestorable(row.ID)
	}
	if !addProblem(diags, refusal) {
		return
	}
	warnDestruction(action, subject, plan, diags)
}

// planChange plans a record that is in state.
func (r *tenantSecretVersionResource) planChange(
	ctx context.Context, plan, config, state tenantSecretVersionModel, diags *diag.Diagnostics, set func(*tenantSecretVersionModel),
) {
	plan.keep(state)
	if plan.DesiredStatus.IsUnknown() || plan.Backup.IsUnknown() || plan.DestructionAcknowledgement.IsUnknown() {
		plan.Status, plan.LastModifiedDate = types.StringUnknown(), types.StringUnknown()
		plan.ExportedSecretValue, plan.Recoverable = types.StringUnknown(), types.BoolUnknown()
		set(&plan)

		return
	}

	subject := r.subjectOf(ctx, state)
	action, refusal := subject.Transition(plan.DesiredStatus.ValueString())
	if refusal == nil {
		refusal = r.locks(plan, state).Check(subject, action)
	}
	held := state.ExportedSecretValue.ValueString() != ""
	if refusal == nil && action == keys.Restore && !held && config.ExportedSecretValueWO.IsNull() {
		refusal = unrestorable(subject.ID)
	}
	if refusal == nil && plan.dropsLastCopy(state, action) {
		refusal = r.locks(plan, state).CheckAcknowledgement(subject)
	}
	if !addProblem(diags, refusal) {
		return
	}
	plan.planExport(state, action)
	if action != keys.Stay {
		plan.Status, plan.LastModifiedDate = plan.DesiredStatus, types.StringUnknown()
	}
	set(&plan)
	warnDestruction(action, subject, plan, diags)
	if action == keys.Reactivate {
		diags.AddWarning("A cache-only key will be reactivated",
			fmt.Sprintf("Record %s reads DESTROYED. Salesforce sets a cache-only key to DESTROYED by itself while its callouts fail, and tries again for 24 hours; look at the key service first. The "+
				"apply sets it to ACTIVE, which ends those tries.", subject.ID))
	}
}

// dropsLastCopy reports whether the plan loses the export of a key that is destroyed and stays so.
func (m *tenantSecretVersionModel) dropsLastCopy(state tenantSecretVersionModel, action keys.Transition) bool {
	return m.Backup.ValueString() == backupNone && state.ExportedSecretValue.ValueString() != "" &&
		state.Status.ValueString() == keys.StatusDestroyed && action == keys.Stay
}

// keep plans the computed values as they are in state.
func (m *tenantSecretVersionModel) keep(state tenantSecretVersionModel) {
	m.OrganizationID, m.Type, m.Version, m.Status, m.Source = state.OrganizationID, state.Type, state.Version, state.Status, state.Source
	m.Description, m.KeyDerivationMode, m.SecretValueHash = state.Description, state.KeyDerivationMode, state.SecretValueHash
	m.CreatedDate, m.LastModifiedDate = state.CreatedDate, state.LastModifiedDate
	m.ExportedSecretValue, m.Recoverable = state.ExportedSecretValue, state.Recoverable
}

// planExport plans which export the state holds afterwards.
func (m *tenantSecretVersionModel) planExport(state tenantSecretVersionModel, action keys.Transition) {
	held := state.ExportedSecretValue.ValueString() != ""
	status := state.Status.ValueString()
	if action != keys.Stay {
		status = m.DesiredStatus.ValueString()
	}
	switch {
	case m.Backup.ValueString() == backupNone:
		m.ExportedSecretValue, m.Recoverable = types.StringNull(), types.BoolValue(false)
	case held:
		m.Recoverable = types.BoolValue(true)
	case (keys.Record{Status: status, Source: m.Source.ValueString(), Type: m.Type.ValueString()}).Exportable():
		m.ExportedSecretValue, m.Recoverable = types.StringUnknown(), types.BoolUnknown()
	default:
		m.ExportedSecretValue, m.Recoverable = types.StringNull(), types.BoolValue(false)
	}
}

func warnDestruction(action keys.Transition, subject keys.Kept, plan tenantSecretVersionModel, diags *diag.Diagnostics) {
	if !action.Destructive() {
		return
	}
	wayBack := "The export in state restores it."
	switch {
	case subject.Source == keys.SourceRemote:
		wayBack = "It can be made ACTIVE again while it is the newest of its type and the key service has the key."
	case plan.Backup.ValueString() == backupNone:
		wayBack = "No copy is kept: it can't be restored by Terraform."
	}
	diags.AddAttributeWarning(path.Root("desired_status"), "A key will be destroyed",
		fmt.Sprintf("Record %s: data that it encrypts can't be read from then on. Rotation alone does not encrypt existing data anew; check Encryption Statistics in Setup first. %s", subject, wayBack))
}
