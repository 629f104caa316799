// Command releasecheck fails if dist/ is not a release that the registries
// and its users' auditors accept. It runs in the root of the project.
//
//	releasecheck                            the whole release in dist/
//	releasecheck -platforms linux_amd64     a release for fewer platforms
//	releasecheck -same other/dist           also, that another build gave the same bytes
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/release"
)

func main() {
	if err := run(os.Args[1:], os.DirFS("."), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "releasecheck:", err)
		os.Exit(1)
	}
}

// run judges by the project whose root it is given.
func run(args []string, project fs.FS, out io.Writer) error {
	flags := flag.NewFlagSet("releasecheck", flag.ContinueOnError)
	dist := flags.String("dist", "dist", "what goreleaser built")
	platforms := flags.String("platforms", strings.Join(release.Platforms(), ","),
		"the platforms that it must hold, as OS_ARCH, by commas")
	same := flags.String("same", "", "the dist of another build of the same commit, which must hold the same bytes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	want, err := wanted(project)
	if err != nil {
		return err
	}
	want.Platforms = strings.Split(*platforms, ",")
	if err := release.Check(os.DirFS(*dist), want); err != nil {
		return err
	}
	if *same != "" {
		if err := release.Compare(os.DirFS(*dist), os.DirFS(*same), want.Name); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%s: fit to be released for %d platforms\n", *dist, len(want.Platforms))
	return err
}

var (
	module    = regexp.MustCompile(`(?m)^module (\S+/(\S+))$`)
	toolchain = regexp.MustCompile(`(?m)^toolchain (\S+)$`)
)

// wanted reads names and versions where they stand, in go.mod and the manifest.
func wanted(project fs.FS) (release.Want, error) {
	mod, err := fs.ReadFile(project, "go.mod")
	if err != nil {
		return release.Want{}, err
	}
	path, version := module.FindSubmatch(mod), toolchain.FindSubmatch(mod)
	if path == nil || version == nil {
		return release.Want{}, errors.New("go.mod has no lines for module and toolchain")
	}
	manifest, err := fs.ReadFile(project, "terraform-registry-manifest.json")
	if err != nil {
		return release.Want{}, err
	}
	return release.Want{Name: string(path[2]), Module: string(path[1]), GoVersion: string(version[1]), Manifest: manifest},
		nil
}
