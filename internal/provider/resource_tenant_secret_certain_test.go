package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// What Salesforce documents against a combination of type, source, derivation and wrapping is
// refused at plan; what it does not is planned. If a value is known only during the apply, that
// refuses it, and nothing is sent either.
func TestAccTenantSecret_certainRefusals(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CanOptOutOfDerivationWithBYOK, s.CanEncryptTransactionalDatabase = true, true
	}))
	const none, wrap = `key_derivation_mode = "NONE"`, `wrapping_algorithm = "RSA_AES_KEY_WRAP_SHA512"`
	of := func(typ string, lines ...string) string {
		return tenantSecret(append(lines, fmt.Sprintf("type = %q", typ), `certificate = "Sim_BYOK"`)...)
	}
	late := func(body, value string) string {
		return fmt.Sprintf("\nresource \"terraform_data\" \"late\" {\n  input = %q\n}\n", value) +
			strings.ReplaceAll(body, fmt.Sprintf("= %q", value), "= terraform_data.late.output")
	}
	hsm := tenantSecret(`type = "Data"`, `source = "HSM"`, none)
	// An empty summary is for what is planned.
	for name, test := range map[string]struct{ body, attribute, summary, detail string }{
		"HSM without derivation": {
			hsm, "key_derivation_mode", "This source can't opt out of derivation",
			"found source HSM",
		},
		"HSM of another type, without": {
			strings.Replace(hsm, `"Data"`, `"EventBus"`, 1), "key_derivation_mode",
			"This source can't opt out of derivation", "found source HSM",
		},
		"Analytics without derivation": {
			of("Analytics", none), "key_derivation_mode",
			"This type can't opt out of derivation", "not for Analytics",
		},
		"SearchIndex without derivation": {
			of("SearchIndex", none), "key_derivation_mode",
			"This type can't opt out of derivation", "not for SearchIndex",
		},
		"Data without derivation":              {of("Data", none), "", "", ""},
		"DeterministicData without derivation": {of("DeterministicData", none), "", "", ""},
		"Data by key wrap": {
			of("Data", wrap), "wrapping_algorithm", "This type needs another wrapping",
			"Expected RSA_OAEP_SHA512, found RSA_AES_KEY_WRAP_SHA512",
		},
		"EventBus by key wrap": {
			of("EventBus", wrap), "wrapping_algorithm",
			"This type needs another wrapping", "CKM_RSA_AES_KEY_WRAP is for Database and SearchIndex",
		},
		"Analytics by key wrap": {
			of("Analytics", wrap), "wrapping_algorithm",
			"This type needs another wrapping", "of the type Analytics",
		},
		"SearchIndex by key wrap": {of("SearchIndex", wrap), "", "", ""},
		"Database by OAEP": {
			of("Database", `wrapping_algorithm = "RSA_OAEP_SHA512"`),
			"wrapping_algorithm", "Database keys need another wrapping", "RSA_AES_KEY_WRAP_SHA512",
		},
		"Database, certificate without KMS": {
			of("Database"), "certificate", "Wrapping certificate is not fit for BYOK",
			"needs a certificate that uses the KMS",
		},
	} {
		cli := acctest.NewCLI(t, sim)
		cli.Config(test.body)
		plan := cli.Plan()
		if test.summary == "" {
			if plan.Code != acctest.PlanChanges {
				t.Errorf("%s: expected a plan, found %v", name, plan.Summaries("error"))
			}

			continue
		}
		checkRefusal(t, plan, refusal{
			config: test.body, attribute: test.attribute, summary: test.summary,
			detail: []string{test.detail, "Nothing was sent."},
		})
	}
	for name, test := range map[string]struct{ body, value, summary string }{
		"HSM without derivation, known late":       {hsm, "HSM", "This source can't opt out of derivation"},
		"Analytics without derivation, known late": {of("Analytics", none), "NONE", "This type can't opt out of derivation"},
		"Data by key wrap, known late": {
			of("Data", wrap), "RSA_AES_KEY_WRAP_SHA512",
			"This type needs another wrapping",
		},
	} {
		cli := acctest.NewCLI(t, sim)
		cli.Config(late(test.body, test.value))
		if applied := cli.Apply(); applied.Code == 0 || !applied.Has("error", test.summary, "Nothing was sent.") ||
			applied.Has("error", "Salesforce refused the new Data key") {
			t.Errorf("%s: expected the apply to refuse, found exit code %d, %v", name, applied.Code, applied.Summaries("error"))
		}
	}
	if n := acctest.Count(sim, acctest.OpCreate); n != 0 {
		t.Errorf("expected nothing to be sent, found %d uploads", n)
	}
}

// Material that is not what the pin says is refused at plan, on create and for a rotation; so is a
// ciphertext of a length that no algorithm gives, which is measured against the declared one.
func TestAccTenantSecret_certainMaterial(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	const mismatch = "Key material does not match the pinned hash"
	first, second, third := acctest.NewMaterial(), acctest.NewMaterial(), acctest.NewMaterial()
	want := func(material acctest.Material, version string, lines ...string) {
		line, variable := givenMaterial(material, version)
		cli.Config(variable + dataKey(append(lines, line)...))
	}
	want(first, "1", pin(second))
	expectError(t, cli.Plan(), mismatch, second.Hash(), first.Hash(), "Nothing was sent.")
	want(first, "1", pin(first))
	cli.MustApply()
	want(third, "2", pin(second))
	expectError(t, cli.Plan(), mismatch, second.Hash(), third.Hash(), "Nothing was sent.")
	uploads(t, sim, 1, 1)

	ciphertext := func(n int) string {
		return wrapped(strings.Repeat("AQEB", n/3) + map[int]string{0: "", 2: "AQE="}[n%3])
	}
	const wrap = `wrapping_algorithm = "RSA_AES_KEY_WRAP_SHA512"`
	for name, test := range map[string]struct {
		lines []string
		says  []string
		not   string
	}{
		"560 bytes as key wrap": {
			[]string{ciphertext(560), wrap},
			[]string{"is 560 bytes", "552 bytes for RSA_AES_KEY_WRAP_SHA512"},
			"expected 512",
		},
		"512 bytes as key wrap": {
			[]string{ciphertext(512), wrap},
			[]string{"512 bytes, expected 552 bytes", "that is the length of RSA_OAEP"},
			"expected 512",
		},
		"560 bytes as OAEP": {
			[]string{ciphertext(560)},
			[]string{"is 560 bytes", "512 bytes for RSA_OAEP_SHA512"},
			"expected 552",
		},
		"552 bytes as OAEP": {[]string{ciphertext(552)}, []string{
			"552 bytes", "512 bytes for RSA_OAEP_SHA512",
			"that is the length of RSA_AES_KEY_WRAP_SHA512",
		}, "expected 552"},
	} {
		cli := acctest.NewCLI(t, sim)
		cli.Config(tenantSecret(append(test.lines, `type = "SearchIndex"`, `certificate = "Sim_BYOK"`, pin(third))...))
		plan := cli.Plan()
		i := slices.IndexFunc(plan.Diagnostics, func(d acctest.Diagnostic) bool { return d.Severity == "error" })
		if plan.Code != acctest.PlanFailed || i < 0 {
			t.Fatalf("%s: expected a refusal at plan, found exit code %d", name, plan.Code)
		}
		text := plan.Diagnostics[i].Detail
		if strings.Contains(text, test.not) {
			t.Errorf("%s: expected the declared algorithm's length alone, found %s", name, text)
		}
		for _, words := range test.says {
			if !strings.Contains(text, words) {
				t.Errorf("%s: expected %q, found %q", name, words, text)
			}
		}
	}
	uploads(t, sim, 1, 1)
}

// A restoration at the cap, whose refusal is inferred, is planned with a warning; below it there is
// none to give.
func TestAccTenantSecretVersion_restoreAtTheCapIsPlanned(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys  int
		warns bool
	}{"50 keys": {49, true}, "49 keys": {48, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, fmt.Sprintf("tenant_secrets: [{source: UPLOADED, status: ARCHIVED}, {status: ARCHIVED, "+
				"count: %d}, {}]", test.keys-1), sfsim.WithoutIntervals())
			r.t = t
			r.mustDestroy()
			if _, err := r.sim.Rotate("Data", "HSM"); err != nil {
				t.Fatal(err)
			}
			r.want(archived)
			plan := r.Plan()
			if plan.Code != acctest.PlanChanges || plan.Changed != 1 ||
				plan.Has("warning", "Restoring a key at the cap", "50 ACTIVE and ARCHIVED Data keys",
					"tries all the same") != test.warns {
				t.Errorf("expected a plan, with a warning %t, found exit code %d, %v", test.warns, plan.Code, plan.Diagnostics)
			}
			applied := r.Apply()
			if (applied.Code == 0) == test.warns {
				t.Errorf("expected Salesforce to decide, found %v", applied.Summaries("error"))
			}
			r.expectStatus(map[bool]string{true: "DESTROYED", false: "ARCHIVED"}[test.warns])
			if r.export() == "" {
				t.Error("the held export is lost")
			}
		})
	}
}
