package salesforce

import (
	"context"
	"fmt"
	"time"
)

// wait looks at something until it is over.
type wait[T any] struct {
	// subject is what is waited for, in words, for errors: "deploy 0Af...".
	subject string
	// look reads the thing, its state in words, and whether it is over.
	look func(context.Context) (thing T, state string, over bool, err error)
	// mayPass selects the errors of a look that may pass, and errors is how many of them in a row are
	// tolerated.
	mayPass func(error) bool
	errors  int
	// shortest is the first pause between looks; each is half as long again, up to longest. timeout
	// bounds the whole.
	shortest, longest, timeout time.Duration
}

// waitTimeoutError is a wait that was given up.
type waitTimeoutError struct {
	subject string
	// state is the last one seen, "" if none was.
	state string
	// waited is for how long.
	waited time.Duration
	// last is the error of the last look, if it failed.
	last error
}

// Error reports how long was waited, and what was seen last.
func (e *waitTimeoutError) Error() string {
	s := fmt.Sprintf("gave up waiting for %s after %s", e.subject, e.waited.Round(time.Second))
	if e.state != "" {
		s += fmt.Sprintf("; its last state was %q", e.state)
	}
	if e.last != nil {
		s += "; the last look failed: " + e.last.Error()
	}
	return s
}

// Unwrap is the error of the last look.
func (e *waitTimeoutError) Unwrap() error { return e.last }

// until looks until the thing is over, or an error comes that does not pass, or the time or the
// context ends. It returns the thing as last read. Time, sleep and jitter are the client's.
func (w wait[T]) until(ctx context.Context, c *Client) (T, error) {
	var (
		thing    T
		state    string
		last     error
		failures int
	)
	start, slept := c.now(), time.Duration(0)
	for interval := w.shortest; ; interval = min(w.longest, interval+interval/2) {
		got, now, over, err := w.look(ctx)
		switch {
		case err == nil && over:
			return got, nil
		case err == nil:
			thing, state, last, failures = got, now, nil, 0
		case ctx.Err() != nil:
			return thing, fmt.Errorf("%s: %w", w.subject, ctx.Err())
		case !w.mayPass(err) || failures == w.errors:
			return thing, err
		default:
			failures++
			last = err
		}
		// What was slept counts, even if a sleep was replaced by a shorter one.
		elapsed := max(c.now().Sub(start), slept)
		if elapsed >= w.timeout {
			return thing, &waitTimeoutError{subject: w.subject, state: state, waited: elapsed, last: last}
		}
		// At least half of the interval, so that looks never crowd.
		pause := min(interval/2+c.jitter(interval/2), w.timeout-elapsed)
		if err := c.sleep(ctx, pause); err != nil {
			return thing, fmt.Errorf("%s: %w", w.subject, err)
		}
		slept += pause
	}
}
