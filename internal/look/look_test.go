package look_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
)

var errBusy = errors.New("busy")

// script answers the looks one after the other; its last answer stands.
func script(answers ...error) (func(context.Context) (bool, error), *int) {
	n := 0

	return func(context.Context) (bool, error) {
		answer := answers[min(n, len(answers)-1)]
		n++
		if errors.Is(answer, errNotYet) {
			return false, nil
		}

		return answer == nil, answer
	}, &n
}

var errNotYet = errors.New("not yet")

func TestUntil(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		answers []error
		found   bool
		err     error
		looks   int
		slept   time.Duration
	}{
		"at once":        {[]error{nil}, true, nil, 1, 0},
		"late":           {[]error{errNotYet, errNotYet, nil}, true, nil, 3, 3 * time.Second},
		"after an error": {[]error{errBusy, nil}, true, nil, 2, time.Second},
		"never":          {[]error{errNotYet}, false, nil, 4, 7 * time.Second},
		"the last look fails": {
			[]error{errNotYet, errNotYet, errNotYet, errBusy},
			false, errBusy, 4,
			7 * time.Second,
		},
		"an earlier look failed":      {[]error{errBusy, errNotYet}, false, nil, 4, 7 * time.Second},
		"another look is of no use":   {[]error{errNotYet, look.Stop(errBusy)}, false, errBusy, 2, time.Second},
		"a final error may be inside": {[]error{fmt.Errorf("reading: %w", look.Stop(errBusy))}, false, errBusy, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ask, looks := script(tc.answers...)
				began := time.Now()
				found, err := look.Patience{Waits: []time.Duration{
					time.Second, 2 * time.Second,
					4 * time.Second,
				}}.Until(t.Context(), ask)
				if found != tc.found || !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
					t.Errorf("expected %v, %v, found %v, %v", tc.found, tc.err, found, err)
				}
				if slept := time.Since(began); *looks != tc.looks || slept != tc.slept {
					t.Errorf("expected %d looks in %v, found %d in %v", tc.looks, tc.slept, *looks, slept)
				}
			})
		})
	}
}

func TestReadingStopsAtAGoodOneOrAnError(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		errs  []error
		good  int
		last  int
		found bool
		err   error
	}{
		"at once":  {nil, 1, 1, true, nil},
		"late":     {nil, 3, 3, true, nil},
		"never":    {nil, 9, 3, false, nil},
		"an error": {[]error{nil, errBusy}, 3, 1, false, errBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, sleeps := 0, 0
			p := look.Patience{Waits: []time.Duration{time.Hour, time.Hour}, Sleep: func(context.Context, time.Duration) error {
				sleeps++

				return nil
			}}
			last, found, err := look.Reading(t.Context(), p, func(context.Context) (int, error) {
				n++
				if n <= len(tc.errs) {
					return 0, tc.errs[n-1]
				}

				return n, nil
			}, func(reading int) bool { return reading == tc.good })
			if name == "an error" {
				last, tc.last = n, 2 // what an error comes with is no reading
			}
			if last != tc.last || found != tc.found || !errors.Is(err, tc.err) || sleeps != n-1 {
				t.Errorf("expected reading %d, %v, %v, found %d, %v, %v after %d sleeps", tc.last, tc.found, tc.err, last, found,
					err, sleeps)
			}
		})
	}
}

func TestUntilEndsWithItsContext(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ask, looks := script(errBusy)
		found, err := look.Patience{Waits: []time.Duration{time.Minute}}.Until(ctx, ask)
		if found || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errBusy) || *looks != 1 {
			t.Errorf("found %v, %v after %d looks", found, err, *looks)
		}
	})
}

func TestPatience(t *testing.T) {
	t.Parallel()

	sum := func(p look.Patience) (all time.Duration) {
		for _, d := range p.Waits {
			all += d
		}

		return all
	}
	if n := len(look.Plan().Waits) + 1; n != 3 {
		t.Errorf("a plan looks %d times, want 3", n)
	}
	if all := sum(look.Write()); all != 20*time.Second {
		t.Errorf("a write waits %v, want 20 s", all)
	}
}

func TestSleepCanBeReplaced(t *testing.T) {
	t.Parallel()

	var slept []time.Duration
	p := look.Patience{Waits: []time.Duration{time.Hour}, Sleep: func(_ context.Context, d time.Duration) error {
		slept = append(slept, d)

		return nil
	}}
	ask, _ := script(errNotYet, nil)
	if found, err := p.Until(t.Context(), ask); !found || err != nil || len(slept) != 1 {
		t.Errorf("found %v, %v, slept %v", found, err, slept)
	}
}
