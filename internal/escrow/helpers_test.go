package escrow_test

import (
	"bytes"
	"crypto/fips140"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func readFile(t testing.TB, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// material is what the copies of testdata/age hold.
func material(t testing.TB) secret.Bytes {
	t.Helper()
	return secret.NewBytes(readFile(t, "age", "material.bin"))
}

// materialHash is the SecretValueHash of material.
func materialHash(t testing.TB) string {
	t.Helper()
	return string(readFile(t, "age", "hash.b64"))
}

// mustFail fails the test unless err mentions want and repeats none of the inputs.
func mustFail(t *testing.T, err error, want string, inputs ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one about %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not mention %q", err, want)
	}
	for _, input := range inputs {
		if len(input) >= 8 && strings.Contains(err.Error(), input) {
			t.Errorf("error repeats the input: %q", err)
		}
		for from := 0; from+12 <= len(input); from += 4 {
			if strings.Contains(err.Error(), input[from:from+12]) {
				t.Errorf("error repeats a part of the input: %q", err)
				break
			}
		}
	}
}

// open decrypts a copy layer after layer, as somebody does who has the identities and no program of
// ours. It returns what the innermost layer holds.
func open(armored string, identities ...string) (payload []byte, err error) {
	fips140.WithoutEnforcement(func() { payload, err = openLayers(armored, identities) })
	return payload, err
}

func openLayers(armored string, identities []string) ([]byte, error) {
	keys := make([]age.Identity, len(identities))
	for i, s := range identities {
		read, err := age.ParseIdentities(strings.NewReader(s))
		if err != nil {
			return nil, err
		}
		keys[i] = read[0]
	}
	for file := armor.NewReader(strings.NewReader(armored)); ; {
		plain, err := age.Decrypt(file, keys...)
		if err != nil {
			return nil, err
		}
		payload, err := io.ReadAll(plain)
		if err != nil || !bytes.HasPrefix(payload, []byte("age-encryption.org/")) {
			return payload, err
		}
		file = bytes.NewReader(payload)
	}
}

// mustOpen fails the test unless the identities open a copy of material.
func mustOpen(t testing.TB, armored string, identities ...string) {
	t.Helper()
	got, err := open(armored, identities...)
	if err != nil || !bytes.Equal(got, material(t).Expose()) {
		t.Errorf("the copy opens to other material, or %v", err)
	}
}
