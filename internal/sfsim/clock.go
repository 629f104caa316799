package sfsim

import (
	"sync"
	"time"
)

// Clock is the simulator's idea of the time. It runs with the real clock, shifted by what Advance and Set added; every
// date, interval and expiry of the simulated org follows it. The one exception is OAuth, whose assertions are stamped by
// the real clock of the client.
type Clock struct {
	mu    sync.Mutex
	shift time.Duration
}

// Now returns the simulated time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.shift).UTC().Round(0)
}

// Advance moves the clock forward (or back, when d is negative).
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift += d
}

// Set makes t the present. The clock runs on from there.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift = time.Until(t)
}
