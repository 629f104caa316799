package keys_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

const (
	recordID = "02G000000000001AAA"
	otherID  = "02G000000000002AAA"
)

// planRow is one line of the lifecycle table: what has to be done, or the summary of the refusal.
type planRow struct {
	source, status, wanted string
	action                 keys.Transition
	refusal                string
}

// lifecycle is the whole table for a Data key that is the newest of its type: every source, status
// and wish.
func lifecycle() []planRow {
	const (
		onlyCacheOnly = "Only a cache-only key can be made ACTIVE"
		notByItself   = "An ACTIVE key can't be archived by itself"
		inUse         = "An ACTIVE key can't be destroyed"
		notThisStatus = "A cache-only key can't take this status"
	)
	var rows []planRow
	for _, source := range []string{"UPLOADED", "HSM"} {
		rows = append(rows,
			planRow{source, "ACTIVE", "ACTIVE", keys.Stay, onlyCacheOnly},
			planRow{source, "ACTIVE", "ARCHIVED", keys.Stay, notByItself},
			planRow{source, "ACTIVE", "DESTROYED", keys.Stay, inUse},
			planRow{source, "ARCHIVED", "ACTIVE", keys.Stay, onlyCacheOnly},
			planRow{source, "ARCHIVED", "ARCHIVED", keys.Stay, ""},
			planRow{source, "ARCHIVED", "DESTROYED", keys.Destroy, ""},
			planRow{source, "DESTROYED", "ACTIVE", keys.Stay, onlyCacheOnly},
			planRow{source, "DESTROYED", "ARCHIVED", keys.Restore, ""},
			planRow{source, "DESTROYED", "DESTROYED", keys.Stay, ""},
		)
	}

	return append(rows,
		planRow{"REMOTE", "ACTIVE", "ACTIVE", keys.Stay, ""},
		planRow{"REMOTE", "ACTIVE", "ARCHIVED", keys.Stay, notThisStatus},
		planRow{"REMOTE", "ACTIVE", "DESTROYED", keys.Deactivate, ""},
		planRow{"REMOTE", "ARCHIVED", "ACTIVE", keys.Stay, notThisStatus},
		planRow{"REMOTE", "ARCHIVED", "ARCHIVED", keys.Stay, ""},
		planRow{"REMOTE", "ARCHIVED", "DESTROYED", keys.Stay, notThisStatus},
		planRow{"REMOTE", "DESTROYED", "ACTIVE", keys.Reactivate, ""},
		planRow{"REMOTE", "DESTROYED", "ARCHIVED", keys.Stay, notThisStatus},
		planRow{"REMOTE", "DESTROYED", "DESTROYED", keys.Stay, ""},
	)
}

func TestTransition(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, row := range lifecycle() {
		seen[row.source+row.status+row.wanted] = true
		// The types that field-level encryption uses have one lifecycle.
		for _, typ := range []string{"Data", "DeterministicData", "EventBus", "Analytics", "SearchIndex"} {
			t.Run(fmt.Sprintf("%s %s %s to %s", typ, row.source, row.status, row.wanted), func(t *testing.T) {
				t.Parallel()
				subject := keys.Kept{Record: keys.Record{
					ID: recordID, Type: typ, Source: row.source, Status: row.status,
					Version: 7,
				}, Newest: true, APINumber: 62}
				action, err := subject.Transition(row.wanted)
				if row.refusal == "" {
					if err != nil || action != row.action {
						t.Fatalf("expected action %d, found %d, %v", row.action, action, err)
					}

					return
				}
				checkRefusal(t, err, "desired_status", row.refusal)
				if action != keys.Stay {
					t.Errorf("expected no action beside a refusal, found %d", action)
				}
			})
		}
	}
	statuses := []string{"ACTIVE", "ARCHIVED", "DESTROYED"}
	for _, source := range []string{"UPLOADED", "HSM", "REMOTE"} {
		for _, status := range statuses {
			for _, wanted := range statuses {
				if !seen[source+status+wanted] {
					t.Errorf("the table lacks %s: %s to %s", source, status, wanted)
				}
			}
		}
	}
}

// checkRefusal expects a refusal at an attribute that says which record it is about and that
// nothing was changed.
func checkRefusal(t *testing.T, refusal *problem.Problem, attribute, summary string) {
	t.Helper()
	if refusal == nil {
		t.Fatalf("expected the refusal %q, found none", summary)
	}
	if refusal.Attribute != attribute || refusal.Summary != summary {
		t.Errorf("expected %q at %s, found %q at %s", summary, attribute, refusal.Summary, refusal.Attribute)
	}
	for _, words := range []string{recordID, "Nothing was changed."} {
		if !strings.Contains(refusal.Detail, words) {
			t.Errorf("expected the detail to say %q, found: %s", words, refusal.Detail)
		}
	}
	if refusal.Error() != refusal.Summary+": "+refusal.Detail {
		t.Errorf("expected the error to be summary and detail, found %q", refusal.Error())
	}
}

func TestTransition_undestroyable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		typ, source string
		api         int
		refused     bool
		reason      string
	}{
		"Database": {
			"Database", "UPLOADED", 62, true,
			"can't destroy, export or import keys of the type Database",
		},
		"Database by Salesforce":         {"Database", "HSM", 67, true, "can't destroy, export or import"},
		"SearchIndex at 62":              {"SearchIndex", "UPLOADED", 62, false, ""},
		"SearchIndex at 63":              {"SearchIndex", "UPLOADED", 63, true, "with API version 63.0"},
		"SearchIndex at 67":              {"SearchIndex", "HSM", 67, true, "with API version 67.0"},
		"Data at 67":                     {"Data", "UPLOADED", 67, false, ""},
		"a type that nobody has heard":   {"OauthSecret", "HSM", 62, false, ""},
		"SearchIndex, API not known yet": {"SearchIndex", "UPLOADED", 0, false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subject := keys.Kept{
				Record:    keys.Record{ID: recordID, Type: test.typ, Source: test.source, Status: "ARCHIVED"},
				APINumber: test.api,
			}
			action, err := subject.Transition("DESTROYED")
			if !test.refused {
				if err != nil || action != keys.Destroy {
					t.Fatalf("expected a destroy, found %d, %v", action, err)
				}

				return
			}
			checkRefusal(t, err, "desired_status", "This key can't be destroyed")
			if !strings.Contains(err.Error(), test.reason) {
				t.Errorf("expected the reason %q, found: %v", test.reason, err)
			}
			// Keeping it is always possible.
			if action, err := subject.Transition("ARCHIVED"); action != keys.Stay || err != nil {
				t.Errorf("expected nothing to do for ARCHIVED, found %d, %v", action, err)
			}
		})
	}
}

func TestTransition_olderCacheOnlyKey(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"ACTIVE", "ARCHIVED", "DESTROYED"} {
		for _, wanted := range []string{"ACTIVE", "ARCHIVED", "DESTROYED"} {
			subject := keys.Kept{
				Record: keys.Record{ID: recordID, Type: "Data", Source: "REMOTE", Status: status},
				Newest: false, APINumber: 62,
			}
			action, err := subject.Transition(wanted)
			if status == wanted {
				if action != keys.Stay || err != nil {
					t.Errorf("%s to %s: expected nothing to do, found %d, %v", status, wanted, action, err)
				}

				continue
			}
			checkRefusal(t, err, "desired_status", "Only the newest cache-only key changes status")
		}
	}
}

func TestTransition_unknownStatus(t *testing.T) {
	t.Parallel()
	suspended := keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "SUSPENDED"}}
	for _, wanted := range []string{"ARCHIVED", "DESTROYED"} {
		action, refusal := suspended.Transition(wanted)
		if action != keys.Stay {
			t.Errorf("%s: expected no action, found %d", wanted, action)
		}
		checkRefusal(t, refusal, "desired_status", "Unknown status of a record")
		if !strings.Contains(refusal.Detail, `found "SUSPENDED"`) {
			t.Errorf("expected the status to be quoted, found %s", refusal.Detail)
		}
	}
}

func TestKeeping(t *testing.T) {
	t.Parallel()
	old := keys.Record{ID: recordID, Type: "Data", Version: 12}
	newer := keys.Record{ID: otherID, Type: "Data", Version: 13}
	other := keys.Record{ID: "02G000000000003AAA", Type: "EventBus", Version: 99}
	for name, test := range map[string]struct {
		records []keys.Record
		newest  bool
	}{
		"alone":                     {[]keys.Record{old}, true},
		"beside another type":       {[]keys.Record{old, other}, true},
		"beside a newer one":        {[]keys.Record{newer, old, other}, false},
		"in an org that shows none": {nil, true},
	} {
		if got := keys.Keeping(old, test.records, 62); got != (keys.Kept{Record: old, Newest: test.newest, APINumber: 62}) {
			t.Errorf("%s: found %+v", name, got)
		}
	}
}

func TestExportable(t *testing.T) {
	t.Parallel()
	for record, want := range map[keys.Record]bool{
		{Type: "Data", Source: "UPLOADED", Status: "ARCHIVED"}:  true,
		{Type: "Data", Source: "HSM", Status: "ACTIVE"}:         true,
		{Type: "Data", Source: "UPLOADED", Status: "DESTROYED"}: false,
		{Type: "Data", Source: "REMOTE", Status: "ACTIVE"}:      false,
		{Type: "Database", Source: "HSM", Status: "ARCHIVED"}:   false,
	} {
		if record.Exportable() != want {
			t.Errorf("%+v: expected %t", record, want)
		}
	}
}

// Whatever is wanted of a record whose status can't be set is refused, and of all others something
// is not.
func TestSettable(t *testing.T) {
	t.Parallel()

	statuses := []string{keys.StatusActive, keys.StatusArchived, keys.StatusDestroyed}
	for _, source := range []string{keys.SourceUploaded, keys.SourceHSM, keys.SourceRemote} {
		for _, status := range statuses {
			kept := keys.Kept{Record: keys.Record{ID: ourID, Type: keys.TypeData, Source: source, Status: status}, Newest: true}
			possible := slices.ContainsFunc(statuses, func(wanted string) bool {
				_, refusal := kept.Transition(wanted)

				return refusal == nil
			})
			if kept.Settable() != possible {
				t.Errorf("%s %s: expected %t, found %t", source, status, possible, kept.Settable())
			}
		}
	}
}

func TestTransition_Destructive(t *testing.T) {
	t.Parallel()
	for action, want := range map[keys.Transition]bool{
		keys.Stay: false, keys.Destroy: true, keys.Restore: false, keys.Deactivate: true, keys.Reactivate: false,
	} {
		if action.Destructive() != want {
			t.Errorf("action %d: expected %t", action, want)
		}
	}
}

func TestLocks(t *testing.T) {
	t.Parallel()
	const (
		notAllowed      = "Destroying keys is not allowed"
		noBackup        = "No saved backup of this key"
		notAcknowledged = "The destruction is not acknowledged"
		noneOfRemote    = "A cache-only key has no backup"
	)
	tests := map[string]struct {
		locks              keys.Locks
		remote             bool
		attribute, refusal string
	}{
		"everything closed": {keys.Locks{}, false, "desired_status", notAllowed},
		"backup alone":      {keys.Locks{ExportSaved: true}, false, "desired_status", notAllowed},
		"acknowledgement alone": {
			keys.Locks{BackupNone: true, Acknowledgement: recordID},
			false,
			"desired_status", notAllowed,
		},
		"permission alone": {keys.Locks{Allowed: true}, false, "desired_status", noBackup},
		"permission and acknowledgement": {
			keys.Locks{Allowed: true, Acknowledgement: recordID},
			false,
			"desired_status", noBackup,
		},
		"permission and NONE": {
			keys.Locks{Allowed: true, BackupNone: true},
			false,
			"destruction_acknowledgement", notAcknowledged,
		},
		"NONE with a backup": {
			keys.Locks{Allowed: true, BackupNone: true, ExportSaved: true},
			false,
			"destruction_acknowledgement", notAcknowledged,
		},
		"acknowledgement of another": {
			keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: otherID},
			false, "destruction_acknowledgement", notAcknowledged,
		},
		"acknowledgement by another case": {keys.Locks{
			Allowed: true, BackupNone: true,
			Acknowledgement: strings.ToLower(recordID),
		}, false, "destruction_acknowledgement", notAcknowledged},
		"acknowledgement too short": {keys.Locks{
			Allowed: true, BackupNone: true,
			Acknowledgement: recordID[:14],
		}, false, "destruction_acknowledgement", notAcknowledged},
		"both open, backup": {keys.Locks{Allowed: true, ExportSaved: true}, false, "", ""},
		"both open, acknowledgement": {
			keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID},
			false, "", "",
		},
		"both open, acknowledgement by 15": {keys.Locks{
			Allowed: true, BackupNone: true,
			Acknowledgement: recordID[:15],
		}, false, "", ""},
		"cache-only, permission alone": {keys.Locks{Allowed: true}, true, "backup", noneOfRemote},
		"cache-only, closed": {
			keys.Locks{BackupNone: true, Acknowledgement: recordID},
			true,
			"desired_status", notAllowed,
		},
		"cache-only, a backup is no way back": {
			keys.Locks{Allowed: true, ExportSaved: true},
			true, "backup",
			noneOfRemote,
		},
		"cache-only, NONE, not acknowledged": {
			keys.Locks{Allowed: true, BackupNone: true},
			true,
			"destruction_acknowledgement", notAcknowledged,
		},
		"cache-only, both open, acknowledgement": {
			keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID},
			true, "", "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subject := keys.Kept{Record: keys.Record{
				ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED",
				Version: 3,
			}}
			action := keys.Destroy
			if test.remote {
				subject.Source, subject.Status, subject.Newest, action = "REMOTE", "ACTIVE", true, keys.Deactivate
			}
			err := test.locks.Check(subject, action)
			if test.refusal == "" {
				if err != nil {
					t.Errorf("expected both locks to be open, found %v", err)
				}
			} else {
				checkRefusal(t, err, test.attribute, test.refusal)
			}
			for _, harmless := range []keys.Transition{keys.Stay, keys.Restore, keys.Reactivate} {
				if err := test.locks.Check(subject, harmless); err != nil {
					t.Errorf("action %d destroys nothing, expected no lock, found %v", harmless, err)
				}
			}
		})
	}
}

func TestLocks_advice(t *testing.T) {
	t.Parallel()
	subject := keys.Kept{Record: keys.Record{
		ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED",
		Version: 3,
	}}
	for name, test := range map[string]struct {
		locks keys.Locks
		words []string
	}{
		"permission": {keys.Locks{}, []string{"allow_key_destruction = true"}},
		"backup": {keys.Locks{Allowed: true}, []string{
			`desired_status = "ARCHIVED"`, `backup = "NONE"`,
			`destruction_acknowledgement = "` + recordID + `"`,
		}},
		"missing": {
			keys.Locks{Allowed: true, BackupNone: true},
			[]string{`destruction_acknowledgement = "` + recordID + `", found none`},
		},
		"wrong": {
			keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: otherID},
			[]string{`"` + recordID + `", found "` + otherID + `"`},
		},
	} {
		err := test.locks.Check(subject, keys.Destroy)
		for _, words := range test.words {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: expected the refusal to say %s, found: %v", name, words, err)
			}
		}
	}
}

// wishes are all that can be wanted of a record with everything that can be at hand.
func wishes(visit func(keys.Wish)) {
	bools := []bool{false, true}
	for _, status := range []string{"ACTIVE", "ARCHIVED", "DESTROYED"} {
		for _, acknowledgement := range []string{"", recordID, recordID[:15], otherID} {
			for bits := range 1 << 5 {
				on := func(n int) bool { return bools[bits>>n&1] }
				visit(keys.Wish{
					Locks:  keys.Locks{Allowed: on(0), BackupNone: on(1), ExportSaved: on(2), Acknowledgement: acknowledgement},
					Status: status, ExportGiven: on(3), Adopting: on(4),
				})
			}
		}
	}
}

// records are records of every source, status and type, the newest of their type and others.
func custodyRecords(visit func(keys.Kept)) {
	for _, source := range []string{"UPLOADED", "HSM", "REMOTE"} {
		for _, status := range []string{"ACTIVE", "ARCHIVED", "DESTROYED", "SUSPENDED"} {
			for _, typ := range []string{"Data", "Database", "SearchIndex"} {
				for _, newest := range []bool{true, false} {
					visit(keys.Kept{
						Record: keys.Record{ID: recordID, Type: typ, Source: source, Status: status, Version: 3},
						Newest: newest, APINumber: 63,
					})
				}
			}
		}
	}
}

// What holds of every judgement, over everything that can come together.
func TestJudge_everything(t *testing.T) {
	t.Parallel()
	cases := 0
	custodyRecords(func(k keys.Kept) {
		wishes(func(w keys.Wish) {
			cases++
			fate, refusal := k.Judge(w)
			acknowledged := w.Acknowledgement == recordID || w.Acknowledgement == recordID[:15]
			fail := func(words string) {
				t.Errorf("%s: record %+v, wish %+v: found %+v, %v", words, k, w, fate, refusal)
			}
			if refusal != nil {
				if fate.Writes() || fate.Status != k.Status || fate.Export != keys.NoExport {
					fail("a refusal does nothing")
				}

				return
			}
			switch {
			case fate.Transition.Destructive() && !w.Allowed:
				fail("nothing is destroyed without the permission")
			case fate.Transition.Destructive() && w.BackupNone && !acknowledged,
				fate.Transition.Destructive() && !w.BackupNone && (!w.ExportSaved || k.Source == "REMOTE"):
				fail("nothing is destroyed without a way back or the acknowledgement")
			case fate.Transition == keys.Restore && !w.ExportSaved && !w.ExportGiven:
				fail("nothing is restored without an export")
			case fate.Export == keys.DropExport && fate.Status == "DESTROYED" && !acknowledged:
				fail("no last copy is dropped without the acknowledgement")
			case fate.Status == "DESTROYED" && k.Source != "REMOTE" && w.Adopting && !w.ExportSaved &&
				fate.Transition == keys.Stay && !acknowledged && !w.ExportGiven:
				fail("no destroyed key is adopted without its export")
			case fate.Status != w.Status:
				fail("the record ends as wanted")
			case fate.Export == keys.HoldExport && w.BackupNone,
				fate.Export == keys.ReadExport && (w.BackupNone || w.ExportSaved):
				fail("an export is held where one is wanted")
			case fate.Transition.Destructive() != hasWarning(fate, "A key will be destroyed"):
				fail("a destroy is said")
			case fate.Writes() != (fate.Status != k.Status || fate.Export == keys.DropExport):
				fail("what changes the org, or drops an export, is judged again")
			}
			// Once done, there is nothing more to do.
			after := k
			after.Status = fate.Status
			w.ExportSaved, w.Adopting = fate.Export == keys.HoldExport || fate.Export == keys.ReadExport, false
			if again, refusal := after.Judge(w); refusal != nil || again.Writes() || again.Export == keys.ReadExport {
				fail(fmt.Sprintf("the second time finds nothing to do, found %+v, %v", again, refusal))
			}
		})
	})
	if cases < 10_000 {
		t.Errorf("only %d cases", cases)
	}
}

func hasWarning(fate keys.RecordFate, summary string) bool {
	for _, w := range fate.Warnings {
		if w.Summary == summary {
			return true
		}
	}

	return false
}

// While the permission is not known yet, a plan does not report it as missing, and every other lock
// holds.
func TestJudge_undecidedPermission(t *testing.T) {
	t.Parallel()
	k := keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED"}}
	if fate, refusal := k.Judge(keys.Wish{
		Status: "DESTROYED",
		Locks:  keys.Locks{Undecided: true, ExportSaved: true},
	}); refusal != nil || fate.Transition != keys.Destroy {
		t.Errorf("expected a destroy to be planned, found %+v, %v", fate, refusal)
	}
	_, refusal := k.Judge(keys.Wish{Status: "DESTROYED", Locks: keys.Locks{Undecided: true}})
	checkRefusal(t, refusal, "desired_status", "No saved backup of this key")
}

func TestJudge_warnings(t *testing.T) {
	t.Parallel()
	record := keys.Record{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "DESTROYED"}
	saved := keys.Locks{ExportSaved: true}
	for name, test := range map[string]struct {
		kept    keys.Kept
		wish    keys.Wish
		summary string
	}{
		"restore below the cap": {keys.Kept{Record: record, Counted: 49}, keys.Wish{Status: "ARCHIVED", Locks: saved}, ""},
		"restore at the cap": {
			keys.Kept{Record: record, Counted: 50},
			keys.Wish{Status: "ARCHIVED", Locks: saved},
			"Restoring a key at the cap",
		},
		"drop the last copy": {
			keys.Kept{Record: record},
			keys.Wish{Status: "DESTROYED", Locks: keys.Locks{ExportSaved: true, BackupNone: true, Acknowledgement: recordID}},
			"The last export will be dropped",
		},
		"drop the copy of a key that Salesforce has": {
			keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED"}},
			keys.Wish{Status: "ARCHIVED", Locks: keys.Locks{ExportSaved: true, BackupNone: true}},
			"",
		},
		"reactivate": {
			keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "REMOTE", Status: "DESTROYED"}, Newest: true},
			keys.Wish{Status: "ACTIVE"},
			"A cache-only key will be reactivated",
		},
	} {
		fate, refusal := test.kept.Judge(test.wish)
		if refusal != nil || (test.summary == "") != (len(fate.Warnings) == 0) ||
			test.summary != "" && !hasWarning(fate, test.summary) {
			t.Errorf("%s: expected the warning %q, found %v, %v", name, test.summary, fate.Warnings, refusal)
		}
	}
}

// Before a destroy the way back is named, or that there is none.
func TestJudge_wayBack(t *testing.T) {
	t.Parallel()
	archived := keys.Record{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED"}
	for words, test := range map[string]struct {
		kept  keys.Kept
		locks keys.Locks
	}{
		"The export in state restores it.": {
			keys.Kept{Record: archived}, keys.Locks{Allowed: true, ExportSaved: true},
		},
		"No copy is kept: it can't be restored by Terraform.": {
			keys.Kept{Record: archived}, keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID},
		},
		"It can be made ACTIVE again": {
			keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "REMOTE", Status: "ACTIVE"}, Newest: true},
			keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID},
		},
	} {
		fate, refusal := test.kept.Judge(keys.Wish{Status: "DESTROYED", Locks: test.locks})
		if refusal != nil || len(fate.Warnings) != 1 || !strings.Contains(fate.Warnings[0].Detail, words) {
			t.Errorf("expected a warning with %q, found %v, %v", words, fate.Warnings, refusal)
		}
	}
}

// The apply does what the plan has announced or less, and never another thing.
func TestCheckAnnounced(t *testing.T) {
	t.Parallel()
	custodyRecords(func(before keys.Kept) {
		custodyRecords(func(now keys.Kept) {
			if before.Type != now.Type || before.Source != now.Source || before.Newest != now.Newest {
				return
			}
			wishes(func(w keys.Wish) {
				announced, refusal := before.Judge(w)
				fate, refusedNow := now.Judge(w)
				if refusal != nil || refusedNow != nil || w.Adopting {
					return
				}
				allowed := now.CheckAnnounced(announced, fate) == nil
				if same := fate.Transition == announced.Transition; allowed != (same || fate.Transition == keys.Stay) {
					t.Errorf("announced %+v, now %+v: allowed %t", announced, fate, allowed)
				}
				if allowed && fate.Status != announced.Status {
					t.Errorf("announced %+v, and the record would end as %s", announced, fate.Status)
				}
			})
		})
	})
}

func TestCheckForget(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"ACTIVE", "ARCHIVED", "DESTROYED"} {
		k := keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "UPLOADED", Status: status}}
		for _, locks := range []keys.Locks{
			{},
			{ExportSaved: true},
			{ExportSaved: true, Acknowledgement: otherID},
			{ExportSaved: true, Acknowledgement: recordID[:15]},
			{Acknowledgement: recordID},
		} {
			refusal := locks.CheckForget(k)
			if onlyCopy := status == "DESTROYED" && locks.ExportSaved &&
				locks.Acknowledgement != recordID[:15]; onlyCopy != (refusal != nil) {
				t.Errorf("%s, %+v: found %v", status, locks, refusal)
			}
			if refusal != nil {
				checkRefusal(t, refusal, "exported_secret_value", "State holds a destroyed key's only copy")
			}
		}
	}
}
