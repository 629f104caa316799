package salesforce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	defaultShortestWait = time.Second
	defaultLongestWait  = 15 * time.Second
	defaultWaitTimeout  = 20 * time.Minute
)

// Waiter polls something until it reaches a target state.
type Waiter[T any] struct {
	// Subject is what is waited for, in words, for errors: "deploy 0Af...".
	Subject string
	// Pending are the states to go on waiting in, Target those to stop in. A
	// state in neither is an [UnexpectedStateError]. If Pending is empty, every
	// state that is not in Target is pending.
	Pending, Target []string
	// Poll reads the thing and its state.
	Poll func(context.Context) (thing T, state string, err error)
	// Transient selects the errors of Poll that may pass; nil is none.
	Transient func(error) bool
	// TransientErrors is how many of them in a row are borne.
	TransientErrors int
	// MinInterval is the first pause between polls; each is half as long again,
	// up to MaxInterval. Timeout bounds the whole. Zero values have defaults of
	// 1 s, 15 s and 20 min.
	MinInterval, MaxInterval, Timeout time.Duration
	// Progress hears each state.
	Progress func(state string, elapsed time.Duration)

	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	jitter func(time.Duration) time.Duration
}

// UnexpectedStateError is a state that is neither pending nor a target.
type UnexpectedStateError struct {
	// Subject is what was waited for, State what it came to.
	Subject, State string
	// Target is what was expected.
	Target []string
}

// Error names the state and what was expected.
func (e *UnexpectedStateError) Error() string {
	return fmt.Sprintf("%s came to the state %q; expected was %s", e.Subject, e.State, strings.Join(e.Target, " or "))
}

// WaitTimeoutError is a wait that was given up.
type WaitTimeoutError struct {
	Subject string
	// State is the last one seen, "" if none was.
	State string
	// Waited is for how long.
	Waited time.Duration
	// LastError is the last transient error, if the last poll failed.
	LastError error
}

// Error says how long was waited, and what was seen last.
func (e *WaitTimeoutError) Error() string {
	s := fmt.Sprintf("gave up waiting for %s after %s", e.Subject, e.Waited.Round(time.Second))
	if e.State != "" {
		s += fmt.Sprintf("; its last state was %q", e.State)
	}
	if e.LastError != nil {
		s += "; the last look failed: " + e.LastError.Error()
	}
	return s
}

// Unwrap is the last transient error.
func (e *WaitTimeoutError) Unwrap() error { return e.LastError }

// Wait polls until a target state, an unexpected one, an error that does not
// pass, the timeout, or the end of ctx. It returns the thing as last read.
func (w Waiter[T]) Wait(ctx context.Context) (T, error) {
	w.setDefaults()
	var (
		thing    T
		state    string
		lastErr  error
		failures int
	)
	if w.Poll == nil {
		return thing, errors.New("nothing to poll")
	}
	start := w.now()
	for interval := w.MinInterval; ; interval = min(w.MaxInterval, interval+interval/2) {
		got, s, err := w.Poll(ctx)
		switch {
		case err == nil:
			thing, state, lastErr, failures = got, s, nil, 0
			if w.Progress != nil {
				w.Progress(s, w.now().Sub(start))
			}
			if slices.Contains(w.Target, s) {
				return thing, nil
			}
			if len(w.Pending) > 0 && !slices.Contains(w.Pending, s) {
				return thing, &UnexpectedStateError{Subject: w.Subject, State: s, Target: w.Target}
			}
		case ctx.Err() != nil:
			return thing, fmt.Errorf("%s: %w", w.Subject, ctx.Err())
		case w.Transient == nil || !w.Transient(err) || failures == w.TransientErrors:
			return thing, err
		default:
			failures++
			lastErr = err
		}
		elapsed := w.now().Sub(start)
		if elapsed >= w.Timeout {
			return thing, &WaitTimeoutError{Subject: w.Subject, State: state, Waited: elapsed, LastError: lastErr}
		}
		// At least half of the interval, so that polls never crowd.
		pause := min(interval/2+w.jitter(interval/2), w.Timeout-elapsed)
		if err := w.sleep(ctx, pause); err != nil {
			return thing, fmt.Errorf("%s: %w", w.Subject, err)
		}
	}
}

func (w *Waiter[T]) setDefaults() {
	if w.Subject == "" {
		w.Subject = "a change"
	}
	if w.MinInterval <= 0 {
		w.MinInterval = defaultShortestWait
	}
	if w.MaxInterval <= 0 {
		w.MaxInterval = max(defaultLongestWait, w.MinInterval)
	}
	if w.Timeout <= 0 {
		w.Timeout = defaultWaitTimeout
	}
	if w.now == nil {
		w.now = time.Now
	}
	if w.sleep == nil {
		w.sleep = sleepContext
	}
	if w.jitter == nil {
		w.jitter = fullJitter
	}
}
