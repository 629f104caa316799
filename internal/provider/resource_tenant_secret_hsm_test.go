package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// A key that Salesforce makes, then one's own, then Salesforce's again: each in place.
func TestAccTenantSecret_hsm(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	hsm := acctest.Config(sim, tenantSecret(`type = "Data"`, `source = "HSM"`))
	withoutMaterial := []statecheck.StateCheck{
		acctest.ActiveKeyInState(sim, tenantSecretAddress),
		valueOf("source", exact("HSM")),
		valueOf("secret_value_hash", knownvalue.Null()),
		valueOf("wrapping_algorithm", knownvalue.Null()),
		valueOf("key_check_value", knownvalue.Null()),
		valueOf("certificate_sha256", knownvalue.Null()),
		valueOf("escrow_ciphertext", knownvalue.Null()),
		receiptHas(map[string]any{"key_source": "salesforce", "source": "HSM", "hash_matched_on_read_back": nil}),
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{Config: hsm, ConfigPlanChecks: created, ConfigStateChecks: append(withoutMaterial,
				acctest.KeyCount(sim, "Data", 2))},
			{
				Config: acctest.Config(sim, dataKey()),
				ConfigPlanChecks: resource.ConfigPlanChecks{
					PreApply: []plancheck.PlanCheck{
						acctest.InPlace(1), plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("secret_value_hash")),
						plancheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New("source"), exact("UPLOADED")),
					},
					PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
				},
				ConfigStateChecks: []statecheck.StateCheck{
					acctest.ActiveKeyInState(sim, tenantSecretAddress), acctest.KeyCount(sim, "Data", 3),
					valueOf("secret_value_hash", knownvalue.NotNull()),
				},
			},
			{Config: hsm, ConfigPlanChecks: changed, ConfigStateChecks: append(withoutMaterial,
				acctest.KeyCount(sim, "Data", 4))},
		},
	})
}

// An interrupted creation of a key that Salesforce makes is found by its marker, for it has no
// hash.
func TestAccTenantSecret_hsmLostReply(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(tenantSecret(`type = "Data"`, `source = "HSM"`))
	arm(t, sim, lostReply, outOfReach)
	if failed := cli.Apply(); failed.Code == 0 || !failed.Has("error", "Outcome of the upload is unknown") {
		t.Fatalf("expected an unknown outcome, found %s", failed.Output())
	}
	sim.ClearFaults()
	cli.MustApply()
	uploads(t, sim, 1, 1)
}
