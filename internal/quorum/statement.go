package quorum

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Operation is what a statement asks approval for.
type Operation string

// The operations that a quorum covers.
const (
	Destroy         Operation = "destroy"
	DestroyForGood  Operation = "destroy-for-good"
	DropExport      Operation = "drop-export"
	RootKeyInactive Operation = "root-key-inactive"
)

// Statement says what is to be destroyed. Its text is what approvers sign.
type Statement struct {
	Operation Operation
	// Organization is the org's id, 18 characters, and Record that of the record.
	Organization, Record string
	// Type is the key's type, such as Data; "" for a record that has none.
	Type string
	// Version is the record's version, 0 for a record that has none.
	Version int64
	// Hash is the record's SecretValueHash, "" if Salesforce shows none.
	Hash string
	// LastModified is the record's LastModifiedDate: whoever changes the record afterwards voids the
	// approvals.
	LastModified time.Time
	// NotAfter is the end of the approvals.
	NotAfter time.Time
}

// String returns the text to sign: ASCII lines of a key and a value, the last one ended too. What a
// record lacks is "-".
func (s Statement) String() string {
	version := ""
	if s.Version != 0 {
		version = strconv.FormatInt(s.Version, 10)
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"salesforcebyok-destruction", "1"},
		{"operation", string(s.Operation)},
		{"organization", s.Organization},
		{"record", s.Record},
		{"type", s.Type},
		{"version", version},
		{"hash", s.Hash},
		{"last modified", instant(s.LastModified)},
		{"not after", instant(s.NotAfter)},
	} {
		b.WriteString(line[0] + ": " + plain(line[1]) + "\n")
	}
	return b.String()
}

// instant is the form of times in a statement: RFC 3339 in UTC, with the fraction of a second only
// if there is one.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// plain keeps a value in its line, and the line in ASCII: no value that Salesforce sends can look
// like another line.
func plain(value string) string {
	if value == "" {
		return "-"
	}
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// longestNotAfter is how far ahead an approval may end.
const longestNotAfter = 30 * 24 * time.Hour

// ErrExpired is wrapped by the error of [CheckNotAfter] for an end that is over.
var ErrExpired = errors.New("the approvals have expired")

// ParseNotAfter reads destruction_not_after, an RFC 3339 time.
func ParseNotAfter(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, errors.New("destruction_not_after is not an RFC 3339 time, expected such as 2026-12-31T18:00:00Z")
	}
	return t, nil
}

// CheckNotAfter judges an end by the given time: that of the org's reply at apply.
func CheckNotAfter(notAfter, now time.Time) error {
	switch {
	case !notAfter.After(now):
		return fmt.Errorf("%w: destruction_not_after is %s and it is %s; set a later end, and have the new "+
			"destruction_statement signed", ErrExpired, instant(notAfter), instant(now.Truncate(time.Second)))
	case notAfter.Sub(now) > longestNotAfter:
		return fmt.Errorf("destruction_not_after is %s, more than 30 days after %s: approvals must end soon",
			instant(notAfter), instant(now.Truncate(time.Second)))
	default:
		return nil
	}
}
