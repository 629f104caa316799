package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// Options say what is measured.
type Options struct {
	// Root is the project's root.
	Root string
	// CLI is the path of terraform or tofu.
	CLI string
	// Provider is the path of the built provider, whose file has the name that the CLI looks for.
	Provider string
	// Peer is the path of a binary of hashicorp/terraform-provider-tls, of that name; "" for none.
	Peer string
	// Runs is how often each thing is measured; the median counts.
	Runs int
	// Sizes are the numbers of versions over which the cost of a plan is shown.
	Sizes []int
	// Out receives the tables.
	Out io.Writer
	// Plot is the path of the SVG, Guide that of a page whose part between the marks is replaced by
	// the tables; "" for none.
	Plot, Guide string
}

// lineages and certificates accompany the versions of each world.
const (
	lineages     = 6
	certificates = 2
)

// bench is one run.
type bench struct {
	Options

	folder string
	report strings.Builder
}

// Run measures everything and prints the tables.
func Run(ctx context.Context, o Options) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	b := &bench{Options: o}
	if b.folder, err = os.MkdirTemp("", "salesforcebyok-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.folder)) }()

	b.say("Measured on %s with %d cores, %s, %s. Medians of %d runs, taken in turns.\n", machine(), runtime.NumCPU(),
		runtime.Version(), b.version(ctx), b.Runs)
	for _, part := range []func(context.Context) error{b.overview, b.growth, b.rotations, b.crypto} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if b.Guide == "" {
		return nil
	}

	return replaceInGuide(b.Guide, b.report.String())
}

// say prints a line, and keeps it for the guide.
func (b *bench) say(format string, args ...any) {
	line := fmt.Sprintf(format+"\n", args...)
	b.report.WriteString(line)
	_, _ = io.WriteString(b.Out, line)
}

// version is the first line of the CLI's own version.
func (b *bench) version(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, b.CLI, "version").Output() //nolint:gosec // the caller names the CLI
	if err != nil {
		return filepath.Base(b.CLI)
	}
	first, _, _ := strings.Cut(string(out), "\n")

	return first
}

// machine names the processor, as far as the system says.
func machine() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}

	return runtime.GOOS + "/" + runtime.GOARCH
}

// world is one org with its configuration and state.
type world struct {
	dir   string
	sim   *sfsim.Server
	env   []string
	close func()
	// latency is added to every request, in nanoseconds.
	latency atomic.Int64
}

// org starts a simulator with a key history, behind a proxy that adds latency, and applies a
// configuration over it.
func (b *bench) org(ctx context.Context, versions int) (*world, error) {
	seed, err := sfsim.ReadSeed(strings.NewReader(seedFor(versions)))
	if err != nil {
		return nil, err
	}
	sim, err := sfsim.New(sfsim.WithSeed(seed), sfsim.WithoutIntervals())
	if err != nil {
		return nil, err
	}
	w := &world{sim: sim, dir: filepath.Join(b.folder, fmt.Sprintf("org-%d", versions))}
	target, err := url.Parse(sim.InstanceURL)
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server, err := serve(func(next *proxyCall) {
		time.Sleep(time.Duration(w.latency.Load())) //nolint:forbidigo // the latency that is being measured
		proxy.ServeHTTP(next.w, next.r)
	})
	if err != nil {
		return nil, err
	}
	w.close = func() { server.close(); sim.Close() }
	if err := b.layOut(w, ourSource, b.Provider, configurationFor(sim)); err != nil {
		return nil, err
	}
	w.env = append(w.env, "SALESFORCE_INSTANCE_URL="+server.url, "SALESFORCE_ACCESS_TOKEN="+sim.AccessToken)

	return w, b.terraform(ctx, w.dir, w.env, "apply", "-auto-approve", "-input=false")
}

// peerWorld applies as many resources of the peer, in a for_each like ours: the CLI's own work
// grows faster with for_each than with count.
func (b *bench) peerWorld(ctx context.Context, resources int) (*world, error) {
	w := &world{dir: filepath.Join(b.folder, fmt.Sprintf("peer-%d", resources)), close: func() {}}
	if err := b.layOut(w, peerSource, b.Peer, peerConfiguration(resources)); err != nil {
		return nil, err
	}

	return w, b.terraform(ctx, w.dir, w.env, "apply", "-auto-approve", "-input=false")
}

// layOut writes a configuration, and what makes the CLI take the provider from where it was built.
func (b *bench) layOut(w *world, source, binary, configuration string) error {
	settings := filepath.Join(w.dir, "cli.tfrc")
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")

	return errors.Join(
		os.MkdirAll(w.dir, 0o700),
		os.WriteFile(settings, []byte(overrides(source, filepath.Dir(binary))), 0o600),
		os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte(configuration), 0o600),
	)
}

// ourSource is the provider's source as a configuration names it: its address without the default
// registry.
var ourSource = strings.TrimPrefix(provider.Address, "registry.terraform.io/")

// peerSource is the source of the provider that we compare with.
const peerSource = "hashicorp/tls"

// overrides makes the CLI take a provider from a directory, under Terraform's registry and under
// OpenTofu's.
func overrides(source, directory string) string {
	return fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n    %q = %q\n  }\n  direct {}\n}\n",
		"registry.terraform.io/"+source, directory, "registry.opentofu.org/"+source, directory)
}
