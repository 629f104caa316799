package custody_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/custody"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const (
	recordID = "02G000000000001AAA"
	otherID  = "02G000000000002AAA"

	materialHash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	otherHash    = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
)

var (
	errLost = &salesforce.OutcomeUnknownError{
		Method: "PATCH", Path: "/sobjects/TenantSecret/" + recordID,
		Err: errors.New("connection reset"),
	}
	errRefused = &salesforce.Error{
		Status: 400, Method: "PATCH",
		Messages: []salesforce.Message{{ErrorCode: "FIELD_INTEGRITY_EXCEPTION", Message: "refused"}},
	}
	errDown  = errors.New("connection refused")
	errLimit = &salesforce.RequestLimitError{Err: &salesforce.Error{
		Status:   403,
		Messages: []salesforce.Message{{ErrorCode: "REQUEST_LIMIT_EXCEEDED"}},
	}}
)

// org is a Salesforce of one record. It keeps the rules of the lifecycle by itself, and goes wrong
// as faults say.
type org struct {
	row salesforce.TenantSecret
	// release is part of every export: an export of another release differs, and still restores.
	release int
	// differing makes each export another one.
	differing bool
	// foreign is what Restore turns SecretValueHash into, "" for what it was.
	foreign string
	// faults are consumed by the call of their name, in order: "get", "export" or "patch". What a nil
	// leaves alone works.
	faults map[string][]fault
	// before runs ahead of every call, with the number of calls so far and the name of this one.
	before func(n int, call string)

	calls    []string
	patches  []string
	changes  int
	exported string // what was last given away
}

// fault is what goes wrong in one call. commit does the work all the same.
type fault struct {
	err    error
	commit bool
}

func record(source, status string) salesforce.TenantSecret {
	row := salesforce.TenantSecret{
		ID: recordID, Type: "Data", Version: 4, Source: source, Status: status,
		KeyDerivationMode: "PBKDF2",
	}
	if source == "UPLOADED" {
		row.SecretValueHash = materialHash
	}

	return row
}

// kept is a record as the rules look at it.
func kept(row salesforce.TenantSecret, newest bool, apiNumber int) keys.Kept {
	return keys.Kept{Record: inventory.Record(row), Newest: newest, APINumber: apiNumber}
}

// newKeeper returns a Keeper over an org of one record, which looks three times and never sleeps.
func newKeeper(t testing.TB, row salesforce.TenantSecret) (*custody.Keeper, *org) {
	t.Helper()
	o := &org{row: row, release: 262, faults: map[string][]fault{}}

	return &custody.Keeper{
		Org: o, Changed: func() { o.changes++ }, Patience: look.Patience{
			Waits: []time.Duration{time.Second, time.Minute}, Sleep: func(ctx context.Context,
				_ time.Duration,
			) error {
				return ctx.Err()
			},
		},
	}, o
}

// export is the SecretValue of the record now, "" if Salesforce has none.
func (o *org) export() string {
	if o.row.Status == "DESTROYED" || o.row.Source == "REMOTE" || o.row.Type == "Database" {
		return ""
	}

	return fmt.Sprintf("export of %s by release %d", o.row.ID, o.release)
}

func (o *org) exportText() secret.Text { return secret.NewText(o.export()) }

func (o *org) next(name, call string) fault {
	if o.before != nil {
		o.before(len(o.calls), name)
	}
	o.calls = append(o.calls, call)
	if len(o.faults[name]) == 0 {
		return fault{}
	}
	struck := o.faults[name][0]
	o.faults[name] = o.faults[name][1:]

	return struck
}

func (o *org) GetTenantSecret(_ context.Context, id string) (salesforce.TenantSecret, error) {
	if f := o.next("get", "get"); f.err != nil {
		return salesforce.TenantSecret{}, f.err
	}
	if id != o.row.ID {
		return salesforce.TenantSecret{}, &salesforce.Error{Status: 404}
	}

	return o.row, nil
}

func (o *org) ExportTenantSecret(_ context.Context, id string) (salesforce.TenantSecretExport, error) {
	if f := o.next("export", "export"); f.err != nil {
		return salesforce.TenantSecretExport{}, f.err
	}
	if id != o.row.ID {
		return salesforce.TenantSecretExport{}, &salesforce.Error{Status: 404}
	}

	o.exported = o.export()
	if o.differing {
		o.exported += fmt.Sprintf(", read %d", len(o.calls))
	}

	return salesforce.TenantSecretExport{TenantSecret: o.row, SecretValue: secret.NewText(o.exported)}, nil
}

func (o *org) DestroyTenantSecret(_ context.Context, _ string) error {
	return o.patch("DESTROYED", func() bool {
		return o.row.Source != "REMOTE" && o.row.Status == "ARCHIVED" && o.row.Type != "Database" ||
			o.row.Source == "REMOTE" && o.row.Status == "ACTIVE"
	})
}

func (o *org) RestoreTenantSecret(_ context.Context, _ string, export secret.Text) error {
	return o.patch("ARCHIVED", func() bool {
		ok := o.row.Status == "DESTROYED" && o.row.Source != "REMOTE" &&
			strings.HasPrefix(export.Expose(), "export of "+o.row.ID+" by ")
		if ok && o.foreign != "" {
			o.row.SecretValueHash = o.foreign
		}

		return ok
	})
}

func (o *org) ReactivateTenantSecret(_ context.Context, _ string) error {
	return o.patch("ACTIVE", func() bool { return o.row.Source == "REMOTE" && o.row.Status == "DESTROYED" })
}

func (o *org) patch(status string, allowed func() bool) error {
	f := o.next("patch", "patch "+status)
	o.patches = append(o.patches, status)
	if f.err != nil && !f.commit {
		return f.err
	}
	if !allowed() {
		return errRefused
	}
	o.row.Status = status

	return f.err
}

func TestSave(t *testing.T) {
	t.Parallel()
	t.Run("an archived record", func(t *testing.T) {
		t.Parallel()
		keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
		export, err := keeper.Save(t.Context(), recordID)
		if err != nil || !export.Value.Equal(org.exportText()) || export.Record != org.row {
			t.Fatalf("expected the record with its export, found %+v, %v", export.Record, err)
		}
		if !slices.Equal(org.calls, []string{"export"}) || org.changes != 0 {
			t.Errorf("expected one reading and no change, found %v", org.calls)
		}
	})
	for name, row := range map[string]salesforce.TenantSecret{
		"destroyed": record("UPLOADED", "DESTROYED"), "cache-only": record("REMOTE", "ACTIVE"),
		"Database": {ID: recordID, Type: "Database", Source: "UPLOADED", Status: "ARCHIVED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper, _ := newKeeper(t, row)
			_, err := keeper.Save(t.Context(), recordID)
			if err == nil || !strings.Contains(err.Error(), "no SecretValue") || !strings.Contains(err.Error(), row.Status) {
				t.Errorf("expected an error that names the status, found %v", err)
			}
		})
	}
	t.Run("not readable", func(t *testing.T) {
		t.Parallel()
		keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
		org.faults["export"] = []fault{{err: errDown}}
		if _, err := keeper.Save(t.Context(), recordID); !errors.Is(err, errDown) {
			t.Errorf("expected the error of the reading, found %v", err)
		}
	})
}

func TestDestroy(t *testing.T) {
	t.Parallel()
	keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
	saved := org.exportText()
	outcome, err := keeper.Destroy(t.Context(), recordID, saved)
	if err != nil || outcome.Record.Status != "DESTROYED" || !outcome.Value.Equal(saved) {
		t.Fatalf("expected a destroyed record and its export, found %s, %v", outcome.Record.Status, err)
	}
	if want := []string{"export", "patch DESTROYED", "get"}; !slices.Equal(org.calls, want) {
		t.Errorf("expected the export to be read right before, and the record after: %v, found %v", want, org.calls)
	}
	if org.changes != 2 {
		t.Errorf("expected the inventory to be dropped before and after the write, found %d", org.changes)
	}
}

func TestDestroy_sendsNothing(t *testing.T) {
	t.Parallel()
	saved := secret.NewText("export of " + recordID + " by release 262")
	tests := map[string]struct {
		row   salesforce.TenantSecret
		saved secret.Text
		fault error
		words string
	}{
		"ACTIVE meanwhile": {
			record("UPLOADED", "ACTIVE"), saved, nil,
			"is ACTIVE now, not ARCHIVED; nothing was destroyed",
		},
		"destroyed meanwhile":   {record("UPLOADED", "DESTROYED"), saved, nil, "nothing was destroyed"},
		"export not readable":   {record("UPLOADED", "ARCHIVED"), saved, errDown, "nothing was destroyed"},
		"cache-only meanwhile":  {record("REMOTE", "ACTIVE"), saved, nil, "nothing was destroyed"},
		"nothing saved":         {record("UPLOADED", "ARCHIVED"), secret.Text{}, nil, custody.ErrBackupRenewed.Error()},
		"an empty export saved": {record("UPLOADED", "ARCHIVED"), secret.NewText(""), nil, custody.ErrBackupRenewed.Error()},
		"another export saved": {
			record("UPLOADED", "ARCHIVED"), secret.NewText("export of " + recordID + " by release 260"),
			nil, custody.ErrBackupRenewed.Error(),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper, org := newKeeper(t, test.row)
			if test.fault != nil {
				org.faults["export"] = []fault{{err: test.fault}}
			}
			outcome, err := keeper.Destroy(t.Context(), recordID, test.saved)
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("expected an error that says %q, found %v", test.words, err)
			}
			if len(org.patches) != 0 || org.changes != 0 {
				t.Errorf("expected nothing to be sent, found %v", org.patches)
			}
			if renewed := errors.Is(err, custody.ErrBackupRenewed); renewed != (outcome.Value.Expose() != "") ||
				renewed && !outcome.Value.Equal(org.exportText()) {
				t.Error("expected the new export exactly where the backup is renewed")
			}
		})
	}
}

// operations are those that send a PATCH, each on a record that it suits.
func operations() map[string]struct {
	row salesforce.TenantSecret
	run func(context.Context, *custody.Keeper, *org) error
} {
	return map[string]struct {
		row salesforce.TenantSecret
		run func(context.Context, *custody.Keeper, *org) error
	}{
		"destroy": {record("UPLOADED", "ARCHIVED"), func(ctx context.Context, k *custody.Keeper, o *org) error {
			_, err := k.Destroy(ctx, recordID, o.exportText())

			return err
		}},
		"destroy for good": {record("UPLOADED", "ARCHIVED"), func(ctx context.Context, k *custody.Keeper, _ *org) error {
			_, err := k.DestroyForGood(ctx, recordID)

			return err
		}},
		"deactivate": {record("REMOTE", "ACTIVE"), func(ctx context.Context, k *custody.Keeper, _ *org) error {
			_, err := k.DestroyForGood(ctx, recordID)

			return err
		}},
		"restore": {record("UPLOADED", "DESTROYED"), func(ctx context.Context, k *custody.Keeper, _ *org) error {
			_, err := k.Restore(ctx, recordID, secret.NewText("export of "+recordID+" by release 262"))

			return err
		}},
	}
}

// The check sees the reading right before the PATCH, and its error stops it.
func TestKeeper_asksRightBeforeThePatch(t *testing.T) {
	t.Parallel()
	for name, op := range operations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper, org := newKeeper(t, op.row)
			org.before = func(n int, _ string) {
				if n == 0 { // edited since whatever was read before
					org.row.Description = "edited"
				}
			}
			var seen salesforce.TenantSecret
			refusal := errors.New("not so")
			keeper.Check = func(row salesforce.TenantSecret) error {
				seen = row

				return refusal
			}
			if err := op.run(t.Context(), keeper, org); !errors.Is(err, refusal) || len(org.patches) != 0 ||
				seen.Description != "edited" {
				t.Fatalf("expected the check to stop the PATCH on the newest reading, found %v, %v, %+v", err, org.patches, seen)
			}
			refusal = nil
			if err := op.run(t.Context(), keeper, org); err != nil || len(org.patches) != 1 {
				t.Errorf("expected one PATCH, found %v, %v", org.patches, err)
			}
		})
	}
}

// A record that a late replica does not show is looked for; nothing is sent before it is there, nor
// if it never comes.
func TestKeeper_looksForALateRecord(t *testing.T) {
	t.Parallel()
	missing := fault{err: fmt.Errorf("reading: %w", &salesforce.Error{Status: 404})}
	for name, op := range operations() {
		call := map[bool]string{true: "export", false: "get"}[name == "destroy"]
		for late, sent := range map[int]int{1: 1, 2: 1, 3: 0} {
			t.Run(fmt.Sprintf("%s, late by %d", name, late), func(t *testing.T) {
				t.Parallel()
				keeper, org := newKeeper(t, op.row)
				org.faults[call] = slices.Repeat([]fault{missing}, late)
				err := op.run(t.Context(), keeper, org)
				if (err == nil) != (sent == 1) || len(org.patches) != sent {
					t.Errorf("expected %d PATCHes, found %v, %v", sent, org.patches, err)
				}
			})
		}
	}
}

func TestDestroy_renewed(t *testing.T) {
	t.Parallel()
	keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
	saved := org.exportText()
	org.release += 2
	renewed, err := keeper.Destroy(t.Context(), recordID, saved)
	if !errors.Is(err, custody.ErrBackupRenewed) || renewed.Record.Status != "ARCHIVED" {
		t.Fatalf("expected the backup to be renewed, found %v", err)
	}
	if _, err := keeper.Destroy(t.Context(), recordID, renewed.Value); err != nil || org.row.Status != "DESTROYED" {
		t.Fatalf("expected the second run to destroy, found %v", err)
	}
	// The export of the older release restores too [I].
	if row, err := keeper.Restore(t.Context(), recordID, saved); err != nil || row.Status != "ARCHIVED" {
		t.Errorf("expected the key to come back, found %v", err)
	}
}

// Exports that differ from read to read are no newer backups: the saved one stays, and the key is
// destroyed and comes back. What can't be read twice, or is another key's, is not decided so.
func TestDestroy_exportsDiffer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		saved     string
		fault     error
		hash      string
		destroyed bool
	}{
		"another at each read":            {"export of " + recordID + " by release 262, read 0", nil, "", true},
		"nothing is saved":                {"", nil, "", false},
		"the saved one is damaged":        {"export of " + recordID, nil, "", false},
		"two releases take turns":         {"export of " + recordID + " by release 262, read 2", nil, "", false},
		"the second read fails":           {"export of " + recordID + " by release 262, read 0", errDown, "", false},
		"the second read has another key": {"export of " + recordID + " by release 262, read 0", nil, "another", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
			org.differing = true
			if test.fault != nil {
				org.faults["export"] = []fault{{}, {err: test.fault}}
			}
			if test.hash != "" {
				org.before = func(n int, _ string) {
					if n == 1 {
						org.row.SecretValueHash = test.hash
					}
				}
			}
			saved := secret.NewText(test.saved)
			outcome, err := keeper.Destroy(t.Context(), recordID, saved)
			if (err == nil) != test.destroyed || (org.row.Status == "DESTROYED") != test.destroyed {
				t.Fatalf("the record is %s: %v", org.row.Status, err)
			}
			if !test.destroyed {
				if !errors.Is(err, custody.ErrBackupRenewed) || outcome.Value.IsZero() || outcome.Value.Equal(saved) {
					t.Errorf("expected the first reading as the new backup, found %v", err)
				}

				return
			}
			if !outcome.Value.Equal(saved) {
				t.Error("expected the saved export to stay")
			}
			if row, err := keeper.Restore(t.Context(), recordID, saved); err != nil || row.Status != "ARCHIVED" {
				t.Errorf("expected the key to come back, found %v", err)
			}
		})
	}
}

// outcomes are what can become of a PATCH. Whatever it is, it is sent once.
func TestPatch_outcomes(t *testing.T) {
	t.Parallel()
	type outcome struct {
		name  string
		patch []fault
		// get are the faults of the readings after the PATCH.
		get []fault
		// frozen makes the org forget the change, as if a read lagged behind.
		frozen bool
		done   bool
		words  []string
		is     error
		gets   int
	}
	outcomes := []outcome{
		{name: "accepted", done: true, gets: 1},
		{name: "accepted, read back at the second look", get: []fault{{err: errDown}}, done: true, gets: 2},
		{
			name: "accepted, never read back", get: []fault{{err: errDown}, {err: errDown}, {err: errDown}},
			words: []string{"was accepted, but reading it back failed; plan again"}, is: errDown, gets: 3,
		},
		{
			name: "accepted, request limit", get: []fault{{err: errLimit}},
			words: []string{"was accepted, but reading it back failed; plan again"}, is: salesforce.ErrRequestLimit, gets: 1,
		},
		{
			name: "reply lost, request limit", patch: []fault{{err: errLost, commit: true}}, get: []fault{{err: errLimit}},
			words: []string{"nothing was sent twice"}, is: salesforce.ErrRequestLimit, gets: 1,
		},
		{name: "accepted, reads otherwise", frozen: true, words: []string{
			"was accepted, but it reads",
			"plan again before anything else",
		}, gets: 3},
		{name: "refused", patch: []fault{{err: errRefused}}, words: []string{
			"setting record " + recordID,
			"FIELD_INTEGRITY_EXCEPTION",
		}, is: errRefused},
		{name: "reply lost, applied", patch: []fault{{err: errLost, commit: true}}, done: true, gets: 1},
		{
			name: "reply lost, applied, seen late", patch: []fault{{err: errLost, commit: true}},
			get: []fault{{err: errDown}, {err: errDown}}, done: true, gets: 3,
		},
		{
			name: "reply lost, not applied", patch: []fault{{err: errLost}},
			words: []string{"had no answer that shows the outcome", "nothing was sent twice"}, is: salesforce.ErrOutcomeUnknown,
			gets: 3,
		},
		{
			name: "reply lost, not readable", patch: []fault{{err: errLost, commit: true}},
			get:   []fault{{err: errDown}, {err: errDown}, {err: errDown}},
			words: []string{"had no answer that shows the outcome", "nothing was sent twice"}, is: errDown, gets: 3,
		},
	}
	operations := map[string]struct {
		row    salesforce.TenantSecret
		before int // readings ahead of the PATCH
		run    func(context.Context, *custody.Keeper, *org) error
		status string
	}{
		"destroy": {record("UPLOADED", "ARCHIVED"), 0, func(ctx context.Context, k *custody.Keeper, o *org) error {
			_, err := k.Destroy(ctx, recordID, o.exportText())

			return err
		}, "DESTROYED"},
		"destroy for good": {record("HSM", "ARCHIVED"), 1, func(ctx context.Context, k *custody.Keeper, _ *org) error {
			_, err := k.DestroyForGood(ctx, recordID)

			return err
		}, "DESTROYED"},
		"deactivate": {record("REMOTE", "ACTIVE"), 1, func(ctx context.Context, k *custody.Keeper, _ *org) error {
			_, err := k.DestroyForGood(ctx, recordID)

			return err
		}, "DESTROYED"},
		"reactivate": {record("REMOTE", "DESTROYED"), 0, func(ctx context.Context, k *custody.Keeper, _ *org) error {
			_, err := k.Reactivate(ctx, recordID)

			return err
		}, "ACTIVE"},
		"restore": {record("UPLOADED", "DESTROYED"), 1, func(ctx context.Context, k *custody.Keeper, _ *org) error {
			_, err := k.Restore(ctx, recordID, secret.NewText("export of "+recordID+" by release 262"))

			return err
		}, "ARCHIVED"},
	}
	for operation, op := range operations {
		for _, o := range outcomes {
			t.Run(operation+"/"+o.name, func(t *testing.T) {
				t.Parallel()
				keeper, org := newKeeper(t, op.row)
				org.faults["patch"] = slices.Clone(o.patch)
				org.faults["get"] = append(make([]fault, op.before), o.get...)
				if o.frozen {
					org.before = func(_ int, call string) {
						if call == "get" {
							org.row.Status = op.row.Status
						}
					}
				}
				err := op.run(t.Context(), keeper, org)
				if o.done != (err == nil) {
					t.Fatalf("expected success to be %t, found %v", o.done, err)
				}
				if o.is != nil && !errors.Is(err, o.is) {
					t.Errorf("expected the cause %v to be named, found %v", o.is, err)
				}
				for _, words := range o.words {
					if !strings.Contains(err.Error(), words) {
						t.Errorf("expected %q, found: %v", words, err)
					}
				}
				if !slices.Equal(org.patches, []string{op.status}) {
					t.Errorf("expected exactly one PATCH to %s, found %v", op.status, org.patches)
				}
				if gets := len(slices.DeleteFunc(slices.Clone(org.calls),
					func(c string) bool { return c != "get" })); gets != op.before+o.gets {
					t.Errorf("expected %d readings, found %v", op.before+o.gets, org.calls)
				}
				if org.changes != 2 {
					t.Errorf("expected the inventory to be dropped before and after the write, found %d", org.changes)
				}
			})
		}
	}
}

func TestDestroyForGood_sendsNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		row   salesforce.TenantSecret
		fault error
		words string
	}{
		"destroyed already":   {record("UPLOADED", "DESTROYED"), nil, ""},
		"deactivated already": {record("REMOTE", "DESTROYED"), nil, ""},
		"ACTIVE": {
			record("UPLOADED", "ACTIVE"), nil,
			"is ACTIVE now, not ARCHIVED; nothing was destroyed",
		},
		"ACTIVE, made by Salesforce":   {record("HSM", "ACTIVE"), nil, "is ACTIVE now, not ARCHIVED; nothing was destroyed"},
		"not readable":                 {record("UPLOADED", "ARCHIVED"), errDown, "nothing was destroyed"},
		"a status that nobody knows":   {record("UPLOADED", "PENDING"), nil, "is PENDING now"},
		"a source that nobody knows":   {record("QUANTUM", "ACTIVE"), nil, "is ACTIVE now"},
		"a record without any status":  {record("UPLOADED", ""), nil, "nothing was destroyed"},
		"another case of the statuses": {record("UPLOADED", "Archived"), nil, "nothing was destroyed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper, org := newKeeper(t, test.row)
			if test.fault != nil {
				org.faults["get"] = []fault{{err: test.fault}}
			}
			_, err := keeper.DestroyForGood(t.Context(), recordID)
			if (err == nil) != (test.words == "") || err != nil && !strings.Contains(err.Error(), test.words) {
				t.Errorf("expected %q, found %v", test.words, err)
			}
			if len(org.patches) != 0 {
				t.Errorf("expected nothing to be sent, found %v", org.patches)
			}
		})
	}
}

func TestRestore_sendsNothing(t *testing.T) {
	t.Parallel()
	export := secret.NewText("export of " + recordID + " by release 262")
	tests := map[string]struct {
		row   salesforce.TenantSecret
		fault error
		words string
	}{
		"restored already": {record("UPLOADED", "ARCHIVED"), nil, ""},
		"ACTIVE": {
			record("UPLOADED", "ACTIVE"), nil,
			"is ACTIVE now, not DESTROYED; nothing was changed, plan again",
		},
		"not readable": {record("UPLOADED", "DESTROYED"), errDown, "nothing was changed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper, org := newKeeper(t, test.row)
			if test.fault != nil {
				org.faults["get"] = []fault{{err: test.fault}}
			}
			row, err := keeper.Restore(t.Context(), recordID, export)
			if (err == nil) != (test.words == "") || err != nil && !strings.Contains(err.Error(), test.words) {
				t.Errorf("expected %q, found %v", test.words, err)
			}
			if err == nil && row.Status != "ARCHIVED" {
				t.Errorf("expected the record as it is, found %s", row.Status)
			}
			if len(org.patches) != 0 {
				t.Errorf("expected nothing to be sent, found %v", org.patches)
			}
		})
	}
}

func TestRestore_verifiesTheHash(t *testing.T) {
	t.Parallel()
	export := secret.NewText("export of " + recordID + " by release 262")
	t.Run("another key came back", func(t *testing.T) {
		t.Parallel()
		keeper, org := newKeeper(t, record("UPLOADED", "DESTROYED"))
		org.foreign = otherHash
		_, err := keeper.Restore(t.Context(), recordID, export)
		for _, words := range []string{"was restored, but its SecretValueHash changed", materialHash, otherHash} {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("expected %q, found %v", words, err)
			}
		}
	})
	t.Run("a key of Salesforce has no hash to compare", func(t *testing.T) {
		t.Parallel()
		row := record("HSM", "DESTROYED")
		row.SecretValueHash = "UNKNOWM="
		keeper, org := newKeeper(t, row)
		org.foreign = "UNKNOWN="
		if _, err := keeper.Restore(t.Context(), recordID, export); err != nil {
			t.Errorf("expected no comparison, found %v", err)
		}
	})
	t.Run("the export of another record", func(t *testing.T) {
		t.Parallel()
		keeper, org := newKeeper(t, record("UPLOADED", "DESTROYED"))
		_, err := keeper.Restore(t.Context(), recordID, secret.NewText("export of "+otherID+" by release 262"))
		if !errors.Is(err, errRefused) || org.row.Status != "DESTROYED" || len(org.patches) != 1 {
			t.Errorf("expected Salesforce's refusal after one PATCH, found %v", err)
		}
		if strings.Contains(err.Error(), otherID) {
			t.Errorf("the error shows the export: %v", err)
		}
	})
}

func TestKeeper_endsWithTheContext(t *testing.T) {
	t.Parallel()
	keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
	keeper.Patience = look.Patience{Waits: []time.Duration{time.Hour}}
	ctx, cancel := context.WithCancel(t.Context())
	org.faults["patch"] = []fault{{err: errLost}}
	org.before = func(_ int, call string) {
		if call == "get" {
			cancel()
		}
	}
	_, err := keeper.Destroy(ctx, recordID, org.exportText())
	if !errors.Is(err, context.Canceled) || !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Errorf("expected the wait to end with the context, and the outcome to stay open, found %v", err)
	}
}

func TestKeeper_waitsByItself(t *testing.T) {
	t.Parallel()
	keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
	keeper.Patience = look.Patience{Waits: []time.Duration{time.Nanosecond}}
	org.faults["patch"] = []fault{{err: errLost, commit: true}}
	org.faults["get"] = []fault{{err: errDown}}
	if _, err := keeper.Destroy(t.Context(), recordID, org.exportText()); err != nil {
		t.Errorf("expected the second look to find the change, found %v", err)
	}
}

// A status that is not known is no reason to destroy: right before the PATCH the Keeper accepts
// ARCHIVED alone.
func TestDestroy_unknownStatus(t *testing.T) {
	t.Parallel()
	keeper, org := newKeeper(t, record("UPLOADED", "SUSPENDED"))
	if _, err := keeper.Destroy(t.Context(), recordID, org.exportText()); err == nil || len(org.patches) != 0 {
		t.Errorf("expected nothing to be sent, found %v, %v", org.patches, err)
	}
}
