package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func TestMedian(t *testing.T) {
	t.Parallel()

	for want, all := range map[time.Duration][]time.Duration{
		0: nil, 3: {3}, 4: {5, 3}, 5: {9, 5, 1},
	} {
		if got := median(all); got != want {
			t.Errorf("%v: %v, want %v", all, got, want)
		}
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()

	if got := ratio(3, 2); got != "1.50" {
		t.Errorf("got %s", got)
	}
	if got := ratio(3, 0); got != "-" {
		t.Errorf("without a peer: %s", got)
	}
}

// The world must be one that the simulator accepts, with as many records as asked for, and room for rotations below the cap of 50.
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

	svg := plot([]point{{10, 5, time.Second, 2 * time.Second, 0}, {1000, 5, 3 * time.Second, 4 * time.Second, 0}}, "A <fast> & cheap machine")
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
