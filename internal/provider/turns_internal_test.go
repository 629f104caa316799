package provider

import (
	"context"
	"errors"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

func TestTurnsWaitNoLongerThanTheContext(t *testing.T) {
	t.Parallel()
	var all turns
	first, err := all.take(t.Context(), "Data")
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all.take(ended, "Data"); !errors.Is(err, context.Canceled) {
		t.Errorf("expected the wait to end with the context, found %v", err)
	}
	if _, err := all.take(t.Context(), "Analytics"); err != nil {
		t.Errorf("expected another type to wait for nobody, found %v", err)
	}
	first.end()
	if _, err := all.take(t.Context(), "Data"); err != nil {
		t.Errorf("expected the turn to be free again, found %v", err)
	}
}

// A refusal made no key, so the next resource may try; an answer that never came may have made one.
func TestTurnsKeepInMindWhatWasSent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		made bool
	}{
		"accepted": {nil, true},
		"unknown":  {&salesforce.OutcomeUnknownError{}, true},
		"refused":  {&salesforce.Error{Status: 400}, false},
	} {
		var all turns
		mine, err := all.take(t.Context(), "Data")
		if err != nil {
			t.Fatal(err)
		}
		mine.sent(test.err)
		if refused := mine.check() != nil; refused != test.made {
			t.Errorf("%s: expected a second key to be refused: %v, found %v", name, test.made, refused)
		}
	}
}
