package byok_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"hash"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// wycheproofModule is the version that the tests of Go 1.26's crypto packages use.
const wycheproofModule = "github.com/C2SP/wycheproof@v0.0.0-20250901140545-b51abcfb8daf"

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

type wycheproofFile struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []struct {
		PrivateKeyPkcs8 hexBytes `json:"privateKeyPkcs8"`
		KeySize         int      `json:"keySize"`
		Tests           []struct {
			TcID    int      `json:"tcId"`
			Comment string   `json:"comment"`
			Key     hexBytes `json:"key"`
			Msg     hexBytes `json:"msg"`
			CT      hexBytes `json:"ct"`
			Label   hexBytes `json:"label"`
			Result  string   `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

func wycheproof(t *testing.T, name string) wycheproofFile {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", wycheproofModule).Output()
	if err != nil {
		t.Skipf("the Wycheproof module is not available: %v", err)
	}
	var module struct {
		Dir string `json:"Dir"`
	}
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(module.Dir, "testvectors_v1", name))
	if err != nil {
		t.Fatal(err)
	}
	var file wycheproofFile
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var tests int
	for _, group := range file.TestGroups {
		tests += len(group.Tests)
	}
	if tests == 0 || tests != file.NumberOfTests {
		t.Fatalf("%s: read %d tests, it announces %d", name, tests, file.NumberOfTests)
	}
	return file
}

func TestWycheproofOAEP(t *testing.T) {
	t.Parallel()
	for name, newHash := range map[string]func() hash.Hash{
		"rsa_oaep_4096_sha512_mgf1sha512_test.json": sha512.New,
		"rsa_oaep_2048_sha1_mgf1sha1_test.json":     sha1.New,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, group := range wycheproof(t, name).TestGroups {
				key := parsePKCS8(t, group.PrivateKeyPkcs8)
				for _, test := range group.Tests {
					got, err := openOAEP(newHash, key, test.CT)
					valid := test.Result == "valid" && len(test.Label) == 0
					if valid && (err != nil || !bytes.Equal(got, test.Msg)) {
						t.Errorf("%d %s: opens to %x, %v, want %x", test.TcID, test.Comment, got, err, []byte(test.Msg))
					}
					if !valid && err == nil {
						t.Errorf("%d %s: opens to %x, want an error", test.TcID, test.Comment, got)
					}
				}
			}
		})
	}
}

func TestWycheproofKeyWrap(t *testing.T) {
	t.Parallel()
	var wrapped, opened, refused int
	for _, group := range wycheproof(t, "aes_kwp_test.json").TestGroups {
		for _, test := range group.Tests {
			got, err := openKWP(test.Key, test.CT)
			// The group of 192-bit keys and short messages concerns the receiving side only: the package
			// wraps 32 bytes under 256 bits.
			if test.Result == "valid" {
				opened++
				if err != nil || !bytes.Equal(got, test.Msg) {
					t.Errorf("%d %s: opens to %x, %v", test.TcID, test.Comment, got, err)
				}
				if group.KeySize == 256 && len(test.Msg) >= subtle.MinWrapSize {
					wrapped++
					kw, err := subtle.NewKWP(test.Key)
					if err != nil {
						t.Fatal(err)
					}
					if ct, err := kw.Wrap(test.Msg); err != nil || !bytes.Equal(ct, test.CT) {
						t.Errorf("%d %s: wraps to %x, %v, want %x", test.TcID, test.Comment, ct, err, []byte(test.CT))
					}
				}
				continue
			}
			refused++
			if err == nil {
				t.Errorf("%d %s: opens to %x, want an error", test.TcID, test.Comment, got)
			}
		}
	}
	if wrapped == 0 || opened == 0 || refused == 0 {
		t.Errorf("%d wrapped, %d opened, %d refused: a part of the vectors was not used", wrapped, opened, refused)
	}
	t.Logf("%d wrapped, %d opened, %d refused", wrapped, opened, refused)
}
