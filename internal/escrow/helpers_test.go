package escrow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
