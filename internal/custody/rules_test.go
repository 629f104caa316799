package custody_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/custody"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

const (
	recordID = "02G000000000001AAA"
	otherID  = "02G000000000002AAA"
)

// planRow is one line of the lifecycle table: what has to be done, or the summary of the refusal.
type planRow struct {
	source, status, wanted string
	action                 custody.Action
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
			planRow{source, "ACTIVE", "ACTIVE", custody.None, onlyCacheOnly},
			planRow{source, "ACTIVE", "ARCHIVED", custody.None, notByItself},
			planRow{source, "ACTIVE", "DESTROYED", custody.None, inUse},
			planRow{source, "ARCHIVED", "ACTIVE", custody.None, onlyCacheOnly},
			planRow{source, "ARCHIVED", "ARCHIVED", custody.None, ""},
			planRow{source, "ARCHIVED", "DESTROYED", custody.Destroy, ""},
			planRow{source, "DESTROYED", "ACTIVE", custody.None, onlyCacheOnly},
			planRow{source, "DESTROYED", "ARCHIVED", custody.Restore, ""},
			planRow{source, "DESTROYED", "DESTROYED", custody.None, ""},
		)
	}

	return append(rows,
		planRow{"REMOTE", "ACTIVE", "ACTIVE", custody.None, ""},
		planRow{"REMOTE", "ACTIVE", "ARCHIVED", custody.None, notThisStatus},
		planRow{"REMOTE", "ACTIVE", "DESTROYED", custody.Deactivate, ""},
		planRow{"REMOTE", "ARCHIVED", "ACTIVE", custody.None, notThisStatus},
		planRow{"REMOTE", "ARCHIVED", "ARCHIVED", custody.None, ""},
		planRow{"REMOTE", "ARCHIVED", "DESTROYED", custody.None, notThisStatus},
		planRow{"REMOTE", "DESTROYED", "ACTIVE", custody.Reactivate, ""},
		planRow{"REMOTE", "DESTROYED", "ARCHIVED", custody.None, notThisStatus},
		planRow{"REMOTE", "DESTROYED", "DESTROYED", custody.None, ""},
	)
}

func TestPlan(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, row := range lifecycle() {
		seen[row.source+row.status+row.wanted] = true
		// The types that field-level encryption uses have one lifecycle.
		for _, typ := range []string{"Data", "DeterministicData", "EventBus", "Analytics", "SearchIndex"} {
			t.Run(fmt.Sprintf("%s %s %s to %s", typ, row.source, row.status, row.wanted), func(t *testing.T) {
				t.Parallel()
				subject := custody.Subject{ID: recordID, Type: typ, Source: row.source, Status: row.status, Version: 7, Newest: true, APINumber: 62}
				action, err := custody.Plan(subject, row.wanted)
				if row.refusal == "" {
					if err != nil || action != row.action {
						t.Fatalf("expected action %d, found %d, %v", row.action, action, err)
					}

					return
				}
				checkRefusal(t, err, "desired_status", row.refusal)
				if action != custody.None {
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
func checkRefusal(t *testing.T, err error, attribute, summary string) {
	t.Helper()
	var refusal *custody.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("expected the refusal %q, found %v", summary, err)
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

func TestPlan_undestroyable(t *testing.T) {
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
			subject := custody.Subject{ID: recordID, Type: test.typ, Source: test.source, Status: "ARCHIVED", APINumber: test.api}
			action, err := custody.Plan(subject, "DESTROYED")
			if !test.refused {
				if err != nil || action != custody.Destroy {
					t.Fatalf("expected a destroy, found %d, %v", action, err)
				}

				return
			}
			checkRefusal(t, err, "desired_status", "This key can't be destroyed")
			if !strings.Contains(err.Error(), test.reason) {
				t.Errorf("expected the reason %q, found: %v", test.reason, err)
			}
			// Keeping it is always possible.
			if action, err := custody.Plan(subject, "ARCHIVED"); action != custody.None || err != nil {
				t.Errorf("expected nothing to do for ARCHIVED, found %d, %v", action, err)
			}
		})
	}
}

func TestPlan_olderCacheOnlyKey(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"ACTIVE", "ARCHIVED", "DESTROYED"} {
		for _, wanted := range []string{"ACTIVE", "ARCHIVED", "DESTROYED"} {
			subject := custody.Subject{ID: recordID, Type: "Data", Source: "REMOTE", Status: status, Newest: false, APINumber: 62}
			action, err := custody.Plan(subject, wanted)
			if status == wanted {
				if action != custody.None || err != nil {
					t.Errorf("%s to %s: expected nothing to do, found %d, %v", status, wanted, action, err)
				}

				continue
			}
			checkRefusal(t, err, "desired_status", "Only the newest cache-only key can change its status")
		}
	}
}

func TestPlan_unknownStatus(t *testing.T) {
	t.Parallel()
	action, err := custody.Plan(custody.Subject{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "SUSPENDED"}, "ARCHIVED")
	if action != custody.None || err == nil || !strings.Contains(err.Error(), `"SUSPENDED", which is not known`) {
		t.Fatalf("expected an error about the status, found %d, %v", action, err)
	}
	// A status that is not known is no reason to destroy either: right before the PATCH the Keeper accepts ARCHIVED alone.
	keeper, org := newKeeper(t, record("UPLOADED", "SUSPENDED"))
	if _, err := keeper.Destroy(t.Context(), recordID, org.exportText()); err == nil || len(org.patches) != 0 {
		t.Errorf("expected nothing to be sent, found %v, %v", org.patches, err)
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	row := salesforce.TenantSecret{ID: recordID, Type: "Data", Source: "Remote", Status: "Active", Version: 12}
	want := custody.Subject{ID: recordID, Type: "Data", Source: "REMOTE", Status: "ACTIVE", Version: 12, Newest: true, APINumber: 62}
	if got := custody.Of(row, true, 62); got != want {
		t.Errorf("expected %+v, found %+v", want, got)
	}
	if got := want.String(); got != recordID+" (Data, version 12)" {
		t.Errorf("expected the record to be named, found %q", got)
	}
}

func TestAction_Destructive(t *testing.T) {
	t.Parallel()
	for action, want := range map[custody.Action]bool{
		custody.None: false, custody.Destroy: true, custody.Restore: false, custody.Deactivate: true, custody.Reactivate: false,
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
		locks              custody.Locks
		remote             bool
		attribute, refusal string
	}{
		"everything closed":                      {custody.Locks{}, false, "desired_status", notAllowed},
		"backup alone":                           {custody.Locks{ExportSaved: true}, false, "desired_status", notAllowed},
		"acknowledgement alone":                  {custody.Locks{BackupNone: true, Acknowledgement: recordID}, false, "desired_status", notAllowed},
		"permission alone":                       {custody.Locks{Allowed: true}, false, "desired_status", noBackup},
		"permission and acknowledgement":         {custody.Locks{Allowed: true, Acknowledgement: recordID}, false, "desired_status", noBackup},
		"permission and NONE":                    {custody.Locks{Allowed: true, BackupNone: true}, false, "destruction_acknowledgement", notAcknowledged},
		"NONE with a backup":                     {custody.Locks{Allowed: true, BackupNone: true, ExportSaved: true}, false, "destruction_acknowledgement", notAcknowledged},
		"acknowledgement of another":             {custody.Locks{Allowed: true, BackupNone: true, Acknowledgement: otherID}, false, "destruction_acknowledgement", notAcknowledged},
		"acknowledgement by another case":        {custody.Locks{Allowed: true, BackupNone: true, Acknowledgement: strings.ToLower(recordID)}, false, "destruction_acknowledgement", notAcknowledged},
		"acknowledgement too short":              {custody.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID[:14]}, false, "destruction_acknowledgement", notAcknowledged},
		"both open, backup":                      {custody.Locks{Allowed: true, ExportSaved: true}, false, "", ""},
		"both open, acknowledgement":             {custody.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID}, false, "", ""},
		"both open, acknowledgement by 15":       {custody.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID[:15]}, false, "", ""},
		"cache-only, permission alone":           {custody.Locks{Allowed: true}, true, "backup", noneOfRemote},
		"cache-only, closed":                     {custody.Locks{BackupNone: true, Acknowledgement: recordID}, true, "desired_status", notAllowed},
		"cache-only, a backup is no way back":    {custody.Locks{Allowed: true, ExportSaved: true}, true, "backup", noneOfRemote},
		"cache-only, NONE, not acknowledged":     {custody.Locks{Allowed: true, BackupNone: true}, true, "destruction_acknowledgement", notAcknowledged},
		"cache-only, both open, acknowledgement": {custody.Locks{Allowed: true, BackupNone: true, Acknowledgement: recordID}, true, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subject := custody.Subject{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED", Version: 3}
			action := custody.Destroy
			if test.remote {
				subject.Source, subject.Status, subject.Newest, action = "REMOTE", "ACTIVE", true, custody.Deactivate
			}
			err := test.locks.Check(subject, action)
			if test.refusal == "" {
				if err != nil {
					t.Errorf("expected both locks to be open, found %v", err)
				}
			} else {
				checkRefusal(t, err, test.attribute, test.refusal)
			}
			for _, harmless := range []custody.Action{custody.None, custody.Restore, custody.Reactivate} {
				if err := test.locks.Check(subject, harmless); err != nil {
					t.Errorf("action %d destroys nothing, expected no lock, found %v", harmless, err)
				}
			}
		})
	}
}

func TestLocks_advice(t *testing.T) {
	t.Parallel()
	subject := custody.Subject{ID: recordID, Type: "Data", Source: "UPLOADED", Status: "ARCHIVED", Version: 3}
	for name, test := range map[string]struct {
		locks custody.Locks
		words []string
	}{
		"permission": {custody.Locks{}, []string{"allow_key_destruction = true"}},
		"backup":     {custody.Locks{Allowed: true}, []string{`desired_status = "ARCHIVED"`, `backup = "NONE"`, `destruction_acknowledgement = "` + recordID + `"`}},
		"missing":    {custody.Locks{Allowed: true, BackupNone: true}, []string{`destruction_acknowledgement = "` + recordID + `", found none`}},
		"wrong":      {custody.Locks{Allowed: true, BackupNone: true, Acknowledgement: otherID}, []string{`"` + recordID + `", found "` + otherID + `"`}},
	} {
		err := test.locks.Check(subject, custody.Destroy)
		for _, words := range test.words {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: expected the refusal to say %s, found: %v", name, words, err)
			}
		}
	}
}
