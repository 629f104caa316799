package provider_test

import (
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// A deploy that is still pending when its time is over is cancelled and watched until it is over:
// the error says so, the org has not changed, and the next apply starts afresh.
func TestAccTimeouts_deployThatStaysPending(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body    func(timeouts string) string
		summary string
		made    func(*sfsim.Server) bool
	}{
		"certificate": {
			func(timeouts string) string { return wrappingCertificate(`developer_name = "Late"`, timeouts) },
			"Unable to create the certificate",
			func(sim *sfsim.Server) bool { _, found := inOrg(sim, "Late"); return found },
		},
		"settings": {
			func(timeouts string) string { return keySettings("enable_cache_only_keys = true", timeouts) },
			"Unable to change the encryption key settings",
			func(sim *sfsim.Server) bool { return sim.Settings().EnableCacheOnlyKeys },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.DeployPolls = 1000
			}))
			sim.Clock.Stop() // the deploy would end by itself
			cli := acctest.NewCLI(t, sim)
			cli.Config(test.body(`timeouts = { create = "2s" }`))
			failed := cli.Apply()
			if failed.Code == 0 || !failed.Has("error", test.summary, "ended as Canceled", "gave up waiting",
				"so it was cancelled") {
				t.Errorf("expected the deploy to be given up, found\n%s", failed.Output())
			}
			if test.made(sim) {
				t.Error("a cancelled deploy changed the org")
			}
			sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.DeployPolls = 1 })
			cli.MustApply()
			if !test.made(sim) {
				t.Error("the second apply made nothing")
			}
			// Another timeout alone changes nothing in the org.
			before := acctest.Count(sim, opDeploy)
			cli.Config(test.body(`timeouts = { create = "1m", update = "1m" }`))
			cli.MustApply()
			expectCount(t, sim, opDeploy, before)
			if plan := cli.Plan(); plan.Code != acctest.PlanEmpty {
				t.Errorf("expected an empty plan, found\n%s", plan.Output())
			}
		})
	}
}

func TestAccTimeouts_badInput(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "Late"`, `timeouts = { create = "soon" }`))
	if plan := cli.Plan(); plan.Code != acctest.PlanFailed {
		t.Errorf("expected a duration that is none to be refused, found\n%s", plan.Output())
	}
	expectCount(t, sim, opDeploy, 0)
}
