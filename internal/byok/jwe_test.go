package byok_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// openJWE reads a compact JWE as RFC 7516 says, with the block cipher of the standard library and
// openOAEP.
func openJWE(key *rsa.PrivateKey, compact string) (header map[string]any, plaintext []byte, err error) {
	parts := strings.Split(compact, ".")
	if len(parts) != 5 {
		return nil, nil, errors.New("not five parts")
	}
	decoded := make([][]byte, len(parts))
	for i, part := range parts {
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, nil, err
		}
	}
	if err := json.Unmarshal(decoded[0], &header); err != nil {
		return nil, nil, err
	}
	cek, err := openOAEP(sha1.New, key, decoded[1])
	if err != nil {
		return nil, nil, err
	}
	if len(cek) != 32 || len(decoded[2]) != 12 || len(decoded[4]) != 16 {
		return nil, nil, errors.New("content encryption key, IV or tag has the wrong length")
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, err
	}
	plaintext, err = aead.Open(nil, decoded[2], append(bytes.Clone(decoded[3]), decoded[4]...), []byte(parts[0]))
	return header, plaintext, err
}

func TestCacheOnlyJWE(t *testing.T) {
	t.Parallel()
	key, c := wrappingKey(t), certificate(t, "wrapping.crt")
	const kid = "982c375b-f46b-4423-8c2d-4d1a69152a0b"
	base := map[string]any{"alg": "RSA-OAEP", "enc": "A256GCM"}
	tests := map[string]struct {
		kid, jti string
		want     map[string]any
	}{
		"kid": {kid, "", map[string]any{"kid": kid}},
		"kid and nonce": {
			kid, "e5ab58fd2ced013f2a46d5c8144dd439",
			map[string]any{"kid": kid, "jti": "e5ab58fd2ced013f2a46d5c8144dd439"},
		},
		"quotes in kid":    {`a"b\c`, "", map[string]any{"kid": `a"b\c`}},
		"kid not in ASCII": {"cl\u00e9 <&>", "", map[string]any{"kid": "cl\u00e9 <&>"}},
		"longest kid":      {strings.Repeat("k", 255), "", map[string]any{"kid": strings.Repeat("k", 255)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compact, err := byok.CacheOnlyJWE(c, material(t), test.kid, test.jti)
			if err != nil {
				t.Fatal(err)
			}
			header, plaintext, err := openJWE(key, compact)
			if err != nil || !bytes.Equal(plaintext, material(t).Expose()) {
				t.Fatalf("opens to %x, %v", plaintext, err)
			}
			want := maps.Clone(base)
			maps.Copy(want, test.want)
			if !maps.Equal(header, want) {
				t.Errorf("header %v, want exactly %v", header, want)
			}
			again, err := byok.CacheOnlyJWE(c, material(t), test.kid, test.jti)
			if err != nil || again == compact {
				t.Errorf("two JWEs are equal, or %v", err)
			}
			for part := range 5 {
				if _, plaintext, err := openJWE(key, tampered(compact, part)); err == nil {
					t.Errorf("opens to %x with part %d changed", plaintext, part)
				}
			}
		})
	}
}

// tampered changes one character in the middle of a part.
func tampered(compact string, part int) string {
	parts := strings.Split(compact, ".")
	b := []byte(parts[part])
	at := len(b) / 2
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	parts[part] = string(b)
	return strings.Join(parts, ".")
}

func TestCacheOnlyJWERefuses(t *testing.T) {
	t.Parallel()
	c := certificate(t, "wrapping.crt")
	tests := map[string]struct {
		c        *byok.Certificate
		m        secret.Bytes
		kid, jti string
		want     string
	}{
		"no kid":             {c, material(t), "", "", "key identifier is empty"},
		"newline in kid":     {c, material(t), "a\nb", "", "key identifier contains a control character"},
		"kid not UTF-8":      {c, material(t), "a\xff", "", "key identifier is not valid UTF-8"},
		"kid too long":       {c, material(t), strings.Repeat("k", 256), "", "key identifier is 256 bytes long"},
		"NUL in nonce":       {c, material(t), "kid", "a\x00", "replay nonce contains a control character"},
		"no material":        {c, secret.Bytes{}, "kid", "", "holds 0 bytes, expected 32"},
		"AES-128 key":        {c, secret.NewBytes(make([]byte, 16)), "kid", "", "holds 16 bytes, expected 32"},
		"no certificate":     {nil, material(t), "kid", "", "no certificate"},
		"small certificate":  {certificate(t, "rsa2048.crt"), material(t), "kid", "", "2048 bits"},
		"EC certificate":     {certificate(t, "ec.crt"), material(t), "kid", "", "expected RSA"},
		"exponent 3 refused": {certificate(t, "exponent3.crt"), material(t), "kid", "", "exponent"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := byok.CacheOnlyJWE(test.c, test.m, test.kid, test.jti)
			mustFail(t, err, test.want, string(test.m.Expose()))
			if out != "" {
				t.Error("returned a JWE together with an error")
			}
		})
	}
}

func FuzzCacheOnlyJWE(f *testing.F) {
	f.Add("kid", "nonce")
	f.Add(`"},"crit":["x`, "")
	f.Add("\u2028", "\xff")
	key, c := wrappingKey(f), certificate(f, "wrapping.crt")
	f.Fuzz(func(t *testing.T, kid, jti string) {
		compact, err := byok.CacheOnlyJWE(c, material(t), kid, jti)
		if err != nil {
			return
		}
		header, plaintext, err := openJWE(key, compact)
		if err != nil || !bytes.Equal(plaintext, material(t).Expose()) {
			t.Fatalf("opens to %x, %v", plaintext, err)
		}
		want := map[string]any{"alg": "RSA-OAEP", "enc": "A256GCM", "kid": kid}
		if jti != "" {
			want["jti"] = jti
		}
		if !maps.Equal(header, want) {
			t.Fatalf("header %v, want exactly %v", header, want)
		}
	})
}
