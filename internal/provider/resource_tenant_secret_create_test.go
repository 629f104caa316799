package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// tenantSecretAddress is the resource that the tests of the tenant secret are about.
const tenantSecretAddress = "salesforcebyok_tenant_secret.data"

// tenantSecret renders that resource, with lines as its body.
func tenantSecret(lines ...string) string {
	return "\nresource \"salesforcebyok_tenant_secret\" \"data\" {\n  " + strings.Join(lines, "\n  ") + "\n}\n"
}

// dataKey renders an uploaded Data key, with more lines in its body.
func dataKey(lines ...string) string {
	return tenantSecret(append([]string{`type = "Data"`, `certificate = "Sim_BYOK"`}, lines...)...)
}

// trigger renders a rotation trigger.
func trigger(value string) string { return fmt.Sprintf("rotation_triggers = { key = %q }", value) }

// givenMaterial renders write-only material from an ephemeral variable, for a body, and the
// variable, to stand beside the resource.
func givenMaterial(material acctest.Material, version string) (line, variable string) {
	return fmt.Sprintf("key_material_wo = var.material\n  key_material_wo_version = %q", version),
		fmt.Sprintf("\nvariable \"material\" {\n  type      = string\n  ephemeral = true\n  default   = %q\n}\n",
			material.Base64())
}

// writeOnly is what configurations with write-only attributes need.
var writeOnly = []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_11_0)}

// created expects a creation, and nothing to do afterwards.
var created = resource.ConfigPlanChecks{
	PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(tenantSecretAddress,
		plancheck.ResourceActionCreate)},
	PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
}

// changed expects a change in place, and nothing to do afterwards.
var changed = resource.ConfigPlanChecks{
	PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(tenantSecretAddress, plancheck.ResourceActionUpdate), acctest.InPlace(1),
	},
	PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
}

// unchanged expects a plan without changes.
var unchanged = resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}

// valueOf expects a value of the tenant secret in state.
func valueOf(attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New(attribute), value)
}

func exact(text string) knownvalue.Check { return knownvalue.StringExact(text) }

// receiptHas expects members of the receipt.
func receiptHas(want map[string]any) statecheck.StateCheck {
	return acctest.StateFunc(tenantSecretAddress, func(attributes map[string]any) error {
		text, _ := attributes["receipt"].(string)
		var receipt map[string]any
		if err := json.Unmarshal([]byte(text), &receipt); err != nil {
			return fmt.Errorf("the receipt is not JSON: %w", err)
		}
		for name, value := range want {
			if fmt.Sprint(receipt[name]) != fmt.Sprint(value) {
				return fmt.Errorf("receipt.%s: expected %v, found %v", name, value, receipt[name])
			}
		}

		return nil
	})
}

func TestAccTenantSecret_generated(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{{
			Config: acctest.Config(sim, dataKey(`description = "Managed by Terraform"`)),
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(tenantSecretAddress, plancheck.ResourceActionCreate),
					plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("rotation_id")),
					plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("tenant_secret_id")),
					plancheck.ExpectUnknownValue(tenantSecretAddress, tfjsonpath.New("secret_value_hash")),
					plancheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New("organization_id"), exact(sim.OrganizationID)),
					plancheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New("escrow_ciphertext"), knownvalue.Null()),
					plancheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New("rotation_due_date"), knownvalue.Null()),
					plancheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New("wrapping_algorithm"), exact("RSA_OAEP_SHA512")),
				},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			},
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.ActiveKeyInState(sim, tenantSecretAddress),
				acctest.KeyCount(sim, "Data", 2),
				acctest.RequestCount(sim, acctest.OpCreate, 1),
				valueOf("source", exact("UPLOADED")),
				valueOf("key_derivation_mode", exact("PBKDF2")),
				valueOf("deletion_policy", exact("ABANDON")),
				valueOf("escrow_ciphertext", knownvalue.Null()),
				valueOf("key_check_value", knownvalue.StringRegexp(hexDigits(6))),
				valueOf("certificate_sha256", knownvalue.StringRegexp(hexDigits(64))),
				valueOf("rotation_id", knownvalue.StringRegexp(rotationIDForm)),
				receiptHas(map[string]any{
					"outcome": "uploaded", "organization_id": sim.OrganizationID, "type": "Data", "source": "UPLOADED",
					"wrapping_algorithm": "RSA_OAEP_SHA512", "key_source": "generated", "hash_matched_on_read_back": true,
					"provider_version": acctest.Version,
				}),
				acctest.OrgFunc(func() error {
					if key := acctest.ActiveKey(t, sim, "Data"); key.WrappingAlgorithm == "" || key.Certificate != "Sim_BYOK" {
						return fmt.Errorf("expected an upload under Sim_BYOK, found %+v", key)
					}
					if n := acctest.Exports(sim); n != 0 {
						return fmt.Errorf("expected no read of a SecretValue, which Salesforce records as an export, found %d", n)
					}

					return nil
				}),
			},
		}},
	})
}

// The order of an upload is the protocol that keeps it repeatable; see the package upload.
func TestAccTenantSecret_uploadOrder(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	if applied := cli.Apply(); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	var operations []string
	var fields []string
	for _, request := range sim.Requests() {
		operations = append(operations, request.Operation)
		if request.Operation == acctest.OpCreate {
			fields = request.Fields
		}
	}
	post := slices.Index(operations, acctest.OpCreate)
	chain := slices.Index(operations, acctest.OpChain)
	switch {
	case post < 0 || post != len(operations)-2:
		t.Errorf("expected the POST to be followed by nothing but its read-back, found %v", operations)
	case operations[post+1] != acctest.OpGet:
		t.Errorf("expected the record to be read back after the POST, found %v", operations)
	case chain < 0 || chain > post:
		t.Errorf("expected the certificate chain to be read before the POST, found %v", operations)
	case !slices.Contains(operations[:post], acctest.OpQuery):
		t.Errorf("expected the org's keys to be read before the POST, found %v", operations)
	}
	for _, needed := range []string{"SecretValue", "SecretValueHash", "SecretValueCertificate"} {
		if !slices.Contains(fields, needed) {
			t.Errorf("expected the POST to have %s, without which Salesforce makes its own key, found %v", needed, fields)
		}
	}
	if uploads := sim.RequestCount(); uploads > 12 {
		t.Errorf("expected a plan and an upload within 12 calls, found %d: %v", uploads, operations)
	}
}

func TestAccTenantSecret_givenMaterial(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	first, second := acctest.NewMaterial(), acctest.NewMaterial()
	config := func(material acctest.Material, version string) string {
		line, variable := givenMaterial(material, version)

		return acctest.Config(sim, variable+dataKey(line))
	}
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   writeOnly,
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: config(first, "1"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(tenantSecretAddress, tfjsonpath.New("key_material_wo"), knownvalue.Null()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					acctest.ActiveKeyInState(sim, tenantSecretAddress),
					acctest.UploadedMaterial(sim, "Data", first),
					valueOf("key_material_wo", knownvalue.Null()),
					valueOf("secret_value_hash", exact(first.Hash())),
					receiptHas(map[string]any{"key_source": "given", "secret_value_hash": first.Hash()}),
				},
			},
			{ // Write-only material alone is no change: the version is.
				Config:            config(second, "1"),
				ConfigPlanChecks:  unchanged,
				ConfigStateChecks: []statecheck.StateCheck{acctest.UploadedMaterial(sim, "Data", first)},
			},
			{
				Config:           config(second, "2"),
				ConfigPlanChecks: changed,
				ConfigStateChecks: []statecheck.StateCheck{
					acctest.ActiveKeyInState(sim, tenantSecretAddress),
					acctest.UploadedMaterial(sim, "Data", second),
					acctest.RequestCount(sim, acctest.OpCreate, 2),
				},
			},
			{ // Salesforce takes material only once.
				Config:      config(first, "3"),
				ExpectError: acctest.ErrorText("This key material was used before"),
			},
		},
	})
	if n := acctest.Count(sim, acctest.OpCreate); n != 2 {
		t.Errorf("expected the used material not to be sent, found %d POSTs", n)
	}
}

func TestAccTenantSecret_wrappingAlgorithms(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ typ, certificate, configured, planned string }{
		{"Data", "Sim_BYOK", "RSA_OAEP_SHA512", "RSA_OAEP_SHA512"},
		{"Data", "Sim_BYOK", "RSA_OAEP_SHA1", "RSA_OAEP_SHA1"},
		{"SearchIndex", "Sim_BYOK", "RSA_AES_KEY_WRAP_SHA512", "RSA_AES_KEY_WRAP_SHA512"},
		{"Database", "KMS", "", "RSA_AES_KEY_WRAP_SHA512"},
	} {
		t.Run(test.typ+"/"+test.planned, func(t *testing.T) {
			t.Parallel()
			if test.planned == "RSA_OAEP_SHA1" && strictFIPS() {
				t.Skip("strict FIPS has no SHA-1")
			}
			sim := acctest.StartSim(t,
				sfsim.WithSeed(&sfsim.Seed{Certificates: []sfsim.SeedCertificate{
					{DeveloperName: "Sim_BYOK"},
					{DeveloperName: "KMS", UsingKMS: true},
				}}),
				sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CanEncryptTransactionalDatabase = true }))
			algorithm := ""
			if test.configured != "" {
				algorithm = fmt.Sprintf("wrapping_algorithm = %q", test.configured)
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: acctest.Factories(),
				Steps: []resource.TestStep{{
					Config: acctest.Config(sim, tenantSecret(fmt.Sprintf("type = %q", test.typ),
						fmt.Sprintf("certificate = %q", test.certificate), algorithm)),
					ConfigPlanChecks: created,
					ConfigStateChecks: []statecheck.StateCheck{
						acctest.ActiveKeyInState(sim, tenantSecretAddress),
						valueOf("wrapping_algorithm", exact(test.planned)),
						receiptHas(map[string]any{"wrapping_algorithm": test.planned, "hash_matched_on_read_back": true}),
					},
				}},
			})
		})
	}
}

// CertificateChain's form is not documented: every one that a source shows is read.
func TestAccTenantSecret_certificateChainForms(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"pem", "base64", "json", "der"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.CertificateChainForm = form
			}))
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: acctest.Factories(),
				Steps: []resource.TestStep{{
					Config:            acctest.Config(sim, dataKey()),
					ConfigPlanChecks:  created,
					ConfigStateChecks: []statecheck.StateCheck{acctest.ActiveKeyInState(sim, tenantSecretAddress)},
				}},
			})
		})
	}
}

func TestAccTenantSecret_withoutDerivation(t *testing.T) {
	t.Parallel()
	allowed := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CanOptOutOfDerivationWithBYOK = true
	}))
	refused := acctest.StartSim(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{{
			Config:      acctest.Config(refused, dataKey(`key_derivation_mode = "NONE"`)),
			ExpectError: acctest.ErrorText(`needs the org setting "Allow BYOK to Opt-Out of Key Derivation"`),
		}, {
			Config:           acctest.Config(allowed, dataKey(`key_derivation_mode = "NONE"`)),
			ConfigPlanChecks: created,
			ConfigStateChecks: []statecheck.StateCheck{
				acctest.ActiveKeyInState(allowed, tenantSecretAddress),
				valueOf("key_derivation_mode", exact("NONE")),
			},
		}},
	})
	if keys := acctest.Keys(refused, "Data"); len(keys) != 1 {
		t.Errorf("expected no new key where the org refused, found %d", len(keys))
	}
}

// Two lineages of one configuration, one of which must exist before the other.
func TestAccTenantSecret_prerequisite(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{}}))
	deterministic := func(more string) string {
		return "\nresource \"salesforcebyok_tenant_secret\" \"deterministic\" {\n  type = \"DeterministicData\"\n  " +
			"certificate = \"Sim_BYOK\"\n  " + more + "\n}\n"
	}
	cli := acctest.NewCLI(t, sim)
	cli.Config(deterministic(""))
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges ||
		!plan.Has("warning", "A prerequisite is missing", "a DeterministicData key needs an ACTIVE Data key first") {
		t.Errorf("expected a warning of the missing prerequisite, found %v", plan.Summaries("warning"))
	}
	if applied := cli.Apply(); applied.Code == 0 || !applied.Has("error",
		"Salesforce refused the new DeterministicData key", "a DeterministicData key needs an ACTIVE Data key first") {
		t.Errorf("expected a refusal that names the prerequisite, found %s", applied.Output())
	}
	cli.Config(dataKey() + deterministic("depends_on = [salesforcebyok_tenant_secret.data]"))
	if applied := cli.MustApply(); applied.Added != 2 {
		t.Errorf("expected two additions, found %d", applied.Added)
	}
}

// An unknown type is Salesforce's to judge.
func TestAccTenantSecret_unknownType(t *testing.T) {
	t.Parallel()
	sim := acctest.StartLenientSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(tenantSecret(`type = "SalesforceDatabase"`, `certificate = "Sim_BYOK"`))
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges ||
		!plan.Has("warning", "Unknown type of tenant secret", "Salesforce may refuse it") {
		t.Errorf("expected a warning, found %s", plan.Output())
	}
	for _, typ := range []string{"data", "DATA", "Searchindex"} {
		cli.Config(tenantSecret(fmt.Sprintf("type = %q", typ), `certificate = "Sim_BYOK"`))
		expectError(t, cli.Plan(), "The type is spelled in another case", typ)
	}
}

func TestAccTenantSecret_nextRotationAllowed(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	sim := acctest.StartSim(t, sfsim.WithTime(now))
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{{
			Config: acctest.Config(sim, dataKey()),
			ConfigStateChecks: []statecheck.StateCheck{acctest.StateFunc(tenantSecretAddress,
				func(attributes map[string]any) error {
					created, err := time.Parse(time.RFC3339, fmt.Sprint(attributes["created_date"]))
					if err != nil {
						return err
					}
					if want := created.Add(24 * time.Hour).Format(time.RFC3339); attributes["next_rotation_allowed_date"] != want {
						return fmt.Errorf("expected the next Data key of a production org from %s, found %v", want,
							attributes["next_rotation_allowed_date"])
					}

					return nil
				})},
		}},
	})
}

// Create returns an error without state until Salesforce has said 201, and state without an error
// from then on.
func TestAccTenantSecret_createNeverTaints(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault   sfsim.Fault
		warning string
	}{
		"read back fails": {
			sfsim.Fault{
				Method: http.MethodGet, Path: "*/sobjects/TenantSecret/*", Status: http.StatusForbidden,
				ErrorCode: "INSUFFICIENT_ACCESS_OR_READONLY",
			},
			"The new key could not be read back",
		},
		"reply lost": {
			sfsim.Fault{Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Drop: "after"},
			"The reply to an upload was lost",
		},
		"server error after the commit": {
			sfsim.Fault{
				Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Status: http.StatusInternalServerError,
				Commit: true,
			},
			"The reply to an upload was lost",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey("lifecycle {\n    prevent_destroy = true\n  }"))
			if err := sim.AddFault(test.fault); err != nil {
				t.Fatal(err)
			}
			applied := cli.Apply()
			if applied.Code != 0 || !applied.Has("warning", test.warning) {
				t.Fatalf("expected success with the warning %q, found %s", test.warning, applied.Output())
			}
			sim.ClearFaults()
			// What the read-back could not see is read by the refresh; nothing is planned for it.
			cli.MustBeEmpty()
			if keys := acctest.Keys(sim, "Data"); len(keys) != 2 || acctest.Count(sim, acctest.OpCreate) != 1 {
				t.Errorf("expected one new key from one POST, found %d keys and %d POSTs", len(keys),
					acctest.Count(sim, acctest.OpCreate))
			}
		})
	}
}

// A record that could not be read back is changed, without a refresh, to what the plan says and no
// more; the next refresh reads the rest.
func TestAccTenantSecret_notReadBackThenChanged(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	arm(t, sim, sfsim.Fault{
		Method: http.MethodGet, Path: "sobjects/TenantSecret/", Status: http.StatusBadRequest,
		ErrorCode: "SIMULATED_OUTAGE",
	})
	cli.Config(dataKey())
	expectWarning(t, cli.Apply(), "The new key could not be read back")
	sim.ClearFaults()

	cli.Config(dataKey(`description = "Owned by the key team"`))
	if applied := cli.Apply("-refresh=false"); applied.Code != 0 || applied.Changed != 1 {
		t.Errorf("expected the description to be changed, found\n%s", applied.Output())
	}
	expectState(t, cli, tenantSecretAddress, map[string]any{"description": "Owned by the key team", "version": nil})
	cli.MustBeEmpty()
	if applied := cli.Apply("-refresh-only"); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	expectState(t, cli, tenantSecretAddress, map[string]any{"version": 2, "status": "ACTIVE"})
	uploads(t, sim, 1, 1)
}

// A new key of material that nobody made at random is refused at plan, and in the apply if the
// material is known only then. Nothing is escrowed or sent.
func TestAccTenantSecret_weakMaterial(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t)
	for name, test := range map[string]struct{ pattern, words string }{
		"zero":               {"\x00", "is all zero"},
		"one byte":           {"\xff", "repeats one byte"},
		"two bytes":          {"ab", "repeats every 2 bytes"},
		"four bytes":         {"abcd", "repeats every 4 bytes"},
		"eight bytes":        {"password", "repeats every 8 bytes"},
		"a doubled half key": {"0123456789abcdef", "repeats every 16 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			material := acctest.Material(strings.Repeat(test.pattern, 32/len(test.pattern)))
			line, variable := givenMaterial(material, "1")
			cli := acctest.NewCLI(t, sim)
			directory := filepath.Join(cli.Dir, "escrow")
			escrow := fmt.Sprintf("escrow = { age_recipients = [%q], directory = %q }", ageRecipient, directory)
			cli.Config(variable + tenantSecret(`type = "Data"`, `certificate = "Sim_BYOK"`, line, escrow))
			expectError(t, cli.Plan(), "Key material is weak", "key_material_wo", test.words, "Nothing was sent")
			late := "\nresource \"terraform_data\" \"late\" {\n  input = \"Data\"\n}\n"
			cli.Config(variable + late + tenantSecret("type = terraform_data.late.output", `certificate = "Sim_BYOK"`, line,
				escrow))
			expectError(t, cli.Apply(), "Key material is weak", test.words)
			if copies, err := filepath.Glob(filepath.Join(directory, "*.age")); err != nil || len(copies) != 0 {
				t.Errorf("expected no escrow copy, found %v (%v)", copies, err)
			}
		})
	}
	t.Cleanup(func() {
		if writes := acctest.Writes(sim); len(writes) != 0 {
			t.Errorf("expected nothing to be sent, found %v", writes)
		}
	})
}

// A key that is in the org already is adopted, whatever its material is: nothing is made.
func TestAccTenantSecret_weakMaterialInUse(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	material := make(acctest.Material, 32)
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{
		Source:   "UPLOADED",
		Material: material.Base64(),
	}}}))
	cli := acctest.NewCLI(t, sim)
	line, variable := givenMaterial(material, "1")
	cli.Config(variable + tenantSecret(`type = "Data"`, `certificate = "Sim_BYOK"`, line,
		fmt.Sprintf("secret_value_hash = %q", material.Hash())))
	cli.MustApply()
	if posts := acctest.Count(sim, acctest.OpCreate); posts != 0 {
		t.Errorf("expected the key to be adopted, found %d uploads", posts)
	}
}
