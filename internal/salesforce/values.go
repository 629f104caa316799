package salesforce

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
)

// wireTime reads the forms in which Salesforce writes an instant: with a
// colon-less offset [V FtxDoc 6.6], with Z, and as a bare date, which
// ExpirationDate is in the documentation [D CertTooling]. null is the zero
// time.
type wireTime struct{ time.Time }

var errBadTime = errors.New("a time has an unknown form")

// timeLayouts: Go accepts a fraction of a second after :05 in each of them.
var timeLayouts = [...]string{
	"2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05",
	time.DateOnly,
}

func (t *wireTime) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errBadTime
	}
	if s == "" {
		return nil
	}
	for _, layout := range timeLayouts {
		if parsed, err := time.Parse(layout, s); err == nil {
			t.Time = parsed.UTC()
			return nil
		}
	}
	return errBadTime
}

// wireInt reads a whole number that may come as 12, 12.0 or "12". null is 0.
type wireInt int64

var errBadInt = errors.New("a number is not a whole number of 53 bits")

func (n *wireInt) UnmarshalJSON(b []byte) error {
	b = bytes.Trim(b, `"`)
	if string(b) == "null" || len(b) == 0 {
		return nil
	}
	if i, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		if i > 1<<53 || i < -(1<<53) {
			return errBadInt
		}
		*n = wireInt(i)
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return errBadInt
	}
	*n = wireInt(f)
	return nil
}

// wireBool reads a boolean that may come as true or "true". null is false.
type wireBool bool

var errBadBool = errors.New("a flag is neither true nor false")

func (v *wireBool) UnmarshalJSON(b []byte) error {
	switch string(bytes.ToLower(bytes.Trim(b, `"`))) {
	case "true":
		*v = true
	case "false", "null", "":
		*v = false
	default:
		return errBadBool
	}
	return nil
}
