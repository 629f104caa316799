package provider_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// seeded returns a simulator option for a seed in YAML.
func seeded(t *testing.T, yaml string) sfsim.Option {
	t.Helper()
	seed, err := sfsim.ReadSeed(strings.NewReader(yaml))
	if err != nil {
		t.Fatal(err)
	}

	return sfsim.WithSeed(seed)
}

// denied takes permissions from the user.
func denied(change func(*sfsim.Permissions)) sfsim.Option {
	return sfsim.WithConfiguration(func(_ *sfsim.Settings, p *sfsim.Permissions) { change(p) })
}

// reads applies a configuration of data sources, checks what they show, and that nothing was
// written or exported.
func reads(t *testing.T, sim *sfsim.Server, body string, checks ...statecheck.StateCheck) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps:                    []resource.TestStep{{Config: acctest.Config(sim, body), ConfigStateChecks: checks}},
	})
	if writes := acctest.Writes(sim); len(writes) > 0 {
		t.Errorf("data sources sent %v", writes)
	}
	if n := acctest.Exports(sim); n > 0 {
		t.Errorf("data sources exported keys %d times", n)
	}
}

// refuses plans a configuration and expects an error.
func refuses(t *testing.T, sim *sfsim.Server, body string, want *regexp.Regexp) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps:                    []resource.TestStep{{Config: acctest.Config(sim, body), ExpectError: want}},
	})
	if writes := acctest.Writes(sim); len(writes) > 0 {
		t.Errorf("data sources sent %v", writes)
	}
}

// unsent expects that the org has received nothing but logins.
func unsent(t *testing.T, sim *sfsim.Server) {
	t.Helper()
	for _, r := range sim.Requests() {
		if r.Operation != acctest.OpToken {
			t.Errorf("%s %s was sent", r.Method, r.Path)
		}
	}
}

// A provider whose configuration is not known yet can't read: that must be said, not crash.
func TestAccDataSources_providerConfigurationUnknown(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"organization":      `data "salesforcebyok_organization" "x" {}`,
		"certificate":       `data "salesforcebyok_certificate" "x" { developer_name = "Sim_BYOK" }`,
		"certificates":      `data "salesforcebyok_certificates" "x" {}`,
		"tenant_secret":     `data "salesforcebyok_tenant_secret" "x" { type = "Data" }`,
		"tenant_secrets":    `data "salesforcebyok_tenant_secrets" "x" {}`,
		"query":             `data "salesforcebyok_query" "x" { soql = "SELECT Id FROM Organization" }`,
		"sobject":           `data "salesforcebyok_sobject" "x" { name = "TenantSecret" }`,
		"encryption_events": `data "salesforcebyok_encryption_events" "x" {}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: acctest.Factories(),
				Steps: []resource.TestStep{{
					Config: `
resource "terraform_data" "url" {
  input = "` + sim.InstanceURL + `"
}

provider "salesforcebyok" {
  instance_url  = terraform_data.url.output
  client_id     = "` + sim.ClientID + `"
  client_secret = "` + sim.ClientSecret + `"
}
` + body,
					ExpectError: acctest.ErrorText("Provider configuration is not known yet"),
				}},
			})
			unsent(t, sim)
		})
	}
}
