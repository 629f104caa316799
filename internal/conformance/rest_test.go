package conformance_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

func restFacts() []fact {
	return []fact{
		{
			"VersionsNeedNoSession", "3.1", "D", "RESTdoc",
			"`GET /services/data/` needs no session and lists `label`, `url` and `version` of every API version.", 0, "",
			func(p *probe) {
				r := p.send(http.MethodGet, "/services/data/", nil, nil).want(http.StatusOK)
				var list []map[string]string
				if err := json.Unmarshal(r.body, &list); err != nil || len(list) == 0 {
					p.Fatalf("no list of versions: %v", err)
				}
				last := list[len(list)-1]
				if last["label"] == "" || last["url"] != "/services/data/v"+last["version"] {
					p.Errorf("the last version is %v", last)
				}
			},
		},
		{
			"RepliesTellTheAPIUsage", "3.1", "D", "RESTdoc",
			"Every REST reply has `Sforce-Limit-Info: api-usage=<used>/<limit>`, except that of `/services/data/`.", 0, "",
			func(p *probe) {
				form := regexp.MustCompile(`^api-usage=\d+/\d+(;.*)?$`)
				for _, path := range []string{"/limits", "/sobjects/TenantSecret", "/sobjects/NoSuchObject"} {
					if got := p.get(path).header.Get("Sforce-Limit-Info"); !form.MatchString(got) {
						p.Errorf("%s: %q", path, got)
					}
				}
				if got := p.send(http.MethodGet, "/services/data/", nil, nil).header.Get("Sforce-Limit-Info"); got != "" {
					p.Errorf("/services/data/: %q", got)
				}
			},
		},
		{
			"RepliesAreCompressedOnRequest", "3.1", "D", "RESTdoc",
			"`Accept-Encoding: gzip` is answered with `Content-Encoding: gzip`.", 0, "",
			func(p *probe) {
				header := http.Header{"Authorization": {"Bearer " + p.session()}, "Accept-Encoding": {"gzip"}}
				r := p.send(http.MethodGet, "/sobjects/TenantSecret/describe", header, nil).want(http.StatusOK)
				p.equal("Content-Encoding", r.header.Get("Content-Encoding"), "gzip")
				if _, err := gzip.NewReader(bytes.NewReader(r.body)); err != nil {
					p.Error(err)
				}
			},
		},
		{
			"DatesHaveNoColonInTheOffset", "3.1", "D", "RESTdoc", "Moments are written like `2026-01-31T12:00:00.000+0000`.", 0,
			"",
			func(p *probe) {
				rows, _ := p.query("/query", "SELECT CreatedDate FROM Organization")
				p.date(p.text(rows[0], "CreatedDate"))
			},
		},
		{
			"UnknownResourceIsNotFound", "3.2", "D", "RESTdoc",
			"What does not exist is 404 `NOT_FOUND`, \"The requested resource does not exist\", in an array.", 0, "",
			func(p *probe) {
				p.get("/sobjects/NoSuchObject").refused(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
			},
		},
		{
			"MalformedIDIsTold", "3.2", "D", "RESTdoc",
			"An id of another object is 400 `MALFORMED_ID`, \"<label> ID: id value of incorrect type: <id>\", with `fields` " +
				"Id.", 0, "",
			func(p *probe) {
				p.get("/sobjects/TenantSecret/001900K0001pPuOAAU").
					refused(http.StatusBadRequest, "MALFORMED_ID", "ID: id value of incorrect type: 001900K0001pPuOAAU", "Id")
			},
		},
		{
			"RetiredVersionIsGone", "3.2", "V", "vantagepoint; Help 005132110", "API versions up to 30.0 are retired: 410.", 0,
			"",
			func(p *probe) {
				p.get("/services/data/v20.0/limits").want(http.StatusGone)
			},
		},
		{
			"LongURIIsRefused", "3.2", "D", "RESTdoc", "A URI of more than 16,384 bytes is 414, or 431 with its headers.", 0, "",
			func(p *probe) {
				status := p.get("/query?q=" + strings.Repeat("x", 17_000)).status
				if status != http.StatusRequestURITooLong && status != http.StatusRequestHeaderFieldsTooLarge {
					p.Errorf("status %d", status)
				}
			},
		},
		{
			"LimitsTellTheDailyRequests", "3.1", "D", "RESTdoc", "`/limits` has `DailyApiRequests` with `Max` and `Remaining`.",
			0, "",
			func(p *probe) {
				daily, isObject := p.get("/limits").want(http.StatusOK).object()["DailyApiRequests"].(map[string]any)
				if !isObject {
					p.Fatal("no DailyApiRequests")
				}
				limit, _ := daily["Max"].(float64)
				remaining, hasRemaining := daily["Remaining"].(float64)
				if limit < 1 || !hasRemaining || remaining > limit {
					p.Errorf("%v", daily)
				}
			},
		},
	}
}
