package salesforce

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// roundTrip is a transport in memory.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func page(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// inMemory is a client over a transport in memory, with the real clock of the
// bubble that it is made in.
func inMemory(t *testing.T, transport roundTrip, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		InstanceURL: "https://x.my.salesforce.com", Transport: transport, MaxRetries: 4,
		Auth: AccessToken{Token: secret.NewText(testToken)},
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		release := make(chan struct{})
		c := inMemory(t, func(*http.Request) (*http.Response, error) {
			running.Add(1)
			defer running.Add(-1)
			<-release
			return page(200, emptyPage), nil
		})
		var group sync.WaitGroup
		for range 3 * maxConcurrent {
			group.Go(func() {
				if _, err := c.ListTenantSecrets(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		// Every call is now sent, or waits for its turn.
		synctest.Wait()
		if n := running.Load(); n != maxConcurrent {
			t.Errorf("%d requests at once, want %d", n, maxConcurrent)
		}
		close(release)
		group.Wait()
	})
}

// TestPausesFreeTheirPlace: a call that waits for its next attempt must not
// keep others from being sent.
func TestPausesFreeTheirPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Int32
		c := inMemory(t, func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.RawQuery, "Busy") && busy.Add(1) <= maxConcurrent {
				resp := page(503, ``)
				resp.Header.Set("Retry-After", "30")
				return resp, nil
			}
			return page(200, emptyPage), nil
		})
		var group sync.WaitGroup
		for range maxConcurrent {
			group.Go(func() {
				if _, err := c.Query(t.Context(), "SELECT Id FROM Busy", false); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		before := time.Now()
		if _, err := c.Query(t.Context(), "SELECT Id FROM Other", false); err != nil {
			t.Error(err)
		}
		if waited := time.Since(before); waited != 0 {
			t.Errorf("another call waited for %s", waited)
		}
		group.Wait()
		if waited := time.Since(before); waited < 30*time.Second {
			t.Errorf("the server asked for 30 s, the retries came after %s", waited)
		}
	})
}

// TestStallsEnd: a server that never answers costs one timeout an attempt.
func TestStallsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts atomic.Int32
		c := inMemory(t, func(r *http.Request) (*http.Response, error) {
			attempts.Add(1)
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, withTimeout(time.Minute))
		start := time.Now()
		_, err := c.ListTenantSecrets(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no reply within 1m0s") {
			t.Errorf("error %v", err)
		}
		if n := attempts.Load(); n != 5 {
			t.Errorf("%d attempts, want 5", n)
		}
		if waited := time.Since(start); waited < 5*time.Minute || waited > 5*time.Minute+5*backoffMax {
			t.Errorf("waited for %s", waited)
		}
	})
}

// TestStallInABody: the timeout covers the body, too.
func TestStallInABody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, func(r *http.Request) (*http.Response, error) {
			resp := page(201, ``)
			reader, writer := io.Pipe()
			go func() {
				_, _ = io.WriteString(writer, `{"id":"02GB0000`)
				<-r.Context().Done()
				_ = writer.CloseWithError(r.Context().Err())
			}()
			resp.Body = reader
			return resp, nil
		}, withTimeout(time.Minute))
		_, err := c.CreateTenantSecret(t.Context(), upload)
		if !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("error %v, want an unknown outcome", err)
		}
	})
}

// TestLateCallFindsTheSessionRenewed: a call that was sent with the old token,
// and hears of its end after another call has renewed it, takes the new one.
func TestLateCallFindsTheSessionRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logins atomic.Int32
		late := make(chan struct{})
		c := inMemory(t, func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Path == tokenPath:
				n := logins.Add(1)
				return page(200, `{"access_token":"token`+strconv.Itoa(int(n))+`"}`), nil
			case r.Header.Get("Authorization") != "Bearer token1":
				return page(200, emptyPage), nil
			case strings.Contains(r.URL.RawQuery, "Late"):
				<-late
			}
			return page(401, expired), nil
		}, func(cfg *Config) {
			cfg.Auth = ClientCredentials{ClientID: "app", ClientSecret: secret.NewText(testSecret)}
		})
		var group sync.WaitGroup
		if _, err := c.authorize(t.Context()); err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			if _, err := c.Query(t.Context(), "SELECT Id FROM Late", false); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if _, err := c.Query(t.Context(), "SELECT Id FROM Early", false); err != nil {
			t.Error(err)
		}
		close(late)
		group.Wait()
		if n := logins.Load(); n != 2 {
			t.Errorf("%d logins, want 2", n)
		}
	})
}

// TestRequestsCanNotBeReplayed: with GetBody, or an idempotency key, net/http
// repeats a request by itself.
func TestRequestsCanNotBeReplayed(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	c := inMemory(t, func(r *http.Request) (*http.Response, error) {
		requests.Add(1)
		if r.GetBody != nil || r.Header["Idempotency-Key"] != nil || r.Header["X-Idempotency-Key"] != nil {
			t.Errorf("%s %s can be replayed", r.Method, r.URL.Path)
		}
		return page(400, `[{"errorCode":"X","message":"m"}]`), nil
	}, func(cfg *Config) { cfg.APIVersion = "63.0" })
	for name, do := range everyCall {
		if err := do(t.Context(), c); err == nil && name != "session" {
			t.Errorf("%s: no error", name)
		}
	}
	if n := int(requests.Load()); n < len(everyCall)-1 {
		t.Errorf("%d requests of %d calls", n, len(everyCall))
	}
}

// TestForeignTransportIsNotTrusted: a transport that is not this package's own
// may not say whether it connected, so all but a failed dial is ambiguous.
func TestForeignTransportIsNotTrusted(t *testing.T) {
	t.Parallel()
	c := inMemory(t, func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	if _, err := c.CreateTenantSecret(t.Context(), upload); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("error %v, want an unknown outcome", err)
	}
}

// TestLimitIsReportedOnce: the calls under way when the limit is met all fail with
// the first answer.
func TestLimitIsReportedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const calls = 4
		release := make(chan struct{})
		var requests atomic.Int32
		log := &events{}
		c := inMemory(t, func(*http.Request) (*http.Response, error) {
			n := requests.Add(1)
			<-release
			resp := page(403, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`)
			resp.Header.Set("X-Request-Id", strconv.Itoa(int(n)))
			return resp, nil
		}, func(cfg *Config) { cfg.Events = log.add })
		failures := make(chan error, calls)
		for range calls {
			go func() {
				_, err := c.ListTenantSecrets(t.Context())
				failures <- err
			}()
		}
		synctest.Wait()
		close(release)
		texts := map[string]bool{}
		for range calls {
			err := <-failures
			if !errors.Is(err, ErrRequestLimit) {
				t.Errorf("error %v", err)
				continue
			}
			texts[err.Error()] = true
		}
		if len(texts) != 1 {
			t.Errorf("the limit is described in %d ways", len(texts))
		}
		if n := len(log.of(EventLimitReached)); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		if _, err := c.ListTenantSecrets(t.Context()); !errors.Is(err, ErrRequestLimit) {
			t.Errorf("a later call: %v", err)
		}
		if n := requests.Load(); n != calls {
			t.Errorf("%d requests, want %d", n, calls)
		}
	})
}

// TestLimitStopsWhatWaits: calls that wait for their place when the limit is met are not sent any
// more.
func TestLimitStopsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const calls = 10 * maxConcurrent
		release := make(chan struct{})
		var requests atomic.Int32
		c := inMemory(t, func(*http.Request) (*http.Response, error) {
			requests.Add(1)
			<-release
			return page(403, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`), nil
		})
		var group sync.WaitGroup
		for range calls {
			group.Go(func() {
				if _, err := c.ListTenantSecrets(t.Context()); !errors.Is(err, ErrRequestLimit) {
					t.Errorf("error %v", err)
				}
			})
		}
		// Every call is now sent, or waits for its place.
		synctest.Wait()
		close(release)
		group.Wait()
		if n := requests.Load(); n != maxConcurrent {
			t.Errorf("%d requests, want the %d that were under way when the limit was met", n, maxConcurrent)
		}
	})
}
