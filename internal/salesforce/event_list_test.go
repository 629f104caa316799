package salesforce

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fileOf is some events of one log file.
func fileOf(events ...EncryptionEvent) []EncryptionEvent { return events }

// collect lists the events of files, in their order.
func collect(most int, files ...[]EncryptionEvent) ([]EncryptionEvent, error) {
	l := eventList{most: most}
	for number, events := range files {
		for _, e := range events {
			if err := l.add(number, e); err != nil {
				return nil, err
			}
		}
	}
	return l.events()
}

// What two files have is one event, what one file has twice is two; and each comes at its time.
func TestEventList(t *testing.T) {
	t.Parallel()
	at := func(second int, action string) EncryptionEvent {
		return EncryptionEvent{Time: time.Date(2026, 11, 20, 0, 0, second, 0, time.UTC), Action: action}
	}
	a, b, c := at(1, "a"), at(1, "b"), at(2, "c")
	odd, other := EncryptionEvent{Unreadable: "x"}, EncryptionEvent{Unreadable: "y"}
	for name, tc := range map[string]struct {
		files [][]EncryptionEvent
		want  []EncryptionEvent
	}{
		"nothing":                   {nil, []EncryptionEvent{}},
		"twice in a file":           {[][]EncryptionEvent{fileOf(a, a)}, []EncryptionEvent{a, a}},
		"in two files":              {[][]EncryptionEvent{fileOf(a), fileOf(a)}, []EncryptionEvent{a}},
		"in three files":            {[][]EncryptionEvent{fileOf(a), fileOf(b, a), fileOf(a, b)}, []EncryptionEvent{a, b}},
		"twice in each":             {[][]EncryptionEvent{fileOf(a, a), fileOf(a, a)}, []EncryptionEvent{a, a}},
		"one more in the later":     {[][]EncryptionEvent{fileOf(a), fileOf(a, a)}, []EncryptionEvent{a}},
		"another at that instant":   {[][]EncryptionEvent{fileOf(a), fileOf(b)}, []EncryptionEvent{a, b}},
		"earlier in a later file":   {[][]EncryptionEvent{fileOf(c), fileOf(a, c)}, []EncryptionEvent{a, c}},
		"without a time, in two":    {[][]EncryptionEvent{fileOf(a, odd), fileOf(odd, c)}, []EncryptionEvent{odd, a, c}},
		"another row, unreadable":   {[][]EncryptionEvent{fileOf(odd), fileOf(other)}, []EncryptionEvent{odd, other}},
		"a file without any events": {[][]EncryptionEvent{fileOf(c), nil, fileOf(c)}, []EncryptionEvent{c}},
	} {
		got, err := collect(10, tc.files...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The list is what a set of all events of earlier files makes of it, whatever the files.
func TestEventListAsASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		event := rapid.Custom(func(t *rapid.T) EncryptionEvent {
			e := EncryptionEvent{Action: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "action")}
			if second := rapid.IntRange(0, 3).Draw(t, "second"); second > 0 {
				e.Time = time.Date(2026, 11, 20, 0, 0, second, 0, time.UTC)
			}
			return e
		})
		files := rapid.SliceOfN(rapid.SliceOfN(event, 0, 6), 0, 5).Draw(t, "files")
		var want []EncryptionEvent
		seen := map[EncryptionEvent]bool{}
		for _, events := range files {
			for _, e := range events {
				if !seen[e] {
					want = append(want, e)
				}
			}
			for _, e := range events {
				seen[e] = true
			}
		}
		slices.SortStableFunc(want, func(a, b EncryptionEvent) int { return a.Time.Compare(b.Time) })
		// With few allowed, what is a duplicate is found on the way, too.
		for _, most := range []int{100, max(len(want), 1)} {
			got, err := collect(most, files...)
			if err != nil || len(got)+len(want) > 0 && !slices.Equal(got, want) {
				t.Fatalf("of at most %d: %v, %v, want %v", most, got, err, want)
			}
		}
		if len(want) > 1 {
			if got, err := collect(len(want)-1, files...); err == nil {
				t.Fatalf("expected too many events to be an error, found %v", got)
			}
		}
	})
}

// There is an end to how much is held, and duplicates do not count.
func TestEventListIsBounded(t *testing.T) {
	t.Parallel()
	const most = 50
	l := eventList{most: most}
	add := func(file, second int) error {
		return l.add(file, EncryptionEvent{Time: time.Unix(int64(second), 0).UTC()})
	}
	for file := range 20 {
		for second := range most {
			if err := add(file, second); err != nil {
				t.Fatal(err)
			}
			if len(l.rows) > 2*most {
				t.Fatalf("%d events are held", len(l.rows))
			}
		}
	}
	if err := add(21, most); err != nil {
		t.Error("expected the events to be counted in the end")
	}
	if got, err := l.events(); err == nil || !strings.Contains(err.Error(), "more than 50 encryption events match") {
		t.Errorf("found %d events, %v", len(got), err)
	}
	refused := false
	for second := 0; second < 3*most && !refused; second++ {
		refused = add(22, 1000+second) != nil
	}
	if !refused {
		t.Error("expected the list to end")
	}
}

// An event does not hold the text of its file: one row of each of a thousand files of a hundred
// megabytes would hold them all.
func TestEventsDoNotHoldTheirFiles(t *testing.T) {
	t.Parallel()
	content := eventHeader + strings.Repeat(`"PlatformEncryption","20261120101112.345","R1","`+testOrg[:15]+`","`+testUser+
		`","TS Imported","`+testRecord+`","Data","POST","2026-11-20T10:11:12.345Z","`+testUser+`","192.0.2.1"`+"\nodd\n", 3)
	l := eventList{most: 10}
	if err := readEncryptionEvents(content, func(e EncryptionEvent) error { return l.add(0, e) }); err != nil {
		t.Fatal(err)
	}
	from := uintptr(unsafe.Pointer(unsafe.StringData(content)))
	inside := func(text string) bool {
		at := uintptr(unsafe.Pointer(unsafe.StringData(text)))
		return text != "" && at >= from && at < from+uintptr(len(content))
	}
	held := 0
	check := func(text string) {
		held++
		if inside(text) {
			t.Errorf("%q is a piece of the file", text)
		}
	}
	for _, r := range l.rows {
		for _, text := range []string{
			r.Action, r.KeyID, r.KeyType, r.UserID, r.ClientIP, r.Method, r.RequestID, r.Unreadable,
		} {
			check(text)
		}
	}
	for _, all := range []map[string]string{l.texts, l.ids} {
		for key, value := range all {
			check(key)
			check(value)
		}
	}
	if len(l.rows) != 6 || held < 6*8+8 {
		t.Errorf("%d events, %d texts", len(l.rows), held)
	}
	// And what many events say is held once.
	first, last := l.rows[0], l.rows[2]
	if unsafe.StringData(first.Action) != unsafe.StringData(last.Action) ||
		unsafe.StringData(first.UserID) != unsafe.StringData(last.UserID) {
		t.Error("expected like texts to be one")
	}
}

// A row costs what is its own: the id of its request, and nothing for what it shares with others or
// for a filter that leaves it out.
func TestEventsAllocateLittle(t *testing.T) { //nolint:paralleltest // testing.AllocsPerRun counts for the whole process
	const rows = 2000
	line := `"PlatformEncryption","20261120101112.345","R1","` + testOrg[:15] + `","` + testUser + `","TS Imported","` +
		testRecord[:15] + `","Data","POST","2026-11-20T10:11:12.345Z","` + testUser + `","192.0.2.1"` + "\n"
	content := eventHeader + strings.Repeat(line, rows)
	for name, tc := range map[string]struct {
		filter EventFilter
		most   float64
	}{"kept": {EventFilter{}, 1.1}, "left out": {EventFilter{Action: "TS Read"}, 0.1}} {
		allocations := testing.AllocsPerRun(5, func() {
			l := eventList{most: rows}
			err := readEncryptionEvents(content, func(e EncryptionEvent) error {
				if !tc.filter.matches(e) {
					return nil
				}
				return l.add(0, e)
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		if each := allocations / rows; each > tc.most {
			t.Errorf("%s: %.2f allocations a row, want at most %.1f", name, each, tc.most)
		}
	}
}
