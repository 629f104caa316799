package byok_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

func compactJWE(header string) string {
	part := base64.RawURLEncoding.EncodeToString
	return strings.Join([]string{
		part([]byte(header)), part(make([]byte, 512)), part(make([]byte, 12)),
		part(make([]byte, 32)), part(make([]byte, 16)),
	}, ".")
}

func TestCacheOnlyIdentifiers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ jwe, kid, jti string }{
		"kid alone":        {compactJWE(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key/1"}`), "key/1", ""},
		"kid and jti":      {compactJWE(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"k","jti":"e5ab58fd2ced013f2a46d5c8144dd439"}`), "k", "e5ab58fd2ced013f2a46d5c8144dd439"},
		"no kid":           {compactJWE(`{"alg":"RSA-OAEP","enc":"A256GCM"}`), "", ""},
		"another member":   {compactJWE(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"k","zip":"DEF"}`), "", ""},
		"another alg":      {compactJWE(`{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"k"}`), "", ""},
		"another enc":      {compactJWE(`{"alg":"RSA-OAEP","enc":"A128GCM","kid":"k"}`), "", ""},
		"no JWE":           {"nothing", "", ""},
		"control in a kid": {compactJWE(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"k\n"}`), "k\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kid, jti, err := byok.CacheOnlyIdentifiers(tc.jwe)
			wantErr := tc.kid == "" || strings.Contains(tc.kid, "\n")
			if kid != tc.kid || jti != tc.jti || (err != nil) != wantErr {
				t.Errorf("got %q, %q, %v", kid, jti, err)
			}
		})
	}
}

func FuzzCacheOnlyIdentifiers(f *testing.F) {
	f.Add(compactJWE(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"k","jti":"n"}`))
	f.Add("....")
	f.Fuzz(func(t *testing.T, s string) {
		if kid, _, err := byok.CacheOnlyIdentifiers(s); err == nil && kid == "" {
			t.Error("a JWE without a kid was accepted")
		}
	})
}
