package byok

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	pemDash  = "-----"
	// byteOrderMark begins what some editors save as UTF-8.
	byteOrderMark = "\xef\xbb\xbf"
)

// decodeChain returns the DER of each certificate in a text.
func decodeChain(body []byte) ([][]byte, error) {
	if len(body) > maxCertificateBody {
		return nil, fmt.Errorf("certificate is %d bytes, expected at most %d", len(body), maxCertificateBody)
	}
	body = withoutMark(body)
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '"' {
		var s string
		if err := json.Unmarshal(trimmed, &s); err != nil {
			return nil, errors.New("certificate begins as a JSON string but is not one")
		}
		body = withoutMark([]byte(s))
	}
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0 || string(trimmed) == "null":
		return nil, errors.New("certificate is empty, expected PEM or base64 of DER")
	case bytes.Contains(trimmed, []byte(pemBegin)):
		return decodePEM(string(trimmed))
	case trimmed[0] == '{' || trimmed[0] == '[':
		return nil, errors.New("found JSON that is not a string, expected a certificate as PEM or base64 of DER")
	case trimmed[0] == '<':
		return nil, errors.New("found HTML or XML, expected a certificate as PEM or base64 of DER")
	case isDERSequence(body):
		return decodeDER(body)
	}
	decoded, err := strictBase64(withoutSpace(string(trimmed)))
	switch {
	case err != nil:
		return nil, errors.New("certificate is neither PEM nor base64 of DER nor DER")
	case bytes.Contains(decoded, []byte(pemBegin)):
		return decodePEM(string(withoutMark(decoded)))
	}
	return decodeDER(decoded)
}

func withoutMark(b []byte) []byte { return bytes.TrimPrefix(b, []byte(byteOrderMark)) }

// withoutSpace takes out the line breaks that base64 is wrapped with, and the spaces that are left
// of them when a text was put on one line.
func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, s)
}

// isDERSequence distinguishes DER from text: a certificate is a SEQUENCE with a length in long
// form. The tag 0x30 alone is the digit 0 in ASCII, but 0x81 to 0x83 after it is not ASCII.
func isDERSequence(b []byte) bool {
	return len(b) > 2 && b[0] == 0x30 && b[1] >= 0x81 && b[1] <= 0x83
}

// decodePEM reads PEM blocks, each on as many lines as it likes, with any text before each of them.
func decodePEM(text string) ([][]byte, error) {
	blocks := strings.Count(text, pemBegin)
	if blocks > maxChainLength {
		return nil, fmt.Errorf("chain has %d PEM blocks, expected at most %d", blocks, maxChainLength)
	}
	var ders [][]byte
	for n := 1; n <= blocks; n++ {
		before, after, _ := strings.Cut(text, pemBegin)
		startsLine := strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) == ""
		label, body, wholeBegin := strings.Cut(after, pemDash)
		content, rest, wholeEnd := strings.Cut(body, pemEnd+label+pemDash)
		if strings.HasSuffix(label, "PRIVATE KEY") {
			return nil, errors.New("found a private key, expected a certificate: a private key must not be given here")
		}
		der, err := strictBase64(withoutSpace(content))
		if !startsLine || !wholeBegin || !wholeEnd || err != nil {
			// Skipping what can't be read would let the issuer of a damaged leaf take its place.
			return nil, fmt.Errorf("of %d PEM blocks of the certificate, block %d is malformed", blocks, n)
		}
		found, err := decodeBlock(label, der)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", n, err)
		}
		ders, text = append(ders, found...), rest
	}
	if tail := strings.TrimSpace(text); tail != "" {
		return nil, fmt.Errorf("%d bytes follow the last PEM block", len(tail))
	}
	return ders, nil
}

// decodeBlock reads the content of a PEM block by its label.
func decodeBlock(label string, der []byte) ([][]byte, error) {
	switch label {
	case "CERTIFICATE", "X509 CERTIFICATE":
		return oneObject(der)
	case "TRUSTED CERTIFICATE":
		// OpenSSL's own: what it trusts the certificate for follows it.
		var first asn1.RawValue
		if _, err := asn1.Unmarshal(der, &first); err != nil {
			return nil, errors.New("the certificate is malformed")
		}
		return [][]byte{first.FullBytes}, nil
	case "PKCS7", "CMS":
		return certificatesOfPKCS7(der)
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return nil, parseRequest(der)
	default:
		return nil, fmt.Errorf("it is a %s, not a CERTIFICATE", label)
	}
}

// oneObject returns the DER of a block that must hold one certificate.
func oneObject(der []byte) ([][]byte, error) {
	objects, err := splitDER(der)
	if err == nil && len(objects) > 1 {
		err = fmt.Errorf("it holds %d certificates, expected 1", len(objects))
	}
	return objects, err
}

// decodeDER reads certificates one after the other, a PKCS#7 file, or a signing request.
func decodeDER(der []byte) ([][]byte, error) {
	if certificates, err := certificatesOfPKCS7(der); !errors.Is(err, errNotPKCS7) {
		return certificates, err
	}
	objects, err := splitDER(der)
	if err != nil {
		return nil, err
	}
	if len(objects) == 1 {
		if pending, ok := errors.AsType[*CertificateRequestError](parseRequest(der)); ok {
			return nil, pending
		}
	}
	return objects, nil
}

// splitDER splits SEQUENCEs that stand one after the other.
func splitDER(der []byte) ([][]byte, error) {
	var objects [][]byte
	for rest := der; len(rest) > 0; {
		var object asn1.RawValue
		after, err := asn1.Unmarshal(rest, &object)
		if err != nil || object.Class != asn1.ClassUniversal || object.Tag != asn1.TagSequence {
			return nil, errors.New("certificate is malformed or followed by other data")
		}
		objects, rest = append(objects, object.FullBytes), after
	}
	return objects, nil
}

var (
	errNotPKCS7 = errors.New("it is no PKCS#7")
	signedData  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// certificatesOfPKCS7 returns the certificates of a PKCS#7 file (RFC 2315, 9.1), which authorities
// hand out chains in. Who signed it, if anyone, does not matter.
func certificatesOfPKCS7(der []byte) ([][]byte, error) {
	var file struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
	}
	if rest, err := asn1.Unmarshal(der, &file); err != nil || len(rest) > 0 || !file.Type.Equal(signedData) {
		return nil, errNotPKCS7
	}
	var data struct {
		Version      int
		Algorithms   asn1.RawValue
		Content      asn1.RawValue
		Certificates asn1.RawValue `asn1:"optional,tag:0"`
		Revocations  asn1.RawValue `asn1:"optional,tag:1"`
		Signers      asn1.RawValue
	}
	if _, err := asn1.Unmarshal(file.Content.Bytes, &data); err != nil {
		return nil, errors.New("the PKCS#7 file is malformed")
	}
	certificates, err := splitDER(data.Certificates.Bytes)
	if err == nil && len(certificates) == 0 {
		err = errors.New("found no certificate in the PKCS#7 file")
	}
	return certificates, err
}

func parseRequest(der []byte) error {
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return fmt.Errorf("certificate signing request is malformed: %w", err)
	}
	return &CertificateRequestError{Request: r}
}
