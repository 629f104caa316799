//go:build unix

package provider_test

import (
	"bytes"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// CLI and provider are killed when Salesforce has committed the key and its reply is under way. The
// next apply finds one new key and its escrow copy, and sends nothing.
func TestAccTenantSecret_rule3Killed(t *testing.T) {
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
			// The simulator makes the record at once, and answers when nobody is there to listen.
			arm(t, sim, sfsim.Fault{
				Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Nth: 1,
				Delay: sfsim.Duration(time.Minute),
			})
			cmd := cli.Command("apply", "-input=false", "-auto-approve")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			var output bytes.Buffer
			cmd.Stdout, cmd.Stderr = &output, &output
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			exited := make(chan error, 1)
			go func() { exited <- cmd.Wait() }()
			look := time.NewTicker(20 * time.Millisecond)
			defer look.Stop()
			for len(acctest.Keys(sim, "Data")) <= posts {
				select {
				case err := <-exited:
					t.Fatalf("the apply ended before its POST: %v\n%s", err, output.String())
				case <-t.Context().Done():
					t.Fatal("no POST came")
				case <-look.C:
				}
			}
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := <-exited; err == nil {
				t.Fatal("expected the CLI to be killed")
			}
			sim.ClearFaults()

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
