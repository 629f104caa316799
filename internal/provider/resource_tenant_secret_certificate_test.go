package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func withCertificate(c sfsim.SeedCertificate) sfsim.Option {
	return sfsim.WithSeed(&sfsim.Seed{Certificates: []sfsim.SeedCertificate{{DeveloperName: "Good"}, c}})
}

// A certificate that can never wrap is refused at plan; one that is not there yet, or waits for its
// chain, at apply. Nothing is sent.
func TestAccTenantSecret_certificate(t *testing.T) {
	t.Parallel()
	no := false
	for name, test := range map[string]struct {
		seed    sfsim.SeedCertificate
		reason  string
		atApply bool
	}{
		"2048 bits":  {sfsim.SeedCertificate{KeySize: 2048}, "its key has 2048 bits, 4096 are needed", false},
		"exportable": {sfsim.SeedCertificate{PrivateKeyExportable: true}, "its private key is exportable", false},
		"not encrypted": {
			sfsim.SeedCertificate{PlatformEncryption: &no},
			"its private key is not encrypted with Platform Encryption", false,
		},
		"waits for its chain": {sfsim.SeedCertificate{CASigned: true, Unusable: true}, "it is not usable yet", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.seed.DeveloperName = "Bad"
			sim := acctest.StartSim(t, withCertificate(test.seed))
			cli := acctest.NewCLI(t, sim)
			cli.Config(tenantSecret(`type = "Data"`, `certificate = "Bad"`))
			plan := cli.Plan()
			switch {
			case !test.atApply && (plan.Code != acctest.PlanFailed ||
				!plan.Has("error", "Wrapping certificate is not fit for BYOK", "Bad", test.reason, "Nothing was sent.")):
				t.Errorf("expected the plan to refuse the certificate because %s, found %s", test.reason, plan.Output())
			case test.atApply && (plan.Code != acctest.PlanChanges ||
				!plan.Has("warning", "Wrapping certificate is not usable yet", "waits for its signed chain")):
				t.Errorf("expected the plan to warn that %s, found %s", test.reason, plan.Output())
			}
			if applied := cli.Apply(); applied.Code == 0 || !applied.Has("error", "Wrapping certificate is not fit for BYOK",
				test.reason) {
				t.Errorf("expected the apply to refuse the certificate, found %s", applied.Output())
			}
			if writes := acctest.Writes(sim); len(writes) != 0 {
				t.Errorf("expected nothing to be sent, found %v", writes)
			}
		})
	}
}

// A certificate that uses the KMS serves Database alone, which takes no other: plan and apply say
// the same. The apply finds out by itself if the certificate is made between the two.
func TestAccTenantSecret_certificatesOfTheKMS(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		typ    string
		kms    bool
		reason string
	}{
		"Data from the KMS":      {"Data", true, "it uses the KMS (OptionsIsUsingKMS) and serves Database keys only"},
		"Analytics from the KMS": {"Analytics", true, "serves Database keys only"},
		"Database without":       {"Database", false, "a Database key needs a certificate that uses the KMS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, withCertificate(sfsim.SeedCertificate{DeveloperName: "Bad", UsingKMS: test.kms}),
				sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CanEncryptTransactionalDatabase = true }))
			cli := acctest.NewCLI(t, sim)
			cli.Config(tenantSecret(fmt.Sprintf("type = %q", test.typ), `certificate = "Bad"`))
			expectError(t, cli.Plan(), "Wrapping certificate is not fit for BYOK", "Bad", test.reason, "Nothing was sent")
			// The name is known at the apply alone.
			cli.Config("\nresource \"terraform_data\" \"name\" {\n  input = \"Bad\"\n}\n" +
				tenantSecret(fmt.Sprintf("type = %q", test.typ), "certificate = terraform_data.name.output"))
			if plan := cli.Plan(); plan.Code != acctest.PlanChanges {
				t.Errorf("expected a plan, found %s", plan.Output())
			}
			expectError(t, cli.Apply(), "Wrapping certificate is not fit for BYOK", test.reason)
			if writes := acctest.Writes(sim); len(writes) != 0 {
				t.Errorf("expected nothing to be sent, found %v", writes)
			}
		})
	}
}

// A cache-only key takes no certificate of the KMS, and none that is unfit otherwise: the plan says
// so.
func TestAccCacheOnlyKey_unfitCertificate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed   sfsim.SeedCertificate
		reason string
	}{
		"of the KMS": {sfsim.SeedCertificate{UsingKMS: true}, "serves Database keys only"},
		"2048 bits":  {sfsim.SeedCertificate{KeySize: 2048}, "its key has 2048 bits"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.seed.DeveloperName = "Bad"
			sim := acctest.StartSim(t, withCertificate(test.seed))
			cli := acctest.NewCLI(t, sim)
			cli.Config(cacheOnly(`certificate = "Bad"`))
			expectError(t, cli.Plan(), "Wrapping certificate is not fit for BYOK", "Bad", test.reason, "Nothing was made")
			if strictFIPS() {
				return
			}
			line, variable := givenMaterial(acctest.NewMaterial(), "1")
			if acctest.Below(t, 1, 11) {
				return
			}
			cli.Config(variable + cacheOnly(`certificate = "Good"`, line))
			cli.MustApply()
			cli.Config(variable + cacheOnly(`certificate = "Bad"`, line))
			expectError(t, cli.Plan(), "Wrapping certificate is not fit for BYOK", "Bad", test.reason)
		})
	}
}

// Expiry is judged by the org's clock.
func TestAccTenantSecret_certificateExpiry(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withCertificate(sfsim.SeedCertificate{
		DeveloperName: "Short",
		Expires:       moment(t, "720h30m"),
	}))
	sim.Clock.Stop()
	short, _ := inOrg(sim, "Short")
	cli := acctest.NewCLI(t, sim)
	cli.Config(tenantSecret(`type = "Data"`, `certificate = "Short"`))
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges || plan.Has("warning", "Wrapping certificate expires soon") {
		t.Errorf("expected no warning 30 days before the end, found %v", plan.Summaries("warning"))
	}
	sim.Clock.Advance(time.Hour)
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges ||
		!plan.Has("warning", "Wrapping certificate expires soon", short.ExpirationDate.Format("2006-01-")) {
		t.Errorf("expected a warning within 30 days of the end, found %s", plan.Output())
	}
	// How early is for the configuration to say: 0 is never.
	for days, warned := range map[int]bool{0: false, 29: false, 30: true, 60: true} {
		cli.Config(tenantSecret(`type = "Data"`, `certificate = "Short"`, fmt.Sprintf("warn_before_days = %d", days)))
		if plan := cli.Plan(); plan.Code != acctest.PlanChanges ||
			plan.Has("warning", "Wrapping certificate expires soon") != warned {
			t.Errorf("warn_before_days = %d: expected a warning: %v, found %v", days, warned, plan.Summaries("warning"))
		}
	}
	cli.Config(tenantSecret(`type = "Data"`, `certificate = "Short"`))
	sim.Clock.Advance(30 * 24 * time.Hour)
	if plan := cli.Plan(); plan.Code != acctest.PlanFailed ||
		!plan.Has("error", "Wrapping certificate is not fit for BYOK", "it expired on") {
		t.Errorf("expected an expired certificate to be refused, found %s", plan.Output())
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be sent, found %v", writes)
	}
}

// A pin that the certificate of a key in use does not have is a warning while nothing is to be
// wrapped, and an error once something is.
func TestAccTenantSecret_pinsOfASettledKey(t *testing.T) {
	t.Parallel()
	const summary = "The wrapping certificate is not pinned"
	cli := acctest.NewCLI(t, acctest.StartSim(t))
	lines := []string{
		`type = "Data"`, `certificate = "Sim_BYOK"`,
		fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient),
	}
	cli.Config(tenantSecret(lines...))
	cli.MustApply()
	id := cli.State(tenantSecretAddress)["tenant_secret_id"]
	lines = append(lines, fmt.Sprintf("certificate_pins = [%q]", strings.Repeat("0a", 32)))
	cli.Config(tenantSecret(lines...))
	expectWarning(t, cli.MustApply(), summary, fmt.Sprint(cli.State(tenantSecretAddress)["wrapping_certificate_sha256"]))
	expectState(t, cli, tenantSecretAddress, map[string]any{"tenant_secret_id": id})
	cli.Config(tenantSecret(append(lines, trigger("b"))...))
	expectError(t, cli.Plan(), summary)
}

// A certificate that was fit at the plan and is gone at the apply.
func TestAccTenantSecret_certificateMissing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ name, hint string }{
		"unknown":    {"Missing", "Certificates of this org that fit: Good"},
		"label":      {"Sim_Label", `Did you mean the unique name "Bad"`},
		"other case": {"good", `Did you mean the unique name "Good"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, withCertificate(sfsim.SeedCertificate{
				DeveloperName: "Bad", MasterLabel: "Sim_Label",
				KeySize: 2048,
			}))
			cli := acctest.NewCLI(t, sim)
			cli.Config(tenantSecret(`type = "Data"`, fmt.Sprintf("certificate = %q", test.name)))
			if plan := cli.Plan(); plan.Code != acctest.PlanChanges ||
				!plan.Has("warning", "Wrapping certificate not found", test.name) {
				t.Errorf("expected a warning at plan, found %s", plan.Output())
			}
			if applied := cli.Apply(); applied.Code == 0 || !applied.Has("error", "Wrapping certificate not found", test.name,
				test.hint, "Nothing was sent.") {
				t.Errorf("expected an error with the hint %q, found %s", test.hint, applied.Output())
			}
			if writes := acctest.Writes(sim); len(writes) != 0 {
				t.Errorf("expected nothing to be sent, found %v", writes)
			}
		})
	}
}

// A certificate that the same plan makes is no cause for a warning: the key refers to it, and is
// applied after it. One that still waits for its chain then is.
func TestAccTenantSecret_certificateOfTheSamePlan(t *testing.T) {
	t.Parallel()
	for attribute, want := range map[string]bool{"": false, "ca_signed = false": false, "ca_signed = true": true} {
		t.Run(attribute, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(tenantSecret(`type = "Data"`, "certificate = salesforcebyok_certificate.new.developer_name") +
				fmt.Sprintf("\nresource \"salesforcebyok_certificate\" \"new\" {\n  developer_name = \"BYOK_New\"\n  %s\n}\n",
					attribute))
			plan := cli.Plan()
			if plan.Code != acctest.PlanChanges || plan.Has("warning", "Wrapping certificate not found", "BYOK_New") != want {
				t.Errorf("expected a warning: %t, found %s", want, plan.Output())
			}
			if !want {
				cli.MustApply()
				cli.MustBeEmpty()
			}
		})
	}
}

// moment is a point in time of a seed.
func moment(t *testing.T, text string) sfsim.Moment {
	t.Helper()
	var seed struct{ At sfsim.Moment }
	if err := yaml.Unmarshal([]byte("at: "+text), &seed); err != nil {
		t.Fatal(err)
	}

	return seed.At
}

// The certificate of the next upload may be missing, or wait for its chain, while the key in use
// stays as it is.
func TestAccTenantSecret_nextCertificateIsNotThere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		certificate, more string
		wrapping          any
	}{
		"missing": {`"Nope"`, "", nil},
		"made by the same apply": {
			"salesforcebyok_certificate.wrapping.developer_name", wrappingCertificate(`developer_name = "BYOK_2027"`), "made",
		},
		"waits for its chain": {"salesforcebyok_certificate.wrapping.developer_name", caSigned(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey())
			cli.MustApply()
			uploads(t, sim, 1, 1)
			cli.Config(test.more + tenantSecret(`type = "Data"`, "certificate = "+test.certificate))
			cli.MustApply()
			uploads(t, sim, 1, 1)
			if test.wrapping == "made" {
				made, _ := inOrg(sim, "BYOK_2027")
				test.wrapping = fingerprintOf(t, made.PEM)
			}
			expectState(t, cli, tenantSecretAddress, map[string]any{"wrapping_certificate_sha256": test.wrapping})
		})
	}
}
