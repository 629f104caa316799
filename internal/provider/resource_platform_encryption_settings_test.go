package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const platformAddress = "salesforcebyok_platform_encryption_settings.org"

func platformSettings(lines ...string) string {
	return "\nresource \"salesforcebyok_platform_encryption_settings\" \"org\" {\n  " + strings.Join(lines, "\n  ") +
		"\n}\n"
}

// platformSwitches is the seed of an org whose named switches are on.
func platformSwitches(t *testing.T, names ...string) sfsim.Option {
	t.Helper()

	return seedOf(t, "switches: ["+strings.Join(names, ", ")+"]")
}

var platformAttributes = map[string]string{
	"enable_deterministic_encryption": "enableDeterministicEncryption",
	"enable_event_bus_encryption":     "enableEventBusEncryption",
	"enable_search_encryption":        "enableEncryptionSearchEnabled",
	"encrypt_field_history":           "enableEncryptFieldHistory",
	"encrypt_managed_package_fields":  "canEncryptManagedPackageFields",
}

// Each switch is turned on by its own name, alone, and off again with a warning.
func TestAccPlatformEncryptionSettings_each(t *testing.T) {
	t.Parallel()
	for attribute, wire := range platformAttributes {
		t.Run(attribute, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(platformSettings(attribute + " = true"))
			cli.MustApply()
			for other, name := range platformAttributes {
				if on := sim.Switch(name); on != (other == attribute) {
					t.Errorf("%s is %t in the org", name, on)
				}
				expectState(t, cli, platformAddress, map[string]any{other: other == attribute})
			}
			expectState(t, cli, platformAddress, map[string]any{
				"high_assurance_required": false, "mek_required": false,
				"organization_id": sim.OrganizationID,
			})
			expectCount(t, sim, opDeploy, 1)
			cli.Config(platformSettings(attribute + " = false"))
			expectWarning(t, cli.Plan(), "A setting will be turned off", attribute)
			cli.MustApply()
			if sim.Switch(wire) {
				t.Errorf("%s is still on", wire)
			}
			destroyed := cli.Destroy()
			expectWarning(t, destroyed, "The platform encryption settings will be forgotten, not changed")
			expectCount(t, sim, opDeploy, 2)
		})
	}
}

// What can lock automation out is shown and kept, under a deploy of either kind, and can't be
// configured.
func TestAccPlatformEncryptionSettings_lockout(t *testing.T) {
	t.Parallel()
	for _, resets := range []bool{false, true} {
		sim := acctest.StartSim(t, platformSwitches(t, "isMEKForEncryptionRequired", "isUseHighAssuranceKeysRequired",
			"enableEncryptFieldHistory"),
			absent("", func(s *sfsim.Settings) { s.SettingsDeployResets = resets }))
		cli := acctest.NewCLI(t, sim)
		cli.Config(platformSettings("enable_event_bus_encryption = true"))
		cli.MustApply()
		expectState(t, cli, platformAddress, map[string]any{
			"high_assurance_required": true, "mek_required": true,
			"encrypt_field_history": true, "enable_event_bus_encryption": true,
		})
		for _, name := range []string{
			"isMEKForEncryptionRequired", "isUseHighAssuranceKeysRequired",
			"enableEncryptFieldHistory", "enableEventBusEncryption",
		} {
			if !sim.Switch(name) {
				t.Errorf("resets %t: %s is off after the deploy", resets, name)
			}
		}
		for _, attribute := range []string{"high_assurance_required", "mek_required"} {
			cli.Config(platformSettings(attribute + " = false"))
			if plan := cli.Plan(); plan.Code != 1 {
				t.Errorf("%s can be configured:\n%s", attribute, plan.Output())
			}
		}
	}
}

// Every switch of both sets, in an org that does not show it and in one that keeps it off: null
// while it is not configured, satisfied by false without a deploy, and true is an error that names
// the add-on, with the state as it was. The others are not touched.
func TestAccSettings_everySwitch(t *testing.T) {
	t.Parallel()
	type flag struct{ kind, attribute, wire, addOn string }
	flags := []flag{
		{"encryption_key", "allow_key_derivation_opt_out", "canOptOutOfDerivationWithBYOK", "Shield Platform Encryption"},
		{"encryption_key", "enable_cache_only_keys", "enableCacheOnlyKeys", "the Cache-Only Key Service add-on"},
		{"encryption_key", "encrypt_transactional_database", "canEncryptTransactionalDatabase", "Database Encryption"},
		{"encryption_key", "manage_data_cloud_keys", "canManageDataCloudKeys", "Platform Encryption for Data Cloud"},
	}
	for attribute, wire := range platformAttributes {
		flags = append(flags, flag{"platform_encryption", attribute, wire, "Shield Platform Encryption"})
	}
	for _, f := range flags {
		for name, test := range map[string]struct {
			org  func(*sfsim.Settings)
			bare any
		}{
			"not shown": {func(s *sfsim.Settings) { s.SettingsAbsent = f.wire }, nil},
			"kept off":  {func(s *sfsim.Settings) { s.SettingsKept = f.wire }, false},
		} {
			t.Run(f.attribute+", "+name, func(t *testing.T) {
				t.Parallel()
				sim := acctest.StartSim(t, absent("", test.org))
				cli := acctest.NewCLI(t, sim)
				address := "salesforcebyok_" + f.kind + "_settings.org"
				config := func(lines ...string) {
					if f.kind == "encryption_key" && len(lines) > 0 {
						lines = append(lines, "acknowledge_irreversible = true")
					}
					providerConfig(cli, acctest.ProviderBlock(sim, `api_version = "63.0"`)+"\nresource \"salesforcebyok_"+f.kind+
						"_settings\" \"org\" {\n  "+strings.Join(lines, "\n  ")+"\n}\n")
				}
				for _, step := range []struct {
					line string
					want any
				}{{"", test.bare}, {f.attribute + " = false", false}, {"", test.bare}} {
					if config(); step.line != "" {
						config(step.line)
					}
					cli.MustApply()
					cli.MustBeEmpty()
					expectState(t, cli, address, map[string]any{f.attribute: step.want})
				}
				expectCount(t, sim, opDeploy, 0)
				config(f.attribute + " = true")
				expectError(t, cli.Apply(), "The setting did not take", f.attribute, "may lack "+f.addOn)
				expectState(t, cli, address, map[string]any{f.attribute: test.bare})
				expectCount(t, sim, opDeploy, 1)
				config()
				cli.MustApply()
				cli.MustBeEmpty()
				expectCount(t, sim, opDeploy, 1)
			})
		}
	}
}

func TestAccPlatformEncryptionSettings_import(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, platformSwitches(t, "enableDeterministicEncryption"), absent("enableEventBusEncryption"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", platformAddress, sim.OrganizationID) +
		platformSettings("enable_deterministic_encryption = true", "enable_event_bus_encryption = false"))
	cli.MustApply()
	expectState(t, cli, platformAddress, map[string]any{
		"enable_deterministic_encryption": true,
		"enable_event_bus_encryption":     false, "enable_search_encryption": false,
	})
	cli.MustBeEmpty()
	expectCount(t, sim, opDeploy, 0)
}
