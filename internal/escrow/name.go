package escrow

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

const (
	copyExtension = ".age"
	// hashPrefixDigits is the number of hexadecimal digits of the hash in a file's name.
	hashPrefixDigits = 8
)

// Name is what the name of an escrow file says.
type Name struct {
	// Organization is the org's id.
	Organization string
	// Type is the tenant secret's type, such as Data.
	Type string
	// RotationID is the rotation that made the key.
	RotationID string
	// HashPrefix is the first 8 hexadecimal digits of the key's SecretValueHash, see
	// [byok.HashPrefix].
	HashPrefix string
}

// FileName returns <org>-<type>-<rotation_id>-<first 8 hex digits of the hash>.age. Letters,
// digits, dots and underscores stand for themselves. Any other byte, and a dot that begins a part,
// becomes =XX in upper-case hexadecimal, so that no value can leave the directory, hide the file or
// blur where a part ends. The hash is a SecretValueHash; what is not one gives an empty last part,
// which [Directory.Write] refuses.
func FileName(org, typ, rotationID, hash string) string {
	return Name{Organization: org, Type: typ, RotationID: rotationID, HashPrefix: byok.HashPrefix(hash)}.String()
}

// String returns the file name.
func (n Name) String() string {
	parts := []string{n.Organization, n.Type, n.RotationID, n.HashPrefix}
	for i, part := range parts {
		parts[i] = escapePart(part)
	}
	return strings.Join(parts, "-") + copyExtension
}

// ParseFileName is the inverse of [FileName]. It accepts only names that function could have made
// from four non-empty parts.
func ParseFileName(name string) (Name, error) {
	stem, ok := strings.CutSuffix(name, copyExtension)
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 4 {
		return Name{}, fmt.Errorf("%q is no escrow file name, expected <org>-<type>-<rotation_id>-<hash prefix>%s", name,
			copyExtension)
	}
	for i, part := range parts {
		plain, ok := unescapePart(part)
		if !ok || plain == "" {
			return Name{}, fmt.Errorf("%q is no escrow file name: part %d is empty or malformed", name, i+1)
		}
		parts[i] = plain
	}
	n := Name{Organization: parts[0], Type: parts[1], RotationID: parts[2], HashPrefix: parts[3]}
	if len(n.HashPrefix) != hashPrefixDigits || strings.Trim(n.HashPrefix, "0123456789abcdef") != "" {
		return Name{}, fmt.Errorf("%q is no escrow file name: its last part is not %d lower-case hexadecimal digits", name,
			hashPrefixDigits)
	}
	if n.String() != name {
		return Name{}, fmt.Errorf("%q is no escrow file name: it is not in canonical form", name)
	}
	return n, nil
}

func escapePart(part string) string {
	var b strings.Builder
	for i := range len(part) {
		c := part[i]
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func unescapePart(part string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		if part[i] != '=' {
			b.WriteByte(part[i])
			continue
		}
		if i+2 >= len(part) {
			return "", false
		}
		// Lower case is refused with all else that is not canonical.
		c, err := hex.DecodeString(part[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.Write(c)
		i += 2
	}
	return b.String(), true
}
