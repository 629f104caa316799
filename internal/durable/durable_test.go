package durable_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/durable"
)

func open(t testing.TB, path string) *durable.Dir {
	t.Helper()
	d, err := durable.Open(path, "test directory")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func namesIn(t testing.TB, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func mustFail(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("expected an error about %q, found %v", want, err)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b")
	d := open(t, path)
	if existed, err := d.Create("file", "first"); existed || err != nil {
		t.Fatalf("Create = %t, %v", existed, err)
	}
	if existed, err := d.Create("file", "second"); !existed || err != nil {
		t.Errorf("a second Create = %t, %v", existed, err)
	}
	if content, there, err := d.Read("file", 5); content != "first" || !there || err != nil {
		t.Errorf("Read = %q, %t, %v", content, there, err)
	}
	if _, _, err := d.Read("file", 4); err == nil {
		t.Error("a longer file was read")
	}
	if content, there, err := d.Read("other", 5); content != "" || there || err != nil {
		t.Errorf("of no file: %q, %t, %v", content, there, err)
	}
	if got := namesIn(t, path); !slices.Equal(got, []string{"file"}) {
		t.Errorf("the directory holds %q", got)
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]fs.FileMode{path: 0o700, filepath.Dir(path): 0o700, d.Path("file"): 0o600} {
			info, err := os.Stat(name)
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v (%v)", name, info.Mode().Perm(), want, err)
			}
		}
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := open(t, path)
	for _, content := range []string{"first", "second"} {
		if err := d.Replace("file", content); err != nil {
			t.Fatal(err)
		}
		if got, _, err := d.Read("file", 10); got != content || err != nil {
			t.Errorf("Read = %q, %v", got, err)
		}
	}
	if got := namesIn(t, path); !slices.Equal(got, []string{"file"}) {
		t.Errorf("the directory holds %q", got)
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := open(t, path)
	for _, name := range []string{"a", "b"} {
		if _, err := d.Create(name, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Rename("a", "b"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("expected the taken name to be refused, found %v", err)
	}
	for range 2 {
		if err := d.Rename("a", "c"); err != nil {
			t.Fatal(err)
		}
	}
	if got := namesIn(t, path); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("the directory holds %q", got)
	}
}

// What is no regular file is neither read nor written through.
func TestOnlyRegularFiles(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(outside, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, put := range map[string]func(at string) error{
		"a directory":     func(at string) error { return os.Mkdir(at, 0o700) },
		"a link outside":  func(at string) error { return os.Symlink(outside, at) },
		"a dangling link": func(at string) error { return os.Symlink(outside+"-missing", at) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, t.TempDir())
			if err := put(d.Path("file")); err != nil {
				t.Skip(err)
			}
			_, err := d.Create("file", "ours")
			mustFail(t, err, "not a regular file")
			mustFail(t, d.Replace("file", "ours"), "not a regular file")
			mustFail(t, d.Rename("file", "other"), "not a regular file")
			_, _, err = d.Read("file", 10)
			mustFail(t, err, "not a regular file")
			if b, err := os.ReadFile(outside); string(b) != "theirs" || err != nil {
				t.Errorf("the file outside was changed: %q, %v", b, err)
			}
			if _, err := os.Lstat(outside + "-missing"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file was made outside: %v", err)
			}
		})
	}
}

func TestLockIsNotTakenThroughALink(t *testing.T) {
	t.Parallel()
	d, outside := open(t, t.TempDir()), filepath.Join(t.TempDir(), "victim")
	if err := os.Symlink(outside, d.Path(".lock")); err != nil {
		t.Skip(err)
	}
	if unlock, err := d.Lock(t.Context(), ".lock"); err == nil {
		unlock()
		t.Error("the lock was taken outside of the directory")
	}
	if _, err := os.Lstat(outside); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was made outside: %v", err)
	}
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"": "is empty", "~": "begins with ~", "~/keys": "begins with ~", "~root/keys": "begins with ~", "keys": "",
		"./~/keys": "", "/var/lib/~keys": "",
	} {
		err := durable.CheckPath(path)
		if want == "" && err == nil {
			continue
		}
		mustFail(t, err, want)
	}
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		_, err := durable.Open("~/keys", "test directory")
		mustFail(t, err, "begins with ~")
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, want string }{
		"a file":     {file, "is a file"},
		"below file": {filepath.Join(file, "below"), "is a file"},
		"NUL":        {"a\x00b", "test directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && strings.Contains(test.want, "file") {
				t.Skip("Windows words it differently")
			}
			d, err := durable.Open(test.path, "test directory")
			mustFail(t, err, test.want)
			if d != nil {
				t.Error("returned a directory together with an error")
			}
		})
	}
}

func TestRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gone")
	d := open(t, path)
	if err := os.Remove(path); err != nil {
		t.Skip("an open directory cannot be removed here: ", err)
	}
	if _, err := d.Create("file", "x"); err == nil {
		t.Error("wrote into a removed directory")
	}
	if err := d.CheckWritable(); err == nil {
		t.Error("a removed directory is writable")
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory came back: %v", err)
	}
}

func TestCheckWritableLeavesNothing(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	if err := open(t, path).CheckWritable(); err != nil {
		t.Fatal(err)
	}
	if got := namesIn(t, path); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

// Many writers of one name: exactly one wins, and whoever reads sees a whole file.
func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	const writers = 16
	var wg sync.WaitGroup
	var mu sync.Mutex
	var created []string
	for i := range writers {
		wg.Go(func() {
			d, err := durable.Open(path, "test directory")
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = d.Close() }()
			content := strings.Repeat(strconv.Itoa(i%10), 10_000)
			existed, err := d.Create("file", content)
			if err != nil {
				t.Error(err)
			}
			if !existed {
				mu.Lock()
				created = append(created, content)
				mu.Unlock()
			}
			if got, there, err := d.Read("file", 10_000); len(got) != 10_000 || strings.Trim(got, got[:1]) != "" || !there ||
				err != nil {
				t.Errorf("a reader saw a partial file: %v", err)
			}
		})
	}
	wg.Wait()
	got, err := os.ReadFile(filepath.Join(path, "file"))
	if err != nil || len(created) != 1 || created[0] != string(got) {
		t.Errorf("%d writers think that they made the file, %v", len(created), err)
	}
	if names := namesIn(t, path); len(names) != 1 {
		t.Errorf("the directory holds %q", names)
	}
}

// lockedDirectory holds, in the process that TestLockOfAnotherProcess starts, the directory to
// lock.
const lockedDirectory = "DURABLE_TEST_LOCK"

func TestLockOfAnotherProcess(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(lockedDirectory); path != "" {
		if _, err := open(t, path).Lock(t.Context(), ".lock"); err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("locked\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	path := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLockOfAnotherProcess$")
	child.Env = append(os.Environ(), lockedDirectory+"="+path)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if said := make([]byte, len("locked")); true {
		if _, err := out.Read(said); err != nil || string(said) != "locked" {
			t.Fatalf("the other process says %q, %v", said, err)
		}
	}

	d := open(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = d.Lock(ctx, ".lock")
	mustFail(t, err, "another process holds the lock")
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	unlock, err := d.Lock(t.Context(), ".lock")
	if err != nil {
		t.Fatalf("the lock outlived its process: %v", err)
	}
	unlock()
	again, err := d.Lock(t.Context(), ".lock")
	if err != nil {
		t.Fatal(err)
	}
	again()
}
