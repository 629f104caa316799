package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// protocol is the record that the witnesses sign. Its first lines are "name: value", so that a
// program can read them too.
func protocol(s settings, certificate *x509.Certificate, t *token, made result, now time.Time) string {
	check := "none from this token"
	if made.attributes.checkValue != nil {
		check = hex.EncodeToString(made.attributes.checkValue)
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"salesforce-byok-ceremony", "1"},
		{"time", now.UTC().Format(time.RFC3339) + " (this machine's clock)"},
		{"library", fmt.Sprintf("%s, %s %d.%d", t.library.ManufacturerID, t.library.LibraryDescription,
			t.library.LibraryVersion.Major, t.library.LibraryVersion.Minor)},
		{"token", fmt.Sprintf("%s, %s, serial number %s", t.info.Label, t.info.Model, t.info.SerialNumber)},
		{"key", fmt.Sprintf("%q, AES-256, generated in the token", s.label)},
		{"key attributes", fmt.Sprintf("sensitive %t, always sensitive %t, extractable by wrapping %t",
			made.attributes.sensitive, made.attributes.alwaysSensitive, made.attributes.extractable)},
		{"key check value", check},
		{"rehearsal", "wrapped, opened and digested a throwaway key: equal"},
		{"certificate", certificate.Subject.String()},
		{"certificate serial", fmt.Sprintf("%x", certificate.SerialNumber)},
		{"certificate sha256", fmt.Sprintf("%x", sha256.Sum256(certificate.Raw))},
		{"certificate until", certificate.NotAfter.UTC().Format(time.RFC3339)},
		{"wrapping_algorithm", s.algorithm},
		{"secret_value_hash", base64.StdEncoding.EncodeToString(made.hash)},
		{"wrapped_key_material", fmt.Sprintf("%d bytes, SHA-256 of its base64 %x", len(made.wrapped),
			sha256.Sum256([]byte(base64.StdEncoding.EncodeToString(made.wrapped))))},
	} {
		fmt.Fprintf(&b, "%s: %s\n", line[0], line[1])
	}
	for _, name := range s.witnesses {
		fmt.Fprintf(&b, "\nwitness: %s\nsignature: ______________________________\n", name)
	}
	return b.String()
}
