package keys_test

import (
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

const (
	fingerprint      = "a3f1c09e5b7d24680123456789abcdef00112233445566778899aabbccddeeff"
	otherFingerprint = "00f1c09e5b7d24680123456789abcdef00112233445566778899aabbccddeeff"
)

// withColons writes a fingerprint as openssl prints it.
func withColons(digits string) string {
	var out []string
	for i := 0; i < len(digits); i += 2 {
		out = append(out, strings.ToUpper(digits[i:i+2]))
	}

	return strings.Join(out, ":")
}

func TestParseCertificatePin(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"digits": fingerprint, "capitals": strings.ToUpper(fingerprint), "colons": withColons(fingerprint),
	} {
		if got, err := keys.ParseCertificatePin(text); err != nil || got != fingerprint {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for text, found := range map[string]string{
		"": "found an empty text", "::": "found 2 characters", fingerprint[:40]: "found 40 characters",
		fingerprint[1:]: "found 63 characters", fingerprint + "00": "found 66 characters",
		"g" + fingerprint[1:]: "found 64 characters", " " + fingerprint: "found 65 characters",
	} {
		if got, err := keys.ParseCertificatePin(text); err == nil || got != "" || !strings.Contains(err.Error(), found) {
			t.Errorf("%q: expected an error with %q, got %q, %v", text, found, got, err)
		}
	}
}

func TestCertificatePinsHold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pins        []string
		fingerprint string
		want        bool
	}{
		"no pins":                  {nil, fingerprint, true},
		"the only one":             {[]string{fingerprint}, fingerprint, true},
		"one of two, with colons":  {[]string{otherFingerprint, withColons(fingerprint)}, fingerprint, true},
		"another":                  {[]string{otherFingerprint}, fingerprint, false},
		"unreadable":               {[]string{fingerprint[1:]}, fingerprint, false},
		"unreadable, beside it":    {[]string{"none", fingerprint}, fingerprint, true},
		"unreadable, and no bytes": {[]string{"none"}, "", false},
	} {
		if got := keys.CertificatePinsHold(tc.pins, tc.fingerprint); got != tc.want {
			t.Errorf("%s: got %t, want %t", name, got, tc.want)
		}
	}
}

// The refusal names the certificate that is there, so that whoever reads it can compare.
func TestCertificateNotPinned(t *testing.T) {
	t.Parallel()
	refusal := keys.CertificateNotPinned("Wrap", fingerprint)
	if refusal.Attribute != "certificate_pins" || refusal.Summary != "The wrapping certificate is not pinned" ||
		!strings.Contains(refusal.Detail, `"Wrap"`) || !strings.Contains(refusal.Detail, fingerprint) {
		t.Errorf("got %+v", refusal)
	}
}
