// Command demo runs the provider through the life of a key, against the Salesforce simulator. It is
// what `make demo` runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/demo"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	verbose := flag.Bool("v", false, "show all that the CLI prints")
	flag.Parse()
	cli := os.Getenv(clifind.PathVariable)
	for _, name := range []string{"terraform", "tofu"} {
		if found, err := exec.LookPath(name); cli == "" && err == nil {
			cli = found
		}
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	return demo.Run(ctx, demo.Options{Root: root, CLI: cli, Out: os.Stdout, Verbose: *verbose})
}
