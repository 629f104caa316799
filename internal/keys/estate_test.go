package keys_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

func TestRemoteInUse(t *testing.T) {
	t.Parallel()

	record := func(version int64, typ, source, status string) keys.Record {
		return keys.Record{
			ID: fmt.Sprintf("02GWt000000%04dMAA", version), Version: version, Type: typ, Source: source,
			Status: status,
		}
	}
	for name, test := range map[string]struct {
		records []keys.Record
		want    []int64
	}{
		"none": {nil, nil},
		"other sources": {[]keys.Record{
			record(1, "Data", "HSM", "ACTIVE"),
			record(2, "EventBus", "UPLOADED", "ARCHIVED"),
		}, nil},
		"active": {[]keys.Record{record(1, "Data", "REMOTE", "ACTIVE")}, []int64{1}},
		"after another source": {[]keys.Record{
			record(1, "Data", "HSM", "ARCHIVED"),
			record(2, "Data", "REMOTE", "ACTIVE"),
		}, []int64{2}},
		"archived": {[]keys.Record{
			record(1, "Data", "REMOTE", "ARCHIVED"),
			record(2, "Data", "HSM", "ACTIVE"),
		}, []int64{1}},
		"destroyed, not the newest": {[]keys.Record{
			record(1, "Data", "REMOTE", "DESTROYED"),
			record(2, "Data", "HSM", "ACTIVE"),
		}, nil},
		"destroyed, the newest": {[]keys.Record{
			record(2, "Data", "REMOTE", "DESTROYED"),
			record(1, "Data", "HSM", "ARCHIVED"),
		}, []int64{2}},
		"the newest of each type": {[]keys.Record{
			record(1, "Data", "REMOTE", "DESTROYED"),
			record(2, "EventBus", "REMOTE", "DESTROYED"),
		}, []int64{1, 2}},
		"an unknown status is in use": {[]keys.Record{
			record(1, "Data", "REMOTE", "SUSPENDED"),
			record(2, "Data", "HSM", "ACTIVE"),
		}, []int64{1}},
		"one that a newer one replaced": {[]keys.Record{
			record(1, "Data", "REMOTE", "DESTROYED"),
			record(2, "Data", "REMOTE", "ACTIVE"),
		}, []int64{2}},
	} {
		var got []int64
		for _, r := range keys.RemoteInUse(test.records) {
			got = append(got, r.Version)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: expected the versions %v, found %v", name, test.want, got)
		}
	}
}

func TestSearchIndexMoved(t *testing.T) {
	t.Parallel()

	for _, typ := range keys.KnownTypes() {
		for _, version := range []int{52, 62, 63, 68} {
			for _, has := range []bool{false, true} {
				text := keys.SearchIndexMoved(typ, version, has)
				if moved := typ == "SearchIndex" && version >= 63 && has; moved != (text != "") {
					t.Errorf("%s, API %d, data keys %t: %q", typ, version, has, text)
				}
				for _, names := range []string{"salesforcebyok_data_encryption_key", `api_version = "62.0"`} {
					if text != "" && !strings.Contains(text, names) {
						t.Errorf("expected %s in %q", names, text)
					}
				}
			}
		}
	}
}

func TestDeterministicSetting(t *testing.T) {
	t.Parallel()

	for _, typ := range keys.KnownTypes() {
		for _, on := range []bool{false, true} {
			text := keys.DeterministicSetting(typ, on)
			if wants := typ == "DeterministicData" && !on; wants != strings.Contains(text,
				"enable_deterministic_encryption = true") || wants != (text != "") {
				t.Errorf("%s, on %t: %q", typ, on, text)
			}
		}
	}
}

func TestFetchedBy(t *testing.T) {
	t.Parallel()
	remote := func(id string, version int64, identifier string) keys.Record {
		return keys.Record{ID: id, Version: version, Source: keys.SourceRemote, RemoteKeyIdentifier: identifier}
	}
	records := []keys.Record{
		remote("02G000000000001", 3, "a"), remote("02G000000000002", 5, "a"), remote("02G000000000003", 4, "a"),
		remote("02G000000000004", 9, "b"),
		{ID: "02G000000000005", Version: 10, Source: keys.SourceUploaded, RemoteKeyIdentifier: "c"},
	}
	for identifier, want := range map[string]string{"a": "02G000000000002", "b": "02G000000000004", "c": "", "A": ""} {
		if got, found := keys.FetchedBy(records, identifier); got.ID != want || found != (want != "") {
			t.Errorf("%q: expected %q, found %q", identifier, want, got.ID)
		}
	}
}
