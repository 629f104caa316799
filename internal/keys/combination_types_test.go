package keys_test

import (
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

// Each type with each wrapping: Database takes AES key wrap only, fields, events and Analytics take
// OAEP only, Search Index takes both, and so does a type that nobody knows yet. A key that is not
// uploaded is not wrapped.
func TestCombination_wrappingOfEachType(t *testing.T) {
	t.Parallel()
	types := map[string]struct{ oaep, keyWrap bool }{
		keys.TypeData: {true, false}, keys.TypeDeterministicData: {true, false}, keys.TypeEventBus: {true, false},
		keys.TypeAnalytics: {true, false},
		keys.TypeDatabase:  {false, true}, keys.TypeSearchIndex: {true, true}, "Tomorrow": {true, true},
	}
	for typ, takes := range types {
		for algorithm, want := range map[string]bool{
			keys.RSAOAEPSHA512: takes.oaep, keys.RSAOAEPSHA1: takes.oaep,
			keys.RSAAESKeyWrapSHA512: takes.keyWrap, "": true,
		} {
			uploaded := keys.Combination{
				Type: typ, Source: keys.SourceUploaded, KeyDerivationMode: keys.DerivationPBKDF2,
				Algorithm: algorithm,
			}
			if got := len(uploaded.Problems()) == 0; got != want {
				t.Errorf("%s wrapped by %q: taken %v, want %v", typ, algorithm, got, want)
			}
			for _, source := range []string{keys.SourceHSM, keys.SourceRemote} {
				other := uploaded
				other.Source = source
				if found := other.Problems(); len(found) > 0 {
					t.Errorf("%s of source %s: %q", typ, source, found[0].Summary)
				}
			}
		}
	}
}
