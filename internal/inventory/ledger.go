package inventory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// Reading is every tenant secret of the org at one instant. Nobody changes it.
type Reading struct{ book *ledger }

// Rows are the tenant secrets, sorted by type and version. The slice is the caller's.
func (r Reading) Rows() []salesforce.TenantSecret { return slices.Clone(r.book.all.Records) }

// Count is the number of Rows.
func (r Reading) Count() int { return len(r.book.all.Records) }

// Records are the tenant secrets as the rules look at them, in the order of Rows. They are shared:
// the rules change none.
func (r Reading) Records() []keys.Record { return r.book.records() }

// ServerTime is the org's time.
func (r Reading) ServerTime() time.Time { return r.book.all.ServerTime }

// Find looks one record up by its id of 15 or 18 characters.
func (r Reading) Find(id string) (salesforce.TenantSecret, bool) { return r.book.find(id) }

// Record is a tenant secret as the rules look at it.
func Record(row salesforce.TenantSecret) keys.Record {
	hash := ""
	if _, err := byok.ParseHash(row.SecretValueHash); err == nil {
		hash = row.SecretValueHash
	}

	return keys.Record{
		ID: row.ID, Type: row.Type, Version: row.Version, Status: row.Status, Source: row.Source,
		Description:       row.Description,
		KeyDerivationMode: row.KeyDerivationMode, Hash: hash, RemoteKeyIdentifier: row.RemoteKeyIdentifier,
		RemoteKeyServiceID: row.RemoteKeyServiceID, RemoteKeyCertificate: row.RemoteKeyCertificate,
		CreatedDate: row.CreatedDate, LastModifiedDate: row.LastModifiedDate, CreatedBy: row.CreatedByID,
		LastModifiedBy: row.LastModifiedByID,
	}
}

// ledger is one reading of the tenant secrets with an index by id: a refresh looks each record up
// on its own, and a list that is copied or searched for each of them makes a refresh cost the
// square of the history. Nobody changes a ledger once it is read.
type ledger struct {
	all     salesforce.TenantSecrets
	byID    map[string]int
	records func() []keys.Record
}

func readLedger(ctx context.Context, source Source) (*ledger, error) {
	all, err := source.ListTenantSecrets(ctx)
	if err != nil {
		return nil, err
	}
	book := &ledger{all: all, byID: make(map[string]int, len(all.Records)), records: sync.OnceValue(func() []keys.Record {
		records := make([]keys.Record, len(all.Records))
		for n, row := range all.Records {
			records[n] = Record(row)
		}

		return records
	})}
	for n, record := range all.Records {
		book.byID[salesforce.IDKey(record.ID)] = n
	}

	return book, nil
}

func (l *ledger) find(id string) (salesforce.TenantSecret, bool) {
	n, ok := l.byID[salesforce.IDKey(id)]
	if !ok {
		return salesforce.TenantSecret{}, false
	}

	return l.all.Records[n], true
}
