package keys_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

const (
	ourID     = "02G000000000001AAA"
	foreignID = "02G000000000002AAA"
	ourHash   = "r6jGHKoQW6gaTbOwRnAHBvT4ygTRPjNVrzMBDVv/gCI="
	otherHash = "pT6JN8/4tU6s4u8lXAYvL1ctVjEc0LGKxoDpQU0B8Yg="
)

func idOf(in keys.Inputs, counter int64) string {
	return keys.RotationID{Fingerprint: in.Fingerprint(), Counter: counter}.String()
}

func changed() keys.Inputs {
	in := base()
	in.Triggers = map[string]*string{"quarter": new("2026Q4")}

	return in
}

func remote() keys.Inputs {
	return keys.Inputs{Type: "Data", Source: "REMOTE", KeyDerivationMode: "PBKDF2", RemoteKeyIdentifier: new("key/1")}
}

func TestDecide(t *testing.T) {
	t.Parallel()

	settled := keys.Known{
		ActiveID: ourID, Hash: ourHash, Source: "UPLOADED", KeyDerivationMode: "PBKDF2",
		Ours: keys.Ours{ID: ourID, RotationID: idOf(base(), 3)},
		Seen: keys.Observation{AgeDays: 10, ActiveMarker: idOf(base(), 3), HighestCounter: 3},
	}
	with := func(change func(*keys.Known)) keys.Known {
		k := settled
		change(&k)

		return k
	}

	for name, tc := range map[string]struct {
		want    keys.Desired
		known   keys.Known
		reasons []keys.Reason
		id      string
	}{
		"nothing changed": {
			want: keys.Desired{Inputs: base()}, known: settled, id: idOf(base(), 3),
		},
		"inputs changed": {
			want: keys.Desired{Inputs: changed()}, known: settled,
			reasons: []keys.Reason{keys.InputsChanged}, id: idOf(changed(), 4),
		},
		"an equal pin was added": {
			want: keys.Desired{Inputs: base(), Pin: ourHash}, known: settled, id: idOf(base(), 3),
		},
		"another pin": {
			want: keys.Desired{Inputs: base(), Pin: otherHash}, known: settled,
			reasons: []keys.Reason{keys.PinDiffers}, id: idOf(base(), 4),
		},
		"young enough": {
			want: keys.Desired{Inputs: base(), RotateAfterDays: 11}, known: settled, id: idOf(base(), 3),
		},
		"old enough": {
			want: keys.Desired{Inputs: base(), RotateAfterDays: 10}, known: settled,
			reasons: []keys.Reason{keys.TooOld}, id: idOf(base(), 4),
		},
		"replaced in Setup": {
			want: keys.Desired{Inputs: base()},
			known: with(func(k *keys.Known) {
				k.ActiveID, k.Source, k.Seen.ActiveMarker = foreignID, "HSM", ""
			}),
			reasons: []keys.Reason{keys.ReplacedOutside}, id: idOf(base(), 4),
		},
		"a run cut off after its POST: changed inputs": {
			want: keys.Desired{Inputs: changed()},
			known: with(func(k *keys.Known) {
				k.ActiveID, k.Seen.ActiveMarker, k.Seen.HighestCounter = foreignID, idOf(changed(), 4), 4
			}),
			reasons: []keys.Reason{keys.InputsChanged, keys.ReplacedOutside}, id: idOf(changed(), 4),
		},
		"a run cut off after its POST: age": {
			want: keys.Desired{Inputs: base(), RotateAfterDays: 10},
			known: with(func(k *keys.Known) {
				k.ActiveID, k.Seen = foreignID, keys.Observation{ActiveMarker: idOf(base(), 4), HighestCounter: 4}
			}),
			reasons: []keys.Reason{keys.ReplacedOutside}, id: idOf(base(), 4),
		},
		"state restored from a backup, two rotations old": {
			want: keys.Desired{Inputs: base()},
			known: with(func(k *keys.Known) {
				k.ActiveID, k.Seen.ActiveMarker, k.Seen.HighestCounter = foreignID, idOf(base(), 5), 5
			}),
			reasons: []keys.Reason{keys.ReplacedOutside}, id: idOf(base(), 5),
		},
		"the later record of ours fails the pin": {
			want: keys.Desired{Inputs: base(), Pin: otherHash},
			known: with(func(k *keys.Known) {
				k.ActiveID, k.Seen.ActiveMarker, k.Seen.HighestCounter = foreignID, idOf(base(), 5), 5
			}),
			reasons: []keys.Reason{keys.ReplacedOutside, keys.PinDiffers}, id: idOf(base(), 6),
		},
		"the later record of ours is too old already": {
			want: keys.Desired{Inputs: base(), RotateAfterDays: 10},
			known: with(func(k *keys.Known) {
				k.ActiveID, k.Seen.ActiveMarker, k.Seen.HighestCounter = foreignID, idOf(base(), 5), 5
			}),
			reasons: []keys.Reason{keys.ReplacedOutside, keys.TooOld}, id: idOf(base(), 6),
		},
		"an earlier record of ours became ACTIVE again": {
			want: keys.Desired{Inputs: base()},
			known: with(func(k *keys.Known) {
				k.ActiveID, k.Seen.ActiveMarker = foreignID, idOf(base(), 2)
			}),
			reasons: []keys.Reason{keys.ReplacedOutside}, id: idOf(base(), 4),
		},
		"another lineage counts higher": {
			want: keys.Desired{Inputs: changed()},
			known: with(func(k *keys.Known) {
				k.Seen.HighestCounter = 40
			}),
			reasons: []keys.Reason{keys.InputsChanged}, id: idOf(changed(), 41),
		},
		"imported without a marker": {
			want: keys.Desired{Inputs: changed()},
			known: with(func(k *keys.Known) {
				k.Ours, k.Seen = keys.Ours{ID: ourID, Imported: true}, keys.Observation{HighestCounter: -1}
			}),
			id: idOf(changed(), 0),
		},
		"imported with our marker": {
			want: keys.Desired{Inputs: base()},
			known: with(func(k *keys.Known) {
				k.Ours.Imported = true
			}),
			id: idOf(base(), 3),
		},
		"imported with a marker of other inputs": {
			want: keys.Desired{Inputs: changed()},
			known: with(func(k *keys.Known) {
				k.Ours.Imported = true
			}),
			id: idOf(changed(), 4),
		},
		"imported, another source": {
			want: keys.Desired{Inputs: base()},
			known: with(func(k *keys.Known) {
				k.Ours, k.Seen, k.Source = keys.Ours{ID: ourID, Imported: true}, keys.Observation{HighestCounter: -1}, "HSM"
			}),
			reasons: []keys.Reason{keys.SourceDiffers}, id: idOf(base(), 0),
		},
		"imported, another derivation": {
			want: keys.Desired{Inputs: base()},
			known: with(func(k *keys.Known) {
				k.Ours.Imported, k.KeyDerivationMode = true, "NONE"
			}),
			reasons: []keys.Reason{keys.DerivationDiffers}, id: idOf(base(), 4),
		},
		"imported cache-only key that reads back a derivation": {
			want: keys.Desired{Inputs: remote()},
			known: with(func(k *keys.Known) {
				k.Ours, k.Seen = keys.Ours{ID: ourID, Imported: true}, keys.Observation{HighestCounter: -1}
				k.Source, k.KeyDerivationMode = "REMOTE", "NONE"
			}),
			id: idOf(remote(), 0),
		},
		"our own record reads back another derivation": {
			want: keys.Desired{Inputs: base()},
			known: with(func(k *keys.Known) {
				k.KeyDerivationMode = "NONE"
			}),
			id: idOf(base(), 3),
		},
		"imported, and replaced before the first apply": {
			want: keys.Desired{Inputs: base()},
			known: with(func(k *keys.Known) {
				k.Ours, k.ActiveID = keys.Ours{ID: ourID, Imported: true}, foreignID
				k.Seen = keys.Observation{HighestCounter: -1}
			}),
			reasons: []keys.Reason{keys.ReplacedOutside}, id: idOf(base(), 0),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := keys.Decide(tc.want, tc.known)
			if !slices.Equal(got.Reasons, tc.reasons) || got.Rotate != (len(tc.reasons) > 0) {
				t.Errorf("reasons %v (rotate %v), want %v", got.Reasons, got.Rotate, tc.reasons)
			}
			if got.RotationID.String() != tc.id {
				t.Errorf("rotation id %s, want %s", got.RotationID, tc.id)
			}
		})
	}
}

// A lineage lives through any mix of changes, ages, outside rotations, lost replies and failed runs. Whatever happens, a rotation id
// stands for one key only, and an apply that has finished leaves a plan without a rotation.
func TestNoRotationIDReturnsAndEveryApplySettles(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		type record struct{ id, description string }
		var org []record
		all := map[string]string{} // rotation id -> record id
		post := func(description string) string {
			id := "02G" + string(rune('A'+len(org)%26)) + rapid.StringMatching(`[0-9]{6}`).Draw(t, "id") + string(rune('a'+len(org)/26))
			org = append(org, record{id, description})
			if _, marker := keys.ParseDescription(description); !marker.IsZero() {
				if earlier, ok := all[marker.String()]; ok {
					t.Fatalf("rotation id %s was used for %s and again for %s", marker, earlier, id)
				}
				all[marker.String()] = id
			}

			return id
		}

		in := base()
		known := keys.Known{Source: "UPLOADED"}
		first := keys.FirstID(in.Fingerprint(), nil)
		id := post(keys.Describe("", first))
		known.ActiveID, known.Ours = id, keys.Ours{ID: id, RotationID: first.String()}

		age := int64(0)
		refresh := func() {
			newest := org[len(org)-1]
			_, marker := keys.ParseDescription(newest.description)
			descriptions := make([]string, len(org))
			for i, r := range org {
				descriptions[i] = r.description
			}
			highest, found := keys.HighestCounter(descriptions)
			if !found {
				highest = -1
			}
			known.ActiveID = newest.id
			known.Seen = keys.Observation{AgeDays: age, ActiveMarker: marker.String(), HighestCounter: highest}
		}

		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				in.Triggers = map[string]*string{"n": new(rapid.StringMatching(`[a-c]`).Draw(t, "trigger"))}
			case 1:
				post("made in Setup")
				age = 0
			case 2:
				age += 10
			}

			refresh()
			want := keys.Desired{Inputs: in, RotateAfterDays: 30}
			d := keys.Decide(want, known)
			newest := org[len(org)-1]
			if _, marker := keys.ParseDescription(newest.description); d.Rotate && marker != d.RotationID {
				newest = record{id: post(keys.Describe("", d.RotationID))}
				age = 0
			}
			if rapid.Bool().Draw(t, "killed before the state was written") {
				continue
			}
			known.ActiveID, known.Ours = newest.id, keys.Ours{ID: newest.id, RotationID: d.RotationID.String()}
			refresh()
			if again := keys.Decide(want, known); again.Rotate {
				t.Fatalf("the plan after an apply rotates: %v", again.Reasons)
			}
		}
	})
}
