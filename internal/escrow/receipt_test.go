package escrow_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
)

func TestReceiptBesideItsEscrowCopy(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	name, armored := fileName(t, rotationID), string(readFile(t, "age", "x25519.age"))
	if got, err := d.ReadReceipt(name); got != "" || err != nil {
		t.Errorf("before it was written: %q, %v", got, err)
	}
	if _, _, err := d.Write(name, armored); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteReceipt(name, `{"version":1}`); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteReceipt(name, `{"version":2}`); err != nil {
		t.Fatal(err)
	}
	if got, err := d.ReadReceipt(name); got != `{"version":1}` || err != nil {
		t.Errorf("got %q, %v, want the first receipt", got, err)
	}
	receipt := strings.TrimSuffix(name, ".age") + ".receipt.json"
	if got := namesIn(t, path); !slices.Equal(got, []string{name, receipt}) {
		t.Errorf("the directory holds %q", got)
	}
	// The receipt is not taken for a copy.
	if found, got, err := d.Find(orgID, "Data", materialHash(t)); filepath.Base(found) != name || got != armored || err != nil {
		t.Errorf("found %q, %v", found, err)
	}
	if got, err := d.ReadReceipt(fileName(t, "1f2e3d4c.1")); got != "" || err != nil {
		t.Errorf("of another rotation: %q, %v", got, err)
	}
}

func TestReceiptRefuses(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	for _, name := range []string{"", "../x", "receipt.json", fileName(t, rotationID) + "/.."} {
		mustFail(t, d.WriteReceipt(name, "{}"), "no escrow file name")
		_, err := d.ReadReceipt(name)
		mustFail(t, err, "no escrow file name")
		mustFail(t, d.Remove(name), "no escrow file name")
	}
	receipt := func(rotation string) string {
		return filepath.Join(path, strings.TrimSuffix(fileName(t, rotation), ".age")+".receipt.json")
	}
	if err := os.Mkdir(receipt("1f2e3d4c.1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(receipt("1f2e3d4c.2"), make([]byte, 65<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, rotation := range []string{"1f2e3d4c.1", "1f2e3d4c.2"} {
		got, err := d.ReadReceipt(fileName(t, rotation))
		mustFail(t, err, "is not a receipt")
		if got != "" {
			t.Errorf("returned %d bytes together with an error", len(got))
		}
	}
	mustFail(t, d.WriteReceipt(fileName(t, "1f2e3d4c.1"), "{}"), "not a regular file")
}

func TestRemoveEscrowCopy(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	keep, drop := fileName(t, "1f2e3d4c.0"), fileName(t, "1f2e3d4c.1")
	for _, name := range []string{keep, drop} {
		if _, _, err := d.Write(name, string(readFile(t, "age", "x25519.age"))); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := d.Remove(drop); err != nil {
			t.Fatal(err)
		}
	}
	if got := namesIn(t, path); !slices.Equal(got, []string{keep}) {
		t.Errorf("the directory holds %q", got)
	}
	if _, err := os.Lstat(filepath.Join(path, drop)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

func TestLastAttempt(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	if at, ok := d.LastAttempt(orgID, "Data", rotationID); ok || !at.IsZero() {
		t.Errorf("in an empty directory: %v, %t", at, ok)
	}
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	write := func(name string, at time.Time) {
		t.Helper()
		written, _, err := d.Write(name, string(readFile(t, "age", "x25519.age")))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(written, at, at); err != nil {
			t.Fatal(err)
		}
	}
	another := byok.HashMaterial(byok.GenerateMaterial())
	write(fileName(t, rotationID), noon)
	write(escrow.FileName(orgID, "Data", rotationID, another), noon.Add(-time.Hour))
	write(fileName(t, "1f2e3d4c.1"), noon.Add(time.Hour))
	write(escrow.FileName(orgID, "EventBus", rotationID, another), noon.Add(2*time.Hour))
	write(escrow.FileName("00DXX0000009xyzMAA", "Data", rotationID, another), noon.Add(3*time.Hour))
	if at, ok := d.LastAttempt(orgID, "Data", rotationID); !ok || !at.Equal(noon) {
		t.Errorf("got %v, %t, want %v", at, ok, noon)
	}
	if at, ok := d.LastAttempt(orgID, "Data", "ffffffff.0"); ok {
		t.Errorf("of a rotation that never was: %v", at)
	}
}
