package provider_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	summaryReplacementMakes = "The replacement would make another key"
	// dependency triggers a replacement.
	dependency   = "\nresource \"terraform_data\" \"dependency\" {\n  input = %q\n}\n"
	byDependency = "lifecycle {\n    replace_triggered_by = [terraform_data.dependency]\n  }"
)

// A replacement, whose second plan call can't warn, either takes the key over, which the plan shows
// by its id, or makes one and says so. Where neither holds it is refused, and nothing is sent.
func TestAccTenantSecret_replacementIsAnnounced(t *testing.T) {
	t.Parallel()
	otherType := tenantSecret(`type = "Analytics"`, `certificate = "Sim_BYOK"`)
	for name, test := range map[string]struct {
		// edit changes the org after the first apply; body is planned then, with args.
		edit func(a administrator, id string)
		body string
		args []string
		// says is the warning of a key that is made, refused that it is not; neither is an adoption.
		says    string
		refused bool
	}{
		"-replace": {nil, dataKey(), []string{"-replace=" + tenantSecretAddress}, "", false},
		"-replace without a refresh": {
			nil, dataKey(),
			[]string{"-replace=" + tenantSecretAddress, "-refresh=false"},
			"",
			false,
		},
		"replace_triggered_by": {nil, fmt.Sprintf(dependency, "b") + dataKey(byDependency), nil, "", false},
		"-replace, our mark was edited": {func(a administrator, id string) {
			a.describe(id, "edited in Setup")
		}, dataKey(), []string{"-replace=" + tenantSecretAddress}, "", true},
		"triggered, our mark was edited": {func(a administrator, id string) {
			a.describe(id, "edited in Setup")
		}, fmt.Sprintf(dependency, "b") + dataKey(byDependency), nil, "", true},
		"-replace, somebody's key is in use": {
			func(a administrator, _ string) {
				a.generate("theirs")
			}, dataKey(), []string{"-replace=" + tenantSecretAddress}, "The Data key will be rotated", false,
		},
		"-replace without a refresh, somebody's key is in use": {
			func(a administrator, _ string) {
				a.generate("theirs")
			}, dataKey(), []string{"-replace=" + tenantSecretAddress, "-refresh=false"}, "", true,
		},
		"-replace and other triggers": {
			nil, dataKey(trigger("b")),
			[]string{"-replace=" + tenantSecretAddress},
			rotates, false,
		},
		"another type over somebody's key": {
			func(a administrator, _ string) {
				a.call("POST", "", map[string]any{"Type": "Analytics"})
			}, otherType, nil, "An existing key will be archived", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			before := dataKey()
			if test.body != before && test.args == nil && test.body != otherType {
				before = fmt.Sprintf(dependency, "a") + dataKey(byDependency)
			}
			cli.Config(before)
			cli.MustApply()
			first := acctest.ActiveKey(t, sim, "Data")
			if test.edit != nil {
				test.edit(newAdministrator(t, sim), first.ID)
			}
			writes := len(acctest.Writes(sim))
			cli.Config(test.body)
			if test.refused {
				for _, result := range []acctest.Result{cli.Plan(test.args...), cli.Apply(test.args...)} {
					expectError(t, result, summaryReplacementMakes, "Nothing was sent.", "rotation_triggers")
				}
				if now := acctest.Writes(sim); len(now) != writes {
					t.Errorf("expected nothing to be sent, found %v", now[writes:])
				}
				expectState(t, cli, tenantSecretAddress, map[string]any{"tenant_secret_id": first.ID})

				return
			}
			plan, change := planned(t, cli, tenantSecretAddress, test.args...)
			if !slices.Contains(change.Actions, "create") || !slices.Contains(change.Actions, "delete") {
				t.Fatalf("expected a replacement, found %v", change.Actions)
			}
			if test.says == "" {
				if change.After["tenant_secret_id"] != first.ID || change.After["version"] != float64(first.Version) {
					t.Errorf("expected the plan to show that %s is taken over, found %v", first.ID, change.After["tenant_secret_id"])
				}
			} else {
				expectWarning(t, plan, test.says)
				if !change.unknown("tenant_secret_id") {
					t.Errorf("expected the plan to show a new key, found %v", change.After["tenant_secret_id"])
				}
			}
			if applied := applySaved(cli); applied.Code != 0 {
				t.Fatal(applied.Output())
			}
			cli.MustBeEmpty()
			typ := fmt.Sprint(change.After["type"])
			key := acctest.ActiveKey(t, sim, typ)
			if taken := key.ID == first.ID; taken != (test.says == "") {
				t.Errorf("expected the plan to be carried out, found %+v", key)
			}
			expectState(t, cli, tenantSecretAddress, map[string]any{"tenant_secret_id": key.ID})
		})
	}
}

// PREVENT stands in the way of every replacement.
func TestAccTenantSecret_replacementPrevented(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	body := func(value string, lines ...string) string {
		return fmt.Sprintf(dependency, value) + dataKey(append(lines, byDependency, `deletion_policy = "PREVENT"`)...)
	}
	cli.Config(body("a"))
	cli.MustApply()
	writes := len(acctest.Writes(sim))
	expectError(t, cli.Plan("-replace="+tenantSecretAddress), "Destroying this resource is prevented")
	cli.Config(body("b"))
	expectError(t, cli.Apply(), "Destroying this resource is prevented")
	cli.Config(body("b", trigger("b")))
	expectError(t, cli.Apply(), "Destroying this resource is prevented")
	if now := acctest.Writes(sim); len(now) != writes {
		t.Errorf("expected nothing to be sent, found %v", now[writes:])
	}
}

// The replacement of a version that destroys the new record shows that in its values and says it,
// whatever asks for the replacement; the permission is asked for at plan.
func TestAccTenantSecretVersion_replacementThatDestroys(t *testing.T) {
	t.Parallel()
	for name, byTrigger := range map[string]bool{"another tenant_secret_id": false, "replace_triggered_by": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, otherArchived)
			r.t = t
			keys := r.sim.TenantSecrets()
			forGood := func(id string) []string { return []string{destroyed, noBackup, acknowledge(id), byDependency} }
			r.write(fmt.Sprintf(dependency, "a") + r.block(archived, noBackup, byDependency))
			r.MustApply()
			value := "b"
			if !byTrigger {
				r.id, value = keys[1].ID, "a"
			}
			victim := r.id
			body := fmt.Sprintf(dependency, value) + r.block(forGood(victim)...)
			r.write(body)
			expectError(t, r.Plan(), "Destroying keys is not allowed", victim)
			r.allowed = true
			r.write(body)
			plan, change := planned(t, r.CLI, versionAddress)
			expectWarning(t, plan, "A key will be destroyed", victim)
			version := keys[slices.IndexFunc(keys, func(k sfsim.TenantSecret) bool { return k.ID == victim })].Version
			if !slices.Contains(change.Actions, "create") || change.After["status"] != "DESTROYED" ||
				change.After["type"] != "Data" || change.After["version"] != float64(version) {
				t.Errorf("expected the plan to show a replacement that destroys, found %v, %v", change.Actions, change.After)
			}
			if applied := applySaved(r.CLI); applied.Code != 0 {
				t.Fatal(applied.Output())
			}
			r.expectStatus("DESTROYED")
			r.expectPatches(1, 1)
		})
	}
}
