package inventory

import (
	"context"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// ledger is one reading of the tenant secrets with an index by id: a refresh looks each record up on its own, and a list that is copied
// or searched for each of them makes a refresh cost the square of the history. Nobody changes a ledger once it is read.
type ledger struct {
	all  salesforce.TenantSecrets
	byID map[string]int
}

func readLedger(ctx context.Context, source Source) (*ledger, error) {
	all, err := source.ListTenantSecrets(ctx)
	if err != nil {
		return nil, err
	}
	book := &ledger{all: all, byID: make(map[string]int, len(all.Records))}
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
