package salesforce

import (
	"net/http"
	"sync/atomic"
	"time"
)

// serverClock follows the org's clock by the Date headers of its replies.
type serverClock struct {
	// ahead is how far the org's clock was ahead of this machine's at the last reply, in nanoseconds.
	ahead atomic.Int64
}

// note takes the header of a reply.
func (s *serverClock) note(h http.Header, local time.Time) {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		s.ahead.Store(int64(at.Sub(local)))
	}
}

// Now returns the org's time as its replies have shown it, to the second; before the first reply it
// is this machine's. Ages and expiries are judged by it, so that a wrong clock on a runner neither
// rotates a key nor refuses a certificate.
func (c *Client) Now() time.Time {
	return c.now().Add(time.Duration(c.clock.ahead.Load()))
}
