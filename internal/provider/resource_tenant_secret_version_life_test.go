//go:build unix

package provider_test

import (
	"fmt"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// lifeRun is one configuration with the Data key and, later, the record that a rotation has
// archived.
type lifeRun struct {
	*custodyRun

	first string // hash of the first key that Terraform made
}

// key renders the Data key of a rotation.
func (r *lifeRun) key(rotation int) string {
	return fmt.Sprintf(`
resource "salesforcebyok_tenant_secret" "data" {
  type              = "Data"
  certificate       = "Sim_BYOK"
  rotation_triggers = { rotation = "%d" }
}
`, rotation)
}

// step makes the key and the record with these lines the configuration.
func (r *lifeRun) step(lines ...string) {
	r.t.Helper()
	body := r.key(2)
	if len(lines) > 0 {
		body += r.block(lines...)
	}
	r.write(body)
}

// begin makes a key and rotates it, so that the org has one that is archived.
func beginLife(t *testing.T) *lifeRun {
	t.Helper()
	r := &lifeRun{custodyRun: newCustodyRun(t, "tenant_secrets: [{}]", sfsim.WithoutIntervals())}
	r.write(r.key(1))
	r.MustApply()
	made := acctest.ActiveKey(t, r.sim, "Data")
	r.id, r.first = made.ID, made.SecretValueHash
	r.step()
	if result := r.MustApply(); result.Changed != 1 || result.Added+result.Removed != 0 {
		t.Fatalf("expected a rotation in place, found %+v", result)
	}
	if r.status() != "ARCHIVED" {
		t.Fatalf("expected the first key to be ARCHIVED, found %s", r.status())
	}

	return r
}

// ended checks what holds at the end of each life: the archived key is back, it is the one that was
// made, and nobody touched the ACTIVE one.
func (r *lifeRun) ended() {
	r.t.Helper()
	r.expectStatus("ARCHIVED")
	if got := r.State(versionAddress)["secret_value_hash"]; got != r.first {
		r.t.Errorf("expected the key %s back, found %v", r.first, got)
	}
	for _, key := range acctest.Keys(r.sim, "Data") {
		if key.ID == r.id && key.SecretValueHash != r.first {
			r.t.Errorf("expected the org to hold the key %s again, found %s", r.first, key.SecretValueHash)
		}
	}
	if got := acctest.Count(r.sim, acctest.OpCreate); got != 2 {
		r.t.Errorf("expected two uploads, found %d", got)
	}
	if got := len(acctest.Keys(r.sim, "Data")); got != 3 {
		r.t.Errorf("expected three Data keys, found %d", got)
	}
	if active := acctest.ActiveKey(r.t, r.sim,
		"Data"); active.ID != r.State("salesforcebyok_tenant_secret.data")["tenant_secret_id"] {
		r.t.Errorf("expected the ACTIVE key to be as it was, found %+v", active)
	}
	r.MustBeEmpty()
}

// The life of a key: made, rotated, adopted, destroy refused, destroyed, restored, verified by
// hash.
func TestAccTenantSecretVersion_life(t *testing.T) {
	t.Parallel()
	r := beginLife(t)
	r.step(archived)
	r.MustApply()
	r.expectStatus("ARCHIVED")

	r.step(destroyed)
	r.refused("Destroying keys is not allowed", r.id)
	r.allowed = true
	r.step(destroyed)
	r.MustApply()
	r.expectStatus("DESTROYED")
	if state := r.State(versionAddress); state["secret_value_hash"] != r.first || state["recoverable"] != true {
		t.Errorf("expected the hash and the way back to be held, found %v", state["recoverable"])
	}

	r.step(archived)
	r.MustApply()
	r.expectPatches(2, 2)
	r.ended()
}

// The same life, cut off in the middle: the replies to both PATCHes are lost after Salesforce has
// done what they ask.
func TestAccTenantSecretVersion_lifeWithLostReplies(t *testing.T) {
	t.Parallel()
	r := beginLife(t)
	r.step(archived)
	r.MustApply()
	r.allowed = true
	for _, wish := range []string{destroyed, archived} {
		if err := r.sim.AddFault(patchFault(sfsim.Fault{Nth: 1, Drop: "after"})); err != nil {
			t.Fatal(err)
		}
		r.step(wish)
		r.MustApply()
	}
	r.expectPatches(2, 2)
	r.ended()
}

// The same life with runs that are killed, CLI and provider, while Salesforce works: the next run
// finds what holds and goes on.
func TestAccTenantSecretVersion_lifeWithKilledRuns(t *testing.T) {
	t.Parallel()
	r := beginLife(t)

	// While the record is adopted: nothing is in state, and the next run adopts.
	r.step(archived)
	r.ApplyKilled(getFault(sfsim.Fault{Nth: 1}))
	if acctest.Exports(r.sim) != 1 {
		t.Fatalf("expected the export to be read, found %d", acctest.Exports(r.sim))
	}
	if state := r.State(versionAddress); state != nil {
		t.Fatalf("expected nothing in state, found %v", state)
	}
	r.MustApply()
	export := r.export()

	// While the export is read once more: nothing is destroyed.
	r.allowed = true
	r.step(destroyed)
	exports := acctest.Exports(r.sim)
	r.ApplyKilled(getFault(sfsim.Fault{Nth: 1}))
	if acctest.Exports(r.sim) <= exports {
		t.Fatal("expected the export to be read once more")
	}
	r.expectPatches(0, 0)
	r.expectStatus("ARCHIVED")

	// After Salesforce has destroyed it: the state still holds the export, and the next run sends
	// nothing.
	r.ApplyKilled(patchFault(sfsim.Fault{Nth: 1}))
	if r.status() != "DESTROYED" || r.export() != export {
		t.Fatalf("expected a destroyed key whose export is held, found %s", r.status())
	}
	r.MustApply()
	r.expectStatus("DESTROYED")
	r.expectPatches(1, 1)

	// After Salesforce has restored it.
	r.step(archived)
	r.ApplyKilled(patchFault(sfsim.Fault{Nth: 1}))
	r.expectPatches(2, 2)
	r.MustApply()
	r.expectPatches(2, 2)
	if r.export() != export {
		t.Error("expected the export still to be held")
	}
	r.ended()
}
