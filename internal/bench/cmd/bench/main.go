// Command bench measures the provider. It is what `make bench` runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/bench"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	o := bench.Options{Sizes: []int{10, 100, 1000}, Out: os.Stdout, CLI: os.Getenv(clifind.PathVariable)}
	flag.StringVar(&o.Provider, "provider", "", "path of the built provider")
	flag.StringVar(&o.Peer, "peer", os.Getenv("BENCH_PEER"), "path of a binary of hashicorp/terraform-provider-tls to "+
		"compare with (BENCH_PEER)")
	flag.IntVar(&o.Runs, "runs", 7, "how often each thing is measured")
	flag.StringVar(&o.Plot, "plot", "", "file that the plot is written to, SVG")
	flag.StringVar(&o.Guide, "guide", "", "page that the tables are put into, between its marks")
	flag.Parse()
	var err error
	if o.Root, err = os.Getwd(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	return bench.Run(ctx, o)
}
