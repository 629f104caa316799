package keys

import (
	"slices"
	"time"
)

// Reason says why a plan rotates.
type Reason int

// The reasons for a rotation, in the order in which they are reported.
const (
	// InputsChanged: an input that means "a new key" differs from the one that the current key was made for.
	InputsChanged Reason = iota + 1
	// ReplacedOutside: another record is ACTIVE than the one that the last apply left.
	ReplacedOutside
	// PinDiffers: the configured secret_value_hash is not the hash of the ACTIVE record.
	PinDiffers
	// SourceDiffers: an imported record has another Source than configured.
	SourceDiffers
	// DerivationDiffers: an imported record has another KeyDerivationMode than configured.
	DerivationDiffers
	// TooOld: the ACTIVE record has reached rotate_after_days.
	TooOld
)

// String names the reason in words that complete "the key is rotated because …".
func (r Reason) String() string {
	switch r {
	case InputsChanged:
		return "an input that asks for a new key has changed"
	case ReplacedOutside:
		return "another record was made ACTIVE outside this configuration"
	case PinDiffers:
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

// Ours is what create and update remember about the record they left behind. It is stored in private state and written by nobody
// else, so that a refresh, which follows whatever is ACTIVE in the org, cannot move it.
type Ours struct {
	// ID is the 18-character id of the TenantSecret that is ours.
	ID string `json:"id"`
	// RotationID is the rotation that this record answers, "" for an imported record without a marker.
	RotationID string `json:"rotation_id,omitempty"`
	// Imported is true from an import until the first apply: the inputs that cannot be read back are then taken as they are.
	Imported bool `json:"imported,omitempty"`
	// Unconfirmed is the rotation whose POST went out, at UnconfirmedSince, without an answer. The next apply looks for it with
	// patience before it sends anything.
	Unconfirmed      string    `json:"unconfirmed,omitempty"`
	UnconfirmedSince time.Time `json:"unconfirmed_since,omitzero"`
}

// Observation is what the last refresh saw. It is stored in private state, written by read (and reset by create and update), because
// the planner may use no clock and no network.
type Observation struct {
	// AgeDays is the number of whole days between the CreatedDate of the ACTIVE record and the server's clock.
	AgeDays int64 `json:"age_days,omitempty"`
	// ActiveMarker is the rotation id that the ACTIVE record carries, "" without a marker.
	ActiveMarker string `json:"active_marker,omitempty"`
	// HighestCounter is the highest counter among all markers of the type, -1 where there is none.
	HighestCounter int64 `json:"highest_counter"`
}

// Desired is what the configuration asks for.
type Desired struct {
	Inputs Inputs
	// Pin is the configured secret_value_hash, "" without one.
	Pin string
	// RotateAfterDays is the configured age, 0 without one.
	RotateAfterDays int64
}

// Known is the prior state: the attributes of the ACTIVE record as last refreshed, and both parts of private state.
type Known struct {
	ActiveID          string
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
	// RotationID is the id that the ACTIVE record carries after the apply.
	RotationID RotationID
}

// Decide is the heart of the planner: a pure function of configuration, prior state and private state.
func Decide(want Desired, known Known) Decision {
	fingerprint := want.Inputs.Fingerprint()
	ours, marked := ParseRotationID(known.Ours.RotationID)

	var reasons []Reason
	if !known.Ours.Imported && (!marked || ours.Fingerprint != fingerprint) {
		reasons = append(reasons, InputsChanged)
	}
	if known.ActiveID != known.Ours.ID {
		reasons = append(reasons, ReplacedOutside)
	}
	if want.Pin != "" && want.Pin != known.Hash {
		reasons = append(reasons, PinDiffers)
	}
	if known.Ours.Imported {
		// Only an imported record is compared: for one that we made, the fingerprint already knows what it was made with, and a field
		// that reads back otherwise than it was sent must never rotate at every plan.
		if known.Source != "" && known.Source != want.Inputs.Source {
			reasons = append(reasons, SourceDiffers)
		}
		// Of a cache-only key no derivation mode is ever sent, and what it reads back is not documented.
		if known.KeyDerivationMode != "" && known.KeyDerivationMode != want.Inputs.KeyDerivationMode && want.Inputs.Source != "REMOTE" {
			reasons = append(reasons, DerivationDiffers)
		}
	}
	if want.RotateAfterDays > 0 && known.Seen.AgeDays >= want.RotateAfterDays {
		reasons = append(reasons, TooOld)
	}

	if len(reasons) == 0 {
		if marked && ours.Fingerprint == fingerprint {
			return Decision{RotationID: ours}
		}

		// An imported record whose marker is missing or stands for other inputs: the record is marked, the key stays.
		return Decision{RotationID: nextID(fingerprint, ours, marked, known.Seen)}
	}

	// Where the ACTIVE record is not ours but already carries a later id of this very fingerprint, that is the id: a run that was cut
	// off after its POST, or a state restored from a backup, then finds its own record and adopts it instead of uploading again. Not
	// so where that record fails another wish: it would be adopted and rotated away at the next plan.
	active, ok := ParseRotationID(known.Seen.ActiveMarker)
	if ok && known.ActiveID != known.Ours.ID && active.Fingerprint == fingerprint && (!marked || active.Counter > ours.Counter) &&
		!slices.Contains(reasons, PinDiffers) && !slices.Contains(reasons, TooOld) {
		return Decision{Rotate: true, Reasons: reasons, RotationID: active}
	}

	return Decision{Rotate: true, Reasons: reasons, RotationID: nextID(fingerprint, ours, marked, known.Seen)}
}

// nextID raises the counter above the lineage's own and above every marker that the last refresh saw.
func nextID(fingerprint string, ours RotationID, marked bool, seen Observation) RotationID {
	highest := seen.HighestCounter
	if marked && ours.Counter > highest {
		highest = ours.Counter
	}

	return RotationID{Fingerprint: fingerprint, Counter: highest + 1}
}
