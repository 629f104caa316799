package provider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// A replica lags behind and shows the key before ours as ACTIVE. That is no drift: a plan keeps the
// state and warns, a write sends nothing, and once the replica has caught up there is nothing to
// do. Of a key that was read back, and of one that never was.
func TestAccTenantSecret_lateReplica(t *testing.T) {
	t.Parallel()
	const summary = "The org answers with old data"
	for name, readBack := range map[string]bool{"read back": true, "never read back": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			lines := []string{"rotate_after_days = 10", escrowIn(cli)}
			cli.Config(dataKey(append(lines, trigger("a"))...))
			cli.MustApply()
			lag := func(seconds int) {
				sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.VisibilityLagSeconds = seconds })
			}
			cli.Config(dataKey(append(lines, trigger("b"))...))
			if !readBack {
				lag(3600)
			}
			rotated := cli.Apply()
			if rotated.Code != 0 || rotated.Has("warning", "The new key could not be read back") == readBack {
				t.Fatalf("expected a rotation, read back %t, found exit code %d\n%s", readBack, rotated.Code, rotated.Output())
			}
			lag(0)
			ours := acctest.Keys(sim, "Data")[2]
			if readBack {
				// From here on the org is seen through a replica that has not got the key yet.
				proxy := newLagging(t, sim, ours.ID)
				proxy.revived = acctest.Keys(sim, "Data")[1].ID
				proxy.left.Store(1 << 20)
				sim.MoveTo(proxy.url)
				cli.Config(dataKey(append(lines, trigger("b"))...))
				defer proxy.left.Store(0)
			}
			before := cli.State(tenantSecretAddress)
			posts := acctest.Count(sim, acctest.OpCreate)
			plan := cli.Plan()
			if plan.Code == acctest.PlanFailed || plan.Has("warning", "The Data key will be rotated") ||
				!plan.Has("warning", summary, ours.ID, "The state is kept as it was.") {
				t.Errorf("expected the plan to keep the state and to warn, found exit code %d\n%s", plan.Code, plan.Output())
			}
			if applied := cli.Apply("-refresh-only"); applied.Code != 0 {
				t.Error(applied.Output())
			}
			if after := cli.State(tenantSecretAddress); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("expected the state to be kept,\nbefore %v\nafter  %v", before, after)
			}
			// A rotation that is asked for meanwhile is not sent over the wrong key.
			cli.Config(dataKey(append(lines, trigger("c"))...))
			expectError(t, cli.Apply(), summary, ours.ID, "Nothing was sent.")
			// Nor is a change of the record: it would be one of the key before.
			cli.Config(dataKey(append(lines, trigger("b"), `description = "edited"`)...))
			expectError(t, cli.Apply(), summary, ours.ID, "Nothing was sent.")
			if n := acctest.Count(sim, acctest.OpCreate); n != posts || acctest.Count(sim, acctest.OpUpdate) != 0 {
				t.Fatalf("expected nothing to be sent, found %v", acctest.Writes(sim))
			}
			if readBack {
				return
			}
			sim.Clock.Advance(2 * time.Hour)
			cli.Config(dataKey(append(lines, trigger("b"))...))
			if applied := cli.Apply(); applied.Code != 0 || applied.Has("warning", "The Data key will be rotated") {
				t.Errorf("expected nothing to be rotated, found\n%s", applied.Output())
			}
			cli.MustBeEmpty()
			expectState(t, cli, tenantSecretAddress, map[string]any{
				"tenant_secret_id": ours.ID, "version": ours.Version,
				"status": "ACTIVE",
			})
			if n := acctest.Count(sim, acctest.OpCreate); n != posts {
				t.Errorf("expected no other key, found %d POSTs", n-posts)
			}
		})
	}
}

// A type in another letter case is an error before anything is planned, or during the apply if
// it is known only then: no plan passes that every later one refuses.
func TestAccTenantSecret_typeInAnotherCaseOnCreate(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	for spelled, is := range map[string]string{
		"data": `"Data"`, "DATA": `"Data"`,
		"deterministicdata": `"DeterministicData"`,
	} {
		cli.Config(tenantSecret(`type = "`+spelled+`"`, `certificate = "Sim_BYOK"`))
		expectError(t, cli.Plan(), "The type is spelled in another case", is)
	}
	cli.Config("\nresource \"terraform_data\" \"later\" {\n  input = \"data\"\n}\n" +
		tenantSecret("type = terraform_data.later.output", `certificate = "Sim_BYOK"`))
	expectError(t, cli.Apply(), "The type is spelled in another case", `"Data"`)
	if writes := acctest.Writes(sim); len(writes) != 0 || cli.State(tenantSecretAddress) != nil {
		t.Errorf("expected nothing to be sent, found %v", writes)
	}
}
