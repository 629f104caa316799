// Package release judges what goreleaser left in dist/ by what the Terraform and
// OpenTofu registries, and those who verify a release, rely on: names, checksums,
// archives, how the binaries were built, and SBOMs.
package release

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Want is what a release must be.
type Want struct {
	// Name is the project's, with which every name of the provider's files begins:
	// terraform-provider-NAME.
	Name string
	// Module is the path of the main module.
	Module string
	// GoVersion is the one toolchain that builds releases, such as "go1.26.8". Another gives other
	// bytes.
	GoVersion string
	// Platforms are the OS_ARCH pairs, none missing and none more.
	Platforms []string
	// Manifest is the content of terraform-registry-manifest.json, which is released beside dist/.
	Manifest []byte
}

// Platforms are those that Terraform itself is released for [.github/workflows/build.yml of
// hashicorp/terraform].
func Platforms() []string {
	return []string{
		"darwin_amd64", "darwin_arm64", "freebsd_386", "freebsd_amd64", "freebsd_arm", "linux_386", "linux_amd64",
		"linux_arm", "linux_arm64",
		"linux_s390x", "openbsd_386", "openbsd_amd64", "solaris_amd64", "windows_386", "windows_amd64", "windows_arm64",
	}
}

// cryptographicModule is the certified version that every binary carries, but for the platforms on
// which Go has no FIPS 140-3 mode [Supported of crypto/internal/fips140/check].
const cryptographicModule = "v1.0.0"

func withoutFIPS(platform string) bool {
	return strings.HasPrefix(platform, "openbsd_") || platform == "windows_386" || platform == "windows_arm"
}

// Check reports everything in dist that is not as it must be; nil means that the release may be
// published.
func Check(dist fs.FS, want Want) error {
	return check(dist, want, buildinfo.Read)
}

// readBuild is buildinfo.Read; tests have files that no linker made.
type readBuild func(io.ReaderAt) (*debug.BuildInfo, error)

func check(dist fs.FS, want Want, read readBuild) error {
	c := &checker{dist: dist, want: want, read: read, revisions: map[string][]string{}}
	sums, err := c.checksums()
	if err != nil {
		return err
	}
	c.archives(sums)
	return errors.Join(c.problems...)
}

type checker struct {
	dist      fs.FS
	want      Want
	read      readBuild
	version   string
	revisions map[string][]string // commits, and the archives that were built from them
	problems  []error
}

func (c *checker) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

var sumLine = regexp.MustCompile(`^([0-9a-f]{64})  (\S+)$`)

// Checksums reads the one NAME_VERSION_SHA256SUMS of dist: file names and hex SHA-256, as sha256sum
// writes them.
func Checksums(dist fs.FS, name string) (version string, sums map[string]string, err error) {
	files, err := fs.Glob(dist, "*_SHA256SUMS")
	if err != nil {
		return "", nil, err
	}
	if len(files) != 1 {
		return "", nil, fmt.Errorf("want one file *_SHA256SUMS, have %d: %q", len(files), files)
	}
	version, ok := strings.CutPrefix(strings.TrimSuffix(files[0], "_SHA256SUMS"), name+"_")
	if !ok || version == "" {
		return "", nil, fmt.Errorf("%s: want %s_VERSION_SHA256SUMS", files[0], name)
	}
	body, err := fs.ReadFile(dist, files[0])
	if err != nil {
		return "", nil, err
	}
	sums = map[string]string{}
	for line := range strings.Lines(string(body)) {
		m := sumLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		switch {
		case m == nil:
			return "", nil, fmt.Errorf("%s: %q is not a SHA-256 in lower-case hex, two spaces and a name", files[0], line)
		case sums[m[2]] != "":
			return "", nil, fmt.Errorf("%s names %s twice", files[0], m[2])
		}
		sums[m[2]] = m[1]
	}
	return version, sums, nil
}

// checksums holds SHA256SUMS against the files: all that are released, and nothing else, with the
// right hashes. The registries refuse a release whose manifest is not among them.
func (c *checker) checksums() (map[string]string, error) {
	version, sums, err := Checksums(c.dist, c.want.Name)
	if err != nil {
		return nil, err
	}
	c.version = version
	manifest := c.want.Name + "_" + version + "_manifest.json"
	if sums[manifest] == "" {
		c.problem("the checksums leave %s out", manifest)
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		body := c.want.Manifest
		if name != manifest {
			if body, err = fs.ReadFile(c.dist, name); err != nil {
				c.problem("the checksums name a file that is not there: %w", err)
				continue
			}
		}
		if got := sha256.Sum256(body); hex.EncodeToString(got[:]) != sums[name] {
			c.problem("%s: SHA-256 is %x, the checksums say %s", name, got, sums[name])
		}
	}
	for _, pattern := range []string{"*.zip", "*.tar.gz", "*.json"} {
		files, err := fs.Glob(c.dist, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			if sums[name] == "" && name != "artifacts.json" && name != "metadata.json" { // goreleaser's own, not released
				c.problem("the checksums leave %s out", name)
			}
		}
	}
	return sums, nil
}

// archives holds the zips against the platforms. A registry takes each zip of a release for the
// provider.
func (c *checker) archives(sums map[string]string) {
	expected := map[string]string{}
	for _, platform := range c.want.Platforms {
		expected[fmt.Sprintf("%s_%s_%s.zip", c.want.Name, c.version, platform)] = platform
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		if path.Ext(name) != ".zip" {
			continue
		}
		platform, ok := expected[name]
		if !ok {
			c.problem("%s: not one of the %d names that a registry looks for", name, len(c.want.Platforms))
			continue
		}
		delete(expected, name)
		if err := c.archive(name, platform); err != nil {
			c.problem("%s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		c.problem("%s is missing", name)
	}
	if len(c.revisions) > 1 {
		c.problem("the archives come from different commits: %v", c.revisions)
	}
}

func (c *checker) archive(name, platform string) error {
	body, err := fs.ReadFile(c.dist, name)
	if err != nil {
		return err
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	binary := c.want.Name + "_v" + c.version
	if strings.HasPrefix(platform, "windows_") {
		binary += ".exe"
	}
	modes := map[string]fs.FileMode{"LICENSE": 0o644, binary: 0o755}
	var build *debug.BuildInfo
	var errs []error
	for _, f := range z.File {
		mode, ok := modes[f.Name]
		if !ok {
			errs = append(errs, fmt.Errorf("holds %s, which does not belong there", f.Name))
			continue
		}
		delete(modes, f.Name)
		if f.Mode() != mode {
			errs = append(errs, fmt.Errorf("%s has mode %v, want %v", f.Name, f.Mode(), mode))
		}
		if f.Name != binary {
			continue
		}
		if build, err = c.binary(f, platform); err != nil {
			errs = append(errs, err)
		}
	}
	for _, missing := range slices.Sorted(maps.Keys(modes)) {
		errs = append(errs, fmt.Errorf("lacks %s", missing))
	}
	if build == nil {
		return errors.Join(errs...)
	}
	for _, f := range z.File {
		if at := setting(build, "vcs.time"); f.Modified.UTC().Format(time.RFC3339) != at {
			errs = append(errs, fmt.Errorf("%s is of %s, the commit of %s", f.Name, f.Modified.UTC().Format(time.RFC3339), at))
		}
	}
	if revision := setting(build, "vcs.revision"); revision != "" {
		c.revisions[revision] = append(c.revisions[revision], name)
	}
	if err := c.sbom(name+".spdx.json", build); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// binary reads how the executable was built, which `go version -m` shows to anyone.
func (c *checker) binary(f *zip.File, platform string) (*debug.BuildInfo, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // Only read from; ReadAll has checked the checksum.
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	build, err := c.read(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	var errs []error
	if !bytes.Contains(body, []byte(c.version)) {
		errs = append(errs, fmt.Errorf("the binary does not know its version %s", c.version))
	}
	goos, goarch, _ := strings.Cut(platform, "_")
	module, fips := cryptographicModule, "on"
	if withoutFIPS(platform) {
		module, fips = "", ""
	}
	certified, _, _ := strings.Cut(setting(build, "GOFIPS140"), "-")
	for _, s := range []struct{ what, got, want string }{
		{"the Go that built it", build.GoVersion, c.want.GoVersion},
		{"the module", build.Main.Path, c.want.Module},
		{"GOOS", setting(build, "GOOS"), goos},
		{"GOARCH", setting(build, "GOARCH"), goarch},
		{"CGO_ENABLED", setting(build, "CGO_ENABLED"), "0"},
		{"-trimpath", setting(build, "-trimpath"), "true"},
		{"vcs.modified", setting(build, "vcs.modified"), "false"},
		{"GOFIPS140", certified, module},
		{"GODEBUG=fips140", godebug(build, "fips140"), fips},
	} {
		if s.got != s.want {
			errs = append(errs, fmt.Errorf("%s is %q, want %q", s.what, s.got, s.want))
		}
	}
	if setting(build, "vcs.revision") == "" {
		errs = append(errs, errors.New("the binary does not know its commit"))
	}
	return build, errors.Join(errs...)
}

func setting(build *debug.BuildInfo, key string) string {
	for _, s := range build.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

func godebug(build *debug.BuildInfo, key string) string {
	for kv := range strings.SplitSeq(setting(build, "DefaultGODEBUG"), ",") {
		if k, v, _ := strings.Cut(kv, "="); k == key {
			return v
		}
	}
	return ""
}
