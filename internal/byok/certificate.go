package byok

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

const (
	// maxCertificateBody bounds the body of a CertificateChain reply in bytes; a chain of 4096-bit
	// certificates takes about 2 kB each.
	maxCertificateBody = 256 << 10
	// maxChainLength bounds the certificates of one chain.
	maxChainLength = 10
	// minPublicExponent is the smallest RSA exponent that FIPS 186-5 allows, 2^16 being excluded.
	minPublicExponent = 1<<16 + 1
)

// Certificate is the wrapping certificate of an org.
type Certificate struct {
	// X509 is the certificate itself, the leaf if a chain was given.
	X509 *x509.Certificate
}

// CertificateRequestError says that a certificate request came in place of a certificate. That is
// what Salesforce keeps for a CA-signed certificate until the signed chain is uploaded [D
// CertMeta].
type CertificateRequestError struct {
	// Request is the parsed request.
	Request *x509.CertificateRequest
}

// Error implements error.
func (e *CertificateRequestError) Error() string {
	return "found a certificate signing request, expected a certificate: this CA-signed certificate is unusable until " +
		"its signed chain is uploaded to Salesforce"
}

// PEM returns the request as PEM, to be handed to the certificate authority.
func (e *CertificateRequestError) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: e.Request.Raw}))
}

// ParseCertificate reads the body of a CertificateChain reply. Its format is undocumented, so each
// form that clients have met is read: PEM, base64 of DER or of PEM with or without line breaks,
// DER, PKCS#7, and any textual form as a JSON string, with a byte order mark or not. Several
// certificates are a chain in any order. The leaf is the one that signed none of the others; if
// there are several of those, the only one among them that is no certificate authority. Issuers are
// read only as far as that needs it: crypto/x509 refuses some that are in use. A signing request
// gives a *[CertificateRequestError].
//
// Any sound X.509 certificate is read, so it can be shown; whether it can wrap keys is for
// [Certificate.Unfit].
func ParseCertificate(body []byte) (*Certificate, error) {
	c, err := readChain(body)
	if err != nil {
		return nil, err
	}
	leaf, err := c.leaf()
	if err != nil {
		return nil, err
	}
	return &Certificate{X509: leaf.x509}, nil
}

// PEM returns the certificate, without its issuers, as one PEM block.
func (c *Certificate) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.X509.Raw}))
}

// SHA256Fingerprint returns the SHA-256 of the DER encoding as 64 lower-case hexadecimal digits
// without colons.
func (c *Certificate) SHA256Fingerprint() string {
	sum := sha256.Sum256(c.X509.Raw)
	return hex.EncodeToString(sum[:])
}

// SerialNumber returns the serial number as lower-case hexadecimal digits, two for each byte,
// without colons.
func (c *Certificate) SerialNumber() string {
	if c.X509.SerialNumber.Sign() == 0 {
		return "00"
	}
	return hex.EncodeToString(c.X509.SerialNumber.Bytes())
}

// KeySize returns the size of the RSA modulus in bits, or 0 if the key is not an RSA key.
func (c *Certificate) KeySize() int {
	pub, ok := c.X509.PublicKey.(*rsa.PublicKey)
	if !ok {
		return 0
	}
	return pub.N.BitLen()
}

// clockTolerance forgives clocks that differ a little: a certificate that was made a second ago
// must not count as one of the future.
const clockTolerance = 5 * time.Minute

// Unfit returns, in words, each reason why the certificate cannot wrap keys at the instant now: a
// key that is not RSA of 4096 bits with a sound exponent [V FtxDoc 3.0, ThalesDoc], not valid yet,
// expired. None means it is fit as far as the certificate shows; whether Salesforce marks it as
// BYOK-compatible is for the org to say.
func (c *Certificate) Unfit(now time.Time) []string {
	var reasons []string
	if _, reason := c.rsaKey(); reason != "" {
		reasons = append(reasons, reason)
	}
	if now.Add(clockTolerance).Before(c.X509.NotBefore) {
		reasons = append(reasons, "it is not valid before "+c.X509.NotBefore.UTC().Format(time.RFC3339))
	}
	if now.After(c.X509.NotAfter) {
		reasons = append(reasons, "it expired at "+c.X509.NotAfter.UTC().Format(time.RFC3339))
	}
	return reasons
}

// rsaKey returns the public key, or in words why it cannot wrap keys.
func (c *Certificate) rsaKey() (pub *rsa.PublicKey, unfit string) {
	pub, ok := c.X509.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, fmt.Sprintf("its key is %s, expected RSA", c.X509.PublicKeyAlgorithm)
	case pub.N.BitLen() != WrappingKeyBits:
		return nil, fmt.Sprintf("its RSA key has %d bits, expected %d", pub.N.BitLen(), WrappingKeyBits)
	case pub.N.Bit(0) == 0:
		return nil, "its RSA modulus is even"
	case pub.E < minPublicExponent || pub.E%2 == 0:
		return nil, fmt.Sprintf("its RSA exponent is %d, expected an odd number from %d", pub.E, minPublicExponent)
	default:
		return pub, ""
	}
}

func (c *Certificate) wrappingKey() (*rsa.PublicKey, error) {
	if c == nil || c.X509 == nil {
		return nil, errors.New("no certificate was given")
	}
	pub, reason := c.rsaKey()
	if reason != "" {
		return nil, errors.New("the certificate cannot wrap keys: " + reason)
	}
	return pub, nil
}
