package provider_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// quickOrg has what one of each resource takes over, or needs first.
const quickOrg = `
settings: {rotation_intervals: false, hyperforce: true}
tenant_secrets:
  - {type: Data, status: ARCHIVED, source: UPLOADED}
  - {type: Data}
root_keys: [{id: 48q000000000001AAA, identifier: "` + rootKeyARN + `"}]
`

// quickConfiguration is one of each resource; %q is the id of an archived key.
const quickConfiguration = `
resource "salesforcebyok_certificate" "wrapping" {
  developer_name = "Quick"
}

resource "salesforcebyok_tenant_secret" "data" {
  type        = "Data"
  certificate = salesforcebyok_certificate.wrapping.developer_name
  escrow      = { age_recipients = [%q] }
}

resource "salesforcebyok_tenant_secret_version" "old" {
  tenant_secret_id = %q
  desired_status   = "ARCHIVED"
}

resource "salesforcebyok_data_encryption_key" "search" {
  escrow = { age_recipients = [%[1]q] }
}

resource "salesforcebyok_encryption_key_settings" "org" {
  enable_cache_only_keys = true
}

resource "salesforcebyok_platform_encryption_settings" "org" {
  enable_event_bus_encryption = true
}

resource "salesforcebyok_external_root_key" "aws" {
  root_key_id    = "48q000000000001AAA"
  desired_status = "Active"
}
`

// quickCacheOnlyKey is not part of it under strict FIPS 140-3, where JOSE's RSA-OAEP, which uses
// SHA-1, is an error.
const quickCacheOnlyKey = `
resource "salesforcebyok_cache_only_key" "answer" {
  certificate    = salesforcebyok_certificate.wrapping.developer_name
  key_identifier = "quick"
  escrow         = { age_recipients = [%q] }
}
`

// One apply, so one start of the CLI, makes or takes over one of each resource, and the org has
// what state says. This is the acceptance test of a short run.
func TestAccQuick(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, quickOrg))
	recipient := ageIdentity.Recipient().String()
	archived := acctest.Keys(sim, "Data")[0]
	configuration := fmt.Sprintf(quickConfiguration, recipient, archived.ID)
	if !strictFIPS() {
		configuration += fmt.Sprintf(quickCacheOnlyKey, recipient)
	}
	declared := regexp.MustCompile(`(?m)^resource "(\w+)" "(\w+)"`).FindAllStringSubmatch(configuration, -1)
	var types []string
	for _, block := range declared {
		types = append(types, block[1])
	}
	documented, err := filepath.Glob(filepath.Join("..", "..", "docs", "resources", "*.md"))
	if err != nil || len(documented) == 0 {
		t.Fatalf("no resource is documented: %v", err)
	}
	for _, page := range documented {
		name := acctest.ProviderName + "_" + strings.TrimSuffix(filepath.Base(page), ".md")
		if !slices.Contains(types, name) && (!strictFIPS() || name != "salesforcebyok_cache_only_key") {
			t.Errorf("the configuration has no %s", name)
		}
	}

	cli := acctest.NewCLI(t, sim)
	providerConfig(cli, acctest.ProviderBlock(sim, `api_version = "63.0"`)+configuration)
	if result := cli.Apply(); result.Code != 0 || result.Added != len(declared) || len(result.Summaries("error")) > 0 {
		t.Fatalf("expected %d resources to be made, found exit code %d\n%s", len(declared), result.Code, result.Output())
	}

	state := cli.StateFile()
	attribute := func(address, name string) string { return fmt.Sprint(state[address][name]) }
	for _, block := range declared {
		if address := block[1] + "." + block[2]; attribute(address, "organization_id") != sim.OrganizationID {
			t.Errorf("%s: expected the org %s in state, found %s", address, sim.OrganizationID,
				attribute(address, "organization_id"))
		}
	}
	active := acctest.ActiveKey(t, sim, "Data")
	if got := attribute("salesforcebyok_tenant_secret.data", "tenant_secret_id"); got != active.ID ||
		active.Source != "UPLOADED" {
		t.Errorf("the state has the key %s, the org %+v", got, active)
	}
	armored, _ := state["salesforcebyok_tenant_secret.data"]["escrow_ciphertext"].(string)
	if string(openEscrow(t, armored, ageIdentity)) != string(sim.Unwrapped(active.ID)) {
		t.Error("the escrow copy is not the key that the org unwrapped")
	}
	if got := attribute("salesforcebyok_tenant_secret_version.old", "recoverable"); got != "true" {
		t.Errorf("expected the archived key's export to be held, found %s", got)
	}
	if made, ok := inOrg(sim, "Quick"); !ok || attribute("salesforcebyok_certificate.wrapping",
		"certificate_pem") != made.PEM {
		t.Errorf("the org has the certificate %+v, the state another", made)
	}
	key := sim.DataEncryptionKeyMaterial(attribute("salesforcebyok_data_encryption_key.search", "data_encryption_key_id"))
	if hash := acctest.Material(key).Hash(); hash != attribute("salesforcebyok_data_encryption_key.search",
		"secret_value_hash") {
		t.Errorf("the org has the Search Index key of hash %s, the state another", hash)
	}
	if !sim.Settings().EnableCacheOnlyKeys || !sim.Switch("enableEventBusEncryption") {
		t.Errorf("expected both settings to be on, found %+v", sim.Settings())
	}
	if got := attribute("salesforcebyok_external_root_key.aws", "root_key_identifier"); got != rootKeyARN {
		t.Errorf("expected the root key %s, found %s", rootKeyARN, got)
	}
	if jwe := strings.Split(attribute("salesforcebyok_cache_only_key.answer", "jwe"), "."); !strictFIPS() &&
		len(jwe) != 5 {
		t.Errorf("expected a JWE of five parts, found %q", jwe)
	}
}
