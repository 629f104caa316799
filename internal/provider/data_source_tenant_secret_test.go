package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	secretDataAddress = "data.salesforcebyok_tenant_secret.x"
	// seededHash is the SHA-256 of 32 zero bytes, the material of the seeds below.
	seededHash = "Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU="
)

// history is an org with three Data keys and one cache-only key whose callouts fail.
const history = `
tenant_secrets:
  - {type: Data, status: DESTROYED, source: HSM}
  - {type: Data, status: ARCHIVED, source: UPLOADED, material: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, description: "old one [tf:9c1185a5.3]"}
  - {type: Data, source: HSM}
  - {type: EventBus, source: REMOTE, status: DESTROYED, remote_key_identifier: kid-1, remote_key_service_id: 0XA000000000001AAA}
settings: {enable_cache_only_keys: true}
`

func expectSecret(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(secretDataAddress, tfjsonpath.New(name), value)
}

func TestAccTenantSecretDataSource_active(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, history))
	key := acctest.ActiveKey(t, sim, "Data")
	reads(t, sim, `data "salesforcebyok_tenant_secret" "x" { type = "Data" }`,
		expectSecret("tenant_secret_id", knownvalue.StringExact(key.ID)),
		expectSecret("organization_id", knownvalue.StringExact(sim.OrganizationID)),
		expectSecret("type", knownvalue.StringExact("Data")),
		expectSecret("version", knownvalue.Int64Exact(key.Version)),
		expectSecret("status", knownvalue.StringExact("ACTIVE")),
		expectSecret("source", knownvalue.StringExact("HSM")),
		expectSecret("key_derivation_mode", knownvalue.StringExact("PBKDF2")),
		expectSecret("description", knownvalue.Null()),
		expectSecret("rotation_id", knownvalue.Null()),
		expectSecret("secret_value_hash", knownvalue.Null()), // UNKNOWM= is no hash
		expectSecret("remote_key_identifier", knownvalue.Null()),
		expectSecret("created_date", knownvalue.StringExact(key.CreatedDate.UTC().Format("2006-01-02T15:04:05Z"))),
		expectSecret("created_by_id", knownvalue.StringRegexp(regexp.MustCompile(`^005\w{15}$`))),
		expectSecret("last_modified_date", knownvalue.NotNull()),
		expectSecret("last_modified_by_id", knownvalue.StringRegexp(regexp.MustCompile(`^005\w{15}$`))),
	)
}

func TestAccTenantSecretDataSource_version(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, history))
	key := acctest.Keys(sim, "Data")[1]
	reads(t, sim, `
locals {
  versions = [for s in data.salesforcebyok_tenant_secrets.all.tenant_secrets : s.version if s.status == "ARCHIVED"]
}

data "salesforcebyok_tenant_secrets" "all" {}

data "salesforcebyok_tenant_secret" "x" {
  type    = "Data"
  version = local.versions[0]
}
`,
		expectSecret("tenant_secret_id", knownvalue.StringExact(key.ID)),
		expectSecret("status", knownvalue.StringExact("ARCHIVED")),
		expectSecret("source", knownvalue.StringExact("UPLOADED")),
		expectSecret("description", knownvalue.StringExact("old one [tf:9c1185a5.3]")),
		expectSecret("rotation_id", knownvalue.StringExact("9c1185a5.3")),
		expectSecret("secret_value_hash", knownvalue.StringExact(seededHash)),
	)
	// One read of the org serves both data sources at each of plan, apply and plan again.
	if n := acctest.Count(sim, "TenantSecret.query"); n == 0 || n > acctest.Count(sim, acctest.OpToken) {
		t.Errorf("the org was read %d times in %d provider processes", n, acctest.Count(sim, acctest.OpToken))
	}
}

func TestAccTenantSecretDataSource_id(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, history))
	key := acctest.Keys(sim, "Data")[0]
	for name, id := range map[string]string{"15 characters": key.ID[:15], "18 characters": key.ID} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reads(t, sim, `data "salesforcebyok_tenant_secret" "x" { tenant_secret_id = "`+id+`" }`,
				expectSecret("tenant_secret_id", knownvalue.StringExact(id)),
				expectSecret("type", knownvalue.StringExact("Data")),
				expectSecret("version", knownvalue.Int64Exact(key.Version)),
				expectSecret("status", knownvalue.StringExact("DESTROYED")),
			)
		})
	}
}

// Salesforce shows a cache-only key as DESTROYED while its callouts fail: the data source still
// shows what stands for the type.
func TestAccTenantSecretDataSource_cacheOnlyDown(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, history))
	reads(t, sim, `data "salesforcebyok_tenant_secret" "x" { type = "EventBus" }`,
		expectSecret("status", knownvalue.StringExact("DESTROYED")),
		expectSecret("source", knownvalue.StringExact("REMOTE")),
		expectSecret("remote_key_identifier", knownvalue.StringExact("kid-1")),
		expectSecret("remote_key_service_id", knownvalue.StringExact("0XA000000000001AAA")),
	)
}

// A record that another resource is about to make can't be read before the apply.
func TestAccTenantSecretDataSource_unknownType(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	reads(t, sim, `
resource "terraform_data" "type" {
  input = "Data"
}

data "salesforcebyok_tenant_secret" "x" {
  type = terraform_data.type.output
}
`, expectSecret("version", knownvalue.Int64Exact(acctest.ActiveKey(t, sim, "Data").Version)))
}

func TestAccTenantSecretDataSource_notFound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, seed        string
		attribute, detail string
		options           []sfsim.Option
	}{
		"type": {
			body: `type = "Analytics"`, attribute: "type",
			detail: `Expected a record with the type "Analytics" and the status ACTIVE in org 00D`,
		},
		"type names what is there": {body: `type = "Analytics"`, attribute: "type", detail: "The org shows records of " +
			"these types: Data (3), EventBus (1). Check that"},
		"version": {
			body: "type = \"Data\"\nversion = 999999", attribute: "version",
			detail: `the type "Data" and the version 999999`,
		},
		"version names what is there": {
			body: "type = \"Data\"\nversion = 999999", attribute: "version", detail: "The org shows these versions of Data:",
		},
		"id": {
			body: `tenant_secret_id = "02G000000000ZZZ"`, attribute: "tenant_secret_id",
			detail: "Expected a record with the id 02G000000000ZZZ",
		},
		"empty org": {
			body: `type = "Data"`, seed: "tenant_secrets: []", attribute: "type", detail: "The org shows no tenant secret at " +
				"all. Check that this is the right org",
		},
		"denied, shown as empty": {
			body: `type = "Data"`, attribute: "type", detail: "user has Manage Encryption Keys",
			options: []sfsim.Option{denied(func(p *sfsim.Permissions) {
				p.ManageEncryptionKeys, p.DeniedAsEmpty = false, true
			})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := tc.seed
			if seed == "" {
				seed = history
			}
			sim := acctest.StartSim(t, append(tc.options, seeded(t, seed))...)
			refuses(t, sim, "data \"salesforcebyok_tenant_secret\" \"x\" {\n"+tc.body+"\n}\n",
				acctest.AttributeError(tc.attribute, "No such tenant secret", tc.detail))
		})
	}
}

func TestAccTenantSecretDataSource_denied(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, denied(func(p *sfsim.Permissions) { p.ManageEncryptionKeys = false }))
	refuses(t, sim, `data "salesforcebyok_tenant_secret" "x" { type = "Data" }`,
		regexp.MustCompile(acctest.ErrorText("Unable to read the tenant secrets").String()+`(?s).*INVALID_TYPE.*`+
			acctest.ErrorText("Manage Encryption Keys").String()))
}

func TestAccTenantSecretDataSource_badInput(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want *regexp.Regexp
	}{
		"nothing": {``, acctest.ErrorText("Exactly one of these attributes must be configured: " +
			"[tenant_secret_id,type]")},
		"both": {
			"tenant_secret_id = \"02G000000000001\"\ntype = \"Data\"",
			acctest.ErrorText("Exactly one of these attributes must be configured"),
		},
		"version alone": {
			`version = 3`,
			acctest.ErrorText(`Attribute "type" must be specified when "version" is specified`),
		},
		"version zero": {"type = \"Data\"\nversion = 0", acctest.ErrorText("version value must be at least 1")},
		"empty type":   {`type = ""`, acctest.ErrorText("type string length must be at least 1")},
		"id of an org": {
			`tenant_secret_id = "00D000000000001"`,
			acctest.AttributeError("tenant_secret_id", "Invalid Salesforce id", "begins with 02G"),
		},
		"bad checksum": {
			`tenant_secret_id = "02G000000000001AAB"`,
			acctest.AttributeError("tenant_secret_id", "Invalid Salesforce id", "checksum"),
		},
		"SOQL in the id": {
			`tenant_secret_id = "02G' OR Id != '"`,
			acctest.AttributeError("tenant_secret_id", "Invalid Salesforce id", "15 or 18 characters"),
		},
		"read-only": {"type = \"Data\"\nstatus = \"ACTIVE\"", acctest.ErrorText("Cannot set value for this attribute")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			refuses(t, sim, "data \"salesforcebyok_tenant_secret\" \"x\" {\n"+tc.body+"\n}\n", tc.want)
			unsent(t, sim)
		})
	}
}

// What looks like SOQL in a type is only compared with the types of the records: it can't reach a
// query.
func TestAccTenantSecretDataSource_metacharacters(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	refuses(t, sim, `data "salesforcebyok_tenant_secret" "x" { type = "Data' OR Type != '" }`,
		acctest.AttributeError("type", "No such tenant secret", `the type "Data' OR Type != '"`))
	for _, r := range sim.Requests() {
		if regexp.MustCompile(`(?i)where|%27|'`).MatchString(r.Query) {
			t.Errorf("the query %s was sent", r.Query)
		}
	}
}

func TestAccTenantSecretsDataSource(t *testing.T) {
	t.Parallel()
	const address = "data.salesforcebyok_tenant_secrets.x"
	at := tfjsonpath.New("tenant_secrets")
	for name, tc := range map[string]struct {
		filter                      string
		n                           int
		active, archived, destroyed int64
	}{
		"all":                  {"", 4, 1, 1, 2},
		"type":                 {`type = "Data"`, 3, 1, 1, 1},
		"status":               {`status = "DESTROYED"`, 2, 0, 0, 2},
		"source":               {`source = "UPLOADED"`, 1, 0, 1, 0},
		"all three":            {"type = \"Data\"\nstatus = \"ACTIVE\"\nsource = \"HSM\"", 1, 1, 0, 0},
		"none matches":         {"type = \"Analytics\"", 0, 0, 0, 0},
		"none matches by both": {"type = \"EventBus\"\nsource = \"HSM\"", 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seeded(t, history))
			reads(t, sim, "data \"salesforcebyok_tenant_secrets\" \"x\" {\n"+tc.filter+"\n}\n",
				statecheck.ExpectKnownValue(address, at, knownvalue.ListSizeExact(tc.n)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("organization_id"), knownvalue.StringExact(sim.OrganizationID)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("counts"), knownvalue.MapExact(map[string]knownvalue.Check{
					"ACTIVE": knownvalue.Int64Exact(tc.active), "ARCHIVED": knownvalue.Int64Exact(tc.archived),
					"DESTROYED": knownvalue.Int64Exact(tc.destroyed),
				})),
			)
		})
	}
}

// Every page of the answer is read, and the records come sorted.
func TestAccTenantSecretsDataSource_paging(t *testing.T) {
	t.Parallel()
	const address = "data.salesforcebyok_tenant_secrets.x"
	sim := acctest.StartSim(t, seeded(t, `
tenant_secrets:
  - {type: SearchIndex, count: 13, status: ARCHIVED, description: "number %d"}
  - {type: Data, count: 30, status: ARCHIVED}
  - {type: Data}
settings: {page_size: 7}
`))
	reads(t, sim, `data "salesforcebyok_tenant_secrets" "x" {}`,
		statecheck.ExpectKnownValue(address, tfjsonpath.New("tenant_secrets"), knownvalue.ListSizeExact(44)),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("tenant_secrets").AtSliceIndex(0).AtMapKey("type"),
			knownvalue.StringExact("Data")),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("tenant_secrets").AtSliceIndex(30).AtMapKey("status"),
			knownvalue.StringExact("ACTIVE")),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("tenant_secrets").AtSliceIndex(31).AtMapKey("description"),
			knownvalue.StringExact("number 1")),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("tenant_secrets").AtSliceIndex(43).AtMapKey("description"),
			knownvalue.StringExact("number 13")),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("counts").AtMapKey("ARCHIVED"), knownvalue.Int64Exact(43)),
	)
	if n := acctest.Count(sim, "TenantSecret.query.more"); n < 6 {
		t.Errorf("only %d further pages were asked for", n)
	}
}

// An org without keys is no error, but the answer may also mean that the user may not see them.
func TestAccTenantSecretsDataSource_emptyOrg(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, "tenant_secrets: []"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(`data "salesforcebyok_tenant_secrets" "x" {}`)
	result := cli.MustApply()
	if !result.Has("warning", "The org shows no tenant secret at all", "Manage Encryption Keys") {
		t.Errorf("expected a warning that names the permissions, found %v", result.Diagnostics)
	}
	if got, isList := cli.State("data.salesforcebyok_tenant_secrets.x")["tenant_secrets"].([]any); !isList ||
		len(got) != 0 {
		t.Errorf("expected an empty list, found %v", got)
	}
}

func TestAccTenantSecretsDataSource_badInput(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, want string }{
		"status": {`status = "Active"`, `Attribute status value must be one of: ["ACTIVE" "ARCHIVED" "DESTROYED"]`},
		"source": {`source = "KMS"`, `Attribute source value must be one of: ["UPLOADED" "HSM" "REMOTE"]`},
		"type":   {`type = ""`, `Attribute type string length must be at least 1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			refuses(t, sim, "data \"salesforcebyok_tenant_secrets\" \"x\" {\n"+tc.body+"\n}\n", acctest.ErrorText(tc.want))
			unsent(t, sim)
		})
	}
}

func TestAccTenantSecretsDataSource_denied(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, denied(func(p *sfsim.Permissions) { p.ManageEncryptionKeys = false }))
	refuses(t, sim, `data "salesforcebyok_tenant_secrets" "x" {}`, acctest.ErrorText("Unable to read the tenant secrets"))
}

// The data source shows what the resource has just made, in the same apply.
func TestAccTenantSecretDataSource_afterUpload(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{{
			Config: acctest.Config(sim, `
resource "salesforcebyok_tenant_secret" "data" {
  type        = "Data"
  description = "ours"
  certificate = "Sim_BYOK"
}

data "salesforcebyok_tenant_secret" "x" {
  tenant_secret_id = salesforcebyok_tenant_secret.data.tenant_secret_id
}
`),
			ConfigStateChecks: []statecheck.StateCheck{
				expectSecret("status", knownvalue.StringExact("ACTIVE")),
				expectSecret("source", knownvalue.StringExact("UPLOADED")),
				expectSecret("rotation_id", knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{8}\.0$`))),
				acctest.StateFunc(secretDataAddress, func(shown map[string]any) error {
					key := acctest.ActiveKey(t, sim, "Data")
					if shown["secret_value_hash"] != key.SecretValueHash || shown["description"] != key.Description {
						return fmt.Errorf("expected the hash and Description of %+v, found %v", key, shown)
					}

					return nil
				}),
			},
		}},
	})
}
