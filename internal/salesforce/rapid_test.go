package salesforce

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// rapidTB lets a property use the org of the other tests.
type rapidTB struct {
	testing.TB

	t *rapid.T
}

func (r rapidTB) Helper()                           {}
func (r rapidTB) Cleanup(func())                    {}
func (r rapidTB) Errorf(format string, args ...any) { r.t.Errorf(format, args...) }
func (r rapidTB) Fatal(args ...any)                 { r.t.Fatal(args...) }
func (r rapidTB) Context() context.Context          { return r.t.Context() }

// stateScript polls through states; "error" is a failing poll.
func stateScript(states []string, polls *int) func(context.Context) (int, string, error) {
	return func(context.Context) (int, string, error) {
		state := states[min(*polls, len(states)-1)]
		*polls++
		if state == "error" {
			return 0, "", errors.New("blip")
		}
		return *polls, state, nil
	}
}
