package keys_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

// Every POST of a rotation that had no answer is remembered by its hash, until another rotation is
// sent.
func TestOurs_Unanswered(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	first, second := keys.RotationID{Fingerprint: "0a1b2c3d", Counter: 1},
		keys.RotationID{Fingerprint: "0a1b2c3d", Counter: 2}
	ours := keys.Ours{ID: "a", Version: 3}
	for _, step := range []struct {
		id   keys.RotationID
		hash string
		want []string
	}{
		{first, "1", []string{"1"}},
		{first, "2", []string{"1", "2"}},
		{first, "3", []string{"1", "2", "3"}},
		{second, "4", []string{"4"}},
		{second, "", []string{"4"}},
		{first, "", nil},
	} {
		before := slices.Clone(ours.UnconfirmedBefore)
		next := ours.Unanswered(step.id, at, step.hash)
		if got := next.UnconfirmedHashes(); !slices.Equal(got, step.want) {
			t.Errorf("after %s with %q: got %q, want %q", step.id, step.hash, got, step.want)
		}
		if next.ID != "a" || next.Version != 3 || next.Unconfirmed != step.id.String() || !next.UnconfirmedSince.Equal(at) ||
			!slices.Equal(ours.UnconfirmedBefore, before) {
			t.Errorf("after %s with %q: got %+v", step.id, step.hash, next)
		}
		// It survives private state.
		text, err := json.Marshal(next)
		if err != nil {
			t.Fatal(err)
		}
		ours = keys.Ours{}
		if err := json.Unmarshal(text, &ours); err != nil || !slices.Equal(ours.UnconfirmedHashes(), step.want) {
			t.Errorf("%s was read as %+v, %v", text, ours, err)
		}
	}
}

// A marker in use that was sent with other hashes is no rotation to go on with, and raises the
// counter all the same.
func TestEvidence_Observe(t *testing.T) {
	t.Parallel()
	const user = "005000000000001AAA"
	for name, tc := range map[string]struct {
		typ, hash, writer string
		hashes            []string
		marker            string
		highest           int64
		version           int64 // of the newest record before the attempt, 0 for 1
	}{
		"no attempt is known":    {keys.TypeData, "1", user, nil, "0a1b2c3d.4", 4, 0},
		"the hash that was sent": {keys.TypeData, "1", user, []string{"0", "1"}, "0a1b2c3d.4", 4, 0},
		"the hash that was sent, edited": {
			keys.TypeData, "1", "005000000000009AAA", []string{"1"}, "0a1b2c3d.4", 4, 0,
		},
		"another hash":                     {keys.TypeData, "2", user, []string{"1"}, "", 4, 0},
		"another hash, of somebody else's": {keys.TypeData, "2", "005000000000009AAA", []string{"1"}, "", -1, 0},
		"somebody else's":                  {keys.TypeData, "2", "005000000000009AAA", nil, "", -1, 0},
		"a kind without hashes": {
			keys.TypeDataKey, "", "somebody@example.com",
			[]string{"1"},
			"0a1b2c3d.4", 4,
			0,
		},
		"a kind without hashes, no attempt": {keys.TypeDataKey, "", "somebody@example.com", nil, "", -1, 0},
		"a kind without hashes, not newer":  {keys.TypeDataKey, "", "somebody@example.com", []string{"1"}, "", -1, 2},
	} {
		row := keys.Record{
			ID: "02G000000000002AAA", Type: tc.typ, Version: 2, Status: keys.StatusActive, Hash: tc.hash,
			Description: "[tf:0a1b2c3d.4]", LastModifiedBy: tc.writer,
		}
		e := keys.Evidence{Users: []string{user}, Attempts: map[string]keys.Attempt{}}
		if tc.hashes != nil {
			e.Attempts["0a1b2c3d.4"] = keys.Attempt{Hashes: tc.hashes, Version: cmp.Or(tc.version, 1)}
		}
		seen := e.Observe(row, []keys.Record{row}, time.Now())
		if seen.ActiveMarker != tc.marker || seen.HighestCounter != tc.highest {
			t.Errorf("%s: got %q and %d, want %q and %d", name, seen.ActiveMarker, seen.HighestCounter, tc.marker, tc.highest)
		}
	}
}

// An upload that could not be read back is found by its marker, in an org without Descriptions by
// its use.
func TestOurs_Claim(t *testing.T) {
	t.Parallel()

	record := func(id string, version int64, description string) keys.Record {
		return keys.Record{ID: id, Type: keys.TypeData, Version: version, Description: description}
	}
	const newestID = "02G000000000003AAA"
	sent, before, current := record(ourID, 31, "[tf:9c1185a5.1]"), record(foreignID, 30, "by hand"),
		record(newestID, 32, "[tf:9c1185a5.2]")
	records := []keys.Record{before, sent, current}
	for name, tc := range map[string]struct {
		ours keys.Ours
		want string
	}{
		"by its marker":            {keys.Ours{RotationID: "9c1185a5.1", Version: 30}, ourID},
		"an older one of the mark": {keys.Ours{RotationID: "9c1185a5.1", Version: 31}, newestID},
		"no marker is kept":        {keys.Ours{RotationID: "9c1185a5.9"}, newestID},
	} {
		if got := tc.ours.Claim(current, records); got.ID != tc.want {
			t.Errorf("%s: expected %s, found %s", name, tc.want, got.ID)
		}
	}
}
