package acctest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }

func TestCLI(t *testing.T) {
	t.Parallel()
	t.Run("built", func(t *testing.T) { t.Parallel(); testCLI(t, false) })
	t.Run("in process", func(t *testing.T) { t.Parallel(); testCLI(t, true) })
}

func testCLI(t *testing.T, inProcess bool) {
	t.Helper()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	if !inProcess {
		cli.Built()
	}
	cli.Config(`
resource "salesforcebyok_tenant_secret" "data" {
  type        = "Data"
  certificate = "Sim_BYOK"
}
`)
	plan := cli.Plan("-out=saved.tfplan")
	if plan.Code != acctest.PlanChanges || plan.Added != 1 || plan.Changed != 0 || plan.Removed != 0 {
		t.Fatalf("expected one addition, found %+v", plan)
	}
	if !plan.Has("warning", "The key will be generated without escrow", "Salesforce will hold the only one") {
		t.Errorf("expected a warning about escrow, found %v", plan.Summaries("warning"))
	}
	if applied := cli.Run("apply", "-json", "-input=false", "saved.tfplan"); applied.Code != 0 || applied.Added != 1 {
		t.Fatalf("expected the saved plan to add one, found %s", applied.Output())
	}
	cli.MustBeEmpty()
	if id := cli.State("salesforcebyok_tenant_secret.data")["tenant_secret_id"]; id != acctest.ActiveKey(t, sim,
		"Data").ID {
		t.Errorf("the state has the record %v, the org another", id)
	}
	if gone := cli.State("salesforcebyok_tenant_secret.other"); gone != nil {
		t.Errorf("expected no such resource, found %v", gone)
	}
	if destroyed := cli.Destroy(); destroyed.Code != 0 || destroyed.Removed != 1 {
		t.Errorf("expected one removal, found %s", destroyed.Output())
	}

	cli.Config(`resource "salesforcebyok_tenant_secret" "data" {`)
	if broken := cli.Plan(); broken.Code != acctest.PlanFailed || len(broken.Summaries("error")) == 0 {
		t.Errorf("expected a broken configuration to fail, found %s", broken.Output())
	}
}

// Instances have the address that Terraform gives them.
func TestStateFileOfInstances(t *testing.T) {
	t.Parallel()
	cli := acctest.NewCLI(t, acctest.StartSim(t))
	cli.Config(`
resource "terraform_data" "counted" {
  count = 2
  input = count.index
}

resource "terraform_data" "named" {
  for_each = toset(["a.b"])
  input    = each.key
}
`)
	cli.MustApply()
	for address, want := range map[string]any{
		"terraform_data.counted[0]": 0.0, "terraform_data.counted[1]": 1.0, `terraform_data.named["a.b"]`: "a.b",
	} {
		// A dynamic value is its type and itself.
		input, _ := cli.State(address)["input"].(map[string]any)
		if input["value"] != want {
			t.Errorf("%s: expected %v, found %v", address, want, input)
		}
	}
	if cli.State("terraform_data.counted") != nil {
		t.Error("expected no instance without its index")
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	printed := "│ Error: Two kinds of key\n│ material\n│ \n│   with salesforcebyok_tenant_secret.data,\n│   on main.tf " +
		"line 3:\n│    3:   wrapped_key_material = \"x\"\n│ \n│ Expected one,\n│ found both."
	for words, want := range map[string]bool{
		"Two kinds of key material": true, "one, found both": true,
		"one and both": false,
	} {
		if got := acctest.ErrorText(words).MatchString(printed); got != want {
			t.Errorf("ErrorText(%q): expected %v, found %v", words, want, got)
		}
	}
	for attribute, want := range map[string]bool{
		"wrapped_key_material": true, "key_material": false,
		"certificate": false,
	} {
		if got := acctest.AttributeError(attribute, "Two kinds of key material",
			"found both").MatchString(printed); got != want {
			t.Errorf("AttributeError(%q): expected %v, found %v", attribute, want, got)
		}
	}
}

func TestSim(t *testing.T) {
	t.Parallel()
	sim := acctest.StartLenientSim(t)
	if keys := acctest.Keys(sim, "Data"); len(keys) != 1 || acctest.ActiveKey(t, sim, "Data").ID != keys[0].ID {
		t.Errorf("expected one ACTIVE key, found %+v", keys)
	}
	if writes := acctest.Writes(sim); len(writes) != 0 || acctest.Count(sim, acctest.OpQuery) != 0 ||
		acctest.Exports(sim) != 0 {
		t.Errorf("expected an empty journal, found %v", sim.Requests())
	}
	if block := acctest.VariableProviderBlock(sim); strings.Contains(block, sim.ClientSecret) {
		t.Error("the provider block has a literal secret")
	}
	if acctest.Variables(sim)["TF_VAR_client_secret"] != sim.ClientSecret {
		t.Error("the variables do not give the secret")
	}
}
