package quorum

import (
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Namespace is that of approvals: `ssh-keygen -Y sign -n salesforcebyok-destroy`.
const Namespace = "salesforcebyok-destroy"

// maxApproval bounds the text of one approval in bytes.
const maxApproval = 64 << 10

// Quorum is every quorum that must be met: none, that of the configuration, that of the
// environment, or both.
type Quorum []*Approvers

// All returns the quorum of all that are not nil.
func All(approvers ...*Approvers) Quorum {
	return slices.DeleteFunc(approvers, func(a *Approvers) bool { return a == nil })
}

// Required returns the number of approvals that the most demanding of the quorums asks for, and 0
// if there is none.
func (q Quorum) Required() int {
	required := 0
	for _, a := range q {
		required = max(required, a.threshold)
	}
	return required
}

// Signer is an approver whose signature counts.
type Signer struct {
	// Fingerprint is the SHA-256 of the public key as ssh-keygen -l prints it: SHA256:...
	Fingerprint string
	// Comment is that of the configured public key, "" for none.
	Comment string
	// Signature is the armored signature.
	Signature string
}

// String names the signer: fingerprint and comment.
func (s Signer) String() string {
	if s.Comment == "" {
		return s.Fingerprint
	}
	return s.Fingerprint + " (" + s.Comment + ")"
}

// MissingError says that a quorum is not met.
type MissingError struct {
	// Signers are those who have signed.
	Signers []Signer
	// Missing says for each quorum that is not met how many approvals it lacks.
	Missing []Missing
}

// Missing is what one quorum lacks.
type Missing struct {
	// Where is destruction_approvers or the environment variable.
	Where string
	// Have of Threshold have signed.
	Have, Threshold int
}

// Error names who has signed, and how many approvals are missing.
func (e *MissingError) Error() string {
	var parts []string
	for _, m := range e.Missing {
		parts = append(parts, fmt.Sprintf("%s needs %d approvals and has %d: %d missing", m.Where, m.Threshold, m.Have,
			m.Threshold-m.Have))
	}
	signed := "nobody has signed"
	if len(e.Signers) > 0 {
		names := make([]string, 0, len(e.Signers))
		for _, s := range e.Signers {
			names = append(names, s.String())
		}
		signed = "signed by " + strings.Join(names, ", ")
	}
	return strings.Join(parts, "; ") + "; " + signed
}

// Verify holds armored SSH signatures to a statement, and returns who signed it. Any signature that
// is not sound, of another namespace, of a stranger, over another statement, or by somebody who
// signed already is an error that names it. Too few are a [MissingError].
func (q Quorum) Verify(statement string, approvals []string) ([]Signer, error) {
	var signers []Signer
	var keys []ssh.PublicKey
	for i, text := range approvals {
		signer, key, err := q.approval(statement, text)
		if err != nil {
			return nil, fmt.Errorf("destruction_approvals[%d] %w", i, err)
		}
		for j, other := range keys {
			if (approver{key: other}).is(key) {
				return nil, fmt.Errorf("destruction_approvals[%d] is by %s, who signed destruction_approvals[%d] too: each "+
					"approver counts once", i, signer, j)
			}
		}
		signers, keys = append(signers, signer), append(keys, key)
	}
	missing := &MissingError{Signers: signers}
	for _, a := range q {
		have := 0
		for _, key := range keys {
			if _, ok := a.find(key); ok {
				have++
			}
		}
		if have < a.threshold {
			missing.Missing = append(missing.Missing, Missing{Where: a.where, Have: have, Threshold: a.threshold})
		}
	}
	if len(missing.Missing) > 0 {
		return nil, missing
	}
	return signers, nil
}

// approval checks one signature and returns its signer.
func (q Quorum) approval(statement, text string) (Signer, ssh.PublicKey, error) {
	signature, armored, err := parseApproval(text)
	if err != nil {
		return Signer{}, nil, err
	}
	signer := Signer{Fingerprint: ssh.FingerprintSHA256(signature.PublicKey), Signature: armored}
	var key ssh.PublicKey
	for _, a := range q {
		if known, ok := a.find(signature.PublicKey); ok {
			key, signer.Comment = known.key, known.comment
			break
		}
	}
	if key == nil {
		return Signer{}, nil, fmt.Errorf("is by %s, which is none of the approvers", signer)
	}
	err = sshsig.Verify(strings.NewReader(statement), signature, key, signature.HashAlgorithm, Namespace)
	switch {
	case errors.Is(err, sshsig.ErrNamespaceMismatch):
		return Signer{}, nil, fmt.Errorf("is by %s for the namespace %q, expected %q: sign with `ssh-keygen -Y sign -n %s`",
			signer, printable(signature.Namespace), Namespace, Namespace)
	case err != nil && strings.HasPrefix(key.Type(), "sk-") && !touched(signature.Signature):
		return Signer{}, nil, fmt.Errorf("is by %s without a touch of the hardware key: a key made with no-touch-required "+
			"can't approve", signer)
	case err != nil:
		return Signer{}, nil, fmt.Errorf("is by %s and not over this statement: it is for another record, operation, state "+
			"or end, or its text was changed; sign destruction_statement as it is, with its last line end", signer)
	}
	return signer, key, nil
}

// touched reports whether a hardware key's signature attests a touch, the first bit of its flags.
func touched(signature *ssh.Signature) bool {
	return len(signature.Rest) > 0 && signature.Rest[0]&1 != 0
}

// parseApproval reads one armored SSH signature. It bears what heredocs and variables do to lines:
// indentation, CR and blank lines around it.
func parseApproval(text string) (signature *sshsig.Signature, armored string, err error) {
	if len(text) > maxApproval {
		return nil, "", errors.New("is too long for an SSH signature")
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	text = strings.Join(lines, "\n") + "\n"
	if strings.Contains(strings.ToLower(text), "private key-----") {
		return nil, "", errors.New("is a private key, expected the .sig file that `ssh-keygen -Y sign` writes; replace " +
			"that key")
	}
	const expected = "expected the .sig file that `ssh-keygen -Y sign` writes, which begins with -----BEGIN SSH " +
		"SIGNATURE-----"
	if !strings.HasPrefix(text, "-----BEGIN "+sshsig.PEMType+"-----\n") {
		return nil, "", errors.New("is not an armored SSH signature, " + expected)
	}
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil || block.Type != sshsig.PEMType || len(block.Headers) > 0:
		return nil, "", errors.New("is a damaged SSH signature, " + expected)
	case len(rest) > 0:
		return nil, "", errors.New("has text after the SSH signature: give each approval as an element of its own")
	}
	signature, err = sshsig.ParseSignature(block.Bytes)
	if err != nil {
		return nil, "", errors.New("is a damaged SSH signature, or of a kind that is not known here")
	}
	return signature, text, nil
}
