package provider_test

import (
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// Under ignore_changes the plan follows the source of the org. If somebody has Salesforce make a
// key over an uploaded one, no key is asked of Salesforce, although the planned source is HSM: age
// and drift plan nothing and warn, and a key that is asked for is refused.
func TestAccTenantSecret_hiddenSource(t *testing.T) {
	t.Parallel()
	const summary, inUse = "The configured source is hidden by ignore_changes", "A key made by Salesforce is in use"
	for _, ignored := range []string{"all", "[source]", "[source, rotate_after_days]"} {
		t.Run(ignored, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			ignore := "lifecycle {\n    ignore_changes = " + ignored + "\n  }"
			body := func(lines ...string) string {
				return dataKey(append(lines, `source = "UPLOADED"`, "rotate_after_days = 10", ignore)...)
			}
			cli.Config(body(trigger("a")))
			cli.MustApply()
			theirs := newAdministrator(t, sim).generate("theirs")
			writes := len(acctest.Writes(sim))
			for name, age := range map[string]time.Duration{"drift": 0, "drift and age": 11 * 24 * time.Hour} {
				sim.Clock.Advance(age)
				plan := cli.Plan()
				if plan.Code == acctest.PlanFailed || plan.Added+plan.Removed != 0 ||
					!plan.Has("warning", inUse, theirs, "take source out of ignore_changes") {
					t.Errorf("%s: expected a warning and no key, found exit code %d\n%s", name, plan.Code, plan.Output())
				}
				if applied := cli.Apply(); applied.Code != 0 {
					t.Errorf("%s: expected the apply to do nothing, found\n%s", name, applied.Output())
				}
			}
			cli.Config(body(trigger("b")))
			for _, result := range []acctest.Result{cli.Plan(), cli.Apply()} {
				if ignored == "all" {
					// The triggers are hidden too.
					if result.Code == acctest.PlanFailed || !result.Has("warning", inUse) {
						t.Errorf("expected nothing to be asked for, found exit code %d\n%s", result.Code, result.Output())
					}
				} else {
					expectError(t, result, summary, "Nothing was sent.", "Take source out of ignore_changes")
				}
			}
			if now := acctest.Writes(sim); len(now) != writes {
				t.Fatalf("expected nothing to be sent, found %v", now[writes:])
			}
			// Without ignore_changes the plan rotates back.
			cli.Config(dataKey(trigger("a")))
			expectWarning(t, cli.MustApply(), "The Data key will be rotated", "made ACTIVE outside")
			if key := acctest.ActiveKey(t, sim, "Data"); key.Source != "UPLOADED" {
				t.Errorf("expected a key of our own, found %+v", key)
			}
		})
	}
}

// The configuration itself may change to another source under ignore_changes: the plan keeps the
// old one, and sends no key of it.
func TestAccTenantSecret_hiddenChangeOfSource(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	const ignore = "lifecycle {\n    ignore_changes = [source]\n  }"
	cli.Config(tenantSecret(`type = "Data"`, `source = "HSM"`, trigger("a"), ignore))
	cli.MustApply()
	writes := len(acctest.Writes(sim))
	cli.Config(dataKey(trigger("b"), ignore))
	expectError(t, cli.Apply(), "The configured source is hidden by ignore_changes", `source = "UPLOADED"`, `"HSM"`,
		"Nothing was sent.")
	if now := acctest.Writes(sim); len(now) != writes {
		t.Errorf("expected no key of Salesforce's to be asked for, found %v", now[writes:])
	}
}

// A pinned key whose record was made in another derivation mode is not taken for the configured
// one: not on create, update or import. The mode of a record can't be changed, so the way out is to
// configure it.
func TestAccTenantSecret_pinInAnotherMode(t *testing.T) {
	t.Parallel()
	const (
		summary  = "The key exists with another derivation mode"
		imported = "\nimport {\n  to = salesforcebyok_tenant_secret.data\n  id = \"Data\"\n}\n"
		none     = `key_derivation_mode = "NONE"`
	)
	allowed := sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CanOptOutOfDerivationWithBYOK = true
	})
	for name, test := range map[string]struct {
		is, wanted      string
		update, imports bool
	}{
		"create, wants PBKDF2": {"NONE", "PBKDF2", false, false},
		"create, wants NONE":   {"PBKDF2", "NONE", false, false},
		"update, wants PBKDF2": {"NONE", "PBKDF2", true, false},
		"update, wants NONE":   {"PBKDF2", "NONE", true, false},
		"import, wants PBKDF2": {"NONE", "PBKDF2", false, true},
		"import, wants NONE":   {"PBKDF2", "NONE", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals(), allowed)
			cli := acctest.NewCLI(t, sim)
			mode := func(mode string) string { return `key_derivation_mode = "` + mode + `"` }
			if test.update {
				cli.Config(dataKey(mode(test.wanted)))
				cli.MustApply()
			}
			material := acctest.NewMaterial()
			id := newAdministrator(t, sim).call("POST", "", map[string]any{
				"Type": "Data", "Source": "UPLOADED", "KeyDerivationMode": test.is, "SecretValueCertificate": "Sim_BYOK",
				"SecretValueHash": material.Hash(), "SecretValue": wrapFor(t, sim, material),
			})
			before, writes := cli.State(tenantSecretAddress), len(acctest.Writes(sim))
			block := ""
			if test.imports {
				block = imported
			}
			cli.Config(dataKey(mode(test.wanted), pin(material)) + block)
			for _, result := range []acctest.Result{cli.Plan(), cli.Apply()} {
				expectError(t, result, summary, id, "key_derivation_mode "+test.is, "expected "+test.wanted, "Nothing was sent.")
			}
			if after := cli.State(tenantSecretAddress); (after == nil) != (before == nil) ||
				after["tenant_secret_id"] != before["tenant_secret_id"] && !test.imports {
				t.Errorf("expected the state to be kept, found %v", after["tenant_secret_id"])
			}
			if now := acctest.Writes(sim); len(now) != writes {
				t.Errorf("expected nothing to be sent, found %v", now[writes:])
			}
			// The way out that the message names.
			cli.Config(dataKey(mode(test.is), pin(material)) + block)
			cli.MustApply()
			expectState(t, cli, tenantSecretAddress, map[string]any{"tenant_secret_id": id, "key_derivation_mode": test.is})
			if n := len(acctest.Keys(sim, "Data")); n != 2+map[bool]int{true: 1}[test.update] {
				t.Errorf("expected no other key, found %d", n)
			}
		})
	}
	t.Run("sources that have no mode", func(t *testing.T) {
		t.Parallel()
		sim := acctest.StartSim(t, allowed)
		cli := acctest.NewCLI(t, sim)
		for _, body := range []string{
			remoteKey("kid-1", blueCredential, "Sim_BYOK", none),
			tenantSecret(`type = "Data"`, `source = "HSM"`, none),
		} {
			cli.Config(body)
			expectError(t, cli.Plan(), "This source can't opt out of derivation", "Nothing was sent.")
		}
	})
}
