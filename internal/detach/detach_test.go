package detach_test

import (
	"context"
	"errors"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/detach"
)

type key string

// forgetful lets go of the values of its parent when forgot is set.
type forgetful struct {
	context.Context //nolint:containedctx // a context is what this is

	forgot bool
}

func (f *forgetful) Value(k any) any {
	switch {
	case k == detach.Key{}:
		return f.Context
	case f.forgot:
		return nil
	default:
		return f.Context.Value(k)
	}
}

func TestFromKeepsValuesAndIsNotCancelled(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), key("logger"), "of the request"))
	request := &forgetful{Context: parent}
	inner := context.WithValue(request, key("subsystem"), "below")
	got, stop := context.WithCancel(detach.From(inner))
	defer stop()

	request.forgot = true
	cancel(errors.New("answered"))
	if inner.Value(key("logger")) != nil {
		t.Fatal("the request forgets nothing: the test shows nothing")
	}
	if got.Value(key("logger")) != "of the request" || got.Value(key("subsystem")) != "below" ||
		got.Value(key("other")) != nil {
		t.Errorf("the values are %v and %v", got.Value(key("logger")), got.Value(key("subsystem")))
	}
	if got.Err() != nil || context.Cause(got) != nil {
		t.Errorf("ended with the request: %v", context.Cause(got))
	}
	if _, ok := got.Deadline(); ok {
		t.Error("there is a deadline")
	}
	if stop(); !errors.Is(got.Err(), context.Canceled) {
		t.Error("it can't be cancelled by itself")
	}
}

func TestFromOfAnOrdinaryContext(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), key("logger"), "x"))
	got := detach.From(parent)
	if cancel(); got.Err() != nil || got.Value(key("logger")) != "x" {
		t.Errorf("found %v, %v", got.Err(), got.Value(key("logger")))
	}
}
