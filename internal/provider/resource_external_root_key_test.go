package provider_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/querycheck"
	"github.com/hashicorp/terraform-plugin-testing/querycheck/queryfilter"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	rootKeyAddress = "salesforcebyok_external_root_key.aws"
	rootKeyID      = "48q001t5ddzbucnAAA"
	// rootKeyARN is that of an example account of AWS.
	rootKeyARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

func rootKeyBlock(status string) string {
	return fmt.Sprintf("\nresource \"salesforcebyok_external_root_key\" \"aws\" {\n  root_key_id = %q\n  desired_status "+
		"= %q\n}\n", rootKeyID, status)
}

// withRootKey makes an org with one root key of a status.
func withRootKey(status string) sfsim.Option {
	return sfsim.WithSeed(&sfsim.Seed{RootKeys: []sfsim.SeedRootKey{{
		ID: rootKeyID, Identifier: rootKeyARN,
		Description: "Root of Europe", Status: status,
	}}})
}

// allowing is a configuration whose provider block opens the lock on destruction.
func allowing(sim *sfsim.Server, body string) string {
	return acctest.ProviderBlock(sim, "allow_key_destruction = true") + body
}

// providerConfig writes a whole configuration, with a provider block of its own.
func providerConfig(cli *acctest.CLI, text string) {
	cli.Write("main.tf", "terraform {\n  required_providers {\n    salesforcebyok = { source = \""+provider.Address+
		"\" }\n  }\n}\n"+text)
}

// patches returns the changes of root keys that the org has received.
func patches(sim *sfsim.Server) []string {
	return slices.DeleteFunc(acctest.Writes(sim), func(s string) bool { return !strings.HasPrefix(s, "PATCH ") })
}

func expectPatches(t *testing.T, sim *sfsim.Server, want int) {
	t.Helper()
	if sent := patches(sim); len(sent) != want {
		t.Errorf("expected %d changes of the root key, found %v", want, sent)
	}
}

func TestAccExternalRootKey_takenOver(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(rootKeyBlock("Active"))
	cli.MustApply()
	expectState(t, cli, rootKeyAddress, map[string]any{
		"root_key_id": rootKeyID, "organization_id": sim.OrganizationID, "status": "Active",
		"root_key_identifier": rootKeyARN, "arn": rootKeyARN, "root_key_service": "AWS",
		"region": "eu-central-1", "description": "Root of Europe",
	})
	if at := cli.State(rootKeyAddress)["activated_date"]; at == nil {
		t.Error("expected activated_date")
	}
	// The short form of the id is the same key.
	cli.Config(strings.ReplaceAll(rootKeyBlock("Active"), rootKeyID, rootKeyID[:15]))
	if applied := cli.MustApply(); applied.Added+applied.Removed != 0 {
		t.Errorf("expected no replacement for the short id, found %+v", applied)
	}
	destroyed := cli.Destroy()
	if destroyed.Code != 0 {
		t.Fatal(destroyed.Output())
	}
	expectWarning(t, destroyed, "The root key will be forgotten, not changed")
	expectPatches(t, sim, 0)
}

// Inactive makes data unreadable: it needs the lock of the provider block, at plan and at apply.
func TestAccExternalRootKey_lock(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(rootKeyBlock("Inactive"))
	// on create
	expectError(t, cli.Plan(), "Making a root key Inactive is not allowed", rootKeyID, "allow_key_destruction = true",
		"Nothing was changed")
	cli.Config(rootKeyBlock("Active"))
	cli.MustApply()
	cli.Config(rootKeyBlock("Inactive"))
	expectError(t, cli.Plan(), "Making a root key Inactive is not allowed", rootKeyID) // on update

	// A status that is not known at plan meets the lock in the apply.
	cli.Config("\nresource \"terraform_data\" \"late\" {\n  input = \"Inactive\"\n}\n" +
		strings.ReplaceAll(rootKeyBlock("Inactive"), `"Inactive"`, "terraform_data.late.output"))
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges {
		t.Errorf("expected the plan to wait for the status, found\n%s", plan.Output())
	}
	expectError(t, cli.Apply(), "Making a root key Inactive is not allowed", rootKeyID)
	expectPatches(t, sim, 0)

	providerConfig(cli, allowing(sim, rootKeyBlock("Inactive")))
	expectWarning(t, cli.Plan(), "A root key will be made Inactive", rootKeyID, "can't be read from then on")
	cli.MustApply()
	expectState(t, cli, rootKeyAddress, map[string]any{"status": "Inactive", "desired_status": "Inactive"})
	expectPatches(t, sim, 1)

	// The way back needs no lock.
	cli.Config(rootKeyBlock("Active"))
	cli.MustApply()
	expectState(t, cli, rootKeyAddress, map[string]any{"status": "Active"})
	expectPatches(t, sim, 2)
}

// Drift is shown and taken back: to Active freely, to Inactive with the lock open.
func TestAccExternalRootKey_drift(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(rootKeyBlock("Active"))
	cli.MustApply()
	other := acctest.NewCLI(t, sim)
	providerConfig(other, allowing(sim, rootKeyBlock("Inactive")))
	other.MustApply()
	if plan := cli.Plan(); plan.Changed != 1 || plan.Added+plan.Removed != 0 {
		t.Errorf("expected the root key to be made Active in place, found\n%s", plan.Output())
	}
	cli.MustApply()
	expectPatches(t, sim, 2)
}

// A run that was killed after its change has left no receipt. The next one, which finds the key as
// wanted, sends nothing and leaves one.
func TestAccExternalRootKey_foundAsWanted(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	providerConfig(cli, allowing(sim, rootKeyBlock("Active")))
	cli.MustApply()
	killed := acctest.NewCLI(t, sim)
	providerConfig(killed, allowing(sim, rootKeyBlock("Inactive")))
	killed.MustApply()
	providerConfig(cli, allowing(sim, rootKeyBlock("Inactive")))
	cli.MustApply()
	expectPatches(t, sim, 1)
	r := receiptInState(t, cli, rootKeyAddress)
	if r.Operation != receipt.ChangeRootKey || r.StatusBefore != "Inactive" || r.StatusAfter != "Inactive" {
		t.Errorf("expected the receipt of what was found, found %+v", r)
	}
}

// Unavailable is what Salesforce finds, not what the org chose: there is nothing to change.
func TestAccExternalRootKey_unavailable(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Unavailable"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(rootKeyBlock("Active"))
	expectWarning(t, cli.Plan(), "The root key is not available", rootKeyID)
	cli.MustApply()
	expectWarning(t, cli.Plan(), "The root key is not available", rootKeyID)
	expectState(t, cli, rootKeyAddress, map[string]any{"status": "Unavailable"})
	expectPatches(t, sim, 0)
	// Inactive is not sent either: only Active and Inactive turn into each other.
	cli.Config(rootKeyBlock("Inactive"))
	expectWarning(t, cli.Plan(), "The root key is not available", rootKeyID)
	cli.MustApply()
	expectState(t, cli, rootKeyAddress, map[string]any{"status": "Unavailable", "desired_status": "Inactive"})
	expectPatches(t, sim, 0)
}

// From the other statuses no change is sent, on create and on update, and the plan says so.
func TestAccExternalRootKey_fixedStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"Activation Pending", "Archived", "Canceled"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, withRootKey(status))
			cli := acctest.NewCLI(t, sim)
			for _, desired := range []string{"Active", "Inactive"} {
				cli.Config(rootKeyBlock(desired))
				expectWarning(t, cli.Plan(), "The root key's status is fixed", status, "between Active and Inactive only")
				cli.MustApply()
				expectState(t, cli, rootKeyAddress, map[string]any{"status": status, "desired_status": desired})
			}
			expectPatches(t, sim, 0)
		})
	}
}

const salesforceRootKey = "6c84fb90-12c4-11e1-840d-7b25c5ee775a"

// Salesforce's own root keys have a UUID, and no ARN.
func TestAccExternalRootKey_salesforce(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{RootKeys: []sfsim.SeedRootKey{{
		ID:         rootKeyID,
		Identifier: salesforceRootKey, Service: "SF",
	}}}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(rootKeyBlock("Active"))
	cli.MustApply()
	expectState(t, cli, rootKeyAddress, map[string]any{
		"root_key_identifier": salesforceRootKey, "arn": nil,
		"root_key_service": "SF", "region": nil, "status": "Active",
	})
	providerConfig(cli, allowing(sim, rootKeyBlock("Inactive")))
	cli.MustApply()
	expectState(t, cli, rootKeyAddress, map[string]any{
		"status": "Inactive", "root_key_identifier": salesforceRootKey,
		"arn": nil,
	})
	expectPatches(t, sim, 1)
}

const rootKeySeed = "root_keys: [{identifier: '" + rootKeyARN + "', description: EU}, {identifier: " +
	salesforceRootKey + ", service: SF, status: Archived}, {identifier: 'arn:aws:kms:us-east-1:1:key/2', status: " +
	"Archived}]"

func TestAccExternalRootKeysDataSource(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, rootKeySeed))
	for filter, want := range map[string][]string{
		"":                          {rootKeyARN, salesforceRootKey, "arn:aws:kms:us-east-1:1:key/2"},
		"status = \"Archived\"":     {salesforceRootKey, "arn:aws:kms:us-east-1:1:key/2"},
		"root_key_service = \"SF\"": {salesforceRootKey},
		"root_key_service = \"aws\"\n status = \"Active\"": {rootKeyARN},
		"status = \"Canceled\"":                            {},
	} {
		cli := acctest.NewCLI(t, sim)
		cli.Config("\ndata \"salesforcebyok_external_root_keys\" \"all\" {\n" + filter + "\n}\n")
		cli.MustApply()
		state := cli.State("data.salesforcebyok_external_root_keys.all")
		list, _ := state["external_root_keys"].([]any)
		got := []string{}
		for _, entry := range list {
			key, _ := entry.(map[string]any)
			got = append(got, fmt.Sprint(key["root_key_identifier"]))
			if id := fmt.Sprint(key["root_key_id"]); !strings.HasPrefix(id, "48q") || len(id) != 18 || key["status"] == nil ||
				key["root_key_service"] == nil {
				t.Errorf("unexpected root key %v", key)
			}
			if aws := key["root_key_service"] == "AWS"; aws == (key["region"] == nil) ||
				(key["status"] == "Active") == (key["activated_date"] == nil) {
				t.Errorf("unexpected region or date in %v", key)
			}
		}
		if !slices.Equal(got, want) || state["organization_id"] != sim.OrganizationID {
			t.Errorf("%s: expected %v, found %v", filter, want, got)
		}
	}
	cli := acctest.NewCLI(t, sim)
	cli.Config("\ndata \"salesforcebyok_external_root_keys\" \"all\" {\n  status = \"active\"\n}\n")
	expectError(t, cli.Plan(), "Invalid Attribute Value Match", "Activation Pending")
	providerConfig(cli, acctest.ProviderBlock(sim, `api_version = "57.0"`)+
		"\ndata \"salesforcebyok_external_root_keys\" \"all\" {}\n")
	expectError(t, cli.Plan(), "Unable to read the external root keys", "58.0")
}

func TestAccExternalRootKeyList(t *testing.T) {
	t.Parallel()
	const address = "salesforcebyok_external_root_key."
	sim := acctest.StartSim(t, seeded(t, rootKeySeed))
	queries(t, sim, `
list "salesforcebyok_external_root_key" "all" {
  provider         = salesforcebyok
  include_resource = true
}

list "salesforcebyok_external_root_key" "own" {
  provider = salesforcebyok
  config {
    root_key_service = "SF"
    status           = "Archived"
  }
}
`, nil,
		querycheck.ExpectLength(address+"all", 3), querycheck.ExpectLength(address+"own", 1),
		querycheck.ExpectResourceKnownValues(address+"all",
			queryfilter.ByDisplayName(knownvalue.StringRegexp(regexp.MustCompile("^"+salesforceRootKey))),
			[]querycheck.KnownValueCheck{
				{Path: tfjsonpath.New("desired_status"), KnownValue: knownvalue.StringExact("Active")},
				{Path: tfjsonpath.New("status"), KnownValue: knownvalue.StringExact("Archived")},
				{Path: tfjsonpath.New("arn"), KnownValue: knownvalue.Null()},
			}),
	)
}

// A Search Index key needs an active root key of Salesforce's own: an upload without one is warned
// of at plan.
func TestAccDataEncryptionKey_rootKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed string
		warn bool
	}{
		"active": {"settings: {hyperforce: true}", false},
		"inactive": {"settings: {hyperforce: true}\nroot_keys: [{identifier: " + salesforceRootKey +
			", service: SF, status: Inactive}]", true},
		"only AWS": {"settings: {hyperforce: true, salesforce_root_key: false}\n" + "root_keys: [{identifier: '" +
			rootKeyARN + "'}]", true},
		"none at all": {"settings: {hyperforce: true, salesforce_root_key: false}", true},
		"one of three": {"settings: {hyperforce: true}\nroot_keys: [{identifier: a, service: SF, status: Archived}, " +
			"{identifier: b, service: SF}, {identifier: c, service: SF, status: Canceled}]", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seeded(t, test.seed))
			cli := newHyperforceCLI(t, sim)
			cli.Config(searchKey(trigger("a")))
			if warned := slices.Contains(cli.Plan().Summaries("warning"),
				"No active root key for Search Index keys"); warned != test.warn {
				t.Errorf("expected a warning: %t, found %t", test.warn, warned)
			}
			if applied := cli.Apply(); (applied.Code == 0) == test.warn {
				t.Errorf("expected Salesforce to refuse: %t, found\n%s", test.warn, applied.Output())
			}
		})
	}
}

// A change whose reply is lost is looked for, and not sent again.
func TestAccExternalRootKey_lostReply(t *testing.T) {
	t.Parallel()
	for drop, sent := range map[string]int{"after": 1, "before": 1} {
		t.Run(drop, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, withRootKey("Inactive"))
			arm(t, sim, sfsim.Fault{Method: "PATCH", Path: "ExternalEncryptionRootKey", Times: 1, Drop: drop})
			cli := acctest.NewCLI(t, sim)
			cli.Config(rootKeyBlock("Active"))
			if drop == "before" {
				expectError(t, cli.Apply(), "The root key did not change", rootKeyID, "reads Inactive after the change to Active")
				expectPatches(t, sim, sent)
			}
			cli.MustApply()
			if drop == "after" {
				expectPatches(t, sim, sent)
			}
			expectState(t, cli, rootKeyAddress, map[string]any{"status": "Active"})
		})
	}
}

func TestAccExternalRootKey_refused(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	for name, test := range map[string]struct{ body, summary, words string }{
		"an id of another object": {
			strings.ReplaceAll(rootKeyBlock("Active"), rootKeyID, "02G000000000001AAA"),
			"Invalid Salesforce id", "48q",
		},
		"no id": {
			strings.ReplaceAll(rootKeyBlock("Active"), rootKeyID, "root"), "Invalid Salesforce id",
			"48q",
		},
		"an unknown status": {rootKeyBlock("Unavailable"), "Invalid Attribute Value Match", "Unavailable"},
		"a key that is not there": {
			strings.ReplaceAll(rootKeyBlock("Active"), rootKeyID, "48q000000000009AAA"),
			"No such external root key", "48q000000000009AAA",
		},
	} {
		cli.Config(test.body)
		plan := cli.Plan()
		if plan.Code != acctest.PlanFailed || len(plan.Summaries("error")) != 1 ||
			!strings.Contains(plan.Output(), test.words) {
			t.Errorf("%s: expected one error of %q, found\n%s", name, test.words, plan.Output())
		}
	}
	old := acctest.NewCLI(t, sim)
	providerConfig(old, acctest.ProviderBlock(sim, `api_version = "57.0"`)+rootKeyBlock("Active"))
	expectError(t, old.Plan(), "Unable to read the external root keys", "exists from API version 58.0 on", "57.0")
	expectPatches(t, sim, 0)
}

func TestAccExternalRootKey_denied(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(rootKeyBlock("Active"))
	cli.MustApply()
	sim.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) { p.ManageEncryptionKeys = false })
	expectError(t, cli.Plan(), "Unable to read the external root keys", "Manage Encryption Keys")
	sim.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) { p.DeniedAsEmpty = true })
	expectError(t, cli.Plan(), "No such external root key", "Nothing was removed from state", "Manage Encryption Keys")
	if cli.State(rootKeyAddress) == nil {
		t.Error("expected the root key to be in state still")
	}
}

// An import changes no status: what is found is what is wanted until the configuration says
// otherwise.
func TestAccExternalRootKey_import(t *testing.T) {
	t.Parallel()
	for found, desired := range map[string]string{"Active": "Active", "Inactive": "Inactive", "Unavailable": "Active"} {
		t.Run(found, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, withRootKey(found))
			for _, id := range []string{rootKeyID, rootKeyID[:15]} {
				cli := acctest.NewCLI(t, sim)
				cli.Config(rootKeyBlock(desired))
				if imported := cli.Run("import", "-input=false", rootKeyAddress, id); imported.Code != 0 {
					t.Fatal(imported.Output())
				}
				cli.MustBeEmpty()
				expectState(t, cli, rootKeyAddress, map[string]any{
					"root_key_id": rootKeyID, "desired_status": desired,
					"status": found,
				})
			}
			expectPatches(t, sim, 0)
		})
	}
}

func TestAccExternalRootKey_importRefused(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	for id, words := range map[string]string{
		"root":               "Expected the id (48q…)",
		"48q000000000009AAA": "shows no external root key",
	} {
		cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", rootKeyAddress, id) + rootKeyBlock("Active"))
		if plan := cli.Plan(); plan.Code != acctest.PlanFailed || !strings.Contains(plan.Output(), words) {
			t.Errorf("%s: expected a refusal with %q, found\n%s", id, words, plan.Output())
		}
	}
}

func TestAccExternalRootKey_importByIdentity(t *testing.T) {
	t.Parallel()
	if acctest.OpenTofu() || acctest.Below(t, 1, 12) {
		t.Skip("import by identity needs Terraform 1.12")
	}
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	identity := func(org string) string {
		return fmt.Sprintf("\nimport {\n  to = %s\n  identity = {\n    organization_id = %q\n    root_key_id = %q\n  }\n}\n",
			rootKeyAddress, org, rootKeyID) + rootKeyBlock("Active")
	}
	cli.Config(identity("00DWt0000000009MAA"))
	expectError(t, cli.Plan(), "This key belongs to another org", sim.OrganizationID)
	cli.Config(identity(sim.OrganizationID))
	cli.MustApply()
	expectPatches(t, sim, 0)
}

func TestAccExternalRootKey_anotherOrg(t *testing.T) {
	t.Parallel()
	cli := acctest.NewCLI(t, acctest.StartSim(t, withRootKey("Inactive")))
	cli.Config(rootKeyBlock("Active"))
	cli.MustApply()
	moved, sim := moveState(t, cli)
	providerConfig(moved, allowing(sim, rootKeyBlock("Inactive")))
	expectError(t, moved.Plan(), "This key belongs to another org", sim.OrganizationID)
	expectError(t, moved.Apply("-refresh=false"), "This key belongs to another org")
	expectPatches(t, sim, 0)
}

// A root key that somebody makes Active between plan and apply is not made Inactive by an apply
// whose plan leaves it as it is.
func TestAccExternalRootKey_changedSinceThePlan(t *testing.T) {
	t.Parallel()
	for name, managed := range map[string]bool{"create": false, "update": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, withRootKey("Inactive"))
			cli := acctest.NewCLI(t, sim)
			body := allowing(sim, rootKeyBlock("Inactive"))
			if managed {
				providerConfig(cli, body)
				cli.MustApply()
				body = strings.ReplaceAll(body, rootKeyID, rootKeyID[:15])
			}
			providerConfig(cli, body)
			if plan := cli.Plan("-out=plan"); plan.Code != acctest.PlanChanges ||
				plan.Has("warning", "A root key will be made Inactive") {
				t.Fatal(plan.Output())
			}
			other := acctest.NewCLI(t, sim)
			other.Config(rootKeyBlock("Active"))
			other.MustApply()
			applied := cli.Run("apply", "-json", "-input=false", "plan")
			if applied.Code == 0 || !applied.Has("error", "The org has moved on since the plan", rootKeyID,
				"Nothing was sent") &&
				!slices.Contains(applied.Summaries("error"), "Provider produced inconsistent final plan") {
				t.Errorf("expected the apply to be refused, found\n%s", applied.Output())
			}
			expectPatches(t, sim, 1)
		})
	}
}

// What has changed since the refresh that the plan is made of is for the next plan to show.
func TestAccExternalRootKey_changedSinceTheRefresh(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withRootKey("Active"))
	cli := acctest.NewCLI(t, sim)
	cli.Config(rootKeyBlock("Active"))
	cli.MustApply()
	before := cli.State(rootKeyAddress)["activated_date"]
	other := acctest.NewCLI(t, sim)
	for _, status := range []string{"Inactive", "Active"} {
		sim.Clock.Advance(time.Hour)
		providerConfig(other, allowing(sim, rootKeyBlock(status)))
		other.MustApply()
	}
	cli.Config(strings.ReplaceAll(rootKeyBlock("Active"), rootKeyID, rootKeyID[:15]))
	if applied := cli.Apply("-refresh=false"); applied.Code != 0 || applied.Changed != 1 {
		t.Errorf("expected the id to be written down, found\n%s", applied.Output())
	}
	expectState(t, cli, rootKeyAddress, map[string]any{"root_key_id": rootKeyID[:15], "activated_date": before})
	cli.MustBeEmpty()
	expectPatches(t, sim, 2)
}
