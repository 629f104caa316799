package faultmatrix

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// timeouts are the request timeouts of a provider that this process serves. The edge says when one
// is over, and no clock does: what stalls, and what does not, is the same on a machine of any
// speed.
type timeouts struct {
	mu sync.Mutex
	// attempts are the newest over each connection, by the provider's end of it.
	attempts map[string]attempt
}

// withTimeout takes the place of context.WithTimeout.
func (t *timeouts) withTimeout(parent context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	inner, end := context.WithCancelCause(parent)
	a := attempt{inner, end}
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.attempts == nil {
			t.attempts = map[string]attempt{}
		}
		t.attempts[got.Conn.LocalAddr().String()] = a
	}}

	return httptrace.WithClientTrace(a, trace), func() { end(context.Canceled) }
}

// expire ends the attempt that is under way over a connection, as its timeout would.
func (t *timeouts) expire(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts[address].end(context.DeadlineExceeded)
}

// attempt is a context whose end has the reason that it was ended with.
type attempt struct {
	context.Context //nolint:containedctx // it is one

	end context.CancelCauseFunc
}

// Err implements context.Context.
func (a attempt) Err() error {
	if a.Context.Err() == nil {
		return nil
	}

	return context.Cause(a.Context)
}
