package sfsim

import (
	"fmt"
	"strings"
)

const base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// id18 appends the three check characters to a 15-character id: each says which letters of a group
// of five are upper case.
func id18(id15 string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	out := []byte(id15)
	for group := range 3 {
		var bits int
		for i := range 5 {
			if c := id15[group*5+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		out = append(out, alphabet[bits])
	}
	return string(out)
}

// parseID returns the 18-character form of an id of 15 or 18 characters, and false for anything
// else, including a wrong check suffix.
func parseID(id string) (string, bool) {
	if len(id) != 15 && len(id) != 18 {
		return "", false
	}
	for i := range len(id) {
		if !strings.Contains(base62, id[i:i+1]) {
			return "", false
		}
	}
	full := id18(id[:15])
	if len(id) == 18 && id != full {
		return "", false
	}
	return full, true
}

// newID mints the next id of the object whose key prefix is given.
func (w *world) newID(prefix string) string {
	w.lastID++
	return serialID(prefix, w.lastID)
}

func serialID(prefix string, serial int) string {
	// Real ids carry the pod after the prefix; "Wt0" makes ids of the simulator easy to recognise in a
	// log.
	return id18(fmt.Sprintf("%sWt0%09d", prefix, serial))
}
