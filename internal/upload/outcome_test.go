package upload_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// After a POST without an answer the record is looked for, at once and then after each wait, and
// nothing is sent again.
func TestRun_unknownOutcome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		commit bool
		hidden int
		looks  int // reads of the org after the POST
		found  bool
	}{
		"found at once":     {true, 0, 1, true},
		"found late":        {true, 2, 3, true},
		"found by the last": {true, 3, 4, true},
		"appears too late":  {true, 9, 4, false},
		"was never made":    {false, 0, 4, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t, record(1, byHSM))
			org.onSend = answer(test.commit, errUnknown)
			org.beforeSend = func() { org.hidden = test.hidden }
			result, err := org.run(request())
			if n := org.counts["records"] - 1; n != test.looks || org.waits != test.looks-1 {
				t.Errorf("expected %d looks with a wait between two, found %d and %d waits", test.looks, n, org.waits)
			}
			if org.counts["send"] != 1 {
				t.Errorf("expected one POST, found %d", org.counts["send"])
			}
			if test.found {
				if err != nil || !result.Confirmed || result.Adopted || result.Record.Version != 2 ||
					warning(result, "The reply to an upload was lost") == nil {
					t.Errorf("expected the record and a warning, found %+v, %v", result, err)
				}
				if evidence := receiptOf(t, result); evidence.Outcome != "uploaded" || evidence.HashMatched == nil ||
					!*evidence.HashMatched || result.KeyCheckValue == "" {
					t.Errorf("expected the evidence of an upload, found %s", result.Receipt())
				}

				return
			}
			unknown, ok := errors.AsType[*upload.UnknownOutcomeError](err)
			if !ok || !errors.Is(err, salesforce.ErrOutcomeUnknown) {
				t.Fatalf("expected an unknown outcome, found %v", err)
			}
			if unknown.Type != keys.TypeData || unknown.RotationID != rotation(0) || unknown.Hash != org.sent[0].Hash ||
				unknown.SentAt != now {
				t.Errorf("unexpected error %+v", unknown)
			}
			for _, words := range []string{
				"a new Data record", fingerprint + ".0", unknown.Hash, "its outcome is unknown",
				"connection reset",
			} {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("expected %q in %q", words, err)
				}
			}
		})
	}
}

// A key that has no hash is found by its marker alone, if it is newer than what was there before
// the POST.
func TestRun_unknownOutcomeWithoutHash(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]func(*upload.Request){"HSM": fromHSM, "REMOTE": fromService} {
		for _, commit := range []bool{true, false} {
			org := newOrg(t, record(1, byHSM, archived, describedBy(admin, marker(0))), record(2, byHSM))
			org.onSend = answer(commit, errUnknown)
			result, err := org.run(request(kind))
			if commit && (err != nil || result.Record.Version != 3) {
				t.Errorf("%s: expected the record by its marker, found %+v, %v", name, result, err)
			}
			if !commit && (!errors.Is(err, salesforce.ErrOutcomeUnknown) || strings.Contains(err.Error(), "SecretValueHash")) {
				t.Errorf("%s: expected an unknown outcome without a hash, found %v", name, err)
			}
		}
	}
}

// A Description that Salesforce has changed does not hide the record: it is found by its hash too.
func TestRun_unknownOutcomeFoundByHash(t *testing.T) {
	t.Parallel()
	org := newOrg(t)
	org.onSend = answer(true, errUnknown)
	org.readBack = func(r *keys.Record) { r.Description = "cut off [tf:" }
	result, err := org.run(request())
	if err != nil || result.Record.Version != 1 {
		t.Errorf("expected the record by its hash, found %+v, %v", result, err)
	}
}

// The org can't be read after the POST, or the run is cancelled while it waits.
func TestRun_unknownOutcomeLooksFail(t *testing.T) {
	t.Parallel()
	org := newOrg(t)
	org.onSend, org.onRecords = answer(true, errUnknown), afterFirst(errBroken)
	if _, err := org.run(request()); !errors.Is(err, errBroken) || !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Errorf("expected both causes, found %v", err)
	}

	org = newOrg(t)
	ctx, cancel := context.WithCancel(t.Context())
	org.onSend = answer(false, errUnknown)
	uploader := org.uploader()
	uploader.Patience.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	if _, err := uploader.Run(ctx, org, request()); !errors.Is(err, context.Canceled) ||
		!errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Errorf("expected the cancellation and the unknown outcome, found %v", err)
	}
}

// Once the org's request limit stops the client, no further look is possible, and none is waited
// for.
func TestRun_unknownOutcomeAtTheRequestLimit(t *testing.T) {
	t.Parallel()
	limit := &salesforce.RequestLimitError{Err: &salesforce.Error{
		Status:   403,
		Messages: []salesforce.Message{{ErrorCode: "REQUEST_LIMIT_EXCEEDED"}},
	}}
	org := newOrg(t)
	org.onSend, org.onRecords = answer(true, errUnknown), afterFirst(limit)
	if _, err := org.run(request()); !errors.Is(err, salesforce.ErrRequestLimit) ||
		!errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Errorf("expected both causes, found %v", err)
	}
	if org.waits != 0 || org.counts["records"] != 2 {
		t.Errorf("expected one look and no wait, found %d and %d", org.counts["records"]-1, org.waits)
	}
}

// An earlier apply sent this rotation and never learned what became of it: its record is waited for
// as long as it may still appear.
func TestRun_earlierAttempt(t *testing.T) {
	t.Parallel()
	made := []keys.Record{record(1, archived), record(2, described(marker(5)))}
	for name, test := range map[string]struct {
		ago     time.Duration
		records []keys.Record
		hidden  int
		adopted bool
		looks   int // patient looks before the POST
	}{
		"record appears late": {time.Minute, made, 3, true, 0},
		"record is there":     {time.Minute, made, 0, true, 0},
		"never arrived":       {time.Minute, made[:1], 0, false, 4},
		"long ago":            {time.Hour, made[:1], 0, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, r := newOrg(t, test.records...), request(unconfirmed(5, now.Add(-test.ago), record(2).Hash))
			org.hidden = test.hidden
			org.fresh[recordID(2)] = true
			result, err := org.uploader().Run(t.Context(), org, r)
			if err != nil {
				t.Fatal(err)
			}
			if result.Adopted != test.adopted || test.adopted == (org.counts["send"] == 1) {
				t.Errorf("expected an adoption: %v, found %v with %d POSTs", test.adopted, result.Adopted, org.counts["send"])
			}
			if test.adopted {
				if warning(result, "A key of an interrupted run was adopted") == nil {
					t.Errorf("expected to read what the plan did not announce, found %v", result.Warnings)
				}

				return
			}
			looks := -1
			for _, event := range org.events[:slices.Index(org.events, "send")] {
				if event == "records" {
					looks++
				}
			}
			if looks != test.looks {
				t.Errorf("expected %d patient looks before the POST, found %d", test.looks, looks)
			}
		})
	}
}

// The hash of an attempt is known, and the record with its marker has another: somebody else's.
func TestRun_earlierAttemptOfAnotherHash(t *testing.T) {
	t.Parallel()
	org := newOrg(t, record(1, archived), record(2, described(marker(5))))
	result, err := org.run(request(unconfirmed(5, now.Add(-time.Hour), hashOf([]byte("another")))))
	if err != nil || result.Adopted || result.Record.Version != 3 {
		t.Errorf("expected a key of our own, found %+v, %v", result, err)
	}
}

// If the org can't be searched for an earlier attempt, nothing is sent.
func TestRun_earlierAttemptCannotBeSearched(t *testing.T) {
	t.Parallel()
	org := newOrg(t, record(1))
	org.onRecords = afterFirst(errBroken)
	_, err := org.run(request(unconfirmed(5, now, "")))
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "nothing was sent") || org.counts["send"] != 0 {
		t.Errorf("expected nothing to be sent, found %v and %v", err, org.events)
	}
}

// The record of an earlier attempt has been overtaken while it was invisible: it is not adopted,
// and the id is not used again.
func TestRun_earlierAttemptOvertaken(t *testing.T) {
	t.Parallel()
	org := newOrg(t, record(1, archived, described(marker(5))), record(2, byHSM))
	org.hidden, org.fresh[recordID(1)] = 2, true
	r := request(unconfirmed(5, now, record(1).Hash))
	r.Planned.Over = recordID(2)
	_, err := org.uploader().Run(t.Context(), org, r)
	if err == nil || !strings.Contains(err.Error(), "Plan again") || org.writes() != 0 {
		t.Errorf("expected an error that says to plan again, found %v and %v", err, org.events)
	}
}

// An attempt that turns up during the wait is held to the plan like one that was there at once.
func TestRun_earlierAttemptTurnsUpUnplanned(t *testing.T) {
	t.Parallel()
	org := newOrg(t, record(1, byHSM, archived), record(2, byHSM, described(marker(5))))
	org.hidden, org.fresh[recordID(2)] = 2, true
	// An attempt at an HSM key has no hash, so only the record's writer proves it.
	_, err := org.uploader().Run(t.Context(), org, request(fromHSM, unconfirmed(5, now, "")))
	if err == nil || !strings.Contains(err.Error(), "Plan again") || org.writes() != 0 {
		t.Errorf("expected an error that says to plan again, found %v and %v", err, org.events)
	}
}

// Salesforce said 201: from then on nothing is an error.
func TestRun_readBack(t *testing.T) {
	t.Parallel()
	const differs, unread = "The new key differs from what was sent", "The new key could not be read back"
	for name, test := range map[string]struct {
		org       func(*fakeOrg)
		confirmed bool
		warning   string
		detail    string
		matched   string
	}{
		"as sent": {func(*fakeOrg) {}, true, "", "", "true"},
		"another hash": {func(o *fakeOrg) {
			o.readBack = withHash(hashOf(nil))
		}, true, differs, "SecretValueHash is", "false"},
		"another source": {func(o *fakeOrg) {
			o.readBack = func(r *keys.Record) { r.Source = keys.SourceHSM }
		}, true, differs, `Source is "HSM"`, "true"},
		"another status": {func(o *fakeOrg) { o.readBack = archived }, true, differs, `Status is "ARCHIVED"`, "true"},
		"fails": {func(o *fakeOrg) {
			o.onRead = func(int) error { return errBroken }
		}, false, unread, "broken", "null"},
		"visible late":  {func(o *fakeOrg) { o.beforeSend = func() { o.hidden = 3 } }, true, "", "", "true"},
		"never visible": {func(o *fakeOrg) { o.beforeSend = func() { o.hidden = 99 } }, false, unread, "404", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t, record(1))
			test.org(org)
			result, err := org.run(request())
			if err != nil {
				t.Fatalf("expected no error after a 201, found %v", err)
			}
			if result.Confirmed != test.confirmed || result.Record.ID != org.records[1].ID || result.RotationID != rotation(0) {
				t.Errorf("unexpected result %+v", result)
			}
			if !test.confirmed && (result.Record.Hash == "" || result.Record.Description != marker(0) ||
				result.Record.Type != keys.TypeData) {
				t.Errorf("expected what is known without the read-back, found %+v", result.Record)
			}
			if len(result.Warnings) > 1 || test.warning == "" && len(result.Warnings) != 0 ||
				test.warning != "" && (warning(result, test.warning) == nil ||
					!strings.Contains(result.Warnings[0].Detail, test.detail)) {
				t.Errorf("expected the warning %q with %q, found %v", test.warning, test.detail, result.Warnings)
			}
			if !strings.Contains(result.Receipt(), `"hash_matched_on_read_back":`+test.matched) {
				t.Errorf("expected the comparison %s in %s", test.matched, result.Receipt())
			}
			if org.counts["send"] != 1 {
				t.Errorf("expected one POST, found %d", org.counts["send"])
			}
		})
	}
}

// An org that says 201 without an id: the record is found as after a lost reply.
func TestRun_readBackWithoutID(t *testing.T) {
	t.Parallel()
	org := newOrg(t, record(1))
	org.silent = true
	result, err := org.run(request())
	if err != nil || !result.Confirmed || result.Record.Version != 2 || len(result.Warnings) != 0 {
		t.Errorf("expected the record by its hash, found %+v, %v", result, err)
	}
	seen := org.counts["records"]
	org.onRecords = func(n int) error {
		if n > seen+1 {
			return errBroken
		}

		return nil
	}
	result, err = org.run(request(update(1)))
	if err != nil || result.Confirmed || warning(result, "The new key could not be read back") == nil {
		t.Errorf("expected a warning, found %+v, %v", result, err)
	}
}

// A change that makes no other key patches a cache-only record.
func TestRun_adoptsRemote(t *testing.T) {
	t.Parallel()
	org := newOrg(t, record(1, byService, described(marker(0)), func(r *keys.Record) {
		r.RemoteKeyServiceID, r.RemoteKeyCertificate = "0XA000000000001AAA", "Old"
	}))
	r := request(fromService)
	r.RemoteKeyServiceID, r.RemoteKeyCertificate = "0XA000000000002AAA", "New"
	result, err := org.run(r)
	if err != nil || !result.Adopted {
		t.Fatalf("expected an adoption, found %+v, %v", result, err)
	}
	for _, row := range []keys.Record{result.Record, org.records[0]} {
		if row.RemoteKeyServiceID != "0XA000000000002AAA" || row.RemoteKeyCertificate != "New" {
			t.Errorf("expected the record to be patched, found %+v", row)
		}
	}
}

// escrowIn returns escrow to a recipient, in a directory unless dir is "".
func escrowIn(t testing.TB, dir string) *upload.Escrow {
	t.Helper()
	const recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj" // the recipient of C2SP's test kit
	recipients, err := escrow.NewPlan([]string{recipient})
	if err != nil {
		t.Fatal(err)
	}
	keeper := &upload.Escrow{Plan: recipients}
	if dir != "" {
		if keeper.Directory, err = escrow.OpenDirectory(dir); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(keeper.Close)
	}

	return keeper
}

// filesIn returns the names of files in a directory that match, but for its lock.
func filesIn(t testing.TB, dir, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		if name := filepath.Base(path); name != ".escrow.lock" {
			names = append(names, name)
		}
	}

	return names
}

// copies are the paths of escrow copies in a directory.
func copies(t testing.TB, dir string) []string {
	t.Helper()
	var paths []string
	for _, name := range filesIn(t, dir, "*.age") {
		paths = append(paths, filepath.Join(dir, name))
	}

	return paths
}

// The copy and the intent to send, with the full hash, are on disk before the POST.
func TestRun_escrowIsDurableBeforeThePost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	org, r := newOrg(t, record(7, byHSM)), request()
	r.Escrow = escrowIn(t, dir)
	var atPost []string
	var intent escrow.Intent
	org.beforeSend = func() {
		atPost = copies(t, dir)
		intent, _, _ = r.Escrow.Directory.Intent(organization, keys.TypeData, fingerprint+".0")
	}
	result, err := org.run(r)
	if err != nil {
		t.Fatal(err)
	}
	hash := org.records[1].Hash
	want := filepath.Join(dir, escrow.FileName(organization, keys.TypeData, fingerprint+".0", hash))
	if !slices.Equal(atPost, []string{want}) {
		t.Errorf("expected the copy %s when the POST arrived, found %v", want, atPost)
	}
	attempt, ok := intent.Attempt(hash)
	if !ok || attempt.KnownVersion != 7 || !attempt.SentAt.Equal(now) || !attempt.Time.Equal(now) {
		t.Errorf("expected the intent to send the key after version 7, found %+v", intent)
	}
	text, err := os.ReadFile(want)
	if err != nil || string(text) != result.EscrowCiphertext {
		t.Errorf("expected the copy to be the ciphertext of the result, found %v", err)
	}
	receipt, err := os.ReadFile(strings.TrimSuffix(want, ".age") + ".receipt.json")
	if err != nil || string(receipt) != result.Receipt() || receiptOf(t, result).EscrowFile != filepath.Base(want) {
		t.Errorf("expected the receipt beside the copy, found %s, %v", receipt, err)
	}
}

// What becomes of the copy when the POST fails: it is never deleted, and renamed only if the key is
// known not to be in the org.
func TestRun_escrowAfterFailure(t *testing.T) {
	t.Parallel()
	const renamed = "A refused key's escrow copy was renamed"
	material := byok.GenerateMaterial()
	for name, test := range map[string]struct {
		err      error
		given    bool
		before   bool // an earlier attempt has left a copy
		blind    bool // the org can't be read after the POST
		refused  bool
		warnings []string
		age, off int // copies with their name, and refused ones
	}{
		"refused":            {err: errRefused, given: true, refused: true, warnings: []string{renamed}, off: 1},
		"refused, generated": {err: errRefused, refused: true, warnings: []string{renamed}, off: 1},
		"refused, copy was there before": {
			err: errRefused, given: true, before: true, refused: true,
			warnings: []string{renamed}, off: 1,
		},
		"refused, nobody can look": {err: errRefused, given: true, blind: true, refused: true, age: 1},
		"unknown":                  {err: errUnknown, given: true, age: 1},
		"unknown, nobody can look": {err: errUnknown, blind: true, age: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			org, r := newOrg(t), request()
			r.Escrow = escrowIn(t, dir)
			if test.given {
				r.Material = material
			}
			if test.before {
				key := escrow.Key{
					Organization: organization, Type: keys.TypeData, RotationID: fingerprint + ".0",
					Hash: byok.HashMaterial(material), Time: now,
				}
				if _, _, err := r.Escrow.Keep(key, material); err != nil {
					t.Fatal(err)
				}
			}
			if test.blind {
				org.onRecords = afterFirst(errBroken)
			}
			org.onSend = answer(false, test.err)
			_, err := org.run(r)
			if !errors.Is(err, test.err) {
				t.Errorf("expected %v to be kept, found %v", test.err, err)
			}
			refused, ok := errors.AsType[*upload.RefusedError](err)
			if ok != test.refused {
				t.Fatalf("expected a refusal only of who refused, found %v", err)
			}
			if ok {
				var found []string
				for _, w := range refused.Warnings {
					found = append(found, w.Summary)
				}
				if refused.Type != keys.TypeData || refused.Hash != org.sent[0].Hash ||
					!strings.Contains(err.Error(), "uploading the new Data key") || !slices.Equal(found, test.warnings) ||
					(refused.Unchecked != nil) != test.blind {
					t.Errorf("unexpected refusal %+v with %v", refused, found)
				}
			}
			if age, off := len(copies(t, dir)), len(filesIn(t, dir, "*.age.refused")); age != test.age || off != test.off {
				t.Errorf("expected %d copies and %d refused ones, found %d and %d", test.age, test.off, age, off)
			}
		})
	}
}

// A refusal of the key that is in the org all the same: something else than Salesforce has spoken.
// The key is ours, with its copy.
func TestRun_refusalOfAKeyThatIsInTheOrg(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*upload.Request)
		escrow bool
	}{
		"generated": {func(*upload.Request) {}, true},
		"given":     {func(r *upload.Request) { r.Material = byok.GenerateMaterial() }, true},
		"no escrow": {func(*upload.Request) {}, false},
		"HSM":       {fromHSM, false},
		"REMOTE":    {fromService, false},
		"update":    {update(5), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			org, r := newOrg(t, record(1, byHSM)), request(test.change)
			if test.escrow {
				r.Escrow = escrowIn(t, dir)
			}
			org.onSend = answer(true, errRefused)
			result, err := org.run(r)
			if err != nil || result.Adopted || result.Record.Version != 2 ||
				warning(result, "A refused key is in the org") == nil || receiptOf(t, result).Outcome != "uploaded" {
				t.Fatalf("expected the record and a warning, found %+v, %v", result, err)
			}
			if test.escrow && (len(copies(t, dir)) != 1 || result.EscrowCiphertext == "") {
				t.Errorf("expected the copy to stay, found %v", filesIn(t, dir, "*"))
			}
		})
	}
}

// Two runs with the same given material and the same escrow directory: the one that is refused must
// not take away the copy of the key that the other one has uploaded.
func TestRun_refusalKeepsTheCopyOfAnother(t *testing.T) {
	t.Parallel()
	for _, blind := range []bool{false, true} {
		dir, material := t.TempDir(), byok.GenerateMaterial()
		org, r := newOrg(t, record(1)), request()
		r.Escrow, r.Material = escrowIn(t, dir), material
		org.beforeSend = func() { org.add(record(0, withHash(byok.HashMaterial(material)))) }
		org.onSend = answer(false, errRefused)
		if blind {
			org.onRecords = afterFirst(errBroken)
		}
		result, err := org.run(r)
		if _, refused := errors.AsType[*upload.RefusedError](err); refused != blind || !blind && result.Record.Version != 2 {
			t.Errorf("blind %v: expected the key of this very material to be found, found %+v, %v", blind, result, err)
		}
		if left := copies(t, dir); len(left) != 1 {
			t.Errorf("blind %v: expected the copy to stay, found %v", blind, filesIn(t, dir, "*"))
		}
	}
}

// The escrow directory remembers an attempt if no state does: a create that was killed or lost its
// reply.
func TestRun_intentSpeaksForAnAttempt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	org, r := newOrg(t, record(1, byHSM)), request()
	r.Escrow = escrowIn(t, dir)
	org.onSend = answer(true, errUnknown)
	org.beforeSend = func() { org.hidden = 99 }
	if _, err := org.run(r); !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Fatalf("expected an unknown outcome, found %v", err)
	}
	// The next run is another user's, and does not see the record at first either.
	org.hidden, org.onSend = 2, nil
	r.Evidence.Users = []string{admin}
	r.Planned.Over = recordID(1)
	result, err := org.uploader().Run(t.Context(), org, r)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Adopted || org.counts["send"] != 1 || result.EscrowCiphertext == "" || len(copies(t, dir)) != 1 ||
		warning(result, "A key of an interrupted run was adopted") == nil {
		t.Errorf("expected the first run's record with its copy, found %+v after %v", result, org.events)
	}
}

// What stands under the name of an intent or a copy and is neither stops the run before anything is
// sent.
func TestRun_escrowDirectoryIsNotOurs(t *testing.T) {
	t.Parallel()
	intent := organization + "-Data-" + fingerprint + ".0.intent"
	for name, file := range map[string]string{"intent": intent, "directory": intent} {
		dir := t.TempDir()
		org, r := newOrg(t), request(update(0))
		r.Escrow = escrowIn(t, dir)
		path := filepath.Join(dir, file)
		var err error
		if name == "directory" {
			err = os.Mkdir(path, 0o700)
		} else {
			err = os.WriteFile(path, []byte("{}"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = org.uploader().Run(t.Context(), org, r)
		if err == nil || !strings.Contains(err.Error(), "Escrow directory can't be read") || org.writes() != 0 {
			t.Errorf("%s: expected a problem and nothing sent, found %v and %v", name, err, org.events)
		}
	}
}

func TestRun_adoptionEvidence(t *testing.T) {
	t.Parallel()
	const lost = "No escrow copy of the adopted key"
	type adoption struct {
		change func(t *testing.T, r *upload.Request, dir string)
		// warnings are the summaries, escrow and receipt what is expected of the second run.
		warnings []string
		escrow   bool
		receipt  string
	}
	for name, test := range map[string]adoption{
		"same directory": {func(*testing.T, *upload.Request, string) {}, nil, true, "uploaded"},
		"no directory any more": {func(t *testing.T, r *upload.Request, _ string) {
			r.Escrow = escrowIn(t, "")
		}, []string{lost}, false, "adopted"},
		"no escrow any more": {func(_ *testing.T, r *upload.Request, _ string) { r.Escrow = nil }, nil, false, "adopted"},
		"another directory": {func(t *testing.T, r *upload.Request, _ string) {
			r.Escrow = escrowIn(t, t.TempDir())
		}, []string{lost}, false, "adopted"},
		"receipt is gone": {func(t *testing.T, _ *upload.Request, dir string) {
			removeReceipt(t, dir)
		}, nil, true, "adopted"},
		"receipt is of another": {func(t *testing.T, _ *upload.Request, dir string) {
			writeReceipt(t, dir, `{"tenant_secret_id":"02G000000000009AAA"}`)
		}, nil, true, "adopted"},
		"receipt is damaged": {func(t *testing.T, _ *upload.Request, dir string) {
			writeReceipt(t, dir, `{`)
		}, nil, true, "adopted"},
		"copy is damaged": {damageCopy, []string{lost}, false, "adopted"},
		"other material, no escrow": {
			func(_ *testing.T, r *upload.Request, _ string) { r.Escrow, r.Material = nil, byok.GenerateMaterial() },
			[]string{"The given key material was not uploaded"},
			false, "adopted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			org, r := newOrg(t, record(1, byHSM)), request()
			r.Escrow = escrowIn(t, dir)
			first, err := org.run(r)
			if err != nil {
				t.Fatal(err)
			}
			test.change(t, &r, dir)
			second, err := org.run(r)
			if err != nil {
				t.Fatal(err)
			}
			if !second.Adopted || second.Record.ID != first.Record.ID || second.RotationID != first.RotationID ||
				org.counts["send"] != 1 || org.counts["change"] != 0 {
				t.Fatalf("expected the record to be adopted as it is, found %+v after %v", second, org.events)
			}
			if found := summaries(second); !slices.Equal(found, test.warnings) {
				t.Errorf("expected the warnings %v, found %v", test.warnings, found)
			}
			if got := second.EscrowCiphertext != ""; got != test.escrow ||
				test.escrow && second.EscrowCiphertext != first.EscrowCiphertext {
				t.Errorf("expected the ciphertext again: %v, found %q", test.escrow, second.EscrowCiphertext)
			}
			if outcome := receiptOf(t, second).Outcome; outcome != test.receipt {
				t.Errorf("expected a receipt with %s, found %s", test.receipt, second.Receipt())
			}
			if test.receipt == "uploaded" && (second.Receipt() != first.Receipt() ||
				second.CertificateSHA256 != first.CertificateSHA256) {
				t.Errorf("expected the first run's evidence, found %s", second.Receipt())
			}
		})
	}
}

func removeReceipt(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(strings.TrimSuffix(copies(t, dir)[0], ".age") + ".receipt.json"); err != nil {
		t.Fatal(err)
	}
}

func writeReceipt(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(strings.TrimSuffix(copies(t, dir)[0], ".age")+".receipt.json", []byte(text),
		0o600); err != nil {
		t.Fatal(err)
	}
}

func damageCopy(t *testing.T, _ *upload.Request, dir string) {
	t.Helper()
	if err := os.WriteFile(copies(t, dir)[0], []byte("not age"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A state that has the record keeps the copy that it has: an adoption by pin is no reason to say
// that there is none.
func TestRun_adoptionOfARecordThatTheStateHas(t *testing.T) {
	t.Parallel()
	own := record(1, described(marker(4)))
	for name, test := range map[string]struct {
		change func(*upload.Request)
		warns  bool
	}{
		"our own": {after(own), false},
		"another": {update(5), true},
	} {
		org := newOrg(t, own)
		r := request(test.change)
		r.PinnedHash, r.Escrow = own.Hash, escrowIn(t, "")
		result, err := org.run(r)
		if err != nil || !result.Adopted || (warning(result, "No escrow copy of the adopted key") != nil) != test.warns {
			t.Errorf("%s: expected an adoption, with a warning: %v; found %+v, %v", name, test.warns, result, err)
		}
	}
}

// The material is at hand but the copy can't be made again: the warning says why.
func TestRun_adoptionWithMaterialThatCannotBeEscrowed(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	dir := t.TempDir()
	org, r := newOrg(t), request()
	r.Material = material
	if _, err := org.run(r); err != nil {
		t.Fatal(err)
	}
	// A directory stands where the copy belongs.
	name := escrow.FileName(organization, keys.TypeData, rotation(0).String(), byok.HashMaterial(material))
	if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	r.Escrow = escrowIn(t, dir)
	result, err := org.run(r)
	if err != nil {
		t.Fatal(err)
	}
	w := warning(result, "No escrow copy of the adopted key")
	if w == nil || !strings.Contains(w.Detail, "is not a regular file") ||
		strings.Contains(w.Detail, "Nothing was sent") || result.EscrowCiphertext != "" {
		t.Errorf("expected a warning that says why, found %+v", result.Warnings)
	}
}

// The material is at hand: a lost copy is made again.
func TestRun_adoptionWithMaterialEscrowsAgain(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	dir := t.TempDir()
	org, r := newOrg(t), request()
	r.Material = material
	if _, err := org.run(r); err != nil {
		t.Fatal(err)
	}
	r.Escrow = escrowIn(t, dir)
	result, err := org.run(r)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Adopted || result.EscrowCiphertext == "" || result.KeyCheckValue != byok.KeyCheckValue(material) ||
		len(copies(t, dir)) != 1 || len(result.Warnings) != 0 {
		t.Errorf("expected the copy to be made again, found %+v", result)
	}
}
