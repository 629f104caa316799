package salesforce

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// waitClock is a clock that only sleeping moves.
type waitClock struct {
	now    time.Time
	pauses []time.Duration
}

func (c *waitClock) install(w *Waiter[int]) {
	w.now = func() time.Time { return c.now }
	w.sleep = func(ctx context.Context, d time.Duration) error {
		c.pauses = append(c.pauses, d)
		c.now = c.now.Add(d)
		return ctx.Err()
	}
	w.jitter = func(ceiling time.Duration) time.Duration { return ceiling }
}

type step struct {
	state string
	err   error
}

func script(steps ...step) func(context.Context) (int, string, error) {
	n := 0
	return func(context.Context) (int, string, error) {
		s := steps[min(n, len(steps)-1)]
		n++
		return n, s.state, s.err
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	boom, blip := errors.New("boom"), errors.New("blip")
	for name, tc := range map[string]struct {
		pending []string
		steps   []step
		thing   int
		// polls is how often it is looked at; 0 where that is not the point.
		polls int
		text  string
	}{
		"at once":              {[]string{"Pending"}, []step{{"Done", nil}}, 1, 0, ""},
		"after a while":        {[]string{"Pending"}, []step{{"Pending", nil}, {"Pending", nil}, {"Done", nil}}, 3, 0, ""},
		"any state is pending": {nil, []step{{"x", nil}, {"y", nil}, {"Done", nil}}, 3, 0, ""},
		"unexpected": {
			[]string{"Pending"},
			[]step{{"Pending", nil}, {"Odd", nil}},
			2, 0,
			`it came to the state "Odd"; expected was Done`,
		},
		"blips": {[]string{"Pending"}, []step{
			{"", blip},
			{"", blip},
			{"Pending", nil},
			{"", blip},
			{"", blip},
			{"Done", nil},
		}, 6, 0, ""},
		"too many blips": {[]string{"Pending"}, []step{{"", blip}}, 0, 3, "blip"},
		"an error":       {[]string{"Pending"}, []step{{"", boom}}, 0, 1, "boom"},
		"for ever": {
			[]string{"Pending"},
			[]step{{"Pending", nil}},
			13, 0,
			`gave up waiting for it after 1m0s; its last state was "Pending"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := Waiter[int]{
				Subject: "it", Pending: tc.pending, Target: []string{"Done"}, Poll: script(tc.steps...),
				Transient: func(err error) bool { return errors.Is(err, blip) }, TransientErrors: 2,
				MinInterval: time.Second, MaxInterval: 6 * time.Second, Timeout: time.Minute,
			}
			(&waitClock{}).install(&w)
			polls, poll := 0, w.Poll
			w.Poll = func(ctx context.Context) (int, string, error) {
				polls++
				return poll(ctx)
			}
			thing, err := w.Wait(t.Context())
			if tc.text == "" && err != nil || tc.text != "" && (err == nil || !strings.Contains(err.Error(), tc.text)) {
				t.Fatalf("error %v, want %q in it", err, tc.text)
			}
			if tc.polls != 0 && tc.polls != polls {
				t.Errorf("%d polls, want %d", polls, tc.polls)
			}
			if tc.thing != thing && name != "for ever" || name == "for ever" && thing < 10 {
				t.Errorf("thing %d, want %d", thing, tc.thing)
			}
		})
	}
}

func TestWaitIntervals(t *testing.T) {
	t.Parallel()
	w := Waiter[int]{
		Target: []string{"Done"}, Poll: script(step{"x", nil}),
		MinInterval: 2 * time.Second, MaxInterval: 5 * time.Second, Timeout: 16 * time.Second,
	}
	clock := &waitClock{}
	clock.install(&w)
	var seen []time.Duration
	w.Progress = func(_ string, elapsed time.Duration) { seen = append(seen, elapsed) }
	_, err := w.Wait(t.Context())
	var late *WaitTimeoutError
	if !errors.As(err, &late) || late.State != "x" || late.Waited != 16*time.Second {
		t.Fatalf("error %v", err)
	}
	want := []time.Duration{
		2 * time.Second, 3 * time.Second, 4500 * time.Millisecond, 5 * time.Second,
		1500 * time.Millisecond,
	}
	if diff := cmp.Diff(want, clock.pauses); diff != "" {
		t.Error(diff)
	}
	if len(seen) != 6 || seen[0] != 0 || seen[5] != 16*time.Second {
		t.Errorf("progress at %v", seen)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := Waiter[int]{Target: []string{"Done"}, Poll: func(context.Context) (int, string, error) {
		cancel()
		return 0, "x", nil
	}}
	if _, err := w.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	w.Poll = func(ctx context.Context) (int, string, error) { return 0, "", ctx.Err() }
	if _, err := w.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := (Waiter[int]{}).Wait(t.Context()); err == nil {
		t.Error("nothing to poll: no error")
	}
}

func TestSleepContext(t *testing.T) {
	t.Parallel()
	if err := sleepContext(t.Context(), 0); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sleepContext(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
