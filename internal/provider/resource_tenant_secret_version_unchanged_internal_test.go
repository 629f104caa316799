package provider

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// unchangedOrg has records of each status and source.
const unchangedOrg = `
certificates:
  - developer_name: Sim_BYOK
tenant_secrets:
  - {type: Data, source: HSM, status: ARCHIVED, created: -3000h, count: 2}
  - {type: Data, source: HSM, status: DESTROYED, created: -2000h, count: 1}
  - {type: Data, source: HSM, status: ACTIVE, created: -1000h}
  - {type: Database, source: HSM, status: ACTIVE, created: -900h}
`

// twin is a configured server of the provider, and what answers in its place.
type twin struct {
	server

	name            string
	state, identity tftypes.Type
	rows            []salesforce.TenantSecret
}

func newTwin(t *testing.T) twin {
	t.Helper()
	whole, sim := newOrgOf(t, unchangedOrg)
	configure(t, whole, sim, nil)
	name, state, identity := whole.provider.unchanged.Types(t.Context())
	all, err := whole.provider.data.Load().Client.ListTenantSecrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return twin{whole, name, state, identity, all.Records}
}

// newOrgOf starts an org of a seed, and a server of the provider beside it.
func newOrgOf(t *testing.T, text string, opts ...Option) (server, *sfsim.Server) {
	t.Helper()
	seed, err := sfsim.ReadSeed(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	sim, err := sfsim.New(sfsim.WithSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	whole, ok := NewServer("test", opts...)().(server)
	if !ok {
		t.Fatal("the server is not wrapped")
	}

	return whole, sim
}

// configure begins a run over an org, as each walk of the CLI does.
func configure(t testing.TB, whole server, sim *sfsim.Server, more map[string]tftypes.Value) {
	t.Helper()
	schemas, err := whole.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	typ, ok := schemas.Provider.ValueType().(tftypes.Object)
	if !ok {
		t.Fatalf("the provider's schema is a %T", schemas.Provider.ValueType())
	}
	values := map[string]tftypes.Value{}
	for name, attribute := range typ.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
	}
	values["instance_url"] = tftypes.NewValue(tftypes.String, sim.InstanceURL)
	values["access_token"] = tftypes.NewValue(tftypes.String, sim.AccessToken)
	maps.Copy(values, more)
	resp, err := whole.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: "1.14.0",
		Config:           dynamic(t, typ, values),
	})
	if err != nil || len(resp.Diagnostics) > 0 {
		t.Fatalf("configure: %v, %v", resp.Diagnostics, err)
	}
}

// fataler is a test or a run of rapid.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func dynamic(t fataler, typ tftypes.Type, values map[string]tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	value, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, values))
	if err != nil {
		t.Fatalf("encoding a value: %v", err)
	}

	return &value
}

func textValue(s string) tftypes.Value {
	if s == "" {
		return tftypes.NewValue(tftypes.String, nil)
	}

	return tftypes.NewValue(tftypes.String, s)
}

// settled is a record in state as an apply leaves it.
func (w twin) settled(row salesforce.TenantSecret) map[string]tftypes.Value {
	org := w.provider.data.Load().Session.OrganizationID

	return map[string]tftypes.Value{
		"tenant_secret_id": textValue(row.ID), "desired_status": textValue(row.Status), "backup": textValue(backupState),
		"deletion_policy":          textValue(policyAbandon),
		"exported_secret_value_wo": textValue(""), "exported_secret_value_wo_version": textValue(""),
		"destruction_acknowledgement": textValue(""),
		"organization_id":             textValue(org), "type": textValue(row.Type),
		"version": tftypes.NewValue(tftypes.Number, row.Version), "status": textValue(row.Status),
		"source": textValue(row.Source), "description": textValue(row.Description),
		"key_derivation_mode":   textValue(row.KeyDerivationMode),
		"secret_value_hash":     textValue(hashOrNull(row.SecretValueHash).ValueString()),
		"created_date":          textValue(timeOrNull(row.CreatedDate).ValueString()),
		"last_modified_date":    textValue(timeOrNull(row.LastModifiedDate).ValueString()),
		"exported_secret_value": textValue("QUJD"),
		"recoverable":           tftypes.NewValue(tftypes.Bool, true),
		"destruction_approvals": tftypes.NewValue(tftypes.List{ElementType: tftypes.String}, nil),
		"destruction_not_after": textValue(""), "destruction_statement": textValue(""),
		"receipt": textValue(`{"receipt_format":1}`),
	}
}

// odd draws another value for an attribute.
func odd(t *rapid.T, name string) tftypes.Value {
	switch name {
	case "version":
		return rapid.SampledFrom([]tftypes.Value{
			tftypes.NewValue(tftypes.Number, 7),
			tftypes.NewValue(tftypes.Number, nil),
		}).Draw(t, name)
	case "recoverable":
		return rapid.SampledFrom([]tftypes.Value{
			tftypes.NewValue(tftypes.Bool, false),
			tftypes.NewValue(tftypes.Bool, nil),
		}).Draw(t, name)
	case "desired_status", "status":
		return textValue(rapid.SampledFrom([]string{"ARCHIVED", "DESTROYED", "ACTIVE", ""}).Draw(t, name))
	case "backup":
		return textValue(rapid.SampledFrom([]string{backupState, backupNone}).Draw(t, name))
	case "deletion_policy":
		return textValue(rapid.SampledFrom([]string{policyAbandon, policyPrevent}).Draw(t, name))
	case "source":
		return textValue(rapid.SampledFrom([]string{"HSM", "UPLOADED", "REMOTE", ""}).Draw(t, name))
	case "type":
		return textValue(rapid.SampledFrom([]string{"Data", "Database", "Analytics", ""}).Draw(t, name))
	case "destruction_approvals":
		typ := tftypes.List{ElementType: tftypes.String}

		return rapid.SampledFrom([]tftypes.Value{
			tftypes.NewValue(typ, nil),
			tftypes.NewValue(typ, []tftypes.Value{textValue("signed")}),
		}).Draw(t, name)
	default:
		return textValue(rapid.SampledFrom([]string{"", "x", "02GB0000000HYswMAG", "00DB0000000HYswMAG"}).Draw(t, name))
	}
}

// changed is a state in which up to three attributes are odd.
func changed(t *rapid.T, state map[string]tftypes.Value) map[string]tftypes.Value {
	state = maps.Clone(state)
	names := slices.Sorted(maps.Keys(state))
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		name := rapid.SampledFrom(names).Draw(t, "attribute")
		if name != "exported_secret_value_wo" {
			state[name] = odd(t, name)
		}
	}
	if rapid.Bool().Draw(t, "short id") {
		var id string
		if state["tenant_secret_id"].As(&id) == nil && len(id) == 18 {
			state["tenant_secret_id"] = textValue(id[:15])
		}
	}

	return state
}

// same compares two encoded values.
func same(t fataler, typ tftypes.Type, a, b *tfprotov6.DynamicValue) bool {
	t.Helper()
	if a == nil || b == nil {
		return a == b
	}
	left, err := a.Unmarshal(typ)
	if err != nil {
		t.Fatalf("decoding a value: %v", err)
	}
	right, err := b.Unmarshal(typ)
	if err != nil {
		t.Fatalf("decoding a value: %v", err)
	}

	return left.Equal(right)
}

func sameIdentity(t fataler, typ tftypes.Type, a, b *tfprotov6.ResourceIdentityData) bool {
	t.Helper()
	if a == nil || b == nil {
		return a == b
	}

	return same(t, typ, a.IdentityData, b.IdentityData)
}

// identity draws what a CLI may send as the identity in state.
func (w twin) drawIdentity(t *rapid.T, id string) *tfprotov6.ResourceIdentityData {
	typ, org := w.identity, w.provider.data.Load().Session.OrganizationID
	of := func(org, id string) *tfprotov6.ResourceIdentityData {
		return &tfprotov6.ResourceIdentityData{IdentityData: dynamic(t, typ,
			map[string]tftypes.Value{"organization_id": textValue(org), "tenant_secret_id": textValue(id)})}
	}
	switch rapid.SampledFrom([]string{"none", "null", "empty", "right", "right", "wrong"}).Draw(t, "identity") {
	case "none":
		return nil
	case "null":
		null, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, nil))
		if err != nil {
			t.Fatalf("encoding: %v", err)
		}

		return &tfprotov6.ResourceIdentityData{IdentityData: &null}
	case "empty":
		return of("", "")
	case "wrong":
		return of(org, "02GB0000000HYswMAG")
	default:
		return of(org, fullID(id))
	}
}

// What the short way answers is what the framework answers, to the last attribute; and it does
// answer if nothing has changed.
func TestUnchangedAnswersAsTheFrameworkDoes(t *testing.T) {
	t.Parallel()

	w := newTwin(t)
	u := &w.provider.unchanged
	first := &tfprotov6.ReadResourceRequest{TypeName: w.name, CurrentState: dynamic(t, w.state, w.settled(w.rows[0]))}
	if u.Read(t.Context(), first) != nil {
		t.Fatal("answered before the org was read")
	}
	if resp, err := w.ReadResource(t.Context(), first); err != nil || len(resp.Diagnostics) > 0 {
		t.Fatalf("the first reading: %v, %v", resp.Diagnostics, err)
	}
	reads, plans, runs := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		w.provider.data.Load().records = runRecords{} // each run is one of its own
		row := rapid.SampledFrom(w.rows).Draw(t, "row")
		state := changed(t, w.settled(row))
		var id string
		_ = state["tenant_secret_id"].As(&id) // "" for null, which no id is
		identity := w.drawIdentity(t, id)

		read := &tfprotov6.ReadResourceRequest{
			TypeName: w.name, CurrentState: dynamic(t, w.state, state),
			CurrentIdentity: identity,
		}
		if got := u.Read(t.Context(), read); got != nil {
			reads++
			want, err := w.Framework.ReadResource(t.Context(), read)
			if err != nil || len(want.Diagnostics) > 0 || want.Deferred != nil {
				t.Fatalf("the framework says %v, %v", texts(want.Diagnostics), err)
			}
			if !same(t, w.state, got.NewState, want.NewState) ||
				!sameIdentity(t, w.identity, got.NewIdentity, want.NewIdentity) || string(got.Private) != string(want.Private) {
				t.Fatalf("the refresh differs:\ngot  %+v\nwant %+v", got, want)
			}
		}

		// A configuration is a choice of what is in state, and the CLI proposes the state with what is
		// configured.
		proposed, config := maps.Clone(state), map[string]tftypes.Value{}
		for name, value := range state {
			config[name] = tftypes.NewValue(value.Type(), nil)
		}
		for _, name := range []string{
			"tenant_secret_id", "desired_status", "backup", "deletion_policy",
			"destruction_acknowledgement", "exported_secret_value_wo_version",
		} {
			required := name == "tenant_secret_id" || name == "desired_status"
			if required || rapid.Bool().Draw(t, "configured "+name) {
				config[name] = state[name]
			}
		}
		if rapid.IntRange(0, 9).Draw(t, "edit") == 0 {
			name := rapid.SampledFrom([]string{
				"desired_status", "backup", "deletion_policy",
				"destruction_acknowledgement",
			}).Draw(t, "edited")
			config[name] = odd(t, name)
			proposed[name] = config[name]
		}
		plan := &tfprotov6.PlanResourceChangeRequest{
			TypeName: w.name, PriorState: dynamic(t, w.state, state), ProposedNewState: dynamic(t, w.state, proposed),
			Config: dynamic(t, w.state, config), PriorIdentity: identity,
		}
		if got := u.Plan(t.Context(), plan); got != nil {
			plans++
			want, err := w.Framework.PlanResourceChange(t.Context(), plan)
			if err != nil || len(want.Diagnostics) > 0 || want.Deferred != nil || len(want.RequiresReplace) > 0 {
				t.Fatalf("the framework says %v, replaces %v, %v", texts(want.Diagnostics), want.RequiresReplace, err)
			}
			if !same(t, w.state, got.PlannedState, want.PlannedState) ||
				!sameIdentity(t, w.identity, got.PlannedIdentity, want.PlannedIdentity) ||
				string(got.PlannedPrivate) != string(want.PlannedPrivate) {
				t.Fatalf("the plan differs:\ngot  %+v\nwant %+v", got, want)
			}
		}
	})
	if reads < runs/20 || plans < runs/20 {
		t.Errorf("of %d runs the short way answered %d refreshes and %d plans: it does not do its work", runs, reads, plans)
	}
}

// What the short way must leave to the framework.
func TestUnchangedLeavesTheRestToTheFramework(t *testing.T) {
	t.Parallel()

	w := newTwin(t)
	u := &w.provider.unchanged
	if _, err := w.provider.data.Load().Inventory.ForPlan(t.Context()); err != nil {
		t.Fatal(err)
	}
	row := w.rows[0]
	state := dynamic(t, w.state, w.settled(row))
	null, err := tfprotov6.NewDynamicValue(w.state, tftypes.NewValue(w.state, nil))
	if err != nil {
		t.Fatal(err)
	}
	if u.Read(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: w.name, CurrentState: state}) == nil {
		t.Error("an unchanged record is not answered")
	}
	for name, req := range map[string]*tfprotov6.ReadResourceRequest{
		"nothing":          nil,
		"another resource": {TypeName: "salesforcebyok_tenant_secret", CurrentState: state},
		"no state":         {TypeName: w.name},
		"a null state":     {TypeName: w.name, CurrentState: &null},
		"a broken state":   {TypeName: w.name, CurrentState: &tfprotov6.DynamicValue{MsgPack: []byte{0xc1}}},
	} {
		if u.Read(t.Context(), req) != nil {
			t.Errorf("refresh of %s is answered", name)
		}
	}

	whole := func(change func(*tfprotov6.PlanResourceChangeRequest)) *tfprotov6.PlanResourceChangeRequest {
		req := &tfprotov6.PlanResourceChangeRequest{
			TypeName: w.name, PriorState: state, ProposedNewState: state,
			Config: state,
		}
		change(req)

		return req
	}
	if u.Plan(t.Context(), whole(func(*tfprotov6.PlanResourceChangeRequest) {})) == nil {
		t.Error("the plan of an unchanged record is not answered")
	}
	removed := w.settled(row)
	removed["deletion_policy"] = textValue("")
	prevented := w.settled(row)
	prevented["deletion_policy"] = textValue(policyPrevent)
	for name, req := range map[string]*tfprotov6.PlanResourceChangeRequest{
		"nothing": nil,
		"another resource": whole(func(r *tfprotov6.PlanResourceChangeRequest) {
			r.TypeName = "salesforcebyok_tenant_secret"
		}),
		"a create":  whole(func(r *tfprotov6.PlanResourceChangeRequest) { r.PriorState = &null }),
		"a destroy": whole(func(r *tfprotov6.PlanResourceChangeRequest) { r.ProposedNewState = &null }),
		"neither": whole(func(r *tfprotov6.PlanResourceChangeRequest) {
			r.PriorState, r.ProposedNewState = &null, &null
		}),
		"no configuration": whole(func(r *tfprotov6.PlanResourceChangeRequest) { r.Config = nil }),
		"a policy that is no longer configured": whole(func(r *tfprotov6.PlanResourceChangeRequest) {
			r.PriorState, r.ProposedNewState, r.Config = dynamic(t, w.state, prevented), dynamic(t, w.state, prevented),
				dynamic(t, w.state, removed)
		}),
	} {
		if u.Plan(t.Context(), req) != nil {
			t.Errorf("plan of %s is answered", name)
		}
	}
}

// The short way knows the defaults of string attributes, and no others. A default or a plan
// modifier of another kind needs more than that.
func TestUnchangedKnowsWhatTheSchemaPlans(t *testing.T) {
	t.Parallel()

	var resp resource.SchemaResponse
	(&tenantSecretVersionResource{}).Schema(t.Context(), resource.SchemaRequest{}, &resp)
	for name, attribute := range resp.Schema.Attributes {
		switch a := attribute.(type) {
		case schema.StringAttribute:
			if len(a.PlanModifiers) > 0 && name != "tenant_secret_id" {
				t.Errorf("%s has a plan modifier that the short way does not know", name)
			}
		case schema.Int64Attribute:
			if len(a.PlanModifiers) > 0 || a.Default != nil {
				t.Errorf("%s plans by itself", name)
			}
		case schema.ListAttribute:
			if len(a.PlanModifiers) > 0 || a.Default != nil {
				t.Errorf("%s plans by itself", name)
			}
		case schema.BoolAttribute:
			if len(a.PlanModifiers) > 0 || a.Default != nil {
				t.Errorf("%s plans by itself", name)
			}
		default:
			t.Errorf("%s is a %T, which the short way does not know", name, attribute)
		}
	}
	if len(resp.Schema.Blocks) > 0 {
		t.Error("the short way knows no blocks")
	}
}

// objectOf is an object of texts, "" for null.
func objectOf(fields map[string]string) pluginserver.Object {
	kinds, values := map[string]tftypes.Type{}, map[string]tftypes.Value{}
	for name, text := range fields {
		kinds[name], values[name] = tftypes.String, textValue(text)
	}

	return pluginserver.NewObject(tftypes.NewValue(tftypes.Object{AttributeTypes: kinds}, values))
}

func TestVersionsAsWantedNeedNoPlan(t *testing.T) {
	t.Parallel()

	settled := map[string]string{
		"status": "ARCHIVED", "desired_status": "ARCHIVED", "backup": "STATE", "exported_secret_value": "CgMyMzI=",
		"source": "UPLOADED", "type": "Data",
	}
	for name, tc := range map[string]struct {
		change map[string]string
		want   bool
	}{
		"as wanted":                      {nil, true},
		"another status":                 {map[string]string{"status": "DESTROYED"}, false},
		"no export yet":                  {map[string]string{"exported_secret_value": ""}, false},
		"nothing to keep":                {map[string]string{"exported_secret_value": "", "backup": "NONE"}, true},
		"an export that must be dropped": {map[string]string{"backup": "NONE"}, false},
		"destroyed, its export held":     {map[string]string{"status": "DESTROYED", "desired_status": "DESTROYED"}, true},
		"destroyed, nothing to export": {map[string]string{
			"status": "DESTROYED", "desired_status": "DESTROYED",
			"exported_secret_value": "",
		}, true},
		"cache-only, which has no export": {map[string]string{
			"source": "REMOTE", "status": "ACTIVE",
			"desired_status": "ACTIVE", "exported_secret_value": "",
		}, true},
		"a key that is ACTIVE": {map[string]string{"status": "ACTIVE", "desired_status": "ACTIVE"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			fields := maps.Clone(settled)
			maps.Copy(fields, tc.change)
			if got := versionIsAsWanted(objectOf(fields)); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if versionIsAsWanted(nil) {
		t.Error("no object is as wanted")
	}
}

// texts are the summaries and details of diagnostics.
func texts(diagnostics []*tfprotov6.Diagnostic) (texts []string) {
	for _, d := range diagnostics {
		texts = append(texts, d.Summary+": "+d.Detail)
	}

	return texts
}
