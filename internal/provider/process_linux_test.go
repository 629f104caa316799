package provider_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// processState is what the kernel shows of a provider at work.
type processState struct {
	// coreLimit is its line in /proc/<pid>/limits.
	coreLimit string
}

// inspect finds the provider process of a CLI and reads what the kernel shows of it.
func inspect(t *testing.T, cli int) processState {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var seen processState
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		// "pid (name) state ppid ...": the kernel cuts the name after 15 bytes.
		before, after, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(after)
		if !ok || len(fields) < 2 || !strings.Contains(before, "(terraform-provi") || fields[1] != strconv.Itoa(cli) {
			continue
		}
		limits, err := os.ReadFile(filepath.Join(filepath.Dir(path), "limits"))
		if err != nil {
			t.Errorf("reading the limits of the provider: %v", err)

			continue
		}
		for line := range strings.Lines(string(limits)) {
			if strings.HasPrefix(line, "Max core file size") {
				seen.coreLimit = strings.Join(strings.Fields(line), " ")
			}
		}
	}

	return seen
}

// The process that holds the key can't dump core: tested on the built provider at the moment at
// which it uploads one.
func TestAccProvider_noCoreDumps(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	var pid atomic.Int64
	var mu sync.Mutex
	var seen []processState
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/sobjects/TenantSecret") {
			state := inspect(t, int(pid.Load()))
			mu.Lock()
			seen = append(seen, state)
			mu.Unlock()
		}
		sim.Handler().ServeHTTP(w, r)
	}))
	defer front.Close()
	sim.MoveTo(front.URL)
	cli.Config(dataKey())
	cmd := cli.Command("apply", "-input=false", "-auto-approve", "-no-color")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid.Store(int64(cmd.Process.Pid))
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 1 || seen[0].coreLimit != "Max core file size 0 0 bytes" {
		t.Errorf("expected one upload by a provider whose core limit is 0, found %+v", seen)
	}
}
