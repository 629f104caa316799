package sfsim_test

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// set changes a setting of the org.
func (c *client) set(change func(*sfsim.Settings)) {
	c.server.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { change(s) })
}

// chainBody is the answer to a CertificateChain.
func (c *client) chainBody(name string) []byte {
	c.t.Helper()
	cert, ok := c.certificate(name)
	if !ok {
		c.t.Fatalf("there is no certificate %s", name)
	}
	return c.get(data + "/tooling/sobjects/Certificate/" + cert.ID + "/CertificateChain").want(http.StatusOK).body
}

// Whatever the form, the same certificate is in it.
func TestFormsOfACertificateChain(t *testing.T) {
	t.Parallel()
	c := start(t)
	cert, _ := c.certificate("Sim_BYOK")
	block, _ := pem.Decode([]byte(cert.PEM))
	blockOf := func(kind string) func([]byte) []byte {
		return func(body []byte) []byte {
			found, _ := pem.Decode(body)
			if found == nil || found.Type != kind {
				t.Errorf("expected a block %s, found %.80q", kind, body)
				return nil
			}
			return found.Bytes
		}
	}
	decoded := func(body []byte) []byte {
		out, err := base64.StdEncoding.DecodeString(string(body))
		if err != nil {
			t.Error(err)
		}
		return out
	}
	for form, read := range map[string]func([]byte) []byte{
		"pem":    blockOf("CERTIFICATE"),
		"base64": decoded,
		"der":    func(body []byte) []byte { return body },
		"json": func(body []byte) []byte {
			var text string
			if err := json.Unmarshal(body, &text); err != nil {
				t.Error(err)
			}
			return decoded([]byte(text))
		},
		"bom": func(body []byte) []byte {
			return blockOf("CERTIFICATE")(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
		},
		"base64-pem": func(body []byte) []byte { return blockOf("CERTIFICATE")(decoded(body)) },
		"x509":       blockOf("X509 CERTIFICATE"),
		"trusted": func(body []byte) []byte {
			var first asn1.RawValue
			if _, err := asn1.Unmarshal(blockOf("TRUSTED CERTIFICATE")(body), &first); err != nil {
				t.Error(err)
			}
			return first.FullBytes
		},
		"pkcs7": func(body []byte) []byte {
			der := blockOf("PKCS7")(body)
			i := bytes.Index(der, block.Bytes)
			if i < 0 {
				return nil
			}
			return der[i : i+len(block.Bytes)]
		},
		"one-line": func(body []byte) []byte {
			if bytes.Contains(body, []byte("\n")) {
				t.Errorf("expected one line, found %q", body)
			}
			text := strings.TrimSuffix(strings.TrimPrefix(string(body), "-----BEGIN CERTIFICATE-----"),
				"-----END CERTIFICATE-----")
			return decoded([]byte(text))
		},
		"root-first": blockOf("CERTIFICATE"),
	} {
		c.set(func(s *sfsim.Settings) { s.CertificateChainForm = form })
		if got := read(c.chainBody("Sim_BYOK")); !bytes.Equal(got, block.Bytes) {
			t.Errorf("%s: another certificate was read", form)
		}
	}
}

func TestLifeOfACertificate(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.set(func(s *sfsim.Settings) { s.CertificateMaxDays = 47 })
	now := c.server.Clock.Now()
	c.deployed(certificateFiles("By_Default", ""))
	c.deployed(certificateFiles("Asked", "", "expirationDate="+
		now.AddDate(1, 0, 0).UTC().Format("2006-01-02T15:04:05.000Z")))
	short := now.AddDate(0, 0, 10).UTC().Truncate(time.Second)
	c.deployed(certificateFiles("Short", "", "expirationDate="+short.Format("2006-01-02T15:04:05.000Z")))
	for name, want := range map[string]time.Time{
		"By_Default": now.AddDate(0, 0, 47), "Asked": now.AddDate(0, 0, 47),
		"Short": short,
	} {
		cert, _ := c.certificate(name)
		if cert.ExpirationDate.Sub(want).Abs() > time.Minute {
			t.Errorf("%s ends at %s, want %s", name, cert.ExpirationDate, want)
		}
	}
	c.set(func(s *sfsim.Settings) { s.CertificateTooLongRefused = true })
	if got := c.failed(certificateFiles("Long", "", "expirationDate="+
		now.AddDate(1, 0, 0).UTC().Format("2006-01-02T15:04:05.000Z"))); !strings.Contains(got.Problem, "more than 47 days") {
		t.Errorf("failure %+v", got)
	}
	c.deployed(certificateFiles("Not_Asked", ""))

	c.set(func(s *sfsim.Settings) { s.CertificateDateOnly = true })
	text := string(c.get(data +
		"/tooling/query?q=SELECT+ExpirationDate+FROM+Certificate+WHERE+DeveloperName='Short'").body)
	if !strings.Contains(text, `"ExpirationDate":"`+short.Format(time.DateOnly)+`"`) {
		t.Errorf("row %s", text)
	}
}

func TestWhoseCertificatesAreKept(t *testing.T) {
	t.Parallel()
	for deletion, kept := range map[string]struct{ active, archived bool }{
		"remote": {true, true}, "active": {true, false},
		"free": {false, false},
	} {
		t.Run(deletion, func(t *testing.T) {
			t.Parallel()
			c := start(t, seeded(t, `
settings: {enable_cache_only_keys: true, certificate_deletion: `+deletion+`}
certificates: [{developer_name: Active}, {developer_name: Archived}, {developer_name: Unnamed}]
named_credentials: [{id: 0XAWt0000000077, developer_name: Keys, endpoint: "https://keys.example.com"}]
tenant_secrets:
  - {type: Data}
  - {type: SearchIndex, source: REMOTE, certificate: Archived, remote_key_identifier: a, remote_key_service_id: 0XAWt0000000077}
  - {type: SearchIndex, source: REMOTE, certificate: Active, remote_key_identifier: b, remote_key_service_id: 0XAWt0000000077}
`))
			for name, refused := range map[string]bool{"Active": kept.active, "Archived": kept.archived, "Unnamed": false} {
				if !refused {
					c.deployed(deletionFiles(name))
				} else if got := c.failed(deletionFiles(name)); !strings.Contains(got.Problem, "is used by a cache-only key") {
					t.Errorf("%s: failure %+v", name, got)
				}
				if _, exists := c.certificate(name); exists != refused {
					t.Errorf("%s: exists %v, want %v", name, exists, refused)
				}
			}
		})
	}
	for _, bad := range []string{
		"settings: {certificate_deletion: never}", "settings: {certificate_max_days: -1}",
		"settings: {certificate_chain_form: p7b}",
	} {
		seed, err := sfsim.ReadSeed(strings.NewReader(bad))
		if err == nil {
			_, err = sfsim.New(sfsim.WithSeed(seed))
		}
		if err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestRedeployMayMakeAKeyPair(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "settings: {certificate_redeploy_keys: true}"))
	before, _ := c.certificate("Sim_BYOK")
	c.deployed(certificateFiles("Sim_BYOK", "", "masterLabel=New Label"))
	after, _ := c.certificate("Sim_BYOK")
	if after.PEM == before.PEM || after.ID != before.ID || after.MasterLabel != "New Label" ||
		!after.ExpirationDate.Equal(before.ExpirationDate) || after.KeySize != before.KeySize {
		t.Errorf("expected another key pair with the same parameters, found %+v", after)
	}
	if n := len(c.server.Certificates()); n != 2 {
		t.Errorf("%d certificates, want 2", n)
	}

	// A CA-signed one that waits takes its chain; a signed one waits again, for another request.
	c.deployed(certificateFiles("By_CA", "", "caSigned=true"))
	waiting, _ := c.certificate("By_CA")
	ca := newAuthority(t)
	chain := ca.sign(t, requestOf(t, waiting.PEM).PublicKey, time.Hour) + ca.pem
	c.deployed(certificateFiles("By_CA", chain, "caSigned=true"))
	if signed, _ := c.certificate("By_CA"); signed.Unusable || signed.PEM != chain {
		t.Errorf("the chain was not taken: %+v", signed)
	}
	c.deployed(certificateFiles("By_CA", chain, "caSigned=true"))
	again, _ := c.certificate("By_CA")
	if !again.Unusable || again.PEM == waiting.PEM || requestOf(t, again.PEM) == nil {
		t.Errorf("expected another request, found %+v", again)
	}
}

func requestOf(t *testing.T, text string) *x509.CertificateRequest {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// An issuer that Go can't read is taken, unless the org is strict; the leaf never.
func TestIssuersThatGoCannotRead(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.deployed(certificateFiles("By_CA", "", "caSigned=true"))
	waiting, _ := c.certificate("By_CA")
	ca := newAuthority(t)
	odd := bytes.Clone(ca.cert.Raw)
	odd[bytes.Index(odd, []byte{0x02, 0x01, 0x01})+2] = 0x81 // the serial number, now negative
	if _, err := x509.ParseCertificate(odd); err == nil {
		t.Fatal("expected the serial number to be refused")
	}
	issuer := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: odd}))
	leaf := ca.sign(t, requestOf(t, waiting.PEM).PublicKey, time.Hour)
	c.set(func(s *sfsim.Settings) { s.CertificateChainStrict = true })
	if got := c.failed(certificateFiles("By_CA", leaf+issuer, "caSigned=true")); !strings.Contains(got.Problem,
		"can't be parsed") {
		t.Errorf("failure %+v", got)
	}
	c.set(func(s *sfsim.Settings) { s.CertificateChainStrict = false })
	if got := c.failed(certificateFiles("By_CA", issuer+leaf, "caSigned=true")); !strings.Contains(got.Problem,
		"can't be parsed") {
		t.Errorf("failure %+v", got)
	}
	c.deployed(certificateFiles("By_CA", leaf+issuer, "caSigned=true"))
	if signed, _ := c.certificate("By_CA"); signed.Unusable || signed.PEM != leaf+issuer {
		t.Errorf("certificate %+v", signed)
	}
}

// An issuer whose kind of key Go does not know stands for its name.
func TestIssuersWhoseKeyGoCannotRead(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.deployed(certificateFiles("By_CA", "", "caSigned=true"))
	waiting, _ := c.certificate("By_CA")
	text, err := os.ReadFile("../byok/testdata/issuers/rsa-pss.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	pss, err := x509.ParseCertificate(block.Bytes)
	if err != nil || pss.PublicKeyAlgorithm != x509.UnknownPublicKeyAlgorithm {
		t.Fatalf("expected a key that Go can't read, found %v, %v", pss.PublicKeyAlgorithm, err)
	}
	ca := newAuthority(t)
	byName := ca.sign(t, requestOf(t, waiting.PEM).PublicKey, time.Hour)
	if got := c.failed(certificateFiles("By_CA", byName+string(text), "caSigned=true")); !strings.Contains(got.Problem,
		"is not signed by the one after it") {
		t.Errorf("failure %+v", got)
	}
	ca.cert = &x509.Certificate{RawSubject: pss.RawSubject, PublicKey: ca.cert.PublicKey}
	leaf := ca.sign(t, requestOf(t, waiting.PEM).PublicKey, time.Hour)
	c.deployed(certificateFiles("By_CA", leaf+string(text), "caSigned=true"))
}

func TestSetCertificateLabel(t *testing.T) {
	t.Parallel()
	c := start(t)
	if !c.server.SetCertificateLabel("Sim_BYOK", "In Setup") || c.server.SetCertificateLabel("None", "x") {
		t.Error("expected the label of a certificate that exists to be set, and of no other")
	}
	if cert, _ := c.certificate("Sim_BYOK"); cert.MasterLabel != "In Setup" {
		t.Errorf("certificate %+v", cert)
	}
}
