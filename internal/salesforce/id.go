package salesforce

import (
	"errors"
	"fmt"
)

const (
	id15Len = 15
	id18Len = 18
	// idAlphabet encodes the five bits that say which letters of a block of
	// five are upper case.
	idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
)

// errBadID never quotes what it refuses, which may be anything that was
// configured in the wrong place.
var errBadID = errors.New("a Salesforce record id is 15 letters and digits, or 18 of which the last three are a " +
	"checksum")

// ID18 parses a record id of 15 or 18 characters and returns its 18-character
// form. The case of an 18-character id is not repaired: its checksum must fit.
func ID18(id string) (string, error) {
	if len(id) != id15Len && len(id) != id18Len {
		return "", fmt.Errorf("%w; this one has %d characters", errBadID, len(id))
	}
	for i := range len(id) {
		if !isAlphanumeric(id[i]) {
			return "", fmt.Errorf("%w; character %d of this one is neither", errBadID, i+1)
		}
	}
	full := id[:id15Len] + idChecksum(id[:id15Len])
	if len(id) == id18Len && id != full {
		return "", fmt.Errorf("%w; the checksum of this one does not fit", errBadID)
	}
	return full, nil
}

// recordID is ID18 for ids that Salesforce itself has sent: one of 18 characters is kept as it
// came, since a record whose checksum looks wrong must be found again all the same.
func recordID(id string) (string, error) {
	full, err := ID18(id)
	if err == nil || len(id) != id18Len {
		return full, err
	}
	if _, err := ID18(id[:id15Len]); err != nil {
		return "", err
	}
	for i := id15Len; i < id18Len; i++ {
		if !isAlphanumeric(id[i]) {
			return "", errBadID
		}
	}
	return id, nil
}

// ValidID reports whether id is a record id of 15 or 18 characters.
func ValidID(id string) bool {
	_, err := ID18(id)
	return err == nil
}

func idChecksum(id string) string {
	var sum [3]byte
	for block := range sum {
		bits := 0
		for i := range 5 {
			if c := id[block*5+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		sum[block] = idAlphabet[bits]
	}
	return string(sum[:])
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
