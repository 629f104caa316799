package keys_test

import (
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

func TestDaysLeft(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for left, want := range map[time.Duration]int64{
		0: 0, time.Nanosecond: 0, day - time.Nanosecond: 0, day: 1, 47 * day: 47, 47*day - time.Second: 46,
		-time.Nanosecond: -1, -day: -1, -day - time.Nanosecond: -2, -400 * day: -400,
	} {
		if got := keys.DaysLeft(now.Add(left), now); got != want {
			t.Errorf("%s: expected %d days, found %d", left, want, got)
		}
	}
}

// A renewal is due from the instant on at which less than that many days are left, to the second.
func TestRenewalIsDue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		left   time.Duration
		before int64
		want   bool
	}{
		"far off":              {keys.Days(100), 30, false},
		"exactly":              {keys.Days(30), 30, false},
		"a second later":       {keys.Days(30) - time.Second, 30, true},
		"expired":              {-time.Second, 1, true},
		"the last day, before": {keys.Days(1), 1, false},
		"the last day":         {keys.Days(1) - time.Second, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keys.RenewalIsDue(keys.DaysLeft(now.Add(test.left), now), test.before); got != test.want {
				t.Errorf("expected %v, found %v", test.want, got)
			}
		})
	}
}

func TestCertificateName(t *testing.T) {
	t.Parallel()
	west := time.Date(2027, 1, 1, 20, 0, 0, 0, time.FixedZone("", -8*60*60))
	for name, test := range map[string]struct {
		now   time.Time
		taken []string
		want  string
	}{
		"free":            {now, nil, "Wrap_20270102"},
		"the day in UTC":  {west, nil, "Wrap_20270102"},
		"taken":           {now, []string{"Wrap_20270102"}, "Wrap_20270102_2"},
		"taken thrice":    {now, []string{"Wrap_20270102", "wrap_20270102_2", "Wrap_20270102_3"}, "Wrap_20270102_4"},
		"another is free": {now, []string{"Wrap_20270101", "Wrap_20270102_2"}, "Wrap_20270102"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := func(name string) bool {
				for _, other := range test.taken {
					if strings.EqualFold(name, other) {
						return true
					}
				}

				return false
			}
			if got := keys.CertificateName("Wrap", test.now, taken); got != test.want {
				t.Errorf("expected %s, found %s", test.want, got)
			}
		})
	}
}

// remoteKey is a cache-only record that names the certificate Wrap.
func remoteKey(version int64, status string, changes ...func(*keys.Record)) keys.Record {
	r := keys.Record{
		ID: "02G00000000000" + string(rune('A'+version)), Type: "Data", Version: version, Status: status,
		Source: keys.SourceRemote, RemoteKeyCertificate: "Wrap",
	}
	for _, change := range changes {
		change(&r)
	}

	return r
}

func TestUseOfCertificate(t *testing.T) {
	t.Parallel()
	uploaded := func(r *keys.Record) { r.Source, r.RemoteKeyCertificate = keys.SourceUploaded, "" }
	other := func(r *keys.Record) { r.RemoteKeyCertificate = "Other" }
	for name, test := range map[string]struct {
		records           []keys.Record
		current, archived int64
	}{
		"nobody": {[]keys.Record{
			remoteKey(1, keys.StatusArchived, other),
			remoteKey(2, keys.StatusActive, uploaded),
		}, 0, 0},
		"an ACTIVE key": {[]keys.Record{remoteKey(2, keys.StatusActive)}, 2, 0},
		"after others": {[]keys.Record{
			remoteKey(1, keys.StatusArchived, other),
			remoteKey(2, keys.StatusArchived, uploaded),
			remoteKey(3, keys.StatusActive),
		}, 3, 0},
		"in another case": {[]keys.Record{remoteKey(2, keys.StatusActive, func(r *keys.Record) {
			r.RemoteKeyCertificate = "wRAP"
		})}, 2, 0},
		"an archived one": {[]keys.Record{
			remoteKey(1, keys.StatusArchived),
			remoteKey(2, keys.StatusActive, other),
		}, 0, 1},
		"both": {
			[]keys.Record{remoteKey(2, keys.StatusActive), remoteKey(1, keys.StatusArchived)},
			2,
			1,
		},
		"DESTROYED, newest": {[]keys.Record{remoteKey(2, keys.StatusDestroyed)}, 2, 0},
		"DESTROYED, not the newest": {[]keys.Record{
			remoteKey(1, keys.StatusDestroyed),
			remoteKey(2, keys.StatusActive, uploaded),
		}, 0, 0},
		"DESTROYED, newest of another type": {
			[]keys.Record{remoteKey(1, keys.StatusDestroyed), remoteKey(2, keys.StatusActive, uploaded, func(r *keys.Record) {
				r.Type = "Analytics"
			})}, 1, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			use := keys.UseOfCertificate(test.records, "Wrap")
			if got := versionOf(use.Current); got != test.current {
				t.Errorf("expected version %d to be in use, found %d", test.current, got)
			}
			if got := versionOf(use.Archived); got != test.archived {
				t.Errorf("expected the archived version %d, found %d", test.archived, got)
			}
		})
	}
}

// versionOf is that of a record, 0 for none.
func versionOf(r *keys.Record) int64 {
	if r == nil {
		return 0
	}

	return r.Version
}

// Every combination: a deposed object is never refused, a key in use is never lost without a word
// for it, and an archived one never at all.
func TestDeparture_fate(t *testing.T) {
	t.Parallel()
	current, archived := remoteKey(2, keys.StatusActive), remoteKey(1, keys.StatusArchived)
	for _, allow := range []bool{false, true} {
		for _, deposed := range []bool{false, true} {
			for _, use := range []keys.CertificateUse{
				{},
				{Current: &current},
				{Archived: &archived},
				{Current: &current, Archived: &archived},
			} {
				fate, because := keys.Departure{AllowDestruction: allow, Deposed: deposed}.Fate(use)
				want, wantRecord := keys.FateDelete, (*keys.Record)(nil)
				switch {
				case use.Current != nil && !allow && !deposed:
					want, wantRecord = keys.FateRefuse, use.Current
				case use.Archived != nil:
					want, wantRecord = keys.FateForget, use.Archived
				case use.Current != nil && !allow:
					want, wantRecord = keys.FateForget, use.Current
				}
				if fate != want || because != wantRecord {
					t.Errorf("allow %v, deposed %v, use %v: expected %v because of version %d, found %v because of %d", allow, deposed,
						use, want, versionOf(wantRecord), fate, versionOf(because))
				}
			}
		}
	}
}
