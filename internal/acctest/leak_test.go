package acctest_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

func TestScanner(t *testing.T) {
	t.Parallel()
	secret := acctest.NewMaterial()
	std := secret.Base64()
	url := base64.RawURLEncoding.EncodeToString(secret)
	private, err := json.Marshal(map[string]string{"record": base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"x":%q}`,
		std))})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]byte{
		"raw":                      append([]byte("before"), secret...),
		"hex":                      []byte("key=" + hex.EncodeToString(secret)),
		"upper hex after a digit":  []byte("f" + strings.ToUpper(hex.EncodeToString(secret))),
		"base64":                   []byte(`"` + std + `"`),
		"base64 after letters":     []byte("abc" + std),
		"base64 after four":        []byte("path/" + std + "/more"),
		"base64url":                []byte(url),
		"base64url twice":          []byte(base64.RawURLEncoding.EncodeToString([]byte(url))),
		"private state":            []byte(base64.StdEncoding.EncodeToString(private)),
		"base64 with line breaks":  []byte(std[:20] + "\n" + std[20:]),
		"base64 with escaped ones": []byte(std[:20] + `\n` + std[20:]),
		"printed by %v":            fmt.Appendf(nil, "%v", []byte(secret)),
		"printed by %#v":           fmt.Appendf(nil, "%#v", []byte(secret)),
		"printed by % x":           fmt.Appendf(nil, "% x", []byte(secret)),
		"printed by %q":            []byte(strconv.Quote(string(secret))),
		"zip":                      zipped(t, "tfstate", []byte(std)),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var scanner acctest.Scanner
			scanner.Add("key", secret)
			found := scanner.Scan("place", data)
			if len(found) != 1 || found[0].Secret != "key" {
				t.Errorf("expected the key to be found once, found %v", found)
			}
			if name == "zip" && found[0].Place != "place!tfstate" {
				t.Errorf("expected the entry to be named, found %s", found[0].Place)
			}
		})
	}
}

func TestScanner_findsNothingElse(t *testing.T) {
	t.Parallel()
	secret := acctest.NewMaterial()
	var scanner acctest.Scanner
	scanner.Add("key", secret)
	other := acctest.NewMaterial()
	for name, data := range map[string][]byte{
		"empty": nil, "another key": []byte(other.Base64()), "its hash": []byte(secret.Hash()), "half of it": secret[:16],
		"zip": zipped(t, "tfstate", []byte(other.Base64())),
	} {
		if found := scanner.Scan("place", data); len(found) != 0 {
			t.Errorf("%s: expected nothing, found %v", name, found)
		}
	}
}

func TestScanner_text(t *testing.T) {
	t.Parallel()
	var scanner acctest.Scanner
	scanner.Add("client secret", []byte("a-client-secret"))
	for _, data := range []string{
		"x a-client-secret y", base64.StdEncoding.EncodeToString([]byte("user:a-client-secret")),
		hex.EncodeToString([]byte("a-client-secret")),
	} {
		if found := scanner.Scan("place", []byte(data)); len(found) != 1 {
			t.Errorf("%q: expected one finding, found %v", data, found)
		}
	}
}

func TestScanner_ScanDir(t *testing.T) {
	t.Parallel()
	secret := acctest.NewMaterial()
	var scanner acctest.Scanner
	scanner.Add("key", secret)
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"clean": []byte("x"), "a/b/dirty": []byte(secret.Base64())} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := scanner.ScanDir(t, dir)
	if len(found) != 1 || found[0].Place != filepath.Join("a", "b", "dirty") {
		t.Errorf("expected one finding in a/b/dirty, found %v", found)
	}
	if text := fmt.Sprint(found); strings.Contains(text, secret.Base64()) {
		t.Error("a finding shows the secret")
	}
}

// A TRACE log is large: a scan must not take longer than the run that wrote it.
func BenchmarkScanner(b *testing.B) {
	var scanner acctest.Scanner
	for range 4 {
		scanner.Add("key", acctest.NewMaterial())
	}
	var log bytes.Buffer
	for log.Len() < 1<<20 {
		fmt.Fprintf(&log, "2026-11-21T15:35:10.743Z [TRACE] provider.terraform-provider-salesforcebyok: Served request: "+
			"tf_req_id=%x @caller=github.com/hashicorp/terraform-plugin-go@v0.31.0/tfprotov6/tf6server/server.go:958\n",
			acctest.NewMaterial()[:16])
	}
	b.SetBytes(int64(log.Len()))
	for b.Loop() {
		if found := scanner.Scan("log", log.Bytes()); len(found) != 0 {
			b.Fatal(found)
		}
	}
}

func zipped(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	entry, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	return out.Bytes()
}
