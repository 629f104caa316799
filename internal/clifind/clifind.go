// Package clifind finds the Terraform or OpenTofu command that the project's
// tests, demo and documentation run, and installs Terraform if there is
// none. It is a tool of the repository and no part of the provider.
package clifind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// PathVariable names the CLI to use. It is the variable that plugin-testing
// reads, so that one setting decides for tests, demo and documentation.
const PathVariable = "TF_ACC_TERRAFORM_PATH"

// Product distinguishes the two implementations of the language.
type Product string

// The products that a CLI can be.
const (
	Terraform Product = "Terraform"
	OpenTofu  Product = "OpenTofu"
)

// CLI is a command that was found and answered with its version.
type CLI struct {
	Path    string // absolute
	Product Product
	Version string // as printed, without "v": "1.14.2", "1.15.0-dev"
}

// Environment is what plugin-testing must know beyond the path, as
// "NAME=value". A test configuration that names no provider source means
// hashicorp/salesforcebyok on the CLI's own default registry, and plugin-testing
// would announce the provider under Terraform's.
func (c CLI) Environment() []string {
	env := []string{PathVariable + "=" + c.Path}
	if c.Product == OpenTofu {
		env = append(env, "TF_ACC_PROVIDER_NAMESPACE=hashicorp", "TF_ACC_PROVIDER_HOST=registry.opentofu.org")
	}
	return env
}

// Finder looks for a CLI. Its functions stand for the surroundings, so that
// tests need neither a PATH nor a network.
type Finder struct {
	Getenv   func(string) string
	LookPath func(string) (string, error)
	// Version runs `<path> version` and returns what it printed.
	Version func(ctx context.Context, path string) (string, error)
	// Install fetches Terraform and returns the path of its binary. It is
	// called only when nothing was found.
	Install func(context.Context) (string, error)
}

// New returns a Finder over the environment and PATH of this process. Terraform
// is installed below the user's cache directory, once.
func New() (*Finder, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("finding a directory to install Terraform into: %w", err)
	}
	dir := filepath.Join(cache, "terraform-provider-salesforcebyok")
	return &Finder{
		Getenv:   os.Getenv,
		LookPath: exec.LookPath,
		Version:  runVersion,
		Install:  func(ctx context.Context) (string, error) { return install(ctx, dir) },
	}, nil
}

// Find returns the CLI that TF_ACC_TERRAFORM_PATH names; else terraform, else
// tofu, on PATH; else a Terraform that it installs. A CLI that was named or
// found but doesn't answer is an error: another one would silently test
// something else.
func (f *Finder) Find(ctx context.Context) (CLI, error) {
	if p := f.Getenv(PathVariable); p != "" {
		return f.identify(ctx, p)
	}
	for _, name := range []string{"terraform", "tofu"} {
		p, err := f.LookPath(name)
		switch {
		case err == nil:
			return f.identify(ctx, p)
		case !errors.Is(err, exec.ErrNotFound):
			return CLI{}, fmt.Errorf("looking for %s on PATH: %w", name, err)
		}
	}
	p, err := f.Install(ctx)
	if err != nil {
		return CLI{}, fmt.Errorf("neither terraform nor tofu is on PATH, and installing Terraform failed: %w; "+
			"install one of them, or set %s", err, PathVariable)
	}
	return f.identify(ctx, p)
}

func (f *Finder) identify(ctx context.Context, path string) (CLI, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return CLI{}, fmt.Errorf("resolving %s: %w", path, err)
	}
	out, err := f.Version(ctx, abs)
	if err != nil {
		return CLI{}, fmt.Errorf("running %s version: %w", abs, err)
	}
	product, version, err := parseVersion(out)
	if err != nil {
		return CLI{}, fmt.Errorf("%s: %w", abs, err)
	}
	return CLI{Path: abs, Product: product, Version: version}, nil
}

var versionLine = regexp.MustCompile(`^(Terraform|OpenTofu) v(\d+\.\d+\.\d+\S*)$`)

func parseVersion(out string) (Product, string, error) {
	first, _, _ := strings.Cut(out, "\n")
	first = strings.TrimSpace(first)
	m := versionLine.FindStringSubmatch(first)
	if m == nil {
		return "", "", fmt.Errorf("expected its version to begin with \"Terraform v\" or \"OpenTofu v\", found %q", first)
	}
	return Product(m[1]), m[2], nil
}

func runVersion(ctx context.Context, path string) (string, error) {
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
	out, err := cmd.Output()
	return string(out), err
}
