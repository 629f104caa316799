package provider_test

import (
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// On Hyperforce a Search Index key goes another way from API version 63 on. The plan says which, a
// refusal names it first, and neither speaks of intervals: no time makes it right. Elsewhere, and
// of other types, nothing is said.
func TestAccTenantSecret_searchIndexMoved(t *testing.T) {
	t.Parallel()
	const warning = "Search Index keys have moved"
	for name, test := range map[string]struct {
		hyperforce   bool
		version, typ string
		moved        bool
	}{
		"Hyperforce, 63":          {true, "63.0", "SearchIndex", true},
		"Hyperforce, 67":          {true, "67.0", "SearchIndex", true},
		"Hyperforce, 62":          {true, "62.0", "SearchIndex", false},
		"elsewhere, 63":           {false, "63.0", "SearchIndex", false},
		"another type":            {true, "63.0", "Analytics", false},
		"Hyperforce, a first key": {true, "63.0", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed, typ := &sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{
				{Source: "UPLOADED"},
				{Type: "SearchIndex", Created: moment(t, "-1h")},
			}}, test.typ
			if typ == "" {
				seed.TenantSecrets, typ = seed.TenantSecrets[:1], "SearchIndex"
			}
			sim := acctest.StartSim(t, sfsim.WithSeed(seed), sfsim.WithConfiguration(func(s *sfsim.Settings,
				_ *sfsim.Permissions,
			) {
				s.Hyperforce = test.hyperforce
			}))
			cli := acctest.NewCLI(t, sim)
			providerConfig(cli, acctest.ProviderBlock(sim, `api_version = "`+test.version+`"`)+
				tenantSecret(`type = "`+typ+`"`, `certificate = "Sim_BYOK"`))
			plan := cli.Plan()
			if !test.moved {
				if plan.Has("warning", warning) {
					t.Errorf("expected nothing of a move, found %v", plan.Summaries("warning"))
				}

				return
			}
			expectWarning(t, plan, warning, "salesforcebyok_data_encryption_key", `api_version = "62.0"`)
			if plan.Has("warning", "The rotation interval is not over") {
				t.Error("expected no word of the interval")
			}
			applied := cli.Apply()
			expectError(t, applied, "Salesforce refused the new SearchIndex key", "salesforcebyok_data_encryption_key")
			detail := ""
			for _, d := range applied.Diagnostics {
				if d.Severity == "error" {
					detail = d.Detail
				}
			}
			if !strings.HasPrefix(detail, "On Hyperforce,") || strings.Contains(detail, "the next is allowed from") ||
				strings.Contains(detail, "Known of this org") {
				t.Errorf("expected the way out first, and no date, found %s", detail)
			}
			if cli.State(tenantSecretAddress) != nil {
				t.Error("expected nothing in state")
			}
		})
	}
}

// A first deterministic key may need a setting. The plan names it if the org shows it off or not at
// all, and so does a refusal; once the setting is on or a key is there, nothing is said.
func TestAccTenantSecret_deterministicSetting(t *testing.T) {
	t.Parallel()
	const warning, setting = "A setting of the org may be missing", "enable_deterministic_encryption"
	for name, test := range map[string]struct {
		seed            string
		warned, refused bool
	}{
		"needed and absent":  {"settings: {deterministic_needs_setting: true}", true, true},
		"not needed, absent": {"settings: {deterministic_needs_setting: false}", true, false},
		"needed and on": {
			"settings: {deterministic_needs_setting: true}\nswitches: [enableDeterministicEncryption]",
			false, false,
		},
		"a key is there": {"tenant_secrets: [{type: Data}, {type: DeterministicData}]", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seeded(t, test.seed), sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			cli.Config(tenantSecret(`type = "DeterministicData"`, `certificate = "Sim_BYOK"`))
			plan := cli.Plan()
			if plan.Has("warning", warning, setting) != test.warned {
				t.Errorf("expected the setting to be named: %v, found %v", test.warned, plan.Summaries("warning"))
			}
			if !test.refused {
				cli.MustApply()

				return
			}
			expectError(t, cli.Apply(), "Salesforce refused the new DeterministicData key", setting)
			// Turned on by the same configuration, in its order.
			cli.Config("\nresource \"salesforcebyok_platform_encryption_settings\" \"this\" {\n  " +
				"enable_deterministic_encryption = true\n}\n" +
				tenantSecret(`type = "DeterministicData"`, `certificate = "Sim_BYOK"`,
					"depends_on = [salesforcebyok_platform_encryption_settings.this]"))
			cli.MustApply()
		})
	}
}
