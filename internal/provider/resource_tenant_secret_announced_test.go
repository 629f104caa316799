package provider_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	rotates = "A key will be rotated"
	adopts  = "An existing key will be adopted"
)

// escrowInState is escrow to the state alone.
func escrowInState() string { return fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient) }

// After a run that was cut off behind its POST, the plan announces the adoption of its key, by id
// and version, and no rotation.
func TestAccTenantSecret_planOfAnAdoption(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ rotation, directory, other bool }{
		"create": {false, true, false}, "create, no directory": {false, false, false}, "rotation": {true, true, false},
		"rotation, no directory":       {true, false, false},
		"a marker of another rotation": {true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			escrow := escrowInState()
			if test.directory {
				escrow = escrowIn(cli)
			}
			posts := 1
			if test.rotation {
				cli.Config(dataKey(trigger("a"), escrow))
				cli.MustApply()
				posts = 2
			}
			arm(t, sim, lostReply, outOfReach)
			cli.Config(dataKey(trigger("b"), escrow))
			if failed := cli.Apply(); failed.Code == 0 {
				t.Fatal("expected the apply to be cut off")
			}
			sim.ClearFaults()
			uploads(t, sim, posts, posts)
			if test.other {
				cli.Config(dataKey(trigger("c"), escrow))
			}
			plan, change := planned(t, cli, tenantSecretAddress)
			after := change.After
			key := acctest.ActiveKey(t, sim, "Data")
			if test.other {
				if plan.Has("warning", adopts) || after["tenant_secret_id"] != nil ||
					!plan.Has("warning", "The Data key will be rotated", "rotation_triggers changed,", key.ID) {
					t.Errorf("expected a rotation, found %v", plan.Diagnostics)
				}

				return
			}
			if plan.Has("warning", rotates) || plan.Has("warning", "The Data key will be rotated") ||
				plan.Has("warning", "An existing key will be archived") ||
				!plan.Has("warning", adopts, key.ID, "Nothing will be uploaded") {
				t.Errorf("expected the plan to announce an adoption and nothing else, found %v", plan.Diagnostics)
			}
			if after["tenant_secret_id"] != key.ID || after["version"] != float64(key.Version) {
				t.Errorf("expected the plan to show %s, version %d, found %v, %v", key.ID, key.Version, after["tenant_secret_id"],
					after["version"])
			}
			if applied := applySaved(cli); applied.Code != 0 || applied.Has("warning",
				"No escrow copy of the adopted key") == test.directory {
				t.Errorf("expected an adoption, and a word of the escrow copy only if it is lost, found %v", applied.Diagnostics)
			}
			uploads(t, sim, posts, posts)
		})
	}
}

// The state keeps the escrow copy of a key that it adopts again: nothing says that Salesforce holds
// the only one.
func TestAccTenantSecret_adoptionOfWhatTheStateHolds(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(trigger("a"), escrowInState()))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)
	cli.Config(dataKey(trigger("b"), escrowInState(), fmt.Sprintf("secret_value_hash = %q", before["secret_value_hash"])))
	applied := cli.MustApply()
	if applied.Has("warning", "No escrow copy of the adopted key") || !applied.Has("warning", adopts) {
		t.Errorf("expected no word of a lost copy, found %v", applied.Diagnostics)
	}
	expectState(t, cli, tenantSecretAddress, map[string]any{"escrow_ciphertext": before["escrow_ciphertext"]})
	// Without the state it is lost.
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	expectWarning(t, cli.MustApply(), "No escrow copy of the adopted key", "escrow has no directory")
	uploads(t, sim, 1, 1)
}

// An input that is known only during the apply is named, with what may come of it: of a key in
// state and of a new one.
func TestAccTenantSecret_undecidedInputsAreNamed(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	line, variable := givenMaterial(acctest.NewMaterial(), "1")
	late := func(value string) string {
		return variable + fmt.Sprintf("\nresource \"terraform_data\" \"late\" {\n  input = %q\n}\n", value)
	}
	const output = "terraform_data.late.output"
	cli.Config(variable + dataKey(line))
	cli.MustApply()
	for input, test := range map[string]struct {
		value string
		lines []string
	}{
		"source":                  {"HSM", []string{"source = " + output}},
		"key_derivation_mode":     {"NONE", []string{"key_derivation_mode = " + output, line}},
		"key_material_wo_version": {"2", []string{"key_material_wo = var.material", "key_material_wo_version = " + output}},
		"rotate_after_days":       {"30", []string{"rotate_after_days = " + output, line}},
		"rotation_triggers":       {"x", []string{"rotation_triggers = { key = " + output + " }", line}},
		"secret_value_hash":       {acctest.NewMaterial().Hash(), []string{"secret_value_hash = " + output, line}},
		"no input of a key":       {"a text", []string{"description = " + output, line}},
	} {
		body := late(test.value) + tenantSecret(append(test.lines, `type = "Data"`, `certificate = "Sim_BYOK"`)...)
		other := acctest.NewCLI(t, sim)
		other.Config(body)
		cli.Config(body)
		asks := !strings.HasPrefix(input, "no ")
		if plan := cli.Plan(); plan.Code != acctest.PlanChanges ||
			plan.Has("warning", "The key may be rotated", input, "known only during the apply") != asks {
			t.Errorf("%s: found exit code %d, %v", input, plan.Code, plan.Diagnostics)
		}
		key := acctest.ActiveKey(t, sim, "Data")
		if plan := other.Plan(); plan.Code != acctest.PlanChanges ||
			plan.Has("warning", "An existing key may be archived", key.ID, input, "known only during the apply") != asks {
			t.Errorf("%s, new: found exit code %d, %v", input, plan.Code, plan.Diagnostics)
		}
	}
	uploads(t, sim, 1, 1)
}

// What asks for a new key is named in the plan, and alone.
func TestAccTenantSecret_changedInputsAreNamed(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t, sfsim.WithoutIntervals(), sfsim.WithConfiguration(func(s *sfsim.Settings,
		_ *sfsim.Permissions,
	) {
		s.CanOptOutOfDerivationWithBYOK = true
	}))
	cli := acctest.NewCLI(t, sim)
	line, variable := givenMaterial(acctest.NewMaterial(), "1")
	cli.Config(variable + dataKey(line, trigger("a")))
	cli.MustApply()
	const none = `key_derivation_mode = "NONE"`
	next, nextVariable := givenMaterial(acctest.NewMaterial(), "2")
	inputs := []string{
		"source", "key_derivation_mode", "key_material_wo_version", "rotation_triggers",
		"remote_key_identifier",
	}
	for want, body := range map[string]string{
		"rotation_triggers":                      variable + dataKey(line, trigger("b")),
		"rotation_triggers, again":               variable + dataKey(line),
		"key_material_wo_version":                nextVariable + dataKey(next, trigger("a")),
		"key_derivation_mode, rotation_triggers": variable + dataKey(line, trigger("b"), none),
		"source, key_material_wo_version":        tenantSecret(`type = "Data"`, `source = "HSM"`, trigger("a")),
	} {
		cli.Config(body)
		plan := cli.Plan()
		i := slices.IndexFunc(plan.Diagnostics, func(d acctest.Diagnostic) bool { return d.Summary == rotates })
		if i < 0 {
			// The material of the key in use is refused for another one.
			if !plan.Has("error", "This key material was used before") {
				t.Errorf("%s: found exit code %d, %v", want, plan.Code, plan.Diagnostics)
			}
			if i = slices.IndexFunc(plan.Diagnostics, func(d acctest.Diagnostic) bool {
				return strings.Contains(d.Detail, "changed, so a new")
			}); i < 0 {
				t.Errorf("%s: expected the input to be named, found %v", want, plan.Diagnostics)

				continue
			}
		}
		for _, input := range inputs {
			because, _, _ := strings.Cut(plan.Diagnostics[i].Detail, " changed, so a new")
			if strings.Contains(because, input) != strings.Contains(want, input) {
				t.Errorf("%s: found %q", want, plan.Diagnostics[i].Detail)
			}
		}
	}
	uploads(t, sim, 1, 1)
}

// A key that appears between a saved plan to create and its apply is archived by it, and its
// outcome says so.
func TestAccTenantSecret_keyThatAppearsBeforeTheApply(t *testing.T) {
	t.Parallel()
	for name, typ := range map[string]string{
		"the first of its type":            "Analytics",
		"over another that the plan named": "Data",
	} {
		for _, source := range []string{"HSM", "UPLOADED"} {
			t.Run(name+", "+source, func(t *testing.T) {
				t.Parallel()
				sim := acctest.StartSim(t, sfsim.WithoutIntervals())
				cli := acctest.NewCLI(t, sim)
				cli.Config(tenantSecret(fmt.Sprintf("type = %q", typ), `certificate = "Sim_BYOK"`))
				plan := cli.Plan("-out=saved.tfplan")
				outside, err := sim.Rotate(typ, source)
				if err != nil {
					t.Fatal(err)
				}
				if plan.Code != acctest.PlanChanges || strings.Contains(plan.Output(), outside) {
					t.Fatalf("expected a plan that knows nothing of %s, found\n%s", outside, plan.Output())
				}
				applied := cli.Run("apply", "-json", "-input=false", "saved.tfplan")
				said := slices.ContainsFunc(applied.Diagnostics, func(d acctest.Diagnostic) bool {
					return d.Severity == "warning" && strings.Contains(d.Detail, outside) && strings.Contains(d.Detail, "archives it")
				})
				if applied.Code != 0 || !said {
					t.Errorf("expected the outcome to name %s, found exit code %d, %v", outside, applied.Code, applied.Diagnostics)
				}
				cli.MustBeEmpty()
				if n := acctest.Count(sim, acctest.OpCreate); n != 1 {
					t.Errorf("expected one upload, found %d", n)
				}
			})
		}
	}
}

// `~` is for shells: a directory of that name is never made, by any resource.
func TestAccResources_escrowDirectoryInATilde(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.Hyperforce = true
	}))
	dir := t.TempDir()
	for name, body := range map[string]func(escrow string) string{
		"tenant secret": func(escrow string) string { return dataKey(escrow) }, "cache-only key": func(escrow string) string {
			return cacheOnly(`certificate = "Sim_BYOK"`, escrow)
		},
	} {
		for _, directory := range []string{"~/keys", "~", "~root/keys"} {
			cli := acctest.NewCLI(t, sim)
			cli.Config(body(fmt.Sprintf("escrow = {\n    age_recipients = [%q]\n    directory      = %q\n  }", ageRecipient,
				directory)))
			if applied := cli.Apply(); applied.Code == 0 || !applied.Has("error", "Escrow directory is not usable",
				"begins with ~", directory) {
				t.Errorf("%s, %s: expected a refusal, found exit code %d, %v", name, directory, applied.Code, applied.Diagnostics)
			}
			for _, at := range []string{dir, cli.Dir, "."} {
				if made, _ := filepath.Glob(filepath.Join(at, "~*")); len(made) != 0 {
					t.Errorf("%s, %s: expected no such directory, found %v", name, directory, made)
				}
			}
		}
	}
	if _, err := os.Stat("~"); err == nil {
		t.Error("a directory ~ was made")
	}
	if n := acctest.Count(sim, acctest.OpCreate); n != 0 {
		t.Errorf("expected nothing to be sent, found %d", n)
	}
}

// Another ciphertext of the key in use is stored without an upload, and the plan says that it has
// no effect; with its hash, it is a new key.
func TestAccTenantSecret_newCiphertextOfTheOldHash(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	const summary = "Wrapped key material without effect"
	material, next := acctest.NewMaterial(), acctest.NewMaterial()
	cli.Config(dataKey(wrapped(wrapByOpenSSL(t, sim, "Sim_BYOK", material)), pin(material)))
	if applied := cli.MustApply(); applied.Has("warning", summary) {
		t.Errorf("expected no such warning of an upload, found %v", applied.Diagnostics)
	}
	again := wrapByOpenSSL(t, sim, "Sim_BYOK", next)
	cli.Config(dataKey(wrapped(again), pin(material)))
	expectWarning(t, cli.Plan(), summary, "secret_value_hash did not", "give its hash too")
	cli.MustApply()
	expectState(t, cli, tenantSecretAddress, map[string]any{
		"wrapped_key_material": again,
		"secret_value_hash":    material.Hash(),
	})
	uploads(t, sim, 1, 1)
	cli.Config(dataKey(wrapped(again), pin(next)))
	if plan := cli.Plan(); plan.Has("warning", summary) ||
		!plan.Has("warning", "The Data key will be rotated", "pinned secret_value_hash is not the hash") {
		t.Errorf("expected a rotation, found %v", plan.Diagnostics)
	}
	cli.MustApply()
	uploads(t, sim, 2, 2)
	// What was wrapped elsewhere is opaque: the receipt does not claim to know how it was wrapped, nor
	// that the pins of certificates held.
	receipt := fmt.Sprint(cli.State(tenantSecretAddress)["receipt"])
	if !strings.Contains(receipt, `"key_source":"wrapped_elsewhere"`) ||
		strings.Contains(receipt, `"wrapping_algorithm":`) {
		t.Errorf("expected a receipt without the declared algorithm, found %s", receipt)
	}
	skipBelowWriteOnly(t)
	line, variable := givenMaterial(acctest.NewMaterial(), "1")
	cli.Config(variable + dataKey(line))
	cli.MustApply()
	if receipt := fmt.Sprint(cli.State(tenantSecretAddress)["receipt"]); !strings.Contains(receipt,
		`"wrapping_algorithm":"RSA_OAEP_SHA512"`) {
		t.Errorf("expected the algorithm of a key that was wrapped here, found %s", receipt)
	}
}

// After a rotation outside and a refresh, nothing that was known of our key's making stands beside
// another's id.
func TestAccTenantSecret_evidenceAfterDriftAndRefresh(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(escrowInState()))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)
	if before["key_check_value"] == nil || before["certificate_sha256"] == nil {
		t.Fatalf("expected the evidence of an upload, found %v", before)
	}
	for _, source := range []string{"UPLOADED", "HSM"} {
		outside, err := sim.Rotate("Data", source)
		if err != nil {
			t.Fatal(err)
		}
		if refreshed := cli.Apply("-refresh-only"); refreshed.Code != 0 {
			t.Fatal(refreshed.Output())
		}
		// The receipt says whose it is.
		expectState(t, cli, tenantSecretAddress, map[string]any{
			"tenant_secret_id": outside, "key_check_value": nil, "certificate_sha256": nil, "receipt": before["receipt"],
			"escrow_ciphertext": before["escrow_ciphertext"],
		})
	}
}

// The plan of a rotation warns if the only escrow copy of the outgoing key goes with it, and says
// how to keep it.
func TestAccTenantSecret_outgoingEscrowCopy(t *testing.T) {
	t.Parallel()
	const leaves = "The only escrow copy leaves the state"
	for name, test := range map[string]struct {
		escrow func(*acctest.CLI) string
		warns  bool
	}{
		"in state alone": {func(*acctest.CLI) string { return escrowInState() }, true},
		"in a directory": {escrowIn, false},
		"none":           {func(*acctest.CLI) string { return "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey(trigger("a"), test.escrow(cli)))
			cli.MustApply()
			// What the next key gets saves nothing of this one.
			cli.Config(dataKey(trigger("b"), escrowIn(cli)))
			plan := cli.Plan()
			if !plan.Has("warning", rotates) || plan.Has("warning", leaves, "outgoing Data key",
				"Save it first (terraform output)") != test.warns {
				t.Errorf("expected a warning %t, found %v", test.warns, plan.Diagnostics)
			}
		})
	}
}

// Ages that no calendar holds are refused where they are written.
func TestAccResources_agesBeyondAllCalendars(t *testing.T) {
	t.Parallel()
	cli := acctest.NewCLI(t, acctest.StartSim(t))
	for _, days := range []string{"9223372036854775807", "36501", "-1", "-9223372036854775808"} {
		cli.Config(dataKey("rotate_after_days = "+days, "warn_before_days = "+days) + searchKey("rotate_after_days = "+days) +
			wrappingCertificate(`developer_name_prefix = "BYOK"`, "renew_before_days = "+days))
		plan := cli.Plan()
		for attribute, want := range map[string]int{"rotate_after_days": 2, "warn_before_days": 1, "renew_before_days": 1} {
			got := 0
			for _, d := range plan.Diagnostics {
				if d.Severity == "error" && d.At(attribute) && strings.Contains(d.Detail, "must be between") {
					got++
				}
			}
			if got != want {
				t.Errorf("%s = %s: expected %d refusals, found %v", attribute, days, want, plan.Diagnostics)
			}
		}
	}
}

// Two resources of one type are found by the plan: to be created, to be rotated, and when one of
// them exists.
func TestAccTenantSecret_twoResourcesAtPlan(t *testing.T) {
	t.Parallel()
	const summary = "Two resources manage one key"
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	two := func(value string) string { return dataKey("count = 2", trigger(value)) }
	cli.Config(two("a"))
	expectWarning(t, cli.Plan(), summary, "archives the other's", "terraform state rm")
	cli.Config(dataKey("count = 1", trigger("a")) + "\nresource \"salesforcebyok_tenant_secret\" \"other\" {\n  type    " +
		"    = \"Analytics\"\n  certificate = \"Sim_BYOK\"\n}\n")
	if plan := cli.Plan(); plan.Has("warning", summary) {
		t.Errorf("expected no warning of two types, found %v", plan.Diagnostics)
	}
	cli.Config(two("a"))
	// The core plans each of the two again when it comes to it. Where the other has made the key by
	// then, that plan adopts it, which is not what was planned: the core refuses it, and the next
	// apply adopts.
	if applied := cli.Apply(); applied.Code != 0 {
		expectError(t, applied, "Provider produced inconsistent final plan")
	}
	cli.MustApply()
	cli.Config(two("b"))
	expectWarning(t, cli.Plan(), summary, "Keep one")
	cli.Config(dataKey("count = 3", trigger("b")))
	expectWarning(t, cli.Plan(), summary, "Keep one")
}

// The hint at a weaker wrapping comes only if nothing else explains the refusal, and only if it
// helps.
func TestAccTenantSecret_hintAtAnotherWrapping(t *testing.T) {
	t.Parallel()
	const hint = "may take RSA_OAEP_SHA1"
	refusing := sfsim.Fault{
		Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Status: http.StatusBadRequest,
		ErrorCode: "FIELD_INTEGRITY_EXCEPTION", Times: 100,
	}
	fresh := sfsim.SeedSecret{Type: "Data", Source: "HSM", Created: sfsim.Moment{}}
	for name, test := range map[string]struct {
		options []sfsim.Option
		body    string
		hints   bool
	}{
		"nothing explains it":        {nil, dataKey(), true},
		"the other wrapping already": {nil, dataKey(`wrapping_algorithm = "RSA_OAEP_SHA1"`), false},
		"key wrap": {nil, tenantSecret(`type = "SearchIndex"`, `certificate = "Sim_BYOK"`,
			`wrapping_algorithm = "RSA_AES_KEY_WRAP_SHA512"`), false},
		"the interval explains it": {
			[]sfsim.Option{sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{fresh}})},
			dataKey(), false,
		},
		"the cap explains it": {
			[]sfsim.Option{sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{Count: 50}}})},
			dataKey(), false,
		},
		"the mode explains it": {nil, dataKey(`key_derivation_mode = "NONE"`), false},
		"made by Salesforce":   {nil, tenantSecret(`type = "Data"`, `source = "HSM"`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strictFIPS() && strings.Contains(test.body, "SHA1") {
				t.Skip("not available under strict FIPS")
			}
			sim := acctest.StartSim(t, test.options...)
			arm(t, sim, refusing)
			if name == "the interval explains it" {
				if _, err := sim.Rotate("Data", "HSM"); err != nil {
					sim.Clock.Advance(48 * time.Hour)
					if _, err := sim.Rotate("Data", "HSM"); err != nil {
						t.Fatal(err)
					}
				}
			}
			cli := acctest.NewCLI(t, sim)
			cli.Config(test.body)
			applied := cli.Apply()
			refused := slices.IndexFunc(applied.Diagnostics, func(d acctest.Diagnostic) bool {
				return strings.HasPrefix(d.Summary, "Salesforce refused the new")
			})
			if refused < 0 || strings.Contains(applied.Diagnostics[refused].Detail, hint) != test.hints {
				t.Errorf("expected the hint %t, found %v", test.hints, applied.Diagnostics)
			}
		})
	}
}

// Whether destruction is allowed may be known only during the apply: then the plan announces, and
// the apply decides. A cache-only key that reads DESTROYED is the case of a rotated key.
func TestAccTenantSecret_permissionKnownAfterApply(t *testing.T) {
	t.Parallel()
	for name, allowed := range map[string]bool{"allowed": true, "not allowed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemoteRun(t, "enable_cache_only_keys: true")
			r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK"), 1, 0)
			key := r.expectKey(2, "REMOTE", "ACTIVE")
			r.id = key.ID
			r.patchInSetup(map[string]any{"Status": "DESTROYED"})
			later := fmt.Sprintf("\nresource \"terraform_data\" \"later\" {\n  input = %t\n}\n", allowed)
			r.Write("main.tf", requiredProvider+acctest.ProviderBlock(r.sim,
				"allow_key_destruction = terraform_data.later.output")+later+dataKey())
			plan := r.Plan()
			if plan.Code != acctest.PlanChanges || plan.Has("error", "A destroyed cache-only key is in the way") {
				t.Fatalf("expected a plan, found exit code %d, %v", plan.Code, plan.Diagnostics)
			}
			result := r.Apply()
			if (result.Code == 0) != allowed || !allowed && !result.Has("error", "A destroyed cache-only key is in the way",
				key.ID, "Nothing was sent") {
				t.Errorf("found exit code %d, %v", result.Code, result.Diagnostics)
			}
			if n := len(acctest.Keys(r.sim, "Data")); n != map[bool]int{true: 3, false: 2}[allowed] {
				t.Errorf("found %d keys", n)
			}
		})
	}
}

// An id that is known only during the apply may be that of a key to destroy, and the plan says so.
func TestAccTenantSecretVersion_unknownIDIsSaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines []string
		warns bool
	}{
		"destroyed, for good": {[]string{destroyed, noBackup}, true}, "destroyed": {[]string{destroyed}, true},
		"kept": {[]string{archived}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.t, r.allowed = t, true
			late := fmt.Sprintf("\nresource \"terraform_data\" \"late\" {\n  input = %q\n}\n", r.id)
			r.write(late + strings.Replace(r.block(test.lines...), fmt.Sprintf("%q", r.id), "terraform_data.late.output", 1))
			plan := r.Plan()
			if plan.Code != acctest.PlanChanges || plan.Has("warning", "The apply may destroy a key",
				"tenant_secret_id") != test.warns {
				t.Errorf("expected a warning %t, found exit code %d, %v", test.warns, plan.Code, plan.Diagnostics)
			}
			// What it does then is what is allowed: no export was saved by an earlier apply.
			if applied := r.Apply(); (applied.Code == 0) == test.warns {
				t.Errorf("found exit code %d, %v", applied.Code, applied.Diagnostics)
			}
			r.expectStatus("ARCHIVED")
		})
	}
}
