package quorum

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

const (
	// EnvironmentVariable names a quorum beside that of the configuration, which the configuration
	// can't weaken.
	EnvironmentVariable = "SALESFORCEBYOK_DESTRUCTION_APPROVERS"
	// attribute names the quorum of the configuration in errors.
	attribute = "destruction_approvers"

	// minRSABits is the size of the shortest RSA key that may approve.
	minRSABits = 3072
	// maxKeys bounds the keys of one quorum, maxKeyLine the text of one and maxFile that of a file, in
	// bytes.
	maxKeys, maxKeyLine, maxFile = 200, 16 << 10, 1 << 20
)

// Approvers is one quorum: public keys, and how many of them must sign.
type Approvers struct {
	// where names the quorum in errors and refusals.
	where     string
	keys      []approver
	threshold int
}

// approver is a public key that may sign.
type approver struct {
	key     ssh.PublicKey
	comment string
}

// is compares keys by their wire form.
func (a approver) is(key ssh.PublicKey) bool { return bytes.Equal(a.key.Marshal(), key.Marshal()) }

// Threshold returns how many must sign.
func (a *Approvers) Threshold() int { return a.threshold }

// New reads a quorum of the configuration: SSH public keys, each as one line of an authorized_keys
// file without options, and the number of them that must sign. Keys may be ed25519, ecdsa, rsa of
// at least 3072 bits, and ed25519 or ecdsa held by hardware (sk-...), which must attest a touch. A
// key that is there twice counts once. Errors name the element and repeat none.
func New(publicKeys []string, threshold int64) (*Approvers, error) {
	return newApprovers(attribute, publicKeys, threshold)
}

func newApprovers(where string, publicKeys []string, threshold int64) (*Approvers, error) {
	if len(publicKeys) == 0 || len(publicKeys) > maxKeys {
		return nil, fmt.Errorf("%s.public_keys has %d keys, expected 1 to %d", where, len(publicKeys), maxKeys)
	}
	a := &Approvers{where: where}
	for i, line := range publicKeys {
		parsed, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("%s.public_keys[%d] %w", where, i, err)
		}
		if _, ok := a.find(parsed.key); !ok {
			a.keys = append(a.keys, parsed)
		}
	}
	if threshold < 1 || threshold > int64(len(a.keys)) {
		return nil, fmt.Errorf("%s.threshold is %d, expected 1 to %d, the number of distinct keys", where, threshold,
			len(a.keys))
	}
	a.threshold = int(threshold)
	return a, nil
}

// find returns the approver with a key.
func (a *Approvers) find(key ssh.PublicKey) (approver, bool) {
	for _, known := range a.keys {
		if known.is(key) {
			return known, true
		}
	}
	return approver{}, false
}

const expectedKey = "expected one SSH public key as ssh-keygen writes it, such as ssh-ed25519 AAAA... alice"

func parseKey(line string) (approver, error) {
	// A file that is read whole ends in a newline.
	line = strings.TrimSpace(line)
	lower := strings.ToLower(line)
	switch {
	case line == "":
		return approver{}, errors.New("is empty, " + expectedKey)
	case len(line) > maxKeyLine:
		return approver{}, errors.New("is too long, " + expectedKey)
	case strings.Contains(lower, "private key-----"):
		return approver{}, errors.New("is a private key, expected the public key (the .pub file beside it); if the private " +
			"key was shared, replace it")
	case strings.Contains(lower, "-----begin"):
		return approver{}, errors.New("is PEM, " + expectedKey)
	case strings.ContainsAny(line, "\r\n"):
		return approver{}, errors.New("has several lines, " + expectedKey)
	}
	fields := strings.Fields(line)
	kind := fields[0]
	switch {
	case strings.Contains(kind, "-cert-"):
		return approver{}, errors.New("is a certificate, expected the plain public key: a certificate's validity is not " +
			"checked here")
	case kind == ssh.InsecureKeyAlgoDSA: //nolint:staticcheck // it is refused
		return approver{}, errors.New("is a DSA key, expected ed25519, ecdsa, rsa of at least 3072 bits, or a hardware key " +
			"(sk-...)")
	case !isAccepted(kind):
		return approver{}, errors.New("does not begin with a known kind of key (ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa, " +
			"sk-ssh-ed25519@openssh.com and so on) or has options before it, " + expectedKey)
	case len(fields) == 1:
		return approver{}, errors.New("is cut off after its kind, " + expectedKey)
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(fields[1])
	if err != nil {
		return approver{}, errors.New("is not sound base64 after its kind: it is cut off or mistyped")
	}
	key, err := ssh.ParsePublicKey(blob)
	if err != nil || key.Type() != kind || !bytes.Equal(key.Marshal(), blob) {
		return approver{}, fmt.Errorf("is not a sound %s key: it is cut off, mistyped or of another kind", kind)
	}
	if crypto, ok := key.(ssh.CryptoPublicKey); ok {
		if rsaKey, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && rsaKey.N.BitLen() < minRSABits {
			return approver{}, fmt.Errorf("is an RSA key of %d bits, expected at least %d", rsaKey.N.BitLen(), minRSABits)
		}
	}
	return approver{key: key, comment: printable(strings.Join(fields[2:], " "))}, nil
}

func isAccepted(kind string) bool {
	switch kind {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA,
		ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return true
	default:
		return false
	}
}

// printable keeps a comment from writing lines of its own into a diagnostic.
func printable(comment string) string {
	const longest = 100
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, comment)
	return clean[:min(len(clean), longest)]
}

// FromEnvironment reads the quorum that [EnvironmentVariable] gives, nil if it is not set. The
// value is JSON that begins with {, or the absolute path of a file with it: {"public_keys":
// ["ssh-ed25519 AAAA... alice"], "threshold": 1}. A variable that is set but empty is an error:
// whoever set it meant a quorum.
func FromEnvironment(lookup func(string) (string, bool)) (*Approvers, error) {
	value, set := lookup(EnvironmentVariable)
	if !set {
		return nil, nil //nolint:nilnil // no quorum is no error
	}
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return nil, fmt.Errorf("%s is set but empty, expected JSON that begins with { or the absolute path of a file with "+
			"it; unset it for no quorum", EnvironmentVariable)
	case strings.HasPrefix(value, "{"):
		return parseJSON(EnvironmentVariable, value)
	case !filepath.IsAbs(value):
		return nil, fmt.Errorf("%s is neither JSON that begins with { nor an absolute path", EnvironmentVariable)
	}
	text, err := readFile(value)
	if err != nil {
		return nil, fmt.Errorf("%s: read the file that it names: %w", EnvironmentVariable, err)
	}
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		return nil, fmt.Errorf("%s: the file %s does not begin with {, expected {\"public_keys\": [...], \"threshold\": 1}",
			EnvironmentVariable, value)
	}
	return parseJSON(EnvironmentVariable, text)
}

func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return "", fmt.Errorf("%s: expected a regular file of at most %d bytes", path, maxFile)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own path
	return string(text), err
}

func parseJSON(where, text string) (*Approvers, error) {
	var document struct {
		PublicKeys []string     `json:"public_keys"`
		Threshold  *json.Number `json:"threshold"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&document)
	if err == nil {
		if _, end := decoder.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is text after it")
		}
	}
	if err != nil {
		// The errors of encoding/json name fields and offsets, and repeat no value.
		return nil, fmt.Errorf("%s is not the JSON that was expected, {\"public_keys\": [...], \"threshold\": 1}: %w", where,
			err)
	}
	if document.Threshold == nil {
		return nil, fmt.Errorf("%s.threshold is missing, expected how many must sign", where)
	}
	threshold, err := document.Threshold.Int64()
	if err != nil {
		return nil, fmt.Errorf("%s.threshold is no whole number, expected how many must sign", where)
	}
	return newApprovers(where, document.PublicKeys, threshold)
}
