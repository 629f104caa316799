package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	keepKey = `deletion_policy = "PREVENT"`
	// dependsFirst is a dependent that hands create_before_destroy down.
	dependsFirst = "\nresource \"terraform_data\" \"dependent\" {\n  input = " +
		"salesforcebyok_tenant_secret.data.tenant_secret_id\n\n  " + createBefore + "\n}\n"
)

// The record of a rotation that had no answer is this object's own and not a successor's: PREVENT
// holds.
func TestAccTenantSecret_preventedAfterALostReply(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(keepKey, trigger("a")))
	cli.MustApply()
	cli.Config(dataKey(keepKey, trigger("b")))
	arm(t, sim, lostReply, outOfReach)
	expectError(t, cli.Apply(), "Outcome of the upload is unknown")
	uploads(t, sim, 2, 2)
	sim.ClearFaults()
	cli.Config("")
	const summary = "Destroying this resource is prevented"
	expectError(t, cli.Plan(), summary)
	expectError(t, cli.Apply(), summary)
	expectError(t, cli.Destroy("-refresh=false"), summary)
	if cli.State(tenantSecretAddress) == nil {
		t.Error("the key is not in state any more")
	}
	cli.Config(dataKey(keepKey, trigger("b")))
	cli.MustApply()
	uploads(t, sim, 2, 2)
}

// Under PREVENT a replacement is refused by the plan, before anything is made, whoever asks for it
// and in whatever order.
func TestAccTenantSecret_preventedReplacement(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	asked := func(value string) string {
		return fmt.Sprintf("\nresource \"terraform_data\" \"asked\" {\n  input = %q\n}\n", value)
	}
	cli.Config(asked("a") + dataKey(keepKey) + dependsFirst)
	cli.MustApply()
	before := fmt.Sprint(cli.State(tenantSecretAddress))
	analytics := func(lines ...string) string {
		return tenantSecret(append(lines, `type = "Analytics"`, `certificate = "Sim_BYOK"`, keepKey)...)
	}
	for name, test := range map[string]struct {
		body string
		args []string
	}{
		"-replace": {dataKey(keepKey), []string{"-replace=" + tenantSecretAddress}},
		"-replace, created first": {
			dataKey(keepKey, createBefore),
			[]string{"-replace=" + tenantSecretAddress},
		},
		"-replace, a dependent's order": {
			dataKey(keepKey) + dependsFirst,
			[]string{"-replace=" + tenantSecretAddress},
		},
		"-replace, policy lifted at once":   {dataKey(createBefore), []string{"-replace=" + tenantSecretAddress}},
		"another type":                      {analytics(), nil},
		"another type, created first":       {analytics(createBefore), nil},
		"another type, a dependent's order": {analytics() + dependsFirst, nil},
		"replace_triggered_by, created first": {asked("b") +
			dataKey(keepKey, "lifecycle {\n    create_before_destroy = true\n    replace_triggered_by  = "+
				"[terraform_data.asked]\n  }"), nil},
		"-replace, created first, no refreshed": {
			dataKey(keepKey, createBefore),
			[]string{"-replace=" + tenantSecretAddress, "-refresh=false"},
		},
	} {
		if !strings.Contains(test.body, "asked") {
			test.body += asked("a")
		}
		cli.Config(test.body)
		if result := cli.Apply(test.args...); result.Code != acctest.PlanFailed ||
			!result.Has("error", "Destroying this resource is prevented", "PREVENT", "Nothing was changed") {
			t.Errorf("%s: expected a refusal, found exit code %d, %v", name, result.Code, result.Summaries("error"))
		}
		uploads(t, sim, 1, 1)
	}
	if n := len(acctest.Keys(sim, "Analytics")); n != 0 {
		t.Errorf("expected no key of another type, found %d", n)
	}
	cli.Config(asked("a") + dataKey(keepKey) + dependsFirst)
	cli.MustBeEmpty()
	if after := fmt.Sprint(cli.State(tenantSecretAddress)); after != before {
		t.Errorf("expected the state to stay\n%s\nfound\n%s", before, after)
	}
}

// A data encryption key is replaced no more than a tenant secret.
func TestAccDataEncryptionKey_preventedReplacement(t *testing.T) {
	t.Parallel()
	cli, sim := hyperforceRun(t)
	cli.Config(searchKey(keepKey, createBefore))
	cli.MustApply()
	sent := acctest.Count(sim, opDataKey)
	result := cli.Apply("-replace=" + dataKeyAddress)
	if result.Code != acctest.PlanFailed || !result.Has("error", "Destroying this resource is prevented", "PREVENT",
		"Nothing was changed") {
		t.Errorf("expected a refusal, found exit code %d, %v", result.Code, result.Summaries("error"))
	}
	expectCount(t, sim, opDataKey, sent)
	cli.MustBeEmpty()
}

// A tainted object is replaced without a prior state, which no plan can see: the one made first
// takes its key over, and the old one goes. In the default order the old one is refused to go, and
// nothing is made.
func TestAccTenantSecret_preventedTaint(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{"created first": {keepKey, createBefore}, "destroyed first": {keepKey}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey(lines...))
			cli.MustApply()
			if result := cli.Run("taint", tenantSecretAddress); result.Code != 0 {
				t.Fatal(result.Output())
			}
			if len(lines) == 2 {
				cli.MustApply()
			} else {
				expectError(t, cli.Apply(), "Destroying this resource is prevented", "PREVENT")
				cli.Run("untaint", tenantSecretAddress)
			}
			cli.MustBeEmpty()
			expectState(t, cli, tenantSecretAddress, map[string]any{
				"tenant_secret_id": acctest.ActiveKey(t, sim, "Data").ID,
				"deletion_policy":  "PREVENT",
			})
			uploads(t, sim, 1, 1)
		})
	}
}

// depose puts the object that a saved state has of a resource beside the current one, as a
// create_before_destroy that was cut off leaves it.
func depose(t *testing.T, cli *acctest.CLI, saved []byte) {
	t.Helper()
	path := filepath.Join(cli.Dir, "terraform.tfstate")
	instances := func(text []byte) (map[string]any, []any) {
		var whole map[string]any
		if err := json.Unmarshal(text, &whole); err != nil {
			t.Fatal(err)
		}
		resources, _ := whole["resources"].([]any)
		for _, r := range resources {
			if one, _ := r.(map[string]any); one["type"] == "salesforcebyok_tenant_secret" {
				list, _ := one["instances"].([]any)

				return whole, list
			}
		}
		t.Fatal("the state has no tenant secret")

		return nil, nil
	}
	_, old := instances(saved)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, now := instances(text)
	left, _ := old[0].(map[string]any)
	left["deposed"] = "0badc0de"
	resources, _ := whole["resources"].([]any)
	for _, r := range resources {
		if one, _ := r.(map[string]any); one["type"] == "salesforcebyok_tenant_secret" {
			one["instances"] = append(now, left)
		}
	}
	if text, err = json.Marshal(whole); err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What an interrupted create_before_destroy has left of a former key is dropped in a later run,
// with a word, though PREVENT was in force: an error would never clear. The newer key of this
// provider stays.
func TestAccTenantSecret_deposedObjectOfAFormerKey(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(keepKey, trigger("a")))
	cli.MustApply()
	former := acctest.ActiveKey(t, sim, "Data").ID
	saved, err := os.ReadFile(filepath.Join(cli.Dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	cli.Config(dataKey(keepKey, trigger("b")))
	cli.MustApply()
	depose(t, cli, saved)
	result := cli.MustApply()
	if result.Removed != 1 || !result.Has("warning", "A former key's object is dropped", former) {
		t.Errorf("expected the leftover to be dropped with a warning, found %+v", result)
	}
	expectState(t, cli, tenantSecretAddress, map[string]any{"tenant_secret_id": acctest.ActiveKey(t, sim, "Data").ID})
	uploads(t, sim, 2, 2)
}
