package salesforce

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

// Client talks to one org. It is safe for concurrent use.
type Client struct {
	auth               Authenticator
	instance           *url.URL
	apiVersion         string
	apiNumber          int
	clock              serverClock
	wantedOrganization string
	maxRetries         int
	timeout            time.Duration
	userAgent          string
	events             func(context.Context, Event)

	reads, writes *http.Client
	// traced says that the transports are this package's own, so that
	// httptrace reports reliably whether a connection was obtained.
	traced bool
	slots  chan struct{}

	logins  singleflight.Group
	current atomic.Pointer[grant]
	// pair is the place, in the list of pairs, of the one that the last JWT login worked with.
	pair atomic.Int32
	// hidden knows what no text of the server may show.
	hidden atomic.Pointer[redact.Redactor]

	// maxRows and maxQuery bound the pages of one query together, in rows and in bytes.
	maxRows  int
	maxQuery int64

	limits   limits
	stopOnce sync.Once
	stop     atomic.Pointer[RequestLimitError]

	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	jitter func(time.Duration) time.Duration
	bound  func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}

// APIVersion is the version that every call uses, such as "62.0".
func (c *Client) APIVersion() string { return c.apiVersion }

// InstanceURL is the URL that requests go to: the configured one, else that of
// the token reply, "" before the first login.
func (c *Client) InstanceURL() string {
	if c.instance != nil {
		return c.instance.String()
	}
	if g := c.current.Load(); g != nil {
		return g.base.String()
	}
	return ""
}

// Usage is the newest Sforce-Limit-Info: the org's API calls of the last 24
// hours, and how many it may make. ok is false before a reply had the header.
func (c *Client) Usage() (used, limit int64, ok bool) { return c.limits.usage() }

// hide adds secrets to those that are taken out of every text of the server.
func (c *Client) hide(secrets ...string) {
	for {
		known := c.hidden.Load()
		if c.hidden.CompareAndSwap(known, known.With(secrets...)) {
			return
		}
	}
}

// redactor knows the secrets of this client, and those of one call.
func (c *Client) redactor(sensitive ...string) *redact.Redactor {
	return c.hidden.Load().With(sensitive...)
}

// dataPath is a path below /services/data/vXX.X.
func (c *Client) dataPath(suffix string) string {
	return "/services/data/v" + c.apiVersion + suffix
}

// sleepContext waits for d, or until ctx is done.
func sleepContext(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// APINumber returns the whole number of the API version that every call uses.
func (c *Client) APINumber() int { return c.apiNumber }
