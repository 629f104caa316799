package lineage_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/lineage"
)

const (
	ourID     = "02G000000000001AAA"
	foreignID = "02G000000000002AAA"
	ourHash   = "r6jGHKoQW6gaTbOwRnAHBvT4ygTRPjNVrzMBDVv/gCI="
	otherHash = "pT6JN8/4tU6s4u8lXAYvL1ctVjEc0LGKxoDpQU0B8Yg="
)

func idOf(in lineage.Inputs, counter int64) string {
	return lineage.RotationID{Fingerprint: in.Fingerprint(), Counter: counter}.String()
}

func changed() lineage.Inputs {
	in := base()
	in.Triggers = map[string]*string{"quarter": new("2026Q4")}

	return in
}

func remote() lineage.Inputs {
	return lineage.Inputs{Type: "Data", Source: "REMOTE", KeyDerivationMode: "PBKDF2", RemoteKeyIdentifier: new("key/1")}
}

func TestDecide(t *testing.T) {
	t.Parallel()

	settled := lineage.Known{
		ActiveID: ourID, Hash: ourHash, Source: "UPLOADED", KeyDerivationMode: "PBKDF2",
		Ours: lineage.Record{ID: ourID, RotationID: idOf(base(), 3)},
		Seen: lineage.Observation{AgeDays: 10, ActiveMarker: idOf(base(), 3), HighestCounter: 3},
	}
	with := func(change func(*lineage.Known)) lineage.Known {
		k := settled
		change(&k)

		return k
	}

	for name, tc := range map[string]struct {
		want    lineage.Desired
		known   lineage.Known
		reasons []lineage.Reason
		id      string
	}{
		"nothing changed": {
			want: lineage.Desired{Inputs: base()}, known: settled, id: idOf(base(), 3),
		},
		"inputs changed": {
			want: lineage.Desired{Inputs: changed()}, known: settled,
			reasons: []lineage.Reason{lineage.InputsChanged}, id: idOf(changed(), 4),
		},
		"an equal pin was added": {
			want: lineage.Desired{Inputs: base(), Pin: ourHash}, known: settled, id: idOf(base(), 3),
		},
		"another pin": {
			want: lineage.Desired{Inputs: base(), Pin: otherHash}, known: settled,
			reasons: []lineage.Reason{lineage.PinDiffers}, id: idOf(base(), 4),
		},
		"young enough": {
			want: lineage.Desired{Inputs: base(), RotateAfterDays: 11}, known: settled, id: idOf(base(), 3),
		},
		"old enough": {
			want: lineage.Desired{Inputs: base(), RotateAfterDays: 10}, known: settled,
			reasons: []lineage.Reason{lineage.TooOld}, id: idOf(base(), 4),
		},
		"replaced in Setup": {
			want: lineage.Desired{Inputs: base()},
			known: with(func(k *lineage.Known) {
				k.ActiveID, k.Source, k.Seen.ActiveMarker = foreignID, "HSM", ""
			}),
			reasons: []lineage.Reason{lineage.ReplacedOutside}, id: idOf(base(), 4),
		},
		"a run cut off after its POST: changed inputs": {
			want: lineage.Desired{Inputs: changed()},
			known: with(func(k *lineage.Known) {
				k.ActiveID, k.Seen.ActiveMarker, k.Seen.HighestCounter = foreignID, idOf(changed(), 4), 4
			}),
			reasons: []lineage.Reason{lineage.InputsChanged, lineage.ReplacedOutside}, id: idOf(changed(), 4),
		},
		"a run cut off after its POST: age": {
			want: lineage.Desired{Inputs: base(), RotateAfterDays: 10},
			known: with(func(k *lineage.Known) {
				k.ActiveID, k.Seen = foreignID, lineage.Observation{ActiveMarker: idOf(base(), 4), HighestCounter: 4}
			}),
			reasons: []lineage.Reason{lineage.ReplacedOutside}, id: idOf(base(), 4),
		},
		"state restored from a backup, two rotations old": {
			want: lineage.Desired{Inputs: base()},
			known: with(func(k *lineage.Known) {
				k.ActiveID, k.Seen.ActiveMarker, k.Seen.HighestCounter = foreignID, idOf(base(), 5), 5
			}),
			reasons: []lineage.Reason{lineage.ReplacedOutside}, id: idOf(base(), 5),
		},
		"the later record of ours fails the pin": {
			want: lineage.Desired{Inputs: base(), Pin: otherHash},
			known: with(func(k *lineage.Known) {
				k.ActiveID, k.Seen.ActiveMarker, k.Seen.HighestCounter = foreignID, idOf(base(), 5), 5
			}),
			reasons: []lineage.Reason{lineage.ReplacedOutside, lineage.PinDiffers}, id: idOf(base(), 6),
		},
		"the later record of ours is too old already": {
			want: lineage.Desired{Inputs: base(), RotateAfterDays: 10},
			known: with(func(k *lineage.Known) {
				k.ActiveID, k.Seen.ActiveMarker, k.Seen.HighestCounter = foreignID, idOf(base(), 5), 5
			}),
			reasons: []lineage.Reason{lineage.ReplacedOutside, lineage.TooOld}, id: idOf(base(), 6),
		},
		"an earlier record of ours became ACTIVE again": {
			want: lineage.Desired{Inputs: base()},
			known: with(func(k *lineage.Known) {
				k.ActiveID, k.Seen.ActiveMarker = foreignID, idOf(base(), 2)
			}),
			reasons: []lineage.Reason{lineage.ReplacedOutside}, id: idOf(base(), 4),
		},
		"another lineage counts higher": {
			want: lineage.Desired{Inputs: changed()},
			known: with(func(k *lineage.Known) {
				k.Seen.HighestCounter = 40
			}),
			reasons: []lineage.Reason{lineage.InputsChanged}, id: idOf(changed(), 41),
		},
		"imported without a marker": {
			want: lineage.Desired{Inputs: changed()},
			known: with(func(k *lineage.Known) {
				k.Ours, k.Seen = lineage.Record{ID: ourID, Imported: true}, lineage.Observation{HighestCounter: -1}
			}),
			id: idOf(changed(), 0),
		},
		"imported with our marker": {
			want: lineage.Desired{Inputs: base()},
			known: with(func(k *lineage.Known) {
				k.Ours.Imported = true
			}),
			id: idOf(base(), 3),
		},
		"imported with a marker of other inputs": {
			want: lineage.Desired{Inputs: changed()},
			known: with(func(k *lineage.Known) {
				k.Ours.Imported = true
			}),
			id: idOf(changed(), 4),
		},
		"imported, another source": {
			want: lineage.Desired{Inputs: base()},
			known: with(func(k *lineage.Known) {
				k.Ours, k.Seen, k.Source = lineage.Record{ID: ourID, Imported: true}, lineage.Observation{HighestCounter: -1}, "HSM"
			}),
			reasons: []lineage.Reason{lineage.SourceDiffers}, id: idOf(base(), 0),
		},
		"imported, another derivation": {
			want: lineage.Desired{Inputs: base()},
			known: with(func(k *lineage.Known) {
				k.Ours.Imported, k.KeyDerivationMode = true, "NONE"
			}),
			reasons: []lineage.Reason{lineage.DerivationDiffers}, id: idOf(base(), 4),
		},
		"imported cache-only key that reads back a derivation": {
			want: lineage.Desired{Inputs: remote()},
			known: with(func(k *lineage.Known) {
				k.Ours, k.Seen = lineage.Record{ID: ourID, Imported: true}, lineage.Observation{HighestCounter: -1}
				k.Source, k.KeyDerivationMode = "REMOTE", "NONE"
			}),
			id: idOf(remote(), 0),
		},
		"our own record reads back another derivation": {
			want: lineage.Desired{Inputs: base()},
			known: with(func(k *lineage.Known) {
				k.KeyDerivationMode = "NONE"
			}),
			id: idOf(base(), 3),
		},
		"imported, and replaced before the first apply": {
			want: lineage.Desired{Inputs: base()},
			known: with(func(k *lineage.Known) {
				k.Ours, k.ActiveID = lineage.Record{ID: ourID, Imported: true}, foreignID
				k.Seen = lineage.Observation{HighestCounter: -1}
			}),
			reasons: []lineage.Reason{lineage.ReplacedOutside}, id: idOf(base(), 0),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := lineage.Decide(tc.want, tc.known)
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
		keys := map[string]string{} // rotation id -> record id
		post := func(description string) string {
			id := "02G" + string(rune('A'+len(org)%26)) + rapid.StringMatching(`[0-9]{6}`).Draw(t, "id") + string(rune('a'+len(org)/26))
			org = append(org, record{id, description})
			if _, marker := lineage.ParseDescription(description); !marker.IsZero() {
				if earlier, ok := keys[marker.String()]; ok {
					t.Fatalf("rotation id %s was used for %s and again for %s", marker, earlier, id)
				}
				keys[marker.String()] = id
			}

			return id
		}

		in := base()
		known := lineage.Known{Source: "UPLOADED"}
		first := lineage.FirstID(in.Fingerprint(), nil)
		id := post(lineage.Describe("", first))
		known.ActiveID, known.Ours = id, lineage.Record{ID: id, RotationID: first.String()}

		age := int64(0)
		refresh := func() {
			newest := org[len(org)-1]
			_, marker := lineage.ParseDescription(newest.description)
			descriptions := make([]string, len(org))
			for i, r := range org {
				descriptions[i] = r.description
			}
			highest, found := lineage.HighestCounter(descriptions)
			if !found {
				highest = -1
			}
			known.ActiveID = newest.id
			known.Seen = lineage.Observation{AgeDays: age, ActiveMarker: marker.String(), HighestCounter: highest}
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
			want := lineage.Desired{Inputs: in, RotateAfterDays: 30}
			d := lineage.Decide(want, known)
			newest := org[len(org)-1]
			if _, marker := lineage.ParseDescription(newest.description); d.Rotate && marker != d.RotationID {
				newest = record{id: post(lineage.Describe("", d.RotationID))}
				age = 0
			}
			if rapid.Bool().Draw(t, "killed before the state was written") {
				continue
			}
			known.ActiveID, known.Ours = newest.id, lineage.Record{ID: newest.id, RotationID: d.RotationID.String()}
			refresh()
			if again := lineage.Decide(want, known); again.Rotate {
				t.Fatalf("the plan after an apply rotates: %v", again.Reasons)
			}
		}
	})
}
