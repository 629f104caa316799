package keys_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

const (
	us       = "005000000000001AAA"
	themself = "005000000000002AAA"
)

// marked gives a record the marker of a rotation.
func marked(in keys.Inputs, counter int64) string { return "[tf:" + idOf(in, counter) + "]" }

// record is a Data record of ours as an upload leaves it, changed.
func record(version int64, changes ...func(*keys.Record)) keys.Record {
	r := keys.Record{
		ID: "02G00000000000" + string(rune('A'+version%26)) + "AAA", Type: keys.TypeData, Version: version,
		Status: keys.StatusActive,
		Source: keys.SourceUploaded, KeyDerivationMode: keys.DerivationPBKDF2, Hash: ourHash,
		CreatedDate: noon.Add(time.Duration(version) * time.Minute),
		CreatedBy:   us, LastModifiedBy: us,
	}
	for _, change := range changes {
		change(&r)
	}

	return r
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// The changes of a record.

func carries(description string) func(*keys.Record) {
	return func(r *keys.Record) { r.Description = description }
}
func hasHash(hash string) func(*keys.Record) { return func(r *keys.Record) { r.Hash = hash } }
func writtenBy(user string) func(*keys.Record) {
	return func(r *keys.Record) { r.LastModifiedBy = user }
}
func underived(r *keys.Record)  { r.KeyDerivationMode = keys.DerivationNone }
func archived(r *keys.Record)   { r.Status = keys.StatusArchived }
func byHSM(r *keys.Record)      { r.Source, r.Hash = keys.SourceHSM, "" }
func ofEventBus(r *keys.Record) { r.Type = keys.TypeEventBus }

func cacheOnly(identifier string) func(*keys.Record) {
	return func(r *keys.Record) {
		r.Source, r.Hash, r.KeyDerivationMode, r.RemoteKeyIdentifier = keys.SourceRemote, "", "", identifier
	}
}

func gone(r *keys.Record) { r.Status = keys.StatusDestroyed }

func dataKey(r *keys.Record) { r.Type, r.Hash, r.KeyDerivationMode = keys.TypeDataKey, "", "" }

// wantedBy returns what Judge is asked on create.
func wantedBy(in keys.Inputs, changes ...func(*keys.Wanted)) keys.Wanted {
	w := keys.Wanted{
		Type: in.Type, Source: in.Source, KeyDerivationMode: in.KeyDerivationMode,
		Fingerprint: in.Fingerprint(), Asked: true,
	}
	if in.RemoteKeyIdentifier != nil {
		w.RemoteKeyIdentifier = *in.RemoteKeyIdentifier
	}
	for _, change := range changes {
		change(&w)
	}

	return w
}

// The changes of a wish.

func update(counter int64) func(*keys.Wanted) {
	return func(w *keys.Wanted) { w.RotationID = keys.RotationID{Fingerprint: w.Fingerprint, Counter: counter} }
}
func pinned(hash string) func(*keys.Wanted) { return func(w *keys.Wanted) { w.PinnedHash = hash } }
func byItself(w *keys.Wanted)               { w.Asked = false }
func underives(w *keys.Wanted)              { w.KeyDerivationMode = keys.DerivationNone }
func allows(d keys.Destruction) func(*keys.Wanted) {
	return func(w *keys.Wanted) { w.Destruction = d }
}

// hashless is the wish for a data encryption key, noted one whose Description the org keeps.
func noted(w *keys.Wanted)    { w.Type, w.KeyDerivationMode, w.Hashless = keys.TypeDataKey, "", true }
func hashless(w *keys.Wanted) { noted(w); w.Unmarked = true }

// evidence is what a session of ours knows.
func evidence(changes ...func(*keys.Evidence)) keys.Evidence {
	e := keys.Evidence{Users: []string{"005000000000009AAA", us}, Attempts: map[string]keys.Attempt{}}
	for _, change := range changes {
		change(&e)
	}

	return e
}

// The changes of what is known.

func remembers(r keys.Record, id string) func(*keys.Evidence) {
	return func(e *keys.Evidence) {
		e.Ours = keys.Ours{ID: r.ID, RotationID: id, Version: r.Version, Source: r.Source, Hash: r.Hash}
	}
}

func tried(id string, attempt keys.Attempt) func(*keys.Evidence) {
	return func(e *keys.Evidence) { e.Attempts[id] = attempt }
}

func sentHashes(hashes ...string) keys.Attempt { return keys.Attempt{Hashes: hashes} }

func TestJudge(t *testing.T) {
	t.Parallel()

	const (
		movedOn   = "The org has moved on since the plan"
		otherMode = "The key exists with another derivation mode"
		inTheWay  = "A destroyed cache-only key is in the way"
	)
	// was is our record before the rotation under test, which is number 4.
	was := record(3, carries(marked(ours(), 3)))
	wasArchived := record(3, carries(marked(ours(), 3)), archived)
	remember := remembers(was, idOf(ours(), 3))
	wasRemote := record(3, carries(marked(remote(), 3)), cacheOnly("key/1"))
	// elsewhere are the inputs of production, seen by the sandbox that was made from it.
	elsewhere := ours()
	elsewhere.Organization = sandbox

	type records = []keys.Record
	for name, tc := range map[string]struct {
		wanted   keys.Wanted
		evidence keys.Evidence
		records  records
		action   keys.Action
		id       string
		record   int64 // the version of the adopted record
		proof    keys.Proof
		current  int64   // the version of the record in use
		foreign  []int64 // the versions of foreign records
		refuses  string  // the summary
	}{
		// Create, with nothing to adopt.
		"create in an empty org": {
			wanted: wantedBy(ours()), evidence: evidence(), action: keys.Make, id: idOf(ours(), 0),
		},
		"create over a record of somebody else": {
			wanted: wantedBy(ours()), evidence: evidence(), records: records{record(1, byHSM, writtenBy(themself))},
			action: keys.Make, id: idOf(ours(), 0), current: 1,
		},
		"create beside records of other types": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 5)), ofEventBus)},
			action:  keys.Make, id: idOf(ours(), 0),
		},
		"create goes on after the highest marker of ours": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(changed(), 7)), archived), record(2, carries(marked(changed(), 2)))},
			action:  keys.Make, id: idOf(ours(), 8), current: 2,
		},
		"create over a marker of somebody else does not go on after it": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(changed(), 7)), writtenBy(themself))},
			action:  keys.Make, id: idOf(ours(), 0), current: 1,
		},
		"create goes on after a marker whose record has the hash that was sent, whoever wrote last": {
			wanted: wantedBy(ours()), evidence: evidence(tried(idOf(ours(), 2), sentHashes(ourHash))),
			records: records{record(1, carries(marked(ours(), 2)), archived, writtenBy(themself)), record(2, byHSM)},
			action:  keys.Make, id: idOf(ours(), 3), current: 2,
		},
		"create goes on after a data encryption key that an attempt proves": {
			wanted: wantedBy(ours(), noted), evidence: evidence(tried(idOf(ours(), 2), keys.Attempt{})),
			records: records{record(1, dataKey, carries(marked(ours(), 2)), archived, writtenBy("")), record(2, dataKey)},
			action:  keys.Make, id: idOf(ours(), 3), current: 2,
		},
		"create does not adopt a record that reads ARCHIVED": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 0)), archived)},
			action:  keys.Make, id: idOf(ours(), 1),
		},
		"create in a refreshed sandbox makes a key of its own": {
			wanted: wantedBy(elsewhere), evidence: evidence(), records: records{was}, action: keys.Make,
			id: idOf(elsewhere, 4), current: 3,
		},
		"create over a marker of version 0, which has no org": {
			wanted: wantedBy(ours()), evidence: evidence(), records: records{record(1, carries(marked(base(), 3)))},
			action: keys.Make, id: idOf(ours(), 4), current: 1,
		},
		"create over 18 nines": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 2)), archived), record(2, carries(marked(ours(), nines)))},
			action:  keys.Make, id: idOf(ours(), 3), current: 2,
		},
		"create over a counter just above ten million": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(2, carries(marked(ours(), 10_000_001)))},
			action:  keys.Make, id: idOf(ours(), 0), current: 2,
		},

		// Create that adopts.
		"create adopts by the writer": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries("text "+marked(ours(), 4)))},
			action:  keys.Adopt, id: idOf(ours(), 4), record: 1, proof: keys.ByWriter, current: 1,
		},
		"create adopts a counter of ten million": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(2, carries(marked(ours(), 10_000_000)))},
			action:  keys.Adopt, id: idOf(ours(), 10_000_000), record: 2, proof: keys.ByWriter, current: 2,
		},
		"create adopts by the writer what shows no derivation": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 4)), func(r *keys.Record) { r.KeyDerivationMode = "" })},
			action:  keys.Adopt, id: idOf(ours(), 4), record: 1, proof: keys.ByWriter, current: 1,
		},
		"create adopts by the writer for a wish without derivation": {
			wanted: wantedBy(ours(), func(w *keys.Wanted) { w.KeyDerivationMode = "" }), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 4)))},
			action:  keys.Adopt, id: idOf(ours(), 4), record: 1, proof: keys.ByWriter, current: 1,
		},
		"create adopts a cache-only key of the same identifier": {
			wanted: wantedBy(remote()), evidence: evidence(),
			records: records{record(1, carries(marked(remote(), 0)), cacheOnly("key/1"), underived)},
			action:  keys.Adopt, id: idOf(remote(), 0), record: 1, proof: keys.ByWriter, current: 1,
		},
		"create adopts a cache-only key of its own that reads DESTROYED": {
			wanted: wantedBy(remote()), evidence: evidence(),
			records: records{record(1, carries(marked(remote(), 0)), cacheOnly("key/1"), gone)},
			action:  keys.Adopt, id: idOf(remote(), 0), record: 1, proof: keys.ByWriter, current: 1,
		},
		"create adopts a key of Salesforce's that it asked for": {
			wanted: wantedBy(fromSalesforce(ours())), evidence: evidence(),
			records: records{record(1, carries(marked(fromSalesforce(ours()), 0)), byHSM)},
			action:  keys.Adopt, id: idOf(fromSalesforce(ours()), 0), record: 1, proof: keys.ByWriter, current: 1,
		},
		"create adopts by the hash that was sent, whoever wrote last": {
			wanted: wantedBy(ours()), evidence: evidence(tried(idOf(ours(), 4), sentHashes(otherHash, ourHash))),
			records: records{record(1, carries(marked(ours(), 4)), writtenBy(themself))},
			action:  keys.Adopt, id: idOf(ours(), 4), record: 1, proof: keys.ByHash, current: 1,
		},
		"create adopts by the pin, whoever made it": {
			wanted: wantedBy(ours(), pinned(ourHash)), evidence: evidence(),
			records: records{record(1, writtenBy(themself))},
			action:  keys.Adopt, id: idOf(ours(), 0), record: 1, proof: keys.ByPinnedHash, current: 1,
		},
		"create adopts by the pin under the id that it carries": {
			wanted: wantedBy(ours(), pinned(ourHash)), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 6)), writtenBy(themself))},
			action:  keys.Adopt, id: idOf(ours(), 6), record: 1, proof: keys.ByPinnedHash, current: 1,
		},
		"create adopts by the pin under a new id over a marker of other inputs": {
			wanted: wantedBy(ours(), pinned(ourHash)), evidence: evidence(),
			records: records{record(1, carries(marked(changed(), 6)))},
			action:  keys.Adopt, id: idOf(ours(), 7), record: 1, proof: keys.ByPinnedHash, current: 1,
		},
		"create adopts by the pin under a new id over 18 nines": {
			wanted: wantedBy(ours(), pinned(ourHash)), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), nines)))},
			action:  keys.Adopt, id: idOf(ours(), 0), record: 1, proof: keys.ByPinnedHash, current: 1,
		},
		"create adopts a data encryption key by its attempt": {
			wanted: wantedBy(ours(), noted), evidence: evidence(tried(idOf(ours(), 0), keys.Attempt{Version: 4})),
			records: records{record(5, dataKey, carries(marked(ours(), 0)), writtenBy(themself))},
			action:  keys.Adopt, id: idOf(ours(), 0), record: 5, proof: keys.ByAttempt, current: 5,
		},

		"create adopts by the hash that was sent, without its marker": {
			wanted: wantedBy(ours()), evidence: evidence(tried(idOf(ours(), 0), sentHashes(ourHash))),
			records: records{record(1, carries("edited"), writtenBy(themself))},
			action:  keys.Adopt, id: idOf(ours(), 0), record: 1, proof: keys.ByHash, current: 1,
		},

		// Create that does not adopt what looks like its own.
		"create, marker copied by another user": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 4)), writtenBy(themself))},
			action:  keys.Make, id: idOf(ours(), 0), current: 1, foreign: []int64{1},
		},
		"create, marker of ten million by another user": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 10_000_000)), writtenBy(themself))},
			action:  keys.Make, id: idOf(ours(), 0), current: 1, foreign: []int64{1},
		},
		"create, marker of an unknown writer": {
			wanted: wantedBy(ours()), evidence: evidence(func(e *keys.Evidence) { e.Users = []string{""} }),
			records: records{record(1, carries(marked(ours(), 4)), writtenBy(""))},
			action:  keys.Make, id: idOf(ours(), 0), current: 1, foreign: []int64{1},
		},
		"create, marker on a key of Salesforce's": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 4)), byHSM)},
			action:  keys.Make, id: idOf(ours(), 5), current: 1, foreign: []int64{1},
		},
		"create, marker on a record of another derivation": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 4)), underived)},
			action:  keys.Make, id: idOf(ours(), 5), current: 1, foreign: []int64{1},
		},
		"create, marker on a cache-only key of another identifier": {
			wanted: wantedBy(remote()), evidence: evidence(),
			records: records{record(1, carries(marked(remote(), 4)), cacheOnly("key/2"))},
			action:  keys.Make, id: idOf(remote(), 5), current: 1, foreign: []int64{1},
		},
		"create, marker on another key than was sent": {
			wanted: wantedBy(ours()), evidence: evidence(tried(idOf(ours(), 4), sentHashes(otherHash))),
			records: records{record(1, carries(marked(ours(), 4)))},
			action:  keys.Make, id: idOf(ours(), 5), current: 1, foreign: []int64{1},
		},
		"create, marker on a key of Salesforce's, and the hash is known": {
			wanted: wantedBy(ours()), evidence: evidence(tried(idOf(ours(), 4), sentHashes(""))),
			records: records{record(1, carries(marked(ours(), 4)), byHSM)},
			action:  keys.Make, id: idOf(ours(), 5), current: 1, foreign: []int64{1},
		},
		"create, marker on another key than is pinned": {
			wanted:   wantedBy(ours(), pinned(otherHash)),
			evidence: evidence(tried(idOf(ours(), 4), sentHashes(ourHash))),
			records:  records{record(1, carries(marked(ours(), 4)))},
			action:   keys.Make, id: idOf(ours(), 5), current: 1,
		},
		"create, marker of another user on another key than is pinned": {
			wanted: wantedBy(ours(), pinned(otherHash)), evidence: evidence(),
			records: records{record(1, carries(marked(ours(), 4)), writtenBy(themself))},
			action:  keys.Make, id: idOf(ours(), 0), current: 1, foreign: []int64{1},
		},
		"create, pinned key of another source": {
			wanted: wantedBy(remote(), pinned(ourHash)), evidence: evidence(), records: records{record(1)},
			action: keys.Make, id: idOf(remote(), 0), current: 1,
		},
		"create, pinned key of another type": {
			wanted: wantedBy(ours(), pinned(ourHash)), evidence: evidence(), records: records{record(1, ofEventBus)},
			action: keys.Make, id: idOf(ours(), 0),
		},
		"create, pinned key that was archived": {
			wanted: wantedBy(ours(), pinned(ourHash)), evidence: evidence(),
			records: records{record(1, archived), record(2, hasHash(otherHash))},
			action:  keys.Make, id: idOf(ours(), 0), current: 2,
		},
		"create, data encryption key without an attempt": {
			wanted: wantedBy(ours(), noted), evidence: evidence(),
			records: records{record(5, dataKey, carries(marked(ours(), 0)))},
			action:  keys.Make, id: idOf(ours(), 1), current: 5, foreign: []int64{5},
		},
		"create, data encryption key from before its attempt": {
			wanted: wantedBy(ours(), noted), evidence: evidence(tried(idOf(ours(), 0), keys.Attempt{Version: 5})),
			records: records{record(5, dataKey, carries(marked(ours(), 0)))},
			action:  keys.Make, id: idOf(ours(), 1), current: 5, foreign: []int64{5},
		},
		"create, data encryption key without a Description is never known": {
			wanted:   wantedBy(ours(), hashless),
			evidence: evidence(tried(idOf(ours(), 0), keys.Attempt{Since: noon, Version: 4})),
			records:  records{record(5, dataKey)},
			action:   keys.Make, id: idOf(ours(), 0), current: 5,
		},
		"create, foreign records are listed by age": {
			wanted: wantedBy(ours()), evidence: evidence(), records: records{
				record(7, carries(marked(ours(), 4)), writtenBy(themself)),
				record(2, carries(marked(ours(), 9)), archived, writtenBy(themself)),
				record(5, carries(marked(changed(), 9)), archived, writtenBy(themself)),
				record(4, carries(marked(ours(), 1)), archived),
			},
			action: keys.Make, id: idOf(ours(), 2), current: 7, foreign: []int64{2, 7},
		},

		// Update.
		"update over our record": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(remember), records: records{was},
			action: keys.Make, id: idOf(ours(), 4), current: 3,
		},
		"update over our record, another marker typed into it": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(remember),
			records: records{record(3, carries(marked(ours(), 4)))},
			action:  keys.Make, id: idOf(ours(), 4), current: 3,
		},
		"update over our record with the attempt's hash": {
			wanted:   wantedBy(ours(), update(4)),
			evidence: evidence(remember, tried(idOf(ours(), 4), sentHashes(ourHash))),
			records:  records{record(3, carries(marked(ours(), 4)))},
			action:   keys.Make, id: idOf(ours(), 4), current: 3,
		},
		"update under the id that we remember": {
			wanted: wantedBy(ours(), update(3)), evidence: evidence(remember),
			records: records{record(3, carries("edited"), writtenBy(themself))},
			action:  keys.Adopt, id: idOf(ours(), 3), record: 3, proof: keys.ByState, current: 3,
		},
		"update by the pin of our record": {
			wanted: wantedBy(ours(), update(4), pinned(ourHash)), evidence: evidence(remember), records: records{was},
			action: keys.Adopt, id: idOf(ours(), 4), record: 3, proof: keys.ByPinnedHash, current: 3,
		},
		"update adopts by the writer": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(remember),
			records: records{wasArchived, record(5, carries(marked(ours(), 4)))},
			action:  keys.Adopt, id: idOf(ours(), 4), record: 5, proof: keys.ByWriter, current: 5,
		},
		"update adopts by the hash": {
			wanted:   wantedBy(ours(), update(4)),
			evidence: evidence(remember, tried(idOf(ours(), 4), sentHashes(otherHash))),
			records:  records{wasArchived, record(5, carries(marked(ours(), 4)), hasHash(otherHash), writtenBy(themself))},
			action:   keys.Adopt, id: idOf(ours(), 4), record: 5, proof: keys.ByHash, current: 5,
		},
		"update adopts by the pin": {
			wanted: wantedBy(ours(), update(4), pinned(otherHash)), evidence: evidence(remember),
			records: records{wasArchived, record(5, hasHash(otherHash), writtenBy(themself))},
			action:  keys.Adopt, id: idOf(ours(), 4), record: 5, proof: keys.ByPinnedHash, current: 5,
		},
		"update does not adopt the same inputs under another counter": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(remember),
			records: records{wasArchived, record(5, carries(marked(ours(), 5)))},
			action:  keys.Make, id: idOf(ours(), 4), current: 5,
		},
		"update of version 0 adopts under the id of version 0": {
			wanted: wantedBy(ours(), func(w *keys.Wanted) {
				w.RotationID = keys.RotationID{Fingerprint: base().Fingerprint(), Counter: 4}
			}), evidence: evidence(remember), records: records{wasArchived, record(5, carries(marked(base(), 4)))},
			action: keys.Adopt, id: idOf(base(), 4), record: 5, proof: keys.ByWriter, current: 5,
		},
		"update adopts 18 nines that are planned": {
			wanted: wantedBy(ours(), update(nines)), evidence: evidence(remember),
			records: records{wasArchived, record(5, carries(marked(ours(), nines)))},
			action:  keys.Adopt, id: idOf(ours(), nines), record: 5, proof: keys.ByWriter, current: 5,
		},
		"update adopts by the hash that was sent, under another marker": {
			wanted:   wantedBy(ours(), update(4)),
			evidence: evidence(remember, tried(idOf(ours(), 4), sentHashes(otherHash))),
			records:  records{wasArchived, record(5, carries(marked(ours(), 9)), hasHash(otherHash), writtenBy(themself))},
			action:   keys.Adopt, id: idOf(ours(), 4), record: 5, proof: keys.ByHash, current: 5,
		},
		"update, the hash that was sent, and another is pinned since": {
			wanted:   wantedBy(ours(), update(4), pinned(ourHash)),
			evidence: evidence(remember, tried(idOf(ours(), 4), sentHashes(otherHash))),
			records:  records{wasArchived, record(5, hasHash(otherHash))},
			action:   keys.Make, id: idOf(ours(), 4), current: 5,
		},
		"update, the hash of another rotation": {
			wanted:   wantedBy(ours(), update(5)),
			evidence: evidence(remember, tried(idOf(ours(), 4), sentHashes(otherHash))),
			records:  records{wasArchived, record(5, hasHash(otherHash))},
			action:   keys.Make, id: idOf(ours(), 5), current: 5,
		},
		"update, marker copied by another user": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(remember),
			records: records{wasArchived, record(5, carries(marked(ours(), 4)), writtenBy(themself))},
			action:  keys.Make, id: idOf(ours(), 4), current: 5, foreign: []int64{5},
		},
		"update, marker on a key of Salesforce's": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(remember),
			records: records{wasArchived, record(5, carries(marked(ours(), 4)), byHSM)},
			action:  keys.Make, id: idOf(ours(), 4), current: 5, foreign: []int64{5},
		},
		"update, marker on another key than was sent": {
			wanted:   wantedBy(ours(), update(4)),
			evidence: evidence(remember, tried(idOf(ours(), 4), sentHashes("made here"))),
			records:  records{wasArchived, record(5, carries(marked(ours(), 4)))},
			action:   keys.Make, id: idOf(ours(), 4), current: 5, foreign: []int64{5},
		},
		"update, copied marker in an ARCHIVED record of another user": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(remember),
			records: records{was, record(2, carries(marked(ours(), 4)), archived, writtenBy(themself))},
			action:  keys.Make, id: idOf(ours(), 4), current: 3, foreign: []int64{2},
		},
		"update, its record was made and archived since": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(remember),
			records: records{wasArchived, record(5, carries(marked(ours(), 4)), archived), record(6, byHSM)},
			action:  keys.Refuse, id: idOf(ours(), 4), current: 6, refuses: movedOn,
		},
		"update, its record was made and archived since, and nothing is in use": {
			wanted:   wantedBy(ours(), update(4)),
			evidence: evidence(remember, tried(idOf(ours(), 4), sentHashes(ourHash))),
			records:  records{record(5, carries(marked(ours(), 4)), archived, writtenBy(themself))},
			action:   keys.Refuse, id: idOf(ours(), 4), refuses: movedOn,
		},
		"update, its record was made, and another key is pinned since": {
			wanted: wantedBy(ours(), update(4), pinned(otherHash)), evidence: evidence(remember),
			records: records{wasArchived, record(5, carries(marked(ours(), 4)))},
			action:  keys.Refuse, id: idOf(ours(), 4), current: 5, refuses: movedOn,
		},
		"update, marker of another user on another key than is pinned": {
			wanted: wantedBy(ours(), update(4), pinned(otherHash)), evidence: evidence(remember),
			records: records{wasArchived, record(5, carries(marked(ours(), 4)), writtenBy(themself))},
			action:  keys.Make, id: idOf(ours(), 4), current: 5, foreign: []int64{5},
		},
		"update of a data encryption key by its attempt": {
			wanted:   wantedBy(ours(), noted, update(4)),
			evidence: evidence(remembers(record(3), idOf(ours(), 3)), tried(idOf(ours(), 4), keys.Attempt{Version: 3})),
			records:  records{record(5, dataKey, carries(marked(ours(), 4)), writtenBy(themself))},
			action:   keys.Adopt, id: idOf(ours(), 4), record: 5, proof: keys.ByAttempt, current: 5,
		},
		"update of a data encryption key without an attempt": {
			wanted: wantedBy(ours(), noted, update(4)), evidence: evidence(remembers(record(3), idOf(ours(), 3))),
			records: records{record(5, dataKey, carries(marked(ours(), 4)))},
			action:  keys.Make, id: idOf(ours(), 4), current: 5, foreign: []int64{5},
		},
		"update of a data encryption key, marker on one that is not newer than ours": {
			wanted: wantedBy(ours(), noted, update(4)),
			evidence: evidence(func(e *keys.Evidence) {
				e.Ours = keys.Ours{ID: ourID, Version: 5}
			}, tried(idOf(ours(), 4), keys.Attempt{})),
			records: records{record(5, dataKey, carries(marked(ours(), 4)))},
			action:  keys.Make, id: idOf(ours(), 4), current: 5, foreign: []int64{5},
		},
		"update of a data encryption key without a marker, where a Description is kept": {
			wanted:   wantedBy(ours(), noted, update(4)),
			evidence: evidence(tried(idOf(ours(), 4), keys.Attempt{Since: noon, Version: 4})),
			records:  records{record(5, dataKey)},
			action:   keys.Make, id: idOf(ours(), 4), current: 5,
		},
		"update of a data encryption key without Description, made after the attempt": {
			wanted: wantedBy(ours(), hashless, update(4)),
			evidence: evidence(tried(idOf(ours(), 4), keys.Attempt{
				Since: noon, Left: noon.Add(5 * time.Minute), Version: 4,
			})),
			records: records{record(5, dataKey)},
			action:  keys.Adopt, id: idOf(ours(), 4), record: 5, proof: keys.ByAttempt, current: 5,
		},
		"update of a data encryption key without Description, nothing was sent": {
			wanted:   wantedBy(ours(), hashless, update(4)),
			evidence: evidence(tried(idOf(ours(), 4), keys.Attempt{Since: noon, Version: 4})),
			records:  records{record(5, dataKey)},
			action:   keys.Make, id: idOf(ours(), 4), current: 5,
		},
		"update of a data encryption key without Description, made before the attempt": {
			wanted:   wantedBy(ours(), hashless, update(4)),
			evidence: evidence(tried(idOf(ours(), 4), keys.Attempt{Left: noon.Add(5*time.Minute + 1)})),
			records:  records{record(5, dataKey)},
			action:   keys.Make, id: idOf(ours(), 4), current: 5,
		},
		"update of a data encryption key without Description, no newer version": {
			wanted:   wantedBy(ours(), hashless, update(4)),
			evidence: evidence(tried(idOf(ours(), 4), keys.Attempt{Left: noon, Version: 5})),
			records:  records{record(5, dataKey)},
			action:   keys.Make, id: idOf(ours(), 4), current: 5,
		},
		"update of a data encryption key without Description or attempt": {
			wanted: wantedBy(ours(), hashless, update(4)), evidence: evidence(), records: records{record(5, dataKey)},
			action: keys.Make, id: idOf(ours(), 4), current: 5,
		},

		// Another derivation.
		"pinned key of another derivation, on create": {
			wanted: wantedBy(ours(), pinned(ourHash)), evidence: evidence(), records: records{record(1, underived)},
			action: keys.Refuse, id: idOf(ours(), 0), current: 1, refuses: otherMode,
		},
		"pinned key of another derivation, on update over our record": {
			wanted: wantedBy(ours(), pinned(ourHash), update(4), underives), evidence: evidence(remember),
			records: records{was},
			action:  keys.Refuse, id: idOf(ours(), 4), current: 3, refuses: otherMode,
		},
		"key that was sent, of another derivation": {
			wanted: wantedBy(ours(), update(4)), evidence: evidence(tried(idOf(ours(), 4), sentHashes(ourHash))),
			records: records{record(5, carries(marked(ours(), 4)), underived)},
			action:  keys.Refuse, id: idOf(ours(), 4), current: 5, refuses: otherMode,
		},
		"pinned key that shows no derivation": {
			wanted: wantedBy(ours(), pinned(ourHash)), evidence: evidence(),
			records: records{record(1, func(r *keys.Record) { r.KeyDerivationMode = "" })},
			action:  keys.Adopt, id: idOf(ours(), 0), record: 1, proof: keys.ByPinnedHash, current: 1,
		},
		"pinned key for a wish without derivation": {
			wanted:   wantedBy(ours(), pinned(ourHash), func(w *keys.Wanted) { w.KeyDerivationMode = "" }),
			evidence: evidence(), records: records{record(1, underived)},
			action: keys.Adopt, id: idOf(ours(), 0), record: 1, proof: keys.ByPinnedHash, current: 1,
		},
		"pinned cache-only key, of which no derivation is ever sent": {
			wanted: wantedBy(remote(), pinned(ourHash)), evidence: evidence(),
			records: records{record(1, cacheOnly("key/1"), hasHash(ourHash), underived)},
			action:  keys.Adopt, id: idOf(remote(), 0), record: 1, proof: keys.ByPinnedHash, current: 1,
		},

		// A cache-only key that is DESTROYED.
		"create over a destroyed cache-only key": {
			wanted: wantedBy(ours()), evidence: evidence(), records: records{record(1, cacheOnly("key/9"), gone)},
			action: keys.Refuse, id: idOf(ours(), 0), current: 1, refuses: inTheWay,
		},
		"create over a destroyed cache-only key, allowed": {
			wanted: wantedBy(ours(), allows(keys.Destruction{Allowed: true})), evidence: evidence(),
			records: records{record(1, cacheOnly("key/9"), gone)},
			action:  keys.Make, id: idOf(ours(), 0), current: 1,
		},
		"create over a destroyed cache-only key, under a quorum": {
			wanted:   wantedBy(ours(), allows(keys.Destruction{Allowed: true, Quorum: true})),
			evidence: evidence(), records: records{record(1, cacheOnly("key/9"), gone)},
			action: keys.Refuse, id: idOf(ours(), 0), current: 1, refuses: inTheWay,
		},
		"create over a destroyed cache-only key with a copied marker": {
			wanted: wantedBy(remote()), evidence: evidence(),
			records: records{record(1, cacheOnly("key/1"), gone, carries(marked(remote(), 0)), writtenBy(themself))},
			action:  keys.Refuse, id: idOf(remote(), 0), current: 1, foreign: []int64{1}, refuses: inTheWay,
		},
		"create over a cache-only key in use": {
			wanted: wantedBy(ours()), evidence: evidence(), records: records{record(1, cacheOnly("key/9"))},
			action: keys.Make, id: idOf(ours(), 0), current: 1,
		},
		"create, a newer record has already ended the destroyed cache-only key": {
			wanted: wantedBy(ours()), evidence: evidence(),
			records: records{record(1, cacheOnly("key/9"), gone), record(2, gone)},
			action:  keys.Make, id: idOf(ours(), 0),
		},
		"update that is asked for over a destroyed cache-only key": {
			wanted: wantedBy(remote(), update(4)), evidence: evidence(remembers(wasRemote, idOf(remote(), 3))),
			records: records{record(3, carries(marked(remote(), 3)), cacheOnly("key/1"), gone)},
			action:  keys.Refuse, id: idOf(remote(), 4), current: 3, refuses: inTheWay,
		},
		"update that is asked for over a destroyed cache-only key, allowed": {
			wanted:   wantedBy(remote(), update(4), allows(keys.Destruction{Allowed: true})),
			evidence: evidence(remembers(wasRemote, idOf(remote(), 3))),
			records:  records{record(3, carries(marked(remote(), 3)), cacheOnly("key/1"), gone)},
			action:   keys.Make, id: idOf(remote(), 4), current: 3,
		},
		"update by age over a cache-only key that has become DESTROYED": {
			wanted:   wantedBy(remote(), update(4), byItself, allows(keys.Destruction{Allowed: true})),
			evidence: evidence(remembers(wasRemote, idOf(remote(), 3))),
			records:  records{record(3, carries(marked(remote(), 3)), cacheOnly("key/1"), gone)},
			action:   keys.Refuse, id: idOf(remote(), 4), current: 3, refuses: movedOn,
		},
		"update by age over a cache-only key in use": {
			wanted:   wantedBy(remote(), update(4), byItself),
			evidence: evidence(remembers(wasRemote, idOf(remote(), 3))), records: records{wasRemote},
			action: keys.Make, id: idOf(remote(), 4), current: 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			before := slices.Clone(tc.records)
			got := keys.Judge(tc.wanted, tc.evidence, tc.records)
			if got.Action != tc.action || got.Proof != tc.proof || got.ID.String() != tc.id {
				t.Errorf("action %d by proof %d, id %s, want %d, %d, %s: %v", got.Action, got.Proof, got.ID, tc.action, tc.proof,
					tc.id, got.Refusal)
			}
			if got.Record.Version != tc.record {
				t.Errorf("adopts %s, want version %d", got.Record, tc.record)
			}
			if got.HasCurrent != (tc.current != 0) || got.HasCurrent && got.Current.Version != tc.current {
				t.Errorf("over %s (%v), want version %d", got.Current, got.HasCurrent, tc.current)
			}
			var foreign []int64
			for _, r := range got.Foreign {
				foreign = append(foreign, r.Version)
			}
			if !slices.Equal(foreign, tc.foreign) {
				t.Errorf("foreign %v, want %v", foreign, tc.foreign)
			}
			if got.Refusal != nil {
				terse(t, got.Refusal)
				if got.Refusal.Summary != tc.refuses || !strings.Contains(got.Refusal.Detail, "Nothing was sent.") {
					t.Errorf("refuses with %v, want %q", got.Refusal, tc.refuses)
				}
			}
			if (got.Action == keys.Refuse) != (got.Refusal != nil) || (tc.refuses != "") != (got.Refusal != nil) {
				t.Errorf("action %d with the refusal %v, want %q", got.Action, got.Refusal, tc.refuses)
			}
			if !slices.Equal(before, tc.records) {
				t.Error("the records of the caller have changed")
			}
		})
	}
}

// A judgement that nobody has made does nothing.
func TestZeroJudgementIsNoAction(t *testing.T) {
	t.Parallel()

	var j keys.Judgement
	if slices.Contains([]keys.Action{keys.Make, keys.Adopt, keys.Refuse}, j.Action) {
		t.Errorf("the zero judgement has the action %d", j.Action)
	}
	proofs := []keys.Proof{keys.ByPinnedHash, keys.ByHash, keys.ByAttempt, keys.ByWriter, keys.ByState}
	if slices.Contains(proofs, j.Proof) {
		t.Errorf("the zero judgement has the proof %d", j.Proof)
	}
}

func TestTextsOfAJudgement(t *testing.T) {
	t.Parallel()

	mode := keys.Judge(wantedBy(ours(), pinned(ourHash)), evidence(), []keys.Record{record(1, underived)})
	moved := keys.Judge(wantedBy(ours(), update(4)), evidence(),
		[]keys.Record{record(5, carries(marked(ours(), 4)), archived)})
	destroyed := keys.Judge(wantedBy(remote(), update(4), byItself), evidence(),
		[]keys.Record{record(3, cacheOnly("key/1"), gone)})
	for name, tc := range map[string]struct {
		got       keys.Judgement
		attribute string
		says      []string
	}{
		"another mode": {
			mode, "key_derivation_mode",
			[]string{record(1).String(), `Set key_derivation_mode = "NONE"`, "expected PBKDF2"},
		},
		"moved on":  {moved, "", []string{record(5).String(), idOf(ours(), 4), "Plan again"}},
		"destroyed": {destroyed, "", []string{record(3).String(), "DESTROYED", "Plan again"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if tc.got.Refusal == nil || tc.got.Refusal.Attribute != tc.attribute {
				t.Fatalf("refuses with %v, want one of %q", tc.got.Refusal, tc.attribute)
			}
			for _, text := range tc.says {
				if !strings.Contains(tc.got.Refusal.Detail, text) {
					t.Errorf("the detail does not say %q: %s", text, tc.got.Refusal.Detail)
				}
			}
		})
	}
}

func TestTrusted(t *testing.T) {
	t.Parallel()

	ourRecord := record(3, carries(marked(ours(), 3)), writtenBy(themself))
	for name, tc := range map[string]struct {
		evidence keys.Evidence
		record   keys.Record
		want     bool
	}{
		"written by the session's user": {evidence(), record(1, carries(marked(ours(), 1))), true},
		"written by another user": {
			evidence(), record(1, carries(marked(ours(), 1)), writtenBy(themself)), false,
		},
		"written by nobody, among users without ids": {
			keys.Evidence{Users: []string{""}}, record(1, writtenBy("")), false,
		},
		"made by us, edited by another user": {
			evidence(), record(1, carries(marked(ours(), 1)), writtenBy(themself)), false,
		},
		"our record as we left it": {
			evidence(remembers(ourRecord, idOf(ours(), 3))), ourRecord, true,
		},
		"our record, another marker typed into it": {
			evidence(remembers(ourRecord, idOf(ours(), 3))),
			record(3, carries(marked(ours(), 9)), writtenBy(themself)), false,
		},
		"another record with the marker of ours": {
			evidence(remembers(ourRecord, idOf(ours(), 3))),
			record(4, carries(marked(ours(), 3)), writtenBy(themself)), false,
		},
		"the hash that its rotation was sent with": {
			evidence(tried(idOf(ours(), 1), sentHashes(otherHash, ourHash))),
			record(1, carries(marked(ours(), 1)), writtenBy(themself)), true,
		},
		"another hash than its rotation was sent with": {
			evidence(tried(idOf(ours(), 1), sentHashes(otherHash))),
			record(1, carries(marked(ours(), 1)), writtenBy(themself)), false,
		},
		"the hash of another rotation": {
			evidence(tried(idOf(ours(), 2), sentHashes(ourHash))),
			record(1, carries(marked(ours(), 1)), writtenBy(themself)), false,
		},
		"no hash against no hash": {
			evidence(tried(idOf(ours(), 1), sentHashes(""))),
			record(1, carries(marked(ours(), 1)), byHSM, writtenBy(themself)), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := tc.evidence.Trusted(tc.record); got != tc.want {
				t.Errorf("trusted %v, want %v", got, tc.want)
			}
		})
	}

	e := evidence(tried(idOf(ours(), 1), keys.Attempt{Version: 7}))
	if got, ok := e.Attempt(keys.RotationID{Fingerprint: ours().Fingerprint(), Counter: 1}); !ok || got.Version != 7 {
		t.Errorf("the attempt is %+v, %v", got, ok)
	}
	if _, ok := e.Attempt(keys.RotationID{Fingerprint: ours().Fingerprint(), Counter: 2}); ok {
		t.Error("an attempt at another rotation was found")
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()

	id := keys.RotationID{Fingerprint: ours().Fingerprint(), Counter: 4}
	type records = []keys.Record
	for name, tc := range map[string]struct {
		wanted  keys.Wanted
		sent    keys.Sent
		records records
		want    int64
	}{
		"by the hash, whatever it carries": {
			wantedBy(ours()),
			keys.Sent{ID: id, Hash: ourHash, Before: 3},
			records{record(3), record(5, carries("cut off"))},
			5,
		},
		"by the hash, although it has been archived": {
			wantedBy(ours()),
			keys.Sent{ID: id, Hash: ourHash, Before: 3},
			records{record(6, hasHash(otherHash)), record(5, archived)},
			5,
		},
		"not by the marker if the hash is known": {
			wantedBy(ours()),
			keys.Sent{ID: id, Hash: otherHash, Before: 3},
			records{record(5, carries(marked(ours(), 4)))},
			0,
		},
		"not by the hash of another type": {
			wantedBy(ours()), keys.Sent{ID: id, Hash: ourHash, Before: 3}, records{record(5, ofEventBus)}, 0,
		},
		"not by the hash of a record from before": {
			wantedBy(ours()), keys.Sent{ID: id, Hash: ourHash, Before: 5}, records{record(5)}, 0,
		},
		"a key of Salesforce's by its marker": {
			wantedBy(fromSalesforce(ours())),
			keys.Sent{ID: id, Before: 3},
			records{record(4, byHSM), record(5, byHSM, carries(marked(ours(), 4)))},
			5,
		},
		"a key of Salesforce's, not with a marker from before": {
			wantedBy(fromSalesforce(ours())),
			keys.Sent{ID: id, Before: 5},
			records{record(5, byHSM, carries(marked(ours(), 4)))},
			0,
		},
		"a key of Salesforce's, not an upload with its marker": {
			wantedBy(fromSalesforce(ours())),
			keys.Sent{ID: id, Before: 3},
			records{record(5, carries(marked(ours(), 4)))},
			0,
		},
		"a cache-only key by its marker": {
			wantedBy(remote()),
			keys.Sent{ID: id, Before: 3},
			records{record(5, cacheOnly("key/1"), carries(marked(ours(), 4)))},
			5,
		},
		"the first of two with the marker: the second was copied": {
			wantedBy(fromSalesforce(ours())),
			keys.Sent{ID: id, Before: 3},
			records{
				record(6, byHSM, carries(marked(ours(), 4))), record(5, byHSM, carries(marked(ours(), 4))),
				record(7, byHSM, carries(marked(ours(), 4))),
			},
			5,
		},
		"a data encryption key by its marker, whatever source it reads back": {
			wantedBy(ours(), noted),
			keys.Sent{ID: id, Hash: ourHash, Before: 3},
			records{record(5, dataKey, carries(marked(ours(), 4)), byHSM)},
			5,
		},
		"a data encryption key, not with another marker": {
			wantedBy(ours(), noted),
			keys.Sent{ID: id, Hash: ourHash, Before: 3},
			records{record(5, dataKey, carries(marked(ours(), 5)))},
			0,
		},
		"a data encryption key without Description by its status": {
			wantedBy(ours(), hashless), keys.Sent{ID: id, Hash: ourHash, Before: 3}, records{record(5, dataKey)}, 5,
		},
		"a data encryption key without Description, not yet in use": {
			wantedBy(ours(), hashless),
			keys.Sent{ID: id, Hash: ourHash, Before: 3},
			records{record(5, dataKey, func(r *keys.Record) { r.Status = "ACTIVATION PENDING" })},
			0,
		},
		"a data encryption key without Description, from before": {
			wantedBy(ours(), hashless), keys.Sent{ID: id, Hash: ourHash, Before: 5}, records{record(5, dataKey)}, 0,
		},
		"a tenant secret whose Description is not kept": {
			wantedBy(ours(), func(w *keys.Wanted) { w.Unmarked = true }),
			keys.Sent{ID: id, Hash: otherHash, Before: 3},
			records{record(5)},
			0,
		},
		"no records": {wantedBy(ours()), keys.Sent{ID: id, Hash: ourHash}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, ok := tc.wanted.Answer(tc.sent, nil, tc.records)
			if ok != (tc.want != 0) || got.Version != tc.want {
				t.Errorf("got %s, %v, want version %d", got, ok, tc.want)
			}
		})
	}
}

func TestReused(t *testing.T) {
	t.Parallel()

	org := []keys.Record{record(1, hasHash(otherHash)), record(2, ofEventBus, archived), record(3, byHSM)}
	for name, tc := range map[string]struct {
		records []keys.Record
		hash    string
		says    []string
	}{
		"new material":               {org, "new", nil},
		"material that is not known": {org, "", nil},
		"an empty org":               {nil, ourHash, nil},
		"material of a record of any type": {
			org, ourHash, []string{record(2).ID, "EventBus", ourHash, "Give other material."},
		},
		"material of a destroyed record": {
			[]keys.Record{record(4, gone)},
			ourHash,
			[]string{record(4).ID, "restore its record with salesforcebyok_tenant_secret_version"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := keys.Reused(tc.records, tc.hash, "key_material_wo_version")
			if (got != nil) != (tc.says != nil) {
				t.Fatalf("got %v", got)
			}
			if got == nil {
				return
			}
			terse(t, got)
			if got.Attribute != "key_material_wo_version" {
				t.Errorf("the problem is of %q", got.Attribute)
			}
			for _, text := range append(tc.says, "Nothing was sent.") {
				if !strings.Contains(got.Detail, text) {
					t.Errorf("the detail does not say %q: %s", text, got.Detail)
				}
			}
		})
	}
}
