package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// versionConfig is the resource over a simulated org.
func versionConfig(sim *sfsim.Server, id string, lines ...string) string {
	return acctest.Config(sim, fmt.Sprintf("resource \"salesforcebyok_tenant_secret_version\" \"old\" {\n  "+
		"tenant_secret_id = %q\n  %s\n}\n", id, strings.Join(lines, "\n  ")))
}

func versionValue(attribute string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(versionAddress, tfjsonpath.New(attribute), check)
}

func versionPlanned(action plancheck.ResourceActionType, more ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{
		PreApply:             append([]plancheck.PlanCheck{plancheck.ExpectResourceAction(versionAddress, action)}, more...),
		PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
	}
}

// nothingWritten expects that the org was read alone, and its exports so many times.
func nothingWritten(sim *sfsim.Server, exports int) statecheck.StateCheck {
	return acctest.OrgFunc(func() error {
		if writes := acctest.Writes(sim); len(writes) != 0 {
			return fmt.Errorf("expected nothing to be written, found %v", writes)
		}
		if got := acctest.Exports(sim); got != exports {
			return fmt.Errorf("expected %d exports to be read, found %d", exports, got)
		}

		return nil
	})
}

func TestAccTenantSecretVersion_adopt(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seedOf(t, archivedKey))
	key := sim.TenantSecrets()[0]
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: versionConfig(sim, key.ID, archived),
				ConfigPlanChecks: versionPlanned(plancheck.ResourceActionCreate,
					plancheck.ExpectUnknownValue(versionAddress, tfjsonpath.New("exported_secret_value")),
					plancheck.ExpectSensitiveValue(versionAddress, tfjsonpath.New("exported_secret_value")),
				),
				ConfigStateChecks: []statecheck.StateCheck{
					nothingWritten(sim, 1),
					versionValue("tenant_secret_id", knownvalue.StringExact(key.ID)),
					versionValue("organization_id", knownvalue.StringExact(sim.OrganizationID)),
					versionValue("type", knownvalue.StringExact("Data")),
					versionValue("version", knownvalue.Int64Exact(key.Version)),
					versionValue("status", knownvalue.StringExact("ARCHIVED")),
					versionValue("source", knownvalue.StringExact("UPLOADED")),
					versionValue("description", knownvalue.StringExact("old")),
					versionValue("key_derivation_mode", knownvalue.StringExact("PBKDF2")),
					versionValue("secret_value_hash", knownvalue.StringExact(key.SecretValueHash)),
					versionValue("created_date", knownvalue.StringExact(key.CreatedDate.UTC().Format("2006-01-02T15:04:05Z"))),
					versionValue("last_modified_date", knownvalue.NotNull()),
					versionValue("backup", knownvalue.StringExact("STATE")),
					versionValue("deletion_policy", knownvalue.StringExact("ABANDON")),
					versionValue("exported_secret_value", knownvalue.NotNull()),
					versionValue("recoverable", knownvalue.Bool(true)),
					statecheck.ExpectSensitiveValue(versionAddress, tfjsonpath.New("exported_secret_value")),
				},
			},
			{ // The other form of the id is the same record.
				Config:           versionConfig(sim, key.ID[:15], archived),
				ConfigPlanChecks: versionPlanned(plancheck.ResourceActionUpdate, acctest.InPlace(1)),
				ConfigStateChecks: []statecheck.StateCheck{
					nothingWritten(sim, 1),
					versionValue("tenant_secret_id", knownvalue.StringExact(key.ID[:15])),
				},
			},
			{
				Config:           versionConfig(sim, key.ID, archived, noBackup),
				ConfigPlanChecks: versionPlanned(plancheck.ResourceActionUpdate, acctest.InPlace(1)),
				ConfigStateChecks: []statecheck.StateCheck{
					nothingWritten(sim, 1),
					versionValue("exported_secret_value", knownvalue.Null()), versionValue("recoverable", knownvalue.Bool(false)),
				},
			},
			{ // Wanted again, the export is read again.
				Config:           versionConfig(sim, key.ID, archived),
				ConfigPlanChecks: versionPlanned(plancheck.ResourceActionUpdate, acctest.InPlace(1)),
				ConfigStateChecks: []statecheck.StateCheck{
					nothingWritten(sim, 2),
					versionValue("recoverable", knownvalue.Bool(true)),
				},
			},
		},
	})
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected the destroy of the resource to write nothing, found %v", writes)
	}
}

// What each kind of record holds when it is adopted as it is.
func TestAccTenantSecretVersion_adoptKinds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed    string
		lines   []string
		exports int
		hash    knownvalue.Check
	}{
		"uploaded, no backup": {archivedKey, []string{archived, noBackup}, 0, knownvalue.NotNull()},
		"made by Salesforce":  {"tenant_secrets: [{status: ARCHIVED}, {}]", []string{archived}, 1, knownvalue.Null()},
		"destroyed": {
			"tenant_secrets: [{source: UPLOADED, status: DESTROYED}, {}]",
			[]string{destroyed, acknowledge("02GWt0000000005MAA")},
			0, knownvalue.NotNull(),
		},
		"cache-only": {
			"tenant_secrets: [{source: REMOTE, type: EventBus}, {}]",
			[]string{`desired_status = "ACTIVE"`},
			0, knownvalue.Null(),
		},
		"cache-only, followed": {
			"tenant_secrets: [{source: REMOTE, status: ARCHIVED}, {}]",
			[]string{archived},
			0,
			knownvalue.Null(),
		},
		"cache-only, set to destroy": {
			"tenant_secrets: [{source: REMOTE, type: EventBus, status: DESTROYED}, {}]",
			[]string{destroyed},
			0, knownvalue.Null(),
		},
		"Database": {
			"settings: {can_encrypt_transactional_database: true}\ntenant_secrets: [{type: Database, status: ARCHIVED}, " +
				"{type: Database}, {}]", []string{archived}, 0, knownvalue.Null(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seedOf(t, test.seed))
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: acctest.Factories(),
				Steps: []resource.TestStep{{
					Config:           versionConfig(sim, sim.TenantSecrets()[0].ID, test.lines...),
					ConfigPlanChecks: versionPlanned(plancheck.ResourceActionCreate),
					ConfigStateChecks: []statecheck.StateCheck{
						nothingWritten(sim, test.exports), versionValue("recoverable", knownvalue.Bool(test.exports > 0)),
						versionValue("secret_value_hash", test.hash),
						versionValue("status", knownvalue.StringExact(sim.TenantSecrets()[0].Status)),
					},
				}},
			})
		})
	}
}

// The description is Salesforce's: an edit is followed, and asks for nothing.
func TestAccTenantSecretVersion_followsTheDescription(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	r.patchInSetup(map[string]any{"Description": "edited in Setup"})
	r.MustBeEmpty()
	if result := r.Apply("-refresh-only"); result.Code != 0 {
		t.Fatal(result.Output())
	}
	if state := r.State(versionAddress); state["description"] != "edited in Setup" ||
		state["exported_secret_value"] == nil {
		t.Errorf("expected the new description beside the held export, found %v", state["description"])
	}
}

// A rotation of the tenant secret archives the record that it managed, and another resource adopts
// it, in the same configuration.
func TestAccTenantSecretVersion_idKnownAfterApply(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seedOf(t, archivedKey))
	id := sim.TenantSecrets()[0].ID
	body := `
variable "id" {
  type = string
}

resource "terraform_data" "id" {
  input = var.id
}

resource "salesforcebyok_tenant_secret_version" "old" {
  tenant_secret_id = terraform_data.id.output
  desired_status   = "ARCHIVED"
}
`
	variables := func(id string) config.Variables { return config.Variables{"id": config.StringVariable(id)} }
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: acctest.Config(sim, body), ConfigVariables: variables(id),
				ConfigPlanChecks:  versionPlanned(plancheck.ResourceActionCreate),
				ConfigStateChecks: []statecheck.StateCheck{nothingWritten(sim, 1)},
			},
			{
				Config: acctest.Config(sim, body), ConfigVariables: variables(sim.TenantSecrets()[1].ID),
				ExpectError: acctest.ErrorText("An ACTIVE key can't be archived by itself"),
			},
		},
	})
}

// imported is what an import can't know: it reads no export.
var notImported = []string{"exported_secret_value", "recoverable", "receipt"}

func TestAccTenantSecretVersion_import(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seedOf(t, archivedKey))
	id := sim.TenantSecrets()[0].ID
	importAs := func(id string) resource.TestStep {
		return resource.TestStep{
			ResourceName: versionAddress, ImportState: true, ImportStateId: id, ImportStateVerify: true,
			ImportStateVerifyIdentifierAttribute: "tenant_secret_id", ImportStateVerifyIgnore: notImported,
		}
	}
	refused := func(id, words string) resource.TestStep {
		return resource.TestStep{
			ResourceName: versionAddress, ImportState: true, ImportStateId: id,
			ExpectError: acctest.ErrorText(words),
		}
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{Config: versionConfig(sim, id, archived)},
			importAs(id),
			importAs(id[:15]),
			refused("Data", "Expected the id (02G…) of a tenant secret, 15 or 18 characters."),
			refused("02GWt0000000999", "shows 2 tenant secrets, and none with the id 02GWt0000000999"),
			refused(id[:17]+"Z", "Expected the id (02G…) of a tenant secret"),
			refused(sim.OrganizationID, "none with the id "+sim.OrganizationID),
		},
	})
	if acctest.Exports(sim) != 1 || len(acctest.Writes(sim)) != 0 {
		t.Errorf("expected no import to read an export or to write, found %d exports, %v", acctest.Exports(sim),
			acctest.Writes(sim))
	}
}

// An imported record is kept as it is: the first plan shows that its export will be read, and
// nothing else.
func TestAccTenantSecretVersion_importThenApply(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]func(string) string{
		"18 characters": func(id string) string { return id },
		"15 characters": func(id string) string { return id[:15] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.want(archived)
			r.write(r.block(archived) + fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", versionAddress, id(r.id)))
			plan := r.Plan()
			if plan.Added != 0 || plan.Changed != 1 || plan.Removed != 0 {
				t.Fatalf("expected an import with a change in place, found %+v", plan)
			}
			r.MustApply()
			if acctest.Exports(r.sim) != 1 || len(acctest.Writes(r.sim)) != 0 || r.export() == "" {
				t.Errorf("expected the first apply to read the export, and nothing else, found %d exports, %v",
					acctest.Exports(r.sim), acctest.Writes(r.sim))
			}
		})
	}
}

func TestAccTenantSecretVersion_importOfADestroyedRecord(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, "tenant_secrets: [{source: UPLOADED, status: DESTROYED}, {}]")
	r.want(archived)
	if result := r.Run("import", "-no-color", versionAddress, r.id); result.Code != 0 {
		t.Fatal(result.Output())
	}
	r.refused("This key can't be restored", r.id, "is DESTROYED, and the state holds no export of it")
	r.must(destroyed)
}

// Identity needs Terraform 1.12. A block whose import changes nothing is what plugin-testing
// expects, so the record has no export.
func TestAccTenantSecretVersion_importByBlockAndIdentity(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seedOf(t, "tenant_secrets: [{source: REMOTE, type: EventBus, status: DESTROYED}, {}]"))
	id := sim.TenantSecrets()[0].ID
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: versionConfig(sim, id, destroyed),
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectIdentity(versionAddress, map[string]knownvalue.Check{
					"organization_id": knownvalue.StringExact(sim.OrganizationID), "tenant_secret_id": knownvalue.StringExact(id),
				})},
			},
			{ResourceName: versionAddress, ImportState: true, ImportStateKind: resource.ImportBlockWithID, ImportStateId: id},
			{ResourceName: versionAddress, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
		},
	})
}

func TestAccTenantSecretVersion_importByIdentityOfAnotherOrg(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seedOf(t, archivedKey))
	id := sim.TenantSecrets()[0].ID
	identity := func(org, id string) string {
		return versionConfig(sim, id, archived) + fmt.Sprintf("import {\n  to = %s\n  identity = {\n    organization_id = "+
			"%q\n    tenant_secret_id = %q\n  }\n}\n", versionAddress, org, id)
	}
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{Config: identity("00DWt0000000009MAA", id), ExpectError: acctest.ErrorText("This key belongs to another org")},
			{Config: identity(sim.OrganizationID, "02GWt0000000999"), ExpectError: acctest.ErrorText("No such tenant secret")},
			{Config: identity(sim.OrganizationID, id), ConfigStateChecks: []statecheck.StateCheck{
				nothingWritten(sim, 1),
				versionValue("recoverable", knownvalue.Bool(true)),
			}},
		},
	})
}
