package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const dataKeyAddress = "salesforcebyok_data_encryption_key.search"

// Operations of the simulator's journal on data encryption keys.
const opDataKey = "DataEncryptionKey.create"

// searchKey renders a Search Index key, with lines as its body.
func searchKey(lines ...string) string {
	return "\nresource \"salesforcebyok_data_encryption_key\" \"search\" {\n  " + strings.Join(lines, "\n  ") + "\n}\n"
}

// hyperforceCLI is a runner whose provider block says API 63.
type hyperforceCLI struct {
	*acctest.CLI

	sim *sfsim.Server
}

func newHyperforceCLI(t *testing.T, sim *sfsim.Server) *hyperforceCLI {
	t.Helper()

	return &hyperforceCLI{CLI: acctest.NewCLI(t, sim), sim: sim}
}

// Config makes body the configuration, below the provider block.
func (c *hyperforceCLI) Config(body string) {
	providerConfig(c.CLI, acctest.ProviderBlock(c.sim, `api_version = "63.0"`)+body)
}

// hyperforceRun is an org on Hyperforce and a runner.
func hyperforceRun(t *testing.T) (*hyperforceCLI, *sfsim.Server) {
	t.Helper()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.Hyperforce = true
	}))

	return newHyperforceCLI(t, sim), sim
}

// uploadedKey is the material that the org has for the key in state.
func uploadedKey(t *testing.T, cli *hyperforceCLI, sim *sfsim.Server) acctest.Material {
	t.Helper()
	id, _ := cli.State(dataKeyAddress)["data_encryption_key_id"].(string)
	material := sim.DataEncryptionKeyMaterial(id)
	if len(material) != 32 {
		t.Fatalf("the org has no key %q", id)
	}

	return material
}

func TestAccDataEncryptionKey_generated(t *testing.T) {
	t.Parallel()
	cli, sim := hyperforceRun(t)
	identity := ageIdentity
	escrow := filepath.Join(cli.Dir, "escrow")
	body := fmt.Sprintf("escrow = {\n    age_recipients = [%q]\n    directory = %q\n  }", identity.Recipient(), escrow)
	cli.Config(searchKey(body, "rotate_after_days = 30"))
	cli.MustApply()
	material := uploadedKey(t, cli, sim)
	state := cli.State(dataKeyAddress)
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{
		"type": "SearchIndex", "status": "ACTIVE", "version": 1, "organization_id": sim.OrganizationID,
		"secret_value_hash": material.Hash(), "deletion_policy": "ABANDON",
	})
	armored, _ := state["escrow_ciphertext"].(string)
	if copied := openEscrow(t, armored, identity); string(copied) != string(material) {
		t.Error("expected the escrow copy to hold the key of the org")
	}
	created, err := time.Parse(time.RFC3339, fmt.Sprint(state["created_date"]))
	if err != nil || state["rotation_due_date"] != created.AddDate(0, 0, 30).Format(time.RFC3339) ||
		state["next_rotation_allowed_date"] != created.Add(time.Hour).Format(time.RFC3339) {
		t.Errorf("unexpected dates in %v (%v)", state, err)
	}
	var receipt map[string]any
	if err := json.Unmarshal([]byte(fmt.Sprint(state["receipt"])), &receipt); err != nil ||
		receipt["outcome"] != "uploaded" || receipt["wrapping_algorithm"] != "RSA_AES_KEY_WRAP_SHA512" {
		t.Errorf("unexpected receipt %v (%v)", state["receipt"], err)
	}
	expectCount(t, sim, opDataKey, 2)
	if n := len(sim.Certificates()); n != 2 {
		t.Errorf("expected the session's certificate to be gone, found %d certificates", n)
	}

	// By age, by trigger.
	sim.Clock.Advance(31 * 24 * time.Hour)
	plan := cli.Plan()
	expectWarning(t, plan, "The Search Index key will be rotated", "(version 1) is in use now. Salesforce archives it")
	if plan.Changed != 1 || plan.Added+plan.Removed != 0 {
		t.Errorf("expected a rotation in place, found\n%s", plan.Output())
	}
	cli.MustApply()
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{"version": 2})
	if second := uploadedKey(t, cli, sim); string(second) == string(material) {
		t.Error("expected other material")
	}
	sim.Clock.Advance(2 * time.Hour)
	cli.Config(searchKey(body, trigger("b")))
	cli.MustApply()
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{"version": 3, "rotation_due_date": nil})
	expectCount(t, sim, opDataKey, 6)

	destroyed := cli.Destroy()
	if destroyed.Code != 0 {
		t.Fatal(destroyed.Output())
	}
	expectWarning(t, destroyed, "The key will be forgotten, not destroyed", "stays in use")
	expectCount(t, sim, opDataKey, 6)
}

// TestAccDataEncryptionKey_shapes makes and rotates a key under each of the answers that documents
// give, in each spelling of Type.
func TestAccDataEncryptionKey_shapes(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]func(*sfsim.Settings){
		"Search Index, query reply": func(s *sfsim.Settings) {
			s.DataEncryptionKeyType, s.DataEncryptionKeyReply = "Search Index", "query"
		},
		"SearchIndex, no Description": func(s *sfsim.Settings) {
			s.DataEncryptionKeyType, s.DataEncryptionKeyWithout = "SearchIndex", "Description"
		},
		"no root keys' fields, query reply": func(s *sfsim.Settings) {
			s.DataEncryptionKeyReply, s.DataEncryptionKeyWithout = "query",
				"RootKeyIdentifier,RootKeyKmsIdentifier,DoesUseKeyDerivation"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
				s.Hyperforce = true
				shape(s)
			}))
			cli := newHyperforceCLI(t, sim)
			cli.Config(searchKey(trigger("a")))
			cli.MustApply()
			material := uploadedKey(t, cli, sim)
			expectState(t, cli.CLI, dataKeyAddress, map[string]any{
				"type": "SearchIndex", "status": "ACTIVE", "version": 1,
				"secret_value_hash": material.Hash(),
			})
			cli.MustBeEmpty()
			sim.Clock.Advance(2 * time.Hour)
			cli.Config(searchKey(trigger("b")))
			cli.MustApply()
			expectState(t, cli.CLI, dataKeyAddress, map[string]any{
				"version":           2,
				"secret_value_hash": uploadedKey(t, cli, sim).Hash(),
			})
			expectCount(t, sim, opDataKey, 4)
		})
	}
}

func TestAccDataEncryptionKey_given(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	cli, sim := hyperforceRun(t)
	material := acctest.NewMaterial()
	given, variable := givenMaterial(material, "1")
	cli.Config(variable + searchKey(given))
	cli.MustApply()
	if sent := uploadedKey(t, cli, sim); string(sent) != string(material) {
		t.Error("expected the given key in the org")
	}
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{
		"secret_value_hash": material.Hash(), "key_material_wo": nil,
		"escrow_ciphertext": nil,
	})

	// The same material again is refused in Salesforce's words, and the key in use stays.
	sim.Clock.Advance(2 * time.Hour)
	again, _ := givenMaterial(material, "2")
	cli.Config(variable + searchKey(again))
	expectError(t, cli.Apply(), "Salesforce refused the new Search Index key", "does not have it", "stay in the org")
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{"version": 1, "key_material_wo_version": "1"})

	// The session that the refused upload opened serves the next try.
	other := acctest.NewMaterial()
	_, variable = givenMaterial(other, "2")
	cli.Config(variable + searchKey(again))
	cli.MustApply()
	if sent := uploadedKey(t, cli, sim); string(sent) != string(other) {
		t.Error("expected the other key in the org")
	}
	expectCount(t, sim, opDataKey, 5)
}

// Each step may lose its reply; there is one new key in the end, and it is in state.
func TestAccDataEncryptionKey_lostReplies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		nth   int
		drop  string
		fails bool
	}{
		"first step done": {1, "after", false}, "first step not done": {1, "before", true},
		"second step done": {2, "after", false}, "second step not done": {2, "before", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli, sim := hyperforceRun(t)
			arm(t, sim, sfsim.Fault{Method: "POST", Path: "DataEncryptionKey", Nth: test.nth, Drop: test.drop})
			cli.Config(searchKey())
			if applied := cli.Apply(); (applied.Code != 0) != test.fails {
				t.Fatalf("expected the first apply to fail: %v, found\n%s", test.fails, applied.Output())
			}
			cli.MustApply()
			expectState(t, cli.CLI, dataKeyAddress, map[string]any{
				"version": 1, "status": "ACTIVE",
				"secret_value_hash": uploadedKey(t, cli, sim).Hash(),
			})
			expectCount(t, sim, opDataKey, 2) // a request that was dropped before the work names no operation
		})
	}
}

// An interrupted rotation in an org without Description, whose clock is another than ours: the key
// in use, however young, is not taken for the one that was not made, and one that was made is not
// made twice.
func TestAccDataEncryptionKey_interruptedWithoutDescription(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{
		"ahead": 400 * 24 * time.Hour, "behind": -400 * 24 * time.Hour,
		"alike": 0,
	} {
		for _, drop := range []string{"before", "after"} {
			t.Run(name+", "+drop, func(t *testing.T) {
				t.Parallel()
				sim := acctest.StartSim(t, sfsim.WithTime(time.Now().Add(at)), sfsim.WithoutIntervals(),
					sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
						s.Hyperforce, s.DataEncryptionKeyWithout = true, "Description"
					}))
				cli := newHyperforceCLI(t, sim)
				cli.Config(searchKey(trigger("a")))
				cli.MustApply()
				first := uploadedKey(t, cli, sim)
				// The second step of the rotation gets no answer, and nothing can be read then.
				arm(t, sim, sfsim.Fault{Method: "POST", Path: "DataEncryptionKey", Nth: 2, Drop: drop})
				cli.Config(searchKey(trigger("b")))
				plan := cli.Plan("-out=saved.tfplan")
				if plan.Code != acctest.PlanChanges {
					t.Fatal(plan.Output())
				}
				arm(t, sim, sfsim.Fault{
					Method: "GET", Query: "FROM DataEncryptionKey", Nth: 4, Times: 100, Status: http.StatusBadRequest,
					ErrorCode: "SIMULATED_OUTAGE",
				})
				if applied := cli.Run("apply", "-json", "-input=false", "saved.tfplan"); applied.Code == 0 {
					t.Fatalf("expected the rotation to be interrupted, found\n%s", applied.Output())
				}
				sim.ClearFaults()
				cli.MustApply()
				second := uploadedKey(t, cli, sim)
				if string(second) == string(first) {
					t.Error("the key in use before was taken for the new one")
				}
				expectState(t, cli.CLI, dataKeyAddress, map[string]any{
					"version": 2, "status": "ACTIVE", "secret_value_hash": second.Hash(),
				})
				// Two steps of each key: a request that was dropped before the work names no operation.
				expectCount(t, sim, opDataKey, 4)
			})
		}
	}
}

// More keys than FIELDS(ALL) would give are read, and the newest is found among them.
func TestAccDataEncryptionKey_manyVersions(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, "settings: {hyperforce: true}\ndata_encryption_keys: [{count: 2300}, {created: "+
		"-2h}]"))
	cli := newHyperforceCLI(t, sim)
	cli.Config("\nimport {\n  to = " + dataKeyAddress + "\n  id = \"SearchIndex\"\n}\n" + searchKey())
	cli.MustApply()
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{"version": 2301, "status": "ACTIVE"})
	cli.Config(searchKey(trigger("b")))
	cli.MustApply()
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{
		"version": 2302, "secret_value_hash": uploadedKey(t, cli, sim).Hash(),
	})
	expectCount(t, sim, opDataKey, 2)
}

func TestAccDataEncryptionKey_refused(t *testing.T) {
	t.Parallel()
	t.Run("an old API version", func(t *testing.T) {
		t.Parallel()
		cli, sim := hyperforceRun(t)
		cli.CLI.Config(searchKey())
		expectError(t, cli.Plan(), "This object needs a newer API version", "63.0", "salesforcebyok_tenant_secret")
		expectCount(t, sim, opDataKey, 0)
	})
	t.Run("no root key", func(t *testing.T) {
		t.Parallel()
		cli, sim := hyperforceRun(t)
		sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.SalesforceRootKey = false })
		cli.Config(searchKey())
		expectError(t, cli.Apply(), "Salesforce refused the new Search Index key",
			"A Search Index key needs an active Salesforce root key")
	})
	t.Run("refused with its session open", func(t *testing.T) {
		t.Parallel()
		cli, sim := hyperforceRun(t)
		arm(t, sim, sfsim.Fault{
			Method: "POST", Path: "DataEncryptionKey", Nth: 2, Status: http.StatusBadRequest,
			ErrorCode: "FIELD_INTEGRITY_EXCEPTION",
		})
		cli.Config(searchKey())
		refused := cli.Apply()
		expectError(t, refused, "Salesforce refused the new Search Index key", "does not have it",
			"stay in the org until a key is made")
		if strings.Contains(refused.Output(), "Nothing was changed") {
			t.Error("a session was opened: something was changed")
		}
	})
	t.Run("too early", func(t *testing.T) {
		t.Parallel()
		cli, _ := hyperforceRun(t)
		cli.Config(searchKey())
		cli.MustApply()
		cli.Config(searchKey(trigger("b")))
		expectError(t, cli.Apply(), "Salesforce refused the new Search Index key",
			"The next Search Index key can be created at", "one hour between two keys of this type")
		cli.Config(searchKey())
		cli.MustBeEmpty()
	})
	t.Run("another org", func(t *testing.T) {
		t.Parallel()
		cli, _ := hyperforceRun(t)
		cli.Config(searchKey())
		cli.MustApply()
		plain, sim := moveState(t, cli.CLI)
		moved := &hyperforceCLI{CLI: plain, sim: sim}
		moved.Config(searchKey(trigger("b")))
		expectError(t, moved.Plan(), "This key belongs to another org", sim.OrganizationID)
		expectError(t, moved.Apply("-refresh=false"), "This key belongs to another org")
		expectCount(t, sim, opDataKey, 0)
	})
	t.Run("not on Hyperforce", func(t *testing.T) {
		t.Parallel()
		cli, sim := hyperforceRun(t)
		sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.Hyperforce = false })
		cli.Config(searchKey())
		expectError(t, cli.Apply(), "Unable to upload the Search Index key", "DataEncryptionKey")
		expectCount(t, sim, opDataKey, 0)
	})
	t.Run("weak material", func(t *testing.T) {
		t.Parallel()
		skipBelowWriteOnly(t)
		cli, sim := hyperforceRun(t)
		line, variable := givenMaterial(acctest.Material(strings.Repeat("0123456789abcdef", 2)), "1")
		cli.Config(variable + searchKey(line))
		expectError(t, cli.Plan(), "Key material is weak", "repeats every 16 bytes")
		expectError(t, cli.Apply(), "Key material is weak")
		expectCount(t, sim, opDataKey, 0)
	})
	t.Run("configurations", func(t *testing.T) {
		t.Parallel()
		skipBelowWriteOnly(t)
		cli, sim := hyperforceRun(t)
		given, variable := givenMaterial(acctest.NewMaterial(), "1")
		withoutVersion, _, _ := strings.Cut(given, "\n")
		for name, body := range map[string]string{
			"a type":               searchKey(`type = "Data"`),
			"no version":           variable + searchKey(withoutVersion),
			"a version alone":      searchKey(`key_material_wo_version = "1"`),
			"no age":               searchKey("rotate_after_days = 0"),
			"a policy":             searchKey(`deletion_policy = "DESTROY"`),
			"a broken recipient":   searchKey("escrow = {\n    age_recipients = [\"age1\"]\n  }"),
			"a computed attribute": searchKey(`status = "ACTIVE"`),
		} {
			cli.Config(body)
			if plan := cli.Plan(); plan.Code != acctest.PlanFailed || len(plan.Summaries("error")) == 0 {
				t.Errorf("%s: expected a refusal at plan, found\n%s", name, plan.Output())
			}
		}
		expectCount(t, sim, opDataKey, 0)
	})
}

func TestAccDataEncryptionKey_prevented(t *testing.T) {
	t.Parallel()
	cli, _ := hyperforceRun(t)
	cli.Config(searchKey(`deletion_policy = "PREVENT"`))
	expectWarning(t, cli.Plan(), "The key will be generated without escrow")
	cli.MustApply()
	cli.Config("")
	expectError(t, cli.Apply(), "Destroying this resource is prevented", `"ABANDON"`)
	cli.Config(searchKey())
	cli.MustApply()
	if destroyed := cli.Destroy(); destroyed.Code != 0 {
		t.Fatal(destroyed.Output())
	}
}

// A key that somebody else uploads is drift: it is shown, and taken back by a rotation.
func TestAccDataEncryptionKey_drift(t *testing.T) {
	t.Parallel()
	cli, sim := hyperforceRun(t)
	cli.Config(searchKey())
	cli.MustApply()
	sim.Clock.Advance(2 * time.Hour)
	other := newHyperforceCLI(t, sim)
	other.Config(searchKey(trigger("theirs")))
	expectWarning(t, other.Plan(), "An existing key will be archived", "version 1", "terraform import "+
		"salesforcebyok_data_encryption_key.<name> SearchIndex")
	other.MustApply()
	sim.Clock.Advance(2 * time.Hour)
	expectWarning(t, cli.Plan(), "The Search Index key will be rotated",
		"(version 2) is in use now. Salesforce archives it")
	cli.MustApply()
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{
		"version":           3,
		"secret_value_hash": uploadedKey(t, cli, sim).Hash(),
	})
	expectCount(t, sim, opDataKey, 6)
}

// A state that was lost is no second key if the escrow directory knows the attempt: a marker alone,
// which anyone can write, proves nothing of a key whose hash Salesforce does not keep.
func TestAccDataEncryptionKey_stateLost(t *testing.T) {
	t.Parallel()
	cli, sim := hyperforceRun(t)
	escrow := escrowIn(cli.CLI)
	cli.Config(searchKey(escrow))
	cli.MustApply()
	fresh := newHyperforceCLI(t, sim)
	fresh.Config(searchKey())
	expectWarning(t, fresh.Plan(), "A record carries this rotation's mark", "version 1", "nothing proves that it is ours",
		"terraform import")
	fresh.Config(searchKey(escrow))
	expectWarning(t, fresh.Plan(), "An existing key will be adopted", "version 1", "Nothing will be uploaded")
	fresh.MustApply()
	before := cli.State(dataKeyAddress)
	expectState(t, fresh.CLI, dataKeyAddress, map[string]any{
		"version": 1, "data_encryption_key_id": before["data_encryption_key_id"],
		"secret_value_hash": before["secret_value_hash"], "escrow_ciphertext": before["escrow_ciphertext"],
	})
	expectCount(t, sim, opDataKey, 2)
}

func TestAccDataEncryptionKey_import(t *testing.T) {
	t.Parallel()
	maker, sim := hyperforceRun(t)
	maker.Config(searchKey(trigger("a")))
	maker.MustApply()
	t.Run("command", func(t *testing.T) {
		t.Parallel()
		cli := newHyperforceCLI(t, sim)
		cli.Config(searchKey(trigger("x"), "rotate_after_days = 4000"))
		if imported := cli.Run("import", "-input=false", dataKeyAddress, "SearchIndex"); imported.Code != 0 {
			t.Fatal(imported.Output())
		}
		plan := cli.Plan()
		if plan.Changed != 1 || plan.Added+plan.Removed != 0 || plan.Has("warning", rotates) ||
			plan.Has("warning", "The Search Index key will be rotated") {
			t.Errorf("expected the import to be written down, and no rotation, found\n%s", plan.Output())
		}
		cli.MustApply()
		if receipt := fmt.Sprint(cli.State(dataKeyAddress)["receipt"]); !strings.Contains(receipt, `"outcome":"imported"`) {
			t.Errorf("expected a receipt of the import, found %s", receipt)
		}
	})
	t.Run("block", func(t *testing.T) {
		t.Parallel()
		cli := newHyperforceCLI(t, sim)
		cli.Config("\nimport {\n  to = " + dataKeyAddress + "\n  id = \"SearchIndex\"\n}\n" + searchKey())
		cli.MustApply()
		expectState(t, cli.CLI, dataKeyAddress, map[string]any{"version": 1, "status": "ACTIVE"})
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		cli := newHyperforceCLI(t, sim)
		cli.Config("\nimport {\n  to = " + dataKeyAddress + "\n  id = \"Data\"\n}\n" + searchKey())
		expectError(t, cli.Plan(), "No ACTIVE data encryption key of this type", `"Data"`, "types in use: SearchIndex")
	})
	t.Run("identity", func(t *testing.T) {
		t.Parallel()
		if acctest.OpenTofu() || acctest.Below(t, 1, 12) {
			t.Skip("import by identity needs Terraform 1.12")
		}
		cli := newHyperforceCLI(t, sim)
		for _, org := range []string{"00DWt0000000009MAA", sim.OrganizationID} {
			cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  identity = {\n    organization_id = %q\n    type = "+
				"\"SearchIndex\"\n  }\n}\n", dataKeyAddress, org) + searchKey())
			if org != sim.OrganizationID {
				expectError(t, cli.Plan(), "This key belongs to another org", sim.OrganizationID)
			}
		}
		cli.MustApply()
	})
	t.Run("nothing there", func(t *testing.T) {
		t.Parallel()
		cli, _ := hyperforceRun(t)
		cli.Config("\nimport {\n  to = " + dataKeyAddress + "\n  id = \"SearchIndex\"\n}\n" + searchKey())
		expectError(t, cli.Plan(), "No ACTIVE data encryption key of this type", "Nothing was removed from state")
	})
}

// A key that was accepted and could not be read back is the one that becomes Active: it is
// not taken for somebody else's.
func TestAccDataEncryptionKey_notReadBack(t *testing.T) {
	t.Parallel()
	cli, sim := hyperforceRun(t)
	// The first four lists are those of the two plans and before the upload.
	arm(t, sim, sfsim.Fault{
		Method: http.MethodGet, Query: "FROM DataEncryptionKey", Nth: 5, Times: 100,
		Status: http.StatusBadRequest, ErrorCode: "SIMULATED_OUTAGE",
	})
	cli.Config(searchKey())
	expectWarning(t, cli.Apply(), "The new key could not be read back", "The key is in use")
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{"version": nil})
	sim.ClearFaults()

	sim.Clock.Advance(2 * time.Hour) // the interval would let a second key through
	cli.MustBeEmpty()
	cli.Config(searchKey("rotate_after_days = 30"))
	cli.MustApply()
	expectState(t, cli.CLI, dataKeyAddress, map[string]any{"version": 1, "status": "ACTIVE"})
	expectCount(t, sim, opDataKey, 2)
}

// A changed escrow applies from the next upload, and the plan warns; while a rotation is
// undecided, the copy in state is kept.
func TestAccDataEncryptionKey_escrowAppliesFromNextUpload(t *testing.T) {
	t.Parallel()
	cli, sim := hyperforceRun(t)
	line, source := lateTrigger("a", "1")
	cli.Config(source + searchKey(line, fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient)))
	cli.MustApply()
	before := cli.State(dataKeyAddress)["escrow_ciphertext"]

	line, source = lateTrigger("a", "2")
	cli.Config(source + searchKey(line))
	applied := cli.MustApply()
	expectWarning(t, applied, "Escrow applies from the next upload")
	if after := cli.State(dataKeyAddress)["escrow_ciphertext"]; after != before || after == nil {
		t.Errorf("expected the escrow copy of the key to be kept, found %v", after)
	}
	expectCount(t, sim, opDataKey, 2)
}

// Salesforce makes the wrapping certificate of a data encryption key. The first apply stops before
// anything is escrowed or sent, and names it; the next one finds it again, by its pin.
func TestAccDataEncryptionKey_pins(t *testing.T) {
	t.Parallel()
	cli, sim := hyperforceRun(t)
	pin := func(fingerprint string) string { return fmt.Sprintf("certificate_pins = [%q]", fingerprint) }
	const summary = "The wrapping certificate is not pinned"
	cli.Config(searchKey(pin(strings.Repeat("ab", 32)), escrowIn(cli.CLI)))
	var found string
	for range 2 {
		applied := cli.Apply()
		if applied.Code == 0 || !applied.Has("error", summary, "No key was sent") {
			t.Fatalf("expected the certificate to be refused, found\n%s", applied.Output())
		}
		named := regexp.MustCompile(`[0-9a-f]{64}\.`).FindString(applied.Output())
		if found != "" && named != found {
			t.Errorf("expected the certificate to stay, found %s after %s", named, found)
		}
		found = named
	}
	if copies := escrowCopies(t, cli.CLI); len(copies) != 0 || cli.State(dataKeyAddress) != nil {
		t.Errorf("expected neither a copy nor a state, found %v, %v", copies, cli.State(dataKeyAddress))
	}
	// The request for the certificate, and no key.
	expectCount(t, sim, opDataKey, 1)
	cli.Config(searchKey(pin(strings.TrimSuffix(found, ".")), escrowIn(cli.CLI)))
	cli.MustApply()
	r := receiptInState(t, cli.CLI, dataKeyAddress)
	if r.PinsHeld == nil || *r.PinsHeld != receipt.PinsHeld || r.Certificate.SHA256+"." != found {
		t.Errorf("expected the receipt to say that the pin held, found %+v", r)
	}
	expectCount(t, sim, opDataKey, 2)
}
