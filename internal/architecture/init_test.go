package architecture_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// initBytes is what a package of ours may allocate before main: a few tables and errors, but no compiled expression, of which the smallest
// takes as much.
const initBytes = 2 << 10

var initLine = regexp.MustCompile(`^init (\S+) @.* (\d+) bytes, \d+ allocs$`)

// The CLI starts the provider several times for each command. What only some resource needs is made when it is needed.
func TestOwnPackagesDoNothingBeforeMain(t *testing.T) {
	t.Parallel()

	binary := filepath.Join(t.TempDir(), "provider")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	// Started by nobody who speaks its protocol, the provider says so and ends.
	run := exec.CommandContext(t.Context(), binary)
	run.Env = append(run.Environ(), "GODEBUG=inittrace=1")
	out, _ := run.CombinedOutput()

	module, seen := modulePath(t), 0
	for line := range strings.Lines(string(out)) {
		m := initLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		seen++
		if n, err := strconv.Atoi(m[2]); strings.HasPrefix(m[1], module) && (err != nil || n > initBytes) {
			t.Errorf("%s allocates %s bytes before main, at most %d are expected", m[1], m[2], initBytes)
		}
	}
	if seen == 0 {
		t.Fatalf("no trace of any initialisation in:\n%s", out)
	}
}
