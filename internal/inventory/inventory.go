// Package inventory reads an org once for all resources and data sources of a provider process. Salesforce counts every API call, and
// Terraform refreshes each resource on its own: without this package a plan over a long key history would cost one call a record.
//
// It holds what a refresh needs and no more: never a SecretValue, whose reading Salesforce records as an export.
package inventory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

const (
	// refreshAge bounds how old a snapshot may be that a refresh or a plan looks at: about as long as one walk over a large state.
	refreshAge = time.Minute
	// WriteAge bounds how old a snapshot may be that a write is decided on. The check and the write that follows it can never be one
	// step in Salesforce, so the bound is of the order of the round trips between the two.
	WriteAge = 2 * time.Second
	// failureAge is how long a failed read stands for the next ones. The client has tried again by then, with pauses; if each of hundreds
	// of resources began anew, an org that is down would get as many requests as there are resources.
	failureAge = 5 * time.Second
)

// Source is what an inventory reads. *salesforce.Client is one.
type Source interface {
	ListTenantSecrets(ctx context.Context) (salesforce.TenantSecrets, error)
	ListCertificates(ctx context.Context) ([]salesforce.Certificate, error)
	CertificateChain(ctx context.Context, id string) ([]byte, error)
}

// Inventory shares the reads of one org. Its methods may be called from many goroutines.
type Inventory struct {
	source       Source
	secrets      snapshot[*ledger]
	certificates snapshot[[]salesforce.Certificate]

	mu     sync.Mutex
	now    func() time.Time
	chains map[string]*snapshot[[]byte]
}

// New returns an empty inventory over source.
func New(source Source) *Inventory { return newWithClock(source, time.Now) }

func newWithClock(source Source, now func() time.Time) *Inventory {
	return &Inventory{
		source:       source,
		now:          now,
		secrets:      snapshot[*ledger]{read: func(ctx context.Context) (*ledger, error) { return readLedger(ctx, source) }, now: now},
		certificates: snapshot[[]salesforce.Certificate]{read: source.ListCertificates, now: now},
		chains:       map[string]*snapshot[[]byte]{},
	}
}

// TenantSecrets returns all tenant secrets of the org, sorted by type and version. The slice is the caller's.
func (i *Inventory) TenantSecrets(ctx context.Context) (salesforce.TenantSecrets, error) {
	return i.TenantSecretsWithin(ctx, refreshAge)
}

// TenantSecretsWithin is TenantSecrets with a bound of the caller's on the age of what it returns; 0 reads anew.
func (i *Inventory) TenantSecretsWithin(ctx context.Context, maxAge time.Duration) (salesforce.TenantSecrets, error) {
	if maxAge <= 0 {
		i.secrets.drop()
		maxAge = refreshAge
	}
	book, err := i.secrets.get(ctx, maxAge)
	if err != nil {
		return salesforce.TenantSecrets{}, err
	}

	return salesforce.TenantSecrets{Records: slices.Clone(book.all.Records), ServerTime: book.all.ServerTime}, nil
}

// TenantSecret looks one record up by its id of 15 or 18 characters, in the same reading as TenantSecrets. found is false where the org
// shows no such record, and count is the number of those that it shows.
func (i *Inventory) TenantSecret(ctx context.Context, id string) (record salesforce.TenantSecret, found bool, count int, err error) {
	book, err := i.secrets.get(ctx, refreshAge)
	if err != nil {
		return salesforce.TenantSecret{}, false, 0, err
	}
	record, found = book.find(id)

	return record, found, len(book.all.Records), nil
}

// AtHand is TenantSecret without a reading: found is also false where none is at hand, or only one that is too old.
func (i *Inventory) AtHand(id string) (record salesforce.TenantSecret, found bool) {
	book, ok := i.secrets.atHand(refreshAge)
	if !ok {
		return salesforce.TenantSecret{}, false
	}

	return book.find(id)
}

// Certificates returns all certificates of the org. The slice is the caller's.
func (i *Inventory) Certificates(ctx context.Context) ([]salesforce.Certificate, error) {
	all, err := i.certificates.get(ctx, refreshAge)

	return slices.Clone(all), err
}

// CertificateChain returns the body of a certificate's CertificateChain, which is read once per certificate. The slice is the
// caller's.
func (i *Inventory) CertificateChain(ctx context.Context, id string) ([]byte, error) {
	i.mu.Lock()
	chain, ok := i.chains[id]
	if !ok {
		chain = &snapshot[[]byte]{
			read: func(ctx context.Context) ([]byte, error) { return i.source.CertificateChain(ctx, id) },
			now:  i.now,
		}
		i.chains[id] = chain
	}
	i.mu.Unlock()
	body, err := chain.get(ctx, refreshAge)

	return slices.Clone(body), err
}

// TenantSecretsChanged drops what is known of the tenant secrets. It is called before and after each write of one: before, so that
// nobody joins a read that cannot see it; after, so that nobody keeps one that did not.
func (i *Inventory) TenantSecretsChanged() { i.secrets.drop() }

// CertificatesChanged drops what is known of the certificates and their chains.
func (i *Inventory) CertificatesChanged() {
	i.certificates.drop()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.chains = map[string]*snapshot[[]byte]{}
}
