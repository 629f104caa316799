package release

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const (
	name    = "terraform-provider-example"
	module  = "example.com/terraform-provider-example"
	version = "1.2.3"
	builder = "go1.26.8"
	commit  = "0123456789abcdef0123456789abcdef01234567"
)

var committed = time.Date(2026, 11, 21, 15, 4, 6, 0, time.UTC)

// A fixture is a release before it is packed; each case spoils it somewhere.
type fixture struct {
	want     Want
	archives map[string]*archive // by platform
	extra    map[string][]byte   // further files of dist
	sums     func(map[string]string)
	sumsName string
}

type archive struct {
	file  string
	build *debug.BuildInfo
	// content of the archive, and an SBOM that is right unless a case changes it.
	entries []entry
	sbom    *document
}

type entry struct {
	name string
	mode fs.FileMode
	at   time.Time
	body []byte // nil: the binary
}

func newFixture() *fixture {
	f := &fixture{
		want: Want{
			Name: name, Module: module, GoVersion: builder, Platforms: []string{
				"linux_amd64", "windows_386", "windows_amd64",
				"openbsd_amd64",
			},
			Manifest: []byte(`{"version":1}`),
		},
		archives: map[string]*archive{},
		extra: map[string][]byte{
			"sfsim_1.2.3_linux_amd64.tar.gz": []byte("tar"), "artifacts.json": []byte("[]"),
			"metadata.json": []byte("{}"),
		},
		sums:     func(map[string]string) {},
		sumsName: name + "_" + version + "_SHA256SUMS",
	}
	for _, platform := range f.want.Platforms {
		goos, goarch, _ := strings.Cut(platform, "_")
		settings := []debug.BuildSetting{
			{Key: "-trimpath", Value: "true"},
			{Key: "CGO_ENABLED", Value: "0"},
			{Key: "GOARCH", Value: goarch},
			{Key: "GOOS", Value: goos},
			{Key: "vcs.revision", Value: commit},
			{Key: "vcs.time", Value: committed.Format(time.RFC3339)},
			{Key: "vcs.modified", Value: "false"},
		}
		if goos != "openbsd" && platform != "windows_386" {
			settings = append(settings, debug.BuildSetting{Key: "GOFIPS140", Value: "v1.0.0-c2097c7c"},
				debug.BuildSetting{Key: "DefaultGODEBUG", Value: "http2client=1,fips140=on"})
		}
		binary := name + "_v" + version
		if goos == "windows" {
			binary += ".exe"
		}
		f.archives[platform] = &archive{
			file: fmt.Sprintf("%s_%s_%s.zip", name, version, platform),
			build: &debug.BuildInfo{
				GoVersion: builder, Path: module, Main: debug.Module{Path: module, Version: "v" + version},
				Deps: []*debug.Module{
					{Path: "example.com/a", Version: "v0.1.0"},
					{Path: "example.com/b", Version: "v0.2.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v0.3.0"}},
				},
				Settings: settings,
			},
			entries: []entry{
				{name: "LICENSE", mode: 0o644, at: committed, body: []byte("license")},
				{name: binary, mode: 0o755, at: committed},
			},
			sbom: &document{Version: "SPDX-2.3", Packages: []spdxPackage{
				goPackage(module, "v"+version, "NOASSERTION"),
				goPackage("stdlib", builder, "BSD-3-Clause"),
				goPackage("example.com/a", "v0.1.0", "MIT"),
				goPackage("example.com/fork", "v0.3.0", "MIT"),
				{Name: "the archive", Version: version},
			}},
		}
	}
	return f
}

func goPackage(path, version, license string) spdxPackage {
	p := spdxPackage{Name: path, Version: version, Concluded: license, Declared: "NOASSERTION"}
	p.Refs = append(p.Refs, struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	}{"purl", "pkg:golang/" + path + "@" + version})
	return p
}

func (a *archive) set(key, value string) {
	i := slices.IndexFunc(a.build.Settings, func(s debug.BuildSetting) bool { return s.Key == key })
	a.build.Settings[i].Value = value
}

func (a *archive) entry(name string) *entry {
	i := slices.IndexFunc(a.entries, func(e entry) bool { return strings.HasPrefix(e.name, name) })
	return &a.entries[i]
}

// fakeBuild reads the build information of a fixture's binary, which is JSON.
func fakeBuild(r io.ReaderAt) (*debug.BuildInfo, error) {
	var build debug.BuildInfo
	if err := json.NewDecoder(io.NewSectionReader(r, 0, 1<<20)).Decode(&build); err != nil {
		return nil, fmt.Errorf("not a binary: %w", err)
	}
	return &build, nil
}

func (f *fixture) pack(t *testing.T) fs.FS {
	t.Helper()
	dist := fstest.MapFS{}
	add := func(name string, body []byte) { dist[name] = &fstest.MapFile{Data: body, Mode: 0o644} }
	for name, body := range f.extra {
		add(name, body)
	}
	for _, a := range f.archives {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for _, e := range a.entries {
			header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: e.at}
			header.SetMode(e.mode)
			w, err := z.CreateHeader(header)
			if err != nil {
				t.Fatal(err)
			}
			body := e.body
			if body == nil {
				if body, err = json.Marshal(a.build); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.Write(body); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		add(a.file, buf.Bytes())
		if a.sbom == nil {
			continue
		}
		body, err := json.Marshal(a.sbom)
		if err != nil {
			t.Fatal(err)
		}
		add(a.file+".spdx.json", body)
	}
	sums := map[string]string{name + "_" + version + "_manifest.json": fmt.Sprintf("%x", sha256.Sum256(f.want.Manifest))}
	for file, content := range dist {
		if file != "artifacts.json" && file != "metadata.json" {
			sums[file] = fmt.Sprintf("%x", sha256.Sum256(content.Data))
		}
	}
	f.sums(sums)
	var lines strings.Builder
	for _, file := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&lines, "%s  %s\n", sums[file], file)
	}
	add(f.sumsName, []byte(lines.String()))
	return dist
}

func TestCheck_fit(t *testing.T) {
	t.Parallel()
	f := newFixture()
	if err := check(f.pack(t), f.want, fakeBuild); err != nil {
		t.Error(err)
	}
}

// Each case spoils one thing, and wants one complaint about it and no other.
func TestCheck_unfit(t *testing.T) {
	t.Parallel()
	linux := func(f *fixture) *archive { return f.archives["linux_amd64"] }
	windows := func(f *fixture) *archive { return f.archives["windows_386"] }
	zipOf := name + "_1.2.3_linux_amd64.zip"
	tests := map[string]struct {
		spoil func(*fixture)
		want  string
	}{
		"manifest left out": {func(f *fixture) {
			f.sums = func(s map[string]string) { delete(s, name+"_1.2.3_manifest.json") }
		}, "the checksums leave " + name + "_1.2.3_manifest.json out"},
		"another manifest": {func(f *fixture) {
			f.sums = func(s map[string]string) { s[name+"_1.2.3_manifest.json"] = strings.Repeat("0", 64) }
		}, "the checksums say 0000"},
		"simulator left out": {func(f *fixture) {
			f.sums = func(s map[string]string) { delete(s, "sfsim_1.2.3_linux_amd64.tar.gz") }
		}, "the checksums leave sfsim_1.2.3_linux_amd64.tar.gz out"},
		"SBOM left out": {func(f *fixture) {
			f.sums = func(s map[string]string) { delete(s, zipOf+".spdx.json") }
		}, "the checksums leave " + zipOf + ".spdx.json out"},
		"changed after the checksums": {func(f *fixture) {
			f.sums = func(s map[string]string) { s["sfsim_1.2.3_linux_amd64.tar.gz"] = strings.Repeat("a", 64) }
		}, "the checksums say aaaa"},
		"a file that is not there": {func(f *fixture) {
			f.sums = func(s map[string]string) { s["gone.tar.gz"] = strings.Repeat("a", 64) }
		}, "gone.tar.gz"},
		"checksums in capitals": {func(f *fixture) {
			f.sums = func(s map[string]string) { s[zipOf] = strings.ToUpper(s[zipOf]) }
		}, "not a SHA-256 in lower-case hex"},
		"checksums of another name": {func(f *fixture) {
			f.sumsName = "checksums_SHA256SUMS"
		}, "want " + name + "_VERSION_SHA256SUMS"},
		"no checksums": {func(f *fixture) {
			f.sumsName = "checksums.txt"
		}, "want one file *_SHA256SUMS, have 0"},
		"a platform is missing": {func(f *fixture) {
			f.want.Platforms = append(f.want.Platforms, "linux_s390x")
		}, "linux_s390x.zip is missing"},
		"a platform too many": {func(f *fixture) {
			f.want.Platforms = f.want.Platforms[:3]
		}, "openbsd_amd64.zip: not one of the 3 names"},
		"a zip of something else": {func(f *fixture) {
			f.extra["sfsim_1.2.3_linux_amd64.zip"] = []byte("zip")
		}, "sfsim_1.2.3_linux_amd64.zip: not one of"},
		"a FIPS variant by another name": {func(f *fixture) {
			f.extra[name+"_1.2.3+fips_linux_amd64.zip"] = []byte("zip")
		}, "+fips_linux_amd64.zip: not one of"},
		"not a zip": {func(f *fixture) {
			f.archives = map[string]*archive{}
			f.want.Platforms = f.want.Platforms[:1]
			f.extra[zipOf] = []byte("zip")
		}, "not a valid zip file"},
		"license missing":   {func(f *fixture) { linux(f).entries = linux(f).entries[1:] }, "lacks LICENSE"},
		"binary missing":    {func(f *fixture) { linux(f).entries = linux(f).entries[:1] }, "lacks " + name + "_v1.2.3"},
		"not an executable": {func(f *fixture) { linux(f).entry(name).mode = 0o644 }, "has mode -rw-r--r--, want -rwxr-xr-x"},
		"more than belongs": {func(f *fixture) {
			linux(f).entries = append(linux(f).entries, entry{name: ".env", mode: 0o644, at: committed, body: []byte("x")})
		}, "holds .env"},
		"time of the build": {func(f *fixture) {
			linux(f).entry("LICENSE").at = committed.Add(time.Hour)
		}, "LICENSE is of 2026-11-21T16:04:06Z, the commit of 2026-11-21T15:04:06Z"},
		"no build information": {func(f *fixture) { linux(f).entry(name).body = []byte("#!/bin/sh") }, "not a binary"},
		"no version in the binary": {func(f *fixture) {
			linux(f).build.Main.Version, linux(f).sbom.Packages[0].Version = "dev", "dev"
		}, "does not know its version 1.2.3"},
		"another Go": {func(f *fixture) {
			linux(f).build.GoVersion, linux(f).sbom.Packages[1].Version = "go1.26.0", "go1.26.0"
		}, `the Go that built it is "go1.26.0"`},
		"another module": {func(f *fixture) {
			linux(f).build.Main.Path, linux(f).sbom.Packages[0].Name = "example.com/other", "example.com/other"
		}, `the module is "example.com/other", want "` + module},
		"a binary for others":  {func(f *fixture) { linux(f).set("GOARCH", "arm64") }, `GOARCH is "arm64", want "amd64"`},
		"a binary of others":   {func(f *fixture) { linux(f).set("GOOS", "darwin") }, `GOOS is "darwin", want "linux"`},
		"cgo":                  {func(f *fixture) { linux(f).set("CGO_ENABLED", "1") }, `CGO_ENABLED is "1"`},
		"paths of the builder": {func(f *fixture) { linux(f).set("-trimpath", "false") }, `-trimpath is "false"`},
		"changes in the tree":  {func(f *fixture) { linux(f).set("vcs.modified", "true") }, `vcs.modified is "true"`},
		"no commit":            {func(f *fixture) { linux(f).set("vcs.revision", "") }, "does not know its commit"},
		"two commits": {func(f *fixture) {
			linux(f).set("vcs.revision", strings.Repeat("f", 40))
		}, "from different commits"},
		"no FIPS module": {func(f *fixture) { linux(f).set("GOFIPS140", "off") }, `GOFIPS140 is "off", want "v1.0.0"`},
		"FIPS module not on": {func(f *fixture) {
			linux(f).set("DefaultGODEBUG", "http2client=1")
		}, `GODEBUG=fips140 is "", want "on"`},
		"FIPS where it is not": {func(f *fixture) {
			windows(f).build.Settings = append(windows(f).build.Settings, debug.BuildSetting{Key: "GOFIPS140", Value: "v1.0.0"})
		}, `GOFIPS140 is "v1.0.0", want ""`},
		"no SBOM":              {func(f *fixture) { linux(f).sbom = nil }, "no SBOM"},
		"SBOM of another form": {func(f *fixture) { linux(f).sbom.Version = "SPDX-2.2" }, "want SPDX-2.3"},
		"SBOM lacks a module": {func(f *fixture) {
			linux(f).sbom.Packages = slices.Delete(linux(f).sbom.Packages, 2, 3)
		}, "leaves example.com/a v0.1.0 out"},
		"SBOM lacks the Go": {func(f *fixture) {
			linux(f).sbom.Packages = slices.Delete(linux(f).sbom.Packages, 1, 2)
		}, "leaves stdlib go1.26.8 out"},
		"SBOM: another version": {func(f *fixture) {
			linux(f).sbom.Packages[3].Version = "v0.2.0"
		}, "example.com/fork is v0.2.0, the binary has v0.3.0"},
		"SBOM: no license": {func(f *fixture) {
			linux(f).sbom.Packages[2].Concluded = "NONE"
		}, "example.com/a has no license"},
		"SBOM: more than linked": {func(f *fixture) {
			linux(f).sbom.Packages = append(linux(f).sbom.Packages, goPackage("example.com/test", "v1.0.0", "MIT"))
		}, "example.com/test is not in the binary"},
	}
	for title, tc := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			tc.spoil(f)
			err := check(f.pack(t), f.want, fakeBuild)
			switch {
			case err == nil:
				t.Fatalf("no complaint, want %q", tc.want)
			case !strings.Contains(err.Error(), tc.want):
				t.Errorf("complains of %v, want %q", err, tc.want)
			case strings.Contains(err.Error(), "\n"):
				t.Errorf("more than one complaint: %v", err)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	other := name + "_1.2.3_windows_386.zip"
	tests := map[string]struct {
		spoil func(*fixture)
		want  string
	}{
		"the same":       {func(*fixture) {}, ""},
		"another SBOM":   {func(f *fixture) { f.archives["windows_386"].sbom.Version = "SPDX-3.0" }, ""},
		"another binary": {func(f *fixture) { f.archives["windows_386"].build.Main.Sum = "h1:x" }, other + ": SHA-256 is"},
		"one more":       {func(f *fixture) { f.extra["more.tar.gz"] = []byte("tar") }, "more.tar.gz is in one build only"},
		"one less":       {func(f *fixture) { delete(f.extra, "sfsim_1.2.3_linux_amd64.tar.gz") }, `and "" in the other`},
		"no checksums":   {func(f *fixture) { f.sumsName = "checksums.txt" }, "have 0"},
	}
	for title, tc := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			tc.spoil(f)
			err := Compare(newFixture().pack(t), f.pack(t), name)
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestCompare_nothing(t *testing.T) {
	t.Parallel()
	empty := fstest.MapFS{name + "_1.2.3_SHA256SUMS": {}}
	if err := Compare(empty, empty, name); err == nil {
		t.Error("two releases of nothing pass for the same")
	}
}

func FuzzChecksums(f *testing.F) {
	f.Add("")
	f.Add(strings.Repeat("0", 64) + "  a.zip\n")
	f.Add(strings.Repeat("0", 64) + "  a.zip\n" + strings.Repeat("1", 64) + "  a.zip\n")
	f.Add(strings.Repeat("0", 64) + " *a.zip\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		got, sums, err := Checksums(fstest.MapFS{name + "_1_SHA256SUMS": {Data: []byte(body)}}, name)
		if err != nil {
			return
		}
		if got != "1" || len(sums) != strings.Count(strings.TrimSuffix(body, "\n")+"\n", "\n") && body != "" {
			t.Errorf("version %q and %d sums of %q", got, len(sums), body)
		}
		for file, sum := range sums {
			if !strings.Contains(body, sum+"  "+file) {
				t.Errorf("%s of %s is not in %q", sum, file, body)
			}
		}
	})
}
