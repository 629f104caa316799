package provider_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const certificateDataAddress = "data.salesforcebyok_certificate.x"

// estate is an org with a certificate for each reason that rules one out for BYOK.
const estate = `
certificates:
  - {developer_name: Good, master_label: "Good one"}
  - {developer_name: Small, key_size: 2048}
  - {developer_name: Exportable, private_key_exportable: true}
  - {developer_name: Plain, platform_encryption: false}
  - {developer_name: Pending, ca_signed: true, unusable: true}
  - {developer_name: Expired, created: -17520h, expires: -24h}
  - {developer_name: For_KMS, using_kms: true}
`

func expectCertificate(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(certificateDataAddress, tfjsonpath.New(name), value)
}

// typesOf expects a list of exactly these strings.
func typesOf(names ...string) knownvalue.Check {
	checks := []knownvalue.Check{}
	for _, name := range names {
		checks = append(checks, knownvalue.StringExact(name))
	}

	return knownvalue.ListExact(checks)
}

func TestAccCertificateDataSource(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	instant := knownvalue.StringRegexp(regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`))
	reads(t, sim, `data "salesforcebyok_certificate" "x" { developer_name = "Sim_BYOK" }`,
		expectCertificate("id", knownvalue.StringRegexp(regexp.MustCompile(`^0P1\w{15}$`))),
		expectCertificate("organization_id", knownvalue.StringExact(sim.OrganizationID)),
		expectCertificate("label", knownvalue.StringExact("Sim_BYOK")),
		expectCertificate("key_size", knownvalue.Int64Exact(4096)),
		expectCertificate("ca_signed", knownvalue.Bool(false)),
		expectCertificate("encrypted_with_platform_encryption", knownvalue.Bool(true)),
		expectCertificate("private_key_exportable", knownvalue.Bool(false)),
		expectCertificate("unusable", knownvalue.Bool(false)),
		expectCertificate("using_kms", knownvalue.Bool(false)),
		expectCertificate("csr_pem", knownvalue.Null()),
		expectCertificate("created_date", instant),
		expectCertificate("expiration_date", instant),
		expectCertificate("not_before", instant),
		expectCertificate("not_after", instant),
		expectCertificate("serial_number", knownvalue.StringRegexp(regexp.MustCompile(`^([0-9a-f]{2})+$`))),
		expectCertificate("byok_compatible", knownvalue.Bool(true)),
		expectCertificate("byok_problems", knownvalue.ListSizeExact(0)),
		acctest.StateFunc(certificateDataAddress, fingerprintFits),
	)
}

// fingerprintFits computes the fingerprint from the PEM that is shown.
func fingerprintFits(shown map[string]any) error {
	text, _ := shown["certificate_pem"].(string)
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(rest) > 0 {
		return errors.New("certificate_pem is not one PEM block")
	}
	sum := sha256.Sum256(block.Bytes)
	if want := hex.EncodeToString(sum[:]); shown["sha256_fingerprint"] != want {
		return fmt.Errorf("expected the fingerprint %s, found %v", want, shown["sha256_fingerprint"])
	}

	return nil
}

// The form of a CertificateChain is not documented: whatever it is, the same is shown.
func TestAccCertificateDataSource_chainForms(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		"pem", "base64", "json", "der", "bom", "pkcs7", "base64-pem", "trusted", "x509",
		"one-line", "root-first",
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.CertificateChainForm = form
			}))
			reads(t, sim, `data "salesforcebyok_certificate" "x" { developer_name = "Sim_BYOK" }`,
				acctest.StateFunc(certificateDataAddress, fingerprintFits),
				expectCertificate("byok_compatible", knownvalue.Bool(true)),
			)
		})
	}
}

func TestAccCertificateDataSource_problems(t *testing.T) {
	t.Parallel()
	for name, problem := range map[string]string{
		"Small": "its key has 2048 bits, 4096 are needed", "Exportable": "its private key is exportable",
		"Plain": "its private key is not encrypted with Platform Encryption", "Expired": "it expired on ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seeded(t, estate))
			reads(t, sim, `data "salesforcebyok_certificate" "x" { developer_name = "`+name+`" }`,
				expectCertificate("byok_compatible", knownvalue.Bool(false)),
				expectCertificate("byok_problems",
					knownvalue.ListExact([]knownvalue.Check{knownvalue.StringRegexp(regexp.MustCompile("^" + problem))})),
				expectCertificate("certificate_pem", knownvalue.NotNull()),
			)
		})
	}
}

// Validity is judged by the org's clock, not by that of the machine that runs Terraform.
func TestAccCertificateDataSource_expiresByTheClockOfTheOrg(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{
				Config:            acctest.Config(sim, `data "salesforcebyok_certificate" "x" { developer_name = "Sim_BYOK" }`),
				ConfigStateChecks: []statecheck.StateCheck{expectCertificate("byok_compatible", knownvalue.Bool(true))},
			},
			{
				PreConfig:         func() { sim.Clock.Advance(5 * 365 * 24 * time.Hour) },
				Config:            acctest.Config(sim, `data "salesforcebyok_certificate" "x" { developer_name = "Sim_BYOK" }`),
				ConfigStateChecks: []statecheck.StateCheck{expectCertificate("byok_compatible", knownvalue.Bool(false))},
			},
		},
	})
}

// A CA-signed certificate that waits for its signature holds a request: its row is shown, with the
// request and a warning.
func TestAccCertificateDataSource_pending(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, estate))
	cli := acctest.NewCLI(t, sim)
	cli.Config(`data "salesforcebyok_certificate" "x" { developer_name = "Pending" }`)
	result := cli.MustApply()
	shown := cli.State(certificateDataAddress)
	if shown["certificate_pem"] != nil || shown["sha256_fingerprint"] != nil || shown["byok_compatible"] != false ||
		shown["ca_signed"] != true {
		t.Errorf("expected a row without a certificate, found %v", shown)
	}
	request, _ := shown["csr_pem"].(string)
	if block, _ := pem.Decode([]byte(request)); block == nil || block.Type != "CERTIFICATE REQUEST" {
		t.Errorf("expected a signing request in csr_pem, found %q", request)
	}
	if !result.Has("warning", "Certificate waits for its signature", `"Pending"`, "certificate_pem is null") {
		t.Errorf("expected a warning, found %v", result.Diagnostics)
	}
}

// What is no certificate is a warning; the row is shown all the same.
func TestAccCertificateDataSource_unreadable(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sfsim.Fault{
		"malformed": {Method: http.MethodGet, Path: "CertificateChain", Body: "malformed"},
		"not found": {Method: http.MethodGet, Path: "CertificateChain", Status: http.StatusNotFound, ErrorCode: "NOT_FOUND"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			if err := sim.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			cli := acctest.NewCLI(t, sim)
			cli.Config(`data "salesforcebyok_certificate" "x" { developer_name = "Sim_BYOK" }`)
			result := cli.MustApply()
			shown := cli.State(certificateDataAddress)
			if shown["certificate_pem"] != nil || shown["label"] != "Sim_BYOK" || shown["byok_compatible"] != false {
				t.Errorf("expected a row without a certificate, found %v", shown)
			}
			if !result.Has("warning", "Certificate can't be read", `"Sim_BYOK"`, "certificate_pem is null") {
				t.Errorf("expected a warning, found %v", result.Diagnostics)
			}
		})
	}
}

func TestAccCertificateDataSource_notFound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		name, detail string
		options      []sfsim.Option
	}{
		"names what is there": {name: "Missing", detail: "The org shows these certificates: Sim_BYOK, Sim_Partner_SSO. " +
			"Check that this is the right org"},
		"another case": {name: "sim_byok", detail: `Did you mean Sim_BYOK (label "Sim_BYOK")?`},
		"label": {
			name: "By_Label", detail: `Did you mean Other (label "By_Label")?`,
			options: []sfsim.Option{seeded(t, "certificates: [{developer_name: Other, master_label: By_Label}]")},
		},
		"empty org": {
			name: "Sim_BYOK", detail: "The org shows no certificate at all.",
			options: []sfsim.Option{seeded(t, "certificates: []")},
		},
		"denied, shown as empty": {
			name: "Sim_BYOK", detail: "The org shows no certificate at all.",
			options: []sfsim.Option{denied(func(p *sfsim.Permissions) { p.ManageCertificates, p.DeniedAsEmpty = false, true })},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, tc.options...)
			refuses(t, sim, `data "salesforcebyok_certificate" "x" { developer_name = "`+tc.name+`" }`,
				acctest.AttributeError("developer_name", "No such certificate", tc.detail))
		})
	}
}

func TestAccCertificateDataSource_denied(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"certificate":  `data "salesforcebyok_certificate" "x" { developer_name = "Sim_BYOK" }`,
		"certificates": `data "salesforcebyok_certificates" "x" {}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, denied(func(p *sfsim.Permissions) { p.ManageCertificates = false }))
			refuses(t, sim, body, regexp.MustCompile(acctest.ErrorText("Unable to read the certificates").String()+
				`(?s).*INVALID_TYPE.*`+acctest.ErrorText("Manage Certificates").String()))
		})
	}
}

// Names are compared with what the org shows. Whatever is no unique name is refused before that.
func TestAccCertificateDataSource_badInput(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"empty": "", "quote": "x' OR Name != '", "backslash": `x\\`, "percent": "Sim%", "label with a space": "Sim BYOK",
		"path": "../Organization", "digit first": "1a",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			refuses(t, sim, `data "salesforcebyok_certificate" "x" { developer_name = "`+value+`" }`,
				acctest.AttributeError("developer_name", "Invalid unique name", "Expected a unique name (DeveloperName)"))
			unsent(t, sim)
		})
	}
}

func TestAccCertificatesDataSource(t *testing.T) {
	t.Parallel()
	const address = "data.salesforcebyok_certificates.x"
	sim := acctest.StartSim(t, seeded(t, estate+"settings: {page_size: 3}\n"))
	names := func(names ...string) knownvalue.Check {
		var checks []knownvalue.Check
		for _, name := range names {
			checks = append(checks,
				knownvalue.ObjectPartial(map[string]knownvalue.Check{"developer_name": knownvalue.StringExact(name)}))
		}

		return knownvalue.ListExact(checks)
	}
	reads(t, sim, `
data "salesforcebyok_certificates" "x" {}

data "salesforcebyok_certificates" "fit" {
  byok_compatible_only = true
}
`,
		statecheck.ExpectKnownValue(address, tfjsonpath.New("organization_id"), knownvalue.StringExact(sim.OrganizationID)),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("certificates"),
			names("Expired", "Exportable", "For_KMS", "Good", "Pending", "Plain", "Small")),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("certificates").AtSliceIndex(2),
			knownvalue.ObjectPartial(map[string]knownvalue.Check{
				"using_kms": knownvalue.Bool(true), "byok_compatible": knownvalue.Bool(true), "byok_problems": typesOf(),
				"compatible_types": typesOf("Database"),
			})),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("certificates").AtSliceIndex(3),
			knownvalue.ObjectPartial(map[string]knownvalue.Check{
				"label": knownvalue.StringExact("Good one"), "byok_compatible": knownvalue.Bool(true),
				"compatible_types":   typesOf("Data", "DeterministicData", "EventBus", "SearchIndex", "Analytics"),
				"certificate_pem":    knownvalue.StringRegexp(regexp.MustCompile(`^-----BEGIN CERTIFICATE-----\n`)),
				"sha256_fingerprint": knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{64}$`)),
			})),
		statecheck.ExpectKnownValue(address, tfjsonpath.New("certificates").AtSliceIndex(4),
			knownvalue.ObjectPartial(map[string]knownvalue.Check{
				"compatible_types": typesOf(),
				"unusable":         knownvalue.Bool(true), "byok_compatible": knownvalue.Bool(false),
				"certificate_pem": knownvalue.Null(), "csr_pem": knownvalue.NotNull(),
			})),
		statecheck.ExpectKnownValue("data.salesforcebyok_certificates.fit", tfjsonpath.New("certificates"),
			names("For_KMS", "Good")),
	)
	// The chains are shared, too: 7 certificates in each of the provider's processes, not 9.
	if chains, logins := acctest.Count(sim, "Certificate.chain"), acctest.Count(sim, acctest.OpToken); chains > 7*logins {
		t.Errorf("%d chains were read in %d processes", chains, logins)
	}
}

func TestAccCertificatesDataSource_emptyOrg(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, "certificates: []"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(`data "salesforcebyok_certificates" "x" {}`)
	result := cli.MustApply()
	if !result.Has("warning", "The org shows no certificate at all", "Manage Certificates") {
		t.Errorf("expected a warning that names the permissions, found %v", result.Diagnostics)
	}
}

// A chain that can't be fetched for another reason than that there is none fails the read: nobody
// must take a lost answer for an unfit certificate.
func TestAccCertificateDataSource_chainFails(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"certificate":  `data "salesforcebyok_certificate" "x" { developer_name = "Sim_BYOK" }`,
		"certificates": `data "salesforcebyok_certificates" "x" {}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			if err := sim.AddFault(sfsim.Fault{
				Method: http.MethodGet, Path: "CertificateChain", Status: http.StatusForbidden,
				ErrorCode: "INSUFFICIENT_ACCESS",
			}); err != nil {
				t.Fatal(err)
			}
			refuses(t, sim, body, regexp.MustCompile(`(?s)Unable to read the certificate.*INSUFFICIENT_ACCESS`))
		})
	}
}
