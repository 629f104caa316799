package escrow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

const (
	intentExtension = ".intent"
	// intentFormat is the version of the file's form.
	intentFormat = 1
	// maxIntent bounds what is read of an intent file in bytes.
	maxIntent = 8 << 20
)

// Intent is what a directory records of one rotation before anything is sent: every attempt at
// making its key, the first one first. An attempt is never taken out, so that a key which appears
// late is still known by its full hash.
type Intent struct {
	// Format is intentFormat.
	Format int `json:"intent_format"`
	// Organization is the org's id.
	Organization string `json:"organization_id"`
	// Type is the tenant secret's type, such as Data.
	Type string `json:"type"`
	// RotationID is the rotation that the attempts are for.
	RotationID string `json:"rotation_id"`
	// Attempts has at least one element.
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one try to make a key. Its escrow copy is written after the attempt is on disk.
type Attempt struct {
	// Time is when the attempt began.
	Time time.Time `json:"time"`
	// SecretValueHash is the full hash of the material: base64 of its SHA-256.
	SecretValueHash string `json:"secret_value_hash"`
	// KnownVersion is the highest version of the type's records that the run had seen, 0 for none.
	KnownVersion int64 `json:"known_version"`
	// CopySHA256 is the SHA-256 of the escrow copy's file in lower-case hexadecimal, as sha256sum
	// prints it.
	CopySHA256 string `json:"copy_sha256"`
	// AgeRecipients are those of the copy, unless it has RecipientGroups.
	AgeRecipients   []string   `json:"age_recipients,omitempty"`
	RecipientGroups [][]string `json:"recipient_groups,omitempty"`
	// SentAt is flushed right before the key is sent; zero means that it never was.
	SentAt time.Time `json:"sent_at,omitzero"`
	// RefusedAt is when Salesforce definitely refused the key; zero means that it may be in use.
	RefusedAt time.Time `json:"refused_at,omitzero"`
}

// Attempt returns the last attempt with material of that hash.
func (i Intent) Attempt(hash string) (Attempt, bool) {
	if at := i.last(hash); at >= 0 {
		return i.Attempts[at], true
	}
	return Attempt{}, false
}

func (i Intent) last(hash string) int {
	for at, a := range slices.Backward(i.Attempts) {
		if a.SecretValueHash == hash {
			return at
		}
	}
	return -1
}

// knows reports whether an attempt's hash begins with these hexadecimal digits.
func (i Intent) knows(hashPrefix string) bool {
	return slices.ContainsFunc(i.Attempts, func(a Attempt) bool {
		return byok.HashPrefix(a.SecretValueHash) == hashPrefix
	})
}

// ofCopy returns the attempt that wrote the copy under its name: with material of that hash if
// "" is any.
func (i Intent) ofCopy(n Name, hash, armored string) (Attempt, bool) {
	sum := sha256Hex(armored)
	for _, a := range i.Attempts {
		if a.CopySHA256 == sum && byok.HashPrefix(a.SecretValueHash) == n.HashPrefix &&
			(hash == "" || a.SecretValueHash == hash) {
			return a, true
		}
	}
	return Attempt{}, false
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// intentName returns <org>-<type>-<rotation_id>.intent, with the parts written as in [FileName].
func intentName(org, typ, rotationID string) string {
	return escapePart(org) + "-" + escapePart(typ) + "-" + escapePart(rotationID) + intentExtension
}

// parseIntent reads the text of an intent file. A file of a later format may mean what this code
// does not know.
func parseIntent(text, org, typ, rotationID string) (Intent, error) {
	var i Intent
	if err := json.Unmarshal([]byte(text), &i); err != nil {
		return Intent{}, fmt.Errorf("it is not JSON of an intent: %w", err)
	}
	switch {
	case i.Format > intentFormat:
		return Intent{}, fmt.Errorf("it has format %d, this provider knows %d: use the provider version that wrote it, or "+
			"a later one", i.Format, intentFormat)
	case i.Format != intentFormat || len(i.Attempts) == 0:
		return Intent{}, fmt.Errorf("it lacks %q or attempts", "intent_format")
	case i.Organization != org || i.Type != typ || i.RotationID != rotationID:
		return Intent{}, fmt.Errorf("it speaks of rotation %q of %q in org %q", i.RotationID, i.Type, i.Organization)
	}
	return i, nil
}

func (i Intent) text() (string, error) {
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the intent: %w", err)
	}
	if len(b) >= maxIntent {
		return "", fmt.Errorf("the intent of rotation %s has %d attempts, more than fit in %d bytes: change "+
			"rotation_triggers for another rotation", i.RotationID, len(i.Attempts), maxIntent)
	}
	return string(b) + "\n", nil
}
