package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// underQuorum is a configuration whose provider block allows destructions that an approver has
// signed.
func underQuorum(sim *sfsim.Server, a approver, body string) string {
	return acctest.ProviderBlock(sim, "allow_key_destruction = true",
		fmt.Sprintf("destruction_approvers = {\n    public_keys = [%q]\n    threshold   = 1\n  }", a.public)) + body
}

// A root key is made Inactive only with approvals over the key as it is, and the receipt says
// whose.
func TestAccExternalRootKey_quorum(t *testing.T) {
	t.Parallel()
	alice, mallory := newApprover(t, "alice"), newApprover(t, "mallory")
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	name := recording(t, cli)
	end := fmt.Sprintf("destruction_not_after = %q", sim.Clock.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
	config := func(status string, lines ...string) {
		block := strings.Replace(rootKeyBlock(status), "\n}\n", "\n  "+strings.Join(lines, "\n  ")+"\n}\n", 1)
		providerConfig(cli, underQuorum(sim, alice, block))
	}
	config("Active", end)
	cli.MustApply()
	statement, _ := cli.State(rootKeyAddress)["destruction_statement"].(string)
	for _, line := range []string{
		"operation: root-key-inactive\n", "record: " + rootKeyID + "\n",
		"type: -\nversion: -\nhash: -\nlast modified: 2",
	} {
		if !strings.Contains(statement, line) {
			t.Fatalf("expected the statement to say %q, found %q", line, statement)
		}
	}
	if plan := cli.Plan(); plan.Code != 0 {
		t.Errorf("expected an empty plan, found\n%s", plan.Output())
	}
	for lines, summary := range map[string]string{
		"":  "destruction_not_after is missing",
		end: "The destruction lacks approvals",
		end + "\n  " + approvals(mallory.sign(t, statement)):   "An approval is not valid",
		end + "\n  " + approvals(alice.sign(t, statement+"x")): "An approval is not valid",
		end + "\n  " + approvals("no signature"):               "An approval is not valid",
	} {
		config("Inactive", lines)
		expectError(t, cli.Plan(), summary, "Nothing was changed")
		expectError(t, cli.Apply(), summary)
	}
	expectPatches(t, sim, 0)

	signed := approvals(alice.sign(t, statement))
	config("Inactive", end, signed)
	cli.MustApply()
	expectState(t, cli, rootKeyAddress, map[string]any{"status": "Inactive", "destruction_statement": statement})
	r := receiptInState(t, cli, rootKeyAddress)
	if r.Operation != receipt.ChangeRootKey || r.Cause != receipt.CausePlan || r.StatusBefore != "Active" ||
		r.StatusAfter != "Inactive" || r.RootKey.ID != rootKeyID ||
		r.Statement != statement || len(r.Approvers) != 1 || r.Approvers[0].Comment != "alice" {
		t.Errorf("expected the receipt to say who approved, found %+v", r)
	}
	if plan := cli.Plan(); plan.Code != 0 {
		t.Errorf("expected an empty plan, found\n%s", plan.Output())
	}

	// The way back needs no approval, and what was signed does not serve twice.
	sim.Clock.Advance(time.Minute)
	config("Active", end, signed)
	cli.MustApply()
	config("Inactive", end, signed)
	expectError(t, cli.Plan(), "An approval is not valid")
	expectPatches(t, sim, 2)
	verifyDirectory(t, name, 2)
}

// What destroys without a statement that could be signed is refused under a quorum, whatever is
// allowed.
func TestAccQuorum_refusesOutright(t *testing.T) {
	t.Parallel()
	alice := newApprover(t, "alice")
	const noApproval = "no approval can allow this"
	t.Run("the certificate of an ACTIVE cache-only key", func(t *testing.T) {
		t.Parallel()
		sim := cacheOnlyOrg(t)
		cli := acctest.NewCLI(t, sim)
		providerConfig(cli, underQuorum(sim, alice, wrappingCertificate(`developer_name = "BYOK_A"`)+
			remoteSearch(`"k"`, `"BYOK_A"`, "depends_on = [salesforcebyok_certificate.wrapping]")))
		cli.MustApply()
		target := "-target=" + certificateAddress
		expectError(t, cli.Plan("-destroy", target), "A cache-only key needs this certificate", "BYOK_A", noApproval)
		if destroyed := cli.Destroy(target); destroyed.Code == 0 {
			t.Error("expected the destroy to be refused")
		}
		if _, there := inOrg(sim, "BYOK_A"); !there {
			t.Error("expected the certificate to be in the org still")
		}
	})
	t.Run("cache-only keys switched off", func(t *testing.T) {
		t.Parallel()
		sim := cacheOnlyOrg(t)
		cli := acctest.NewCLI(t, sim)
		providerConfig(cli, underQuorum(sim, alice, remoteSearch(`"k"`, `"Sim_BYOK"`)))
		cli.MustApply()
		providerConfig(cli, underQuorum(sim, alice, remoteSearch(`"k"`, `"Sim_BYOK"`)+
			keySettings("enable_cache_only_keys = false")))
		expectError(t, cli.Plan(), "Cache-only keys are in use", "SearchIndex", noApproval)
		expectError(t, cli.Apply(), "Cache-only keys are in use")
		expectSwitches(t, sim, nil, false, true, false)
	})
	t.Run("a rotation over a DESTROYED cache-only key", func(t *testing.T) {
		t.Parallel()
		sim := cacheOnlyOrg(t)
		cli := acctest.NewCLI(t, sim)
		providerConfig(cli, underQuorum(sim, alice, remoteSearch(`"k"`, `"Sim_BYOK"`)))
		cli.MustApply()
		key := acctest.Keys(sim, "SearchIndex")[0]
		editInSetup(t, sim, key.ID, map[string]any{"Status": "DESTROYED"})
		providerConfig(cli, underQuorum(sim, alice, remoteSearch(`"other"`, `"Sim_BYOK"`)))
		expectError(t, cli.Plan(), "A destroyed cache-only key is in the way", key.ID, "Make the record ACTIVE first")
		expectError(t, cli.Apply(), "A destroyed cache-only key is in the way")
		if n := len(acctest.Keys(sim, "SearchIndex")); n != 1 {
			t.Errorf("expected one key, found %d", n)
		}
	})
}
