package provider_test

import (
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// Of several resources at once, the same inputs are one rotation id, and one upload.
func TestAccTenantSecret_oneLineageTwice(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals(), sfsim.WithLatency(20*time.Millisecond))
	cli := acctest.NewCLI(t, sim)
	for n, value := range []string{"a", "b"} {
		cli.Config(dataKey("count = 3", trigger(value)))
		if applied := cli.MustApply(); !applied.Has("warning", "Two resources manage one key",
			acctest.ActiveKey(t, sim, "Data").ID, "Keep one") {
			t.Errorf("expected a warning of the others, found %v", applied.Summaries("warning"))
		}
		uploads(t, sim, n+1, n+1)
	}
}

// With other inputs each would archive the other's key: one is made, and the others are refused.
func TestAccTenantSecret_twoLineagesOfOneType(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals(), sfsim.WithLatency(20*time.Millisecond))
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey("count = 2", "rotation_triggers = { key = count.index }", escrowIn(cli)))
	expectError(t, cli.Apply(), "Two resources manage one key", "for the Data key", "terraform state rm")
	uploads(t, sim, 1, 1)
	if copies := escrowCopies(t, cli); len(copies) != 1 {
		t.Errorf("expected no escrow copy of a key that was not sent, found %v", copies)
	}
}

// Keys of different types wait for nobody.
func TestAccTenantSecret_typesSideBySide(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config("\nresource \"salesforcebyok_tenant_secret\" \"each\" {\n  for_each    = toset([\"Data\", " +
		"\"SearchIndex\", \"Analytics\"])\n  type        = each.value\n  certificate = \"Sim_BYOK\"\n}\n")
	if applied := cli.MustApply(); applied.Added != 3 || applied.Has("warning", "Two resources manage one key") {
		t.Errorf("expected a key of each type, found\n%s", applied.Output())
	}
}

func TestAccDataEncryptionKey_oneLineageTwice(t *testing.T) {
	t.Parallel()
	cli, sim := hyperforceRun(t)
	arm(t, sim, sfsim.Fault{Delay: sfsim.Duration(20 * time.Millisecond)})
	cli.Config(searchKey("count = 3"))
	if applied := cli.MustApply(); !applied.Has("warning", "Two resources manage one key", "Search Index") {
		t.Errorf("expected a warning of the others, found %v", applied.Summaries("warning"))
	}
	expectCount(t, sim, opDataKey, 2)

	two := &hyperforceCLI{CLI: acctest.NewCLI(t, sim), sim: sim}
	sim.Clock.Advance(2 * time.Hour)
	two.Config(searchKey("count = 2", "rotation_triggers = { key = count.index }"))
	expectError(t, two.Apply(), "Two resources manage one key", "for the Search Index key")
	expectCount(t, sim, opDataKey, 4)
}
