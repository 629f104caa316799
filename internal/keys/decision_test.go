package keys_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

const (
	ourID     = "02G000000000001AAA"
	foreignID = "02G000000000002AAA"
	ourHash   = "r6jGHKoQW6gaTbOwRnAHBvT4ygTRPjNVrzMBDVv/gCI="
	otherHash = "pT6JN8/4tU6s4u8lXAYvL1ctVjEc0LGKxoDpQU0B8Yg="

	nines = 999_999_999_999_999_999
)

func idOf(in keys.Inputs, counter int64) string {
	return keys.RotationID{Fingerprint: in.Fingerprint(), Counter: counter}.String()
}

// ours are the inputs of the lineage under test, and changed what they become.
func ours() keys.Inputs { return inOrg(base()) }

func changed() keys.Inputs {
	in := ours()
	in.Triggers = map[string]*string{"quarter": new("2026Q4")}

	return in
}

func remote() keys.Inputs {
	in := ours()
	in.Source, in.RemoteKeyIdentifier = keys.SourceRemote, new("key/1")

	return in
}

func fromSalesforce(in keys.Inputs) keys.Inputs {
	in.Source = keys.SourceHSM

	return in
}

// settled is the prior state after an apply that has rotated three times, and a refresh.
func settled() keys.Known {
	return keys.Known{
		ActiveID: ourID, Status: keys.StatusActive, Hash: ourHash, Source: keys.SourceUploaded,
		KeyDerivationMode: keys.DerivationPBKDF2,
		Ours: keys.Ours{
			ID: ourID, RotationID: idOf(ours(), 3), Version: 30, Source: keys.SourceUploaded, Hash: ourHash,
			Requests: ours().Requests(),
		},
		Seen: keys.Observation{AgeDays: 10, ActiveMarker: idOf(ours(), 3), HighestCounter: 3},
	}
}

// known changes the settled state.
func known(changes ...func(*keys.Known)) keys.Known {
	k := settled()
	for _, change := range changes {
		change(&k)
	}

	return k
}

// The changes of a state.

func imported(k *keys.Known) { k.Ours.Imported, k.Ours.Requests = true, "" }

func unmarked(k *keys.Known) {
	k.Ours.RotationID, k.Seen.ActiveMarker, k.Seen.HighestCounter = "", "", -1
}

// replaced: somebody else's record is in use.
func replaced(k *keys.Known) { k.ActiveID, k.Hash, k.Seen.ActiveMarker = foreignID, otherHash, "" }

// replacedByHSM: somebody had Salesforce make a key.
func replacedByHSM(k *keys.Known) {
	replaced(k)
	k.Hash, k.Source = "", keys.SourceHSM
}

// version0 forgets what states of version 0 do not hold, and has their fingerprint.
func version0(k *keys.Known) {
	k.Ours = keys.Ours{ID: ourID, RotationID: idOf(base(), 3), Source: keys.SourceUploaded}
	k.Seen.ActiveMarker = idOf(base(), 3)
}

// destroyed is a cache-only key whose callouts fail.
func destroyed(k *keys.Known) {
	k.Status, k.Hash, k.Source, k.KeyDerivationMode = keys.StatusDestroyed, "", keys.SourceRemote, ""
	k.Ours.RotationID, k.Ours.Source, k.Ours.Hash = idOf(remote(), 3), keys.SourceRemote, ""
	k.Seen.ActiveMarker = idOf(remote(), 3)
}

// answered: a later record with this marker of ours is in use.
func answered(id string, highest int64) func(*keys.Known) {
	return func(k *keys.Known) {
		k.ActiveID, k.Hash, k.Seen = foreignID, otherHash, keys.Observation{ActiveMarker: id, HighestCounter: highest}
	}
}

// sent: a POST of this rotation went out without an answer.
func sent(id, hash string) func(*keys.Known) {
	return func(k *keys.Known) { k.Ours.Unconfirmed, k.Ours.UnconfirmedHash = id, hash }
}

func age(days int64) func(*keys.Known) { return func(k *keys.Known) { k.Seen.AgeDays = days } }

func TestDecide(t *testing.T) {
	t.Parallel()

	type reasons = []keys.Reason
	allowed := keys.Destruction{Allowed: true}
	moreTriggers := remote()
	moreTriggers.Triggers = changed().Triggers

	for name, tc := range map[string]struct {
		want    keys.Desired
		known   keys.Known
		reasons reasons
		id      string
		keep    bool
		warns   string // attribute
		refuses string // attribute
	}{
		// What asks for a new key.
		"nothing changed": {
			want: keys.Desired{Inputs: ours()}, known: known(), id: idOf(ours(), 3),
		},
		"inputs changed": {
			want: keys.Desired{Inputs: changed()}, known: known(), reasons: reasons{keys.InputsChanged},
			id: idOf(changed(), 4),
		},
		"an equal pin was added": {
			want: keys.Desired{Inputs: ours(), PinnedHash: ourHash}, known: known(), id: idOf(ours(), 3),
		},
		"another pin": {
			want: keys.Desired{Inputs: ours(), PinnedHash: otherHash}, known: known(),
			reasons: reasons{keys.PinnedHashDiffers}, id: idOf(ours(), 4),
		},
		"young enough": {
			want: keys.Desired{Inputs: ours(), RotateAfterDays: 11}, known: known(age(10)), id: idOf(ours(), 3),
		},
		"old enough": {
			want: keys.Desired{Inputs: ours(), RotateAfterDays: 10}, known: known(age(10)),
			reasons: reasons{keys.TooOld}, id: idOf(ours(), 4),
		},
		"no age is configured": {
			want: keys.Desired{Inputs: ours()}, known: known(age(100_000)), id: idOf(ours(), 3),
		},
		"an age without end": {
			want: keys.Desired{Inputs: ours(), RotateAfterDays: math.MaxInt64}, known: known(age(100_000)),
			id: idOf(ours(), 3),
		},
		"replaced in Setup": {
			want: keys.Desired{Inputs: ours()}, known: known(replacedByHSM),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 4),
		},
		"replaced by somebody's upload": {
			want: keys.Desired{Inputs: ours()}, known: known(replaced),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 4),
		},
		"several reasons at once": {
			want:    keys.Desired{Inputs: changed(), PinnedHash: ourHash, RotateAfterDays: 10},
			known:   known(replaced),
			reasons: reasons{keys.InputsChanged, keys.ReplacedOutside, keys.PinnedHashDiffers, keys.TooOld},
			id:      idOf(changed(), 4),
		},
		"our own record reads back another derivation": {
			want:  keys.Desired{Inputs: ours()},
			known: known(func(k *keys.Known) { k.KeyDerivationMode = keys.DerivationNone }),
			id:    idOf(ours(), 3),
		},
		"our own record reads back another source": {
			want:  keys.Desired{Inputs: ours()},
			known: known(func(k *keys.Known) { k.Source = keys.SourceHSM }), id: idOf(ours(), 3),
		},
		"a rotation id that nobody can read": {
			want:    keys.Desired{Inputs: ours()},
			known:   known(func(k *keys.Known) { k.Ours.RotationID = "9C1185A5.3" }),
			reasons: reasons{keys.InputsChanged}, id: idOf(ours(), 4),
		},

		// Counters.
		"another lineage of ours counts higher": {
			want:    keys.Desired{Inputs: changed()},
			known:   known(func(k *keys.Known) { k.Seen.HighestCounter = 40 }),
			reasons: reasons{keys.InputsChanged}, id: idOf(changed(), 41),
		},
		"the org shows fewer markers than we remember": {
			want:    keys.Desired{Inputs: changed()},
			known:   known(func(k *keys.Known) { k.Seen.HighestCounter = -1 }),
			reasons: reasons{keys.InputsChanged}, id: idOf(changed(), 4),
		},
		"18 nines in our own old state settle": {
			want:  keys.Desired{Inputs: ours()},
			known: known(func(k *keys.Known) { k.Ours.RotationID = idOf(ours(), nines) }), id: idOf(ours(), nines),
		},
		"18 nines in our own old state are raised": {
			want:    keys.Desired{Inputs: changed()},
			known:   known(func(k *keys.Known) { k.Ours.RotationID = idOf(ours(), nines) }),
			reasons: reasons{keys.InputsChanged}, id: idOf(changed(), nines+1),
		},
		"what follows 18 nines settles": {
			want:  keys.Desired{Inputs: ours()},
			known: known(func(k *keys.Known) { k.Ours.RotationID = idOf(ours(), nines+1) }), id: idOf(ours(), nines+1),
		},
		"a killed run after 18 nines": {
			want: keys.Desired{Inputs: changed()},
			known: known(answered(idOf(changed(), nines+1), 3), func(k *keys.Known) {
				k.Ours.RotationID = idOf(ours(), nines)
			}),
			reasons: reasons{keys.InputsChanged, keys.ReplacedOutside}, id: idOf(changed(), nines+1),
		},
		"18 nines on the ACTIVE record are not taken over": {
			want: keys.Desired{Inputs: ours()}, known: known(answered(idOf(ours(), nines), 3)),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 4),
		},
		"ten million above ours is the last to be taken over": {
			want: keys.Desired{Inputs: ours()}, known: known(answered(idOf(ours(), 10_000_003), 3)),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 10_000_003),
		},
		"more than ten million above ours, in steps that are credible": {
			want: keys.Desired{Inputs: ours()}, known: known(answered(idOf(ours(), 12_000_000), 12_000_000)),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 12_000_000),
		},
		"more than ten million above ours was typed": {
			want: keys.Desired{Inputs: ours()}, known: known(answered(idOf(ours(), 10_000_004), 3)),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 4),
		},

		// An attempt that is under way.
		"a run cut off after its POST: changed inputs": {
			want: keys.Desired{Inputs: changed()}, known: known(answered(idOf(changed(), 4), 4)),
			reasons: reasons{keys.InputsChanged, keys.ReplacedOutside}, id: idOf(changed(), 4),
		},
		"a run cut off after its POST: age": {
			want: keys.Desired{Inputs: ours(), RotateAfterDays: 10}, known: known(answered(idOf(ours(), 4), 4)),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 4),
		},
		"a run cut off after its POST, then inputs that have changed again": {
			want: keys.Desired{Inputs: changed()}, known: known(answered(idOf(ours(), 4), 4)),
			reasons: reasons{keys.InputsChanged, keys.ReplacedOutside}, id: idOf(changed(), 5),
		},
		"state restored from a backup, two rotations old": {
			want: keys.Desired{Inputs: ours()}, known: known(answered(idOf(ours(), 5), 5)),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 5),
		},
		"the later record of ours fails the pin": {
			want: keys.Desired{Inputs: ours(), PinnedHash: ourHash}, known: known(answered(idOf(ours(), 5), 5)),
			reasons: reasons{keys.ReplacedOutside, keys.PinnedHashDiffers}, id: idOf(ours(), 6),
		},
		"the later record of ours is too old already": {
			want:    keys.Desired{Inputs: ours(), RotateAfterDays: 10},
			known:   known(answered(idOf(ours(), 5), 5), age(10)),
			reasons: reasons{keys.ReplacedOutside, keys.TooOld}, id: idOf(ours(), 6),
		},
		"the later record has another source, its marker was copied": {
			want:    keys.Desired{Inputs: ours()},
			known:   known(answered(idOf(ours(), 4), 4), func(k *keys.Known) { k.Source = keys.SourceHSM }),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 5),
		},
		"a kind of key that shows no source": {
			want: keys.Desired{Inputs: ours()},
			known: known(answered(idOf(ours(), 4), 4), func(k *keys.Known) {
				k.Source, k.Hash, k.KeyDerivationMode = "", "", ""
			}),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 4),
		},
		"an earlier record of ours became ACTIVE again": {
			want: keys.Desired{Inputs: ours()}, known: known(answered(idOf(ours(), 2), 3)),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 4),
		},
		"our own record with a later marker typed into it": {
			want:    keys.Desired{Inputs: ours(), RotateAfterDays: 10},
			known:   known(func(k *keys.Known) { k.Seen.ActiveMarker = idOf(ours(), 9) }),
			reasons: reasons{keys.TooOld}, id: idOf(ours(), 4),
		},
		"an unconfirmed attempt that the org does not show": {
			want: keys.Desired{Inputs: changed()}, known: known(sent(idOf(changed(), 4), otherHash)),
			reasons: reasons{keys.InputsChanged}, id: idOf(changed(), 4),
		},
		"an unconfirmed attempt that is in use": {
			want:    keys.Desired{Inputs: changed()},
			known:   known(sent(idOf(changed(), 4), otherHash), answered(idOf(changed(), 4), 4)),
			reasons: reasons{keys.InputsChanged, keys.ReplacedOutside}, id: idOf(changed(), 4),
		},
		"an unconfirmed attempt that is in use and too old": {
			want:    keys.Desired{Inputs: changed(), RotateAfterDays: 5},
			known:   known(sent(idOf(changed(), 4), otherHash), answered(idOf(changed(), 4), 4), age(5)),
			reasons: reasons{keys.InputsChanged, keys.ReplacedOutside, keys.TooOld}, id: idOf(changed(), 5),
		},
		"an unconfirmed attempt by age is resumed although it is due": {
			want: keys.Desired{Inputs: ours(), RotateAfterDays: 10}, known: known(sent(idOf(ours(), 7), "")),
			reasons: reasons{keys.TooOld}, id: idOf(ours(), 7),
		},
		"an unconfirmed attempt that has been archived since": {
			want: keys.Desired{Inputs: changed()},
			known: known(sent(idOf(changed(), 4), otherHash), replacedByHSM, func(k *keys.Known) {
				k.Seen.HighestCounter = 4
			}),
			reasons: reasons{keys.InputsChanged, keys.ReplacedOutside}, id: idOf(changed(), 5),
		},
		"an unconfirmed attempt of other inputs": {
			want: keys.Desired{Inputs: changed()}, known: known(sent(idOf(ours(), 8), otherHash)),
			reasons: reasons{keys.InputsChanged}, id: idOf(changed(), 4),
		},
		"an unconfirmed attempt from before our record": {
			want: keys.Desired{Inputs: ours(), RotateAfterDays: 10}, known: known(sent(idOf(ours(), 3), otherHash)),
			reasons: reasons{keys.TooOld}, id: idOf(ours(), 4),
		},
		"an unconfirmed attempt that our record has answered, and the org shows no markers": {
			want:    keys.Desired{Inputs: ours(), RotateAfterDays: 10},
			known:   known(sent(idOf(ours(), 3), otherHash), func(k *keys.Known) { k.Seen.HighestCounter = -1 }),
			reasons: reasons{keys.TooOld}, id: idOf(ours(), 4),
		},
		"an unconfirmed attempt does not mark an imported record": {
			want: keys.Desired{Inputs: ours()}, known: known(imported, unmarked, sent(idOf(ours(), 5), otherHash)),
			id: idOf(ours(), 0),
		},
		"an unconfirmed attempt of the pinned key": {
			want: keys.Desired{Inputs: ours(), PinnedHash: otherHash}, known: known(sent(idOf(ours(), 4), otherHash)),
			reasons: reasons{keys.PinnedHashDiffers}, id: idOf(ours(), 4),
		},
		"an unconfirmed attempt of another key than is pinned since": {
			want: keys.Desired{Inputs: ours(), PinnedHash: otherHash}, known: known(sent(idOf(ours(), 4), "made earlier")),
			reasons: reasons{keys.PinnedHashDiffers}, id: idOf(ours(), 5),
		},
		"an unconfirmed attempt, and nothing wanted any more": {
			want: keys.Desired{Inputs: ours()}, known: known(sent(idOf(ours(), 4), otherHash)), id: idOf(ours(), 3),
		},
		"an unconfirmed attempt before the first marker": {
			want:    keys.Desired{Inputs: ours()},
			known:   known(unmarked, sent(idOf(ours(), 0), otherHash)),
			reasons: reasons{keys.InputsChanged}, id: idOf(ours(), 0),
		},

		// States of version 0: their fingerprint left the org out.
		"version 0 settles under its own id": {
			want: keys.Desired{Inputs: ours()}, known: known(version0), id: idOf(base(), 3),
		},
		"version 0, imported, is not marked again": {
			want: keys.Desired{Inputs: ours()}, known: known(version0, imported), id: idOf(base(), 3),
		},
		"version 0 gets the org's id with the next rotation": {
			want: keys.Desired{Inputs: ours(), RotateAfterDays: 10}, known: known(version0),
			reasons: reasons{keys.TooOld}, id: idOf(ours(), 4),
		},
		"version 0, inputs changed": {
			want: keys.Desired{Inputs: changed()}, known: known(version0),
			reasons: reasons{keys.InputsChanged}, id: idOf(changed(), 4),
		},
		"version 0 of another org's fingerprint": {
			want: keys.Desired{Inputs: func() keys.Inputs {
				in := ours()
				in.Organization = sandbox

				return in
			}()}, known: known(),
			reasons: reasons{keys.InputsChanged},
			id: idOf(func() keys.Inputs {
				in := ours()
				in.Organization = sandbox

				return in
			}(), 4),
		},
		"version 0, an interrupted run is finished under its id": {
			want: keys.Desired{Inputs: ours(), RotateAfterDays: 10}, known: known(version0, sent(idOf(base(), 4), "")),
			reasons: reasons{keys.TooOld}, id: idOf(base(), 4),
		},
		"version 0, an interrupted run whose record is in use": {
			want: keys.Desired{Inputs: ours()}, known: known(version0, answered(idOf(base(), 4), 4)),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(base(), 4),
		},

		// Imports.
		"imported without a marker": {
			want: keys.Desired{Inputs: changed()}, known: known(imported, unmarked), id: idOf(changed(), 0),
		},
		"imported with our marker": {
			want: keys.Desired{Inputs: ours()}, known: known(imported), id: idOf(ours(), 3),
		},
		"imported with a marker of other inputs": {
			want: keys.Desired{Inputs: changed()}, known: known(imported), id: idOf(changed(), 4),
		},
		"imported, another source": {
			want:    keys.Desired{Inputs: ours()},
			known:   known(imported, unmarked, func(k *keys.Known) { k.Source, k.Ours.Source = keys.SourceHSM, keys.SourceHSM }),
			reasons: reasons{keys.SourceDiffers}, id: idOf(ours(), 0),
		},
		"imported, another derivation": {
			want:    keys.Desired{Inputs: ours()},
			known:   known(imported, func(k *keys.Known) { k.KeyDerivationMode = keys.DerivationNone }),
			reasons: reasons{keys.DerivationDiffers}, id: idOf(ours(), 4),
		},
		"imported, another pin": {
			want: keys.Desired{Inputs: ours(), PinnedHash: otherHash}, known: known(imported),
			reasons: reasons{keys.PinnedHashDiffers}, id: idOf(ours(), 4),
		},
		"imported, another source and derivation": {
			want: keys.Desired{Inputs: ours()},
			known: known(imported, func(k *keys.Known) {
				k.Source, k.Ours.Source, k.KeyDerivationMode = keys.SourceHSM, keys.SourceHSM, keys.DerivationNone
			}),
			reasons: reasons{keys.SourceDiffers, keys.DerivationDiffers}, id: idOf(ours(), 4),
		},
		"imported of a kind that shows neither source nor derivation": {
			want:  keys.Desired{Inputs: ours()},
			known: known(imported, func(k *keys.Known) { k.Source, k.KeyDerivationMode = "", "" }),
			id:    idOf(ours(), 3),
		},
		"imported cache-only key that reads back a derivation": {
			want: keys.Desired{Inputs: remote()},
			known: known(imported, unmarked, func(k *keys.Known) {
				k.Source, k.Ours.Source, k.KeyDerivationMode = keys.SourceRemote, keys.SourceRemote, keys.DerivationNone
			}),
			id: idOf(remote(), 0),
		},
		"imported, and replaced before the first apply": {
			want: keys.Desired{Inputs: ours()}, known: known(imported, unmarked, replaced),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 0),
		},

		// A pinned key does not age.
		"pinned and due": {
			want: keys.Desired{Inputs: ours(), PinnedHash: ourHash, RotateAfterDays: 10}, known: known(),
			id: idOf(ours(), 3), warns: "rotate_after_days",
		},
		"pinned and not due": {
			want: keys.Desired{Inputs: ours(), PinnedHash: ourHash, RotateAfterDays: 11}, known: known(), id: idOf(ours(), 3),
		},
		"pinned, due and asked for": {
			want: keys.Desired{Inputs: changed(), PinnedHash: ourHash, RotateAfterDays: 10}, known: known(),
			reasons: reasons{keys.InputsChanged}, id: idOf(changed(), 4), warns: "rotate_after_days",
		},
		"due, with a new pin": {
			want: keys.Desired{Inputs: ours(), PinnedHash: otherHash, RotateAfterDays: 10}, known: known(),
			reasons: reasons{keys.PinnedHashDiffers, keys.TooOld}, id: idOf(ours(), 4),
		},
		"the pinned key came from somebody else": {
			want: keys.Desired{Inputs: ours(), PinnedHash: otherHash, RotateAfterDays: 10}, known: known(replaced),
			reasons: reasons{keys.ReplacedOutside}, id: idOf(ours(), 4), warns: "rotate_after_days",
		},

		// A cache-only key that is DESTROYED.
		"destroyed cache-only key, nothing to do": {
			want: keys.Desired{Inputs: remote()}, known: known(destroyed), id: idOf(remote(), 3),
		},
		"destroyed cache-only key, due": {
			want: keys.Desired{Inputs: remote(), RotateAfterDays: 10}, known: known(destroyed), id: idOf(remote(), 3),
		},
		"destroyed cache-only key, due, although destruction is allowed": {
			want:  keys.Desired{Inputs: remote(), RotateAfterDays: 10, Destruction: allowed},
			known: known(destroyed), id: idOf(remote(), 3),
		},
		"destroyed cache-only key of somebody else": {
			want:  keys.Desired{Inputs: remote()},
			known: known(destroyed, func(k *keys.Known) { k.ActiveID = foreignID }), id: idOf(remote(), 3), keep: true,
		},
		"destroyed cache-only key of somebody else, due": {
			want:  keys.Desired{Inputs: remote(), RotateAfterDays: 1, Destruction: allowed},
			known: known(destroyed, func(k *keys.Known) { k.ActiveID = foreignID }), id: idOf(remote(), 3), keep: true,
		},
		"destroyed cache-only key of somebody else over an import": {
			want:  keys.Desired{Inputs: remote()},
			known: known(destroyed, imported, unmarked, func(k *keys.Known) { k.ActiveID = foreignID }),
			id:    "", keep: true,
		},
		"destroyed cache-only key, imported": {
			want:  keys.Desired{Inputs: remote(), RotateAfterDays: 1},
			known: known(destroyed, imported, unmarked), id: idOf(remote(), 0),
		},
		"destroyed cache-only key, asked for another": {
			want: keys.Desired{Inputs: moreTriggers}, known: known(destroyed),
			reasons: reasons{keys.InputsChanged}, id: idOf(moreTriggers, 4), refuses: "source",
		},
		"destroyed cache-only key, to be uploaded": {
			want: keys.Desired{Inputs: ours()}, known: known(destroyed),
			reasons: reasons{keys.InputsChanged}, id: idOf(ours(), 4), refuses: "source",
		},
		"destroyed cache-only key, pinned to another": {
			want: keys.Desired{Inputs: remote(), PinnedHash: otherHash}, known: known(destroyed),
			reasons: reasons{keys.PinnedHashDiffers}, id: idOf(remote(), 4), refuses: "source",
		},
		"destroyed cache-only key, asked for another, allowed": {
			want: keys.Desired{Inputs: moreTriggers, Destruction: allowed}, known: known(destroyed),
			reasons: reasons{keys.InputsChanged}, id: idOf(moreTriggers, 4),
		},
		"destroyed cache-only key, asked for another, under a quorum": {
			want:    keys.Desired{Inputs: moreTriggers, Destruction: keys.Destruction{Allowed: true, Quorum: true}},
			known:   known(destroyed),
			reasons: reasons{keys.InputsChanged}, id: idOf(moreTriggers, 4), refuses: "source",
		},
		"destroyed cache-only key, asked for another, not known whether allowed": {
			want:    keys.Desired{Inputs: moreTriggers, Destruction: keys.Destruction{Undecided: true}},
			known:   known(destroyed),
			reasons: reasons{keys.InputsChanged}, id: idOf(moreTriggers, 4),
		},
		"cache-only key in use, asked for another": {
			want:    keys.Desired{Inputs: moreTriggers},
			known:   known(destroyed, func(k *keys.Known) { k.Status = keys.StatusActive }),
			reasons: reasons{keys.InputsChanged}, id: idOf(moreTriggers, 4),
		},
		"a DESTROYED record with material of ours is no such case": {
			want:    keys.Desired{Inputs: changed()},
			known:   known(func(k *keys.Known) { k.Status = keys.StatusDestroyed }),
			reasons: reasons{keys.InputsChanged}, id: idOf(changed(), 4),
		},

		// ignore_changes hides the configured source, so the plan shows the org's.
		"source hidden: the org was rotated by HSM": {
			want: keys.Desired{Inputs: fromSalesforce(ours())}, known: known(replacedByHSM),
			id: idOf(ours(), 3), keep: true, warns: "source",
		},
		"source hidden, due": {
			want:  keys.Desired{Inputs: fromSalesforce(ours()), RotateAfterDays: 10},
			known: known(replacedByHSM), id: idOf(ours(), 3), keep: true, warns: "source",
		},
		"source hidden, derivation follows the org as well": {
			want: keys.Desired{Inputs: func() keys.Inputs {
				in := fromSalesforce(ours())
				in.KeyDerivationMode = ""

				return in
			}()}, known: known(replacedByHSM), id: idOf(ours(), 3), keep: true, warns: "source",
		},
		"source hidden, over a cache-only key": {
			want:  keys.Desired{Inputs: fromSalesforce(remote())},
			known: known(destroyed, replacedByHSM), id: idOf(remote(), 3), keep: true, warns: "source",
		},
		"source hidden, a new key asked for": {
			want: keys.Desired{Inputs: fromSalesforce(changed())}, known: known(replacedByHSM),
			id: idOf(ours(), 3), keep: true, refuses: "source",
		},
		"source hidden, version 0": {
			want: keys.Desired{Inputs: fromSalesforce(ours())}, known: known(version0, replacedByHSM),
			id: idOf(base(), 3), keep: true, warns: "source",
		},
		"source hidden, version 0, made without derivation": {
			want: keys.Desired{Inputs: fromSalesforce(ours())},
			known: known(version0, replacedByHSM, func(k *keys.Known) {
				in := base()
				in.KeyDerivationMode = keys.DerivationNone
				k.Ours.RotationID = idOf(in, 3)
			}),
			id: idOf(func() keys.Inputs {
				in := base()
				in.KeyDerivationMode = keys.DerivationNone

				return in
			}(), 3), keep: true, warns: "source",
		},
		"source hidden, version 0, a new key asked for": {
			want: keys.Desired{Inputs: fromSalesforce(changed())}, known: known(version0, replacedByHSM),
			id: idOf(base(), 3), keep: true, refuses: "source",
		},
		"source hidden, imported": {
			want:  keys.Desired{Inputs: fromSalesforce(changed())},
			known: known(imported, unmarked, replacedByHSM), id: "", keep: true, warns: "source",
		},
		"source shown: HSM is asked for over a key of ours": {
			want: keys.Desired{Inputs: fromSalesforce(ours())}, known: known(),
			reasons: reasons{keys.InputsChanged}, id: idOf(fromSalesforce(ours()), 4),
		},
		"source shown: a key of Salesforce's is ours, another asked for": {
			want: keys.Desired{Inputs: fromSalesforce(changed())},
			known: known(func(k *keys.Known) {
				k.Source, k.Ours.Source, k.Ours.RotationID = keys.SourceHSM, keys.SourceHSM, idOf(fromSalesforce(ours()), 3)
			}),
			reasons: reasons{keys.InputsChanged}, id: idOf(fromSalesforce(changed()), 4),
		},
		"source of our last key not known": {
			want:    keys.Desired{Inputs: fromSalesforce(ours())},
			known:   known(replacedByHSM, func(k *keys.Known) { k.Ours.Source = "" }),
			reasons: reasons{keys.InputsChanged, keys.ReplacedOutside}, id: idOf(fromSalesforce(ours()), 4),
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
			if got.Keep != tc.keep {
				t.Errorf("keep %v, want %v", got.Keep, tc.keep)
			}
			if w := attributes(t, got.Warnings...); w != tc.warns {
				t.Errorf("warnings of %q, want %q", w, tc.warns)
			}
			if r := attributes(t, got.Refusal); r != tc.refuses {
				t.Errorf("refusal of %q, want %q: %v", r, tc.refuses, got.Refusal)
			}
		})
	}
}

// attributes returns the attributes of problems, and checks their length.
func attributes(t *testing.T, problems ...*problem.Problem) string {
	t.Helper()

	var list []string
	for _, p := range problems {
		if p != nil {
			terse(t, p)
			list = append(list, p.Attribute)
		}
	}

	return strings.Join(list, " ")
}

// Each text says which record or value it speaks of, and what to do.
func TestTextsOfADecision(t *testing.T) {
	t.Parallel()

	due := keys.Decide(keys.Desired{Inputs: ours(), PinnedHash: ourHash, RotateAfterDays: 10}, known(age(77)))
	hidden := keys.Decide(keys.Desired{Inputs: fromSalesforce(ours())}, known(replacedByHSM))
	refused := keys.Decide(keys.Desired{Inputs: fromSalesforce(changed())}, known(replacedByHSM))

	for name, tc := range map[string]struct {
		problem *problem.Problem
		says    []string
	}{
		"pinned and due": {due.Warnings[0], []string{"77 days", "remove secret_value_hash"}},
		"source hidden": {
			hidden.Warnings[0], []string{"was UPLOADED", foreignID, "take source out of ignore_changes"},
		},
		"hidden and refused": {
			refused.Refusal, []string{"was UPLOADED", "Nothing was sent", "Take source out of ignore_changes"},
		},
		"destroyed": {
			keys.OverDestroyed(ourID, keys.Destruction{}),
			[]string{ourID, "Nothing was sent", "allow_key_destruction = true"},
		},
		"destroyed, quorum": {
			keys.OverDestroyed(ourID, keys.Destruction{Quorum: true, Undecided: true}),
			[]string{ourID, "Nothing was sent", "Make the record ACTIVE first"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			terse(t, tc.problem)
			for _, text := range tc.says {
				if !strings.Contains(tc.problem.Detail, text) {
					t.Errorf("the detail does not say %q: %s", text, tc.problem.Detail)
				}
			}
		})
	}
	if p := keys.OverDestroyed(ourID, keys.Destruction{Quorum: true}); strings.Contains(p.Detail,
		"allow_key_destruction") {
		t.Errorf("under a quorum the way out is no switch of one person: %s", p.Detail)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()

	asked := map[keys.Reason]bool{
		keys.InputsChanged: true, keys.PinnedHashDiffers: true, keys.SourceDiffers: true, keys.DerivationDiffers: true,
		keys.ReplacedOutside: false, keys.TooOld: false,
	}
	seen := map[string]bool{keys.Reason(0).String(): true}
	for reason, want := range asked {
		if got := reason.Asked(); got != want {
			t.Errorf("%s: asked %v, want %v", reason, got, want)
		}
		if got := keys.AnyAsked([]keys.Reason{keys.TooOld, reason}); got != want {
			t.Errorf("age and %s: asked %v, want %v", reason, got, want)
		}
		if text := reason.String(); seen[text] {
			t.Errorf("reason %d has no words of its own: %s", reason, text)
		}
		seen[reason.String()] = true
	}
	if keys.AnyAsked(nil) {
		t.Error("nobody has asked")
	}
}

func TestLateReadings(t *testing.T) {
	t.Parallel()

	ours := keys.Ours{ID: ourID, Version: 30}
	record := func(id string, version int64) keys.Record {
		return keys.Record{ID: id, Type: keys.TypeData, Version: version, Status: keys.StatusActive}
	}

	for name, tc := range map[string]struct {
		ours    keys.Ours
		records []keys.Record
		want    bool
	}{
		"our record is the newest":              {ours, []keys.Record{record(ourID, 30)}, false},
		"a newer one beside ours":               {ours, []keys.Record{record(foreignID, 31), record(ourID, 30)}, false},
		"our record is missing":                 {ours, []keys.Record{record(foreignID, 29)}, true},
		"our record is missing, a newer is not": {ours, []keys.Record{record(foreignID, 31)}, true},
		"no records":                            {ours, nil, true},
		"our record with an older version":      {ours, []keys.Record{record(ourID, 29)}, true},
		"a newer record of another type only": {
			ours, []keys.Record{record(ourID, 29), {ID: foreignID, Type: keys.TypeEventBus, Version: 40}}, true,
		},
		"a state of version 0 knows no version": {keys.Ours{ID: ourID}, []keys.Record{record(ourID, 1)}, false},
		"nothing is ours":                       {keys.Ours{}, nil, false},
		"a marked key of no known id, seen": {
			keys.Ours{RotationID: "9c1185a5.1", Version: 30}, []keys.Record{record(foreignID, 31)}, false,
		},
		"a marked key of no known id, the newest is the one before it": {
			keys.Ours{RotationID: "9c1185a5.1", Version: 30}, []keys.Record{record(foreignID, 30)}, true,
		},
		"a marked key of no known id, the newest is older": {
			keys.Ours{RotationID: "9c1185a5.1", Version: 30}, []keys.Record{record(foreignID, 29)}, true,
		},
		"a marked key of no known id, a newer one without the mark is not in use yet": {
			keys.Ours{RotationID: "9c1185a5.1", Version: 30},
			[]keys.Record{record(ourID, 30), {ID: foreignID, Type: keys.TypeData, Version: 31, Status: "ACTIVATION PENDING"}},
			true,
		},
		"a marked key of no known id, a newer one with the mark is not in use yet": {
			keys.Ours{RotationID: "9c1185a5.1", Version: 30},
			[]keys.Record{record(ourID, 30), {
				ID: foreignID, Type: keys.TypeData, Version: 31, Status: "ACTIVATION PENDING", Description: "[tf:9c1185a5.1]",
			}},
			false,
		},
		"an id of 15 characters": {
			keys.Ours{ID: ourID[:15], Version: 30}, []keys.Record{record(ourID, 30)}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := tc.ours.Late(tc.records, keys.TypeData); got != tc.want {
				t.Errorf("late %v, want %v", got, tc.want)
			}
		})
	}
}

func TestHighestCounter(t *testing.T) {
	t.Parallel()

	everybody := func(keys.Record) bool { return true }
	described := func(texts ...string) []keys.Record {
		records := make([]keys.Record, len(texts))
		for n, text := range texts {
			records[n] = keys.Record{Description: text, LastModifiedBy: "us"}
		}

		return records
	}
	for name, tc := range map[string]struct {
		records []keys.Record
		want    int64
	}{
		"no records":                    {nil, -1},
		"no marker":                     {described("made in Setup"), -1},
		"markers of any fingerprint":    {described("[tf:00000000.4]", "x [tf:9c1185a5.11]", "[tf:00000000.5]"), 11},
		"the first rotation":            {described("[tf:00000000.0]"), 0},
		"18 nines":                      {described("[tf:00000000.4]", "[tf:00000000.999999999999999999]"), 4},
		"18 nines alone":                {described("[tf:00000000.999999999999999999]"), -1},
		"ten million are credible":      {described("[tf:00000000.10000000]"), 10_000_000},
		"more than ten million are not": {described("[tf:00000000.10000001]"), -1},
		"steps of six million":          {described("[tf:00000000.6000000]", "[tf:00000000.12000000]"), 12_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := keys.HighestCounter(tc.records, everybody); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
			if got := keys.HighestCounter(tc.records, func(keys.Record) bool { return false }); got != -1 {
				t.Errorf("a marker that is not trusted raises the counter to %d", got)
			}
		})
	}
	mixed := append(described("[tf:00000000.4]"), keys.Record{Description: "[tf:00000000.9]", LastModifiedBy: "them"})
	if got := keys.HighestCounter(mixed, keys.Evidence{Users: []string{"us"}}.Trusted); got != 4 {
		t.Errorf("somebody else's marker raises the counter to %d", got)
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()

	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	current := keys.Record{
		ID: ourID, Type: keys.TypeData, Version: 3, Status: keys.StatusActive, CreatedDate: now.Add(-49 * time.Hour),
		Description: "[tf:9c1185a5.3]", LastModifiedBy: "us",
	}
	records := []keys.Record{
		current,
		{Type: keys.TypeData, Version: 2, Description: "[tf:9c1185a5.7]", LastModifiedBy: "us"},
		{Type: keys.TypeData, Version: 1, Description: "[tf:9c1185a5.8]", LastModifiedBy: "them"},
		{Type: keys.TypeEventBus, Version: 4, Description: "[tf:9c1185a5.9]", LastModifiedBy: "us"},
	}
	trusted := keys.Evidence{Users: []string{"us"}}.Trusted
	if got, want := keys.Observe(current, records, now, trusted),
		(keys.Observation{AgeDays: 2, ActiveMarker: "9c1185a5.3", HighestCounter: 7}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	foreign := records[2]
	if got, want := keys.Observe(foreign, records[2:], now, trusted), (keys.Observation{HighestCounter: -1}); got != want {
		t.Errorf("somebody else's record: got %+v, want %+v", got, want)
	}
}

// Private state is read by later releases: its names are fixed.
func TestPrivateStateKeepsItsNames(t *testing.T) {
	t.Parallel()

	since := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for want, value := range map[string]any{
		`{"id":"a"}`: keys.Ours{ID: "a"},
		`{"id":"a","rotation_id":"b","imported":true,"unconfirmed":"c","unconfirmed_since":"2026-11-21T12:00:00Z",` +
			`"unconfirmed_hash":"d","version":4,"source":"HSM","hash":"e","requests":"f","users":["g"]}`: keys.Ours{
			ID: "a", RotationID: "b", Imported: true, Unconfirmed: "c", UnconfirmedSince: since, UnconfirmedHash: "d",
			Version: 4, Source: "HSM", Hash: "e", Requests: "f", Users: []string{"g"},
		},
		`{"highest_counter":-1}`: keys.Observation{HighestCounter: -1},
		`{"age_days":2,"active_marker":"a","highest_counter":0,"late":true}`: keys.Observation{
			AgeDays: 2, ActiveMarker: "a",
			Late: true,
		},
	} {
		got, err := json.Marshal(value)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}
