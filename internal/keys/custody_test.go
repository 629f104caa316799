package keys_test

import (
	"fmt"
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

// lifecycle is the whole table for a Data key that is the newest of its type: every source, status and wish.
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
				subject := keys.Kept{Record: keys.Record{ID: recordID, Type: typ, Source: row.source, Status: row.status, Version: 7}, Newest: true, APINumber: 62}
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

// checkRefusal expects a refusal at an attribute that says which record it is about and that nothing was changed.
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
		"Database":                       {"Database", "UPLOADED", 62, true, "can be neither destroyed nor exported nor imported"},
		"Database by Salesforce":         {"Database", "HSM", 67, true, "can be neither destroyed nor exported nor imported"},
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
			subject := keys.Kept{Record: keys.Record{ID: recordID, Type: test.typ, Source: test.source, Status: "ARCHIVED"}, APINumber: test.api}
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
			subject := keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "REMOTE", Status: status}, Newest: false, APINumber: 62}
			action, err := subject.Transition(wanted)
			if status == wanted {
				if action != keys.Stay || err != nil {
					t.Errorf("%s to %s: expected nothing to do, found %d, %v", status, wanted, action, err)
				}

				continue
			}
			checkRefusal(t, err, "desired_status", "Only the newest cache-only key can change its status")
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
		if !strings.Contains(refusal.Detail, `reads the status "SUSPENDED"`) {
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
		"everything closed":                      {keys.Locks{}, false, "desired_status", notAllowed},
		"backup alone":                           {keys.Locks{ExportSaved: true}, false, "desired_status", notAllowed},
		"acknowledgement alone":                  {keys.Locks{BackupNone: true, Acknowledgement: recordID}, false, "desired_status", notAllowed},
		"permission alone":                       {keys.Locks{Allowed: true}, false, "desired_status", noBackup},
		"permission and acknowledgement":         {keys.Locks{Allowed: true, Acknowledgement: recordID}, false, "desired_status", noBackup},
		"permission and NONE":                    {keys.Locks{Allowed: true, BackupNone: true}, false, "destruction_acknowledgement", notAcknowledged},
		"NONE with a backup":                     {keys.Locks{Allowed: true, BackupNone: true, ExportSaved: true}, false, "destruction_acknowledgement", notAcknowledged},
		"acknowledgement of another":             {keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: otherID}, false, "destruction_acknowledgement", notAcknowledged},
		"acknowledgement by another case":        {keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: strings.ToLower(recordID)}, false, "destruction_acknowledgement", notAcknowledged},
		"acknowledgement too short":              {keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID[:14]}, false, "destruction_acknowledgement", notAcknowledged},
		"both open, backup":                      {keys.Locks{Allowed: true, ExportSaved: true}, false, "", ""},
		"both open, acknowledgement":             {keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID}, false, "", ""},
		"both open, acknowledgement by 15":       {keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID[:15]}, false, "", ""},
		"cache-only, permission alone":           {keys.Locks{Allowed: true}, true, "backup", noneOfRemote},
		"cache-only, closed":                     {keys.Locks{BackupNone: true, Acknowledgement: recordID}, true, "desired_status", notAllowed},
		"cache-only, a backup is no way back":    {keys.Locks{Allowed: true, ExportSaved: true}, true, "backup", noneOfRemote},
		"cache-only, NONE, not acknowledged":     {keys.Locks{Allowed: true, BackupNone: true}, true, "destruction_acknowledgement", notAcknowledged},
		"cache-only, both open, acknowledgement": {keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID}, true, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subject := keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED", Version: 3}}
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
	subject := keys.Kept{Record: keys.Record{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED", Version: 3}}
	for name, test := range map[string]struct {
		locks keys.Locks
		words []string
	}{
		"permission": {keys.Locks{}, []string{"allow_key_destruction = true"}},
		"backup":     {keys.Locks{Allowed: true}, []string{`desired_status = "ARCHIVED"`, `backup = "NONE"`, `destruction_acknowledgement = "` + recordID + `"`}},
		"missing":    {keys.Locks{Allowed: true, BackupNone: true}, []string{`destruction_acknowledgement = "` + recordID + `", found none`}},
		"wrong":      {keys.Locks{Allowed: true, BackupNone: true, Acknowledgement: otherID}, []string{`"` + recordID + `", found "` + otherID + `"`}},
	} {
		err := test.locks.Check(subject, keys.Destroy)
		for _, words := range test.words {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: expected the refusal to say %s, found: %v", name, words, err)
			}
		}
	}
}
