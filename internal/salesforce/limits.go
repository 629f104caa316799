package salesforce

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// limitHeader holds the org's API usage on each reply [D RESTdoc].
const limitHeader = "Sforce-Limit-Info"

// limits keeps the newest Sforce-Limit-Info header.
type limits struct {
	mu          sync.Mutex
	header      string
	used, limit int64
	known       bool
	// warned says that the event was sent, given that LimitWarning was.
	warned, given bool
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

// note takes the header of a reply, and reports in a sentence whether less than
// 5 % of the calls are left for the first time.
func (l *limits) note(header string) (message string, low bool) {
	if header == "" {
		return "", false
	}
	used, limit, ok := parseLimitInfo(header)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.header = header
	if !ok {
		return "", false
	}
	l.used, l.limit, l.known = used, limit, true
	// A difference of two non-negative numbers can't overflow, 20 times it could.
	if limit > 0 && limit-used < (limit+19)/20 && !l.warned { // 5 %, rounded up
		l.warned = true
		return l.low(), true
	}
	return "", false
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

// low returns the sentence that says how few calls are left.
func (l *limits) low() string {
	return fmt.Sprintf("%d of the org's %d API calls of the last 24 hours are used: less than 5 %% are left", l.used,
		l.limit)
}

// takeWarning gives the sentence to one caller, once the replies have shown that less than 5 % are
// left.
func (l *limits) takeWarning() (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.warned || l.given {
		return "", false
	}
	l.given = true
	return l.low(), true
}

// LimitWarning returns, to the first caller after it became so, the sentence that less than 5 % of
// the org's daily API calls are left. Every other call returns false, so that a run over many
// resources warns once.
func (c *Client) LimitWarning() (string, bool) { return c.limits.takeWarning() }

// RequestLimit is the error that ends every call once the org has refused one for its request
// limit, nil before.
func (c *Client) RequestLimit() *RequestLimitError { return c.stop.Load() }

// noteReply takes what the header of every reply holds besides its body: the org's clock and its
// limits.
func (c *Client) noteReply(ctx context.Context, r *reply) {
	c.clock.note(r.header, c.now())
	if message, low := c.limits.note(r.text.Text(r.header.Get(limitHeader), maxHeader)); low {
		c.emit(ctx, Event{Kind: EventLimitLow, Message: message})
	}
}

// stopAtLimit ends the work of the whole client. Only the first call that
// meets the limit is reported by an event.
func (c *Client) stopAtLimit(ctx context.Context, e *Error) error {
	c.stopOnce.Do(func() {
		stop := &RequestLimitError{Usage: c.limits.text(), Err: e}
		c.stop.Store(stop)
		c.emit(ctx, Event{Kind: EventLimitReached, Method: e.Method, Path: e.Path, Status: e.Status, Message: stop.Error()})
	})
	return c.stop.Load()
}
