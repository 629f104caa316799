package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/quorum"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

var (
	_ resource.ResourceWithConfigure   = (*externalRootKeyResource)(nil)
	_ resource.ResourceWithIdentity    = (*externalRootKeyResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*externalRootKeyResource)(nil)
	_ resource.ResourceWithImportState = (*externalRootKeyResource)(nil)
)

// externalRootKeyResource is the status of one existing root key, in an external key management
// service or of Salesforce's own.
type externalRootKeyResource struct{ resourceBase }

func newExternalRootKeyResource() resource.Resource { return &externalRootKeyResource{} }

type externalRootKeyModel struct {
	RootKeyID            types.String `tfsdk:"root_key_id"`
	DesiredStatus        types.String `tfsdk:"desired_status"`
	DestructionApprovals types.List   `tfsdk:"destruction_approvals"`
	DestructionNotAfter  types.String `tfsdk:"destruction_not_after"`
	OrganizationID       types.String `tfsdk:"organization_id"`
	Status               types.String `tfsdk:"status"`
	Identifier           types.String `tfsdk:"root_key_identifier"`
	ARN                  types.String `tfsdk:"arn"`
	RootKeyService       types.String `tfsdk:"root_key_service"`
	Region               types.String `tfsdk:"region"`
	Description          types.String `tfsdk:"description"`
	ActivatedDate        types.String `tfsdk:"activated_date"`
	DestructionStatement types.String `tfsdk:"destruction_statement"`
	Receipt              types.String `tfsdk:"receipt"`
}

type externalRootKeyIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
	RootKeyID      types.String `tfsdk:"root_key_id"`
}

// rootKeyPrefix is the key prefix of ExternalEncryptionRootKey ids [D EERKRef, from its example].
const rootKeyPrefix = "48q"

func (r *externalRootKeyResource) Metadata(_ context.Context, req resource.MetadataRequest,
	resp *resource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_external_root_key"
}

func (r *externalRootKeyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The status of one existing root key: a key in AWS KMS (External Key Management), or one of " +
			"Salesforce's own. The resource creates nothing and a destroy forgets: root keys are created, rotated and tested " +
			"in Setup (Key Management) only. **Setting a root key to `Inactive` makes the data under it unreadable** until it " +
			"is `Active` again, so it is guarded like the destruction of a key: it needs `allow_key_destruction = true` in " +
			"the provider block, and the approvals of `destruction_approvers`. Salesforce documents changes between `Active` " +
			"and `Inactive` only, and none is sent from another status. A root key made in production can't be activated or " +
			"deactivated in a sandbox.",
		Attributes: map[string]schema.Attribute{
			"root_key_id": schema.StringAttribute{
				MarkdownDescription: "Id (`48q…`) of the root key, 15 or 18 characters.",
				Required:            true,
				Validators:          []validator.String{tfvalidator.SalesforceID(rootKeyPrefix)},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplaceIf(
					func(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
						resp.RequiresReplace = !salesforce.SameID(req.StateValue.ValueString(), req.ConfigValue.ValueString())
					}, "Another root key is another resource.", "Another root key is another resource.")},
			},
			"desired_status": schema.StringAttribute{
				MarkdownDescription: "`Active` or `Inactive`. `Inactive` makes the data under the key unreadable until it is " +
					"`Active` again, and needs `allow_key_destruction = true`.",
				Required: true,
				Validators: []validator.String{stringvalidator.OneOf(salesforce.RootKeyActive,
					salesforce.RootKeyInactive)},
			},
			"destruction_approvals": approvalsAttribute(),
			"destruction_not_after": notAfterAttribute(),
			"organization_id":       computedString("Id of the org, 18 characters."),
			"status": computedString("Status in the org: `Activation Pending`, `Active`, `Archived`, " +
				"`Canceled`, `Inactive` or `Unavailable` (Salesforce can't reach the key)."),
			"root_key_identifier": computedString("How the key management service names the key: an ARN, or a UUID for " +
				"Salesforce's own keys."),
			"arn": schema.StringAttribute{
				MarkdownDescription: "The identifier, if it is an ARN, else null. Use `root_key_identifier`.", Computed: true,
				DeprecationMessage: "Use root_key_identifier: Salesforce's own root keys have no ARN.",
			},
			"root_key_service": computedString("The key management service: `AWS`, or `SF` for Salesforce's own keys."),
			"region":           computedString("Region of the key."),
			"description":      computedString("Description of the root key in the org."),
			"activated_date":   computedString("When it was activated, RFC 3339, UTC."),
			"destruction_statement": computedString("The text that approvers sign before the key is made `Inactive`. Null " +
				"without `destruction_not_after`, and for a key that is not `Active`. Each change of the key changes it."),
			"receipt": computedString(receiptDescription + " Of the last change of the status; null until there is one."),
		},
	}
}

func (r *externalRootKeyResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{
			Description:       "Id of the org, 18 characters.",
			RequiredForImport: true,
		},
		"root_key_id": identityschema.StringAttribute{
			Description:       "Id of the root key, 18 characters.",
			RequiredForImport: true,
		},
	}}
}

// ModifyPlan shows the status that will hold, and keeps the lock closed.
func (r *externalRootKeyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse,
) {
	if req.Plan.Raw.IsNull() {
		resp.Diagnostics.AddWarning("The root key will be forgotten, not changed",
			"Its status stays as it is; Terraform no longer manages it.")

		return
	}
	var plan, state externalRootKeyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || plan.DesiredStatus.IsUnknown() || plan.RootKeyID.IsUnknown() {
		return
	}
	if req.State.Raw.IsNull() {
		if !r.online() {
			return
		}
		plan.OrganizationID = types.StringValue(r.data.Session.OrganizationID)
		if key, ok := r.find(ctx, plan.RootKeyID.ValueString(), &resp.Diagnostics); ok {
			r.planInactive(ctx, plan, key, &resp.Diagnostics)
			warnFixedStatus(key.Status, plan.DesiredStatus.ValueString(), key.ID, &resp.Diagnostics)
			if !mustChange(key.Status, plan.DesiredStatus.ValueString()) {
				plan.Status, plan.ActivatedDate = stringOrNull(key.Status), timeOrNull(key.ActivatedDate)
			}
		}
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

		return
	}
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !salesforce.SameID(plan.RootKeyID.ValueString(), state.RootKeyID.ValueString()) {
		return
	}
	r.planInactive(ctx, plan, salesforce.ExternalRootKey{
		ID:     fullID(plan.RootKeyID.ValueString()),
		Status: state.Status.ValueString(),
	}, &resp.Diagnostics)
	warnFixedStatus(state.Status.ValueString(), plan.DesiredStatus.ValueString(), plan.RootKeyID.ValueString(),
		&resp.Diagnostics)
	plan.OrganizationID, plan.Identifier, plan.ARN, plan.RootKeyService = state.OrganizationID, state.Identifier,
		state.ARN, state.RootKeyService
	plan.Region, plan.Description, plan.ActivatedDate, plan.Status = state.Region, state.Description, state.ActivatedDate,
		state.Status
	plan.Receipt, plan.DestructionStatement = state.Receipt, state.DestructionStatement
	changes := mustChange(state.Status.ValueString(), plan.DesiredStatus.ValueString())
	if changes {
		plan.Status, plan.ActivatedDate = plan.DesiredStatus, types.StringUnknown()
	}
	if changes || isNewWish(plan, state) {
		plan.Receipt = types.StringUnknown()
	}
	switch {
	case plan.DestructionNotAfter.IsNull():
		plan.DestructionStatement = types.StringNull()
	case changes && plan.DesiredStatus.ValueString() == salesforce.RootKeyActive,
		!plan.DestructionNotAfter.Equal(state.DestructionNotAfter):
		plan.DestructionStatement = types.StringUnknown()
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

// isNewWish reports whether another status is wanted than before. Its receipt is left even if the
// key is found so: a run that was killed after its change has left none.
func isNewWish(plan, state externalRootKeyModel) bool {
	return !state.DesiredStatus.IsNull() && !plan.DesiredStatus.Equal(state.DesiredStatus)
}

// mustChange reports whether a change of the status must be sent. Only Active and Inactive turn
// into each other [D EERKRef]; from any other status nothing is sent.
func mustChange(status, wanted string) bool {
	changeable := strings.EqualFold(status, salesforce.RootKeyActive) ||
		strings.EqualFold(status, salesforce.RootKeyInactive)

	return changeable && !strings.EqualFold(status, wanted)
}

// warnFixedStatus reports a root key whose status is not the wanted one and can't be changed.
func warnFixedStatus(status, wanted, id string, diags *diag.Diagnostics) {
	at := path.Root("desired_status")
	switch {
	case strings.EqualFold(status, wanted) || mustChange(status, wanted):
	case strings.EqualFold(status, salesforce.RootKeyUnavailable):
		diags.AddAttributeWarning(at, "The root key is not available",
			fmt.Sprintf("Salesforce can't reach root key %s in its key management service, so its data can't be read. Another "+
				"status does not help: check the key, its policy and its region there.", id))
	default:
		diags.AddAttributeWarning(at, "The root key's status is fixed",
			fmt.Sprintf("Root key %s is %s, and Salesforce documents changes between Active and Inactive only. Nothing was "+
				"sent. Look at the key in Setup, Key Management.", id, status))
	}
}

// checkLock refuses to make a root key Inactive without the provider's permission.
func (r *externalRootKeyResource) checkLock(status, wanted, id string, diags *diag.Diagnostics) bool {
	if wanted != salesforce.RootKeyInactive || !mustChange(status, wanted) {
		return true
	}
	if r.data == nil || !r.data.AllowKeyDestruction && !r.data.DestructionUndecided {
		diags.AddAttributeError(path.Root("desired_status"), "Making a root key Inactive is not allowed",
			fmt.Sprintf("Data under root key %s (%s) can't be read while the key is Inactive, and the provider block does not "+
				"allow that. Nothing was changed. To go on, set allow_key_destruction = true in the provider block.", id, status))

		return false
	}
	diags.AddAttributeWarning(path.Root("desired_status"), "A root key will be made Inactive",
		fmt.Sprintf("Data under root key %s can't be read from then on. Setting desired_status = %q brings it back.", id,
			salesforce.RootKeyActive))

	return true
}

// inactive is one change of a root key to Inactive: what approvers sign for it, and who has.
type inactive struct {
	statement string
	signers   []quorum.Signer
}

// planInactive refuses, at plan, what the apply would refuse.
func (r *externalRootKeyResource) planInactive(ctx context.Context, plan externalRootKeyModel,
	key salesforce.ExternalRootKey, diags *diag.Diagnostics,
) {
	if !r.checkLock(key.Status, plan.DesiredStatus.ValueString(), key.ID, diags) || !r.online() ||
		r.data.QuorumUndecided || plan.approval().undecided() {
		return
	}
	r.approve(ctx, plan, key, diags)
}

// approve holds a change to Inactive to the quorum, over the key as it is now.
func (r *externalRootKeyResource) approve(ctx context.Context, plan externalRootKeyModel,
	key salesforce.ExternalRootKey, diags *diag.Diagnostics,
) (inactive, bool) {
	if plan.DesiredStatus.ValueString() != salesforce.RootKeyInactive ||
		!mustChange(key.Status, salesforce.RootKeyInactive) {
		return inactive{}, true
	}
	statement, ok := r.statement(ctx, plan, key, diags)
	if !ok {
		return inactive{}, false
	}
	signers, refusal := r.data.approve(statement, plan.approval())
	found := inactive{signers: signers}
	if _, ended := plan.approval().end(); ended {
		found.statement = statement.String()
	}

	return found, addProblem(diags, refusal)
}

// statement is what approvers sign for a change of the key to Inactive.
func (r *externalRootKeyResource) statement(ctx context.Context, plan externalRootKeyModel,
	key salesforce.ExternalRootKey, diags *diag.Diagnostics,
) (quorum.Statement, bool) {
	end, given := plan.approval().end()
	record := keys.Record{ID: key.ID}
	if given {
		var err error
		if record.LastModifiedDate, err = r.data.Client.ExternalRootKeyModified(ctx, key.ID); err != nil {
			addError(diags, "Unable to read the external root keys", err)

			return quorum.Statement{}, false
		}
	}

	return r.data.statementOf(quorum.RootKeyInactive, record, end), true
}

// statementText is destruction_statement: null without an end, and for a key that can't be made
// Inactive.
func (r *externalRootKeyResource) statementText(ctx context.Context, m externalRootKeyModel,
	key salesforce.ExternalRootKey, diags *diag.Diagnostics,
) types.String {
	if _, given := m.approval().end(); !given || !mustChange(key.Status, salesforce.RootKeyInactive) {
		return types.StringNull()
	}
	statement, ok := r.statement(ctx, m, key, diags)
	if !ok {
		return types.StringNull()
	}

	return types.StringValue(statement.String())
}

// approval is what the resource brings for a destruction.
func (m *externalRootKeyModel) approval() approval {
	return approval{notAfter: m.DestructionNotAfter, signatures: m.DestructionApprovals}
}

func (r *externalRootKeyResource) find(ctx context.Context, id string,
	diags *diag.Diagnostics,
) (salesforce.ExternalRootKey, bool) {
	key, found, err := r.data.Client.GetExternalRootKey(ctx, id)
	if err != nil {
		addError(diags, "Unable to read the external root keys", err)

		return key, false
	}
	if !found {
		diags.AddAttributeError(path.Root("root_key_id"), "No such external root key",
			fmt.Sprintf("Org %s shows no external root key with the id %s. Nothing was removed from state. %s",
				r.data.Session.OrganizationID, id, permissionsAdvice))
	}

	return key, found
}

// setStatus sets the status if it differs. After an answer that leaves the outcome open the key is
// read, and not changed again.
func (r *externalRootKeyResource) setStatus(ctx context.Context, plan *externalRootKeyModel, state externalRootKeyModel,
	diags *diag.Diagnostics,
) bool {
	key, ok := r.find(ctx, plan.RootKeyID.ValueString(), diags)
	if !ok || !r.checkLock(key.Status, plan.DesiredStatus.ValueString(), key.ID, diags) {
		return false
	}
	approved, ok := r.approve(ctx, *plan, key, diags)
	if !ok {
		return false
	}
	before, changes := key.Status, mustChange(key.Status, plan.DesiredStatus.ValueString())
	if changes && !plan.ActivatedDate.IsUnknown() {
		return addProblem(diags, problem.New("", "The org has moved on since the plan",
			"The plan leaves root key %s as it is, but the key reads %s now, and the apply would make it %s. Nothing was "+
				"sent. Plan again.", key.ID, key.Status, plan.DesiredStatus.ValueString()))
	}
	leavesReceipt := changes || isNewWish(*plan, state) && strings.EqualFold(before, plan.DesiredStatus.ValueString())
	if leavesReceipt && !r.data.canRecord(ctx, diags) {
		return false
	}
	if changes {
		err := r.data.Client.SetExternalRootKeyStatus(ctx, key.ID, plan.DesiredStatus.ValueString())
		if err != nil && !errors.Is(err, salesforce.ErrOutcomeUnknown) {
			addError(diags, "Unable to change the root key", err)

			return false
		}
		sent := err
		if key, ok = r.readBack(ctx, key.ID, plan.DesiredStatus.ValueString(), diags); !ok {
			return false
		}
		if !strings.EqualFold(key.Status, plan.DesiredStatus.ValueString()) {
			if sent == nil {
				sent = errors.New("the change was accepted")
			}
			addError(diags, "The root key did not change", fmt.Errorf("root key %s reads %s after the change to %s; plan "+
				"again: %w", key.ID, key.Status, plan.DesiredStatus.ValueString(), sent))

			return false
		}
	}
	evidence := state.Receipt
	if leavesReceipt {
		evidence = r.data.record(ctx, r.data.withApprovals(receipt.Receipt{
			Operation: receipt.ChangeRootKey, Cause: causeOf(plan.DesiredStatus, state.DesiredStatus),
			Resource:     typeName + "_external_root_key",
			StatusBefore: before, StatusAfter: key.Status, RootKey: &receipt.RootKey{
				ID:         key.ID,
				Identifier: key.RootKeyIdentifier, Service: key.RootKeyService,
			},
		}, approved.statement, approved.signers), state.Receipt, diags)
	}
	if plan.Receipt.IsUnknown() {
		plan.Receipt = evidence
	}
	if plan.DestructionStatement.IsUnknown() && approved.statement != "" {
		plan.DestructionStatement = types.StringValue(approved.statement)
	} else if plan.DestructionStatement.IsUnknown() {
		plan.DestructionStatement = r.statementText(ctx, *plan, key, diags)
	}
	plan.fillUnknown(key, r.data)

	return true
}

// readBack reads a key until it has the status that was asked for, or patience ends: a replica may
// show the old one.
func (r *externalRootKeyResource) readBack(ctx context.Context, id, status string, diags *diag.Diagnostics) (
	salesforce.ExternalRootKey, bool,
) {
	key, _, err := look.Reading(ctx, r.data.forWrite(), func(ctx context.Context) (salesforce.ExternalRootKey, error) {
		key, _, err := r.data.Client.GetExternalRootKey(ctx, id)

		return key, err
	}, func(key salesforce.ExternalRootKey) bool { return strings.EqualFold(key.Status, status) })
	switch {
	case err != nil:
		addError(diags, "Unable to read the external root keys", err)
	case key.ID == "":
		return r.find(ctx, id, diags)
	}

	return key, err == nil
}

// fillUnknown fills what the plan has left open. What has changed of the rest since the refresh is
// for the next plan to show, and the core takes it for a bug here.
func (m *externalRootKeyModel) fillUnknown(key salesforce.ExternalRootKey, data *Data) {
	var found externalRootKeyModel
	found.populate(key, data)
	for _, v := range []struct {
		planned *types.String
		found   types.String
	}{
		{&m.OrganizationID, found.OrganizationID},
		{&m.Status, found.Status},
		{&m.Identifier, found.Identifier},
		{&m.ARN, found.ARN},
		{&m.RootKeyService, found.RootKeyService},
		{&m.Region, found.Region},
		{&m.Description, found.Description},
		{&m.ActivatedDate, found.ActivatedDate},
	} {
		if v.planned.IsUnknown() {
			*v.planned = v.found
		}
	}
}

func (m *externalRootKeyModel) populate(key salesforce.ExternalRootKey, data *Data) {
	m.OrganizationID = types.StringValue(data.Session.OrganizationID)
	m.Status = stringOrNull(key.Status)
	m.Identifier = stringOrNull(key.RootKeyIdentifier)
	m.ARN = types.StringNull()
	if strings.HasPrefix(key.RootKeyIdentifier, "arn:") {
		m.ARN = m.Identifier
	}
	m.RootKeyService = stringOrNull(key.RootKeyService)
	m.Region = stringOrNull(key.Region)
	m.Description = stringOrNull(key.Description)
	m.ActivatedDate = timeOrNull(key.ActivatedDate)
}

func (m *externalRootKeyModel) identity() externalRootKeyIdentity {
	return externalRootKeyIdentity{
		OrganizationID: m.OrganizationID,
		RootKeyID:      types.StringValue(fullID(m.RootKeyID.ValueString())),
	}
}

func (r *externalRootKeyResource) Create(ctx context.Context, req resource.CreateRequest,
	resp *resource.CreateResponse,
) {
	var plan externalRootKeyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(plan.OrganizationID, &resp.Diagnostics) ||
		!r.setStatus(ctx, &plan, externalRootKeyModel{}, &resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

func (r *externalRootKeyResource) Update(ctx context.Context, req resource.UpdateRequest,
	resp *resource.UpdateResponse,
) {
	var plan, state externalRootKeyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(plan.OrganizationID, &resp.Diagnostics) ||
		!r.setStatus(ctx, &plan, state, &resp.Diagnostics) {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

func (r *externalRootKeyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer onlyFirstLimit(ctx, &resp.Diagnostics)
	var state externalRootKeyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	key, ok := r.find(ctx, state.RootKeyID.ValueString(), &resp.Diagnostics)
	if !ok {
		return
	}
	state.populate(key, r.data)
	state.DestructionStatement = r.statementText(ctx, state, key, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}

// Delete forgets; the plan has said so.
func (r *externalRootKeyResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

// foundRootKey is the resource of a root key that an import or a list finds. Its status is what is
// wanted until the configuration says otherwise: neither changes one.
func foundRootKey(key salesforce.ExternalRootKey, data *Data) externalRootKeyModel {
	wanted := salesforce.RootKeyActive
	if strings.EqualFold(key.Status, salesforce.RootKeyInactive) {
		wanted = salesforce.RootKeyInactive
	}
	m := externalRootKeyModel{
		RootKeyID: types.StringValue(key.ID), DesiredStatus: types.StringValue(wanted),
		DestructionApprovals: types.ListNull(types.StringType),
	}
	m.populate(key, data)

	return m
}

// ImportState takes the id of a root key or an identity.
func (r *externalRootKeyResource) ImportState(ctx context.Context, req resource.ImportStateRequest,
	resp *resource.ImportStateResponse,
) {
	id, ok := r.importID(ctx, req, "root_key_id", &resp.Diagnostics)
	if !ok {
		return
	}
	if !salesforce.ValidID(id) {
		resp.Diagnostics.AddError("Invalid import id", fmt.Sprintf("Expected the id (%s…) of an external root key, 15 or "+
			"18 characters. Nothing was imported.", rootKeyPrefix))

		return
	}
	key, ok := r.find(ctx, id, &resp.Diagnostics)
	if !ok {
		return
	}
	state := foundRootKey(key, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}
