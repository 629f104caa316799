package provider

import (
	"context"
	"sync"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
)

// Readings of Salesforce may lag behind: a record that an earlier run has seen can be missing in one. Nothing is decided on such a reading.
// A plan looks three times, and a write looks for 20 seconds.
var (
	looksOfPlan  = []time.Duration{time.Second, 2 * time.Second}
	looksOfWrite = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 6 * time.Second, 7 * time.Second}
)

// patience is that of one run: if a plan has waited for one record in vain, it does not wait for each of the others.
type patience struct {
	mu    sync.Mutex
	spent bool
}

// sight reads the tenant secrets for a plan until seen is content or the looks are over, and reports whether it is.
func (d *Data) sight(ctx context.Context, seen func(inventory.Reading) bool) (inventory.Reading, bool, error) {
	all, err := d.Inventory.ForPlan(ctx)
	if err != nil || seen(all) {
		return all, err == nil, err
	}
	d.patience.mu.Lock()
	defer d.patience.mu.Unlock()
	if d.patience.spent {
		all, err = d.Inventory.ForPlan(ctx)

		return all, err == nil && seen(all), err
	}
	all, ok, err := d.look(ctx, d.waits(looksOfPlan), seen)
	d.patience.spent = err == nil && !ok

	return all, ok, err
}

// sightForWrite is sight for a decision to write, forget or drop something: every look is a reading of its own.
func (d *Data) sightForWrite(ctx context.Context, seen func(inventory.Reading) bool) (inventory.Reading, bool, error) {
	return d.look(ctx, append([]time.Duration{0}, d.waits(looksOfWrite)...), seen)
}

// look reads after each of the waits until seen is content.
func (d *Data) look(ctx context.Context, waits []time.Duration, seen func(inventory.Reading) bool) (inventory.Reading, bool, error) {
	var all inventory.Reading
	for _, wait := range waits {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()

			return all, false, ctx.Err()
		}
		var err error
		all, err = d.Inventory.ForWrite(ctx)
		if err != nil || seen(all) {
			return all, err == nil, err
		}
	}

	return all, false, nil
}

// waits are the given ones, as many as tests leave of them.
func (d *Data) waits(usual []time.Duration) []time.Duration {
	if d.looks == nil {
		return usual
	}

	return d.looks[:min(len(d.looks), len(usual))]
}
