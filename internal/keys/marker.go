package keys

import "strings"

const (
	markerOpen  = "[tf:"
	markerClose = "]"
)

// MaxDescription is the longest description, in characters, that a user may configure. With the marker it stays within the 255
// characters that the Description of a TenantSecret is assumed to hold ([U], salesforce-wire 4.2 and 11.1 row 11).
const MaxDescription = 230

// Describe returns the Description of a record: "<description> [tf:<rotation id>]", or the marker alone without a description.
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

// ParseDescription splits a record's Description into the user's text and the marker. Without a well-formed marker at its very end the
// whole text is the user's and the rotation id is zero.
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

// HighestCounter returns the highest counter among the markers of the given Descriptions, and false where none has a marker.
func HighestCounter(descriptions []string) (int64, bool) {
	highest, found := int64(0), false
	for _, text := range descriptions {
		if _, id := ParseDescription(text); !id.IsZero() && (!found || id.Counter > highest) {
			highest, found = id.Counter, true
		}
	}

	return highest, found
}

// FirstID returns the rotation id of a lineage that starts in an org whose records of the type carry the given Descriptions: the
// counter goes on after the highest marker there, so that no id returns even where an earlier state was lost.
func FirstID(fingerprint string, descriptions []string) RotationID {
	highest, found := HighestCounter(descriptions)
	if !found {
		return RotationID{Fingerprint: fingerprint}
	}

	return RotationID{Fingerprint: fingerprint, Counter: highest + 1}
}
