package provider_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const echoAddress = "echo.x"

// echoed returns a configuration that copies an ephemeral resource into the state of the echo
// provider, where a test can look at it.
func echoed(address string) string {
	return "\nprovider \"echo\" {\n  data = ephemeral." + address + "\n}\n\nresource \"echo\" \"x\" {}\n"
}

func expectEcho(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(echoAddress, tfjsonpath.New("data").AtMapKey(name), value)
}

func ephemeralCase(steps ...resource.TestStep) resource.TestCase {
	return resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_10_0)},
		ProtoV6ProviderFactories: acctest.FactoriesWithEcho(),
		Steps:                    steps,
	}
}

func TestAccKeyMaterialEphemeral(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	config := acctest.Config(sim, `ephemeral "salesforcebyok_key_material" "x" {}`) +
		echoed("salesforcebyok_key_material.x")
	differs := statecheck.CompareValue(compare.ValuesDiffer())
	material := tfjsonpath.New("data").AtMapKey("key_material")
	resource.UnitTest(t, ephemeralCase(
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.StateFunc(echoAddress, valuesAgree),
				differs.AddStateValue(echoAddress, material),
			},
		},
		// Each opening gives another value, which is the trap that the documentation warns of.
		resource.TestStep{
			Config:            strings.ReplaceAll(config, `echo" "x"`, `echo" "y"`),
			ConfigStateChecks: []statecheck.StateCheck{differs.AddStateValue("echo.y", material)},
		},
	))
	for _, r := range sim.Requests() {
		if r.Operation != acctest.OpToken {
			t.Errorf("%s %s was sent", r.Method, r.Path)
		}
	}
}

// valuesAgree computes the hash of the material by itself.
func valuesAgree(shown map[string]any) error {
	data, _ := shown["data"].(map[string]any)
	text, _ := data["key_material"].(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != 32 {
		return fmt.Errorf("expected base64 of 32 bytes, found %d bytes (%w)", len(raw), err)
	}
	if want := acctest.Material(raw).Hash(); data["secret_value_hash"] != want {
		return fmt.Errorf("expected the hash %s, found %v", want, data["secret_value_hash"])
	}
	if kcv, _ := data["key_check_value"].(string); !regexp.MustCompile(`^[0-9a-f]{6}$`).MatchString(kcv) {
		return fmt.Errorf("expected a key check value, found %q", kcv)
	}

	return nil
}

// One opening serves upload and escrow within one apply: what Salesforce unwraps has the hash that
// the state shows.
func TestAccKeyMaterialEphemeral_upload(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	test := ephemeralCase(resource.TestStep{
		Config: acctest.Config(sim, `
ephemeral "salesforcebyok_key_material" "x" {}

resource "salesforcebyok_tenant_secret" "data" {
  type                    = "Data"
  certificate             = "Sim_BYOK"
  key_material_wo         = ephemeral.salesforcebyok_key_material.x.key_material
  key_material_wo_version = "1"
}
`),
		ConfigStateChecks: []statecheck.StateCheck{
			acctest.ActiveKeyInState(sim, "salesforcebyok_tenant_secret.data"),
			statecheck.ExpectKnownValue("salesforcebyok_tenant_secret.data", tfjsonpath.New("key_material_wo"),
				knownvalue.Null()),
			acctest.KeyCount(sim, "Data", 2),
		},
	})
	test.TerraformVersionChecks = []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_11_0)}
	resource.UnitTest(t, test)
}

// A provider whose org is not known yet can still generate.
func TestAccKeyMaterialEphemeral_providerConfigurationUnknown(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, ephemeralCase(resource.TestStep{
		Config: `
resource "terraform_data" "url" {
  input = "` + sim.InstanceURL + `"
}

provider "salesforcebyok" {
  instance_url  = terraform_data.url.output
  client_id     = "` + sim.ClientID + `"
  client_secret = "` + sim.ClientSecret + `"
}

ephemeral "salesforcebyok_key_material" "x" {}
` + echoed("salesforcebyok_key_material.x"),
		ConfigStateChecks: []statecheck.StateCheck{acctest.StateFunc(echoAddress, valuesAgree)},
	}))
}

func exportOf(id string) string {
	return "\nephemeral \"salesforcebyok_tenant_secret_export\" \"x\" {\n  tenant_secret_id = \"" + id + "\"\n}\n"
}

func TestAccTenantSecretExportEphemeral(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		index int
		short bool
		hash  knownvalue.Check
	}{
		"uploaded":             {1, false, knownvalue.StringExact(seededHash)},
		"uploaded, short id":   {1, true, knownvalue.StringExact(seededHash)},
		"made by Salesforce":   {2, false, knownvalue.Null()}, // UNKNOWM= is no hash
		"made by it, short id": {2, true, knownvalue.Null()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seeded(t, history))
			key := acctest.Keys(sim, "Data")[tc.index]
			id := key.ID
			if tc.short {
				id = id[:15]
			}
			resource.UnitTest(t, ephemeralCase(resource.TestStep{
				Config: acctest.Config(sim, exportOf(id)) + echoed("salesforcebyok_tenant_secret_export.x"),
				ConfigStateChecks: []statecheck.StateCheck{
					expectEcho("tenant_secret_id", knownvalue.StringExact(id)),
					expectEcho("version", knownvalue.Int64Exact(key.Version)),
					expectEcho("secret_value_hash", tc.hash),
					// The exported form of Salesforce begins like this [V ThalesDoc].
					expectEcho("exported_secret_value", knownvalue.StringRegexp(regexp.MustCompile(`^CgM[A-Za-z0-9+/]+=*$`))),
				},
			}))
			if acctest.Exports(sim) == 0 {
				t.Error("the org knows of no export")
			}
			if writes := acctest.Writes(sim); len(writes) > 0 {
				t.Errorf("an export sent %v", writes)
			}
		})
	}
}

// Where nothing asks for it, nothing is exported; a record that is only made by the apply is
// exported by the apply alone.
func TestAccTenantSecretExportEphemeral_unknownID(t *testing.T) {
	t.Parallel()
	skipBelowEphemeral(t)
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(`
resource "salesforcebyok_tenant_secret" "data" {
  type        = "Data"
  certificate = "Sim_BYOK"
}

ephemeral "salesforcebyok_tenant_secret_export" "x" {
  tenant_secret_id = salesforcebyok_tenant_secret.data.tenant_secret_id
}
`)
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges || acctest.Exports(sim) != 0 {
		t.Fatalf("plan: exit code %d, %d exports\n%s", plan.Code, acctest.Exports(sim), plan.Output())
	}
	if r := cli.Apply(); r.Code != 0 {
		t.Fatalf("apply: exit code %d\n%s", r.Code, r.Output())
	}
	if state := cli.Run("state", "pull"); strings.Contains(state.Stdout, "CgM") {
		t.Error("the export is in the state")
	}
}

func TestAccTenantSecretExportEphemeral_refused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		id   func(*sfsim.Server) string
		want *regexp.Regexp
		sent bool
	}{
		"not found": {
			func(*sfsim.Server) string { return "02G000000000ZZZ" },
			acctest.AttributeError("tenant_secret_id", "No such tenant secret",
				"Expected a record with the id 02G000000000ZZZ in org 00D"), true,
		},
		"destroyed": {
			func(s *sfsim.Server) string { return acctest.Keys(s, "Data")[0].ID },
			acctest.AttributeError("tenant_secret_id", "There is nothing to export",
				"has the status DESTROYED, and Salesforce handed out no SecretValue"), true,
		},
		"another object": {func(*sfsim.Server) string {
			return "00D000000000001"
		}, acctest.AttributeError("tenant_secret_id", "Invalid Salesforce id", "begins with 02G"), false},
		"path": {func(*sfsim.Server) string {
			return "02G/../../query"
		}, acctest.AttributeError("tenant_secret_id", "Invalid Salesforce id", "15 or 18 characters"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seeded(t, history))
			resource.UnitTest(t, ephemeralCase(resource.TestStep{
				Config:      acctest.Config(sim, exportOf(tc.id(sim))) + echoed("salesforcebyok_tenant_secret_export.x"),
				ExpectError: tc.want,
			}))
			if !tc.sent {
				unsent(t, sim)
			}
		})
	}
}

func TestAccTenantSecretExportEphemeral_fails(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	if err := sim.AddFault(sfsim.Fault{
		Path: "sobjects/TenantSecret", Status: http.StatusForbidden,
		ErrorCode: "INSUFFICIENT_ACCESS",
	}); err != nil {
		t.Fatal(err)
	}
	resource.UnitTest(t, ephemeralCase(resource.TestStep{
		Config: acctest.Config(sim, exportOf(acctest.ActiveKey(t, sim, "Data").ID)) +
			echoed("salesforcebyok_tenant_secret_export.x"),
		ExpectError: regexp.MustCompile(`(?s)Unable to export the tenant secret.*INSUFFICIENT_ACCESS.*` +
			acctest.ErrorText("Manage Encryption Keys").String()),
	}))
}

func TestAccTenantSecretExportEphemeral_providerConfigurationUnknown(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, ephemeralCase(resource.TestStep{
		Config: `
resource "terraform_data" "url" {
  input = "` + sim.InstanceURL + `"
}

provider "salesforcebyok" {
  instance_url  = terraform_data.url.output
  client_id     = "` + sim.ClientID + `"
  client_secret = "` + sim.ClientSecret + `"
}
` + exportOf(acctest.ActiveKey(t, sim, "Data").ID) + echoed("salesforcebyok_tenant_secret_export.x"),
		ExpectError: acctest.ErrorText("Provider configuration is not known yet"),
	}))
	if acctest.Exports(sim) > 0 {
		t.Error("something was exported")
	}
}
