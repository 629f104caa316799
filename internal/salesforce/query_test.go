package salesforce

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route   string
		tooling bool
	}{
		"data":    {queryRoute, false},
		"tooling": {"GET /services/data/v62.0/tooling/query", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(tc.route, answer(200,
				`{"size":2,"totalSize":2,"done":true,"queryLocator":null,"records":[{"Id":"a","n":1},{"Id":"b"}]}`))
			c, _, _ := o.client()
			got, err := c.Query(t.Context(), "SELECT Id FROM X WHERE Name = "+QuoteSOQL("a+b & 100% 'x'"), tc.tooling)
			if err != nil {
				t.Fatal(err)
			}
			if got.TotalSize != 2 || len(got.Records) != 2 || string(got.Records[0]) != `{"Id":"a","n":1}` {
				t.Errorf("result %+v", got)
			}
			if q := o.seen()[0].query; q != `q=SELECT+Id+FROM+X+WHERE+Name+%3D+%27a%2Bb+%26+100%25+%5C%27x%5C%27%27` {
				t.Errorf("query %s", q)
			}
		})
	}
}

func TestQueryCount(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, `{"totalSize":42,"done":true,"records":[]}`))
	c, _, _ := o.client()
	got, err := c.Query(t.Context(), "SELECT COUNT() FROM TenantSecret", false)
	if err != nil || got.TotalSize != 42 || len(got.Records) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestQueryPages(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	page := func(n int) string { return fmt.Sprintf("/services/data/v62.0/query/01g-%d", n) }
	row := func(n int) string { return fmt.Sprintf(`{"n":%d}`, n) }
	o.on(queryRoute, answer(200, `{"totalSize":3,"done":false,"nextRecordsUrl":"`+page(1)+`","records":[`+row(0)+`]}`))
	// A page that fails is read again, and not counted twice.
	o.on("GET "+page(1), truncated(200, `{"totalSize":3,"done":false,"records":[{"n":1}`),
		answer(200, `{"totalSize":3,"done":false,"nextRecordsUrl":"`+o.URL+page(2)+`","records":[`+row(1)+`]}`))
	o.on("GET "+page(2), answer(200, `{"totalSize":3,"done":true,"nextRecordsUrl":null,"records":[`+row(2)+`]}`))
	c, _, _ := o.client()
	got, err := c.Query(t.Context(), "SELECT n FROM X", false)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, r := range got.Records {
		rows = append(rows, string(r))
	}
	if diff := cmp.Diff([]string{row(0), row(1), row(2)}, rows); diff != "" {
		t.Error(diff)
	}
}

func TestNextPageStaysOnTheInstance(t *testing.T) {
	t.Parallel()
	for _, next := range []string{
		"https://evil.example/services/data/v62.0/query/01g",
		"//evil.example/services/data/v62.0/query/01g",
		"http://127.0.0.1:1/services/data/v62.0/query/01g",
		"/services/oauth2/token",
		"/services/data/../oauth2/revoke",
		"/services/data/%2e%2e/oauth2/revoke",
		"services/data/v62.0/query/01g",
		"/x",
		"\x7f",
		"",
		"https:opaque",
		"/services/data/v62.0//query",
	} {
		t.Run(next, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			encoded, err := json.Marshal(next)
			if err != nil {
				t.Fatal(err)
			}
			o.on(queryRoute, answer(200, `{"totalSize":2,"done":false,"nextRecordsUrl":`+string(encoded)+`,"records":[{}]}`))
			c, _, _ := o.client()
			if _, err := c.Query(t.Context(), "SELECT Id FROM X", false); err == nil {
				t.Error("no error")
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func TestQueryPagesBelowABasePath(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/base"} {
		o := newOrg(t)
		o.login = func(w http.ResponseWriter, _ *http.Request) { o.grant(w, testToken, o.URL+"/base") }
		o.on("GET /base/services/data/v62.0/query", answer(200,
			`{"totalSize":0,"done":false,"nextRecordsUrl":"`+prefix+`/services/data/v62.0/query/x","records":[]}`))
		o.on("GET /base/services/data/v62.0/query/x", answer(200, emptyPage))
		c, _, _ := o.client()
		if _, err := c.Query(t.Context(), "SELECT Id FROM X", false); err != nil {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

// endlessPage is a page that leads to another one.
func endlessPage(number int) string {
	return `{"totalSize":9,"done":false,"nextRecordsUrl":"/services/data/v62.0/query/x` + strconv.Itoa(number) +
		`","records":[{"x":"` + strings.Repeat("y", 1000) + `"}]}`
}

func TestQueryIsBounded(t *testing.T) {
	t.Parallel()
	t.Run("circle", func(t *testing.T) {
		t.Parallel()
		o := newOrg(t)
		const next = "/services/data/v62.0/query/01g-1"
		page := answer(200, `{"totalSize":9,"done":false,"nextRecordsUrl":"`+next+`","records":[{}]}`)
		o.on(queryRoute, page)
		o.on("GET "+next, page)
		c, _, _ := o.client()
		_, err := c.Query(t.Context(), "SELECT Id FROM X", false)
		if err == nil || !strings.Contains(err.Error(), "in a circle") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		t.Parallel()
		o := newOrg(t)
		c, _, _ := o.client()
		const rest = 1000
		c.maxQuery = rest + 5*int64(len(endlessPage(0)))
		o.on(queryRoute, answer(200, endlessPage(0)))
		for i := range 20 {
			o.on("GET /services/data/v62.0/query/x"+strconv.Itoa(i), answer(200, endlessPage(i+1)))
		}
		_, err := c.Query(t.Context(), "SELECT Id FROM X", false)
		if err == nil || !strings.Contains(err.Error(), "holds more than") {
			t.Errorf("error %v", err)
		}
		if n := len(o.seen()); n < 5 || n > 7 {
			t.Errorf("%d requests before it was given up", n)
		}
	})
	t.Run("rows", func(t *testing.T) {
		t.Parallel()
		o := newOrg(t)
		c, _, _ := o.client()
		c.maxRows = 5
		o.on(queryRoute, answer(200, endlessPage(0)))
		for i := range 9 {
			o.on("GET /services/data/v62.0/query/x"+strconv.Itoa(i), answer(200, endlessPage(i+1)))
		}
		_, err := c.Query(t.Context(), "SELECT Id FROM X", false)
		if err == nil || !strings.Contains(err.Error(), "more than 5 rows: select less") || len(o.seen()) != 6 {
			t.Errorf("error %v after %d requests", err, len(o.seen()))
		}
	})
	for name, rows := range map[string]int{
		"a full page": maxPageRows, "more than a page": maxPageRows + 1,
		"a bomb": 4 << 20,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Encoding", "gzip")
				zipped := gzip.NewWriter(w)
				_, _ = io.WriteString(zipped, `{"totalSize":1,"done":true,"records":[{}`+strings.Repeat(",{}", rows-1)+`]}`)
				_ = zipped.Close()
			})
			c, _, _ := o.client()
			// The largest row that is read.
			got, err := queryAll[tenantSecretRow](t.Context(), c, queryCall{soql: "SELECT Id FROM X"})
			if rows <= maxPageRows {
				if err != nil || len(got.records) != rows {
					t.Errorf("%d rows, %v", len(got.records), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "more than the 2000 rows") || len(o.seen()) != 1 {
				t.Errorf("error %v after %d requests", err, len(o.seen()))
			}
		})
	}
	for name, soql := range map[string]string{
		"empty": "", "long": strings.Repeat("x", maxQueryURI),
		"long when encoded": strings.Repeat("'", maxQueryURI/2),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			c, _, _ := o.client()
			if _, err := c.Query(t.Context(), soql, false); err == nil {
				t.Error("no error")
			}
			if len(o.seen()) != 0 {
				t.Error("it was sent")
			}
		})
	}
}

// TestQueryPageForms: keys in any order and case, as encoding/json takes them, and nothing behind
// the page.
func TestQueryPageForms(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"records":[{"Id":"a"},{"Id":"b"}],"done":true,"size":2,"totalSize":"2","queryLocator":null,"x":{"y":[1]}}`: "",
		`{"TOTALSIZE":0,"Done":true,"Records":null}`:                                                                 "",
		`{"totalSize":0,"done":true,"records":[]} `:                                                                  "",
		`{"totalSize":0,"done":true,"records":[]} {}`:                                                                "something follows",
		`{"totalSize":0,"done":true,"records":{}}`:                                                                   `"records" has an unexpected type`,
		`{"totalSize":0,"done":"yes","records":[]}`:                                                                  "unexpected type",
		`{"totalSize":0,"done":true,"records":[`:                                                                     "EOF",
		`{"totalSize":0,"done":true,"records":[1]}`:                                                                  "unexpected type",
		`[]`:  "no object",
		`"x"`: "no object",
		``:    "EOF",
		`{"totalSize":0,"done":true,"records":[],"nextRecordsUrl":7}`:                "unexpected type",
		`{"totalSize":0,"done":false,"records":[]}`:                                  "nextRecordsUrl is missing",
		`{"done":true,"records":[]}`:                                                 "totalSize or done is missing",
		`{"totalSize":0,"done":true,"records":[` + strings.Repeat("[", 20000) + `]}`: "syntax error",
	} {
		var page queryPage[map[string]any]
		err := decodePage([]byte(body), &page)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.80s: error %v, want %q in it", body, err, want)
		}
	}
}

func FuzzQueryPage(f *testing.F) {
	f.Add([]byte(emptyPage))
	f.Add([]byte(`{"totalSize":1,"done":false,"nextRecordsUrl":"/services/data/x","records":[` + fullRow + `]}`))
	f.Add([]byte(`{"totalSize":-1,"done":null,"records":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var page queryPage[tenantSecretRow]
		if err := decodePage(b, &page); err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		if *page.TotalSize < 0 || !*page.Done && page.NextRecordsURL == "" {
			t.Errorf("%q was accepted", b)
		}
	})
}

func FuzzNextPage(f *testing.F) {
	for _, seed := range []string{
		"/services/data/v62.0/query/01g-500", "https://x.my.salesforce.com/services/data/x?y=z",
		"//evil/services/data/", "/services/data/%2e%2e/x", "/services/data/%0aError", "/services/data/%E2%80%AE",
	} {
		f.Add(seed)
	}
	o := newOrg(f)
	c, _, _ := o.client()
	if _, err := c.Session(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		path, query, err := c.nextPage(next)
		if err != nil {
			return
		}
		req, err := c.request(t.Context(), call{method: http.MethodGet, path: path, query: query}, c.current.Load())
		if err != nil {
			return
		}
		if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q leads to a path that can't be logged: %q", next, path)
		}
		if req.URL.Host != strings.TrimPrefix(o.URL, "http://") || !strings.HasPrefix(req.URL.Path, "/services/data/") ||
			strings.Contains(req.URL.Path, "/../") {
			t.Errorf("%q leads to %s", next, req.URL)
		}
	})
}
