package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"
)

// software is a token that is a Debian package.
type software struct {
	name    string
	library string
	label   string
	// refuses are the algorithms that this token can't do.
	refuses []string
	// leaky tokens wrap a key that they call unextractable.
	leaky bool
	// initialize makes a token in a directory, and returns what C_Initialize wants.
	initialize func(t *testing.T, dir string) string
}

const pin = "12345678"

var tokens = []software{
	{
		name: "SoftHSM2", library: "libsofthsm2.so", label: "ceremony",
		refuses: []string{"RSA_OAEP_SHA512", "RSA_AES_KEY_WRAP_SHA512"},
		initialize: func(t *testing.T, dir string) string {
			config := filepath.Join(dir, "softhsm2.conf")
			write(t, config, "directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n")
			t.Setenv("SOFTHSM2_CONF", config)
			command(t, "softhsm2-util", "--init-token", "--free", "--label", "ceremony", "--so-pin", pin, "--pin", pin)
			return ""
		},
	},
	{
		// Its AES key wrap reports too small a size, so that the binding can't fetch the result (NSS
		// 3.87).
		name: "NSS softokn", library: "libsoftokn3.so", label: "NSS Certificate DB",
		refuses: []string{"RSA_AES_KEY_WRAP_SHA512"}, leaky: true,
		initialize: func(t *testing.T, dir string) string {
			password := filepath.Join(dir, "password")
			write(t, password, pin)
			command(t, "certutil", "-N", "-d", "sql:"+dir, "-f", password)
			return "configdir='sql:" + dir + "' certPrefix='' keyPrefix='' secmod='secmod.db'"
		},
	},
}

// find returns the path of a token's library, and skips where the package is not there.
func (s software) find(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{
		"/usr/lib/softhsm/", "/usr/lib/*/softhsm/", "/usr/lib/*/", "/usr/lib/*/nss/",
		"/usr/lib64/", "/usr/lib64/pkcs11/",
	} {
		if found, _ := filepath.Glob(pattern + s.library); len(found) > 0 {
			return found[0]
		}
	}
	t.Skipf("%s is not installed (Debian: softhsm2, libnss3, libnss3-tools)", s.library)
	return ""
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed (Debian: softhsm2, libnss3-tools)", name)
	}
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// org is the other side: its private key stays there. One serves all tests, since it takes a second
// to make.
var org = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, modulusBits)
	if err != nil {
		panic(err)
	}
	return key
})

// certificate writes a certificate of a key, and returns its path and fingerprint.
func certificate(t *testing.T, key crypto.Signer, until time.Time) (path, fingerprint string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "BYOK_Wrapping"},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "wrapping.pem")
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return path, fmt.Sprintf("%X", sha256.Sum256(der))
}

func colons(fingerprint string) string {
	var parts []string
	for pair := range slices.Chunk([]byte(fingerprint), 2) {
		parts = append(parts, string(pair))
	}
	return strings.Join(parts, ":")
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode(t *testing.T, dir, name string) []byte {
	t.Helper()
	value, err := base64.StdEncoding.Strict().DecodeString(read(t, dir, name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

// Every algorithm on every token: what it makes opens with the org's private key to 32 bytes of
// that hash, or nothing is left of it.
func TestCeremony(t *testing.T) { //nolint:paralleltest // a PKCS#11 library is one for the process
	path, fingerprint := certificate(t, org(), time.Now().Add(24*time.Hour))
	for _, software := range tokens { //nolint:paralleltest // as above
		t.Run(software.name, func(t *testing.T) {
			library := software.find(t)
			parameters := software.initialize(t, t.TempDir())
			for _, algorithm := range algorithms() {
				t.Run(algorithm, func(t *testing.T) {
					out := t.TempDir()
					ceremony := func(label string, more ...string) (string, error) {
						var printed bytes.Buffer
						err := run(append([]string{
							"-module", library, "-library-parameters", parameters, "-token", software.label, "-certificate", path,
							"-fingerprint", colons(fingerprint), "-algorithm", algorithm, "-label", label, "-out", out, "-witness", "A. Bee",
						}, more...), strings.NewReader(pin+"\n"), &printed)
						return printed.String(), err
					}
					label := "data-" + algorithm
					printed, err := ceremony(label)
					if slices.Contains(software.refuses, algorithm) {
						if err == nil || !strings.Contains(err.Error(), "rehearsal with a throwaway key") ||
							!strings.Contains(err.Error(), "no key was made") {
							t.Fatalf("expected a refusal at the rehearsal, found %v", err)
						}
						if left, _ := os.ReadDir(out); len(left) > 0 {
							t.Errorf("expected no file, found %v", left)
						}
						if keys := labels(t, library, parameters, software.label); slices.Contains(keys, label) {
							t.Errorf("expected no key, found %q", keys)
						}
						t.Logf("refused: %v", err)
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					hash := decode(t, out, "hash.b64")
					opened, err := unwrap(org(), supported[algorithm], decode(t, out, "wrapped.b64"))
					if err != nil {
						t.Fatal(err)
					}
					if sum := sha256.Sum256(opened); len(opened) != keySize || !bytes.Equal(sum[:], hash) {
						t.Errorf("expected 32 bytes with the hash %x, found %d with %x", hash, len(opened), sum)
					}
					if read(t, out, "protocol.txt") != printed {
						t.Error("expected the protocol that was printed")
					}
					for _, want := range []string{
						"wrapping_algorithm: " + algorithm + "\n", "secret_value_hash: " + base64.StdEncoding.EncodeToString(hash) + "\n",
						"certificate sha256: " + strings.ToLower(fingerprint) + "\n",
						"always sensitive true, extractable by wrapping true",
						"witness: A. Bee\nsignature: ", fmt.Sprintf("key: %q", label),
					} {
						if !strings.Contains(printed, want) {
							t.Errorf("expected %q in the protocol, found\n%s", want, printed)
						}
					}
					for _, form := range []string{
						string(opened), hex.EncodeToString(opened),
						base64.StdEncoding.EncodeToString(opened),
					} {
						if strings.Contains(printed, form) {
							t.Error("the protocol holds the key")
						}
					}

					if _, err := ceremony("another"); err == nil || !strings.Contains(err.Error(), "exists") {
						t.Errorf("expected the files to be kept, found %v", err)
					}
					out = t.TempDir()
					if _, err := ceremony(label); err == nil || !strings.Contains(err.Error(), "choose another -label") {
						t.Errorf("expected the label to be refused, found %v", err)
					}
					printed, err = ceremony(label+"-sealed", "-seal")
					if software.leaky {
						if err == nil || !strings.Contains(err.Error(), "-seal is not possible") {
							t.Errorf("expected the seal to be tried, found %v", err)
						}
						if keys := labels(t, library, parameters, software.label); slices.Contains(keys, label+"-sealed") {
							t.Errorf("expected the key to be taken away, found %q", keys)
						}
						return
					}
					if err != nil || !strings.Contains(printed, "extractable by wrapping false") {
						t.Fatalf("expected a sealed key, found %v\n%s", err, printed)
					}
					wrapSealed(t, library, parameters, software.label, label+"-sealed", algorithm)
				})
			}
		})
	}
}

// labels lists the secret keys of a token.
func labels(t *testing.T, library, parameters, label string) []string {
	t.Helper()
	token, err := openToken(library, parameters, label, pin)
	if err != nil {
		t.Fatal(err)
	}
	defer token.close()
	var all []string
	for _, key := range keys(t, token) {
		got, err := token.context.GetAttributeValue(token.session, key,
			[]*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, nil)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(got[0].Value))
	}
	return all
}

func keys(t *testing.T, token *token, more ...*pkcs11.Attribute) []handle {
	t.Helper()
	template := append(more, pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY))
	if err := token.context.FindObjectsInit(token.session, template); err != nil {
		t.Fatal(err)
	}
	found, _, err := token.context.FindObjects(token.session, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := token.context.FindObjectsFinal(token.session); err != nil {
		t.Fatal(err)
	}
	return found
}

// wrapSealed expects that a sealed key can't be wrapped, and that its value can't be read.
func wrapSealed(t *testing.T, library, parameters, label, key, algorithm string) {
	t.Helper()
	token, err := openToken(library, parameters, label, pin)
	if err != nil {
		t.Fatal(err)
	}
	defer token.close()
	found := keys(t, token, pkcs11.NewAttribute(pkcs11.CKA_LABEL, key))
	if len(found) != 1 {
		t.Fatalf("expected one key %q, found %d", key, len(found))
	}
	if _, err := token.wrap(found[0], &org().PublicKey, supported[algorithm]); err == nil {
		t.Error("a sealed key was wrapped")
	}
	if _, err := token.context.GetAttributeValue(token.session, found[0],
		[]*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)}); err == nil {
		t.Error("the key's value was read")
	}
}

// No software token has both OAEP with SHA-512 and a usable RFC 5649: the two steps are tried with
// SHA-1 on the one that has the latter.
func TestKeyWrapInTwoSteps(t *testing.T) { //nolint:paralleltest // a PKCS#11 library is one for the process
	softHSM := tokens[0]
	library := softHSM.find(t)
	parameters := softHSM.initialize(t, t.TempDir())
	token, err := openToken(library, parameters, softHSM.label, pin)
	if err != nil {
		t.Fatal(err)
	}
	defer token.close()
	how := supported["RSA_OAEP_SHA1"]
	how.aes = true
	if err := rehearse(token, how); err != nil {
		t.Error(err)
	}
	if left := keys(t, token); len(left) > 0 {
		t.Errorf("expected no key to be left, found %d", len(left))
	}
}

func TestOpenTokenRefuses(t *testing.T) { //nolint:paralleltest // a PKCS#11 library is one for the process
	if _, err := openToken(filepath.Join(t.TempDir(), "none.so"), "", "x", pin); err == nil ||
		!strings.Contains(err.Error(), "can be loaded") {
		t.Errorf("expected the library to be refused, found %v", err)
	}
	for _, software := range tokens { //nolint:paralleltest // as above
		t.Run(software.name, func(t *testing.T) {
			library := software.find(t)
			parameters := software.initialize(t, t.TempDir())
			if _, err := openToken(library, parameters, "another", pin); err == nil ||
				!strings.Contains(err.Error(), `0 tokens have the label "another"`) {
				t.Errorf("expected the label to be refused, found %v", err)
			}
			if _, err := openToken(library, parameters, software.label, "wrong"); err == nil ||
				!strings.Contains(err.Error(), "C_Login") || strings.Contains(err.Error(), "wrong") {
				t.Errorf("expected the PIN to be refused and not shown, found %v", err)
			}
		})
	}
}

func TestReadCertificate(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good, fingerprint := certificate(t, org(), now.Add(time.Hour))
	other := strings.Repeat("ab", 32)
	of := func(key crypto.Signer, until time.Time) [2]string {
		path, fingerprint := certificate(t, key, until)
		return [2]string{path, fingerprint}
	}
	text := filepath.Join(t.TempDir(), "text")
	write(t, text, "no certificate")
	key := filepath.Join(t.TempDir(), "key")
	write(t, key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	for name, test := range map[string]struct {
		of   [2]string
		want string // "" for none
	}{
		"colons":                   {[2]string{good, colons(fingerprint)}, ""},
		"lower case":               {[2]string{good, strings.ToLower(fingerprint)}, ""},
		"another's":                {[2]string{good, other}, "stop, and find out whose certificate it is"},
		"SHA-1":                    {[2]string{good, fingerprint[:40]}, "64 hex digits"},
		"no hex":                   {[2]string{good, strings.Repeat("xy", 32)}, "64 hex digits"},
		"2048 bits":                {of(small, now.Add(time.Hour)), "not an RSA certificate of 4096 bits"},
		"elliptic curve":           {of(curve, now.Add(time.Hour)), "not an RSA certificate of 4096 bits"},
		"expired":                  {of(org(), now.Add(-time.Hour)), "by this machine's clock"},
		"not yet valid":            {of(org(), now.Add(72*time.Hour)), "by this machine's clock"},
		"no certificate":           {[2]string{text, fingerprint}, "not a PEM certificate"},
		"something else":           {[2]string{key, fingerprint}, "not a PEM certificate"},
		"a file that is not there": {[2]string{text + "x", fingerprint}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, public, err := readCertificate(test.of[0], test.of[1], now)
			if test.want == "" {
				if err != nil || public.N.BitLen() != modulusBits {
					t.Errorf("expected the certificate, found %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("expected %q, found %v", test.want, err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	needed := []string{"-module", "m", "-token", "t", "-certificate", "c", "-fingerprint", "f", "-label", "l"}
	got, err := parse(append(needed, "-witness", "A", "-witness", "B"), io.Discard)
	if err != nil || got.algorithm != "RSA_OAEP_SHA512" || got.out != "." || got.seal ||
		!slices.Equal(got.witnesses, []string{"A", "B"}) {
		t.Errorf("expected the defaults, found %+v, %v", got, err)
	}
	for i := 0; i < len(needed); i += 2 {
		if _, err := parse(slices.Delete(slices.Clone(needed), i, i+2), io.Discard); err == nil ||
			!strings.Contains(err.Error(), needed[i]+" is missing") {
			t.Errorf("without %s: found %v", needed[i], err)
		}
	}
	for _, test := range [][2]string{{
		"-algorithm=RSA_PKCS1",
		"want one of RSA_AES_KEY_WRAP_SHA512, RSA_OAEP_SHA1, RSA_OAEP_SHA512",
	}, {"more", `unexpected argument "more"`}} {
		if _, err := parse(append(needed, test[0]), io.Discard); err == nil || !strings.Contains(err.Error(), test[1]) {
			t.Errorf("%s: expected %q, found %v", test[0], test[1], err)
		}
	}
	var help bytes.Buffer
	if err := run([]string{"-h"}, nil, &help); err != nil ||
		!strings.Contains(help.String(), "first line of standard input") {
		t.Errorf("expected the usage, found %v\n%s", err, &help)
	}
}

// The example of RFC 5649, 6, and what must not pass for a wrapped key.
func TestUnwrapKWP(t *testing.T) {
	t.Parallel()
	unhex := func(text string) []byte {
		value, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	kek := unhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
	wrapped := unhex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a")
	if got, err := unwrapKWP(kek, wrapped); err != nil ||
		!bytes.Equal(got, unhex("c37b7e6492584340bed12207808941155068f738")) {
		t.Errorf("found %x, %v", got, err)
	}
	for i := range wrapped {
		spoilt := bytes.Clone(wrapped)
		spoilt[i] ^= 1
		if _, err := unwrapKWP(kek, spoilt); err == nil {
			t.Errorf("byte %d was changed, and nothing was noticed", i)
		}
	}
	for _, size := range []int{0, 8, 16, 31} {
		if _, err := unwrapKWP(kek, wrapped[:size]); err == nil {
			t.Errorf("%d bytes were taken for a wrapped key", size)
		}
	}
	if _, err := unwrapKWP(kek[:5], wrapped); err == nil {
		t.Error("5 bytes were taken for an AES key")
	}
}
