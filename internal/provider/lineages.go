package provider

import (
	"context"
	"sync"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

// lineages is what a process knows of the keys of each type besides the state: the core hands a
// plan's private state to nobody, and a create has none.
type lineages struct {
	mu sync.Mutex
	// creates counts the plans of new keys, by type.
	creates map[string]int
	// seen is the record in use when a key was planned, by type.
	seen map[string]keys.Record
	// taken are the types for which this run has made or adopted a key under a new object.
	taken map[string]bool

	once sync.Once
	user string
	// described is whether the org keeps a Description on data encryption keys, nil before it was
	// asked.
	described *bool
}

// planned counts one more plan of a new key of a type and returns how many there are.
func (d *Data) planned(typ string) int {
	d.lineages.mu.Lock()
	defer d.lineages.mu.Unlock()
	if d.lineages.creates == nil {
		d.lineages.creates = map[string]int{}
	}
	d.lineages.creates[typ]++

	return d.lineages.creates[typ]
}

// sawOver keeps which record was in use when a key was planned over it.
func (d *Data) sawOver(typ string, current keys.Record) {
	d.lineages.mu.Lock()
	defer d.lineages.mu.Unlock()
	if d.lineages.seen == nil {
		d.lineages.seen = map[string]keys.Record{}
	}
	d.lineages.seen[typ] = current
}

// over returns which record was in use when a key was planned, zero if none was.
func (d *Data) over(typ string) keys.Record {
	d.lineages.mu.Lock()
	defer d.lineages.mu.Unlock()

	return d.lineages.seen[typ]
}

// took keeps that this run has made or adopted the key of a type.
func (d *Data) took(typ string) {
	d.lineages.mu.Lock()
	defer d.lineages.mu.Unlock()
	if d.lineages.taken == nil {
		d.lineages.taken = map[string]bool{}
	}
	d.lineages.taken[typ] = true
}

// hasTaken reports whether this run has made or adopted the key of a type.
func (d *Data) hasTaken(typ string) bool {
	d.lineages.mu.Lock()
	defer d.lineages.mu.Unlock()

	return d.lineages.taken[typ]
}

// user returns the id of the session's user. A session that was handed over does not say it; then
// the org is asked, once. It is "" if the org does not say it either: nothing is trusted then by
// its writer.
func (d *Data) user(ctx context.Context) string {
	if d.Session.UserID != "" {
		return d.Session.UserID
	}
	d.lineages.once.Do(func() {
		user, err := d.Client.UserID(ctx)
		if err == nil {
			d.lineages.mu.Lock()
			d.lineages.user = user
			d.lineages.mu.Unlock()
		}
	})

	return d.knownUser()
}

// knownUser is user without asking.
func (d *Data) knownUser() string {
	if d.Session.UserID != "" {
		return d.Session.UserID
	}
	d.lineages.mu.Lock()
	defer d.lineages.mu.Unlock()

	return d.lineages.user
}

// keepsDescription reports whether the org keeps a Description on data encryption keys. It is asked
// once.
func (d *Data) keepsDescription(ctx context.Context) (bool, error) {
	d.lineages.mu.Lock()
	known := d.lineages.described
	d.lineages.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	keeps, err := d.Client.DescriptionCreateable(ctx, keys.TypeDataKey)
	if err == nil {
		d.lineages.mu.Lock()
		d.lineages.described = &keeps
		d.lineages.mu.Unlock()
	}

	return keeps, err
}

// destruction is what the provider block says about making data unreadable.
func (d *Data) destruction() keys.Destruction {
	if d == nil {
		return keys.Destruction{Undecided: true}
	}

	return keys.Destruction{Allowed: d.AllowKeyDestruction, Undecided: d.DestructionUndecided, Quorum: d.guarded()}
}
