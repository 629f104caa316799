package provider_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const settingsAddress = "salesforcebyok_encryption_key_settings.org"

func keySettings(lines ...string) string {
	return "\nresource \"salesforcebyok_encryption_key_settings\" \"org\" {\n  " + strings.Join(lines, "\n  ") + "\n}\n"
}

// settingsAre makes an org whose switches stand so.
func settingsAre(optOut, cacheOnly, replay bool) sfsim.Option {
	return sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CanOptOutOfDerivationWithBYOK, s.EnableCacheOnlyKeys, s.EnableReplayDetection = optOut, cacheOnly, replay
	})
}

// expectSwitches compares the switches of the org, and what state says of them.
func expectSwitches(t *testing.T, sim *sfsim.Server, cli *acctest.CLI, optOut, cacheOnly, replay bool) {
	t.Helper()
	s := sim.Settings()
	if s.CanOptOutOfDerivationWithBYOK != optOut || s.EnableCacheOnlyKeys != cacheOnly ||
		s.EnableReplayDetection != replay {
		t.Errorf("expected the org's switches to be %v, %v, %v, found %+v", optOut, cacheOnly, replay, s)
	}
	if cli != nil {
		expectState(t, cli, settingsAddress, map[string]any{
			"allow_key_derivation_opt_out": optOut, "enable_cache_only_keys": cacheOnly, "enable_replay_detection": replay,
			"organization_id": sim.OrganizationID,
		})
	}
}

// Only what is configured is changed, by one deploy; what is not configured is shown and left
// alone, then and later.
func TestAccEncryptionKeySettings_onlyConfigured(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(true, false, false))
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = true"))
	cli.MustApply()
	expectSwitches(t, sim, cli, true, true, false)
	expectCount(t, sim, opDeploy, 1)
	if sim.Settings().CanEncryptTransactionalDatabase {
		t.Error("expected Database encryption, whose switch makes a tenant secret, to stay off")
	}

	// Somebody else changes one switch of each kind.
	sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CanOptOutOfDerivationWithBYOK, s.EnableCacheOnlyKeys = false, false
	})
	if plan := cli.Plan(); plan.Changed != 1 || plan.Added+plan.Removed != 0 {
		t.Errorf("expected the configured switch to be set again, found\n%s", plan.Output())
	}
	cli.MustApply()
	expectSwitches(t, sim, cli, false, true, false)
	expectCount(t, sim, opDeploy, 2)

	// More switches, in place; and one that becomes known in the apply alone.
	cli.Config("\nresource \"terraform_data\" \"late\" {\n  input = true\n}\n" +
		keySettings("enable_cache_only_keys = true", "enable_replay_detection = true",
			"allow_key_derivation_opt_out = terraform_data.late.output"))
	cli.MustApply()
	expectSwitches(t, sim, cli, true, true, true)
	expectCount(t, sim, opDeploy, 3)
}

// What only the apply knows may come to a change, or to none.
func TestAccEncryptionKeySettings_unknownAtPlan(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("allow_key_derivation_opt_out = false"))
	cli.MustApply()
	for deploys, test := range []struct {
		value bool
		now   string
	}{{false, "first"}, {true, "second"}} {
		cli.Config(knownLate("late", strconv.FormatBool(test.value), test.now) +
			keySettings("allow_key_derivation_opt_out = terraform_data.late.output"))
		cli.MustApply()
		expectSwitches(t, sim, cli, test.value, false, false)
		expectCount(t, sim, opDeploy, deploys)
	}
}

// What somebody changes between plan and apply is for the next plan to show: the apply does what
// the plan has shown.
func TestAccEncryptionKeySettings_changedSinceThePlan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines   []string
		deploys int
	}{
		"nothing is planned for the org": {[]string{`timeouts = { update = "1h" }`}, 0},
		"another switch is planned":      {[]string{"allow_key_derivation_opt_out = true"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, settingsAre(false, true, false))
			cli := acctest.NewCLI(t, sim)
			cli.Config(keySettings("enable_cache_only_keys = true"))
			cli.MustApply()
			cli.Config(keySettings(append(test.lines, "enable_cache_only_keys = true")...))
			if plan := cli.Plan("-out=plan"); plan.Changed != 1 {
				t.Fatal(plan.Output())
			}
			sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.EnableCacheOnlyKeys = false })
			if applied := cli.Run("apply", "-json", "-input=false", "plan"); applied.Code != 0 {
				t.Fatal(applied.Output())
			}
			expectCount(t, sim, opDeploy, test.deploys)
			if sim.Settings().EnableCacheOnlyKeys {
				t.Error("the apply has turned on what the plan did not show")
			}
			if plan := cli.Plan(); plan.Changed != 1 {
				t.Errorf("expected the next plan to show the change, found\n%s", plan.Output())
			}
			cli.MustApply()
			expectCount(t, sim, opDeploy, test.deploys+1)
		})
	}
}

// Whether cache-only keys may be switched off under keys in use may be known only during the apply.
func TestAccEncryptionKeySettings_permissionKnownAfterApply(t *testing.T) {
	t.Parallel()
	for name, allowed := range map[string]bool{"allowed": true, "not allowed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seedOf(t, "settings: {enable_cache_only_keys: true}\ntenant_secrets: [{type: Data}, "+
				"{type: EventBus, source: REMOTE, certificate: Sim_BYOK, remote_key_identifier: k, status: ACTIVE}]\n"+
				"named_credentials: [{id: 0XA000000000001, developer_name: Keys, endpoint: 'https://keys.example'}]"))
			cli := acctest.NewCLI(t, sim)
			providerConfig(cli, fmt.Sprintf("\nresource \"terraform_data\" \"later\" {\n  input = %t\n}\n", allowed)+
				acctest.ProviderBlock(sim, "allow_key_destruction = terraform_data.later.output")+
				keySettings("enable_cache_only_keys = false"))
			if plan := cli.Plan(); plan.Code != acctest.PlanChanges {
				t.Fatalf("expected a plan, found\n%s", plan.Output())
			}
			applied := cli.Apply()
			if (applied.Code == 0) != allowed || !allowed && !applied.Has("error", "Cache-only keys are in use") {
				t.Errorf("found\n%s", applied.Output())
			}
			expectSwitches(t, sim, nil, false, !allowed, false)
		})
	}
}

func TestAccEncryptionKeySettings_nothingConfigured(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(true, true, true))
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings())
	cli.MustApply()
	expectSwitches(t, sim, cli, true, true, true)
	// What the org has already is not sent either.
	cli.Config(keySettings("enable_replay_detection = true"))
	cli.MustApply()
	expectCount(t, sim, opDeploy, 0)

	destroyed := cli.Destroy()
	if destroyed.Code != 0 {
		t.Fatal(destroyed.Output())
	}
	expectWarning(t, destroyed, "The encryption key settings will be forgotten, not changed")
	expectSwitches(t, sim, nil, true, true, true)
	expectCount(t, sim, opDeploy, 0)
}

// Replay detection needs cache-only keys: judged by the configuration, by what the org is known to
// have, and by Salesforce.
func TestAccEncryptionKeySettings_replayAlone(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_replay_detection = true", "enable_cache_only_keys = false"))
	expectError(t, cli.Plan(), "Replay detection without cache-only keys", "enable_cache_only_keys = true",
		"Nothing was sent")
	expectCount(t, sim, opDeploy, 0)

	cli.Config(keySettings("enable_replay_detection = true"))
	expectError(t, cli.Plan(), "Replay detection without cache-only keys")
	expectError(t, cli.Apply(), "Replay detection without cache-only keys")
	expectSwitches(t, sim, nil, false, false, false)

	cli.Config(keySettings())
	cli.MustApply()
	cli.Config(keySettings("enable_replay_detection = true"))
	expectError(t, cli.Plan(), "Replay detection without cache-only keys")
	expectCount(t, sim, opDeploy, 0)
}

func TestAccEncryptionKeySettings_switchOff(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(false, true, true))
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = false", "enable_replay_detection = false"))
	// by a first apply
	expectWarning(t, cli.Plan(), "Cache-only keys will be switched off", "no REMOTE tenant secret is in use")
	cli.Config(keySettings("enable_cache_only_keys = true"))
	cli.MustApply()
	cli.Config(keySettings("enable_cache_only_keys = false"))
	expectError(t, cli.Plan(), "Replay detection without cache-only keys", "enable_replay_detection = false")
	cli.Config(keySettings("enable_cache_only_keys = false", "enable_replay_detection = false"))
	expectWarning(t, cli.Plan(), "Cache-only keys will be switched off", "no REMOTE tenant secret is in use")
	cli.MustApply()
	expectSwitches(t, sim, cli, false, false, false)
}

func TestAccEncryptionKeySettings_denied(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		deny  func(*sfsim.Permissions)
		words []string
	}{
		"Customize Application": {func(p *sfsim.Permissions) {
			p.CustomizeApplication = false
		}, []string{"Customize Application"}},
		"Manage Encryption Keys": {func(p *sfsim.Permissions) {
			p.ManageEncryptionKeys = false
		}, []string{"Manage Encryption Keys"}},
		"Modify Metadata": {func(p *sfsim.Permissions) { p.ModifyMetadata = false }, []string{"INSUFFICIENT_ACCESS"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, denied(test.deny))
			cli := acctest.NewCLI(t, sim)
			cli.Config(keySettings("enable_cache_only_keys = true"))
			expectError(t, cli.Apply(), "Unable to change the encryption key settings", test.words...)
			expectSwitches(t, sim, nil, false, false, false)
		})
	}
}

// The same settings may be sent twice.
func TestAccEncryptionKeySettings_lostReply(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	arm(t, sim, sfsim.Fault{Method: "POST", Path: "deployRequest", Times: 1, Drop: "after"})
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = true"))
	cli.MustApply()
	expectSwitches(t, sim, cli, false, true, false)
	expectCount(t, sim, opDeploy, 2)
}

// A change that was made and can't be read back is an error that says so; the next plan sees it.
func TestAccEncryptionKeySettings_notReadBack(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	arm(t, sim, sfsim.Fault{Method: "POST", Path: "Soap", Nth: 4, Status: 400, ErrorCode: "UNKNOWN_EXCEPTION"})
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = true"))
	expectError(t, cli.Apply(), "Unable to change the encryption key settings",
		"Reading back the settings after the change, which was made")
	cli.MustApply()
	expectSwitches(t, sim, cli, false, true, false)
	expectCount(t, sim, opDeploy, 1)
}

func TestAccEncryptionKeySettings_import(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(true, true, false))
	for _, id := range []string{sim.OrganizationID, sim.OrganizationID[:15]} {
		cli := acctest.NewCLI(t, sim)
		cli.Config(keySettings("enable_cache_only_keys = true"))
		if imported := cli.Run("import", "-input=false", settingsAddress, id); imported.Code != 0 {
			t.Fatal(imported.Output())
		}
		cli.MustBeEmpty()
		expectSwitches(t, sim, cli, true, true, false)
	}
	cli := acctest.NewCLI(t, sim)
	cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", settingsAddress, "00DWt0000000009MAA") + keySettings())
	expectError(t, cli.Plan(), "This key belongs to another org", sim.OrganizationID)
	for _, id := range []string{"org", "EncryptionKey", "02GWt0000000001MAA"} {
		cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", settingsAddress, id) + keySettings())
		expectError(t, cli.Plan(), "Invalid import id", "00D")
	}
	expectCount(t, sim, opDeploy, 0)
}

func TestAccEncryptionKeySettings_importByIdentity(t *testing.T) {
	t.Parallel()
	if acctest.OpenTofu() || acctest.Below(t, 1, 12) {
		t.Skip("import by identity needs Terraform 1.12")
	}
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	for _, org := range []string{"00DWt0000000009MAA", sim.OrganizationID} {
		cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  identity = {\n    organization_id = %q\n  }\n}\n", settingsAddress,
			org) + keySettings())
		if org != sim.OrganizationID {
			expectError(t, cli.Plan(), "This key belongs to another org", sim.OrganizationID)
		}
	}
	cli.MustApply()
}

func TestAccEncryptionKeySettings_anotherOrg(t *testing.T) {
	t.Parallel()
	cli := acctest.NewCLI(t, acctest.StartSim(t))
	cli.Config(keySettings())
	cli.MustApply()
	moved, sim := moveState(t, cli)
	moved.Config(keySettings("enable_cache_only_keys = true"))
	expectError(t, moved.Plan(), "This key belongs to another org", sim.OrganizationID)
	expectError(t, moved.Apply("-refresh=false"), "This key belongs to another org")
	expectCount(t, sim, opDeploy, 0)
}

// A setting that is not configured is left alone even if it has changed since the refresh that
// the plan is made of.
func TestAccEncryptionKeySettings_changedSinceTheRefresh(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = true"))
	cli.MustApply()
	cli.Config(keySettings("enable_cache_only_keys = true", "enable_replay_detection = true"))
	if plan := cli.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
		t.Fatal(plan.Output())
	}
	sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CanOptOutOfDerivationWithBYOK = true })
	if applied := cli.Run("apply", "-json", "-input=false", "saved.tfplan"); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	expectSwitches(t, sim, nil, true, true, true)
	cli.MustBeEmpty()
	if applied := cli.Apply("-refresh-only"); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	expectSwitches(t, sim, cli, true, true, true)
}

func TestAccEncryptionKeySettings_ignoreChanges(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = true", "allow_key_derivation_opt_out = false"))
	cli.MustApply()
	cli.Config(keySettings("enable_cache_only_keys = true", "enable_replay_detection = true",
		"allow_key_derivation_opt_out = true", "lifecycle {\n    ignore_changes = [allow_key_derivation_opt_out]\n  }"))
	cli.MustApply()
	expectSwitches(t, sim, cli, false, true, true)
}

// absent hides switches from the org, as if it lacked an add-on.
func absent(names string, more ...func(*sfsim.Settings)) sfsim.Option {
	return sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.SettingsAbsent = names
		for _, change := range more {
			change(s)
		}
	})
}

const cacheOnlySwitches = "enableCacheOnlyKeys, enableReplayDetection"

// What the org does not show is null if it is not configured, and satisfied if it is configured
// false.
func TestAccEncryptionKeySettings_absentIsNotFalse(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, absent(cacheOnlySwitches))
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings())
	cli.MustApply()
	expectState(t, cli, settingsAddress, map[string]any{
		"enable_cache_only_keys": nil, "enable_replay_detection": nil,
		"allow_key_derivation_opt_out": false, "encrypt_transactional_database": nil,
	})
	cli.Config(keySettings("enable_cache_only_keys = false", "enable_replay_detection = false"))
	cli.MustApply()
	expectState(t, cli, settingsAddress, map[string]any{"enable_cache_only_keys": false, "enable_replay_detection": false})
	if refreshed := cli.Apply("-refresh-only"); refreshed.Code != 0 {
		t.Fatal(refreshed.Output())
	}
	cli.MustBeEmpty()
	// What is no longer configured is null again, and says nothing about the others.
	cli.Config(keySettings("enable_replay_detection = false"))
	if plan := cli.Plan(); plan.Changed != 1 || plan.Added+plan.Removed != 0 {
		t.Errorf("expected a change of state, found\n%s", plan.Output())
	}
	cli.MustApply()
	cli.MustBeEmpty()
	expectState(t, cli, settingsAddress, map[string]any{"enable_cache_only_keys": nil, "enable_replay_detection": false})
	cli.Config(keySettings("enable_replay_detection = true"))
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges {
		t.Errorf("expected what is not known to stand in no way, found\n%s", plan.Output())
	}
	cli.Config(keySettings())
	cli.MustApply()
	expectState(t, cli, settingsAddress, map[string]any{"enable_cache_only_keys": nil, "enable_replay_detection": nil})
	expectCount(t, sim, opDeploy, 0)

	// A switch that the org loses is no longer known.
	sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.SettingsAbsent, s.EnableCacheOnlyKeys = "", true })
	cli.MustApply()
	sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.SettingsAbsent = cacheOnlySwitches })
	if refreshed := cli.Apply("-refresh-only"); refreshed.Code != 0 {
		t.Fatal(refreshed.Output())
	}
	expectState(t, cli, settingsAddress, map[string]any{"enable_cache_only_keys": nil})
}

// What a deploy does not turn on is said once, with the add-on that the org may lack, whether the
// org then shows it or not; a create leaves no state behind.
func TestAccEncryptionKeySettings_notTaken(t *testing.T) {
	t.Parallel()
	const addOn = "Cache-Only Key Service add-on"
	for name, test := range map[string]struct {
		org     func(*sfsim.Settings)
		summary string
		word    string
		left    any
	}{
		"not shown": {
			func(s *sfsim.Settings) { s.SettingsAbsent = cacheOnlySwitches },
			"The setting did not take", "does not show enable_cache_only_keys", nil,
		},
		"shown off": {
			func(s *sfsim.Settings) { s.SettingsKept = cacheOnlySwitches },
			"The setting did not take", "enable_cache_only_keys is not true", false,
		},
		"refused": {
			func(s *sfsim.Settings) { s.SettingsAbsent, s.SettingsAbsentRefused = cacheOnlySwitches, true },
			"Unable to change the encryption key settings", "You can't turn on enableCacheOnlyKeys", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, absent("", test.org))
			cli := acctest.NewCLI(t, sim)
			cli.Config(keySettings("enable_cache_only_keys = true", "allow_key_derivation_opt_out = true"))
			applied := cli.Apply()
			expectError(t, applied, test.summary, test.word, addOn)
			if n := strings.Count(applied.Output(), addOn); n != 1 {
				t.Errorf("expected the add-on to be named once, found %d in\n%s", n, applied.Output())
			}
			if listed := cli.Run("state", "list"); strings.Contains(listed.Output(), settingsAddress) {
				t.Errorf("expected no state, found\n%s", listed.Output())
			}
			cli.Config(keySettings("allow_key_derivation_opt_out = true"))
			cli.MustApply()
			cli.Config(keySettings("enable_cache_only_keys = true", "allow_key_derivation_opt_out = true"))
			expectError(t, cli.Apply(), test.summary, test.word, addOn)
			expectState(t, cli, settingsAddress, map[string]any{
				"enable_cache_only_keys":       test.left,
				"allow_key_derivation_opt_out": true,
			})
			cli.Config(keySettings("allow_key_derivation_opt_out = true"))
			cli.MustBeEmpty()
		})
	}
}

// What can't be turned off is said like what can't be turned on; no add-on is missing then.
func TestAccEncryptionKeySettings_staysOn(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(true, false, false), absent("", func(s *sfsim.Settings) {
		s.SettingsKept = "canOptOutOfDerivationWithBYOK"
	}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("allow_key_derivation_opt_out = false"))
	applied := cli.Apply()
	expectError(t, applied, "The setting did not take", "allow_key_derivation_opt_out is not false")
	if strings.Contains(applied.Output(), "may lack") {
		t.Errorf("expected no word of an add-on, found\n%s", applied.Output())
	}
	expectSwitches(t, sim, nil, true, false, false)
}

// configure63 renders settings below a provider block of API 63, which has two more switches.
func configure63(cli *acctest.CLI, sim *sfsim.Server, lines ...string) {
	providerConfig(cli, acctest.ProviderBlock(sim, `api_version = "63.0"`)+keySettings(lines...))
}

func TestAccEncryptionKeySettings_irreversible(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(false, true, false))
	cli := acctest.NewCLI(t, sim)
	// API 62, the default, does not have them.
	cli.Config(keySettings("encrypt_transactional_database = true", "acknowledge_irreversible = true"))
	expectError(t, cli.Plan(), "The setting needs a newer API version", "63.0", "62.0")
	cli.Config(keySettings("encrypt_transactional_database = false", "manage_data_cloud_keys = false"))
	cli.MustApply()

	for _, attribute := range []string{"encrypt_transactional_database", "manage_data_cloud_keys"} {
		for _, lines := range [][]string{
			{attribute + " = true"},
			{attribute + " = true", "acknowledge_irreversible = false"},
		} {
			configure63(cli, sim, lines...)
			expectError(t, cli.Plan(), "Turning the setting on is irreversible", attribute, "acknowledge_irreversible = true")
			expectError(t, cli.Apply(), "Turning the setting on is irreversible")
		}
	}
	if secrets := sim.TenantSecrets(); len(secrets) != 1 {
		t.Fatalf("expected no Database key yet, found %d keys", len(secrets))
	}
	configure63(cli, sim, "encrypt_transactional_database = true", "manage_data_cloud_keys = true",
		"acknowledge_irreversible = true")
	cli.MustApply()
	expectState(t, cli, settingsAddress, map[string]any{
		"encrypt_transactional_database": true, "manage_data_cloud_keys": true, "acknowledge_irreversible": true,
		"enable_cache_only_keys": true,
	})
	if secrets := sim.TenantSecrets(); len(secrets) != 2 {
		t.Fatalf("expected the Database key that Salesforce makes, found %d keys", len(secrets))
	}
	// What is on needs no acknowledgement, and one of them can't be turned off.
	configure63(cli, sim, "encrypt_transactional_database = true")
	cli.MustApply()
	configure63(cli, sim, "encrypt_transactional_database = false")
	expectError(t, cli.Plan(), "The setting can't be turned off", "encrypt_transactional_database")
	configure63(cli, sim, "manage_data_cloud_keys = false")
	expectWarning(t, cli.Plan(), "A setting will be turned off", "manage_data_cloud_keys")
	cli.MustApply()
	expectState(t, cli, settingsAddress, map[string]any{
		"manage_data_cloud_keys":         false,
		"encrypt_transactional_database": true,
	})

	// Turned on elsewhere: taken over without an acknowledgement. Turned off elsewhere between plan
	// and apply: refused there.
	other := acctest.NewCLI(t, sim)
	configure63(other, sim, "encrypt_transactional_database = true")
	other.MustApply()
	sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CanEncryptTransactionalDatabase = false })
	expectError(t, other.Apply("-refresh=false", "-replace="+settingsAddress), "Turning the setting on is irreversible")
}

// Turning cache-only keys off while a REMOTE key is in use is guarded like the destruction of that
// key, at plan and again at apply.
func TestAccEncryptionKeySettings_cacheOnlyInUse(t *testing.T) {
	t.Parallel()
	secrets := func(statuses ...string) string {
		list := []string{"{type: Data}"}
		for _, status := range statuses {
			list = append(list, "{type: EventBus, source: REMOTE, certificate: Sim_BYOK, remote_key_identifier: k, status: "+
				status+"}")
		}
		return "settings: {enable_cache_only_keys: true}\ntenant_secrets: [" + strings.Join(list, ", ") +
			"]\nnamed_credentials: [{id: 0XA000000000001, developer_name: Keys, endpoint: 'https://keys.example'}]"
	}
	for name, test := range map[string]struct {
		statuses []string
		named    []string
	}{
		"active": {[]string{"ACTIVE"}, []string{"EventBus version 2 (ACTIVE)"}},
		"archived": {
			[]string{"ARCHIVED", "DESTROYED", "DESTROYED"},
			[]string{"EventBus version 2 (ARCHIVED)", "EventBus version 4 (DESTROYED)"},
		},
		"newest, down for a moment": {[]string{"DESTROYED"}, []string{"EventBus version 2 (DESTROYED)"}},
		"none":                      {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seedOf(t, secrets(test.statuses...)))
			cli := acctest.NewCLI(t, sim)
			cli.Config(keySettings("enable_cache_only_keys = false"))
			if len(test.named) == 0 {
				cli.MustApply()
				expectSwitches(t, sim, cli, false, false, false)
				return
			}
			expectError(t, cli.Plan(), "Cache-only keys are in use", test.named...)
			expectError(t, cli.Apply(), "Cache-only keys are in use", "allow_key_destruction = true")
			expectSwitches(t, sim, nil, false, true, false)
			providerConfig(cli, acctest.ProviderBlock(sim, "allow_key_destruction = true")+
				keySettings("enable_cache_only_keys = false"))
			expectWarning(t, cli.Plan(), "Cache-only keys will be switched off")
			cli.MustApply()
			expectSwitches(t, sim, cli, false, false, false)
		})
	}

	// One that is registered between plan and apply.
	sim := acctest.StartSim(t, seedOf(t, secrets()))
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = true"))
	cli.MustApply()
	cli.Config(keySettings("enable_cache_only_keys = false"))
	if plan := cli.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
		t.Fatal(plan.Output())
	}
	createRecord(t, sim, "TenantSecret",
		`{"Type":"EventBus","Source":"REMOTE","RemoteKeyIdentifier":"k","RemoteKeyServiceId":"0XA000000000001","RemoteKeyCertificate":"Sim_BYOK"}`)
	expectError(t, cli.Run("apply", "-json", "-input=false", "saved.tfplan"), "Cache-only keys are in use", "EventBus")
	expectSwitches(t, sim, nil, false, true, false)
}

// A deploy that turns off what it does not name changes nothing else all the same.
func TestAccEncryptionKeySettings_deployThatResets(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(true, true, true), absent("", func(s *sfsim.Settings) {
		s.SettingsDeployResets = true
	}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_replay_detection = false"))
	cli.MustApply()
	expectSwitches(t, sim, cli, true, true, false)
	expectCount(t, sim, opDeploy, 1)
}

// createRecord makes a record as somebody else would.
func createRecord(t *testing.T, sim *sfsim.Server, sobject, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		sim.InstanceURL+"/services/data/v62.0/sobjects/"+sobject, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sim.AccessToken)
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only the status counts
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("the record was not made: %s", resp.Status)
	}
}
