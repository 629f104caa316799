package escrow_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A refused copy gets its name back if the key is in the org all the same; any other file stays as
// it is.
func TestReinstate(t *testing.T) {
	t.Parallel()
	for name, byHash := range map[string]bool{"by its hash": true, "by its rotation": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d, p, k := openDirectory(t, path), planOf(t, "x25519"), keyOf(t, rotationID)
			hash := ""
			if byHash {
				hash = k.Hash
			}
			if again, err := d.Reinstate(orgID, "Data", rotationID, hash); again || err != nil {
				t.Errorf("in an empty directory: %t, %v", again, err)
			}
			kept := keep(t, d, k)
			send(t, d, k, noon)
			if _, err := d.Refuse(k, noon); err != nil {
				t.Fatal(err)
			}
			for _, other := range []struct{ org, typ, rotation string }{
				{"00D000000000000AAA", "Data", rotationID},
				{orgID, "EventBus", rotationID},
			} {
				if again, err := d.Reinstate(other.org, other.typ, other.rotation, hash); again || err != nil {
					t.Errorf("of %v: %t, %v", other, again, err)
				}
			}
			if again, err := d.Reinstate(orgID, "Data", rotationID, hash); !again || err != nil {
				t.Fatalf("got %t, %v", again, err)
			}
			if found, err := d.Find(orgID, "Data", k.Hash, p); err != nil || found.Path != kept.Path || !found.Recorded ||
				found.Armored != kept.Armored {
				t.Errorf("Find = %+v, %v", found, err)
			}
			if at, ok := d.LastAttempt(orgID, "Data", rotationID); !ok || !at.Equal(noon) {
				t.Errorf("its attempt does not count again: %v, %t", at, ok)
			}
		})
	}
}

// A file that no intent records, and a name that is taken, are left alone.
func TestReinstateRefuses(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, k := openDirectory(t, path), keyOf(t, rotationID)
	plant(t, path, k.FileName()+".refused", "not ours")
	if again, err := d.Reinstate(orgID, "Data", rotationID, k.Hash); again || err != nil {
		t.Errorf("a file without an intent: %t, %v", again, err)
	}
	if err := os.Remove(filepath.Join(path, k.FileName()+".refused")); err != nil {
		t.Fatal(err)
	}

	// Two refused copies of one rotation: nothing says which key arrived, if there is no hash.
	for range 2 {
		keep(t, d, k)
		if _, err := d.Refuse(k, noon); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := d.Reinstate(orgID, "Data", rotationID, ""); again || err != nil {
		t.Errorf("one of two copies: %t, %v", again, err)
	}
	plant(t, path, k.FileName(), "in the way")
	if again, err := d.Reinstate(orgID, "Data", rotationID, k.Hash); again || !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %t, %v", again, err)
	}
	if text, err := os.ReadFile(filepath.Join(path, k.FileName())); err != nil || string(text) != "in the way" {
		t.Errorf("the other file was changed: %q, %v", text, err)
	}
}
