package upload_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// fakeKeys is a DataKeyOrg in memory. It records the steps, and fails where it is told to.
type fakeKeys struct {
	t     testing.TB
	keys  []salesforce.DataEncryptionKey
	chain []byte
	// unmarked is true where the org takes no Description.
	unmarked bool
	// withoutIDs is true where the org tells no ids.
	withoutIDs bool

	onDescribe, onContent error
	noContent             bool
	// onList fails a list; n counts from 1.
	onList func(n int) error
	// onBegin and onFinish decide whether a step is committed, and what its sender is told.
	onBegin, onFinish func(n int) (commit bool, err error)
	// hiddenSession and hiddenKey are how many lists after a step do not show what it made.
	hiddenSession, hiddenKey int

	events   []string
	counts   map[string]int
	finished []salesforce.NewDataEncryptionKey
	fresh    []salesforce.DataEncryptionKey
	late     int
}

func newKeys(t testing.TB, keys ...salesforce.DataEncryptionKey) *fakeKeys {
	t.Helper()

	return &fakeKeys{t: t, keys: keys, chain: goodChain(), counts: map[string]int{}}
}

func (o *fakeKeys) event(name string) int {
	o.events = append(o.events, name)
	o.counts[name]++

	return o.counts[name]
}

func (o *fakeKeys) Now() time.Time { return now }

func (o *fakeKeys) ListDataEncryptionKeys(ctx context.Context) ([]salesforce.DataEncryptionKey, error) {
	n := o.event("list")
	if o.fresh != nil {
		if o.late > 0 {
			o.late--
		} else {
			o.keys, o.fresh = o.fresh, nil
		}
	}
	if o.onList != nil {
		if err := o.onList(n); err != nil {
			return nil, err
		}
	}

	return slices.Clone(o.keys), ctx.Err()
}

// show makes the rows visible after a number of lists.
func (o *fakeKeys) show(late int, rows []salesforce.DataEncryptionKey) {
	o.fresh, o.late = rows, late
}

func (o *fakeKeys) BeginDataEncryptionKey(_ context.Context, keyType, certificateName string) (string, error) {
	n := o.event("begin")
	if keyType != "search index" {
		o.t.Errorf("the first step asks for the type %q", keyType)
	}
	commit, err := true, error(nil)
	if o.onBegin != nil {
		commit, err = o.onBegin(n)
	}
	if commit {
		o.show(o.hiddenSession, append(slices.Clone(o.keys), session(certificateName)))
	}

	return "4vQ000000000009AAA", err
}

// FinishDataEncryptionKey takes the session's key as Salesforce does: the temporary row vanishes, and the key in use is archived.
func (o *fakeKeys) FinishDataEncryptionKey(_ context.Context, k salesforce.NewDataEncryptionKey) (string, error) {
	n := o.event("finish")
	o.finished = append(o.finished, k)
	commit, err := true, error(nil)
	if o.onFinish != nil {
		commit, err = o.onFinish(n)
	}
	if commit {
		rows := slices.DeleteFunc(slices.Clone(o.keys), func(r salesforce.DataEncryptionKey) bool { return r.Pending() })
		version := int64(0)
		for i := range rows {
			version = max(version, rows[i].Version)
			rows[i].Status = "Archived"
		}
		row := dataKey(version+1, k.Description)
		if o.withoutIDs {
			row.ID = ""
		}
		row.CreatedDate = now
		o.show(o.hiddenKey, append(rows, row))
	}

	return "4vQ000000000009AAA", err
}

func (o *fakeKeys) CertificateContent(_ context.Context, name string) ([]byte, bool, error) {
	o.event("content")
	if name != sessionName {
		o.t.Errorf("the certificate of another session is read: %s", name)
	}

	return o.chain, !o.noContent, o.onContent
}

func (o *fakeKeys) DescriptionCreateable(_ context.Context, sobject string) (bool, error) {
	o.event("describe")
	if sobject != "DataEncryptionKey" {
		o.t.Errorf("%s is described", sobject)
	}

	return !o.unmarked, o.onDescribe
}

// sessionName is the certificate's name of the first rotation's session.
const sessionName = "Terraform_BYOK_" + fingerprint + "_0"

func session(name string) salesforce.DataEncryptionKey {
	return salesforce.DataEncryptionKey{
		ID: "4vQ000000000009AAA", Type: "search index", Status: "Activation Pending", CertificateName: name, SessionToken: secret.NewText("token of " + name),
	}
}

// dataKey is an Active key of last year.
func dataKey(version int64, description string) salesforce.DataEncryptionKey {
	return salesforce.DataEncryptionKey{
		ID: fmt.Sprintf("4vQ%012dAAA", version), Type: "Search Index", Status: "Active", Source: "Salesforce", Version: version, Description: description,
		CreatedDate: now.AddDate(-1, 0, 0),
	}
}

func dataKeyRequest() upload.Request {
	return upload.Request{Type: upload.TypeDataKey, Source: upload.SourceUploaded, Fingerprint: fingerprint}
}

// runDataKey runs an upload over the org, without pauses.
func runDataKey(t *testing.T, o upload.DataKeyOrg, r upload.Request) (upload.Result, error) {
	t.Helper()
	u := &upload.Uploader{
		Organization: organization, ProviderVersion: "1.2.3", Looks: []time.Duration{time.Second, 2 * time.Second},
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}

	return u.RunDataKey(t.Context(), o, r)
}

// escrowInto is an escrow with a directory.
func escrowInto(t *testing.T, dir string) *upload.Escrow {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipients, err := escrow.NewPlan([]string{identity.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	directory, err := escrow.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	escrow := &upload.Escrow{Plan: recipients, Directory: directory}
	t.Cleanup(escrow.Close)

	return escrow
}

func escrowFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, organization+"-DataEncryptionKey-*.age"))
	if err != nil {
		t.Fatal(err)
	}

	return files
}

func TestRunDataKey_uploaded(t *testing.T) {
	t.Parallel()
	org := newKeys(t, dataKey(7, "by hand"))
	dir := t.TempDir()
	r := dataKeyRequest()
	r.Escrow = escrowInto(t, dir)
	result, err := runDataKey(t, org, r)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"list", "describe", "begin", "list", "content", "finish", "list"}; !slices.Equal(org.events, want) {
		t.Errorf("expected the steps %v, found %v", want, org.events)
	}
	sent := org.finished[0]
	if sent.Type != "search index" || sent.Description != marker(0) || sent.SessionToken.Expose() != "token of "+sessionName {
		t.Errorf("expected the second step of the session with its marker, found %+v", sent)
	}
	wrapped, err := base64.StdEncoding.DecodeString(sent.SecretValue)
	if err != nil || len(wrapped) != byok.RSAAESKeyWrapSHA512.CiphertextSize(4096) {
		t.Errorf("expected the ciphertext of CKM_RSA_AES_KEY_WRAP, found %d bytes (%v)", len(wrapped), err)
	}
	if result.Record.Version != 8 || result.Record.Status != "ACTIVE" || !result.Confirmed || result.Adopted || result.RotationID != rotation(0) || len(result.Warnings) != 0 {
		t.Errorf("unexpected result %+v", result)
	}
	if _, err := byok.ParseHash(result.Hash); err != nil || result.KeyCheckValue == "" || len(result.CertificateSHA256) != 64 || result.EscrowCiphertext == "" {
		t.Errorf("expected all evidence, found %+v", result)
	}
	var receipt upload.Receipt
	if err := json.Unmarshal([]byte(result.Receipt), &receipt); err != nil {
		t.Fatal(err)
	}
	if receipt.Outcome != "uploaded" || receipt.Type != "DataEncryptionKey" || receipt.WrappingAlg != "RSA_AES_KEY_WRAP_SHA512" || receipt.SecretValueHash != result.Hash ||
		receipt.HashMatched != nil || receipt.Certificate == nil || receipt.Certificate.DeveloperName != sessionName {
		t.Errorf("unexpected receipt %s", result.Receipt)
	}
	if files := escrowFiles(t, dir); len(files) != 1 || !strings.Contains(files[0], "-"+byok.HashPrefix(result.Hash)+".age") {
		t.Errorf("expected one escrow copy of the key, found %v", files)
	}
}

func TestRunDataKey_given(t *testing.T) {
	t.Parallel()
	org := newKeys(t)
	org.withoutIDs = true
	r := dataKeyRequest()
	r.Material = byok.GenerateMaterial()
	result, err := runDataKey(t, org, r)
	if err != nil {
		t.Fatal(err)
	}
	if result.Hash != byok.HashMaterial(r.Material) || result.KeyCheckValue != byok.KeyCheckValue(r.Material) || result.EscrowCiphertext != "" {
		t.Errorf("expected the evidence of the given key, found %+v", result)
	}
	if result.Record.ID != "version-1" {
		t.Errorf("expected a key without an id to be named by its version, found %q", result.Record.ID)
	}
}

// The counter of a first key goes on after the highest of the org; a rotation has the planned id.
func TestRunDataKey_rotationIDs(t *testing.T) {
	t.Parallel()
	org := newKeys(t, dataKey(1, "[tf:ffffffff.41]"))
	result, err := runDataKey(t, &skipName{fakeKeys: org}, dataKeyRequest())
	if err != nil || result.RotationID != rotation(42) || org.finished[0].Description != marker(42) {
		t.Errorf("expected the id after the highest one, found %s (%v)", result.RotationID, err)
	}
	r := dataKeyRequest()
	r.RotationID = rotation(43)
	if result, err = runDataKey(t, &skipName{fakeKeys: org}, r); err != nil || result.RotationID != rotation(43) || result.Record.Version != 3 {
		t.Errorf("expected the planned id, found %+v (%v)", result, err)
	}
}

// skipName is a fakeKeys that does not look at the names of sessions.
type skipName struct{ *fakeKeys }

func (o *skipName) CertificateContent(context.Context, string) ([]byte, bool, error) {
	return o.chain, true, nil
}

// A key that carries the wanted marker is the outcome of an earlier run: nothing is sent.
func TestRunDataKey_adopted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := dataKeyRequest()
	r.Escrow, r.Material = escrowInto(t, dir), byok.GenerateMaterial()
	org := newKeys(t, dataKey(1, ""))
	first, err := runDataKey(t, org, r)
	if err != nil {
		t.Fatal(err)
	}
	posts := len(org.finished)
	for name, change := range map[string]func(*upload.Request){
		"on create": func(*upload.Request) {},
		"on update": func(r *upload.Request) { r.RotationID = rotation(0) },
	} {
		again := r
		change(&again)
		result, err := runDataKey(t, org, again)
		if err != nil || !result.Adopted || result.Record.Version != 2 || len(org.finished) != posts || org.counts["begin"] != 1 {
			t.Errorf("%s: expected the key to be adopted, found %+v (%v)", name, result, err)
		}
		// The receipt beside the escrow copy brings back what Salesforce does not tell.
		if result.Hash != first.Hash || result.KeyCheckValue != first.KeyCheckValue || result.Receipt != first.Receipt || result.CertificateSHA256 != first.CertificateSHA256 ||
			result.EscrowCiphertext != first.EscrowCiphertext || len(result.Warnings) != 0 {
			t.Errorf("%s: expected the evidence of the upload, found %+v", name, result)
		}
	}

	// Killed before its receipt was written: the escrow copy alone tells, and its name proves the given material.
	receipts, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(receipts) != 1 {
		t.Fatalf("expected one receipt, found %v (%v)", receipts, err)
	}
	if err := os.Remove(receipts[0]); err != nil {
		t.Fatal(err)
	}
	result, err := runDataKey(t, org, r)
	if err != nil || result.Hash != first.Hash || result.KeyCheckValue != first.KeyCheckValue || result.EscrowCiphertext != first.EscrowCiphertext || result.CertificateSHA256 != "" {
		t.Errorf("expected the evidence of the escrow copy, found %+v (%v)", result, err)
	}
	// Other material is not claimed to be in the org.
	if err := os.Remove(receipts[0]); err != nil {
		t.Fatal(err)
	}
	r.Material = byok.GenerateMaterial()
	if result, err = runDataKey(t, org, r); err != nil || result.Hash != "" || result.KeyCheckValue != "" {
		t.Errorf("expected no hash of material that is not proven, found %+v (%v)", result, err)
	}
	// Two copies of one rotation are of two keys: neither is claimed.
	second := escrow.Key{Organization: organization, Type: upload.TypeDataKey, RotationID: rotation(0).String(), Hash: byok.HashMaterial(r.Material)}
	if _, _, err := r.Escrow.Keep(second, r.Material); err != nil {
		t.Fatal(err)
	}
	if err := r.Escrow.Sending(second); err != nil {
		t.Fatal(err)
	}
	if result, err = runDataKey(t, org, r); err != nil || result.EscrowCiphertext != "" || !hasWarning(result, "No escrow copy of the adopted key") {
		t.Errorf("expected neither copy to be taken, found %+v (%v)", result, err)
	}
	// Without escrow nothing tells.
	r.Escrow = nil
	if result, err = runDataKey(t, org, r); err != nil || !result.Adopted || result.Hash != "" || result.EscrowCiphertext != "" {
		t.Errorf("expected an adoption without evidence, found %+v (%v)", result, err)
	}
}

// Another configuration's key is no reason not to upload.
func TestRunDataKey_foreign(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]salesforce.DataEncryptionKey{
		"a key of another type": {{ID: "4vQ000000000001AAA", Type: "something new", Status: "Active", Version: 1, Description: marker(0)}},
		"an archived key":       {{ID: "4vQ000000000001AAA", Type: "search index", Status: "Archived", Version: 1, Description: "[tf:ffffffff.0]"}},
		"another session":       {session("Somebody_Else")},
		"no key":                nil,
	} {
		org := newKeys(t, keys...)
		result, err := runDataKey(t, &skipName{fakeKeys: org}, dataKeyRequest())
		if err != nil || result.Adopted || org.counts["begin"] != 1 || org.counts["finish"] != 1 {
			t.Errorf("%s: expected an upload, found %+v (%v)", name, result, err)
		}
	}
}

// Each step may lose its reply: it is never sent twice, neither in the run nor in the one after it.
func TestRunDataKey_lostReplies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		unmarked                 bool
		begin, finish            func(int) (bool, error)
		hiddenSession, hiddenKey int
		firstFails               bool
		begins, finishes         int
		adopted, byItTime        bool
	}{
		"first step committed":               {begin: answer(true, errUnknown), begins: 1, finishes: 1},
		"first step committed, seen late":    {begin: answer(true, errUnknown), hiddenSession: 1, begins: 1, finishes: 1},
		"first step lost":                    {begin: once(false, errUnknown), firstFails: true, begins: 2, finishes: 1},
		"second step committed":              {finish: answer(true, errUnknown), begins: 1, finishes: 1},
		"second step committed, seen late":   {finish: answer(true, errUnknown), hiddenKey: 2, begins: 1, finishes: 1},
		"second step seen too late":          {finish: answer(true, errUnknown), hiddenKey: 3, firstFails: true, begins: 1, finishes: 1, adopted: true},
		"second step lost":                   {finish: once(false, errUnknown), firstFails: true, begins: 1, finishes: 2},
		"unmarked, second step committed":    {unmarked: true, finish: answer(true, errUnknown), begins: 1, finishes: 1},
		"unmarked, second step seen late":    {unmarked: true, finish: answer(true, errUnknown), hiddenKey: 3, firstFails: true, begins: 1, finishes: 1, adopted: true, byItTime: true},
		"unmarked, second step lost":         {unmarked: true, finish: once(false, errUnknown), firstFails: true, begins: 1, finishes: 2},
		"unmarked, first step seen too late": {unmarked: true, begin: answer(true, errUnknown), hiddenSession: 3, firstFails: true, begins: 1, finishes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newKeys(t, dataKey(1, ""))
			org.unmarked, org.onBegin, org.onFinish = test.unmarked, test.begin, test.finish
			org.hiddenSession, org.hiddenKey = test.hiddenSession, test.hiddenKey
			dir := t.TempDir()
			r := dataKeyRequest()
			r.RotationID, r.Escrow = rotation(0), escrowInto(t, dir)
			result, err := runDataKey(t, org, r)
			if (err != nil) != test.firstFails {
				t.Fatalf("expected the first run to fail: %v, found %v", test.firstFails, err)
			}
			if err != nil {
				var unknown *upload.UnknownOutcomeError
				if org.counts["finish"] > 0 {
					if !errors.As(err, &unknown) || unknown.RotationID != rotation(0) || unknown.Hash == "" || unknown.EscrowFile == "" {
						t.Errorf("expected an unknown outcome with its evidence, found %v", err)
					}
					r.UnconfirmedSince = now
				} else if !strings.Contains(err.Error(), "apply again") {
					t.Errorf("expected to be told to apply again, found %v", err)
				}
				if result, err = runDataKey(t, org, r); err != nil {
					t.Fatal(err)
				}
			}
			if org.counts["begin"] != test.begins || org.counts["finish"] != test.finishes {
				t.Errorf("expected %d first and %d second steps, found %v", test.begins, test.finishes, org.counts)
			}
			if result.Adopted != test.adopted || hasWarning(result, "A key was adopted by its time") != test.byItTime || result.Record.Version != 2 || result.EscrowCiphertext == "" {
				t.Errorf("unexpected result %+v", result)
			}
			active, ok := upload.ActiveDataKey(org.keys)
			if !ok || active.Version != 2 {
				t.Errorf("expected one new key in the org, found %+v", org.keys)
			}
		})
	}
}

// once fails the first time alone.
func once(commit bool, err error) func(int) (bool, error) {
	return func(n int) (bool, error) {
		if n == 1 {
			return commit, err
		}

		return true, nil
	}
}

// An open session of this rotation is gone on with, and one of another rotation left alone.
func TestRunDataKey_resumed(t *testing.T) {
	t.Parallel()
	org := newKeys(t, dataKey(1, ""), session("Terraform_BYOK_"+fingerprint+"_9"), session(sessionName))
	result, err := runDataKey(t, org, dataKeyRequest())
	if err != nil || org.counts["begin"] != 0 || org.finished[0].SessionToken.Expose() != "token of "+sessionName || result.Record.Version != 2 {
		t.Errorf("expected the open session to be used, found %v, %+v (%v)", org.events, result, err)
	}
}

// Refusals leave no escrow copy of a key that never was.
func TestRunDataKey_refused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arrange func(*fakeKeys)
		words   string
		refused bool
	}{
		"the list":             {func(o *fakeKeys) { o.onList = func(int) error { return errRefused } }, "reading the data encryption keys", false},
		"the description":      {func(o *fakeKeys) { o.onDescribe = errRefused }, "describing DataEncryptionKey", false},
		"the first step":       {func(o *fakeKeys) { o.onBegin = answer(false, errRefused) }, "FIELD_INTEGRITY_EXCEPTION", true},
		"the second step":      {func(o *fakeKeys) { o.onFinish = answer(false, errRefused) }, "FIELD_INTEGRITY_EXCEPTION", true},
		"the certificate":      {func(o *fakeKeys) { o.onContent = errRefused }, "no key was sent", false},
		"no certificate":       {func(o *fakeKeys) { o.noContent = true }, "shows no certificate of this name", false},
		"no X.509":             {func(o *fakeKeys) { o.chain = []byte("nothing") }, "can't be read; no key was sent", false},
		"an old certificate":   {func(o *fakeKeys) { o.chain = chain(now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0)) }, "expired", false},
		"a session that hides": {func(o *fakeKeys) { o.hiddenSession = 9 }, "did not appear; no key was sent", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newKeys(t, dataKey(1, ""))
			test.arrange(org)
			dir := t.TempDir()
			r := dataKeyRequest()
			r.Escrow = escrowInto(t, dir)
			_, err := runDataKey(t, org, r)
			var refused *upload.RefusedError
			if err == nil || !strings.Contains(err.Error(), test.words) || errors.As(err, &refused) != test.refused {
				t.Errorf("expected a refusal with %q, found %v", test.words, err)
			}
			if files := escrowFiles(t, dir); len(files) != 0 {
				t.Errorf("expected no escrow copy, found %v", files)
			}
		})
	}
}

// A key that Salesforce has taken is never an error, whatever reading it back says.
func TestRunDataKey_notReadBack(t *testing.T) {
	t.Parallel()
	org := newKeys(t)
	org.onList = func(n int) error {
		if n > 2 {
			return errRefused
		}

		return nil
	}
	result, err := runDataKey(t, org, dataKeyRequest())
	if err != nil || result.Confirmed || result.Hash == "" || result.Record.Type != upload.TypeDataKey || !hasWarning(result, "The new key could not be read back") {
		t.Errorf("expected a warning and what is known, found %+v (%v)", result, err)
	}
}

// An earlier attempt whose key may still appear is waited for; where the org can't be searched nothing is sent.
func TestRunDataKey_interrupted(t *testing.T) {
	t.Parallel()
	for name, unmarked := range map[string]bool{"marked": false, "unmarked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			description := marker(0)
			if unmarked {
				description = ""
			}
			mine := dataKey(2, description)
			mine.CreatedDate = now
			org := newKeys(t, dataKey(1, ""), session(sessionName))
			org.unmarked = unmarked
			org.show(2, []salesforce.DataEncryptionKey{mine})
			r := dataKeyRequest()
			r.RotationID, r.UnconfirmedSince = rotation(0), time.Now()
			result, err := runDataKey(t, org, r)
			if err != nil || !result.Adopted || result.Record.Version != 2 || org.counts["finish"] != 0 {
				t.Errorf("expected the key of the earlier attempt, found %+v (%v)", result, err)
			}

			blind := newKeys(t, dataKey(1, ""), session(sessionName))
			blind.unmarked = unmarked
			blind.onList = func(n int) error {
				if n > 1 {
					return errRefused
				}

				return nil
			}
			if _, err := runDataKey(t, blind, r); err == nil || !strings.Contains(err.Error(), "nothing was sent") || blind.counts["finish"] != 0 {
				t.Errorf("expected nothing to be sent into the dark, found %v", err)
			}
		})
	}
}

// A key without marker that was there before the attempt is not its outcome.
func TestRunDataKey_notByTime(t *testing.T) {
	t.Parallel()
	org := newKeys(t, dataKey(1, ""))
	org.unmarked = true
	r := dataKeyRequest()
	r.RotationID, r.UnconfirmedSince = rotation(0), now.Add(-time.Hour)
	if result, err := runDataKey(t, org, r); err != nil || result.Adopted || result.Record.Version != 2 {
		t.Errorf("expected an upload, found %+v (%v)", result, err)
	}
	// One with another configuration's marker is not either, whenever it was made.
	marked := dataKey(1, "[tf:ffffffff.0]")
	marked.CreatedDate = now
	org = newKeys(t, marked)
	if result, err := runDataKey(t, org, r); err != nil || result.Adopted {
		t.Errorf("expected an upload, found %+v (%v)", result, err)
	}
}

func TestRunDataKey_cancelled(t *testing.T) {
	t.Parallel()
	org := newKeys(t)
	org.onFinish = answer(false, errUnknown)
	ctx, cancel := context.WithCancel(t.Context())
	u := &upload.Uploader{Organization: organization, Looks: []time.Duration{time.Hour}, Wait: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }}
	var unknown *upload.UnknownOutcomeError
	if _, err := u.RunDataKey(ctx, org, dataKeyRequest()); !errors.As(err, &unknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("expected an unknown outcome for who does not wait, found %v", err)
	}
	if _, err := u.RunDataKey(t.Context(), org, upload.Request{}); err == nil {
		t.Error("expected a request without inputs to be refused")
	}
}

func TestActiveDataKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys []salesforce.DataEncryptionKey
		want int64
	}{
		"none":             {nil, 0},
		"the newest":       {[]salesforce.DataEncryptionKey{dataKey(2, ""), dataKey(3, ""), dataKey(1, "")}, 3},
		"not a session":    {[]salesforce.DataEncryptionKey{session("x"), dataKey(1, "")}, 1},
		"not another type": {[]salesforce.DataEncryptionKey{{Type: "other", Status: "Active", Version: 9}, dataKey(1, "")}, 1},
		"in any case":      {[]salesforce.DataEncryptionKey{{Type: "SEARCH INDEX", Status: "ACTIVE", Version: 4}}, 4},
	} {
		key, ok := upload.ActiveDataKey(test.keys)
		if ok != (test.want > 0) || key.Version != test.want {
			t.Errorf("%s: expected version %d, found %+v", name, test.want, key)
		}
	}
	if texts := upload.DataKeyDescriptions([]salesforce.DataEncryptionKey{dataKey(1, "a"), {Type: "other", Description: "b"}}); !slices.Equal(texts, []string{"a"}) {
		t.Errorf("expected the descriptions of the type, found %v", texts)
	}
}
