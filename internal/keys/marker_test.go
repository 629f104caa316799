package keys_test

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

func TestMarkerRoundTrip(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, keys.MaxDescription, -1).Draw(t, "description")
		id := keys.RotationID{Fingerprint: "9c1185a5", Counter: rapid.Int64Range(0, math.MaxInt64-1).Draw(t, "counter")}
		gotText, gotID := keys.ParseDescription(keys.Describe(text, id))
		if gotText != text || gotID != id {
			t.Fatalf("%q %v came back as %q %v", text, id, gotText, gotID)
		}
	})
}

func TestDescriptionIsExactlyTheTextAndTheMarker(t *testing.T) {
	t.Parallel()

	id := keys.RotationID{Fingerprint: "9c1185a5", Counter: 3}
	if got := keys.Describe("Production data key", id); got != "Production data key [tf:9c1185a5.3]" {
		t.Errorf("with a description: %q", got)
	}
	if got := keys.Describe("", id); got != "[tf:9c1185a5.3]" {
		t.Errorf("without a description: %q", got)
	}
	if got := keys.Describe("text", keys.RotationID{}); got != "text" {
		t.Errorf("without an id: %q", got)
	}
}

func TestParseDescriptionOfForeignText(t *testing.T) {
	t.Parallel()

	for in, want := range map[string]struct {
		text, id string
	}{
		"":                                  {"", ""},
		"made in Setup":                     {"made in Setup", ""},
		"[tf:9c1185a5.3] moved":             {"[tf:9c1185a5.3] moved", ""},
		"[tf:nonsense]":                     {"[tf:nonsense]", ""},
		"a [tf:9c1185a5.3] [tf:00000000.4]": {"a [tf:9c1185a5.3]", "00000000.4"},
		"glued[tf:9c1185a5.3]":              {"glued", "9c1185a5.3"},
		"[tf:9c1185a5.3]]":                  {"[tf:9c1185a5.3]]", ""},
		"[tf:9c1185a5.3] ":                  {"[tf:9c1185a5.3] ", ""},
		"[tf:[tf:9c1185a5.3]":               {"[tf:", "9c1185a5.3"},
		"[tf:9c1185a5.9223372036854775807]": {"[tf:9c1185a5.9223372036854775807]", ""},
		"[tf:]":                             {"[tf:]", ""},
		"[tf:9c1185a5.3x":                   {"[tf:9c1185a5.3x", ""},
		"]":                                 {"]", ""},
		"two spaces  [tf:9c1185a5.3]":       {"two spaces ", "9c1185a5.3"},
		"open [tf:9c1185a5.3":               {"open [tf:9c1185a5.3", ""},
		strings.Repeat("é", 230) + " [tf:9c1185a5.3]": {strings.Repeat("é", 230), "9c1185a5.3"},
	} {
		text, id := keys.ParseDescription(in)
		if text != want.text || id.String() != want.id {
			t.Errorf("%q: got %q and %q", in, text, id)
		}
	}
}

func FuzzParseDescription(f *testing.F) {
	f.Add("a [tf:9c1185a5.3]")
	f.Add("[tf:[tf:9c1185a5.3]")
	f.Add("ours  [tf:9c1185a5.999999999999999999]")
	f.Add(" [tf:9c1185a5.9223372036854775807]")
	f.Add("[tf:9c1185a5.3]]")
	f.Fuzz(func(t *testing.T, s string) {
		text, id := keys.ParseDescription(s)
		if id.IsZero() && text != s {
			t.Errorf("%q has no marker, yet the text became %q", s, text)
		}
		if again, againID := keys.ParseDescription(keys.Describe(text, id)); againID != id || again != text {
			t.Errorf("%q: %q %v became %q %v", s, text, id, again, againID)
		}
		if !id.IsZero() && (!strings.HasPrefix(s, text) || !strings.HasSuffix(s, "[tf:"+id.String()+"]")) {
			t.Errorf("%q gives a text %q or a marker %v that it does not hold", s, text, id)
		}
	})
}

// The longest description and the longest marker stay within what Salesforce keeps.
func TestLongestDescriptionFits(t *testing.T) {
	t.Parallel()

	const kept = 255
	id := keys.RotationID{Fingerprint: "9c1185a5", Counter: 10_000_001}
	if n := utf8.RuneCountInString(keys.Describe(strings.Repeat("é", keys.MaxDescription), id)); n > kept {
		t.Errorf("%d characters", n)
	}
}
