package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func TestMedian(t *testing.T) {
	t.Parallel()

	for _, tc := range []struct {
		walls []time.Duration
		want  time.Duration
	}{
		{nil, 0},
		{[]time.Duration{3}, 3},
		{[]time.Duration{5, 3}, 4},
		{[]time.Duration{9, 5, 1}, 5},
	} {
		var samples []sample
		for _, wall := range tc.walls {
			samples = append(samples, sample{wall: wall})
		}
		if got := median(samples, func(s sample) time.Duration { return s.wall }); got != tc.want {
			t.Errorf("%v: %v, want %v", tc.walls, got, tc.want)
		}
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()

	if got := ratio(3*time.Second, 2*time.Second); got != "1.50" {
		t.Errorf("got %s", got)
	}
	if got := ratio(int64(3), 0); got != "-" {
		t.Errorf("without a peer: %s", got)
	}
}

func TestInTurnsTakesMediansOfEachThing(t *testing.T) {
	t.Parallel()

	b := &bench{Options: Options{Runs: 3}}
	var order strings.Builder
	thing := func(name string, walls ...time.Duration) func() (sample, error) {
		n := 0

		return func() (sample, error) {
			order.WriteString(name)
			n++

			return sample{wall: walls[n-1], cpu: 2 * walls[n-1], memory: int64(n)}, nil
		}
	}
	got, err := b.inTurns(thing("a", 9, 1, 4), nil, thing("b", 3, 2, 8))
	if err != nil {
		t.Fatal(err)
	}
	want := []sample{{wall: 4, cpu: 8, memory: 2}, {}, {wall: 3, cpu: 6, memory: 2}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if order.String() != "ababab" {
		t.Errorf("the order was %s: a busy minute would hit one of them alone", &order)
	}

	broken := errors.New("broken")
	if _, err := b.inTurns(func() (sample, error) { return sample{}, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestPeakOf(t *testing.T) {
	t.Parallel()

	for status, want := range map[string]int64{
		"Name:\tx\nVmPeak:\t  99 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n": 2 << 20,
		"Name:\tx\n":                           0,
		"VmHWM:\t99999999999999999999999 kB\n": 0,
	} {
		if got := peakOf(status); got != want {
			t.Errorf("%q: %d, want %d", status, got, want)
		}
	}
}

// The process of this test is one that can be found.
func TestPeakMemoryOfARunningBinary(t *testing.T) {
	t.Parallel()

	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("no /proc on this system:", err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	close(stop)
	if got := peakMemory(own, stop); got < 1<<20 {
		t.Errorf("%d bytes for a Go program", got)
	}
	if got := peakMemory(own+"-that-does-not-run", stop); got != 0 {
		t.Errorf("%d bytes for a program that does not run", got)
	}
}

func TestBetweenReplacesThePartBetweenTheMarks(t *testing.T) {
	t.Parallel()

	page := "head\n" + beginMark + "\nold\n" + endMark + "\ntail\n"
	got, err := between(page, "new\n")
	if want := "head\n" + beginMark + "\n\nnew\n\n" + endMark + "\ntail\n"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if again, err := between(got, "new\n"); err != nil || again != got {
		t.Errorf("a second time it changes: %q, %v", again, err)
	}
	for _, page := range []string{"", beginMark, endMark + beginMark} {
		if _, err := between(page, "new"); !errors.Is(err, errNoMarks) {
			t.Errorf("%q: %v", page, err)
		}
	}
}

// The page that make bench writes into must have the marks.
func TestTheGuideHasTheMarks(t *testing.T) {
	t.Parallel()

	page, err := os.ReadFile(filepath.Join("..", "..", "templates", "guides", "performance.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := between(string(page), "x"); err != nil {
		t.Error(err)
	}
}

func TestBenchLinesKeepWhatBenchstatReads(t *testing.T) {
	t.Parallel()

	got := benchLines("goos: linux\ngoarch: amd64\npkg: x\ncpu: y\nBenchmarkWrap-2 1 2 ns/op\nPASS\nok x 1s\n")
	if want := "goos: linux\ngoarch: amd64\npkg: x\ncpu: y\nBenchmarkWrap-2 1 2 ns/op\n"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestThePeerHasAsManyResources(t *testing.T) {
	t.Parallel()

	if n := strings.Count(peerConfiguration(308), `" = "ECDSA"`); n != 308 {
		t.Errorf("%d resources", n)
	}
}

// The world must be one that the simulator accepts, with as many records as asked for, and room for
// rotations below the cap of 50.
func TestTheSeedHoldsTheHistory(t *testing.T) {
	t.Parallel()

	for _, versions := range []int{1, 30, 300} {
		seed, err := sfsim.ReadSeed(strings.NewReader(seedFor(versions)))
		if err != nil {
			t.Fatal(err)
		}
		sim, err := sfsim.New(sfsim.WithSeed(seed))
		if err != nil {
			t.Fatal(err)
		}
		defer sim.Close()
		history, counted := 0, map[string]int{}
		for _, k := range sim.TenantSecrets() {
			if k.Status != "ACTIVE" {
				history++
			}
			if k.Status != "DESTROYED" {
				counted[k.Type]++
			}
		}
		if history != versions {
			t.Errorf("%d records in the history, want %d", history, versions)
		}
		for typ, n := range counted {
			if n > 29 {
				t.Errorf("%s has %d keys: 20 rotations do not fit below the cap", typ, n)
			}
		}
		configuration := configurationFor(sim)
		if n := strings.Count(configuration, `" = "`); n != versions {
			t.Errorf("%d records are configured, want %d", n, versions)
		}
		if n := strings.Count(configuration, `resource "salesforcebyok_tenant_secret" `); n != lineages {
			t.Errorf("%d lineages, want %d", n, lineages)
		}
	}
}

func TestThePlotIsWellFormed(t *testing.T) {
	t.Parallel()

	svg := plot([]point{
		{versions: 10, plan: sample{wall: time.Second}, slow: sample{wall: 2 * time.Second}},
		{versions: 1000, plan: sample{wall: 3 * time.Second}, slow: sample{wall: 4 * time.Second}},
	}, "A <fast> & cheap machine")
	decoder := xml.NewDecoder(strings.NewReader(svg))
	lines := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "polyline" {
			lines++
		}
	}
	if lines != 2 {
		t.Errorf("%d lines: a peer that was not measured must not be drawn", lines)
	}
}
