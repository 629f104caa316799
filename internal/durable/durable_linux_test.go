package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest/namespace"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/durable"
)

func TestOnAFullDisk(t *testing.T) {
	t.Parallel()
	namespace.Run(t, namespace.Root, func(t *testing.T, path string) {
		namespace.Mount(t, path, "size=16k")
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
	namespace.Run(t, namespace.Root, func(t *testing.T, path string) {
		namespace.Mount(t, path, "")
		d := open(t, path)
		namespace.ReadOnly(t, path, true)
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
	namespace.Run(t, namespace.User, func(t *testing.T, path string) {
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
