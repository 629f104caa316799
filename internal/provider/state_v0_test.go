package provider_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// recordStates writes the states of resources that have none yet. A recorded one is never written
// again: users have such states.
var recordStates = flag.Bool("record-states", false, "record testdata/state/v0 for resources that have no state "+
	"there yet")

// recorded is when the states were recorded. The orgs are looked at as of then, so that no
// certificate expires and no key grows old.
var recorded = time.Date(2026, 11, 21, 17, 0, 0, 0, time.UTC)

// stateVersion0 are the resources as the first release knew them: what is configured, and the org
// that it is applied to. The configurations are part of what users have, so they change as little
// as the recorded states do.
var stateVersion0 = map[string]struct {
	org, body string
	// lines go into the provider block.
	lines []string
}{
	"tenant_secret": {body: `
  type              = "Data"
  description       = "Managed by Terraform"
  certificate       = "Sim_BYOK"
  rotation_triggers = { quarter = "2026-Q4" }
  rotate_after_days = 90
  deletion_policy   = "PREVENT"

  escrow = {
    age_recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
  }`},
	"tenant_secret_version": {org: archivedKey, body: `
  tenant_secret_id = "02GWt0000000005MAA"
  desired_status   = "DESTROYED"`, lines: []string{"allow_key_destruction = true"}},
	"certificate": {org: "certificates: []", body: `
  developer_name = "BYOK_Wrapping"
  label          = "BYOK wrapping"`},
	"platform_encryption_settings": {body: `
  enable_search_encryption = true`},
	"encryption_key_settings": {body: `
  enable_cache_only_keys  = true
  enable_replay_detection = true`},
	"data_encryption_key": {org: hyperforce, body: `
  rotate_after_days = 365

  escrow = {
    age_recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
  }`, lines: []string{`api_version = "63.0"`}},
	"cache_only_key": {body: `
  certificate    = "Sim_BYOK"
  key_identifier = "data-2026-1"

  escrow = {
    age_recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
  }`},
	"external_root_key": {org: "root_keys: [{id: 48q000000000001AAA, identifier: \"" + rootKeyARN + "\"}]", body: `
  root_key_id    = "48q000000000001AAA"
  desired_status = "Active"`},
}

// Every state that the first version of a schema has written is read by this provider, and leaves
// nothing to do. A later version of a schema therefore comes with an upgrader, or fails here.
func TestAccState_version0(t *testing.T) {
	t.Parallel()
	for _, name := range managedTypes(t) {
		if _, ok := stateVersion0[strings.TrimPrefix(name, acctest.ProviderName+"_")]; !ok {
			t.Errorf("there is no recorded state of %s", name)
		}
	}
	for name, test := range stateVersion0 {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden := filepath.Join("testdata", "state", "v0", name)
			config := func(sim *sfsim.Server) string { return configOfVersion0(sim, name, test.body) }
			if _, err := os.Stat(golden); *recordStates && os.IsNotExist(err) {
				recordState(t, golden, name, test.org, config)
			}

			sim, state := orgOfVersion0(t, name)
			keys := sim.TenantSecrets()
			cli := acctest.NewCLI(t, sim)
			cli.Write("main.tf", config(sim))
			cli.Write("terraform.tfstate", state)
			cli.MustBeEmpty()
			cli.MustApply()
			for _, request := range sim.Requests() {
				if request.Committed {
					t.Errorf("expected nothing to be changed, found %s %s", request.Method, request.Path)
				}
			}
			if !slices.Equal(sim.TenantSecrets(), keys) {
				t.Errorf("expected the keys to be as they were, found %+v", sim.TenantSecrets())
			}
		})
	}
}

// configOfVersion0 is a resource of the first release with a body.
func configOfVersion0(sim *sfsim.Server, name, body string) string {
	return requiredProvider + acctest.ProviderBlock(sim, stateVersion0[name].lines...) +
		fmt.Sprintf("\nresource \"salesforcebyok_%s\" \"this\" {%s\n}\n", name, body)
}

// orgOfVersion0 starts the org that a state was recorded with, and returns the state.
func orgOfVersion0(t *testing.T, name string) (*sfsim.Server, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "state", "v0", name))); err != nil {
		t.Fatal(err)
	}
	state, err := os.ReadFile(filepath.Join(dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Resources []struct {
			Type      string `json:"type"`
			Instances []struct {
				SchemaVersion int `json:"schema_version"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(state, &file); err != nil || len(file.Resources) != 1 ||
		file.Resources[0].Type != "salesforcebyok_"+name || file.Resources[0].Instances[0].SchemaVersion != 0 {
		t.Fatalf("expected one %s of schema version 0, found %+v, %v", name, file, err)
	}
	sim := acctest.StartSim(t, sfsim.WithPersistence(filepath.Join(dir, "org.json")))
	sim.Clock.Set(recorded)
	return sim, string(state)
}

// A run of the first release was interrupted, and this provider finishes it under the id that it
// had, which left the org out: with one key, and with its escrow copy.
func TestAccState_version0Interrupted(t *testing.T) {
	t.Parallel()
	// A data encryption key takes two.
	requests := map[string]int{"TenantSecret.create": 1, opDataKey: 2}
	for name, operation := range map[string]string{
		"tenant_secret":       "TenantSecret.create",
		"data_encryption_key": opDataKey,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, state := orgOfVersion0(t, name)
			address := "salesforcebyok_" + name + ".this"
			cli := acctest.NewCLI(t, sim)
			copies := filepath.Join(cli.Dir, "copies")
			body := strings.Replace(stateVersion0[name].body, "  escrow = {\n",
				fmt.Sprintf("  escrow = {\n    directory = %q\n", copies), 1)
			cli.Write("main.tf", configOfVersion0(sim, name, body))
			cli.Write("terraform.tfstate", state)
			id, _ := cli.State(address)["rotation_id"].(string)
			next := strings.TrimSuffix(id, ".0") + ".1"
			sim.Clock.Set(recorded.AddDate(1, 0, 1))
			killed := editState(t, state, func(attributes, _ map[string]any) {
				escrow, _ := attributes["escrow"].(map[string]any)
				escrow["directory"] = copies
			})
			unanswered := editState(t, killed, func(_, ours map[string]any) {
				ours["unconfirmed"], ours["unconfirmed_since"] = next, sim.Clock.Now()
			})

			finish := func(state, how string, uploads int) {
				t.Helper()
				cli.Write("terraform.tfstate", state)
				cli.MustApply()
				now := cli.State(address)
				if armored, _ := now["escrow_ciphertext"].(string); now["rotation_id"] != next || armored == "" {
					t.Errorf("%s: expected rotation %s with its copy, found %v", how, next, now["rotation_id"])
				}
				expectCount(t, sim, operation, uploads*requests[operation])
				cli.MustBeEmpty()
			}
			finish(unanswered, "sent, and never arrived", 1)
			// What the org holds now is what such a run has left.
			finish(unanswered, "sent, and arrived", 1)
			finish(killed, "killed before it could note that it had sent", 1)
		})
	}
}

// editState changes, in a state of one resource, its attributes and what its provider remembers of
// its record.
func editState(t *testing.T, state string, change func(attributes, ours map[string]any)) string {
	t.Helper()
	type instance struct {
		SchemaVersion       int             `json:"schema_version"`
		Attributes          map[string]any  `json:"attributes"`
		SensitiveAttributes json.RawMessage `json:"sensitive_attributes"`
		Private             []byte          `json:"private"`
	}
	var file struct {
		Version          int                        `json:"version"`
		TerraformVersion string                     `json:"terraform_version"`
		Serial           int                        `json:"serial"`
		Lineage          string                     `json:"lineage"`
		Outputs          map[string]json.RawMessage `json:"outputs"`
		Resources        []struct {
			Mode      string     `json:"mode"`
			Type      string     `json:"type"`
			Name      string     `json:"name"`
			Provider  string     `json:"provider"`
			Instances []instance `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal([]byte(state), &file); err != nil {
		t.Fatal(err)
	}
	only := &file.Resources[0].Instances[0]
	var private map[string][]byte
	var ours map[string]any
	if err := errors.Join(json.Unmarshal(only.Private, &private),
		json.Unmarshal(private["record"], &ours)); err != nil {
		t.Fatal(err)
	}
	change(only.Attributes, ours)
	private["record"] = mustMarshal(t, ours)
	only.Private = mustMarshal(t, private)

	return string(mustMarshal(t, file))
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}

	return text
}

// recordState makes the state and the org of a resource.
func recordState(t *testing.T, golden, name, org string, config func(*sfsim.Server) string) {
	t.Helper()
	if err := os.MkdirAll(golden, 0o750); err != nil {
		t.Fatal(err)
	}
	opts := []sfsim.Option{
		sfsim.WithTime(recorded.Add(-time.Minute)), sfsim.WithoutIntervals(),
		sfsim.WithPersistence(filepath.Join(golden, "org.json")),
	}
	if org != "" {
		opts = append(opts, seedOf(t, org))
	}
	sim := acctest.StartSim(t, opts...)
	cli := acctest.NewCLI(t, sim)
	text := config(sim)
	if name == "tenant_secret_version" {
		cli.Write("main.tf", strings.Replace(text, `"DESTROYED"`, `"ARCHIVED"`, 1))
		cli.MustApply()
	}
	cli.Write("main.tf", text)
	cli.MustApply()
	state, err := os.ReadFile(filepath.Join(cli.Dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(golden, "terraform.tfstate"), state, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sim.Save(); err != nil {
		t.Fatal(err)
	}
}

// The next write of each resource continues from what the first version has left: its receipt
// follows an old one, which has no form, or begins a chain. An escrow copy of the first version is
// what its one list of recipients gives today.
func TestAccState_version0Receipts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// was and is change the configuration.
		was, is   string
		operation receipt.Operation
	}{
		"tenant_secret":                {`"Managed by Terraform"`, `"Managed by us"`, receipt.Patch},
		"data_encryption_key":          {"= 365", "= 365\n  rotation_triggers = { a = \"b\" }", receipt.Upload},
		"tenant_secret_version":        {`"DESTROYED"`, `"ARCHIVED"`, receipt.Restore},
		"encryption_key_settings":      {"detection = true", "detection = false", receipt.ChangeSettings},
		"platform_encryption_settings": {"= true", "= true\n  encrypt_field_history = true", receipt.ChangeSettings},
		"certificate":                  {`"BYOK_Wrapping"`, `"BYOK_Next"`, receipt.MakeCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, state := orgOfVersion0(t, name)
			cli := acctest.NewCLI(t, sim)
			cli.Write("terraform.tfstate", state)
			address := "salesforcebyok_" + name + ".this"
			old := cli.State(address)
			cli.Write("main.tf", configOfVersion0(sim, name, strings.Replace(stateVersion0[name].body, test.was, test.is, 1)))
			cli.MustApply()
			r := receiptInState(t, cli, address)
			if r.Operation != test.operation {
				t.Errorf("expected the receipt of %s, found %+v", test.operation, r)
			}
			switch before, _ := old["receipt"].(string); {
			case before == "" && r.Previous != nil:
				t.Errorf("expected the first of a chain, found %v", *r.Previous)
			case before != "" && (r.Previous == nil || *r.Previous != receipt.Sum(before)):
				t.Errorf("expected it to follow %s, found %v", receipt.Sum(before), r.Previous)
			}
			armored, _ := old["escrow_ciphertext"].(string)
			if armored == "" {
				return
			}
			plan, err := escrow.NewPlan([]string{"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"})
			if err == nil {
				err = plan.Fits(armored)
			}
			if err != nil {
				t.Errorf("the old escrow copy: %v", err)
			}
		})
	}
}
