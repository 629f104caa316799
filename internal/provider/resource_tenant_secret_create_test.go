package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

const tenantSecretAddress = "salesforcebyok_tenant_secret.data"

func TestAccTenantSecret_generated(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{{
			Config: acctest.Config(sim, `
resource "salesforcebyok_tenant_secret" "data" {
  type        = "Data"
  certificate = "Sim_BYOK"
}
`),
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(tenantSecretAddress, plancheck.ResourceActionCreate),
					plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("rotation_id")),
				},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			},
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.ActiveKeyInState(sim, tenantSecretAddress),
				acctest.KeyCount(sim, "Data", 2),
				acctest.RequestCount(sim, acctest.OpCreate, 1),
				statecheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New("key_check_value"), knownvalue.NotNull()),
			},
		}},
	})
}
