package salesforce

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const eventHeader = `"EVENT_TYPE","TIMESTAMP","REQUEST_ID","ORGANIZATION_ID","USER_ID","ACTION","KEY_ID","KEY_TYPE","METHOD","TIMESTAMP_DERIVED","USER_ID_DERIVED","CLIENT_IP"` + "\n"

func TestListEncryptionEvents(t *testing.T) {
	t.Parallel()
	const first, second = "0ATxx0000000001GAA", "0ATxx0000000002GAA"
	file := func(id string) string { return "GET /services/data/v62.0/sobjects/EventLogFile/" + id + "/LogFile" }
	csv := func(body string) http.HandlerFunc { return answer(200, body, "Content-Type", "text/csv") }
	imported := `"PlatformEncryption","20261120101112.345","R1","` + testOrg[:15] + `","` + testUser[:15] + `","TS Imported","` + testRecord[:15] + `","Data","POST","2026-11-20T10:11:12.345Z","` + testUser + `","192.0.2.1"` + "\n"
	destroyed := `"PlatformEncryption","20261120120000.000","R2","` + testOrg[:15] + `","` + testUser[:15] + `","TS Destroyed","` + testRecord[:15] + `","Data","","2026-11-20T12:00:00.000Z","","Salesforce.com IP"` + "\n"
	old := `"PlatformEncryption","20261119000000.000","R0","","","TS Read","","","","2026-11-19T00:00:00.000Z","",""` + "\n"

	o := newOrg(t)
	o.on(queryRoute, answer(200, `{"totalSize":2,"done":true,"records":[{"Id":"`+second+`","LogDate":"2026-11-20T12:00:00.000+0000"},{"Id":"`+first+`","LogDate":"2026-11-20T00:00:00.000+0000"}]}`))
	// The hourly file repeats a row of the daily one; two like rows in one file
	// are two events.
	o.on(file(first), truncated(200, eventHeader), csv(eventHeader+old+destroyed+imported+imported))
	o.on(file(second), csv(eventHeader+destroyed))
	c, _, _ := o.client()
	since := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	got, err := c.ListEncryptionEvents(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	wantImported := EncryptionEvent{
		Time: time.Date(2026, 11, 20, 10, 11, 12, 345e6, time.UTC), Action: "TS Imported", KeyID: testRecord, KeyType: "Data",
		UserID: testUser, ClientIP: "192.0.2.1", Method: "POST", RequestID: "R1",
	}
	wantDestroyed := EncryptionEvent{
		Time: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Action: "TS Destroyed", KeyID: testRecord, KeyType: "Data",
		UserID: testUser, ClientIP: "Salesforce.com IP", RequestID: "R2",
	}
	if diff := cmp.Diff([]EncryptionEvent{wantImported, wantImported, wantDestroyed}, got); diff != "" {
		t.Error(diff)
	}
	q, err := url.ParseQuery(o.seen()[0].query)
	if err != nil || q.Get("q") != "SELECT Id,LogDate FROM EventLogFile WHERE EventType = 'PlatformEncryption' AND LogDate >= 2026-11-19T00:00:00Z" {
		t.Errorf("query %v", q)
	}
}

func TestListEncryptionEventsOfAllTime(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, emptyPage))
	c, _, _ := o.client()
	got, err := c.ListEncryptionEvents(t.Context(), time.Time{})
	if err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if q := o.seen()[0].query; strings.Contains(q, "LogDate+%3E") {
		t.Errorf("query %s", q)
	}
}

func TestListEncryptionEventsRefuses(t *testing.T) {
	t.Parallel()
	const id = "0ATxx0000000001GAA"
	row := func(id string) string {
		return `{"totalSize":1,"done":true,"records":[{"Id":"` + id + `","LogDate":null}]}`
	}
	for name, tc := range map[string]struct {
		list string
		file http.HandlerFunc
		text string
	}{
		"bad id":    {row("../x"), nil, "record id"},
		"not found": {row(id), fault(404, "NOT_FOUND", "m"), "NOT_FOUND"},
		"html":      {row(id), answer(200, `<html>`), "does not name the column ACTION"},
		"bad CSV":   {row(id), answer(200, "ACTION\n\"x\n"), "not CSV from line 2 on"},
		"bad head":  {row(id), answer(200, "\"ACTION"), "not CSV"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, answer(200, tc.list))
			if tc.file != nil {
				o.on("GET /services/data/v62.0/sobjects/EventLogFile/"+id+"/LogFile", tc.file)
			}
			c, _, _ := o.client()
			_, err := c.ListEncryptionEvents(t.Context(), time.Time{})
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want %q in it", err, tc.text)
			}
		})
	}
}

func TestParseEncryptionEvents(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 10, 11, 12, 0, time.UTC)
	for name, tc := range map[string]struct {
		csv  string
		want []EncryptionEvent
	}{
		"nothing":       {"", nil},
		"only a header": {eventHeader, nil},
		"other order":   {"ACTION,NOVEL,TIMESTAMP\r\nTS Exported,x,20261120101112.000\r\n", []EncryptionEvent{{Time: at, Action: "TS Exported"}}},
		"mark and case": {"\ufeffaction,timestamp_derived\nTS Read,2026-11-20T10:11:12Z\n", []EncryptionEvent{{Time: at, Action: "TS Read"}}},
		"short row":     {"ACTION,TIMESTAMP,KEY_ID\nTS Read,20261120101112\n", []EncryptionEvent{{Time: at, Action: "TS Read"}}},
		"no id":         {"ACTION,TIMESTAMP,KEY_ID\nTS Read,20261120101112,all\n", []EncryptionEvent{{Time: at, Action: "TS Read", KeyID: "all"}}},
		"no time":       {"ACTION,TIMESTAMP\nTS Read,soon\n", []EncryptionEvent{{Action: "TS Read"}}},
		"control":       {"ACTION\n\"TS\nRead\"\n", []EncryptionEvent{{Action: "TS Read"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseEncryptionEvents([]byte(tc.csv))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseEncryptionEvents(f *testing.F) {
	f.Add([]byte(eventHeader))
	f.Add([]byte("ACTION,TIMESTAMP\n\"a\"\"b\",20261120101112.5\n"))
	f.Add([]byte("\ufeffACTION\n\n,\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := parseEncryptionEvents(b)
		if err != nil {
			return
		}
		for _, e := range events {
			if strings.ContainsAny(e.Action+e.KeyID+e.ClientIP, "\n\r\x1b") || !e.Time.IsZero() && e.Time.Location() != time.UTC {
				t.Errorf("%q gives %+v", b, e)
			}
		}
	})
}

// TestListEncryptionEventsCountsItsCalls: each file is a call, which the org counts.
func TestListEncryptionEventsCountsItsCalls(t *testing.T) {
	t.Parallel()
	const row = `{"Id":"0ATxx0000000001GAA","LogDate":null}`
	o := newOrg(t)
	o.on(queryRoute, answer(200, `{"totalSize":1001,"done":true,"records":[`+strings.TrimSuffix(strings.Repeat(row+",", maxLogFiles+1), ",")+`]}`))
	c, _, _ := o.client()
	_, err := c.ListEncryptionEvents(t.Context(), time.Time{})
	if err == nil || !strings.Contains(err.Error(), "1001 log files") {
		t.Errorf("error %v", err)
	}
	if n := len(o.seen()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}
