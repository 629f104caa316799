//go:build unix

package provider_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// CLI and provider are killed when Salesforce has committed the key and its reply is under way. The
// next apply finds one new key and its escrow copy, and sends nothing.
func TestAccTenantSecret_killed(t *testing.T) {
	t.Parallel()
	for name, rotation := range map[string]bool{"create": false, "update": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			posts := 1
			if rotation {
				cli.Config(dataKey(trigger("a"), escrowIn(cli)))
				cli.MustApply()
				posts = 2
			}
			cli.Config(dataKey(trigger("b"), escrowIn(cli)))
			cli.ApplyKilled(sfsim.Fault{Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Nth: 1})
			if made := len(acctest.Keys(sim, "Data")) - 1; made != posts {
				t.Fatalf("expected %d keys to be made, found %d", posts, made)
			}

			applied := cli.MustApply()
			if applied.Removed != 0 || applied.Added+applied.Changed != 1 {
				t.Errorf("expected one addition or change, found %+v", applied)
			}
			uploads(t, sim, posts, posts)
			state := cli.State(tenantSecretAddress)
			key := acctest.ActiveKey(t, sim, "Data")
			armored, _ := state["escrow_ciphertext"].(string)
			if state["tenant_secret_id"] != key.ID || !bytes.Equal(openEscrow(t, armored, ageIdentity), sim.Unwrapped(key.ID)) {
				t.Errorf("expected the state to have the ACTIVE key %s and its escrow copy, found %v", key.ID,
					state["tenant_secret_id"])
			}
		})
	}
}
