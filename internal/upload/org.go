package upload

import (
	"context"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Org is one kind of key in an org: TenantSecrets or DataKeys.
type Org interface {
	// Records reads all records of the kind for a decision to write, and the org's time.
	Records(ctx context.Context) ([]keys.Record, time.Time, error)
	// Envelope returns what the material of a rotation is to be wrapped for. It may open a session.
	Envelope(ctx context.Context, r Request, id keys.RotationID, now time.Time) (Envelope, error)
	// Send makes a record and returns its id, "" if the org does not say it. It never repeats itself
	// after an answer that leaves the outcome open, and then fails with salesforce.ErrOutcomeUnknown.
	Send(ctx context.Context, k New) (string, error)
	// Read reads one record.
	Read(ctx context.Context, id string) (keys.Record, error)
	// Change edits a record. Nil fields stay as they are.
	Change(ctx context.Context, id string, change Change) error
}

// Envelope is the certificate that material is wrapped for.
type Envelope struct {
	// Name is the certificate's DeveloperName.
	Name        string
	Certificate *byok.Certificate
	// Session is the token of an open session, for a kind of key that has them.
	Session secret.Text
}

// New is a key that is ready to be sent.
type New struct {
	Request Request
	// Description is the record's, with its marker.
	Description string
	Envelope    Envelope
	// Value is the wrapped material in base64, and Hash that of the material. Both are "" for a key
	// that is not uploaded.
	Value, Hash string
}

// Change is an edit of a record.
type Change struct {
	Description, RemoteKeyServiceID, RemoteKeyCertificate *string
}

// ChangeOf returns what makes a record's editable fields as they are wanted. The remote fields
// matter for a cache-only record only; "" leaves them as they are.
func ChangeOf(r keys.Record, description, service, certificate string) Change {
	var c Change
	if r.Description != description {
		c.Description = &description
	}
	if r.Source == keys.SourceRemote {
		if service != "" && !(keys.Record{ID: r.RemoteKeyServiceID}).Is(service) {
			c.RemoteKeyServiceID = &service
		}
		if certificate != "" && r.RemoteKeyCertificate != certificate {
			c.RemoteKeyCertificate = &certificate
		}
	}

	return c
}

// IsZero reports whether nothing is to be changed.
func (c Change) IsZero() bool { return c == Change{} }

// apply returns the record as it is after the change.
func (c Change) apply(r keys.Record) keys.Record {
	for field, value := range map[*string]*string{
		&r.Description: c.Description, &r.RemoteKeyServiceID: c.RemoteKeyServiceID,
		&r.RemoteKeyCertificate: c.RemoteKeyCertificate,
	} {
		if value != nil {
			*field = *value
		}
	}

	return r
}
