package bench

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownBinary returns the path and the main package of a Go binary that is sure to be there: this
// test.
func ownBinary(t *testing.T) (path, module string) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	built, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	return path, built.Path
}

// binaryNamed makes that binary known by another name.
func binaryNamed(t *testing.T, name string) string {
	t.Helper()
	own, _ := ownBinary(t)
	path := filepath.Join(t.TempDir(), name)
	if err := os.Link(own, path); err == nil {
		return path
	}
	text, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o700); err != nil {
		t.Fatal(err)
	}

	return path
}

func TestProviderBinary(t *testing.T) {
	t.Parallel()
	_, module := ownBinary(t)
	text := filepath.Join(t.TempDir(), "terraform-provider-tls")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "terraform-provider-tls")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		path, module string
		// want is a part of the error, "" for none.
		want string
	}{
		"the name alone":      {binaryNamed(t, "terraform-provider-tls"), module, ""},
		"with a version":      {binaryNamed(t, "terraform-provider-tls_v4.1.0_x5"), module, ""},
		"with an extension":   {binaryNamed(t, "terraform-provider-tls.exe"), module, ""},
		"whatever module":     {binaryNamed(t, "terraform-provider-tls"), "", ""},
		"no file":             {filepath.Join(t.TempDir(), "terraform-provider-tls"), module, "no such file"},
		"a folder":            {folder, module, "found a folder: " + folder},
		"another name":        {binaryNamed(t, "terraform-provider-random"), module, "found terraform-provider-random"},
		"a name that goes on": {binaryNamed(t, "terraform-provider-tlsx"), module, "found terraform-provider-tlsx"},
		"no binary":           {text, module, "expected a binary built by Go"},
		"another module's":    {binaryNamed(t, "terraform-provider-tls"), peerModule, "found one from " + module},
		"the empty path":      {"", module, "found a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := providerBinary("BENCH_PEER", tc.path, "terraform-provider-tls", tc.module)
			if tc.want == "" {
				if err != nil || !filepath.IsAbs(got) || filepath.Base(got) != filepath.Base(tc.path) {
					t.Errorf("got %q, %v", got, err)
				}

				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "BENCH_PEER: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, %v; want an error with %q", got, err, tc.want)
			}
		})
	}
}

// What stands in /proc, and what the CLI needs from another directory, is the absolute path without
// links.
func TestProviderBinaryFollowsLinks(t *testing.T) {
	t.Parallel()
	resolved, err := filepath.EvalSymlinks(binaryNamed(t, "terraform-provider-tls"))
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "peer")
	if err := os.Symlink(resolved, link); err != nil {
		t.Skip("no links on this system:", err)
	}
	if got, err := providerBinary("BENCH_PEER", link, "terraform-provider-tls", ""); err != nil || got != resolved {
		t.Errorf("got %q, %v; want %q", got, err, resolved)
	}
}

// A peer that can't be measured is refused before anything is measured: no line is printed and no
// CLI is run.
func TestRunRefusesAtOnce(t *testing.T) {
	t.Parallel()
	good := binaryNamed(t, "terraform-provider-salesforcebyok")
	for name, tc := range map[string]struct {
		options Options
		want    string
	}{
		"a peer that is a folder": {Options{Provider: good, Peer: t.TempDir(), Runs: 1}, "BENCH_PEER: expected the path " +
			"of a binary of terraform-provider-tls, found a folder"},
		"a peer of another module": {
			Options{Provider: good, Peer: binaryNamed(t, "terraform-provider-tls"), Runs: 1},
			"expected a binary built from " + peerModule,
		},
		"no provider":               {Options{Provider: filepath.Join(t.TempDir(), "none"), Runs: 1}, "-provider: "},
		"nothing is to be measured": {Options{Provider: good}, "-runs: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			tc.options.Out, tc.options.CLI = &out, filepath.Join(t.TempDir(), "no-cli")
			if err := Run(t.Context(), tc.options); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
			if out.Len() > 0 {
				t.Errorf("printed %q", out.String())
			}
		})
	}
}
