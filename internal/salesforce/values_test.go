package salesforce

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestWireTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2020, 12, 29, 18, 55, 49, 0, time.UTC)
	for in, want := range map[string]time.Time{
		`"2020-12-29T18:55:49.000+0000"`:  want,
		`"2020-12-29T18:55:49.000Z"`:      want,
		`"2020-12-29T18:55:49Z"`:          want,
		`"2020-12-29T18:55:49+0000"`:      want,
		`"2020-12-29T20:55:49.000+02:00"`: want,
		`"2020-12-29T20:55:49.000+0200"`:  want,
		`"2020-12-29T18:55:49.250Z"`:      want.Add(250 * time.Millisecond),
		`"2020-12-29T18:55:49"`:           want,
		`"2020-12-29"`:                    time.Date(2020, 12, 29, 0, 0, 0, 0, time.UTC),
		`""`:                              {},
		`null`:                            {},
	} {
		var got wireTime
		if err := json.Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{`"yesterday"`, `12`, `{}`, `"2020-13-29"`, `"2020-12-29T18:55"`} {
		var got wireTime
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s: no error", in)
		}
	}
}

func TestWireInt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]wireInt{
		`12`: 12, `12.0`: 12, `"12"`: 12, `1.2e1`: 12, `0`: 0, `-3`: -3, `null`: 0, `""`: 0, `9007199254740992`: 1 << 53,
	} {
		var got wireInt
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{`12.5`, `"x"`, `9007199254740993`, `1e300`, `true`, `{}`, `"NaN"`, `"Inf"`} {
		var got wireInt
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s: %d without an error", in, got)
		}
	}
}

func TestWireBool(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]wireBool{
		`true`: true, `"true"`: true, `"TRUE"`: true, `false`: false,
		`"false"`: false, `null`: false, `""`: false,
	} {
		got := !want
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want && in != "null" {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{`1`, `"yes"`, `{}`} {
		var got wireBool
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s: no error", in)
		}
	}
}

func FuzzWireValues(f *testing.F) {
	for _, seed := range []string{`"2020-12-29T18:55:49.000+0000"`, `12.0`, `"12"`, `null`, `true`, `"x"`, `[]`, `1e9`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var at wireTime
		if json.Unmarshal(b, &at) == nil && at.Location() != time.UTC {
			t.Errorf("%q: not in UTC", b)
		}
		var n wireInt
		if json.Unmarshal(b, &n) == nil && (n > 1<<53 || n < -(1<<53)) {
			t.Errorf("%q: %d", b, n)
		}
		var v wireBool
		if json.Unmarshal(b, &v) == nil && bool(v) && !strings.Contains(strings.ToLower(string(b)), "true") {
			t.Errorf("%q is true", b)
		}
	})
}
