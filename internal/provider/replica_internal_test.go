package provider

import (
	"context"
	"testing"
)

// What a reading lacks is looked for in new ones, a few times in a run, before it is taken for
// gone.
func TestSight(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// plan is what the shared reading shows, writes are what new ones show, the last for good.
		plan   int
		writes []int
		want   int
		found  bool
		news   int
	}{
		"at once":      {7, nil, 7, true, 0},
		"in a new one": {0, []int{7}, 7, true, 1},
		"late":         {0, []int{0, 7}, 7, true, 2},
		"never":        {0, []int{0}, 0, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, news := &Data{options: options{sleep: atOnce}}, 0
			shared := func(context.Context) (int, error) { return test.plan, nil }
			fresh := func(context.Context) (int, error) {
				news++

				return test.writes[min(news, len(test.writes))-1], nil
			}
			seven := func(n int) bool { return n == 7 }
			got, found, err := sight(t.Context(), d, shared, fresh, seven)
			if err != nil || got != test.want || found != test.found || news != test.news {
				t.Errorf("found %d, %t after %d new readings, %v", got, found, news, err)
			}
			if test.found {
				return
			}
			// The patience of a run is spent once.
			if _, found, err := sight(t.Context(), d, shared, fresh, seven); err != nil || found || news != test.news {
				t.Errorf("found %t after %d new readings, %v", found, news, err)
			}
		})
	}
}
