package keys_test

import (
	"slices"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

// The session's user costs a request, so it is asked only if a marker's writer is in doubt.
func TestSessionUserIsAskedOnlyInDoubt(t *testing.T) {
	t.Parallel()

	known := evidence()
	for name, tc := range map[string]struct {
		records []keys.Record
		user    string
		asks    bool
		users   []string
	}{
		"an empty org":                  {nil, themself, false, known.Users},
		"records without a marker":      {[]keys.Record{record(1, byHSM, writtenBy(themself))}, themself, false, known.Users},
		"markers of users that we know": {[]keys.Record{record(1, carries(marked(ours(), 1)))}, themself, false, known.Users},
		"a marker of a user that we don't": {
			[]keys.Record{record(1), record(2, carries(marked(ours(), 1)), writtenBy(themself))},
			themself, true,
			append(slices.Clone(known.Users), themself),
		},
		"the session does not say its user": {
			[]keys.Record{record(2, carries(marked(ours(), 1)), writtenBy(themself))},
			"",
			true, known.Users,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			asked := false
			before := slices.Clone(known.Users)
			got := known.WithUser(tc.records, func() string {
				asked = true

				return tc.user
			})
			if asked != tc.asks || !slices.Equal(got.Users, tc.users) {
				t.Errorf("asked %v for %v, want %v for %v", asked, got.Users, tc.asks, tc.users)
			}
			if !slices.Equal(known.Users, before) {
				t.Errorf("the evidence of the caller has changed: %v", known.Users)
			}
		})
	}
}

func TestLabelNamesAKeyAsSetupDoes(t *testing.T) {
	t.Parallel()

	if got := keys.Label(keys.TypeDataKey); got != "Search Index" {
		t.Errorf("a data encryption key is called %q", got)
	}
	if got := keys.Label(keys.TypeEventBus); got != keys.TypeEventBus {
		t.Errorf("an EventBus key is called %q", got)
	}
}
