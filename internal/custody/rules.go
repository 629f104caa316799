package custody

import (
	"fmt"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// The statuses of a record, as Salesforce answers them.
const (
	StatusActive    = "ACTIVE"
	StatusArchived  = "ARCHIVED"
	StatusDestroyed = "DESTROYED"
)

const (
	sourceRemote = "REMOTE"

	typeDatabase    = "Database"
	typeSearchIndex = "SearchIndex"
)

// newSearchIndexAPI is the first API version in which orgs on Hyperforce keep Search Index keys in another framework, whose keys can't be
// destroyed [D ObjRef, Help security_pe_destroy_key].
const newSearchIndexAPI = 63

// Action is what has to be done to a record.
type Action int

// The actions. Each is one PATCH, but for None.
const (
	None Action = iota
	// Destroy takes an ARCHIVED record's key material away.
	Destroy
	// Restore brings a DESTROYED record back, as ARCHIVED, from its export.
	Restore
	// Deactivate sets the newest cache-only record to DESTROYED, which ends its callouts.
	Deactivate
	// Reactivate sets it to ACTIVE again.
	Reactivate
)

// Destructive reports whether data becomes unreadable.
func (a Action) Destructive() bool { return a == Destroy || a == Deactivate }

// Refusal says why Salesforce does not allow a transition, and what to do instead.
type Refusal struct {
	// Attribute is the configured attribute that must change.
	Attribute       string
	Summary, Detail string
}

// Error joins summary and detail.
func (r *Refusal) Error() string { return r.Summary + ": " + r.Detail }

// Subject is a record as far as the rules depend on it.
type Subject struct {
	ID, Type, Source, Status string
	Version                  int64
	// Newest is true for the record with the highest version of its type. It matters for cache-only keys.
	Newest bool
	// APINumber is the whole number of the API version in use.
	APINumber int
}

// Of returns the subject of a record. newest says whether it is the newest of its type.
func Of(row salesforce.TenantSecret, newest bool, apiNumber int) Subject {
	return Subject{
		ID: row.ID, Type: row.Type, Source: strings.ToUpper(row.Source), Status: strings.ToUpper(row.Status), Version: row.Version,
		Newest: newest, APINumber: apiNumber,
	}
}

func (s Subject) String() string { return fmt.Sprintf("%s (%s, version %d)", s.ID, s.Type, s.Version) }

// Plan returns what brings a record to the wanted status, or why that is not possible. The table is the one of ShieldREST and
// ThalesDoc (salesforce-wire 6.1):
//
//	HSM, UPLOADED:       ARCHIVED -> DESTROYED -> ARCHIVED (with the export)
//	REMOTE, newest only: ACTIVE   -> DESTROYED -> ACTIVE
func Plan(s Subject, wanted string) (Action, error) {
	if s.Source == sourceRemote {
		return planRemote(s, wanted)
	}
	switch {
	case wanted == StatusActive:
		return None, &Refusal{
			Attribute: "desired_status", Summary: "Only a cache-only key can be made ACTIVE",
			Detail: fmt.Sprintf("Record %s has the source %s. Salesforce never makes an archived key ACTIVE again: to encrypt with a new key, rotate salesforcebyok_tenant_secret. Nothing was "+
				"changed. Expected ARCHIVED or DESTROYED.", s, s.Source),
		}
	case s.Status == StatusActive:
		return None, refuseActive(s, wanted)
	case s.Status == wanted:
		return None, nil
	case wanted == StatusDestroyed:
		return Destroy, s.undestroyable()
	case wanted == StatusArchived && s.Status == StatusDestroyed:
		return Restore, nil
	default:
		return None, fmt.Errorf("record %s has the status %q, which is not known; nothing was changed", s, s.Status)
	}
}

func refuseActive(s Subject, wanted string) *Refusal {
	if wanted == StatusDestroyed {
		return &Refusal{
			Attribute: "desired_status", Summary: "An ACTIVE key can't be destroyed",
			Detail: fmt.Sprintf("Record %s is ACTIVE: data is encrypted with it now, and Salesforce destroys ARCHIVED keys only. Rotate salesforcebyok_tenant_secret first, which archives it. "+
				"Nothing was changed.", s),
		}
	}

	return &Refusal{
		Attribute: "desired_status", Summary: "An ACTIVE key can't be archived by itself",
		Detail: fmt.Sprintf("Record %s is ACTIVE. Salesforce archives a key when the next one of its type is made: rotate salesforcebyok_tenant_secret first, then manage this version. "+
			"Nothing was changed.", s),
	}
}

// undestroyable returns a refusal for a key that Salesforce never destroys. It returns an untyped nil otherwise.
func (s Subject) undestroyable() error {
	reason := ""
	switch {
	case s.Type == typeDatabase:
		reason = "keys of the type Database can be neither destroyed nor exported nor imported"
	case s.Type == typeSearchIndex && s.APINumber >= newSearchIndexAPI:
		reason = fmt.Sprintf("with API version %d.0 Search Index keys are those of the newer framework, which can't be destroyed", s.APINumber)
	default:
		return nil
	}

	return &Refusal{
		Attribute: "desired_status", Summary: "This key can't be destroyed",
		Detail: fmt.Sprintf("Record %s: %s. Nothing was changed. Set desired_status = %q.", s, reason, StatusArchived),
	}
}

func planRemote(s Subject, wanted string) (Action, error) {
	switch {
	case s.Status == wanted:
		return None, nil
	case !s.Newest:
		return None, &Refusal{
			Attribute: "desired_status", Summary: "Only the newest cache-only key can change its status",
			Detail: fmt.Sprintf("Record %s is %s and not the newest of its type; Salesforce lets only the most recent version of a cache-only key be destroyed or made ACTIVE. Nothing was "+
				"changed. Set desired_status = %q.", s, s.Status, s.Status),
		}
	case wanted == StatusDestroyed && s.Status == StatusActive:
		return Deactivate, nil
	case wanted == StatusActive && s.Status == StatusDestroyed:
		return Reactivate, nil
	default:
		return None, &Refusal{
			Attribute: "desired_status", Summary: "A cache-only key can't take this status",
			Detail: fmt.Sprintf("Record %s is %s. The newest cache-only key is ACTIVE or DESTROYED, and %s is neither. Nothing was changed.", s, s.Status, wanted),
		}
	}
}

// Locks are the two locks on a destroy, as configured and as saved by earlier applies.
type Locks struct {
	// Allowed is the provider's allow_key_destruction.
	Allowed bool
	// BackupNone is true for backup = "NONE".
	BackupNone bool
	// Acknowledgement is destruction_acknowledgement.
	Acknowledgement string
	// ExportSaved is true where an earlier apply has saved a verified export in state.
	ExportSaved bool
}

// Check returns a refusal while a lock is closed. Both must be open: the permission of the provider block, and a proven way back or the
// typed renunciation of one.
func (l Locks) Check(s Subject, action Action) error {
	if !action.Destructive() {
		return nil
	}
	if !l.Allowed {
		return &Refusal{
			Attribute: "desired_status", Summary: "Destroying keys is not allowed",
			Detail: fmt.Sprintf("This would destroy the key of record %s: data that it encrypts can't be read until it is restored. The provider block does not allow it. Nothing was changed. "+
				"To go on, set allow_key_destruction = true in the provider block.", s),
		}
	}
	if l.BackupNone {
		return l.CheckAcknowledgement(s)
	}
	if s.Source == sourceRemote {
		return &Refusal{
			Attribute: "backup", Summary: "A cache-only key has no backup",
			Detail: fmt.Sprintf("Salesforce holds no export of record %s: the key is at the key service. To destroy it, set backup = \"NONE\" and destruction_acknowledgement = %q. Nothing was "+
				"changed.", s, s.ID),
		}
	}
	if !l.ExportSaved {
		return &Refusal{
			Attribute: "desired_status", Summary: "No saved backup of this key",
			Detail: fmt.Sprintf("Record %s would be destroyed, and no earlier apply has saved its export in state, so an interrupted run could lose the only copy. Apply once with "+
				"desired_status = %q, which saves it, and then again with %q. To destroy without a way back, set backup = \"NONE\" and destruction_acknowledgement = %q. Nothing was changed.",
				s, StatusArchived, StatusDestroyed, s.ID),
		}
	}

	return nil
}

// CheckAcknowledgement returns a refusal unless the typed acknowledgement names this record.
func (l Locks) CheckAcknowledgement(s Subject) error {
	if l.Acknowledgement != "" && salesforce.SameID(l.Acknowledgement, s.ID) {
		return nil
	}
	found := "none"
	if l.Acknowledgement != "" {
		found = fmt.Sprintf("%q", l.Acknowledgement)
	}

	return &Refusal{
		Attribute: "destruction_acknowledgement", Summary: "The destruction is not acknowledged",
		Detail: fmt.Sprintf("With backup = \"NONE\" no copy of the key of record %s is kept, and what it encrypts is lost for good once it is destroyed. Expected "+
			"destruction_acknowledgement = %q, found %s. Nothing was changed.", s, s.ID, found),
	}
}
