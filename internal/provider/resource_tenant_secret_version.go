package provider

import (
	"context"
	"errors"
	"fmt"

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

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/custody"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

var (
	_ resource.ResourceWithConfigure      = (*tenantSecretVersionResource)(nil)
	_ resource.ResourceWithIdentity       = (*tenantSecretVersionResource)(nil)
	_ resource.ResourceWithValidateConfig = (*tenantSecretVersionResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*tenantSecretVersionResource)(nil)
	_ resource.ResourceWithImportState    = (*tenantSecretVersionResource)(nil)
)

// tenantSecretVersionResource is one existing record: kept, destroyed or restored.
type tenantSecretVersionResource struct{ resourceBase }

func newTenantSecretVersionResource() resource.Resource { return &tenantSecretVersionResource{} }

type tenantSecretVersionModel struct {
	TenantSecretID             types.String `tfsdk:"tenant_secret_id"`
	DesiredStatus              types.String `tfsdk:"desired_status"`
	Backup                     types.String `tfsdk:"backup"`
	ExportedSecretValueWO      types.String `tfsdk:"exported_secret_value_wo"`
	ExportedSecretValueVersion types.String `tfsdk:"exported_secret_value_wo_version"`
	DestructionAcknowledgement types.String `tfsdk:"destruction_acknowledgement"`
	DestructionApprovals       types.List   `tfsdk:"destruction_approvals"`
	DestructionNotAfter        types.String `tfsdk:"destruction_not_after"`
	DeletionPolicy             types.String `tfsdk:"deletion_policy"`
	OrganizationID             types.String `tfsdk:"organization_id"`
	Type                       types.String `tfsdk:"type"`
	Version                    types.Int64  `tfsdk:"version"`
	Status                     types.String `tfsdk:"status"`
	Source                     types.String `tfsdk:"source"`
	Description                types.String `tfsdk:"description"`
	KeyDerivationMode          types.String `tfsdk:"key_derivation_mode"`
	SecretValueHash            types.String `tfsdk:"secret_value_hash"`
	CreatedDate                types.String `tfsdk:"created_date"`
	LastModifiedDate           types.String `tfsdk:"last_modified_date"`
	ExportedSecretValue        types.String `tfsdk:"exported_secret_value"`
	Recoverable                types.Bool   `tfsdk:"recoverable"`
	DestructionStatement       types.String `tfsdk:"destruction_statement"`
	Receipt                    types.String `tfsdk:"receipt"`
}

type tenantSecretVersionIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
	TenantSecretID types.String `tfsdk:"tenant_secret_id"`
}

const (
	backupState = "STATE"
	backupNone  = "NONE"
)

func (r *tenantSecretVersionResource) Metadata(_ context.Context, req resource.MetadataRequest,
	resp *resource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secret_version"
}

func (r *tenantSecretVersionResource) Schema(_ context.Context, _ resource.SchemaRequest,
	resp *resource.SchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "One existing tenant secret record: keep its export, destroy it, restore it. Creating this " +
			"resource adopts a record and creates nothing in Salesforce; removing it forgets the record and changes nothing " +
			"there. **Destroying a key makes the data that it encrypts unreadable.** It takes `allow_key_destruction = true` " +
			"in the provider block and either an export that an *earlier* apply has saved in state (so: adopt with " +
			"`ARCHIVED`, apply, then `DESTROYED`, apply) or `backup = \"NONE\"` with the typed `destruction_acknowledgement`.",
		Attributes: map[string]schema.Attribute{
			"tenant_secret_id": schema.StringAttribute{
				MarkdownDescription: "Id (`02G…`) of the record, 15 or 18 characters. A change replaces the resource.",
				Required:            true,
				Validators:          []validator.String{tfvalidator.SalesforceID(tenantSecretPrefix)},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplaceIf(
					func(_ context.Context, req planmodifier.StringRequest, resp *stringplanmodifier.RequiresReplaceIfFuncResponse) {
						resp.RequiresReplace = !salesforce.SameID(req.StateValue.ValueString(), req.ConfigValue.ValueString())
					},
					"Another record is another resource; the 15- and 18-character forms of one id are not.",
					"Another record is another resource; the 15- and 18-character forms of one id are not.",
				)},
			},
			"desired_status": schema.StringAttribute{
				MarkdownDescription: "`ARCHIVED` or `DESTROYED`; for the newest cache-only (`REMOTE`) record `ACTIVE` or " +
					"`DESTROYED`. Changing `DESTROYED` to `ARCHIVED` restores the key from its export.",
				Required: true,
				Validators: []validator.String{stringvalidator.OneOf(keys.StatusArchived, keys.StatusDestroyed,
					keys.StatusActive)},
			},
			"backup": schema.StringAttribute{
				MarkdownDescription: "`STATE` (default) keeps the record's export, which Salesforce has encrypted, in state: the " +
					"only thing that restores a destroyed key. `NONE` keeps nothing; on a DESTROYED record it drops the held export " +
					"for good, which needs `destruction_acknowledgement`.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(backupState),
				Validators: []validator.String{stringvalidator.OneOf(backupState, backupNone)},
			},
			"exported_secret_value_wo": schema.StringAttribute{
				MarkdownDescription: "An export of this record that you hold elsewhere, for a restore; write-only (Terraform " +
					"1.11 or newer, OpenTofu 1.11 or newer). It must be what Salesforce exported: a freshly wrapped key restores " +
					"nothing. Needs `exported_secret_value_wo_version`.",
				Optional:  true,
				WriteOnly: true,
				Sensitive: true,
				Validators: []validator.String{tfvalidator.Secret(tfvalidator.ExportedSecretValue(),
					neighbours["exported_secret_value_wo"])},
			},
			"exported_secret_value_wo_version": schema.StringAttribute{
				MarkdownDescription: "Any text that stands for the export in `exported_secret_value_wo`.",
				Optional:            true,
				Validators: []validator.String{
					stringvalidator.LengthAtLeast(1),
					stringvalidator.AlsoRequires(path.MatchRoot("exported_secret_value_wo")),
				},
			},
			"destruction_acknowledgement": schema.StringAttribute{
				MarkdownDescription: "Must equal `tenant_secret_id` to destroy with `backup = \"NONE\"`, to drop the export of a " +
					"DESTROYED record, to remove a block that holds the only export of a DESTROYED record, and to adopt a DESTROYED " +
					"record without its export (import needs none).",
				Optional: true,
			},
			"destruction_approvals": approvalsAttribute(),
			"destruction_not_after": notAfterAttribute(),
			"deletion_policy": deletionPolicyAttribute("`ABANDON` (default) forgets the record and changes nothing in "+
				"Salesforce; it is refused while the state holds the only export of a DESTROYED key, unless you acknowledged "+
				"that. `PREVENT` makes it an error, even after the block is gone from the configuration.", policyAbandon,
				policyPrevent),
			"organization_id": computedString("Id of the org, 18 characters."),
			"type":            computedString("Type of the key, such as `Data`."),
			"version": schema.Int64Attribute{MarkdownDescription: "Version of the record, a number that grows " +
				"within the org.", Computed: true},
			"status":              computedString("Status of the record: `ACTIVE`, `ARCHIVED` or `DESTROYED`."),
			"source":              computedString("Where the key came from: `UPLOADED`, `HSM` or `REMOTE`."),
			"description":         computedString("The record's Description, with its marker."),
			"key_derivation_mode": computedString("`PBKDF2` or `NONE`."),
			"secret_value_hash": computedString("Base64 SHA-256 of the plaintext key. Salesforce keeps it after a " +
				"destruction. Null if Salesforce made the key."),
			"created_date":       computedString("When the record was created, RFC 3339, UTC."),
			"last_modified_date": computedString("When the record was last changed, RFC 3339, UTC."),
			"exported_secret_value": schema.StringAttribute{
				MarkdownDescription: "The record's export, encrypted by Salesforce, base64. Read when the record is first " +
					"managed and right before a destruction, but never on a refresh: Salesforce may log each reading as an export. " +
					"Null with `backup = \"NONE\"`.",
				Computed:  true,
				Sensitive: true,
			},
			"recoverable": schema.BoolAttribute{
				MarkdownDescription: "Whether the state holds an export that restores the key: one that was read from this " +
					"record, with its hash.",
				Computed: true,
			},
			"destruction_statement": computedString("The text that approvers sign for the next possible destruction: of the " +
				"key, or of its last export. Null without `destruction_not_after`. Each change of the record changes it."),
			"receipt": computedString(receiptDescription + " Of the last adoption, destruction, restoration or drop of an " +
				"export."),
		},
	}
}

func (r *tenantSecretVersionResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{
			Description:       "Id of the org, 18 characters.",
			RequiredForImport: true,
		},
		"tenant_secret_id": identityschema.StringAttribute{
			Description:       "Id of the record, 18 characters.",
			RequiredForImport: true,
		},
	}}
}

// ValidateConfig checks what depends on more than one attribute.
func (r *tenantSecretVersionResource) ValidateConfig(_ context.Context, req resource.ValidateConfigRequest,
	resp *resource.ValidateConfigResponse,
) {
	config := pluginserver.NewObject(req.Config.Raw)
	if export := config["exported_secret_value_wo"]; export.IsKnown() && !export.IsNull() &&
		config["exported_secret_value_wo_version"].IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("exported_secret_value_wo_version"), "Export without a version",
			"exported_secret_value_wo is write-only: Terraform can't see it change. Set exported_secret_value_wo_version. "+
				"Nothing was sent.")
	}
	ack, ackKnown := config.Text("destruction_acknowledgement")
	id, idKnown := config.Text("tenant_secret_id")
	if ackKnown && idKnown && !config["destruction_acknowledgement"].IsNull() && !salesforce.SameID(ack, id) {
		resp.Diagnostics.AddAttributeError(path.Root("destruction_acknowledgement"),
			"The acknowledgement names another record",
			fmt.Sprintf("Expected the value of tenant_secret_id, %q, found %q. Nothing was changed.", id, ack))
	}
}

// Create adopts the record. On an error there is no state: a tainted resource would be replaced,
// and its key forgotten, at the next apply.
func (r *tenantSecretVersionResource) Create(ctx context.Context, req resource.CreateRequest,
	resp *resource.CreateResponse,
) {
	var plan, config tenantSecretVersionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	row, kept, ok := r.sightedForWrite(ctx, plan.TenantSecretID.ValueString(), &resp.Diagnostics)
	if !ok {
		return
	}
	wish := r.wish(plan, config)
	wish.Adopting, wish.ExportSaved = true, false
	fate, refusal := kept.Judge(wish)
	if refusal == nil {
		refusal = plan.checkPromised(row, fate, r.data)
	}
	if refusal == nil && fate.Writes() {
		refusal = r.claim(kept)
	}
	work := &version{resource: r, plan: plan, wish: wish, kept: kept, announced: fate}
	if refusal == nil {
		refusal = work.approve(kept)
	}
	leavesReceipt := fate.Writes() || plan.Receipt.IsUnknown()
	if !addProblem(&resp.Diagnostics, refusal) || leavesReceipt && !r.data.canRecord(ctx, &resp.Diagnostics) {
		return
	}
	keeper := r.data.keeper()
	keeper.Check = work.recheck
	outcome, err := r.carryOut(ctx, keeper, fate, row, secret.Text{}, config.ExportedSecretValueWO.ValueString())
	if err != nil {
		addError(&resp.Diagnostics, "Unable to manage the record", err)

		return
	}
	r.data.records.adopt(row.ID)
	planned := plan
	plan.fromExport(outcome, r.data)
	plan.keepPlanned(planned)
	plan.Receipt = r.data.record(ctx, work.receipt(fate, outcome, receipt.CausePlan), types.StringNull(),
		&resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privatePolicy, policyMark(plan.DeletionPolicy))...)
}

func (r *tenantSecretVersionResource) Update(ctx context.Context, req resource.UpdateRequest,
	resp *resource.UpdateResponse,
) {
	var plan, config, state tenantSecretVersionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	row := state.row()
	plan.ExportedSecretValue = state.ExportedSecretValue
	wish := r.wish(plan, config)
	kept := r.keptInState(ctx, state)
	announced, refusal := kept.Judge(wish)
	fate := announced
	if refusal == nil && announced.Writes() {
		refusal = plan.checkHidden(config)
	}
	// A destroy and a restore read the record right before; for the rest that reading is made here.
	if refusal == nil && (announced.Export == keys.DropExport || announced.Writes() && row.Source == keys.SourceRemote) {
		var ok bool
		if row, kept, ok = r.sightedForWrite(ctx, row.ID, &resp.Diagnostics); !ok {
			return
		}
		if fate, refusal = kept.Judge(wish); refusal == nil {
			refusal = kept.CheckAnnounced(announced, fate)
		}
	}
	if refusal == nil && fate.Writes() {
		refusal = r.claim(kept)
	}
	work := &version{resource: r, plan: plan, wish: wish, kept: kept, announced: announced}
	if refusal == nil {
		refusal = work.approve(kept)
	}
	leavesReceipt := fate.Writes() || plan.Receipt.IsUnknown()
	if !addProblem(&resp.Diagnostics, refusal) || leavesReceipt && !r.data.canRecord(ctx, &resp.Diagnostics) {
		return
	}
	keeper := r.data.keeper()
	keeper.Check = work.recheck
	outcome, err := r.carryOut(ctx, keeper, fate, row, secret.NewText(state.ExportedSecretValue.ValueString()),
		config.ExportedSecretValueWO.ValueString())
	if errors.Is(err, custody.ErrBackupRenewed) {
		// The renewed export is saved with the old wishes, so that the next plan is the same destroy
		// again, over a saved backup.
		state.ExportedSecretValue, state.Recoverable = types.StringValue(outcome.Value.Expose()), types.BoolValue(true)
		state.populate(outcome.Record, r.data)
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
		resp.Diagnostics.AddAttributeError(path.Root("exported_secret_value"), "Backup renewed, apply again",
			fmt.Sprintf("The export of record %s has changed since it was saved, as can happen after a Salesforce release. "+
				"The new one is now saved in state, and nothing was destroyed. Apply again to destroy the key.",
				state.TenantSecretID.ValueString()))

		return
	}
	if err != nil {
		addError(&resp.Diagnostics, "Unable to change the record", err)

		return
	}
	planned := plan
	plan.fromExport(outcome, r.data)
	plan.keepPlanned(planned)
	if planned.Receipt.IsUnknown() {
		cause := receipt.CausePlan
		if fate.Transition != keys.Stay {
			cause = causeOf(plan.DesiredStatus, state.DesiredStatus)
		}
		plan.Receipt = r.data.record(ctx, work.receipt(fate, outcome, cause), state.Receipt, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privatePolicy, policyMark(plan.DeletionPolicy))...)
}

// claim refuses a second change of one record in one run: two resources that name it would undo
// each other's work at every apply.
func (r *tenantSecretVersionResource) claim(kept keys.Kept) *problem.Problem {
	if r.data.records.write(kept.ID) {
		return nil
	}

	return twoVersions(kept.ID, "has changed it in this very run")
}

func twoVersions(id, what string) *problem.Problem {
	return problem.New("tenant_secret_id", upload.SummaryTwoResources,
		"Another resource of this configuration names record %s too, by its 15 or 18 characters, and %s. Nothing was "+
			"changed for this one. Keep one resource for a record, and take the other out of the state with a removed block "+
			"or terraform state rm.", id, what)
}

// carryOut does what was judged with a record. saved is the export that the state holds, given the
// one of the configuration, "" for none.
func (r *tenantSecretVersionResource) carryOut(
	ctx context.Context, keeper *custody.Keeper, fate keys.RecordFate, row salesforce.TenantSecret, saved secret.Text,
	given string,
) (custody.Export, error) {
	var err error
	switch fate.Transition {
	case keys.Destroy:
		if fate.Export == keys.HoldExport {
			return keeper.Destroy(ctx, row.ID, saved)
		}
		row, err = keeper.DestroyForGood(ctx, row.ID)
	case keys.Deactivate:
		row, err = keeper.DestroyForGood(ctx, row.ID)
	case keys.Reactivate:
		row, err = keeper.Reactivate(ctx, row.ID)
	case keys.Restore:
		export := saved
		if given != "" {
			export = secret.NewText(given)
		}
		row, err = keeper.Restore(ctx, row.ID, export)
	case keys.Stay:
	}
	switch {
	case err != nil:
		return custody.Export{}, err
	case fate.Export == keys.ReadExport:
		return keeper.Save(ctx, row.ID)
	case fate.Export == keys.HoldExport:
		return custody.Export{Record: row, Value: saved}, nil
	default:
		return custody.Export{Record: row}, nil
	}
}

// Read follows the record. It never reads the export, and never drops the record from state: it
// can't be deleted.
func (r *tenantSecretVersionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer onlyFirstLimit(ctx, &resp.Diagnostics)
	var state tenantSecretVersionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	id := state.TenantSecretID.ValueString()
	all, row, ok := r.sighted(ctx, id, &resp.Diagnostics)
	switch {
	case ok:
		state.populate(row, r.data)
		state.DestructionStatement = state.statement(r.data)
	case resp.Diagnostics.HasError():
		return
	case all.Count() == 0:
		r.addMissing(all, id, &resp.Diagnostics)

		return
	default:
		resp.Diagnostics.AddAttributeWarning(path.Root("tenant_secret_id"), "The org does not show the record now",
			fmt.Sprintf("Three readings of org %s did not show record %s, which an earlier run saw. Tenant secrets can't be "+
				"deleted, so the state stays as it is: the readings may lag behind. Plan "+
				"again.", r.data.Session.OrganizationID, id))
		resp.Diagnostics.Append(resp.Identity.Set(ctx, tenantSecretVersionIdentity{
			OrganizationID: types.StringValue(r.data.Session.OrganizationID), TenantSecretID: types.StringValue(fullID(id)),
		})...)

		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}

// Delete forgets, and changes nothing in Salesforce.
func (r *tenantSecretVersionResource) Delete(ctx context.Context, req resource.DeleteRequest,
	resp *resource.DeleteResponse,
) {
	var state tenantSecretVersionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.mayLeave(state, &resp.Diagnostics) {
		return
	}
	if r.data.records.adopted(state.TenantSecretID.ValueString()) {
		return // the other half of a replacement has it
	}
	said, diags := req.Private.GetKey(ctx, privateForgotten)
	resp.Diagnostics.Append(diags...)
	// One warning a key: the plan's, or this one if no plan of the destroy was asked for, as for
	// the half of a replacement.
	work, ok := r.mayForget(ctx, state, r.sightedForWrite, &resp.Diagnostics)
	if !ok {
		return
	}
	if work.dropsLast() {
		// The last copy goes with the state; what is left of it is the receipt in the directory.
		if !r.data.canRecord(ctx, &resp.Diagnostics) {
			return
		}
		row := state.row()
		row.Status = work.kept.Status
		r.data.record(ctx, work.receipt(work.announced, custody.Export{Record: row}, receipt.CausePlan), state.Receipt,
			&resp.Diagnostics)
	}
	if string(said) != "true" {
		resp.Diagnostics.AddWarning("The record was forgotten, not changed", state.whatStays("stays"))
	}
}

// whatStays says in one line what a forgetting leaves behind.
func (m *tenantSecretVersionModel) whatStays(verb string) string {
	return fmt.Sprintf("Record %s %s %s in org %s.", inventory.Record(m.row()), verb, m.Status.ValueString(),
		m.OrganizationID.ValueString())
}

// mayLeave refuses to let go of another org's record: with the credentials of the wrong org nobody
// can say what would be lost.
func (r *tenantSecretVersionResource) mayLeave(state tenantSecretVersionModel, diags *diag.Diagnostics) bool {
	return state.OrganizationID.ValueString() == "" || r.sameOrg(state.OrganizationID, diags)
}

// mayForget refuses to drop a record from state if policy forbids it, or if that would drop the
// only way back of a destroyed key. The org is asked if the state holds an export: cores hand a
// destroy the state from before the refresh, a saved plan may be old, and a record that somebody
// has destroyed since may have its only copy in this state.
func (r *tenantSecretVersionResource) mayForget(
	ctx context.Context, state tenantSecretVersionModel,
	look func(context.Context, string, *diag.Diagnostics) (salesforce.TenantSecret, keys.Kept, bool),
	diags *diag.Diagnostics,
) (*version, bool) {
	if state.DeletionPolicy.ValueString() == policyPrevent {
		addPrevented(diags, "record "+state.TenantSecretID.ValueString(), policyAbandon)

		return nil, false
	}
	kept, wish := keys.Keeping(inventory.Record(state.row()), nil, 0), r.wish(state, state)
	locks := wish.Locks
	if r.online() && locks.ExportSaved && (!locks.Acknowledged(kept) || r.data.guarded()) {
		var ok bool
		if _, kept, ok = look(ctx, state.TenantSecretID.ValueString(), diags); !ok {
			return nil, false
		}
	}
	if !addProblem(diags, locks.CheckForget(kept)) {
		return nil, false
	}
	work := &version{resource: r, plan: state, wish: wish, kept: kept, announced: keys.RecordFate{Export: keys.DropExport}}
	// Whoever lets go of the last copy needs the approvals of a quorum too: those in state, since
	// the block is gone.
	if !r.online() || r.data.QuorumUndecided || !r.data.guarded() || !work.dropsLast() {
		return work, true
	}

	return work, addProblem(diags, work.approve(kept))
}

// ImportState takes the id of a record or an identity. It reads no export: the first apply does.
func (r *tenantSecretVersionResource) ImportState(ctx context.Context, req resource.ImportStateRequest,
	resp *resource.ImportStateResponse,
) {
	wanted, ok := r.importID(ctx, req, "tenant_secret_id", &resp.Diagnostics)
	if !ok {
		return
	}
	if !salesforce.ValidID(wanted) {
		resp.Diagnostics.AddError("Invalid import id",
			fmt.Sprintf("Expected the id (%s…) of a tenant secret, 15 or 18 characters. Found %d characters that are not such "+
				"an id. Nothing was imported.", tenantSecretPrefix, len(wanted)))

		return
	}
	row, kept, ok := r.sightedForPlan(ctx, wanted, &resp.Diagnostics)
	if !ok {
		return
	}
	if !kept.Settable() {
		// No desired_status fits it: a configuration that is generated for it could never be applied.
		resp.Diagnostics.AddError("The ACTIVE key can't be imported here",
			fmt.Sprintf("Expected an ARCHIVED, DESTROYED or cache-only record, found %s, which is ACTIVE and changes by "+
				"rotation only. Nothing was imported. Import the key as salesforcebyok_tenant_secret, by its type %q.", kept,
				row.Type))

		return
	}
	state := importedTenantSecretVersion(row, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}

// importedTenantSecretVersion is the resource as an import finds it: with the status that it has,
// and without its export.
func importedTenantSecretVersion(row salesforce.TenantSecret, data *Data) tenantSecretVersionModel {
	model := tenantSecretVersionModel{
		DestructionApprovals: types.ListNull(types.StringType), TenantSecretID: types.StringValue(row.ID),
		DesiredStatus: types.StringValue(row.Status), Backup: types.StringValue(backupState),
		DeletionPolicy: types.StringValue(policyAbandon), Recoverable: types.BoolValue(false),
	}
	model.populate(row, data)

	return model
}

// kept returns a row of a reading as the rules look at it.
func (r *tenantSecretVersionResource) kept(row salesforce.TenantSecret, all inventory.Reading) keys.Kept {
	return keys.Keeping(inventory.Record(row), all.Records(), r.data.Client.APINumber())
}

// sighted looks for a record as a plan may; ok is also false, without an error, if the org does not
// show it.
func (r *tenantSecretVersionResource) sighted(ctx context.Context, id string,
	diags *diag.Diagnostics,
) (all inventory.Reading, row salesforce.TenantSecret, ok bool) {
	if !r.ready(diags) {
		return all, row, false
	}
	all, ok, err := r.data.sight(ctx, func(all inventory.Reading) bool { return shows(all, id) })
	if err != nil {
		addError(diags, "Unable to read the tenant secrets", err)

		return all, row, false
	}
	row, _ = all.Find(id)

	return all, row, ok
}

// sightedForPlan looks for a record that must be there.
func (r *tenantSecretVersionResource) sightedForPlan(ctx context.Context, id string,
	diags *diag.Diagnostics,
) (salesforce.TenantSecret, keys.Kept, bool) {
	all, row, ok := r.sighted(ctx, id, diags)
	if !ok {
		if !diags.HasError() {
			r.addMissing(all, id, diags)
		}

		return row, keys.Kept{}, false
	}

	return row, r.kept(row, all), true
}

// sightedForWrite looks for a record that must be there, on readings made for a write.
func (r *tenantSecretVersionResource) sightedForWrite(ctx context.Context, id string,
	diags *diag.Diagnostics,
) (salesforce.TenantSecret, keys.Kept, bool) {
	all, ok, err := r.data.sightForWrite(ctx, func(all inventory.Reading) bool { return shows(all, id) })
	switch {
	case err != nil:
		addError(diags, "Unable to read the tenant secrets", fmt.Errorf("reading record %s before its change or its "+
			"forgetting; nothing was changed: %w", id, err))
	case !ok:
		r.addMissing(all, id, diags)
	}
	if err != nil || !ok {
		return salesforce.TenantSecret{}, keys.Kept{}, false
	}
	row, _ := all.Find(id)

	return row, r.kept(row, all), true
}

func shows(all inventory.Reading, id string) bool {
	_, found := all.Find(id)

	return found
}

func (r *tenantSecretVersionResource) addMissing(all inventory.Reading, id string, diags *diag.Diagnostics) {
	diags.AddAttributeError(path.Root("tenant_secret_id"), "No such tenant secret",
		fmt.Sprintf("Org %s shows %d tenant secrets, and none with the id %s. Tenant secrets can't be deleted, so nothing "+
			"was removed from state or changed. %s", r.data.Session.OrganizationID,
			all.Count(), id, permissionsAdvice))
}

// keeper returns what carries out transitions in this org.
func (d *Data) keeper() *custody.Keeper {
	return &custody.Keeper{
		Org: d.Client, Changed: d.Inventory.TenantSecretsChanged,
		Patience: d.forWrite(),
	}
}
