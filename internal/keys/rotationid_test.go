package keys_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

//go:fix inline

func base() keys.Inputs {
	return keys.Inputs{Type: "Data", Source: "UPLOADED", KeyDerivationMode: "PBKDF2"}
}

// The value is fixed: a provider release that computed another one would rotate every key of every user.
func TestFingerprintIsStableAcrossReleases(t *testing.T) {
	t.Parallel()

	full := base()
	full.MaterialVersion = new("7")
	full.Triggers = map[string]*string{"quarter": new("2026Q4"), "approved": nil}
	full.RemoteKeyIdentifier = new("key/1")

	for name, tc := range map[string]struct {
		in   keys.Inputs
		want string
	}{
		"plain":       {base(), "19cff6cd"},
		"every input": {full, "f533c34e"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := tc.in.Fingerprint(); got != tc.want {
				t.Errorf("fingerprint %q, want %q", got, tc.want)
			}
		})
	}
}

func TestFingerprintTellsInputsApart(t *testing.T) {
	t.Parallel()

	changes := map[string]func(*keys.Inputs){
		"type":                   func(i *keys.Inputs) { i.Type = "EventBus" },
		"source":                 func(i *keys.Inputs) { i.Source = "HSM" },
		"key derivation mode":    func(i *keys.Inputs) { i.KeyDerivationMode = "NONE" },
		"material version":       func(i *keys.Inputs) { i.MaterialVersion = new("1") },
		"empty material version": func(i *keys.Inputs) { i.MaterialVersion = new("") },
		"trigger":                func(i *keys.Inputs) { i.Triggers = map[string]*string{"a": new("1")} },
		"trigger value":          func(i *keys.Inputs) { i.Triggers = map[string]*string{"a": new("2")} },
		"null trigger":           func(i *keys.Inputs) { i.Triggers = map[string]*string{"a": nil} },
		"trigger name":           func(i *keys.Inputs) { i.Triggers = map[string]*string{"b": new("1")} },
		"remote key identifier":  func(i *keys.Inputs) { i.RemoteKeyIdentifier = new("k") },
	}

	seen := map[string]string{base().Fingerprint(): "unchanged"}
	for name, change := range changes {
		in := base()
		change(&in)
		got := in.Fingerprint()
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s have the same fingerprint %s", name, other, got)
		}
		seen[got] = name
	}
}

func TestFingerprintIgnoresAnEmptyTriggerMap(t *testing.T) {
	t.Parallel()

	in := base()
	in.Triggers = map[string]*string{}
	if in.Fingerprint() != base().Fingerprint() {
		t.Error("an empty rotation_triggers map must not rotate a key")
	}
}

func TestParseRotationID(t *testing.T) {
	t.Parallel()

	for in, want := range map[string]keys.RotationID{
		"9c1185a5.0":                  {Fingerprint: "9c1185a5"},
		"00000000.12":                 {Fingerprint: "00000000", Counter: 12},
		"ffffffff.999999999999999999": {Fingerprint: "ffffffff", Counter: 999999999999999999},
	} {
		got, ok := keys.ParseRotationID(in)
		if !ok || got != want {
			t.Errorf("%q: got %v, %v", in, got, ok)
		}
	}

	for _, in := range []string{
		"", ".", "9c1185a5", "9c1185a5.", "9c1185a.0", "9c1185a55.0", "9C1185A5.0", "9c1185a5.-1", "9c1185a5.+1", "9c1185a5.01",
		"9c1185a5.1 ", " 9c1185a5.1", "9c1185a5.1.2", "9c1185g5.1", "9c1185a5.9999999999999999999", "9c1185a5.١",
	} {
		if got, ok := keys.ParseRotationID(in); ok {
			t.Errorf("%q was accepted as %v", in, got)
		}
	}
}

func TestRotationIDRoundTrip(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		want := keys.RotationID{
			Fingerprint: rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "fingerprint"),
			Counter:     rapid.Int64Range(0, 999999999999999999).Draw(t, "counter"),
		}
		got, ok := keys.ParseRotationID(want.String())
		if !ok || got != want {
			t.Fatalf("%v came back as %v, %v", want, got, ok)
		}
	})
}

func FuzzParseRotationID(f *testing.F) {
	for _, seed := range []string{"9c1185a5.0", "9c1185a5.18446744073709551616", "....", "9c1185a5.\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := keys.ParseRotationID(s)
		if ok && id.String() != s {
			t.Errorf("%q parses to %q", s, id)
		}
		if ok && (id.Counter < 0 || id.Counter == math.MaxInt64) {
			t.Errorf("counter %d can't be raised", id.Counter)
		}
		if !ok && !id.IsZero() {
			t.Errorf("%q is refused, yet gives %v", s, id)
		}
	})
}

func TestMarkerRoundTrip(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, keys.MaxDescription, -1).Draw(t, "description")
		id := keys.RotationID{Fingerprint: "9c1185a5", Counter: rapid.Int64Range(0, 1e9).Draw(t, "counter")}
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
	f.Fuzz(func(t *testing.T, s string) {
		text, id := keys.ParseDescription(s)
		if id.IsZero() && text != s {
			t.Errorf("%q has no marker, yet the text became %q", s, text)
		}
		if again, againID := keys.ParseDescription(keys.Describe(text, id)); againID != id || again != text {
			t.Errorf("%q: %q %v became %q %v", s, text, id, again, againID)
		}
	})
}

func TestFirstIDGoesOnAfterTheHighestMarker(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		descriptions []string
		want         string
	}{
		"no records":    {nil, "9c1185a5.0"},
		"no marker":     {[]string{"made in Setup"}, "9c1185a5.0"},
		"markers":       {[]string{"[tf:00000000.4]", "x [tf:9c1185a5.11]", "[tf:00000000.5]"}, "9c1185a5.12"},
		"a zero marker": {[]string{"[tf:00000000.0]"}, "9c1185a5.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := keys.FirstID("9c1185a5", tc.descriptions).String(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
