package salesforce

import (
	"errors"
	"strings"
	"testing"
)

func TestID(t *testing.T) {
	t.Parallel()
	// Ids as published by Salesforce and vendors, so that the checksum is not
	// only tested against itself.
	for _, id := range []string{
		"02GB0000000HYswMAG", "02G41000000HLXrEAO", "48q001t5ddzbucnAAA", "01gRO0000016PIAYA2",
		"001D000000IqhSLIAZ", testOrg, testUser,
	} {
		for _, in := range []string{id, id[:15]} {
			full, err := ID18(in)
			if err != nil || full != id {
				t.Errorf("ID18(%s): %s, %v", in, full, err)
			}
			if !ValidID(in) {
				t.Errorf("%s is not valid", in)
			}
		}
	}
	for _, id := range []string{
		"", "02G", "02GB0000000HYswMA", "02GB0000000HYswMAGx", "02GB0000000HYswMAA", "02gB0000000HYswMAG",
		"02GB0000000HYswmag", "02GB0000000HYs-", "02GB0000000HYsé", "02GB0000000HYs ", "02GB0000000HYsw\n\n\n",
	} {
		_, err := ID18(id)
		if !errors.Is(err, errBadID) || ValidID(id) {
			t.Errorf("%q: %v", id, err)
		}
		if id != "" && id != "02G" && err != nil && strings.Contains(err.Error(), id) {
			t.Errorf("the error quotes %q", id)
		}
	}
}

func TestRecordIDKeepsWhatTheServerSent(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"02GB0000000HYswMAG": "02GB0000000HYswMAG",
		"02GB0000000HYsw":    "02GB0000000HYswMAG",
		"02GB0000000HYswAAA": "02GB0000000HYswAAA", // another checksum
		"02GB0000000HYsw../": "",
		"02GB0000000/..wAAA": "",
		"02GB0000000HYs":     "",
		"":                   "",
	} {
		got, err := recordID(in)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func FuzzID(f *testing.F) {
	for _, seed := range []string{"02GB0000000HYswMAG", "02GB0000000HYsw", "", "zzzzzzzzzzzzzzz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		full, err := ID18(id)
		if err != nil {
			return
		}
		again, err := ID18(full)
		if err != nil || again != full {
			t.Errorf("%q: %q is not stable: %q, %v", id, full, again, err)
		}
		if full[:15] != id[:15] {
			t.Errorf("%q became %q", id, full)
		}
		if len(id) == 15 {
			// Any change of case must break the checksum.
			flipped := strings.ToLower(full[:15])
			if flipped != full[:15] && ValidID(flipped+full[15:]) {
				t.Errorf("%q and %q have one checksum", full[:15], flipped)
			}
		}
	})
}
