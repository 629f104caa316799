package upload

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// TypeDataKey stands for the type of a DataEncryptionKey in requests, receipts and the names of escrow files.
const TypeDataKey = "DataEncryptionKey"

// wireDataKeyType is the only type that this flow is documented for [D DEKRef].
const wireDataKeyType = salesforce.DataEncryptionKeyTypeSearchIndex

// dataKeyActive is the Status of the key in use [D DEKRef].
const dataKeyActive = "Active"

// DataKeyOrg is what an upload of a DataEncryptionKey needs; *salesforce.Client is one.
type DataKeyOrg interface {
	ListDataEncryptionKeys(ctx context.Context) ([]salesforce.DataEncryptionKey, error)
	BeginDataEncryptionKey(ctx context.Context, keyType, certificateName string) (string, error)
	FinishDataEncryptionKey(ctx context.Context, k salesforce.NewDataEncryptionKey) (string, error)
	CertificateContent(ctx context.Context, developerName string) ([]byte, bool, error)
	DescriptionCreateable(ctx context.Context, sobject string) (bool, error)
	// Now is the org's time.
	Now() time.Time
}

// ActiveDataKey returns the key in use: the Active one with the highest version.
func ActiveDataKey(rows []salesforce.DataEncryptionKey) (salesforce.DataEncryptionKey, bool) {
	var active salesforce.DataEncryptionKey
	found := false
	for _, k := range rows {
		if salesforce.SameDataEncryptionKeyType(k.Type, wireDataKeyType) && strings.EqualFold(k.Status, dataKeyActive) && (!found || k.Version > active.Version) {
			active, found = k, true
		}
	}

	return active, found
}

// DataKeyDescriptions returns the Descriptions of all keys of the type.
func DataKeyDescriptions(rows []salesforce.DataEncryptionKey) []string {
	var texts []string
	for _, k := range rows {
		if salesforce.SameDataEncryptionKeyType(k.Type, wireDataKeyType) {
			texts = append(texts, k.Description)
		}
	}

	return texts
}

// DataKeyRecord shows a DataEncryptionKey in the shape that results and receipts have. A key without an id is named by its version.
func DataKeyRecord(k salesforce.DataEncryptionKey) salesforce.TenantSecret {
	id := k.ID
	if id == "" {
		id = fmt.Sprintf("version-%d", k.Version)
	}

	return salesforce.TenantSecret{
		ID: id, Type: TypeDataKey, Version: k.Version, Status: strings.ToUpper(k.Status), Source: SourceUploaded, Description: k.Description,
		CreatedDate: k.CreatedDate, LastModifiedDate: k.CreatedDate, CreatedByID: k.CreatedBy,
	}
}

// dataKeyWork is the state of one RunDataKey.
type dataKeyWork struct {
	*work

	org DataKeyOrg
	// before is the version of the key in use when the run began.
	before int64
	// marked is true where the org lets a Description be given, which then carries the marker.
	marked bool
}

// RunDataKey uploads a Search Index key in the two steps of API 63 and newer [D DEKRef]: the first makes a temporary row with a session
// token, and a certificate; the second brings the wrapped key, and the temporary row and the certificate vanish. Both steps are sent at
// most once per rotation: the first is found again by the certificate's name, which is made of the rotation id; the second by the
// marker in the Description where the org takes one, else by a key that became Active after it was sent.
func (u *Uploader) RunDataKey(ctx context.Context, org DataKeyOrg, r Request) (Result, error) {
	if err := r.check(); err != nil {
		return Result{}, err
	}
	rows, err := org.ListDataEncryptionKeys(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("reading the data encryption keys of the org before the upload: %w", err)
	}
	r.Algorithm = byok.RSAAESKeyWrapSHA512
	w := &dataKeyWork{work: &work{Uploader: u, Request: r, now: org.Now(), hashless: true}, org: org}
	active, exists := ActiveDataKey(rows)
	w.before, w.knownVersion = active.Version, active.Version

	_, marker := keys.ParseDescription(active.Description)
	w.id = r.RotationID
	adopt := exists && marker == w.id && !w.id.IsZero()
	if w.id.IsZero() {
		w.id = keys.FirstID(r.Fingerprint, DataKeyDescriptions(rows))
		if exists && marker.Fingerprint == r.Fingerprint {
			w.id, adopt = marker, true
		}
	}
	if adopt {
		return w.adopted(DataKeyRecord(active), finding{id: w.id}), nil
	}
	if exists && w.madeByEarlierAttempt(active) {
		return w.adoptUnmarked(active), nil
	}

	return w.upload(ctx, rows)
}

// madeByEarlierAttempt reports whether the key in use became so after an attempt at this very rotation whose outcome nobody learned.
func (w *dataKeyWork) madeByEarlierAttempt(active salesforce.DataEncryptionKey) bool {
	if _, marker := keys.ParseDescription(active.Description); !marker.IsZero() {
		return false
	}
	since := w.UnconfirmedSince
	if since.IsZero() && w.Escrow != nil && w.Escrow.Directory != nil {
		since, _ = w.Escrow.Directory.LastAttempt(w.Organization, w.Type, w.id.String())
	}

	// Salesforce's clock and this one may differ by a little.
	const skew = 2 * time.Minute

	return !since.IsZero() && active.CreatedDate.After(since.Add(-skew))
}

func (w *dataKeyWork) adoptUnmarked(active salesforce.DataEncryptionKey) Result {
	w.warnings = append(w.warnings, Warning{
		Summary: "A key was adopted by its time",
		Detail: fmt.Sprintf("An earlier apply sent rotation %s without learning the outcome, and the Search Index key of version %d became Active right after. It is taken for that rotation's. This org "+
			"keeps no Description on such keys, so there is no better proof: if somebody else uploaded a key at that time, change rotation_triggers.", w.id, active.Version),
	})

	return w.adopted(DataKeyRecord(active), finding{id: w.id})
}

// upload carries out both steps.
func (w *dataKeyWork) upload(ctx context.Context, rows []salesforce.DataEncryptionKey) (Result, error) {
	marked, err := w.org.DescriptionCreateable(ctx, TypeDataKey)
	if err != nil {
		return Result{}, fmt.Errorf("describing DataEncryptionKey before the upload: %w", err)
	}
	w.marked = marked
	if w.interrupted() {
		// The second step of a short while ago may still be on its way.
		key, ok, err := w.lookForKey(ctx)
		switch {
		case err != nil:
			return Result{}, fmt.Errorf("an earlier apply sent rotation %s without learning the outcome, and the org could not be searched for its key; nothing was sent: %w", w.id, err)
		case ok && marked:
			return w.adopted(DataKeyRecord(key), finding{id: w.id}), nil
		case ok:
			return w.adoptUnmarked(key), nil
		}
	}
	session, err := w.session(ctx, rows)
	if err != nil {
		return Result{}, err
	}
	body, found, err := w.org.CertificateContent(ctx, session.CertificateName)
	if err == nil && !found {
		err = errors.New("the org shows no certificate of this name")
	}
	if err != nil {
		return Result{}, fmt.Errorf("reading the certificate %s of the open session; no key was sent: %w", session.CertificateName, err)
	}
	if w.certificate, err = byok.ParseCertificate(body); err != nil {
		return Result{}, fmt.Errorf("the certificate %s of the open session can't be read; no key was sent: %w", session.CertificateName, err)
	}
	if problems := w.certificate.Unfit(w.now); len(problems) > 0 {
		return Result{}, unfit(session.CertificateName, problems)
	}
	w.Certificate = session.CertificateName

	value, err := w.seal(nil)
	if err != nil {
		return Result{}, err
	}
	finish := salesforce.NewDataEncryptionKey{Type: wireDataKeyType, SecretValue: value, SessionToken: session.SessionToken}
	if w.marked {
		finish.Description = keys.Describe("", w.id)
	}
	if err := w.sending(); err != nil {
		return Result{}, err
	}
	sent := time.Now()
	_, err = w.org.FinishDataEncryptionKey(ctx, finish)
	if err != nil && !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		return Result{}, w.refused(ctx, err)
	}
	key, ok, lookErr := w.lookForKey(ctx)
	if ok {
		return w.result(DataKeyRecord(key), true), nil
	}
	if err == nil {
		if lookErr == nil {
			lookErr = errors.New("it is not listed as Active yet")
		}
		w.warnings = append(w.warnings, Warning{
			Summary: "The new key could not be read back",
			Detail:  fmt.Sprintf("Salesforce accepted the new Search Index key, but reading it back failed: %s. The key is in use; the next plan reads what is missing here.", lookErr),
		})

		return w.result(salesforce.TenantSecret{Type: TypeDataKey, Source: SourceUploaded}, false), nil
	}

	return Result{}, &UnknownOutcomeError{Type: TypeDataKey, RotationID: w.id, Hash: w.hash, SentAt: sent, EscrowFile: w.escrowFile, Err: errors.Join(err, lookErr)}
}

// sessionName is the certificate's name of a rotation's session: it tells an interrupted run its own session again.
func (w *dataKeyWork) sessionName() string {
	return fmt.Sprintf("Terraform_BYOK_%s_%d", w.id.Fingerprint, w.id.Counter)
}

func findSession(rows []salesforce.DataEncryptionKey, name string) (salesforce.DataEncryptionKey, bool) {
	for _, k := range rows {
		if k.Pending() && k.CertificateName == name {
			return k, true
		}
	}

	return salesforce.DataEncryptionKey{}, false
}

// session returns this rotation's open session, and opens it where there is none.
func (w *dataKeyWork) session(ctx context.Context, rows []salesforce.DataEncryptionKey) (salesforce.DataEncryptionKey, error) {
	name := w.sessionName()
	if open, ok := findSession(rows, name); ok {
		return open, nil
	}
	_, sendErr := w.org.BeginDataEncryptionKey(ctx, wireDataKeyType, name)
	if sendErr != nil && !errors.Is(sendErr, salesforce.ErrOutcomeUnknown) {
		return salesforce.DataEncryptionKey{}, &RefusedError{Type: TypeDataKey, Err: sendErr}
	}
	var open salesforce.DataEncryptionKey
	ok, err := w.lookUntil(ctx, func(rows []salesforce.DataEncryptionKey) bool {
		var found bool
		open, found = findSession(rows, name)

		return found
	})
	if ok {
		return open, nil
	}

	return open, fmt.Errorf("the first step of the upload was sent, and its session (certificate %s) did not appear; no key was sent; apply again: the next apply looks for that session first: %w", name,
		errors.Join(sendErr, err))
}

// lookForKey finds the key that the second step has made.
func (w *dataKeyWork) lookForKey(ctx context.Context) (salesforce.DataEncryptionKey, bool, error) {
	var key salesforce.DataEncryptionKey
	ok, err := w.lookUntil(ctx, func(rows []salesforce.DataEncryptionKey) bool {
		active, exists := ActiveDataKey(rows)
		_, marker := keys.ParseDescription(active.Description)
		key = active
		if w.marked {
			return exists && marker == w.id
		}

		return exists && active.Version > w.before
	})

	return key, ok, err
}

// lookUntil lists the keys at once and then after each wait, until they are as wanted.
func (w *dataKeyWork) lookUntil(ctx context.Context, wanted func([]salesforce.DataEncryptionKey) bool) (bool, error) {
	for n := 0; ; n++ {
		rows, err := w.org.ListDataEncryptionKeys(ctx)
		if err == nil && wanted(rows) {
			return true, nil
		}
		if n == len(w.looks()) || errors.Is(err, salesforce.ErrRequestLimit) {
			return false, err
		}
		if waitErr := w.wait(ctx, w.looks()[n]); waitErr != nil {
			return false, errors.Join(err, waitErr)
		}
	}
}
