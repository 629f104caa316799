package salesforce

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// DataEncryptionKeyTypeSearchIndex is the Type of a Search Index key, in the
// spelling of the documented samples, which call it case insensitive [D DEKRef].
const DataEncryptionKeyTypeSearchIndex = "search index"

const firstVersionDataEncryptionKey = 63

// SameDataEncryptionKeyType reports whether two spellings of a Type mean the
// same. Salesforce's one page about it has "search index", "Search Index" and
// "SearchIndex"; how a Type reads back is not documented [D DEKRef].
func SameDataEncryptionKeyType(a, b string) bool {
	bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
	return strings.EqualFold(bare(a), bare(b))
}

// DataEncryptionKey is a key of the framework that Hyperforce orgs use for the
// Search Index from API 63 on [D DEKRef]. Its SecretValue is not kept.
type DataEncryptionKey struct {
	// ID is "" if Salesforce shows none.
	ID string
	// Type is spelled as the org spells it: see [SameDataEncryptionKeyType].
	Type, Status, Source string
	// Description is "" in an org whose keys have none.
	Description                             string
	CertificateName                         string
	RootKeyIdentifier, RootKeyKMSIdentifier string
	// CreatedBy and LastModifiedBy are email addresses, not ids of users [D DEKRef].
	CreatedBy, LastModifiedBy string
	DoesUseKeyDerivation      bool
	Version                   int64
	// CreatedDate and LastModifiedDate are zero if the org shows none: neither is
	// in the reference, and a public describe has both as nillable [C NetCoreForce].
	CreatedDate, LastModifiedDate time.Time
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
	LastModifiedDate     wireTime `json:"LastModifiedDate"`
	SessionToken         string   `json:"SessionToken"`
}

// dataEncryptionKeyFields are the columns of a listing. SystemModstamp and
// IsDeleted do not exist [C NetCoreForce].
var dataEncryptionKeyFields = []string{
	"Id", "CreatedBy", "CreatedDate", "DataEncryptionKeyCertName", "Description", "DoesUseKeyDerivation", "LastModifiedBy",
	"LastModifiedDate",
	"RootKeyIdentifier", "RootKeyKmsIdentifier", "SessionToken", "Source", "Status", "Type", "Version",
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
		LastModifiedDate:     r.LastModifiedDate.Time,
		SessionToken:         secret.NewText(r.SessionToken),
	}, nil
}

func (c *Client) needVersion(object string, first int) error {
	if c.apiNumber < first {
		return fmt.Errorf("%s exists from API version %d.0 on, and api_version is %s", object, first, c.apiVersion)
	}
	return nil
}

// maxDataEncryptionKeys is the LIMIT of a listing, which needs one [D DEKRef].
// It is what SOQL serves at most in other places; at one key an hour it is
// reached after five years.
const maxDataEncryptionKeys = 50_000

// ListDataEncryptionKeys reads the data encryption keys, temporary and archived
// ones too, sorted by Version. Columns that the org does not have are left
// out: fields of other releases, and Description in orgs without it.
func (c *Client) ListDataEncryptionKeys(ctx context.Context) ([]DataEncryptionKey, error) {
	if err := c.needVersion("DataEncryptionKey", firstVersionDataEncryptionKey); err != nil {
		return nil, err
	}
	rows, err := c.dataEncryptionKeyRows(ctx, dataEncryptionKeyFields)
	if refused, ok := errors.AsType[*Error](err); ok && refused.HasCode("INVALID_FIELD") {
		var known []string
		if known, err = c.fieldsOf(ctx, "DataEncryptionKey", dataEncryptionKeyFields); err == nil {
			rows, err = c.dataEncryptionKeyRows(ctx, known)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list data encryption keys: %w", err)
	}
	if len(rows.records) >= maxDataEncryptionKeys || len(rows.records) < rows.total {
		return nil, fmt.Errorf("list data encryption keys: Salesforce counted %d and sent %d; at most %d are read",
			rows.total, len(rows.records), maxDataEncryptionKeys-1)
	}
	list := make([]DataEncryptionKey, len(rows.records))
	for i := range rows.records {
		if list[i], err = rows.records[i].dataEncryptionKey(); err != nil {
			return nil, fmt.Errorf("list data encryption keys: %w", err)
		}
	}
	slices.SortFunc(list, func(a, b DataEncryptionKey) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

func (c *Client) dataEncryptionKeyRows(ctx context.Context, fields []string) (queryRows[dataEncryptionKeyRow], error) {
	return queryAll[dataEncryptionKeyRow](ctx, c, queryCall{
		soql:    selectFrom("DataEncryptionKey", fields) + fmt.Sprintf(" LIMIT %d", maxDataEncryptionKeys),
		deleted: true,
	})
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
	// Description is sent if it is not empty. Whether an org takes one its describe
	// says: see [Client.DescriptionCreateable].
	Description string
}

// FinishDataEncryptionKey uploads the material; the temporary row and its
// certificate vanish on success [D DEKRef]. It is sent at most once.
func (c *Client) FinishDataEncryptionKey(ctx context.Context, k NewDataEncryptionKey) (string, error) {
	if k.Type == "" || strings.TrimSpace(k.SecretValue) == "" || strings.TrimSpace(k.SessionToken.Expose()) == "" {
		return "", errors.New("finish data encryption key: Type, SecretValue and SessionToken are required, and nothing " +
			"was sent")
	}
	return c.createDataEncryptionKey(ctx, "finish", []string{k.SecretValue, k.SessionToken.Expose()}, struct {
		SecretValue  string `json:"SecretValue"`
		SessionToken string `json:"SessionToken"`
		Type         string `json:"Type"`
		Description  string `json:"Description,omitempty"`
	}{k.SecretValue, k.SessionToken.Expose(), k.Type, k.Description})
}

// createDataEncryptionKey posts to the resource that every sObject has. The documentation of this
// object shows one with /create added, which is tried if the ordinary one certainly does not exist.
// The id is "" if the reply names none.
func (c *Client) createDataEncryptionKey(ctx context.Context, verb string, sensitive []string, body any) (string,
	error,
) {
	if err := c.needVersion("DataEncryptionKey", firstVersionDataEncryptionKey); err != nil {
		return "", err
	}
	resource := c.dataPath("/sobjects/DataEncryptionKey")
	id, err := c.postRecord(ctx, resource, body, sensitive, createdDataEncryptionKey)
	var refused *Error
	if errors.As(err, &refused) && !errors.Is(err, ErrOutcomeUnknown) &&
		(refused.Status == http.StatusNotFound || refused.Status == http.StatusMethodNotAllowed) {
		if second, secondErr := c.postRecord(ctx, resource+"/create", body, sensitive,
			createdDataEncryptionKey); secondErr == nil || !errors.Is(secondErr, ErrNotFound) {
			id, err = second, secondErr
		}
	}
	if err != nil {
		return "", fmt.Errorf("%s data encryption key: %w", verb, err)
	}
	return id, nil
}

// createdDataEncryptionKey reads the reply to a create: a query result with the
// new row, as the reference prints it for both steps [D DEKRef], or the
// ordinary envelope of every other object.
func createdDataEncryptionKey(r *reply) (string, error) {
	var page queryPage[struct {
		ID         string `json:"Id"`
		Attributes struct {
			URL string `json:"url"`
		} `json:"attributes"`
	}]
	if err := json.Unmarshal(r.body, &page); err != nil || len(page.Records) == 0 {
		return createdRecord(r)
	}
	row := page.Records[0]
	for _, id := range []string{row.ID, path.Base(row.Attributes.URL)} {
		if full, err := recordID(id); err == nil {
			return full, nil
		}
	}
	return "", nil
}
