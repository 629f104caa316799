package keys_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

const (
	production = "00D000000000001EAA"
	sandbox    = "00D000000000002EAA"
)

// base returns inputs as versions of the provider before 0.2 took them: without the org.
func base() keys.Inputs {
	return keys.Inputs{Type: "Data", Source: "UPLOADED", KeyDerivationMode: "PBKDF2"}
}

func inOrg(in keys.Inputs) keys.Inputs {
	in.Organization = production

	return in
}

// The value is fixed: a provider release that computed another one would rotate every key of every
// user.
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
		"as of version 0, plain":       {base(), "19cff6cd"},
		"as of version 0, every input": {full, "f533c34e"},
		"with an org":                  {inOrg(base()), "22a46e41"},
		"with an org, every input":     {inOrg(full), "42f52d9f"},
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
		"organization":           func(i *keys.Inputs) { i.Organization = production },
		"another organization":   func(i *keys.Inputs) { i.Organization = sandbox },
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
		"9c1185a5.0":                   {Fingerprint: "9c1185a5"},
		"00000000.12":                  {Fingerprint: "00000000", Counter: 12},
		"ffffffff.999999999999999999":  {Fingerprint: "ffffffff", Counter: 999999999999999999},
		"ffffffff.1000000000000000000": {Fingerprint: "ffffffff", Counter: 1000000000000000000},
		"ffffffff.9223372036854775806": {Fingerprint: "ffffffff", Counter: math.MaxInt64 - 1},
	} {
		got, ok := keys.ParseRotationID(in)
		if !ok || got != want {
			t.Errorf("%q: got %v, %v", in, got, ok)
		}
	}

	for _, in := range []string{
		"", ".", "9c1185a5", "9c1185a5.", "9c1185a.0", "9c1185a55.0", "9C1185A5.0", "9c1185a5.-1",
		"9c1185a5.+1", "9c1185a5.01",
		"9c1185a5.1 ", " 9c1185a5.1", "9c1185a5.1.2", "9c1185g5.1", "9c1185a5.9999999999999999999",
		"9c1185a5.9223372036854775807",
		"9c1185a5.10000000000000000000", "9c1185a5.١",
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
			Counter:     rapid.Int64Range(0, math.MaxInt64-1).Draw(t, "counter"),
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

func TestZeroRotationIDIsNoText(t *testing.T) {
	t.Parallel()

	if got := (keys.RotationID{}).String(); got != "" {
		t.Errorf("the zero id reads %q", got)
	}
	if (keys.RotationID{Fingerprint: "9c1185a5"}).IsZero() {
		t.Error("the first rotation of a lineage is taken for none")
	}
}

// inputChanges changes one input each, named as its attribute.
func inputChanges() map[string][]func(*keys.Inputs) {
	return map[string][]func(*keys.Inputs){
		"source":              {func(i *keys.Inputs) { i.Source = keys.SourceHSM }},
		"key_derivation_mode": {func(i *keys.Inputs) { i.KeyDerivationMode = keys.DerivationNone }},
		"key_material_wo_version": {
			func(i *keys.Inputs) { i.MaterialVersion = new("2") },
			func(i *keys.Inputs) { i.MaterialVersion = new("") },
			func(i *keys.Inputs) { i.MaterialVersion = nil },
		},
		"rotation_triggers": {
			func(i *keys.Inputs) { i.Triggers = nil },
			func(i *keys.Inputs) { i.Triggers = map[string]*string{"quarter": new("2027Q1")} },
			func(i *keys.Inputs) { i.Triggers = map[string]*string{"quarter": nil} },
			func(i *keys.Inputs) { i.Triggers = map[string]*string{"month": new("2026Q4")} },
			func(i *keys.Inputs) { i.Triggers = map[string]*string{"quarter": new("2026Q4"), "more": nil} },
		},
		"remote_key_identifier": {
			func(i *keys.Inputs) { i.RemoteKeyIdentifier = new("key/2") },
			func(i *keys.Inputs) { i.RemoteKeyIdentifier = nil },
		},
	}
}

func given() keys.Inputs {
	in := inOrg(base())
	in.MaterialVersion, in.RemoteKeyIdentifier = new("1"), new("key/1")
	in.Triggers = map[string]*string{"quarter": new("2026Q4")}

	return in
}

func TestDifferencesNameTheAttribute(t *testing.T) {
	t.Parallel()

	if got := given().Differences(given()); len(got) != 0 {
		t.Errorf("equal inputs differ in %v", got)
	}
	empty := base()
	empty.Triggers = map[string]*string{}
	if got := base().Differences(empty); len(got) != 0 {
		t.Errorf("an empty map of triggers differs from none in %v", got)
	}
	for attribute, changes := range inputChanges() {
		for n, change := range changes {
			in := given()
			change(&in)
			for _, got := range [][]string{given().Differences(in), in.Differences(given())} {
				if !slices.Equal(got, []string{attribute}) {
					t.Errorf("%s, change %d: got %v", attribute, n, got)
				}
			}
		}
	}
	all := keys.Inputs{}
	if got := given().Differences(all); len(got) != len(inputChanges()) {
		t.Errorf("everything differs, got %v", got)
	}
}

// What a reading of the org may change under ignore_changes is no request for a new key.
func TestRequestsAreTriggersAndMaterialVersion(t *testing.T) {
	t.Parallel()

	moved := given()
	moved.Organization, moved.Type, moved.Source = sandbox, keys.TypeEventBus, keys.SourceHSM
	moved.KeyDerivationMode, moved.RemoteKeyIdentifier = "", nil
	if given().Requests() != moved.Requests() {
		t.Error("an input that the org shows is taken for a request")
	}
	seen := map[string]string{given().Requests(): "unchanged"}
	for _, attribute := range []string{"key_material_wo_version", "rotation_triggers"} {
		for _, change := range inputChanges()[attribute] {
			in := given()
			change(&in)
			if other, ok := seen[in.Requests()]; ok {
				t.Errorf("%s: a change is no other request than %s", attribute, other)
			}
			seen[in.Requests()] = attribute
		}
	}
}

// Two sets of inputs that say the same have one fingerprint, and Differences agrees.
func TestFingerprintAndDifferencesAgree(t *testing.T) {
	t.Parallel()

	text := rapid.Ptr(rapid.SampledFrom([]string{"", "a", "b"}), true)
	inputs := rapid.Custom(func(t *rapid.T) keys.Inputs {
		return keys.Inputs{
			Organization: production, Type: keys.TypeData,
			Source:              rapid.SampledFrom([]string{"UPLOADED", "HSM"}).Draw(t, "source"),
			KeyDerivationMode:   rapid.SampledFrom([]string{"PBKDF2", "NONE"}).Draw(t, "mode"),
			MaterialVersion:     text.Draw(t, "material version"),
			Triggers:            rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), text, 0, 2).Draw(t, "triggers"),
			RemoteKeyIdentifier: text.Draw(t, "remote key"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := inputs.Draw(t, "a"), inputs.Draw(t, "b")
		if rapid.Bool().Draw(t, "same") {
			b = a
			b.Triggers = maps.Clone(a.Triggers)
		}
		if equal := len(a.Differences(b)) == 0; equal != (a.Fingerprint() == b.Fingerprint()) {
			t.Fatalf("%+v and %+v: differences %v, fingerprints %s and %s", a, b, a.Differences(b), a.Fingerprint(),
				b.Fingerprint())
		}
	})
}
