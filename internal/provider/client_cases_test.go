package provider_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// interpose puts a host of its own before the simulator, which answers the requests that fits
// picks, for the first times of them, in its place. It returns how many it has answered.
func interpose(t *testing.T, sim *sfsim.Server, fits func(*http.Request) bool, times int64, status int, contentType,
	body string, headers ...string,
) *atomic.Int64 {
	t.Helper()
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	struck := &atomic.Int64{}
	inner := sim.Handler()
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !fits(r) || struck.Add(1) > times {
				inner.ServeHTTP(w, r)

				return
			}
			w.Header().Set("Content-Type", contentType)
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with an error, by Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	sim.MoveTo("http://" + listener.Addr().String())

	return struck
}

func at(part string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.Contains(r.URL.Path, part) }
}

const always = 1 << 30

// Replies that were seen in the field, each with what a user reads about it. A reply that passes
// shows nothing.
func TestAccClient_repliesFromTheField(t *testing.T) {
	t.Parallel()
	key, settings, certificate := dataKey(), keySettings("enable_cache_only_keys = true"),
		wrappingCertificate(`developer_name = "Wrap_2027"`)
	array := func(code, message string) string {
		return fmt.Sprintf(`[{"message":%q,"errorCode":%q}]`, message, code)
	}
	const (
		asJSON = "application/json;charset=UTF-8"
		fault  = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="http://soap.sforce.com/2006/04/metadata"><soapenv:Body>` +
			`<soapenv:Fault><faultcode>sf:%[1]s</faultcode><faultstring>%[1]s: m</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
		failed = `{"id":"0Af000000000001AAA","deployResult":{"id":"0Af000000000001AAA","status":"Failed","done":true,"success":false,"errorMessage":null,"errorStatusCode":"UNKNOWN_EXCEPTION",` +
			`"details":{"componentFailures":[],"runTestResult":{"numFailures":1,"failures":[{"name":"SomeTest","methodName":"m","message":"assertion failed"}],"codeCoverageWarnings":[{"message":"coverage 10%%"}]}}}}`
	)
	for name, tc := range map[string]struct {
		body              string
		fits              func(*http.Request) bool
		times             int64
		status            int
		contentType, text string
		headers           []string
		summary           string
		details           []string
		never             string
	}{
		"JWT token ended": {
			key, at("/query"), 1, 401, asJSON, array("INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT"),
			nil, "", nil, "",
		},
		"retry your request": {
			key, at("/oauth2/token"), 2, 400, asJSON,
			`{"error":"unknown_error","error_description":"retry your request"}`, nil, "", nil, "",
		},
		"retry, for good": {
			key, at("/oauth2/token"), always, 400, asJSON,
			`{"error":"unknown_error","error_description":"retry your request"}`, nil, "Unable to log in to Salesforce",
			[]string{"retry your request"},
			"client_secret",
		},
		"login rate, for good": {
			key, at("/oauth2/token"), always, 400, asJSON,
			`{"error":"invalid_grant","error_description":"login rate exceeded"}`, nil, "Too many logins of this user",
			[]string{"login rate exceeded"},
			"client_secret",
		},
		"one poll fails": {
			certificate, at("/deployRequest/"), 1, 400, asJSON,
			array("INVALID_QUERY_LOCATOR", "invalid query locator"), nil, "", nil, "",
		},
		"one poll fails, settings": {
			settings, at("/deployRequest/"), 1, 400, asJSON,
			array("INVALID_QUERY_LOCATOR", "invalid query locator"), nil, "", nil, "",
		},
		"concurrent limit": {
			key, at("/query"), 1, 403, asJSON,
			array("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
			[]string{"Sforce-Limit-Info", "api-usage=120/100000"},
			"", nil, "",
		},
		"SOAP session": {
			settings, at("/services/Soap/"), 1, 500, "text/xml",
			fmt.Sprintf(fault, "INVALID_SESSION_ID"), nil, "", nil, "",
		},
		"SOAP session, for good": {
			settings, at("/services/Soap/"), always, 500, "text/xml",
			fmt.Sprintf(fault, "INVALID_SESSION_ID"), nil, "Unable to change the encryption key settings",
			[]string{"JWT-based access tokens", "SOAP"},
			"Apply again later",
		},
		"SOAP access": {
			settings, at("/services/Soap/"), always, 500, "text/xml",
			fmt.Sprintf(fault, "INSUFFICIENT_ACCESS"), nil, "Unable to change the encryption key settings",
			[]string{"INSUFFICIENT_ACCESS", "Customize Application"},
			"Apply again later",
		},
		"login moved": {
			key, at("/oauth2/token"), always, 302, "text/html", "",
			[]string{"Location", "https://new-name.my.salesforce.com/services/oauth2/token"},
			"Not the org's My Domain",
			[]string{"it points to new-name.my.salesforce.com"},
			"refused the credentials",
		},
		"REST moved": {
			key, at("/query"), always, 301, "text/html", "",
			[]string{"Location", "https://new-name.my.salesforce.com/"},
			"Unable to upload the",
			[]string{"it points to new-name.my.salesforce.com", "instance_url"},
			"",
		},
		"deploy failed": {
			certificate, at("/deployRequest/"), always, 200, asJSON,
			strings.ReplaceAll(failed, "%%", "%"), nil, "Unable to create the certificate",
			[]string{"UNKNOWN_EXCEPTION", "test SomeTest.m: assertion failed", "coverage 10%"},
			"",
		},
		"refused session, no hint": {
			key, at("/sobjects/TenantSecret"), always, 401, asJSON,
			array("INVALID_SESSION_ID", "Session expired or invalid"), nil, "Salesforce refused the new Data key",
			[]string{"INVALID_SESSION_ID"},
			"RSA_OAEP_SHA1",
		},
		"forged lines": {
			key, at("/query"), always, 400, asJSON,
			`[{"message":"x\u202e\u009b31m\r\nError: forged\u2028Error: forged","errorCode":"A\nError: forged"}]`,
			[]string{"X-Request-Id", "\u202ea"},
			"Unable to upload the",
			[]string{"Error: forged"},
			"\nError: forged",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartLenientSim(t)
			struck := interpose(t, sim, tc.fits, tc.times, tc.status, tc.contentType, tc.text, tc.headers...)
			cli := acctest.NewCLI(t, sim)
			cli.Config(tc.body)
			applied := cli.Apply()
			if struck.Load() == 0 {
				t.Fatal("nothing was struck")
			}
			if tc.summary == "" {
				if applied.Code != 0 {
					t.Errorf("expected success, found\n%s", applied.Output())
				}

				return
			}
			found := false
			for _, d := range applied.Diagnostics {
				if d.Severity != "error" {
					continue
				}
				text := d.Summary + " " + d.Detail
				found = found || strings.HasPrefix(d.Summary, tc.summary)
				for _, detail := range tc.details {
					found = found && strings.Contains(text, detail)
				}
				if tc.never != "" && strings.Contains(text, tc.never) || strings.ContainsAny(text, "\n\r\u2028\u202e\u009b") {
					t.Errorf("the error holds what it must not: %q", text)
				}
			}
			if applied.Code == 0 || !found {
				t.Errorf("expected the error %q with %q, found\n%s", tc.summary, tc.details, applied.Output())
			}
		})
	}
}

// Orgs of each kind of login, by what is configured of host and audience.
func TestAccClient_jwtLogins(t *testing.T) {
	t.Parallel()
	const login = "https://login.salesforce.com"
	for name, tc := range map[string]struct {
		kind     string
		settings func(*sfsim.Server) map[string]string
		details  []string
	}{
		"My Domain only": {"my_domain", func(*sfsim.Server) map[string]string { return nil }, nil},
		"My Domain only, login_url": {"my_domain", func(s *sfsim.Server) map[string]string {
			return map[string]string{"LOGIN_URL": s.LoginURL}
		}, []string{"app_not_found", "tried before", "for the audience"}},
		"audience of the login host": {"login_audience", func(*sfsim.Server) map[string]string { return nil }, nil},
		"audience of the login host, given": {"login_audience", func(*sfsim.Server) map[string]string {
			return map[string]string{"AUDIENCE": login}
		}, nil},
		"audience of the login host, both": {"login_audience", func(s *sfsim.Server) map[string]string {
			return map[string]string{"LOGIN_URL": s.InstanceURL, "AUDIENCE": login}
		}, nil},
		"audience of the login host, refused": {"login_audience", func(s *sfsim.Server) map[string]string {
			return map[string]string{"LOGIN_URL": s.InstanceURL, "AUDIENCE": s.InstanceURL}
		}, []string{"audience is invalid", "for the audience"}},
		"login host only": {"login_host", func(s *sfsim.Server) map[string]string {
			return map[string]string{"LOGIN_URL": s.LoginURL}
		}, nil},
		"a foreign host for the login host": {"any", func(*sfsim.Server) map[string]string {
			return map[string]string{"LOGIN_URL": "https://gateway.example", "AUDIENCE": login}
		}, []string{"must be a host of Salesforce's"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.JWTLogin = tc.kind
			}))
			cli := acctest.NewCLI(t, sim)
			cli.Write("main.tf", configured(fmt.Sprintf("instance_url = %q", sim.InstanceURL)))
			for name, value := range tc.settings(sim) {
				cli.Env["SALESFORCE_"+name] = value
			}
			cli.Env["SALESFORCE_CLIENT_ID"], cli.Env["SALESFORCE_USERNAME"] = sim.ClientID, sim.Username
			// As a CI variable hands it over.
			cli.Env["SALESFORCE_PRIVATE_KEY"] = strings.ReplaceAll(sim.PrivateKeyPEM, "\n", `\n`)
			plan := cli.Plan()
			if tc.details == nil {
				if plan.Code == acctest.PlanFailed {
					t.Errorf("expected the login to work, found\n%s", plan.Output())
				}

				return
			}
			var shown strings.Builder
			for _, d := range plan.Diagnostics {
				shown.WriteString(d.Summary + " " + d.Detail + "\n")
			}
			for _, detail := range tc.details {
				if plan.Code != acctest.PlanFailed || !strings.Contains(shown.String(), detail) {
					t.Errorf("expected an error with %q, found\n%s", detail, plan.Output())
				}
			}
			if strings.Contains(plan.Output(), "PRIVATE KEY") {
				t.Error("the output shows the key")
			}
		})
	}
}

// An app that issues JWT-based tokens serves REST; what needs SOAP says so.
func TestAccClient_jwtTokens(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.JWTTokens, s.SessionEnd = true, "header"
	}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	cli.MustApply()
	cli.Config(dataKey() + keySettings("enable_cache_only_keys = true"))
	if failed := cli.Apply(); failed.Code == 0 || !failed.Has("error", "Unable to change the encryption key settings",
		"JWT-based access tokens") {
		t.Errorf("expected the cause to be named, found\n%s", failed.Output())
	}
}
