package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const (
	testOrg     = "00Dxx0000001gPLEAY"
	testUser    = "005xx000001X7dNAAS"
	testSecret  = "client-secret-of-the-test"
	testToken   = "00Dxx0000001gPL!token"
	testRecord  = "02GB0000000HYswMAG"
	testRecord2 = "02G41000000HLXrEAO"
)

// request is what the server saw.
type request struct {
	method, path, query, body string
	header                    http.Header
}

// org is a server that answers by a script: for each "METHOD path", a list of
// handlers, and the last one stays.
type org struct {
	*httptest.Server

	t        testing.TB
	mu       sync.Mutex
	requests []request
	logins   int
	routes   map[string][]http.HandlerFunc
	// login answers the token endpoint; nil is the ordinary answer.
	login http.HandlerFunc
}

func newOrg(t testing.TB) *org {
	t.Helper()
	o := &org{t: t, routes: map[string][]http.HandlerFunc{}}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

// on adds answers for "METHOD path".
func (o *org) on(route string, answers ...http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.routes[route] = append(o.routes[route], answers...)
}

func (o *org) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Errorf("reading the request: %v", err)
	}
	o.mu.Lock()
	o.requests = append(o.requests, request{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Clone()})
	if r.URL.Path == tokenPath {
		o.logins++
		login := o.login
		number := o.logins
		o.mu.Unlock()
		if login != nil {
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			login(w, r)
			return
		}
		o.grant(w, fmt.Sprintf("%s%d", testToken, number), o.URL)
		return
	}
	route := r.Method + " " + r.URL.Path
	answers := o.routes[route]
	if len(answers) > 1 {
		o.routes[route] = answers[1:]
	}
	o.mu.Unlock()
	if len(answers) == 0 {
		o.t.Errorf("unexpected request %s", route)
		reply404(w, r)
		return
	}
	answers[0](w, r)
}

func (o *org) grant(w http.ResponseWriter, token, instance string) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	encode(o.t, w, map[string]string{
		"access_token": token, "signature": "c2ln", "scope": "api", "instance_url": instance,
		"id":         "https://login.salesforce.com/id/" + testOrg + "/" + testUser,
		"token_type": "Bearer", "issued_at": "1278448832702",
	})
}

// seen returns the requests that are no logins.
func (o *org) seen() []request {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []request
	for _, r := range o.requests {
		if r.path != tokenPath {
			list = append(list, r)
		}
	}
	return list
}

func (o *org) loginCount() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.logins
}

func encode(t testing.TB, w io.Writer, v any) {
	t.Helper()
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Errorf("encoding an answer: %v", err)
	}
}

// answer is a fixed reply.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		contentType := "application/json;charset=UTF-8"
		if strings.HasPrefix(body, "<") {
			contentType = "text/html"
		}
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// fault is a reply with one Salesforce error.
func fault(status int, code, message string, headers ...string) http.HandlerFunc {
	return answer(status, fmt.Sprintf(`[{"message":%q,"errorCode":%q}]`, message, code), headers...)
}

func reply404(w http.ResponseWriter, r *http.Request) {
	fault(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")(w, r)
}

// hangUp closes the connection without a reply.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic("no hijacker")
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
}

// truncated promises more of a JSON body than it sends.
func truncated(status int, body string) http.HandlerFunc {
	return truncatedAs("application/json", status, body)
}

func truncatedAs(contentType string, status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+100))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// stall never answers while the client waits.
func stall(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

const expired = `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`

// events collects what a client emits.
type events struct {
	mu   sync.Mutex
	list []Event
}

func (e *events) add(_ context.Context, event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

func (e *events) of(kind EventKind) []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []Event
	for _, event := range e.list {
		if event.Kind == kind {
			list = append(list, event)
		}
	}
	return list
}

// pauses replaces the clock's part in retries, and records it.
type pauses struct {
	mu   sync.Mutex
	list []time.Duration
}

func (p *pauses) sleep(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, d)
	return ctx.Err()
}

func (p *pauses) all() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Duration(nil), p.list...)
}

// client makes a client of the org that retries without waiting.
func (o *org) client(change ...func(*Config)) (*Client, *pauses, *events) {
	o.t.Helper()
	log, p := &events{}, &pauses{}
	cfg := Config{
		InstanceURL: o.URL,
		APIVersion:  "62.0",
		Auth:        ClientCredentials{ClientID: "app", ClientSecret: secret.NewText(testSecret)},
		MaxRetries:  3,
		Events:      log.add,
		Sleep:       p.sleep,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		o.t.Fatal(err)
	}
	c.jitter = func(ceiling time.Duration) time.Duration { return ceiling }
	return c, p, log
}

func withToken(cfg *Config) { cfg.Auth = AccessToken{Token: secret.NewText(testToken)} }

func withTimeout(d time.Duration) func(*Config) {
	return func(cfg *Config) { cfg.RequestTimeout = d }
}

const (
	queryRoute  = "GET /services/data/v62.0/query"
	createRoute = "POST /services/data/v62.0/sobjects/TenantSecret"
	rowRoute    = "/services/data/v62.0/sobjects/TenantSecret/" + testRecord
	created     = `{"id":"` + testRecord + `","success":true,"errors":[]}`
	emptyPage   = `{"totalSize":0,"done":true,"records":[]}`
)

var discard = log.New(io.Discard, "", 0)

var upload = UploadedTenantSecret{
	Type: "Data", Description: "d [tf:1.0]", KeyDerivationMode: "PBKDF2",
	SecretValue: "d3JhcHBlZCBtYXRlcmlhbA==", SecretValueHash: "aGFzaA==", Certificate: "My_Cert",
}

func newTLSOrg(t testing.TB) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(reply404))
	s.Config.ErrorLog = discard
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
