package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is what one run of the CLI has cost.
type sample struct {
	// wall is the time that its user waits, cpu that of all processors in CLI and providers together.
	wall, cpu time.Duration
	// memory is the peak resident memory of the provider's largest process, in bytes; 0 if the system
	// does not say.
	memory int64
}

// terraform runs the CLI once.
func (b *bench) terraform(ctx context.Context, dir string, env []string, args ...string) error {
	_, err := b.watch(ctx, &world{dir: dir, env: env}, "", args...)

	return err
}

// plan runs one plan, which must be empty, with the provider in binary.
func (b *bench) plan(ctx context.Context, w *world, binary string) (sample, error) {
	return b.watch(ctx, w, binary, "plan", "-input=false", "-detailed-exitcode", "-lock=false")
}

// schema reads the schemas of a world's provider: what a CLI does first.
func (b *bench) schema(ctx context.Context, w *world, binary string) (sample, error) {
	return b.watch(ctx, w, binary, "providers", "schema", "-json")
}

// watch runs the CLI and measures it, and the processes of the provider in binary that it starts;
// "" for none.
func (b *bench) watch(ctx context.Context, w *world, binary string, args ...string) (sample, error) {
	cmd := exec.CommandContext(ctx, b.CLI, args...) //nolint:gosec // the caller names the CLI
	cmd.Dir, cmd.Env = w.dir, w.env
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out

	stop, peaks := make(chan struct{}), make(chan int64)
	go func() { peaks <- peakMemory(binary, stop) }()
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	close(stop)
	s := sample{wall: wall, memory: <-peaks}
	if err != nil {
		return s, fmt.Errorf("%s %s: %w\n%s", filepath.Base(b.CLI), strings.Join(args, " "), err, out.String())
	}
	// The CLI waits for the providers that it starts, so their time is in its own.
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()

	return s, nil
}

// lookEvery is how often the provider's memory is looked at. The kernel keeps the peak, so
// only the end of a process can be missed.
const lookEvery = 5 * time.Millisecond

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory looks at the processes that run a binary until stop is closed, and returns the highest
// peak of resident memory in bytes.
func peakMemory(binary string, stop <-chan struct{}) int64 {
	if binary == "" {
		return 0
	}
	var highest int64
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		for _, process := range processes(binary) {
			if text, err := os.ReadFile(filepath.Join(process, "status")); err == nil { //nolint:gosec // a folder of /proc
				highest = max(highest, peakOf(string(text)))
			}
		}
		select {
		case <-stop:
			return highest
		case <-ticker.C:
		}
	}
}

// processes lists the folders below /proc of the processes that run a binary; none if there is
// no /proc.
func processes(binary string) []string {
	folders, _ := filepath.Glob("/proc/[0-9]*")

	return slices.DeleteFunc(folders, func(folder string) bool {
		running, err := os.Readlink(filepath.Join(folder, "exe"))

		return err != nil || running != binary
	})
}

// peakOf reads the peak resident memory, in bytes, from the status of a process.
func peakOf(status string) int64 {
	m := peak.FindStringSubmatch(status)
	if m == nil {
		return 0
	}
	kilobytes, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0
	}

	return kilobytes << 10
}

// inTurns measures several things Runs times, one after the other in each round, so that a busy
// machine is unfair to none of them. It returns the medians.
func (b *bench) inTurns(things ...func() (sample, error)) ([]sample, error) {
	all := make([][]sample, len(things))
	for range b.Runs {
		for i, thing := range things {
			if thing == nil {
				continue
			}
			s, err := thing()
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], s)
		}
	}
	medians := make([]sample, len(things))
	for i, samples := range all {
		medians[i] = sample{
			wall:   median(samples, func(s sample) time.Duration { return s.wall }),
			cpu:    median(samples, func(s sample) time.Duration { return s.cpu }),
			memory: median(samples, func(s sample) int64 { return s.memory }),
		}
	}

	return medians, nil
}

// median returns the middle of one measure over an odd or even number of samples, 0 over none.
func median[T ~int64](samples []sample, measure func(sample) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = measure(s)
	}
	slices.Sort(values)
	middle := len(values) / 2
	switch {
	case len(values) == 0:
		return 0
	case len(values)%2 == 1:
		return values[middle]
	default:
		return (values[middle-1] + values[middle]) / 2
	}
}
