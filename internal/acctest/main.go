package acctest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
)

// scratch is a directory of this process, removed by Main: it holds the built provider and an empty
// CLI configuration.
var scratch string

// found is the CLI under test.
var found clifind.CLI

// Main runs the tests of a package with the CLI that clifind finds, and with no setting of the
// user's own. It returns the exit code.
func Main(m *testing.M) int {
	flag.Parse() // for testing.Short
	err := errors.Join(sparseCollection(), prepare(context.Background()))
	//nolint:errcheck // a directory below the system's own for temporary files; "" removes nothing
	defer os.RemoveAll(scratch)
	if err != nil {
		fmt.Fprintln(os.Stderr, "acctest:", err)

		return 1
	}

	return m.Run()
}

// sparseCollection makes this process and those that it starts collect their garbage seldom: it
// takes a tenth of their processor time, and thousands of them live for less than a second. A GOGC
// of the user's stands.
func sparseCollection() error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	debug.SetGCPercent(400)

	return errors.Join(os.Setenv("GOGC", "off"), os.Setenv("GOMEMLIMIT", "256MiB"))
}

// prepare sets the variables that plugin-testing and the CLI read.
func prepare(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "acctest-")
	if err != nil {
		return fmt.Errorf("making a directory for the tests: %w", err)
	}
	scratch = dir
	empty := filepath.Join(scratch, "empty.tfrc")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		return fmt.Errorf("writing an empty CLI configuration: %w", err)
	}
	// Before the CLI is asked for its version: it complains of a configuration file that is not
	// there.
	if err := errors.Join(os.Setenv("CHECKPOINT_DISABLE", "1"), os.Setenv("TF_CLI_CONFIG_FILE", empty)); err != nil {
		return err
	}
	finder, err := clifind.New()
	if err != nil {
		return err
	}
	cli, err := finder.Find(ctx)
	if err != nil {
		return err
	}
	found = cli
	for _, variable := range cli.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		err = errors.Join(err, os.Setenv(name, value))
	}
	if testing.Short() {
		// plugin-testing finds no CLI, so a test without NeedsCLI fails instead of making
		// every short run longer.
		err = errors.Join(err, os.Setenv(clifind.PathVariable,
			filepath.Join(scratch, "no CLI in a short run: call acctest.NeedsCLI")))
	}
	// What the developer's shell knows of a real org must not reach a test.
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SALESFORCE_") && os.Getenv("TF_ACC") == "" {
			err = errors.Join(err, os.Unsetenv(name))
		}
	}

	return err
}

// OpenTofu reports whether the CLI under test is OpenTofu.
func OpenTofu() bool { return found.Product == clifind.OpenTofu }

// CLIName names the CLI under test, like "Terraform 1.14.2".
func CLIName() string { return string(found.Product) + " " + found.Version }

// Below reports whether the CLI under test is older than major.minor.
func Below(t testing.TB, major, minor int) bool {
	t.Helper()
	older, err := below(found, major, minor)
	if err != nil {
		t.Fatal(err)
	}

	return older
}

func below(cli clifind.CLI, major, minor int) (bool, error) {
	var gotMajor, gotMinor int
	if _, err := fmt.Sscanf(cli.Version, "%d.%d", &gotMajor, &gotMinor); err != nil {
		return false, fmt.Errorf("the version of the CLI is %q: %w", cli.Version, err)
	}

	return gotMajor < major || gotMajor == major && gotMinor < minor, nil
}

// quick is the one test that runs the CLI in a short run.
const quick = "TestAccQuick"

// NeedsCLI skips a test in a short run, which starts the CLI once and no more. StartSim and NewCLI
// call it; a test that hands plugin-testing a case over no org says so itself.
func NeedsCLI(t testing.TB) {
	t.Helper()
	if testing.Short() && t.Name() != quick {
		t.Skip("not in a short run: the test runs the CLI")
	}
}
