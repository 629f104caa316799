package receipt_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/durable"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
)

func open(t testing.TB, path string) *receipt.Directory {
	t.Helper()
	d, err := receipt.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// filled has receipts of patches 1 to n.
func filled(t testing.TB, path string, n int) *receipt.Directory {
	t.Helper()
	d := open(t, path)
	for i := range n {
		r := base(receipt.Patch)
		r.Version = int64(i + 1)
		if _, err := d.Append(t.Context(), r.Encode()); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func names(t testing.TB, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestAppend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "receipts")
	d := open(t, path)
	if chain, err := d.Verify(); err != nil || chain != (receipt.Chain{}) {
		t.Errorf("an empty directory verifies as %+v, %v", chain, err)
	}
	var previous *string
	for i := range 3 {
		if err := d.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := base(receipt.Patch)
		r.Version = int64(i + 1)
		at, err := d.Append(t.Context(), r.Encode())
		if err != nil || filepath.Base(at) != "0000000"+strconv.Itoa(i+1)+".json" {
			t.Fatalf("Append = %s, %v", at, err)
		}
		text, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		var e receipt.Envelope
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		if e.Sequence != int64(i+1) || string(e.Receipt) != r.Encode() || (previous == nil) != (e.Previous == nil) ||
			previous != nil && *e.Previous != *previous {
			t.Errorf("file %d reads %s", i+1, text)
		}
		if canonical, err := receipt.Canonical(text); err != nil || string(canonical) != string(text) {
			t.Errorf("file %d is not canonical: %s", i+1, text)
		}
		sum := receipt.Sum(string(text))
		previous = &sum
		if info, err := os.Stat(at); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", at, info.Mode(), err)
		}
	}
	if chain, err := d.Verify(); err != nil || chain != (receipt.Chain{First: 1, Last: 3, Head: *previous}) {
		t.Errorf("Verify = %+v, %v", chain, err)
	}
	if got := names(t, path); len(got) != 3 {
		t.Errorf("the directory holds %q", got)
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := open(t, path)
	for _, text := range []string{"", "{}", `{"outcome":"x","time":"t","organization_id":"o","time":"u"}`} {
		if at, err := d.Append(t.Context(), text); err == nil || !strings.HasPrefix(err.Error(), "keep the receipt: it ") ||
			at != "" {
			t.Errorf("%q is kept as %s, %v", text, at, err)
		}
	}
	if got := names(t, path); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

// Whatever is done to the files shows.
func TestVerify(t *testing.T) {
	t.Parallel()
	edit := func(name string, change func(string) string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			t.Helper()
			text, err := os.ReadFile(filepath.Join(path, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(path, name), []byte(change(string(text))), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(names ...string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			t.Helper()
			for _, name := range names {
				if err := os.Remove(filepath.Join(path, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for name, test := range map[string]struct {
		change func(t *testing.T, path string)
		want   string
	}{
		"nothing": {func(*testing.T, string) {}, ""},
		"a note beside": {func(t *testing.T, path string) {
			t.Helper()
			edit("00000001.json", func(s string) string { return s })(t, path)
		}, ""},
		"older files moved": {remove("00000001.json", "00000002.json"), ""},
		"a file removed":    {remove("00000003.json"), "00000004.json follows 00000002.json: files between them are missing"},
		"a receipt changed": {edit("00000002.json", func(s string) string {
			return strings.Replace(s, `"version":2`, `"version":7`, 1)
		}), "00000003.json names another file before it than 00000002.json"},
		"white space added": {
			edit("00000002.json", func(s string) string { return s + "\n" }),
			"00000002.json is not in canonical form",
		},
		"truncated": {
			edit("00000002.json", func(s string) string { return s[:20] }),
			"00000002.json is no receipt of this provider",
		},
		"emptied": {
			edit("00000005.json", func(string) string { return "" }),
			"00000005.json is no receipt of this provider",
		},
		"another number": {edit("00000002.json", func(s string) string {
			return strings.Replace(s, `"sequence":2`, `"sequence":3`, 1)
		}), "has the sequence 3"},
		"no receipt": {edit("00000005.json", func(string) string {
			return `{"previous":null,"receipt":{},"sequence":5}`
		}), "the receipt in"},
		"the chain begins in": {edit("00000001.json", func(s string) string {
			return strings.Replace(s, `"previous":null,"receipt"`, `"previous":"00","receipt"`, 1)
		}), "only the first file of all has no previous"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d := filled(t, path, 5)
			test.change(t, path)
			_, err := d.Verify()
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("expected %q, found %v", test.want, err)
			}
		})
	}
}

// A newest file that can't be read would leave a gap that nobody made on purpose.
func TestADamagedHeadStopsTheWriteBeforeIt(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := filled(t, path, 2)
	if err := os.WriteFile(filepath.Join(path, "00000003.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := d.Check(t.Context())
	_, appendErr := d.Append(t.Context(), base(receipt.Patch).Encode())
	for _, err := range []error{err, appendErr} {
		if err == nil || !strings.Contains(err.Error(), "00000003.json is no receipt of this provider") {
			t.Errorf("expected the damaged file to be named, found %v", err)
		}
	}
	if got := names(t, path); len(got) != 3 {
		t.Errorf("the directory holds %q", got)
	}
}

func TestWhatIsNoReceiptIsPassedOver(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := filled(t, path, 1)
	for _, name := range []string{
		"README.md", "00000000.json", "9.json", "000000009.json", "00000009.json.bak",
		"x00000009.json",
	} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if at, err := d.Append(t.Context(), base(receipt.Patch).Encode()); err != nil || filepath.Base(at) != "00000002.json" {
		t.Errorf("Append = %s, %v", at, err)
	}
	if chain, err := d.Verify(); err != nil || chain.Last != 2 {
		t.Errorf("Verify = %+v, %v", chain, err)
	}
}

// Runs of several pipelines append to one directory: no number is taken twice and no link is lost.
func TestConcurrentAppends(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	const runs, each = 6, 5
	var wg sync.WaitGroup
	for range runs {
		wg.Go(func() {
			d, err := receipt.OpenDirectory(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = d.Close() }()
			for range each {
				if err := d.Check(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := d.Append(t.Context(), base(receipt.Patch).Encode()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if chain, err := open(t, path).Verify(); err != nil || chain.First != 1 || chain.Last != runs*each {
		t.Errorf("Verify = %+v, %v", chain, err)
	}
}

func TestAnotherProcessHoldsTheLock(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := open(t, path)
	other, err := durable.Open(path, "receipt directory")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	unlock, err := other.Lock(t.Context(), ".receipts.lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := d.Check(ctx); err == nil || !strings.Contains(err.Error(), "another process holds the lock") {
		t.Errorf("Check = %v", err)
	}
	unlock()
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDirectoryPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"": "receipt_directory: the path is empty", "~/receipts": "begins with ~"} {
		if err := receipt.CheckDirectory(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", path, err)
		}
		if d, err := receipt.OpenDirectory(path); err == nil || d != nil ||
			!strings.Contains(err.Error(), "open the receipt directory") {
			t.Errorf("%q: %v", path, err)
		}
	}
	if err := receipt.CheckDirectory("receipts"); err != nil {
		t.Error(err)
	}
}

func TestCheckLeavesNothing(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	if err := open(t, path).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, path); len(got) != 0 {
		t.Errorf("left %q", got)
	}
	gone := filepath.Join(t.TempDir(), "gone")
	d := open(t, gone)
	if err := os.Remove(gone); err != nil {
		t.Skip(err)
	}
	if err := d.Check(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed directory: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(`{"previous":null,"receipt":{"outcome":"x","time":"t","organization_id":"o"},"sequence":1}`,
		`{"previous":"0","receipt":{},"sequence":2}`)
	f.Add("", "{")
	f.Fuzz(func(t *testing.T, first, second string) {
		path := t.TempDir()
		for name, text := range map[string]string{"00000001.json": first, "00000002.json": second} {
			if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d := open(t, path)
		chain, err := d.Verify()
		if !slices.Equal([]int64{chain.First, chain.Last}, []int64{1, 2}) {
			t.Fatalf("%+v", chain)
		}
		if err == nil && !strings.Contains(second, receipt.Sum(first)) {
			t.Fatalf("a broken chain verifies: %q, %q", first, second)
		}
	})
}
