package secret_test

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// mismatched is a variable so that vet lets the mistake under test compile.
var mismatched, noVerb, printString = "%t", "no verb", "%s"

const plaintext = "correct-horse-battery-staple-32b"

// traces returns every form in which a formatter could print the plaintext.
func traces(plain string) []string {
	raw := []byte(plain)
	decimal := make([]string, 0, len(raw))
	goSyntax := make([]string, 0, len(raw))
	for _, b := range raw {
		decimal = append(decimal, strconv.Itoa(int(b)))
		goSyntax = append(goSyntax, fmt.Sprintf("%#x", b))
	}
	return []string{
		plain,
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
		base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		strings.Join(decimal[:8], " "), strings.Join(decimal[:8], ","),
		strings.Join(goSyntax[:8], ", "),
		fmt.Sprintf("% x", raw[:8]), fmt.Sprintf("% X", raw[:8]), fmt.Sprintf("%# x", raw[:8]),
		fmt.Sprintf("%o", raw[:8]), fmt.Sprintf("%b", raw[:8]), fmt.Sprintf("%c", raw[:8]), fmt.Sprintf("%U", raw[:8]),
		fmt.Sprintf("%q", raw[:8]), fmt.Sprintf(mismatched, raw[:8]),
	}
}

func leaks(out string) string {
	for _, trace := range traces(plaintext) {
		for _, form := range []string{trace, strings.Trim(trace, "[]")} {
			if strings.Contains(out, form) {
				return form
			}
		}
	}
	return ""
}

type exported struct {
	Name  string
	Bytes secret.Bytes
	Text  secret.Text
}

type unexported struct {
	name  string
	bytes secret.Bytes
	text  secret.Text
}

type deep struct {
	outer *unexported
	slice []secret.Bytes
	array [1]secret.Text
	m     map[string]secret.Bytes
	any   any
}

type failure struct{ material secret.Bytes }

func (failure) Error() string { return "failed" }

func containers() map[string]any {
	b, t := secret.NewBytes([]byte(plaintext)), secret.NewText(plaintext)
	inner := unexported{"n", b, t}
	pb, pt := &b, &t
	return map[string]any{
		"bytes":              b,
		"text":               t,
		"pointer to bytes":   pb,
		"pointer to text":    pt,
		"double pointer":     &pb,
		"slice":              []secret.Bytes{b},
		"slice of text":      []secret.Text{t},
		"slice of any":       []any{b, t, &b},
		"array":              [2]secret.Bytes{b, b},
		"map":                map[string]secret.Bytes{"k": b},
		"map of text":        map[int]secret.Text{1: t},
		"exported fields":    exported{"n", b, t},
		"pointer to struct":  &exported{"n", b, t},
		"unexported fields":  inner,
		"pointer unexported": &inner,
		"deep":               deep{&inner, []secret.Bytes{b}, [1]secret.Text{t}, map[string]secret.Bytes{"k": b}, b},
		"embedded":           struct{ secret.Bytes }{b},
		"embedded text":      struct{ *secret.Text }{pt},
		"interface":          struct{ v fmt.Formatter }{b},
		"error":              failure{b},
	}
}

func TestNoVerbPrintsASecret(t *testing.T) {
	t.Parallel()
	verbs := "vTtbcdoOqxXUeEfFgGspwZ"
	flags := []string{"", "+", "#", "-", " ", "0", "+#", "# ", "+ ", "40", ".3", "-40", "040", "*[1]", "[1]"}
	for name, v := range containers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range verbs {
				for _, flag := range flags {
					format := "%" + flag + string(verb)
					if found := leaks(fmt.Sprintf(format, v)); found != "" {
						t.Errorf("%s prints %q", format, found)
					}
				}
			}
			for what, out := range map[string]string{
				"Sprint":   fmt.Sprint(v),
				"Sprintln": fmt.Sprintln(v, v),
				"extra":    fmt.Sprintf(noVerb, v),
				"Errorf":   fmt.Errorf("x: %v", v).Error(),
			} {
				if found := leaks(out); found != "" {
					t.Errorf("%s prints %q", what, found)
				}
			}
		})
	}
}

// A scanner that sees nothing would pass every test above, so it has to find the plaintext in what
// fmt makes of an ordinary byte slice or string, for each verb that shows it.
func TestScannerSeesPlainValues(t *testing.T) {
	t.Parallel()
	type plainStruct struct {
		b []byte
		s string
	}
	v := plainStruct{b: []byte(plaintext), s: plaintext}
	for _, format := range []string{
		"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "% X", "%o", "%b", "%c", "%U",
		"%t",
	} {
		if leaks(fmt.Sprintf(format, v)) == "" {
			t.Errorf("scanner misses the plaintext in %s: %s", format, fmt.Sprintf(format, v))
		}
	}
	// The shape that a single pointer would give: hidden under %v, printed by %s.
	single := struct{ p *struct{ b []byte } }{&struct{ b []byte }{[]byte(plaintext)}}
	if leaks(fmt.Sprintf(printString, single)) == "" {
		t.Error("scanner misses a slice behind one pointer under a mismatched verb")
	}
}

func TestDirectFormatting(t *testing.T) {
	t.Parallel()
	b, x := secret.NewBytes([]byte(plaintext)), secret.NewText(plaintext)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		for _, v := range []any{b, &b, x, &x, secret.Bytes{}, secret.Text{}} {
			if got := fmt.Sprintf(format, v); got != secret.Redacted {
				t.Errorf("%s of %T = %q, want %q", format, v, got, secret.Redacted)
			}
		}
	}
	for _, got := range []string{
		b.String(), b.GoString(), x.String(), x.GoString(), b.LogValue().String(),
		x.LogValue().String(),
	} {
		if got != secret.Redacted {
			t.Errorf("got %q, want %q", got, secret.Redacted)
		}
	}
	joined := errors.Join(failure{b}, fmt.Errorf("w: %w", failure{b}))
	if found := leaks(fmt.Sprintf("%v %+v %#v %s", joined, joined, joined, joined)); found != "" {
		t.Errorf("errors.Join prints %q", found)
	}
}

func TestLoggersPrintNoSecret(t *testing.T) {
	t.Parallel()
	for name, v := range containers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text, structured bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&structured, nil)} {
				l := slog.New(h)
				l.Info("m", "v", v)
				l.With("w", v).WithGroup("g").Info("m", slog.Group("h", "v", v), slog.Any("a", []any{v}))
				l.Info(fmt.Sprintf("%+v", map[string]any{"field": v}))
			}
			for what, out := range map[string]string{"text": text.String(), "json": structured.String()} {
				if found := leaks(out); found != "" {
					t.Errorf("%s handler prints %q", what, found)
				}
				if !strings.Contains(out, "msg") {
					t.Errorf("%s handler printed no line: %q", what, out)
				}
			}
		})
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "b", secret.NewBytes([]byte(plaintext)))
	if !strings.Contains(out.String(), secret.Redacted) {
		t.Errorf("a bare secret should be logged as %s: %s", secret.Redacted, out.String())
	}
}

func TestEncodersRefuse(t *testing.T) {
	t.Parallel()
	b, x := secret.NewBytes([]byte(plaintext)), secret.NewText(plaintext)
	values := map[string]any{
		"bytes": b, "text": x, "pointer": &b, "pointer to text": &x,
		"struct": exported{"n", b, x}, "slice": []secret.Text{x}, "map": map[string]secret.Bytes{"k": b},
	}
	encoders := map[string]func(any, *bytes.Buffer) error{
		"json": func(v any, w *bytes.Buffer) error { return json.NewEncoder(w).Encode(v) },
		"gob":  func(v any, w *bytes.Buffer) error { return gob.NewEncoder(w).Encode(v) },
		"xml":  func(v any, w *bytes.Buffer) error { return xml.NewEncoder(w).Encode(v) },
	}
	for encoder, encode := range encoders {
		for name, v := range values {
			t.Run(encoder+"/"+name, func(t *testing.T) {
				t.Parallel()
				var w bytes.Buffer
				if err := encode(v, &w); err == nil {
					t.Errorf("encoded without error as %q", w.String())
				}
				if found := leaks(w.String()); found != "" {
					t.Errorf("wrote %q", found)
				}
			})
		}
	}
	type marshaler interface {
		encoding.TextMarshaler
		encoding.BinaryMarshaler
		json.Marshaler
	}
	for name, v := range map[string]marshaler{"bytes": b, "text": x} {
		_, errText := v.MarshalText()
		_, errBinary := v.MarshalBinary()
		_, errJSON := v.MarshalJSON()
		for _, err := range []error{errText, errBinary, errJSON} {
			if !errors.Is(err, secret.ErrNotEncodable) {
				t.Errorf("%s: got %v, want ErrNotEncodable", name, err)
			}
		}
	}
}

func TestNewBytesTakesOwnership(t *testing.T) {
	t.Parallel()
	in := []byte(plaintext)
	b := secret.NewBytes(in)
	if !bytes.Equal(in, make([]byte, len(plaintext))) {
		t.Errorf("the caller's slice is not overwritten: %q", in)
	}
	if string(b.Expose()) != plaintext || b.Len() != len(plaintext) || b.IsZero() {
		t.Errorf("holds %q, length %d, zero %t", b.Expose(), b.Len(), b.IsZero())
	}
	in[0] = 'X'
	if string(b.Expose()) != plaintext {
		t.Error("the secret shares the caller's array")
	}
}

func TestDestroy(t *testing.T) {
	t.Parallel()
	b := secret.NewBytes([]byte(plaintext))
	shared, live := b, b.Expose()
	b.Destroy()
	if !bytes.Equal(live, make([]byte, len(plaintext))) {
		t.Errorf("the bytes are not overwritten: %q", live)
	}
	for name, s := range map[string]secret.Bytes{"original": b, "copy": shared} {
		if s.Expose() != nil || s.Len() != 0 || s.IsZero() {
			t.Errorf("%s: Expose %v, Len %d, IsZero %t after Destroy", name, s.Expose(), s.Len(), s.IsZero())
		}
	}
	b.Destroy()
	secret.Bytes{}.Destroy()
	if b.Equal(secret.NewBytes([]byte(plaintext))) {
		t.Error("a destroyed secret equals its old value")
	}
}

func TestZeroAndEqual(t *testing.T) {
	t.Parallel()
	for _, empty := range []secret.Bytes{{}, secret.NewBytes(nil), secret.NewBytes([]byte{})} {
		if !empty.IsZero() || empty.Len() != 0 || empty.Expose() != nil {
			t.Errorf("empty: IsZero %t, Len %d", empty.IsZero(), empty.Len())
		}
	}
	if x := secret.NewText(""); !x.IsZero() || x.Expose() != "" {
		t.Errorf("empty text: IsZero %t", x.IsZero())
	}
	tests := map[string]struct {
		a, b  string
		equal bool
	}{
		"same":             {"abc", "abc", true},
		"last byte":        {"abc", "abd", false},
		"first byte":       {"abc", "bbc", false},
		"prefix":           {"abc", "abcd", false},
		"empty and filled": {"", "a", false},
		"both empty":       {"", "", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := secret.NewBytes([]byte(test.a)).Equal(secret.NewBytes([]byte(test.b))); got != test.equal {
				t.Errorf("Bytes.Equal = %t", got)
			}
			if got := secret.NewText(test.a).Equal(secret.NewText(test.b)); got != test.equal {
				t.Errorf("Text.Equal = %t", got)
			}
		})
	}
	if x := secret.NewText(plaintext); x.IsZero() || x.Expose() != plaintext {
		t.Errorf("text does not hold its value")
	}
}

func FuzzNoVerbPrintsASecret(f *testing.F) {
	f.Add("%v", []byte(plaintext))
	f.Add("%+#x %s %[1]q", []byte("0123456789abcdef"))
	f.Add("%!(EXTRA", []byte("\x00\xff\x00\xff\x00\xff\x00\xff"))
	// An address printed in binary once looked like an eight-byte secret: hence the marker below.
	f.Add("%b", []byte("00010000"))
	const marker = "\u00a7secret\u00a7"
	f.Fuzz(func(t *testing.T, format string, material []byte) {
		if strings.Contains(format, marker) {
			t.Skip("the marker is in the format itself")
		}
		plain := marker + string(material)
		b, x := secret.NewBytes([]byte(plain)), secret.NewText(plain)
		nested := struct{ v any }{exported{"n", b, x}}
		out := fmt.Sprintf(format, nested, b, &x, unexported{"n", b, x})
		for _, form := range []string{
			marker, hex.EncodeToString([]byte(marker)),
			base64.StdEncoding.EncodeToString([]byte(marker)),
		} {
			if strings.Contains(strings.ToLower(out), strings.ToLower(form)) {
				t.Errorf("format %q prints the secret", format)
			}
		}
	})
}
