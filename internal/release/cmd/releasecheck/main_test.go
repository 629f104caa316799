package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// What a release is held against comes from the project's own files.
func TestWanted(t *testing.T) {
	t.Parallel()
	got, err := wanted(os.DirFS(filepath.Join("..", "..", "..", "..")))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "terraform-provider-salesforcebyok" || !strings.HasSuffix(got.Module, "/"+got.Name) {
		t.Errorf("name %q, module %q", got.Name, got.Module)
	}
	if !strings.HasPrefix(got.GoVersion, "go1.") || !bytes.Contains(got.Manifest, []byte(`"6.0"`)) {
		t.Errorf("Go %q, manifest %s", got.GoVersion, got.Manifest)
	}
}

func TestWanted_missing(t *testing.T) {
	t.Parallel()
	mod := &fstest.MapFile{Data: []byte("module example.com/terraform-provider-x\n\ngo 1.26.0\n\ntoolchain go1.26.8\n")}
	manifest := &fstest.MapFile{Data: []byte("{}")}
	tests := map[string]struct {
		project fstest.MapFS
		want    string
	}{
		"no go.mod": {fstest.MapFS{"terraform-registry-manifest.json": manifest}, "go.mod"},
		"no toolchain": {fstest.MapFS{
			"go.mod":                           {Data: []byte("module example.com/x\n\ngo 1.26.0\n")},
			"terraform-registry-manifest.json": manifest,
		}, "toolchain"},
		"no manifest": {fstest.MapFS{"go.mod": mod}, "terraform-registry-manifest.json"},
	}
	for title, tc := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if _, err := wanted(tc.project); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want something about %s", err, tc.want)
			}
		})
	}
}

// An empty dist is not a release, and says so by its exit code.
func TestRun_nothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run([]string{"-dist", t.TempDir()}, os.DirFS(filepath.Join("..", "..", "..", "..")), &out)
	if err == nil || !strings.Contains(err.Error(), "_SHA256SUMS") || out.Len() != 0 {
		t.Errorf("got %v and %q", err, out.String())
	}
}
