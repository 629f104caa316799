package provider_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
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
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
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
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "BYOK"},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, key, ca.key)
	if err != nil {
		t.Fatal(err)
	}

	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// chainFor signs a certificate for a public key, and returns it with its issuer.
func chainFor(t *testing.T, ca authority, key crypto.PublicKey) string {
	t.Helper()

	return leafFor(t, ca, key, time.Now().AddDate(1, 0, 0)) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw}))
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

// The whole way of a CA-signed certificate: the request comes out, the signed chain goes in, in
// place, and keys can be wrapped with it.
func TestAccCertificate_caSigned(t *testing.T) {
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
			cli := acctest.NewCLI(t, sim)
			cli.Config(caSigned())
			cli.MustApply()
			expectState(t, cli, certificateAddress, map[string]any{
				"certificate_pem": nil, "sha256_fingerprint": nil,
				"not_after": nil, "byok_compatible": false, "ca_signed": true,
			})
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
				"id": made.ID, "certificate_pem": leaf + "-----END CERTIFICATE-----\n", "csr_pem": nil, "byok_compatible": true,
				"not_after": made.ExpirationDate.Format(time.RFC3339),
			})
			expectCount(t, sim, opDeploy, 2)
		})
	}
}

// A chain is renewed in place; one for another key is refused before anything is sent, and one that
// Salesforce refuses is shown in its words.
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
	cli.Write("chain.pem", leafFor(t, ca, request.PublicKey, time.Now().Add(-time.Hour))+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw})))
	expectError(t, cli.Plan(), "The signed certificate is not fit", "it expired at", "Have the request signed again")
	expectError(t, cli.Apply(), "The signed certificate is not fit")
	expectCount(t, sim, opDeploy, 1)
	expectState(t, cli, certificateAddress, map[string]any{"certificate_chain": nil, "byok_compatible": false})

	cli.Write("chain.pem", chainFor(t, ca, request.PublicKey))
	cli.MustApply()
	first := cli.State(certificateAddress)["sha256_fingerprint"]
	// The request is gone; the certificate in state identifies the key.
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

// certificateIn is a certificate of an authority that belongs to no chain here, from a file of
// package byok.
func certificateIn(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "byok", "testdata", "issuers", name))
	if err != nil {
		t.Fatal(err)
	}

	return string(text)
}

// under makes an authority that signs in the name of a certificate, which Go may not be able to
// read.
func under(t *testing.T, text string) authority {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	var outline struct {
		TBS struct{ Version, Serial, Algorithm, Issuer, Validity, Subject, Rest asn1.RawValue }
	}
	if _, err := asn1.Unmarshal(block.Bytes, &outline); err != nil {
		t.Fatal(err)
	}
	ca := newAuthority(t, "placeholder")
	ca.certificate = &x509.Certificate{RawSubject: outline.TBS.Subject.FullBytes, PublicKey: ca.key.Public()}

	return ca
}

// dersOf are the certificates in a text of PEM blocks.
func dersOf(text string) [][]byte {
	var ders [][]byte
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		ders = append(ders, block.Bytes)
	}

	return ders
}

// pkcs7Of is what openssl crl2pkcs7 -nocrl makes of certificates: RFC 2315, 9.1, signed by nobody.
func pkcs7Of(t *testing.T, text string) string {
	t.Helper()
	emptySet := asn1.RawValue{FullBytes: []byte{0x31, 0}}
	data, err := asn1.Marshal(struct {
		Version      int
		Algorithms   asn1.RawValue
		Content      struct{ Type asn1.ObjectIdentifier }
		Certificates asn1.RawValue
		Signers      asn1.RawValue
	}{
		1, emptySet,
		struct{ Type asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: bytes.Join(dersOf(text), nil)},
		emptySet,
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2},
		asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: data},
	})
	if err != nil {
		t.Fatal(err)
	}

	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: whole}))
}

// trusted is OpenSSL's own form: what a certificate is trusted for, here nothing, follows it.
func trusted(text string) string {
	var out strings.Builder
	for _, der := range dersOf(text) {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: append(bytes.Clone(der), 0x30, 0)}))
	}

	return out.String()
}

// Chains as authorities and openssl hand them out: any order, issuers that Go can't read,
// certificates that belong elsewhere, text and byte order marks. The org gets the chain in order,
// and nothing else; what is odd is a warning.
func TestAccCertificate_chainsAsTheyCome(t *testing.T) {
	t.Parallel()
	negative, brainpool := certificateIn(t, "negative-serial-root.pem"), certificateIn(t, "brainpool.pem")
	pss, extra := certificateIn(t, "rsa-pss.pem"), certificateIn(t, "extra-root.pem")
	ca := newAuthority(t, "Bank CA")
	root := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw}))
	as := map[string]func(text string) string{
		"PKCS#7":                       func(text string) string { return pkcs7Of(t, text) },
		"PKCS#7, root first":           func(text string) string { return pkcs7Of(t, text) },
		"TRUSTED CERTIFICATE":          func(text string) string { return trusted(text) },
		"lines that end as on Windows": func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") },
	}
	for name, test := range map[string]struct {
		ca              authority
		before, after   string
		issuer, warning string
	}{
		"root first":                   {ca, root, "", root, ""},
		"PKCS#7":                       {ca, "", root, root, ""},
		"PKCS#7, root first":           {ca, root, "", root, ""},
		"TRUSTED CERTIFICATE":          {ca, "", root, root, ""},
		"lines that end as on Windows": {ca, "", root, root, ""},
		"printed by openssl": {
			ca, "subject=CN = BYOK\nissuer=CN = Bank CA\n",
			"\n\nsubject=CN = Bank CA\n" + root + "\n", root, "",
		},
		"a byte order mark":        {ca, "\ufeff", root, root, ""},
		"X509 CERTIFICATE":         {ca, "", strings.ReplaceAll(root, " CERTIFICATE", " X509 CERTIFICATE"), root, ""},
		"one root too many":        {ca, "", root + extra, root, `"CN=Unrelated Root,O=Example" is no issuer of this chain`},
		"one root too many, first": {ca, extra, root, root, "is no issuer of this chain"},
		"a negative serial number": {
			under(t, negative), "", negative, negative,
			`"CN=Example Old Root,O=Example" can't be read here`,
		},
		"a Brainpool key": {under(t, brainpool), brainpool, "", brainpool, "can't be read here"},
		"a key for RSA-PSS alone": {
			under(t, pss), pss, "", pss,
			`"CN=Example PSS CA,O=Example" can't be read here`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(caSigned())
			cli.MustApply()
			leaf := leafFor(t, test.ca, requestIn(t, cli).PublicKey, time.Now().AddDate(1, 0, 0))
			text := test.before + leaf + test.after
			if form := as[name]; form != nil {
				text = form(text)
			}
			cli.Write("chain.pem", text)
			cli.Config(caSigned(`certificate_chain = file("chain.pem")`))
			plan := cli.Plan()
			if warned := plan.Has("warning", "A certificate of the chain is odd", test.warning); warned != (test.warning != "") {
				t.Errorf("expected the warning %q, found\n%s", test.warning, plan.Output())
			}
			cli.MustApply()
			if made, _ := inOrg(sim, "BYOK_2027"); made.PEM != leaf+test.issuer {
				t.Errorf("expected the leaf and its issuer, found\n%s", made.PEM)
			}
			expectState(t, cli, certificateAddress, map[string]any{"byok_compatible": true, "certificate_pem": leaf})
		})
	}
}

// What Salesforce does with issuers that Go can't read is not known: a refusal is shown in its
// words.
func TestAccCertificate_chainRefusedBySalesforce(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CertificateChainStrict = true
	}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(caSigned())
	cli.MustApply()
	negative := certificateIn(t, "negative-serial-root.pem")
	cli.Write("chain.pem", leafFor(t, under(t, negative), requestIn(t, cli).PublicKey, time.Now().AddDate(1, 0, 0))+
		negative)
	cli.Config(caSigned(`certificate_chain = file("chain.pem")`))
	expectError(t, cli.Apply(), "Unable to upload the signed chain",
		"The content holds a certificate that can't be parsed")
	expectState(t, cli, certificateAddress, map[string]any{"certificate_chain": nil, "byok_compatible": false})
}

// A second chain goes over a signed certificate: whether Salesforce keeps the key pair then is not
// known. The plan says so, and if it does not, the apply does.
func TestAccCertificate_chainOverASignedOne(t *testing.T) {
	t.Parallel()
	for _, remade := range []bool{false, true} {
		t.Run(fmt.Sprintf("key pair remade %v", remade), func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.CertificateRedeployKeys = remade
			}))
			cli := acctest.NewCLI(t, sim)
			cli.Config(caSigned())
			cli.MustApply()
			request, ca := requestIn(t, cli), newAuthority(t, "Bank CA")
			cli.Write("chain.pem", chainFor(t, ca, request.PublicKey))
			cli.Config(caSigned(`certificate_chain = file("chain.pem")`))
			cli.MustApply()
			cli.Write("chain.pem", chainFor(t, ca, request.PublicKey))
			expectWarning(t, cli.Plan(), "The certificate is signed already", "BYOK_2027", "may make a new key pair")
			applied := cli.Apply()
			if !remade {
				if applied.Code != 0 {
					t.Error(applied.Output())
				}
				cli.MustBeEmpty()

				return
			}
			expectError(t, applied, "The certificate has another key pair", "BYOK_2027", "Uploaded keys are not affected")
			// State has the new request, to be signed again.
			if key, ok := request.PublicKey.(*rsa.PublicKey); !ok || key.Equal(requestIn(t, cli).PublicKey) {
				t.Error("expected the request of the new key pair in state")
			}
			cli.MustBeEmpty()
		})
	}
}

// The reply to the chain is lost. Another deploy of it would go over a certificate that is signed
// by then: the chain is looked for, and sent again by the next apply only if it has not arrived.
func TestAccCertificate_chainWithoutAReply(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]string{"arrived": "after", "not arrived": "before"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.CertificateRedeployKeys = true
			}))
			cli := acctest.NewCLI(t, sim)
			cli.Config(caSigned())
			cli.MustApply()
			request := requestIn(t, cli)
			before := acctest.Count(sim, opDeploy)
			chain := chainFor(t, newAuthority(t, "Bank CA"), request.PublicKey)
			cli.Write("chain.pem", chain)
			cli.Config(caSigned(`certificate_chain = file("chain.pem")`))
			arm(t, sim, sfsim.Fault{Method: "POST", Path: "deployRequest", Nth: 1, Drop: drop})
			if drop == "after" {
				cli.With(provider.WithSleep(acctest.Passing(sim)))
				cli.MustApply()
				expectCount(t, sim, opDeploy, before+1)
			} else {
				expectError(t, cli.Apply(), "Unable to upload the signed chain")
				cli.MustApply()
				expectCount(t, sim, opDeploy, before+1) // the journal counts no request that was not served
			}
			made, _ := inOrg(sim, "BYOK_2027")
			if strings.TrimSpace(made.PEM) != strings.TrimSpace(chain) {
				t.Errorf("expected the org to have the chain for the first key pair, found %+v", made)
			}
		})
	}
}

// A chain that is known only at the apply is judged there.
func TestAccCertificate_chainUnknownAtPlan(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(caSigned())
	cli.MustApply()
	request := requestIn(t, cli)
	config := func(now, chain string) {
		cli.Write("chain.pem", chain)
		cli.Config(knownLate("chain", `file("chain.pem")`, now) +
			caSigned("certificate_chain = terraform_data.chain.output"))
	}
	config("1", chainFor(t, newAuthority(t, "Bank CA"), newAuthority(t, "Other").key.Public()))
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges {
		t.Fatal(plan.Output())
	}
	expectError(t, cli.Apply(), "The chain does not belong to this certificate")
	config("2", chainFor(t, newAuthority(t, "Bank CA"), request.PublicKey))
	cli.MustApply()
	expectState(t, cli, certificateAddress, map[string]any{"byok_compatible": true})
	expectCount(t, sim, opDeploy, 2)
}

// The Tooling API may have no chain for a certificate that waits for one: the request is then read
// through the Metadata API.
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
