package provider

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// custodyOrg has records that can change their status, and others that can't. A cache-only key
// would need a key service to come back.
const custodyOrg = `
settings: {can_encrypt_transactional_database: true}
certificates:
  - developer_name: Sim_BYOK
tenant_secrets:
  - {type: Data, source: HSM, status: ARCHIVED, created: -3000h}
  - {type: Data, source: HSM, status: ARCHIVED, created: -2900h}
  - {type: Data, source: HSM, status: ACTIVE, created: -1000h}
  - {type: Database, source: HSM, status: ARCHIVED, created: -800h}
  - {type: Database, source: HSM, status: ACTIVE, created: -700h}
`

// core does with the provider what the core of a CLI does with one resource: plan, plan again,
// compare, apply.
type core struct {
	server

	sim      *sfsim.Server
	typ      tftypes.Object
	name     string
	allowed  bool
	state    tftypes.Value // null while nothing is managed
	private  []byte
	exported map[string]string
	// computed reports whether the provider may fill an attribute that is not configured.
	computed func(name string) bool
}

// planned is what a plan has shown.
type planned struct {
	value    tftypes.Value
	private  []byte
	errors   []string
	warnings []string
}

func newCore(t *testing.T) *core {
	t.Helper()
	whole, sim := newOrgOf(t, custodyOrg, WithSleep(atOnce))
	name, state, _ := whole.provider.unchanged.Types(t.Context())
	typ, ok := state.(tftypes.Object)
	if !ok {
		t.Fatal("the resource is no object")
	}

	computed := func(name string) bool {
		return name != "tenant_secret_id" && name != "desired_status" &&
			!strings.HasPrefix(name, "exported_secret_value_wo") &&
			(name == "destruction_statement" || !strings.HasPrefix(name, "destruction_"))
	}

	return &core{
		server: whole, sim: sim, typ: typ, name: name, state: tftypes.NewValue(typ, nil),
		exported: map[string]string{}, computed: computed,
	}
}

// walk begins a walk of the CLI: each configures the provider by itself.
func (c *core) walk(t *testing.T) {
	t.Helper()
	configure(t, c.server, c.sim, map[string]tftypes.Value{"allow_key_destruction": tftypes.NewValue(tftypes.Bool,
		c.allowed)})
}

func (c *core) dynamic(t fataler, v tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	value, err := tfprotov6.NewDynamicValue(c.typ, v)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}

	return &value
}

func attributes(v tftypes.Value) map[string]tftypes.Value {
	out := map[string]tftypes.Value{}
	if !v.IsNull() {
		_ = v.As(&out)
	}

	return out
}

func textOf(v tftypes.Value) string {
	var s *string
	if !v.IsKnown() || v.As(&s) != nil || s == nil {
		return ""
	}

	return *s
}

// refresh reads the resource.
func (c *core) refresh(t fataler, ctx *testing.T) {
	t.Helper()
	if c.state.IsNull() {
		return
	}
	resp, err := c.ReadResource(ctx.Context(), &tfprotov6.ReadResourceRequest{
		TypeName:     c.name,
		CurrentState: c.dynamic(t, c.state), Private: c.private,
	})
	if err != nil || len(resp.Diagnostics) > 0 {
		t.Fatalf("refresh: %v, %v", resp.Diagnostics, err)
	}
	c.state, err = resp.NewState.Unmarshal(c.typ)
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	c.private = resp.Private
}

// plan asks for a plan of a configuration; a null one asks for a destroy.
func (c *core) plan(t fataler, ctx *testing.T, config tftypes.Value) planned {
	t.Helper()
	proposed := config
	if !config.IsNull() {
		values, prior := maps.Clone(attributes(config)), attributes(c.state)
		for name, value := range values {
			if value.IsNull() && c.computed(name) && !c.state.IsNull() {
				values[name] = prior[name] // of a create the core proposes null
			}
		}
		for name, value := range values {
			if strings.HasSuffix(name, "_wo") { // write-only
				values[name] = tftypes.NewValue(value.Type(), nil)
			}
		}
		proposed = tftypes.NewValue(c.typ, values)
	}
	resp, err := c.PlanResourceChange(ctx.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: c.name, PriorState: c.dynamic(t, c.state), ProposedNewState: c.dynamic(t, proposed),
		Config: c.dynamic(t, config), PriorPrivate: c.private,
		ClientCapabilities: &tfprotov6.PlanResourceChangeClientCapabilities{},
	})
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	p := planned{private: resp.PlannedPrivate}
	p.errors, p.warnings = summariesOfDiagnostics(resp.Diagnostics)
	if len(p.errors) == 0 {
		if p.value, err = resp.PlannedState.Unmarshal(c.typ); err != nil {
			t.Fatalf("plan: %v", err)
		}
	}

	return p
}

func summariesOfDiagnostics(all []*tfprotov6.Diagnostic) (failed, warned []string) {
	for _, d := range all {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			failed = append(failed, d.Summary)
		} else {
			warned = append(warned, d.Summary)
		}
	}

	return failed, warned
}

// apply plans again, compares as the core does, and applies. It returns the summaries of errors.
func (c *core) apply(t fataler, ctx *testing.T, config tftypes.Value, saved planned) []string {
	t.Helper()
	again := saved
	if !config.IsNull() {
		again = c.plan(t, ctx, config)
		if len(again.errors) > 0 {
			return again.errors
		}
		before, now := attributes(saved.value), attributes(again.value)
		for name, value := range before {
			if value.IsKnown() && !value.Equal(now[name]) {
				return []string{"Provider produced inconsistent final plan: " + name}
			}
		}
	}
	resp, err := c.ApplyResourceChange(ctx.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: c.name, PriorState: c.dynamic(t, c.state), PlannedState: c.dynamic(t, again.value),
		Config: c.dynamic(t, config), PlannedPrivate: again.private,
	})
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	after, err := resp.NewState.Unmarshal(c.typ)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	failed, _ := summariesOfDiagnostics(resp.Diagnostics)
	if len(failed) == 0 {
		values := attributes(after)
		for name, value := range attributes(again.value) {
			if value.IsFullyKnown() && !value.Equal(values[name]) {
				t.Fatalf("Provider produced inconsistent result after apply: %s: planned %v, found %v", name, value, values[name])
			}
		}
	}
	c.state, c.private = after, resp.Private

	return failed
}

func (c *core) record(id string) sfsim.TenantSecret {
	for _, s := range c.sim.TenantSecrets() {
		if s.ID == id {
			return s
		}
	}

	return sfsim.TenantSecret{}
}

// patches is how many changes of a status took effect.
func (c *core) patches() int {
	n := 0
	for _, r := range c.sim.Requests() {
		if r.Method == http.MethodPatch && r.Committed {
			n++
		}
	}

	return n
}

// setStatus does in the org what somebody else would.
func (c *core) setStatus(t *testing.T, id, status string) {
	t.Helper()
	before := c.record(id)
	if before.Status == status {
		return
	}
	url := c.sim.InstanceURL + "/services/data/v62.0/sobjects/TenantSecret/" + id
	call := func(method string, body map[string]any) []byte {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.sim.AccessToken)
		req.Header.Set("Content-Type", "application/json")
		client := &http.Client{}
		defer client.CloseIdleConnections()
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // a test's reading
		var out bytes.Buffer
		if _, err := out.ReadFrom(resp.Body); err != nil || resp.StatusCode >= http.StatusBadRequest {
			t.Fatalf("%s %s to %s: %s, %v", method, id, status, out.String(), err)
		}

		return out.Bytes()
	}
	if status == "DESTROYED" {
		var row struct {
			SecretValue string `json:"SecretValue"`
		}
		if err := json.Unmarshal(call(http.MethodGet, nil), &row); err != nil {
			t.Fatal(err)
		}
		c.exported[id] = row.SecretValue
		call(http.MethodPatch, map[string]any{"Status": status})
	} else {
		call(http.MethodPatch, map[string]any{"Status": status, "SecretValue": c.exported[id]})
	}
}

// What the plan has announced is what the apply did, over random configurations, states and orgs,
// for destroy, restore, drop, forget and refuse; and if somebody comes between plan and apply, the
// apply does that or stops with nothing sent.
func TestVersionPlanAndApplyAgree(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	ids := []string{}
	for _, s := range c.sim.TenantSecrets() {
		ids = append(ids, s.ID)
	}
	for _, id := range ids[:2] { // everybody has kept the exports
		c.setStatus(t, id, "DESTROYED")
		c.setStatus(t, id, "ARCHIVED")
	}
	outcomes := map[string]int{}
	one := func(rt *rapid.T) {
		id := rapid.SampledFrom(append(ids, ids[0], ids[0], ids[0], ids[1], ids[1], ids[1])).Draw(rt, "record")
		statuses := []string{"ARCHIVED", "DESTROYED"}
		if c.record(id).Status == "ACTIVE" || c.record(id).Type == "Database" {
			statuses = []string{c.record(id).Status}
		}
		draw := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, label) }
		config := func(label string) tftypes.Value {
			values := map[string]tftypes.Value{}
			for name, typ := range c.typ.AttributeTypes {
				values[name] = tftypes.NewValue(typ, nil)
			}
			values["tenant_secret_id"] = textValue(draw(label+" id", id, id[:15]))
			values["desired_status"] = textValue(draw(label+" desired_status", "ARCHIVED", "DESTROYED", statuses[0],
				statuses[0]))
			values["backup"] = textValue(draw(label+" backup", "STATE", "NONE"))
			values["deletion_policy"] = textValue(draw(label+" policy", "ABANDON", "ABANDON", "PREVENT"))
			values["destruction_acknowledgement"] = textValue(draw(label+" acknowledgement", "", id, id))
			if export := c.exported[id]; export != "" && draw(label+" export", "given", "none", "none") == "given" {
				values["exported_secret_value_wo"], values["exported_secret_value_wo_version"] = textValue(export), textValue("1")
			}

			return tftypes.NewValue(c.typ, values)
		}
		// A record, perhaps in state, as an earlier apply has left it.
		c.state, c.private, c.allowed = tftypes.NewValue(c.typ, nil), nil, true
		c.setStatus(t, id, statuses[0])
		if rapid.Bool().Draw(rt, "managed") {
			c.walk(t)
			first := config("first")
			if p := c.plan(rt, t, first); len(p.errors) == 0 {
				if failed := c.apply(rt, t, first, p); len(failed) > 0 {
					rt.Fatalf("adopting: %v", failed)
				}
			}
		}
		c.setStatus(t, id, draw("status", statuses...))
		c.allowed = draw("allowed", "yes", "yes", "no") == "yes"

		// Plan.
		c.walk(t)
		c.refresh(rt, t)
		wanted := config("wanted")
		if !c.state.IsNull() && draw("destroy", "no", "no", "yes") == "yes" {
			wanted = tftypes.NewValue(c.typ, nil)
		}
		before, held, sent := c.record(id), textOf(attributes(c.state)["exported_secret_value"]), c.patches()
		acknowledged := textOf(attributes(c.state)["destruction_acknowledgement"]) == id ||
			textOf(attributes(wanted)["destruction_acknowledgement"]) == id
		saved := c.plan(rt, t, wanted)
		if c.patches() != sent {
			rt.Fatalf("the plan has sent something")
		}
		if len(saved.errors) > 0 {
			outcomes["refused"]++

			return
		}
		announced := textOf(attributes(saved.value)["status"])
		destroys := strings.Contains(strings.Join(saved.warnings, ","), "A key will be destroyed")
		if want := !wanted.IsNull() && announced == "DESTROYED" && before.Status != "DESTROYED"; destroys != want {
			rt.Fatalf("a planned status %s over %s, and the warnings %q", announced, before.Status, saved.warnings)
		}

		// Somebody comes between, or nobody.
		c.setStatus(t, id, draw("meanwhile", append(statuses, before.Status, before.Status)...))
		between, sentBetween := c.record(id), c.patches()
		priorState := c.state

		// Apply.
		c.walk(t)
		failed := c.apply(rt, t, wanted, saved)
		after, done := c.record(id), c.patches()-sentBetween
		state := attributes(c.state)
		holds := textOf(state["exported_secret_value"])
		switch {
		case len(failed) > 0:
			outcomes["stopped"]++
			if between.Status == before.Status {
				rt.Fatalf("nobody has been there, and the apply says %q after a plan without errors", failed)
			}
			if done != 0 || after.Status != between.Status {
				rt.Fatalf("the apply failed with %q, and sent %d changes", failed, done)
			}
			if !c.state.Equal(priorState) {
				rt.Fatalf("the apply failed with %q, and changed the state", failed)
			}
		case wanted.IsNull():
			outcomes["forgotten"]++
			if done != 0 || !c.state.IsNull() {
				rt.Fatalf("a forgetting has sent %d changes, and left %v", done, c.state)
			}
			if after.Status == "DESTROYED" && held != "" && !acknowledged {
				rt.Fatalf("the only copy of a destroyed key is forgotten")
			}
		default:
			if announced != "" && before.Status == announced && done != 0 {
				rt.Fatalf("nothing was announced, and %d changes were sent", done)
			}
			if done > 1 || between.Status == before.Status && after.Status != announced {
				rt.Fatalf("announced %s, found %s after %d changes", announced, after.Status, done)
			}
			if done == 1 {
				outcomes[map[bool]string{true: "destroyed", false: "restored"}[after.Status == "DESTROYED"]]++
				if after.Status == "DESTROYED" && !destroys {
					rt.Fatalf("a destroy that was not announced")
				}
			}
			if after.Status == "DESTROYED" && held != "" && holds == "" {
				outcomes["dropped"]++
				if !acknowledged {
					rt.Fatalf("the only copy of a destroyed key is dropped")
				}
			}
			if after.Status == "DESTROYED" && done == 1 && holds == "" && !acknowledged {
				rt.Fatalf("destroyed without a way back")
			}
		}
	}
	const rounds = 3 // of 100 runs each
	for range rounds {
		rapid.Check(t, one)
	}
	t.Log(outcomes)
	if testing.Short() {
		return // a fifth of the runs need not reach each of them
	}
	for _, kind := range []string{"refused", "stopped", "forgotten", "destroyed", "restored"} {
		if outcomes[kind] == 0 {
			t.Errorf("no run ended as %s: %v", kind, outcomes)
		}
	}
}
