package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// The plan of a first key has one warning at most. Of a rotation of many keys, the CLI shows one
// warning of each kind and counts the others, since each kind has one summary.
func TestAccTenantSecret_warningsOfManyKeys(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	types := []string{"Data", "Analytics", "SearchIndex"}
	keys := func(value string) string {
		return fmt.Sprintf(`
resource "salesforcebyok_tenant_secret" "key" {
  for_each    = toset(["%s"])
  type        = each.key
  certificate = "Sim_BYOK"
  %s
  %s
}
`, strings.Join(types, `", "`), trigger(value), escrowInState())
	}
	// warnings returns the heading of each warning that the CLI shows to a person.
	warnings := func() (shown []string, text string) {
		text = cli.Run("plan", "-no-color", "-input=false").Output()
		for line := range strings.Lines(text) {
			_, heading, found := strings.Cut(line, "Warning: ")
			if found && !strings.Contains(line, "development overrides") {
				shown = append(shown, strings.TrimSpace(heading))
			}
		}

		return shown, text
	}

	cli.Config(keys("a"))
	if shown, text := warnings(); len(shown) != 1 || shown[0] != "An existing key will be archived" {
		t.Errorf("expected one warning of three keys, found %q in\n%s", shown, text)
	}
	cli.MustApply()

	sim.Clock.Advance(8 * 24 * time.Hour)
	cli.Config(keys("b"))
	shown, text := warnings()
	if len(shown) != 2 || strings.Count(text, "(and 2 more similar warnings elsewhere)") != 2 {
		t.Errorf("expected two warnings, each with a count of two more, found %q in\n%s", shown, text)
	}
	// Nothing of a key is hidden from a program.
	plan := cli.Plan()
	for _, typ := range types {
		if !plan.Has("warning", rotates, "a new "+typ+" key is made") ||
			!plan.Has("warning", "The only escrow copy leaves the state", "outgoing "+typ+" key") {
			t.Errorf("expected the warnings of the %s key, found %v", typ, plan.Diagnostics)
		}
	}
}
