package keys_test

import (
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

// terse fails if a text is longer than what a diagnostic may say, or has a hole in it.
func terse(t interface {
	Helper()
	Errorf(format string, args ...any)
}, p *problem.Problem,
) {
	t.Helper()

	if p == nil {
		return
	}
	const known = "This key material was used before" // since the first release
	if n := len(strings.Fields(p.Summary)); n == 0 || n > 8 && p.Summary != known {
		t.Errorf("the summary has %d words: %s", n, p.Summary)
	}
	if n := len(strings.Fields(p.Detail)); n == 0 || n > 60 {
		t.Errorf("the detail has %d words: %s", n, p.Detail)
	}
	if strings.Contains(p.Detail, "%!") || strings.Contains(p.Detail, "  ") {
		t.Errorf("the detail is badly formatted: %s", p.Detail)
	}
}

func TestCombination(t *testing.T) {
	t.Parallel()

	const (
		mode    = "key_derivation_mode"
		wrap    = "wrapping_algorithm"
		oaep    = keys.RSAOAEPSHA512
		oaep1   = keys.RSAOAEPSHA1
		keyWrap = keys.RSAAESKeyWrapSHA512
	)
	up, hsm, rem := keys.SourceUploaded, keys.SourceHSM, keys.SourceRemote
	none, derived := keys.DerivationNone, keys.DerivationPBKDF2

	for name, tc := range map[string]struct {
		given keys.Combination
		want  string
	}{
		"nothing is known yet": {keys.Combination{}, ""},

		"fields may opt out of derivation": {keys.Combination{keys.TypeData, up, none, oaep}, ""},
		"deterministic fields may opt out": {
			keys.Combination{keys.TypeDeterministicData, up, none, oaep}, "",
		},
		"events may opt out":                    {keys.Combination{keys.TypeEventBus, up, none, oaep}, ""},
		"a type that nobody knows may opt out":  {keys.Combination{"Tomorrow", up, none, oaep}, ""},
		"opting out before the source is known": {keys.Combination{keys.TypeData, "", none, ""}, ""},
		"Database may not opt out": {
			keys.Combination{keys.TypeDatabase, up, none, keyWrap}, mode,
		},
		"Database may not opt out, whatever the source": {keys.Combination{keys.TypeDatabase, "", none, ""}, mode},
		"Analytics may not opt out":                     {keys.Combination{keys.TypeAnalytics, up, none, oaep}, mode},
		"SearchIndex may not opt out": {
			keys.Combination{keys.TypeSearchIndex, up, none, oaep}, mode,
		},
		"a key of Salesforce's may not opt out":           {keys.Combination{keys.TypeData, hsm, none, ""}, mode},
		"a cache-only key may not opt out":                {keys.Combination{keys.TypeData, rem, none, ""}, mode},
		"a key of Salesforce's, before the type is known": {keys.Combination{"", hsm, none, ""}, mode},
		"a key of Salesforce's that is derived":           {keys.Combination{keys.TypeData, hsm, derived, ""}, ""},
		"a cache-only key that is derived":                {keys.Combination{keys.TypeData, rem, derived, ""}, ""},

		"Database takes the key wrap": {
			keys.Combination{keys.TypeDatabase, up, derived, keyWrap}, "",
		},
		"Database takes no OAEP": {
			keys.Combination{keys.TypeDatabase, up, derived, oaep}, wrap,
		},
		"Database takes no OAEP with SHA-1": {
			keys.Combination{keys.TypeDatabase, up, derived, oaep1}, wrap,
		},
		"Database before the algorithm is known": {keys.Combination{keys.TypeDatabase, up, derived, ""}, ""},
		"Database before the source is known":    {keys.Combination{keys.TypeDatabase, "", derived, oaep}, ""},
		"Database by Salesforce wraps nothing":   {keys.Combination{keys.TypeDatabase, hsm, derived, oaep}, ""},
		"cache-only wraps nothing":               {keys.Combination{keys.TypeData, rem, derived, keyWrap}, ""},
		"Data takes OAEP":                        {keys.Combination{keys.TypeData, up, derived, oaep}, ""},
		"Data takes OAEP with SHA-1":             {keys.Combination{keys.TypeData, up, derived, oaep1}, ""},
		"Data takes no key wrap":                 {keys.Combination{keys.TypeData, up, derived, keyWrap}, wrap},
		"DeterministicData takes no key wrap": {
			keys.Combination{keys.TypeDeterministicData, up, derived, keyWrap}, wrap,
		},
		"EventBus takes no key wrap": {
			keys.Combination{keys.TypeEventBus, up, derived, keyWrap}, wrap,
		},
		"Analytics takes no key wrap": {
			keys.Combination{keys.TypeAnalytics, up, derived, keyWrap}, wrap,
		},
		"SearchIndex takes the key wrap": {
			keys.Combination{keys.TypeSearchIndex, up, derived, keyWrap}, "",
		},
		"SearchIndex takes OAEP": {
			keys.Combination{keys.TypeSearchIndex, up, derived, oaep}, "",
		},
		"a type that nobody knows takes the key wrap": {keys.Combination{"Tomorrow", up, derived, keyWrap}, ""},
		"both are wrong: Database, underived, with OAEP": {
			keys.Combination{keys.TypeDatabase, up, none, oaep}, mode + " " + wrap,
		},
		"both are wrong: Analytics, underived, key wrap": {
			keys.Combination{keys.TypeAnalytics, up, none, keyWrap}, mode + " " + wrap,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var attributes []string
			for _, p := range tc.given.Problems() {
				terse(t, p)
				attributes = append(attributes, p.Attribute)
				if !strings.HasSuffix(p.Detail, " Nothing was sent.") {
					t.Errorf("the detail does not say that nothing was sent: %s", p.Detail)
				}
				if p.Attribute == wrap && !strings.Contains(p.Detail, "type "+tc.given.Type) {
					t.Errorf("the detail does not say the type: %s", p.Detail)
				}
				if p.Attribute == wrap && !strings.HasSuffix(p.Detail, "found "+tc.given.Algorithm+". Nothing was sent.") {
					t.Errorf("the detail does not say what was found: %s", p.Detail)
				}
			}
			if got := strings.Join(attributes, " "); got != tc.want {
				t.Errorf("problems of %q, want %q", got, tc.want)
			}
		})
	}
}
