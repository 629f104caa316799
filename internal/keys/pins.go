package keys

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

// fingerprintBytes is the length of a SHA-256 fingerprint.
const fingerprintBytes = 32

// ParseCertificatePin reads the SHA-256 fingerprint of a certificate: 64 hex digits, in any case,
// with or without colons between the bytes. It returns lower-case digits.
func ParseCertificatePin(text string) (string, error) {
	digits := strings.ToLower(strings.ReplaceAll(text, ":", ""))
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != fingerprintBytes {
		found := "an empty text"
		if text != "" {
			found = fmt.Sprintf("%d characters that are not one", len(text))
		}

		return "", fmt.Errorf("expected a SHA-256 fingerprint of 64 hex digits, with or without colons, found %s", found)
	}

	return digits, nil
}

// CertificatePinsHold reports whether a certificate may be wrapped to: there are no pins, or one is
// its fingerprint. Pins that can't be read hold nothing.
func CertificatePinsHold(pins []string, fingerprint string) bool {
	return len(pins) == 0 || slices.ContainsFunc(pins, func(pin string) bool {
		digits, err := ParseCertificatePin(pin)

		return err == nil && digits == fingerprint
	})
}

// CertificateNotPinned says that a certificate is not one of the pinned ones.
func CertificateNotPinned(name, fingerprint string) *problem.Problem {
	return problem.New("certificate_pins", "The wrapping certificate is not pinned",
		"Expected a certificate of certificate_pins, found %q with the SHA-256 fingerprint %s. No key was sent. If the "+
			"certificate was renewed, verify the new one in Setup and pin it. If not, somebody may stand between you and "+
			"Salesforce.", name, fingerprint)
}
