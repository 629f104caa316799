package durable

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestDirectoriesToFlush: the entry of each directory that is made is in its parent, which has to
// be flushed for it.
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
	d, err := Open(filepath.Join("a", "b"), "test directory")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// Some mounts have no fsync for directories. Their answers let a file be kept; a failing device
// does not.
func TestDirectoriesThatCannotBeFlushed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"EINVAL":     {syscall.EINVAL, ""},
		"EBADF":      {syscall.EBADF, ""},
		"ENOTSUP":    {syscall.ENOTSUP, ""},
		"EOPNOTSUPP": {syscall.EOPNOTSUPP, ""},
		"ENOSYS":     {syscall.ENOSYS, ""},
		"EIO":        {syscall.EIO, "the device reports an error"},
		"ENOSPC":     {syscall.ENOSPC, "the disk is full"},
		"EDQUOT":     {syscall.EDQUOT, "the quota is used up"},
		"other":      {io.ErrUnexpectedEOF, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fail := func(*os.File) error { return &os.PathError{Op: "sync", Path: ".", Err: test.err} }
			d, err := open(t.TempDir(), "test directory", fail)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = d.Close() }()
			_, err = d.Create("file", "x")
			if test.want == "" {
				if err := errors.Join(err, d.Replace("file", "y"), d.Rename("file", "other"), d.CheckWritable()); err != nil {
					t.Errorf("expected the directory to work, found %v", err)
				}
				return
			}
			for _, err := range []error{err, d.CheckWritable()} {
				if err == nil || !strings.Contains(err.Error(), test.want) ||
					!strings.HasPrefix(err.Error(), "flush the test directory") || !errors.Is(err, test.err) {
					t.Errorf("expected the failed flush to be named with %q, found %v", test.want, err)
				}
				if err != nil && strings.Contains(err.Error(), "hard link") {
					t.Errorf("the hint is of another operation: %v", err)
				}
			}
			if _, err := open(filepath.Join(t.TempDir(), "new"), "test directory", fail); err == nil ||
				!strings.HasPrefix(err.Error(), "flush ") {
				t.Errorf("expected the flush of the parent to fail, found %v", err)
			}
		})
	}
}

// Each refusal of the operating system gets its own words, after the attempt.
func TestFailure(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"the disk is full":          syscall.ENOSPC,
		"is read-only":              syscall.EROFS,
		"may not write or read":     syscall.EACCES,
		"expected a directory":      syscall.ENOTDIR,
		"name is too long":          syscall.ENAMETOOLONG,
		"no hard links":             errNoLinks,
		"the quota is used up":      syscall.EDQUOT,
		"the device reports":        syscall.EIO,
		io.ErrUnexpectedEOF.Error(): io.ErrUnexpectedEOF,
	} {
		if got := failure("write x", err); !strings.HasPrefix(got.Error(), "write x: ") ||
			!strings.Contains(got.Error(), want) || !errors.Is(got, err) {
			t.Errorf("%v reads %q, want %q", err, got, want)
		}
	}
}
