package byok

import (
	"crypto/aes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// MaterialSize is the length of a tenant secret in bytes: 256 bits [D Help
// security_pe_byok_generate_secret].
const MaterialSize = 32

// keyCheckValueSize is the length in bytes of a key check value, by the custom of payment HSMs.
const keyCheckValueSize = 3

// GenerateMaterial returns 32 fresh bytes from the operating system's random source. Under FIPS
// 140-3 they come from the module's approved generator.
func GenerateMaterial() secret.Bytes {
	b := make([]byte, MaterialSize)
	// Never fails: crypto/rand ends the program when the system has no randomness.
	_, _ = rand.Read(b)
	return secret.NewBytes(b)
}

// ParseMaterial reads key material given as standard base64 of exactly 32 bytes: 44 characters,
// canonical, without line breaks or spaces. An error says what kind of mistake it is and never
// repeats the input.
func ParseMaterial(s string) (secret.Bytes, error) {
	b, err := strictBase64Of(s, MaterialSize)
	if err != nil {
		return secret.Bytes{}, fmt.Errorf("key material %w", err)
	}
	return secret.NewBytes(b), nil
}

// Weakness says why material is no key that anybody made at random, in words that follow "the
// material", and returns "" if nothing shows that. Material whose bytes repeat with a period of 1,
// 2, 4, 8 or 16 comes from a buffer that was never filled, a pattern, or a shorter key that was
// doubled; chance makes it once in 2^128. It panics unless m holds exactly 32 bytes.
func Weakness(m secret.Bytes) string {
	mustBeMaterial(m)
	b := m.Expose()
	for period := 1; period < MaterialSize; period *= 2 {
		// All of it is looked at, whatever it is, so that time says nothing about a key.
		if subtle.ConstantTimeCompare(b[period:], b[:MaterialSize-period]) != 1 {
			continue
		}
		switch {
		case period == 1 && b[0] == 0:
			return "is all zero"
		case period == 1:
			return "repeats one byte"
		}
		return fmt.Sprintf("repeats every %d bytes", period)
	}
	return ""
}

// HashMaterial returns Salesforce's SecretValueHash of m: base64 of the SHA-256 of the 32 plaintext
// bytes, 44 characters [D Help security_shield_pe_byok_secret_flow]. It panics unless m holds
// exactly 32 bytes, since the hash of anything else would pin a key that nobody has.
func HashMaterial(m secret.Bytes) string {
	mustBeMaterial(m)
	sum := sha256.Sum256(m.Expose())
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ParseHash reads a SecretValueHash: canonical standard base64 of exactly 32 bytes, which it
// returns unchanged. The UNKNOWM= that Salesforce reports for a key of its own [V ThalesDoc] is no
// hash and is refused.
func ParseHash(s string) (string, error) {
	b, err := strictBase64Of(s, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("hash %w", err)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// HashPrefix returns the first 8 hexadecimal digits, in lower case, of a SecretValueHash, and ""
// for what is not one.
func HashPrefix(hash string) string {
	b, err := strictBase64Of(hash, sha256.Size)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(b[:hashPrefixSize])
}

// hashPrefixSize is the number of hash bytes that name a key, as in an escrow file's name.
const hashPrefixSize = 4

// KeyCheckValue returns the first 3 bytes of AES-256-ECB under m over a block of zeros, as 6
// lower-case hexadecimal digits. It distinguishes two keys at a key ceremony and reveals 24 bits
// about a 256-bit key. It panics unless m holds exactly 32 bytes.
func KeyCheckValue(m secret.Bytes) string {
	mustBeMaterial(m)
	block, err := aes.NewCipher(m.Expose())
	if err != nil {
		panic("byok: AES refuses a 32-byte key: " + err.Error())
	}
	var out [aes.BlockSize]byte
	block.Encrypt(out[:], out[:])
	return hex.EncodeToString(out[:keyCheckValueSize])
}

func mustBeMaterial(m secret.Bytes) {
	if m.Len() != MaterialSize {
		panic(fmt.Sprintf("byok: key material holds %d bytes, want %d: it was never set or is already destroyed", m.Len(),
			MaterialSize))
	}
}
