package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
)

// fakeCLI returns the path of a stand-in for OpenTofu. Callers put it where the
// finder looks first; that variable counts for the whole process, so they are
// not parallel.
func fakeCLI(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for a CLI is a shell script")
	}
	path := filepath.Join(t.TempDir(), "tofu")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho 'OpenTofu v1.12.6'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRunPrints(t *testing.T) {
	path := fakeCLI(t)
	t.Setenv(clifind.PathVariable, path)
	if got, want := mustRun(t), path+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := mustRun(t, "-version"), "OpenTofu 1.12.6\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRunCommand(t *testing.T) {
	path := fakeCLI(t)
	t.Setenv(clifind.PathVariable, path)
	got := mustRun(t, "sh", "-c", `echo "$TF_ACC_TERRAFORM_PATH $TF_ACC_PROVIDER_NAMESPACE $TF_ACC_PROVIDER_HOST"`)
	if want := path + " hashicorp registry.opentofu.org\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	var exit *exec.ExitError
	err := run(t.Context(), []string{"sh", "-c", "exit 7"}, &bytes.Buffer{})
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("got %v, want the command's own exit code 7", err)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Setenv(clifind.PathVariable, fakeCLI(t))
	if err := run(t.Context(), []string{"-bogus"}, &bytes.Buffer{}); err == nil {
		t.Error("an unknown flag was accepted")
	}
	t.Setenv(clifind.PathVariable, filepath.Join(t.TempDir(), "none"))
	if err := run(t.Context(), nil, &bytes.Buffer{}); err == nil {
		t.Error("a CLI that isn't there was accepted")
	}
}
