package byok_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

func TestReadAnswer(t *testing.T) {
	t.Parallel()
	chain := string(concat(vector(t, "leaf.crt"), vector(t, "intermediate.crt"), vector(t, "root.crt")))
	reversed := string(concat(vector(t, "root.crt"), vector(t, "intermediate.crt"), vector(t, "leaf.crt")))
	request, self, other := string(vector(t, "wrapping.csr")), string(vector(t, "wrapping.crt")),
		string(vector(t, "rsa2048.crt"))
	der := derOf(t, "leaf.crt")
	malformed := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{0x30, 0}}))
	tests := map[string]struct{ chain, request, certificate, want string }{
		"answer to the request":     {chain, request, "", ""},
		"in another order":          {reversed, request, "", ""},
		"leaf alone":                {string(vector(t, "leaf.crt")), request, "", ""},
		"newline before":            {"\n" + chain, request, "", ""},
		"request is gone":           {chain, "", self, ""},
		"request decides":           {chain, request, other, ""},
		"form only":                 {other, "", "", ""},
		"answer to another request": {other, request, "", "signed for another request"},
		"another certificate":       {string(vector(t, "ec.crt")), "", self, "signed for another request"},
		"issuers only": {
			string(concat(vector(t, "intermediate.crt"), vector(t, "root.crt"))), request, "",
			`subject "CN=Intermediate,O=BYOK test"`,
		},
		"no chain":           {"", request, "", "expected PEM"},
		"base64 of DER":      {base64.StdEncoding.EncodeToString(der), request, "", "expected PEM"},
		"DER":                {string(der), request, "", "expected PEM"},
		"JSON string":        {string(quoted([]byte(chain))), request, "", "expected PEM"},
		"the request itself": {request, request, "", "certificate signing request"},
		"a private key": {
			string(vector(t, "wrapping-key.pem")), request, "",
			"private key must not be given",
		},
		"a chain and a private key": {
			chain + string(vector(t, "wrapping-key.pem")), request, "",
			"private key must not be given",
		},
		"without the key, two leaves": {
			string(concat(vector(t, "leaf.crt"), anotherLeaf(t))), "", "",
			"signed none of the others",
		},
		"request in state not PEM":      {chain, "x", "", "in state is not PEM"},
		"request in state malformed":    {chain, malformed, "", "in state can't be parsed"},
		"certificate in state not PEM":  {chain, "", "x", "neither PEM"},
		"certificate in state is a CSR": {chain, "", request, "certificate signing request"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := byok.ReadAnswer(test.chain, test.request, test.certificate)
			if test.want == "" {
				if err != nil || answer.Leaf == nil || len(answer.Warnings) > 0 {
					t.Errorf("expected an answer without warnings, found %+v, %v", answer, err)
				}
				return
			}
			if answer != nil {
				t.Error("an answer came together with an error")
			}
			_, body, _ := bytes.Cut(vector(t, "wrapping-key.pem"), []byte("\n"))
			mustFail(t, err, test.want, string(body))
		})
	}
}

// anotherLeaf is a certificate of another key under an authority that is not there.
func anotherLeaf(t testing.TB) []byte {
	t.Helper()
	return signed(t, "Another", &x509.Certificate{Subject: pkix.Name{CommonName: "Elsewhere"}}, newKey(t), 7)
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signed makes a certificate for the public key of key, signed by it too: who the issuer is, its
// name alone says.
func signed(t testing.TB, name string, parent *x509.Certificate, key *ecdsa.PrivateKey, serial int64,
	changes ...func(*x509.Certificate),
) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	for _, change := range changes {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", der)
}

// answerTo reads a chain as the answer to a request of a key.
func answerTo(t *testing.T, key *ecdsa.PrivateKey, chain ...[]byte) (*byok.Answer, error) {
	t.Helper()
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return byok.ReadAnswer(string(concat(chain...)), string(pemOf("CERTIFICATE REQUEST", request)), "")
}

// Whatever the order, the chain is sent with the leaf first, and each issuer after what it signed.
func TestReadAnswer_sorts(t *testing.T) {
	t.Parallel()
	leaf, intermediate, root := vector(t, "leaf.crt"), vector(t, "intermediate.crt"), vector(t, "root.crt")
	sorted := concat(leaf, intermediate, root)
	for name, order := range map[string][][]byte{
		"leaf first": {leaf, intermediate, root}, "root first": {root, intermediate, leaf},
		"shuffled": {intermediate, leaf, root}, "each twice": {root, leaf, intermediate, leaf, root},
		"PKCS#7": {vector(t, "chain.p7b")}, "openssl's print": {vector(t, "chain-printed.txt")},
		"a mark": {[]byte("\xef\xbb\xbf"), root, leaf, intermediate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := byok.ReadAnswer(string(concat(order...)), string(vector(t, "wrapping.csr")), "")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(answer.PEM(), sorted) || len(answer.Warnings) > 0 {
				t.Errorf("expected the chain in order, found\n%s\nand %q", answer.PEM(), answer.Warnings)
			}
		})
	}
}

// Issuers that Go can't read are sent as they are, with a warning; what is no issuer of the chain
// is not sent.
func TestReadAnswer_issuers(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for name, test := range map[string]struct {
		issuer, others []byte
		warnings       []string
	}{
		"sound": {issuer(t, "extra-root.pem"), nil, nil},
		"negative serial": {
			issuer(t, "negative-serial-root.pem"), nil,
			[]string{`"CN=Example Old Root,O=Example" can't be read here`},
		},
		"Brainpool": {
			issuer(t, "brainpool.pem"), nil,
			[]string{`"CN=Example Brainpool CA,O=Example" can't be read here`},
		},
		"RSA-PSS": {
			issuer(t, "rsa-pss.pem"), nil,
			[]string{`"CN=Example PSS CA,O=Example" can't be read here (its public key is of a kind`},
		},
		"surplus, RSA-PSS": {
			nil, issuer(t, "rsa-pss.pem"),
			[]string{`"CN=Example PSS CA,O=Example" is no issuer of this chain`},
		},
		"surplus": {
			issuer(t, "brainpool.pem"), issuer(t, "extra-root.pem"),
			[]string{"can't be read here", `"CN=Unrelated Root,O=Example" is no issuer of this chain`},
		},
		"surplus, unreadable": {
			nil, issuer(t, "negative-serial-root.pem"),
			[]string{`"CN=Example Old Root,O=Example" is no issuer of this chain`},
		},
		"nothing can be read": {
			nil, pemOf("CERTIFICATE", []byte{0x30, 0x03, 0x02, 0x01, 0x00}),
			[]string{"a certificate without a readable subject is no issuer"},
		},
		"an older certificate": {nil, signed(t, "Leaf", &x509.Certificate{}, key, 8, func(c *x509.Certificate) {
			c.NotAfter = time.Now()
		}), []string{"is no issuer of this chain"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := &x509.Certificate{Subject: pkix.Name{CommonName: "Nobody"}}
			if test.issuer != nil {
				parent = &x509.Certificate{RawSubject: subjectOf(t, test.issuer)}
			}
			leaf := signed(t, "Leaf", parent, key, 9)
			want := concat(leaf, test.issuer)
			if name == "sound" {
				// Its key did not sign the leaf, whatever the name.
				want, test.warnings = leaf, []string{"is no issuer of this chain"}
			}
			for _, order := range [][][]byte{{leaf, test.issuer, test.others}, {test.others, test.issuer, leaf}} {
				answer, err := answerTo(t, key, order...)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(answer.PEM(), want) {
					t.Errorf("expected %q, found %q", want, answer.PEM())
				}
				if len(answer.Warnings) != len(test.warnings) {
					t.Fatalf("expected %d warnings, found %q", len(test.warnings), answer.Warnings)
				}
				for i, warning := range test.warnings {
					if !strings.Contains(answer.Warnings[i], warning) {
						t.Errorf("expected %q, found %q", warning, answer.Warnings[i])
					}
				}
			}
		})
	}
	unreadable := bytes.Clone(derOfPEM(t, signed(t, "Leaf", &x509.Certificate{}, key, 0x33)))
	unreadable[bytes.Index(unreadable, []byte{0x02, 0x01, 0x33})+2] = 0x93
	if _, err := answerTo(t, key, pemOf("CERTIFICATE", unreadable), issuer(t, "extra-root.pem")); err == nil ||
		!strings.Contains(err.Error(), "the signed certificate is malformed") {
		t.Errorf("expected the unreadable leaf to be refused, found %v", err)
	}
}

func derOfPEM(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM")
	}
	return block.Bytes
}

// subjectOf is the subject of a certificate that crypto/x509 may refuse.
func subjectOf(t *testing.T, text []byte) []byte {
	t.Helper()
	var certificate struct {
		TBS struct {
			Version                                      asn1.RawValue
			Serial, Algorithm, Issuer, Validity, Subject asn1.RawValue
			Rest                                         asn1.RawValue
		}
	}
	if _, err := asn1.Unmarshal(derOfPEM(t, text), &certificate); err != nil {
		t.Fatal(err)
	}
	return certificate.TBS.Subject.FullBytes
}

func TestPublicKey(t *testing.T) {
	t.Parallel()
	wrapping, leaf, other, request := string(vector(t, "wrapping.crt")), string(vector(t, "leaf.crt")),
		string(vector(t, "rsa2048.crt")), string(vector(t, "wrapping.csr"))
	key := x509.MarshalPKCS1PublicKey(publicKey(t, certificate(t, "wrapping.crt")))
	for name, test := range map[string]struct {
		request, certificate string
		want                 []byte
	}{
		"of a certificate": {"", wrapping, key}, "of a signed one": {"", leaf, key}, "of a request": {request, "", key},
		"the request decides": {request, other, key},
		"nothing":             {"", "", nil}, "no request": {"x", wrapping, nil}, "no certificate": {"", "x", nil},
	} {
		if got := byok.PublicKey(test.request, test.certificate); !bytes.Equal(got, test.want) {
			t.Errorf("%s: expected %x, found %x", name, test.want, got)
		}
	}
	if bytes.Equal(byok.PublicKey("", other), key) {
		t.Error("expected another certificate to have another key")
	}
}
