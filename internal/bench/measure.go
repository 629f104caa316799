package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// median returns the middle of an odd or even number of durations.
func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	if len(sorted) == 0 {
		return 0
	}
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}

	return (sorted[middle-1] + sorted[middle]) / 2
}

// ratio prints ours against the peer's.
func ratio(ours, peer float64) string {
	if peer == 0 {
		return "-"
	}

	return strconv.FormatFloat(ours/peer, 'f', 2, 64)
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 0, 64) + " ms"
}

// alternate measures two things in turns, so that a busy machine is unfair to neither. The second may be nil.
func (b *bench) alternate(ours, peer func() (time.Duration, error)) (mine, theirs time.Duration, err error) {
	var a, c []time.Duration
	for range b.Runs {
		d, err := ours()
		if err != nil {
			return 0, 0, err
		}
		a = append(a, d)
		if peer == nil {
			continue
		}
		if d, err = peer(); err != nil {
			return 0, 0, err
		}
		c = append(c, d)
	}

	return median(a), median(c), nil
}

// static measures what needs no org: the size of the binary and the start-up.
func (b *bench) static(ctx context.Context) error {
	b.say("| what | ours | tls | ratio |\n|---|---|---|---|")
	size := func(path string) float64 {
		info, err := os.Stat(path)
		if path == "" || err != nil {
			return 0
		}

		return float64(info.Size())
	}
	ours, peer := size(b.Provider), size(b.Peer)
	b.say("| binary size | %.1f MB | %.1f MB | %s |", ours/1e6, peer/1e6, ratio(ours, peer))

	mine, err := b.schemaWorld(ourSource, "salesforcebyok", b.Provider)
	if err != nil {
		return err
	}
	var theirs func() (time.Duration, error)
	if b.Peer != "" {
		env, err := b.schemaWorld("hashicorp/tls", "tls", b.Peer)
		if err != nil {
			return err
		}
		theirs = func() (time.Duration, error) { return b.schema(ctx, env) }
	}
	a, c, err := b.alternate(func() (time.Duration, error) { return b.schema(ctx, mine) }, theirs)
	if err != nil {
		return err
	}
	b.say("| `providers schema -json` | %s | %s | %s |", milliseconds(a), milliseconds(c), ratio(float64(a), float64(c)))

	return nil
}

// schemaWorld lays out a configuration that names one provider.
func (b *bench) schemaWorld(source, name, binary string) (*world, error) {
	w := &world{dir: filepath.Join(b.folder, "schema-"+name)}
	settings := filepath.Join(w.dir, "cli.tfrc")
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1")

	return w, errors.Join(os.MkdirAll(w.dir, 0o700), os.WriteFile(settings, []byte(overrides(source, filepath.Dir(binary))), 0o600),
		os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte("terraform {\n  required_providers {\n    "+name+" = { source = \""+source+"\" }\n  }\n}\n"), 0o600))
}

func (b *bench) schema(ctx context.Context, w *world) (time.Duration, error) {
	start := time.Now()
	err := b.terraform(ctx, w.dir, w.env, "providers", "schema", "-json")

	return time.Since(start), err
}

// planSize is the number of versions of the plan that is compared with the peer's.
const planSize = 300

// plans compares a plan over a long key history with the peer's plan of as many resources, without and with latency.
func (b *bench) plans(ctx context.Context) error {
	ours, err := b.org(ctx, planSize)
	if err != nil {
		return err
	}
	defer ours.close()
	resources := planSize + lineages + certificates
	var peer func() (time.Duration, error)
	var theirs *world
	if b.Peer != "" {
		if theirs, err = b.peerWorld(ctx, resources); err != nil {
			return err
		}
		peer = func() (time.Duration, error) { return b.plan(ctx, theirs) }
	}
	a, c, err := b.alternate(func() (time.Duration, error) { return b.plan(ctx, ours) }, peer)
	if err != nil {
		return err
	}
	b.say("| plan of %d resources | %s | %s | %s |", resources, milliseconds(a), milliseconds(c), ratio(float64(a), float64(c)))

	ours.latency.Store(int64(100 * time.Millisecond))
	slow, _, err := b.alternate(func() (time.Duration, error) { return b.plan(ctx, ours) }, nil)
	if err != nil {
		return err
	}
	ours.latency.Store(0)
	b.say("| the same at 100 ms latency | %s | | |", milliseconds(slow))

	before := len(ours.sim.Requests())
	if _, err := b.plan(ctx, ours); err != nil {
		return err
	}
	b.say("| API calls of that plan (a token is given) | %d | 0 | |", len(ours.sim.Requests())-before)

	mine, err := b.memory(ctx, b.Provider, ours)
	if err != nil {
		return err
	}
	var other float64
	if theirs != nil {
		if other, err = b.memory(ctx, b.Peer, theirs); err != nil {
			return err
		}
	}
	b.say("| peak resident memory of that plan | %.0f MB | %.0f MB | %s |\n", mine, other, ratio(mine, other))

	return nil
}

var (
	reattach = regexp.MustCompile(`TF_REATTACH_PROVIDERS='([^']*)'`)
	peak     = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
)

// memory runs one plan with a provider that serves as for a debugger, and returns its peak resident memory in MB. It is 0 where the
// system does not tell.
func (b *bench) memory(ctx context.Context, binary string, w *world) (float64, error) {
	cmd := exec.CommandContext(ctx, binary, "-debug")
	cmd.Env = w.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	attach := ""
	for lines := bufio.NewScanner(out); attach == "" && lines.Scan(); {
		if m := reattach.FindStringSubmatch(lines.Text()); m != nil {
			attach = m[1]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if attach == "" {
		return 0, nil
	}
	if _, err := b.plan(ctx, w, "TF_REATTACH_PROVIDERS="+attach); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return 0, nil
	}
	if m := peak.FindSubmatch(text); m != nil {
		kilobytes, err := strconv.ParseFloat(string(m[1]), 64)

		return kilobytes / 1024, err
	}

	return 0, nil
}

// crypto runs the Go benchmarks of wrapping, and the openssl command line on the same work.
func (b *bench) crypto(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "300x", "./internal/byok")
	cmd.Dir = b.Root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("benchmarks of internal/byok: %w\n%s", err, out)
	}
	b.say("Wrapping (go test -bench):\n\n```\n%s```\n", benchLines(string(out)))

	openssl, err := exec.LookPath("openssl")
	if err != nil {
		return nil //nolint:nilerr // no openssl, nothing to compare with
	}
	key := filepath.Join(b.folder, "public.pem")
	generate := exec.CommandContext(ctx, openssl, "genrsa", "-out", filepath.Join(b.folder, "key.pem"), "4096")           //nolint:gosec // a constant command
	public := exec.CommandContext(ctx, openssl, "rsa", "-in", filepath.Join(b.folder, "key.pem"), "-pubout", "-out", key) //nolint:gosec // a constant command
	if err := errors.Join(generate.Run(), public.Run(), os.WriteFile(filepath.Join(b.folder, "secret.bin"), make([]byte, 32), 0o600)); err != nil {
		return err
	}
	d, _, err := b.alternate(func() (time.Duration, error) {
		start := time.Now()
		wrap := exec.CommandContext(ctx, openssl, "pkeyutl", "-encrypt", "-pubin", "-inkey", key, "-in", filepath.Join(b.folder, "secret.bin"), "-out", filepath.Join(b.folder, "wrapped.bin"), //nolint:gosec // a constant command
			"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha512")

		return time.Since(start), errors.Join(wrap.Run(), nil)
	}, nil)
	if err != nil {
		return err
	}
	b.say("The openssl command line takes %s for one RSA-OAEP SHA-512 wrap, most of it its own start.\n", d)

	return nil
}

// benchLines keeps the result lines of go test -bench.
func benchLines(out string) string {
	var kept strings.Builder
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "Benchmark") || strings.HasPrefix(line, "goos") || strings.HasPrefix(line, "cpu") {
			kept.WriteString(line)
		}
	}

	return kept.String()
}

// rotationRuns is how many rotations are timed together.
const rotationRuns = 20

// rotations times applies that each rotate one key.
func (b *bench) rotations(ctx context.Context) error {
	w, err := b.org(ctx, 1)
	if err != nil {
		return err
	}
	defer w.close()
	start := time.Now()
	for i := range rotationRuns {
		if err := b.terraform(ctx, w.dir, append(w.env, fmt.Sprintf("TF_VAR_trigger=%d", i+1)), "apply", "-auto-approve", "-input=false"); err != nil {
			return err
		}
	}
	b.say("%d applies that rotate a key each: %s together, %s each.\n", rotationRuns, milliseconds(time.Since(start)), milliseconds(time.Since(start)/rotationRuns))

	return nil
}

// growth shows how the cost of a plan grows with the number of records.
func (b *bench) growth(ctx context.Context) error {
	b.say("| versions | API calls | plan | plan at 100 ms | tls plan of as many resources |\n|---|---|---|---|---|")
	var points []point
	for _, n := range b.Sizes {
		p, err := b.grow(ctx, n)
		if err != nil {
			return err
		}
		peer := "-"
		if p.peer > 0 {
			peer = milliseconds(p.peer)
		}
		b.say("| %d | %d | %s | %s | %s |", p.versions, p.calls, milliseconds(p.plan), milliseconds(p.slow), peer)
		points = append(points, p)
	}
	if b.Plot == "" {
		return nil
	}

	return os.WriteFile(b.Plot, []byte(plot(points, machine())), 0o600)
}

// point is the cost of a plan over one number of versions.
type point struct {
	versions, calls  int
	plan, slow, peer time.Duration
}

func (b *bench) grow(ctx context.Context, versions int) (point, error) {
	p := point{versions: versions}
	w, err := b.org(ctx, versions)
	if err != nil {
		return p, err
	}
	defer w.close()
	var peer func() (time.Duration, error)
	if b.Peer != "" {
		theirs, err := b.peerWorld(ctx, versions+lineages+certificates)
		if err != nil {
			return p, err
		}
		peer = func() (time.Duration, error) { return b.plan(ctx, theirs) }
	}
	before := len(w.sim.Requests())
	if _, err = b.plan(ctx, w); err != nil {
		return p, err
	}
	p.calls = len(w.sim.Requests()) - before
	if p.plan, p.peer, err = b.alternate(func() (time.Duration, error) { return b.plan(ctx, w) }, peer); err != nil {
		return p, err
	}
	w.latency.Store(int64(100 * time.Millisecond))
	p.slow, _, err = b.alternate(func() (time.Duration, error) { return b.plan(ctx, w) }, nil)

	return p, err
}
