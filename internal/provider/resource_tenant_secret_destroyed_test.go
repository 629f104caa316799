package provider_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	summaryInTheWay = "A destroyed cache-only key is in the way"
	summaryGivenUp  = "A destroyed cache-only key will be given up"
	summaryMovedOn  = "The org has moved on since the plan"
)

// fail makes the callouts for the newest Data key fail, so that Salesforce sets it to DESTROYED.
func (r *remoteRun) fail() sfsim.TenantSecret {
	r.t.Helper()
	all := acctest.Keys(r.sim, "Data")
	key := all[len(all)-1]
	r.service.setDown(true)
	if status, err := r.sim.FlushKeyCache(key.ID); err != nil || status != "ERROR_HTTP_CODE" {
		r.t.Fatalf("expected the callout to fail, found %s, %v", status, err)
	}

	return key
}

// expectNothingSent expects that the org has received no write since there were so many.
func (r *remoteRun) expectNothingSent(before int) {
	r.t.Helper()
	if writes := acctest.Writes(r.sim); len(writes) != before {
		r.t.Errorf("expected nothing to be sent, found %v", writes[before:])
	}
}

// A cache-only key that reads DESTROYED may come back, unless a newer key is made. Neither age nor
// drift makes one, whatever destruction is allowed; what somebody asks for is refused. Nothing of
// it says that its data stays readable.
func TestAccTenantSecret_destroyedCacheOnly(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	aged := func(lines ...string) string {
		return remoteKey("kid-1", blueCredential, "Sim_BYOK", append([]string{"rotate_after_days = 10"}, lines...)...)
	}
	r.apply(aged(), 1, 0)
	r.sim.Clock.Advance(11 * 24 * time.Hour)
	key := r.fail()
	writes := len(acctest.Writes(r.sim))
	for _, allowed := range []bool{false, true} {
		r.allowed = allowed
		r.write(aged())
		plan := r.Plan()
		if plan.Code != acctest.PlanEmpty || !plan.Has("warning", "The cache-only key is not available", key.ID) {
			t.Errorf("age, destruction allowed %t: expected an empty plan with a warning, found exit code %d\n%s", allowed,
				plan.Code, plan.Output())
		}
	}
	if applied := r.Apply(); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	r.expectKey(2, "REMOTE", "DESTROYED")
	r.expectNothingSent(writes)

	r.allowed = false
	for name, body := range map[string]string{
		"another key of the service": remoteKey("kid-2", blueCredential, "Sim_BYOK"),
		"triggers":                   aged(trigger("b")),
		"REMOTE to UPLOADED":         dataKey(),
		"REMOTE to HSM":              tenantSecret(`type = "Data"`, `source = "HSM"`),
	} {
		r.write(body)
		for _, result := range []acctest.Result{r.Plan(), r.Apply()} {
			if result.Code != acctest.PlanFailed || !result.Has("error", summaryInTheWay, key.ID, "Nothing was sent.",
				"allow_key_destruction") {
				t.Errorf("%s: expected a refusal, found exit code %d\n%s", name, result.Code, result.Output())
			}
		}
	}
	r.expectKey(2, "REMOTE", "DESTROYED")
	r.expectNothingSent(writes)

	// The service is back: nothing has stood in the way of that.
	r.service.setDown(false)
	r.sim.Clock.Advance(2 * time.Minute)
	r.write(remoteKey("kid-1", blueCredential, "Sim_BYOK"))
	r.MustApply()
	r.expectKey(2, "REMOTE", "ACTIVE")
}

// Where destruction is allowed, a key that is asked for is made, and the plan says what is lost.
func TestAccTenantSecret_destroyedCacheOnlyIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"REMOTE to UPLOADED": dataKey(),
		"REMOTE to HSM":      tenantSecret(`type = "Data"`, `source = "HSM"`),
		"without a state":    dataKey(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemoteRun(t, "enable_cache_only_keys: true")
			r.t = t
			r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK"), 1, 0)
			key := r.fail()
			r.service.setDown(false)
			if name == "without a state" {
				forget(t, r.CLI)
				// It is somebody else's then, and refused like one's own.
				r.write(body)
				expectError(t, r.Plan(), summaryInTheWay, key.ID, "Nothing was sent.")
			}
			r.allowed = true
			r.write(body)
			plan, _ := planned(t, r.CLI, tenantSecretAddress)
			expectWarning(t, plan, summaryGivenUp, key.ID, "ends any way to make it ACTIVE again: its data is lost",
				"allow_key_destruction")
			for _, d := range plan.Diagnostics {
				if slices.Contains([]string{"The Data key will be rotated", "An existing key will be archived"}, d.Summary) &&
					!plan.Has("warning", d.Summary, "is lost") {
					t.Errorf("expected no promise of readable data, found %q", d.Detail)
				}
			}
			if applied := applySaved(r.CLI); applied.Code != 0 {
				t.Fatal(applied.Output())
			}
			r.MustBeEmpty()
			if len(acctest.Keys(r.sim, "Data")) != 3 || acctest.Count(r.sim, acctest.OpCreate) != 2 {
				t.Errorf("expected one more key, found %+v", acctest.Keys(r.sim, "Data"))
			}
		})
	}
}

// A quorum guards destructions, and this one can't be approved: it is refused, although destruction
// is allowed.
func TestAccTenantSecret_destroyedCacheOnlyUnderAQuorum(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK"), 1, 0)
	key := r.fail()
	quorum := fmt.Sprintf("destruction_approvers = {\n    public_keys = [%q]\n    threshold   = 1\n  }",
		newApprover(t, "ada").public)
	r.Write("main.tf", requiredProvider+acctest.ProviderBlock(r.sim, "allow_key_destruction = true", quorum)+dataKey())
	writes := len(acctest.Writes(r.sim))
	for _, result := range []acctest.Result{r.Plan(), r.Apply()} {
		expectError(t, result, summaryInTheWay, key.ID, "With destruction_approvers this is refused",
			"Make the record ACTIVE first")
	}
	forget(t, r.CLI)
	expectError(t, r.Plan(), summaryInTheWay, key.ID, "With destruction_approvers this is refused")
	r.expectNothingSent(writes)
}

// The key becomes DESTROYED between a plan and its apply: the rotation that was planned over a
// living key is not carried out, neither one by age nor one that was asked for, and not where
// destruction is allowed either, since the plan has not said that anything is lost.
func TestAccTenantSecret_destroyedSinceThePlan(t *testing.T) {
	t.Parallel()
	for name, allowed := range map[string]bool{"by age": false, "asked for": false, "asked for and allowed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemoteRun(t, "enable_cache_only_keys: true")
			r.t = t
			lines := []string{"rotate_after_days = 10"}
			r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK", lines...), 1, 0)
			r.sim.Clock.Advance(11 * 24 * time.Hour)
			if name != "by age" {
				lines = append(lines, trigger("b"))
			}
			r.allowed = allowed
			r.write(remoteKey("kid-1", blueCredential, "Sim_BYOK", lines...))
			plan, _ := planned(t, r.CLI, tenantSecretAddress)
			// Rotating a cache-only key without naming another one makes a record over the same key.
			expectWarning(t, plan, "The new record stands for the same key", "kid-1")
			key := r.fail()
			writes := len(acctest.Writes(r.sim))
			refused := applySaved(r.CLI)
			summary := summaryMovedOn
			if name == "asked for" {
				summary = summaryInTheWay
			}
			if refused.Code == 0 || !refused.Has("error", summary, key.ID, "Nothing was sent.") {
				t.Errorf("expected the apply to stop, found exit code %d\n%s", refused.Code, refused.Output())
			}
			r.expectNothingSent(writes)
			if all := acctest.Keys(r.sim, "Data"); len(all) != 2 {
				t.Errorf("expected no other key, found %+v", all)
			}
		})
	}
}

// Somebody else's cache-only key, in use over ours and DESTROYED: drift plans nothing and says so.
func TestAccTenantSecret_destroyedCacheOnlyOfSomebodyElse(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	r.apply(dataKey("rotate_after_days = 10"), 1, 0)
	foreign := newAdministrator(t, r.sim).call("POST", "", map[string]any{
		"Type": "Data", "Source": "REMOTE", "RemoteKeyIdentifier": "theirs", "RemoteKeyServiceId": blueCredential,
		"RemoteKeyCertificate": "Sim_BYOK",
	})
	r.fail()
	r.sim.Clock.Advance(11 * 24 * time.Hour)
	r.allowed = true
	r.write(dataKey("rotate_after_days = 10"))
	writes := len(acctest.Writes(r.sim))
	result := r.Apply()
	if result.Code != 0 || result.Changed > 1 || !slices.ContainsFunc(result.Diagnostics, func(d acctest.Diagnostic) bool {
		return d.Severity == "warning" && d.Summary == "The cache-only key is not available"
	}) {
		t.Errorf("expected a warning and nothing to be made, found exit code %d\n%s", result.Code, result.Output())
	}
	r.expectNothingSent(writes)
	if all := acctest.Keys(r.sim, "Data"); all[len(all)-1].ID != foreign {
		t.Errorf("expected no other key, found %+v", all)
	}
}
