package salesforce

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("PRIVATE KEY", der)
}

func TestClientCredentialsLogin(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, emptyPage))
	c, _, _ := o.client()
	for range 2 {
		if _, err := c.ListTenantSecrets(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := o.loginCount(); n != 1 {
		t.Errorf("%d logins, want 1", n)
	}
	login := o.requests[0]
	form, err := url.ParseQuery(login.body)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {testSecret}}
	if form.Encode() != want.Encode() {
		t.Errorf("form %v", form)
	}
	if login.method != http.MethodPost || login.header.Get("Content-Type") != "application/x-www-form-urlencoded" ||
		login.header.Get("Authorization") != "" || login.header.Get("User-Agent") != defaultUserAgent {
		t.Errorf("login: %s %v", login.method, login.header)
	}
	session, err := c.Session(t.Context())
	if err != nil || session != (Session{OrganizationID: testOrg, UserID: testUser}) {
		t.Errorf("session %v, %v", session, err)
	}
}

func TestJWTBearerLogin(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for name, key := range map[string]string{
		"PKCS #8": pkcs8(t, testKey()),
		"PKCS #1": pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(testKey())),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, loginHost := newOrg(t), newOrg(t)
			loginHost.login = func(w http.ResponseWriter, _ *http.Request) { o.grant(w, testToken, o.URL) }
			o.on(queryRoute, answer(200, emptyPage))
			c, _, _ := o.client(func(cfg *Config) {
				cfg.Auth = JWTBearer{
					ClientID: "app", Username: "user@example.com", PrivateKey: secret.NewText(key),
					LoginURL: loginHost.URL + "/",
				}
			})
			c.now = func() time.Time { return now }
			if _, err := c.ListTenantSecrets(t.Context()); err != nil {
				t.Fatal(err)
			}
			if o.loginCount() != 0 || loginHost.loginCount() != 1 {
				t.Errorf("logins: %d at the instance, %d at the login host", o.loginCount(), loginHost.loginCount())
			}
			form, err := url.ParseQuery(loginHost.requests[0].body)
			if err != nil {
				t.Fatal(err)
			}
			if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(form) != 2 {
				t.Errorf("form has %v", form)
			}
			parts := strings.Split(form.Get("assertion"), ".")
			if len(parts) != 3 {
				t.Fatalf("the assertion has %d parts", len(parts))
			}
			header, _ := base64.RawURLEncoding.DecodeString(parts[0])
			if string(header) != `{"alg":"RS256","typ":"JWT"}` {
				t.Errorf("header %s", header)
			}
			payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
			var claims map[string]any
			if err := json.Unmarshal(payload, &claims); err != nil {
				t.Fatal(err)
			}
			if claims["iss"] != "app" || claims["sub"] != "user@example.com" || claims["aud"] != loginHost.URL ||
				claims["exp"] != float64(now.Unix()+180) {
				t.Errorf("claims %v", claims)
			}
			signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
			digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
			if err := rsa.VerifyPKCS1v15(&testKey().PublicKey, crypto.SHA256, digest[:], signature); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWhereATokenGoes is the rule of grantOf: to its issuer, or to the
// instance_url that came with it.
func TestWhereATokenGoes(t *testing.T) {
	t.Parallel()
	jwt := func(loginURL string) Authenticator {
		return JWTBearer{ClientID: "app", Username: "u", PrivateKey: secret.NewText(pkcs8(t, testKey())), LoginURL: loginURL}
	}
	for name, tc := range map[string]struct {
		// configured, issuer and replied name the hosts: "a", "b" or "".
		configured, issuer, replied string
		goes                        string
		text                        string
		event                       bool
	}{
		"client credentials":                          {"a", "", "a", "a", "", false},
		"client credentials, none replied":            {"a", "", "", "a", "", false},
		"client credentials, another replied":         {"a", "", "b", "a", "", true},
		"client credentials, plain http replied":      {"a", "", "http://evil.example", "a", "", false},
		"JWT":                                         {"a", "b", "a", "a", "", false},
		"JWT, instance not configured":                {"", "b", "a", "a", "", false},
		"JWT at the My Domain":                        {"a", "a", "", "a", "", false},
		"JWT, another instance":                       {"a", "b", "c", "", "the token belongs to", false},
		"JWT, login host as instance":                 {"a", "b", "b", "", "the token belongs to", false},
		"JWT, none replied":                           {"a", "b", "", "", "without an instance_url", false},
		"JWT, not configured and none replied":        {"", "b", "", "", "configure instance_url", false},
		"JWT, not configured and plain http replied":  {"", "b", "http://evil.example", "", "must be https", false},
		"JWT, not configured and credentials in it":   {"", "b", "https://user:pw@evil.example", "", "must be https", false},
		"JWT, path below the instance":                {"a", "b", "a/base/", "a/base", "", false},
		"JWT, path below the instance not configured": {"", "b", "a/base", "a/base", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hosts := map[string]*org{"a": newOrg(t), "b": newOrg(t), "c": newOrg(t)}
			resolve := func(s string) string {
				host, path, _ := strings.Cut(s, "/")
				if o, ok := hosts[host]; ok {
					if path != "" {
						path = "/" + path
					}
					return o.URL + path
				}
				return s
			}
			for _, o := range hosts {
				o.login = func(w http.ResponseWriter, _ *http.Request) { o.grant(w, testToken, resolve(tc.replied)) }
				o.on(queryRoute, answer(200, emptyPage))
				o.on("GET /base/services/data/v62.0/query", answer(200, emptyPage))
			}
			c, _, log := hosts["a"].client(func(cfg *Config) {
				cfg.InstanceURL = resolve(tc.configured)
				if tc.issuer != "" {
					cfg.Auth = jwt(resolve(tc.issuer))
				}
			})
			_, err := c.ListTenantSecrets(t.Context())
			if tc.text != "" {
				if err == nil || !strings.Contains(err.Error(), tc.text) {
					t.Fatalf("error %v, want %q in it", err, tc.text)
				}
				if strings.Contains(err.Error(), testToken) {
					t.Error("the error holds the token")
				}
			} else if err != nil {
				t.Fatal(err)
			}
			goes, path, _ := strings.Cut(tc.goes, "/")
			for host, o := range hosts {
				for _, r := range o.seen() {
					if host != goes {
						t.Errorf("a request went to %s, want %q", host, goes)
					}
					if path != "" && !strings.HasPrefix(r.path, "/"+path+"/services/") {
						t.Errorf("path %s", r.path)
					}
				}
			}
			if n := len(log.of(EventInstanceDiffers)); n != map[bool]int{true: 1}[tc.event] {
				t.Errorf("%d events of a differing instance", n)
			}
			if err == nil && tc.configured == "" && c.InstanceURL() != resolve(tc.goes) {
				t.Errorf("instance %s", c.InstanceURL())
			}
		})
	}
}

func TestLoginRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		login  http.HandlerFunc
		text   string
		logins int
		is     error
	}{
		"invalid_grant": {
			answer(400,
				`{"error":"invalid_grant","error_description":"request not supported on this domain"}`),
			"HTTP 400: invalid_grant: request not supported on this domain", 1, ErrUnauthorized,
		},
		"no description": {answer(400, `{"error":"invalid_client_id"}`), "HTTP 400: invalid_client_id", 1, ErrUnauthorized},
		"echo": {
			answer(400, `{"error":"invalid_client","error_description":"bad secret `+testSecret+`"}`),
			"bad secret [redacted]", 1, ErrUnauthorized,
		},
		"html":           {answer(401, `<html>`+testSecret), "no OAuth error in the body", 1, ErrWrongHost},
		"redirect":       {answer(302, ``, "Location", "https://evil.example/"), "HTTP 302", 1, nil},
		"unavailable":    {answer(503, `<html>`), "HTTP 503", 4, ErrUnavailable},
		"error in a 200": {answer(200, `{"error":"invalid_grant"}`), "invalid_grant", 1, ErrUnauthorized},
		"no token":       {answer(200, `{"hello":"`+testSecret+`"}`), "could not be read as an OAuth token", 4, nil},
		"malformed":      {answer(200, `{"access_token":"`+testSecret), "could not be read as an OAuth token", 4, nil},
		"hang up":        {hangUp, "no reply from", 4, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.login = tc.login
			c, _, log := o.client()
			_, err := c.CreateTenantSecret(t.Context(), upload)
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("error %v, want %q in it", err, tc.text)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("error %v is not %v", err, tc.is)
			}
			if errors.Is(err, ErrOutcomeUnknown) {
				t.Error("nothing was written, so the outcome is known")
			}
			if strings.Contains(fmt.Sprintf("%+v %v", err, log.list), testSecret) {
				t.Error("the client secret is in the error or in an event")
			}
			if n := len(o.seen()); n != 0 {
				t.Errorf("%d requests after a refused login", n)
			}
			if n := o.loginCount(); n < tc.logins {
				t.Errorf("%d logins, want %d", n, tc.logins)
			}
		})
	}
}

func TestLoginIsRepeated(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, emptyPage))
	var count int
	o.login = func(w http.ResponseWriter, r *http.Request) {
		if count++; count < 3 {
			answer(503, `<html>`)(w, r)
			return
		}
		o.grant(w, testToken, o.URL)
	}
	c, _, _ := o.client()
	if _, err := c.ListTenantSecrets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if count != 3 {
		t.Errorf("%d logins, want 3", count)
	}
}

func TestSessionIsRenewedOnce(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(401, expired))
	c, _, _ := o.client()
	_, err := c.ListTenantSecrets(t.Context())
	if !errors.Is(err, ErrUnauthorized) {
		t.Fatalf("error %v", err)
	}
	if requests, logins := len(o.seen()), o.loginCount(); requests != 2 || logins != 2 {
		t.Errorf("%d requests and %d logins, want 2 and 2", requests, logins)
	}
}

func TestRenewalThatFails(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(createRoute, answer(401, expired))
	o.login = func(w http.ResponseWriter, r *http.Request) {
		if o.loginCount() == 1 {
			o.grant(w, testToken, o.URL)
			return
		}
		answer(400, `{"error":"invalid_grant","error_description":"inactive user"}`)(w, r)
	}
	c, _, _ := o.client()
	_, err := c.CreateTenantSecret(t.Context(), upload)
	var refused *AuthError
	if !errors.As(err, &refused) || refused.Description != "inactive user" || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("error %v", err)
	}
}

// TestConcurrentRenewal lets many calls find the session over at once.
func TestConcurrentRenewal(t *testing.T) {
	t.Parallel()
	const calls = 8
	o := newOrg(t)
	var arrived sync.WaitGroup
	arrived.Add(calls)
	o.on(queryRoute, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+testToken+"1" {
			arrived.Done()
			arrived.Wait()
			answer(401, expired)(w, r)
			return
		}
		answer(200, emptyPage)(w, r)
	})
	c, _, _ := o.client()
	if _, err := c.Session(t.Context()); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range calls {
		group.Go(func() {
			if _, err := c.ListTenantSecrets(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := o.loginCount(); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

// TestFirstCallerGivesUp: a login is shared, so it does not end with the
// context of the caller that began it.
func TestFirstCallerGivesUp(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	started, release := make(chan struct{}), make(chan struct{})
	o.login = func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		o.grant(w, testToken, o.URL)
	}
	c, _, _ := o.client()
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := c.Session(ctx)
		first <- err
	}()
	<-started
	go func() {
		_, err := c.Session(t.Context())
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	close(release)
	if err := <-second; err != nil {
		t.Errorf("second: %v", err)
	}
	if n := o.loginCount(); n != 1 {
		t.Errorf("%d logins, want 1", n)
	}
}

func TestOrganizationPin(t *testing.T) {
	t.Parallel()
	const other = "00D5g000004CAaoEAG"
	orgRow := `{"totalSize":1,"done":true,"records":[{"Id":"` + testOrg + `","IsSandbox":true}]}`
	for name, tc := range map[string]struct {
		pin    string
		change func(*Config)
		ok     bool
		// queries counts the calls before the write.
		queries int
	}{
		"18 characters":              {testOrg, nil, true, 0},
		"15 characters":              {testOrg[:15], nil, true, 0},
		"another":                    {other, nil, false, 0},
		"token":                      {testOrg, withToken, true, 0},
		"token of another":           {other, withToken, false, 0},
		"token that is mute":         {testOrg, withOpaqueToken, true, 1},
		"token of another, unnamed":  {other, withOpaqueToken, false, 1},
		"not pinned, token is mute":  {"", withOpaqueToken, true, 0},
		"not pinned, token names it": {"", withToken, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, answer(200, orgRow))
			o.on(createRoute, answer(201, created))
			c, _, _ := o.client(func(cfg *Config) {
				cfg.OrganizationID = tc.pin
				if tc.change != nil {
					tc.change(cfg)
				}
			})
			_, err := c.CreateTenantSecret(t.Context(), upload)
			posts := 0
			for _, r := range o.seen() {
				if r.method != http.MethodGet {
					posts++
				}
			}
			if tc.ok {
				if err != nil || posts != 1 {
					t.Fatalf("%d writes, error %v", posts, err)
				}
				if n := len(o.seen()) - posts; n != tc.queries {
					t.Errorf("%d queries, want %d", n, tc.queries)
				}
				session, err := c.Session(t.Context())
				if err != nil || session.OrganizationID != testOrg {
					t.Errorf("session %v, %v", session, err)
				}
				return
			}
			var wrong *WrongOrganizationError
			if !errors.As(err, &wrong) || !errors.Is(err, ErrWrongOrganization) {
				t.Fatalf("error %v", err)
			}
			if wrong.Want != other || wrong.Got != testOrg || !strings.Contains(err.Error(), other) ||
				!strings.Contains(err.Error(), testOrg) {
				t.Errorf("error %v does not name both ids", err)
			}
			if posts != 0 {
				t.Errorf("%d writes to the wrong org", posts)
			}
		})
	}
}

func withOpaqueToken(cfg *Config) {
	cfg.Auth = AccessToken{Token: secret.NewText("eyJhbGciOi.opaque.token")}
}

// TestRenewalMustNotChangeTheOrg: nothing may go to another org in the middle of a run.
func TestRenewalMustNotChangeTheOrg(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(createRoute, answer(401, expired))
	o.login = func(w http.ResponseWriter, _ *http.Request) {
		id := testOrg
		if o.loginCount() > 1 {
			id = "00D5g000004CAaoEAG"
		}
		encode(t, w, map[string]string{
			"access_token": "t", "id": "https://x/id/" + id + "/" + testUser,
			"instance_url": o.URL,
		})
	}
	c, _, _ := o.client()
	_, err := c.CreateTenantSecret(t.Context(), upload)
	if !errors.Is(err, ErrWrongOrganization) {
		t.Errorf("error %v", err)
	}
	if n := len(o.seen()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// TestAssertionByTheOrgsClock: Salesforce takes an assertion for some minutes only. A machine whose
// clock is wrong by more is refused once, and then logs in by the clock of the refusal.
func TestAssertionByTheOrgsClock(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ahead         time.Duration
		always        bool
		logins        int
		wantTheLogin  bool
		wantClockNear time.Duration
	}{
		"right":                     {0, false, 1, true, 0},
		"behind":                    {time.Hour, false, 2, true, time.Hour},
		"ahead":                     {-time.Hour, false, 2, true, -time.Hour},
		"right, refused":            {0, true, 1, false, 0},
		"behind, refused otherwise": {time.Hour, true, 2, false, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.login = func(w http.ResponseWriter, r *http.Request) {
				now := time.Now().Add(tc.ahead)
				w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				if left := expiryOf(t, r.PostForm.Get("assertion")).Sub(now); tc.always || left < 0 || left > 5*time.Minute {
					answer(400, `{"error":"invalid_grant","error_description":"expired authorization code"}`)(w, r)
					return
				}
				o.grant(w, testToken, o.URL)
			}
			c, p, _ := o.client(func(cfg *Config) {
				cfg.Auth = JWTBearer{ClientID: "a", Username: "u", PrivateKey: secret.NewText(pkcs8(t, testKey())), LoginURL: o.URL}
			})
			if _, err := c.Session(t.Context()); (err == nil) != tc.wantTheLogin {
				t.Errorf("error %v", err)
			}
			if n := o.loginCount(); n != tc.logins || len(p.all()) != 0 {
				t.Errorf("%d logins with %d pauses, want %d with none", n, len(p.all()), tc.logins)
			}
			if off := c.Now().Sub(time.Now().Add(tc.wantClockNear)); off.Abs() > time.Minute {
				t.Errorf("the org's clock is known with an error of %s", off)
			}
		})
	}
}

// TestAssertionByThisMachinesClockFirst: a Date header that is not the clock which judges
// assertions costs no login.
func TestAssertionByThisMachinesClockFirst(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.login = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(25*time.Hour).UTC().Format(http.TimeFormat))
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if left := time.Until(expiryOf(t, r.PostForm.Get("assertion"))); left < 0 || left > 5*time.Minute {
			answer(400, `{"error":"invalid_grant","error_description":"expired authorization code"}`)(w, r)
			return
		}
		o.grant(w, testToken, o.URL)
	}
	auth := JWTBearer{ClientID: "a", Username: "u", PrivateKey: secret.NewText(pkcs8(t, testKey())), LoginURL: o.URL}
	c, _, _ := o.client(func(cfg *Config) { cfg.Auth = auth })
	for range 3 {
		if _, err := auth.login(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if n := o.loginCount(); n != 3 {
		t.Errorf("%d logins, want the three that were asked for", n)
	}
}

// expiryOf reads when an assertion expires.
func expiryOf(t *testing.T, assertion string) time.Time {
	t.Helper()
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Errorf("an assertion of %d parts", len(parts))
		return time.Time{}
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Error(err)
	}
	var read struct {
		Exp int64 `json:"exp"`
	}
	if err := json.Unmarshal(claims, &read); err != nil {
		t.Error(err)
	}
	return time.Unix(read.Exp, 0)
}

// TestLoginFollowsRetryAfter: a busy login host is left alone for as long as it asks, within
// bounds.
func TestLoginFollowsRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, "86400": time.Minute,
		"": 250 * time.Millisecond,
	} {
		o := newOrg(t)
		busy := true
		o.login = func(w http.ResponseWriter, r *http.Request) {
			if busy {
				busy = false
				answer(503, `<html>busy</html>`, "Retry-After", value)(w, r)
				return
			}
			o.grant(w, testToken, o.URL)
		}
		c, p, _ := o.client()
		if _, err := c.Session(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]time.Duration{want}, p.all()); diff != "" {
			t.Errorf("Retry-After %q: %s", value, diff)
		}
	}
}

func TestAccessTokenIsNotRenewed(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(401, expired))
	c, _, _ := o.client(withToken)
	_, err := c.ListTenantSecrets(t.Context())
	if !errors.Is(err, ErrUnauthorized) || !strings.Contains(err.Error(), "can't be renewed") {
		t.Errorf("error %v", err)
	}
	if strings.Contains(err.Error(), testToken) {
		t.Error("the error holds the token")
	}
	if requests, logins := len(o.seen()), o.loginCount(); requests != 1 || logins != 0 {
		t.Errorf("%d requests and %d logins, want 1 and 0", requests, logins)
	}
}

func TestSessionOfMuteTokenIsQueriedOnce(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, `{"totalSize":1,"done":true,"records":[{"Id":"`+testOrg+`"}]}`))
	c, _, _ := o.client(withOpaqueToken)
	for range 3 {
		session, err := c.Session(t.Context())
		if err != nil || session != (Session{OrganizationID: testOrg}) {
			t.Fatalf("session %v, %v", session, err)
		}
	}
	if n := len(o.seen()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestSessionOfIdentity(t *testing.T) {
	t.Parallel()
	for identity, want := range map[string]Session{
		"https://login.salesforce.com/id/" + testOrg + "/" + testUser:           {OrganizationID: testOrg, UserID: testUser},
		"https://login.salesforce.com/id/" + testOrg[:15] + "/" + testUser[:15]: {OrganizationID: testOrg, UserID: testUser},
		"https://login.salesforce.com/id/" + testOrg + "/" + testUser + "/":     {OrganizationID: testOrg, UserID: testUser},
		"https://login.salesforce.com/id/" + testOrg + "/nobody":                {OrganizationID: testOrg, UserID: ""},
		"https://login.salesforce.com/id/" + testUser + "/" + testOrg:           {},
		// wrong checksum
		"https://login.salesforce.com/id/00Dxx0000001gPLEAA/" +
			testUser: {OrganizationID: "00Dxx0000001gPLEAA", UserID: testUser},
		"https://login.salesforce.com/" + testOrg: {},
		"":  {},
		"%": {},
	} {
		if got := sessionOfIdentity(identity); got != want {
			t.Errorf("%s: %v, want %v", identity, got, want)
		}
	}
}

func FuzzSessionOfIdentity(f *testing.F) {
	f.Add("https://login.salesforce.com/id/"+testOrg+"/"+testUser, testToken)
	f.Add("//", "00D!")
	f.Fuzz(func(t *testing.T, identity, token string) {
		s := sessionOfIdentity(identity)
		for _, id := range []string{s.OrganizationID, s.UserID, organizationOfToken(token)} {
			if id != "" && (len(id) != 18 || !ValidID(id[:15])) {
				t.Errorf("id %q", id)
			}
		}
	})
}

// TestRefusedPinIsNotForgotten: a pinned client that may not log in sends
// nothing else, however often it is asked.
func TestRefusedPinIsNotForgotten(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	c, _, _ := o.client(withVersion("63.0"), func(cfg *Config) { cfg.OrganizationID = "00D5g000004CAaoEAG" })
	for name, do := range everyCall {
		if name == "versions" {
			// The list of versions is public, and carries no token.
			continue
		}
		if err := do(t.Context(), c); !errors.Is(err, ErrWrongOrganization) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(o.seen()); n != 0 {
		t.Errorf("%d requests to the wrong org", n)
	}
}

// TestHostsInErrors: an error names the host that it is about, wherever it came from.
func TestHostsInErrors(t *testing.T) {
	t.Parallel()
	o, loginHost := newOrg(t), newOrg(t)
	loginHost.login = func(w http.ResponseWriter, _ *http.Request) { o.grant(w, testToken, o.URL) }
	o.on(queryRoute, hangUp)
	auth := JWTBearer{
		ClientID: "app", Username: "u", PrivateKey: secret.NewText(pkcs8(t, testKey())),
		LoginURL: loginHost.URL,
	}
	for name, instance := range map[string]string{"configured": o.URL, "named by the login": ""} {
		c, _, _ := o.client(func(cfg *Config) {
			cfg.InstanceURL = instance
			cfg.Auth = auth
			cfg.MaxRetries = 0
		})
		_, err := c.ListTenantSecrets(t.Context())
		var broken *ConnectionError
		if !errors.As(err, &broken) || broken.Host != strings.TrimPrefix(o.URL, "http://") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestPinOverAMuteToken: the query that reads the org of a token is the only
// request of a client whose pin does not fit, and its own failures are reported.
func TestPinOverAMuteToken(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"ended session": answer(401, expired),
		"no permission": fault(403, "API_DISABLED_FOR_ORG", "m"),
		"none":          answer(200, emptyPage),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, first)
			c, _, _ := o.client(withOpaqueToken, func(cfg *Config) { cfg.OrganizationID = testOrg })
			_, err := c.CreateTenantSecret(t.Context(), upload)
			if err == nil || !strings.Contains(err.Error(), "to compare the organization with organization_id") ||
				errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("error %v", err)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}
