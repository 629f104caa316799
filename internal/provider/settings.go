package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// settingsFlag is one switch of a settings resource.
type settingsFlag struct {
	// attribute is its name here, wire its name in the Metadata API.
	attribute, wire string
	description     string
	// addOn is what an org that does not show the switch may lack.
	addOn string
	// since is the first API version that has the switch; 0 means every one.
	since int
	// computed marks a switch that is read, never written.
	computed bool
	// irreversible needs acknowledge_irreversible to be turned on.
	irreversible bool
	// staysOn marks a switch that Salesforce does not let turn off.
	staysOn bool
	// off is said in the plan of turning it off.
	off string
}

// settingsResource is one of the org's two sets of switches. There is one of each in an org: the
// resource takes it over as it is, changes what is configured and nothing else, and forgets it.
type settingsResource struct {
	resourceBase

	// name is the type's, without the prefix; title is for people.
	name, title, description string
	kind                     salesforce.SettingsKind
	flags                    []settingsFlag
	// check adds the rules between switches: wanted is what is asked for, after what the org will have
	// then.
	check func(ctx context.Context, j judgement, diags *diag.Diagnostics)
}

var (
	_ resource.ResourceWithConfigure   = (*settingsResource)(nil)
	_ resource.ResourceWithIdentity    = (*settingsResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*settingsResource)(nil)
	_ resource.ResourceWithImportState = (*settingsResource)(nil)
)

type settingsIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
}

func (r *settingsResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + r.name
}

func (r *settingsResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := map[string]schema.Attribute{
		"organization_id": schema.StringAttribute{
			MarkdownDescription: "Id of the org, 18 characters.", Computed: true,
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
	}
	for _, f := range r.flags {
		description := f.description
		if f.since > 0 {
			description += fmt.Sprintf(" Needs `api_version` %d.0 or newer.", f.since)
		}
		if f.irreversible {
			description += " To turn it on, set `acknowledge_irreversible = true`."
			attributes["acknowledge_irreversible"] = schema.BoolAttribute{
				MarkdownDescription: "Must be `true` before a setting is turned on that makes keys or can't be turned off again.",
				Optional:            true,
			}
		}
		if f.computed {
			description += " The provider never writes it: it can lock automation out. Null if the org does not show it."
		} else {
			description += " If it is not configured, it stays as it is, and is null if the org does not show it."
		}
		attributes[f.attribute] = schema.BoolAttribute{
			MarkdownDescription: description, Optional: !f.computed,
			Computed: true,
		}
	}
	attributes["receipt"] = computedString(receiptDescription + " Null until a setting was changed here.")
	attributes["timeouts"] = timeoutsOf(ctx, timeouts.Opts{Create: true, Update: true})
	resp.Schema = schema.Schema{MarkdownDescription: r.description, Attributes: attributes}
}

func (r *settingsResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{
			Description:       "Id of the org, 18 characters.",
			RequiredForImport: true,
		},
	}}
}

// settingsValues are the switches of a plan, a configuration or a state, by attribute.
type settingsValues map[string]types.Bool

// attributed is a plan, a configuration or a state.
type attributed interface {
	GetAttribute(ctx context.Context, at path.Path, target any) diag.Diagnostics
}

func (r *settingsResource) values(ctx context.Context, from attributed, diags *diag.Diagnostics) settingsValues {
	values := settingsValues{}
	for _, f := range r.flags {
		var value types.Bool
		diags.Append(from.GetAttribute(ctx, path.Root(f.attribute), &value)...)
		values[f.attribute] = value
	}

	return values
}

// anyUnknown reports whether a value is not known yet.
func (v settingsValues) anyUnknown() bool {
	for _, value := range v {
		if value.IsUnknown() {
			return true
		}
	}

	return false
}

// shown are the values of what an org shows; null stands for what it does not.
func (r *settingsResource) shown(s salesforce.Settings) settingsValues {
	values := settingsValues{}
	for _, f := range r.flags {
		values[f.attribute] = types.BoolNull()
		if value, ok := s[f.wire]; ok {
			values[f.attribute] = types.BoolValue(value)
		}
	}

	return values
}

// known is the reverse of shown.
func (r *settingsResource) known(values settingsValues) salesforce.Settings {
	s := salesforce.Settings{}
	for _, f := range r.flags {
		if value := values[f.attribute]; !value.IsNull() && !value.IsUnknown() {
			s[f.wire] = value.ValueBool()
		}
	}

	return s
}

// wanted is what the plan asks for of what is configured. The values are the plan's: what
// ignore_changes holds back stands in the configuration of an apply again.
func (r *settingsResource) wanted(config, plan settingsValues) salesforce.Settings {
	values := settingsValues{}
	for name, value := range plan {
		if !config[name].IsNull() {
			values[name] = value
		}
	}

	return r.known(values)
}

// judgement is what a change of settings is judged by, for plan and apply alike.
type judgement struct {
	wanted, current salesforce.Settings
	acknowledged    types.Bool
	// apply is true right before the change is sent: what is read for it is read afresh, and warnings
	// have been said at plan.
	apply bool
}

// change is what must be set for the org to be as wanted. A switch that the org does not show is
// off as far as anybody can see, so false needs nothing.
func (j judgement) change() salesforce.Settings {
	change := salesforce.Settings{}
	for name, value := range j.wanted {
		if current := j.current[name]; current != value {
			change[name] = value
		}
	}

	return change
}

// turnsOff reports a switch that is on and would be turned off.
func (j judgement) turnsOff(name string) bool {
	value, changes := j.change()[name]

	return changes && !value
}

// after is what the org will have, as far as it is known.
func (j judgement) after(name string) (value, known bool) {
	if value, known = j.wanted[name]; known {
		return value, true
	}
	value, known = j.current[name]

	return value, known
}

// judge refuses what must not be sent, and warns of what is lost by turning something off.
func (r *settingsResource) judge(ctx context.Context, j judgement, diags *diag.Diagnostics) {
	change := j.change()
	for _, f := range r.flags {
		on, changes := change[f.wire]
		at := path.Root(f.attribute)
		switch {
		case !changes:
		case on && f.since > 0 && r.online() && r.data.Client.APINumber() < f.since:
			diags.AddAttributeError(at, "The setting needs a newer API version",
				fmt.Sprintf("%s exists from API version %d.0 on, and api_version is %s. Nothing was sent. "+
					"Set api_version, in a provider block of its own if other resources need the older one.", f.attribute, f.since,
					r.data.Client.APIVersion()))
		case on && f.irreversible && !j.acknowledged.ValueBool() && !j.acknowledged.IsUnknown():
			diags.AddAttributeError(path.Root("acknowledge_irreversible"), "Turning the setting on is irreversible",
				f.attribute+" makes keys or can't be turned off again. Nothing was sent. To turn it on all the same, set "+
					"acknowledge_irreversible = true.")
		case !on && f.staysOn:
			diags.AddAttributeError(at, "The setting can't be turned off",
				fmt.Sprintf("Salesforce does not let %s be turned off once it is on. Nothing was sent. Remove the attribute, or "+
					"set it to true.", f.attribute))
		case !on && f.off != "" && !j.apply:
			diags.AddAttributeWarning(at, "A setting will be turned off", f.attribute+" will be turned off. "+f.off)
		}
	}
	if r.check != nil {
		r.check(ctx, j, diags)
	}
}

// ModifyPlan keeps what is not configured as the last refresh saw it, and judges the rest.
func (r *settingsResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse,
) {
	diags := &resp.Diagnostics
	if req.Plan.Raw.IsNull() {
		diags.AddWarning("The "+r.title+" will be forgotten, not changed", "The settings stay in the org as they are; "+
			"Terraform no longer manages them.")

		return
	}
	config, plan := r.values(ctx, req.Config, diags), r.values(ctx, req.Plan, diags)
	acknowledged := r.acknowledged(ctx, req.Plan, diags)
	if diags.HasError() {
		return
	}
	j := judgement{wanted: r.wanted(config, plan), acknowledged: acknowledged}
	if req.State.Raw.IsNull() {
		if !r.online() {
			return
		}
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("organization_id"), r.data.Session.OrganizationID)...)
		// What can't be read now the apply will report.
		if current, err := r.data.Client.ReadSettings(ctx, r.kind); err == nil {
			j.current = current
			r.judge(ctx, j, diags)
		}

		return
	}
	state := r.values(ctx, req.State, diags)
	hidden := getPrivate[[]string](ctx, req.Private, privateSettingsHidden, diags)
	for name, value := range config {
		if !value.IsNull() {
			continue
		}
		if slices.Contains(hidden, name) {
			state[name] = types.BoolNull()
		}
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root(name), state[name])...)
	}
	j.current = r.known(state)
	r.judge(ctx, j, diags)
	if len(j.change()) == 0 && !config.anyUnknown() {
		var kept types.String
		diags.Append(req.State.GetAttribute(ctx, path.Root("receipt"), &kept)...)
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("receipt"), kept)...)
	} else {
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("receipt"), types.StringUnknown())...)
	}
}

// acknowledged reads acknowledge_irreversible of a resource that has it.
func (r *settingsResource) acknowledged(ctx context.Context, from attributed, diags *diag.Diagnostics) types.Bool {
	var value types.Bool
	for _, f := range r.flags {
		if f.irreversible {
			diags.Append(from.GetAttribute(ctx, path.Root("acknowledge_irreversible"), &value)...)

			break
		}
	}

	return value
}

func (r *settingsResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	resp.State.Raw = req.Plan.Raw
	if _, ok := r.write(withTimeout(ctx, req.Plan, timeouts.Value.Create, &resp.Diagnostics), req.Config, req.Plan,
		nil, types.StringNull(), &resp.State, &resp.Diagnostics); !ok {
		resp.State.RemoveResource(ctx)

		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, r.identity())...)
}

func (r *settingsResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var org, last types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("organization_id"), &org)...)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("receipt"), &last)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(org, &resp.Diagnostics) {
		return
	}
	resp.State.Raw = req.Plan.Raw
	evidence, ok := r.write(withTimeout(ctx, req.Plan, timeouts.Value.Update, &resp.Diagnostics), req.Config, req.Plan,
		r.known(r.values(ctx, req.State, &resp.Diagnostics)), last, &resp.State, &resp.Diagnostics)
	if !ok {
		// What was sent and did not take has its receipt all the same.
		resp.State.Raw = req.State.Raw
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("receipt"), evidence)...)

		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, r.identity())...)
}

// settable is the state of a response.
type settable interface {
	SetAttribute(ctx context.Context, at path.Path, value any) diag.Diagnostics
}

// write changes what is configured and differs from the last refresh, and nothing else, and fills
// what the plan leaves open with what the org has then. The planned value of a setting that is not
// configured is that of the last refresh, and no wish; and what somebody has changed since is for
// the next plan to show. refreshed is nil where there was none. It returns the newest receipt, also
// if it fails.
func (r *settingsResource) write(ctx context.Context, configured, planned attributed, refreshed salesforce.Settings,
	last types.String, state settable, diags *diag.Diagnostics,
) (types.String, bool) {
	config, plan := r.values(ctx, configured, diags), r.values(ctx, planned, diags)
	shown := judgement{wanted: r.wanted(config, plan), current: refreshed}
	j := judgement{wanted: shown.wanted, acknowledged: r.acknowledged(ctx, planned, diags), apply: true}
	if refreshed != nil {
		j.wanted = shown.change()
	}
	if diags.HasError() || !r.ready(diags) {
		return last, false
	}
	var err error
	if j.current, err = r.data.Client.ReadSettings(ctx, r.kind); err != nil {
		addError(diags, "Unable to change the "+r.title, err)

		return last, false
	}
	r.judge(ctx, j, diags)
	if diags.HasError() {
		return last, false
	}
	if change := j.change(); len(change) > 0 {
		if !r.data.canRecord(ctx, diags) {
			return last, false
		}
		before := j.current
		made, ok := r.deploy(ctx, &j, change, diags)
		if made {
			last = r.data.record(ctx, r.receipt(before, j.current, change, last), last, diags)
		}
		if !ok {
			return last, false
		}
	}
	found := r.shown(j.current)
	for name, value := range plan {
		if value.IsUnknown() {
			diags.Append(state.SetAttribute(ctx, path.Root(name), found[name])...)
		}
	}
	diags.Append(state.SetAttribute(ctx, path.Root("organization_id"), r.data.Session.OrganizationID)...)
	diags.Append(state.SetAttribute(ctx, path.Root("receipt"), last)...)

	return last, !diags.HasError()
}

// receipt is the evidence of a change that was sent. after is nil if it could not be read back. If
// the last receipt is of the same change, somebody else has undone it since.
func (r *settingsResource) receipt(before, after, change salesforce.Settings, last types.String) receipt.Receipt {
	done, _ := receipt.Parse(last.ValueString())
	again := func(s receipt.Setting) bool {
		return slices.ContainsFunc(done.Settings, func(d receipt.Setting) bool {
			return d.Name == s.Name && d.After != nil && s.After != nil && *d.After == *s.After
		})
	}
	evidence := receipt.Receipt{
		Operation: receipt.ChangeSettings, Cause: receipt.CausePlan,
		Resource: typeName + "_" + r.name,
	}
	was, is := r.shown(before), r.shown(after)
	for _, f := range r.flags {
		if _, changed := change[f.wire]; changed {
			evidence.Settings = append(evidence.Settings, receipt.Setting{
				Name:   f.attribute,
				Before: was[f.attribute].ValueBoolPointer(), After: is[f.attribute].ValueBoolPointer(),
			})
		}
	}

	if !slices.ContainsFunc(evidence.Settings, func(s receipt.Setting) bool { return !again(s) }) {
		evidence.Cause = receipt.CauseDrift
	}

	return evidence
}

// deploy sends a change and reads it back. What succeeds and does not take is an error: the next
// apply would send the same again. made reports that Salesforce has taken the deploy, whatever came
// of it.
func (r *settingsResource) deploy(ctx context.Context, j *judgement, change salesforce.Settings,
	diags *diag.Diagnostics,
) (made, ok bool) {
	before := j.current
	if err := r.data.Client.ChangeSettings(ctx, r.kind, before, change); err != nil {
		if _, refused := errors.AsType[*salesforce.DeployError](err); refused {
			if lacks := r.lacks(before, change); lacks != "" {
				err = fmt.Errorf("%w. %s", err, lacks)
			}
		}
		addError(diags, "Unable to change the "+r.title, err)

		return false, false
	}
	after, err := r.data.Client.ReadSettings(ctx, r.kind)
	if err != nil {
		addError(diags, "Unable to change the "+r.title, fmt.Errorf("reading back the settings after the change, which was "+
			"made: %w", err))
	}
	j.current = after
	if err != nil {
		return true, false
	}
	for _, f := range r.flags {
		value, missed := j.change()[f.wire]
		if !missed {
			continue
		}
		detail := fmt.Sprintf("The deploy succeeded, and %s is not %t afterwards. ", f.attribute, value)
		if _, shown := after[f.wire]; !shown {
			detail = fmt.Sprintf("The deploy succeeded, and the org does not show %s afterwards. ", f.attribute)
		}
		if value {
			detail += fmt.Sprintf("The org may lack %s. ", f.addOn)
		}
		diags.AddAttributeError(path.Root(f.attribute), "The setting did not take", detail+"Look at Encryption Settings in "+
			"Setup, or remove the setting here: another apply would send the same.")
	}

	return true, !diags.HasError()
}

// lacks says what may be missing from an org that refuses to turn on a switch which it does not
// show.
func (r *settingsResource) lacks(before, change salesforce.Settings) string {
	for _, f := range r.flags {
		if _, shown := before[f.wire]; !shown && change[f.wire] {
			return fmt.Sprintf("The org does not show %s: it may lack %s", f.attribute, f.addOn)
		}
	}

	return ""
}

func (r *settingsResource) identity() settingsIdentity {
	return settingsIdentity{OrganizationID: types.StringValue(r.data.Session.OrganizationID)}
}

// privateSettingsHidden names the attributes that state has as false and the org does not show, as
// of the last refresh: only the plan knows whether false is configured.
const privateSettingsHidden = "hidden"

// Read takes what the org shows. A configured false is satisfied by a switch that is not shown, so
// it stays in state until the plan finds that it is no longer configured.
func (r *settingsResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer onlyFirstLimit(ctx, &resp.Diagnostics)
	var org types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("organization_id"), &org)...)
	state := r.values(ctx, req.State, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(org, &resp.Diagnostics) {
		return
	}
	current, err := r.data.Client.ReadSettings(ctx, r.kind)
	if err != nil {
		addError(&resp.Diagnostics, "Unable to read the "+r.title, err)

		return
	}
	var hidden []string
	for name, value := range r.shown(current) {
		if off := state[name]; value.IsNull() && !off.IsNull() && !off.ValueBool() {
			hidden = append(hidden, name)

			continue
		}
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
	setPrivate(ctx, resp.Private, privateSettingsHidden, slices.Sorted(slices.Values(hidden)), &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("organization_id"), r.data.Session.OrganizationID)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, r.identity())...)
}

// Delete forgets; the plan has said so.
func (r *settingsResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

// ImportState takes the id of the org, which must be the one of the credentials.
func (r *settingsResource) ImportState(ctx context.Context, req resource.ImportStateRequest,
	resp *resource.ImportStateResponse,
) {
	id, ok := r.importID(ctx, req, "organization_id", &resp.Diagnostics)
	if !ok {
		return
	}
	if !salesforce.ValidID(id) || !strings.HasPrefix(id, "00D") {
		resp.Diagnostics.AddError("Invalid import id", "Expected the id (00D…) of the org, 15 or 18 characters: the "+
			"settings have no id of their own. Nothing was imported.")

		return
	}
	if !r.sameOrg(types.StringValue(id), &resp.Diagnostics) {
		return
	}
	current, err := r.data.Client.ReadSettings(ctx, r.kind)
	if err != nil {
		addError(&resp.Diagnostics, "Unable to read the "+r.title, err)

		return
	}
	for name, value := range r.shown(current) {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("organization_id"), r.data.Session.OrganizationID)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, r.identity())...)
}
