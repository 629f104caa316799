package provider_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// named renders the resource under another name, or with a meta-argument ahead of its lines.
func (r *custodyRun) named(name string, lines ...string) string {
	return strings.Replace(r.block(lines...), `"old"`, fmt.Sprintf("%q", name), 1)
}

// A plan that would destroy key material can't be produced by anything but desired_status: not
// even if both locks are open.
func TestAccTenantSecretVersion_nothingElseDestroys(t *testing.T) {
	t.Parallel()
	forgotten := func(t *testing.T, r *custodyRun, result acctest.Result) {
		t.Helper()
		if result.Code != 0 || result.Removed != 1 {
			t.Errorf("expected the record to be forgotten, found exit code %d, %+v", result.Code, result.Diagnostics)
		}
		if warnings := result.Summaries("warning"); len(warnings) != 1 ||
			!result.Has("warning", "The record will be forgotten, not changed", r.id, "will stay ARCHIVED",
				r.sim.OrganizationID) &&
				!result.Has("warning", "The record was forgotten, not changed", r.id, "stays ARCHIVED", r.sim.OrganizationID) {
			t.Errorf("expected one warning a key, found %q", warnings)
		}
	}
	tests := map[string]struct {
		lines []string
		run   func(t *testing.T, r *custodyRun)
	}{
		"by removing the block": {nil, func(t *testing.T, r *custodyRun) {
			r.write("")
			if plan := r.Plan(); !plan.Has("warning", "The record will be forgotten, not changed", r.id, "will stay ARCHIVED") {
				t.Errorf("expected a warning, found %+v", plan.Diagnostics)
			}
			forgotten(t, r, r.MustApply())
		}},
		"by terraform destroy": {nil, func(t *testing.T, r *custodyRun) {
			forgotten(t, r, r.Destroy())
		}},
		"by a changed count": {[]string{"count = 1"}, func(t *testing.T, r *custodyRun) {
			r.want("count = 0", archived)
			forgotten(t, r, r.MustApply())
		}},
		"by a changed key of for_each": {[]string{`for_each = toset(["a"])`}, func(t *testing.T, r *custodyRun) {
			r.want(`for_each = toset(["b"])`, archived)
			forgotten(t, r, r.MustApply())
		}},
		"by a renamed resource": {nil, func(t *testing.T, r *custodyRun) {
			r.write(r.named("renamed", archived))
			forgotten(t, r, r.MustApply())
		}},
		"by a renamed resource that wants DESTROYED": {nil, func(_ *testing.T, r *custodyRun) {
			r.write(r.named("renamed", destroyed))
			r.refused("No saved backup of this key", r.id)
		}},
		"by a moved block": {nil, func(t *testing.T, r *custodyRun) {
			r.write(r.named("renamed", archived) + "moved {\n  from = salesforcebyok_tenant_secret_version.old\n  to   = " +
				"salesforcebyok_tenant_secret_version.renamed\n}\n")
			if result := r.MustApply(); result.Added+result.Changed+result.Removed != 0 {
				t.Errorf("expected nothing to change, found %+v", result)
			}
		}},
		"by -replace": {nil, func(t *testing.T, r *custodyRun) {
			forgotten(t, r, r.Apply("-replace="+versionAddress))
			if r.export() == "" {
				t.Error("expected the record to be adopted again, with its export")
			}
		}},
		"by -replace that wants DESTROYED": {nil, func(t *testing.T, r *custodyRun) {
			r.want(destroyed)
			for name, result := range map[string]acctest.Result{
				"plan":  r.Plan("-replace=" + versionAddress),
				"apply": r.Apply("-replace=" + versionAddress),
			} {
				if result.Code != acctest.PlanFailed || !result.Has("error", "No saved backup of this key", r.id) {
					t.Errorf("%s: expected a refusal, found exit code %d, %+v", name, result.Code, result.Diagnostics)
				}
			}
		}},
		"by the id of another record": {nil, func(_ *testing.T, r *custodyRun) {
			other := r.sim.TenantSecrets()[1].ID
			r.write(strings.Replace(r.block(destroyed), r.id, other, 1))
			r.refused("An ACTIVE key can't be destroyed", other)
		}},
		"by terraform state rm": {nil, func(t *testing.T, r *custodyRun) {
			if result := r.Run("state", "rm", versionAddress); result.Code != 0 {
				t.Fatal(result.Output())
			}
			r.want(destroyed)
			r.refused("No saved backup of this key", r.id)
		}},
		"by importing the ACTIVE key": {nil, func(t *testing.T, r *custodyRun) {
			other := r.sim.TenantSecrets()[1].ID
			config := strings.Replace(r.named("other", destroyed), r.id, other, 1)
			r.write(r.block(archived) + config)
			if result := r.Run("import", "-no-color", "salesforcebyok_tenant_secret_version.other", other); result.Code == 0 ||
				!strings.Contains(result.Output(), "The ACTIVE key can't be imported here") {
				t.Fatal(result.Output())
			}
			r.refused("An ACTIVE key can't be destroyed", other)
		}},
		"by importing under a block of another record": {nil, func(t *testing.T, r *custodyRun) {
			other := r.sim.TenantSecrets()[1].ID
			config := strings.Replace(r.named("other", destroyed), r.id, other, 1)
			r.write(r.block(archived) + config)
			if result := r.Run("import", "-no-color", "salesforcebyok_tenant_secret_version.other", r.id); result.Code != 0 {
				t.Fatal(result.Output())
			}
			r.refused("An ACTIVE key can't be destroyed", other)
		}},
		"by importing with DESTROYED configured": {nil, func(t *testing.T, r *custodyRun) {
			if result := r.Run("state", "rm", versionAddress); result.Code != 0 {
				t.Fatal(result.Output())
			}
			r.write(r.block(destroyed) + fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", versionAddress, r.id))
			r.refused("No saved backup of this key", r.id)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.t = t
			r.allowed = true
			r.must(append(slices.Clone(test.lines), archived)...)
			keys := r.sim.TenantSecrets()
			test.run(t, r)
			if !slices.Equal(keys, r.sim.TenantSecrets()) {
				t.Errorf("expected the org to be as it was, found %+v", r.sim.TenantSecrets())
			}
			if writes := acctest.Writes(r.sim); len(writes) != 0 {
				t.Errorf("expected nothing to be written, found %v", writes)
			}
		})
	}
}

// The state of a DESTROYED key may hold its only copy: nothing drops it by accident.
func TestAccTenantSecretVersion_onlyCopyIsKept(t *testing.T) {
	t.Parallel()
	const summary = "State holds a destroyed key's only copy"
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.mustDestroy()
		export := r.export()
		for name, body := range map[string]string{
			"removed": "", "count 0": r.block("count = 0", destroyed), "renamed": r.named("renamed", destroyed),
			"for another record": strings.Replace(r.block(archived), r.id, r.sim.TenantSecrets()[1].ID, 1),
		} {
			r.write(body)
			for command, result := range map[string]acctest.Result{"plan": r.Plan(), "apply": r.Apply()} {
				if result.Code != acctest.PlanFailed || !result.Has("error", summary) || r.export() != export {
					t.Errorf("%s, %s: expected the copy to be kept, found exit code %d, %+v", name, command, result.Code,
						result.Diagnostics)
				}
			}
		}
		r.want(destroyed)
		if result := r.Destroy(); result.Code == 0 || !result.Has("error", summary, r.id, "only the export in this state",
			"moved block", "Nothing was changed.") || r.export() != export {
			t.Errorf("terraform destroy: expected the copy to be kept, found exit code %d, %+v", result.Code, result.Diagnostics)
		}
		// The plan of a replacement sees the create alone: it would adopt a key whose export only the
		// other half has.
		if result := r.Plan("-replace=" + versionAddress); result.Code != acctest.PlanFailed ||
			!result.Has("error", "A destroyed key without its export", r.id, "Nothing was changed.") {
			t.Errorf("-replace: expected a refusal at plan, found exit code %d, %+v", result.Code, result.Diagnostics)
		}
		r.expectPatches(1, 1)
	})
	t.Run("moved", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.mustDestroy()
		export := r.export()
		r.write(r.named("renamed", destroyed) + "moved {\n  from = salesforcebyok_tenant_secret_version.old\n  to   = " +
			"salesforcebyok_tenant_secret_version.renamed\n}\n")
		r.MustApply()
		if got := r.State("salesforcebyok_tenant_secret_version.renamed")["exported_secret_value"]; got != export {
			t.Error("expected the copy to move along")
		}
	})
	t.Run("acknowledged", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.mustDestroy()
		r.must(destroyed, acknowledge(r.id))
		if r.export() == "" {
			t.Error("expected the copy still to be held: an acknowledgement alone drops nothing")
		}
		r.write("")
		r.MustApply()
		r.expectPatches(1, 1)
	})
	t.Run("restored", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.mustDestroy()
		r.must(archived)
		r.write("")
		r.MustApply()
		if r.status() != "ARCHIVED" {
			t.Errorf("expected the restored key to stay, found %s", r.status())
		}
	})
	t.Run("nothing held", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, "tenant_secrets: [{source: UPLOADED, status: DESTROYED}, {}]")
		r.must(destroyed, acknowledge(r.id))
		r.write("")
		r.MustApply()
	})
	t.Run("destroyed outside since", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived)
		r.patchInSetup(map[string]any{"Status": "DESTROYED"})
		r.write("")
		if result := r.Apply(); result.Code == 0 || !result.Has("error", summary, r.id) {
			t.Errorf("expected the refresh to see that the state holds the only copy, found exit code %d, %+v", result.Code,
				result.Diagnostics)
		}
	})
}

// A saved plan that drops the export was made while the key was ARCHIVED; somebody has destroyed it
// since.
func TestAccTenantSecretVersion_onlyCopySinceThePlan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ body, summary string }{
		"backup NONE":   {noBackup, "The record has changed since the plan"},
		"block removed": {"", "State holds a destroyed key's only copy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.must(archived)
			export := r.export()
			r.write("")
			if test.body != "" {
				r.want(archived, test.body)
			}
			if plan := r.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
				t.Fatal(plan.Output())
			}
			r.patchInSetup(map[string]any{"Status": "DESTROYED"})
			result := r.Run("apply", "-json", "-input=false", "saved.tfplan")
			if result.Code == 0 || !result.Has("error", test.summary, r.id, "Nothing was changed.") {
				t.Errorf("expected the copy to be kept, found exit code %d, %+v", result.Code, result.Diagnostics)
			}
			if r.export() != export {
				t.Fatal("the only copy is lost")
			}
			r.must(archived)
			r.expectStatus("ARCHIVED")
		})
	}
}

// Values that are known only during the apply open no lock.
func TestAccTenantSecretVersion_unknownWishes(t *testing.T) {
	t.Parallel()
	later := func(value string) string {
		return knownLate("later", strconv.Quote(value), value)
	}
	t.Run("DESTROYED, not allowed", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived)
		r.write(later("DESTROYED") + r.block("desired_status = terraform_data.later.output"))
		if plan := r.Plan(); plan.Code != acctest.PlanChanges {
			t.Fatalf("expected a plan, found %+v", plan.Diagnostics)
		}
		if result := r.Apply(); result.Code == 0 || !result.Has("error", "Destroying keys is not allowed", r.id) {
			t.Errorf("expected a refusal during the apply, found exit code %d, %+v", result.Code, result.Diagnostics)
		}
		r.expectStatus("ARCHIVED")
		r.expectPatches(0, 0)
		r.allowed = true
		r.write(later("DESTROYED") + r.block("desired_status = terraform_data.later.output"))
		r.MustApply()
		r.expectStatus("DESTROYED")
	})
	t.Run("DESTROYED, nothing saved", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.allowed = true
		r.write(later("DESTROYED") + r.block("desired_status = terraform_data.later.output"))
		if result := r.Apply(); result.Code == 0 || !result.Has("error", "No saved backup of this key", r.id) {
			t.Errorf("expected a refusal during the apply, found exit code %d, %+v", result.Code, result.Diagnostics)
		}
		r.expectStatus("ARCHIVED")
		r.expectPatches(0, 0)
	})
	t.Run("NONE for a DESTROYED key, not acknowledged", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.mustDestroy()
		export := r.export()
		r.write(later("NONE") + r.block(destroyed, "backup = terraform_data.later.output"))
		if result := r.Apply(); result.Code == 0 || !result.Has("error", "The destruction is not acknowledged", r.id) {
			t.Errorf("expected a refusal during the apply, found exit code %d, %+v", result.Code, result.Diagnostics)
		}
		if r.export() != export {
			t.Fatal("the only copy is lost")
		}
	})
	t.Run("the acknowledgement of another record", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.allowed = true
		r.write(later(r.sim.TenantSecrets()[1].ID) + r.block(destroyed, noBackup,
			"destruction_acknowledgement = terraform_data.later.output"))
		if result := r.Apply(); result.Code == 0 || len(acctest.Writes(r.sim)) != 0 {
			t.Errorf("expected a refusal during the apply, found exit code %d, %v", result.Code, acctest.Writes(r.sim))
		}
		r.expectStatus("ARCHIVED")
	})
}

// PREVENT is in state, so it holds after the block is gone.
func TestAccTenantSecretVersion_prevent(t *testing.T) {
	t.Parallel()
	const summary = "Destroying this resource is prevented"
	r := newCustodyRun(t, archivedKey)
	r.allowed = true
	const byTrigger = "lifecycle {\n    replace_triggered_by = [terraform_data.trigger]\n  }"
	r.write(triggered("1") + r.block(archived, prevent, byTrigger))
	r.MustApply()
	for name, body := range map[string]string{
		"removed": "", "count 0": r.block("count = 0", archived), "renamed": r.named("renamed", archived, prevent),
	} {
		r.write(body)
		for command, result := range map[string]acctest.Result{"plan": r.Plan(), "apply": r.Apply()} {
			if result.Code != acctest.PlanFailed || !result.Has("error", summary, r.id, `deletion_policy = "ABANDON"`,
				"Nothing was changed.") {
				t.Errorf("%s, %s: expected a refusal, found exit code %d, %+v", name, command, result.Code, result.Diagnostics)
			}
		}
	}
	r.want(archived, prevent)
	if result := r.Destroy(); result.Code == 0 || !result.Has("error", summary) {
		t.Errorf("terraform destroy: expected a refusal, found exit code %d", result.Code)
	}
	// The destroy half of a replacement is never planned by the provider: the create half finds the
	// mark of the first call.
	for name, test := range map[string]struct {
		body string
		args []string
	}{
		"-replace":                     {r.block(archived, prevent), []string{"-replace=" + versionAddress}},
		"-replace with another policy": {r.block(archived), []string{"-replace=" + versionAddress}},
		"-replace without a refresh": {
			r.block(archived, prevent),
			[]string{"-refresh=false", "-replace=" + versionAddress},
		},
		"-replace, create before destroy": {r.block(archived, prevent, createBefore), []string{"-replace=" + versionAddress}},
		"by a trigger":                    {triggered("2") + r.block(archived, prevent, byTrigger), nil},
		"by the id of another record": {
			strings.Replace(r.block(archived, prevent), r.id, r.sim.TenantSecrets()[1].ID, 1),
			nil,
		},
	} {
		r.write(test.body)
		for command, result := range map[string]acctest.Result{"plan": r.Plan(test.args...), "apply": r.Apply(test.args...)} {
			if result.Code != acctest.PlanFailed || !result.Has("error", summary, r.id) {
				t.Errorf("%s, %s: expected a refusal at plan, found exit code %d, %+v", name, command, result.Code,
					result.Diagnostics)
			}
		}
	}
	if r.export() == "" || len(acctest.Writes(r.sim)) != 0 {
		t.Error("expected everything to be as it was")
	}
	// It prevents no change of status: that has locks of its own.
	r.must(destroyed, prevent)
	r.must(archived, prevent)
	r.must(archived)
	r.write("")
	r.MustApply()
}

// createBefore makes a replacement create before it destroys.
const createBefore = "lifecycle {\n    create_before_destroy = true\n  }"

// triggered is what a replace_triggered_by names, in its n-th form.
func triggered(n string) string {
	return fmt.Sprintf("\nresource \"terraform_data\" \"trigger\" {\n  input = %q\n}\n", n)
}
