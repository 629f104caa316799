package redact

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const (
	token = "00Dxx0000001gPL!AQ8AQDummy.token_of-this.test$1234"
	short = "hunter22"
	pem   = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3S\n-----END PRIVATE KEY-----\n"
)

// encodings are the forms in which a server may send back what it was sent.
var encodings = map[string]func(string) string{
	"raw":                    func(s string) string { return s },
	"query":                  url.QueryEscape,
	"path":                   url.PathEscape,
	"every byte percent":     func(s string) string { return percent(s, "%%%02x") },
	"every byte percent, up": func(s string) string { return percent(s, "%%%02X") },
	"hex":                    func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":                    func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":                 func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64url":              func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64, 1 before":       func(s string) string { return base64.StdEncoding.EncodeToString([]byte("a" + s + "b")) },
	"base64, 2 before":       func(s string) string { return base64.StdEncoding.EncodeToString([]byte("ab" + s + "c")) },
	"base64url, basic":       func(s string) string { return base64.URLEncoding.EncodeToString([]byte("client:" + s)) },
	"base64 in lines": func(s string) string {
		return strings.Join(pieces(base64.StdEncoding.EncodeToString([]byte(s)), 9), "\n")
	},
	"blanks between":    func(s string) string { return strings.Join(strings.Split(s, ""), " ") },
	"zero width":        func(s string) string { return strings.Join(pieces(s, 3), "\u200b") },
	"controls between":  func(s string) string { return strings.Join(pieces(s, 5), "\x00\x9b\u202e") },
	"percent of base64": func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
}

func percent(s, form string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, form, s[i])
	}
	return b.String()
}

func pieces(s string, n int) []string {
	var list []string
	for piece := range slices.Chunk([]rune(s), n) {
		list = append(list, string(piece))
	}
	return list
}

// of returns a redactor of the given secrets alone.
func of(secrets ...string) *Redactor { return (*Redactor)(nil).With(secrets...) }

func TestSecretsAreTakenOut(t *testing.T) {
	t.Parallel()
	for name, encode := range encodings {
		for _, secret := range []string{token, short, pem, "p%41ss%word+1/2=longer", "ключ-который-никто-не-знает"} {
			r := of("other-secret-of-the-run").With(secret)
			got := r.Text("before <"+encode(secret)+"> after", 10_000)
			if !strings.HasPrefix(got, "before <") || !strings.HasSuffix(got, "> after") || !strings.Contains(got, Mark) {
				t.Errorf("%s of %.8s…: %q", name, secret, got)
			}
			// What is left between the brackets is the mark, and characters of the seams.
			inner := strings.TrimSuffix(strings.TrimPrefix(got, "before <"), "> after")
			if rest := strings.ReplaceAll(inner, Mark, ""); len(rest) > Window {
				t.Errorf("%s of %.8s…: %q is left", name, secret, rest)
			}
		}
	}
}

func TestPieces(t *testing.T) {
	t.Parallel()
	r := of(token)
	for from := range len(token) - Window {
		piece := token[from : from+Window]
		if got := r.Text("<"+piece+">", 100); got != "<"+Mark+">" {
			t.Errorf("%q: %q", piece, got)
		}
		if got := r.Text("<"+piece[1:]+">", 100); got != "<"+piece[1:]+">" {
			t.Errorf("a piece of %d characters is no secret: %q", Window-1, got)
		}
	}
	if got := r.Text(token[:20]+" and "+token[10:40], 100); got != Mark+" and "+Mark {
		t.Error(got)
	}
}

func TestOrdinaryTextStays(t *testing.T) {
	t.Parallel()
	r := of(token, short, pem, "abc", "")
	for _, s := range []string{
		"", "api-usage=10018/100000", "INVALID_FIELD: No such column 'foo' on sobject of type Bar",
		"100 % of 00Dxx0000001gPLEAY",
		"Überschlüssel, 鍵, %zz, %4", "Session expired or invalid", "id value of incorrect type: 001900K0001pPuOAAU",
	} {
		if got := r.Text(s, 1000); got != s {
			t.Errorf("%q became %q", s, got)
		}
		if got := (*Redactor)(nil).Text(s, 1000); got != s {
			t.Errorf("without secrets, %q became %q", s, got)
		}
	}
	// A secret of three letters stands in every text.
	if got := of("abc").Text("abcd", 10); got != "abcd" {
		t.Error(got)
	}
}

func TestHiddenCharacters(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"new line": "\n", "carriage return": "\r", "tab": "\t", "escape": "\x1b", "delete": "\x7f", "C1": "\u009b",
		"next line": "\u0085",
		"override":  "\u202e", "isolate": "\u2066", "mark": "\u200f", "zero width": "\u200b", "BOM": "\ufeff",
		"line":      "\u2028",
		"paragraph": "\u2029", "soft hyphen": "\u00ad", "no UTF-8": "\xff", "tag": "\U000e0041",
	} {
		if got := of(token).Text("a"+s+"b", 100); got != "a b" {
			t.Errorf("%s: %q", name, got)
		}
		if got := Line(s + "Error: forged"); got != " Error: forged" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	got := of(token).Text(strings.Repeat("ä", 3000), 2001)
	if len(got) > 2001+len("…") || !strings.HasSuffix(got, "ä…") || !utf8.ValidString(got) {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-8:])
	}
	// The secret lies at the cut of the text: it goes before the cut.
	if got := of(token).Text(strings.Repeat("x", 90)+token, 100); strings.Contains(got, token[:6]) {
		t.Error(got)
	}
	if got := of(token).Text(strings.Repeat("x", maxInput)+token, maxInput+100); got != strings.Repeat("x", maxInput) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestWithLeavesTheFirstAlone(t *testing.T) {
	t.Parallel()
	first := of(token)
	if second := first.With(short); first.Text(short, 99) != short || second.Text(short+", "+token, 99) != Mark+", "+Mark {
		t.Error("the secrets of one are not those of the other")
	}
	if first.With("", "abc") != first {
		t.Error("nothing was added, but another redactor came back")
	}
}

// FuzzRedactor: whatever surrounds a secret, and however it is written, no piece of it is left, nor
// anything hidden.
func FuzzRedactor(f *testing.F) {
	f.Add(token, "before", "after", uint8(0))
	f.Add(pem, "\x1b[31m", "\u202e", uint8(3))
	f.Add("%41%42%43%44 long enough, really", "%", "41", uint8(1))
	f.Add("鍵鍵鍵鍵鍵鍵鍵鍵", "\xff", "=", uint8(8))
	names := slices.Sorted(maps.Keys(encodings))
	f.Fuzz(func(t *testing.T, secret, before, after string, which uint8) {
		if len(secret) > 8<<10 {
			return // no secret is so long, and the encodings multiply it
		}
		r := of(secret)
		// A seam of blanks keeps the fuzzer from making the secret's neighbours part of its encoding.
		text := before + " | " + encodings[names[int(which)%len(names)]](secret) + " | " + after
		const limit = 4000
		got := r.Text(text, limit)
		if len(got) > limit+len("…") {
			t.Fatalf("%d bytes", len(got))
		}
		for _, c := range got {
			if c == utf8.RuneError || unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Fatalf("%U is left in %q", c, got)
			}
		}
		if len(text) > maxInput {
			return
		}
		// Looked at again, nothing is found but what the marks themselves make.
		if known := r.replace(got); strings.Count(known, Mark) > strings.Count(got, Mark) {
			t.Fatalf("a piece of %q is left in %q", secret, got)
		}
		for i := 0; i+Window <= len(secret); i++ {
			piece := secret[i : i+Window]
			if shown, _ := fold(piece, false); len(shown) < Window {
				continue // a blank says nothing
			}
			if !strings.Contains(Mark+Mark+Mark, piece) && strings.Contains(got, piece) {
				t.Fatalf("%q is left in %q", piece, got)
			}
		}
	})
}
