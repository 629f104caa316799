package provider_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// twoCertificates is an org with two certificates that can wrap.
func twoCertificates() sfsim.Option {
	return sfsim.WithSeed(&sfsim.Seed{Certificates: []sfsim.SeedCertificate{
		{DeveloperName: "Sim_BYOK"},
		{DeveloperName: "Sim_BYOK_2"},
	}})
}

func TestAccTenantSecret_rotateByTriggers(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	sameOrg := statecheck.CompareValue(compare.ValuesSame())
	otherKey := statecheck.CompareValue(compare.ValuesDiffer())
	otherID := statecheck.CompareValue(compare.ValuesDiffer())
	var first string
	checks := func(keys int) []statecheck.StateCheck {
		return []statecheck.StateCheck{
			acctest.ActiveKeyInState(sim, tenantSecretAddress), acctest.KeyCount(sim, "Data", keys),
			sameOrg.AddStateValue(tenantSecretAddress, tfjsonpath.New("organization_id")),
			otherKey.AddStateValue(tenantSecretAddress, tfjsonpath.New("secret_value_hash")),
			otherID.AddStateValue(tenantSecretAddress, tfjsonpath.New("rotation_id")),
		}
	}
	// prevent_destroy stands in nobody's way: a rotation is a change in place.
	config := func(value string) string {
		return acctest.Config(sim, dataKey(trigger(value), "lifecycle {\n    prevent_destroy = true\n  }"))
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: config("a"), ConfigPlanChecks: created,
				ConfigStateChecks: append(checks(2), acctest.StateFunc(tenantSecretAddress, func(attributes map[string]any) error {
					first, _ = attributes["rotation_id"].(string)

					return nil
				})),
			},
			{
				Config: config("b"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(tenantSecretAddress, plancheck.ResourceActionUpdate), acctest.InPlace(1),
					// On update the id is planned from configuration and prior state alone.
					plancheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New("rotation_id"),
						knownvalue.StringRegexp(rotationIDForm)),
					plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("tenant_secret_id")),
					plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("secret_value_hash")),
					plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("receipt")),
				}},
				ConfigStateChecks: checks(3),
			},
			{ // Back to the first inputs: a new key all the same, and no rotation id returns in a lineage.
				Config: config("a"), ConfigPlanChecks: changed,
				ConfigStateChecks: append(checks(4), acctest.StateFunc(tenantSecretAddress, func(attributes map[string]any) error {
					id := fmt.Sprint(attributes["rotation_id"])
					fingerprint, _, _ := strings.Cut(first, ".")
					if id != fingerprint+".2" {
						return fmt.Errorf("expected the fingerprint of %s with the counter 2, found %s", first, id)
					}

					return nil
				})),
			},
			{ // prevent_destroy would stop the harness from cleaning up.
				Config: acctest.Config(sim, dataKey(trigger("a"))), ConfigPlanChecks: unchanged,
			},
		},
	})
	for _, key := range acctest.Keys(sim, "Data")[:3] {
		if key.Status != "ARCHIVED" {
			t.Errorf("expected every earlier key to be ARCHIVED, found %+v", key)
		}
	}
}

// What changes how a key is protected on its way, or what a destroy does, does not ask for a new
// key.
func TestAccTenantSecret_changesThatDoNotRotate(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, twoCertificates())
	sameKey := statecheck.CompareValue(compare.ValuesSame())
	step := func(plan resource.ConfigPlanChecks, lines ...string) resource.TestStep {
		return resource.TestStep{
			Config:           acctest.Config(sim, tenantSecret(append([]string{`type = "Data"`}, lines...)...)),
			ConfigPlanChecks: plan,
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.ActiveKeyInState(sim, tenantSecretAddress), acctest.RequestCount(sim, acctest.OpCreate, 1),
				sameKey.AddStateValue(tenantSecretAddress, tfjsonpath.New("rotation_id")),
			},
		}
	}
	algorithm := "RSA_OAEP_SHA1"
	if strictFIPS() {
		algorithm = "RSA_AES_KEY_WRAP_SHA512"
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			step(created, `certificate = "Sim_BYOK"`),
			step(changed, `certificate = "Sim_BYOK_2"`),
			step(changed, `certificate = "Sim_BYOK_2"`, `wrapping_algorithm = "`+algorithm+`"`),
			step(changed, `certificate = "Sim_BYOK_2"`, `deletion_policy = "PREVENT"`),
			step(changed, `certificate = "Sim_BYOK_2"`, `rotate_after_days = 30`),
			step(changed, `certificate = "Sim_BYOK_2"`, `escrow = { age_recipients = ["`+ageRecipient+`"] }`),
			step(changed, `certificate = "Sim_BYOK_2"`),
			step(changed, `certificate = "Sim_BYOK_2"`, `rotation_triggers = {}`),
			step(unchanged, `certificate = "Sim_BYOK_2"`, `rotation_triggers = {}`, `source = "UPLOADED"`,
				`key_derivation_mode = "PBKDF2"`, `deletion_policy = "ABANDON"`),
		},
	})
	if n := acctest.Count(sim, acctest.OpUpdate); n != 0 {
		t.Errorf("expected nothing to be written to the org, found %d patches", n)
	}
}

func TestAccTenantSecret_descriptionIsPatched(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	sameKey := statecheck.CompareValue(compare.ValuesSame())
	step := func(patches int, plan resource.ConfigPlanChecks, lines ...string) resource.TestStep {
		return resource.TestStep{
			Config: acctest.Config(sim, dataKey(lines...)), ConfigPlanChecks: plan,
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.ActiveKeyInState(sim, tenantSecretAddress), acctest.RequestCount(sim, acctest.OpCreate, 1),
				acctest.RequestCount(sim, acctest.OpUpdate, patches),
				sameKey.AddStateValue(tenantSecretAddress, tfjsonpath.New("tenant_secret_id")),
			},
		}
	}
	patched := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(tenantSecretAddress, plancheck.ResourceActionUpdate),
		plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("last_modified_date")),
		// Nothing else is in question, but for the receipt of the patch.
		acctest.PlanFunc(tenantSecretAddress, func(change *tfjson.Change) error {
			unknown, _ := change.AfterUnknown.(map[string]any)
			delete(unknown, "last_modified_date")
			delete(unknown, "receipt")
			for name, value := range unknown {
				if value == true {
					return fmt.Errorf("expected %s to be known in the plan of a patch", name)
				}
			}

			return nil
		}),
	}}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			step(0, created),
			step(1, patched, `description = "Owned by the key team"`),
			step(2, patched, `description = "Söhne & \"Töchter\" [tf:00000000.7]"`),
			step(3, patched),
		},
	})
}

func TestAccTenantSecret_derivationModeRotates(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals(),
		sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CanOptOutOfDerivationWithBYOK = true }))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{Config: acctest.Config(sim, dataKey()), ConfigPlanChecks: created},
			{
				Config: acctest.Config(sim, dataKey(`key_derivation_mode = "NONE"`)), ConfigPlanChecks: changed,
				ConfigStateChecks: []statecheck.StateCheck{
					acctest.ActiveKeyInState(sim, tenantSecretAddress),
					acctest.KeyCount(sim, "Data", 3),
				},
			},
		},
	})
}

// An unknown trigger leaves the decision to the apply, when the core plans again.
func TestAccTenantSecret_unknownTriggers(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	config := func(value, now string) string {
		line, source := lateTrigger(value, now)

		return acctest.Config(sim, source+dataKey(line))
	}
	sameKey := statecheck.CompareValue(compare.ValuesSame())
	unknown := plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("rotation_id"))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: config("a", "1"), ConfigPlanChecks: created,
				ConfigStateChecks: []statecheck.StateCheck{
					acctest.ActiveKeyInState(sim, tenantSecretAddress), acctest.RequestCount(sim, acctest.OpCreate, 1),
					sameKey.AddStateValue(tenantSecretAddress, tfjsonpath.New("tenant_secret_id")),
				},
			},
			{ // Unknown at plan, equal at apply: no new key.
				Config:           config("a", "2"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{unknown}},
				ConfigStateChecks: []statecheck.StateCheck{
					acctest.ActiveKeyInState(sim, tenantSecretAddress), acctest.RequestCount(sim, acctest.OpCreate, 1),
					sameKey.AddStateValue(tenantSecretAddress, tfjsonpath.New("tenant_secret_id")),
				},
			},
			{ // Unknown at plan, different at apply: one new key.
				Config:           config("b", "3"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{unknown}},
				ConfigStateChecks: []statecheck.StateCheck{
					acctest.ActiveKeyInState(sim, tenantSecretAddress), acctest.RequestCount(sim, acctest.OpCreate, 2),
					acctest.KeyCount(sim, "Data", 3),
				},
			},
		},
	})
}

// A refusal changes nothing, says what is known, and leaves no escrow copy of a key that never was.
func TestAccTenantSecret_intervalRefused(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	escrow := escrowIn(cli)
	cli.Config(dataKey(trigger("a"), escrow))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)
	copies := len(escrowCopies(t, cli))

	cli.Config(dataKey(trigger("b"), escrow))
	if plan := cli.Plan(); !plan.Has("warning", "The rotation interval is not over", "Salesforce documents 24 hours",
		"(in a sandbox from ") || plan.Changed != 1 {
		t.Errorf("expected a warning of the interval, found %v", plan.Summaries("warning"))
	}
	refused := cli.Apply()
	if refused.Code == 0 || !refused.Has("error", "Salesforce refused the new Data key", "FIELD_INTEGRITY_EXCEPTION",
		"24 hours", "(in a sandbox from ", "Nothing was changed.") {
		t.Errorf("expected a refusal with its errorCode and the interval, found %s", refused.Output())
	}
	if after := cli.State(tenantSecretAddress); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("expected the state to stay as it was,\nbefore %v\nafter  %v", before, after)
	}
	if left := escrowCopies(t, cli); len(left) != copies {
		t.Errorf("expected no escrow copy of the refused key, found %v", left)
	}
	if keys := acctest.Keys(sim, "Data"); len(keys) != 2 {
		t.Errorf("expected no new key, found %d", len(keys))
	}

	sim.Clock.Advance(25 * time.Hour)
	applied := cli.MustApply()
	if applied.Changed != 1 || applied.Added != 0 || applied.Removed != 0 {
		t.Errorf("expected 1 to change, 0 to add or destroy, found %+v", applied)
	}
	if keys := acctest.Keys(sim, "Data"); len(keys) != 3 || len(escrowCopies(t, cli)) != copies+1 {
		t.Errorf("expected one new key and its escrow copy, found %d keys and %v", len(keys), escrowCopies(t, cli))
	}
}

// The reason for a rotation is in the plan.
func TestAccTenantSecret_rotationIsExplained(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(trigger("a")))
	if plan := cli.Plan(); !plan.Has("warning", "An existing key will be archived", acctest.ActiveKey(t, sim, "Data").ID,
		"terraform import") {
		t.Errorf("expected a warning of the key that is archived, found %v", plan.Summaries("warning"))
	}
	cli.MustApply()
	cli.Config(dataKey(trigger("b")))
	if plan := cli.Plan(); !plan.Has("warning", rotates, "rotation_triggers changed, so a new Data key is made",
		acctest.ActiveKey(t, sim, "Data").ID) {
		t.Errorf("expected the reason for the rotation, found %v", plan.Summaries("warning"))
	}
}

func TestAccTenantSecret_fewKeysLeft(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{Count: 46}}}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	if plan := cli.Plan(); !plan.Has("warning", "Few keys of this type are left", "46", "50") {
		t.Errorf("expected a warning of the cap, found %v", plan.Summaries("warning"))
	}
	full := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{Count: 50}}}))
	cli = acctest.NewCLI(t, full)
	cli.Config(dataKey())
	if applied := cli.Apply(); !applied.Has("error", "Salesforce refused the new Data key", "the cap is 50") {
		t.Errorf("expected the cap to be named, found %s", applied.Output())
	}
}

// lateTrigger is a rotation trigger that is unknown at each plan in which `now` has changed, and
// value after the apply; with the resource that it is of.
func lateTrigger(value, now string) (line, source string) {
	return "rotation_triggers = { key = terraform_data.source.output }", knownLate("source", strconv.Quote(value), now)
}

// What a rotation would set to null stays open while nobody knows whether there is one: here the
// escrow copy, and the state may have the only one.
func TestAccTenantSecret_undecidedPlanKeepsTheEscrowCopy(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	line, source := lateTrigger("a", "1")
	cli.Config(source + dataKey(line, fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient)))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)["escrow_ciphertext"]

	line, source = lateTrigger("a", "2")
	cli.Config(source + dataKey(line))
	cli.MustApply()
	if after := cli.State(tenantSecretAddress)["escrow_ciphertext"]; after != before || after == nil {
		t.Errorf("expected the escrow copy of the key to be kept, found %v", after)
	}
	uploads(t, sim, 1, 1)
}

// What ignore_changes holds back is held back at apply too, though the configuration of an apply
// has it again.
func TestAccTenantSecret_ignoreChanges(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(trigger("a")))
	cli.MustApply()
	for _, ignored := range []string{"[rotation_triggers]", "all"} {
		cli.Config(dataKey(trigger("b"), "lifecycle {\n    ignore_changes = "+ignored+"\n  }"))
		cli.MustBeEmpty()
	}
	// The state's own hash is the pin then, so that a key made outside is taken over instead of
	// rotated away.
	outside, err := sim.Rotate("Data", "UPLOADED")
	if err != nil {
		t.Fatal(err)
	}
	expectWarning(t, cli.Plan(), "An existing key will be adopted", outside)
	cli.MustApply()
	expectState(t, cli, tenantSecretAddress, map[string]any{"tenant_secret_id": outside})
	uploads(t, sim, 1, 2)
}

// A refusal is shown as it is, whatever its words, with what is known of the org; it is
// never interpreted.
func TestAccTenantSecret_refusalIsShown(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"a text":            "Etwas ging schief",
		"words of another":  "Too many requests: session expired, UNABLE_TO_LOCK_ROW, try again in 3 hours",
		"a format":          "100% %s %d %!v(MISSING)",
		"several lines":     "first\nsecond",
		"HTML in a message": "<b>no</b>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.CanOptOutOfDerivationWithBYOK = true
			}))
			arm(t, sim, sfsim.Fault{
				Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Status: http.StatusBadRequest,
				ErrorCode: "WORD_OF_TOMORROW", Message: message,
			})
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey(`key_derivation_mode = "NONE"`))
			expectError(t, cli.Apply(), "Salesforce refused the new Data key", "WORD_OF_TOMORROW",
				strings.ReplaceAll(message, "\n", " "), "Nothing was changed.", "Opt-Out of Key Derivation")
			sim.ClearFaults()
			cli.MustApply()
			uploads(t, sim, 1, 1)
		})
	}
}
