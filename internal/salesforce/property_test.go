package salesforce

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fate is what becomes of one POST: whether Salesforce applies it, and what
// the client gets to see.
type fate struct {
	name    string
	applied bool
	// ambiguous fates must be the last of a call: the client can't know.
	ambiguous bool
	reply     http.HandlerFunc
}

var fates = []fate{
	{"created", true, false, answer(201, created)},
	{"429", false, false, fault(429, "TOO_MANY_REQUESTS", "slow down", "Retry-After", "3")},
	{"429 of a gateway", false, true, answer(429, ``, "Retry-After", "3")},
	{"locked", false, false, fault(400, "UNABLE_TO_LOCK_ROW", "locked")},
	{"maintenance", false, false, fault(400, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "later")},
	{"expired", false, false, answer(401, expired)},
	{"refused", false, false, fault(400, "FIELD_INTEGRITY_EXCEPTION", "not yet")},
	{"sent elsewhere before", false, true, answer(307, ``, "Location", "/x")},
	{"redirected before", false, true, answer(302, ``, "Location", "/x")},
	{"redirected after", true, true, answer(303, ``, "Location", "/x")},
	{"gateway page before", false, true, answer(401, `<html>`)},
	{"load balancer after", true, true, answer(408, ``, "Content-Type", "")},
	{"dropped before", false, true, hangUp},
	{"dropped after", true, true, hangUp},
	{"503 before", false, true, answer(503, `<html>`)},
	{"503 after", true, true, answer(503, `<html>`)},
	{"500 after", true, true, fault(500, "UNKNOWN_EXCEPTION", "boom")},
	{"foreign JSON after", true, true, answer(400, `{"error":"policy"}`)},
	{"not created, but created", true, true, answer(200, `{"success":false,"errors":[]}`)},
	{"420 before", false, true, answer(420, `<html>`)},
	{"proxy page after", true, true, answer(403, `<html>`)},
	{"truncated after", true, true, truncated(201, `{"id":"02G`)},
	{"malformed after", true, true, answer(201, `{"id":"02GB0000`)},
	{"id unreadable after", true, true, answer(201, `{"id":null,"success":true}`)},
}

// TestCreateIsAppliedAtMostOnce draws a fate for each POST that arrives, and
// checks what the client then claims against what happened.
func TestCreateIsAppliedAtMostOnce(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	var (
		mu      sync.Mutex
		script  []fate
		seen    []fate
		applied int
	)
	o.on(createRoute, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		next := fates[0]
		if len(script) > 0 {
			next, script = script[0], script[1:]
		}
		seen = append(seen, next)
		if next.applied {
			applied++
		}
		mu.Unlock()
		next.reply(w, r)
	})
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.SampledFrom(fates), 0, 6).Draw(t, "fates")
		mu.Lock()
		script, seen, applied = drawn, nil, 0
		mu.Unlock()
		c, _, _ := o.client(func(cfg *Config) { cfg.MaxRetries = rapid.IntRange(0, 5).Draw(t, "retries") })
		_, err := c.CreateTenantSecret(o.t.Context(), upload)
		mu.Lock()
		defer mu.Unlock()
		var names []string
		for i, f := range seen {
			names = append(names, f.name)
			if f.ambiguous && i != len(seen)-1 {
				t.Errorf("after %q the POST was sent again", f.name)
			}
		}
		story := strings.Join(names, ", ")
		switch {
		case applied > 1:
			t.Errorf("%s: applied %d times", story, applied)
		case err == nil && applied != 1:
			t.Errorf("%s: success, but applied %d times", story, applied)
		case err != nil && !errors.Is(err, ErrOutcomeUnknown) && applied != 0:
			t.Errorf("%s: a definite failure (%v), but it was applied", story, err)
		case errors.Is(err, ErrOutcomeUnknown) && !seen[len(seen)-1].ambiguous:
			t.Errorf("%s: the outcome was clear, but is called unknown: %v", story, err)
		}
	})
}

// TestListIsWholeOrAnError serves a paged list whose every request may fail,
// and wants the list in full, or an error.
func TestListIsWholeOrAnError(t *testing.T) {
	t.Parallel()
	failures := []http.HandlerFunc{
		hangUp, answer(503, `<html>`), answer(429, ``), truncated(200, `{"totalSize":`),
		answer(200, `{"totalSize":9,"done":true,"rec`),
		answer(401, expired), answer(200, ``), answer(400, `[{"errorCode":"INVALID_QUERY_LOCATOR","message":"m"}]`),
	}
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(0, 9).Draw(t, "records")
		size := rapid.IntRange(1, 4).Draw(t, "page size")
		broken := rapid.SliceOfN(rapid.IntRange(0, 3*len(failures)), 30, 30).Draw(t, "failures")

		o := newOrg(rapidTB{TB: nil, t: t})
		defer o.Close()
		var mu sync.Mutex
		requests := 0
		serve := func(page int) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				n := broken[min(requests, len(broken)-1)]
				requests++
				mu.Unlock()
				if n < len(failures) {
					failures[n](w, r)
					return
				}
				var rows []string
				for i := page * size; i < min(total, (page+1)*size); i++ {
					rows = append(rows, fmt.Sprintf(`{"Id":%q,"Type":"Data","Version":%d}`, testRecord, i))
				}
				more := `"done":true`
				if (page+1)*size < total {
					more = fmt.Sprintf(`"done":false,"nextRecordsUrl":"/services/data/v62.0/query/01g-%d"`, page+1)
				}
				answer(200, fmt.Sprintf(`{"totalSize":%d,%s,"records":[%s]}`, total, more, strings.Join(rows, ",")))(w, r)
			}
		}
		o.on(queryRoute, serve(0))
		for page := 1; page < 10; page++ {
			o.on(fmt.Sprintf("GET /services/data/v62.0/query/01g-%d", page), serve(page))
		}
		c, _, _ := o.client()
		list, err := c.ListTenantSecrets(o.t.Context())
		if err != nil {
			return
		}
		if len(list.Records) != total {
			t.Fatalf("%d records without an error, want %d", len(list.Records), total)
		}
		for i, r := range list.Records {
			if r.Version != int64(i) {
				t.Fatalf("record %d has version %d", i, r.Version)
			}
		}
	})
}

// TestWaitKeepsItsBounds draws states and errors, and checks the pauses.
func TestWaitKeepsItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		states := rapid.SliceOfN(rapid.SampledFrom([]string{"pending", "pending", "error", over}), 1, 20).Draw(t, "states")
		steps := make([]step, len(states))
		for i, state := range states {
			steps[i] = step{state: state}
			if state == "error" {
				steps[i].err = errBlip
			}
		}
		w, looks := waitFor(steps...)
		w.errors = rapid.IntRange(0, 3).Draw(t, "errors")
		w.shortest = time.Duration(rapid.IntRange(1, 10_000).Draw(t, "shortest")) * time.Millisecond
		w.longest = time.Duration(rapid.IntRange(10_000, 60_000).Draw(t, "longest")) * time.Millisecond
		w.timeout = time.Duration(rapid.IntRange(1, 600_000).Draw(t, "timeout")) * time.Millisecond
		share := rapid.Float64Range(0, 1).Draw(t, "jitter")
		clock := &waitClock{}
		client := clock.client()
		client.jitter = func(ceiling time.Duration) time.Duration { return time.Duration(share * float64(ceiling)) }
		start := clock.now
		_, err := w.until(t.Context(), client)
		if waited := clock.now.Sub(start); waited > w.timeout {
			t.Errorf("waited %s, longer than the timeout of %s", waited, w.timeout)
		}
		for _, d := range clock.pauses {
			if d <= 0 || d > w.longest {
				t.Errorf("a pause of %s", d)
			}
		}
		if (err == nil) != (states[min(*looks, len(states))-1] == over) {
			t.Errorf("after %d looks at %v: %v", *looks, states, err)
		}
	})
}

// FuzzHostURL: whatever is configured, a credential only ever goes to https or
// to this machine.
func FuzzHostURL(f *testing.F) {
	for _, seed := range []string{
		"https://x.my.salesforce.com", "http://127.0.0.1:80", "http://localhost.evil.example",
		"http://127.0.0.1.evil.example",
		"https://a@b", "HTTPS://X", "http://[::1]", "//x", "http://0x7f.1", "http://LOCALHOST",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := parseHostURL("instance_url", s)
		if err != nil {
			if u != nil {
				t.Errorf("%q: an error and a URL", s)
			}
			return
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host || again.Path != "" || again.User != nil || again.RawQuery != "" {
			t.Errorf("%q becomes %q", s, u)
		}
		if u.Scheme != "https" && !isLoopback(u.Hostname()) {
			t.Errorf("%q was accepted", s)
		}
	})
}

// FuzzHeaders: what a server may put into headers never breaks the client.
func FuzzHeaders(f *testing.F) {
	f.Add("api-usage=1/2", "3", "Sat, 21 Nov 2026 12:00:00 GMT")
	f.Add("api-usage=9223372036854775807/9223372036854775807", "99999999999", "x")
	f.Add(";;api-usage=/", "-1", "")
	f.Fuzz(func(t *testing.T, limitInfo, retryAfter, date string) {
		used, limit, ok := parseLimitInfo(limitInfo)
		if used < 0 || limit < 0 || !ok && (used != 0 || limit != 0) {
			t.Errorf("%q: %d/%d %v", limitInfo, used, limit, ok)
		}
		h := http.Header{"Retry-After": {retryAfter}, "Date": {date}, "Sforce-Limit-Info": {limitInfo}}
		r := &reply{header: h, received: time.Now()}
		if d := parseRetryAfter(h, r.serverTime()); d < 0 {
			t.Errorf("%q: %s", retryAfter, d)
		}
		var l limits
		l.note(h.Get(limitHeader))
		if _, low := l.note(h.Get(limitHeader)); low {
			t.Error("low limits were reported twice")
		}
	})
}

// FuzzAPIVersion: the version becomes a part of every path.
func FuzzAPIVersion(f *testing.F) {
	for _, seed := range []string{"62.0", "45.0", "44.0", "999.0", "062.0", "62.0/", "٦٢.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseAPIVersion(s)
		if err == nil && (n < MinAPIVersion || n > 999 || s != fmt.Sprintf("%d.0", n)) {
			t.Errorf("%q is accepted as %d", s, n)
		}
	})
}
