// Package inventory reads an org once for all resources and data sources of a provider process.
// Salesforce counts every API call, and Terraform refreshes each resource on its own: without this
// package a plan over a long key history would cost one call a record.
//
// Every reading has a purpose. A plan shares one with the other resources of its walk; whoever is
// about to write, forget or drop something decides on a reading that began after it asked.
//
// The package holds what a refresh needs and no more: never a SecretValue, whose reading Salesforce
// records as an export.
package inventory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

const (
	// planAge bounds how old a reading may be that a refresh or a plan looks at: about as long as one
	// walk over a large state.
	planAge = time.Minute
	// failureAge is how long a failed read stands for the next ones. The client has tried again by
	// then, with pauses; if each of hundreds of resources began again, an org that is down would get
	// as many requests as there are resources.
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
		source: source,
		now:    now,
		secrets: snapshot[*ledger]{read: func(ctx context.Context) (*ledger, error) {
			return readLedger(ctx, source)
		}, now: now},
		certificates: snapshot[[]salesforce.Certificate]{read: source.ListCertificates, now: now},
		chains:       map[string]*snapshot[[]byte]{},
	}
}

// ForPlan returns the tenant secrets of the org as a refresh or a plan may see them: read at most a
// minute ago, and shared with whoever else looks meanwhile.
func (i *Inventory) ForPlan(ctx context.Context) (Reading, error) {
	book, err := i.secrets.recent(ctx)

	return Reading{book}, err
}

// ForWrite returns the tenant secrets of the org as they are now: the reading began after the call.
// Everything that writes, forgets or drops decides on one. Callers that wait at the same time share
// it.
func (i *Inventory) ForWrite(ctx context.Context) (Reading, error) {
	book, err := i.secrets.next(ctx)

	return Reading{book}, err
}

// AtHand returns one record without a reading; found is also false if none is at hand, or only one
// that is too old for a plan.
func (i *Inventory) AtHand(id string) (record salesforce.TenantSecret, found bool) {
	book, ok := i.secrets.atHand()
	if !ok {
		return salesforce.TenantSecret{}, false
	}

	return book.find(id)
}

// Certificates returns all certificates of the org, as a plan may see them. The slice is the
// caller's.
func (i *Inventory) Certificates(ctx context.Context) ([]salesforce.Certificate, error) {
	all, err := i.certificates.recent(ctx)

	return slices.Clone(all), err
}

// CertificatesForWrite returns all certificates of the org as they are now. The slice is the
// caller's.
func (i *Inventory) CertificatesForWrite(ctx context.Context) ([]salesforce.Certificate, error) {
	all, err := i.certificates.next(ctx)

	return slices.Clone(all), err
}

// CertificateChain returns the body of a certificate's CertificateChain, which is read once per
// certificate. The slice is the caller's.
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
	body, err := chain.recent(ctx)

	return slices.Clone(body), err
}

// TenantSecretsChanged drops what is known of the tenant secrets. It is called before and after
// each write of one: before, so that nobody joins a read that cannot see it; after, so that nobody
// keeps one that did not.
func (i *Inventory) TenantSecretsChanged() { i.secrets.drop() }

// CertificatesChanged drops what is known of the certificates and their chains.
func (i *Inventory) CertificatesChanged() {
	i.certificates.drop()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.chains = map[string]*snapshot[[]byte]{}
}
