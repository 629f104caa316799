package main

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// modulusBits is the size that Salesforce asks of a BYOK-compatible certificate.
const modulusBits = 4096

// readCertificate reads the one to whose private key the key is given. The fingerprint, which came
// another way, decides whether it is.
func readCertificate(path, fingerprint string, now time.Time) (*x509.Certificate, *rsa.PublicKey, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, nil, fmt.Errorf("%s: not a PEM certificate", path)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	want, err := hex.DecodeString(strings.ToLower(strings.ReplaceAll(fingerprint, ":", "")))
	if err != nil || len(want) != sha256.Size {
		return nil, nil, errors.New("-fingerprint: want the 64 hex digits of a SHA-256, with or without colons")
	}
	if got := sha256.Sum256(certificate.Raw); subtle.ConstantTimeCompare(got[:], want) != 1 {
		return nil, nil, fmt.Errorf("%s: its SHA-256 fingerprint is %x, not the one of -fingerprint: stop, and find out "+
			"whose certificate it is", path, got)
	}
	public, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok || public.N.BitLen() != modulusBits {
		return nil, nil, fmt.Errorf("%s: not an RSA certificate of %d bits, as Salesforce makes them for BYOK", path,
			modulusBits)
	}
	if now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return nil, nil, fmt.Errorf("%s: valid from %s to %s, and it is %s by this machine's clock", path,
			certificate.NotBefore.UTC().Format(time.RFC3339), certificate.NotAfter.UTC().Format(time.RFC3339),
			now.UTC().Format(time.RFC3339))
	}
	return certificate, public, nil
}
