package salesforce

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// limits keeps the newest Sforce-Limit-Info header.
type limits struct {
	mu          sync.Mutex
	header      string
	used, limit int64
	known       bool
	warned      bool
}

// parseLimitInfo reads "api-usage=10018/100000", which may be followed by other
// entries after a semicolon [D RESTdoc; the per-app entry is R].
func parseLimitInfo(header string) (used, limit int64, ok bool) {
	for entry := range strings.SplitSeq(header, ";") {
		value, found := strings.CutPrefix(strings.TrimSpace(entry), "api-usage=")
		if !found {
			continue
		}
		u, l, found := strings.Cut(value, "/")
		if !found {
			return 0, 0, false
		}
		used, err := strconv.ParseInt(strings.TrimSpace(u), 10, 64)
		if err != nil || used < 0 {
			return 0, 0, false
		}
		limit, err = strconv.ParseInt(strings.TrimSpace(l), 10, 64)
		if err != nil || limit < 0 {
			return 0, 0, false
		}
		return used, limit, true
	}
	return 0, 0, false
}

// note takes the header of a reply, and reports whether less than 5 % of the
// calls are left for the first time.
func (l *limits) note(h http.Header) (low bool) {
	header := h.Get("Sforce-Limit-Info")
	if header == "" {
		return false
	}
	used, limit, ok := parseLimitInfo(header)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.header = cleanText(header, nil)
	if !ok {
		return false
	}
	l.used, l.limit, l.known = used, limit, true
	// A difference of two non-negative numbers can't overflow, 20 times it could.
	if limit > 0 && limit-used < (limit+19)/20 && !l.warned {
		l.warned = true
		return true
	}
	return false
}

func (l *limits) usage() (used, limit int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.used, l.limit, l.known
}

func (l *limits) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.header
}

// noteReply takes what the header of every reply tells beside its body: the org's clock and its limits.
func (c *Client) noteReply(ctx context.Context, h http.Header) {
	c.clock.note(h, c.now())
	if c.limits.note(h) {
		used, limit, _ := c.limits.usage()
		c.emit(ctx, Event{
			Kind:    EventLimitLow,
			Message: fmt.Sprintf("%d of the org's %d API calls of the last 24 hours are used: less than 5 %% are left", used, limit),
		})
	}
}

// stopAtLimit ends the work of the whole client. Only the first call that
// meets the limit is told by an event.
func (c *Client) stopAtLimit(ctx context.Context, e *Error) error {
	c.stopOnce.Do(func() {
		stop := &RequestLimitError{Usage: c.limits.text(), Err: e}
		c.stop.Store(stop)
		c.emit(ctx, Event{Kind: EventLimitReached, Method: e.Method, Path: e.Path, Status: e.Status, Message: stop.Error()})
	})
	return c.stop.Load()
}
