package byok

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	alphanumeric      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base64Alphabet    = alphanumeric + "+/="
	base64URLAlphabet = alphanumeric + "-_="
)

// strictBase64 decodes standard, padded, canonical base64 without any white space.
// [encoding/base64] skips CR and LF even in strict mode, so one value would have many spellings and
// a pasted line break would go unnoticed. Errors name the kind of mistake and never repeat the
// input.
func strictBase64(s string) ([]byte, error) {
	switch {
	case s == "":
		return nil, errors.New("is empty, expected standard base64")
	case strings.ContainsAny(s, "\r\n"):
		return nil, errors.New("contains a line break, expected standard base64 on one line (trim a trailing newline)")
	case strings.ContainsAny(s, " \t"):
		return nil, errors.New("contains white space, expected standard base64 without any")
	case strings.ContainsAny(s, "-_") && strings.Trim(s, base64URLAlphabet) == "":
		return nil, errors.New("uses the URL-safe base64 alphabet (- and _), expected the standard one (+ and /)")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		switch {
		case len(s)%4 != 0:
			return nil, fmt.Errorf("is not standard base64: %d characters is no multiple of 4 (is the = padding missing?)",
				len(s))
		case strings.Trim(s, base64Alphabet) == "":
			return nil, errors.New("is not canonical base64: unused bits before the padding are set, or the padding is " +
				"misplaced")
		default:
			return nil, errors.New("is not standard base64: it has a character outside A-Z, a-z, 0-9, +, / and =")
		}
	}
	return b, nil
}

// strictBase64Of is strictBase64 for exactly size bytes.
func strictBase64Of(s string, size int) ([]byte, error) {
	if len(s) == hex.EncodedLen(size) && isHex(s) {
		return nil, fmt.Errorf("is hexadecimal, expected the same %d bytes as standard base64 (%d characters)",
			size, base64.StdEncoding.EncodedLen(size))
	}
	b, err := strictBase64(s)
	if err != nil {
		return nil, err
	}
	if len(b) != size {
		clear(b)
		return nil, fmt.Errorf("is base64 of %d bytes, expected exactly %d bytes (%d characters of base64)",
			len(b), size, base64.StdEncoding.EncodedLen(size))
	}
	return b, nil
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
