package salesforce

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func faultOf(status int, code, text string) http.HandlerFunc {
	return answer(status,
		`<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="http://soap.sforce.com/2006/04/metadata">`+
			`<soapenv:Body><soapenv:Fault><faultcode>`+code+`</faultcode><faultstring>`+text+
			`</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`, "Content-Type", "text/xml")
}

// TestSessionEndsByOtherNames: each of them renews the session once, and the call is sent again.
func TestSessionEndsByOtherNames(t *testing.T) {
	t.Parallel()
	const notForREST = "This session is not valid for use with the REST API"
	for name, tc := range map[string]struct {
		reply http.HandlerFunc
		// renewed, for a read; written, for a write that must not be sent twice.
		renewed, written bool
	}{
		"401 INVALID_SESSION_ID":   {answer(401, expired), true, true},
		"401 JWT format":           {fault(401, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT"), true, true},
		"401 header type":          {fault(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"), true, true},
		"401 code alone":           {fault(401, "INVALID_JWT_FORMAT", ""), true, true},
		"401 of a later release":   {fault(401, "TOKEN_IS_OLD", "log in again"), true, true},
		"401 nothing":              {answer(401, ``), true, false},
		"403 INVALID_SESSION_ID":   {fault(403, "INVALID_SESSION_ID", "Session expired or invalid"), true, true},
		"403 Bad_OAuth_Token":      {answer(403, "Bad_OAuth_Token", "Content-Type", "text/html"), true, false},
		"403 Bad_OAuth_Token text": {answer(403, "Bad_OAuth_Token\n", "Content-Type", "text/plain"), true, false},
		"403 as JSON":              {fault(403, "Bad_OAuth_Token", ""), true, true},
		"401 not for REST":         {fault(401, "INVALID_SESSION_ID", notForREST), false, false},
		"403 not for REST":         {fault(403, "INVALID_SESSION_ID", notForREST), false, false},
		"403 access":               {fault(403, "INSUFFICIENT_ACCESS", "no"), false, false},
		"403 Bad_OAuth_Token, not": {
			answer(403, "Bad_OAuth_Token is what some gateway says", "Content-Type", "text/plain"),
			false, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, tc.reply, answer(200, emptyPage))
			o.on(createRoute, tc.reply, answer(201, created))
			c, _, _ := o.client()
			if _, err := c.ListTenantSecrets(t.Context()); (err == nil) != tc.renewed {
				t.Errorf("read: %v", err)
			}
			if n := o.loginCount(); n != 1+btoi(tc.renewed) {
				t.Errorf("%d logins for the read", n)
			}
			logins, sent := o.loginCount(), len(o.seen())
			_, err := c.CreateTenantSecret(t.Context(), upload)
			if (err == nil) != tc.written {
				t.Errorf("write: %v", err)
			}
			if n, m := o.loginCount()-logins, len(o.seen())-sent; n != btoi(tc.written) || m != 1+btoi(tc.written) {
				t.Errorf("%d logins and %d requests for the write", n, m)
			}
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestSOAPSession: a fault is judged by its code. A session that was just issued and is refused has
// a likely cause.
func TestSOAPSession(t *testing.T) {
	t.Parallel()
	read := func(c *Client) error { _, err := c.ReadSettings(t.Context(), EncryptionKeySettings()); return err }
	for name, ended := range map[string]http.HandlerFunc{
		"session": faultOf(500, "sf:INVALID_SESSION_ID", "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader"),
		"header":  faultOf(500, "sf:INVALID_AUTH_HEADER", "INVALID_AUTH_HEADER: x"),
		"401":     faultOf(401, "sf:INVALID_SESSION_ID", "x"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(soapRoute, ended, answer(200, soapReply(settingsRecord)))
			c, _, _ := o.client()
			if err := read(c); err != nil || o.loginCount() != 2 {
				t.Errorf("%v after %d logins", err, o.loginCount())
			}
			again := newOrg(t)
			again.on(soapRoute, ended)
			c, _, _ = again.client()
			err := read(c)
			if !errors.Is(err, ErrSOAPToken) || errors.Is(err, ErrUnavailable) || again.loginCount() != 2 ||
				len(again.seen()) != 2 {
				t.Errorf("%v after %d logins and %d requests", err, again.loginCount(), len(again.seen()))
			}
		})
	}
	t.Run("a JWT that can't be renewed", func(t *testing.T) {
		t.Parallel()
		o := newOrg(t)
		o.on(soapRoute, faultOf(500, "sf:INVALID_SESSION_ID", "x"))
		o.on(queryRoute, fault(401, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT"))
		const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
		c, _, _ := o.client(func(cfg *Config) { cfg.Auth = AccessToken{Token: secret.NewText(jwt)} })
		if err := read(c); !errors.Is(err, ErrSOAPToken) {
			t.Error(err)
		}
		// For REST it is an ended session like any other.
		_, err := c.ListTenantSecrets(t.Context())
		if errors.Is(err, ErrSOAPToken) || !errors.Is(err, ErrUnauthorized) ||
			!strings.Contains(err.Error(), "can't be renewed") {
			t.Error(err)
		}
	})
	for name, tc := range map[string]struct {
		code     string
		is       error
		requests int
	}{
		"access":  {"sf:INSUFFICIENT_ACCESS", ErrPermission, 1},
		"type":    {"sf:INVALID_TYPE", ErrPermission, 1},
		"limit":   {"sf:REQUEST_LIMIT_EXCEEDED", ErrRequestLimit, 1},
		"version": {"soapenv:UNSUPPORTED_API_VERSION", nil, 1},
		"busy":    {"sf:SERVER_UNAVAILABLE", ErrUnavailable, 4},
		"unknown": {"sf:UNKNOWN_EXCEPTION", nil, 4},
		"timeout": {"sf:QUERY_TIMEOUT", nil, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(soapRoute, faultOf(500, tc.code, "m"))
			c, _, _ := o.client()
			err := read(c)
			for _, sentinel := range []error{ErrPermission, ErrRequestLimit, ErrUnavailable, ErrUnauthorized, ErrWrongHost} {
				if errors.Is(err, sentinel) != (sentinel == tc.is) { //nolint:errorlint // two sentinels
					t.Errorf("%v is %v: %t", err, sentinel, errors.Is(err, sentinel))
				}
			}
			if n := len(o.seen()); n != tc.requests {
				t.Errorf("%d requests, want %d", n, tc.requests)
			}
		})
	}
}

// TestConcurrentLimit: too many calls at once pass, and are no end of the run, even for a write: it
// was refused.
func TestConcurrentLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		message, usage string
		passes         bool
	}{
		"concurrent": {
			"ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "api-usage=120/100000",
			true,
		},
		"concurrent, no usage":      {"ConcurrentPerOrgLongTxn Limit exceeded.", "", true},
		"concurrent, all used":      {"concurrent apex", "api-usage=100000/100000", true},
		"far below":                 {"Limit exceeded.", "api-usage=79999/100000", true},
		"near":                      {"Limit exceeded.", "api-usage=80000/100000", false},
		"says neither, no usage":    {"Limit exceeded.", "", false},
		"unreadable usage":          {"Limit exceeded.", "api-usage=x", false},
		"of the day":                {"TotalRequests Limit exceeded.", "api-usage=100000/100000", false},
		"of the day, whatever used": {"TotalRequests Limit exceeded.", "api-usage=3/100000", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			limit := fault(403, "REQUEST_LIMIT_EXCEEDED", tc.message, "Sforce-Limit-Info", tc.usage)
			o.on(createRoute, limit, answer(201, created))
			c, p, _ := o.client()
			_, err := c.CreateTenantSecret(t.Context(), upload)
			if tc.passes && (err != nil || len(p.all()) != 1) || !tc.passes && !errors.Is(err, ErrRequestLimit) {
				t.Errorf("error %v after %d pauses", err, len(p.all()))
			}
			if (c.RequestLimit() != nil) == tc.passes {
				t.Error("whether the run has ended does not fit")
			}
			o.on(queryRoute, limit)
			if _, err := c.ListTenantSecrets(t.Context()); errors.Is(err, ErrUnavailable) != tc.passes ||
				errors.Is(err, ErrRequestLimit) == tc.passes {
				t.Errorf("a limit that stays: %v", err)
			}
		})
	}
}

// TestSwitchedProtocols: a server that keeps the connection for another protocol holds nobody up.
func TestSwitchedProtocols(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	keep := make(chan struct{})
	t.Cleanup(func() { close(keep) })
	upgrade := func(w http.ResponseWriter, _ *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			<-keep
			_ = conn.Close()
		}()
		_, _ = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_ = buffer.Flush()
	}
	o.on(queryRoute, upgrade)
	o.on(createRoute, upgrade)
	c, _, _ := o.client()
	if _, err := c.ListTenantSecrets(t.Context()); !errors.Is(err, ErrWrongHost) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.CreateTenantSecret(t.Context(), upload); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("write: %v", err)
	}
	o.login = upgrade
	c, _, _ = o.client()
	if _, err := c.Session(t.Context()); !errors.Is(err, ErrWrongHost) {
		t.Errorf("login: %v", err)
	}
}
