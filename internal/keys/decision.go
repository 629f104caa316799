package keys

import (
	"slices"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

// Reason says why a plan rotates.
type Reason int

// The reasons for a rotation, in the order in which they are reported.
const (
	// InputsChanged: an input that means "a new key" differs from the one that the current key was
	// made for.
	InputsChanged Reason = iota + 1
	// ReplacedOutside: another record is ACTIVE than the one that the last apply left.
	ReplacedOutside
	// PinnedHashDiffers: the configured secret_value_hash is not the hash of the ACTIVE record.
	PinnedHashDiffers
	// SourceDiffers: an imported record has another Source than configured.
	SourceDiffers
	// DerivationDiffers: an imported record has another KeyDerivationMode than configured.
	DerivationDiffers
	// TooOld: the ACTIVE record has reached rotate_after_days.
	TooOld
)

// String names the reason in words that complete "…, so a new key is made".
func (r Reason) String() string {
	switch r {
	case InputsChanged:
		return "an input that asks for a new key has changed"
	case ReplacedOutside:
		return "another record was made ACTIVE outside this configuration"
	case PinnedHashDiffers:
		return "the pinned secret_value_hash is not the hash of the ACTIVE record"
	case SourceDiffers:
		return "the imported record has another source than configured"
	case DerivationDiffers:
		return "the imported record has another key_derivation_mode than configured"
	case TooOld:
		return "the ACTIVE record has reached rotate_after_days"
	default:
		return "no reason"
	}
}

// Asked reports whether somebody asks for a new key. Age and drift come by themselves.
func (r Reason) Asked() bool { return r != ReplacedOutside && r != TooOld }

// AnyAsked reports whether one of the reasons is [Reason.Asked].
func AnyAsked(reasons []Reason) bool { return slices.ContainsFunc(reasons, Reason.Asked) }

// Ours is what create and update remember about the record they left behind. It is stored in
// private state and written by nobody else, so that a refresh, which follows whatever is ACTIVE in
// the org, cannot move it. States of version 0 have the first five fields.
type Ours struct {
	// ID is the record that is ours, of 18 characters. It is "" after an upload of a kind without ids
	// in replies that could not be read back: Version is then the newest version before it.
	ID string `json:"id"`
	// RotationID is the rotation that this record answers, "" for an imported record without a marker.
	RotationID string `json:"rotation_id,omitempty"`
	// Imported is true from an import until the first apply: the inputs that cannot be read back are
	// then taken as they are.
	Imported bool `json:"imported,omitempty"`
	// Unconfirmed is the rotation whose POST went out, at UnconfirmedSince and with UnconfirmedHash,
	// without an answer. The next apply looks for it with patience before it sends anything.
	Unconfirmed      string    `json:"unconfirmed,omitempty"`
	UnconfirmedSince time.Time `json:"unconfirmed_since,omitzero"`
	UnconfirmedHash  string    `json:"unconfirmed_hash,omitempty"`
	// UnconfirmedBefore are the hashes of earlier such POSTs of that rotation: each may still arrive.
	UnconfirmedBefore []string `json:"unconfirmed_before,omitempty"`
	// Version, Source and Hash are the record's.
	Version int64  `json:"version,omitempty"`
	Source  string `json:"source,omitempty"`
	Hash    string `json:"hash,omitempty"`
	// Requests is Inputs.Requests of the record's rotation.
	Requests string `json:"requests,omitempty"`
	// Users are the ids of those who have applied this resource.
	Users []string `json:"users,omitempty"`
}

// Unanswered returns what is to be remembered after a POST without an answer.
func (o Ours) Unanswered(id RotationID, since time.Time, hash string) Ours {
	if o.Unconfirmed != id.String() {
		o.UnconfirmedBefore = nil
	} else if o.UnconfirmedHash != "" {
		o.UnconfirmedBefore = append(slices.Clone(o.UnconfirmedBefore), o.UnconfirmedHash)
	}
	o.Unconfirmed, o.UnconfirmedSince, o.UnconfirmedHash = id.String(), since, hash

	return o
}

// UnconfirmedHashes are those of every POST of the unconfirmed rotation.
func (o Ours) UnconfirmedHashes() []string {
	if o.UnconfirmedHash == "" {
		return o.UnconfirmedBefore
	}

	return append(slices.Clone(o.UnconfirmedBefore), o.UnconfirmedHash)
}

// Late reports whether the records of a type come from a replica that lags behind: they lack the
// record that we know, or end before it. A record is never deleted, and versions only grow. The
// record of an upload that could not be read back is lacking until one can be claimed.
func (o Ours) Late(records []Record, typ string) bool {
	if o.ID == "" {
		current, _ := Current(records, typ)

		return o.RotationID != "" && o.Claim(current, records).Version <= o.Version
	}
	last, _ := Newest(records, typ)
	_, found := Find(records, o.ID)

	return !found || last.Version < o.Version
}

// Claim returns the record of an upload that could not be read back, among records that are not
// [Ours.Late]: the newest with its marker, in an org without Descriptions the one in use.
func (o Ours) Claim(current Record, records []Record) Record {
	if r, ok := newest(records, func(r Record) bool {
		return r.Type == current.Type && r.Version > o.Version && r.Marker().String() == o.RotationID
	}); ok {
		return r
	}

	return current
}

// Observation is what the last refresh saw. It is stored in private state, written by read (and
// reset by create and update), because the planner may use no clock.
type Observation struct {
	// AgeDays is the number of whole days between the CreatedDate of the ACTIVE record and the
	// server's clock.
	AgeDays int64 `json:"age_days,omitempty"`
	// ActiveMarker is the rotation id that the ACTIVE record carries, if it is credible: see Trusted.
	ActiveMarker string `json:"active_marker,omitempty"`
	// HighestCounter is the highest counter among the credible markers of the type, -1 if there is
	// none.
	HighestCounter int64 `json:"highest_counter"`
	// Late is true if the org answered from a replica that lags behind, so the state was kept.
	Late bool `json:"late,omitempty"`
}

// Observe returns what the planner may use of a refresh that found the record in use among the
// records of its type, at the org's time. trusted judges the markers.
func Observe(current Record, records []Record, now time.Time, trusted func(Record) bool) Observation {
	seen := Observation{
		AgeDays:        AgeDays(current.CreatedDate, now),
		HighestCounter: HighestCounter(OfType(records, current.Type), trusted),
	}
	if trusted(current) {
		seen.ActiveMarker = current.Marker().String()
	}

	return seen
}

// HighestCounter returns the highest counter among the markers of records that are trusted, -1 if
// there is none. A marker that somebody else may have written never raises it, nor does one that
// lies absurdly far above the next lower one.
func HighestCounter(records []Record, trusted func(Record) bool) int64 {
	var counters []int64
	for _, r := range records {
		if id := r.Marker(); !id.IsZero() && trusted(r) {
			counters = append(counters, id.Counter)
		}
	}
	slices.Sort(counters)
	highest := int64(-1)
	for _, counter := range counters {
		if counter-max(highest, 0) > credibleStep {
			break
		}
		highest = counter
	}

	return highest
}

// Desired is what the configuration asks for.
type Desired struct {
	Inputs Inputs
	// PinnedHash is the configured secret_value_hash, "" without one.
	PinnedHash string
	// RotateAfterDays is the configured age, 0 without one.
	RotateAfterDays int64
	Destruction     Destruction
}

// Destruction is what the provider block says about making data unreadable.
type Destruction struct {
	// Allowed is allow_key_destruction.
	Allowed bool
	// Undecided is true at a plan that does not know allow_key_destruction yet.
	Undecided bool
	// Quorum is true if destruction_approvers are configured.
	Quorum bool
}

// Known is the prior state: the attributes of the ACTIVE record as last refreshed, and both parts
// of private state.
type Known struct {
	ActiveID          string
	Status            string
	Hash              string
	Source            string
	KeyDerivationMode string
	Ours              Ours
	Seen              Observation
}

// Decision is the outcome for an update.
type Decision struct {
	// Rotate is true when a new key is wanted, for Reasons.
	Rotate  bool
	Reasons []Reason
	// RotationID is the id that the record carries after the apply.
	RotationID RotationID
	// Keep is true if nothing may be sent, whatever else differs.
	Keep bool
	// Warnings say what is due and not done.
	Warnings []*problem.Problem
	// Refusal is not nil if the wish can't be carried out.
	Refusal *problem.Problem
}

// Decide is the heart of the planner: a pure function of configuration, prior state and private
// state.
func Decide(want Desired, known Known) Decision {
	ours, marked := ParseRotationID(known.Ours.RotationID)
	current := marked && want.Inputs.stands(ours.Fingerprint)
	d := Decision{Reasons: reasons(want, known, current)}
	if followsOrg(want, known) {
		d.heldBySource(want, known, ours)

		return d
	}
	d.heldByPin(want, known)
	d.heldByStatus(want, known)

	d.Rotate = len(d.Reasons) > 0
	if !d.Rotate && (current || d.Keep) {
		d.RotationID = ours

		return d
	}
	d.RotationID = RotationID{
		Fingerprint: want.Inputs.Fingerprint(),
		Counter:     max(known.Seen.HighestCounter, ours.Counter) + 1,
	}
	if !marked {
		d.RotationID.Counter = known.Seen.HighestCounter + 1
	}
	if d.Rotate {
		d.resume(want, known, ours, marked)
	}

	return d
}

// resume takes the id of an attempt that is under way instead of a new one: a run that was cut off
// after its POST, or a state restored from a backup, then finds its own record and adopts it
// instead of uploading again. The record of such an attempt is not wanted if it fails another wish:
// it would be adopted and rotated away at the next plan.
func (d *Decision) resume(want Desired, known Known, ours RotationID, marked bool) {
	later := func(text string) (RotationID, bool) {
		id, ok := ParseRotationID(text)

		return id, ok && want.Inputs.stands(id.Fingerprint) && (!marked || id.Counter > ours.Counter)
	}
	// An attempt whose record has been seen is no longer open: that record is in use, see below, or
	// archived.
	if sent, ok := later(known.Ours.Unconfirmed); ok && sent.Counter > known.Seen.HighestCounter {
		d.RotationID = sent
		if want.PinnedHash != "" && !slices.Contains(known.Ours.UnconfirmedHashes(), want.PinnedHash) {
			// Its record may still come, with a key that is no longer wanted.
			d.RotationID = RotationID{Fingerprint: want.Inputs.Fingerprint(), Counter: sent.Counter + 1}
		}
	}
	if slices.Contains(d.Reasons, PinnedHashDiffers) || slices.Contains(d.Reasons, TooOld) ||
		known.ActiveID == known.Ours.ID || (known.Source != "" && known.Source != want.Inputs.Source) {
		return
	}
	if active, ok := later(known.Seen.ActiveMarker); ok &&
		(active.Counter <= known.Seen.HighestCounter || active.Counter-ours.Counter <= credibleStep) {
		d.RotationID = active
	}
}

// reasons lists what speaks for a rotation. current is true if the rotation that we remember stands
// for the inputs.
func reasons(want Desired, known Known, current bool) []Reason {
	var list []Reason
	if !known.Ours.Imported && !current {
		list = append(list, InputsChanged)
	}
	if known.ActiveID != known.Ours.ID {
		list = append(list, ReplacedOutside)
	}
	if want.PinnedHash != "" && want.PinnedHash != known.Hash {
		list = append(list, PinnedHashDiffers)
	}
	if known.Ours.Imported {
		// Only an imported record is compared: for one that we made, the fingerprint already knows what
		// it was made with, and a field that reads back otherwise than it was sent must never rotate at
		// every plan.
		if known.Source != "" && known.Source != want.Inputs.Source {
			list = append(list, SourceDiffers)
		}
		// Of a cache-only key no derivation mode is ever sent, and what it reads back is not documented.
		if known.KeyDerivationMode != "" && known.KeyDerivationMode != want.Inputs.KeyDerivationMode &&
			want.Inputs.Source != SourceRemote {
			list = append(list, DerivationDiffers)
		}
	}
	if want.RotateAfterDays > 0 && known.Seen.AgeDays >= want.RotateAfterDays {
		list = append(list, TooOld)
	}

	return list
}

// followsOrg reports whether the planned source is not the configured one but that of the org:
// under ignore_changes the core shows the refreshed value as the configuration.
func followsOrg(want Desired, known Known) bool {
	return known.Ours.Source != "" && known.Ours.Source != SourceHSM && known.Source == SourceHSM &&
		want.Inputs.Source == SourceHSM
}

// heldBySource keeps a key that Salesforce made in place of ours: asking for another of
// Salesforce's is not what was configured.
func (d *Decision) heldBySource(want Desired, known Known, ours RotationID) {
	d.Keep, d.RotationID = true, ours
	if requested(want.Inputs, known.Ours, ours) {
		d.Refusal = problem.New("source", "The configured source is hidden by ignore_changes",
			"Salesforce made the ACTIVE key; the last key of this configuration was %s. A new key is due, but ignore_changes "+
				"hides which source it should have. Nothing was sent. Take source out of ignore_changes and plan again. If HSM "+
				"is meant, remove the key from state and import it.",
			known.Ours.Source)
	} else {
		d.Warnings = append(d.Warnings, problem.New("source", "A key made by Salesforce is in use",
			"The last key of this configuration was %s. Since then Salesforce has made record %s, and the plan follows it, as "+
				"under ignore_changes. Nothing is planned. For keys of your own, take source out of ignore_changes. To stay with "+
				"HSM, remove the key from state and import it.",
			known.Ours.Source, known.ActiveID))
	}
	d.Reasons = nil
}

// requested reports whether triggers or material version have changed since our last key.
func requested(in Inputs, last Ours, id RotationID) bool {
	if last.Imported {
		// What an import can't read back is taken as it is.
		return false
	}
	if last.Requests != "" {
		return last.Requests != in.Requests()
	}
	// A state of version 0 remembers the whole fingerprint alone.
	in.Source = last.Source
	for _, mode := range []string{DerivationPBKDF2, DerivationNone} {
		if in.KeyDerivationMode = mode; in.stands(id.Fingerprint) {
			return false
		}
	}

	return true
}

// heldByPin keeps a key that is due by age but pinned: no other key may take its place.
func (d *Decision) heldByPin(want Desired, known Known) {
	if want.PinnedHash == "" || want.PinnedHash != known.Hash || !slices.Contains(d.Reasons, TooOld) {
		return
	}
	d.Reasons = slices.DeleteFunc(d.Reasons, func(r Reason) bool { return r == TooOld })
	d.Warnings = append(d.Warnings, problem.New("rotate_after_days", "A pinned key is due for rotation",
		"The ACTIVE key is %d days old, but secret_value_hash pins it, so nothing is planned. To rotate, give new material "+
			"with its hash, or remove secret_value_hash.", known.Seen.AgeDays))
}

// heldByStatus keeps a cache-only key that reads DESTROYED: Salesforce may bring it back by itself,
// and a newer record would end that for good [D Help cache_considerations; ShieldREST: the most
// recent version only].
func (d *Decision) heldByStatus(want Desired, known Known) {
	if known.Source != SourceRemote || known.Status != StatusDestroyed || len(d.Reasons) == 0 {
		return
	}
	if !AnyAsked(d.Reasons) {
		// Somebody else's record is not marked as ours either.
		d.Keep, d.Reasons = slices.Contains(d.Reasons, ReplacedOutside), nil

		return
	}
	d.Refusal = OverDestroyed(known.ActiveID, want.Destruction)
}

// OverDestroyed refuses a new key over a cache-only record that is DESTROYED, unless destruction is
// allowed. It returns nil if it is.
func OverDestroyed(id string, allowed Destruction) *problem.Problem {
	const reads = "Cache-only record %s reads DESTROYED. A newer key ends Salesforce's retries and any way to make this " +
		"one ACTIVE again: its data is lost. "
	switch {
	case allowed.Quorum:
		return problem.New("source", "A destroyed cache-only key is in the way", reads+
			"With destruction_approvers this is refused. Nothing was sent. Make the record ACTIVE first "+
			"(salesforcebyok_tenant_secret_version), then rotate.", id)
	case !allowed.Allowed && !allowed.Undecided:
		return problem.New("source", "A destroyed cache-only key is in the way", reads+
			"Nothing was sent. Make the record ACTIVE first (salesforcebyok_tenant_secret_version), or set "+
			"allow_key_destruction = true in the provider block.", id)
	default:
		return nil
	}
}
