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

// After a POST without an answer the record is looked for, at once and then after each wait, and nothing is sent again.
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
			org.onCreate = answer(test.commit, errUnknown)
			org.beforeCreate = func() { org.hidden = test.hidden }
			result, err := org.uploader().Run(t.Context(), request())
			if n := org.counts["records"] - 1; n != test.looks || org.waits != test.looks-1 {
				t.Errorf("expected %d looks with a wait between two, found %d and %d waits", test.looks, n, org.waits)
			}
			if org.counts["create"] != 1 {
				t.Errorf("expected one POST, found %d", org.counts["create"])
			}
			if test.found {
				if err != nil || !result.Confirmed || result.Adopted || result.Record.Version != 2 || !hasWarning(result, "The reply to an upload was lost") {
					t.Errorf("expected the record and a warning, found %+v, %v", result, err)
				}
				if !strings.Contains(result.Receipt, `"outcome":"uploaded"`) || !strings.Contains(result.Receipt, `"hash_matched_on_read_back":true`) || result.KeyCheckValue == "" {
					t.Errorf("expected the evidence of an upload, found %s", result.Receipt)
				}

				return
			}
			var unknown *upload.UnknownOutcomeError
			if !errors.As(err, &unknown) || !errors.Is(err, salesforce.ErrOutcomeUnknown) {
				t.Fatalf("expected an unknown outcome, found %v", err)
			}
			sent, _ := org.created[0].(salesforce.UploadedTenantSecret)
			if unknown.Type != "Data" || unknown.RotationID != rotation(0) || unknown.Hash != sent.SecretValueHash || unknown.SentAt.IsZero() {
				t.Errorf("unexpected error %+v", unknown)
			}
			for _, words := range []string{"a new Data record", fingerprint + ".0", sent.SecretValueHash, "its outcome is unknown", "connection reset"} {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("expected %q in %q", words, err)
				}
			}
		})
	}
}

// A key that Salesforce makes has no hash: its marker alone tells it.
func TestRun_unknownOutcomeOfHSM(t *testing.T) {
	t.Parallel()
	for _, commit := range []bool{true, false} {
		org, r := newOrg(t, record(1, byHSM)), request()
		r.Source = upload.SourceHSM
		org.onCreate = answer(commit, errUnknown)
		result, err := org.uploader().Run(t.Context(), r)
		if commit && (err != nil || result.Record.Version != 2) {
			t.Errorf("expected the record by its marker, found %+v, %v", result, err)
		}
		if !commit && (!errors.Is(err, salesforce.ErrOutcomeUnknown) || strings.Contains(err.Error(), "SecretValueHash")) {
			t.Errorf("expected an unknown outcome without a hash, found %v", err)
		}
	}
}

// A Description that Salesforce has changed does not hide the record: the hash tells it too.
func TestRun_unknownOutcomeFoundByHash(t *testing.T) {
	t.Parallel()
	org := newOrg(t)
	org.onCreate = answer(true, errUnknown)
	org.readBack = func(r *salesforce.TenantSecret) { r.Description = "cut off [tf:" }
	result, err := org.uploader().Run(t.Context(), request())
	if err != nil || result.Record.Version != 1 {
		t.Errorf("expected the record by its hash, found %+v, %v", result, err)
	}
}

// The org can't be read after the POST, or the run is cancelled while it waits.
func TestRun_unknownOutcomeLooksFail(t *testing.T) {
	t.Parallel()
	org := newOrg(t)
	broken := errors.New("broken")
	org.onCreate = answer(true, errUnknown)
	org.onRecords = func(n int) error {
		if n > 1 {
			return broken
		}

		return nil
	}
	_, err := org.uploader().Run(t.Context(), request())
	if !errors.Is(err, broken) || !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Errorf("expected both causes, found %v", err)
	}

	org = newOrg(t)
	ctx, cancel := context.WithCancel(t.Context())
	org.onCreate = answer(false, errUnknown)
	uploader := org.uploader()
	uploader.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	_, err = uploader.Run(ctx, request())
	if !errors.Is(err, context.Canceled) || !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Errorf("expected the cancellation and the unknown outcome, found %v", err)
	}
}

// An earlier apply sent this rotation and never learned what became of it.
func TestRun_earlierAttempt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ago     time.Duration
		records []salesforce.TenantSecret
		hidden  int
		adopted bool
		looks   int
	}{
		"record appears late": {time.Minute, []salesforce.TenantSecret{record(1, archived), record(2, described(marker(5)))}, 3, true, 2},
		"record is there":     {time.Minute, []salesforce.TenantSecret{record(1, archived), record(2, described(marker(5)))}, 0, true, 0},
		"never arrived":       {time.Minute, []salesforce.TenantSecret{record(1)}, 0, false, 4},
		"long ago":            {time.Hour, []salesforce.TenantSecret{record(1)}, 0, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, r := newOrg(t, test.records...), request()
			org.hidden = test.hidden
			org.fresh[record(2).ID] = true
			r.RotationID, r.UnconfirmedSince = rotation(5), time.Now().Add(-test.ago)
			result, err := org.uploader().Run(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if result.Adopted != test.adopted || test.adopted == (org.counts["create"] == 1) {
				t.Errorf("expected an adoption: %v, found %v with %d POSTs", test.adopted, result.Adopted, org.counts["create"])
			}
			posted := slices.Index(org.events, "create")
			if posted < 0 {
				posted = len(org.events)
			}
			looks := -1
			for _, event := range org.events[:posted] {
				if event == "records" {
					looks++
				}
			}
			if !test.adopted && looks != test.looks {
				t.Errorf("expected %d patient looks before the POST, found %d", test.looks, looks)
			}
		})
	}
}

// Where the org can't be searched for an earlier attempt, nothing is sent.
func TestRun_earlierAttemptCannotBeSearched(t *testing.T) {
	t.Parallel()
	org, r := newOrg(t, record(1)), request()
	broken := errors.New("broken")
	org.onRecords = func(n int) error {
		if n > 1 {
			return broken
		}

		return nil
	}
	r.RotationID, r.UnconfirmedSince = rotation(5), time.Now()
	_, err := org.uploader().Run(t.Context(), r)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "nothing was sent") || org.counts["create"] != 0 {
		t.Errorf("expected nothing to be sent, found %v and %v", err, org.events)
	}
}

// The record of an earlier attempt has been overtaken while it was invisible: it is not adopted, and the id is not used again.
func TestRun_earlierAttemptOvertaken(t *testing.T) {
	t.Parallel()
	org, r := newOrg(t, record(1, archived, described(marker(5))), record(2, byHSM)), request()
	org.hidden, org.fresh[record(1).ID] = 2, true
	r.RotationID, r.UnconfirmedSince = rotation(5), time.Now()
	_, err := org.uploader().Run(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "plan again") || org.counts["create"] != 0 {
		t.Errorf("expected an error that says to plan again, found %v and %v", err, org.events)
	}
}

// Salesforce said 201: from then on nothing is an error.
func TestRun_readBack(t *testing.T) {
	t.Parallel()
	const differs = "The new key does not read back as it was sent"
	for name, test := range map[string]struct {
		org       func(*fakeOrg)
		confirmed bool
		warning   string
		detail    string
		matched   string
	}{
		"as sent": {func(*fakeOrg) {}, true, "", "", "true"},
		"another hash": {
			func(o *fakeOrg) { o.readBack = func(r *salesforce.TenantSecret) { r.SecretValueHash = hashOf(nil) } }, true, differs, "SecretValueHash is", "false",
		},
		"another source": {func(o *fakeOrg) { o.readBack = func(r *salesforce.TenantSecret) { r.Source = "HSM" } }, true, differs, `Source is "HSM"`, "true"},
		"another status": {func(o *fakeOrg) { o.readBack = archived }, true, differs, `Status is "ARCHIVED"`, "true"},
		"fails":          {func(o *fakeOrg) { o.onGet = func(int) error { return errors.New("broken") } }, false, "The new key could not be read back", "broken", "null"},
		"visible late":   {func(o *fakeOrg) { o.beforeCreate = func() { o.hidden = 3 } }, true, "", "", "true"},
		"never visible":  {func(o *fakeOrg) { o.beforeCreate = func() { o.hidden = 99 } }, false, "The new key could not be read back", "404", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t, record(1))
			test.org(org)
			result, err := org.uploader().Run(t.Context(), request())
			if err != nil {
				t.Fatalf("expected no error after a 201, found %v", err)
			}
			if result.Confirmed != test.confirmed || result.Record.ID != org.records[1].ID || result.RotationID != rotation(0) {
				t.Errorf("unexpected result %+v", result)
			}
			if !test.confirmed && (result.Record.SecretValueHash == "" || result.Record.Description != marker(0) || result.Record.Type != "Data") {
				t.Errorf("expected what is known without the read-back, found %+v", result.Record)
			}
			if len(result.Warnings) > 1 || test.warning == "" && len(result.Warnings) != 0 ||
				test.warning != "" && (!hasWarning(result, test.warning) || !strings.Contains(result.Warnings[0].Detail, test.detail)) {
				t.Errorf("expected the warning %q with %q, found %v", test.warning, test.detail, result.Warnings)
			}
			if !strings.Contains(result.Receipt, `"hash_matched_on_read_back":`+test.matched) {
				t.Errorf("expected the comparison %s in %s", test.matched, result.Receipt)
			}
			if org.counts["create"] != 1 {
				t.Errorf("expected one POST, found %d", org.counts["create"])
			}
		})
	}
}

// A cache-only record is patched with what does not make another key.
func TestRun_adoptsRemote(t *testing.T) {
	t.Parallel()
	remote := record(1, described(marker(0)), func(r *salesforce.TenantSecret) {
		r.Source, r.SecretValueHash, r.RemoteKeyIdentifier, r.RemoteKeyServiceID, r.RemoteKeyCertificate = upload.SourceRemote, "", "key", "0XA000000000001AAA", "Old"
	})
	org, r := newOrg(t, remote), request()
	r.Source, r.RemoteKeyIdentifier, r.RemoteKeyServiceID, r.RemoteKeyCertificate = upload.SourceRemote, "key", "0XA000000000002AAA", "New"
	result, err := org.uploader().Run(t.Context(), r)
	if err != nil || !result.Adopted {
		t.Fatalf("expected an adoption, found %+v, %v", result, err)
	}
	for _, row := range []salesforce.TenantSecret{result.Record, org.records[0]} {
		if row.RemoteKeyServiceID != "0XA000000000002AAA" || row.RemoteKeyCertificate != "New" {
			t.Errorf("expected the record to be patched, found %+v", row)
		}
	}
}

// escrowIn returns escrow to a new recipient in a directory, and what opens a copy.
func escrowIn(t *testing.T, dir string) *upload.Escrow {
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

func copies(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.age"))
	if err != nil {
		t.Fatal(err)
	}

	return paths
}

func TestRun_escrowIsDurableBeforeThePost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	org, r := newOrg(t), request()
	r.Escrow = escrowIn(t, dir)
	var atPost []string
	org.beforeCreate = func() { atPost = copies(t, dir) }
	result, err := org.uploader().Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	hash := org.records[0].SecretValueHash
	want := filepath.Join(dir, escrow.FileName(organization, "Data", fingerprint+".0", hash))
	if !slices.Equal(atPost, []string{want}) {
		t.Errorf("expected the copy %s when the POST arrived, found %v", want, atPost)
	}
	text, err := os.ReadFile(want)
	if err != nil || string(text) != result.EscrowCiphertext {
		t.Errorf("expected the copy to be the ciphertext of the result, found %v", err)
	}
	receipt, err := os.ReadFile(strings.TrimSuffix(want, ".age") + ".receipt.json")
	if err != nil || string(receipt) != result.Receipt || !strings.Contains(result.Receipt, `"escrow_file":"`+filepath.Base(want)+`"`) {
		t.Errorf("expected the receipt beside the copy, found %s, %v", receipt, err)
	}
}

// What becomes of the copy when the POST fails.
func TestRun_escrowAfterFailure(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	for name, test := range map[string]struct {
		err    error
		before bool // an earlier attempt has left a copy
		left   int
	}{
		"refused":                        {errRefused, false, 0},
		"refused, copy was there before": {errRefused, true, 1},
		"unknown":                        {errUnknown, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			org, r := newOrg(t), request()
			r.Escrow, r.Material = escrowIn(t, dir), material
			if test.before {
				key := escrow.Key{Organization: organization, Type: "Data", RotationID: fingerprint + ".0", Hash: byok.HashMaterial(material)}
				if _, _, err := r.Escrow.Keep(key, material); err != nil {
					t.Fatal(err)
				}
			}
			org.onCreate = answer(false, test.err)
			_, err := org.uploader().Run(t.Context(), r)
			if !errors.Is(err, test.err) {
				t.Errorf("expected %v to be kept, found %v", test.err, err)
			}
			var refused *upload.RefusedError
			if errors.As(err, &refused) != errors.Is(test.err, errRefused) {
				t.Errorf("expected a refusal only where Salesforce refused, found %v", err)
			}
			if refused != nil && (refused.Type != "Data" || refused.Hash != byok.HashMaterial(material) || !strings.Contains(err.Error(), "uploading the new Data key")) {
				t.Errorf("unexpected refusal %+v", refused)
			}
			if left := copies(t, dir); len(left) != test.left {
				t.Errorf("expected %d copies, found %v", test.left, left)
			}
		})
	}
}

// Two runs with the same given material and the same escrow directory: the one that is refused must not take away the copy of the key
// that the other one has uploaded.
func TestRun_refusalKeepsTheCopyOfAnother(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// other makes the record of the other run, which overtakes this one's POST.
		other bool
		// blind is a Salesforce that can't be read after the POST.
		blind bool
		left  int
	}{
		"nobody else":         {false, false, 0},
		"another run":         {true, false, 1},
		"who knows":           {false, true, 1},
		"another run, unseen": {true, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, material := t.TempDir(), byok.GenerateMaterial()
			org, r := newOrg(t, record(1)), request()
			r.Escrow, r.Material = escrowIn(t, dir), material
			org.beforeCreate = func() {
				if test.other {
					org.add(record(0, func(s *salesforce.TenantSecret) { s.SecretValueHash = byok.HashMaterial(material) }))
				}
			}
			org.onCreate = answer(false, errRefused)
			org.onRecords = func(n int) error {
				if n > 1 && test.blind {
					return errors.New("broken")
				}

				return nil
			}
			var refused *upload.RefusedError
			if _, err := org.uploader().Run(t.Context(), r); !errors.As(err, &refused) {
				t.Fatalf("expected a refusal, found %v", err)
			}
			if left := copies(t, dir); len(left) != test.left {
				t.Errorf("expected %d copies, found %v", test.left, left)
			}
		})
	}
}

// The escrow directory remembers an attempt where no state does: a create that was killed.
func TestRun_escrowFileTellsOfAnAttempt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	org, r := newOrg(t, record(1, byHSM)), request()
	r.Escrow = escrowIn(t, dir)
	org.onCreate = answer(true, errUnknown)
	org.beforeCreate = func() { org.hidden = 99 }
	if _, err := org.uploader().Run(t.Context(), r); !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Fatalf("expected an unknown outcome, found %v", err)
	}
	// The next run does not see the record at first either.
	org.hidden, org.onCreate = 2, nil
	result, err := org.uploader().Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Adopted || org.counts["create"] != 1 || result.EscrowCiphertext == "" || len(copies(t, dir)) != 1 {
		t.Errorf("expected the first run's record with its copy, found %+v after %v", result, org.events)
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
		"same directory":        {func(*testing.T, *upload.Request, string) {}, nil, true, `"outcome":"uploaded"`},
		"no directory any more": {func(t *testing.T, r *upload.Request, _ string) { r.Escrow = escrowIn(t, "") }, []string{lost}, false, `"outcome":"adopted"`},
		"no escrow any more":    {func(_ *testing.T, r *upload.Request, _ string) { r.Escrow = nil }, nil, false, `"outcome":"adopted"`},
		"another directory":     {func(t *testing.T, r *upload.Request, _ string) { r.Escrow = escrowIn(t, t.TempDir()) }, []string{lost}, false, `"outcome":"adopted"`},
		"receipt is gone":       {func(t *testing.T, _ *upload.Request, dir string) { removeReceipt(t, dir) }, nil, true, `"outcome":"adopted"`},
		"receipt is of another": {func(t *testing.T, _ *upload.Request, dir string) {
			writeReceipt(t, dir, `{"tenant_secret_id":"02G000000000009AAA"}`)
		}, nil, true, `"outcome":"adopted"`},
		"receipt is damaged": {func(t *testing.T, _ *upload.Request, dir string) { writeReceipt(t, dir, `{`) }, nil, true, `"outcome":"adopted"`},
		"copy is damaged":    {damageCopy, []string{lost}, false, `"outcome":"adopted"`},
		"other material, no escrow": {
			func(_ *testing.T, r *upload.Request, _ string) { r.Escrow, r.Material = nil, byok.GenerateMaterial() },
			[]string{"The given key material was not uploaded"},
			false, `"outcome":"adopted"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			org, r := newOrg(t, record(1, byHSM)), request()
			r.Escrow = escrowIn(t, dir)
			first, err := org.uploader().Run(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			test.change(t, &r, dir)
			second, err := org.uploader().Run(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if !second.Adopted || second.Record.ID != first.Record.ID || second.RotationID != first.RotationID || org.counts["create"] != 1 || org.counts["update"] != 0 {
				t.Fatalf("expected the record to be adopted as it is, found %+v after %v", second, org.events)
			}
			var summaries []string
			for _, w := range second.Warnings {
				summaries = append(summaries, w.Summary)
			}
			for _, want := range test.warnings {
				if !slices.Contains(summaries, want) {
					t.Errorf("expected the warning %q, found %v", want, summaries)
				}
			}
			if test.warnings == nil && slices.Contains(summaries, lost) {
				t.Errorf("expected no warning of a lost copy, found %v", summaries)
			}
			if got := second.EscrowCiphertext != ""; got != test.escrow || test.escrow && second.EscrowCiphertext != first.EscrowCiphertext {
				t.Errorf("expected the ciphertext again: %v, found %q", test.escrow, second.EscrowCiphertext)
			}
			if !strings.Contains(second.Receipt, test.receipt) {
				t.Errorf("expected a receipt with %s, found %s", test.receipt, second.Receipt)
			}
			if strings.Contains(test.receipt, "uploaded") && (second.Receipt != first.Receipt || second.CertificateSHA256 != first.CertificateSHA256) {
				t.Errorf("expected the first run's evidence, found %s", second.Receipt)
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
	if err := os.WriteFile(strings.TrimSuffix(copies(t, dir)[0], ".age")+".receipt.json", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func damageCopy(t *testing.T, _ *upload.Request, dir string) {
	t.Helper()
	if err := os.WriteFile(copies(t, dir)[0], []byte("not age"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Once the org's request limit stops the client, no further look can be had, and none is waited for.
func TestRun_unknownOutcomeAtTheRequestLimit(t *testing.T) {
	t.Parallel()
	limit := &salesforce.RequestLimitError{Err: &salesforce.Error{Status: 403, Messages: []salesforce.Message{{ErrorCode: "REQUEST_LIMIT_EXCEEDED"}}}}
	org := newOrg(t)
	org.onCreate = answer(true, errUnknown)
	org.onRecords = func(n int) error {
		if n > 1 {
			return limit
		}

		return nil
	}
	_, err := org.uploader().Run(t.Context(), request())
	if !errors.Is(err, salesforce.ErrRequestLimit) || !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		t.Errorf("expected both causes, found %v", err)
	}
	if org.waits != 0 || org.counts["records"] != 2 {
		t.Errorf("expected one look and no wait, found %d and %d", org.counts["records"]-1, org.waits)
	}
}

// Where the material is at hand but the copy can't be made anew, the warning says why.
func TestRun_adoptionWithMaterialThatCannotBeEscrowed(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	dir := t.TempDir()
	org, r := newOrg(t), request()
	r.Material = material
	if _, err := org.uploader().Run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	// A directory stands where the copy belongs.
	name := escrow.FileName(organization, "Data", rotation(0).String(), byok.HashMaterial(material))
	if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	r.Escrow = escrowIn(t, dir)
	result, err := org.uploader().Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !hasWarning(result, "No escrow copy of the adopted key") || !strings.Contains(result.Warnings[0].Detail, "is not a regular file") {
		t.Errorf("expected a warning that says why, found %+v", result.Warnings)
	}
	if strings.Contains(result.Warnings[0].Detail, "Nothing was sent") || result.EscrowCiphertext != "" {
		t.Errorf("unexpected %+v", result)
	}
}

// Where the material is at hand, a lost copy is made anew.
func TestRun_adoptionWithMaterialEscrowsAnew(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	dir := t.TempDir()
	org, r := newOrg(t), request()
	r.Material = material
	if _, err := org.uploader().Run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Escrow = escrowIn(t, dir)
	result, err := org.uploader().Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Adopted || result.EscrowCiphertext == "" || result.KeyCheckValue != byok.KeyCheckValue(material) || len(copies(t, dir)) != 1 || len(result.Warnings) != 0 {
		t.Errorf("expected the copy to be made anew, found %+v", result)
	}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	remote := func(r *salesforce.TenantSecret) { r.Source, r.Status = upload.SourceRemote, "DESTROYED" }
	analytics := func(r *salesforce.TenantSecret) { r.Type = "Analytics" }
	for name, test := range map[string]struct {
		records []salesforce.TenantSecret
		newest  int64
		active  int64
		current int64
	}{
		"none":                       {nil, 0, 0, 0},
		"another type":               {[]salesforce.TenantSecret{record(1, analytics)}, 0, 0, 0},
		"one":                        {[]salesforce.TenantSecret{record(1)}, 1, 1, 1},
		"any order":                  {[]salesforce.TenantSecret{record(3), record(1, archived), record(2, archived)}, 3, 3, 3},
		"newest is archived":         {[]salesforce.TenantSecret{record(1), record(2, archived)}, 2, 1, 1},
		"two ACTIVE":                 {[]salesforce.TenantSecret{record(2), record(1)}, 2, 2, 2},
		"only archived":              {[]salesforce.TenantSecret{record(1, archived)}, 1, 0, 0},
		"REMOTE whose callouts fail": {[]salesforce.TenantSecret{record(1, archived), record(2, remote)}, 2, 0, 2},
		"REMOTE, then an own key":    {[]salesforce.TenantSecret{record(1, remote), record(2)}, 2, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, check := range map[string]struct {
				find func([]salesforce.TenantSecret, string) (salesforce.TenantSecret, bool)
				want int64
			}{"Newest": {upload.Newest, test.newest}, "Active": {upload.Active, test.active}, "Current": {upload.Current, test.current}} {
				got, ok := check.find(test.records, "Data")
				if ok != (check.want != 0) || ok && got.Version != check.want {
					t.Errorf("%s: expected version %d, found %d, %v", what, check.want, got.Version, ok)
				}
			}
		})
	}
}

func TestDescriptions(t *testing.T) {
	t.Parallel()
	got := upload.Descriptions([]salesforce.TenantSecret{record(1, described("a")), record(2, func(r *salesforce.TenantSecret) { r.Type = "EventBus" }), record(3)}, "Data")
	if want := []string{"a", ""}; !slices.Equal(got, want) {
		t.Errorf("expected %q, found %q", want, got)
	}
	if id := keys.FirstID(fingerprint, got); id != rotation(0) {
		t.Errorf("expected %s, found %s", rotation(0), id)
	}
}
