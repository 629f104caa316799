package namespace

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// directory names, in the process that Run starts, the directory to work in.
const directory = "NAMESPACE_TEST_DIRECTORY"

// Run runs the body of a test in a process of its own, with mounts of its own, as the given user.
// The body gets an empty directory. The test does nothing else.
func Run(t *testing.T, user int, body func(t *testing.T, path string)) {
	t.Helper()
	if path := os.Getenv(directory); path != "" {
		body(t, path)

		return
	}
	path := t.TempDir()
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	//nolint:gosec // this very test
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.v")
	cmd.Env = append(os.Environ(), directory+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case bytes.Contains(out, []byte(cannotMount)) || err != nil && len(out) == 0:
		t.Skipf("no namespace for this user: %v %s", err, out)
	case err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Errorf("%v\n%s", err, out)
	}
}

const cannotMount = "cannot mount"

// Mount mounts an empty file system in memory, with options such as size=16k, at a path that is
// made if it is missing. The file system is gone with the process.
func Mount(t *testing.T, path, options string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, options); err != nil {
		t.Skipf("%s: %v", cannotMount, err)
	}
}

// ReadOnly makes what Mount has mounted read-only, or writable again.
func ReadOnly(t *testing.T, path string, is bool) {
	t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if is {
		flags |= syscall.MS_RDONLY
	}
	if err := syscall.Mount("", path, "", flags, ""); err != nil {
		t.Skipf("%s: %v", cannotMount, err)
	}
}
