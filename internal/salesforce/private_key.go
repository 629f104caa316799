package salesforce

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const minRSABits = 2048

// pemBlock finds a PEM block, on however many lines. Go's regular expressions can't ask that END
// names what BEGIN names; pem.Decode does.
var pemBlock = regexp.MustCompile(`(-----BEGIN [A-Z0-9 ]+-----)([^-]*)(-----END [A-Z0-9 ]+-----)`)

// lineEnds are the ways in which a line end comes, real ones and those that a shell, a YAML file or
// a JSON text has escaped.
var lineEnds = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", `\r`, "\n", "\r\n", "\n", "\r", "\n")

// unfoldPEM undoes what variables of CI systems do to PEM: quotes around it, escaped line ends or
// none, blanks, a byte order mark, base64 over all of it. It changes nothing that would make
// another key of it.
func unfoldPEM(text string) string {
	text = unquote(text)
	if !strings.Contains(text, "-----BEGIN") {
		if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil &&
			strings.Contains(string(decoded), "-----BEGIN") {
			text = unquote(string(decoded))
		}
	}
	return pemBlock.ReplaceAllStringFunc(text, func(block string) string {
		part := pemBlock.FindStringSubmatch(block)
		body := part[2]
		if strings.Contains(body, ":") {
			return block // headers, as of an encrypted key, have lines of their own
		}
		body = strings.Join(strings.Fields(body), "")
		var b strings.Builder
		b.WriteString(part[1] + "\n")
		for len(body) > 64 {
			b.WriteString(body[:64] + "\n")
			body = body[64:]
		}
		b.WriteString(body + "\n" + part[3] + "\n")
		return b.String()
	})
}

// unquote takes off a byte order mark, blanks and one pair of quotes, and makes line ends of what
// stands for them.
func unquote(text string) string {
	const mark = "\ufeff"
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), mark))
	if n := len(text); n > 1 && text[0] == text[n-1] && strings.ContainsRune("\"'`", rune(text[0])) {
		text = text[1 : n-1]
	}
	lines := strings.Split(lineEnds.Replace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimPrefix(strings.TrimSpace(strings.Join(lines, "\n")), mark)
}

// parsePrivateKey never quotes its input, nor an error of a parser that might.
func parsePrivateKey(text secret.Text) (*rsa.PrivateKey, error) {
	unfolded := unfoldPEM(text.Expose())
	block, rest := pem.Decode([]byte(unfolded))
	if block == nil {
		return nil, errors.New("private_key is not PEM: " + shape(unfolded))
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("private_key holds more than one PEM block: give the private key alone")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("private_key is encrypted: decrypt it first")
		}
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("private_key is encrypted: decrypt it first")
	case "OPENSSH PRIVATE KEY":
		return nil, errors.New("private_key is in OpenSSH's own form: convert it with ssh-keygen -p -m PKCS8")
	case "CERTIFICATE", "CERTIFICATE REQUEST", "PUBLIC KEY", "RSA PUBLIC KEY":
		return nil, errors.New("private_key is a certificate or public key: the private key is needed")
	default:
		return nil, errors.New("private_key must be an RSA key in PEM, PKCS #1 or PKCS #8")
	}
	if err != nil {
		return nil, errors.New("private_key could not be parsed as an RSA key: its BEGIN and END lines are there, but what " +
			"is between them is damaged")
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("private_key is not an RSA key: Salesforce accepts RS256 only")
	}
	if rsaKey.N.BitLen() < minRSABits {
		return nil, errors.New("private_key is shorter than 2048 bits")
	}
	return rsaKey, nil
}

// shape names what stands in place of PEM, without a word of it.
func shape(text string) string {
	const want = "; it must be the content of the key file, with its BEGIN and END lines"
	oneLine := !strings.Contains(text, "\n")
	_, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	switch {
	case text == "" || text == "null":
		return "it is empty" + want
	case strings.HasPrefix(text, "[REDACTED]"):
		return "it is the text that a tool prints in place of a secret" + want
	case strings.Contains(text, "-----BEGIN") && !strings.Contains(text, "-----END"):
		return "its END line is missing, as if it had been cut off" + want
	case strings.Contains(text, "-----END") && !strings.Contains(text, "-----BEGIN"):
		return "its BEGIN line is missing, as if it had been cut off" + want
	case strings.Contains(text, "-----BEGIN"):
		return "its BEGIN and END lines don't fit" + want
	case strings.HasPrefix(text, "PuTTY-User-Key-File"):
		return "it is in PuTTY's own form" + want
	case strings.HasPrefix(text, "{"):
		return "it is JSON, such as a JWK" + want
	case oneLine && len(text) < 500 && (strings.ContainsAny(text[:1], "/~.") || strings.HasSuffix(text, ".pem") ||
		strings.HasSuffix(text, ".key")):
		return "it looks like a path; give the content, as file(...) reads it" + want
	case err == nil && len(text) > 500:
		return "it is base64 without its BEGIN and END lines" + want
	default:
		return "it is no form of key that is known here" + want
	}
}
