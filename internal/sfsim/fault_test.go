package sfsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func (c *client) arm(f sfsim.Fault) {
	c.t.Helper()
	if err := c.server.AddFault(f); err != nil {
		c.t.Fatal(err)
	}
}

// Which requests a fault strikes.
func TestFaultMatching(t *testing.T) {
	t.Parallel()
	const limits, secrets = data + "/limits", data + "/sobjects/TenantSecret"
	tests := []struct {
		name  string
		fault sfsim.Fault
		paths []string
		want  []bool
	}{
		{"everything", sfsim.Fault{}, []string{limits, secrets, limits}, []bool{true, true, true}},
		{"a path", sfsim.Fault{Path: limits}, []string{limits, secrets, limits}, []bool{true, false, true}},
		{"a prefix up to a slash", sfsim.Fault{Path: data + "/lim"}, []string{limits}, []bool{false}},
		{"a prefix", sfsim.Fault{Path: data}, []string{limits, "/services/data/"}, []bool{true, false}},
		{
			"a glob",
			sfsim.Fault{Path: "/services/*/TenantSecret"},
			[]string{limits, secrets, secrets + "/x"},
			[]bool{false, true, false},
		},
		{
			"a glob with an end",
			sfsim.Fault{Path: "*sobjects*"},
			[]string{limits, secrets, secrets + "/x"},
			[]bool{false, true, true},
		},
		{"a part", sfsim.Fault{Path: "TenantSecret"}, []string{limits, secrets}, []bool{false, true}},
		{"another method", sfsim.Fault{Method: "POST"}, []string{limits}, []bool{false}},
		{"the method", sfsim.Fault{Method: "get"}, []string{limits}, []bool{true}},
		{"a query", sfsim.Fault{Query: "from tenantsecret"}, []string{
			limits,
			data + "/query?q=select+Id+FROM%20TenantSecret",
		}, []bool{false, true}},
		{"the login host", sfsim.Fault{Host: "login"}, []string{limits}, []bool{false}},
		{"the second", sfsim.Fault{Nth: 2}, []string{limits, limits, limits}, []bool{false, true, false}},
		{
			"the second of a path",
			sfsim.Fault{Nth: 2, Path: secrets},
			[]string{secrets, limits, secrets},
			[]bool{false, false, true},
		},
		{
			"two from the second on",
			sfsim.Fault{Nth: 2, Times: 2},
			[]string{limits, limits, limits, limits},
			[]bool{false, true, true, false},
		},
		{"the first two", sfsim.Fault{Times: 2}, []string{limits, limits, limits}, []bool{true, true, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			tt.fault.Status = http.StatusTeapot
			c.arm(tt.fault)
			for i, path := range tt.paths {
				if struck := c.get(path).status == http.StatusTeapot; struck != tt.want[i] {
					t.Errorf("request %d to %s struck: %v, want %v", i+1, path, struck, tt.want[i])
				}
			}
			c.server.ClearFaults()
			c.get(limits).want(http.StatusOK)
		})
	}
}

// What a fault answers.
func TestFaultReplies(t *testing.T) {
	t.Parallel()
	c := start(t)
	strike := func(f sfsim.Fault) *answer {
		c.server.ClearFaults()
		c.arm(f)
		return c.get(data + "/limits")
	}
	strike(sfsim.Fault{Status: 401}).refused(401, "INVALID_SESSION_ID")
	strike(sfsim.Fault{Status: 403}).refused(403, "REQUEST_LIMIT_EXCEEDED")
	strike(sfsim.Fault{Status: 500}).refused(500, "UNKNOWN_EXCEPTION")
	strike(sfsim.Fault{Status: 429}).refused(429, "UNKNOWN_EXCEPTION")
	strike(sfsim.Fault{Status: 400, ErrorCode: "X", Message: "y"}).refused(400, "X")
	if r := strike(sfsim.Fault{ErrorCode: "UNABLE_TO_LOCK_ROW"}).refused(400,
		"UNABLE_TO_LOCK_ROW"); r.Message != "unable to obtain exclusive access to this record" {
		t.Errorf("message %q", r.Message)
	}
	a := strike(sfsim.Fault{RetryAfter: 7})
	a.refused(503, "SERVER_UNAVAILABLE")
	if a.header.Get("Retry-After") != "7" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	for _, a := range []*answer{
		strike(sfsim.Fault{HTML: true}).want(503),
		strike(sfsim.Fault{HTML: true, Status: 502}).want(502), strike(sfsim.Fault{Status: 420}).want(420),
	} {
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || a.body[0] != '<' ||
			a.header.Get("Sforce-Limit-Info") != "" {
			t.Errorf("page %s %s", a.header, a.body)
		}
	}
	if a := strike(sfsim.Fault{Status: 302}).want(302); a.header.Get("Location") == "" {
		t.Error("a redirect to nowhere")
	}
	if a := strike(sfsim.Fault{Body: "malformed"}).want(200); json.Valid(a.body) {
		t.Errorf("body %s is valid", a.body)
	}
	c.server.ClearFaults()
	c.arm(sfsim.Fault{Status: 400, ErrorCode: "invalid_grant", Message: "inactive user"})
	c.tokenRequest(c.server.InstanceURL, c.credentials()).oauthRefused("invalid_grant", "inactive user")
	c.server.ClearFaults()
	c.arm(sfsim.Fault{Body: "truncated"})
	if _, err := c.try(http.MethodGet, data+"/limits", nil, ""); err == nil {
		t.Error("a truncated body is read without an error")
	}
	requests := c.server.Requests()
	if last := requests[len(requests)-1]; !strings.Contains(last.Fault, "truncated") {
		t.Errorf("journal %+v", last)
	}
}

// Drops and lost replies: whether the work was done is what matters.
func TestFaultsAndCommits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		fault     sfsim.Fault
		status    int // 0: no reply
		committed bool
	}{
		{"dropped before", sfsim.Fault{Drop: "before"}, 0, false},
		{"dropped after", sfsim.Fault{Drop: "after"}, 0, true},
		{"dropped after, with a status that is never seen", sfsim.Fault{Drop: "after", Status: 503}, 0, true},
		{"refused", sfsim.Fault{Status: 503}, 503, false},
		{"refused after the work", sfsim.Fault{Status: 503, Commit: true}, 503, true},
		{"late", sfsim.Fault{Delay: sfsim.Duration(time.Millisecond)}, 201, true},
		{"malformed", sfsim.Fault{Body: "malformed"}, 201, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			tt.fault.Method, tt.fault.Path, tt.fault.Nth = "POST", data+"/sobjects/TenantSecret", 1
			c.arm(tt.fault)
			a, err := c.try(http.MethodPost, data+"/sobjects/TenantSecret", []byte(`{}`), "application/json")
			switch {
			case tt.status == 0 && err == nil:
				t.Errorf("a reply: %d %s", a.status, a.body)
			case tt.status != 0 && err != nil:
				t.Errorf("no reply: %v", err)
			case tt.status != 0:
				a.want(tt.status)
			}
			if got := len(c.server.TenantSecrets()) == 2; got != tt.committed {
				t.Errorf("committed: %v, want %v", got, tt.committed)
			}
			entry := c.server.Requests()[0]
			if entry.Committed != tt.committed || entry.Status != tt.status || entry.Fault == "" {
				t.Errorf("journal %+v", entry)
			}
		})
	}
}

// A held reply waits for its release, and a held request ends with its client. The work is done
// either way when the request is reported.
func TestHold(t *testing.T) {
	t.Parallel()
	for _, released := range []bool{true, false} {
		t.Run(fmt.Sprintf("released %t", released), func(t *testing.T) {
			t.Parallel()
			c := start(t)
			struck, release, err := c.server.Hold(sfsim.Fault{Method: "POST", Path: data + "/sobjects/TenantSecret"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server.InstanceURL+data+"/sobjects/TenantSecret",
				strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+c.server.AccessToken)
			request.Header.Set("Content-Type", "application/json")
			status := make(chan int, 1)
			go func() {
				response, err := (&http.Client{}).Do(request)
				if err != nil {
					status <- 0

					return
				}
				_ = response.Body.Close()
				status <- response.StatusCode
			}()
			<-struck
			if n := len(c.server.TenantSecrets()); n != 2 {
				t.Errorf("expected the work to be done, found %d keys", n)
			}
			select {
			case got := <-status:
				t.Errorf("expected the reply to be held, found status %d", got)
			default:
			}
			want := http.StatusCreated
			if released {
				release()
			} else {
				want = 0
				leave()
			}
			if got := <-status; got != want {
				t.Errorf("expected status %d, found %d", want, got)
			}
		})
	}
}

func TestFaultsAreChecked(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, f := range []sfsim.Fault{
		{},
		{Path: "/x"},
		{Drop: "during"},
		{Body: "pretty"},
		{Host: "mars", Status: 500},
		{Status: 99},
		{Status: 500, Nth: -1},
	} {
		if err := c.server.AddFault(f); err == nil {
			t.Errorf("accepts %s", f)
		}
	}
	var d sfsim.Duration
	if err := json.Unmarshal([]byte(`"1h30m"`), &d); err != nil || time.Duration(d) != 90*time.Minute {
		t.Errorf("duration %v, %v", d, err)
	}
	for _, text := range []string{`5`, `"5"`, `"soon"`} {
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("reads %s as a duration", text)
		}
	}
}

// The journal shows what was asked, and nothing secret.
func TestJournal(t *testing.T) {
	t.Parallel()
	c := start(t)
	m := material()
	id := c.create(c.uploadBody(m, map[string]any{"description": "x"})).created()
	c.patch(id, `{"Description":"y"}`).want(http.StatusNoContent)
	c.rows("SELECT Id FROM TenantSecret")
	c.get(data + "/tooling/sobjects/certificate/" + c.server.Certificates()[0].ID + "/CertificateChain")
	c.tokenRequest(c.server.InstanceURL, c.credentials())
	var operations []string
	for _, r := range c.server.Requests() {
		operations = append(operations, r.Operation)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{c.token, c.server.ClientSecret, sum(m)} {
			if strings.Contains(string(text), secret) {
				t.Errorf("the journal holds a secret: %s", text)
			}
		}
	}
	want := "TenantSecret.create TenantSecret.update TenantSecret.query Certificate.chain token"
	if got := strings.Join(operations, " "); got != want {
		t.Errorf("operations %s, want %s", got, want)
	}
	first := c.server.Requests()[0]
	if !first.Committed || first.Status != http.StatusCreated ||
		!strings.Contains(strings.Join(first.Fields, " "), "SecretValueHash") {
		t.Errorf("first entry %+v", first)
	}
}
