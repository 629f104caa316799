package keys

import "strings"

const (
	markerOpen  = "[tf:"
	markerClose = "]"
)

// MaxDescription is the longest description, in characters, that a user may configure. With the
// marker it stays within the 255 characters that the Description of a TenantSecret is assumed to
// hold [U].
const MaxDescription = 230

// Describe returns the Description of a record: "<description> [tf:<rotation id>]", or the marker
// alone without a description.
func Describe(description string, id RotationID) string {
	if id.IsZero() {
		return description
	}
	marker := markerOpen + id.String() + markerClose
	if description == "" {
		return marker
	}

	return description + " " + marker
}

// ParseDescription splits a record's Description into the user's text and the marker. Without a
// well-formed marker at its very end the whole text is the user's and the rotation id is zero.
func ParseDescription(text string) (string, RotationID) {
	at := strings.LastIndex(text, markerOpen)
	if at < 0 || !strings.HasSuffix(text, markerClose) {
		return text, RotationID{}
	}
	id, ok := ParseRotationID(text[at+len(markerOpen) : len(text)-len(markerClose)])
	if !ok {
		return text, RotationID{}
	}

	return strings.TrimSuffix(text[:at], " "), id
}
