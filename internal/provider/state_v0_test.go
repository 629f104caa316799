package provider_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
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
	for _, construct := range provider.New(acctest.Version)().Resources(t.Context()) {
		var resp resource.MetadataResponse
		construct().Metadata(context.Background(), resource.MetadataRequest{ProviderTypeName: acctest.ProviderName}, &resp)
		if _, ok := stateVersion0[strings.TrimPrefix(resp.TypeName, acctest.ProviderName+"_")]; !ok {
			t.Errorf("there is no recorded state of %s", resp.TypeName)
		}
	}
	for name, test := range stateVersion0 {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden := filepath.Join("testdata", "state", "v0", name)
			config := func(sim *sfsim.Server) string {
				return requiredProvider + acctest.ProviderBlock(sim, test.lines...) +
					fmt.Sprintf("\nresource \"salesforcebyok_%s\" \"this\" {%s\n}\n", name, test.body)
			}
			if _, err := os.Stat(golden); *recordStates && os.IsNotExist(err) {
				recordState(t, golden, name, test.org, config)
			}

			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(golden)); err != nil {
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
			keys := sim.TenantSecrets()
			cli := acctest.NewCLI(t, sim)
			cli.Write("main.tf", config(sim))
			cli.Write("terraform.tfstate", string(state))
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
