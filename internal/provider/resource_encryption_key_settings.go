package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

var (
	_ resource.ResourceWithConfigure      = (*encryptionKeySettingsResource)(nil)
	_ resource.ResourceWithIdentity       = (*encryptionKeySettingsResource)(nil)
	_ resource.ResourceWithValidateConfig = (*encryptionKeySettingsResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*encryptionKeySettingsResource)(nil)
	_ resource.ResourceWithImportState    = (*encryptionKeySettingsResource)(nil)
)

// encryptionKeySettingsResource is the org's one set of encryption key settings.
type encryptionKeySettingsResource struct{ resourceBase }

func newEncryptionKeySettingsResource() resource.Resource { return &encryptionKeySettingsResource{} }

type encryptionKeySettingsModel struct {
	AllowKeyDerivationOptOut types.Bool   `tfsdk:"allow_key_derivation_opt_out"`
	EnableCacheOnlyKeys      types.Bool   `tfsdk:"enable_cache_only_keys"`
	EnableReplayDetection    types.Bool   `tfsdk:"enable_replay_detection"`
	OrganizationID           types.String `tfsdk:"organization_id"`
}

type encryptionKeySettingsIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
}

func (r *encryptionKeySettingsResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_encryption_key_settings"
}

func (r *encryptionKeySettingsResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	setting := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{
			MarkdownDescription: description + " Left as it is in the org where it is not configured; the value is shown all the same.",
			Optional:            true,
			Computed:            true,
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The encryption key settings of the org (Setup, Encryption Settings). There is one set per org: the resource takes it over as it is, changes only what is configured, and a destroy " +
			"forgets it without changing anything. It is read and written through the Metadata API; the user needs Customize Application, Manage Encryption Keys and Modify Metadata Through " +
			"Metadata API Functions.",
		Attributes: map[string]schema.Attribute{
			"allow_key_derivation_opt_out": setting("Allow BYOK to opt out of key derivation: `key_derivation_mode = \"NONE\"`."),
			"enable_cache_only_keys":       setting("Allow cache-only keys: `source = \"REMOTE\"`. What `false` does to data under cache-only keys that are in use is not documented; the plan warns."),
			"enable_replay_detection":      setting("Have each callout for a cache-only key carry a nonce that the answer must repeat. Needs cache-only keys."),
			"organization_id": schema.StringAttribute{
				MarkdownDescription: "Id of the org, 18 characters.", Computed: true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
		},
	}
}

func (r *encryptionKeySettingsResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{Description: "Id of the org, 18 characters.", RequiredForImport: true},
	}}
}

// ValidateConfig holds the one rule between the settings: replay detection needs cache-only keys [D EncryptionKeySettings].
func (r *encryptionKeySettingsResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config encryptionKeySettingsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	off := !config.EnableCacheOnlyKeys.IsNull() && !config.EnableCacheOnlyKeys.IsUnknown() && !config.EnableCacheOnlyKeys.ValueBool()
	if !resp.Diagnostics.HasError() && config.EnableReplayDetection.ValueBool() && off {
		addReplayAlone(&resp.Diagnostics)
	}
}

func addReplayAlone(diags *diag.Diagnostics) {
	diags.AddAttributeError(path.Root("enable_replay_detection"), "Replay detection without cache-only keys",
		"Salesforce offers replay detection only where cache-only keys are allowed. Set enable_cache_only_keys = true, or enable_replay_detection = false. Nothing was sent.")
}

// ModifyPlan keeps what is not configured as the last refresh saw it.
func (r *encryptionKeySettingsResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		resp.Diagnostics.AddWarning("The encryption key settings will be forgotten, not changed", "The settings stay in the org as they are; Terraform will no longer manage them.")

		return
	}
	var plan, config, state encryptionKeySettingsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() {
		r.helpCreate(ctx, plan, &resp.Diagnostics)

		return
	}
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for _, v := range []struct {
		plan          *types.Bool
		config, state types.Bool
	}{
		{&plan.AllowKeyDerivationOptOut, config.AllowKeyDerivationOptOut, state.AllowKeyDerivationOptOut},
		{&plan.EnableCacheOnlyKeys, config.EnableCacheOnlyKeys, state.EnableCacheOnlyKeys},
		{&plan.EnableReplayDetection, config.EnableReplayDetection, state.EnableReplayDetection},
	} {
		if v.config.IsNull() {
			*v.plan = v.state
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	if plan.EnableReplayDetection.ValueBool() && !plan.EnableCacheOnlyKeys.IsUnknown() && !plan.EnableCacheOnlyKeys.ValueBool() {
		addReplayAlone(&resp.Diagnostics)

		return
	}
	plan.warnSwitchOff(state.EnableCacheOnlyKeys.ValueBool(), &resp.Diagnostics)
}

// helpCreate warns of what a first apply switches off; what can't be read now the apply will tell.
func (r *encryptionKeySettingsResource) helpCreate(ctx context.Context, plan encryptionKeySettingsModel, diags *diag.Diagnostics) {
	if !r.online() || plan.EnableCacheOnlyKeys.IsUnknown() || plan.EnableCacheOnlyKeys.ValueBool() {
		return
	}
	if current, err := r.data.Client.GetEncryptionKeySettings(ctx); err == nil {
		plan.warnSwitchOff(current.EnableCacheOnlyKeys, diags)
	}
}

// warnSwitchOff tells of cache-only keys that are on and are planned to be off.
func (m *encryptionKeySettingsModel) warnSwitchOff(on bool, diags *diag.Diagnostics) {
	if on && !m.EnableCacheOnlyKeys.IsUnknown() && !m.EnableCacheOnlyKeys.ValueBool() {
		diags.AddAttributeWarning(path.Root("enable_cache_only_keys"), "Cache-only keys will be switched off",
			"What that means for data under cache-only keys of this org is not documented: make sure that no REMOTE tenant secret is in use.")
	}
}

func (r *encryptionKeySettingsResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config encryptionKeySettingsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	if err := r.bring(ctx, config, &plan); err != nil {
		addError(&resp.Diagnostics, "Unable to change the encryption key settings", err)

		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

func (r *encryptionKeySettingsResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config encryptionKeySettingsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(plan.OrganizationID, &resp.Diagnostics) {
		return
	}
	if err := r.bring(ctx, config, &plan); err != nil {
		addError(&resp.Diagnostics, "Unable to change the encryption key settings", err)

		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

// bring changes what is configured and differs, and nothing else, and fills the plan with what the org has then. The planned value of a
// setting that is not configured is that of the last refresh, and no wish.
func (r *encryptionKeySettingsResource) bring(ctx context.Context, config encryptionKeySettingsModel, plan *encryptionKeySettingsModel) error {
	current, err := r.data.Client.GetEncryptionKeySettings(ctx)
	if err != nil {
		return err
	}
	wanted := plan.configured(config)
	if change := wanted.change(current); change != (salesforce.EncryptionKeySettingsChange{}) {
		if err := r.data.Client.UpdateEncryptionKeySettings(ctx, change); err != nil {
			return err
		}
		if current, err = r.data.Client.GetEncryptionKeySettings(ctx); err != nil {
			return fmt.Errorf("reading back the settings after the change, which was made: %w", err)
		}
		if wanted.change(current) != (salesforce.EncryptionKeySettingsChange{}) {
			return fmt.Errorf("the deploy of the settings succeeded, but they read back as opt-out %v, cache-only %v, replay detection %v: plan again", current.CanOptOutOfDerivationWithBYOK,
				current.EnableCacheOnlyKeys, current.EnableReplayDetection)
		}
	}
	var found encryptionKeySettingsModel
	found.populate(current, r.data)
	plan.OrganizationID = found.OrganizationID
	for _, v := range []struct {
		plan  *types.Bool
		found types.Bool
	}{
		{&plan.AllowKeyDerivationOptOut, found.AllowKeyDerivationOptOut},
		{&plan.EnableCacheOnlyKeys, found.EnableCacheOnlyKeys},
		{&plan.EnableReplayDetection, found.EnableReplayDetection},
	} {
		if v.plan.IsUnknown() {
			*v.plan = v.found
		}
	}

	return nil
}

// configured is the plan without the settings that are not configured. The values are the plan's: what ignore_changes holds back stands in
// the configuration of an apply again.
func (m *encryptionKeySettingsModel) configured(config encryptionKeySettingsModel) *encryptionKeySettingsModel {
	wanted := *m
	for _, v := range []struct {
		wanted *types.Bool
		config types.Bool
	}{
		{&wanted.AllowKeyDerivationOptOut, config.AllowKeyDerivationOptOut},
		{&wanted.EnableCacheOnlyKeys, config.EnableCacheOnlyKeys},
		{&wanted.EnableReplayDetection, config.EnableReplayDetection},
	} {
		if v.config.IsNull() {
			*v.wanted = types.BoolNull()
		}
	}

	return &wanted
}

// change is what must be set for the org to be as wanted; a null is no wish.
func (m *encryptionKeySettingsModel) change(current salesforce.EncryptionKeySettings) salesforce.EncryptionKeySettingsChange {
	return salesforce.EncryptionKeySettingsChange{
		CanOptOutOfDerivationWithBYOK: wantedChange(m.AllowKeyDerivationOptOut, current.CanOptOutOfDerivationWithBYOK),
		EnableCacheOnlyKeys:           wantedChange(m.EnableCacheOnlyKeys, current.EnableCacheOnlyKeys),
		EnableReplayDetection:         wantedChange(m.EnableReplayDetection, current.EnableReplayDetection),
	}
}

// wantedChange returns what must be set, nil where nothing must.
func wantedChange(wanted types.Bool, current bool) *bool {
	if wanted.IsNull() || wanted.ValueBool() == current {
		return nil
	}

	return wanted.ValueBoolPointer()
}

func (m *encryptionKeySettingsModel) populate(s salesforce.EncryptionKeySettings, data *Data) {
	m.AllowKeyDerivationOptOut = types.BoolValue(s.CanOptOutOfDerivationWithBYOK)
	m.EnableCacheOnlyKeys = types.BoolValue(s.EnableCacheOnlyKeys)
	m.EnableReplayDetection = types.BoolValue(s.EnableReplayDetection)
	m.OrganizationID = types.StringValue(data.Session.OrganizationID)
}

func (m *encryptionKeySettingsModel) identity() encryptionKeySettingsIdentity {
	return encryptionKeySettingsIdentity{OrganizationID: m.OrganizationID}
}

func (r *encryptionKeySettingsResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state encryptionKeySettingsModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	current, err := r.data.Client.GetEncryptionKeySettings(ctx)
	if err != nil {
		addError(&resp.Diagnostics, "Unable to read the encryption key settings", err)

		return
	}
	state.populate(current, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}

// Delete forgets; the plan has said so.
func (r *encryptionKeySettingsResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

// ImportState takes the id of the org, which must be the one of the credentials.
func (r *encryptionKeySettingsResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id, ok := r.importID(ctx, req, "organization_id", &resp.Diagnostics)
	if !ok || !r.sameOrg(types.StringValue(id), &resp.Diagnostics) {
		return
	}
	current, err := r.data.Client.GetEncryptionKeySettings(ctx)
	if err != nil {
		addError(&resp.Diagnostics, "Unable to read the encryption key settings", err)

		return
	}
	var state encryptionKeySettingsModel
	state.populate(current, r.data)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
}
