package salesforce

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const eventHeader = `"EVENT_TYPE","TIMESTAMP","REQUEST_ID","ORGANIZATION_ID","USER_ID","ACTION","KEY_ID","KEY_TYPE","METHOD","TIMESTAMP_DERIVED","USER_ID_DERIVED","CLIENT_IP"` + "\n"

func TestListEncryptionEvents(t *testing.T) {
	t.Parallel()
	const first, second = "0ATxx0000000001GAA", "0ATxx0000000002GAA"
	file := func(id string) string { return "GET /services/data/v62.0/sobjects/EventLogFile/" + id + "/LogFile" }
	csv := func(body string) http.HandlerFunc { return answer(200, body, "Content-Type", "text/csv") }
	imported := `"PlatformEncryption","20261120101112.345","R1","` + testOrg[:15] + `","` + testUser[:15] +
		`","TS Imported","` + testRecord[:15] + `","Data","POST","2026-11-20T10:11:12.345Z","` + testUser + `","192.0.2.1"` +
		"\n"
	destroyed := `"PlatformEncryption","20261120120000.000","R2","` + testOrg[:15] + `","` + testUser[:15] +
		`","TS Destroyed","` + testRecord[:15] + `","Data","","2026-11-20T12:00:00.000Z","","Salesforce.com IP"` + "\n"
	old := `"PlatformEncryption","20261119000000.000","R0","","","TS Read","","","","2026-11-19T00:00:00.000Z","",""` +
		"\n"

	o := newOrg(t)
	o.on(queryRoute, answer(200, `{"totalSize":2,"done":true,"records":[{"Id":"`+second+
		`","LogDate":"2026-11-20T12:00:00.000+0000"},{"Id":"`+first+`","LogDate":"2026-11-20T00:00:00.000+0000"}]}`))
	// The hourly file repeats a row of the daily one; two like rows in one file
	// are two events.
	o.on(file(first), truncated(200, eventHeader), csv(eventHeader+old+destroyed+imported+imported))
	o.on(file(second), csv(eventHeader+destroyed))
	c, _, _ := o.client()
	since := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	got, err := c.ListEncryptionEvents(t.Context(), EventFilter{Since: since})
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
	if err != nil || q.Get("q") != "SELECT Id,LogDate FROM EventLogFile WHERE EventType = 'PlatformEncryption' AND "+
		"LogDate >= 2026-11-19T00:00:00Z" {
		t.Errorf("query %v", q)
	}
}

func TestListEncryptionEventsOfAllTime(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, emptyPage))
	c, _, _ := o.client()
	got, err := c.ListEncryptionEvents(t.Context(), EventFilter{})
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
		"bad head":  {row(id), answer(200, "\"ACTION"), "does not name the column ACTION"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, answer(200, tc.list))
			if tc.file != nil {
				o.on("GET /services/data/v62.0/sobjects/EventLogFile/"+id+"/LogFile", tc.file)
			}
			c, _, _ := o.client()
			_, err := c.ListEncryptionEvents(t.Context(), EventFilter{})
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want %q in it", err, tc.text)
			}
		})
	}
}

// readEvents are the events of a file.
func readEvents(content string) ([]EncryptionEvent, error) {
	var events []EncryptionEvent
	err := readEncryptionEvents(content, func(e EncryptionEvent) error { events = append(events, e); return nil })
	return events, err
}

func TestReadEncryptionEvents(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 10, 11, 12, 0, time.UTC)
	sound := EncryptionEvent{Time: at, Action: "TS Read"}
	for name, tc := range map[string]struct {
		csv  string
		want []EncryptionEvent
	}{
		"nothing":       {"", nil},
		"only a header": {eventHeader, nil},
		"other order": {
			"ACTION,NOVEL,TIMESTAMP\r\nTS Exported,x,20261120101112.000\r\n",
			[]EncryptionEvent{{Time: at, Action: "TS Exported"}},
		},
		"mark and case": {"\ufeffaction,timestamp_derived\nTS Read,2026-11-20T10:11:12Z\n", []EncryptionEvent{sound}},
		"no id": {
			"ACTION,TIMESTAMP,KEY_ID\nTS Read,20261120101112,all\n",
			[]EncryptionEvent{{Time: at, Action: "TS Read", KeyID: "all"}},
		},
		"control":     {"ACTION,TIMESTAMP\n\"TS\nRead\",20261120101112\n", []EncryptionEvent{sound}},
		"empty lines": {"ACTION,TIMESTAMP\n\r\n\nTS Read,20261120101112", []EncryptionEvent{sound}},
		"doubled quote": {
			"ACTION,TIMESTAMP\n\"say \"\"hi\"\"\",20261120101112\n",
			[]EncryptionEvent{{Time: at, Action: `say "hi"`}},
		},
		"bare quote": {
			"ACTION,TIMESTAMP\n\"say \"hi\" now\",20261120101112\n",
			[]EncryptionEvent{{Time: at, Action: `say "hi" now`}},
		},
		"bare quote last": {
			"TIMESTAMP,ACTION\n20261120101112,\"say \"hi\" now\"\r\n",
			[]EncryptionEvent{{Time: at, Action: `say "hi" now`}},
		},
		"short row": {
			"ACTION,TIMESTAMP,KEY_ID\nTS Read,20261120101112\n",
			[]EncryptionEvent{{Time: at, Action: "TS Read", Unreadable: "TS Read,20261120101112"}},
		},
		"long row": {
			"ACTION,TIMESTAMP\nTS Read,20261120101112,x\n",
			[]EncryptionEvent{{Time: at, Action: "TS Read", Unreadable: "TS Read,20261120101112,x"}},
		},
		"no time": {
			"ACTION,TIMESTAMP\nTS Read,soon\n",
			[]EncryptionEvent{{Action: "TS Read", Unreadable: "TS Read,soon"}},
		},
		"empty": {"ACTION,TIMESTAMP\n,\n", []EncryptionEvent{{Unreadable: ","}}},
		"open quote": {
			"ACTION,TIMESTAMP\n\"TS Read,20261120101112\nTS Read,20261120101112\n\"TS Read\",\"20261120101112\"\n",
			[]EncryptionEvent{{Action: "TS Read,20261120101112", Unreadable: `"TS Read,20261120101112`}, sound, sound},
		},
		"open quote at the end": {
			"ACTION,TIMESTAMP\nTS Read,20261120101112\nTS Read,\"20261120101112",
			[]EncryptionEvent{sound, {Time: at, Action: "TS Read", Unreadable: `TS Read,"20261120101112`}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readEvents(tc.csv)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReadEncryptionEventsAsCSV: of sound CSV the reader makes what encoding/csv makes of it.
func TestReadEncryptionEventsAsCSV(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.StringMatching(`[a-c ",\n]{0,6}`)
		rows := rapid.SliceOfN(rapid.SliceOfN(field, 3, 3), 1, 6).Draw(t, "rows")
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		for _, row := range rows {
			row[0] = "x" + row[0] // neither an empty line nor an empty row
		}
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		want, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		rest := b.String()
		for n, row := range want {
			var got []string
			var whole bool
			got, rest, whole = cutRecord(rest, nil)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "\r\n", "\n")
			}
			if !whole || !slices.Equal(got, row) {
				t.Fatalf("row %d of %q: %q, want %q", n, b.String(), got, row)
			}
		}
		if rest != "" {
			t.Fatalf("%q is left of %q", rest, b.String())
		}
	})
}

func TestEventFilter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 10, 11, 12, 0, time.UTC)
	event := EncryptionEvent{Time: at, Action: "TS Read", KeyID: testRecord, UserID: testUser}
	odd := EncryptionEvent{Unreadable: "x"}
	late := EncryptionEvent{Time: at, Unreadable: "x"}
	for name, tc := range map[string]struct {
		filter EventFilter
		event  EncryptionEvent
		want   bool
	}{
		"all":            {EventFilter{}, event, true},
		"since then":     {EventFilter{Since: at}, event, true},
		"since later":    {EventFilter{Since: at.Add(time.Second)}, event, false},
		"action":         {EventFilter{Action: "ts read"}, event, true},
		"another action": {EventFilter{Action: "TS"}, event, false},
		"key, short":     {EventFilter{KeyID: testRecord[:15]}, event, true},
		"another key":    {EventFilter{KeyID: testUser}, event, false},
		"user":           {EventFilter{UserID: testUser}, event, true},
		"another user":   {EventFilter{UserID: testRecord}, event, false},
		"all at once": {
			EventFilter{Since: at, Action: "TS Read", KeyID: testRecord, UserID: testUser},
			event,
			true,
		},
		"one of them": {
			EventFilter{Since: at, Action: "TS Read", KeyID: testRecord, UserID: testOrg},
			event,
			false,
		},
		"unreadable": {
			EventFilter{Since: at, Action: "TS Read", KeyID: testRecord, UserID: testUser},
			odd,
			true,
		},
		"unreadable but its time": {EventFilter{Since: at.Add(time.Second)}, late, false},
	} {
		if got := tc.filter.matches(tc.event); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func FuzzReadEncryptionEvents(f *testing.F) {
	f.Add(eventHeader)
	f.Add("ACTION,TIMESTAMP\n\"a\"\"b\",20261120101112.5\n")
	f.Add("\ufeffACTION\n\n,\n")
	f.Add("ACTION,TIMESTAMP\n\"a\n\"b\",\"c\n")
	f.Fuzz(func(t *testing.T, content string) {
		events, err := readEvents(content)
		if err != nil {
			return
		}
		// Whatever the quotes do, each line belongs to some event: at most the lines of sound quoted
		// fields share one.
		if lines := strings.Count(content, "\n"); len(events) > lines+1 {
			t.Errorf("%q gives %d events", content, len(events))
		}
		for _, e := range events {
			if strings.ContainsAny(e.Action+e.KeyID+e.ClientIP+e.Unreadable, "\n\r\x1b") ||
				!e.Time.IsZero() && e.Time.Location() != time.UTC {
				t.Errorf("%q gives %+v", content, e)
			}
			if e.Time.IsZero() && e.Unreadable == "" {
				t.Errorf("%q gives an event without a time that does not say so: %+v", content, e)
			}
		}
	})
}

// TestListEncryptionEventsCountsItsCalls: each file is a call, which the org counts.
func TestListEncryptionEventsCountsItsCalls(t *testing.T) {
	t.Parallel()
	const row = `{"Id":"0ATxx0000000001GAA","LogDate":null}`
	o := newOrg(t)
	o.on(queryRoute, answer(200, `{"totalSize":1001,"done":true,"records":[`+
		strings.TrimSuffix(strings.Repeat(row+",", maxLogFiles+1), ",")+`]}`))
	c, _, _ := o.client()
	_, err := c.ListEncryptionEvents(t.Context(), EventFilter{})
	if err == nil || !strings.Contains(err.Error(), "1001 log files") {
		t.Errorf("error %v", err)
	}
	if n := len(o.seen()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}
