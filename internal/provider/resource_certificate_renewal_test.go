package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const createFirst = "lifecycle {\n    create_before_destroy = true\n  }"

// renewing renders a certificate that renews itself.
func renewing(days int) string {
	return wrappingCertificate(`developer_name_prefix = "BYOK"`, fmt.Sprintf("renew_before_days = %d", days), createFirst)
}

// cacheOnlyOrg has a Named Credential, whose key service is taken to answer well, and lets keys
// follow each other at once.
func cacheOnlyOrg(t *testing.T, more ...sfsim.Option) *sfsim.Server {
	t.Helper()

	return acctest.StartSim(t, append([]sfsim.Option{seeded(t, `
settings: {enable_cache_only_keys: true}
named_credentials:
  - {id: 0XAWt0000000077OAA, developer_name: Keys, endpoint: "https://keys.example.com"}
`), sfsim.WithoutIntervals()}, more...)...)
}

// remoteSearch renders a cache-only key of the type SearchIndex.
func remoteSearch(identifier, certificate string, lines ...string) string {
	return "\nresource \"salesforcebyok_tenant_secret\" \"search\" {\n" + fmt.Sprintf(`
  type                   = "SearchIndex"
  source                 = "REMOTE"
  remote_key_identifier  = %s
  remote_key_service_id  = "0XAWt0000000077OAA"
  remote_key_certificate = %s
  %s
}
`, identifier, certificate, strings.Join(lines, "\n"))
}

const chosenName = "salesforcebyok_certificate.wrapping.developer_name"

// applyOnce applies when the next plan is not expected to be empty.
func applyOnce(t *testing.T, cli *acctest.CLI) acctest.Result {
	t.Helper()
	applied := cli.Apply()
	if applied.Code != 0 {
		t.Fatal(applied.Output())
	}

	return applied
}

// madeNames returns the unique names of the certificates that Terraform made.
func madeNames(sim *sfsim.Server) []string {
	var names []string
	for _, c := range sim.Certificates() {
		if strings.HasPrefix(c.DeveloperName, "BYOK") {
			names = append(names, c.DeveloperName)
		}
	}

	return names
}

// Three renewals in a row, whatever life Salesforce gives: uploaded keys and cache-only keys whose
// material is given move to each new certificate without a rotation, no name is edited, the old
// certificate is gone, and nothing is left to do.
func TestAccCertificate_renewals(t *testing.T) {
	t.Parallel()
	if strictFIPS() || acctest.Below(t, 1, 11) {
		t.Skip("needs write-only attributes, and RSA-OAEP with SHA-1 for the JWE")
	}
	for name, test := range map[string]struct{ days, before int }{
		"two years": {0, 30}, "200 days": {200, 60},
		"47 days": {47, 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := cacheOnlyOrg(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.CertificateMaxDays = test.days
			}))
			cli := acctest.NewCLI(t, sim)
			line, variable := givenMaterial(acctest.NewMaterial(), "1")
			cli.Config(variable + renewing(test.before) + tenantSecret(`type = "Data"`, "certificate = "+chosenName) +
				cacheOnly(line, "certificate = "+chosenName) + remoteSearch("salesforcebyok_cache_only_key.search.key_identifier",
				chosenName))
			if plan := cli.Plan(); plan.Code != acctest.PlanChanges {
				t.Fatal(plan.Output())
			}
			cli.MustApply()
			data, search := acctest.ActiveKey(t, sim, "Data"), acctest.ActiveKey(t, sim, "SearchIndex")
			posts := acctest.Count(sim, acctest.OpCreate)

			for range 3 {
				old, _ := inOrg(sim, fmt.Sprint(cli.State(certificateAddress)["developer_name"]))
				// To the second: nothing is due a moment before.
				due := old.ExpirationDate.AddDate(0, 0, -test.before)
				sim.Clock.Stop()
				sim.Clock.Set(due.Add(-time.Second))
				cli.MustBeEmpty()
				sim.Clock.Set(due)
				plan := cli.Plan("-out=plan.bin")
				expectWarning(t, plan, "The certificate will be renewed", old.DeveloperName,
					old.ExpirationDate.Format(time.RFC3339))
				expectWarning(t, plan, "The certificate will be deleted", old.DeveloperName)
				if plan.Added != 1 || plan.Removed != 1 || plan.Has("warning", "Certificate expires soon") ||
					plan.Has("warning", "The cache-only key's certificate expires soon") {
					t.Fatalf("expected one certificate to be replaced, found %d to add, %d to change, %d to destroy\n%s", plan.Added,
						plan.Changed, plan.Removed, plan.Output())
				}
				if applied := cli.Run("apply", "-input=false", "plan.bin"); applied.Code != 0 {
					t.Fatal(applied.Output())
				}
				cli.MustBeEmpty()

				wanted := "BYOK_" + sim.Clock.Now().UTC().Format("20060102")
				if names := madeNames(sim); len(names) != 1 || names[0] != wanted {
					t.Fatalf("expected %s alone, found %v", wanted, names)
				}
				expectState(t, cli, certificateAddress, map[string]any{
					"developer_name": wanted, "label": wanted,
					"byok_compatible": true,
				})
				fingerprint := cli.State(certificateAddress)["sha256_fingerprint"]
				expectState(t, cli, "salesforcebyok_tenant_secret.data",
					map[string]any{"certificate": wanted, "tenant_secret_id": data.ID})
				expectState(t, cli, "salesforcebyok_tenant_secret.search",
					map[string]any{"remote_key_certificate": wanted, "tenant_secret_id": search.ID})
				expectState(t, cli, cacheOnlyAddress, map[string]any{"certificate": wanted, "certificate_sha256": fingerprint})
				if key := acctest.ActiveKey(t, sim, "SearchIndex"); key.ID != search.ID || key.RemoteCertificate != wanted {
					t.Errorf("expected the cache-only key to move, found %+v", key)
				}
			}
			if got := acctest.Count(sim, acctest.OpCreate); got != posts {
				t.Errorf("expected no new key, found %d more", got-posts)
			}
			expectCount(t, sim, opDeploy, 7)
		})
	}
}

// A generated cache-only key can't be encrypted for another certificate: the plan says so, and the
// apply stops at it. Whoever then gives the key goes on: the certificate that was made stays, the
// key moves, and the old certificate goes.
func TestAccCertificate_renewalOfAGeneratedKey(t *testing.T) {
	t.Parallel()
	if strictFIPS() || acctest.Below(t, 1, 11) {
		t.Skip("needs write-only attributes, and RSA-OAEP with SHA-1 for the JWE")
	}
	sim := cacheOnlyOrg(t)
	cli := acctest.NewCLI(t, sim)
	search := remoteSearch("salesforcebyok_cache_only_key.search.key_identifier",
		"salesforcebyok_cache_only_key.search.certificate")
	cli.Config(renewing(30) + cacheOnly("certificate = "+chosenName) + search)
	cli.MustApply()
	first, key := madeNames(sim)[0], acctest.ActiveKey(t, sim, "SearchIndex")
	sim.Clock.Advance((2*365 - 20) * 24 * time.Hour)
	expectWarning(t, cli.Plan(), "A generated key can't be encrypted again", keyIdentifier, "escrow")
	expectError(t, cli.Apply(), "A generated key's material is no longer known")
	if names := madeNames(sim); len(names) != 2 {
		t.Fatalf("expected both certificates, found %v", names)
	}
	// Of the generated key nobody has a copy here: another identifier is another key.
	line, variable := givenMaterial(acctest.NewMaterial(), "1")
	cli.Config(variable + renewing(30) + strings.ReplaceAll(cacheOnly("certificate = "+chosenName, line), keyIdentifier,
		"key-2") + search)
	if applied := cli.Apply(); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	cli.MustBeEmpty()
	if names := madeNames(sim); len(names) != 2 || names[0] != first {
		t.Errorf("expected the certificate of the archived record to be kept, found %v", names)
	}
	if moved := acctest.ActiveKey(t, sim, "SearchIndex"); moved.ID == key.ID || moved.RemoteCertificate == first {
		t.Errorf("expected another key under the new certificate, found %+v", moved)
	}
}

// A renewal that stops between the new certificate and the key that moves to it goes on in the next
// run, although the ACTIVE key still names the old certificate when that is planned.
func TestAccCertificate_renewalStopsBeforeTheKey(t *testing.T) {
	t.Parallel()
	sim := cacheOnlyOrg(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(renewing(30) + remoteSearch(`"key-1"`, chosenName))
	cli.MustApply()
	key := acctest.ActiveKey(t, sim, "SearchIndex")
	sim.Clock.Advance((2*365 - 20) * 24 * time.Hour)
	arm(t, sim, sfsim.Fault{Method: "PATCH", Path: "TenantSecret", Times: 1, Status: 400, ErrorCode: "UNKNOWN_EXCEPTION"})
	if failed := cli.Apply(); failed.Code == 0 || len(madeNames(sim)) != 2 {
		t.Fatalf("expected the apply to stop at the key, found\n%s", failed.Output())
	}
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges {
		t.Fatal(plan.Output())
	}
	cli.MustApply()
	if names := madeNames(sim); len(names) != 1 {
		t.Errorf("expected the new certificate alone, found %v", names)
	}
	if moved := acctest.ActiveKey(t, sim, "SearchIndex"); moved.ID != key.ID ||
		moved.RemoteCertificate != madeNames(sim)[0] {
		t.Errorf("expected the key to move, found %+v", moved)
	}
}

// An archived cache-only record names its certificate for ever. That certificate is forgotten with
// a warning, whatever Salesforce would say to its deletion: nothing is left deposed, and the next
// plan is empty.
func TestAccCertificate_renewalWithAnArchivedRecord(t *testing.T) {
	t.Parallel()
	for _, deletion := range []string{"remote", "active", "free"} {
		t.Run(deletion, func(t *testing.T) {
			t.Parallel()
			sim := cacheOnlyOrg(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.CertificateDeletion = deletion
			}))
			cli := acctest.NewCLI(t, sim)
			cli.Config(renewing(30) + remoteSearch(`"key-1"`, chosenName))
			cli.MustApply()
			first := madeNames(sim)[0]
			cli.Config(renewing(30) + remoteSearch(`"key-2"`, chosenName))
			cli.MustApply()
			archived := acctest.Keys(sim, "SearchIndex")[0]

			sim.Clock.Advance(2 * 365 * 24 * time.Hour)
			plan := cli.Plan()
			expectWarning(t, plan, "The certificate will be forgotten, not deleted", first, archived.ID, "ARCHIVED")
			if plan.Has("warning", "The certificate will be deleted") {
				t.Error("expected no deletion to be announced")
			}
			expectWarning(t, cli.MustApply(), "The certificate was forgotten, not deleted", first, archived.ID)
			if names := madeNames(sim); len(names) != 2 {
				t.Errorf("expected the old certificate to be there still, found %v", names)
			}
			if key := acctest.ActiveKey(t, sim, "SearchIndex"); key.RemoteCertificate == first {
				t.Errorf("expected the key to move to the new certificate, found %+v", key)
			}
			// A destroy of the new one, which the ACTIVE key names, is refused all the same.
			expectError(t, cli.Destroy("-target="+certificateAddress), "A cache-only key needs this certificate")
		})
	}
}

// A cache-only key that stays with the old certificate: what was already replaced can't be refused,
// and is forgotten.
func TestAccCertificate_renewalUnderAKey(t *testing.T) {
	t.Parallel()
	sim := cacheOnlyOrg(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(renewing(30))
	cli.MustApply()
	first := madeNames(sim)[0]
	cli.Config(renewing(30) + remoteSearch(`"key-1"`, fmt.Sprintf("%q", first)))
	cli.MustApply()
	key := acctest.ActiveKey(t, sim, "SearchIndex")
	sim.Clock.Advance(2 * 365 * 24 * time.Hour)
	expectWarning(t, cli.Plan(), "A cache-only key names this certificate", key.ID, first)
	expectWarning(t, cli.MustApply(), "The certificate was forgotten, not deleted", first, key.ID)
	cli.MustBeEmpty()
	if names := madeNames(sim); len(names) != 2 {
		t.Errorf("expected both certificates, found %v", names)
	}
	// Without create_before_destroy the old one goes first, and is refused while it is in state.
	second := madeNames(sim)[1]
	found, _ := inOrg(sim, second)
	sim.Clock.Set(found.ExpirationDate.AddDate(0, 0, -10))
	cli.Config(strings.Replace(renewing(30), createFirst, "", 1) + remoteSearch(`"key-1"`, fmt.Sprintf("%q", second)))
	if targeted := cli.Apply("-target=salesforcebyok_tenant_secret.search"); targeted.Code != 0 {
		t.Fatal(targeted.Output())
	}
	expectError(t, cli.Apply(), "A cache-only key needs this certificate", second)
	expectState(t, cli, certificateAddress, map[string]any{"developer_name": second})
	if names := madeNames(sim); len(names) != 2 {
		t.Errorf("expected nothing to be made, found %v", names)
	}
}

// What a deposed certificate is left with after an outage clears by itself in the next run.
func TestAccCertificate_renewalInterrupted(t *testing.T) {
	t.Parallel()
	sim := cacheOnlyOrg(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(renewing(30))
	cli.MustApply()
	first := madeNames(sim)[0]
	cli.Config(renewing(30) + remoteSearch(`"key-1"`, fmt.Sprintf("%q", first)))
	cli.MustApply()
	sim.Clock.Advance(2 * 365 * 24 * time.Hour)
	if plan := cli.Plan("-out=plan.bin"); plan.Code != acctest.PlanChanges {
		t.Fatal(plan.Output())
	}
	// The new certificate is made, and the reading before the deletion fails.
	arm(t, sim, sfsim.Fault{
		Method: "GET", Path: "query", Query: "TenantSecret", Status: 400,
		ErrorCode: "UNKNOWN_EXCEPTION",
	})
	failed := cli.Run("apply", "-input=false", "plan.bin")
	if failed.Code == 0 {
		t.Fatal("expected the apply to fail")
	}
	sim.ClearFaults()
	if names := madeNames(sim); len(names) != 2 {
		t.Fatalf("expected both certificates, found %v\n%s", names, failed.Output())
	}
	if plan := cli.Plan(); plan.Code == acctest.PlanFailed {
		t.Fatalf("expected a plan, found\n%s", plan.Output())
	}
	expectWarning(t, cli.MustApply(), "The certificate was forgotten, not deleted", first)
	cli.MustBeEmpty()
}

// Names on one day: the next free number.
func TestAccCertificate_prefixTaken(t *testing.T) {
	t.Parallel()
	const today = "BYOK_20270601"
	sim := acctest.StartSim(t, sfsim.WithTime(time.Date(2027, 6, 1, 12, 0, 0, 0, time.UTC)),
		sfsim.WithSeed(&sfsim.Seed{Certificates: []sfsim.SeedCertificate{
			{DeveloperName: strings.ToUpper(today)},
			{DeveloperName: today + "_2"},
		}}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(renewing(30))
	expectWarning(t, cli.MustApply(), "The first name of the day is taken", today, today+"_3", "interrupted run")
	expectState(t, cli, certificateAddress, map[string]any{
		"developer_name": today + "_3", "developer_name_prefix": "BYOK",
		"deletion_policy": "DELETE",
	})
	// A replacement by hand finds another.
	cli.MustApply("-replace=" + certificateAddress)
	expectState(t, cli, certificateAddress, map[string]any{"developer_name": today + "_4"})
	cli.MustBeEmpty()
}

// The names of two resources of one run do not meet.
func TestAccCertificate_prefixTwice(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config("\nresource \"salesforcebyok_certificate\" \"wrapping\" {\n  count = 3\n  developer_name_prefix = " +
		"\"BYOK\"\n}\n")
	cli.MustApply()
	cli.MustBeEmpty()
	if names := madeNames(sim); len(names) != 3 {
		t.Errorf("expected three certificates, found %v", names)
	}
}

// A prefix is taken up without a replacement, and given up without one.
func TestAccCertificate_prefixLater(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "Wrap_2026"`))
	cli.MustApply()
	id := cli.State(certificateAddress)["id"]
	cli.Config(renewing(30))
	cli.MustApply()
	cli.MustBeEmpty()
	expectState(t, cli, certificateAddress, map[string]any{
		"id": id, "developer_name": "Wrap_2026",
		"developer_name_prefix": "BYOK", "renew_before_days": 30,
	})
	cli.Config(wrappingCertificate(`developer_name = "Wrap_2026"`))
	cli.MustApply()
	expectState(t, cli, certificateAddress, map[string]any{
		"id": id, "developer_name_prefix": nil,
		"renew_before_days": nil,
	})
	cli.Config(renewing(30))
	cli.MustApply()
	expectCount(t, sim, opDeploy, 1)
	// Another prefix is another certificate, and so is the next renewal.
	cli.Config(wrappingCertificate(`developer_name_prefix = "BYOK_Other"`, createFirst))
	if plan := cli.Plan(); plan.Added != 1 || plan.Removed != 1 ||
		!plan.Has("warning", "The certificate will be deleted", "Wrap_2026") {
		t.Errorf("expected a replacement, found\n%s", plan.Output())
	}
	// More days count at once, as the last refresh saw them.
	cli.Config(renewing(729))
	sim.Clock.Advance(5 * 24 * time.Hour)
	expectWarning(t, cli.Plan(), "The certificate will be renewed", "Wrap_2026")
}

// A certificate that lives shorter than it is to be renewed before would be renewed at each plan.
func TestAccCertificate_renewedAtOnce(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CertificateMaxDays = 47
	}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(renewing(47))
	expectWarning(t, applyOnce(t, cli), "The certificate would be renewed at once", "47.0 days", "renew_before_days is 47")
	expectError(t, cli.Plan(), "The certificate would be renewed at once", "Set it to less than the validity")
	cli.Config(renewing(46))
	cli.MustApply()
	expectCount(t, sim, opDeploy, 1)
}

// Salesforce may give less than was asked for, or refuse it: state says what the certificate has.
func TestAccCertificate_shorterThanAsked(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CertificateMaxDays = 200
	}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_A"`, `expiration_date = "2099-01-01T00:00:00Z"`))
	applied := applyOnce(t, cli)
	made, _ := inOrg(sim, "BYOK_A")
	end := made.ExpirationDate.Format(time.RFC3339)
	expectWarning(t, applied, "The certificate expires at another time", "BYOK_A", end, "2099-01-01T00:00:00Z")
	expectState(t, cli, certificateAddress, map[string]any{"not_after": end})
	expectError(t, cli.Plan(), "The certificate expires at another time", end)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_A"`, fmt.Sprintf("expiration_date = %q", end)))
	cli.MustApply()

	sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CertificateTooLongRefused = true })
	cli.Config(wrappingCertificate(`developer_name = "BYOK_B"`, `expiration_date = "2099-01-01T00:00:00Z"`, createFirst))
	expectError(t, cli.Apply(), "Unable to create the certificate", "is more than 200 days away")
	expectState(t, cli, certificateAddress, map[string]any{"developer_name": "BYOK_A"})
}

func TestAccCertificate_renewedExample(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := exampleRun(t, sim)
	receipts := recording(t, cli)
	cli.Write("main.tf", required+exampleFile(t, sim, "salesforcebyok_certificate", "renewed.tf"))
	cli.MustApply()
	first := madeNames(sim)[0]
	found, _ := inOrg(sim, first)
	sim.Clock.Set(found.ExpirationDate.AddDate(0, 0, -14))
	expectWarning(t, cli.Plan(), "The certificate will be renewed", first)
	cli.MustApply()
	if names := madeNames(sim); len(names) != 1 || names[0] == first {
		t.Errorf("expected one other certificate, found %v", names)
	}
	// The evidence says that their age asked for it.
	for file, words := range map[string][]string{
		"00000001.json": {`"operation":"make-certificate"`, `"cause":"plan"`, first},
		"00000002.json": {`"operation":"make-certificate"`, `"cause":"age"`},
		"00000003.json": {`"operation":"delete-certificate"`, `"cause":"age"`, first},
	} {
		text, err := os.ReadFile(filepath.Join(receipts, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(string(text), word) {
				t.Errorf("%s: expected %s, found %s", file, word, text)
			}
		}
	}
}
