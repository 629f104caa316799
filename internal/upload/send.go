package upload

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// UnknownOutcomeError says that a POST went out and that nothing, not even a patient look into the
// org, says whether it made a key.
type UnknownOutcomeError struct {
	Type       string
	RotationID keys.RotationID
	// Hash is the SecretValueHash that was sent, "" if Salesforce makes the key.
	Hash string
	// SentAt is the org's time.
	SentAt time.Time
	// EscrowFile is the path of the escrow copy, "" without a directory.
	EscrowFile string
	Err        error
}

// Error says what was sent, when, and what to do.
func (e *UnknownOutcomeError) Error() string {
	text := fmt.Sprintf("the POST of a new %s record was sent at %s under rotation id %s", e.Type, receipt.UTC(e.SentAt),
		e.RotationID)
	if e.Hash != "" {
		text += " with SecretValueHash " + e.Hash
	}
	text += ", its outcome is unknown, and no such record has appeared in the org since"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}

	return text
}

// Unwrap returns the transport's error.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// RefusedError says that Salesforce answered the POST of a new record with a definite no, and that
// the org does not show the key.
type RefusedError struct {
	Type string
	// Hash is the SecretValueHash that was sent, "" if Salesforce makes the key.
	Hash string
	// Unchecked is not nil if the org could not be searched for the key after the refusal.
	Unchecked error
	// Warnings are about what was left behind.
	Warnings []*problem.Problem
	Err      error
}

// Error names the type and the refusal.
func (e *RefusedError) Error() string {
	return "uploading the new " + e.Type + " key: " + e.Err.Error()
}

// Unwrap returns Salesforce's error.
func (e *RefusedError) Unwrap() error { return e.Err }

// send posts the key once, and finds out what became of it.
func (w *run) send(ctx context.Context, s sealed) (Result, error) {
	if s.copy.path != "" {
		if err := w.Escrow.Sending(s.copy.key, w.now); err != nil {
			return Result{}, err
		}
	}
	last, _ := keys.Newest(w.records, w.Type)
	sent, at := keys.Sent{ID: w.id, Hash: s.hash, Before: last.Version}, w.now
	id, err := w.org.Send(ctx, New{
		Request: w.Request, Description: keys.Describe(w.Description, w.id), Envelope: s.envelope, Value: s.value,
		Hash: s.hash,
	})
	if err == nil || errors.Is(err, salesforce.ErrOutcomeUnknown) {
		w.turn.sent, w.turn.last = true, sent
	}
	switch {
	case err == nil:
		return w.confirm(ctx, id, sent, s), nil
	case !errors.Is(err, salesforce.ErrOutcomeUnknown):
		return w.refused(ctx, err, sent, s)
	}
	row, ok, lookErr := w.find(ctx, sent)
	if !ok {
		return Result{}, &UnknownOutcomeError{
			Type: w.Type, RotationID: w.id, Hash: s.hash, SentAt: at,
			EscrowFile: s.copy.path, Err: errors.Join(err, lookErr),
		}
	}
	w.warn("", "The reply to an upload was lost",
		"The upload of the new %s key had no clear answer. Record %s was then found in the org by its hash or marker. "+
			"Nothing was sent twice.", w.Type, row.ID)

	return w.made(row, true, s), nil
}

// find searches the org for the record of a POST: at once, and then after each wait.
func (w *run) find(ctx context.Context, sent keys.Sent) (keys.Record, bool, error) {
	var row keys.Record
	ok, err := w.Patience.Until(ctx, func(ctx context.Context) (bool, error) {
		if err := w.again(ctx); err != nil {
			return false, err
		}
		found := false
		row, found = w.Answer(sent, w.Evidence.Users, w.records)

		return found, nil
	})

	return row, ok, err
}

// confirm reads back a record that Salesforce has said it made. From here on nothing is an error:
// Terraform would taint a resource that is created with one.
func (w *run) confirm(ctx context.Context, id string, sent keys.Sent, s sealed) Result {
	var row keys.Record
	var err error
	ok := false
	if id == "" || w.Hashless {
		row, ok, err = w.find(ctx, sent)
	} else {
		ok, err = w.Patience.Until(ctx, func(ctx context.Context) (bool, error) {
			var err error
			if row, err = w.org.Read(ctx, id); err != nil && !errors.Is(err, salesforce.ErrNotFound) {
				return false, look.Stop(err)
			}

			return err == nil, err
		})
	}
	if ok {
		return w.made(row, true, s)
	}
	if err == nil {
		err = errors.New("it is not listed as ACTIVE yet")
	}
	w.warn("", "The new key could not be read back",
		"Salesforce accepted the new %s key as record %s, but reading it back failed: %s. The key is in use; the next plan "+
			"reads what is missing here.", w.Type, id, err)

	if w.Hashless {
		// The reply names the temporary row, which is gone [D DEKRef].
		id = ""
	}

	result := w.made(keys.Record{
		ID: id, Type: w.Type, Source: w.Source, Description: keys.Describe(w.Description, w.id),
		KeyDerivationMode: w.KeyDerivationMode, Hash: s.hash,
		RemoteKeyIdentifier: w.RemoteKeyIdentifier, RemoteKeyServiceID: w.RemoteKeyServiceID,
		RemoteKeyCertificate: w.RemoteKeyCertificate,
	}, false, s)
	result.before = sent.Before

	return result
}

// made compares the record with what was sent and writes the receipt.
func (w *run) made(row keys.Record, confirmed bool, s sealed) Result {
	if confirmed {
		var differences []string
		for _, v := range []struct{ field, is, wanted string }{
			{"SecretValueHash", row.Hash, s.hash}, {"Source", row.Source, w.Source}, {"Status", row.Status, keys.StatusActive},
		} {
			if v.is != v.wanted && v.wanted != "" && (!w.Hashless || v.field == "Status") {
				differences = append(differences, fmt.Sprintf("%s is %q, expected %q", v.field, v.is, v.wanted))
			}
		}
		if len(differences) > 0 {
			w.warn("", "The new key differs from what was sent",
				"Record %s: %s. The key may be in use: look at it in Setup (Key Management) before anything else, and keep the "+
					"escrow copy.", row.ID, strings.Join(differences, "; "))
		}
	}
	result := Result{
		Record: row, Confirmed: confirmed, RotationID: w.id, Hash: s.hash, EscrowCiphertext: s.copy.armor,
		KeyCheckValue: s.kcv,
	}
	if s.envelope.Certificate != nil {
		result.CertificateSHA256 = s.envelope.Certificate.SHA256Fingerprint()
	}
	result.Receipts = []string{w.writeReceipt(w.receipt(receipt.Upload, row, confirmed, s), s.copy.path)}
	result.Warnings = w.warnings

	return result
}

// refused handles a definite no. The org is searched all the same, by hash and marker: what stands
// between us and Salesforce may have answered in its place. A copy of a key that is not there is
// renamed, never deleted.
func (w *run) refused(ctx context.Context, err error, sent keys.Sent, s sealed) (Result, error) {
	refused := &RefusedError{Type: w.Type, Hash: s.hash, Err: err}
	if refused.Unchecked = w.again(ctx); refused.Unchecked != nil {
		return Result{}, refused
	}
	if row, ok := w.Answer(sent, w.Evidence.Users, w.records); ok {
		w.turn.sent, w.turn.last = true, sent
		w.warn("", "A refused key is in the org", "The upload of the new %s key was refused (%s), yet record %s with its "+
			"hash or marker is in the org. It was adopted. Look at the proxies between you and "+
			"Salesforce.", w.Type, err, row.ID)

		return w.made(row, true, s), nil
	}
	if s.copy.path == "" {
		return Result{}, refused
	}
	path, renameErr := w.Escrow.Directory.Refuse(s.copy.key, w.now)
	if renameErr != nil {
		refused.Warnings = append(refused.Warnings, problem.New("escrow.directory",
			"A refused key's escrow copy keeps its name",
			"%s could not be renamed to end in .refused: %s. The key in it is not in use.", s.copy.path, renameErr))
	} else if path != "" {
		refused.Warnings = append(refused.Warnings, problem.New("escrow.directory",
			"A refused key's escrow copy was renamed", "It is now %s. The key in it is not in use.", path))
	}

	return Result{}, refused
}
