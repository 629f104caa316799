package salesforce

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// shapes are the ways in which CI variables mangle PEM.
var shapes = map[string]func(string) string{
	"as it is":               func(s string) string { return s },
	"escaped line ends":      func(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", `\n`) },
	"escaped CRLF":           func(s string) string { return strings.ReplaceAll(s, "\n", `\r\n`) },
	"escaped and real":       func(s string) string { return strings.ReplaceAll(s, "\n", `\n`+"\n") },
	"byte order mark":        func(s string) string { return "\ufeff" + s },
	"mark and quotes":        func(s string) string { return "\ufeff\"" + s + "\"" },
	"CRLF":                   func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"CR":                     func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
	"indented":               func(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n\t ") },
	"blanks at the ends":     func(s string) string { return strings.ReplaceAll(s, "\n", "  \n") },
	"blanks for line ends":   func(s string) string { return strings.ReplaceAll(s, "\n", " ") },
	"one line":               func(s string) string { return strings.ReplaceAll(s, "\n", "") },
	"empty lines":            func(s string) string { return strings.ReplaceAll(s, "\n", "\n\n") },
	"quotes":                 func(s string) string { return `"` + s + `"` },
	"single quotes, escaped": func(s string) string { return "'" + strings.ReplaceAll(s, "\n", `\n`) + "'" },
	"base64":                 func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 in lines":        func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 76) },
	"base64 of CRLF, in quotes": func(s string) string {
		return `"` + base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(s, "\n", "\r\n"))) + `"`
	},
	"text before": func(s string) string { return "Bag Attributes\n    friendlyName: x\n" + s },
}

func wrap(s string, n int) string {
	var b strings.Builder
	for ; len(s) > n; s = s[n:] {
		b.WriteString(s[:n] + "\n")
	}
	return b.String() + s + "\n"
}

func TestPrivateKeyShapes(t *testing.T) {
	t.Parallel()
	for form, key := range map[string]string{
		"PKCS #8": pkcs8(t, testKey()),
		"PKCS #1": pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(testKey())),
	} {
		for name, mangle := range shapes {
			got, err := parsePrivateKey(secret.NewText(mangle(key)))
			if err != nil || !got.Equal(testKey()) {
				t.Errorf("%s, %s: %v", form, name, err)
			}
		}
	}
}

// TestPrivateKeyShapeNamed: what can't be read is named by its shape, and never quoted.
func TestPrivateKeyShapeNamed(t *testing.T) {
	t.Parallel()
	whole := pkcs8(t, testKey())
	body := strings.Join(strings.Split(whole, "\n")[1:27], "\n")
	for name, tc := range map[string]struct{ key, text string }{
		"body only":     {body, "base64 without its BEGIN and END lines"},
		"cut off":       {whole[:len(whole)-60], "END line is missing"},
		"front cut off": {whole[10:], "BEGIN line is missing"},
		"other ends":    {strings.Replace(whole, "END PRIVATE", "END RSA PRIVATE", 1), "don't fit"},
		"path":          {"/etc/keys/hunter2.pem", "looks like a path"},
		"relative path": {"hunter2.key", "looks like a path"},
		"home":          {"~/hunter2", "looks like a path"},
		"PuTTY":         {"PuTTY-User-Key-File-3: ssh-rsa\nhunter2", "PuTTY"},
		"JWK":           {`{"kty":"RSA","d":"hunter2"}`, "JSON"},
		"redacted":      {"[REDACTED] hunter2", "in place of a secret"},
		"null":          {"null", "it is empty"},
		"blank":         {" \n", "it is empty"},
		"password":      {"hunter2", "no form of key"},
		"damaged":       {strings.Replace(whole, "MII", "MIJ", 1), "could not be parsed"},
	} {
		_, err := parsePrivateKey(secret.NewText(tc.key))
		if err == nil || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: error %v, want %q in it", name, err, tc.text)
			continue
		}
		for piece := range strings.FieldsSeq(tc.key) {
			if piece = strings.Trim(piece, "/~."); len(piece) >= 16 && strings.Contains(err.Error(), piece) ||
				strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the error quotes %q", name, piece)
			}
		}
	}
}

func TestPrivateKeyRefused(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	whole := pkcs8(t, testKey())
	for name, tc := range map[string]struct{ key, text string }{
		"not PEM":     {"hunter2", "is not PEM"},
		"empty":       {"", "required"},
		"two blocks":  {whole + whole, "more than one"},
		"EC":          {pkcs8(t, ec), "not an RSA key"},
		"certificate": {pemOf("CERTIFICATE", []byte("hunter2")), "public key"},
		"encrypted":   {pemOf("ENCRYPTED PRIVATE KEY", []byte("hunter2")), "encrypted"},
		"old cipher": {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: " +
			"AES-256-CBC,00\n\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----\n", "encrypted"},
		"OpenSSH":  {pemOf("OPENSSH PRIVATE KEY", []byte("hunter2")), "OpenSSH"},
		"broken":   {pemOf("PRIVATE KEY", []byte("hunter2")), "could not be parsed"},
		"broken 1": {pemOf("RSA PRIVATE KEY", []byte("hunter2")), "could not be parsed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Config{
				InstanceURL: "https://x.my.salesforce.com",
				Auth:        JWTBearer{ClientID: "a", Username: "u", PrivateKey: secret.NewText(tc.key)},
			})
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("error %v, want %q in it", err, tc.text)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
}

// FuzzPrivateKey: no input makes the reader panic, or stands in its error.
func FuzzPrivateKey(f *testing.F) {
	key := pkcs8(f, testKey())
	for _, mangle := range shapes {
		f.Add(mangle(key))
	}
	f.Add("-----BEGIN PRIVATE KEY-----\nA: b\n\n-----END PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		once := unfoldPEM(text)
		if key, err := parsePrivateKey(secret.NewText(text)); err != nil {
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); len(line) >= 32 && strings.Contains(err.Error(), line) {
					t.Errorf("the error quotes %q", line)
				}
			}
		} else if again, err := parsePrivateKey(secret.NewText(once)); err != nil || !again.Equal(key) {
			t.Errorf("the unfolded key is another one: %v", err)
		}
	})
}
