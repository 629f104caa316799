package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const prevented = "Destroying this resource is prevented"

// PREVENT refuses every replacement at plan, before anything is made, whoever asks for it and in
// whatever order it would be done.
func TestAccCertificate_preventedReplacement(t *testing.T) {
	t.Parallel()
	const policy = `deletion_policy = "PREVENT"`
	trigger := func(value string) string {
		return fmt.Sprintf("\nresource \"terraform_data\" \"trigger\" {\n  input = %q\n}\n", value)
	}
	triggered := "lifecycle {\n    replace_triggered_by = [terraform_data.trigger]\n  }"
	for name, test := range map[string]struct {
		before, after string
		args          []string
	}{
		"another name": {
			wrappingCertificate(`developer_name = "BYOK_A"`, policy),
			wrappingCertificate(`developer_name = "BYOK_B"`, policy), nil,
		},
		"another name, created first": {
			wrappingCertificate(`developer_name = "BYOK_A"`, policy),
			wrappingCertificate(`developer_name = "BYOK_B"`, policy, createFirst), nil,
		},
		"another name, policy dropped": {
			wrappingCertificate(`developer_name = "BYOK_A"`, policy),
			wrappingCertificate(`developer_name = "BYOK_B"`, createFirst), nil,
		},
		"another prefix": {
			wrappingCertificate(`developer_name_prefix = "BYOK_A"`, policy),
			wrappingCertificate(`developer_name_prefix = "BYOK_B"`, policy, createFirst), nil,
		},
		"to a prefix, by -replace": {
			wrappingCertificate(`developer_name = "BYOK_A"`, policy),
			wrappingCertificate(`developer_name_prefix = "BYOK"`, policy, createFirst),
			[]string{"-replace=" + certificateAddress},
		},
		"-replace": {
			wrappingCertificate(`developer_name = "BYOK_A"`, policy),
			wrappingCertificate(`developer_name = "BYOK_A"`, policy),
			[]string{"-replace=" + certificateAddress},
		},
		"-replace of a prefix": {
			wrappingCertificate(`developer_name_prefix = "BYOK"`, policy, createFirst),
			wrappingCertificate(`developer_name_prefix = "BYOK"`, policy, createFirst),
			[]string{"-replace=" + certificateAddress},
		},
		"replace_triggered_by": {
			trigger("1") + wrappingCertificate(`developer_name_prefix = "BYOK"`, policy, triggered),
			trigger("2") + wrappingCertificate(`developer_name_prefix = "BYOK"`, policy, triggered), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(test.before)
			cli.MustApply()
			made := madeNames(sim)
			cli.Config(test.after)
			expectError(t, cli.Plan(test.args...), prevented, made[0])
			expectError(t, cli.Apply(test.args...), prevented)
			expectError(t, cli.Apply(append(test.args, "-refresh=false")...), prevented)
			if names := madeNames(sim); len(names) != 1 || names[0] != made[0] {
				t.Errorf("expected %v, found %v", made, names)
			}
			expectCount(t, sim, opDeploy, 1)
		})
	}
}

// A certificate is not replaced under its own name: what is forgotten keeps the name, and what is
// deleted could not be named in the plan.
func TestAccCertificate_replacedUnderItsName(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"DELETE", "ABANDON"} {
		for order, lifecycle := range map[string]string{"destroyed first": "", "created first": createFirst} {
			t.Run(policy+"/"+order, func(t *testing.T) {
				t.Parallel()
				sim := acctest.StartSim(t)
				cli := acctest.NewCLI(t, sim)
				cli.Config(wrappingCertificate(`developer_name = "BYOK_A"`, fmt.Sprintf("deletion_policy = %q", policy), lifecycle))
				cli.MustApply()
				before, _ := inOrg(sim, "BYOK_A")
				replace := "-replace=" + certificateAddress
				expectError(t, cli.Plan(replace), "A certificate can't be replaced under its name", "BYOK_A", "Nothing was sent",
					"destroy it first")
				expectError(t, cli.Apply(replace), "A certificate can't be replaced under its name")
				if after, _ := inOrg(sim, "BYOK_A"); after != before {
					t.Errorf("expected the certificate to stay, found %+v", after)
				}
				expectCount(t, sim, opDeploy, 1)
				// Of a tainted one the provider learns nothing: the name is taken.
				cli.Run("taint", certificateAddress)
				expectError(t, cli.Plan(), "A certificate of this name exists", "BYOK_A", "terraform untaint")
				cli.Run("untaint", certificateAddress)
				cli.MustBeEmpty()
			})
		}
	}
}

// A tainted certificate with PREVENT is replaced without a word to the provider. Its successor is
// made by the time it is to be destroyed, so it is left in the org and forgotten; an error would
// come back for ever. Destroyed first, it is refused.
func TestAccCertificate_taintedAndPrevented(t *testing.T) {
	t.Parallel()
	for order, lifecycle := range map[string]string{"destroyed first": "", "created first": createFirst} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(wrappingCertificate(`developer_name_prefix = "BYOK"`, `deletion_policy = "PREVENT"`, lifecycle))
			cli.MustApply()
			first := madeNames(sim)[0]
			cli.Run("taint", certificateAddress)
			if lifecycle == "" {
				expectError(t, cli.Apply(), prevented, first)
				expectCount(t, sim, opDeploy, 1)

				return
			}
			expectWarning(t, cli.MustApply(), "The certificate was forgotten, not deleted", first)
			if names := madeNames(sim); len(names) != 2 {
				t.Errorf("expected both certificates, found %v", names)
			}
		})
	}
}

// The plan says by name what a replacement does with the old certificate, and the apply does it.
func TestAccCertificate_replacementSaid(t *testing.T) {
	t.Parallel()
	for policy, summary := range map[string]string{
		"DELETE":  "The certificate will be deleted",
		"ABANDON": "The certificate will be forgotten, not deleted",
	} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(wrappingCertificate(`developer_name = "BYOK_A"`, fmt.Sprintf("deletion_policy = %q", policy)))
			cli.MustApply()
			// The policy in state counts, not the new one.
			cli.Config(wrappingCertificate(`developer_name = "BYOK_B"`, createFirst))
			expectWarning(t, cli.Plan(), summary, `"BYOK_A"`)
			cli.MustApply()
			if _, there := inOrg(sim, "BYOK_A"); there != (policy == "ABANDON") {
				t.Errorf("expected %s to be done, found the old certificate there: %v", policy, there)
			}
			expectState(t, cli, certificateAddress, map[string]any{"developer_name": "BYOK_B", "deletion_policy": "DELETE"})
			cli.Config("")
			expectWarning(t, cli.Plan(), "The certificate will be deleted", `"BYOK_B"`)
		})
	}
}

// What Salesforce refuses to delete after its successor was made is forgotten, with Salesforce's
// reason.
func TestAccCertificate_deletionRefusedOfTheOldOne(t *testing.T) {
	t.Parallel()
	sim := cacheOnlyOrg(t)
	cli := acctest.NewCLI(t, sim)
	body := func(name string) string {
		return allowing(sim, wrappingCertificate(fmt.Sprintf("developer_name = %q", name), createFirst)+
			remoteSearch(`"key-1"`, `"BYOK_A"`, "depends_on = [salesforcebyok_certificate.wrapping]"))
	}
	providerConfig(cli, body("BYOK_A"))
	cli.MustApply()
	providerConfig(cli, body("BYOK_B"))
	expectWarning(t, cli.MustApply(), "The certificate was forgotten, not deleted", "BYOK_A",
		"The certificate BYOK_A is used by a cache-only key", "Delete it in Setup")
}

// An archived cache-only record keeps its certificate, at a destroy as at a replacement.
func TestAccCertificate_destroyWithAnArchivedRecord(t *testing.T) {
	t.Parallel()
	for _, allow := range []bool{false, true} {
		t.Run(fmt.Sprintf("allowed %v", allow), func(t *testing.T) {
			t.Parallel()
			sim := cacheOnlyOrg(t)
			cli := acctest.NewCLI(t, sim)
			body := func(certificate string) string {
				text := wrappingCertificate(`developer_name = "BYOK_A"`) +
					remoteSearch(fmt.Sprintf("%q", certificate), fmt.Sprintf("%q", certificate),
						"depends_on = [salesforcebyok_certificate.wrapping]")

				return acctest.ProviderBlock(sim, fmt.Sprintf("allow_key_destruction = %v", allow)) + text
			}
			providerConfig(cli, body("BYOK_A"))
			cli.MustApply()
			providerConfig(cli, body("Sim_BYOK"))
			cli.MustApply()
			target := "-target=" + certificateAddress
			expectWarning(t, cli.Plan("-destroy", target), "The certificate will be forgotten, not deleted", "BYOK_A",
				acctest.Keys(sim, "SearchIndex")[0].ID)
			if destroyed := cli.Destroy(target); destroyed.Code != 0 {
				t.Fatal(destroyed.Output())
			}
			if _, there := inOrg(sim, "BYOK_A"); !there {
				t.Error("expected the certificate to be in the org still")
			}
			expectCount(t, sim, opDeploy, 1)
		})
	}
}

// What would fail is refused at plan: a name that is taken, a date that is past, a renewal that
// would come at once.
func TestAccCertificate_refusedAtPlan(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	for name, test := range map[string]struct {
		lines   []string
		summary string
		words   []string
	}{
		"a name that is taken": {
			[]string{`developer_name = "Sim_BYOK"`},
			"A certificate of this name exists",
			[]string{"terraform import"},
		},
		"taken in another case": {
			[]string{`developer_name = "SIM_byok"`},
			"A certificate of this name exists",
			[]string{"Sim_BYOK"},
		},
		"a date that is past": {
			[]string{`developer_name = "A"`, `expiration_date = "2020-01-01T00:00:00Z"`},
			"The expiration date is past",
			[]string{"2020-01-01T00:00:00Z", "Nothing was sent"},
		},
		"two names": {
			[]string{`developer_name = "A"`, `developer_name_prefix = "B"`},
			"Expected one name of the certificate", nil,
		},
		"no name": {nil, "Expected one name of the certificate", nil},
		"a long prefix": {
			[]string{fmt.Sprintf("developer_name_prefix = %q", strings.Repeat("a", 56))},
			"Invalid Attribute Value Length", nil,
		},
		"a prefix that ends badly": {[]string{`developer_name_prefix = "A_"`}, "Invalid unique name", nil},
		"a renewal of a name": {
			[]string{`developer_name = "A"`, "renew_before_days = 30"},
			"The certificate can't be renewed like this",
			[]string{"developer_name_prefix"},
		},
		"a renewal by a CA": {
			[]string{`developer_name_prefix = "A"`, "renew_before_days = 30", "ca_signed = true"},
			"The certificate can't be renewed like this",
			[]string{"certificate_chain"},
		},
		"a renewal that is prevented": {
			[]string{`developer_name_prefix = "A"`, "renew_before_days = 30", `deletion_policy = "PREVENT"`},
			"The certificate can't be renewed like this",
			[]string{"ABANDON"},
		},
		"no days": {[]string{`developer_name_prefix = "A"`, "renew_before_days = 0"}, "Invalid Attribute Value", nil},
		"a fixed end": {
			[]string{
				`developer_name_prefix = "A"`, "renew_before_days = 30",
				fmt.Sprintf("expiration_date = %q", sim.Clock.Now().AddDate(0, 0, 29).UTC().Format(time.RFC3339)),
			},
			"The certificate would be renewed at once",
			[]string{"30 days"},
		},
	} {
		cli.Config(wrappingCertificate(test.lines...))
		if plan := cli.Plan(); plan.Code != acctest.PlanFailed || !plan.Has("error", test.summary, test.words...) {
			t.Errorf("%s: expected the error %q with %q, found\n%s", name, test.summary, test.words, plan.Output())
		}
	}
	expectCount(t, sim, opDeploy, 0)
}

// The org is part of the plan, so that a saved plan does nothing in another one.
func TestAccCertificate_plannedOrg(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{{
			Config: acctest.Config(sim, wrappingCertificate(`developer_name_prefix = "BYOK"`)),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownValue(certificateAddress, tfjsonpath.New("organization_id"), exact(sim.OrganizationID)),
				plancheck.ExpectKnownValue(certificateAddress, tfjsonpath.New("deletion_policy"), exact("DELETE")),
				plancheck.ExpectUnknownValue(certificateAddress, tfjsonpath.New("developer_name")),
			}},
		}},
	})
}

// Whoever adopts a certificate that serves something else changes nothing of it, and is warned.
func TestAccCertificate_adoptsAnother(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{Certificates: []sfsim.SeedCertificate{
		{DeveloperName: "Sim_BYOK"}, {
			DeveloperName: "Partner_SSO", MasterLabel: "Partner sign-on", KeySize: 2048,
			CASigned: true, PrivateKeyExportable: true,
		},
	}}))
	before, _ := inOrg(sim, "Partner_SSO")
	cli := acctest.NewCLI(t, sim)
	block := "\nimport {\n  to = " + certificateAddress + "\n  id = \"Partner_SSO\"\n}\n"
	for summary, line := range map[string]string{
		"The label can't be changed here": `label = "SSO"`, "The kind of a certificate can't be changed": "ca_signed = false",
		"The certificate expires at another time": `expiration_date = "2099-01-01T00:00:00Z"`,
	} {
		cli.Config(block + wrappingCertificate(`developer_name = "Partner_SSO"`, line))
		expectError(t, cli.Plan(), summary, "Partner_SSO")
		expectError(t, cli.Apply(), summary)
	}
	cli.Config(block + wrappingCertificate(`developer_name = "Partner_SSO"`))
	expectWarning(t, cli.Plan(), "The certificate can't wrap keys", "Partner_SSO", "its key has 2048 bits",
		"its private key is exportable")
	if applied := cli.MustApply(); applied.Added+applied.Changed+applied.Removed != 0 {
		t.Errorf("expected an import and nothing else, found %+v", applied)
	}
	expectState(t, cli, certificateAddress, map[string]any{
		"deletion_policy": "ABANDON", "ca_signed": true,
		"label": "Partner sign-on", "byok_compatible": false, "compatible_types": []any{},
	})
	cli.Config("")
	expectWarning(t, cli.Plan(), "The certificate will be forgotten, not deleted", "Partner_SSO")
	if applied := cli.Apply(); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	if after, _ := inOrg(sim, "Partner_SSO"); after != before {
		t.Errorf("expected the certificate to stay as it was, found %+v", after)
	}
	expectCount(t, sim, opDeploy, 0)
}

// Generated configuration says ABANDON, and plans nothing.
func TestAccCertificate_generatedConfiguration(t *testing.T) {
	t.Parallel()
	if acctest.OpenTofu() || acctest.Below(t, 1, 8) {
		t.Skip("generates configuration in another way")
	}
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config("\nimport {\n  to = " + certificateAddress + "\n  id = \"Sim_BYOK\"\n}\n")
	if plan := cli.Plan("-generate-config-out=generated.tf"); plan.Code == acctest.PlanFailed ||
		plan.Added+plan.Changed+plan.Removed != 0 {
		t.Fatalf("expected an import and nothing else, found\n%s", plan.Output())
	}
	cli.MustApply()
	expectState(t, cli, certificateAddress, map[string]any{"deletion_policy": "ABANDON", "developer_name": "Sim_BYOK"})
	expectCount(t, sim, opDeploy, 0)
}

// An expired certificate has expired, and does not expire soon.
func TestAccCertificate_expired(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_A"`))
	cli.MustApply()
	made, _ := inOrg(sim, "BYOK_A")
	sim.Clock.Set(made.ExpirationDate.Add(time.Second))
	plan := cli.Plan()
	expectWarning(t, plan, "Certificate has expired", "BYOK_A", "expired at "+made.ExpirationDate.Format(time.RFC3339))
	if plan.Has("warning", "Certificate expires soon") {
		t.Error("expected no word of an expiry to come")
	}
}

// A name that only the apply knows may be the one that the certificate has: nothing is replaced for
// it.
func TestAccCertificate_unknownAtPlan(t *testing.T) {
	t.Parallel()
	for attribute, line := range map[string]string{
		"developer_name":        "developer_name = terraform_data.value.output.name",
		"developer_name_prefix": "developer_name_prefix = terraform_data.value.output.prefix",
		"renew_before_days":     "developer_name_prefix = \"BYOK\"\n  renew_before_days = terraform_data.value.output.days",
	} {
		t.Run(attribute, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			config := func(generation int) string {
				return fmt.Sprintf("\nresource \"terraform_data\" \"value\" {\n  input = { name = \"BYOK_A\", prefix = \"BYOK\", "+
					"days = 30 }\n  triggers_replace = [%d]\n}\n", generation) +
					wrappingCertificate(line)
			}
			cli.Config(config(1))
			cli.MustApply()
			cli.Config(config(2))
			expectError(t, cli.Plan(), "Not known when the plan needs it", "BYOK", attribute, "-target")
			if targeted := cli.Apply("-target=terraform_data.value"); targeted.Code != 0 {
				t.Fatal(targeted.Output())
			}
			cli.MustBeEmpty()
			expectCount(t, sim, opDeploy, 1)
		})
	}
}

// Salesforce documents the expiry of a row as a date in one place: a certificate is fit on its last
// day, to the second of its X.509 end.
func TestAccCertificate_expiryAsADate(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CertificateDateOnly = true
	}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_A"`) + "\ndata \"salesforcebyok_certificate\" \"a\" {\n  " +
		"developer_name = salesforcebyok_certificate.wrapping.developer_name\n}\n")
	cli.MustApply()
	made, _ := inOrg(sim, "BYOK_A")
	sim.Clock.Stop()
	for _, test := range []struct {
		at  time.Time
		fit bool
	}{{made.ExpirationDate.Add(-time.Second), true}, {made.ExpirationDate.Add(time.Second), false}} {
		sim.Clock.Set(test.at)
		if refreshed := cli.Apply("-refresh-only"); refreshed.Code != 0 {
			t.Fatal(refreshed.Output())
		}
		expectState(t, cli, certificateAddress, map[string]any{
			"byok_compatible": test.fit,
			"not_after":       made.ExpirationDate.Format(time.RFC3339),
		})
		expectState(t, cli, "data.salesforcebyok_certificate.a", map[string]any{"byok_compatible": test.fit})
	}
}
