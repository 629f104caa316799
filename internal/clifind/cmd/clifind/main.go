// Command clifind runs a command with the variables that show plugin-testing
// which Terraform or OpenTofu CLI to use. Finding it may install Terraform.
//
//	clifind                  prints the CLI's path
//	clifind -version         prints the product and its version
//	clifind go test ./...    runs go test with that CLI
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
)

func main() {
	// An interrupt goes to the whole process group; the command that runs below
	// ends in its own way, and this process with it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "clifind:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("clifind", flag.ContinueOnError)
	version := flags.Bool("version", false, "print the product and its version")
	if err := flags.Parse(args); err != nil {
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
	switch {
	case *version:
		_, err = fmt.Fprintln(out, cli.Product, cli.Version)
		return err
	case flags.NArg() == 0:
		_, err = fmt.Fprintln(out, cli.Path)
		return err
	}
	// Not CommandContext: the command handles an interrupt itself, and killing it
	// would leave behind what it cleans up.
	cmd := exec.Command(flags.Arg(0), flags.Args()[1:]...) //nolint:gosec,noctx // the developer's own command; see above
	cmd.Env = append(os.Environ(), cli.Environment()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, out, os.Stderr
	return cmd.Run()
}
