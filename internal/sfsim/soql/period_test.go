package soql_test

import (
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// TestDateLiterals probes each literal on both of its edges: the days are the
// first one in the span and the first one after it.
func TestDateLiterals(t *testing.T) {
	t.Parallel()
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	for _, tc := range []struct {
		literal    string
		start, end time.Time
	}{
		{"YESTERDAY", date(2026, 8, 18), date(2026, 8, 19)},
		{"TODAY", date(2026, 8, 19), date(2026, 8, 20)},
		{"TOMORROW", date(2026, 8, 20), date(2026, 8, 21)},
		{"LAST_WEEK", date(2026, 8, 9), date(2026, 8, 16)},
		{"THIS_WEEK", date(2026, 8, 16), date(2026, 8, 23)},
		{"NEXT_WEEK", date(2026, 8, 23), date(2026, 8, 30)},
		{"LAST_MONTH", date(2026, 7, 1), date(2026, 8, 1)},
		{"THIS_MONTH", date(2026, 8, 1), date(2026, 9, 1)},
		{"NEXT_MONTH", date(2026, 9, 1), date(2026, 10, 1)},
		{"LAST_90_DAYS", date(2026, 5, 21), date(2026, 8, 20)},
		{"NEXT_90_DAYS", date(2026, 8, 20), date(2026, 11, 18)},
		{"LAST_QUARTER", date(2026, 4, 1), date(2026, 7, 1)},
		{"THIS_QUARTER", date(2026, 7, 1), date(2026, 10, 1)},
		{"NEXT_QUARTER", date(2026, 10, 1), date(2027, 1, 1)},
		{"LAST_YEAR", date(2025, 1, 1), date(2026, 1, 1)},
		{"THIS_YEAR", date(2026, 1, 1), date(2027, 1, 1)},
		{"NEXT_YEAR", date(2027, 1, 1), date(2028, 1, 1)},
		{"THIS_FISCAL_QUARTER", date(2026, 7, 1), date(2026, 10, 1)},
		{"LAST_FISCAL_YEAR", date(2025, 1, 1), date(2026, 1, 1)},
		{"LAST_N_DAYS:0", date(2026, 8, 19), date(2026, 8, 20)},
		{"LAST_N_DAYS:30", date(2026, 7, 20), date(2026, 8, 20)},
		{"NEXT_N_DAYS:2", date(2026, 8, 20), date(2026, 8, 22)},
		{"N_DAYS_AGO:7", date(2026, 8, 12), date(2026, 8, 13)},
		{"LAST_N_WEEKS:2", date(2026, 8, 2), date(2026, 8, 16)},
		{"NEXT_N_WEEKS:1", date(2026, 8, 23), date(2026, 8, 30)},
		{"N_WEEKS_AGO:1", date(2026, 8, 9), date(2026, 8, 16)},
		{"LAST_N_MONTHS:8", date(2025, 12, 1), date(2026, 8, 1)},
		{"NEXT_N_MONTHS:5", date(2026, 9, 1), date(2027, 2, 1)},
		{"N_MONTHS_AGO:12", date(2025, 8, 1), date(2025, 9, 1)},
		{"LAST_N_QUARTERS:3", date(2025, 10, 1), date(2026, 7, 1)},
		{"NEXT_N_QUARTERS:2", date(2026, 10, 1), date(2027, 4, 1)},
		{"N_QUARTERS_AGO:4", date(2025, 7, 1), date(2025, 10, 1)},
		{"LAST_N_YEARS:5", date(2021, 1, 1), date(2026, 1, 1)},
		{"NEXT_N_YEARS:1", date(2027, 1, 1), date(2028, 1, 1)},
		{"N_YEARS_AGO:2", date(2024, 1, 1), date(2025, 1, 1)},
		{"LAST_N_FISCAL_QUARTERS:1", date(2026, 4, 1), date(2026, 7, 1)},
		{"N_FISCAL_YEARS_AGO:1", date(2025, 1, 1), date(2026, 1, 1)},
	} {
		t.Run(tc.literal, func(t *testing.T) {
			t.Parallel()
			q, err := soql.Parse("SELECT Id FROM TenantSecret WHERE CreatedDate = " + tc.literal)
			if err != nil {
				t.Fatal(err)
			}
			for _, probe := range []struct {
				at   time.Time
				want int
			}{
				{tc.start.Add(-time.Second), 0},
				{tc.start, 1},
				{tc.end.Add(-time.Second), 1},
				{tc.end, 0},
			} {
				result, err := q.Run(org(), func(string) []soql.Row {
					return []soql.Row{{"Id": first, "CreatedDate": probe.at}}
				}, now)
				if err != nil {
					t.Fatal(err)
				}
				if result.TotalSize != probe.want {
					t.Errorf("%s: %d rows, want %d", probe.at.Format(time.RFC3339), result.TotalSize, probe.want)
				}
			}
		})
	}
}
