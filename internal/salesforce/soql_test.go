package salesforce

import (
	"strings"
	"testing"
)

// readLiteral is what Salesforce's parser does with a literal: it returns its
// value, and what follows it.
func readLiteral(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, "'") {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\'':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
			c, known := map[byte]byte{
				'\\': '\\', '\'': '\'', '"': '"', 'n': '\n', 'r': '\r', 't': '\t', 'b': '\b',
				'f': '\f',
			}[s[i]]
			if !known {
				return "", "", false
			}
			b.WriteByte(c)
		case '\n', '\r':
			return "", "", false
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

func TestQuoteSOQL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                `''`,
		"plain":           `'plain'`,
		"O'Brien":         `'O\'Brien'`,
		`back\slash`:      `'back\\slash'`,
		`\'`:              `'\\\''`,
		"\"\n\r\t\b\f":    `'\"\n\r\t\b\f'`,
		"x' OR Name != '": `'x\' OR Name != \''`,
		"naïve ключ 🔑":    `'naïve ключ 🔑'`,
		`trailing \`:      `'trailing \\'`,
		"100%_wild":       `'100%_wild'`,
	} {
		if got := QuoteSOQL(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func FuzzQuoteSOQL(f *testing.F) {
	for _, seed := range []string{"", "'", `\`, `\'`, "a\nb", "' OR ''='", "\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		value, rest, ok := readLiteral(QuoteSOQL(s) + " AND x")
		if !ok || value != s || rest != " AND x" {
			t.Errorf("%q is read as %q, then %q", s, value, rest)
		}
	})
}
