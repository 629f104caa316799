package escrow

import (
	"bytes"
	"crypto/fips140"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const (
	// maxRecipients bounds the recipients of one escrow copy.
	maxRecipients = 50
	// maxArmored bounds the text of one escrow copy in bytes; a post-quantum recipient takes about 1.6 kB of it.
	maxArmored = 256 << 10
)

// Recipients are the age public keys that can open an escrow copy: either X25519 keys (age1...) or post-quantum hybrid
// keys of ML-KEM-768 and X25519 (age1pq1...), never both in one copy.
type Recipients struct {
	recipients []age.Recipient
	encodings  []string
}

// ParseRecipients reads native age recipients. An error names the index, from 0, of the first bad one and the kind of
// mistake. It never repeats the input, which may be a secret key pasted by mistake. Plugin, SSH and passphrase
// recipients are refused: opening must need nothing but the identity and an age implementation.
func ParseRecipients(encodings []string) (*Recipients, error) {
	if len(encodings) == 0 {
		return nil, errors.New("no age recipient was given, expected at least one public key (age1... or age1pq1...)")
	}
	if len(encodings) > maxRecipients {
		return nil, fmt.Errorf("%d age recipients were given, expected at most %d", len(encodings), maxRecipients)
	}
	r := &Recipients{}
	for i, s := range encodings {
		recipient, err := parseRecipient(s)
		if err != nil {
			return nil, fmt.Errorf("age recipient %d: %w", i, err)
		}
		if first := slices.Index(r.encodings, recipient.String()); first >= 0 {
			return nil, fmt.Errorf("age recipient %d: repeats recipient %d", i, first)
		}
		if isHybrid(recipient) != isHybrid(firstOr(r.recipients, recipient)) {
			// age refuses such a file too, but only once there is something to encrypt.
			return nil, fmt.Errorf("age recipient %d: post-quantum (age1pq1...) and X25519 (age1...) recipients cannot share one escrow copy, since the weaker kind would decide its strength; use one kind for all", i)
		}
		r.recipients = append(r.recipients, recipient)
		r.encodings = append(r.encodings, recipient.String())
	}
	return r, nil
}

type nativeRecipient interface {
	age.Recipient
	fmt.Stringer
}

func parseRecipient(s string) (nativeRecipient, error) {
	lower := strings.ToLower(s)
	switch {
	case s == "":
		return nil, errors.New("is empty, expected a public key (age1... or age1pq1...)")
	case strings.Contains(lower, "age-secret-key-") || strings.Contains(lower, "age-plugin-"):
		return nil, errors.New("is a secret identity, expected the public key (age1...) that `age-keygen -y` prints for it; if the identity was shared, replace it")
	case strings.Contains(lower, "private key-----"):
		return nil, errors.New("is a private key, expected an age public key (age1... or age1pq1...)")
	case strings.ContainsAny(s, " \t\r\n") && !strings.HasPrefix(lower, "ssh-"):
		return nil, errors.New("contains white space, expected one public key (age1... or age1pq1...) alone")
	case strings.HasPrefix(lower, "ssh-") || strings.HasPrefix(lower, "ecdsa-") || strings.HasPrefix(lower, "sk-"):
		return nil, errors.New("is an SSH key, expected a native age public key (age1... or age1pq1...)")
	case !strings.HasPrefix(lower, "age1"):
		return nil, errors.New("is not an age public key, expected age1... or age1pq1... (passphrases and key files are not supported)")
	}

	// The data of Bech32 follows the last 1, and "1" is not in its alphabet: what stands before tells the kind.
	kind := lower[:strings.LastIndexByte(lower, '1')]
	var parse func() (nativeRecipient, error)
	switch kind {
	case "age":
		parse = func() (nativeRecipient, error) { return age.ParseX25519Recipient(s) }
	case "age1pq":
		parse = func() (nativeRecipient, error) { return age.ParseHybridRecipient(s) }
	case "age1tag", "age1tagpq":
		return nil, errors.New("is a tagged recipient of a hardware token, expected a native age public key (age1... or age1pq1...)")
	default:
		return nil, errors.New("is the recipient of an age plugin, expected a native age public key (age1... or age1pq1...)")
	}
	var recipient nativeRecipient
	err := outsideFIPS(func() (err error) {
		if recipient, err = parse(); err != nil {
			return errors.New("is malformed: it is truncated, mistyped or fails its checksum")
		}
		// Some well-formed X25519 keys are points of low order, which age refuses only when it encrypts.
		if _, err = recipient.Wrap(make([]byte, ageFileKeySize)); err != nil {
			return errors.New("is not a usable public key: nothing can be encrypted to it")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return recipient, nil
}

// ageFileKeySize is the length in bytes of the symmetric key that age wraps for each recipient.
const ageFileKeySize = 16

func isHybrid(r age.Recipient) bool {
	_, ok := r.(*age.HybridRecipient)
	return ok
}

func firstOr(recipients []age.Recipient, other age.Recipient) age.Recipient {
	if len(recipients) == 0 {
		return other
	}
	return recipients[0]
}

// Strings returns the public keys in canonical form, in the order given.
func (r *Recipients) Strings() []string { return slices.Clone(r.encodings) }

// Encrypt returns an armored age file whose payload is exactly the 32 bytes of m.
func (r *Recipients) Encrypt(m secret.Bytes) (string, error) {
	if m.Len() != byok.MaterialSize {
		return "", fmt.Errorf("encrypt the escrow copy: key material holds %d bytes, expected %d", m.Len(), byok.MaterialSize)
	}
	if r == nil || len(r.recipients) == 0 {
		return "", errors.New("encrypt the escrow copy: no age recipient was given")
	}
	var out strings.Builder
	err := outsideFIPS(func() error {
		a := armor.NewWriter(&out)
		w, err := age.Encrypt(a, r.recipients...)
		if err != nil {
			return err
		}
		if _, err := w.Write(m.Expose()); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		return a.Close()
	})
	if err != nil {
		return "", fmt.Errorf("encrypt the escrow copy: %w", err)
	}
	return out.String(), nil
}

// Open decrypts an escrow copy with one age identity (AGE-SECRET-KEY-1... or AGE-SECRET-KEY-PQ-1...). It refuses a
// copy whose payload is not exactly 32 bytes. Errors repeat neither argument.
func Open(armored, identity string) (secret.Bytes, error) {
	if err := checkArmored(armored); err != nil {
		return secret.Bytes{}, err
	}
	var material secret.Bytes
	err := outsideFIPS(func() error {
		id, err := parseIdentity(identity)
		if err != nil {
			return err
		}
		plain, err := age.Decrypt(armor.NewReader(strings.NewReader(armored)), id)
		if err != nil {
			if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
				return errors.New("open the escrow copy: it was not encrypted to this identity")
			}
			return errors.New("open the escrow copy: its age header is damaged")
		}
		payload := make([]byte, byok.MaterialSize+1)
		defer clear(payload)
		switch n, err := io.ReadFull(plain, payload); {
		case err == nil:
			return fmt.Errorf("open the escrow copy: it holds more than %d bytes, so it is no tenant secret", byok.MaterialSize)
		case !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
			return errors.New("open the escrow copy: its payload is damaged or truncated")
		case n != byok.MaterialSize:
			return fmt.Errorf("open the escrow copy: it holds %d bytes, expected %d", n, byok.MaterialSize)
		}
		material = secret.NewBytes(payload[:byok.MaterialSize])
		return nil
	})
	return material, err
}

func parseIdentity(s string) (age.Identity, error) {
	var id age.Identity
	var err error
	switch {
	case strings.HasPrefix(s, "AGE-SECRET-KEY-PQ-1"):
		id, err = age.ParseHybridIdentity(s)
	case strings.HasPrefix(s, "AGE-SECRET-KEY-1"):
		id, err = age.ParseX25519Identity(s)
	default:
		return nil, errors.New("open the escrow copy: expected a native age identity (AGE-SECRET-KEY-1... or AGE-SECRET-KEY-PQ-1...) alone")
	}
	if err != nil {
		return nil, errors.New("open the escrow copy: the age identity is malformed: it is truncated, mistyped or fails its checksum")
	}
	return id, nil
}

// checkArmored reports whether s is one whole armored age file as far as can be told without an identity.
func checkArmored(s string) error {
	if len(s) > maxArmored {
		return fmt.Errorf("escrow copy is %d bytes, expected at most %d", len(s), maxArmored)
	}
	if !strings.HasPrefix(s, armor.Header) {
		return errors.New("escrow copy does not begin with " + armor.Header)
	}
	binary, err := io.ReadAll(armor.NewReader(strings.NewReader(s)))
	if err != nil {
		return errors.New("escrow copy is not sound age armor: it is truncated or was edited")
	}
	if _, err := age.ExtractHeader(bytes.NewReader(binary)); err != nil {
		return errors.New("escrow copy holds no age header of version 1")
	}
	return nil
}

// FIPSNotice returns what an operator of strict FIPS 140-3 must know of escrow, and "" when that is off: the age
// format is made of X25519, ML-KEM-768 in a hybrid, HKDF, HMAC and ChaCha20-Poly1305, and has no approved alternative.
func FIPSNotice() string {
	if !fips140.Enforced() {
		return ""
	}
	return "The escrow copy is encrypted with age (X25519 or its post-quantum hybrid, with ChaCha20-Poly1305), which FIPS 140-3 does not approve; it is made outside the enforcement of GODEBUG=fips140=only. The key material and what is uploaded to Salesforce use approved algorithms only."
}

// outsideFIPS runs f, a call into age and nothing else, without strict FIPS enforcement. Under enforcement age fails
// when it encrypts to X25519, and never returns when it makes a hybrid key.
func outsideFIPS(f func() error) error {
	var err error
	fips140.WithoutEnforcement(func() { err = f() })
	return err
}
