package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Registry is where records live: the tenant secrets of an org, or whatever else holds keys in the same shape.
type Registry interface {
	// Records returns all records of the org, read at most maxAge ago (0: now), and the org's time.
	Records(ctx context.Context, maxAge time.Duration) ([]salesforce.TenantSecret, time.Time, error)
	// Create makes a record and returns its id. It never repeats itself after an answer that leaves the outcome open, and then fails
	// with salesforce.ErrOutcomeUnknown.
	Create(ctx context.Context, record salesforce.NewTenantSecret) (string, error)
	// Get reads one record.
	Get(ctx context.Context, id string) (salesforce.TenantSecret, error)
	// Update changes what can be changed on a record.
	Update(ctx context.Context, id string, change salesforce.TenantSecretChange) error
}

// Uploader carries out rotations in one org. Its fields may not change after the first Run.
type Uploader struct {
	Registry     Registry
	Certificates CertificateReader
	// Organization is the 18-character id of the org.
	Organization string
	// ProviderVersion goes into receipts.
	ProviderVersion string
	// Looks are the waits between two looks for a record whose POST had no answer. Nil takes defaultLooks.
	Looks []time.Duration
	// Wait sleeps; nil takes one that ends with the context.
	Wait func(ctx context.Context, d time.Duration) error
}

// defaultLooks wait 20 seconds in all: patient with a record that appears late, short enough for a pipeline.
func defaultLooks() []time.Duration {
	return []time.Duration{
		250 * time.Millisecond, 750 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second,
	}
}

// patience is how long after an attempt its record may still appear out of nowhere. Later than that, one look is enough.
const patience = 10 * time.Minute

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *Uploader) wait(ctx context.Context, d time.Duration) error {
	if u.Wait != nil {
		return u.Wait(ctx, d)
	}

	return sleep(ctx, d)
}

func (u *Uploader) looks() []time.Duration {
	if u.Looks != nil {
		return u.Looks
	}

	return defaultLooks()
}

// UnknownOutcomeError says that a POST went out and that nothing, not even a patient look into the org, tells whether it made a key.
type UnknownOutcomeError struct {
	Type       string
	RotationID keys.RotationID
	// Hash is the SecretValueHash that was sent, "" where Salesforce makes the key.
	Hash   string
	SentAt time.Time
	// EscrowFile is the path of the escrow copy, "" without a directory.
	EscrowFile string
	Err        error
}

// Error says what was sent, when, and what to do.
func (e *UnknownOutcomeError) Error() string {
	text := fmt.Sprintf("the POST of a new %s record was sent at %s under rotation id %s", e.Type, e.SentAt.UTC().Format(time.RFC3339), e.RotationID)
	if e.Hash != "" {
		text += " with SecretValueHash " + e.Hash
	}
	text += ", its outcome is unknown, and no such record has appeared in the org since"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}

	return text
}

// RefusedError says that Salesforce answered the POST of a new record with a definite no: no record was made.
type RefusedError struct {
	Type string
	// Hash is the SecretValueHash that was sent, "" where Salesforce makes the key.
	Hash string
	Err  error
}

// Error names the type and the refusal.
func (e *RefusedError) Error() string {
	return "uploading the new " + e.Type + " key: " + e.Err.Error()
}

// Unwrap returns Salesforce's error.
func (e *RefusedError) Unwrap() error { return e.Err }

// Unwrap returns the transport's error.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// keyGiven is the source of material that the user gave, as receipts name it.
const keyGiven = "given"

// work is the state of one Run.
type work struct {
	*Uploader
	Request

	id       keys.RotationID
	now      time.Time
	warnings []Warning
	// knownVersion is the highest version of the type's records before this run.
	knownVersion int64

	certificate *byok.Certificate
	hash        string
	// hashless is true for records of which Salesforce keeps no hash, so that there is nothing to compare on read-back.
	hashless   bool
	keySource  string
	kcv        string
	armored    string
	escrowFile string
	// escrowExisted is true where the escrow copy was there before this run.
	escrowExisted bool
}

// Run carries out one rotation and returns the record behind it. See the package's documentation for the order of steps.
func (u *Uploader) Run(ctx context.Context, r Request) (Result, error) {
	if err := r.check(); err != nil {
		return Result{}, err
	}
	records, now, err := u.Registry.Records(ctx, 0)
	if err != nil {
		return Result{}, fmt.Errorf("reading the tenant secrets of the org before the upload: %w", err)
	}
	w := &work{Uploader: u, Request: r, now: now}
	if newest, ok := Newest(records, r.Type); ok {
		w.knownVersion = newest.Version
	}

	found, err := reconcile(r, records)
	if err != nil {
		return Result{}, err
	}
	w.id = found.id
	if found.found {
		return w.adopt(ctx, found)
	}

	return w.rotate(ctx, records)
}

// check refuses a request that no caller should make, before anything is read.
func (r Request) check() error {
	switch {
	case r.Type == "" || r.Fingerprint == "":
		return errors.New("a rotation without a type or inputs was asked for; this is a bug of the provider")
	case r.Wrapped != "" && (!r.Material.IsZero() || r.Escrow != nil || r.Pin == ""):
		return &Problem{
			Attribute: "wrapped_key_material", Summary: "Wrapped key material can't be used so",
			Detail: "wrapped_key_material needs secret_value_hash and excludes key_material_wo and escrow: its plaintext is not known here.",
		}
	default:
		return nil
	}
}

// rotate makes a new key: steps 2 to 6.
func (w *work) rotate(ctx context.Context, records []salesforce.TenantSecret) (Result, error) {
	if w.Source == SourceUploaded {
		certificate, err := FindCertificate(ctx, w.Certificates, w.Certificate, w.Type, w.now)
		if err != nil {
			return Result{}, err
		}
		w.certificate = certificate
	}

	if earlier, ok, err := w.awaitEarlierAttempt(ctx); err != nil {
		return Result{}, err
	} else if ok {
		return w.adopt(ctx, finding{id: w.id, record: earlier, found: true})
	}

	record, err := w.prepare(records)
	if err != nil {
		return Result{}, err
	}
	if active, ok := Current(records, w.Type); ok && w.ExpectedActive != "" && active.ID != w.ExpectedActive {
		w.warnings = append(w.warnings, Warning{
			Summary: "The ACTIVE key changed between plan and apply",
			Detail: fmt.Sprintf("The plan was made over %s, record %s (version %d) has become ACTIVE since. This rotation archives it; data that it encrypted stays "+
				"readable.", w.ExpectedActive, active.ID, active.Version),
		})
	}

	if err := w.sending(); err != nil {
		return Result{}, err
	}
	sent := time.Now()
	id, err := w.Registry.Create(ctx, record)
	if err == nil {
		return w.confirm(ctx, id)
	}
	if !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		return Result{}, w.refused(ctx, err)
	}

	row, ok, lookErr := w.look(ctx)
	if ok {
		w.warnings = append(w.warnings, Warning{
			Summary: "The reply to an upload was lost",
			Detail: fmt.Sprintf("Salesforce did not answer the POST of the new %s record in a way that tells its outcome. The record %s was then found "+
				"in the org by its marker or hash, and nothing was sent twice.", w.Type, row.ID),
		})

		return w.result(row, true), nil
	}

	return Result{}, &UnknownOutcomeError{
		Type: w.Type, RotationID: w.id, Hash: w.hash, SentAt: sent, EscrowFile: w.escrowFile, Err: errors.Join(err, lookErr),
	}
}

// refused sets aside the escrow copy of a key that Salesforce definitely did not take: a file for a key that never was would mislead a
// recovery drill, and make the next apply look for a record in vain. A copy that was there before this run is not touched, nor one that
// another run may rely on.
func (w *work) refused(ctx context.Context, err error) error {
	if w.escrowFile != "" && !w.escrowExisted && !w.usedByAnother(ctx) {
		if _, renameErr := w.Escrow.Directory.Refuse(w.key(), time.Now()); renameErr != nil {
			err = fmt.Errorf("%w (the escrow copy %s of the refused key could not be renamed: %w)", err, w.escrowFile, renameErr)
		}
	}

	return &RefusedError{Type: w.Type, Hash: w.hash, Err: err}
}

// usedByAnother reports whether the org has, or may have, a key of the same material: given material may be in the hands of another run,
// which found this copy in its place and wrote none.
func (w *work) usedByAnother(ctx context.Context) bool {
	if w.keySource != keyGiven || w.hashless {
		return false
	}
	records, _, err := w.Registry.Records(ctx, 0)

	return err != nil || slices.ContainsFunc(records, func(r salesforce.TenantSecret) bool { return r.SecretValueHash == w.hash })
}

// prepare makes the record to POST: material, checks, escrow and wrapping.
func (w *work) prepare(records []salesforce.TenantSecret) (salesforce.NewTenantSecret, error) {
	description := keys.Describe(w.Description, w.id)
	switch w.Source {
	case SourceHSM:
		w.keySource = "salesforce"

		return salesforce.GeneratedTenantSecret{Type: w.Type, Description: description, KeyDerivationMode: w.KeyDerivationMode}, nil
	case SourceRemote:
		w.keySource = "remote"

		return salesforce.RemoteTenantSecret{
			Type: w.Type, Description: description, RemoteKeyIdentifier: w.RemoteKeyIdentifier,
			RemoteKeyServiceID: w.RemoteKeyServiceID, RemoteKeyCertificate: w.RemoteKeyCertificate,
		}, nil
	}

	value, err := w.seal(records)
	if err != nil {
		return nil, err
	}

	return salesforce.UploadedTenantSecret{
		Type: w.Type, Description: description, KeyDerivationMode: w.KeyDerivationMode,
		SecretValue: value, SecretValueHash: w.hash, Certificate: w.Certificate,
	}, nil
}

// seal returns the wrapped material. The plaintext lives in this call alone.
func (w *work) seal(records []salesforce.TenantSecret) (string, error) {
	if w.Wrapped != "" {
		w.keySource, w.hash = "wrapped_elsewhere", w.Pin
		if err := checkReuse(records, w.hash); err != nil {
			return "", err
		}
		value, err := byok.ParseWrapped(w.Algorithm, w.certificate, w.Wrapped)
		if err != nil {
			return "", &Problem{Attribute: "wrapped_key_material", Summary: "Wrapped key material does not fit", Detail: err.Error() + ". Nothing was sent."}
		}

		return value, nil
	}

	material := w.Material
	w.keySource = keyGiven
	if material.IsZero() {
		if w.Pin != "" {
			return "", &Problem{
				Attribute: "secret_value_hash", Summary: "A pinned hash without its key material",
				Detail: fmt.Sprintf("secret_value_hash pins %s, no record with that hash is ACTIVE, and neither key_material_wo nor wrapped_key_material "+
					"gives the material: newly generated material can never have it. Nothing was sent. Give the material, or remove the pin.", w.Pin),
			}
		}
		material = byok.GenerateMaterial()
		defer material.Destroy()
		w.keySource = "generated"
	}

	return w.sealMaterial(material, records)
}

func (w *work) sealMaterial(material secret.Bytes, records []salesforce.TenantSecret) (string, error) {
	w.hash = byok.HashMaterial(material)
	if w.Pin != "" && w.hash != w.Pin {
		return "", &Problem{
			Attribute: "secret_value_hash", Summary: "Key material does not match the pinned hash",
			Detail: fmt.Sprintf("The given key material has the SHA-256 %s, secret_value_hash pins %s. Nothing was sent.", w.hash, w.Pin),
		}
	}
	if err := checkReuse(records, w.hash); err != nil {
		return "", err
	}
	w.kcv = byok.KeyCheckValue(material)
	if err := w.escrow(material); err != nil {
		return "", err
	}
	value, err := byok.Wrap(w.Algorithm, w.certificate, material)
	if err != nil {
		return "", &Problem{Attribute: "wrapping_algorithm", Summary: "Key material could not be wrapped", Detail: err.Error() + ". Nothing was sent."}
	}

	return value, nil
}

// key says which key this work makes.
func (w *work) key() escrow.Key {
	return escrow.Key{Organization: w.Organization, Type: w.Type, RotationID: w.id.String(), Hash: w.hash, KnownVersion: w.knownVersion, Time: w.now}
}

// sending is the last step before a POST.
func (w *work) sending() error {
	if w.escrowFile == "" {
		return nil
	}

	return w.Escrow.Sending(w.key())
}

// escrow makes the copy of the material that Salesforce's will not be the only one beside.
func (w *work) escrow(material secret.Bytes) error {
	if w.Escrow == nil {
		return nil
	}
	armored, kept, err := w.Escrow.Keep(w.key(), material)
	if err != nil {
		return err
	}
	w.armored, w.escrowFile, w.escrowExisted = armored, kept.Path, kept.Existed
	if kept.Existed {
		// An earlier attempt with the same material left it. The file is never overwritten; the armor in state is for today's recipients.
		w.warnings = append(w.warnings, Warning{
			Summary: "An escrow copy of this key was there already",
			Detail: fmt.Sprintf("%s was left by an earlier attempt with the same material, and was kept as it is. The escrow_ciphertext in state is "+
				"made anew for the recipients configured now.", kept.Path),
		})
	}

	return nil
}

// look searches the org for the record of a POST without an answer: at once, and then after each wait. It ends with the first look
// that finds it, or that the org's request limit refuses, since no other would be sent.
func (w *work) look(ctx context.Context) (salesforce.TenantSecret, bool, error) {
	var last error
	for n := 0; ; n++ {
		records, _, err := w.Registry.Records(ctx, 0)
		last = err
		if err == nil {
			if row, ok := search(records, w.Type, w.id, w.hash); ok {
				return row, true, nil
			}
		}
		if n == len(w.looks()) || errors.Is(err, salesforce.ErrRequestLimit) {
			return salesforce.TenantSecret{}, false, last
		}
		if err := w.wait(ctx, w.looks()[n]); err != nil {
			return salesforce.TenantSecret{}, false, errors.Join(last, err)
		}
	}
}

// awaitEarlierAttempt looks with patience for the record of an earlier apply that never learned its outcome, before a new POST.
func (w *work) awaitEarlierAttempt(ctx context.Context) (salesforce.TenantSecret, bool, error) {
	if !w.interrupted() {
		return salesforce.TenantSecret{}, false, nil
	}
	row, ok, err := w.look(ctx)
	if err != nil {
		return row, false, fmt.Errorf("an earlier apply sent rotation %s of %s without learning the outcome, and the org could not be searched for it; nothing "+
			"was sent: %w", w.id, w.Type, err)
	}

	return row, ok, nil
}

// interrupted reports whether this very rotation was attempted a short while ago: an earlier apply remembers a POST without an answer,
// or the escrow directory has the file that is written right before the POST.
func (w *work) interrupted() bool {
	if !w.UnconfirmedSince.IsZero() && time.Since(w.UnconfirmedSince) < patience {
		return true
	}
	if w.Escrow == nil || w.Escrow.Directory == nil {
		return false
	}
	at, ok := w.Escrow.Directory.LastAttempt(w.Organization, w.Type, w.id.String())

	return ok && time.Since(at) < patience
}
