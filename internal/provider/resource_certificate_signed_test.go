package provider_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// authority is a certificate authority of a test.
type authority struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}

	return authority{key: key, certificate: certificate}
}

// leafFor signs a certificate for a public key, and returns it as PEM.
func leafFor(t *testing.T, ca authority, key crypto.PublicKey, until time.Time) string {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "BYOK"}, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, key, ca.key)
	if err != nil {
		t.Fatal(err)
	}

	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// chainFor signs a certificate for a public key, and returns it with its issuer.
func chainFor(t *testing.T, ca authority, key crypto.PublicKey) string {
	t.Helper()

	return leafFor(t, ca, key, time.Now().AddDate(1, 0, 0)) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw}))
}

// requestIn reads the signing request in state, as a certificate authority would.
func requestIn(t *testing.T, cli *acctest.CLI) *x509.CertificateRequest {
	t.Helper()
	text, _ := cli.State(certificateAddress)["csr_pem"].(string)
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
		t.Fatalf("expected one signing request in csr_pem, found %q", text)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.CheckSignature(); err != nil {
		t.Fatal(err)
	}

	return request
}

// caSigned is a CA-signed certificate, with more lines in its body.
func caSigned(lines ...string) string {
	return wrappingCertificate(append([]string{`developer_name = "BYOK_2027"`, "ca_signed = true"}, lines...)...)
}

// The whole way of a CA-signed certificate: the request comes out, the signed chain goes in, in place, and keys can be wrapped with it.
func TestAccCertificate_caSigned(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"pem", "base64", "json", "der", "bom", "pkcs7", "base64-pem", "trusted", "x509", "one-line", "root-first"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CertificateChainForm = form }))
			cli := acctest.NewCLI(t, sim)
			cli.Config(caSigned())
			cli.MustApply()
			expectState(t, cli, certificateAddress, map[string]any{"certificate_pem": nil, "sha256_fingerprint": nil, "not_after": nil, "byok_compatible": false, "ca_signed": true})
			request := requestIn(t, cli)

			ca := newAuthority(t, "Bank CA")
			chain := chainFor(t, ca, request.PublicKey)
			cli.Write("chain.pem", chain)
			cli.Config(caSigned(`certificate_chain = file("chain.pem")`))
			if plan := cli.Plan(); plan.Changed != 1 || plan.Added+plan.Removed != 0 {
				t.Fatalf("expected the chain to be uploaded in place, found\n%s", plan.Output())
			}
			cli.MustApply()
			made, _ := inOrg(sim, "BYOK_2027")
			if made.Unusable || strings.TrimSpace(made.PEM) != strings.TrimSpace(chain) {
				t.Errorf("expected the org to have the chain, found %+v", made)
			}
			leaf, _, _ := strings.Cut(chain, "-----END CERTIFICATE-----\n")
			expectState(t, cli, certificateAddress, map[string]any{
				"id": made.ID, "certificate_pem": leaf + "-----END CERTIFICATE-----\n", "csr_pem": nil, "byok_compatible": true, "not_after": made.ExpirationDate.Format(time.RFC3339),
			})
			expectCount(t, sim, opDeploy, 2)
		})
	}
}

// A chain is renewed in place; one for another key is refused before anything is sent, and one that Salesforce refuses is told in its
// words.
func TestAccCertificate_chains(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(caSigned())
	cli.MustApply()
	request := requestIn(t, cli)
	ca := newAuthority(t, "Bank CA")
	cli.Config(caSigned(`certificate_chain = file("chain.pem")`))

	cli.Write("chain.pem", chainFor(t, ca, newAuthority(t, "Other").key.Public()))
	expectError(t, cli.Plan(), "The chain does not belong to this certificate", "another public key", "Nothing was sent")
	expectError(t, cli.Apply(), "The chain does not belong to this certificate")
	expectCount(t, sim, opDeploy, 1)

	// A chain that was valid once.
	cli.Write("chain.pem", leafFor(t, ca, request.PublicKey, time.Now().Add(-time.Hour))+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw})))
	expectError(t, cli.Plan(), "The signed certificate is not fit", "it expired at", "Have the request signed again")
	expectError(t, cli.Apply(), "The signed certificate is not fit")
	expectCount(t, sim, opDeploy, 1)
	expectState(t, cli, certificateAddress, map[string]any{"certificate_chain": nil, "byok_compatible": false})

	cli.Write("chain.pem", chainFor(t, ca, request.PublicKey))
	cli.MustApply()
	first := cli.State(certificateAddress)["sha256_fingerprint"]
	// The request is gone; the certificate in state tells the key.
	cli.Write("chain.pem", chainFor(t, ca, newAuthority(t, "Other").key.Public()))
	expectError(t, cli.Apply(), "The chain does not belong to this certificate")
	cli.Write("chain.pem", chainFor(t, ca, request.PublicKey))
	cli.MustApply()
	if second := cli.State(certificateAddress)["sha256_fingerprint"]; second == first {
		t.Errorf("expected the renewed certificate in state, found the first one, %v", first)
	}

	// Taking the chain out of the configuration takes nothing from Salesforce.
	cli.Config(caSigned())
	cli.MustApply()
	expectState(t, cli, certificateAddress, map[string]any{"certificate_chain": nil, "byok_compatible": true})
	expectCount(t, sim, opDeploy, 3)
}

// The Tooling API may have no chain for a certificate that waits for one: the request is then read through the Metadata API.
func TestAccCertificate_requestByMetadata(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	arm(t, sim, sfsim.Fault{Method: "GET", Path: "CertificateChain", Status: 404, ErrorCode: "NOT_FOUND"})
	cli := acctest.NewCLI(t, sim)
	cli.Config(caSigned())
	cli.MustApply()
	made, _ := inOrg(sim, "BYOK_2027")
	if request := cli.State(certificateAddress)["csr_pem"]; fmt.Sprint(request) != made.PEM {
		t.Errorf("expected the signing request of the org, found %v", request)
	}
}
