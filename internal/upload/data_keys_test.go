package upload_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// fakeKeys is a DataKeyClient in memory. It records the steps, and fails if a test says so.
type fakeKeys struct {
	t     testing.TB
	keys  []salesforce.DataEncryptionKey
	chain []byte
	// withoutIDs is true for an org that shows no ids.
	withoutIDs bool
	// anyName is true for a test with sessions of several rotations.
	anyName bool

	onContent error
	noContent bool
	// onList fails a list; n counts from 1.
	onList func(n int) error
	// onBegin and onFinish decide whether a step is committed, and what its sender is answered.
	onBegin, onFinish func(n int) (commit bool, err error)
	// hiddenSession and hiddenKey are how many lists after a step do not show what it made.
	hiddenSession, hiddenKey int

	events   []string
	counts   map[string]int
	finished []salesforce.NewDataEncryptionKey
	fresh    []salesforce.DataEncryptionKey
	late     int
}

func newKeys(t testing.TB, rows ...salesforce.DataEncryptionKey) *fakeKeys {
	t.Helper()

	return &fakeKeys{t: t, keys: rows, chain: goodChain(), counts: map[string]int{}}
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

// FinishDataEncryptionKey takes the session's key as Salesforce does: the temporary row vanishes,
// and the key in use is archived.
func (o *fakeKeys) FinishDataEncryptionKey(_ context.Context, k salesforce.NewDataEncryptionKey) (string, error) {
	n := o.event("finish")
	o.finished = append(o.finished, k)
	commit, err := true, error(nil)
	if o.onFinish != nil {
		commit, err = o.onFinish(n)
	}
	if commit {
		o.make(k.Description)
	}

	return "4vQ000000000009AAA", err
}

// make makes a key the Active one.
func (o *fakeKeys) make(description string) {
	rows := slices.DeleteFunc(slices.Clone(o.keys), func(r salesforce.DataEncryptionKey) bool { return r.Pending() })
	version := int64(0)
	for i := range rows {
		version = max(version, rows[i].Version)
		rows[i].Status = "Archived"
	}
	row := dataKey(version+1, description)
	if o.withoutIDs {
		row.ID = ""
	}
	row.CreatedDate = now
	o.show(o.hiddenKey, append(rows, row))
}

func (o *fakeKeys) CertificateContent(_ context.Context, name string) ([]byte, bool, error) {
	o.event("content")
	if name != sessionName && !o.anyName {
		o.t.Errorf("the certificate of another session is read: %s", name)
	}

	return o.chain, !o.noContent, o.onContent
}

// sessionName is the certificate's name of the first rotation's session.
const sessionName = "Terraform_BYOK_" + fingerprint + "_0"

func session(name string) salesforce.DataEncryptionKey {
	return salesforce.DataEncryptionKey{
		ID: "4vQ000000000009AAA", Type: "search index", Status: "Activation Pending", CertificateName: name,
		SessionToken: secret.NewText("token of " + name),
	}
}

// dataKey is an Active key of last year.
func dataKey(version int64, description string) salesforce.DataEncryptionKey {
	return salesforce.DataEncryptionKey{
		ID: fmt.Sprintf("4vQ%012dAAA", version), Type: "Search Index", Status: "Active", Source: "Salesforce",
		Version: version, Description: description,
		CreatedDate: now.AddDate(-1, 0, 0), LastModifiedBy: me,
	}
}

func dataKeyRequest(change ...func(*upload.Request)) upload.Request {
	r := upload.Request{
		Wanted: keys.Wanted{
			Type: keys.TypeDataKey, Source: keys.SourceUploaded, Fingerprint: fingerprint, Asked: true,
			Hashless: true,
		},
		Evidence: keys.Evidence{Users: []string{me}}, Receipt: ofThisApply(),
	}
	for _, c := range change {
		c(&r)
	}

	return r
}

func unmarked(r *upload.Request) { r.Unmarked = true }

// org is the kind of key over the fake, whose looks wait for nothing.
func (o *fakeKeys) org() *upload.DataKeys { return &upload.DataKeys{Client: o, Patience: hasty()} }

// hasty is one look and two more.
func hasty() look.Patience {
	return look.Patience{
		Waits: []time.Duration{time.Second, 2 * time.Second},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// run runs an upload over the org.
func (o *fakeKeys) run(r upload.Request) (upload.Result, error) {
	u := &upload.Uploader{Organization: organization, Patience: hasty()}

	return u.Run(o.t.Context(), o.org(), r)
}

func TestDataKeys_uploaded(t *testing.T) {
	t.Parallel()
	org := newKeys(t, dataKey(7, "by hand"))
	dir := t.TempDir()
	r := dataKeyRequest()
	r.Escrow, r.Planned.Over = escrowIn(t, dir), dataKey(7, "").ID
	result, err := org.run(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"list", "begin", "list", "content", "finish", "list"}; !slices.Equal(org.events, want) {
		t.Errorf("expected the steps %v, found %v", want, org.events)
	}
	sent := org.finished[0]
	if sent.Type != "search index" || sent.Description != marker(0) ||
		sent.SessionToken.Expose() != "token of "+sessionName {
		t.Errorf("expected the second step of the session with its marker, found %+v", sent)
	}
	wrapped, err := base64.StdEncoding.DecodeString(sent.SecretValue)
	if err != nil || len(wrapped) != byok.RSAAESKeyWrapSHA512.CiphertextSize(4096) {
		t.Errorf("expected the ciphertext of CKM_RSA_AES_KEY_WRAP, found %d bytes (%v)", len(wrapped), err)
	}
	if result.Record.Version != 8 || result.Record.Status != keys.StatusActive || !result.Confirmed || result.Adopted ||
		result.RotationID != rotation(0) || len(result.Warnings) != 0 {
		t.Errorf("unexpected result %+v", result)
	}
	if _, err := byok.ParseHash(result.Hash); err != nil || result.KeyCheckValue == "" ||
		len(result.CertificateSHA256) != 64 || result.EscrowCiphertext == "" {
		t.Errorf("expected all evidence, found %+v", result)
	}
	evidence := receiptOf(t, result)
	if evidence.Outcome != "uploaded" || evidence.Type != keys.TypeDataKey ||
		evidence.WrappingAlg != "RSA_AES_KEY_WRAP_SHA512" || evidence.SecretValueHash != result.Hash ||
		evidence.HashMatched != nil || evidence.Certificate == nil || evidence.Certificate.DeveloperName != sessionName {
		t.Errorf("unexpected receipt %s", result.Receipt())
	}
	if files := copies(t, dir); len(files) != 1 || !strings.Contains(files[0], "-DataEncryptionKey-") ||
		!strings.HasSuffix(files[0], "-"+byok.HashPrefix(result.Hash)+".age") {
		t.Errorf("expected one escrow copy of the key, found %v", files)
	}
}

func TestDataKeys_given(t *testing.T) {
	t.Parallel()
	org := newKeys(t)
	org.withoutIDs = true
	r := dataKeyRequest()
	r.Material = byok.GenerateMaterial()
	result, err := org.run(r)
	if err != nil {
		t.Fatal(err)
	}
	if result.Hash != byok.HashMaterial(r.Material) || result.KeyCheckValue != byok.KeyCheckValue(r.Material) ||
		result.EscrowCiphertext != "" {
		t.Errorf("expected the evidence of the given key, found %+v", result)
	}
	if result.Record.ID != "version-1" {
		t.Errorf("expected a key without an id to be named by its version, found %q", result.Record.ID)
	}
}

// The counter of a first key goes on after the highest of ours; a rotation has the planned id.
func TestDataKeys_rotationIDs(t *testing.T) {
	t.Parallel()
	foreign := dataKey(2, "[tf:ffffffff.77]")
	foreign.LastModifiedBy = admin
	org := newKeys(t, dataKey(1, "[tf:ffffffff.41]"), foreign)
	org.anyName = true
	result, err := org.run(dataKeyRequest())
	if err != nil || result.RotationID != rotation(42) || org.finished[0].Description != marker(42) {
		t.Errorf("expected the id after the highest one of ours, found %s (%v)", result.RotationID, err)
	}
	if result, err = org.run(dataKeyRequest(update(43))); err != nil || result.RotationID != rotation(43) ||
		result.Record.Version != 4 {
		t.Errorf("expected the planned id, found %+v (%v)", result, err)
	}
}

// A key with the wanted marker that came after an attempt of ours is its outcome: nothing is sent.
func TestDataKeys_adopted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := dataKeyRequest()
	r.Escrow, r.Material = escrowIn(t, dir), byok.GenerateMaterial()
	org := newKeys(t, dataKey(1, ""))
	first, err := org.run(r)
	if err != nil {
		t.Fatal(err)
	}
	posts := len(org.finished)
	for name, change := range map[string]func(*upload.Request){
		"on create": func(*upload.Request) {},
		"on update": update(0),
	} {
		again := r
		change(&again)
		result, err := org.run(again)
		if err != nil || !result.Adopted || result.Record.Version != 2 || len(org.finished) != posts ||
			org.counts["begin"] != 1 {
			t.Errorf("%s: expected the key to be adopted, found %+v (%v)", name, result, err)
		}
		// The receipt beside the escrow copy brings back what Salesforce does not show.
		if result.Hash != first.Hash || result.KeyCheckValue != first.KeyCheckValue || result.Receipt() != first.Receipt() ||
			result.CertificateSHA256 != first.CertificateSHA256 ||
			result.EscrowCiphertext != first.EscrowCiphertext {
			t.Errorf("%s: expected the evidence of the upload, found %+v", name, result)
		}
		if want := []string{
			"A key of an interrupted run was adopted",
			"A key was adopted by its time",
		}; !slices.Equal(summaries(result), want) {
			t.Errorf("%s: expected to read what the plan did not announce, found %v", name, result.Warnings)
		}
	}

	// Killed before its receipt was written: the name of the escrow copy proves the given material.
	removeReceipt(t, dir)
	result, err := org.run(r)
	if err != nil || result.Hash != first.Hash || result.KeyCheckValue != first.KeyCheckValue ||
		result.EscrowCiphertext != first.EscrowCiphertext || result.CertificateSHA256 != "" {
		t.Errorf("expected the evidence of the escrow copy, found %+v (%v)", result, err)
	}
	// Other material is not claimed to be in the org.
	removeReceipt(t, dir)
	r.Material = byok.GenerateMaterial()
	if result, err = org.run(r); err != nil || result.Hash != "" || result.KeyCheckValue != "" {
		t.Errorf("expected no hash of material that is not proven, found %+v (%v)", result, err)
	}
	// Two copies of one rotation that were sent are of two keys: neither is claimed.
	second := escrow.Key{
		Organization: organization, Type: keys.TypeDataKey, RotationID: rotation(0).String(),
		Hash: byok.HashMaterial(r.Material), Time: now,
	}
	if _, _, err := r.Escrow.Keep(second, r.Material); err != nil {
		t.Fatal(err)
	}
	if err := r.Escrow.Sending(second, now); err != nil {
		t.Fatal(err)
	}
	if result, err = org.run(r); err != nil || result.EscrowCiphertext != "" ||
		warning(result, "No escrow copy of the adopted key") == nil {
		t.Errorf("expected neither copy to be taken, found %+v (%v)", result, err)
	}
}

// A marker alone proves nothing: without an attempt of ours before it the key is somebody else's,
// whoever wrote it last.
func TestDataKeys_foreign(t *testing.T) {
	t.Parallel()
	attempted := func(version int64) func(*upload.Request) {
		return func(r *upload.Request) {
			unconfirmed(0, now, hashOf(nil))(r)
			r.Evidence.Ours.Version = version
		}
	}
	other := dataKey(1, marker(0))
	other.Type = "something new"
	old := dataKey(1, "[tf:ffffffff.0]")
	old.Status = "Archived"
	for name, test := range map[string]struct {
		keys   []salesforce.DataEncryptionKey
		change func(*upload.Request)
	}{
		"a key of another type":                 {[]salesforce.DataEncryptionKey{other}, nil},
		"an archived key":                       {[]salesforce.DataEncryptionKey{old}, nil},
		"another session":                       {[]salesforce.DataEncryptionKey{session("Somebody_Else")}, nil},
		"no key":                                {nil, nil},
		"create, the marker without an attempt": {[]salesforce.DataEncryptionKey{dataKey(1, marker(0))}, nil},
		"update, the marker without an attempt": {[]salesforce.DataEncryptionKey{dataKey(1, marker(0))}, update(0)},
		"the marker on a key from before":       {[]salesforce.DataEncryptionKey{dataKey(3, marker(0))}, attempted(3)},
		"no marker, from before the attempt": {[]salesforce.DataEncryptionKey{dataKey(4, "")}, func(r *upload.Request) {
			attempted(3)(r)
			r.Unmarked = true
		}},
		"no marker, an attempt of another rotation": {
			[]salesforce.DataEncryptionKey{dataKey(4, "")},
			func(r *upload.Request) {
				attempted(3)(r)
				r.RotationID, r.Unmarked = rotation(1), true
			},
		},
		"create, no marker in an org that has none":  {[]salesforce.DataEncryptionKey{dataKey(4, "")}, unmarked},
		"update, no marker although the org has one": {[]salesforce.DataEncryptionKey{dataKey(4, "")}, attempted(3)},
	} {
		org, r := newKeys(t, test.keys...), dataKeyRequest()
		org.anyName = true
		if test.change != nil {
			test.change(&r)
		}
		result, err := org.run(r)
		if err != nil || result.Adopted || org.counts["begin"] != 1 || org.counts["finish"] != 1 {
			t.Errorf("%s: expected an upload, found %+v (%v)", name, result, err)
		}
	}
}

// Each step may lose its reply: it is never sent twice, neither in the run nor in the one after it.
func TestDataKeys_lostReplies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		unmarked                 bool
		begin, finish            func(int) (bool, error)
		hiddenSession, hiddenKey int
		firstFails               bool
		begins, finishes         int
		adopted                  bool
	}{
		"first step committed":             {begin: answer(true, errUnknown), begins: 1, finishes: 1},
		"first step committed, seen late":  {begin: answer(true, errUnknown), hiddenSession: 1, begins: 1, finishes: 1},
		"first step lost":                  {begin: once(errUnknown), firstFails: true, begins: 2, finishes: 1},
		"second step committed":            {finish: answer(true, errUnknown), begins: 1, finishes: 1},
		"second step committed, seen late": {finish: answer(true, errUnknown), hiddenKey: 2, begins: 1, finishes: 1},
		"second step seen too late": {
			finish: answer(true, errUnknown), hiddenKey: 3, firstFails: true, begins: 1,
			finishes: 1, adopted: true,
		},
		"second step lost":                  {finish: once(errUnknown), firstFails: true, begins: 1, finishes: 2},
		"second step refused and committed": {finish: answer(true, errRefused), begins: 1, finishes: 1},
		"unmarked, second step committed":   {unmarked: true, finish: answer(true, errUnknown), begins: 1, finishes: 1},
		"unmarked, second step seen late": {
			unmarked: true, finish: answer(true, errUnknown), hiddenKey: 3,
			firstFails: true, begins: 1, finishes: 1, adopted: true,
		},
		"unmarked, second step lost": {
			unmarked: true, finish: once(errUnknown), firstFails: true, begins: 1,
			finishes: 2,
		},
		"unmarked, refused and committed": {unmarked: true, finish: answer(true, errRefused), begins: 1, finishes: 1},
		"unmarked, first step seen too late": {
			unmarked: true, begin: answer(true, errUnknown), hiddenSession: 3,
			firstFails: true, begins: 1, finishes: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newKeys(t, dataKey(1, ""))
			org.onBegin, org.onFinish = test.begin, test.finish
			org.hiddenSession, org.hiddenKey = test.hiddenSession, test.hiddenKey
			dir := t.TempDir()
			r := dataKeyRequest(update(0))
			r.Unmarked, r.Escrow, r.Evidence.Ours = test.unmarked, escrowIn(t, dir), keys.Ours{ID: dataKey(1, "").ID, Version: 1}
			result, err := org.run(r)
			if (err != nil) != test.firstFails {
				t.Fatalf("expected the first run to fail: %v, found %v", test.firstFails, err)
			}
			if err != nil {
				unknown, ok := errors.AsType[*upload.UnknownOutcomeError](err)
				if ok != (org.counts["finish"] > 0) || !ok && !strings.Contains(err.Error(), "apply again") {
					t.Errorf("expected an unknown outcome of the second step, or to read that it must be applied again, found %v", err)
				}
				if ok {
					if unknown.RotationID != rotation(0) || unknown.Hash == "" || unknown.EscrowFile == "" {
						t.Errorf("expected an unknown outcome with its evidence, found %v", err)
					}
					unconfirmed(0, unknown.SentAt, unknown.Hash)(&r)
				}
				if result, err = org.run(r); err != nil {
					t.Fatal(err)
				}
			}
			if org.counts["begin"] != test.begins || org.counts["finish"] != test.finishes {
				t.Errorf("expected %d first and %d second steps, found %v", test.begins, test.finishes, org.counts)
			}
			if result.Adopted != test.adopted || (warning(result, "A key was adopted by its time") != nil) != test.adopted ||
				result.Record.Version != 2 || result.EscrowCiphertext == "" {
				t.Errorf("unexpected result %+v", result)
			}
			active, ok := keys.Active(upload.DataKeyRecords(org.keys), keys.TypeDataKey)
			if !ok || active.Version != 2 || len(org.keys) != 2 {
				t.Errorf("expected one new key in the org, found %+v", org.keys)
			}
		})
	}
}

// once loses the first request alone.
func once(err error) func(int) (bool, error) {
	return func(n int) (bool, error) {
		if n == 1 {
			return false, err
		}

		return true, nil
	}
}

// An open session of this rotation is gone on with, and one of another rotation left alone.
func TestDataKeys_resumed(t *testing.T) {
	t.Parallel()
	org := newKeys(t, dataKey(1, ""), session("Terraform_BYOK_"+fingerprint+"_9"), session(sessionName))
	result, err := org.run(dataKeyRequest())
	if err != nil || org.counts["begin"] != 0 || org.finished[0].SessionToken.Expose() != "token of "+sessionName ||
		result.Record.Version != 2 {
		t.Errorf("expected the open session to be used, found %v, %+v (%v)", org.events, result, err)
	}
}

// Refusals before the second step leave no escrow copy; one of the second step renames it.
func TestDataKeys_refused(t *testing.T) {
	t.Parallel()
	limit := &salesforce.RequestLimitError{Err: &salesforce.Error{
		Status:   403,
		Messages: []salesforce.Message{{ErrorCode: "REQUEST_LIMIT_EXCEEDED"}},
	}}
	for name, test := range map[string]struct {
		arrange func(*fakeKeys)
		words   string
		refused bool
		files   int
	}{
		"the list": {func(o *fakeKeys) {
			o.onList = func(int) error { return errRefused }
		}, "reading the DataEncryptionKey keys", false, 0},
		"the second list": {func(o *fakeKeys) { o.onList = afterFirst(limit) }, "REQUEST_LIMIT_EXCEEDED", false, 0},
		"the first step": {func(o *fakeKeys) {
			o.onBegin = answer(false, errRefused)
		}, "FIELD_INTEGRITY_EXCEPTION", true, 0},
		"the second step": {func(o *fakeKeys) {
			o.onFinish = answer(false, errRefused)
		}, "FIELD_INTEGRITY_EXCEPTION", true, 1},
		"the certificate": {func(o *fakeKeys) { o.onContent = errRefused }, "no key was sent", false, 0},
		"no certificate":  {func(o *fakeKeys) { o.noContent = true }, "shows no certificate of this name", false, 0},
		"no X.509": {func(o *fakeKeys) {
			o.chain = []byte("nothing")
		}, "can't be read; no key was sent", false, 0},
		"an old certificate": {func(o *fakeKeys) {
			o.chain = chain(now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0))
		}, "expired", false, 0},
		"a session that hides": {func(o *fakeKeys) { o.hiddenSession = 9 }, "did not appear; no key was sent", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newKeys(t, dataKey(1, ""))
			test.arrange(org)
			dir := t.TempDir()
			r := dataKeyRequest()
			r.Escrow = escrowIn(t, dir)
			_, err := org.run(r)
			if _, refused := errors.AsType[*upload.RefusedError](err); err == nil ||
				!strings.Contains(err.Error(), test.words) || refused != test.refused {
				t.Errorf("expected a refusal with %q, found %v", test.words, err)
			}
			if files := filesIn(t, dir, "*.age.refused"); len(copies(t, dir)) != 0 || len(files) != test.files {
				t.Errorf("expected no copy and %d refused ones, found %v", test.files, filesIn(t, dir, "*"))
			}
		})
	}
}

// A pinned session certificate is compared like any other.
func TestDataKeys_pins(t *testing.T) {
	t.Parallel()
	org, r := newKeys(t), dataKeyRequest()
	r.CertificatePins = []string{strings.Repeat("0", 64)}
	if _, err := org.run(r); err == nil || !strings.Contains(err.Error(), goodFingerprint()) || org.counts["finish"] != 0 {
		t.Errorf("expected a refusal before the second step, found %v and %v", err, org.events)
	}
}

// A key that Salesforce has taken is never an error, whatever reading it back says.
func TestDataKeys_notReadBack(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(*fakeKeys){
		"fails": func(o *fakeKeys) {
			o.onList = func(n int) error {
				if n > 2 {
					return errRefused
				}

				return nil
			}
		},
		"hides": func(o *fakeKeys) { o.hiddenKey = 9 },
	} {
		org := newKeys(t)
		arrange(org)
		result, err := org.run(dataKeyRequest())
		if err != nil || result.Confirmed || result.Hash == "" || result.Record.Type != keys.TypeDataKey ||
			warning(result, "The new key could not be read back") == nil {
			t.Errorf("%s: expected a warning and what is known, found %+v (%v)", name, result, err)
		}
	}
}

// An earlier attempt whose key may still appear is waited for; nothing is sent if the org can't be
// searched.
func TestDataKeys_interrupted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change      func(*upload.Request)
		description string
	}{"marked": {func(*upload.Request) {}, marker(0)}, "unmarked": {unmarked, ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine := dataKey(2, test.description)
			mine.CreatedDate = now
			org := newKeys(t, dataKey(1, ""), session(sessionName))
			org.show(2, []salesforce.DataEncryptionKey{dataKey(1, ""), mine})
			r := dataKeyRequest(unconfirmed(0, now, hashOf(nil)), test.change)
			r.Evidence.Ours.ID, r.Evidence.Ours.Version = dataKey(1, "").ID, 1
			result, err := org.run(r)
			if err != nil || !result.Adopted || result.Record.Version != 2 || org.counts["finish"] != 0 {
				t.Errorf("expected the key of the earlier attempt, found %+v (%v)", result, err)
			}

			blind := newKeys(t, dataKey(1, ""), session(sessionName))
			blind.onList = afterFirst(errRefused)
			if _, err := blind.run(r); err == nil || !strings.Contains(err.Error(), "nothing was sent") ||
				blind.counts["finish"] != 0 {
				t.Errorf("expected nothing to be sent into the dark, found %v", err)
			}
		})
	}
}

func TestDataKeys_cancelled(t *testing.T) {
	t.Parallel()
	org := newKeys(t)
	org.onFinish = answer(false, errUnknown)
	ctx, cancel := context.WithCancel(t.Context())
	u := &upload.Uploader{Organization: organization, Patience: look.Patience{
		Waits: []time.Duration{time.Hour}, Sleep: func(ctx context.Context, _ time.Duration) error {
			cancel()
			return ctx.Err()
		},
	}}
	_, err := u.Run(ctx, org.org(), dataKeyRequest())
	if _, ok := errors.AsType[*upload.UnknownOutcomeError](err); !ok || !errors.Is(err, context.Canceled) {
		t.Errorf("expected an unknown outcome for who does not wait, found %v", err)
	}
}

// Such keys are read together, and can't be edited.
func TestDataKeys_readAndChange(t *testing.T) {
	t.Parallel()
	org := newKeys(t, dataKey(1, "a"))
	row, err := org.org().Read(t.Context(), dataKey(1, "").ID)
	if err != nil || row.Version != 1 {
		t.Errorf("expected the key, found %+v (%v)", row, err)
	}
	if _, err := org.org().Read(t.Context(), dataKey(2, "").ID); !errors.Is(err, salesforce.ErrNotFound) {
		t.Errorf("expected a key that is not there, found %v", err)
	}
	if err := org.org().Change(t.Context(), row.ID, upload.Change{}); err == nil {
		t.Error("expected no change")
	}
	org.onList = func(int) error { return errRefused }
	if _, err := org.org().Read(t.Context(), row.ID); !errors.Is(err, errRefused) {
		t.Errorf("expected the cause, found %v", err)
	}
}

func TestDataKeyRecords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys []salesforce.DataEncryptionKey
		want int64
	}{
		"none":          {nil, 0},
		"the newest":    {[]salesforce.DataEncryptionKey{dataKey(2, ""), dataKey(3, ""), dataKey(1, "")}, 3},
		"not a session": {[]salesforce.DataEncryptionKey{session("x"), dataKey(1, "")}, 1},
		"not another type": {
			[]salesforce.DataEncryptionKey{{Type: "other", Status: "Active", Version: 9}, dataKey(1, "")},
			1,
		},
		"in any case": {[]salesforce.DataEncryptionKey{{Type: "SEARCH INDEX", Status: "ACTIVE", Version: 4}}, 4},
	} {
		row, ok := keys.Active(upload.DataKeyRecords(test.keys), keys.TypeDataKey)
		if ok != (test.want > 0) || row.Version != test.want {
			t.Errorf("%s: expected version %d, found %+v", name, test.want, row)
		}
	}
	records := upload.DataKeyRecords([]salesforce.DataEncryptionKey{dataKey(1, "a"), {Type: "other", Description: "b"}})
	if len(records) != 1 || records[0].Description != "a" || records[0].LastModifiedBy != me || records[0].Hash != "" ||
		records[0].Source != keys.SourceUploaded {
		t.Errorf("expected the key of the type, found %+v", records)
	}
}
