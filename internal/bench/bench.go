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
	// Provider is the path of the built provider.
	Provider string
	// Peer is the path of a binary of hashicorp/terraform-provider-tls, "" where there is none.
	Peer string
	// Runs is how often each thing is measured; the median counts.
	Runs int
	// Sizes are the numbers of versions over which the cost of a plan is shown.
	Sizes []int
	// Out receives the tables, Plot the path of the SVG; "" for none.
	Out  io.Writer
	Plot string
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
}

// Run measures everything and prints the tables.
func Run(ctx context.Context, o Options) (err error) {
	b := &bench{Options: o}
	if b.folder, err = os.MkdirTemp("", "salesforcebyok-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.folder)) }()

	b.say("# Speed\n\n%s, %d cores, %s; medians of %d runs.\n", machine(), runtime.NumCPU(), runtime.Version(), b.Runs)
	for _, part := range []func(context.Context) error{b.static, b.plans, b.crypto, b.rotations, b.growth} {
		if err := part(ctx); err != nil {
			return err
		}
	}

	return nil
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.Out, format+"\n", args...) }

// machine names the processor, as far as the system tells.
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

// org starts a simulator with a key history, behind a proxy that adds latency, and applies a configuration over it.
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
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	settings := filepath.Join(w.dir, "cli.tfrc")
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
		"SALESFORCE_INSTANCE_URL="+server.url, "SALESFORCE_ACCESS_TOKEN="+sim.AccessToken)
	if err := os.WriteFile(settings, []byte(overrides(ourSource, filepath.Dir(b.Provider))), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte(configurationFor(sim)), 0o600); err != nil {
		return nil, err
	}

	return w, b.terraform(ctx, w.dir, w.env, "apply", "-auto-approve", "-input=false")
}

// peerWorld applies as many resources of the peer.
func (b *bench) peerWorld(ctx context.Context, resources int) (*world, error) {
	w := &world{dir: filepath.Join(b.folder, fmt.Sprintf("peer-%d", resources)), close: func() {}}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	settings := filepath.Join(w.dir, "cli.tfrc")
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	text := fmt.Sprintf("terraform {\n  required_providers {\n    tls = { source = \"hashicorp/tls\" }\n  }\n}\n\nresource \"tls_private_key\" \"key\" {\n  count     = %d\n  algorithm = \"ECDSA\"\n}\n", resources)
	if err := errors.Join(os.WriteFile(settings, []byte(overrides("hashicorp/tls", filepath.Dir(b.Peer))), 0o600), os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte(text), 0o600)); err != nil {
		return nil, err
	}

	return w, b.terraform(ctx, w.dir, w.env, "apply", "-auto-approve", "-input=false")
}

// ourSource is the provider's source as a configuration names it: its address without the default registry.
var ourSource = strings.TrimPrefix(provider.Address, "registry.terraform.io/")

// overrides makes the CLI take a provider from a directory, under Terraform's registry and under OpenTofu's.
func overrides(source, directory string) string {
	return fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n    %q = %q\n  }\n  direct {}\n}\n",
		"registry.terraform.io/"+source, directory, "registry.opentofu.org/"+source, directory)
}

// terraform runs the CLI once.
func (b *bench) terraform(ctx context.Context, dir string, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, b.CLI, args...) //nolint:gosec // the caller names the CLI
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(b.CLI), strings.Join(args, " "), err, out)
	}

	return nil
}

// plan times one plan, which must be empty.
func (b *bench) plan(ctx context.Context, w *world, extra ...string) (time.Duration, error) {
	start := time.Now()
	err := b.terraform(ctx, w.dir, append(w.env, extra...), "plan", "-input=false", "-detailed-exitcode", "-lock=false")

	return time.Since(start), err
}
