package keys_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

// life is one resource in one org: the records, what state and private state hold, and the escrow
// directory.
type life struct {
	t       *rapid.T
	now     time.Time
	records []keys.Record
	// posted is the rotation id that a record of ours was sent with, by record.
	posted map[string]keys.RotationID
	// directory is true if the intents of earlier runs survive, in attempts.
	directory bool
	attempts  map[string]keys.Attempt
	secrets   int

	inputs keys.Inputs
	pin    string
	// state is false before the first apply that ended, and after the state was lost.
	state bool
	known keys.Known
}

func (l *life) secret() string {
	l.secrets++

	return fmt.Sprintf("hash %d", l.secrets)
}

// add makes the record ACTIVE, and archives the one before.
func (l *life) add(source, hash, description, writer string) keys.Record {
	for n := range l.records {
		l.records[n].Status = keys.StatusArchived
	}
	version := int64(len(l.records) + 1)
	r := keys.Record{
		ID: fmt.Sprintf("02G%012dAAA", version), Type: keys.TypeData, Version: version,
		Status: keys.StatusActive, Source: source, Hash: hash,
		KeyDerivationMode: keys.DerivationPBKDF2, Description: description, CreatedDate: l.now,
		CreatedBy: writer, LastModifiedBy: writer,
	}
	l.records = append(l.records, r)

	return r
}

// post sends a key of ours.
func (l *life) post(id keys.RotationID, hash string) keys.Record {
	for _, r := range l.records {
		if l.posted[r.ID] == id && r.Marker() == id {
			l.t.Fatalf("rotation id %s was used for %s and is used again", id, r)
		}
	}
	r := l.add(keys.SourceUploaded, hash, keys.Describe("", id), us)
	l.posted[r.ID] = id

	return r
}

func (l *life) newest() *keys.Record { return &l.records[len(l.records)-1] }

func (l *life) evidence() keys.Evidence {
	e := keys.Evidence{Users: []string{us}, Attempts: map[string]keys.Attempt{}}
	if l.state {
		e.Ours = l.known.Ours
		if e.Ours.UnconfirmedHash != "" {
			e.Attempts[e.Ours.Unconfirmed] = keys.Attempt{Hashes: []string{e.Ours.UnconfirmedHash}}
		}
	}
	if l.directory {
		maps.Copy(e.Attempts, l.attempts)
	}

	return e
}

// keep is what an apply leaves in state.
func (l *life) keep(r keys.Record, id keys.RotationID) {
	l.state = true
	l.known = keys.Known{
		ActiveID: r.ID, Status: r.Status, Hash: r.Hash, Source: r.Source, KeyDerivationMode: r.KeyDerivationMode,
		Ours: keys.Ours{
			ID: r.ID, RotationID: id.String(), Version: r.Version, Source: r.Source, Hash: r.Hash,
			Requests: l.inputs.Requests(),
		},
		Seen: keys.Observation{ActiveMarker: id.String(), HighestCounter: id.Counter},
	}
}

func (l *life) refresh() {
	r := *l.newest()
	l.known.ActiveID, l.known.Status, l.known.Hash, l.known.Source, l.known.KeyDerivationMode = r.ID, r.Status, r.Hash,
		r.Source, r.KeyDerivationMode
	l.known.Seen = keys.Observe(r, l.records, l.now, l.evidence().Trusted)
}

const yearly = 365

func (l *life) decide() keys.Decision {
	return keys.Decide(keys.Desired{Inputs: l.inputs, PinnedHash: l.pin, RotateAfterDays: yearly}, l.known)
}

// outcomes of a run that has something to send.
const (
	succeeds = iota
	refused
	lostBefore
	lostAfter
	killedBefore
	killedAfter
)

// apply plans, lets happen what between does, and applies. It reports whether the apply ended
// without an error.
func (l *life) apply(refreshed bool, outcome int, between func()) bool {
	w := keys.Wanted{
		Type: l.inputs.Type, Source: l.inputs.Source, KeyDerivationMode: l.inputs.KeyDerivationMode,
		Fingerprint: l.inputs.Fingerprint(),
		PinnedHash:  l.pin, Asked: true,
	}
	if l.state {
		if refreshed {
			l.refresh()
		}
		d := l.decide()
		between()
		if d.Refusal != nil || d.Keep {
			l.t.Fatalf("nothing is in the way of an upload: %+v", d)
		}
		if !d.Rotate {
			if l.newest().ID != l.known.ActiveID {
				return false
			}
			l.newest().Description, l.newest().LastModifiedBy = keys.Describe("", d.RotationID), us
			l.keep(*l.newest(), d.RotationID)

			return true
		}
		w.RotationID, w.Asked = d.RotationID, keys.AnyAsked(d.Reasons)
	} else {
		between()
	}

	j := keys.Judge(w, l.evidence(), l.records)
	switch {
	case j.Action == keys.Refuse:
		return false
	case j.Action == keys.Adopt:
		if outcome == killedBefore || outcome == killedAfter {
			return false
		}
		l.newest().Description, l.newest().LastModifiedBy = keys.Describe("", j.ID), us
		l.keep(*l.newest(), j.ID)

		return true
	case keys.Reused(l.records, l.pin, "") != nil:
		return false
	}

	return l.send(j.ID, outcome)
}

func (l *life) send(id keys.RotationID, outcome int) bool {
	hash := l.pin
	if hash == "" {
		hash = l.secret()
	}
	if outcome == killedAfter && !l.directory && l.state && l.known.Ours.Unconfirmed == id.String() {
		// Private state knows a hash of an earlier attempt, and a killed run can't add its own:
		// only the directory keeps both.
		outcome = lostAfter
	}
	attempt := l.attempts[id.String()]
	attempt.Hashes = append(slices.Clone(attempt.Hashes), hash)
	l.attempts[id.String()] = attempt
	switch outcome {
	case refused, killedBefore:
		return false
	case lostBefore, lostAfter:
		if l.state {
			l.known.Ours.Unconfirmed, l.known.Ours.UnconfirmedHash = id.String(), hash
		}
	}
	if outcome == lostBefore {
		return false
	}
	r := l.post(id, hash)
	if outcome != succeeds {
		return false
	}
	l.keep(r, id)
	if want := l.evidence().Users; !slices.Contains(want, r.CreatedBy) {
		l.t.Fatalf("%s is not ours", r)
	}

	return true
}

// outside draws something that somebody else does.
func (l *life) outside() {
	t := l.t
	copied := func(writer string) string {
		in := l.inputs
		if rapid.Bool().Draw(t, "of version 0") {
			in.Organization = ""
		}
		absurd := []int64{nines}
		if writer != us {
			absurd = append(absurd, 10_000_000, 10_000_001)
		}
		counter := rapid.OneOf(rapid.Int64Range(0, 9), rapid.SampledFrom(absurd)).Draw(t, "copied counter")

		return "copied " + marked(in, counter)
	}
	switch rapid.IntRange(0, 5).Draw(t, "outside") {
	case 0:
		l.add(keys.SourceHSM, "", "made in Setup", themself)
	case 1:
		writer := rapid.SampledFrom([]string{us, themself}).Draw(t, "writer")
		l.add(keys.SourceHSM, "", copied(writer), writer)
	case 2:
		l.add(keys.SourceUploaded, l.secret(), copied(themself), themself)
	case 3:
		if len(l.records) > 0 && l.directory {
			r := &l.records[rapid.IntRange(0, len(l.records)-1).Draw(t, "edited")]
			r.Description, r.LastModifiedBy = rapid.SampledFrom([]string{
				"edited " + r.Description, copied(themself),
				"",
			}).Draw(t, "text"), themself
		}
	}
}

// A lineage lives through any mix of changes, ages, outside rotations, copied and typed markers,
// stale plans, lost replies, failed and killed runs, lost and restored states. Whatever happens, a
// rotation id stands for one key of ours only, an apply that has ended leaves a plan without a
// rotation, and with the faults over the lineage settles.
func TestNoRotationIDReturnsAndEveryApplySettles(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		l := &life{
			t: t, now: noon, inputs: ours(), posted: map[string]keys.RotationID{}, attempts: map[string]keys.Attempt{},
			directory: rapid.Bool().Draw(t, "directory"),
		}
		switch rapid.IntRange(0, 2).Draw(t, "start") {
		case 1: // a state of version 0
			id := keys.RotationID{
				Fingerprint: base().Fingerprint(),
				Counter:     rapid.SampledFrom([]int64{0, 3}).Draw(t, "old counter"),
			}
			r := l.post(id, l.secret())
			l.keep(r, id)
			l.known.Ours = keys.Ours{ID: r.ID, RotationID: id.String(), Source: r.Source}
		case 2: // an import
			r := l.add(keys.SourceUploaded, l.secret(), "made in Setup", themself)
			l.keep(r, keys.RotationID{})
			l.known.Ours.Imported, l.known.Seen.HighestCounter = true, -1
		}
		var backup *keys.Known
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			switch rapid.IntRange(0, 7).Draw(t, "event") {
			case 0:
				l.inputs.Triggers = map[string]*string{"n": new(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "trigger"))}
			case 1:
				l.outside()
			case 2:
				l.now = l.now.AddDate(0, 0, rapid.SampledFrom([]int{1, yearly}).Draw(t, "days"))
			case 3:
				l.pin = rapid.SampledFrom([]string{"", "", l.secret()}).Draw(t, "pin")
			case 4:
				if l.state && backup == nil {
					kept := l.known
					if !l.directory {
						// As for a killed run: a later attempt at this rotation may have had
						// another hash.
						kept.Ours.Unconfirmed, kept.Ours.UnconfirmedHash = "", ""
					}
					backup = &kept
				} else if backup != nil {
					l.known, l.state, backup = *backup, true, nil
				}
			case 5:
				if rapid.Bool().Draw(t, "the state is lost") {
					l.state = false
				}
			}
			between := func() {}
			if rapid.IntRange(0, 3).Draw(t, "between plan and apply") == 0 {
				between = l.outside
			}
			outcome := rapid.IntRange(succeeds, killedAfter).Draw(t, "outcome")
			if l.apply(rapid.IntRange(0, 3).Draw(t, "stale") > 0, outcome, between) {
				l.refresh()
				// A record that a stale plan left or a create adopted may be due by its age alone.
				if again := l.decide(); again.Rotate && !slices.Equal(again.Reasons, []keys.Reason{keys.TooOld}) {
					t.Fatalf("the plan after an apply rotates: %v", again.Reasons)
				}
			}
		}

		l.pin = ""
		for range 3 {
			l.apply(true, succeeds, func() {})
		}
		l.refresh()
		if d := l.decide(); !l.state || d.Rotate {
			t.Fatalf("three applies without a fault do not settle: %v", d.Reasons)
		}
	})
}

// scene is any wish over any org, from few values, so they often meet.
type scene struct {
	wanted   keys.Wanted
	inputs   keys.Inputs
	evidence keys.Evidence
	records  []keys.Record
}

func drawScene(t *rapid.T) scene {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	in := rapid.SampledFrom([]keys.Inputs{ours(), remote(), fromSalesforce(ours())}).Draw(t, "inputs")
	w := wantedBy(in)
	w.PinnedHash, w.Asked = pick("pin", "", "", "", ourHash, otherHash), rapid.Bool().Draw(t, "asked")
	w.KeyDerivationMode = pick("wanted mode", keys.DerivationPBKDF2, keys.DerivationNone, "")
	if w.Hashless = rapid.IntRange(0, 3).Draw(t, "kind") == 0; w.Hashless {
		w.Unmarked = rapid.Bool().Draw(t, "unmarked")
	}
	w.Destruction = keys.Destruction{
		Allowed: rapid.Bool().Draw(t, "allowed"),
		Quorum:  rapid.IntRange(0, 5).Draw(t, "quorum") == 0,
	}
	counter := rapid.Custom(func(t *rapid.T) int64 {
		return rapid.OneOf(rapid.Int64Range(0, 4), rapid.SampledFrom([]int64{20_000_000, nines})).Draw(t, "counter")
	})
	if rapid.Bool().Draw(t, "update") {
		w.RotationID = keys.RotationID{Fingerprint: w.Fingerprint, Counter: counter.Draw(t, "planned")}
	} else {
		w.Asked = true
	}

	var records []keys.Record
	for n := range rapid.IntRange(0, 5).Draw(t, "records") {
		r := record(int64(n)*2+1, hasHash(pick("hash", "", ourHash, otherHash)), writtenBy(pick("writer", us, themself, "")))
		r.Source = pick("source", in.Source, keys.SourceUploaded, keys.SourceHSM, keys.SourceRemote)
		r.KeyDerivationMode = pick("mode", keys.DerivationPBKDF2, keys.DerivationNone, "")
		r.RemoteKeyIdentifier = pick("identifier", "", "key/1", "key/2")
		r.Type = pick("type", keys.TypeData, keys.TypeData, keys.TypeData, keys.TypeEventBus)
		r.Status = pick("status", keys.StatusArchived, keys.StatusDestroyed, keys.StatusActive)
		fingerprint := rapid.SampledFrom([]keys.Inputs{in, in, changed(), base()}).Draw(t, "marker").Fingerprint()
		if rapid.IntRange(0, 4).Draw(t, "described") > 0 {
			r.Description = keys.Describe("", keys.RotationID{
				Fingerprint: fingerprint,
				Counter:     counter.Draw(t, "counter of a marker"),
			})
		}
		records = append(records, r)
	}

	e := evidence()
	if len(records) > 0 && !w.Create() && rapid.Bool().Draw(t, "known") {
		r := rapid.SampledFrom(records).Draw(t, "ours")
		e.Ours = keys.Ours{ID: r.ID, Version: r.Version, Source: r.Source, Hash: r.Hash}
		e.Ours.RotationID = rapid.SampledFrom([]string{r.Marker().String(), w.RotationID.String(), idOf(in, 2)}).Draw(t,
			"our rotation")
	}
	for range rapid.IntRange(0, 3).Draw(t, "attempts") {
		attempt := keys.Attempt{
			Hashes:  rapid.SliceOfN(rapid.SampledFrom([]string{"", ourHash, otherHash}), 0, 2).Draw(t, "hashes"),
			Since:   noon.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "since")) * time.Minute),
			Version: rapid.Int64Range(0, 9).Draw(t, "version"),
		}
		if rapid.Bool().Draw(t, "left") {
			attempt.Left = attempt.Since
		}
		e.Attempts[idOf(in, counter.Draw(t, "attempt"))] = attempt
	}

	return scene{wanted: w, inputs: in, evidence: e, records: records}
}

// proven says in the words of the contract whether a record answers the rotation id.
func (s scene) proven(r keys.Record, id keys.RotationID) bool {
	w, e := s.wanted, s.evidence
	attempt, attempted := e.Attempts[id.String()]
	is := r.ID == e.Ours.ID
	carries := r.Marker() == id
	if w.Create() && carries && id.Counter > 10_000_000 {
		// Nobody counts that far: the marker was typed.
		carries, attempt, attempted = false, keys.Attempt{}, false
	}
	asPinned := w.PinnedHash != "" && r.Hash == w.PinnedHash
	sent := r.Hash != "" && slices.Contains(attempt.Hashes, r.Hash)
	byUs := r.LastModifiedBy == us
	asConfigured := r.Source == w.Source
	if w.Source == keys.SourceRemote {
		asConfigured = asConfigured && r.RemoteKeyIdentifier == w.RemoteKeyIdentifier
	} else {
		asConfigured = asConfigured && (r.KeyDerivationMode == w.KeyDerivationMode || r.KeyDerivationMode == "" ||
			w.KeyDerivationMode == "")
	}
	switch {
	case asPinned && r.Source == w.Source:
		return true
	case is:
		return e.Ours.RotationID == id.String()
	case w.Hashless && w.Unmarked && !w.Create() && !carries:
		return attempted && r.Version > attempt.Version && r.Version > e.Ours.Version && !attempt.Left.IsZero() &&
			!r.CreatedDate.Before(attempt.Left)
	case w.Hashless:
		return carries && attempted && r.Version > attempt.Version && r.Version > e.Ours.Version
	case w.PinnedHash != "":
		return carries && asPinned
	case len(attempt.Hashes) > 0:
		return sent
	default:
		return carries && byUs && asConfigured
	}
}

// A record is adopted if and only if it is the one in use and has a proof, and a key is made only
// if it has none.
func TestWhatFailsEveryProofIsNeverAdopted(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		j := keys.Judge(s.wanted, s.evidence, s.records)
		current, used := keys.Current(s.records, s.wanted.Type)
		id := j.ID
		if marker := current.Marker(); s.wanted.Create() && marker.Fingerprint == s.wanted.Fingerprint &&
			marker.Counter <= 10_000_000 {
			id = marker
		}
		proven := used && s.proven(current, id)
		switch {
		case j.Action == keys.Adopt && !proven:
			t.Fatalf("%+v was adopted as %s without a proof", j.Record, j.ID)
		case j.Action == keys.Adopt && (j.Record != current || j.Proof == 0 || j.Refusal != nil):
			t.Fatalf("adopted %+v by %d, in use is %+v", j.Record, j.Proof, current)
		case j.Action == keys.Make && proven:
			t.Fatalf("%+v has a proof, and another key is made as %s", current, j.ID)
		case j.Action != keys.Adopt && (j.Proof != 0 || j.Record != keys.Record{}):
			t.Fatalf("%+v is named without being adopted", j.Record)
		}
		for _, r := range j.Foreign {
			if s.proven(r, r.Marker()) || r.Type != s.wanted.Type || r.Marker().Fingerprint != s.wanted.Fingerprint {
				t.Fatalf("%+v is called foreign", r)
			}
		}
		if !s.wanted.Create() && j.ID != s.wanted.RotationID {
			t.Fatalf("an update under %s was planned as %s", j.ID, s.wanted.RotationID)
		}
		if j.Refusal != nil {
			terse(t, j.Refusal)
		}
	})
}

func TestJudgeIsIndependentOfTheOrderOfRecords(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		text := func(j keys.Judgement) string {
			refusal := fmt.Sprint(j.Refusal)
			j.Refusal = nil

			return fmt.Sprintf("%+v %s", j, refusal)
		}
		want := text(keys.Judge(s.wanted, s.evidence, s.records))
		for range 3 {
			if got := text(keys.Judge(s.wanted, s.evidence, rapid.Permutation(s.records).Draw(t, "order"))); got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
		}
		sent := keys.Sent{ID: s.wanted.RotationID, Before: rapid.Int64Range(0, 5).Draw(t, "before")}
		first, found := s.wanted.Answer(sent, nil, s.records)
		if got, ok := s.wanted.Answer(sent, nil, rapid.Permutation(s.records).Draw(t, "order")); ok != found || got != first {
			t.Fatalf("the answer is %s or %s", first, got)
		}
	})
}

// What Decide calls settled, Judge does not make, and what Judge adopts on create, Decide calls
// settled.
func TestDecideAndJudgeAgree(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		s.wanted.Hashless, s.wanted.Unmarked, s.wanted.KeyDerivationMode = false, false, s.inputs.KeyDerivationMode
		current, used := keys.Current(s.records, s.wanted.Type)
		if !used {
			return
		}
		want := keys.Desired{Inputs: s.inputs, PinnedHash: s.wanted.PinnedHash, Destruction: s.wanted.Destruction}
		known := keys.Known{
			ActiveID: current.ID, Status: current.Status, Hash: current.Hash, Source: current.Source,
			KeyDerivationMode: current.KeyDerivationMode,
			Ours:              s.evidence.Ours, Seen: keys.Observe(current, s.records, noon, s.evidence.Trusted),
		}
		if d := keys.Decide(want, known); !d.Rotate && !d.Keep {
			w := s.wanted
			w.RotationID = d.RotationID
			// The pin of a record that reads another derivation stays a matter of Judge.
			if j := keys.Judge(w, s.evidence, s.records); j.Action == keys.Make {
				t.Fatalf("%s is settled as %s, and a key is made: %+v", current, d.RotationID, j)
			}
		}

		w := s.wanted
		w.RotationID, w.Asked = keys.RotationID{}, true
		s.evidence.Ours = keys.Ours{}
		j := keys.Judge(w, s.evidence, s.records)
		if j.Action != keys.Adopt {
			return
		}
		known.Ours = keys.Ours{
			ID: j.Record.ID, RotationID: j.ID.String(), Version: j.Record.Version, Source: j.Record.Source,
			Requests: s.inputs.Requests(),
		}
		known.Seen = keys.Observe(current, s.records, noon, s.evidence.Trusted)
		if d := keys.Decide(want, known); d.Rotate || d.Keep || d.RotationID != j.ID {
			t.Fatalf("%s was adopted as %s, and the next plan is %+v", j.Record, j.ID, d)
		}
	})
}
