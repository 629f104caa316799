package salesforce_test

import (
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

func TestSameID(t *testing.T) {
	t.Parallel()

	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"02GB0000000HYswMAG", "02GB0000000HYsw", true},
		{"02GB0000000HYswMAG", "02GB0000000HYswMAG", true},
		{"02GB0000000HYswMAG", "02GB0000000HYsWMAG", false},
		{"02GB0000000HYsw", "02GB0000000HYsx", false},
		{"", "", true},
		{"", "02GB0000000HYsw", false},
		{"02G", "02G", true},
	} {
		if got := salesforce.SameID(tc.a, tc.b); got != tc.want {
			t.Errorf("%q and %q: %v", tc.a, tc.b, got)
		}
	}
}
