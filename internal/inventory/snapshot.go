package inventory

import (
	"context"
	"sync"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/detach"
)

// snapshot holds one value that is expensive to read and wanted by many at once. Readers that come
// while a read is under way share it; readers that come later share its result until it is dropped
// or too old.
type snapshot[T any] struct {
	read func(context.Context) (T, error)
	now  func() time.Time

	mu sync.Mutex
	// started counts the reads that have begun, and so numbers them.
	started uint64
	// dropped is the number of the last read that began before the last drop: it and all before it
	// serve nobody who asks later.
	dropped uint64
	value   T
	valid   bool
	at      time.Time
	flight  *flight[T]
	// failure is what the newest read ended with at failedAt, nil if it brought a value.
	failure  error
	failedAt time.Time
}

// flight is one read under way.
type flight[T any] struct {
	number uint64
	began  time.Time
	cancel context.CancelFunc
	// waiters is guarded by the snapshot's mutex. The read goes on as long as anybody waits for it.
	waiters int
	done    chan struct{}
	value   T
	err     error
}

// recent returns the value as it was at most planAge ago. An error is given to those who waited for
// it, and to those who come within failureAge after it.
func (s *snapshot[T]) recent(ctx context.Context) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	s.mu.Lock()
	if s.fresh() {
		value := s.value
		s.mu.Unlock()

		return value, nil
	}
	if err := s.failure; err != nil && s.now().Sub(s.failedAt) <= failureAge {
		s.mu.Unlock()

		return zero, err
	}
	f := s.flight
	if f == nil || f.number <= s.dropped || f.waiters == 0 || s.now().Sub(f.began) > planAge {
		f = s.begin(ctx)
	}

	return s.join(ctx, f)
}

// next returns what a read brings that begins after the call. If a read is under way, the next one
// begins when it is done, and serves all who wait for it by then: one read for a crowd of writers,
// and not one for each.
func (s *snapshot[T]) next(ctx context.Context) (T, error) {
	var zero T
	s.mu.Lock()
	wanted := s.started + 1
	for {
		if err := ctx.Err(); err != nil {
			s.mu.Unlock()

			return zero, err
		}
		f := s.flight
		switch {
		case f == nil || f.waiters == 0:
			return s.join(ctx, s.begin(ctx))
		case f.number >= wanted:
			return s.join(ctx, f)
		}
		s.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
		}
		s.mu.Lock()
	}
}

// join waits for a read. The mutex is held, and let go.
func (s *snapshot[T]) join(ctx context.Context, f *flight[T]) (T, error) {
	f.waiters++
	s.mu.Unlock()
	defer s.leave(f)
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var zero T

		return zero, ctx.Err()
	}
}

// atHand returns the value if it is there and fresh.
func (s *snapshot[T]) atHand() (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fresh() {
		var zero T

		return zero, false
	}

	return s.value, true
}

// fresh reports whether there is a value of at most planAge. The mutex is held.
func (s *snapshot[T]) fresh() bool { return s.valid && s.now().Sub(s.at) <= planAge }

// begin starts a read. It outlives the context of the reader that asked first, so that one
// cancelled resource does not fail the others, but keeps that context's values (the logger).
func (s *snapshot[T]) begin(ctx context.Context) *flight[T] {
	ctx, cancel := context.WithCancel(detach.From(ctx))
	s.started++
	f := &flight[T]{number: s.started, began: s.now(), cancel: cancel, done: make(chan struct{})}
	s.flight = f

	go func() {
		value, err := s.read(ctx)

		s.mu.Lock()
		defer s.mu.Unlock()
		f.value, f.err = value, err
		switch {
		case f.number <= s.dropped:
			// A write came between: what was read serves only those who asked before it.
		case err == nil:
			s.value, s.valid, s.at, s.failure = value, true, f.began, nil
		case ctx.Err() == nil:
			s.failure, s.failedAt = err, s.now()
		}
		if s.flight == f {
			s.flight = nil
		}
		cancel()
		close(f.done)
	}()

	return f
}

// leave takes one waiter off; the last one to give up ends the read.
func (s *snapshot[T]) leave(f *flight[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiters--
	if f.waiters == 0 {
		f.cancel()
	}
}

// drop forgets the value or the failure, and whatever a read that is under way will bring.
func (s *snapshot[T]) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var zero T
	s.dropped = s.started
	s.value, s.valid, s.failure = zero, false, nil
}
