package keys

import (
	"cmp"
	"slices"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

// Wanted is one wanted key.
type Wanted struct {
	Type, Source string
	// KeyDerivationMode is "" for a kind of key that has none.
	KeyDerivationMode string
	// RemoteKeyIdentifier is for REMOTE.
	RemoteKeyIdentifier string
	// Fingerprint is that of the inputs, see Inputs.
	Fingerprint string
	// RotationID is the planned id of an update. It is zero on create, when the org decides: a record
	// whose marker has Fingerprint is adopted with its own id, else the id goes on after the highest
	// marker of the type.
	RotationID RotationID
	// PinnedHash is the wanted hash, "" for none.
	PinnedHash string
	// Asked is true on create, and on an update that somebody asks for; age and drift come by
	// themselves.
	Asked bool
	// Hashless is true for a kind of key whose hash Salesforce does not keep.
	Hashless bool
	// Unmarked is true for a kind of key whose Description this org does not keep.
	Unmarked    bool
	Destruction Destruction
}

// Create reports whether the key is the first of a lineage.
func (w Wanted) Create() bool { return w.RotationID.IsZero() }

// Next returns the rotation that a new key would be made for over the records of the type: the
// planned one, on create the next one after the highest marker of ours.
func (w Wanted) Next(e Evidence, records []Record) RotationID {
	if !w.Create() {
		return w.RotationID
	}

	return RotationID{Fingerprint: w.Fingerprint, Counter: HighestCounter(records, func(r Record) bool {
		_, ours := w.proof(e, r, RotationID{})

		return ours || e.Trusted(r)
	}) + 1}
}

// Attempt is a rotation that was sent, or was about to be, by an earlier run.
type Attempt struct {
	// Hashes are the SecretValueHashes that were to be sent, none if they are not known: a rotation
	// that was refused and tried again has several.
	Hashes []string
	// Since is when the first was, by the org's clock.
	Since time.Time
	// Version is the newest version of the type before it, 0 if it is not known.
	Version int64
	// Left is when the first POST left; zero if none did, and so no record is to be expected. One that
	// was refused counts: what refused it may not have been Salesforce.
	Left time.Time
}

// sent reports whether the attempt had this hash.
func (a Attempt) sent(hash string) bool { return hash != "" && slices.Contains(a.Hashes, hash) }

// Evidence is what we know of earlier runs, besides the org.
type Evidence struct {
	// Ours is what the last apply left, zero on create.
	Ours Ours
	// Users are the session's user and those whom private state remembers.
	Users []string
	// Attempts are the attempts that private state or the escrow directory remember, by rotation id.
	Attempts map[string]Attempt
}

// Attempt returns the attempt of a rotation.
func (e Evidence) Attempt(id RotationID) (Attempt, bool) {
	attempt, ok := e.Attempts[id.String()]

	return attempt, ok
}

// WithUser adds the session's user to the evidence, which is asked only if the writer of a marker
// is in doubt.
func (e Evidence) WithUser(records []Record, user func() string) Evidence {
	if slices.ContainsFunc(records, func(r Record) bool { return !r.Marker().IsZero() && !e.Trusted(r) }) {
		if id := user(); id != "" {
			e.Users = append(slices.Clone(e.Users), id)
		}
	}

	return e
}

// Trusted reports whether the marker in the record's Description is ours: one of ours was the last
// to write it, or it is what we left on our own record, or the record has a hash that its rotation
// was sent with or, if it is of a kind without, came after an attempt.
func (e Evidence) Trusted(r Record) bool {
	marker := r.Marker()
	if attempt, ok := e.Attempt(marker); ok && (attempt.sent(r.Hash) ||
		(r.Type == TypeDataKey && r.Version > attempt.Version)) {
		return true
	}

	return e.wroteLast(r) || (r.Is(e.Ours.ID) && marker.String() == e.Ours.RotationID)
}

// Observe is [Observe] with all the evidence there is. A marker in use that was sent with other
// hashes is no rotation to go on with, although it raises the counter.
func (e Evidence) Observe(current Record, records []Record, now time.Time) Observation {
	seen := Observe(current, records, now, e.Trusted)
	if attempt, _ := e.Attempt(current.Marker()); current.Type != TypeDataKey && len(attempt.Hashes) > 0 &&
		!attempt.sent(current.Hash) {
		seen.ActiveMarker = ""
	}

	return seen
}

// wroteLast reports whether one of ours was the last to write the record.
func (e Evidence) wroteLast(r Record) bool {
	return r.LastModifiedBy != "" && slices.Contains(e.Users, r.LastModifiedBy)
}

// Action is what has to be done for a wanted key.
type Action int

// The actions.
const (
	// Make makes a new key.
	Make Action = iota + 1
	// Adopt takes an existing record as this rotation's.
	Adopt
	// Refuse does nothing.
	Refuse
)

// Proof is why an existing record is this rotation's.
type Proof int

// The proofs.
const (
	// ByPinnedHash: the record has the pinned hash.
	ByPinnedHash Proof = iota + 1
	// ByHash: the record has the hash that this rotation was sent with.
	ByHash
	// ByAttempt: the record came after an attempt of ours, by the org's clock. For a kind of key
	// without a hash.
	ByAttempt
	// ByWriter: the record carries the marker, one of ours was the last to write it, and it is as
	// configured.
	ByWriter
	// ByState: private state has the record as this very rotation's.
	ByState
)

// Judgement is what becomes of a wanted key, over the records of one reading.
type Judgement struct {
	Action Action
	// ID is the rotation: the planned one, that of the adopted record or, on create, the next one.
	ID RotationID
	// Record is the record to adopt.
	Record Record
	Proof  Proof
	// Current is the record that a new key takes the place of, if HasCurrent.
	Current    Record
	HasCurrent bool
	// Foreign are the records that carry this rotation's marker without proof that they are ours.
	Foreign []Record
	// Refusal says why nothing is done.
	Refusal *problem.Problem
}

// summaryMovedOn is the summary of every refusal that a new plan answers.
const summaryMovedOn = "The org has moved on since the plan"

// Judge decides whether a wanted key is there already, must be made, or can't be. A plan and its
// apply ask it alike, each with the reading that it is to decide on.
func Judge(w Wanted, e Evidence, records []Record) Judgement {
	// The order of the records means nothing.
	records = OfType(records, w.Type)
	slices.SortFunc(records, func(a, b Record) int { return cmp.Compare(a.Version, b.Version) })
	j := Judgement{Action: Make, ID: w.Next(e, records)}
	j.Current, j.HasCurrent = Current(records, w.Type)
	if j.HasCurrent {
		if proof, ours := w.proof(e, j.Current, j.ID); ours {
			return w.adopt(j, proof)
		}
	}
	unpinned := w
	unpinned.PinnedHash = ""
	for _, r := range records {
		if !w.marked(r, j.ID) || r.Is(e.Ours.ID) {
			continue
		}
		_, ours := unpinned.proof(e, r, r.Marker())
		_, asPinned := w.proof(e, r, r.Marker())
		if ours && !w.Create() {
			// Posting once more would give a second record the same id, and no later run could distinguish
			// the two.
			return j.refuse(problem.New("", summaryMovedOn,
				"Record %s already answers rotation %s, but it is no longer in use or is not the pinned key. Nothing was sent. "+
					"Plan again with a refresh: the next plan takes a later id.", r, j.ID))
		} else if !ours && !asPinned {
			j.Foreign = append(j.Foreign, r)
		}
	}
	if j.HasCurrent && j.Current.Lost() {
		switch {
		case !w.Asked:
			return j.refuse(problem.New("", summaryMovedOn,
				"Cache-only record %s has become DESTROYED, and a newer key would end any way to make it ACTIVE again. Nothing "+
					"was sent. Plan again.", j.Current))
		case OverDestroyed(j.Current.ID, w.Destruction) != nil:
			return j.refuse(OverDestroyed(j.Current.ID, w.Destruction))
		}
	}

	return j
}

func (j Judgement) refuse(p *problem.Problem) Judgement {
	j.Action, j.Refusal = Refuse, p

	return j
}

// adopt takes the current record, unless it was made in another way than it is wanted.
func (w Wanted) adopt(j Judgement, proof Proof) Judgement {
	if marker := j.Current.Marker(); w.marked(j.Current, j.ID) {
		j.ID = marker
	}
	mode := j.Current.KeyDerivationMode
	if proof <= ByHash && w.Source != SourceRemote && w.KeyDerivationMode != "" && mode != "" &&
		mode != w.KeyDerivationMode {
		return j.refuse(problem.New("key_derivation_mode", "The key exists with another derivation mode",
			"Record %s has this key with key_derivation_mode %s, expected %s. A record's mode can't "+
				"change, and Salesforce takes a secret only once. Nothing was sent. Set key_derivation_mode = %q, or give other "+
				"material and its hash.", j.Current, mode, w.KeyDerivationMode, mode))
	}
	j.Action, j.Record, j.Proof = Adopt, j.Current, proof

	return j
}

// marked reports whether a record carries the marker of this rotation: on create that of the same
// inputs, with any counter that is credible.
func (w Wanted) marked(r Record, id RotationID) bool {
	marker := r.Marker()
	if w.Create() {
		return !marker.IsZero() && marker.Fingerprint == w.Fingerprint && marker.Counter-id.Counter <= credibleStep
	}

	return marker == id
}

// proof decides whether a record is this rotation's.
func (w Wanted) proof(e Evidence, r Record, id RotationID) (Proof, bool) {
	if w.PinnedHash != "" && r.Hash == w.PinnedHash && r.Source == w.Source {
		return ByPinnedHash, true
	}
	if r.Is(e.Ours.ID) {
		// It is ours already: it answers the rotation that we remember, and no other.
		return ByState, !id.IsZero() && id.String() == e.Ours.RotationID
	}
	marked := w.marked(r, id)
	if marked {
		id = r.Marker()
	}
	attempt, attempted := e.Attempt(id)
	if w.Hashless {
		// Without a Description only an update that remembers an attempt can know its key.
		known := marked || (w.Unmarked && !w.Create() && !attempt.Left.IsZero() && !r.CreatedDate.Before(attempt.Left))

		return ByAttempt, known && attempted && r.Version > max(e.Ours.Version, attempt.Version)
	}
	if !marked {
		// Somebody may have edited the Description of a record since its run was cut off.
		return ByHash, w.PinnedHash == "" && attempt.sent(r.Hash)
	}
	hashes := attempt.Hashes
	if w.PinnedHash != "" {
		hashes = []string{w.PinnedHash}
	}
	if len(hashes) > 0 {
		return ByHash, r.Hash != "" && slices.Contains(hashes, r.Hash)
	}

	return ByWriter, e.wroteLast(r) && w.fits(r)
}

// fits reports whether a record has been made as wanted.
func (w Wanted) fits(r Record) bool {
	if r.Source != w.Source {
		return false
	}
	if w.Source == SourceRemote {
		return r.RemoteKeyIdentifier == w.RemoteKeyIdentifier
	}

	return r.KeyDerivationMode == "" || w.KeyDerivationMode == "" || r.KeyDerivationMode == w.KeyDerivationMode
}

// Sent is a key whose POST went out.
type Sent struct {
	ID RotationID
	// Hash is the SecretValueHash that was sent, "" if Salesforce makes the key or keeps no hash.
	Hash string
	// Before is the newest version of the type before the POST.
	Before int64
}

// Answer finds the record that a POST has made. A record from before it is none, whatever it
// carries, and of several the first is: a copy of its marker comes later. A marker without a hash
// counts if one of users wrote it last, unless nobody knows who we are.
func (w Wanted) Answer(sent Sent, users []string, records []Record) (Record, bool) {
	var found Record
	ok := false
	for _, r := range records {
		if w.answers(sent, users, r) && (!ok || r.Version < found.Version) {
			found, ok = r, true
		}
	}

	return found, ok
}

func (w Wanted) answers(sent Sent, users []string, r Record) bool {
	switch {
	case r.Type != w.Type || r.Version <= sent.Before:
		return false
	case w.Hashless && w.Unmarked:
		return r.Status == StatusActive
	case w.Hashless:
		// This kind of key shows no ids of users.
		return r.Marker() == sent.ID
	case sent.Hash != "":
		return r.Hash == sent.Hash
	default:
		return r.Marker() == sent.ID && r.Source == w.Source && (len(users) == 0 || slices.Contains(users, r.LastModifiedBy))
	}
}

// Reused refuses material that the org has seen: Salesforce takes a secret as a BYOK key only once
// [D Help security_pe_byok_generate_secret]. attribute is what gives the material.
func Reused(records []Record, hash, attribute string) *problem.Problem {
	i := slices.IndexFunc(records, func(r Record) bool { return hash != "" && r.Hash == hash })
	if i < 0 {
		return nil
	}
	next := "Give other material."
	if records[i].Status == StatusDestroyed {
		next = "To bring that key back, restore its record with salesforcebyok_tenant_secret_version; to rotate, give " +
			"other material."
	}

	return problem.New(attribute, "This key material was used before", "%s already has the hash %s, and "+
		"Salesforce accepts a secret only once. Nothing was sent. %s",
		records[i].Describe(), hash, next)
}
