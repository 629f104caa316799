package pluginserver

import (
	"context"
	"sync/atomic"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/detach"
)

// requestContext is the context of one request of the CLI, and lets go of everything that hangs on
// it (loggers, headers, 13 kB in all) once the request is answered. It is cancelled with its
// parent, and on release.
type requestContext struct {
	context.Context //nolint:containedctx // a context is what this is

	parent atomic.Pointer[context.Context]
}

// newRequestContext returns a context for one request, and what releases it.
func newRequestContext(parent context.Context) (*requestContext, func()) {
	own, cancel := context.WithCancel(context.Background())
	c := &requestContext{Context: own}
	c.parent.Store(&parent)
	stop := context.AfterFunc(parent, cancel)

	return c, func() {
		stop()
		cancel()
		c.parent.Store(nil)
	}
}

// inRequest answers a request in a context of its own.
func inRequest[Request, Response any](ctx context.Context, req Request,
	answer func(context.Context, Request) (Response, error),
) (Response, error) {
	request, release := newRequestContext(ctx)
	defer release()

	return answer(request, req)
}

// Value asks the own context first, which is what cancels those below, and then the parent as long
// as the request lasts.
func (c *requestContext) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	if parent := c.parent.Load(); parent != nil {
		if key == (detach.Key{}) {
			return *parent
		}

		return (*parent).Value(key)
	}

	return nil
}
