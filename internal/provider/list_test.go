package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/querycheck"
	"github.com/hashicorp/terraform-plugin-testing/querycheck/queryfilter"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// queries runs list blocks over an org and checks what they find, or the error.
func queries(t *testing.T, sim *sfsim.Server, body string, wantError *regexp.Regexp,
	checks ...querycheck.QueryResultCheck,
) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_14_0)},
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{{
			Query: true, Config: acctest.ProviderBlock(sim) + body, QueryResultChecks: checks, ExpectError: wantError,
		}},
	})
	if writes := acctest.Writes(sim); len(writes) > 0 {
		t.Errorf("a query sent %v", writes)
	}
	if n := acctest.Exports(sim); n > 0 {
		t.Errorf("a query exported keys %d times", n)
	}
}

func TestAccTenantSecretList(t *testing.T) {
	t.Parallel()
	const address = "salesforcebyok_tenant_secret.all"
	sim := acctest.StartSim(t, seeded(t, history))
	key := acctest.ActiveKey(t, sim, "Data")
	name := queryfilter.ByDisplayName(knownvalue.StringRegexp(regexp.MustCompile(`^Data `)))
	queries(t, sim, `
list "salesforcebyok_tenant_secret" "all" {
  provider         = salesforcebyok
  include_resource = true
}
`, nil,
		querycheck.ExpectLength(address, 2),
		querycheck.ExpectIdentity(address, map[string]knownvalue.Check{
			"organization_id": knownvalue.StringExact(sim.OrganizationID), "type": knownvalue.StringExact("Data"),
		}),
		querycheck.ExpectIdentity(address, map[string]knownvalue.Check{
			"organization_id": knownvalue.StringExact(sim.OrganizationID), "type": knownvalue.StringExact("EventBus"),
		}),
		querycheck.ExpectResourceDisplayName(address, name,
			knownvalue.StringRegexp(regexp.MustCompile(`^Data \(HSM, version \d+\)$`))),
		querycheck.ExpectResourceKnownValues(address, name, []querycheck.KnownValueCheck{
			{Path: tfjsonpath.New("tenant_secret_id"), KnownValue: knownvalue.StringExact(key.ID)},
			{Path: tfjsonpath.New("source"), KnownValue: knownvalue.StringExact("HSM")},
			{Path: tfjsonpath.New("deletion_policy"), KnownValue: knownvalue.StringExact("ABANDON")},
			{Path: tfjsonpath.New("secret_value_hash"), KnownValue: knownvalue.Null()},
		}),
	)
}

func TestAccTenantSecretList_emptyOrg(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, "tenant_secrets: []"))
	queries(t, sim, `
list "salesforcebyok_tenant_secret" "all" {
  provider = salesforcebyok
}

list "salesforcebyok_tenant_secret_version" "all" {
  provider = salesforcebyok
}
`, nil, querycheck.ExpectLength("salesforcebyok_tenant_secret.all", 0),
		querycheck.ExpectLength("salesforcebyok_tenant_secret_version.all", 0))
}

// An error must be seen, and not be an empty list.
func TestAccLists_denied(t *testing.T) {
	t.Parallel()
	for name, summary := range map[string]string{
		"salesforcebyok_tenant_secret":         "Unable to read the tenant secrets",
		"salesforcebyok_tenant_secret_version": "Unable to read the tenant secrets",
		"salesforcebyok_certificate":           "Unable to read the certificates",
		"salesforcebyok_external_root_key":     "Unable to read the external root keys",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, denied(func(p *sfsim.Permissions) {
				p.ManageEncryptionKeys, p.ManageCertificates = false, false
			}))
			queries(t, sim, "list \""+name+"\" \"all\" {\n  provider = salesforcebyok\n}\n", acctest.ErrorText(summary))
		})
	}
}

func TestAccTenantSecretVersionList(t *testing.T) {
	t.Parallel()
	const address = "salesforcebyok_tenant_secret_version."
	sim := acctest.StartSim(t, seeded(t, history))
	archived := acctest.Keys(sim, "Data")[1]
	old := queryfilter.ByResourceIdentity(map[string]knownvalue.Check{
		"organization_id":  knownvalue.StringExact(sim.OrganizationID),
		"tenant_secret_id": knownvalue.StringExact(archived.ID),
	})
	queries(t, sim, `
list "salesforcebyok_tenant_secret_version" "manageable" {
  provider         = salesforcebyok
  include_resource = true
}

list "salesforcebyok_tenant_secret_version" "active" {
  provider = salesforcebyok
  config {
    status = "ACTIVE"
  }
}

list "salesforcebyok_tenant_secret_version" "remote" {
  provider = salesforcebyok
  config {
    source = "REMOTE"
  }
}

list "salesforcebyok_tenant_secret_version" "data" {
  provider = salesforcebyok
  config {
    type   = "Data"
    status = "DESTROYED"
  }
}
`, nil,
		querycheck.ExpectLength(address+"manageable", 3),
		querycheck.ExpectLength(address+"active", 1),
		querycheck.ExpectLength(address+"remote", 1),
		querycheck.ExpectLength(address+"data", 1),
		querycheck.ExpectResourceDisplayName(address+"manageable", old,
			knownvalue.StringRegexp(regexp.MustCompile(`^Data version \d+ \(UPLOADED, ARCHIVED\)$`))),
		querycheck.ExpectResourceKnownValues(address+"manageable", old, []querycheck.KnownValueCheck{
			{Path: tfjsonpath.New("desired_status"), KnownValue: knownvalue.StringExact("ARCHIVED")},
			{Path: tfjsonpath.New("secret_value_hash"), KnownValue: knownvalue.StringExact(seededHash)},
			{Path: tfjsonpath.New("exported_secret_value"), KnownValue: knownvalue.Null()},
			{Path: tfjsonpath.New("recoverable"), KnownValue: knownvalue.Bool(false)},
		}),
		querycheck.ExpectNoIdentity(address+"manageable", map[string]knownvalue.Check{
			"organization_id":  knownvalue.StringExact(sim.OrganizationID),
			"tenant_secret_id": knownvalue.StringExact(acctest.ActiveKey(t, sim, "Data").ID),
		}),
	)
}

// A limit is kept, over several pages of the org's answer.
func TestAccTenantSecretVersionList_limit(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, `
tenant_secrets:
  - {type: Data, count: 40, status: ARCHIVED}
settings: {page_size: 7}
`))
	queries(t, sim, `
list "salesforcebyok_tenant_secret_version" "some" {
  provider = salesforcebyok
  limit    = 11
}

list "salesforcebyok_tenant_secret_version" "all" {
  provider = salesforcebyok
}
`, nil, querycheck.ExpectLength("salesforcebyok_tenant_secret_version.some", 11),
		querycheck.ExpectLength("salesforcebyok_tenant_secret_version.all", 40))
}

func TestAccTenantSecretVersionList_badInput(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ config, want string }{
		"status": {`status = "GONE"`, `value must be one of: ["ACTIVE" "ARCHIVED" "DESTROYED"]`},
		"source": {`source = "KMS"`, `value must be one of: ["UPLOADED" "HSM" "REMOTE"]`},
		"type":   {`type = ""`, "string length must be at least 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			queries(t, sim, "list \"salesforcebyok_tenant_secret_version\" \"x\" {\n  provider = salesforcebyok\n  config {\n "+
				"   "+tc.config+"\n  }\n}\n", acctest.ErrorText(tc.want))
			unsent(t, sim)
		})
	}
}

func TestAccCertificateList(t *testing.T) {
	t.Parallel()
	const address = "salesforcebyok_certificate."
	sim := acctest.StartSim(t, seeded(t, estate))
	good := queryfilter.ByResourceIdentity(map[string]knownvalue.Check{
		"organization_id": knownvalue.StringExact(sim.OrganizationID), "developer_name": knownvalue.StringExact("Good"),
	})
	queries(t, sim, `
list "salesforcebyok_certificate" "all" {
  provider = salesforcebyok
}

list "salesforcebyok_certificate" "fit" {
  provider         = salesforcebyok
  include_resource = true
  config {
    byok_compatible_only = true
  }
}

list "salesforcebyok_certificate" "one" {
  provider = salesforcebyok
  limit    = 1
}
`, nil,
		querycheck.ExpectLength(address+"all", 7),
		querycheck.ExpectLength(address+"fit", 2),
		querycheck.ExpectLength(address+"one", 1),
		querycheck.ExpectResourceDisplayName(address+"fit", good, knownvalue.StringExact("Good (Good one, 4096 bits)")),
		querycheck.ExpectResourceKnownValues(address+"fit", good, []querycheck.KnownValueCheck{
			{Path: tfjsonpath.New("label"), KnownValue: knownvalue.StringExact("Good one")},
			{Path: tfjsonpath.New("byok_compatible"), KnownValue: knownvalue.Bool(true)},
			{
				Path:       tfjsonpath.New("certificate_pem"),
				KnownValue: knownvalue.StringRegexp(regexp.MustCompile(`^-----BEGIN CERTIFICATE-----\n`)),
			},
		}),
	)
}

// A certificate whose content can't be fetched is an error, not a gap in the list.
func TestAccCertificateList_chainFails(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	if err := sim.AddFault(sfsim.Fault{
		Method: http.MethodGet, Path: "CertificateChain", Status: http.StatusForbidden,
		ErrorCode: "INSUFFICIENT_ACCESS",
	}); err != nil {
		t.Fatal(err)
	}
	queries(t, sim, `
list "salesforcebyok_certificate" "all" {
  provider         = salesforcebyok
  include_resource = true
}
`, regexp.MustCompile(`(?s)Unable to read the certificate.*INSUFFICIENT_ACCESS`))
}

// What a query generates, completed by what can't be read back, imports without a change of any
// key.
func TestAccLists_generatedConfigurationImports(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, `
tenant_secrets:
  - {type: Data, status: ARCHIVED, source: UPLOADED}
  - {type: Data, source: UPLOADED}
  - {type: Analytics, source: HSM}
`))
	cli := acctest.NewCLI(t, sim)
	if !supportsQuery(t, cli) {
		t.Skip("needs Terraform 1.14 or newer")
	}
	cli.Config("")
	cli.Write("keys.tfquery.hcl", `
list "salesforcebyok_tenant_secret" "keys" {
  provider         = salesforcebyok
  include_resource = true
}

list "salesforcebyok_tenant_secret_version" "versions" {
  provider         = salesforcebyok
  include_resource = true
}

list "salesforcebyok_certificate" "certificates" {
  provider         = salesforcebyok
  include_resource = true

  config {
    byok_compatible_only = true
  }
}
`)
	if r := cli.Run("query", "-generate-config-out=generated.tf"); r.Code != 0 {
		t.Fatalf("query: exit code %d\n%s", r.Code, r.Output())
	}
	path := filepath.Join(cli.Dir, "generated.tf")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	generated := addCertificates(string(text))
	cli.Write("generated.tf", generated)
	before := len(sim.TenantSecrets())
	result := cli.Apply()
	if result.Code != 0 {
		t.Fatalf("apply: exit code %d\n%s\nof\n%s", result.Code, result.Output(), generated)
	}
	cli.MustBeEmpty()
	if n := len(sim.TenantSecrets()); n != before {
		t.Errorf("expected no new key, found %d more", n-before)
	}
	if acctest.Count(sim, acctest.OpCreate) > 0 {
		t.Error("importing has uploaded a key")
	}
}

// addCertificates writes the certificate, which can't be read back, into the generated blocks of
// uploaded keys.
func addCertificates(generated string) string {
	uploaded, empty := regexp.MustCompile(`source +=\s"UPLOADED"`), regexp.MustCompile(`(?m)^  certificate( +)= null.*$`)
	blocks := strings.SplitAfter(generated, "\n}\n")
	for i, block := range blocks {
		if uploaded.MatchString(block) {
			blocks[i] = empty.ReplaceAllString(block, `  certificate$1= "Sim_BYOK"`)
		}
	}

	return strings.Join(blocks, "")
}

// supportsQuery reports whether the CLI has `terraform query`.
func supportsQuery(t *testing.T, cli *acctest.CLI) bool {
	t.Helper()
	var printed struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal([]byte(cli.Run("version", "-json").Stdout), &printed); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(printed.Version, "%d.%d.", &major, &minor); err != nil {
		t.Fatalf("version %q: %v", printed.Version, err)
	}

	return !acctest.OpenTofu() && (major > 1 || minor >= 14)
}
