package keys_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

func TestRecordIsFoundByItsFirst15Characters(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		record, id string
		want       bool
	}{
		"18 characters":                    {"02G000000000001AAA", "02G000000000001AAA", true},
		"15 characters are the record's":   {"02G000000000001", "02G000000000001AAA", true},
		"15 characters are enough":         {"02G000000000001AAA", "02G000000000001", true},
		"the checksum does not matter":     {"02G000000000001AAA", "02G000000000001aaa", true},
		"upper and lower case differ":      {"02G00000000000aAAA", "02G00000000000AAAA", false},
		"another record":                   {"02G000000000001AAA", "02G000000000002AAA", false},
		"14 characters are too few":        {"02G000000000001AAA", "02G00000000000", false},
		"nothing":                          {"02G000000000001AAA", "", false},
		"a data encryption key":            {"version-7", "version-7", true},
		"another data encryption key":      {"version-7", "version-70", false},
		"a long id against a short one":    {"version-7", "02G000000000001AAA", false},
		"a version is compared as a whole": {"version-71", "version-7", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := keys.Record{ID: tc.record}
			if got := r.Is(tc.id); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			found, ok := keys.Find([]keys.Record{{ID: "02G00000000000ZAAA"}, r}, tc.id)
			if ok != tc.want || (ok && found.ID != tc.record) || (!ok && found.ID != "") {
				t.Errorf("found %q, %v", found.ID, ok)
			}
		})
	}
}

func TestRecordNamesItself(t *testing.T) {
	t.Parallel()

	r := keys.Record{
		ID: "02G000000000001AAA", Type: keys.TypeData, Version: 7, Status: keys.StatusActive, Source: keys.SourceHSM,
		CreatedDate: time.Date(2026, 11, 21, 13, 0, 0, 0, time.FixedZone("CET", 3600)),
		Description: "ours [tf:9c1185a5.3]",
	}
	if got, want := r.String(), "02G000000000001AAA (Data, version 7)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := "The Data record 02G000000000001AAA (version 7, ACTIVE, source HSM, created 2026-11-21T12:00:00Z)"
	if got := r.Describe(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := r.Marker().String(); got != "9c1185a5.3" {
		t.Errorf("marker %q", got)
	}
	if got := (keys.Record{Description: "made in Setup"}).Marker(); !got.IsZero() {
		t.Errorf("a record without a marker has %v", got)
	}
}

// org returns records of two types, out of order.
func org() []keys.Record {
	return []keys.Record{
		{ID: "b", Type: keys.TypeData, Version: 4, Status: keys.StatusArchived, Source: keys.SourceUploaded},
		{ID: "d", Type: keys.TypeData, Version: 9, Status: keys.StatusActive, Source: keys.SourceUploaded},
		{ID: "x", Type: keys.TypeEventBus, Version: 12, Status: keys.StatusActive, Source: keys.SourceUploaded},
		{ID: "a", Type: keys.TypeData, Version: 1, Status: keys.StatusDestroyed, Source: keys.SourceUploaded},
	}
}

func TestRecordsOfOneType(t *testing.T) {
	t.Parallel()

	records := org()
	got := keys.OfType(records, keys.TypeData)
	if len(got) != 3 || slices.ContainsFunc(got, func(r keys.Record) bool { return r.Type != keys.TypeData }) {
		t.Errorf("got %v", got)
	}
	if !slices.Equal(records, org()) {
		t.Error("the records of the caller have changed")
	}
	if n := keys.Counted(records, keys.TypeData); n != 2 {
		t.Errorf("%d records count for the cap, want the ACTIVE and the ARCHIVED one", n)
	}
	if n := keys.Counted(records, keys.TypeAnalytics); n != 0 {
		t.Errorf("%d records of a type that has none", n)
	}
	for _, typ := range []string{keys.TypeDatabase, keys.TypeDataKey} {
		uncounted := []keys.Record{{Type: typ, Status: keys.StatusActive}, {Type: typ, Status: keys.StatusArchived}}
		if n := keys.Counted(uncounted, typ); n != 0 {
			t.Errorf("%d records of %s count, whose keys do not", n, typ)
		}
	}
}

func TestCurrentRecord(t *testing.T) {
	t.Parallel()

	active := keys.Record{ID: "d", Type: keys.TypeData, Version: 9, Status: keys.StatusActive}
	remote := keys.Record{
		ID: "r", Type: keys.TypeData, Version: 10, Status: keys.StatusDestroyed,
		Source: keys.SourceRemote,
	}
	destroyed := keys.Record{
		ID: "u", Type: keys.TypeData, Version: 11, Status: keys.StatusDestroyed,
		Source: keys.SourceUploaded,
	}
	older := keys.Record{ID: "o", Type: keys.TypeData, Version: 2, Status: keys.StatusActive}
	other := keys.Record{ID: "x", Type: keys.TypeEventBus, Version: 20, Status: keys.StatusActive}

	for name, tc := range map[string]struct {
		records []keys.Record
		want    string
	}{
		"no records":                                     {nil, ""},
		"records of other types only":                    {[]keys.Record{other}, ""},
		"the ACTIVE record":                              {[]keys.Record{other, active, older}, "d"},
		"of two ACTIVE ones the newer encrypts":          {[]keys.Record{older, active}, "d"},
		"an ACTIVE record before a newer cache-only one": {[]keys.Record{remote, active}, "d"},
		"the newest record if it is cache-only":          {[]keys.Record{remote, other}, "r"},
		"not an older cache-only record":                 {[]keys.Record{remote, destroyed}, ""},
		"not a DESTROYED record with material of ours":   {[]keys.Record{destroyed}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, ok := keys.Current(tc.records, keys.TypeData)
			if ok != (tc.want != "") || (ok && got.ID != tc.want) {
				t.Errorf("got %q, %v, want %q", got.ID, ok, tc.want)
			}
		})
	}

	if got, ok := keys.Newest(org(), keys.TypeData); !ok || got.ID != "d" {
		t.Errorf("newest %v, %v", got, ok)
	}
	if got, ok := keys.Newest([]keys.Record{active, destroyed, remote}, keys.TypeData); !ok || got.ID != "u" {
		t.Errorf("the status decides about the newest record: %v, %v", got, ok)
	}
	if got, ok := keys.Active([]keys.Record{destroyed}, keys.TypeData); ok {
		t.Errorf("%v is ACTIVE", got)
	}
}

func TestKnownTypes(t *testing.T) {
	t.Parallel()

	want := []string{"Data", "DeterministicData", "EventBus", "SearchIndex", "Analytics", "Database"}
	if got := keys.KnownTypes(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, typ := range want {
		if !keys.IsKnownType(typ) {
			t.Errorf("%s is not known", typ)
		}
	}
	for _, typ := range []string{"", "data", "DATA", "DataEncryptionKey"} {
		if keys.IsKnownType(typ) {
			t.Errorf("%q is no type of a tenant secret", typ)
		}
	}
}

// What becomes of the key in use is true of each kind of it.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source, status string
		lost           bool
	}{
		"uploaded":                     {keys.SourceUploaded, keys.StatusActive, false},
		"made by Salesforce":           {keys.SourceHSM, keys.StatusActive, false},
		"cache-only":                   {keys.SourceRemote, keys.StatusActive, false},
		"cache-only, DESTROYED":        {keys.SourceRemote, keys.StatusDestroyed, true},
		"uploaded, DESTROYED, no word": {keys.SourceUploaded, keys.StatusDestroyed, false},
	} {
		r := keys.Record{Source: test.source, Status: test.status}
		if text := r.Overtaken(); r.Lost() != test.lost || strings.Contains(text, "is lost") != test.lost ||
			strings.Contains(text, "stays readable") == test.lost {
			t.Errorf("%s: lost %t, and %q", name, r.Lost(), text)
		}
	}
}
