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

func (c *waitClock) client() *Client {
	return &Client{
		now: func() time.Time { return c.now },
		sleep: func(ctx context.Context, d time.Duration) error {
			c.pauses = append(c.pauses, d)
			c.now = c.now.Add(d)
			return ctx.Err()
		},
		jitter: func(ceiling time.Duration) time.Duration { return ceiling },
	}
}

type step struct {
	state string
	err   error
}

// over is the state that ends a wait.
const over = "over"

var errBlip = errors.New("blip")

// waitFor waits by a script, whose last step stands, and for a minute. A thing is the number of its
// look.
func waitFor(steps ...step) (w wait[int], looks *int) {
	looks = new(int)
	return wait[int]{
		subject: "it",
		look: func(context.Context) (int, string, bool, error) {
			s := steps[min(*looks, len(steps)-1)]
			*looks++
			return *looks, s.state, s.state == over, s.err
		},
		mayPass: func(err error) bool { return errors.Is(err, errBlip) }, errors: 2,
		shortest: time.Second, longest: 6 * time.Second, timeout: time.Minute,
	}, looks
}

func TestWait(t *testing.T) {
	t.Parallel()
	blip, boom := step{"", errBlip}, step{"", errors.New("boom")}
	for name, tc := range map[string]struct {
		steps        []step
		thing, looks int
		text         string
	}{
		"at once":        {[]step{{over, nil}}, 1, 1, ""},
		"after a while":  {[]step{{"Pending", nil}, {"a later release's", nil}, {over, nil}}, 3, 3, ""},
		"blips":          {[]step{blip, blip, {"Pending", nil}, blip, blip, {over, nil}}, 6, 6, ""},
		"too many blips": {[]step{{"Pending", nil}, blip, blip, blip, {over, nil}}, 1, 4, "blip"},
		"an error":       {[]step{boom}, 0, 1, "boom"},
		"for ever": {
			[]step{{"Pending", nil}}, 14, 14, `gave up waiting for it after 1m0s; its last state was "Pending"`,
		},
		"for ever, and cut off": {
			[]step{
				{"Pending", nil},
				{"Pending", nil},
				blip,
				{"Pending", nil},
				{"Pending", nil},
				{"Pending", nil},
				{"Pending", nil},
				{"Pending", nil},
				{"Pending", nil},
				{"Pending", nil},
				{"Pending", nil},
				{"Pending", nil},
				{"Pending", nil},
				blip,
			},
			13, 14, "the last look failed: blip",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, looks := waitFor(tc.steps...)
			thing, err := w.until(t.Context(), new(waitClock).client())
			if tc.text == "" && err != nil || tc.text != "" && (err == nil || !strings.Contains(err.Error(), tc.text)) {
				t.Fatalf("error %v, want %q in it", err, tc.text)
			}
			if thing != tc.thing || *looks != tc.looks {
				t.Errorf("thing %d after %d looks, want %d after %d", thing, *looks, tc.thing, tc.looks)
			}
		})
	}
}

func TestWaitIntervals(t *testing.T) {
	t.Parallel()
	w, _ := waitFor(step{"x", nil})
	w.shortest, w.longest, w.timeout = 2*time.Second, 5*time.Second, 16*time.Second
	clock := &waitClock{}
	_, err := w.until(t.Context(), clock.client())
	var late *waitTimeoutError
	if !errors.As(err, &late) || late.state != "x" || late.waited != 16*time.Second {
		t.Fatalf("error %v", err)
	}
	want := []time.Duration{
		2 * time.Second, 3 * time.Second, 4500 * time.Millisecond, 5 * time.Second,
		1500 * time.Millisecond,
	}
	if diff := cmp.Diff(want, clock.pauses); diff != "" {
		t.Error(diff)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w, _ := waitFor(step{"x", nil})
	look := w.look
	w.look = func(ctx context.Context) (int, string, bool, error) {
		cancel()
		return look(ctx)
	}
	if _, err := w.until(ctx, new(waitClock).client()); !errors.Is(err, context.Canceled) {
		t.Errorf("between two looks: error %v", err)
	}
	w.look = func(ctx context.Context) (int, string, bool, error) { return 0, "", false, ctx.Err() }
	if _, err := w.until(ctx, new(waitClock).client()); !errors.Is(err, context.Canceled) {
		t.Errorf("in a look: error %v", err)
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
