package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
)

// fingerprintDigits is the length of a fingerprint: 32 bits are plenty to tell the few input sets of one lineage apart, and short
// enough to leave 230 characters of the 255 of a Description to the user.
const fingerprintDigits = 8

// maxCounterDigits bounds the counter of a marker that is read from an org, where anybody can edit it. Eighteen digits always fit an
// int64 with room to raise it.
const maxCounterDigits = 18

// Inputs are the configured values that mean "a new key" when they change. The pin, the escrow, the wrapping certificate and the
// wrapping algorithm are deliberately not among them: changing how a key is protected on its way does not ask for another key.
type Inputs struct {
	Type                string
	Source              string
	KeyDerivationMode   string
	MaterialVersion     *string
	Triggers            map[string]*string
	RemoteKeyIdentifier *string
}

// Fingerprint returns eight lower-case hex digits over the inputs. Equal inputs give equal fingerprints across processes, platforms
// and provider versions; an empty trigger map is the same as none.
func (i Inputs) Fingerprint() string {
	canonical := struct {
		Type                string             `json:"type"`
		Source              string             `json:"source"`
		KeyDerivationMode   string             `json:"key_derivation_mode"`
		MaterialVersion     *string            `json:"material_version,omitempty"`
		Triggers            map[string]*string `json:"triggers,omitempty"`
		RemoteKeyIdentifier *string            `json:"remote_key_identifier,omitempty"`
	}(i)

	// encoding/json sorts map keys, which makes this encoding canonical. It cannot fail: every field is a string, a pointer to one
	// or a map of them.
	encoded, err := json.Marshal(canonical)
	if err != nil {
		panic("lineage: inputs of strings could not be encoded: " + err.Error())
	}
	sum := sha256.Sum256(encoded)

	return hex.EncodeToString(sum[:])[:fingerprintDigits]
}

// RotationID names one intended rotation of a keys.
type RotationID struct {
	// Fingerprint is eight lower-case hex digits, see Inputs.Fingerprint.
	Fingerprint string
	// Counter is zero for the first key of a lineage and is raised by every rotation.
	Counter int64
}

// String returns the form in state and in the marker, such as "9c1185a5.3". The zero RotationID gives "".
func (r RotationID) String() string {
	if r.IsZero() {
		return ""
	}

	return r.Fingerprint + "." + strconv.FormatInt(r.Counter, 10)
}

// IsZero reports whether r names no rotation.
func (r RotationID) IsZero() bool { return r.Fingerprint == "" }

// ParseRotationID reads the form that String writes. It accepts nothing else: no upper-case digits, no sign, no leading zeros.
func ParseRotationID(s string) (RotationID, bool) {
	fingerprint, counter, found := strings.Cut(s, ".")
	if !found || len(fingerprint) != fingerprintDigits || strings.Trim(fingerprint, "0123456789abcdef") != "" {
		return RotationID{}, false
	}
	if counter == "" || len(counter) > maxCounterDigits || strings.Trim(counter, "0123456789") != "" || (len(counter) > 1 && counter[0] == '0') {
		return RotationID{}, false
	}
	n, err := strconv.ParseInt(counter, 10, 64)
	if err != nil {
		return RotationID{}, false
	}

	return RotationID{Fingerprint: fingerprint, Counter: n}, true
}
