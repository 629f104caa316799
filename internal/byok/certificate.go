package byok

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// maxCertificateBody bounds the body of a CertificateChain reply in bytes; a chain of 4096-bit certificates takes
	// about 2 kB each.
	maxCertificateBody = 256 << 10
	// maxChainLength bounds the certificates of one chain.
	maxChainLength = 10
	// pemBegin begins every PEM block.
	pemBegin = "-----BEGIN "
	// minPublicExponent is the smallest RSA exponent that FIPS 186-5 allows, 2^16 being excluded.
	minPublicExponent = 1<<16 + 1
)

// Certificate is the wrapping certificate of an org.
type Certificate struct {
	// X509 is the certificate itself, the leaf where a chain was given.
	X509 *x509.Certificate
	// Issuers holds the other certificates of the chain in the order in which they came.
	Issuers []*x509.Certificate
}

// CertificateRequestError says that a certificate request came in place of a certificate. That is what Salesforce keeps
// for a CA-signed certificate until the signed chain is uploaded [D CertMeta].
type CertificateRequestError struct {
	// Request is the parsed request.
	Request *x509.CertificateRequest
}

// Error implements error.
func (e *CertificateRequestError) Error() string {
	return "found a certificate signing request, expected a certificate: this CA-signed certificate is unusable until its signed chain is uploaded to Salesforce"
}

// PEM returns the request as PEM, to be handed to the certificate authority.
func (e *CertificateRequestError) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: e.Request.Raw}))
}

// ParseCertificate reads the body of a CertificateChain reply. Its format is undocumented, so each form that clients
// have met is read: PEM, base64 of DER with or without line breaks, DER, and any textual form as a JSON string. Several
// certificates (PEM blocks, or DER one after the other) are a chain in any order, and the leaf is the one that signed
// none of the others; if that is not exactly one, or anything else follows a certificate, it is an error. A signing
// request gives a *[CertificateRequestError].
//
// Any sound X.509 certificate is read, so that it can be shown; whether it can wrap keys is for [Certificate.Unfit].
func ParseCertificate(body []byte) (*Certificate, error) {
	if len(body) > maxCertificateBody {
		return nil, fmt.Errorf("certificate is %d bytes, expected at most %d", len(body), maxCertificateBody)
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '"' {
		var s string
		if err := json.Unmarshal(trimmed, &s); err != nil {
			return nil, errors.New("certificate begins as a JSON string but is not one")
		}
		body = []byte(s)
	}
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0 || string(trimmed) == "null":
		return nil, errors.New("certificate is empty, expected PEM or base64 of DER")
	case bytes.Contains(trimmed, []byte(pemBegin)):
		return parsePEM(trimmed)
	case trimmed[0] == '{' || trimmed[0] == '[':
		return nil, errors.New("found JSON that is not a string, expected a certificate as PEM or base64 of DER")
	case trimmed[0] == '<':
		return nil, errors.New("found HTML or XML, expected a certificate as PEM or base64 of DER")
	case isDERSequence(body):
		return parseDER([][]byte{body})
	}
	der, err := strictBase64(string(removeLineBreaks(trimmed)))
	if err != nil {
		return nil, errors.New("certificate is neither PEM nor base64 of DER nor DER")
	}
	return parseDER([][]byte{der})
}

// isDERSequence tells DER from text: a certificate is a SEQUENCE with a length in long form. The tag 0x30 alone is the
// digit 0 in ASCII, but 0x81 to 0x83 after it is not ASCII.
func isDERSequence(b []byte) bool {
	return len(b) > 2 && b[0] == 0x30 && b[1] >= 0x81 && b[1] <= 0x83
}

func removeLineBreaks(b []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r"), nil), []byte("\n"), nil)
}

func parsePEM(text []byte) (*Certificate, error) {
	var ders [][]byte
	blocks := bytes.Count(text, []byte(pemBegin))
	if blocks > maxChainLength {
		return nil, fmt.Errorf("chain has %d PEM blocks, expected at most %d", blocks, maxChainLength)
	}
	rest := text
	for range blocks {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			// pem.Decode skips what it cannot read: without this count a damaged leaf would give way to its issuer.
			return nil, fmt.Errorf("certificate has %d PEM blocks, of which block %d is malformed", blocks, len(ders)+1)
		}
		switch {
		case block.Type == "CERTIFICATE":
			ders = append(ders, block.Bytes)
		case block.Type == "CERTIFICATE REQUEST" || block.Type == "NEW CERTIFICATE REQUEST":
			return nil, parseRequest(block.Bytes)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil, errors.New("found a private key, expected a certificate: a private key must not be given here")
		default:
			return nil, fmt.Errorf("PEM block %d is not a CERTIFICATE", len(ders)+1)
		}
	}
	if tail := bytes.TrimSpace(rest); len(tail) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last PEM block", len(tail))
	}
	return parseDER(ders)
}

func parseRequest(der []byte) error {
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return fmt.Errorf("certificate signing request is malformed: %w", err)
	}
	return &CertificateRequestError{Request: r}
}

func parseDER(ders [][]byte) (*Certificate, error) {
	var chain []*x509.Certificate
	for i, der := range ders {
		found, err := x509.ParseCertificates(der)
		if err != nil {
			if len(ders) == 1 {
				var pending *CertificateRequestError
				if err := parseRequest(der); errors.As(err, &pending) {
					return nil, err
				}
			}
			// The errors of crypto/x509 describe structure and repeat no content worth hiding: certificates are public.
			return nil, fmt.Errorf("certificate %d of %d is malformed or followed by other data: %w", i+1, len(ders), err)
		}
		if len(ders) > 1 && len(found) != 1 {
			return nil, fmt.Errorf("PEM block %d holds %d certificates, expected 1", i+1, len(found))
		}
		for _, c := range found {
			if !slices.ContainsFunc(chain, c.Equal) {
				chain = append(chain, c)
			}
		}
	}
	if len(chain) == 0 {
		return nil, errors.New("found no certificate")
	}
	if len(chain) > maxChainLength {
		return nil, fmt.Errorf("chain has %d certificates, expected at most %d", len(chain), maxChainLength)
	}
	return chooseLeaf(chain)
}

func chooseLeaf(chain []*x509.Certificate) (*Certificate, error) {
	var leaves, issuers []*x509.Certificate
	for _, c := range chain {
		signedAnother := slices.ContainsFunc(chain, func(o *x509.Certificate) bool { return o != c && issued(c, o) })
		if signedAnother {
			issuers = append(issuers, c)
		} else {
			leaves = append(leaves, c)
		}
	}
	if len(leaves) != 1 {
		return nil, fmt.Errorf("%d of the %d certificates signed none of the others, expected exactly one (the leaf) with the chain of its issuers",
			len(leaves), len(chain))
	}
	return &Certificate{X509: leaves[0], Issuers: issuers}, nil
}

// issued reports whether parent signed child. Where Go cannot check the signature because its algorithm is obsolete or
// unknown, matching names decide.
func issued(parent, child *x509.Certificate) bool {
	if !bytes.Equal(parent.RawSubject, child.RawIssuer) {
		return false
	}
	err := parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.Is(err, x509.ErrUnsupportedAlgorithm) || errors.As(err, &insecure)
}

// PEM returns the certificate, without its issuers, as one PEM block.
func (c *Certificate) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.X509.Raw}))
}

// SHA256Fingerprint returns the SHA-256 of the DER encoding as 64 lower-case hexadecimal digits without colons.
func (c *Certificate) SHA256Fingerprint() string {
	sum := sha256.Sum256(c.X509.Raw)
	return hex.EncodeToString(sum[:])
}

// SerialNumber returns the serial number as lower-case hexadecimal digits, two for each byte, without colons.
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

// clockTolerance forgives clocks that differ a little: a certificate that was made a second ago must not count as one of
// the future.
const clockTolerance = 5 * time.Minute

// Unfit returns, in words, each reason why the certificate cannot wrap keys at the instant now: a key that is not RSA of
// 4096 bits with a sound exponent [V FtxDoc 3.0, ThalesDoc], not valid yet, expired. None means it is fit as far as the
// certificate tells; whether Salesforce marks it as BYOK-compatible is for the org to say.
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
