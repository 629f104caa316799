// Package redact makes the texts of a server fit for diagnostics and logs.
//
// A server may send back what it was sent: a token in an error, a client secret in a page, a
// private key in a redirect. It may also send characters that change how a terminal shows the lines
// around them. Text takes both out. A secret is found in plain, percent-encoded, in hex and in
// base64 at any alignment, whole or in pieces of [Window] characters, and also if blanks and
// invisible characters stand between its own.
package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// Window is the length of the shortest piece of a secret that is taken out of a text, in
	// characters.
	Window = 16
	// Mark stands in place of what was taken out.
	Mark = "[redacted]"

	// shortest is the length of the shortest secret that is looked for. A shorter one would stand in
	// every text.
	shortest = 4
	// maxInput bounds what is looked at of one text, in bytes.
	maxInput = 64 << 10
)

// Redactor knows secrets. The nil Redactor knows none, and only cleans. It is safe for concurrent
// use.
type Redactor struct {
	parent *Redactor
	// index is made when it is first needed: most replies have no text to look at.
	index func() index
}

// index is what is looked for in a text.
type index struct {
	windows map[[Window]byte]struct{}
	// whole are the secrets, and forms of them, that are shorter than a window.
	whole [][]byte
}

// With returns a redactor that knows further secrets, beside those of r, which stays as it is.
func (r *Redactor) With(secrets ...string) *Redactor {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < shortest })
	if len(secrets) == 0 {
		return r
	}
	return &Redactor{parent: r, index: sync.OnceValue(func() index { return indexOf(secrets) })}
}

func indexOf(secrets []string) index {
	found := index{windows: map[[Window]byte]struct{}{}}
	for _, s := range secrets {
		for _, form := range forms(s) {
			for i := 0; i+Window <= len(form); i++ {
				found.windows[[Window]byte(form[i:])] = struct{}{}
			}
			if len(form) < Window && len(form) >= shortest {
				found.whole = append(found.whole, form)
			}
		}
	}
	return found
}

// forms are the ways in which a secret may stand in a text that fold has prepared.
func forms(s string) [][]byte {
	raw := []byte(s)
	folded, _ := fold(s, true)
	plain, _ := fold(s, false)
	hexed := hex.EncodeToString(raw)
	list := [][]byte{plain, folded, []byte(hexed), []byte(strings.ToUpper(hexed))}
	for skip := range 3 {
		// Where other bytes precede or follow the secret, the characters at the seams are of both.
		if len(raw) <= skip {
			break
		}
		whole := raw[skip:]
		inner := whole[:len(whole)/3*3]
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for _, b := range [][]byte{inner, whole}[:2-min(skip, 1)] {
				encoded, _ := fold(encoding.EncodeToString(b), false)
				list = append(list, encoded)
			}
		}
	}
	return list
}

// span is the part of a text that a byte of its folded form came from.
type span struct{ from, to int }

// fold leaves out blanks, which + stands for in a form, and invisible characters. It undoes
// percent-encoding, once, if that is asked for.
func fold(s string, percent bool) (folded []byte, from []span) {
	folded, from = make([]byte, 0, len(s)), make([]span, 0, len(s))
	for i := 0; i < len(s); {
		if percent && s[i] == '%' && i+2 < len(s) {
			var b [1]byte
			if _, err := hex.Decode(b[:], []byte(s[i+1:i+3])); err == nil {
				if b[0] > ' ' && b[0] != '+' {
					folded, from = append(folded, b[0]), append(from, span{i, i + 3})
				}
				i += 3
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r != '+' && !unicode.IsSpace(r) && !hidden(r) {
			for n := range size {
				folded, from = append(folded, s[i+n]), append(from, span{i, i + size})
			}
		}
		i += size
	}
	return folded, from
}

// hidden reports the characters that a terminal obeys and does not show: control characters of
// ASCII and Latin-1, those that turn the direction of a text or have no width, and the line ends of
// Unicode.
func hidden(r rune) bool {
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Text returns a text of a server without secrets, on one line, with a space for each hidden
// character, and not much longer than limit bytes.
func (r *Redactor) Text(s string, limit int) string {
	s = cut(s, maxInput)
	s = strings.TrimSpace(Line(r.replace(s)))
	if short := cut(s, limit); len(short) < len(s) {
		return short + "…"
	}
	return s
}

// Line returns s with a space for each hidden character, line ends included.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return ' '
		}
		return r
	}, s)
}

// replace puts the mark in place of each run of what is known.
func (r *Redactor) replace(s string) string {
	if r == nil {
		return s
	}
	folded, from := fold(s, true)
	known := make([]bool, len(folded))
	found := false
	for ; r != nil; r = r.parent {
		found = r.index().mark(folded, known) || found
	}
	if !found {
		return s
	}
	var out strings.Builder
	end := 0
	for i := 0; i < len(folded); i++ {
		if !known[i] {
			continue
		}
		start := from[i].from
		for i+1 < len(folded) && known[i+1] {
			i++
		}
		// Two pieces may meet within a character of several bytes.
		out.WriteString(s[end:max(end, start)] + Mark)
		end = from[i].to
	}
	out.WriteString(s[end:])
	return out.String()
}

// mark sets what is known of a folded text, and reports whether there is any.
func (x index) mark(folded []byte, known []bool) (found bool) {
	for i := 0; i+Window <= len(folded); i++ {
		if _, ok := x.windows[[Window]byte(folded[i:])]; ok {
			found = true
			for n := range Window {
				known[i+n] = true
			}
		}
	}
	for _, needle := range x.whole {
		for at := 0; ; {
			i := bytes.Index(folded[at:], needle)
			if i < 0 {
				break
			}
			found = true
			for n := range needle {
				known[at+i+n] = true
			}
			at += i + 1
		}
	}
	return found
}

// cut returns at most limit bytes of s, and no part of a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
