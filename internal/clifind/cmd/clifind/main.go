// Command clifind prints the path of the Terraform or OpenTofu CLI that the
// project's targets use. With -env it prints the variables that plugin-testing
// needs for that CLI, one NAME=value a line; with -version the product and its
// version. Finding it may install Terraform.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "clifind:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("clifind", flag.ContinueOnError)
	env := flags.Bool("env", false, "print the variables for plugin-testing")
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
	case *env:
		for _, line := range cli.Environment() {
			if _, err := fmt.Fprintln(out, line); err != nil {
				return err
			}
		}
		return nil
	case *version:
		_, err = fmt.Fprintln(out, cli.Product, cli.Version)
		return err
	default:
		_, err = fmt.Fprintln(out, cli.Path)
		return err
	}
}
