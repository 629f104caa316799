package salesforce

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func TestReadIsRepeated(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"reset":         hangUp,
		"timeout":       stall,
		"429":           answer(429, ``),
		"500":           fault(500, "UNKNOWN_EXCEPTION", "boom"),
		"502 html":      answer(502, `<html>bad gateway</html>`),
		"503":           fault(503, "SERVER_UNAVAILABLE", "busy"),
		"503 html":      answer(503, `<html>maintenance</html>`),
		"504":           answer(504, ``),
		"420 html":      answer(420, `<html>no route</html>`),
		"lock":          fault(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
		"maintenance":   fault(503, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "later"),
		"truncated":     truncated(200, `{"totalSize":0,"do`),
		"malformed":     answer(200, `{"totalSize":0,`),
		"400 page":      answer(400, `<html>busy</html>`),
		"metering":      fault(400, "TXN_SECURITY_METERING_ERROR", "try again"),
		"query timeout": fault(400, "QUERY_TIMEOUT", "Your query request was running for too long."),
		"server, 400":   fault(400, "SERVER_UNAVAILABLE", "busy"),
		"server, 403":   fault(403, "SERVER_UNAVAILABLE", "busy"),
		"concurrent": fault(403, "REQUEST_LIMIT_EXCEEDED",
			"ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "Sforce-Limit-Info", "api-usage=120/100000"),
		"concurrent full": fault(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.",
			"Sforce-Limit-Info", "api-usage=100000/100000"),
		"limit, but far": fault(403, "REQUEST_LIMIT_EXCEEDED", "too much at once", "Sforce-Limit-Info",
			"api-usage=120/100000"),
		"empty body":     answer(200, ``),
		"truncated 503":  truncated(503, `[{"message":`),
		"expired":        answer(401, expired),
		"expired, short": truncated(401, `[{`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, first, answer(200, emptyPage))
			c, _, _ := o.client(withTimeout(2 * time.Second))
			list, err := c.ListTenantSecrets(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(list.Records) != 0 {
				t.Errorf("records: %v", list.Records)
			}
			if n := len(o.seen()); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
}

func TestReadIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first http.HandlerFunc
		is    error
		text  string
	}{
		"400": {
			fault(400, "MALFORMED_QUERY", "unexpected token"), nil,
			"HTTP 400 Bad Request: MALFORMED_QUERY: unexpected token",
		},
		"INVALID_TYPE": {
			fault(400, "INVALID_TYPE", "sObject type 'TenantSecret' is not supported"), ErrPermission,
			"INVALID_TYPE",
		},
		"404": {fault(404, "NOT_FOUND", "The requested resource does not exist"), ErrNotFound, "NOT_FOUND"},
		"403": {
			fault(403, "INSUFFICIENT_ACCESS", "insufficient access rights"), ErrPermission,
			"INSUFFICIENT_ACCESS",
		},
		"501": {answer(501, ``), ErrUnavailable, "501"},
		"redirect": {
			answer(302, ``, "Location", "https://evil.example/"), nil,
			"a redirect, which is never followed",
		},
		"wrong schema": {answer(200, `{"records":{}}`), nil, "unexpected type"},
		"other object": {answer(200, `{"hello":1}`), nil, "totalSize or done is missing"},
		"session not for it": {
			fault(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
			ErrUnauthorized, "not valid for use",
		},
		"page": {answer(200, `<html>login</html>`), ErrWrongHost, "not the org's My Domain"},
		"page as JSON": {
			answer(200, " \n<!DOCTYPE HTML><title>x", "Content-Type", "application/json"), ErrWrongHost,
			"with a page",
		},
		"403 page":         {answer(403, `<html>`), nil, "text/html"},
		"404 page":         {answer(404, `<html>`), ErrWrongHost, "not the org's My Domain"},
		"405 of a gateway": {answer(405, `{"message":""}`), ErrWrongHost, "not the org's My Domain"},
		"moved": {
			answer(301, ``, "Location", "https://new-name.my.salesforce.com/x?y"), ErrWrongHost,
			"it points to new-name.my.salesforce.com",
		},
		"moved, but where": {answer(302, ``, "Location", "/login?token=x"), ErrWrongHost, "not the org's My Domain"},
		"switch protocols": {answer(101, ``, "Connection", "Upgrade", "Upgrade", "x"), ErrWrongHost, "HTTP 101"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, tc.first)
			c, _, _ := o.client()
			_, err := c.ListTenantSecrets(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("error %v, want %q in it", err, tc.text)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("error %v is not %v", err, tc.is)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			if n := o.loginCount(); n != 1 {
				t.Errorf("%d logins, want 1", n)
			}
		})
	}
}

func TestReadGivesUp(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(503, `<html>x</html>`))
	c, p, log := o.client()
	_, err := c.ListTenantSecrets(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Status != 503 || !errors.Is(err, ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	if strings.Contains(err.Error(), "<html>") {
		t.Errorf("the error quotes the body: %v", err)
	}
	if n := len(o.seen()); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
	want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}
	if diff := cmp.Diff(want, p.all()); diff != "" {
		t.Errorf("pauses: %s", diff)
	}
	if n := len(log.of(EventRetry)); n != 3 {
		t.Errorf("%d retry events, want 3", n)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		value string
		want  time.Duration
	}{
		"seconds":   {"7", 7 * time.Second},
		"date":      {now.Add(9 * time.Second).Format(http.TimeFormat), 9 * time.Second},
		"past date": {now.Add(-time.Hour).Format(http.TimeFormat), 250 * time.Millisecond},
		"negative":  {"-5", 250 * time.Millisecond},
		"capped":    {"86400", time.Minute},
		"nonsense":  {"soon", 250 * time.Millisecond},
		"overflow":  {"99999999999999999999", 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, answer(503, ``, "Retry-After", tc.value, "Date", now.Format(http.TimeFormat)),
				answer(200, emptyPage))
			c, p, _ := o.client()
			if _, err := c.ListTenantSecrets(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]time.Duration{tc.want}, p.all()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWriteIsRepeatedOnlyWhereCertain(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"429":         fault(429, "TOO_MANY_REQUESTS", "slow down", "Retry-After", "1"),
		"lock":        fault(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"),
		"maintenance": fault(400, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "later"),
		"401":         answer(401, expired),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(createRoute, first, answer(201, created))
			c, _, _ := o.client()
			id, err := c.CreateTenantSecret(t.Context(), upload)
			if err != nil || id != testRecord {
				t.Fatalf("%q, %v", id, err)
			}
			requests := o.seen()
			if len(requests) != 2 || requests[0].body != requests[1].body {
				t.Errorf("requests: %v", requests)
			}
		})
	}
}

func TestWriteOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"reset":         hangUp,
		"timeout":       stall,
		"500":           fault(500, "UNKNOWN_EXCEPTION", "boom"),
		"501":           answer(501, ``),
		"502 html":      answer(502, `<html>bad gateway</html>`),
		"503":           fault(503, "SERVER_UNAVAILABLE", "busy", "Retry-After", "1"),
		"420":           answer(420, `<html>no route</html>`),
		"403 html":      answer(403, `<html>some proxy</html>`),
		"403 text":      answer(403, `blocked`, "Content-Type", "text/plain"),
		"408":           answer(408, ``, "Content-Type", ""),
		"401 html":      answer(401, `<html>some gateway</html>`),
		"302 html":      answer(302, `<html>some portal</html>`, "Location", "https://portal.example/"),
		"303":           answer(303, ``, "Location", "/elsewhere"),
		"307":           answer(307, `<html>`, "Location", "/elsewhere"),
		"308 array":     fault(308, "X", "moved", "Location", "/elsewhere"),
		"400 object":    answer(400, `{"error":"x","error_description":"y"}`),
		"400 foreign":   answer(400, `{"message":"m","errorCode":"X"}`),
		"400 nothing":   answer(400, ``),
		"400 truncated": truncated(400, `[{"mes`),
		"401 truncated": truncated(401, `[{"mess`),
		"401 nothing":   answer(401, ``),
		"408 array":     fault(408, "REQUEST_TIMEOUT", "too slow"),
		"429 nothing":   answer(429, ``, "Retry-After", "1"),
		"500 limit":     fault(500, "REQUEST_LIMIT_EXCEEDED", "?"),
		"500 lock":      fault(500, "UNABLE_TO_LOCK_ROW", "locked"),
		"503 session":   fault(503, "INVALID_SESSION_ID", "?"),
		"not created": answer(200,
			`{"success":false,"errors":[{"statusCode":"LIMIT_EXCEEDED","message":"50 keys","fields":["Type"]}]}`),
		"200 array":           answer(200, expired),
		"201 truncated":       truncated(201, `{"id":"02GB000`),
		"201 malformed":       answer(201, `{"id":`),
		"201 html":            answer(200, `<html>hello</html>`),
		"201 without id":      answer(201, `{"success":true,"errors":[]}`),
		"201 with another id": answer(201, `{"id":"nonsense","success":true,"errors":[]}`),
		"204":                 answer(204, ``),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(createRoute, first)
			c, _, _ := o.client(withTimeout(2 * time.Second))
			before := time.Now()
			_, err := c.CreateTenantSecret(t.Context(), upload)
			var unknown *OutcomeUnknownError
			if !errors.As(err, &unknown) || !errors.Is(err, ErrOutcomeUnknown) {
				t.Fatalf("error %v, want an unknown outcome", err)
			}
			if unknown.Method != http.MethodPost || unknown.Path != "/services/data/v62.0/sobjects/TenantSecret" {
				t.Errorf("request %s %s", unknown.Method, unknown.Path)
			}
			if unknown.SentAt.Before(before) || unknown.SentAt.After(time.Now()) {
				t.Errorf("sent at %s", unknown.SentAt)
			}
			if strings.Contains(err.Error(), upload.SecretValue) || strings.Contains(err.Error(), "<html>") {
				t.Errorf("the error quotes a body: %v", err)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests: a write of unknown outcome was repeated", n)
			}
		})
	}
}

func TestWriteRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first http.HandlerFunc
		text  string
	}{
		"400": {fault(400, "FIELD_INTEGRITY_EXCEPTION", "not yet"), "FIELD_INTEGRITY_EXCEPTION: not yet"},
		"403": {fault(403, "INSUFFICIENT_ACCESS", "no"), "INSUFFICIENT_ACCESS: no"},
		"404": {fault(404, "NOT_FOUND", "gone"), "NOT_FOUND: gone"},
		"405": {fault(405, "METHOD_NOT_ALLOWED", "POST"), "METHOD_NOT_ALLOWED: POST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(createRoute, tc.first)
			c, _, _ := o.client()
			_, err := c.CreateTenantSecret(t.Context(), upload)
			var e *Error
			if !errors.As(err, &e) || errors.Is(err, ErrOutcomeUnknown) || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("error %v", err)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// TestWriteIsNeverReplayedByNetHTTP lets a server close a kept connection just
// as the next request arrives on it, which makes net/http repeat what it takes
// for repeatable.
func TestWriteIsNeverReplayedByNetHTTP(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	o := newOrg(t)
	o.on(queryRoute, answer(200, emptyPage))
	o.on(createRoute, func(w http.ResponseWriter, r *http.Request) {
		posts.Add(1)
		hangUp(w, r)
	})
	for _, transport := range []http.RoundTripper{nil, &http.Transport{}} {
		posts.Store(0)
		c, _, _ := o.client(func(cfg *Config) { cfg.Transport = transport })
		if _, err := c.ListTenantSecrets(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := c.CreateTenantSecret(t.Context(), upload)
		if !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("error %v, want an unknown outcome", err)
		}
		if n := posts.Load(); n != 1 {
			t.Errorf("the POST arrived %d times", n)
		}
	}
}

func TestWritesOpenTheirOwnConnection(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	var mu sync.Mutex
	ports := map[string]int{}
	note := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			ports[r.RemoteAddr]++
			mu.Unlock()
			next(w, r)
		}
	}
	o.on(queryRoute, note(answer(200, emptyPage)))
	o.on(createRoute, note(answer(201, created)))
	c, _, _ := o.client()
	for range 3 {
		if _, err := c.ListTenantSecrets(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateTenantSecret(t.Context(), upload); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	// One kept connection of three reads, three of one write each.
	if len(ports) != 4 {
		t.Errorf("connections: %v", ports)
	}
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for name, transport := range map[string]http.RoundTripper{"own transport": nil, "another": &http.Transport{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, p, _ := newOrg(t).client(withToken, func(cfg *Config) {
				cfg.InstanceURL = address
				cfg.Transport = transport
			})
			_, err := c.CreateTenantSecret(t.Context(), upload)
			var broken *ConnectionError
			if !errors.As(err, &broken) || errors.Is(err, ErrOutcomeUnknown) {
				t.Fatalf("error %v, want a connection error of a write that was not sent", err)
			}
			if n := len(p.all()); n != 3 {
				t.Errorf("%d retries, want 3: nothing was sent", n)
			}
		})
	}
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	t.Run("before a write", func(t *testing.T) {
		t.Parallel()
		o := newOrg(t)
		c, _, _ := o.client(withToken)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.CreateTenantSecret(ctx, upload)
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("error %v", err)
		}
		if n := len(o.seen()); n != 0 {
			t.Errorf("%d requests were sent", n)
		}
	})
	for name, send := range map[string]func(context.Context, *Client) error{
		"during a write": func(ctx context.Context, c *Client) error {
			_, err := c.CreateTenantSecret(ctx, upload)
			return err
		},
		"during an idempotent write": func(ctx context.Context, c *Client) error {
			text := "x"
			return c.UpdateTenantSecret(ctx, testRecord, TenantSecretChange{Description: &text})
		},
		"during a read": func(ctx context.Context, c *Client) error {
			_, err := c.GetTenantSecret(ctx, testRecord)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answer := func(_ http.ResponseWriter, r *http.Request) {
				cancel()
				<-r.Context().Done()
			}
			o.on(createRoute, answer)
			o.on("PATCH "+rowRoute, answer)
			o.on("GET "+rowRoute, answer)
			c, _, _ := o.client(withToken)
			err := send(ctx, c)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v", err)
			}
			if got, want := errors.Is(err, ErrOutcomeUnknown), !strings.HasSuffix(name, "read"); got != want {
				t.Errorf("outcome unknown: %v, want %v (%v)", got, want, err)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func TestIdempotentWrite(t *testing.T) {
	t.Parallel()
	text := "new"
	change := TenantSecretChange{Description: &text}
	t.Run("is repeated", func(t *testing.T) {
		t.Parallel()
		o := newOrg(t)
		o.on("PATCH "+rowRoute, hangUp, answer(503, `<html>`), answer(204, ``))
		c, _, _ := o.client()
		if err := c.UpdateTenantSecret(t.Context(), testRecord, change); err != nil {
			t.Fatal(err)
		}
		if n := len(o.seen()); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
	for name, tc := range map[string]struct {
		last    http.HandlerFunc
		unknown bool
	}{
		"reset":  {hangUp, true},
		"503":    {answer(503, ``), true},
		"429":    {fault(429, "TOO_MANY_REQUESTS", "slow down"), false},
		"429 -":  {answer(429, ``), true},
		"lock":   {fault(400, "UNABLE_TO_LOCK_ROW", "locked"), false},
		"lock 5": {fault(500, "UNABLE_TO_LOCK_ROW", "locked"), true},
	} {
		t.Run("gives up on "+name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("PATCH "+rowRoute, tc.last)
			c, _, _ := o.client()
			err := c.UpdateTenantSecret(t.Context(), testRecord, change)
			if err == nil || errors.Is(err, ErrOutcomeUnknown) != tc.unknown {
				t.Errorf("error %v, unknown outcome wanted: %v", err, tc.unknown)
			}
			if n := len(o.seen()); n != 4 {
				t.Errorf("%d requests, want 4", n)
			}
		})
	}
}

// TestChanged: a change of a record has happened if the status is 204, or the envelope says so.
func TestChanged(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply http.HandlerFunc
		done  bool
	}{
		"204":            {answer(204, ``), true},
		"204 of no type": {answer(204, ``, "Content-Type", ""), true},
		"200 envelope":   {answer(200, created), true},
		"200 broken off": {truncated(200, `{`), false},
		"200 not done": {
			answer(200, `{"id":"`+testRecord+`","success":false,"errors":[{"statusCode":"X","message":"m"}]}`),
			false,
		},
		"200 foreign": {answer(200, `{"status":"ok"}`), false},
		"200 array":   {answer(200, `[{"message":"m","errorCode":"X"}]`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("PATCH "+rowRoute, tc.reply)
			c, _, _ := o.client()
			err := c.DestroyTenantSecret(t.Context(), testRecord)
			if tc.done && err != nil || !tc.done && !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("error %v", err)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// TestPageInPlaceOfAnEmptyReply: Salesforce answers a PATCH with 204 and no body. A page, such as a
// captive portal or a maintenance host sends, is no success, whatever its status.
func TestPageInPlaceOfAnEmptyReply(t *testing.T) {
	t.Parallel()
	text := "new"
	for name, send := range map[string]func(*Client) error{
		"destroy": func(c *Client) error { return c.DestroyTenantSecret(t.Context(), testRecord) },
		"restore": func(c *Client) error {
			return c.RestoreTenantSecret(t.Context(), testRecord, secret.NewText("Q2dNeU16SVM="))
		},
		"reactivate": func(c *Client) error { return c.ReactivateTenantSecret(t.Context(), testRecord) },
		"describe": func(c *Client) error {
			return c.UpdateTenantSecret(t.Context(), testRecord, TenantSecretChange{Description: &text})
		},
	} {
		for kind, page := range map[string]http.HandlerFunc{
			"html":      answer(200, `<html>please accept the terms of this network</html>`),
			"text":      answer(200, `ok`, "Content-Type", "text/plain"),
			"no type":   answer(200, ``, "Content-Type", ""),
			"short":     truncatedAs("text/html", 200, `<html>`),
			"202 empty": answer(202, ``, "Content-Type", "text/html"),
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				o := newOrg(t)
				o.on("PATCH "+rowRoute, page)
				c, _, _ := o.client()
				if err := send(c); !errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("error %v, want an unknown outcome", err)
				}
				if n := len(o.seen()); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
			})
		}
	}
}

func TestRequestLimitStopsTheClient(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "Sforce-Limit-Info",
		"api-usage=15000/15000"))
	c, p, log := o.client()
	if c.RequestLimit() != nil {
		t.Error("a limit before any call")
	}
	_, first := c.ListTenantSecrets(t.Context())
	_, second := c.CreateTenantSecret(t.Context(), upload)
	_, third := c.APIVersions(t.Context())
	tellers := 0
	for i, err := range []error{first, second, third} {
		var limit *RequestLimitError
		if !errors.Is(err, ErrRequestLimit) || !errors.As(err, &limit) {
			t.Fatalf("error %d: %v", i, err)
		}
		if limit.Usage != "api-usage=15000/15000" || !strings.Contains(err.Error(), "api-usage=15000/15000") {
			t.Errorf("error %d does not quote the limit: %v", i, err)
		}
		if brief := limit.Brief(); brief != "the org's API request limit (Sforce-Limit-Info: api-usage=15000/15000)" ||
			!strings.Contains(err.Error(), brief) {
			t.Errorf("error %d: %q is no part of %v", i, brief, err)
		}
		if errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("error %d: nothing was sent, so the outcome is known", i)
		}
		if limit != c.RequestLimit() {
			t.Errorf("error %d is another one than the client's", i)
		}
		for range 2 {
			if limit.ReportFirst(i) {
				tellers++
			}
		}
	}
	if tellers != 2 {
		t.Errorf("shown in full %d times, want 2: each time that the first one asks", tellers)
	}
	if n := len(o.seen()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	if n := len(p.all()); n != 0 {
		t.Errorf("%d retries, want none", n)
	}
	if n := len(log.of(EventLimitReached)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestLimitLow(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute,
		answer(200, emptyPage, "Sforce-Limit-Info", "api-usage=9500/10000"),
		answer(200, emptyPage, "Sforce-Limit-Info", "api-usage=9501/10000; per-app-api-usage=17/250(appName=x)"),
		answer(200, emptyPage, "Sforce-Limit-Info", "api-usage=9502/10000"))
	c, _, log := o.client()
	if _, _, ok := c.Usage(); ok {
		t.Error("usage is known before the first reply")
	}
	if _, low := c.LimitWarning(); low {
		t.Error("a warning before the first reply")
	}
	for i, want := range []int{0, 1, 1} {
		if _, err := c.ListTenantSecrets(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(log.of(EventLimitLow)); n != want {
			t.Errorf("after call %d: %d events, want %d", i+1, n, want)
		}
	}
	text, low := c.LimitWarning()
	if want := "9502 of the org's 10000 API calls of the last 24 hours are used: less than 5 % are left"; !low ||
		text != want {
		t.Errorf("warning %q, %v, want %q", text, low, want)
	}
	if text, low := c.LimitWarning(); low || text != "" {
		t.Errorf("the warning is given twice: %q", text)
	}
	used, limit, ok := c.Usage()
	if used != 9502 || limit != 10000 || !ok {
		t.Errorf("usage %d/%d %v", used, limit, ok)
	}
}

func TestParseLimitInfo(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][3]int64{
		"api-usage=10018/100000":                      {10018, 100000, 1},
		" api-usage=1/2 ; per-app-api-usage=3/4(a=b)": {1, 2, 1},
		"per-app-api-usage=3/4(appName=x)":            {},
		"per-app-api-usage=3/4(a);api-usage=5/6":      {5, 6, 1},
		"api-usage=5":                                 {},
		"api-usage=-1/6":                              {},
		"api-usage=1/-6":                              {},
		"api-usage=x/6":                               {},
		"":                                            {},
	} {
		used, limit, ok := parseLimitInfo(header)
		if used != want[0] || limit != want[1] || ok != (want[2] == 1) {
			t.Errorf("%q: %d %d %v", header, used, limit, ok)
		}
	}
}

func TestHeadersAndGzip(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip is not accepted")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, emptyPage)
		_ = z.Close()
	})
	o.on(createRoute, answer(201, created))
	c, _, _ := o.client(func(cfg *Config) { cfg.UserAgent = "agent/1" })
	if _, err := c.ListTenantSecrets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateTenantSecret(t.Context(), upload); err != nil {
		t.Fatal(err)
	}
	for _, r := range o.seen() {
		if r.header.Get("User-Agent") != "agent/1" || r.header.Get("Authorization") != "Bearer "+testToken+"1" ||
			r.header.Get("Accept") != "application/json" {
			t.Errorf("%s: headers %v", r.method, r.header)
		}
		if got, want := r.header.Get("Content-Type"), map[string]string{"POST": "application/json"}[r.method]; got != want {
			t.Errorf("%s: content type %q, want %q", r.method, got, want)
		}
		if r.header.Get("Idempotency-Key") != "" {
			t.Errorf("%s: an idempotency key makes net/http repeat requests", r.method)
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("GET /services/data/v62.0/tooling/sobjects/Certificate/"+testRecord+"/CertificateChain",
		answer(200, strings.Repeat("x", maxChainBody+1)))
	c, _, _ := o.client()
	_, err := c.CertificateChain(t.Context(), testRecord)
	if !errors.Is(err, errBodyTooLarge) {
		t.Errorf("error %v", err)
	}
	if n := len(o.seen()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestUntrustedCertificateIsNotRetried(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	tls := newTLSOrg(t)
	c, p, _ := o.client(withToken, func(cfg *Config) { cfg.InstanceURL = tls.URL })
	_, err := c.CreateTenantSecret(t.Context(), upload)
	var broken *ConnectionError
	if !errors.As(err, &broken) || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("error %v", err)
	}
	if n := len(p.all()); n != 0 {
		t.Errorf("%d retries, want none", n)
	}
}

func TestEventsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(401, expired), answer(500, `x`), answer(503, `<html>`),
		answer(200, emptyPage, "X-Request-Id", "r-1"))
	o.on(createRoute, fault(400, "JSON_PARSER_ERROR", "cannot parse "+upload.SecretValue+" of "+testToken+"2"))
	c, _, log := o.client()
	if _, err := c.Query(t.Context(), "SELECT Id FROM Account WHERE Name = 'private'", false); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateTenantSecret(t.Context(), upload)
	if err == nil || !strings.Contains(err.Error(), "cannot parse [redacted] of [redacted]") {
		t.Errorf("error %v", err)
	}
	if n := len(log.of(EventRequest)); n != 5 {
		t.Errorf("%d request events, want 5", n)
	}
	if n := len(log.of(EventLogin)); n != 2 {
		t.Errorf("%d login events, want 2", n)
	}
	text := fmt.Sprintf("%+v", log.list)
	for _, leak := range []string{testToken, testSecret, "private", "SELECT", upload.SecretValue, "<html>"} {
		if strings.Contains(text, leak) {
			t.Errorf("an event holds %q", leak)
		}
	}
	if !strings.Contains(text, "r-1") {
		t.Error("the request id is in no event")
	}
}

func TestBackoffBounds(t *testing.T) {
	t.Parallel()
	c, _, _ := newOrg(t).client()
	for n := 1; n < 100; n++ {
		if d := c.backoff(n, 0); d <= 0 || d > backoffMax {
			t.Errorf("retry %d waits %s", n, d)
		}
	}
	for range 1000 {
		if d := fullJitter(time.Second); d < 0 || d > time.Second {
			t.Fatalf("jitter %s", d)
		}
	}
}

// TestProxyRefuses: the answer of a proxy that does not let the call through is recognised by its
// status, and not by its words, and nothing was sent.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		407: "the proxy refused the connection: HTTP 407 Proxy Authentication Required",
		403: "the proxy refused the connection: HTTP 403 Forbidden",
		502: "the proxy refused the connection: HTTP 502 Bad Gateway",
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			var connects atomic.Int32
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				connects.Add(1)
				http.Error(w, "words of the proxy", status)
			}))
			defer proxy.Close()
			to, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			c, p, _ := newOrg(t).client(withToken, func(cfg *Config) { cfg.InstanceURL = "https://x.my.salesforce.com" })
			for _, client := range []*http.Client{c.reads, c.writes} {
				outer, _ := client.Transport.(withoutUpgrades)
				transport, ok := outer.base.(*http.Transport)
				if !ok {
					t.Fatal("no transport of its own")
				}
				transport.Proxy = http.ProxyURL(to)
			}
			_, read := c.ListTenantSecrets(t.Context())
			_, write := c.CreateTenantSecret(t.Context(), upload)
			for _, err := range []error{read, write} {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "words") ||
					errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("error %v, want %q in it", err, want)
				}
			}
			// A gateway error may pass by itself, a refusal does not.
			wantRetries := 0
			if status == 502 {
				wantRetries = 6
			}
			if n := len(p.all()); n != wantRetries || int(connects.Load()) != wantRetries+2 {
				t.Errorf("%d retries and %d requests to the proxy, want %d retries", n, connects.Load(), wantRetries)
			}
		})
	}
}
