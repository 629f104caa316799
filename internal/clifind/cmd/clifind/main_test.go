package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
)

// The variables decide for the whole process, so these cases are not parallel.
func TestRun(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for a CLI is a shell script")
	}
	fake := filepath.Join(t.TempDir(), "tofu")
	script := "#!/bin/sh\necho 'OpenTofu v1.12.6'\n"
	if err := os.WriteFile(fake, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv(clifind.PathVariable, fake)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"path":    {nil, fake + "\n"},
		"version": {[]string{"-version"}, "OpenTofu 1.12.6\n"},
		"env": {[]string{"-env"}, strings.Join([]string{
			clifind.PathVariable + "=" + fake,
			"TF_ACC_PROVIDER_NAMESPACE=hashicorp",
			"TF_ACC_PROVIDER_HOST=registry.opentofu.org",
		}, "\n") + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), tc.args, &out); err != nil {
				t.Fatal(err)
			}
			if out.String() != tc.want {
				t.Errorf("got %q, want %q", out.String(), tc.want)
			}
		})
	}

	t.Run("missing", func(t *testing.T) {
		t.Setenv(clifind.PathVariable, filepath.Join(t.TempDir(), "none"))
		if err := run(t.Context(), nil, &bytes.Buffer{}); err == nil {
			t.Error("a CLI that isn't there was accepted")
		}
	})
}
