package escrow_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
)

// namespaceDirectory holds, in the process that inNamespace starts, the directory to work in.
const namespaceDirectory = "BYOK_TEST_DIRECTORY"

// inNamespace runs the body of a test in a process of its own with its own mounts, where the user has the given id: 0
// may mount there, any other is bound by permissions even if the real user is root. It skips where the kernel does not
// let this user do that.
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

func TestEscrowOnAFullDisk(t *testing.T) {
	t.Parallel()
	inNamespace(t, 0, func(t *testing.T, path string) {
		mount(t, path, "size=16k")
		d := openDirectory(t, path)
		if err := os.WriteFile(path+"/filler", bytes.Repeat([]byte("x"), 12<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		var failed error
		for i := range 8 {
			name := fileName(t, "1f2e3d4c."+strings.Repeat("1", i+1))
			if _, _, err := d.Write(name, string(readFile(t, "age", "x25519.age"))); err != nil {
				failed = err
				break
			}
		}
		mustFail(t, failed, "the disk is full")
		for _, name := range namesIn(t, path) {
			if strings.HasPrefix(name, ".escrow-") {
				t.Errorf("left %s behind", name)
			}
		}
		if _, _, err := d.Find(orgID, "Data", materialHash(t)); err != nil {
			t.Errorf("a partial copy got its final name: %v", err)
		}
	})
}

func TestEscrowOnAReadOnlyDisk(t *testing.T) {
	t.Parallel()
	inNamespace(t, 0, func(t *testing.T, path string) {
		mount(t, path, "")
		d := openDirectory(t, path)
		if err := syscall.Mount("", path, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Skipf("cannot mount: %v", err)
		}
		_, _, err := d.Write(fileName(t, rotationID), string(readFile(t, "age", "x25519.age")))
		mustFail(t, err, "the file system is read-only")
		_, err = escrow.OpenDirectory(path + "/below")
		mustFail(t, err, "the file system is read-only")
	})
}

func TestEscrowDirectoryWithoutPermission(t *testing.T) {
	t.Parallel()
	inNamespace(t, 1000, func(t *testing.T, path string) {
		d := openDirectory(t, path)
		written, _, err := d.Write(fileName(t, rotationID), string(readFile(t, "age", "x25519.age")))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(written, 0); err != nil {
			t.Fatal(err)
		}
		_, _, err = d.Find(orgID, "Data", materialHash(t))
		mustFail(t, err, "may not write or read there")
		if err := os.Chmod(path, 0o500); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(path, 0o700) }()
		_, _, err = d.Write(fileName(t, "1f2e3d4c.1"), string(readFile(t, "age", "x25519.age")))
		mustFail(t, err, "may not write or read there")
		_, err = escrow.OpenDirectory(path + "/below")
		mustFail(t, err, "may not write or read there")
	})
}
