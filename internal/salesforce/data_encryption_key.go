package salesforce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// DataEncryptionKeyTypeSearchIndex is the Type of a Search Index key, in the
// spelling that DataEncryptionKey documents [D DEKRef].
const DataEncryptionKeyTypeSearchIndex = "search index"

const firstVersionDataEncryptionKey = 63

// DataEncryptionKey is a key of the framework that Hyperforce orgs use for the
// Search Index from API 63 on [D DEKRef]. Its SecretValue is not kept.
type DataEncryptionKey struct {
	// ID is "" where Salesforce tells none.
	ID                                      string
	Type, Status, Source, Description       string
	CertificateName                         string
	RootKeyIdentifier, RootKeyKMSIdentifier string
	CreatedBy, LastModifiedBy               string
	DoesUseKeyDerivation                    bool
	Version                                 int64
	CreatedDate                             time.Time
	// SessionToken is set for a temporary row, which waits for its material.
	SessionToken secret.Text
}

// Pending reports whether the row is temporary: begun, and waiting for its
// material.
func (k DataEncryptionKey) Pending() bool { return !k.SessionToken.IsZero() }

type dataEncryptionKeyRow struct {
	ID                   string   `json:"Id"`
	Type                 string   `json:"Type"`
	Status               string   `json:"Status"`
	Source               string   `json:"Source"`
	Description          string   `json:"Description"`
	CertificateName      string   `json:"DataEncryptionKeyCertName"`
	RootKeyIdentifier    string   `json:"RootKeyIdentifier"`
	RootKeyKMSIdentifier string   `json:"RootKeyKmsIdentifier"`
	CreatedBy            string   `json:"CreatedBy"`
	LastModifiedBy       string   `json:"LastModifiedBy"`
	DoesUseKeyDerivation wireBool `json:"DoesUseKeyDerivation"`
	Version              wireInt  `json:"Version"`
	CreatedDate          wireTime `json:"CreatedDate"`
	SessionToken         string   `json:"SessionToken"`
}

func (r *dataEncryptionKeyRow) dataEncryptionKey() (DataEncryptionKey, error) {
	id := ""
	if r.ID != "" {
		var err error
		if id, err = recordID(r.ID); err != nil {
			return DataEncryptionKey{}, fmt.Errorf("the Id of a data encryption key: %w", err)
		}
	}
	return DataEncryptionKey{
		ID:                   id,
		Type:                 r.Type,
		Status:               r.Status,
		Source:               r.Source,
		Description:          r.Description,
		CertificateName:      r.CertificateName,
		RootKeyIdentifier:    r.RootKeyIdentifier,
		RootKeyKMSIdentifier: r.RootKeyKMSIdentifier,
		CreatedBy:            r.CreatedBy,
		LastModifiedBy:       r.LastModifiedBy,
		DoesUseKeyDerivation: bool(r.DoesUseKeyDerivation),
		Version:              int64(r.Version),
		CreatedDate:          r.CreatedDate.Time,
		SessionToken:         secret.NewText(r.SessionToken),
	}, nil
}

func (c *Client) needVersion(object string, first int) error {
	if c.apiNumber < first {
		return fmt.Errorf("%s exists from API version %d.0 on, and api_version is %s", object, first, c.apiVersion)
	}
	return nil
}

// maxFieldsAll is the LIMIT that FIELDS(ALL) needs [R].
const maxFieldsAll = 200

// ListDataEncryptionKeys reads the data encryption keys, temporary ones too,
// sorted by Type, then Version. It is the query that Salesforce documents,
// whose FIELDS(ALL) serves at most 200 rows; more are an error.
func (c *Client) ListDataEncryptionKeys(ctx context.Context) ([]DataEncryptionKey, error) {
	if err := c.needVersion("DataEncryptionKey", firstVersionDataEncryptionKey); err != nil {
		return nil, err
	}
	rows, err := queryAll[dataEncryptionKeyRow](ctx, c, queryCall{
		soql:    fmt.Sprintf("SELECT FIELDS(ALL) FROM DataEncryptionKey LIMIT %d", maxFieldsAll),
		deleted: true,
	})
	if err != nil {
		return nil, fmt.Errorf("list data encryption keys: %w", err)
	}
	if len(rows.records) >= maxFieldsAll || len(rows.records) < rows.total {
		return nil, errors.New("list data encryption keys: the org has more than one query can list")
	}
	list := make([]DataEncryptionKey, len(rows.records))
	for i := range rows.records {
		if list[i], err = rows.records[i].dataEncryptionKey(); err != nil {
			return nil, fmt.Errorf("list data encryption keys: %w", err)
		}
	}
	slices.SortFunc(list, func(a, b DataEncryptionKey) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// BeginDataEncryptionKey is the first of two steps: it makes a temporary row,
// and a certificate of the given name to wrap the material for [D DEKRef]. It
// is sent at most once.
func (c *Client) BeginDataEncryptionKey(ctx context.Context, keyType, certificateName string) (string, error) {
	if keyType == "" {
		return "", errors.New("begin data encryption key: a type is required")
	}
	if err := CheckDeveloperName(certificateName); err != nil {
		return "", fmt.Errorf("begin data encryption key: %w", err)
	}
	return c.createDataEncryptionKey(ctx, "begin", nil, struct {
		Type            string `json:"Type"`
		CertificateName string `json:"DataEncryptionKeyCertName"`
	}{keyType, certificateName})
}

// NewDataEncryptionKey is the second step: the wrapped material, and the token
// of the temporary row.
type NewDataEncryptionKey struct {
	Type string
	// SecretValue is the material wrapped by CKM_RSA_AES_KEY_WRAP, in base64.
	SecretValue  string
	SessionToken secret.Text
	// Description is sent where it is not empty. Whether an org takes one is not
	// documented: see [Client.DescriptionCreateable].
	Description string
}

// FinishDataEncryptionKey uploads the material; the temporary row and its
// certificate vanish on success [D DEKRef]. It is sent at most once.
func (c *Client) FinishDataEncryptionKey(ctx context.Context, k NewDataEncryptionKey) (string, error) {
	if k.Type == "" || strings.TrimSpace(k.SecretValue) == "" || strings.TrimSpace(k.SessionToken.Expose()) == "" {
		return "", errors.New("finish data encryption key: Type, SecretValue and SessionToken are required, and nothing was sent")
	}
	return c.createDataEncryptionKey(ctx, "finish", []string{k.SecretValue, k.SessionToken.Expose()}, struct {
		SecretValue  string `json:"SecretValue"`
		SessionToken string `json:"SessionToken"`
		Type         string `json:"Type"`
		Description  string `json:"Description,omitempty"`
	}{k.SecretValue, k.SessionToken.Expose(), k.Type, k.Description})
}

// createDataEncryptionKey posts to the resource as every sObject has it. The
// documentation of this object prints one with /create added; it is tried where
// the ordinary one definitely does not exist.
func (c *Client) createDataEncryptionKey(ctx context.Context, verb string, sensitive []string, body any) (string, error) {
	if err := c.needVersion("DataEncryptionKey", firstVersionDataEncryptionKey); err != nil {
		return "", err
	}
	path := c.dataPath("/sobjects/DataEncryptionKey")
	id, err := c.createRecord(ctx, path, body, sensitive)
	var refused *Error
	if errors.As(err, &refused) && !errors.Is(err, ErrOutcomeUnknown) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed) {
		if second, secondErr := c.createRecord(ctx, path+"/create", body, sensitive); secondErr == nil || !errors.Is(secondErr, ErrNotFound) {
			id, err = second, secondErr
		}
	}
	if err != nil {
		return "", fmt.Errorf("%s data encryption key: %w", verb, err)
	}
	return id, nil
}
