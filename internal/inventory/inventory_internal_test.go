package inventory

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/detach"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// org is a source whose reads can be counted, held up and failed.
type org struct {
	lists, certs, chains atomic.Int64
	// version is what a read returns as its only record's Version.
	version atomic.Int64
	delay   time.Duration
	fail    atomic.Pointer[error]
	// cancelled counts the reads that ended because nobody was waiting.
	cancelled atomic.Int64
}

func (o *org) wait(ctx context.Context) error {
	select {
	case <-time.After(o.delay):
	case <-ctx.Done():
		o.cancelled.Add(1)

		return ctx.Err()
	}
	if err := o.fail.Load(); err != nil {
		return *err
	}

	return nil
}

func (o *org) ListTenantSecrets(ctx context.Context) (salesforce.TenantSecrets, error) {
	o.lists.Add(1)
	seen := o.version.Load()
	if err := o.wait(ctx); err != nil {
		return salesforce.TenantSecrets{}, err
	}

	return salesforce.TenantSecrets{
		Records:    []salesforce.TenantSecret{{ID: "02G", Version: seen}},
		ServerTime: time.Now(),
	}, nil
}

func (o *org) ListCertificates(ctx context.Context) ([]salesforce.Certificate, error) {
	o.certs.Add(1)

	return []salesforce.Certificate{{ID: "0P1"}}, o.wait(ctx)
}

func (o *org) CertificateChain(ctx context.Context, id string) ([]byte, error) {
	o.chains.Add(1)

	return []byte("chain of " + id), o.wait(ctx)
}

func version(t *testing.T, i *Inventory) int64 {
	t.Helper()

	all, err := i.ForPlan(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return all.Rows()[0].Version
}

func TestThreeHundredReadersShareOneQuery(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &org{delay: 100 * time.Millisecond}
		i := New(source)
		var wg sync.WaitGroup
		for range 300 {
			wg.Go(func() {
				if _, err := i.ForPlan(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := i.Certificates(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := i.CertificateChain(t.Context(), "0P1"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if l, c, ch := source.lists.Load(), source.certs.Load(), source.chains.Load(); l != 1 || c != 1 || ch != 1 {
			t.Errorf("%d lists, %d certificate lists and %d chains, want one of each", l, c, ch)
		}
	})
}

func TestAReadAfterAWriteSeesTheWrite(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &org{delay: 100 * time.Millisecond}
		i := New(source)
		if got := version(t, i); got != 0 {
			t.Fatalf("version %d", got)
		}
		source.version.Store(1)
		if got := version(t, i); got != 0 {
			t.Fatalf("the snapshot was not kept: version %d", got)
		}
		i.TenantSecretsChanged()
		if got := version(t, i); got != 1 {
			t.Errorf("after the write: version %d", got)
		}
	})
}

// A read that began before the write must serve nobody who asks after it, even if it ends later.
func TestAReadUnderWayDuringAWriteIsNotShared(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &org{delay: 100 * time.Millisecond}
		i := New(source)
		before := make(chan int64)
		go func() {
			all, err := i.ForPlan(t.Context())
			if err != nil {
				t.Error(err)
			}
			before <- all.Rows()[0].Version
		}()
		synctest.Wait()
		source.version.Store(1)
		i.TenantSecretsChanged()

		if got := version(t, i); got != 1 {
			t.Errorf("a reader after the write got version %d", got)
		}
		if got := <-before; got != 0 {
			t.Errorf("the reader before the write got version %d", got)
		}
		if got := version(t, i); got != 1 {
			t.Errorf("the old read overwrote the new one: version %d", got)
		}
		if n := source.lists.Load(); n != 2 {
			t.Errorf("%d reads, want 2", n)
		}
	})
}

func TestAFailingFirstReaderFailsThoseWhoWaitedForIt(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("org is down")
		source := &org{delay: 100 * time.Millisecond}
		source.fail.Store(&broken)
		i := New(source)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := i.ForPlan(t.Context()); !errors.Is(err, broken) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if n := source.lists.Load(); n != 1 {
			t.Errorf("%d reads, want the one that all waited for", n)
		}
	})
}

// Terraform asks ten resources at a time: those that come after a failure must not each begin the
// client's retries again.
func TestAFailureStandsForThoseWhoComeSoonAfter(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("org is down")
		source := &org{delay: 100 * time.Millisecond}
		source.fail.Store(&broken)
		i := New(source)
		for range 300 {
			if _, err := i.ForPlan(t.Context()); !errors.Is(err, broken) {
				t.Fatalf("got %v", err)
			}
			if _, err := i.CertificateChain(t.Context(), "0P1"); !errors.Is(err, broken) {
				t.Fatalf("got %v", err)
			}
		}
		if l, c := source.lists.Load(), source.chains.Load(); l != 1 || c != 1 {
			t.Errorf("%d lists and %d chains were asked for, want one of each", l, c)
		}

		source.fail.Store(nil)
		time.Sleep(failureAge + time.Second)
		version(t, i)
		if n := source.lists.Load(); n != 2 {
			t.Errorf("%d reads, want a second one once the failure is old", n)
		}
	})
}

// After a write the org must be asked, whatever it said before.
func TestAFailureDoesNotOutliveAWrite(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("org is down")
		source := &org{delay: 100 * time.Millisecond}
		source.fail.Store(&broken)
		i := New(source)
		fails := func() {
			t.Helper()
			if _, err := i.ForPlan(t.Context()); !errors.Is(err, broken) {
				t.Fatalf("got %v", err)
			}
		}
		fails()
		source.fail.Store(nil)
		i.TenantSecretsChanged()
		version(t, i)

		source.fail.Store(&broken)
		i.TenantSecretsChanged()
		fails()
		source.fail.Store(nil)
		if all, err := i.ForWrite(t.Context()); err != nil || len(all.Rows()) != 1 {
			t.Errorf("a write got %v", err)
		}
	})
}

func TestACancelledFirstReaderDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &org{delay: 100 * time.Millisecond}
		i := New(source)
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := i.ForPlan(ctx)
			first <- err
		}()
		synctest.Wait()
		second := make(chan error, 1)
		go func() {
			_, err := i.ForPlan(t.Context())
			second <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled reader got %v", err)
		}
		if err := <-second; err != nil {
			t.Errorf("the other reader got %v", err)
		}
		if n := source.lists.Load(); n != 1 {
			t.Errorf("%d reads, want the one that the first began", n)
		}
	})
}

// request lets go of its values once it is answered, as those of the provider do.
type request struct {
	context.Context //nolint:containedctx // a context is what this is

	answered atomic.Bool
}

func (r *request) Value(key any) any {
	switch {
	case key == detach.Key{}:
		return r.Context
	case r.answered.Load():
		return nil
	default:
		return r.Context.Value(key)
	}
}

type loggerKey struct{}

// listening is an org whose reads note the logger of their context when they end.
type listening struct {
	*org

	logger atomic.Value
}

func (l *listening) ListTenantSecrets(ctx context.Context) (salesforce.TenantSecrets, error) {
	all, err := l.org.ListTenantSecrets(ctx)
	if logger, ok := ctx.Value(loggerKey{}).(string); ok {
		l.logger.Store(logger)
	}

	return all, err
}

func TestAReadThatOutlivesItsFirstReaderKeepsItsLogger(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &listening{org: &org{delay: 100 * time.Millisecond}}
		i := New(source)
		parent, cancel := context.WithCancel(context.WithValue(t.Context(), loggerKey{}, "of the first reader"))
		first := &request{Context: parent}
		answered := make(chan error)
		go func() {
			_, err := i.ForPlan(first)
			first.answered.Store(true)
			answered <- err
		}()
		synctest.Wait()
		second := make(chan error)
		go func() {
			_, err := i.ForPlan(t.Context())
			second <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-answered; !errors.Is(err, context.Canceled) {
			t.Fatalf("the first reader got %v", err)
		}
		if err := <-second; err != nil || source.logger.Load() != "of the first reader" {
			t.Errorf("the second reader got %v, and the read ended with the logger %v", err, source.logger.Load())
		}
	})
}

func TestAReadThatNobodyWaitsForIsEnded(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &org{delay: time.Hour}
		i := New(source)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := i.ForPlan(ctx)
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the reader got %v", err)
		}
		synctest.Wait()
		if source.cancelled.Load() != 1 {
			t.Error("the read goes on although nobody waits for it")
		}

		// Whoever comes next must not be handed the cancelled read.
		source.delay = 0
		version(t, i)
	})
}

func TestACancelledContextReadsNothing(t *testing.T) {
	t.Parallel()

	source := &org{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(source).ForPlan(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if source.lists.Load() != 0 {
		t.Error("something was read")
	}
}

func TestASnapshotAges(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &org{}
		i := New(source)
		version(t, i)
		source.version.Store(1)
		time.Sleep(time.Millisecond)
		if got := version(t, i); got != 0 {
			t.Errorf("a refresh within its bound read again: version %d", got)
		}
		all, err := i.ForWrite(t.Context())
		if err != nil || all.Rows()[0].Version != 1 {
			t.Errorf("a write was decided on an old reading: %v", err)
		}
		source.version.Store(2)
		time.Sleep(planAge + time.Millisecond)
		if got := version(t, i); got != 2 {
			t.Errorf("a refresh past its bound got version %d", got)
		}
		source.version.Store(3)
		all, err = i.ForWrite(t.Context())
		if err != nil || all.Rows()[0].Version != 3 {
			t.Errorf("a write was decided on an old reading: %v", err)
		}
	})
}

func TestCallersOwnWhatTheyGet(t *testing.T) {
	t.Parallel()

	source := &org{}
	i := New(source)
	all, err := i.ForPlan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all.Rows()[0].Version = 99
	if got := version(t, i); got != 0 {
		t.Errorf("a caller changed the snapshot: version %d", got)
	}
	certs, err := i.Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	certs[0].ID = "changed"
	if again, err := i.Certificates(t.Context()); err != nil || again[0].ID != "0P1" {
		t.Errorf("a caller changed the snapshot: %v, %v", again, err)
	}
	chain, err := i.CertificateChain(t.Context(), "0P1")
	if err != nil {
		t.Fatal(err)
	}
	clear(chain)
	if again, err := i.CertificateChain(t.Context(), "0P1"); err != nil || string(again) != "chain of 0P1" {
		t.Errorf("a caller changed the chain: %q, %v", again, err)
	}
}

func TestCertificatesChangedDropsListAndChains(t *testing.T) {
	t.Parallel()

	source := &org{}
	i := New(source)
	read := func() {
		if _, err := i.Certificates(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"0P1", "0P2"} {
			if _, err := i.CertificateChain(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	read()
	read()
	i.CertificatesChanged()
	read()
	if got := []int64{source.certs.Load(), source.chains.Load(), source.lists.Load()}; !slices.Equal(got,
		[]int64{2, 4, 0}) {
		t.Errorf("reads %v", got)
	}
}

// Run with -race: readers, writers and cancellations at once. Whoever reads after a write has ended
// must see at least that write.
func TestReadersAndWritersAtOnce(t *testing.T) {
	t.Parallel()

	source := &org{delay: 50 * time.Microsecond}
	i := New(source)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for range 50 {
				written := source.version.Add(1)
				i.TenantSecretsChanged()
				all, err := i.ForPlan(t.Context())
				if err != nil {
					t.Error(err)

					return
				}
				if all.Rows()[0].Version < written {
					t.Error("writer " + strconv.Itoa(w) + " read its past")
				}
			}
		})
		wg.Go(func() {
			for range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Microsecond)
				if _, err := i.ForPlan(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}

// Writers that come while a read is under way wait for the next one, and share it: each decides on
// a reading that began after it asked.
func TestACrowdOfWritersSharesTheNextReading(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &org{delay: 100 * time.Millisecond}
		i := New(source)
		var wg sync.WaitGroup
		wg.Go(func() { _ = version(t, i) })
		synctest.Wait()
		time.Sleep(50 * time.Millisecond)
		source.version.Store(1)
		for range 20 {
			wg.Go(func() {
				all, err := i.ForWrite(t.Context())
				if err != nil || all.Rows()[0].Version != 1 {
					t.Errorf("a write was decided on a reading from before it asked: %v", err)
				}
			})
		}
		wg.Wait()
		if n := source.lists.Load(); n != 2 {
			t.Errorf("%d reads, want the one under way and one for all writers", n)
		}
		if got := version(t, i); got != 1 {
			t.Errorf("a plan got version %d", got)
		}
	})
}

// A writer that gives up while it waits for its turn leaves the others alone.
func TestACancelledWriterDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &org{delay: 100 * time.Millisecond}
		i := New(source)
		var wg sync.WaitGroup
		wg.Go(func() { _ = version(t, i) })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := i.ForWrite(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled writer got %v", err)
			}
		})
		wg.Go(func() {
			if _, err := i.ForWrite(t.Context()); err != nil {
				t.Errorf("the other writer got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

// A failed reading stands for those who waited for it, and a writer who comes later reads for
// itself.
func TestAWriterDoesNotTakeAnEarlierFailure(t *testing.T) {
	t.Parallel()

	source := &org{}
	broken := errors.New("no route")
	source.fail.Store(&broken)
	i := New(source)
	if _, err := i.ForPlan(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	source.fail.Store(nil)
	if _, err := i.ForWrite(t.Context()); err != nil {
		t.Errorf("the writer got %v", err)
	}
}

func TestCertificatesForWriteReadsAgain(t *testing.T) {
	t.Parallel()

	source := &org{}
	i := New(source)
	for range 2 {
		if _, err := i.Certificates(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := i.CertificatesForWrite(t.Context()); err != nil || len(all) != 1 || source.certs.Load() != 2 {
		t.Errorf("%d certificates after %d reads, %v", len(all), source.certs.Load(), err)
	}
}
