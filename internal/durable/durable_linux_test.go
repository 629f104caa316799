package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/durable"
)

// namespaceDirectory holds, in the process that inNamespace starts, the directory to work in.
const namespaceDirectory = "DURABLE_TEST_DIRECTORY"

// inNamespace runs the body of a test in a process of its own with its own mounts, where the user
// has the given id: 0 may mount there, any other is bound by permissions even if the real user is
// root. It skips where the kernel does not let this user do that.
func inNamespace(t *testing.T, uid int, body func(t *testing.T, path string)) {
	t.Helper()
	if path := os.Getenv(namespaceDirectory); path != "" {
		body(t, path)
		return
	}
	path := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), namespaceDirectory+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case bytes.Contains(out, []byte("cannot mount")) || err != nil && len(out) == 0:
		t.Skipf("no namespace for this user: %v %s", err, out)
	case err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Errorf("%v\n%s", err, out)
	}
}

func mount(t *testing.T, path, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, options); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
}

func TestOnAFullDisk(t *testing.T) {
	t.Parallel()
	inNamespace(t, 0, func(t *testing.T, path string) {
		mount(t, path, "size=16k")
		d := open(t, path)
		if err := d.CheckWritable(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+"/filler", bytes.Repeat([]byte("x"), 12<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		var failed error
		for i := range 8 {
			if _, failed = d.Create("file"+strings.Repeat("1", i+1), strings.Repeat("x", 3<<10)); failed != nil {
				break
			}
		}
		mustFail(t, failed, "the disk is full")
		mustFail(t, d.CheckWritable(), "the disk is full")
		mustFail(t, d.Replace("file1", strings.Repeat("y", 5<<10)), "the disk is full")
		for _, name := range namesIn(t, path) {
			if strings.HasPrefix(name, ".") {
				t.Errorf("left %s behind", name)
			}
			if content, there, err := d.Read(name, 16<<10); name != "filler" &&
				(content != strings.Repeat("x", 3<<10) || !there || err != nil) {
				t.Errorf("a partial file got its final name %s: %v", name, err)
			}
		}
	})
}

func TestOnAReadOnlyDisk(t *testing.T) {
	t.Parallel()
	inNamespace(t, 0, func(t *testing.T, path string) {
		mount(t, path, "")
		d := open(t, path)
		if err := syscall.Mount("", path, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Skipf("cannot mount: %v", err)
		}
		_, err := d.Create("file", "x")
		for _, err := range []error{err, d.Replace("file", "x"), d.CheckWritable()} {
			mustFail(t, err, "the file system is read-only")
		}
		_, err = d.Lock(t.Context(), ".lock")
		mustFail(t, err, "the file system is read-only")
		_, err = durable.Open(path+"/below", "test directory")
		mustFail(t, err, "the file system is read-only")
	})
}

func TestWithoutPermission(t *testing.T) {
	t.Parallel()
	inNamespace(t, 1000, func(t *testing.T, path string) {
		d := open(t, path)
		if _, err := d.Create("file", "x"); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d.Path("file"), 0); err != nil {
			t.Fatal(err)
		}
		_, _, err := d.Read("file", 10)
		mustFail(t, err, "may not write or read there")
		if err := os.Chmod(path, 0o500); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(path, 0o700) }()
		_, err = d.Create("other", "x")
		for _, err := range []error{err, d.CheckWritable(), d.Rename("file", "other")} {
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("expected the missing permission, found %v", err)
			}
		}
		mustFail(t, d.CheckWritable(), "may not write or read there")
		_, err = durable.Open(path+"/below", "test directory")
		mustFail(t, err, "may not write or read there")
	})
}
