package sfsim

import (
	"sync"
	"time"
)

// Clock is the simulator's idea of the time. It runs with the real clock, shifted by what Advance
// and Set added, until Stop; every date, interval and expiry of the simulated org follows it. The
// one exception is OAuth, whose assertions are stamped by the real clock of the client.
type Clock struct {
	mu    sync.Mutex
	shift time.Duration
	// still is the time at which the clock stands, zero while it runs.
	still time.Time
}

// Now returns the simulated time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if !c.still.IsZero() {
		return c.still
	}
	return time.Now().Add(c.shift).UTC().Round(0)
}

// Stop makes the clock stand still: from now on only Advance and Set move it. What a test asks
// right before or after a date then has that answer on any machine.
func (c *Clock) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.still = c.now()
}

// Advance moves the clock forward (or back, when d is negative).
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift += d
	if !c.still.IsZero() {
		c.still = c.still.Add(d)
	}
}

// Set makes t the present. The clock runs on from there, unless it was stopped.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift = time.Until(t)
	if !c.still.IsZero() {
		c.still = t.UTC().Round(0)
	}
}
