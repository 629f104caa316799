package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// uploadedElsewhere is an org whose Data key was uploaded without this provider.
func uploadedElsewhere() sfsim.Option {
	return sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{
		{Source: "HSM", Status: "ARCHIVED"}, {Source: "UPLOADED", Description: "By hand", Certificate: "Sim_BYOK"},
	}})
}

// importTests are the ways to name the ACTIVE Data key.
func importTests(t *testing.T, sim *sfsim.Server) map[string]string {
	t.Helper()
	id := acctest.ActiveKey(t, sim, "Data").ID

	return map[string]string{"type": "Data", "18 characters": id, "15 characters": id[:15]}
}

// The first apply after an import marks the record; it never rotates for what can't be read back.
func TestAccTenantSecret_importCommand(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"type", "18 characters", "15 characters"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, uploadedElsewhere())
			key := acctest.ActiveKey(t, sim, "Data")
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey(`description = "By hand"`, trigger("a"), "rotate_after_days = 4000"))
			if imported := cli.Run("import", "-input=false", tenantSecretAddress,
				importTests(t, sim)[name]); imported.Code != 0 {
				t.Fatal(imported.Output())
			}
			plan := cli.Plan()
			if plan.Code != acctest.PlanChanges || plan.Changed != 1 || plan.Added != 0 || plan.Removed != 0 {
				t.Fatalf("expected the plan to mark the record, found %s", plan.Output())
			}
			if plan.Has("warning", "The Data key will be rotated") || plan.Has("warning", rotates) {
				t.Error("expected no rotation after an import")
			}
			cli.MustApply()
			after := acctest.ActiveKey(t, sim, "Data")
			state := cli.State(tenantSecretAddress)
			if after.ID != key.ID || after.Description != fmt.Sprintf("By hand [tf:%v]", state["rotation_id"]) {
				t.Errorf("expected the record %s to be marked, found %+v", key.ID, after)
			}
			if !strings.Contains(fmt.Sprint(state["receipt"]), `"outcome":"imported"`) {
				t.Errorf("expected a receipt of the import, found %v", state["receipt"])
			}
			if posts := acctest.Count(sim, acctest.OpCreate); posts != 0 {
				t.Errorf("expected no upload, found %d", posts)
			}

			// From here on the lineage is like any other.
			cli.Config(dataKey(`description = "By hand"`, trigger("b")))
			if plan := cli.Plan(); plan.Changed != 1 || !plan.Has("warning", rotates,
				"rotation_triggers changed, so a new Data key is made") {
				t.Errorf("expected a changed trigger to rotate, found %s", plan.Output())
			}
		})
	}
}

func TestAccTenantSecret_importBlock(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"type", "18 characters", "15 characters"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, uploadedElsewhere())
			cli := acctest.NewCLI(t, sim)
			cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", tenantSecretAddress, importTests(t, sim)[name]) +
				dataKey())
			applied := cli.MustApply()
			if applied.Added != 0 || applied.Removed != 0 {
				t.Errorf("expected an import, found %+v", applied)
			}
			if n := acctest.Count(sim, acctest.OpCreate); n != 0 {
				t.Errorf("expected no upload, found %d", n)
			}
		})
	}
}

func TestAccTenantSecret_importByIdentity(t *testing.T) {
	t.Parallel()
	if acctest.Below(t, 1, 12) {
		t.Skip("import by identity needs Terraform or OpenTofu 1.12")
	}
	sim := acctest.StartSim(t, uploadedElsewhere())
	identity := func(org string) string {
		return fmt.Sprintf("\nimport {\n  to = %s\n  identity = {\n    organization_id = %q\n    type = \"Data\"\n  }\n}\n",
			tenantSecretAddress, org) + dataKey()
	}
	cli := acctest.NewCLI(t, sim)
	cli.Config(identity("00DWt0000000009MAA"))
	if refused := cli.Plan(); refused.Code != acctest.PlanFailed ||
		!refused.Has("error", "This key belongs to another org", sim.OrganizationID) {
		t.Errorf("expected the identity of another org to be refused, found %s", refused.Output())
	}
	cli.Config(identity(sim.OrganizationID))
	cli.MustApply()
	if n := acctest.Count(sim, acctest.OpCreate); n != 0 {
		t.Errorf("expected no upload, found %d", n)
	}
}

// Identity is in state from the create on.
func TestAccTenantSecret_identity(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: acctest.Config(sim, dataKey()),
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectIdentity(tenantSecretAddress,
					map[string]knownvalue.Check{
						"organization_id": exact(sim.OrganizationID), "type": exact("Data"),
					})},
			},
		},
	})
}

// What can be read back, and is configured otherwise, rotates; the plan shows it.
func TestAccTenantSecret_importThatRotates(t *testing.T) {
	t.Parallel()
	material := acctest.NewMaterial()
	line, variable := givenMaterial(material, "1")
	for name, test := range map[string]struct {
		seed   sfsim.SeedSecret
		lines  []string
		reason string
	}{
		"source": {sfsim.SeedSecret{Source: "HSM"}, nil, "another source"},
		"derivation": {
			sfsim.SeedSecret{Source: "UPLOADED", KeyDerivationMode: "NONE"}, nil, "another key_derivation_mode",
		},
		"pin": {
			sfsim.SeedSecret{Source: "UPLOADED"},
			[]string{line, fmt.Sprintf("secret_value_hash = %q", material.Hash())},
			"pinned secret_value_hash is not the hash",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := dataKey(test.lines...)
			if test.lines != nil {
				skipBelowWriteOnly(t)
				body = variable + body
			}
			sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{test.seed}}))
			cli := acctest.NewCLI(t, sim)
			cli.Config(body)
			if imported := cli.Run("import", "-input=false", tenantSecretAddress, "Data"); imported.Code != 0 {
				t.Fatal(imported.Output())
			}
			if plan := cli.Plan(); plan.Changed != 1 || plan.Removed != 0 ||
				!plan.Has("warning", "The Data key will be rotated", test.reason) {
				t.Errorf("expected a rotation because of %q, found %s", test.reason, plan.Output())
			}
		})
	}
}

// An imported record that fits the pin keeps its key.
func TestAccTenantSecret_importWithEqualPin(t *testing.T) {
	t.Parallel()
	material := acctest.NewMaterial()
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{
		Source:   "UPLOADED",
		Material: material.Base64(),
	}}}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(fmt.Sprintf("secret_value_hash = %q", material.Hash())))
	if imported := cli.Run("import", "-input=false", tenantSecretAddress, "Data"); imported.Code != 0 {
		t.Fatal(imported.Output())
	}
	cli.MustApply()
	if n := acctest.Count(sim, acctest.OpCreate); n != 0 {
		t.Errorf("expected no upload, found %d", n)
	}
}

// A key that this provider made is imported without a change of its record.
func TestAccTenantSecret_importOfOwnRecord(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(trigger("a")))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	if imported := cli.Run("import", "-input=false", tenantSecretAddress, "Data"); imported.Code != 0 {
		t.Fatal(imported.Output())
	}
	cli.MustApply()
	if after := cli.State(tenantSecretAddress); after["rotation_id"] != before["rotation_id"] ||
		after["tenant_secret_id"] != before["tenant_secret_id"] {
		t.Errorf("expected the rotation id %v to be kept, found %v", before["rotation_id"], after["rotation_id"])
	}
	if posts, patches := acctest.Count(sim, acctest.OpCreate),
		acctest.Count(sim, acctest.OpUpdate); posts != 1 || patches != 0 {
		t.Errorf("expected nothing to be written after the first apply, found %d POSTs and %d patches", posts, patches)
	}
}

func TestAccTenantSecret_importErrors(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, uploadedElsewhere())
	archived := acctest.Keys(sim, "Data")[0]
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	for id, words := range map[string][]string{
		archived.ID:          {"This record is not its type's ACTIVE key", "salesforcebyok_tenant_secret_version"},
		"02GWt0000000999MAA": {"No such tenant secret", "Expected a type"},
		"Analytics":          {"No ACTIVE tenant secret of this type", "Manage Encryption Keys"},
		"x' OR Id != '":      {"No ACTIVE tenant secret of this type"},
	} {
		failed := cli.Run("import", "-input=false", "-no-color", tenantSecretAddress, id)
		if failed.Code == 0 {
			t.Errorf("%s: expected the import to fail", id)
		}
		for _, text := range words {
			if !acctest.ErrorText(text).MatchString(failed.Output()) {
				t.Errorf("%s: expected %q, found %s", id, text, failed.Output())
			}
		}
	}
	if state := cli.State(tenantSecretAddress); state != nil {
		t.Errorf("expected no state, found %v", state)
	}
}
