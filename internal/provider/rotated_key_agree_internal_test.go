package provider

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// keyOrg has a key of Salesforce's own and two certificates.
const keyOrg = `
certificates:
  - developer_name: Sim_BYOK
  - developer_name: Sim_BYOK_2
tenant_secrets:
  - {type: Data, source: HSM, status: ACTIVE, created: -1000h}
`

// keyCore is a core over one salesforcebyok_tenant_secret.
type keyCore struct {
	*core

	// schema says which attributes the provider may fill.
	schema map[string]*tfprotov6.SchemaAttribute
}

func newKeyCore(t *testing.T) *keyCore {
	t.Helper()
	seed, err := sfsim.ReadSeed(strings.NewReader(keyOrg))
	if err != nil {
		t.Fatal(err)
	}
	sim, err := sfsim.New(sfsim.WithSeed(seed), sfsim.WithoutIntervals())
	if err != nil {
		t.Fatal(err)
	}
	whole, ok := NewServer("test", WithSleep(atOnce))().(server)
	if !ok {
		t.Fatal("the server is not wrapped")
	}
	schemas, err := whole.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	const name = "salesforcebyok_tenant_secret"
	typ, ok := schemas.ResourceSchemas[name].ValueType().(tftypes.Object)
	if !ok {
		t.Fatal("the resource is no object")
	}
	k := &keyCore{
		core:   &core{server: whole, sim: sim, typ: typ, name: name, state: tftypes.NewValue(typ, nil)},
		schema: map[string]*tfprotov6.SchemaAttribute{},
	}
	for _, attribute := range schemas.ResourceSchemas[name].Block.Attributes {
		k.schema[attribute.Name] = attribute
	}
	k.computed = func(name string) bool { return k.schema[name].Computed }

	return k
}

// object is a configuration of the resource.
func (k *keyCore) object(fields map[string]tftypes.Value) tftypes.Value {
	values := map[string]tftypes.Value{}
	for name, typ := range k.typ.AttributeTypes {
		values[name] = tftypes.NewValue(typ, nil)
	}
	maps.Copy(values, fields)

	return tftypes.NewValue(k.typ, values)
}

// importKey brings the ACTIVE key of type Data under management.
func (k *keyCore) importKey(t fataler, ctx *testing.T) {
	t.Helper()
	resp, err := k.ImportResourceState(ctx.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: k.name, ID: "Data"})
	if err != nil || len(resp.Diagnostics) > 0 || len(resp.ImportedResources) != 1 {
		t.Fatalf("import: %v, %v", texts(resp.Diagnostics), err)
	}
	if k.state, err = resp.ImportedResources[0].State.Unmarshal(k.typ); err != nil {
		t.Fatalf("import: %v", err)
	}
	k.private = resp.ImportedResources[0].Private
}

func (k *keyCore) active() sfsim.TenantSecret {
	for _, s := range k.sim.TenantSecrets() {
		if s.Type == "Data" && s.Status == "ACTIVE" {
			return s
		}
	}

	return sfsim.TenantSecret{}
}

// posts is how many keys this provider has made.
func (k *keyCore) posts() (n int) {
	for _, r := range k.sim.Requests() {
		if r.Method == http.MethodPost && r.Committed && strings.HasSuffix(r.Path, "/sobjects/TenantSecret") {
			n++
		}
	}

	return n
}

// atOnce is a sleep that waits for nothing.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// What the plan has announced is what the apply did, over random configurations, states and orgs,
// for create, rotate, adopt, patch, import and refuse; and if somebody rotates between plan and
// apply, the apply does that or stops with nothing sent.
func TestKeyPlanAndApplyAgree(t *testing.T) {
	t.Parallel()
	outcomes := map[string]int{}
	one := func(rt *rapid.T) {
		k := newKeyCore(t)
		defer k.sim.Close()
		draw := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, label) }
		config := func(label string) tftypes.Value {
			fields := map[string]tftypes.Value{
				"type": textValue("Data"), "source": textValue(draw(label+" source", "", "UPLOADED", "HSM")),
				"description":         textValue(draw(label+" description", "", "ours")),
				"key_derivation_mode": textValue(draw(label+" mode", "", "PBKDF2")),
				"certificate":         textValue(draw(label+" certificate", "Sim_BYOK", "Sim_BYOK_2")),
			}
			if label == "wanted" && draw("missing", "no", "no", "no", "yes") == "yes" {
				fields["certificate"] = textValue("Nope")
			}
			if draw(label+" source again", "same", "same", "HSM") == "HSM" {
				fields["source"] = textValue("HSM")
			}
			if textOf(fields["source"]) == "HSM" {
				fields["certificate"] = textValue("")
			}
			if trigger := draw(label+" trigger", "", "a", "b"); trigger != "" {
				fields["rotation_triggers"] = tftypes.NewValue(tftypes.Map{ElementType: tftypes.String},
					map[string]tftypes.Value{"t": textValue(trigger)})
			}
			if hash := k.active().SecretValueHash; textOf(fields["source"]) != "HSM" &&
				draw(label+" pin", "none", "none", "none", "current") == "current" && len(hash) == 44 {
				fields["secret_value_hash"] = textValue(hash)
			}

			return k.object(fields)
		}
		rotate := func() {
			if _, err := k.sim.Rotate("Data", "HSM"); err != nil {
				rt.Fatalf("rotating outside: %v", err)
			}
		}

		// A key, perhaps managed, as earlier runs have left it, or one of those that the state has lost.
		first := config("first")
		imported := false
		switch draw("before", "nothing", "created", "created", "imported", "lost") {
		case "created", "lost":
			k.walk(t)
			if p := k.plan(rt, t, first); len(p.errors) == 0 {
				if failed := k.apply(rt, t, first, p); len(failed) > 0 {
					rt.Fatalf("creating: %v", failed)
				}
			}
			if draw("state", "kept", "kept", "lost") == "lost" {
				k.state, k.private = tftypes.NewValue(k.typ, nil), nil
			}
		case "imported":
			k.walk(t)
			k.importKey(rt, t)
			imported = true
		}
		if draw("outside", "nobody", "nobody", "nobody", "rotated") == "rotated" {
			rotate()
		}

		// Plan.
		k.walk(t)
		k.refresh(rt, t)
		wanted := first
		if rapid.Bool().Draw(rt, "edited") {
			wanted = config("wanted")
		}
		managed, before, posts, patches := !k.state.IsNull(), k.active(), k.posts(), k.patches()
		saved := k.plan(rt, t, wanted)
		if k.posts() != posts || k.patches() != patches {
			rt.Fatalf("the plan has sent something")
		}
		if len(saved.errors) > 0 {
			outcomes["refused"]++

			return
		}
		plan := attributes(saved.value)
		makes := !plan["tenant_secret_id"].IsKnown()
		if !makes && textOf(plan["tenant_secret_id"]) != before.ID {
			rt.Fatalf("the plan names record %v, and %s is ACTIVE", plan["tenant_secret_id"], before.ID)
		}
		adopts := strings.Contains(strings.Join(saved.warnings, ","), "An existing key will be adopted")
		if adopts && makes {
			rt.Fatalf("the plan adopts and makes: %q", saved.warnings)
		}

		// Somebody comes between, or nobody.
		between := draw("meanwhile", "nobody", "nobody", "nobody", "rotated") == "rotated"
		if between {
			rotate()
		}
		priorState := k.state

		// Apply.
		k.walk(t)
		failed := k.apply(rt, t, wanted, saved)
		made, patched, after := k.posts()-posts, k.patches()-patches, k.active()
		if len(failed) > 0 {
			outcomes["stopped"]++
			// A certificate that is missing may be made by this very apply: the plan warns, and the apply
			// refuses.
			if !between && !strings.Contains(strings.Join(saved.warnings, ","), "Wrapping certificate not found") {
				rt.Fatalf("nobody has been there, and the apply says %q after a plan without errors", failed)
			}
			if made != 0 || patched != 0 || !k.state.Equal(priorState) {
				rt.Fatalf("the apply failed with %q, after %d keys and %d patches", failed, made, patched)
			}

			return
		}
		if (made == 1) != makes || made > 1 {
			rt.Fatalf("the plan announced a new key: %v, and the apply made %d", makes, made)
		}
		state := attributes(k.state)
		if id := textOf(state["tenant_secret_id"]); id != after.ID && (makes || !between) {
			rt.Fatalf("the state has record %s, and %s is ACTIVE", id, after.ID)
		}
		if strings.Contains(strings.Join(saved.warnings, ","), "A key made by Salesforce is in use") {
			// The plan can't distinguish a source that is now configured as the org has it from one that
			// ignore_changes hides: nothing is sent, and the warning stays.
			outcomes["kept"]++
			if made+patched > 0 {
				rt.Fatalf("%d keys and %d patches beside a key of Salesforce's", made, patched)
			}

			return
		}
		marked := after.Description == "[tf:"+textOf(state["rotation_id"])+"]" ||
			after.Description == "ours [tf:"+textOf(state["rotation_id"])+"]"
		if (makes || !between) && !marked {
			rt.Fatalf("the record says %q, and the rotation is %v", after.Description, state["rotation_id"])
		}
		switch {
		case makes && managed:
			outcomes["rotated"]++
		case makes:
			outcomes["created"]++
		case !managed:
			outcomes["adopted"]++
			if !adopts {
				rt.Fatalf("an adoption that was not announced: %q", saved.warnings)
			}
		case patched > 0 && imported:
			outcomes["imported"]++
		case patched > 0:
			outcomes["patched"]++
		}
		if patched > 1 || makes && patched > 0 {
			rt.Fatalf("%d patches", patched)
		}
		if patched > 0 && !saved.changes(priorState) {
			rt.Fatalf("a patch that was not announced")
		}
		if between {
			return
		}
		// Nothing is left to do.
		k.walk(t)
		k.refresh(rt, t)
		if again := k.plan(rt, t, wanted); len(again.errors) > 0 || again.changes(k.state) {
			rt.Fatalf("after the apply: %q, first plan %q, now %q: %v", again.errors, saved.warnings, again.warnings,
				difference(k.state, again.value))
		}
	}
	kinds := []string{"refused", "created", "rotated", "adopted", "patched", "imported"}
	missing := func() bool { return slices.ContainsFunc(kinds, func(kind string) bool { return outcomes[kind] == 0 }) }
	// A patch takes a wish that differs in nothing else: one run in fifty.
	const rounds = 8 // of 100 runs each
	for range rounds {
		rapid.Check(t, one)
		if testing.Short() || !missing() {
			break
		}
	}
	t.Log(outcomes)
	if !testing.Short() && missing() {
		t.Errorf("expected runs of each kind, %q, found %v", kinds, outcomes)
	}
}

// changes reports whether a plan differs from a state.
func (p planned) changes(state tftypes.Value) bool { return !p.value.Equal(state) }

// difference names what a plan changes.
func difference(state, plan tftypes.Value) (all []string) {
	is := attributes(state)
	for name, value := range attributes(plan) {
		if !value.Equal(is[name]) {
			all = append(all, name+": "+is[name].String()+" -> "+value.String())
		}
	}

	return all
}
