package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// DataKeyClient is what DataKeys need of Salesforce; *salesforce.Client is one.
type DataKeyClient interface {
	ListDataEncryptionKeys(ctx context.Context) ([]salesforce.DataEncryptionKey, error)
	BeginDataEncryptionKey(ctx context.Context, keyType, certificateName string) (string, error)
	FinishDataEncryptionKey(ctx context.Context, k salesforce.NewDataEncryptionKey) (string, error)
	CertificateContent(ctx context.Context, developerName string) ([]byte, bool, error)
	// Now is the org's time.
	Now() time.Time
}

// DataKeys are the Search Index keys of an org on Hyperforce, which are made in the two steps of
// API 63 and newer [D DEKRef]: the first makes a temporary row with a session token, and a
// certificate; the second brings the wrapped key, and the temporary row and the certificate vanish.
// Each step is sent at most once a rotation: the first is found again by the certificate's name,
// which is made of the rotation id.
//
// DataKeys are for one rotation: the session is looked for in the rows that the rotation was
// decided on.
type DataKeys struct {
	Client   DataKeyClient
	Patience look.Patience

	rows []salesforce.DataEncryptionKey
}

// Records implements Org.
func (d *DataKeys) Records(ctx context.Context) ([]keys.Record, time.Time, error) {
	rows, err := d.Client.ListDataEncryptionKeys(ctx)
	d.rows = rows

	return DataKeyRecords(rows), d.Client.Now(), err
}

// DataKeyRecords returns the Search Index keys among rows, as the rules look at them, without those
// that wait for their material. The ACTIVE one is the one in use. A key without an id is named by
// its version.
func DataKeyRecords(rows []salesforce.DataEncryptionKey) []keys.Record {
	var records []keys.Record
	for _, k := range rows {
		if k.Pending() || !salesforce.SameDataEncryptionKeyType(k.Type, salesforce.DataEncryptionKeyTypeSearchIndex) {
			continue
		}
		id := k.ID
		if id == "" {
			id = fmt.Sprintf("version-%d", k.Version)
		}
		records = append(records, keys.Record{
			ID: id, Type: keys.TypeDataKey, Version: k.Version, Status: strings.ToUpper(k.Status), Source: keys.SourceUploaded,
			Description: k.Description,
			CreatedDate: k.CreatedDate, LastModifiedDate: k.CreatedDate, CreatedBy: k.CreatedBy,
			LastModifiedBy: k.LastModifiedBy,
		})
	}

	return records
}

// sessionName is the certificate's name of a rotation's session: by it an interrupted run finds its
// own session again.
func sessionName(id keys.RotationID) string {
	return fmt.Sprintf("Terraform_BYOK_%s_%d", id.Fingerprint, id.Counter)
}

// Envelope implements Org: the certificate of the rotation's open session.
func (d *DataKeys) Envelope(ctx context.Context, r Request, id keys.RotationID, now time.Time) (Envelope, error) {
	name := sessionName(id)
	session, err := d.session(ctx, name, r.Type)
	if err != nil {
		return Envelope{}, err
	}
	body, found, err := d.Client.CertificateContent(ctx, name)
	if err == nil && !found {
		err = errors.New("the org shows no certificate of this name")
	}
	if err != nil {
		return Envelope{}, fmt.Errorf("reading the certificate %s of the open session; no key was sent: %w", name, err)
	}
	certificate, err := byok.ParseCertificate(body)
	if err != nil {
		return Envelope{}, fmt.Errorf("the certificate %s of the open session can't be read; no key was sent: %w", name, err)
	}
	if problems := certificate.Unfit(now); len(problems) > 0 {
		return Envelope{}, Unfit(name, "Search Index", problems)
	}

	return Envelope{Name: name, Certificate: certificate, Session: session.SessionToken}, nil
}

// session returns the open session of a name, and opens it if there is none.
func (d *DataKeys) session(ctx context.Context, name, typ string) (salesforce.DataEncryptionKey, error) {
	if open, ok := openSession(d.rows, name); ok {
		return open, nil
	}
	var open salesforce.DataEncryptionKey
	_, sendErr := d.Client.BeginDataEncryptionKey(ctx, salesforce.DataEncryptionKeyTypeSearchIndex, name)
	if sendErr != nil && !errors.Is(sendErr, salesforce.ErrOutcomeUnknown) {
		return open, &RefusedError{Type: typ, Err: sendErr}
	}
	found, err := d.Patience.Until(ctx, func(ctx context.Context) (bool, error) {
		rows, err := d.Client.ListDataEncryptionKeys(ctx)
		if errors.Is(err, salesforce.ErrRequestLimit) {
			return false, look.Stop(err)
		}
		var ok bool
		open, ok = openSession(rows, name)

		return ok, err
	})
	if found {
		return open, nil
	}

	return open, fmt.Errorf("the first step of the upload was sent, and its session (certificate %s) did not appear; no "+
		"key was sent; apply again: the next apply looks for that session first: %w", name,
		errors.Join(sendErr, err))
}

// openSession finds the temporary row of a name.
func openSession(rows []salesforce.DataEncryptionKey, name string) (salesforce.DataEncryptionKey, bool) {
	i := slices.IndexFunc(rows, func(k salesforce.DataEncryptionKey) bool {
		return k.Pending() && k.CertificateName == name
	})
	if i < 0 {
		return salesforce.DataEncryptionKey{}, false
	}

	return rows[i], true
}

// Send implements Org: the second step.
func (d *DataKeys) Send(ctx context.Context, k New) (string, error) {
	finish := salesforce.NewDataEncryptionKey{
		Type: salesforce.DataEncryptionKeyTypeSearchIndex, SecretValue: k.Value,
		SessionToken: k.Envelope.Session,
	}
	if !k.Request.Unmarked {
		finish.Description = k.Description
	}

	return d.Client.FinishDataEncryptionKey(ctx, finish)
}

// Read implements Org. Such keys are read together.
func (d *DataKeys) Read(ctx context.Context, id string) (keys.Record, error) {
	records, _, err := d.Records(ctx)
	if err != nil {
		return keys.Record{}, err
	}
	row, ok := keys.Find(records, id)
	if !ok {
		return row, salesforce.ErrNotFound
	}

	return row, nil
}

// Change implements Org. Such keys can't be edited [D DEKRef], and no request asks for it.
func (d *DataKeys) Change(context.Context, string, Change) error {
	return errors.New("a data encryption key can't be edited")
}
