package byok

import (
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// WrappingAlgorithm names how key material is encrypted to a BYOK certificate.
type WrappingAlgorithm string

// The algorithms that Salesforce documents [D Help security_pe_byok_generate_secret]. OAEP takes an
// empty label and uses one hash for the label and for MGF1.
const (
	// RSAOAEPSHA512 is RSA-OAEP with SHA-512, which Salesforce recommends.
	RSAOAEPSHA512 WrappingAlgorithm = "RSA_OAEP_SHA512"
	// RSAOAEPSHA1 is RSA-OAEP with SHA-1, the older form, which is still accepted.
	RSAOAEPSHA1 WrappingAlgorithm = "RSA_OAEP_SHA1"
	// RSAAESKeyWrapSHA512 is PKCS #11 CKM_RSA_AES_KEY_WRAP: an ephemeral AES-256 key under RSA-OAEP
	// with SHA-512, followed by the material under that key by AES key wrap with padding (RFC 5649).
	// Salesforce asks for it for Search Index and Database keys; that the OAEP hash is SHA-512 is
	// inferred from its text.
	RSAAESKeyWrapSHA512 WrappingAlgorithm = "RSA_AES_KEY_WRAP_SHA512"
)

const (
	// WrappingKeyBits is the only modulus size of a BYOK-compatible certificate.
	WrappingKeyBits = 4096
	// ephemeralKeySize is the length in bytes of the AES key in RSAAESKeyWrapSHA512.
	ephemeralKeySize = 32
	// wrappedMaterialSize is the length in bytes of 32 bytes under AES-KWP: one block of 8 more.
	wrappedMaterialSize = MaterialSize + 8
)

// WrappingAlgorithms lists every algorithm, the default first.
func WrappingAlgorithms() []WrappingAlgorithm {
	return []WrappingAlgorithm{RSAOAEPSHA512, RSAOAEPSHA1, RSAAESKeyWrapSHA512}
}

// ParseWrappingAlgorithm returns the algorithm of that exact name. The error does not repeat
// another one, which may be anything that was configured in the wrong place.
func ParseWrappingAlgorithm(s string) (WrappingAlgorithm, error) {
	if a := WrappingAlgorithm(s); slices.Contains(WrappingAlgorithms(), a) {
		return a, nil
	}
	return "", fmt.Errorf("unknown wrapping algorithm, expected one of %s", joinAlgorithms())
}

func joinAlgorithms() string {
	names := make([]string, 0, len(WrappingAlgorithms()))
	for _, a := range WrappingAlgorithms() {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}

// CiphertextSize returns the length in bytes of wrapped material under an RSA key of keyBits bits:
// 512 for OAEP and 552 for RSA_AES_KEY_WRAP_SHA512 with the 4096 bits of a BYOK certificate.
func (a WrappingAlgorithm) CiphertextSize(keyBits int) int {
	size := (keyBits + 7) / 8
	if a == RSAAESKeyWrapSHA512 {
		size += wrappedMaterialSize
	}
	return size
}

// Usable returns nil if the algorithm exists and may be used in this process, else an error that
// says why not: under GODEBUG=fips140=only SHA-1 is refused.
func (a WrappingAlgorithm) Usable() error {
	if _, err := ParseWrappingAlgorithm(string(a)); err != nil {
		return err
	}
	if a == RSAOAEPSHA1 && fips140.Enforced() {
		return fmt.Errorf("%s is not available under strict FIPS 140-3 (GODEBUG=fips140=only): SHA-1 is not an approved "+
			"hash for OAEP; use %s, which Salesforce recommends",
			RSAOAEPSHA1, RSAOAEPSHA512)
	}
	return nil
}

func (a WrappingAlgorithm) oaepHash() hash.Hash {
	if a == RSAOAEPSHA1 {
		// OAEP rests on no collision resistance of its hash.
		return sha1.New()
	}
	return sha512.New()
}

// Wrap encrypts m, which must hold exactly 32 bytes, to the certificate's key, and returns the
// SecretValue to upload as standard base64. The output differs on every call. It refuses a
// certificate whose key is not RSA of 4096 bits; whether the certificate is valid now is for
// [Certificate.Unfit] to say.
func Wrap(a WrappingAlgorithm, c *Certificate, m secret.Bytes) (string, error) {
	if err := a.Usable(); err != nil {
		return "", err
	}
	if m.Len() != MaterialSize {
		return "", fmt.Errorf("wrap key material: it holds %d bytes, expected %d", m.Len(), MaterialSize)
	}
	pub, err := c.wrappingKey()
	if err != nil {
		return "", fmt.Errorf("wrap key material: %w", err)
	}
	if a != RSAAESKeyWrapSHA512 {
		wrapped, err := encryptOAEP(a, pub, m.Expose())
		if err != nil {
			return "", err
		}
		return base64.StdEncoding.EncodeToString(wrapped), nil
	}

	ephemeral := make([]byte, ephemeralKeySize)
	defer clear(ephemeral)
	_, _ = rand.Read(ephemeral) // never fails, see GenerateMaterial
	wrapped, err := encryptOAEP(a, pub, ephemeral)
	if err != nil {
		return "", err
	}
	kw, err := subtle.NewKWP(ephemeral)
	if err != nil {
		return "", errors.New("wrap key material: AES key wrap refuses a 256-bit key")
	}
	inner, err := kw.Wrap(m.Expose())
	if err != nil {
		return "", errors.New("wrap key material: AES key wrap refuses 32 bytes")
	}
	return base64.StdEncoding.EncodeToString(append(wrapped, inner...)), nil
}

func encryptOAEP(a WrappingAlgorithm, pub *rsa.PublicKey, plaintext []byte) ([]byte, error) {
	wrapped, err := rsa.EncryptOAEP(a.oaepHash(), rand.Reader, pub, plaintext, nil)
	if err != nil {
		// The errors of crypto/rsa speak of sizes and keys only, never of the message.
		return nil, fmt.Errorf("wrap key material with %s: %w", a, err)
	}
	return wrapped, nil
}

// ParseWrapped checks material that was wrapped elsewhere, such as in an HSM ceremony, as far as it
// can be checked without the private key: canonical standard base64, the exact length for the
// algorithm and key, and an RSA ciphertext that an encryption can give, below the key's modulus. It
// returns s unchanged. A nil certificate means a 4096-bit key not known yet; then the modulus is
// not compared.
func ParseWrapped(a WrappingAlgorithm, c *Certificate, s string) (string, error) {
	if _, err := ParseWrappingAlgorithm(string(a)); err != nil {
		return "", err
	}
	b, err := strictBase64(s)
	if err != nil {
		return "", fmt.Errorf("wrapped key material %w", err)
	}
	if want := a.CiphertextSize(WrappingKeyBits); len(b) != want {
		return "", fmt.Errorf("wrapped key material is %d bytes, expected %d bytes for %s and a %d-bit key%s",
			len(b), want, a, WrappingKeyBits, sizeHint(len(b)))
	}
	ciphertext, one := new(big.Int).SetBytes(b[:WrappingKeyBits/8]), big.NewInt(1)
	if ciphertext.Cmp(one) <= 0 {
		return "", errUnencrypted
	}
	if c == nil {
		return s, nil
	}
	pub, err := c.wrappingKey()
	if err != nil {
		return "", fmt.Errorf("wrapped key material: %w", err)
	}
	switch ciphertext.Cmp(new(big.Int).Sub(pub.N, one)) {
	case 0:
		return "", errUnencrypted
	case 1:
		return "", errors.New("wrapped key material was not encrypted to this certificate: its RSA ciphertext is larger " +
			"than the certificate's modulus")
	}
	return s, nil
}

// errUnencrypted is for 0, 1 and the modulus less 1, which RSA maps to themselves: no encryption
// gives them, but a buffer that was never filled does.
var errUnencrypted = errors.New("wrapped key material was never encrypted: its RSA ciphertext is one that RSA leaves " +
	"as it is, such as all zero")

// sizeHint names the likely mistake behind a ciphertext of the wrong length.
func sizeHint(size int) string {
	for _, a := range WrappingAlgorithms() {
		if size == a.CiphertextSize(WrappingKeyBits) {
			return fmt.Sprintf(" (that is the length of %s)", a)
		}
	}
	switch size {
	case MaterialSize:
		return " (that is the length of unwrapped key material, which must not be given here)"
	case 256, 384:
		return fmt.Sprintf(" (that is the length under a %d-bit key)", size*8)
	default:
		return ""
	}
}
