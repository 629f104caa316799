package jwe_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/jwe"
)

var privateKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// service makes answers, and wrong ones if its fields say so.
type service struct {
	header     string
	contentKey []byte
	dataKey    []byte
	sha256     bool
	nonce      []byte
}

func (s service) token(t testing.TB) string {
	t.Helper()
	hash := sha1.New()
	if s.sha256 {
		hash = sha256.New()
	}
	wrapped, err := rsa.EncryptOAEP(hash, rand.Reader, &privateKey().PublicKey, s.contentKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(s.header))
	sealed := gcm.Seal(nil, make([]byte, 12), s.dataKey, []byte(header))
	parts := []string{header}
	for _, part := range [][]byte{wrapped, s.nonce, sealed[:len(sealed)-16], sealed[len(sealed)-16:]} {
		parts = append(parts, base64.RawURLEncoding.EncodeToString(part))
	}
	return strings.Join(parts, ".")
}

func answer(t testing.TB, kid, token string) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]string{"kid": kid, "jwe": token})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func good() service {
	return service{
		header: `{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-1"}`, contentKey: bytes.Repeat([]byte{7}, 32),
		dataKey: bytes.Repeat([]byte{9}, 32), nonce: make([]byte, 12),
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dataKey, status := jwe.Open(privateKey(), answer(t, "key-1", good().token(t)),
		jwe.Expectation{KeyID: "key-1", Nonce: "n"})
	if status != jwe.Success || !bytes.Equal(dataKey, good().dataKey) {
		t.Errorf("Open() = %x, %s", dataKey, status)
	}
	padded := strings.Split(good().token(t), ".")
	padded[1] += "=="
	if _, status := jwe.Open(privateKey(), answer(t, "key-1", strings.Join(padded, ".")),
		jwe.Expectation{KeyID: "key-1"}); status != jwe.Success {
		t.Errorf("padded part: %s", status)
	}
}

func TestJudgement(t *testing.T) {
	t.Parallel()
	change := func(f func(*service)) []byte {
		s := good()
		f(&s)
		return answer(t, "key-1", s.token(t))
	}
	header := func(text string) []byte { return change(func(s *service) { s.header = text }) }
	parts := func(f func([]string)) []byte {
		p := strings.Split(good().token(t), ".")
		f(p)
		return answer(t, "key-1", strings.Join(p, "."))
	}
	for _, tc := range []struct {
		name   string
		answer []byte
		replay bool
		want   jwe.Status
	}{
		{"empty", nil, false, jwe.EmptyResponse},
		{"blank", []byte(" \n"), false, jwe.EmptyResponse},
		{"no JSON", []byte("<html>"), false, jwe.MalformedJSON},
		{"JSON array", []byte("[]"), false, jwe.MalformedJSON},
		{"cut JSON", []byte(`{"kid":"key-1"`), false, jwe.MalformedJSON},
		{"two objects", append(answer(t, "key-1", good().token(t)), "{}"...), false, jwe.MalformedJSON},
		{"member twice", []byte(`{"kid":"key-1","kid":"key-1","jwe":"a"}`), false, jwe.MalformedJSON},
		{"no token", []byte(`{"kid":"key-1"}`), false, jwe.MalformedJSON},
		{"token is a number", []byte(`{"kid":"key-1","jwe":1}`), false, jwe.MalformedJSON},
		{"huge", bytes.Repeat([]byte(" {"), 64<<10), false, jwe.MalformedJSON},
		{"other key", answer(t, "key-2", good().token(t)), false, jwe.IncorrectKeyIDInJSON},
		{"four parts", answer(t, "key-1", "a.b.c.d"), false, jwe.MalformedJWE},
		{"bad base64", parts(func(p []string) { p[3] = "!" }), false, jwe.MalformedJWE},
		{"line break in base64", parts(func(p []string) { p[1] = p[1][:4] + "\n" + p[1][4:] }), false, jwe.MalformedJWE},
		{"header is no JSON", header("alg"), false, jwe.MalformedJWE},
		{"header member twice", header(`{"alg":"RSA-OAEP","alg":"RSA-OAEP"}`), false, jwe.MalformedJWE},
		{"other algorithm", header(`{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"key-1"}`), false, jwe.IncorrectAlgorithm},
		{"other encryption", header(`{"alg":"RSA-OAEP","enc":"A128GCM","kid":"key-1"}`), false, jwe.IncorrectEncryption},
		{
			"other key in header", header(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-2"}`), false,
			jwe.IncorrectKeyIDInHeader,
		},
		{
			"further parameter", header(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-1","typ":"JWE"}`), false,
			jwe.IllegalParameters,
		},
		{
			"same nonce, no detection", header(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-1","jti":"n"}`), false,
			jwe.Success,
		},
		{
			"other nonce, no detection", header(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-1","jti":"m"}`), false,
			jwe.IllegalParameters,
		},
		{"same nonce, detection", header(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-1","jti":"n"}`), true, jwe.Success},
		{
			"other nonce, detection", header(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-1","jti":"m"}`), true,
			jwe.PotentialReplay,
		},
		{"no nonce, detection", header(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-1"}`), true, jwe.PotentialReplay},
		{"OAEP with SHA-256", change(func(s *service) { s.sha256 = true }), false, jwe.MalformedContentKey},
		{"content key of 16 bytes", change(func(s *service) {
			s.contentKey = s.contentKey[:16]
		}), false, jwe.MalformedContentKey},
		{"other content key", change(func(s *service) { s.contentKey = make([]byte, 32) }), false, jwe.MalformedDataKey},
		{"nonce of 16 bytes", change(func(s *service) { s.nonce = make([]byte, 16) }), false, jwe.MalformedJWE},
		{"no data key", change(func(s *service) { s.dataKey = nil }), false, jwe.EmptyDataKey},
		{"data key of 16 bytes", change(func(s *service) { s.dataKey = s.dataKey[:16] }), false, jwe.IncorrectKeySize},
		{"data key in base64", change(func(s *service) {
			s.dataKey = []byte(base64.StdEncoding.EncodeToString(s.dataKey))
		}), false, jwe.IncorrectKeySize},
		{"short tag", parts(func(p []string) { p[4] = p[4][:20] }), false, jwe.MalformedJWE},
		{"header re-encoded", parts(func(p []string) {
			p[0] = base64.RawURLEncoding.EncodeToString([]byte(`{"enc":"A256GCM","alg":"RSA-OAEP","kid":"key-1"}`))
		}), false, jwe.MalformedDataKey},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dataKey, status := jwe.Open(privateKey(), tc.answer,
				jwe.Expectation{KeyID: "key-1", Nonce: "n", ReplayDetection: tc.replay})
			if status != tc.want {
				t.Errorf("status %s, want %s", status, tc.want)
			}
			if (dataKey != nil) != (status == jwe.Success) {
				t.Errorf("data key %x with status %s", dataKey, status)
			}
		})
	}
}

// FuzzOpen checks that no answer makes the judge panic, and that only an
// authentic one succeeds.
func FuzzOpen(f *testing.F) {
	f.Add(answer(f, "key-1", good().token(f)))
	f.Add([]byte(`{"kid":"key-1","jwe":"...."}`))
	f.Add([]byte(`{"kid":"key-1","jwe":"e30.e30.e30.e30.e30"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		dataKey, status := jwe.Open(privateKey(), body, jwe.Expectation{KeyID: "key-1", Nonce: "n"})
		if status == jwe.Success && !bytes.Equal(dataKey, good().dataKey) {
			t.Errorf("accepted the data key %x of %q", dataKey, body)
		}
	})
}
