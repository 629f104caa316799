package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// Uploader carries out rotations in one org. There is one for each org of a process: it knows which
// types this run has made keys of. Its fields may not change after the first Run.
type Uploader struct {
	// Organization is the 18-character id of the org.
	Organization string
	// Patience is how a write looks for what may come late.
	Patience look.Patience

	turns turns
}

// recent is how long after an attempt its record may still appear out of nowhere. Later than that,
// one look is enough.
const recent = 10 * time.Minute

// run is the state of one Run.
type run struct {
	*Uploader
	Request

	org  Org
	turn *turn
	// records and now are the reading that decides.
	records  []keys.Record
	now      time.Time
	id       keys.RotationID
	warnings []*problem.Problem
}

// Run carries out one rotation and returns the record behind it. See the package's documentation
// for the order of steps.
func (u *Uploader) Run(ctx context.Context, org Org, r Request) (Result, error) {
	if p := r.check(); p != nil {
		return Result{}, p
	}
	turn, err := u.turns.take(ctx, r.Type)
	if err != nil {
		return Result{}, err
	}
	defer turn.end()
	w := &run{Uploader: u, Request: r, org: org, turn: turn}
	if err := w.read(ctx); err != nil {
		return Result{}, err
	}
	judgement, err := w.judge(ctx)
	if err != nil {
		return Result{}, err
	}
	if judgement.Action != keys.Make {
		return w.adoptOrRefuse(ctx, judgement)
	}
	if p := w.differs(judgement); p != nil {
		return Result{}, p
	}
	if turn.sent {
		return Result{}, TwoResources(r.Type)
	}

	return w.make(ctx, judgement)
}

// adoptOrRefuse ends a run that sends nothing: it adopts, as far as the plan has said so, or
// refuses.
func (w *run) adoptOrRefuse(ctx context.Context, j keys.Judgement) (Result, error) {
	if j.Action == keys.Refuse {
		return Result{}, j.Refusal
	}
	if p := w.differs(j); p != nil {
		return Result{}, p
	}

	return w.adopt(ctx, j)
}

// read reads the org for the decision. A replica that lags behind shows less than is known, and
// nothing is decided on it.
func (w *run) read(ctx context.Context) error {
	late := false
	ok, err := w.Patience.Until(ctx, func(ctx context.Context) (bool, error) {
		var err error
		w.records, w.now, err = w.org.Records(ctx)
		if err != nil {
			return false, look.Stop(err)
		}
		late = w.Evidence.Ours.Late(w.records, w.Type)

		return !late, nil
	})
	switch {
	case ok:
		return nil
	case err != nil:
		return fmt.Errorf("reading the %s keys of the org before the upload; nothing was sent: %w", w.Type, err)
	default:
		return Behind(w.Type, w.Evidence.Ours)
	}
}

// Behind says that the org shows less of a type than is known.
func Behind(typ string, ours keys.Ours) *problem.Problem {
	return problem.New("", "The org answers with old data",
		"Expected the %s record %s (version %d) that the last apply left; several readings showed only older ones. A "+
			"Salesforce replica may lag behind, or the user may have lost permissions. Nothing was sent. Apply again later.",
		typ, ours.ID, ours.Version)
}

// judge asks the rules, with all the evidence there is.
func (w *run) judge(ctx context.Context) (keys.Judgement, error) {
	evidence, err := w.Gather(ctx, w.Organization, w.records)
	if err != nil {
		return keys.Judgement{}, err
	}
	if last := w.turn.last; w.turn.sent {
		attempt := evidence.Attempts[last.ID.String()]
		attempt.Version = max(attempt.Version, last.Before)
		if last.Hash != "" {
			attempt.Hashes = append(attempt.Hashes, last.Hash)
		}
		evidence.Attempts[last.ID.String()] = attempt
	}
	w.Evidence = evidence
	judgement := keys.Judge(w.Wanted, w.Evidence, w.records)
	w.id = judgement.ID

	return judgement, nil
}

// Gather returns the request's evidence with the session's user, and with the attempts that private
// state and the escrow directory remember of the rotations that the records speak of.
func (r Request) Gather(ctx context.Context, organization string, records []keys.Record) (keys.Evidence, error) {
	e := r.Evidence.WithUser(records, func() string {
		if r.User == nil {
			return ""
		}

		return r.User(ctx)
	})
	e.Attempts = map[string]keys.Attempt{}
	records = keys.OfType(records, r.Type)
	for _, record := range records {
		if err := r.remember(&e, organization, record.Marker()); err != nil {
			return e, err
		}
	}
	// On create this is the id of a first attempt whose record no reading shows yet.
	return e, r.remember(&e, organization, r.Next(e, records))
}

// remember adds what private state and the escrow directory know of a rotation.
func (r Request) remember(e *keys.Evidence, organization string, id keys.RotationID) error {
	if _, done := e.Attempt(id); done || id.IsZero() {
		return nil
	}
	attempt, known, err := r.attempt(organization, id)
	if err != nil {
		return err
	}
	if ours := e.Ours; ours.Unconfirmed == id.String() {
		known = true
		attempt.Version = max(attempt.Version, ours.Version)
		if attempt.Since.IsZero() {
			attempt.Since = ours.UnconfirmedSince
		}
		if attempt.Left.IsZero() {
			attempt.Left = ours.UnconfirmedSince
		}
		attempt.Hashes = append(attempt.Hashes, ours.UnconfirmedHashes()...)
	}
	if known {
		e.Attempts[id.String()] = attempt
	}

	return nil
}

// attempt returns what the escrow directory remembers of a rotation.
func (r Request) attempt(organization string, id keys.RotationID) (keys.Attempt, bool, error) {
	if r.Escrow.directory() == nil {
		return keys.Attempt{}, false, nil
	}
	intent, found, err := r.Escrow.Directory.Intent(organization, r.Type, id.String())
	if err != nil {
		return keys.Attempt{}, false, problem.New("escrow.directory", "Escrow directory can't be read",
			"Expected the files that earlier runs left there, found: %s. Nothing was sent.", err).Because(err)
	}
	if !found {
		return keys.Attempt{}, false, nil
	}
	attempt := keys.Attempt{Since: intent.Attempts[0].Time, Version: intent.Attempts[0].KnownVersion}
	for _, a := range intent.Attempts {
		attempt.Hashes = append(attempt.Hashes, a.SecretValueHash)
		if attempt.Left.IsZero() && !a.SentAt.IsZero() {
			attempt.Left = a.Time
		}
	}

	return attempt, true, nil
}

// differs refuses to do another thing than the plan has announced. What an interrupted run of this
// very rotation has made is taken all the same, if its hash proves it, and so is what another
// resource of this run has made.
func (w *run) differs(j keys.Judgement) *problem.Problem {
	const again = " Nothing was sent. Plan again."
	planned := w.Planned.Adopts
	switch {
	case j.Action == keys.Make && planned != "":
		return problem.New("", "The org has moved on since the plan",
			"The plan adopts record %s, which no longer answers this rotation."+again, planned)
	case j.Action == keys.Make && j.Current.Lost() && !w.Planned.OverLost:
		return problem.New("", "The org has moved on since the plan",
			"Cache-only record %s has become DESTROYED. A newer key would end any way to make it ACTIVE again, which the plan "+
				"did not say."+again, j.Current)
	case j.Action == keys.Adopt && planned != "" && !j.Record.Is(planned):
		return problem.New("", "The org has moved on since the plan",
			"The plan adopts record %s, but now record %s answers this rotation."+again, planned, j.Record)
	case j.Action == keys.Adopt && planned == "" && w.turn.sent:
		two := TwoResources(w.Type)
		w.warn(two.Attribute, two.Summary, "%s This one has adopted record %s.", two.Detail, j.Record.ID)
	case j.Action == keys.Adopt && planned == "" && (j.Proof == keys.ByWriter ||
		(j.Proof == keys.ByPinnedHash && j.Record.Marker() != j.ID)):
		return problem.New("", "The org has moved on since the plan",
			"The plan makes a key, but record %s now answers this rotation."+again, j.Record)
	case j.Action == keys.Adopt && planned == "":
		w.warn("", "A key of an interrupted run was adopted", "An earlier run of this rotation made record %s: its hash is "+
			"known here. It was adopted, and nothing was sent.", j.Record)
	}

	return nil
}

func (w *run) warn(attribute, summary, format string, args ...any) {
	w.warnings = append(w.warnings, problem.New(attribute, summary, format, args...))
}

// make makes a new key: steps 2 to 6.
func (w *run) make(ctx context.Context, j keys.Judgement) (Result, error) {
	if w.interrupted() {
		found, err := w.await(ctx)
		if err != nil {
			return Result{}, fmt.Errorf("an earlier apply sent rotation %s of %s without learning the outcome, and the org "+
				"could not be searched for it; nothing was sent: %w", w.id, w.Type, err)
		}
		if found.Action != keys.Make {
			return w.adoptOrRefuse(ctx, found)
		}
		// On create the id follows from the records: it is that of the last look.
		j, w.id = found, found.ID
	}
	if p := WeakMaterial(w.Material); p != nil {
		return Result{}, p
	}
	envelope, err := w.envelope(ctx)
	if err != nil {
		return Result{}, err
	}
	made, err := w.seal(envelope)
	if err != nil {
		return Result{}, err
	}
	if rival, err := w.rival(ctx, made); err != nil || rival.Action != keys.Make {
		if err != nil {
			return Result{}, fmt.Errorf("another run has begun rotation %s of %s, and the org could not be searched for its "+
				"key; nothing was sent: %w", w.id, w.Type, err)
		}

		return w.adoptOrRefuse(ctx, rival)
	}
	w.warnArchived(j)

	return w.send(ctx, made)
}

// rival waits for another run that has begun this very rotation since the org was read. Intents are
// written one after the other, so that of two runs at once the later one sees the earlier one's.
func (w *run) rival(ctx context.Context, made sealed) (keys.Judgement, error) {
	if made.copy.path == "" {
		return keys.Judgement{Action: keys.Make}, nil
	}
	known, _ := w.Evidence.Attempt(w.id)
	now, _, err := w.attempt(w.Organization, w.id)
	if err != nil {
		return keys.Judgement{}, err
	}
	if !slices.ContainsFunc(now.Hashes, func(hash string) bool {
		return hash != made.hash && !slices.Contains(known.Hashes, hash)
	}) {
		return keys.Judgement{Action: keys.Make}, nil
	}
	id := w.id
	found, err := w.await(ctx)
	if err == nil && found.Action == keys.Make && found.ID != id {
		found.Action = keys.Refuse
		found.Refusal = problem.New("", "The org has moved on since the plan", "Another run made the key of rotation %s, "+
			"and yet another key has become ACTIVE since. Nothing was sent. Plan again.", id)
	}

	return found, err
}

// envelope returns the certificate to wrap for, after the checks that depend on it alone.
func (w *run) envelope(ctx context.Context) (Envelope, error) {
	if w.Source != keys.SourceUploaded {
		return Envelope{}, nil
	}
	envelope, err := w.org.Envelope(ctx, w.Request, w.id, w.now)
	if err != nil {
		return Envelope{}, err
	}
	fingerprint := envelope.Certificate.SHA256Fingerprint()
	if !keys.CertificatePinsHold(w.CertificatePins, fingerprint) {
		return Envelope{}, keys.CertificateNotPinned(envelope.Name, fingerprint)
	}
	if planned := w.Planned.Certificate; planned != "" && planned != fingerprint {
		return Envelope{}, problem.New("certificate", "Another certificate than planned",
			"Expected certificate %q with the SHA-256 fingerprint %s, as planned, found %s. Nothing was sent. Verify the "+
				"certificate in Setup, then plan again.",
			envelope.Name, planned, fingerprint)
	}

	return envelope, nil
}

// interrupted reports whether this very rotation was attempted a short while ago.
func (w *run) interrupted() bool {
	attempt, ok := w.Evidence.Attempt(w.id)
	if !ok {
		return false
	}
	last := attempt.Since
	if w.Escrow.directory() != nil {
		if at, ok := w.Escrow.Directory.LastAttempt(w.Organization, w.Type, w.id.String()); ok {
			last = at
		}
	}

	return w.now.Sub(last) < recent
}

// await looks with patience for the record of an earlier attempt that never learned its outcome.
func (w *run) await(ctx context.Context) (keys.Judgement, error) {
	var found keys.Judgement
	_, err := w.Patience.Until(ctx, func(ctx context.Context) (bool, error) {
		if err := w.again(ctx); err != nil {
			return false, err
		}
		var err error
		if found, err = w.judge(ctx); err != nil {
			return false, look.Stop(err)
		}

		return found.Action == keys.Adopt, nil
	})

	return found, err
}

// again reads the org once more.
func (w *run) again(ctx context.Context) error {
	records, now, err := w.org.Records(ctx)
	if errors.Is(err, salesforce.ErrRequestLimit) {
		// No other request would be sent.
		return look.Stop(err)
	}
	if err == nil {
		w.records, w.now = records, now
	}

	return err
}

// warnArchived says that a key is overtaken which the plan did not speak of.
func (w *run) warnArchived(j keys.Judgement) {
	switch {
	case !j.HasCurrent || j.Current.Is(w.Planned.Over):
	case w.Planned.Over != "":
		w.warn("", "The ACTIVE key changed between plan and apply",
			"The plan was made over record %s, but now record %s is in use. "+
				"%s", w.Planned.Over, j.Current, j.Current.Overtaken())
	case w.Create():
		w.warn("", "Somebody else's key was archived", "Record %s was in use and is not of this configuration. %s",
			j.Current, j.Current.Overtaken())
	}
}

// algorithm is the wrapping algorithm, as receipts name it.
func (w *run) algorithm() byok.WrappingAlgorithm {
	if w.Hashless {
		return byok.RSAAESKeyWrapSHA512
	}

	return w.Algorithm
}
