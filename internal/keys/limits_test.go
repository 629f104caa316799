package keys_test

import (
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

func TestIntervalOfEachType(t *testing.T) {
	t.Parallel()

	const hour = time.Hour
	for typ, want := range map[string][2]time.Duration{
		"Data":              {24 * hour, 4 * hour},
		"Analytics":         {24 * hour, 4 * hour},
		"DeterministicData": {168 * hour, 4 * hour},
		"EventBus":          {168 * hour, 168 * hour},
		"SearchIndex":       {168 * hour, 168 * hour},
		"Database":          {2160 * hour, 2160 * hour},
	} {
		for i, sandbox := range []bool{false, true} {
			if got, ok := keys.Interval(typ, sandbox); !ok || got != want[i] {
				t.Errorf("%s, sandbox %v: %v, want %v", typ, sandbox, got, want[i])
			}
		}
		if !keys.IsKnownType(typ) {
			t.Errorf("%s has an interval and is no known type", typ)
		}
	}
	if got, ok := keys.Interval("DataEncryptionKey", true); !ok || got != hour || keys.IsKnownType("DataEncryptionKey") {
		t.Errorf("DataEncryptionKey: %v, %v; it is no type of TenantSecret", got, ok)
	}
	if _, ok := keys.Interval("OauthSecret", false); ok {
		t.Error("a type without a documented interval has one")
	}
}

func TestNextAllowed(t *testing.T) {
	t.Parallel()

	newest := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if got, ok := keys.NextAllowed("Data", true, newest); !ok || !got.Equal(newest.Add(4*time.Hour)) {
		t.Errorf("Data in a sandbox: %v, %v", got, ok)
	}
	if _, ok := keys.NextAllowed("Data", true, time.Time{}); ok {
		t.Error("an org without a record of the type has nothing to wait for")
	}
	if _, ok := keys.NextAllowed("Unheard", false, newest); ok {
		t.Error("nothing is known of this type")
	}
}

func TestAgeDaysAndDueAgree(t *testing.T) {
	t.Parallel()

	created := time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC)
	for _, days := range []int64{1, 30, 90, 365} {
		due := keys.Due(created, days)
		if got := keys.AgeDays(created, due.Add(-time.Second)); got != days-1 {
			t.Errorf("a second before day %d: %d", days, got)
		}
		if got := keys.AgeDays(created, due); got != days {
			t.Errorf("at day %d: %d", days, got)
		}
	}
	// More days than a time.Duration holds.
	if due := keys.Due(created, 200_000); due.Before(created) {
		t.Errorf("due before it was created: %s", due)
	}
	if got := keys.AgeDays(created, created.Add(-time.Hour)); got != 0 {
		t.Errorf("a clock that runs behind: %d", got)
	}
	if got := keys.AgeDays(time.Time{}, created); got != 0 {
		t.Errorf("an unknown creation: %d", got)
	}
}

func TestMissingPrerequisite(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		typ, source string
		active      string
		want        string
	}{
		"Data alone":                        {"Data", "UPLOADED", "", ""},
		"DeterministicData without Data":    {"DeterministicData", "UPLOADED", "EventBus", "ACTIVE Data key"},
		"DeterministicData with Data":       {"DeterministicData", "UPLOADED", "Data", ""},
		"EventBus without either":           {"EventBus", "HSM", "", "Data or DeterministicData"},
		"EventBus with DeterministicData":   {"EventBus", "HSM", "DeterministicData", ""},
		"a remote SearchIndex without Data": {"SearchIndex", "remote", "", "cache-only"},
		"a remote SearchIndex with Data":    {"SearchIndex", "REMOTE", "Data", ""},
		"a remote Data key without one":     {"Data", "REMOTE", "", "cache-only"},
		"Analytics alone":                   {"Analytics", "UPLOADED", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := keys.MissingPrerequisite(tc.typ, tc.source, func(typ string) bool { return typ == tc.active })
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
		})
	}
}

func TestReasonsHaveWords(t *testing.T) {
	t.Parallel()

	seen := map[string]bool{}
	for r := keys.InputsChanged; r <= keys.TooOld; r++ {
		if words := r.String(); words == keys.Reason(0).String() || seen[words] {
			t.Errorf("reason %d has no words of its own: %q", r, words)
		} else {
			seen[words] = true
		}
	}
}
