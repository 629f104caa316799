package provider_test

import (
	"fmt"
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
	if s.CanOptOutOfDerivationWithBYOK != optOut || s.EnableCacheOnlyKeys != cacheOnly || s.EnableReplayDetection != replay {
		t.Errorf("expected the org's switches to be %v, %v, %v, found %+v", optOut, cacheOnly, replay, s)
	}
	if cli != nil {
		expectState(t, cli, settingsAddress, map[string]any{
			"allow_key_derivation_opt_out": optOut, "enable_cache_only_keys": cacheOnly, "enable_replay_detection": replay, "organization_id": sim.OrganizationID,
		})
	}
}

// Only what is configured is changed, by one deploy; what is not configured is shown and left alone, then and later.
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
		keySettings("enable_cache_only_keys = true", "enable_replay_detection = true", "allow_key_derivation_opt_out = terraform_data.late.output"))
	cli.MustApply()
	expectSwitches(t, sim, cli, true, true, true)
	expectCount(t, sim, opDeploy, 3)
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

// Replay detection needs cache-only keys: told from the configuration, from what the org is known to have, and by Salesforce.
func TestAccEncryptionKeySettings_replayAlone(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_replay_detection = true", "enable_cache_only_keys = false"))
	expectError(t, cli.Plan(), "Replay detection without cache-only keys", "enable_cache_only_keys = true", "Nothing was sent")
	expectCount(t, sim, opDeploy, 0)

	cli.Config(keySettings("enable_replay_detection = true"))
	expectError(t, cli.Apply(), "Unable to change the encryption key settings", "Settings EncryptionKey: enableReplayDetection needs enableCacheOnlyKeys")
	expectSwitches(t, sim, nil, false, false, false)

	cli.Config(keySettings())
	cli.MustApply()
	cli.Config(keySettings("enable_replay_detection = true"))
	expectError(t, cli.Plan(), "Replay detection without cache-only keys")
	expectCount(t, sim, opDeploy, 1)
}

func TestAccEncryptionKeySettings_switchOff(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(false, true, true))
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = false", "enable_replay_detection = false"))
	expectWarning(t, cli.Plan(), "Cache-only keys will be switched off", "no REMOTE tenant secret is in use") // by a first apply
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
		"Customize Application":  {func(p *sfsim.Permissions) { p.CustomizeApplication = false }, []string{"Customize Application"}},
		"Manage Encryption Keys": {func(p *sfsim.Permissions) { p.ManageEncryptionKeys = false }, []string{"Manage Encryption Keys"}},
		"Modify Metadata":        {func(p *sfsim.Permissions) { p.ModifyMetadata = false }, []string{"INSUFFICIENT_ACCESS"}},
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
	arm(t, sim, sfsim.Fault{Method: "POST", Path: "Soap", Nth: 2, Status: 400, ErrorCode: "UNKNOWN_EXCEPTION"})
	cli := acctest.NewCLI(t, sim)
	cli.Config(keySettings("enable_cache_only_keys = true"))
	expectError(t, cli.Apply(), "Unable to change the encryption key settings", "Reading back the settings after the change, which was made")
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
		cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  identity = {\n    organization_id = %q\n  }\n}\n", settingsAddress, org) + keySettings())
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

// A setting that is not configured is left alone also where it has changed since the refresh that the plan is made of.
func TestAccEncryptionKeySettings_changedSinceTheRefresh(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim).InProcess()
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
	cli := acctest.NewCLI(t, sim).InProcess()
	cli.Config(keySettings("enable_cache_only_keys = true", "allow_key_derivation_opt_out = false"))
	cli.MustApply()
	cli.Config(keySettings("enable_cache_only_keys = true", "enable_replay_detection = true", "allow_key_derivation_opt_out = true", "lifecycle {\n    ignore_changes = [allow_key_derivation_opt_out]\n  }"))
	cli.MustApply()
	expectSwitches(t, sim, cli, false, true, true)
}
