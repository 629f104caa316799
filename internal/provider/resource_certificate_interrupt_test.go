//go:build unix

package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// Who interrupts an apply stops the deploy too.
func TestAccCertificate_interrupt(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.DeployPolls = 1000
	}))
	sim.Clock.Stop() // the deploy would end by itself
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	output := cli.ApplyInterrupted(sfsim.Fault{Method: "GET", Path: "deployRequest", Nth: 1})
	if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(output, "│", " ")), " "),
		"so it was cancelled") {
		t.Errorf("expected to read about the cancellation, found\n%s", output)
	}
	expectCount(t, sim, opDeploy, 1)
	expectCount(t, sim, opDeploy+".cancel", 1)
	sim.Clock.Advance(time.Hour)
	if plan := cli.Plan(); plan.Added != 1 {
		t.Errorf("expected the certificate to be planned again, found\n%s", plan.Output())
	}
	if _, made := inOrg(sim, "BYOK_2027"); made {
		t.Error("expected the cancelled deploy to have made no certificate")
	}
}
