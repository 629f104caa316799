package escrow

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestDirectoriesToFlush: the entry of each directory that is made is in its parent, which has to be flushed for it.
func TestDirectoriesToFlush(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	if err := os.Mkdir(filepath.Join(base, "there"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("there", filepath.Join(base, "link")); err != nil {
		t.Skipf("no symbolic links: %v", err)
	}
	at := func(names ...string) []string {
		var paths []string
		for _, name := range names {
			paths = append(paths, filepath.Join(base, filepath.FromSlash(name)))
		}
		return paths
	}
	for path, want := range map[string][]string{
		"there":         nil,
		"link":          nil,
		"there/a":       at("there"),
		"there/a/b/c":   at("there/a/b", "there/a", "there"),
		"there/a/../b":  at("there"),
		"link/a":        at("link"),
		"there/a/b/c//": at("there/a/b", "there/a", "there"),
	} {
		got, err := directoriesToFlush(filepath.Join(base, "x") + "/../" + path)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", path, got, err, want)
		}
	}
}

func TestDirectoriesToFlushBelowTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	for path, want := range map[string][]string{".": nil, "a": {"."}, "a/b": {"a", "."}} {
		if got, err := directoriesToFlush(path); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", path, got, err, want)
		}
	}
	d, err := OpenDirectory(filepath.Join("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
