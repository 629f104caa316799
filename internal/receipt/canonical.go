package receipt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep a value is nested.
const maxDepth = 64

// Canonical returns the RFC 8785 form of one JSON value: no white space, names sorted by their
// UTF-16 code units, strings with the shortest escapes, numbers as ECMAScript writes them. It
// refuses what has no such form: text after the value, invalid UTF-8, a name that is there twice,
// and numbers that a double cannot hold exactly if they are integers.
func Canonical(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out bytes.Buffer
	if err := canonicalValue(&out, d, maxDepth); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("has text after its JSON value")
	}
	return out.Bytes(), nil
}

// canonicalValue writes the next value, which may have arrays and objects that many deep.
func canonicalValue(out *bytes.Buffer, d *json.Decoder, depth int) error {
	if depth == 0 {
		return fmt.Errorf("is nested more than %d deep", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return fmt.Errorf("is not JSON: %w", err)
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return canonicalObject(out, d, depth)
		}
		return canonicalArray(out, d, depth)
	case string:
		writeString(out, token)
	case json.Number:
		return writeNumber(out, token)
	case bool:
		out.WriteString(strconv.FormatBool(token))
	case nil:
		out.WriteString("null")
	}
	return nil
}

func canonicalArray(out *bytes.Buffer, d *json.Decoder, depth int) error {
	out.WriteByte('[')
	for i := 0; d.More(); i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := canonicalValue(out, d, depth-1); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	return endOf(d)
}

// endOf reads the closing bracket.
func endOf(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("is not JSON: %w", err)
	}
	return nil
}

func canonicalObject(out *bytes.Buffer, d *json.Decoder, depth int) error {
	members := map[string][]byte{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("is not JSON: %w", err)
		}
		name, ok := token.(string)
		if _, twice := members[name]; !ok || twice {
			return fmt.Errorf("has the name %q twice", name)
		}
		var value bytes.Buffer
		if err := canonicalValue(&value, d, depth-1); err != nil {
			return err
		}
		members[name] = value.Bytes()
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			out.WriteByte(',')
		}
		writeString(out, name)
		out.WriteByte(':')
		out.Write(members[name])
	}
	out.WriteByte('}')
	return endOf(d)
}

// writeString escapes what RFC 8785, section 3.2.2.2, has escaped, and nothing else.
// [encoding/json] escapes more.
func writeString(out *bytes.Buffer, s string) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	out.WriteByte('"')
	for _, c := range s {
		switch escape, ok := short[c]; {
		case ok:
			out.WriteString(escape)
		case c < ' ':
			fmt.Fprintf(out, `\u%04x`, c)
		default:
			out.WriteRune(c)
		}
	}
	out.WriteByte('"')
}

// writeNumber writes a number as ECMAScript does, which is how [encoding/json] writes floats.
func writeNumber(out *bytes.Buffer, n json.Number) error {
	f, err := n.Float64()
	if err != nil {
		return fmt.Errorf("has the number %s, which no double can hold", n)
	}
	if !strings.ContainsAny(n.String(), ".eE") && strconv.FormatFloat(f, 'f', -1, 64) != n.String() {
		return fmt.Errorf("has the integer %s, which no double holds exactly", n)
	}
	if f == 0 {
		// There is no negative zero.
		f = 0
	}
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("has the number %s: %w", n, err)
	}
	out.Write(text)
	return nil
}
