package provider_test

import (
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// A certificate that was replaced under its name shows in every plan, before anything is wrapped with it: the fingerprint changes and a
// warning names both. The active key stays.
func TestAccTenantSecret_swappedCertificateShows(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	cli.Config(`resource "salesforcebyok_tenant_secret" "data" {
  type              = "Data"
  certificate       = "Sim_BYOK"
  rotation_triggers = { round = "1" }
}`)
	cli.MustApply()
	cli.MustBeEmpty()
	before, _ := cli.State("salesforcebyok_tenant_secret.data")["wrapping_certificate_sha256"].(string)
	if before == "" {
		t.Fatal("expected a fingerprint in state")
	}
	if err := sim.RemakeCertificate("Sim_BYOK"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		plan := cli.Plan()
		if !strings.Contains(plan.Output(), "The wrapping certificate has changed") || !strings.Contains(plan.Output(), before) {
			t.Errorf("expected a warning with the remembered fingerprint, found\n%s", plan.Output())
		}
	}
	records := len(sim.TenantSecrets())
	cli.MustApply()
	cli.MustBeEmpty()
	after, _ := cli.State("salesforcebyok_tenant_secret.data")["wrapping_certificate_sha256"].(string)
	if after == "" || after == before || len(sim.TenantSecrets()) != records {
		t.Errorf("expected another fingerprint and no other key, found %q and %d keys", after, len(sim.TenantSecrets())-records)
	}
}
