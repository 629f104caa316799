package byok_test

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func vectorOf(a byok.WrappingAlgorithm) string {
	return map[byok.WrappingAlgorithm]string{
		byok.RSAOAEPSHA1:         "oaep-sha1.b64",
		byok.RSAOAEPSHA512:       "oaep-sha512.b64",
		byok.RSAAESKeyWrapSHA512: "rsa-aes-key-wrap-sha512.b64",
	}[a]
}

// The receiving side of these tests must itself agree with openssl, or the round trips below prove
// nothing.
func TestUnwrapOpensOpenSSLVectors(t *testing.T) {
	t.Parallel()
	key, m := wrappingKey(t), material(t)
	for _, a := range byok.WrappingAlgorithms() {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			got, err := unwrap(a, key, string(vector(t, vectorOf(a))))
			if err != nil || !bytes.Equal(got, m.Expose()) {
				t.Errorf("openssl's ciphertext opens to %x, %v", got, err)
			}
			for _, other := range []string{
				"oaep-sha1.b64", "oaep-sha256.b64", "oaep-sha512.b64", "oaep-sha512-mgf1-sha1.b64",
				"rsa-aes-key-wrap-sha512.b64",
			} {
				if other == vectorOf(a) {
					continue
				}
				if got, err := unwrap(a, key, string(vector(t, other))); err == nil {
					t.Errorf("%s opens to %x", other, got)
				}
			}
		})
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	key, c := wrappingKey(t), certificate(t, "wrapping.crt")
	for _, a := range byok.WrappingAlgorithms() {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			m := material(t)
			seen := map[string]bool{}
			for range 5 {
				wrapped, err := byok.Wrap(a, c, m)
				if err != nil {
					t.Fatal(err)
				}
				if seen[wrapped] {
					t.Error("two ciphertexts are equal")
				}
				seen[wrapped] = true
				got, err := unwrap(a, key, wrapped)
				if err != nil || !bytes.Equal(got, m.Expose()) {
					t.Errorf("opens to %x, %v", got, err)
				}
				if parsed, err := byok.ParseWrapped(a, c, wrapped); err != nil || parsed != wrapped {
					t.Errorf("ParseWrapped refuses it: %v", err)
				}
				for _, other := range byok.WrappingAlgorithms() {
					if other == a {
						continue
					}
					if _, err := unwrap(other, key, wrapped); err == nil {
						t.Errorf("opens as %s too", other)
					}
				}
			}
			if !m.Equal(material(t)) {
				t.Error("Wrap changed the material")
			}
		})
	}
	if got := len(decode(t, mustWrap(t, byok.RSAOAEPSHA512, c))); got != 512 {
		t.Errorf("OAEP makes %d bytes", got)
	}
	if got := len(decode(t, mustWrap(t, byok.RSAAESKeyWrapSHA512, c))); got != 552 {
		t.Errorf("RSA_AES_KEY_WRAP makes %d bytes", got)
	}
}

func mustWrap(t *testing.T, a byok.WrappingAlgorithm, c *byok.Certificate) string {
	t.Helper()
	wrapped, err := byok.Wrap(a, c, material(t))
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every ephemeral AES key must be new: with it, two wrapped forms of one key would end alike.
func TestEphemeralKeysDiffer(t *testing.T) {
	t.Parallel()
	c := certificate(t, "wrapping.crt")
	first, second := decode(t, mustWrap(t, byok.RSAAESKeyWrapSHA512, c)),
		decode(t, mustWrap(t, byok.RSAAESKeyWrapSHA512, c))
	if bytes.Equal(first[512:], second[512:]) {
		t.Error("two ephemeral keys are equal")
	}
}

// Decrypts what Wrap made with the openssl command line, as Salesforce's own documentation would.
func TestOpenSSLOpensWhatWrapMakes(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on PATH: ", err)
	}
	c := certificate(t, "wrapping.crt")
	run := func(t *testing.T, args ...string) []byte {
		t.Helper()
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, &stderr)
		}
		return out
	}
	oaep := func(t *testing.T, md string, ciphertext []byte) []byte {
		t.Helper()
		in := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(in, ciphertext, 0o600); err != nil {
			t.Fatal(err)
		}
		return run(t, "pkeyutl", "-decrypt", "-inkey", filepath.Join("testdata", "openssl", "wrapping-key.pem"), "-in", in,
			"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+md, "-pkeyopt", "rsa_mgf1_md:"+md)
	}
	tests := map[byok.WrappingAlgorithm]func(*testing.T, []byte) []byte{
		byok.RSAOAEPSHA1:   func(t *testing.T, b []byte) []byte { t.Helper(); return oaep(t, "sha1", b) },
		byok.RSAOAEPSHA512: func(t *testing.T, b []byte) []byte { t.Helper(); return oaep(t, "sha512", b) },
		byok.RSAAESKeyWrapSHA512: func(t *testing.T, b []byte) []byte {
			t.Helper()
			in := filepath.Join(t.TempDir(), "in")
			if err := os.WriteFile(in, b[512:], 0o600); err != nil {
				t.Fatal(err)
			}
			return run(t, "enc", "-d", "-id-aes256-wrap-pad", "-K", hexOf(oaep(t, "sha512", b[:512])), "-iv", "A65959A6", "-in",
				in)
		},
	}
	for a, open := range tests {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			if got := open(t, decode(t, mustWrap(t, a, c))); !bytes.Equal(got, material(t).Expose()) {
				t.Errorf("openssl opens it to %x", got)
			}
		})
	}
}

func TestWrapRefuses(t *testing.T) {
	t.Parallel()
	c := certificate(t, "wrapping.crt")
	destroyed := material(t)
	destroyed.Destroy()
	tests := map[string]struct {
		a    byok.WrappingAlgorithm
		c    *byok.Certificate
		m    secret.Bytes
		want string
	}{
		"unknown algorithm": {"RSA_OAEP_SHA256", c, material(t), "expected one of RSA_OAEP_SHA512, RSA_OAEP_SHA1, " +
			"RSA_AES_KEY_WRAP_SHA512"},
		"no algorithm":       {"", c, material(t), "unknown wrapping algorithm"},
		"lower case":         {"rsa_oaep_sha512", c, material(t), "unknown wrapping algorithm"},
		"no material":        {byok.RSAOAEPSHA512, c, secret.Bytes{}, "holds 0 bytes, expected 32"},
		"destroyed material": {byok.RSAOAEPSHA512, c, destroyed, "holds 0 bytes, expected 32"},
		"16 bytes of material": {
			byok.RSAAESKeyWrapSHA512, c, secret.NewBytes(make([]byte, 16)),
			"holds 16 bytes, expected 32",
		},
		"base64 as material": {byok.RSAOAEPSHA1, c, secret.NewBytes(make([]byte, 44)), "holds 44 bytes, expected 32"},
		"no certificate":     {byok.RSAOAEPSHA512, nil, material(t), "no certificate"},
		"empty certificate":  {byok.RSAOAEPSHA512, &byok.Certificate{}, material(t), "no certificate"},
		"RSA 2048":           {byok.RSAOAEPSHA512, certificate(t, "rsa2048.crt"), material(t), "2048 bits, expected 4096"},
		"EC": {
			byok.RSAAESKeyWrapSHA512, certificate(t, "ec.crt"), material(t),
			"its key is ECDSA, expected RSA",
		},
		"exponent 3": {byok.RSAOAEPSHA1, certificate(t, "exponent3.crt"), material(t), "exponent is 3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := byok.Wrap(test.a, test.c, test.m)
			mustFail(t, err, test.want, string(test.m.Expose()))
			if out != "" {
				t.Error("returned a ciphertext together with an error")
			}
		})
	}
}

func TestWrappingAlgorithms(t *testing.T) {
	t.Parallel()
	if byok.WrappingAlgorithms()[0] != byok.RSAOAEPSHA512 {
		t.Error("the default does not come first")
	}
	for _, a := range byok.WrappingAlgorithms() {
		if got, err := byok.ParseWrappingAlgorithm(string(a)); err != nil || got != a {
			t.Errorf("ParseWrappingAlgorithm(%s) = %s, %v", a, got, err)
		}
	}
	for _, test := range []struct {
		a          byok.WrappingAlgorithm
		bits, want int
	}{
		{byok.RSAOAEPSHA512, 4096, 512},
		{byok.RSAOAEPSHA1, 4096, 512},
		{byok.RSAAESKeyWrapSHA512, 4096, 552},
		{byok.RSAOAEPSHA512, 2048, 256},
		{byok.RSAAESKeyWrapSHA512, 2047, 296},
	} {
		if got := test.a.CiphertextSize(test.bits); got != test.want {
			t.Errorf("%s.CiphertextSize(%d) = %d, want %d", test.a, test.bits, got, test.want)
		}
	}
	if err := byok.WrappingAlgorithm("RSA_PKCS1").Usable(); err == nil {
		t.Error("an unknown algorithm is usable")
	}
}

func TestParseWrapped(t *testing.T) {
	t.Parallel()
	c := certificate(t, "wrapping.crt")
	for _, a := range byok.WrappingAlgorithms() {
		s := string(vector(t, vectorOf(a)))
		for _, c := range []*byok.Certificate{c, nil} {
			if got, err := byok.ParseWrapped(a, c, s); err != nil || got != s {
				t.Errorf("%s: %v", a, err)
			}
		}
	}
	oaep, kw := string(vector(t, "oaep-sha512.b64")), string(vector(t, "rsa-aes-key-wrap-sha512.b64"))
	tooLarge := bytes.Repeat([]byte{0xff}, 512)
	encode := base64.StdEncoding.EncodeToString
	zero, one, minusOne := make([]byte, 512), make([]byte, 512),
		new(big.Int).Sub(publicKey(t, c).N, big.NewInt(1)).FillBytes(make([]byte, 512))
	one[511] = 1
	behind := bytes.Repeat([]byte{7}, 40)
	tests := map[string]struct {
		a    byok.WrappingAlgorithm
		c    *byok.Certificate
		in   string
		want string
	}{
		"empty":             {byok.RSAOAEPSHA512, c, "", "is empty"},
		"newline":           {byok.RSAOAEPSHA512, c, oaep + "\n", "line break"},
		"wrapped lines":     {byok.RSAOAEPSHA512, c, oaep[:64] + "\n" + oaep[64:], "line break"},
		"no padding":        {byok.RSAAESKeyWrapSHA512, c, encode(make([]byte, 551))[:734], "multiple of 4"},
		"other algorithm":   {byok.RSAOAEPSHA512, c, kw, "(that is the length of RSA_AES_KEY_WRAP_SHA512)"},
		"other way round":   {byok.RSAAESKeyWrapSHA512, nil, oaep, "(that is the length of RSA_OAEP_SHA512)"},
		"plain material":    {byok.RSAOAEPSHA512, nil, encode(material(t).Expose()), "unwrapped key material"},
		"2048-bit key":      {byok.RSAOAEPSHA512, nil, encode(make([]byte, 256)), "2048-bit key"},
		"one byte short":    {byok.RSAOAEPSHA1, c, encode(make([]byte, 511)), "is 511 bytes, expected 512"},
		"above the modulus": {byok.RSAOAEPSHA1, c, encode(tooLarge), "larger than the certificate's modulus"},
		"zero":              {byok.RSAOAEPSHA512, c, encode(zero), "was never encrypted"},
		"one":               {byok.RSAOAEPSHA1, c, encode(one), "was never encrypted"},
		"minus one":         {byok.RSAOAEPSHA512, c, encode(minusOne), "was never encrypted"},
		"zero, no cert":     {byok.RSAOAEPSHA512, nil, encode(zero), "was never encrypted"},
		"one, no cert":      {byok.RSAOAEPSHA512, nil, encode(one), "was never encrypted"},
		"zero, key wrap":    {byok.RSAAESKeyWrapSHA512, c, encode(slices.Concat(zero, behind)), "was never encrypted"},
		"one, key wrap":     {byok.RSAAESKeyWrapSHA512, nil, encode(slices.Concat(one, behind)), "was never encrypted"},
		"unfit certificate": {byok.RSAOAEPSHA512, certificate(t, "ec.crt"), oaep, "expected RSA"},
		"unknown algorithm": {"", c, oaep, "unknown wrapping algorithm"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := byok.ParseWrapped(test.a, test.c, test.in)
			mustFail(t, err, test.want, test.in)
			if got != "" {
				t.Error("returned a value together with an error")
			}
		})
	}
}

func FuzzParseWrapped(f *testing.F) {
	for _, name := range []string{"oaep-sha1.b64", "oaep-sha512.b64", "rsa-aes-key-wrap-sha512.b64", "hash.b64"} {
		f.Add(string(vector(f, name)))
	}
	f.Add("AAAA\n")
	f.Add(strings.Repeat("/", 684))
	c := certificate(f, "wrapping.crt")
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range byok.WrappingAlgorithms() {
			got, err := byok.ParseWrapped(a, c, s)
			if err != nil {
				if got != "" || len(s) >= 16 && strings.Contains(err.Error(), s) {
					t.Fatalf("value %q, error %v", got, err)
				}
				continue
			}
			if b, err := base64.StdEncoding.DecodeString(s); err != nil || len(b) != a.CiphertextSize(4096) ||
				base64.StdEncoding.EncodeToString(b) != s || got != s {
				t.Fatalf("%s accepts %q", a, s)
			}
		}
	})
}
