package keys

import (
	"fmt"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

// newSearchIndexAPI is the first API version in which orgs on Hyperforce keep Search Index keys in
// another framework, whose keys can't be destroyed [D ObjRef, Help security_pe_destroy_key].
const newSearchIndexAPI = 63

// Transition is what brings a record to a wanted status.
type Transition int

// The transitions. Each is one PATCH, but for Stay.
const (
	// Stay sends nothing: the record has the wanted status.
	Stay Transition = iota
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
func (t Transition) Destructive() bool { return t == Destroy || t == Deactivate }

// Kept is a record in custody, with what the rules need besides the record itself.
type Kept struct {
	Record

	// Newest is true for the record with the highest version of its type. It matters for cache-only
	// keys.
	Newest bool
	// APINumber is the whole number of the API version in use, 0 if that is not known.
	APINumber int
	// Counted is the number of records of the type that count for Salesforce's cap.
	Counted int
}

// Keeping returns a record in custody among the records of its org.
func Keeping(r Record, records []Record, apiNumber int) Kept {
	newest, ok := Newest(records, r.Type)

	return Kept{Record: r, Newest: !ok || newest.Is(r.ID), APINumber: apiNumber, Counted: Counted(records, r.Type)}
}

// Exportable reports whether Salesforce has an export of the record: not of destroyed, cache-only
// and Database ones [D Help security_pe_destroy_key, import_export_keys].
func (r Record) Exportable() bool {
	return r.Status != StatusDestroyed && r.Source != SourceRemote && r.Type != TypeDatabase
}

// Settable reports whether anything but a rotation changes the record's status: that of an ACTIVE
// key does not, unless it is cache-only.
func (r Record) Settable() bool { return r.Status != StatusActive || r.Source == SourceRemote }

// Transition returns what brings the record to the wanted status, or why that is not possible. The
// table is the one of ShieldREST and ThalesDoc:
//
//	HSM, UPLOADED:       ARCHIVED -> DESTROYED -> ARCHIVED (with the export)
//	REMOTE, newest only: ACTIVE   -> DESTROYED -> ACTIVE
func (k Kept) Transition(wanted string) (Transition, *problem.Problem) {
	if k.Source == SourceRemote {
		return k.remoteTransition(wanted)
	}
	switch {
	case wanted == StatusActive:
		return Stay, problem.New("desired_status", "Only a cache-only key can be made ACTIVE",
			"Expected ARCHIVED or DESTROYED for record %s, which has the source %s: Salesforce never makes such a key ACTIVE "+
				"again. Nothing was changed. To encrypt with a new key, rotate salesforcebyok_tenant_secret.", k, k.Source)
	case k.Status == StatusActive && wanted == StatusDestroyed:
		return Stay, problem.New("desired_status", "An ACTIVE key can't be destroyed",
			"Record %s is ACTIVE, and Salesforce destroys ARCHIVED keys only. Nothing was changed. Rotate "+
				"salesforcebyok_tenant_secret first, which archives it.", k)
	case k.Status == StatusActive:
		return Stay, problem.New("desired_status", "An ACTIVE key can't be archived by itself",
			"Record %s is ACTIVE. Salesforce archives a key when the next one of its type is made. Nothing was changed. "+
				"Rotate salesforcebyok_tenant_secret first, then manage this version.", k)
	case k.Status == wanted:
		return Stay, nil
	case wanted == StatusDestroyed && k.Status == StatusArchived:
		return Destroy, k.undestroyable()
	case wanted == StatusArchived && k.Status == StatusDestroyed:
		return Restore, nil
	default:
		return Stay, problem.New("desired_status", "Unknown status of a record",
			"Expected record %s to be ACTIVE, ARCHIVED or DESTROYED, found %q. Nothing was changed. Look at the record in "+
				"Setup.", k, k.Status)
	}
}

// undestroyable returns why Salesforce never destroys the key, nil if it does.
func (k Kept) undestroyable() *problem.Problem {
	reason := ""
	switch {
	case k.Type == TypeDatabase:
		reason = "Salesforce can't destroy, export or import keys of the type Database"
	case k.Type == TypeSearchIndex && k.APINumber >= newSearchIndexAPI:
		reason = fmt.Sprintf("with API version %d.0, Search Index keys belong to the newer framework, which can't destroy "+
			"them", k.APINumber)
	default:
		return nil
	}

	return problem.New("desired_status", "This key can't be destroyed",
		"Record %s: %s. Nothing was changed. Set desired_status = %q.", k, reason, StatusArchived)
}

func (k Kept) remoteTransition(wanted string) (Transition, *problem.Problem) {
	switch {
	case k.Status == wanted:
		return Stay, nil
	case !k.Newest:
		return Stay, problem.New("desired_status", "Only the newest cache-only key changes status",
			"Record %s is %s and not the newest of its type. Salesforce destroys or reactivates only the most recent version "+
				"of a cache-only key. Nothing was changed. Set desired_status = %q.", k, k.Status, k.Status)
	case wanted == StatusDestroyed && k.Status == StatusActive:
		return Deactivate, nil
	case wanted == StatusActive && k.Status == StatusDestroyed:
		return Reactivate, nil
	default:
		return Stay, problem.New("desired_status", "A cache-only key can't take this status",
			"Record %s is %s. The newest cache-only key can be ACTIVE or DESTROYED, not %s. Nothing was changed. Set "+
				"desired_status to one of the two.", k,
			k.Status, wanted)
	}
}

// Locks are the two locks on a destroy, as configured and as saved by earlier applies.
type Locks struct {
	// Allowed is the provider's allow_key_destruction. Undecided is true while it is not known yet,
	// which happens only during a plan: the apply checks it.
	Allowed, Undecided bool
	// BackupNone is true for backup = "NONE".
	BackupNone bool
	// Acknowledgement is destruction_acknowledgement.
	Acknowledgement string
	// ExportSaved is true if an earlier apply has saved a verified export in state.
	ExportSaved bool
}

// Check returns a refusal while a lock is closed. Both must be open: the permission of the provider
// block, and a proven way back or the typed renunciation of one.
func (l Locks) Check(k Kept, t Transition) *problem.Problem {
	switch {
	case !t.Destructive():
		return nil
	case !l.Allowed && !l.Undecided:
		return problem.New("desired_status", "Destroying keys is not allowed",
			"Without the key of record %s its data can't be read until the key is restored, and the provider block does not "+
				"allow that. Nothing was changed. To go on, set allow_key_destruction = true in the provider block.",
			k)
	case l.BackupNone:
		return l.CheckAcknowledgement(k)
	case k.Source == SourceRemote:
		return problem.New("backup", "A cache-only key has no backup",
			"Salesforce holds no export of record %s: the key is at the key service. Nothing was changed. To destroy it, set "+
				"backup = \"NONE\" and destruction_acknowledgement = %q.", k, k.ID)
	case !l.ExportSaved:
		return problem.New("desired_status", "No saved backup of this key",
			"Expected an export of record %s that an earlier apply saved in state, found none: an interrupted run could lose "+
				"the only copy. Nothing was changed. Apply once with desired_status = %q, which saves it, then with %q. To "+
				"destroy without a way back, set backup = \"NONE\" and destruction_acknowledgement = %q.", k,
			StatusArchived, StatusDestroyed,
			k.ID)
	default:
		return nil
	}
}

// Acknowledged reports whether the typed acknowledgement names the record.
func (l Locks) Acknowledged(k Kept) bool { return l.Acknowledgement != "" && k.Is(l.Acknowledgement) }

// CheckAcknowledgement returns a refusal unless the typed acknowledgement names this record.
func (l Locks) CheckAcknowledgement(k Kept) *problem.Problem {
	if l.Acknowledged(k) {
		return nil
	}
	found := "none"
	if l.Acknowledgement != "" {
		found = fmt.Sprintf("%q", l.Acknowledgement)
	}

	return problem.New("destruction_acknowledgement", "The destruction is not acknowledged",
		"backup = \"NONE\" keeps no copy of the key of record %s: once it is destroyed, its data is lost for good. "+
			"Expected destruction_acknowledgement = %q, found %s. Nothing was changed.", k, k.ID, found)
}

// CheckForget returns why the record can't be dropped from state: its export there may be the only
// way back of a destroyed key.
func (l Locks) CheckForget(k Kept) *problem.Problem {
	if k.Status != StatusDestroyed || !l.ExportSaved || l.Acknowledged(k) {
		return nil
	}

	return problem.New("exported_secret_value", "State holds a destroyed key's only copy",
		"Record %s is DESTROYED, and only the export in this state restores it. Nothing was changed. Restore the key "+
			"(desired_status = %q), or keep the export elsewhere, set destruction_acknowledgement = %q, apply, and then "+
			"remove the block. To rename the resource, use a moved block.", k,
		StatusArchived, k.ID)
}

// Wish is what is wanted of a record in custody, and what is at hand for it.
type Wish struct {
	Locks

	// Status is desired_status.
	Status string
	// ExportGiven reports that the configuration brings the export, for a restore.
	ExportGiven bool
	// Adopting is true while no state has the record.
	Adopting bool
}

// ExportFate is what becomes of the export that the state holds.
type ExportFate int

// The fates of an export.
const (
	// NoExport: none is held, and none will be.
	NoExport ExportFate = iota
	// HoldExport keeps the one that is held.
	HoldExport
	// ReadExport reads the record's export and keeps it.
	ReadExport
	// DropExport drops the one that is held.
	DropExport
)

// RecordFate is what becomes of a record in custody. A plan prints it and its apply does it.
type RecordFate struct {
	Transition Transition
	// Status is the record's status afterwards.
	Status string
	Export ExportFate
	// Warnings are what to know before.
	Warnings []*problem.Problem
}

// Writes reports whether something is sent, or an export is dropped: what is judged once more on a
// reading made for it.
func (f RecordFate) Writes() bool { return f.Transition != Stay || f.Export == DropExport }

// Judge returns what becomes of the record under a wish, or why the wish is refused. Plan and apply
// ask it alike, each on the reading that it has.
func (k Kept) Judge(w Wish) (RecordFate, *problem.Problem) {
	transition, refusal := k.Transition(w.Status)
	fate := RecordFate{Transition: transition, Status: k.Status}
	if transition != Stay {
		fate.Status = w.Status
	}
	after := k.Record
	after.Status = fate.Status
	switch {
	case w.BackupNone && w.ExportSaved:
		fate.Export = DropExport
	case w.ExportSaved:
		fate.Export = HoldExport
	case !w.BackupNone && after.Exportable():
		fate.Export = ReadExport
	}
	if refusal == nil {
		refusal = w.Check(k, transition)
	}
	if refusal == nil {
		refusal = k.checkWayBack(w, fate)
	}
	if refusal != nil {
		return RecordFate{Status: k.Status}, refusal
	}
	fate.Warnings = k.warnings(w, fate)

	return fate, nil
}

// checkWayBack refuses what needs an export that is not at hand, or loses the last one.
func (k Kept) checkWayBack(w Wish, f RecordFate) *problem.Problem {
	lost := f.Transition == Stay && k.Status == StatusDestroyed
	switch {
	case f.Transition == Restore && !w.ExportSaved && !w.ExportGiven:
		return problem.New("desired_status", "This key can't be restored",
			"Record %s is DESTROYED, and the state holds no export of it. Only its own export, read from Salesforce before "+
				"the destruction, restores it. Nothing was changed. Give that in exported_secret_value_wo, or accept the loss "+
				"with desired_status = %q.", k, StatusDestroyed)
	case lost && f.Export == DropExport:
		return w.CheckAcknowledgement(k)
	case lost && w.Adopting && k.Source != SourceRemote && !w.ExportGiven && !w.Acknowledged(k):
		return problem.New("tenant_secret_id", "A destroyed key without its export",
			"Record %s is DESTROYED, and Salesforce no longer exports it. Another state, or the resource that this one "+
				"replaces, may hold the only copy. Nothing was changed. Use a moved block, terraform state mv or import. To "+
				"adopt it without a way back, set destruction_acknowledgement = %q.", k, k.ID)
	default:
		return nil
	}
}

func (k Kept) warnings(w Wish, f RecordFate) []*problem.Problem {
	var all []*problem.Problem
	if f.Transition.Destructive() {
		wayBack := "The export in state restores it."
		switch {
		case k.Source == SourceRemote:
			wayBack = "It can be made ACTIVE again while it is the newest of its type and the key service has the key."
		case w.BackupNone:
			wayBack = "No copy is kept: it can't be restored by Terraform."
		}
		all = append(all, problem.New("desired_status", "A key will be destroyed",
			"Once record %s is destroyed, its data can't be read. Rotation alone does not re-encrypt existing data: check "+
				"Encryption Statistics in Setup first. %s", k, wayBack))
	}
	if f.Transition == Stay && f.Export == DropExport && k.Status == StatusDestroyed {
		all = append(all, problem.New("backup", "The last export will be dropped",
			"Record %s is DESTROYED, and only the export in state restores it. Once that is dropped, the data of this key is "+
				"lost for good.", k))
	}
	if f.Transition == Reactivate {
		all = append(all, problem.New("", "A cache-only key will be reactivated",
			"Record %s reads DESTROYED. Salesforce sets that by itself while its callouts to the key service fail, and "+
				"retries for 24 hours. Look at the key service first: the apply sets ACTIVE, which ends the retries.", k))
	}
	if f.Transition == Restore && k.Counted >= KeyCap {
		all = append(all, problem.New("desired_status", "Restoring a key at the cap",
			"The org has %d ACTIVE and ARCHIVED %s keys, and a restored one counts towards Salesforce's cap of %d. The apply "+
				"tries all the same. If Salesforce refuses, destroy another key first.", k.Counted, k.Type, KeyCap))
	}

	return all
}

// CheckAnnounced refuses, right before a write, to do another thing than the plan has announced. A
// record that has the wanted status by now is as announced: somebody else, or an interrupted run,
// has been there.
func (k Kept) CheckAnnounced(announced, now RecordFate) *problem.Problem {
	if now.Transition == announced.Transition || now.Transition == Stay {
		return nil
	}

	return problem.New("desired_status", "The record has changed since the plan",
		"The plan was to leave record %s %s. It reads %s now, so the apply would do something that the plan did not show. "+
			"Nothing was changed. Plan again.", k, announced.Status, k.Status)
}
