package provider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func pin(material acctest.Material) string {
	return fmt.Sprintf("secret_value_hash = %q", material.Hash())
}

func TestAccTenantSecret_pin(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	first, second := acctest.NewMaterial(), acctest.NewMaterial()
	apply := func(material acctest.Material, version string, lines ...string) acctest.Result {
		line, variable := givenMaterial(material, version)
		cli.Config(variable + dataKey(append(lines, line)...))

		return cli.Apply()
	}

	if refused := apply(first, "1", pin(second)); refused.Code == 0 ||
		!refused.Has("error", "Key material does not match the pinned hash", second.Hash(), first.Hash(),
			"Nothing was sent.") {
		t.Fatalf("expected material with another hash to be refused, found %s", refused.Output())
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be sent, found %v", writes)
	}
	if applied := apply(first, "1", pin(first)); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	uploads(t, sim, 1, 1)

	// Adding and removing an equal pin changes nothing.
	for _, lines := range [][]string{nil, {pin(first)}} {
		line, variable := givenMaterial(first, "1")
		cli.Config(variable + dataKey(append(lines, line)...))
		cli.MustBeEmpty()
	}

	// A new value rotates even if the version stays.
	line, variable := givenMaterial(second, "1")
	cli.Config(variable + dataKey(pin(second), line))
	if plan := cli.Plan(); plan.Changed != 1 || !plan.Has("warning", "The Data key will be rotated",
		"pinned secret_value_hash is not the hash of the ACTIVE record") {
		t.Errorf("expected a new pin to rotate, found %s", plan.Output())
	}
	cli.MustApply()
	uploads(t, sim, 2, 2)

	// The ACTIVE record no longer has the pinned hash: back to a used key there is no way.
	line, variable = givenMaterial(first, "1")
	cli.Config(variable + dataKey(pin(first), line))
	if plan := cli.Plan(); plan.Code != acctest.PlanFailed ||
		!plan.Has("error", "This key material was used before") {
		t.Errorf("expected the used hash to be refused at plan, found %s", plan.Output())
	}
	uploads(t, sim, 2, 2)
}

// Generated material can never have a given hash.
func TestAccTenantSecret_pinWithoutMaterial(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(pin(acctest.NewMaterial())))
	expectError(t, cli.Plan(), "A pinned hash without its key material", "Nothing was sent.")
	if refused := cli.Apply(); refused.Code == 0 || !refused.Has("error", "A pinned hash without its key material",
		"Nothing was sent.") {
		t.Errorf("expected a pin without material to be refused, found %s", refused.Output())
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be sent, found %v", writes)
	}
}

// An ACTIVE record that has the pinned hash is adopted, whoever uploaded it, and whether the
// material is at hand or not.
func TestAccTenantSecret_pinAdopts(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]bool{"with material": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if given {
				skipBelowWriteOnly(t)
			}
			material := acctest.NewMaterial()
			sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{
				Source:   "UPLOADED",
				Material: material.Base64(),
			}}}))
			cli := acctest.NewCLI(t, sim)
			config := dataKey(pin(material))
			if given {
				line, variable := givenMaterial(material, "1")
				config = variable + dataKey(pin(material), line, escrowIn(cli))
			}
			cli.Config(config)
			if plan := cli.Plan(); !plan.Has("warning", "An existing key will be adopted") {
				t.Errorf("expected the plan to announce an adoption, found %v", plan.Summaries("warning"))
			}
			cli.MustApply()
			uploads(t, sim, 0, 0)
			state := cli.State(tenantSecretAddress)
			if state["tenant_secret_id"] != acctest.ActiveKey(t, sim, "Data").ID {
				t.Errorf("expected the existing record, found %v", state["tenant_secret_id"])
			}
			if known := state["key_check_value"] != nil; known != given {
				t.Errorf("expected a key check value only where the material was seen, found %v", state["key_check_value"])
			}
			if given && len(escrowCopies(t, cli)) != 1 {
				t.Errorf("expected the material at hand to be escrowed, found %v", escrowCopies(t, cli))
			}
		})
	}
}

// An input that asks for a new key, while the pin is the hash of the ACTIVE one: nothing is
// uploaded, and nothing is lost of what the state knows of that key, such as the only escrow copy.
func TestAccTenantSecret_equalPinIsMarked(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(trigger("a"), fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient)))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)

	cli.Config(dataKey(trigger("b"), fmt.Sprintf("secret_value_hash = %q", before["secret_value_hash"])))
	if plan := cli.Plan(); plan.Changed != 1 || plan.Has("warning", rotates) ||
		!plan.Has("warning", "An existing key will be adopted", fmt.Sprint(before["tenant_secret_id"]),
			"Nothing will be uploaded") {
		t.Errorf("expected the plan to announce that the record is marked, found\n%s", plan.Output())
	}
	cli.MustApply()
	uploads(t, sim, 1, 1)
	after := cli.State(tenantSecretAddress)
	for _, name := range []string{"tenant_secret_id", "escrow_ciphertext", "key_check_value", "certificate_sha256"} {
		if before[name] != after[name] || after[name] == nil {
			t.Errorf("%s: expected %v, found %v", name, before[name], after[name])
		}
	}
	// The mark was patched, so the receipt is one of a patch, which follows that of the upload and
	// repeats it.
	made, _ := before["receipt"].(string)
	if r := receiptInState(t, cli, tenantSecretAddress); r.Operation != receipt.Patch || r.Previous == nil ||
		*r.Previous != receipt.Sum(made) || r.KeySource != "generated" || len(r.EscrowRecipients) != 1 {
		t.Errorf("expected a patch after %s, found %+v", made, r)
	}
	if key := acctest.ActiveKey(t, sim, "Data"); after["rotation_id"] == before["rotation_id"] ||
		key.Description != fmt.Sprintf("[tf:%v]", after["rotation_id"]) {
		t.Errorf("expected another rotation id, on the record too, found %v and %q", after["rotation_id"], key.Description)
	}

	// No other key may take the place of a pinned one, however old it is: the plan says so, and
	// nothing stands in the way.
	sim.Clock.Advance(11 * 24 * time.Hour)
	cli.Config(dataKey(trigger("b"), "rotate_after_days = 10",
		fmt.Sprintf("secret_value_hash = %q", before["secret_value_hash"])))
	expectWarning(t, cli.Plan(), "A pinned key is due for rotation", "11 days old", "remove secret_value_hash")
	cli.MustApply()
	uploads(t, sim, 1, 1)
}

// A key that was uploaded outside, and that the configuration pins since, is adopted on an update
// as it is on a create.
func TestAccTenantSecret_pinAdoptsOnUpdate(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient)))
	cli.MustApply()
	outside, err := sim.Rotate("Data", "UPLOADED")
	if err != nil {
		t.Fatal(err)
	}
	cli.Config(dataKey(fmt.Sprintf("secret_value_hash = %q", acctest.ActiveKey(t, sim, "Data").SecretValueHash)))
	expectWarning(t, cli.Plan(), "An existing key will be adopted", outside)
	cli.MustApply()
	uploads(t, sim, 1, 2)
	// The evidence in state is of the key before.
	expectState(t, cli, tenantSecretAddress, map[string]any{
		"tenant_secret_id": outside, "escrow_ciphertext": nil,
		"key_check_value": nil, "certificate_sha256": nil,
	})
}
