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
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
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
}

type tenantSecretVersionIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
	TenantSecretID types.String `tfsdk:"tenant_secret_id"`
}

const (
	backupState = "STATE"
	backupNone  = "NONE"
)

func (r *tenantSecretVersionResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_tenant_secret_version"
}

func (r *tenantSecretVersionResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "One existing tenant secret record: keep its export, destroy it, restore it. Creating this resource adopts a record and creates nothing in Salesforce; removing it " +
			"forgets the record and changes nothing there. **Destroying a key makes the data that it encrypts unreadable.** It takes `allow_key_destruction = true` in the provider block and " +
			"either an export that an *earlier* apply has saved in state (so: adopt with `ARCHIVED`, apply, then `DESTROYED`, apply) or `backup = \"NONE\"` with the typed " +
			"`destruction_acknowledgement`.",
		Attributes: map[string]schema.Attribute{
			"tenant_secret_id": schema.StringAttribute{
				MarkdownDescription: "Id (`02G…`) of the record, 15 or 18 characters. Another record is another resource.",
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
				MarkdownDescription: "`ARCHIVED` or `DESTROYED`; for the newest cache-only (`REMOTE`) record `ACTIVE` or `DESTROYED`. From `DESTROYED` to `ARCHIVED` the key is restored from its export.",
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf(keys.StatusArchived, keys.StatusDestroyed, keys.StatusActive)},
			},
			"backup": schema.StringAttribute{
				MarkdownDescription: "`STATE` (default) keeps the record's export, which Salesforce has encrypted, in state: the only thing that restores a destroyed key. `NONE` keeps nothing; on a " +
					"DESTROYED record it drops the held export for good, which needs `destruction_acknowledgement`.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(backupState),
				Validators: []validator.String{stringvalidator.OneOf(backupState, backupNone)},
			},
			"exported_secret_value_wo": schema.StringAttribute{
				MarkdownDescription: "An export of this record that is held elsewhere, for a restore; write-only (Terraform 1.11 or newer, OpenTofu 1.11 or newer). It must be what Salesforce exported: a freshly " +
					"wrapped key restores nothing. Needs `exported_secret_value_wo_version`.",
				Optional:   true,
				WriteOnly:  true,
				Sensitive:  true,
				Validators: []validator.String{tfvalidator.Secret(tfvalidator.ExportedSecretValue(), neighbours["exported_secret_value_wo"])},
			},
			"exported_secret_value_wo_version": schema.StringAttribute{
				MarkdownDescription: "Any text that stands for the export in `exported_secret_value_wo`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.AlsoRequires(path.MatchRoot("exported_secret_value_wo"))},
			},
			"destruction_acknowledgement": schema.StringAttribute{
				MarkdownDescription: "Must equal `tenant_secret_id` to destroy with `backup = \"NONE\"`, to drop the export of a DESTROYED record, and to remove a block that holds the only export of a " +
					"DESTROYED record.",
				Optional: true,
			},
			"deletion_policy": deletionPolicyAttribute("`ABANDON` (default): it forgets the record and changes nothing in Salesforce; it is refused while the state holds the only export of a "+
				"DESTROYED key, unless that was acknowledged. `PREVENT`: it fails, even after the block is gone from the configuration.", policyAbandon, policyPrevent),
			"organization_id":     computedString("Id of the org, 18 characters."),
			"type":                computedString("Type of the key, such as `Data`."),
			"version":             schema.Int64Attribute{MarkdownDescription: "Version of the record, a number that grows within the org.", Computed: true},
			"status":              computedString("Status of the record: `ACTIVE`, `ARCHIVED` or `DESTROYED`."),
			"source":              computedString("Where the key came from: `UPLOADED`, `HSM` or `REMOTE`."),
			"description":         computedString("The record's Description, with its marker."),
			"key_derivation_mode": computedString("`PBKDF2` or `NONE`."),
			"secret_value_hash":   computedString("Base64 SHA-256 of the plaintext key, which Salesforce keeps after a destruction. Null where Salesforce made the key."),
			"created_date":        computedString("When the record was created, RFC 3339, UTC."),
			"last_modified_date":  computedString("When the record was last changed, RFC 3339, UTC."),
			"exported_secret_value": schema.StringAttribute{
				MarkdownDescription: "The record's export, encrypted by Salesforce, base64. Read when the record is first managed and right before a destruction, never on a refresh: Salesforce may log each " +
					"reading as an export. Null with `backup = \"NONE\"`.",
				Computed:  true,
				Sensitive: true,
			},
			"recoverable": schema.BoolAttribute{
				MarkdownDescription: "Whether an export is held that restores the key: it was read from this record, with its hash.",
				Computed:            true,
			},
		},
	}
}

func (r *tenantSecretVersionResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id":  identityschema.StringAttribute{Description: "Id of the org, 18 characters.", RequiredForImport: true},
		"tenant_secret_id": identityschema.StringAttribute{Description: "Id of the record, 18 characters.", RequiredForImport: true},
	}}
}

// ValidateConfig checks what depends on more than one attribute.
func (r *tenantSecretVersionResource) ValidateConfig(_ context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	config := newRawObject(req.Config.Raw)
	if export := config["exported_secret_value_wo"]; export.IsKnown() && !export.IsNull() && config["exported_secret_value_wo_version"].IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("exported_secret_value_wo_version"), "Export without a version",
			"exported_secret_value_wo is write-only: Terraform can't see it change. Set exported_secret_value_wo_version. Nothing was sent.")
	}
	ack, ackKnown := config.text("destruction_acknowledgement")
	id, idKnown := config.text("tenant_secret_id")
	if ackKnown && idKnown && !config["destruction_acknowledgement"].IsNull() && !salesforce.SameID(ack, id) {
		resp.Diagnostics.AddAttributeError(path.Root("destruction_acknowledgement"), "The acknowledgement names another record",
			fmt.Sprintf("Expected the value of tenant_secret_id, %q, found %q. Nothing was changed.", id, ack))
	}
}

func (r *tenantSecretVersionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config tenantSecretVersionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	row, subject, ok := r.find(ctx, plan.TenantSecretID.ValueString(), &resp.Diagnostics)
	if !ok {
		return
	}
	plan.ExportedSecretValue = types.StringNull()
	outcome, err := r.carryOut(ctx, plan, config, row, subject)
	if err != nil {
		// Nothing is adopted on an error: a tainted resource would be replaced, and its key forgotten, at the next apply.
		addError(&resp.Diagnostics, "Unable to manage the record", err)

		return
	}
	plan.settle(outcome, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

func (r *tenantSecretVersionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state tenantSecretVersionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	if err := r.checkDrop(ctx, plan, state); err != nil {
		addError(&resp.Diagnostics, "Unable to change the record", err)

		return
	}
	plan.ExportedSecretValue = state.ExportedSecretValue
	outcome, err := r.carryOut(ctx, plan, config, state.row(), r.subjectOf(ctx, state))
	if errors.Is(err, custody.ErrBackupRenewed) {
		// The renewed export is saved with the old wishes, so that the next plan is the same destroy again, over a saved backup.
		state.ExportedSecretValue, state.Recoverable = types.StringValue(outcome.Value.Expose()), types.BoolValue(true)
		state.populate(outcome.Record, r.data)
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
		resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
		resp.Diagnostics.AddAttributeError(path.Root("exported_secret_value"), "Backup renewed, apply again",
			fmt.Sprintf("The export of record %s has changed since it was saved, as it may after a Salesforce release. The new one is saved in state now, and nothing was destroyed. Apply again "+
				"to destroy the key.", state.TenantSecretID.ValueString()))

		return
	}
	if err != nil {
		addError(&resp.Diagnostics, "Unable to change the record", err)

		return
	}
	planned := plan
	plan.settle(outcome, r.data)
	plan.honour(planned)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

// carryOut does what the plan says with a record. plan.ExportedSecretValue is the export that an earlier apply has saved, null for none.
func (r *tenantSecretVersionResource) carryOut(ctx context.Context, plan, config tenantSecretVersionModel, row salesforce.TenantSecret, subject keys.Kept) (custody.Export, error) {
	action, refusal := subject.Transition(plan.DesiredStatus.ValueString())
	if refusal == nil {
		refusal = r.locks(plan, plan).Check(subject, action)
	}
	if refusal != nil {
		return custody.Export{}, refusal
	}
	var err error
	keeper, saved := r.data.keeper(), secret.NewText(plan.ExportedSecretValue.ValueString())

	switch action {
	case keys.Destroy:
		if plan.Backup.ValueString() == backupState {
			return keeper.Destroy(ctx, row.ID, saved)
		}
		row, err = keeper.DestroyForGood(ctx, row.ID)
	case keys.Deactivate:
		row, err = keeper.DestroyForGood(ctx, row.ID)
	case keys.Reactivate:
		row, err = keeper.Reactivate(ctx, row.ID)
	case keys.Restore:
		row, err = r.restore(ctx, keeper, config, row, saved)
	case keys.Stay:
	}
	if err != nil {
		return custody.Export{}, err
	}

	return r.hold(ctx, keeper, plan, row, saved)
}

// restore takes the export from the configuration where it has one, else from state.
func (r *tenantSecretVersionResource) restore(ctx context.Context, keeper *custody.Keeper, config tenantSecretVersionModel, row salesforce.TenantSecret, saved secret.Text) (salesforce.TenantSecret, error) {
	if given := config.ExportedSecretValueWO.ValueString(); given != "" {
		saved = secret.NewText(given)
	}
	if saved.IsZero() || saved.Expose() == "" {
		return row, unrestorable(row.ID)
	}

	return keeper.Restore(ctx, row.ID, saved)
}

// hold returns the export that the state is to keep: the saved one, or a first reading of it.
func (r *tenantSecretVersionResource) hold(ctx context.Context, keeper *custody.Keeper, plan tenantSecretVersionModel, row salesforce.TenantSecret, saved secret.Text) (custody.Export, error) {
	held := custody.Export{Record: row}
	switch {
	case plan.Backup.ValueString() != backupState || !inventory.Record(row).Exportable():
		if plan.Backup.ValueString() == backupState {
			held.Value = saved
		}
	case saved.Expose() != "":
		held.Value = saved
	default:
		export, err := keeper.Save(ctx, row.ID)
		if err != nil {
			return held, err
		}
		held = export
	}

	return held, nil
}

func unrestorable(id string) *problem.Problem {
	return problem.New("desired_status", "This key can't be restored",
		"Record %s is DESTROYED, and no export of it is held in state. Only its own export, read from Salesforce before the destruction, restores it. Give that in "+
			"exported_secret_value_wo, or accept the loss with desired_status = %q. Nothing was changed.", id, keys.StatusDestroyed)
}

// Read follows the record. It never reads the export, and never drops the record from state: it can't be deleted.
func (r *tenantSecretVersionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	raw := newRawObject(req.State.Raw)
	org, _ := raw.text("organization_id")
	id, _ := raw.text("tenant_secret_id")
	if !r.ready(&resp.Diagnostics) || !r.sameOrg(stringOrNull(org), &resp.Diagnostics) {
		return
	}
	row, ok := r.lookUp(ctx, id, &resp.Diagnostics)
	if !ok {
		return
	}
	if sameVersion(raw, row, r.data) {
		resp.Identity.Raw = identityValue(map[string]string{"organization_id": r.data.Session.OrganizationID, "tenant_secret_id": fullID(id)})

		return
	}
	var state tenantSecretVersionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	state.populate(row, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}

// Delete forgets, and changes nothing in Salesforce.
func (r *tenantSecretVersionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state tenantSecretVersionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := r.follow(ctx, &state); err != nil {
		addError(&resp.Diagnostics, "Unable to forget the record", err)

		return
	}
	if !state.mayForget(&resp.Diagnostics) {
		return
	}
	resp.Diagnostics.AddWarning("The record was forgotten, not changed",
		fmt.Sprintf("Record %s (%s, version %d) stays %s in org %s. Terraform no longer manages it.", state.TenantSecretID.ValueString(), state.Type.ValueString(), state.Version.ValueInt64(),
			state.Status.ValueString(), state.OrganizationID.ValueString()))
}

// follow takes the status from the org, where the state holds an export and the org can be asked: cores hand a destroy the state from before
// the refresh, a saved plan may be old, and a record that somebody has destroyed since may have its only copy in this state.
func (r *tenantSecretVersionResource) follow(ctx context.Context, state *tenantSecretVersionModel) error {
	if !r.online() || state.ExportedSecretValue.ValueString() == "" || !salesforce.SameID(state.OrganizationID.ValueString(), r.data.Session.OrganizationID) {
		return nil
	}
	all, err := r.data.Inventory.ForWrite(ctx)
	if err != nil {
		return fmt.Errorf("reading the status of record %s before its export is dropped from state; nothing was changed: %w", state.TenantSecretID.ValueString(), err)
	}
	if row, found := all.Find(state.TenantSecretID.ValueString()); found {
		state.Status = stringOrNull(row.Status)
	}

	return nil
}

// checkDrop refuses to drop an export under a plan that was made over another status.
func (r *tenantSecretVersionResource) checkDrop(ctx context.Context, plan, state tenantSecretVersionModel) error {
	now := state
	if plan.Backup.ValueString() != backupNone {
		return nil
	}
	if err := r.follow(ctx, &now); err != nil {
		return err
	}
	if now.Status.Equal(state.Status) {
		return nil
	}

	return problem.New("backup", "The record has changed since the plan",
		"The plan, which drops the held export of record %s, was made while the record was %s, and now it is %s: the export may be the only way back. Nothing was changed. Plan "+
			"again.", state.TenantSecretID.ValueString(), state.Status.ValueString(), now.Status.ValueString())
}

// mayForget refuses to drop a record from state where policy forbids it, or where that would drop the only way back of a destroyed key.
func (m *tenantSecretVersionModel) mayForget(diags *diag.Diagnostics) bool {
	id := m.TenantSecretID.ValueString()
	if m.DeletionPolicy.ValueString() == policyPrevent {
		addPrevented(diags, "record "+id, policyAbandon)

		return false
	}
	holdsOnlyCopy := m.Status.ValueString() == keys.StatusDestroyed && m.ExportedSecretValue.ValueString() != ""
	if holdsOnlyCopy && !salesforce.SameID(m.DestructionAcknowledgement.ValueString(), id) {
		diags.AddAttributeError(path.Root("exported_secret_value"), "The state holds the only copy of a destroyed key",
			fmt.Sprintf("Record %s is DESTROYED, and the export in this state is what restores it. Removing the resource would lose it for good. Nothing was changed. Restore the key "+
				"(desired_status = %q), or keep the export elsewhere and set destruction_acknowledgement = %q, apply, and then remove the block; to rename the resource, use a moved block.",
				id, keys.StatusArchived, id))

		return false
	}

	return true
}

// ImportState takes the id of a record or an identity. It reads no export: the first apply does.
func (r *tenantSecretVersionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	wanted, ok := r.importID(ctx, req, "tenant_secret_id", &resp.Diagnostics)
	if !ok {
		return
	}
	if !salesforce.ValidID(wanted) {
		resp.Diagnostics.AddError("Invalid import id",
			fmt.Sprintf("Expected the id (%s…) of a tenant secret, 15 or 18 characters. Found a text of %d characters that is none. Nothing was imported.", tenantSecretPrefix, len(wanted)))

		return
	}
	row, ok := r.lookUp(ctx, wanted, &resp.Diagnostics)
	if !ok {
		return
	}
	state := importedTenantSecretVersion(row, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}

// importedTenantSecretVersion is the resource as an import finds it: with the status that it has, and without its export.
func importedTenantSecretVersion(row salesforce.TenantSecret, data *Data) tenantSecretVersionModel {
	model := tenantSecretVersionModel{
		TenantSecretID: types.StringValue(row.ID), DesiredStatus: types.StringValue(row.Status), Backup: types.StringValue(backupState),
		DeletionPolicy: types.StringValue(policyAbandon), Recoverable: types.BoolValue(false),
	}
	model.populate(row, data)

	return model
}

// find reads a record through the shared inventory, with what the rules need of it.
func (r *tenantSecretVersionResource) find(ctx context.Context, id string, diags *diag.Diagnostics) (salesforce.TenantSecret, keys.Kept, bool) {
	row, ok := r.lookUp(ctx, id, diags)
	if !ok {
		return salesforce.TenantSecret{}, keys.Kept{}, false
	}
	all, ok := r.forPlan(ctx, diags)
	if !ok {
		return salesforce.TenantSecret{}, keys.Kept{}, false
	}

	return row, keys.Keeping(inventory.Record(row), all.Records(), r.data.Client.APINumber()), true
}

// lookUp reads a record through the shared inventory.
func (r *tenantSecretVersionResource) lookUp(ctx context.Context, id string, diags *diag.Diagnostics) (salesforce.TenantSecret, bool) {
	all, ok := r.forPlan(ctx, diags)
	if !ok {
		return salesforce.TenantSecret{}, false
	}
	row, found := all.Find(id)
	if !found {
		diags.AddAttributeError(path.Root("tenant_secret_id"), "No such tenant secret",
			fmt.Sprintf("Org %s shows %d tenant secrets, and none with the id %s. Tenant secrets can't be deleted, so nothing was removed from state. %s", r.data.Session.OrganizationID, all.Count(), id,
				permissionsAdvice))
	}

	return row, found
}

// keeper returns what carries out transitions in this org.
func (d *Data) keeper() *custody.Keeper {
	return &custody.Keeper{Org: d.Client, Changed: d.Inventory.TenantSecretsChanged, Looks: d.looks}
}
