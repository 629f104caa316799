package provider

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/custody"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/quorum"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

func (m *tenantSecretVersionModel) identity() tenantSecretVersionIdentity {
	return tenantSecretVersionIdentity{
		OrganizationID: m.OrganizationID,
		TenantSecretID: types.StringValue(fullID(m.TenantSecretID.ValueString())),
	}
}

// populate fills what every reading of the record shows.
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

// fromExport fills the model after a create or an update.
func (m *tenantSecretVersionModel) fromExport(outcome custody.Export, data *Data) {
	m.populate(outcome.Record, data)
	m.ExportedSecretValue = stringOrNull(outcome.Value.Expose())
	m.Recoverable = types.BoolValue(!m.ExportedSecretValue.IsNull())
	m.DestructionStatement = m.statement(data)
}

// approval is what the resource brings for a destruction.
func (m *tenantSecretVersionModel) approval() approval {
	return approval{notAfter: m.DestructionNotAfter, signatures: m.DestructionApprovals}
}

// statement is what approvers sign for the destruction that may come next.
func (m *tenantSecretVersionModel) statement(data *Data) types.String {
	record := inventory.Record(m.row())
	held := m.ExportedSecretValue.IsUnknown() || m.ExportedSecretValue.ValueString() != ""

	return data.statementText(pendingOperation(record, m.Backup.ValueString() == backupNone, held), record, m.approval())
}

// keepPlanned keeps what the plan has promised: what somebody else has changed since the refresh is
// for the next plan to show, and the core takes it for a bug here.
func (m *tenantSecretVersionModel) keepPlanned(planned tenantSecretVersionModel) {
	if !planned.Version.IsUnknown() {
		m.Version = planned.Version
	}
	for _, v := range []struct{ is, promised *types.String }{
		{&m.Type, &planned.Type},
		{&m.Status, &planned.Status},
		{&m.Source, &planned.Source},
		{&m.Description, &planned.Description},
		{&m.KeyDerivationMode, &planned.KeyDerivationMode},
		{&m.SecretValueHash, &planned.SecretValueHash},
		{&m.CreatedDate, &planned.CreatedDate},
		{&m.LastModifiedDate, &planned.LastModifiedDate},
		{&m.DestructionStatement, &planned.DestructionStatement},
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
		ID: id, Type: m.Type.ValueString(), Version: m.Version.ValueInt64(), Status: m.Status.ValueString(),
		Source:      m.Source.ValueString(),
		Description: m.Description.ValueString(), KeyDerivationMode: m.KeyDerivationMode.ValueString(),
		SecretValueHash: m.SecretValueHash.ValueString(),
		CreatedDate:     created, LastModifiedDate: modified,
	}
}

// keptInState returns a record in state as the rules look at it. What decides besides the record
// itself, for a cache-only key and for a restore, the org alone knows; if it can't be asked, that
// is left to the apply.
func (r *tenantSecretVersionResource) keptInState(ctx context.Context, state tenantSecretVersionModel) keys.Kept {
	record := inventory.Record(state.row())
	if !r.online() {
		return keys.Keeping(record, nil, 0)
	}
	var records []keys.Record
	if record.Source == keys.SourceRemote || record.Status == keys.StatusDestroyed {
		if all, err := r.data.Inventory.ForPlan(ctx); err == nil {
			records = all.Records()
		}
	}

	return keys.Keeping(record, records, r.data.Client.APINumber())
}

// wish is what is wanted of the record. plan.ExportedSecretValue is the export that an earlier
// apply has saved, null for none.
func (r *tenantSecretVersionResource) wish(plan, config tenantSecretVersionModel) keys.Wish {
	return keys.Wish{
		Locks: keys.Locks{
			Allowed:         r.data != nil && r.data.AllowKeyDestruction,
			Undecided:       r.data != nil && r.data.DestructionUndecided,
			BackupNone:      plan.Backup.ValueString() == backupNone,
			Acknowledgement: plan.DestructionAcknowledgement.ValueString(),
			ExportSaved:     plan.ExportedSecretValue.ValueString() != "",
		},
		Status:      plan.DesiredStatus.ValueString(),
		ExportGiven: !config.ExportedSecretValueWO.IsNull(),
	}
}

// What private state keeps.
const (
	// privatePolicy is the deletion_policy in state. It also shows the second call of a replacement,
	// which gets no prior state, that there is one: its private data is what the first call has
	// planned.
	privatePolicy = "deletion_policy"
	// privateForgotten is true once the plan of a destroy has said what becomes of the record.
	privateForgotten = "forgotten"
)

// policyMark is a deletion policy as private state keeps it.
func policyMark(policy types.String) []byte { return []byte(strconv.Quote(policy.ValueString())) }

// ModifyPlan says what the apply will do, and refuses what it would refuse. For a record in state
// the planned values are a pure function of configuration and state; for one that is not, the plan
// shows what the apply must find again: org, type, version and status.
func (r *tenantSecretVersionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse,
) {
	if req.Plan.Raw.IsNull() {
		r.planForgetting(ctx, req, resp)

		return
	}
	prior := !req.State.Raw.IsNull()
	var plan, config, state tenantSecretVersionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if prior {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	replaced, diags := req.Private.GetKey(ctx, privatePolicy)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	switch {
	case !prior:
		// The second call of a replacement: the core drops its warnings, and shows its errors.
		if string(replaced) == strconv.Quote(policyPrevent) {
			addPrevented(&resp.Diagnostics, "record "+plan.TenantSecretID.ValueString(), policyAbandon)

			return
		}
		if replaced == nil {
			r.planOne(plan.TenantSecretID, plan.DesiredStatus, &resp.Diagnostics)
		}
		r.planAdoption(ctx, &plan, config, &resp.Diagnostics)
	case r.online() && !r.sameOrg(state.OrganizationID, &resp.Diagnostics):
		return
	default:
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, privatePolicy, policyMark(state.DeletionPolicy))...)
		r.planOne(plan.TenantSecretID, plan.DesiredStatus, &resp.Diagnostics)
		if plan.TenantSecretID.IsUnknown() || !salesforce.SameID(plan.TenantSecretID.ValueString(),
			state.TenantSecretID.ValueString()) {
			// The first call of a replacement: what both of its halves would refuse is refused before
			// anything is made.
			if _, ok := r.mayForget(ctx, state, r.sightedForPlan, &resp.Diagnostics); ok {
				r.planAdoption(ctx, &plan, config, &resp.Diagnostics)
			}

			break
		}
		r.planChange(ctx, &plan, config, state, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// planOne refuses to plan two statuses of one record.
func (r *tenantSecretVersionResource) planOne(id, status types.String, diags *diag.Diagnostics) {
	if r.data == nil || id.ValueString() == "" || status.ValueString() == "" {
		return
	}
	if other := r.data.records.want(id.ValueString(), status.ValueString()); other != "" {
		addProblem(diags, twoVersions(id.ValueString(), "wants it "+other))
	}
}

// planForgetting refuses a destroy that may not be, and says what stays behind.
func (r *tenantSecretVersionResource) planForgetting(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse,
) {
	var state tenantSecretVersionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if r.data != nil && r.data.records.adopted(state.TenantSecretID.ValueString()) {
		return // a deposed object, whose record the create of this very run has
	}
	if resp.Diagnostics.HasError() || r.online() && !r.mayLeave(state, &resp.Diagnostics) {
		return
	}
	if _, ok := r.mayForget(ctx, state, r.sightedForPlan, &resp.Diagnostics); !ok {
		return
	}
	resp.Diagnostics.AddWarning("The record will be forgotten, not changed", state.whatStays("will stay"))
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateForgotten, []byte("true"))...)
}

// planAdoption plans a record that is not in state yet.
func (r *tenantSecretVersionResource) planAdoption(ctx context.Context, plan *tenantSecretVersionModel,
	config tenantSecretVersionModel, diags *diag.Diagnostics,
) {
	for _, v := range []*types.String{
		&plan.OrganizationID, &plan.Type, &plan.Status, &plan.Source, &plan.Description, &plan.KeyDerivationMode,
		&plan.SecretValueHash, &plan.CreatedDate, &plan.LastModifiedDate,
		&plan.ExportedSecretValue,
	} {
		*v = types.StringUnknown()
	}
	plan.Version, plan.Recoverable = types.Int64Unknown(), types.BoolUnknown()
	plan.Receipt, plan.DestructionStatement = types.StringUnknown(), types.StringUnknown()
	if plan.DestructionNotAfter.IsNull() {
		plan.DestructionStatement = types.StringNull()
	}
	if plan.Backup.ValueString() == backupNone {
		plan.ExportedSecretValue, plan.Recoverable = types.StringNull(), types.BoolValue(false)
	}
	if !r.online() {
		return
	}
	plan.OrganizationID = types.StringValue(r.data.Session.OrganizationID)
	if plan.warnUnknown(diags) {
		return
	}
	row, kept, ok := r.sightedForPlan(ctx, plan.TenantSecretID.ValueString(), diags)
	if !ok {
		return
	}
	wish := r.wish(*plan, config)
	wish.Adopting, wish.ExportSaved = true, false
	fate, refusal := kept.Judge(wish)
	if refusal == nil && !r.data.QuorumUndecided && !plan.approval().undecided() {
		refusal = (&version{resource: r, plan: *plan, wish: wish, announced: fate}).approve(kept)
	}
	if !addProblem(diags, refusal) {
		return
	}
	for _, w := range fate.Warnings {
		addProblemWarning(diags, w)
	}
	plan.Type, plan.Version, plan.Status = types.StringValue(row.Type), types.Int64Value(row.Version),
		types.StringValue(fate.Status)
	if promisesNothing(fate, wish) {
		plan.LastModifiedDate = timeOrNull(row.LastModifiedDate)
	}
}

// planChange plans a record that is in state.
func (r *tenantSecretVersionResource) planChange(ctx context.Context, plan *tenantSecretVersionModel, config,
	state tenantSecretVersionModel, diags *diag.Diagnostics,
) {
	plan.keep(state)
	if plan.warnUnknown(diags) {
		plan.Status, plan.LastModifiedDate = types.StringUnknown(), types.StringUnknown()
		plan.ExportedSecretValue, plan.Recoverable = types.StringUnknown(), types.BoolUnknown()
		plan.Receipt, plan.DestructionStatement = types.StringUnknown(), types.StringUnknown()

		return
	}
	kept, wish := r.keptInState(ctx, state), r.wish(*plan, config)
	fate, refusal := kept.Judge(wish)
	if refusal == nil && r.online() && !r.data.QuorumUndecided && !plan.approval().undecided() {
		refusal = (&version{resource: r, plan: *plan, wish: wish, announced: fate}).approve(kept)
	}
	if !addProblem(diags, refusal) {
		return
	}
	for _, w := range fate.Warnings {
		addProblemWarning(diags, w)
	}
	if fate.Transition != keys.Stay {
		plan.Status, plan.LastModifiedDate = types.StringValue(fate.Status), types.StringUnknown()
	}
	switch fate.Export {
	case keys.HoldExport:
		plan.Recoverable = types.BoolValue(true)
	case keys.ReadExport:
		plan.ExportedSecretValue, plan.Recoverable = types.StringUnknown(), types.BoolUnknown()
	case keys.NoExport, keys.DropExport:
		plan.ExportedSecretValue, plan.Recoverable = types.StringNull(), types.BoolValue(false)
	}
	// A new wish that finds the record as wanted leaves evidence too: a run that was killed after its
	// write has left none.
	if fate.Writes() || fate.Export == keys.ReadExport || !plan.DesiredStatus.Equal(state.DesiredStatus) {
		plan.Receipt = types.StringUnknown()
	}
	switch {
	case plan.DestructionNotAfter.IsNull():
		plan.DestructionStatement = types.StringNull()
	case !r.online() || plan.DestructionNotAfter.IsUnknown() || fate.Transition == keys.Restore ||
		fate.Transition == keys.Reactivate:
		plan.DestructionStatement = types.StringUnknown()
	case needsApproval(fate, kept):
		// What was signed stays in state; the next refresh brings what may be signed next.
		operation := pendingOperation(kept.Record, wish.BackupNone, wish.ExportSaved)
		plan.DestructionStatement = r.data.statementText(operation, kept.Record, plan.approval())
	default:
		plan.DestructionStatement = plan.statement(r.data)
	}
}

// version is one piece of work on a record: what is wanted, what is known of the record, and what
// the plan has announced.
type version struct {
	resource  *tenantSecretVersionResource
	plan      tenantSecretVersionModel
	wish      keys.Wish
	kept      keys.Kept
	announced keys.RecordFate
	// statement and signers are what approve has found.
	statement string
	signers   []quorum.Signer
}

// needsApproval reports whether a fate is one that a quorum guards: a destruction, or the drop of a
// last copy.
func needsApproval(fate keys.RecordFate, k keys.Kept) bool {
	return fate.Transition.Destructive() || fate.Export == keys.DropExport && k.Status == keys.StatusDestroyed
}

// dropsLast reports whether forgetting the record would drop the only way back of a destroyed key.
func (v *version) dropsLast() bool {
	return v.wish.ExportSaved && v.kept.Status == keys.StatusDestroyed
}

// approve holds the work to the quorum, over the record as it is now.
func (v *version) approve(k keys.Kept) *problem.Problem {
	if !needsApproval(v.announced, k) {
		return nil
	}
	data, a := v.resource.data, v.plan.approval()
	end, _ := a.end()
	statement := data.statementOf(pendingOperation(k.Record, v.wish.BackupNone, v.wish.ExportSaved), k.Record, end)
	signers, refusal := data.approve(statement, a)
	v.statement, v.signers = statement.String(), signers

	return refusal
}

// recheck judges the record once more, on the reading right before its change, and so do the
// approvers. What is known besides the record stays.
func (v *version) recheck(row salesforce.TenantSecret) error {
	k := v.kept
	k.Record = inventory.Record(row)
	now, refusal := k.Judge(v.wish)
	if refusal == nil {
		refusal = k.CheckAnnounced(v.announced, now)
	}
	if refusal == nil {
		refusal = v.approve(k)
	}
	if refusal != nil {
		return refusal
	}

	return nil
}

// receipt is the evidence of what was done.
func (v *version) receipt(fate keys.RecordFate, outcome custody.Export, cause receipt.Cause) receipt.Receipt {
	operation := receipt.Adopt
	switch {
	case fate.Transition == keys.Destroy && fate.Export == keys.HoldExport:
		operation = receipt.Destroy
	case fate.Transition.Destructive():
		operation = receipt.DestroyForGood
	case fate.Transition != keys.Stay:
		operation = receipt.Restore
	case fate.Export == keys.DropExport:
		operation = receipt.DropExport
	}
	after := inventory.Record(outcome.Record)
	held := outcome.Value.Expose() != ""

	return v.resource.data.withApprovals(receipt.Receipt{
		Operation: operation, Cause: cause, Resource: typeName + "_tenant_secret_version", TenantSecretID: after.ID,
		Version: after.Version, Type: after.Type,
		Source: after.Source, CreatedBy: after.CreatedBy, StatusBefore: v.kept.Status, StatusAfter: after.Status,
		SecretValueHash: after.Hash, ExportHeld: &held,
	}, v.statement, v.signers)
}

// warnUnknown says what can become of a record whose wishes are not known yet, and reports whether
// there is one.
func (m *tenantSecretVersionModel) warnUnknown(diags *diag.Diagnostics) bool {
	var unknown []string
	for name, value := range map[string]types.String{
		"tenant_secret_id": m.TenantSecretID, "desired_status": m.DesiredStatus, "backup": m.Backup,
		"destruction_acknowledgement": m.DestructionAcknowledgement,
	} {
		if value.IsUnknown() {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return false
	}
	slices.Sort(unknown)
	if m.DesiredStatus.IsUnknown() || m.DesiredStatus.ValueString() == keys.StatusDestroyed || m.Backup.IsUnknown() {
		diags.AddAttributeWarning(path.Root(unknown[0]), "The apply may destroy a key",
			fmt.Sprintf("Known only after something else is applied: %s. Some values would destroy a key or drop its export; "+
				"permission, backup and acknowledgement are still required. Apply the other first (-target) to see what this one "+
				"does.", strings.Join(unknown, ", ")))
	}

	return true
}

// checkPromised compares what the plan has shown with what the record and its fate are now.
func (m *tenantSecretVersionModel) checkPromised(row salesforce.TenantSecret, fate keys.RecordFate,
	data *Data,
) *problem.Problem {
	found := tenantSecretVersionModel{}
	found.populate(row, data)
	changed := ""
	switch {
	case !m.OrganizationID.IsUnknown() && !m.OrganizationID.Equal(found.OrganizationID):
		changed = "organization_id"
	case !m.Type.IsUnknown() && !m.Type.Equal(found.Type):
		changed = "type"
	case !m.Version.IsUnknown() && !m.Version.Equal(found.Version):
		changed = "version"
	case !m.Status.IsUnknown() && m.Status.ValueString() != fate.Status,
		!m.LastModifiedDate.IsUnknown() && fate.Transition != keys.Stay:
		changed = "status"
	default:
		return nil
	}

	return problem.New("tenant_secret_id", "The record has changed since the plan",
		"The %s of record %s is not what the plan showed: the record is %s now. Nothing was changed. Plan again.", changed,
		keys.Keeping(inventory.Record(row), nil, 0), row.Status)
}

// checkHidden refuses a write that the configuration does not ask for: lifecycle.ignore_changes
// keeps the configuration from the plan, and the update alone sees it.
func (m *tenantSecretVersionModel) checkHidden(config tenantSecretVersionModel) *problem.Problem {
	backup := config.Backup
	if backup.IsNull() {
		backup = types.StringValue(backupState)
	}
	for _, v := range []struct {
		name             string
		planned, literal types.String
	}{
		{"desired_status", m.DesiredStatus, config.DesiredStatus},
		{"backup", m.Backup, backup},
		{"destruction_acknowledgement", m.DestructionAcknowledgement, config.DestructionAcknowledgement},
		{"exported_secret_value_wo_version", m.ExportedSecretValueVersion, config.ExportedSecretValueVersion},
	} {
		if !v.literal.IsUnknown() && !v.literal.Equal(v.planned) {
			return problem.New(v.name, "ignore_changes hides the configuration",
				"lifecycle.ignore_changes hid the configured %s from the plan, which would change the record or drop its export "+
					"against it. Nothing was changed. Take %s out of ignore_changes, or make both alike.", v.name, v.name)
		}
	}

	return nil
}

// keep plans the computed values as they are in state.
func (m *tenantSecretVersionModel) keep(state tenantSecretVersionModel) {
	m.OrganizationID, m.Type, m.Version, m.Status, m.Source = state.OrganizationID, state.Type, state.Version,
		state.Status, state.Source
	m.Description, m.KeyDerivationMode, m.SecretValueHash = state.Description, state.KeyDerivationMode,
		state.SecretValueHash
	m.CreatedDate, m.LastModifiedDate = state.CreatedDate, state.LastModifiedDate
	m.ExportedSecretValue, m.Recoverable = state.ExportedSecretValue, state.Recoverable
	m.Receipt, m.DestructionStatement = state.Receipt, state.DestructionStatement
}

// promisesNothing reports whether an adoption sends nothing while a later reading could make it
// send something: the plan then shows when the record was last modified, and the apply must find it
// so.
func promisesNothing(fate keys.RecordFate, wish keys.Wish) bool {
	return fate.Transition == keys.Stay && (wish.Status != keys.StatusArchived || wish.ExportGiven)
}
