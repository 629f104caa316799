package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// generated plans the import of a record with a generated configuration, which it returns.
func generated(t *testing.T, cli *acctest.CLI, address, id string) (acctest.Result, string) {
	t.Helper()
	if acctest.OpenTofu() || acctest.Below(t, 1, 8) {
		t.Skip("generates configuration in another way")
	}
	cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", address, id))
	plan := cli.Plan("-generate-config-out=generated.tf")
	text, err := os.ReadFile(filepath.Join(cli.Dir, "generated.tf"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}

	return plan, string(text)
}

// What a CLI writes down of an imported record plans and applies as it is: nothing is uploaded,
// destroyed or restored for it.
func TestAccGeneratedConfiguration(t *testing.T) {
	t.Parallel()
	const key, version = "salesforcebyok_tenant_secret.found", "salesforcebyok_tenant_secret_version.found"
	first := func(sim *sfsim.Server) string { return sim.TenantSecrets()[0].ID }
	ofType := func(*sfsim.Server) string { return "Data" }
	const remote = "tenant_secrets: [{source: REMOTE, remote_key_identifier: kid-1, remote_key_service_id: " +
		blueCredential + ", certificate: Sim_BYOK, "
	for name, test := range map[string]struct {
		seed, address string
		id            func(*sfsim.Server) string
	}{
		"uploaded":                  {"tenant_secrets: [{source: UPLOADED, description: 'By hand'}]", key, ofType},
		"uploaded, no derivation":   {"tenant_secrets: [{source: UPLOADED, key_derivation_mode: NONE}]", key, ofType},
		"made by Salesforce":        {"tenant_secrets: [{source: HSM}]", key, ofType},
		"cache-only":                {remote + "status: ACTIVE}]", key, ofType},
		"cache-only, reads NONE":    {remote + "key_derivation_mode: NONE}]", key, ofType},
		"archived":                  {archivedKey, version, first},
		"archived, by Salesforce":   {"tenant_secrets: [{source: HSM, status: ARCHIVED}, {}]", version, first},
		"destroyed":                 {"tenant_secrets: [{source: UPLOADED, status: DESTROYED}, {}]", version, first},
		"cache-only and in use":     {"tenant_secrets: [{source: REMOTE}]", version, first},
		"cache-only and out of use": {"tenant_secrets: [{source: REMOTE, status: DESTROYED}]", version, first},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seedOf(t, test.seed))
			before := sim.TenantSecrets()
			cli := acctest.NewCLI(t, sim)
			plan, text := generated(t, cli, test.address, test.id(sim))
			if plan.Code == acctest.PlanFailed || plan.Added+plan.Removed != 0 {
				t.Fatalf("expected an import and nothing else, found\n%s\nof\n%s", plan.Output(), text)
			}
			if !acctest.Below(t, 1, 14) && strings.Contains(text, sim.TenantSecrets()[0].SecretValueHash) {
				t.Errorf("expected no pin, found\n%s", text)
			}
			cli.MustApply()
			if n := acctest.Count(sim, acctest.OpCreate); n != 0 {
				t.Errorf("expected no upload, found %d", n)
			}
			for i, now := range sim.TenantSecrets() {
				if now.ID != before[i].ID || now.Status != before[i].Status {
					t.Errorf("expected the record to stay %+v, found %+v", before[i], now)
				}
			}
		})
	}
}

// A configuration without a certificate keeps the key in use, and says that it can make no other.
// What would make one is refused, and nothing is sent, until there is a certificate.
func TestAccTenantSecret_importWithoutCertificate(t *testing.T) {
	t.Parallel()
	const summary = "Attribute is missing for the source"
	sim := acctest.StartSim(t, uploadedElsewhere(), sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	body := func(lines ...string) string { return tenantSecret(append(lines, `type = "Data"`)...) }
	cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = \"Data\"\n}\n", tenantSecretAddress) + body())
	expectWarning(t, cli.MustApply(), "No certificate for the next upload", "The key in use stays", "Set certificate")
	for name, lines := range map[string][]string{
		"by triggers": {trigger("a")},
		"by mode":     {`key_derivation_mode = "NONE"`}, "by age": {"rotate_after_days = 1"},
	} {
		cli.Config(body(lines...))
		sim.Clock.Advance(25 * 60 * 60 * 1e9)
		for command, result := range map[string]acctest.Result{"plan": cli.Plan(), "apply": cli.Apply()} {
			if result.Code != acctest.PlanFailed || !result.Has("error", summary, "UPLOADED", "certificate is required") {
				t.Errorf("%s, %s: expected a refusal, found exit code %d, %v", name, command, result.Code,
					result.Summaries("error"))
			}
		}
	}
	other := acctest.NewCLI(t, sim)
	other.Config(body())
	expectError(t, other.Apply(), summary, "certificate is required", "Nothing was sent")
	if n := acctest.Count(sim, acctest.OpCreate); n != 0 {
		t.Errorf("expected no upload, found %d", n)
	}
	cli.Config(body(trigger("a"), `certificate = "Sim_BYOK"`))
	if applied := cli.MustApply(); applied.Changed != 1 || applied.Has("warning", "No certificate for the next upload") {
		t.Errorf("expected a rotation, found %+v", applied)
	}
	if n := acctest.Count(sim, acctest.OpCreate); n != 1 {
		t.Errorf("expected one upload, found %d", n)
	}
}

// A key in use is no version to keep: its import is refused with the way out, and leaves no
// configuration that nothing can apply.
func TestAccTenantSecretVersion_importOfTheActiveKey(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seedOf(t, archivedKey))
	cli := acctest.NewCLI(t, sim)
	plan, text := generated(t, cli, versionAddress, acctest.ActiveKey(t, sim, "Data").ID)
	if plan.Code != acctest.PlanFailed || !plan.Has("error", "The ACTIVE key can't be imported here",
		"changes by rotation only", "salesforcebyok_tenant_secret, by its type \"Data\"") {
		t.Errorf("expected a refusal, found %s", plan.Output())
	}
	if regexp.MustCompile(`desired_status\s+= "ACTIVE"`).MatchString(text) || cli.State(versionAddress) != nil {
		t.Errorf("expected neither state nor configuration, found\n%s", text)
	}
}
