package salesforce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Values of ExternalRootKey.Status [D EERKRef; sf-skills]. Only Active and
// Inactive are documented to turn into each other.
const (
	RootKeyActivationPending = "Activation Pending"
	RootKeyActive            = "Active"
	RootKeyArchived          = "Archived"
	RootKeyCanceled          = "Canceled"
	RootKeyInactive          = "Inactive"
	RootKeyUnavailable       = "Unavailable"
)

// Values of ExternalRootKey.RootKeyService [D EERKRef; sf-skills].
const (
	// RootKeyServiceAWS is AWS KMS.
	RootKeyServiceAWS = "AWS"
	// RootKeyServiceSalesforce is Salesforce's own: "SF" in a published sample.
	RootKeyServiceSalesforce = "SF"
)

const firstVersionExternalRootKey = 58

// ExternalRootKey is an ExternalEncryptionRootKey: a root key that an external
// key management service holds, or Salesforce's own [D EERKRef].
type ExternalRootKey struct {
	// ID has 18 characters.
	ID          string
	Description string
	// Region is that of the service.
	Region string
	// RootKeyIdentifier is an ARN, or a UUID for Salesforce's own keys.
	RootKeyIdentifier string
	// RootKeyService is such as [RootKeyServiceAWS].
	RootKeyService string
	Status         string
	// ActivatedDate is zero if it never was.
	ActivatedDate time.Time
}

// ListExternalRootKeys reads every external root key, sorted by id.
func (c *Client) ListExternalRootKeys(ctx context.Context) ([]ExternalRootKey, error) {
	if err := c.needVersion("ExternalEncryptionRootKey", firstVersionExternalRootKey); err != nil {
		return nil, err
	}
	type row struct {
		ID                string   `json:"Id"`
		Description       string   `json:"Description"`
		Region            string   `json:"Region"`
		RootKeyIdentifier string   `json:"RootKeyIdentifier"`
		RootKeyService    string   `json:"RootKeyService"`
		Status            string   `json:"Status"`
		ActivatedDate     wireTime `json:"ActivatedDate"`
	}
	rows, err := queryAll[row](ctx, c, queryCall{soql: selectFrom("ExternalEncryptionRootKey", []string{
		"Id", "ActivatedDate", "Description", "Region", "RootKeyIdentifier", "RootKeyService", "Status",
	})})
	if err != nil {
		return nil, fmt.Errorf("list external root keys: %w", err)
	}
	if len(rows.records) < rows.total {
		return nil, fmt.Errorf("list external root keys: Salesforce counted %d records but sent %d", rows.total,
			len(rows.records))
	}
	list := make([]ExternalRootKey, 0, len(rows.records))
	for _, r := range rows.records {
		id, err := recordID(r.ID)
		if err != nil {
			return nil, fmt.Errorf("list external root keys: %w", err)
		}
		list = append(list, ExternalRootKey{
			ID: id, Description: r.Description, Region: r.Region, RootKeyIdentifier: r.RootKeyIdentifier,
			RootKeyService: r.RootKeyService, Status: r.Status, ActivatedDate: r.ActivatedDate.Time,
		})
	}
	slices.SortFunc(list, func(a, b ExternalRootKey) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// GetExternalRootKey reads one external root key; found is false if the org
// shows none of that id.
func (c *Client) GetExternalRootKey(ctx context.Context, id string) (key ExternalRootKey, found bool, err error) {
	full, err := recordID(id)
	if err != nil {
		return ExternalRootKey{}, false, fmt.Errorf("external root key id: %w", err)
	}
	list, err := c.ListExternalRootKeys(ctx)
	if err != nil {
		return ExternalRootKey{}, false, err
	}
	for _, key := range list {
		if SameID(key.ID, full) {
			return key, true, nil
		}
	}
	return ExternalRootKey{}, false, nil
}

// ExternalRootKeyModified returns when a root key was last changed; zero if the org does not show
// it, or no such key: the field is in no published list of this object's fields.
func (c *Client) ExternalRootKeyModified(ctx context.Context, id string) (time.Time, error) {
	const object, modified = "ExternalEncryptionRootKey", "LastModifiedDate"
	fields, err := c.fieldsOf(ctx, object, []string{"Id", modified})
	if err != nil || !slices.Contains(fields, modified) {
		return time.Time{}, err
	}
	type row struct {
		ID       string   `json:"Id"`
		Modified wireTime `json:"LastModifiedDate"`
	}
	rows, err := queryAll[row](ctx, c, queryCall{soql: selectFrom(object, fields)})
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the external root key %s was changed: %w", id, err)
	}
	for _, r := range rows.records {
		if SameID(r.ID, id) {
			return r.Modified.Time, nil
		}
	}
	return time.Time{}, nil
}

// SetExternalRootKeyStatus makes a root key Active or Inactive. Inactive makes
// the data under it unreadable. It is sent at most once.
func (c *Client) SetExternalRootKeyStatus(ctx context.Context, id, status string) error {
	if err := c.needVersion("ExternalEncryptionRootKey", firstVersionExternalRootKey); err != nil {
		return err
	}
	full, err := recordID(id)
	if err != nil {
		return fmt.Errorf("external root key id: %w", err)
	}
	switch {
	case strings.EqualFold(status, RootKeyActive):
		status = RootKeyActive
	case strings.EqualFold(status, RootKeyInactive):
		status = RootKeyInactive
	default:
		return errors.New("the status of an external root key can be set to Active or Inactive only")
	}
	if err := c.patchRecord(ctx, c.dataPath("/sobjects/ExternalEncryptionRootKey/"+full), once, nil,
		statusChange{Status: status}); err != nil {
		return fmt.Errorf("make external root key %s %s: %w", full, status, err)
	}
	return nil
}
