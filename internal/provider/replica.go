package provider

import (
	"context"
	"sync"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
)

// patience is that of one run: if a plan has waited for one record in vain, it does not wait for
// each of the others.
type patience struct {
	mu    sync.Mutex
	spent bool
}

// forPlan is the patience of a plan.
func (d *Data) forPlan() look.Patience {
	return look.Patience{Waits: look.Plan().Waits, Sleep: d.options.sleep}
}

// forWrite is the patience of a write.
func (d *Data) forWrite() look.Patience {
	return look.Patience{Waits: look.Write().Waits, Sleep: d.options.sleep}
}

// sight reads the tenant secrets for a plan until seen is content, and reports whether it is.
// Readings of Salesforce may lag behind: a record that an earlier run has seen can be missing in
// one, and nothing is decided on such a reading.
func (d *Data) sight(ctx context.Context, seen func(inventory.Reading) bool) (inventory.Reading, bool, error) {
	return sight(ctx, d, d.Inventory.ForPlan, d.Inventory.ForWrite, seen)
}

// sight reads for a plan until seen is content, and reports whether it is.
func sight[T any](ctx context.Context, d *Data, forPlan, forWrite func(context.Context) (T, error), seen func(T) bool) (
	T, bool, error,
) {
	all, err := forPlan(ctx)
	if err != nil || seen(all) {
		return all, err == nil, err
	}
	d.patience.mu.Lock()
	defer d.patience.mu.Unlock()
	looks := d.forPlan()
	if d.patience.spent {
		looks.Waits = nil
	}
	// The first look is at what the others have read meanwhile.
	read := forPlan
	all, ok, err := look.Reading(ctx, looks, func(ctx context.Context) (T, error) {
		this := read
		read = forWrite

		return this(ctx)
	}, seen)
	d.patience.spent = d.patience.spent || err == nil && !ok

	return all, ok, err
}

// sightForWrite is sight for a decision to write, forget or drop something: every look is a reading
// of its own.
func (d *Data) sightForWrite(ctx context.Context, seen func(inventory.Reading) bool) (inventory.Reading, bool, error) {
	return look.Reading(ctx, d.forWrite(), d.Inventory.ForWrite, seen)
}
