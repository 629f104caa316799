package byok_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func derOf(t testing.TB, name string) []byte {
	t.Helper()
	block, _ := pem.Decode(vector(t, name))
	if block == nil {
		t.Fatal("no PEM block in " + name)
	}
	return block.Bytes
}

// pemOf is a PEM block.
func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// issuer is a certificate of an authority that belongs to no chain of the vectors.
func issuer(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "issuers", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// emptyPKCS7 is a SignedData with neither certificates nor signers.
var emptyPKCS7 = []byte{
	0x30, 0x23, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02, 0xa0, 0x16, 0x30, 0x14, 0x02, 0x01, 0x01,
	0x31, 0x00, 0x30, 0x0b,
	0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01, 0x31, 0x00,
}

func quoted(b []byte) []byte {
	out, err := json.Marshal(string(b))
	if err != nil {
		panic(err)
	}
	return out
}

func lines(s string, width int, separator string) string {
	var b strings.Builder
	for chunk := range slices.Chunk([]byte(s), width) {
		b.Write(chunk)
		b.WriteString(separator)
	}
	return b.String()
}

func TestParseCertificateForms(t *testing.T) {
	t.Parallel()
	text, der := vector(t, "wrapping.crt"), vector(t, "wrapping.der")
	encoded := base64.StdEncoding.EncodeToString(der)
	forms := map[string][]byte{
		"PEM":                          text,
		"PEM without last newline":     bytes.TrimSpace(text),
		"PEM with CR LF":               bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
		"PEM with explanatory text":    concat([]byte("subject=/CN=Sim_BYOK\nissuer=/CN=Sim_BYOK\n"), text),
		"DER":                          der,
		"base64":                       []byte(encoded),
		"base64 and newline":           []byte(encoded + "\n"),
		"base64 in lines":              []byte(lines(encoded, 64, "\n")),
		"base64 in MIME lines":         []byte(lines(encoded, 76, "\r\n")),
		"JSON string of base64":        quoted([]byte(encoded)),
		"JSON string of PEM":           quoted(text),
		"JSON string, white space":     concat([]byte(" \n"), quoted(text), []byte("\n")),
		"byte order mark":              concat([]byte("\xef\xbb\xbf"), text),
		"mark in a JSON string":        quoted(concat([]byte("\xef\xbb\xbf"), text)),
		"PKCS#7":                       vector(t, "wrapping.p7b"),
		"PKCS#7, base64 of DER":        []byte(base64.StdEncoding.EncodeToString(derOf(t, "wrapping.p7b"))),
		"PKCS#7, DER":                  derOf(t, "wrapping.p7b"),
		"base64 of PEM":                []byte(base64.StdEncoding.EncodeToString(text)),
		"base64 of PEM with a mark":    []byte(base64.StdEncoding.EncodeToString(concat([]byte("\xef\xbb\xbf"), text))),
		"OpenSSL's trusted":            vector(t, "trusted.crt"),
		"an X509 CERTIFICATE":          bytes.ReplaceAll(text, []byte(" CERTIFICATE"), []byte(" X509 CERTIFICATE")),
		"PEM on one line":              bytes.ReplaceAll(text, []byte("\n"), nil),
		"PEM on one line with spaces":  bytes.ReplaceAll(text, []byte("\n"), []byte(" ")),
		"PEM with CRLF":                bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
		"PEM, indented":                bytes.ReplaceAll(text, []byte("\n"), []byte("\n    ")),
		"PEM after a text":             concat([]byte("subject=CN = x\n\n"), text, []byte("\n \n")),
		"JSON string with escapes":     []byte(strings.ReplaceAll(string(quoted(text)), "/", `\/`)),
		"the certificate twice":        concat(text, text),
		"DER of the certificate twice": concat(der, der),
	}
	sum := sha256.Sum256(der)
	for name, body := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := byok.ParseCertificate(body)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(c.X509.Raw, der) {
				t.Error("another certificate was read")
			}
			if got := c.SHA256Fingerprint(); got != hexOf(sum[:]) {
				t.Errorf("fingerprint %s", got)
			}
			if got := c.PEM(); got != string(text) {
				t.Errorf("PEM differs from openssl's:\n%s", got)
			}
			if got := c.KeySize(); got != 4096 {
				t.Errorf("key size %d", got)
			}
		})
	}
}

func TestParseCertificateChain(t *testing.T) {
	t.Parallel()
	leaf, intermediate, root := vector(t, "leaf.crt"), vector(t, "intermediate.crt"), vector(t, "root.crt")
	want := derOf(t, "leaf.crt")
	orders := map[string][][]byte{
		"leaf first":        {leaf, intermediate, root},
		"root first":        {root, intermediate, leaf},
		"leaf in between":   {intermediate, leaf, root},
		"leaf last":         {intermediate, root, leaf},
		"without root":      {intermediate, leaf},
		"leaf repeated":     {leaf, root, leaf, intermediate},
		"root repeated":     {root, leaf, root, intermediate},
		"PKCS#7":            {vector(t, "chain.p7b")},
		"openssl's print":   {vector(t, "chain-printed.txt")},
		"with a gap":        {leaf, root},
		"an extra root":     {leaf, intermediate, root, issuer(t, "extra-root.pem")},
		"extra root first":  {issuer(t, "extra-root.pem"), root, intermediate, leaf},
		"a negative serial": {leaf, intermediate, root, issuer(t, "negative-serial-root.pem")},
		"Brainpool":         {issuer(t, "brainpool.pem"), leaf, intermediate, root},
		"with bag comments": {
			[]byte("Bag Attributes\n  friendlyName: leaf\n"), leaf, []byte("\nissuer\n"), intermediate,
			root,
		},
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := byok.ParseCertificate(concat(order...))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(c.X509.Raw, want) {
				t.Errorf("took %s for the leaf", c.X509.Subject)
			}
			if c.SerialNumber() != "c0ffee" {
				t.Errorf("serial number %s", c.SerialNumber())
			}
		})
	}
	c, err := byok.ParseCertificate(concat(derOf(t, "root.crt"), derOf(t, "intermediate.crt"), want))
	if err != nil || !bytes.Equal(c.X509.Raw, want) {
		t.Errorf("chain of DER: %v", err)
	}
}

func TestParseCertificateRefuses(t *testing.T) {
	t.Parallel()
	text, der := vector(t, "wrapping.crt"), vector(t, "wrapping.der")
	encoded := base64.StdEncoding.EncodeToString(der)
	damaged := bytes.Replace(text, []byte("MII"), []byte("!II"), 1)
	flipped := bytes.Clone(der)
	flipped[len(flipped)/3] ^= 0xff
	tests := map[string]struct {
		body []byte
		want string
	}{
		"nil":                        {nil, "is empty"},
		"white space":                {[]byte(" \r\n\t"), "is empty"},
		"empty JSON string":          {[]byte(`""`), "is empty"},
		"JSON null":                  {[]byte("null"), "is empty"},
		"JSON object":                {[]byte(`{"CertificateChain":"MII"}`), "JSON that is not a string"},
		"JSON array":                 {[]byte(`[{"errorCode":"NOT_FOUND"}]`), "JSON that is not a string"},
		"JSON string cut off":        {quoted(text)[:500], "begins as a JSON string"},
		"JSON string and more":       {concat(quoted(text), []byte(`"x"`)), "begins as a JSON string"},
		"JSON string in JSON string": {quoted(quoted([]byte(encoded))), "neither PEM nor base64"},
		"HTML":                       {[]byte("<html><body>Maintenance</body></html>"), "HTML or XML"},
		"too large":                  {bytes.Repeat([]byte("A"), 300<<10), "expected at most"},
		"text":                       {[]byte("not a certificate"), "neither PEM nor base64"},
		"base64 of text":             {[]byte("bm90IGEgY2VydGlmaWNhdGUsIGJ1dCBsb25nIGVub3VnaA=="), "malformed"},
		"base64 without padding":     {[]byte(strings.TrimRight(encoded, "=") + "A"), "neither PEM nor base64"},
		"base64 cut off":             {[]byte(encoded[:len(encoded)-8]), "malformed"},
		"DER cut off":                {der[:len(der)-1], "malformed"},
		"DER and a byte":             {concat(der, []byte{0}), "followed by other data"},
		"DER and a newline":          {concat(der, []byte("\n")), "followed by other data"},
		"DER and text":               {concat(der, []byte("trailing")), "followed by other data"},
		"DER damaged":                {flipped[:200], "malformed"},
		"base64 and trailing DER": {
			[]byte(base64.StdEncoding.EncodeToString(concat(der, []byte{5, 0}))),
			"followed by other data",
		},
		"PEM damaged":                 {damaged, "block 1 is malformed"},
		"damaged leaf before issuers": {concat(damaged, vector(t, "root.crt")), "of the certificate, block"},
		"PEM cut off":                 {text[:len(text)-40], "malformed"},
		"PEM within a line":           {concat([]byte("{\"chain\":"), text), "block 1 is malformed"},
		"PEM and text":                {concat(text, []byte("trailing")), "8 bytes follow the last PEM block"},
		"PEM and its end": {
			concat(text, []byte("-----END CERTIFICATE-----")),
			"25 bytes follow the last PEM block",
		},
		"PEM block with two DER": {concat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: concat(der, der)}),
			vector(t, "root.crt")), "PEM block 1: it holds 2 certificates"},
		"PEM block with trailing DER": {
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: concat(der, []byte{0})}),
			"followed by other data",
		},
		"empty PEM block": {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"}), "block 1 is malformed"},
		"public key": {
			pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte{1}}),
			"not a CERTIFICATE",
		},
		"private key":                 {vector(t, "wrapping-key.pem"), "private key must not be given"},
		"certificate and private key": {concat(text, vector(t, "wrapping-key.pem")), "private key must not be given"},
		"two unrelated certificates":  {concat(text, vector(t, "ec.crt")), "2 of the 2 certificates"},
		"two authorities": {
			concat(vector(t, "intermediate.crt"), vector(t, "ec.crt"), text),
			"3 of the 3 certificates",
		},
		"unreadable and an authority": {concat(pemOf("CERTIFICATE", []byte{0x30, 0x03, 0x02, 0x01, 0x00}),
			vector(t, "root.crt")), "of the 2 certificates"},
		"two leaves": {
			concat(vector(t, "leaf.crt"), vector(t, "intermediate.crt"), anotherLeaf(t)),
			"2 of the 3 certificates",
		},
		"damaged leaf in a PKCS#7": {
			bytes.Replace(vector(t, "chain.p7b"), []byte("A"), []byte("!"), 1),
			"block 1 is malformed",
		},
		"PKCS#7 without certificates": {pemOf("PKCS7", emptyPKCS7), "found no certificate in the PKCS#7 file"},
		"PKCS#7 cut off":              {pemOf("PKCS7", emptyPKCS7[:20]), "it is no PKCS#7"},
		"block without an end":        {concat(text[:200], text), "block 1 is malformed"},
		"eleven blocks":               {bytes.Repeat(text, 11), "11 PEM blocks, expected at most 10"},
		"malformed request": {
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{0x30, 0}}),
			"request is malformed",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := byok.ParseCertificate(test.body)
			if name == "DER damaged" || name == "private key" || name == "certificate and private key" {
				mustFail(t, err, test.want, string(vector(t, "wrapping-key.pem")[40:]))
			} else {
				mustFail(t, err, test.want)
			}
			if c != nil {
				t.Error("returned a certificate together with an error")
			}
			if _, ok := errors.AsType[*byok.CertificateRequestError](err); ok {
				t.Error("is reported as a pending request")
			}
		})
	}
}

func TestParseCertificateRequest(t *testing.T) {
	t.Parallel()
	text := vector(t, "wrapping.csr")
	der := derOf(t, "wrapping.csr")
	for name, body := range map[string][]byte{
		"PEM":         text,
		"NEW PEM":     pem.EncodeToMemory(&pem.Block{Type: "NEW CERTIFICATE REQUEST", Bytes: der}),
		"DER":         der,
		"base64":      []byte(base64.StdEncoding.EncodeToString(der)),
		"JSON string": quoted(text),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := byok.ParseCertificate(body)
			var pending *byok.CertificateRequestError
			if !errors.As(err, &pending) {
				t.Fatalf("got %v, want a CertificateRequestError", err)
			}
			if pending.PEM() != string(text) {
				t.Errorf("PEM differs from openssl's:\n%s", pending.PEM())
			}
			if !strings.Contains(err.Error(), "until its signed chain is uploaded") {
				t.Errorf("error does not say what to do: %v", err)
			}
		})
	}
}

// A certificate that only bears the issuer's name did not sign the leaf, so it is a second leaf.
func TestLeafIsChosenBySignature(t *testing.T) {
	t.Parallel()
	impostor := certificate(t, "root.crt").X509
	leaf := certificate(t, "leaf.crt").X509
	renamed := bytes.Replace(impostor.Raw, []byte("Root"), []byte("Rooo"), 2)
	if bytes.Equal(renamed, impostor.Raw) {
		t.Fatal("nothing was renamed")
	}
	leafFirst, err := byok.ParseCertificate(concat(leaf.Raw, renamed))
	if err != nil || !leafFirst.X509.Equal(leaf) {
		t.Errorf("expected the only one that is no authority, found %v", err)
	}
	_, err = byok.ParseCertificate(concat(derOf(t, "intermediate.crt"), renamed))
	mustFail(t, err, "2 of the 2 certificates")
	// Same name, other key: the intermediate's name on a certificate whose key did not sign the leaf.
	mismatched := bytes.Clone(derOf(t, "intermediate.crt"))
	at := bytes.Index(mismatched, publicKey(t, certificate(t, "intermediate.crt")).N.Bytes())
	mismatched[at+100] ^= 1
	answer, err := byok.ReadAnswer(string(concat(pemOf("CERTIFICATE", leaf.Raw), pemOf("CERTIFICATE", mismatched))), "",
		"")
	if err != nil || len(answer.Warnings) != 1 || !bytes.Equal(answer.PEM(), pemOf("CERTIFICATE", leaf.Raw)) {
		t.Errorf("expected the impostor to be left out, found %v", err)
	}
}

func TestUnfit(t *testing.T) {
	t.Parallel()
	good := certificate(t, "wrapping.crt")
	from, until := good.X509.NotBefore, good.X509.NotAfter
	withKey := func(n *big.Int, e int) *byok.Certificate {
		x := *good.X509
		x.PublicKey = &rsa.PublicKey{N: n, E: e}
		return &byok.Certificate{X509: &x}
	}
	n := publicKey(t, good).N
	within := from.Add(time.Hour)
	tests := map[string]struct {
		c    *byok.Certificate
		now  time.Time
		want []string
	}{
		"fit":            {good, within, nil},
		"fit leaf":       {certificate(t, "leaf.crt"), certificate(t, "leaf.crt").X509.NotBefore, nil},
		"first instant":  {good, from, nil},
		"last instant":   {good, until, nil},
		"a clock behind": {good, from.Add(-5 * time.Minute), nil},
		"too early": {
			good, from.Add(-5*time.Minute - time.Second),
			[]string{"not valid before " + from.UTC().Format(time.RFC3339)},
		},
		"too late":          {good, until.Add(time.Second), []string{"expired at " + until.UTC().Format(time.RFC3339)}},
		"2048 bits":         {certificate(t, "rsa2048.crt"), within, []string{"2048 bits, expected 4096"}},
		"EC":                {certificate(t, "ec.crt"), within, []string{"ECDSA, expected RSA"}},
		"exponent 3":        {certificate(t, "exponent3.crt"), within, []string{"exponent is 3"}},
		"exponent even":     {withKey(n, 65538), within, []string{"exponent is 65538"}},
		"exponent 65536":    {withKey(n, 65536), within, []string{"exponent is 65536"}},
		"modulus even":      {withKey(new(big.Int).Sub(n, big.NewInt(1)), 65537), within, []string{"modulus is even"}},
		"4095 bits":         {withKey(new(big.Int).Rsh(n, 1), 65537), within, []string{"4095 bits"}},
		"8192 bits":         {withKey(new(big.Int).Mul(n, n), 65537), within, []string{"expected 4096"}},
		"small and expired": {certificate(t, "rsa2048.crt"), until.AddDate(200, 0, 0), []string{"2048 bits", "expired at"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := test.c.Unfit(test.now)
			if len(got) != len(test.want) {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			for i := range got {
				if !strings.Contains(got[i], test.want[i]) {
					t.Errorf("got %q, want %q", got[i], test.want[i])
				}
			}
		})
	}
	if got := certificate(t, "ec.crt").KeySize(); got != 0 {
		t.Errorf("key size of an EC certificate is %d", got)
	}
}

func TestSerialNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[int64]string{0: "00", 1: "01", 255: "ff", 256: "0100", 0x0a0b0c0d: "0a0b0c0d"} {
		c := &byok.Certificate{X509: &x509.Certificate{SerialNumber: big.NewInt(number)}}
		if got := c.SerialNumber(); got != want {
			t.Errorf("serial number %d is %q, want %q", number, got, want)
		}
	}
	if got := certificate(t, "intermediate.crt").SerialNumber(); got != "0a0b0c0d" {
		t.Errorf("got %q", got)
	}
}

func FuzzParseCertificate(f *testing.F) {
	for _, name := range []string{
		"wrapping.crt", "wrapping.der", "wrapping.csr", "leaf.crt", "ec.crt", "rsa2048.crt",
		"exponent3.crt",
	} {
		f.Add(vector(f, name))
	}
	f.Add(concat(vector(f, "root.crt"), vector(f, "leaf.crt"), vector(f, "intermediate.crt")))
	f.Add(quoted(vector(f, "wrapping.crt")))
	f.Add([]byte(base64.StdEncoding.EncodeToString(vector(f, "wrapping.der"))))
	f.Add(vector(f, "chain.p7b"))
	f.Add(vector(f, "chain-printed.txt"))
	f.Add(vector(f, "trusted.crt"))
	f.Add(concat(vector(f, "leaf.crt"), issuer(f, "negative-serial-root.pem"), issuer(f, "brainpool.pem")))
	f.Add(emptyPKCS7)
	f.Add([]byte("<html>"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := byok.ParseCertificate(body)
		if err != nil {
			if c != nil {
				t.Fatal("returned a certificate together with an error")
			}
			return
		}
		// What is read can be written and read back.
		again, err := byok.ParseCertificate([]byte(c.PEM()))
		if err != nil || !bytes.Equal(again.X509.Raw, c.X509.Raw) {
			t.Fatalf("PEM does not read back: %v", err)
		}
		_ = c.SerialNumber()
		if len(c.SHA256Fingerprint()) != 64 {
			t.Fatal("the fingerprint is not 64 digits")
		}
		if len(c.Unfit(c.X509.NotBefore)) == 0 && c.KeySize() != 4096 {
			t.Fatalf("a key of %d bits is called fit", c.KeySize())
		}
	})
}
