package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"strconv"
	"strings"
)

// fingerprintDigits is the length of a fingerprint: 32 bits are plenty to distinguish the few input
// sets of one lineage, and short enough to leave 230 characters of a Description to the user.
const fingerprintDigits = 8

// credibleStep is the most by which a marker may lie above those that a lineage knows, and still be
// taken for its own: a rotation an hour for a thousand years stays below it. A higher one was
// typed.
const credibleStep = 10_000_000

// Inputs are the configured values that mean "a new key" when they change. The pin, the escrow, the
// wrapping certificate and the wrapping algorithm are deliberately not among them: changing how a
// key is protected on its way does not ask for another key.
type Inputs struct {
	// Organization is the org's id of 18 characters: a sandbox that was refreshed from production has
	// another, so it makes keys of its own instead of adopting copies.
	Organization        string
	Type                string
	Source              string
	KeyDerivationMode   string
	MaterialVersion     *string
	Triggers            map[string]*string
	RemoteKeyIdentifier *string
}

// canonical is the encoding that is hashed. Its field names and their order are part of every
// rotation id that exists.
type canonical struct {
	Organization        string             `json:"organization,omitempty"`
	Type                string             `json:"type"`
	Source              string             `json:"source"`
	KeyDerivationMode   string             `json:"key_derivation_mode"`
	MaterialVersion     *string            `json:"material_version,omitempty"`
	Triggers            map[string]*string `json:"triggers,omitempty"`
	RemoteKeyIdentifier *string            `json:"remote_key_identifier,omitempty"`
}

// Fingerprint returns eight lower-case hex digits over the inputs. Equal inputs give equal
// fingerprints across processes, platforms and provider versions; an empty trigger map is the same
// as none.
func (i Inputs) Fingerprint() string {
	// encoding/json sorts map keys, which makes this encoding canonical. It cannot fail: every field
	// is a string, a pointer to one or a map of them.
	encoded, err := json.Marshal(canonical(i))
	if err != nil {
		panic("keys: inputs of strings could not be encoded: " + err.Error())
	}
	sum := sha256.Sum256(encoded)

	return hex.EncodeToString(sum[:])[:fingerprintDigits]
}

// stands reports whether a fingerprint that we remember ourselves stands for the inputs. Versions
// of the provider before 0.2 left the org out.
func (i Inputs) stands(fingerprint string) bool {
	if fingerprint == i.Fingerprint() {
		return true
	}
	i.Organization = ""

	return fingerprint == i.Fingerprint()
}

// Requests is a fingerprint of those inputs that no reading of the org changes: triggers and
// material version. It distinguishes a request for a new key from a source that follows the org
// under ignore_changes.
func (i Inputs) Requests() string {
	return Inputs{MaterialVersion: i.MaterialVersion, Triggers: i.Triggers}.Fingerprint()
}

// Differences names the inputs in which i and other differ, as attributes of a resource.
func (i Inputs) Differences(other Inputs) []string {
	var names []string
	same := func(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	for _, v := range []struct {
		name string
		same bool
	}{
		{"source", i.Source == other.Source},
		{"key_derivation_mode", i.KeyDerivationMode == other.KeyDerivationMode},
		{"key_material_wo_version", same(i.MaterialVersion, other.MaterialVersion)},
		{"rotation_triggers", maps.EqualFunc(i.Triggers, other.Triggers, same)},
		{"remote_key_identifier", same(i.RemoteKeyIdentifier, other.RemoteKeyIdentifier)},
	} {
		if !v.same {
			names = append(names, v.name)
		}
	}

	return names
}

// RotationID names one intended rotation of a key.
type RotationID struct {
	// Fingerprint is eight lower-case hex digits, see Inputs.Fingerprint.
	Fingerprint string
	// Counter is zero for the first key of a lineage and is raised by every rotation.
	Counter int64
}

// String returns the form in state and in the marker, such as "9c1185a5.3". The zero RotationID
// gives "".
func (r RotationID) String() string {
	if r.IsZero() {
		return ""
	}

	return r.Fingerprint + "." + strconv.FormatInt(r.Counter, 10)
}

// IsZero reports whether r names no rotation.
func (r RotationID) IsZero() bool { return r.Fingerprint == "" }

// ParseRotationID reads the form that String writes. It accepts nothing else: no upper-case digits,
// no sign, no leading zeros.
func ParseRotationID(s string) (RotationID, bool) {
	fingerprint, counter, found := strings.Cut(s, ".")
	if !found || len(fingerprint) != fingerprintDigits || strings.Trim(fingerprint, "0123456789abcdef") != "" {
		return RotationID{}, false
	}
	if strings.Trim(counter, "0123456789") != "" || (len(counter) > 1 && counter[0] == '0') {
		return RotationID{}, false
	}
	n, err := strconv.ParseInt(counter, 10, 64)
	if err != nil || n == math.MaxInt64 {
		// The last number could not be raised.
		return RotationID{}, false
	}

	return RotationID{Fingerprint: fingerprint, Counter: n}, true
}
