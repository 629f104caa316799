package upload_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// A run that would do another thing than its plan stops with nothing sent, but for a key
// of this very rotation whose hash proves it, which a warning names.
func TestRun_otherThanPlanned(t *testing.T) {
	t.Parallel()
	own := record(1, described(marker(4)))
	hash := own.Hash
	const moved, interrupted = "The org has moved on since the plan", "A key of an interrupted run was adopted"
	for name, test := range map[string]struct {
		records []keys.Record
		change  func(*upload.Request)
		adopts  string
		refused bool
		warning string
	}{
		"planned to adopt, adopts":          {[]keys.Record{own}, nil, own.ID, false, ""},
		"planned to adopt, would make":      {[]keys.Record{record(1, byHSM)}, nil, own.ID, true, ""},
		"planned to adopt, another answers": {[]keys.Record{own}, nil, recordID(9), true, ""},
		"planned to make, a writer's":       {[]keys.Record{own}, nil, "", true, ""},
		"planned to make, a pinned one": {[]keys.Record{record(1)}, func(r *upload.Request) {
			r.PinnedHash = record(1).Hash
		}, "", true, ""},
		"planned to make, its own by hash": {[]keys.Record{own}, unconfirmed(4, now, hash), "", false, interrupted},
		"planned to make, makes": {
			[]keys.Record{record(1, byHSM)},
			nil, "", false,
			"Somebody else's key was archived",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, r := newOrg(t, test.records...), request()
			if test.change != nil {
				test.change(&r)
			}
			r.Planned.Adopts = test.adopts
			result, err := org.uploader().Run(t.Context(), org, r)
			if p, ok := problem.Of(err); ok != test.refused || ok &&
				(p.Summary != moved || !strings.Contains(p.Detail, "Nothing was sent. Plan again")) {
				t.Fatalf("expected a refusal: %v, found %v", test.refused, err)
			}
			if test.refused && org.writes() != 0 {
				t.Errorf("expected nothing to be sent, found %v", org.events)
			}
			if test.warning != "" && warning(result, test.warning) == nil || test.warning == "" && len(result.Warnings) > 0 {
				t.Errorf("expected the warning %q, found %v", test.warning, result.Warnings)
			}
		})
	}
}

// Judged again: a cache-only record that has become DESTROYED since the plan is not given
// up, although destruction is allowed. The plan has not said it.
func TestRun_lostSinceThePlan(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]bool{"create": true, "update": false} {
		current := record(1, byService)
		r := request(func(r *upload.Request) { r.Destruction.Allowed = true })
		if !create {
			r = request(after(current), func(r *upload.Request) { r.Destruction.Allowed = true })
		}
		org := newOrg(t, current)
		r = org.plan(r)
		org.records[0].Status = keys.StatusDestroyed
		_, err := org.uploader().Run(t.Context(), org, r)
		if p, ok := problem.Of(err); !ok || p.Summary != "The org has moved on since the plan" ||
			!strings.Contains(p.Detail, "has become DESTROYED") || org.writes() != 0 {
			t.Errorf("%s: expected nothing to be sent, found %v and %v", name, err, org.events)
		}
		// A plan that has said it is carried out.
		result, err := org.run(r)
		if err != nil || result.Record.Version != 2 {
			t.Errorf("%s: expected a key, found %+v, %v", name, result, err)
		}
	}
}

// What fails the proof is foreign, whatever its marker says, and its marker never raises
// the counter.
func TestRun_foreignMarkers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][]func(*keys.Record){
		"an upload of somebody else's":                    {describedBy(admin, marker(7))},
		"a key of Salesforce's with a copied marker":      {byHSM, describedBy(admin, marker(7))},
		"a cache-only key with a copied marker":           {byService, describedBy(admin, marker(7))},
		"a counter of 18 nines":                           {describedBy(admin, "[tf:"+fingerprint+".999999999999999999]")},
		"a copied marker after a text":                    {describedBy(admin, "ours "+marker(7))},
		"a marker whose writer nobody knows":              {describedBy("", marker(7))},
		"a key of Salesforce's with a marker that we set": {byHSM, described(marker(7))},
	} {
		for _, source := range []func(*upload.Request){func(*upload.Request) {}, fromHSM} {
			r := request(source)
			row := record(1, change...)
			if r.Source == keys.SourceHSM && row.Source == keys.SourceHSM && row.LastModifiedBy == me {
				continue // its writer proves it
			}
			org := newOrg(t, row)
			result, err := org.run(r)
			if err != nil || result.Adopted || result.Record.Version != 2 || result.Record.Marker() != result.RotationID {
				t.Errorf("%s, source %s: expected a key of our own, found %+v, %v", name, r.Source, result, err)
			}
			if raised := result.RotationID.Counter != 0; raised != (row.LastModifiedBy == me) {
				t.Errorf("%s: unexpected counter of %s", name, result.RotationID)
			}
			if org.records[0].Status != keys.StatusArchived || org.counts["change"] != 0 {
				t.Errorf("%s: expected the foreign record to be archived and not edited", name)
			}
		}
	}
}

// A reading that shows less than is known decides nothing; it is looked at again, and then
// the run ends with nothing sent.
func TestRun_lateReplica(t *testing.T) {
	t.Parallel()
	own := record(2, described(marker(4)))
	for name, test := range map[string]struct {
		hidden int
		fails  bool
	}{"catches up": {3, false}, "stays behind": {99, true}} {
		org, r := newOrg(t, record(1, archived), own), request(after(own))
		org.hidden, org.fresh[own.ID] = test.hidden, true
		r.Planned.Over = own.ID
		result, err := org.uploader().Run(t.Context(), org, r)
		if test.fails {
			if p, ok := problem.Of(err); !ok || p.Summary != "The org answers with old data" ||
				!strings.Contains(p.Detail, own.ID) || org.writes() != 0 {
				t.Errorf("%s: expected nothing to be sent, found %v and %v", name, err, org.events)
			}
		} else if err != nil || result.Record.Version != 3 || org.waits != 3 {
			t.Errorf("%s: expected a key after %d waits, found %+v, %v", name, org.waits, result, err)
		}
	}
}

// Two resources of one type in one run: the second one takes the first one's key if it wants the
// same, and else makes none.
func TestRun_twoResources(t *testing.T) {
	t.Parallel()
	const two = "Two resources manage one key"
	for name, kind := range map[string]func(*upload.Request){
		"UPLOADED": func(*upload.Request) {}, "HSM": fromHSM,
		"REMOTE": fromService,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t, record(1, byHSM))
			r := org.plan(request(kind))
			u := org.uploader()
			results := make([]upload.Result, 3)
			var wg sync.WaitGroup
			for i := range results {
				wg.Go(func() {
					var err error
					if results[i], err = u.Run(t.Context(), org, r); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			adopted := 0
			for _, result := range results {
				if result.Adopted {
					adopted++
					if warning(result, two) == nil {
						t.Errorf("expected a warning, found %v", result.Warnings)
					}
				}
			}
			if adopted != 2 || org.counts["send"] != 1 {
				t.Errorf("expected one key and two adoptions, found %d POSTs and %d", org.counts["send"], adopted)
			}
			other := r
			other.Fingerprint = "ffffffff"
			if _, err := u.Run(t.Context(), org, other); err == nil || !strings.Contains(err.Error(), two) ||
				org.counts["send"] != 1 {
				t.Errorf("expected other inputs to be refused, found %v", err)
			}
			// Another process is another run.
			other.Planned = upload.Planned{}
			if _, err := org.run(other); err != nil || org.counts["send"] != 2 {
				t.Errorf("expected another run to make its key, found %v", err)
			}
		})
	}
}

// A definite refusal leaves the turn of the type to the next resource.
func TestRun_twoResourcesAfterARefusal(t *testing.T) {
	t.Parallel()
	org := newOrg(t)
	org.onSend = once(errRefused)
	u := org.uploader()
	if _, err := u.Run(t.Context(), org, request()); !errors.Is(err, errRefused) {
		t.Fatalf("expected a refusal, found %v", err)
	}
	if _, err := u.Run(t.Context(), org, request()); err != nil || len(org.records) != 1 {
		t.Errorf("expected the other resource to make the key, found %v", err)
	}
}

// Another run begins this very rotation between our reading and our POST: its intent is seen, and
// its key awaited.
func TestRun_anotherRunBegan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// made is whether the other run makes its key, and overtaken whether somebody else's has come
		// over it.
		made, overtaken, blind bool
		words                  string
		sends                  int
	}{
		"and makes its key":            {made: true},
		"and was killed":               {sends: 1},
		"and its key was overtaken":    {made: true, overtaken: true, words: "Plan again"},
		"and the org can't be read":    {blind: true, words: "nothing was sent"},
		"and its intent can't be read": {words: "Escrow directory can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			org, r := newOrg(t, record(1, byHSM)), request(update(5))
			r.Escrow, r.Planned.Over = escrowIn(t, dir), recordID(1)
			theirs := byok.GenerateMaterial()
			began := false
			org.beforeRecords = func(int) {
				if began {
					return
				}
				began = true
				key := escrow.Key{
					Organization: organization, Type: keys.TypeData, RotationID: rotation(5).String(),
					Hash: byok.HashMaterial(theirs), Time: now, KnownVersion: 1,
				}
				// It happens after the evidence was gathered: the certificate is read then.
				org.onCertificate = func() {
					if _, _, err := r.Escrow.Keep(key, theirs); err != nil {
						t.Error(err)
					}
					if test.made {
						org.add(record(0, withHash(key.Hash), describedBy(admin, marker(5))))
					}
					if test.overtaken {
						org.add(record(0, byHSM))
					}
					if test.words == "Escrow directory can't be read" {
						path := filepath.Join(dir, organization+"-Data-"+rotation(5).String()+".intent")
						if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
							t.Error(err)
						}
					}
				}
			}
			if test.blind {
				org.onRecords = afterFirst(errBroken)
			}
			result, err := org.uploader().Run(t.Context(), org, r)
			if test.words == "Escrow directory can't be read" && err != nil &&
				strings.Contains(err.Error(), "Escrow copy could not be written") {
				// The copy can't be kept beside it either.
				err = errors.New(test.words)
			}
			if (err != nil) != (test.words != "") || err != nil && !strings.Contains(err.Error(), test.words) {
				t.Fatalf("expected %q, found %v", test.words, err)
			}
			if org.counts["send"] != test.sends {
				t.Errorf("expected %d POSTs, found %v", test.sends, org.events)
			}
			if test.made && !test.overtaken && (!result.Adopted || result.Hash != byok.HashMaterial(theirs) ||
				result.EscrowCiphertext == "") {
				t.Errorf("expected the other run's key with its copy, found %+v", result)
			}
		})
	}
}

// A refused copy gets its name back once the key is found in the org.
func TestRun_refusedCopyOfAKeyThatArrives(t *testing.T) {
	t.Parallel()
	for name, dataKeys := range map[string]bool{"tenant secret": false, "data encryption key": true} {
		dir := t.TempDir()
		if dataKeys {
			org, r := newKeys(t, dataKey(1, "")), dataKeyRequest(update(0))
			r.Escrow, r.Evidence.Ours = escrowIn(t, dir), keys.Ours{ID: dataKey(1, "").ID, Version: 1}
			org.onFinish = answer(true, errRefused)
			org.hiddenKey = 1
			if _, err := org.run(r); err == nil || len(filesIn(t, dir, "*.age.refused")) != 1 {
				t.Fatalf("%s: expected a refused copy, found %v and %v", name, err, filesIn(t, dir, "*"))
			}
			result, err := org.run(r)
			if err != nil || !result.Adopted || result.EscrowCiphertext == "" || len(copies(t, dir)) != 1 {
				t.Errorf("%s: expected its copy back, found %+v, %v, %v", name, result, err, filesIn(t, dir, "*"))
			}

			continue
		}
		org, r := newOrg(t, record(1, byHSM)), request()
		r.Escrow = escrowIn(t, dir)
		org.onSend = answer(true, errRefused)
		org.beforeSend = func() { org.hidden = 1 }
		if _, err := org.run(r); err == nil || len(filesIn(t, dir, "*.age.refused")) != 1 {
			t.Fatalf("%s: expected a refused copy, found %v and %v", name, err, filesIn(t, dir, "*"))
		}
		result, err := org.run(r)
		if err != nil || !result.Adopted || result.EscrowCiphertext == "" || len(copies(t, dir)) != 1 ||
			slices.Contains(summaries(result), "No escrow copy of the adopted key") {
			t.Errorf("%s: expected its copy back, found %+v, %v, %v", name, result, err, filesIn(t, dir, "*"))
		}
	}
}

// A copy that is made again is for the same key: its attempt says that it was there.
func TestRun_sameMaterialAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	org, r := newOrg(t, record(1, byHSM)), request(update(5))
	r.Escrow, r.Material = escrowIn(t, dir), byok.GenerateMaterial()
	org.onSend = once(errUnknown)
	if _, err := org.run(r); err == nil {
		t.Fatal("expected an unknown outcome")
	}
	result, err := org.run(r)
	if err != nil || org.counts["send"] != 2 || len(copies(t, dir)) != 1 ||
		warning(result, "This key already had an escrow copy") == nil {
		t.Errorf("expected the same copy for the second POST, found %+v, %v", result, err)
	}
}

// What is remembered of a key whose reply names no id is the version before it.
func TestResult_Owned(t *testing.T) {
	t.Parallel()
	org := newKeys(t, dataKey(4, ""))
	org.hiddenKey = 9
	result, err := org.run(dataKeyRequest())
	if owned := result.Owned(); err != nil || owned.ID != "" || owned.Version != 4 || result.Record.Version != 0 {
		t.Errorf("expected the version before, found %+v, %v", owned, err)
	}
	if result, err = newOrg(t).run(request()); err != nil || result.Owned() != result.Record {
		t.Errorf("expected the record itself, found %+v, %v", result.Owned(), err)
	}
}

// Without the session's user only a known writer is trusted; it is asked for if a marker is in
// doubt, and only then.
func TestRequest_Gather(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		records []keys.Record
		users   []string
		asked   bool
	}{
		"no marker":                {[]keys.Record{record(1)}, nil, false},
		"a marker of a known user": {[]keys.Record{record(1, described(marker(1)))}, []string{me}, false},
		"a marker in doubt":        {[]keys.Record{record(1, described(marker(1)))}, nil, true},
	} {
		asked := false
		r := request(func(r *upload.Request) {
			r.Evidence.Users = test.users
			r.User = func(context.Context) string { asked = true; return me }
		})
		e, err := r.Gather(t.Context(), organization, test.records)
		if err != nil || asked != test.asked || test.asked && !slices.Contains(e.Users, me) {
			t.Errorf("%s: expected to ask for the user: %v, found %v, %+v, %v", name, test.asked, asked, e, err)
		}
	}
}
