package bench

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// peerModule is the main package of the provider that we compare with.
const peerModule = "github.com/hashicorp/terraform-provider-tls"

// providerBinary returns the absolute path, without links, of a provider's binary, as /proc names
// it. what says whose path it is. The CLI finds a provider by the name of its file, so a
// binary of another name fails here and not after minutes of measuring. module is the main package
// that it must have been built from, "" for any.
func providerBinary(what, path, name, module string) (string, error) {
	resolved, err := filepath.Abs(path)
	if err == nil {
		resolved, err = filepath.EvalSymlinks(resolved)
	}
	if err != nil {
		return "", fmt.Errorf("%s: expected the path of a binary of %s: %w", what, name, err)
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: expected the path of a binary of %s, found %s: %s", what, name, kind(info.Mode()), path)
	}
	if base := filepath.Base(resolved); !named(base, name) {
		return "", fmt.Errorf("%s: the CLI finds a provider by its name: expected %s or %s_v1.2.3, found %s", what, name,
			name, base)
	}
	built, err := buildinfo.ReadFile(resolved)
	if err != nil {
		return "", fmt.Errorf("%s: expected a binary built by Go: %w", what, err)
	}
	if module != "" && built.Path != module {
		return "", fmt.Errorf("%s: expected a binary built from %s, found one from %s: %s", what, module, built.Path, path)
	}

	return resolved, nil
}

// named reports whether the CLI takes a file of that name for the provider: the name alone, or with
// a version, or an extension.
func named(base, name string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(base, ".exe"), name)

	return ok && (rest == "" || strings.HasPrefix(rest, "_"))
}

func kind(mode fs.FileMode) string {
	if mode.IsDir() {
		return "a folder"
	}

	return "no regular file"
}

// check makes the paths of the options absolute, and refuses what could not be measured.
func (o *Options) check() error {
	if o.Runs < 1 {
		return errors.New("-runs: expected at least 1")
	}
	var err error
	if o.Provider, err = providerBinary("-provider", o.Provider, "terraform-provider-salesforcebyok", ""); err != nil ||
		o.Peer == "" {
		return err
	}
	o.Peer, err = providerBinary("BENCH_PEER", o.Peer, "terraform-provider-tls", peerModule)

	return err
}
