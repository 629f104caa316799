package sfsim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// A stopped clock moves only when it is said to, and by exactly that; a running one goes on from
// wherever it was set.
func TestClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock sfsim.Clock
		noon := time.Date(2031, 2, 3, 12, 0, 0, 0, time.FixedZone("CET", 3600))
		at := func(when string, want time.Time) {
			t.Helper()
			if got := clock.Now(); !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("%s: %v, want %v in UTC", when, got, want)
			}
		}
		at("new", time.Now())
		clock.Set(noon)
		time.Sleep(time.Minute)
		at("running on", noon.Add(time.Minute))
		clock.Advance(-time.Hour)
		at("back", noon.Add(-59*time.Minute))

		clock.Stop()
		time.Sleep(time.Hour)
		at("stopped", noon.Add(-59*time.Minute))
		clock.Advance(59 * time.Minute)
		at("stopped and advanced", noon)
		clock.Set(noon.Add(time.Second))
		time.Sleep(time.Hour)
		at("stopped and set", noon.Add(time.Second))
		clock.Stop()
		at("stopped twice", noon.Add(time.Second))
	})
}
