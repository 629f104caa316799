package salesforce

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Values of TenantSecret.Status and TenantSecret.Source, as Salesforce answers
// them. Writes are accepted in any case [D ShieldREST; C].
const (
	StatusActive    = "ACTIVE"
	StatusArchived  = "ARCHIVED"
	StatusDestroyed = "DESTROYED"

	SourceHSM      = "HSM"
	SourceUploaded = "UPLOADED"
	SourceRemote   = "REMOTE"
)

// UnknownHash is the SecretValueHash of a key that Salesforce generated [V
// ThalesDoc]. It is no hash.
const UnknownHash = "UNKNOWM="

// TenantSecret is a record of the key of one type [D ObjRef]. Its SecretValue
// is never read along: reading it may be logged as an export [I]. A null of
// Salesforce is "" here.
type TenantSecret struct {
	// ID has 18 characters and begins with 02G [V].
	ID                string
	Description       string
	KeyDerivationMode string
	// RemoteKeyCertificate, RemoteKeyIdentifier and RemoteKeyServiceID are set
	// for the source REMOTE.
	RemoteKeyCertificate, RemoteKeyIdentifier, RemoteKeyServiceID string
	// SecretValueCertificate reads back empty after an upload [V FtxDoc].
	SecretValueCertificate string
	// SecretValueHash is the base64 SHA-256 of the plaintext, or UnknownHash. It
	// outlives destruction [D].
	SecretValueHash string
	// Source and Status are in upper case.
	Source, Status string
	Type           string
	// Version grows with each record; it orders the records of one type.
	Version                       int64
	CreatedDate, LastModifiedDate time.Time
	CreatedByID, LastModifiedByID string
}

// TenantSecrets is every tenant secret of the org at one instant.
type TenantSecrets struct {
	// Records are sorted by Type, then Version.
	Records []TenantSecret
	// ServerTime is the Date of the reply, else the local clock.
	ServerTime time.Time
}

// TenantSecretExport is a record with its exported SecretValue: ciphertext
// under a key of Salesforce's, and the only form that restores a destroyed key
// [D Help security_pe_byok_upload_secret; C].
type TenantSecretExport struct {
	TenantSecret

	// SecretValue is zero if Salesforce holds none, as for a destroyed key.
	SecretValue secret.Text
}

// tenantSecretColumns are read by every list and row read.
var tenantSecretColumns = []string{
	"Id", "Description", "KeyDerivationMode", "RemoteKeyCertificate", "RemoteKeyIdentifier", "RemoteKeyServiceId",
	"SecretValueCertificate", "SecretValueHash", "Source", "Status", "Type", "Version",
	"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById",
}

type tenantSecretRow struct {
	ID                     string   `json:"Id"`
	Description            string   `json:"Description"`
	KeyDerivationMode      string   `json:"KeyDerivationMode"`
	RemoteKeyCertificate   string   `json:"RemoteKeyCertificate"`
	RemoteKeyIdentifier    string   `json:"RemoteKeyIdentifier"`
	RemoteKeyServiceID     string   `json:"RemoteKeyServiceId"`
	SecretValueCertificate string   `json:"SecretValueCertificate"`
	SecretValueHash        string   `json:"SecretValueHash"`
	Source                 string   `json:"Source"`
	Status                 string   `json:"Status"`
	Type                   string   `json:"Type"`
	Version                *wireInt `json:"Version"`
	CreatedDate            wireTime `json:"CreatedDate"`
	CreatedByID            string   `json:"CreatedById"`
	LastModifiedDate       wireTime `json:"LastModifiedDate"`
	LastModifiedByID       string   `json:"LastModifiedById"`
}

func (r *tenantSecretRow) tenantSecret() (TenantSecret, error) {
	id, err := recordID(r.ID)
	switch {
	case err != nil:
		return TenantSecret{}, fmt.Errorf("the Id of a tenant secret: %w", err)
	case r.Version == nil:
		return TenantSecret{}, fmt.Errorf("tenant secret %s has no Version", id)
	case r.Type == "":
		return TenantSecret{}, fmt.Errorf("tenant secret %s has no Type", id)
	}
	return TenantSecret{
		ID:                     id,
		Description:            r.Description,
		KeyDerivationMode:      r.KeyDerivationMode,
		RemoteKeyCertificate:   r.RemoteKeyCertificate,
		RemoteKeyIdentifier:    r.RemoteKeyIdentifier,
		RemoteKeyServiceID:     r.RemoteKeyServiceID,
		SecretValueCertificate: r.SecretValueCertificate,
		SecretValueHash:        r.SecretValueHash,
		Source:                 strings.ToUpper(r.Source),
		Status:                 strings.ToUpper(r.Status),
		Type:                   r.Type,
		Version:                int64(*r.Version),
		CreatedDate:            r.CreatedDate.Time,
		CreatedByID:            r.CreatedByID,
		LastModifiedDate:       r.LastModifiedDate.Time,
		LastModifiedByID:       r.LastModifiedByID,
	}, nil
}

// ListTenantSecrets reads every tenant secret of the org by one paged query.
// An org whose user may not see them answers with an error that matches
// ErrPermission, or with none [D: "nothing is returned"; R].
func (c *Client) ListTenantSecrets(ctx context.Context) (TenantSecrets, error) {
	q := queryCall{soql: selectFrom("TenantSecret", tenantSecretColumns)}
	rows, err := queryAll[tenantSecretRow](ctx, c, q)
	if err != nil {
		return TenantSecrets{}, fmt.Errorf("list tenant secrets: %w", err)
	}
	// A decision to upload rests on what is not in this list.
	if len(rows.records) < rows.total {
		return TenantSecrets{}, fmt.Errorf("list tenant secrets: Salesforce counted %d records but sent %d", rows.total,
			len(rows.records))
	}
	list := TenantSecrets{Records: make([]TenantSecret, len(rows.records)), ServerTime: rows.serverTime}
	for i := range rows.records {
		if list.Records[i], err = rows.records[i].tenantSecret(); err != nil {
			return TenantSecrets{}, fmt.Errorf("list tenant secrets: %w", err)
		}
	}
	slices.SortFunc(list.Records, func(a, b TenantSecret) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

func tenantSecretPath(c *Client, id string) (path, full string, err error) {
	full, err = recordID(id)
	if err != nil {
		return "", "", fmt.Errorf("tenant secret id: %w", err)
	}
	return c.dataPath("/sobjects/TenantSecret/" + full), full, nil
}

// GetTenantSecret reads one record, without its SecretValue.
func (c *Client) GetTenantSecret(ctx context.Context, id string) (TenantSecret, error) {
	record, _, err := c.readTenantSecret(ctx, id, tenantSecretColumns)
	return record, err
}

// ExportTenantSecret reads one record with its exported SecretValue. It changes
// no state [C/V], but the org's event log may show it as an export [I].
func (c *Client) ExportTenantSecret(ctx context.Context, id string) (TenantSecretExport, error) {
	record, value, err := c.readTenantSecret(ctx, id, append(slices.Clone(tenantSecretColumns), "SecretValue"))
	return TenantSecretExport{TenantSecret: record, SecretValue: value}, err
}

func (c *Client) readTenantSecret(ctx context.Context, id string, columns []string) (TenantSecret, secret.Text, error) {
	path, full, err := tenantSecretPath(c, id)
	if err != nil {
		return TenantSecret{}, secret.Text{}, err
	}
	var record TenantSecret
	var value string
	_, err = c.do(ctx, call{
		method: http.MethodGet,
		path:   path,
		query:  "fields=" + strings.Join(columns, ","),
		decode: func(r *reply) error {
			var row struct {
				tenantSecretRow

				SecretValue string `json:"SecretValue"`
			}
			if err := json.Unmarshal(r.body, &row); err != nil {
				return decodeError(err)
			}
			if record, err = row.tenantSecret(); err != nil {
				return err
			}
			if !SameID(record.ID, full) {
				return errors.New("it is another record than the one asked for")
			}
			value = row.SecretValue
			return nil
		},
	})
	if err != nil {
		return TenantSecret{}, secret.Text{}, fmt.Errorf("read tenant secret %s: %w", full, err)
	}
	return record, secret.NewText(value), nil
}

// NewTenantSecret is what can be created: UploadedTenantSecret,
// GeneratedTenantSecret or RemoteTenantSecret.
type NewTenantSecret interface {
	// wire is the body of the POST.
	wire() (any, error)
	// sensitive is what errors must not echo.
	sensitive() []string
}

// UploadedTenantSecret is customer-supplied key material.
type UploadedTenantSecret struct {
	Type, Description string
	// KeyDerivationMode is PBKDF2 or NONE; "" leaves it to Salesforce, which
	// takes PBKDF2 [V/C].
	KeyDerivationMode string
	// SecretValue is the material wrapped for the certificate, in base64.
	SecretValue string
	// SecretValueHash is the base64 SHA-256 of the plaintext.
	SecretValueHash string
	// Certificate is the DeveloperName of the wrapping certificate.
	Certificate string
}

// wire refuses an upload without its three parts: Salesforce takes a POST
// without SecretValue for an order to generate a key of its own, and so to
// rotate the org [D ShieldREST].
func (s UploadedTenantSecret) wire() (any, error) {
	for _, part := range []struct{ name, value string }{
		{"Type", s.Type},
		{"SecretValue", s.SecretValue},
		{"SecretValueHash", s.SecretValueHash},
		{"SecretValueCertificate", s.Certificate},
	} {
		if strings.TrimSpace(part.value) == "" {
			return nil, fmt.Errorf("an upload without %s is not sent: Salesforce could take it for an order to generate a key",
				part.name)
		}
	}
	return struct {
		Type                   string `json:"Type"`
		Description            string `json:"Description,omitempty"`
		SecretValue            string `json:"SecretValue"`
		SecretValueHash        string `json:"SecretValueHash"`
		SecretValueCertificate string `json:"SecretValueCertificate"`
		Source                 string `json:"Source"`
		KeyDerivationMode      string `json:"KeyDerivationMode,omitempty"`
	}{s.Type, s.Description, s.SecretValue, s.SecretValueHash, s.Certificate, SourceUploaded, s.KeyDerivationMode}, nil
}

func (s UploadedTenantSecret) sensitive() []string { return []string{s.SecretValue} }

// GeneratedTenantSecret asks Salesforce to generate a key in its HSM. It is the
// only request without key material that this client can send.
type GeneratedTenantSecret struct {
	Type, Description, KeyDerivationMode string
}

func (s GeneratedTenantSecret) wire() (any, error) {
	if s.Type == "" {
		return nil, errors.New("a generated tenant secret needs a Type: without one Salesforce rotates Data")
	}
	return struct {
		Type              string `json:"Type"`
		Description       string `json:"Description,omitempty"`
		KeyDerivationMode string `json:"KeyDerivationMode,omitempty"`
	}{s.Type, s.Description, s.KeyDerivationMode}, nil
}

func (GeneratedTenantSecret) sensitive() []string { return nil }

// RemoteTenantSecret is a cache-only key: Salesforce fetches it from a key
// service by a named credential [D ObjRef ex. 8].
type RemoteTenantSecret struct {
	Type, Description string
	// RemoteKeyIdentifier is the kid that the key service knows.
	RemoteKeyIdentifier string
	// RemoteKeyServiceID is the id of the named credential.
	RemoteKeyServiceID string
	// RemoteKeyCertificate is the DeveloperName of the certificate that the JWE
	// is made for.
	RemoteKeyCertificate string
}

func (s RemoteTenantSecret) wire() (any, error) {
	for _, part := range []struct{ name, value string }{
		{"Type", s.Type},
		{"RemoteKeyIdentifier", s.RemoteKeyIdentifier},
		{"RemoteKeyServiceId", s.RemoteKeyServiceID},
		{"RemoteKeyCertificate", s.RemoteKeyCertificate},
	} {
		if strings.TrimSpace(part.value) == "" {
			return nil, fmt.Errorf("a cache-only tenant secret needs %s", part.name)
		}
	}
	return struct {
		Type                 string `json:"Type"`
		Description          string `json:"Description,omitempty"`
		Source               string `json:"Source"`
		RemoteKeyIdentifier  string `json:"RemoteKeyIdentifier"`
		RemoteKeyServiceID   string `json:"RemoteKeyServiceId"`
		RemoteKeyCertificate string `json:"RemoteKeyCertificate"`
	}{s.Type, s.Description, SourceRemote, s.RemoteKeyIdentifier, s.RemoteKeyServiceID, s.RemoteKeyCertificate}, nil
}

func (RemoteTenantSecret) sensitive() []string { return nil }

// CreateTenantSecret creates a key, which becomes the ACTIVE one of its type,
// and returns its 18-character id. It is sent at most once; where its effect
// is not known the error matches ErrOutcomeUnknown, and the caller must look
// for the record before it creates another.
func (c *Client) CreateTenantSecret(ctx context.Context, s NewTenantSecret) (string, error) {
	if s == nil {
		return "", errors.New("create tenant secret: nothing to create")
	}
	body, err := s.wire()
	if err != nil {
		return "", fmt.Errorf("create tenant secret: %w", err)
	}
	id, err := c.createRecord(ctx, c.dataPath("/sobjects/TenantSecret"), body, s.sensitive())
	if err != nil {
		return "", fmt.Errorf("create tenant secret: %w", err)
	}
	return id, nil
}

// createRecord posts a new record, once, and reads the create envelope.
func (c *Client) createRecord(ctx context.Context, path string, body any, sensitive []string) (string, error) {
	return c.postRecord(ctx, path, body, sensitive, createdRecord)
}

// postRecord posts a new record, once; created reads its id from a reply.
func (c *Client) postRecord(ctx context.Context, path string, body any, sensitive []string,
	created func(*reply) (string, error),
) (string, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return "", errors.New("the record could not be encoded")
	}
	var id string
	_, err = c.do(ctx, call{
		method:    http.MethodPost,
		path:      path,
		body:      encoded,
		repeat:    once,
		sensitive: sensitive,
		decode: func(r *reply) error {
			if err := createRefused(r); err != nil {
				return err
			}
			id, err = created(r)
			return err
		},
	})
	return id, err
}

// createRefused reports a create envelope that says success is false.
func createRefused(r *reply) error {
	var envelope struct {
		Success *bool           `json:"success"`
		Errors  json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(r.body, &envelope); err != nil {
		return decodeError(err)
	}
	if envelope.Success != nil && !*envelope.Success {
		return notDone(envelope.Errors, r.text)
	}
	return nil
}

// createdRecord reads the id of a create envelope {"id","success","errors"} [D].
func createdRecord(r *reply) (string, error) {
	var envelope struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(r.body, &envelope); err != nil {
		return "", decodeError(err)
	}
	id, err := recordID(envelope.ID)
	if err != nil {
		return "", fmt.Errorf("the id of the new record: %w", err)
	}
	return id, nil
}

// TenantSecretChange holds what can be edited; nil leaves a field as it is.
type TenantSecretChange struct {
	Description, RemoteKeyServiceID, RemoteKeyCertificate *string
}

// UpdateTenantSecret edits a record. It may be repeated like a read, since it
// has the same effect when sent twice. An empty change sends nothing.
func (c *Client) UpdateTenantSecret(ctx context.Context, id string, change TenantSecretChange) error {
	if change == (TenantSecretChange{}) {
		return nil
	}
	return c.patchTenantSecret(ctx, "update", id, idempotent, nil, struct {
		Description          *string `json:"Description,omitempty"`
		RemoteKeyServiceID   *string `json:"RemoteKeyServiceId,omitempty"`
		RemoteKeyCertificate *string `json:"RemoteKeyCertificate,omitempty"`
	}{change.Description, change.RemoteKeyServiceID, change.RemoteKeyCertificate})
}

// DestroyTenantSecret destroys an ARCHIVED key, or stops the callouts of the
// newest REMOTE one [D ShieldREST]. Without an export it can't be undone. It
// is sent at most once.
func (c *Client) DestroyTenantSecret(ctx context.Context, id string) error {
	return c.patchTenantSecret(ctx, "destroy", id, once, nil, statusChange{Status: StatusDestroyed})
}

// RestoreTenantSecret brings a DESTROYED key back as ARCHIVED, from its
// exported SecretValue [D ShieldREST]. It is sent at most once.
func (c *Client) RestoreTenantSecret(ctx context.Context, id string, export secret.Text) error {
	if strings.TrimSpace(export.Expose()) == "" {
		return errors.New("restore tenant secret: the exported SecretValue is empty")
	}
	return c.patchTenantSecret(ctx, "restore", id, once, []string{export.Expose()},
		statusChange{Status: StatusArchived, SecretValue: export.Expose()})
}

// ReactivateTenantSecret makes the newest REMOTE key ACTIVE again, which
// resumes its callouts [D ShieldREST]. It is sent at most once.
func (c *Client) ReactivateTenantSecret(ctx context.Context, id string) error {
	return c.patchTenantSecret(ctx, "reactivate", id, once, nil, statusChange{Status: StatusActive})
}

type statusChange struct {
	Status      string `json:"Status"`
	SecretValue string `json:"SecretValue,omitempty"`
}

func (c *Client) patchTenantSecret(ctx context.Context, verb, id string, repeat repeatability, sensitive []string,
	body any,
) error {
	path, full, err := tenantSecretPath(c, id)
	if err != nil {
		return fmt.Errorf("%s %w", verb, err)
	}
	if err := c.patchRecord(ctx, path, repeat, sensitive, body); err != nil {
		return fmt.Errorf("%s tenant secret %s: %w", verb, full, err)
	}
	return nil
}

// patchRecord sends a PATCH, which succeeds with 204 and no body [D REST].
func (c *Client) patchRecord(ctx context.Context, path string, repeat repeatability, sensitive []string,
	body any,
) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return errors.New("the change could not be encoded")
	}
	_, err = c.do(ctx, call{method: http.MethodPatch, path: path, body: encoded, repeat: repeat, sensitive: sensitive})
	return err
}
