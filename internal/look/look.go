// Package look waits for an answer that may come late: a record that a replica does not show yet,
// the outcome of a request whose reply was lost. It looks at once, and again after each of a few
// waits.
package look

import (
	"context"
	"errors"
	"time"
)

// Patience says how often to look, and how long to wait in between.
type Patience struct {
	// Waits are the waits between two looks; there is one look more than waits.
	Waits []time.Duration
	// Sleep waits; nil takes one that ends with the context.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Plan is the patience of a plan: three looks.
func Plan() Patience { return Patience{Waits: []time.Duration{500 * time.Millisecond, time.Second}} }

// Write is the patience of a write: it waits 20 seconds in all, short enough for a pipeline.
func Write() Patience {
	return Patience{Waits: []time.Duration{
		250 * time.Millisecond, 750 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second,
		8 * time.Second,
	}}
}

// stop is an error after which another look is of no use.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

// Stop marks an error of a look as final.
func Stop(err error) error { return stop{err} }

// Until looks until ask reports true. If it never does, Until returns false and the error of the
// last look. An error is no end, since the next look may succeed; one that is marked by Stop is.
func (p Patience) Until(ctx context.Context, ask func(ctx context.Context) (bool, error)) (bool, error) {
	for n := 0; ; n++ {
		found, err := ask(ctx)
		if found && err == nil {
			return true, nil
		}
		if final, ok := errors.AsType[stop](err); ok {
			return false, final.error
		}
		if n == len(p.Waits) {
			return false, err
		}
		if sleepErr := p.sleep(ctx, p.Waits[n]); sleepErr != nil {
			return false, errors.Join(err, sleepErr)
		}
	}
}

// Reading looks with read until good likes what it brings, or an error comes. It returns the last
// reading, and whether it is good.
func Reading[T any](ctx context.Context, p Patience, read func(context.Context) (T, error), good func(T) bool) (T, bool,
	error,
) {
	var last T
	ok, err := p.Until(ctx, func(ctx context.Context) (bool, error) {
		again, err := read(ctx)
		if err != nil {
			return false, Stop(err)
		}
		last = again

		return good(last), nil
	})

	return last, ok, err
}

func (p Patience) sleep(ctx context.Context, d time.Duration) error {
	if p.Sleep != nil {
		return p.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
