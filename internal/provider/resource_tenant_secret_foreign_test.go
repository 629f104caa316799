package provider_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// receiptOf decodes the receipt in state.
func receiptOf(t *testing.T, cli *acctest.CLI) map[string]any {
	t.Helper()
	text, _ := cli.State(tenantSecretAddress)["receipt"].(string)
	var receipt map[string]any
	if err := json.Unmarshal([]byte(text), &receipt); err != nil {
		t.Fatalf("the receipt is not JSON: %v, %q", err, text)
	}

	return receipt
}

// Anybody who may edit a Description can write a mark. A record with ours that nothing proves to be
// ours is not adopted: the plan names its creator and says that it is archived, and the apply does
// just that and never edits it. Without a state, and with one.
func TestAccTenantSecret_foreignMark(t *testing.T) {
	t.Parallel()
	for name, foreign := range map[string]func(a administrator, mark string) string{
		"an upload of somebody else's": func(a administrator, mark string) string {
			return a.upload(mark, acctest.NewMaterial())
		},
		"a key made by Salesforce": func(a administrator, mark string) string { return a.generate(mark) },
		"a mark after a text": func(a administrator, mark string) string {
			return a.upload("ours "+mark, acctest.NewMaterial())
		},
		"our own key, marked by somebody else": func(a administrator, mark string) string {
			id, err := a.sim.Rotate("Data", "UPLOADED")
			if err != nil {
				a.t.Fatal(err)
			}
			a.describe(id, mark)

			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			admin := newAdministrator(t, sim)
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey())
			cli.MustApply()
			first := cli.State(tenantSecretAddress)
			fingerprint, _, _ := strings.Cut(fmt.Sprint(first["rotation_id"]), ".")

			for _, step := range []struct {
				name, mark, says string
			}{
				// The plan rotates back from drift, under the very id that the copy carries.
				{"with a state", "[tf:" + fingerprint + ".1]", "The Data key will be rotated"},
				{"without one", "[tf:" + fingerprint + ".1]", "An existing key will be archived"},
			} {
				id := foreign(admin, step.mark)
				if step.name == "without one" {
					forget(t, cli)
				}
				plan, change := planned(t, cli, tenantSecretAddress)
				expectWarning(t, plan, "A record carries this rotation's mark", id, "made by 005", "it is not adopted",
					"import it: terraform import")
				expectWarning(t, plan, step.says, id, "Salesforce archives it; its data stays readable")
				if plan.Has("warning", "An existing key will be adopted") || !change.unknown("tenant_secret_id") {
					t.Errorf("%s: expected no adoption to be planned, found %v", step.name, plan.Summaries("warning"))
				}
				patches := acctest.Count(sim, acctest.OpUpdate)
				if applied := applySaved(cli); applied.Code != 0 {
					t.Fatal(applied.Output())
				}
				cli.MustBeEmpty()
				key := acctest.ActiveKey(t, sim, "Data")
				expectState(t, cli, tenantSecretAddress, map[string]any{
					"tenant_secret_id": key.ID, "source": "UPLOADED",
					"secret_value_hash": key.SecretValueHash,
				})
				for _, other := range acctest.Keys(sim, "Data") {
					if other.ID == id && other.Status != "ARCHIVED" {
						t.Errorf("%s: expected the foreign key to be archived, found %+v", step.name, other)
					}
				}
				if key.ID == id || acctest.Count(sim, acctest.OpUpdate) != patches {
					t.Errorf("%s: expected a key of our own, and no edit, found %+v", step.name, key)
				}
				if receipt := receiptOf(t, cli); receipt["source"] != "UPLOADED" || receipt["tenant_secret_id"] != key.ID ||
					receipt["outcome"] != "uploaded" || receipt["created_by"] != key.CreatedByID {
					t.Errorf("%s: expected a receipt of our own key, found %v", step.name, receipt)
				}
			}
		})
	}
}

// What is adopted or imported keeps its own source and creator in the receipt: a key that somebody
// else had Salesforce make is never called an upload of ours.
func TestAccTenantSecret_foreignReceipts(t *testing.T) {
	t.Parallel()
	const imported = "\nimport {\n  to = salesforcebyok_tenant_secret.data\n  id = \"Data\"\n}\n"
	material := acctest.NewMaterial()
	for name, test := range map[string]struct {
		make            func(a administrator) string
		body            string
		outcome, source string
	}{
		"pinned upload of somebody else's": {
			func(a administrator) string { return a.upload("theirs", material) }, dataKey(pin(material)), "adopted", "UPLOADED",
		},
		"imported HSM key": {
			func(a administrator) string {
				return a.generate("theirs")
			}, tenantSecret(`type = "Data"`, `source = "HSM"`) + imported, "imported", "HSM",
		},
		"imported upload": {
			func(a administrator) string { return a.upload("theirs", material) }, dataKey() + imported, "imported", "UPLOADED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			if _, err := sim.Rotate("Data", "HSM"); err != nil {
				t.Fatal(err)
			}
			user := acctest.ActiveKey(t, sim, "Data").CreatedByID
			id := test.make(newAdministrator(t, sim))
			cli := acctest.NewCLI(t, sim)
			cli.Config(test.body)
			cli.MustApply()
			state, receipt := cli.State(tenantSecretAddress), receiptOf(t, cli)
			if state["tenant_secret_id"] != id || receipt["tenant_secret_id"] != id || receipt["outcome"] != test.outcome ||
				receipt["source"] != test.source {
				t.Errorf("expected a receipt of %s, %s, %s, found %v", id, test.outcome, test.source, receipt)
			}
			if creator := receipt["created_by"]; creator != state["created_by_id"] ||
				creator != acctest.ActiveKey(t, sim, "Data").CreatedByID || creator == user {
				t.Errorf("expected the administrator as its creator, found %v", creator)
			}
			if n := acctest.Count(sim, acctest.OpCreate); n != 1 {
				t.Errorf("expected only the administrator's POST, found %d", n)
			}
		})
	}
}

// A mark with a counter that no lineage reaches was typed, whoever wrote it last and on which
// record it stands. It starts no rotation, no later rotation has an id of before, and each has one
// of its own.
func TestAccTenantSecret_counterThatWasTyped(t *testing.T) {
	t.Parallel()
	for _, counter := range []string{"999999999999999999", "9223372036854775806", "99999999"} {
		t.Run(counter, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			admin := newAdministrator(t, sim)
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey(trigger("a")))
			cli.MustApply()
			cli.Config(dataKey(trigger("b")))
			cli.MustApply()
			fingerprint, _, _ := strings.Cut(fmt.Sprint(cli.State(tenantSecretAddress)["rotation_id"]), ".")
			typed := func(fingerprint string) map[string]any {
				return map[string]any{"Description": "[tf:" + fingerprint + "." + counter + "]"}
			}
			seen := map[string]bool{}
			note := func() {
				t.Helper()
				id := fmt.Sprint(cli.State(tenantSecretAddress)["rotation_id"])
				if seen[id] || strings.HasSuffix(id, counter) {
					t.Errorf("expected an id of its own, found %s after %v", id, seen)
				}
				seen[id] = true
			}
			note()
			posts := acctest.Count(sim, acctest.OpCreate)
			all := acctest.Keys(sim, "Data")
			for name, edit := range map[string]func(){
				"our own key, by us":             func() { patchTenantSecret(t, sim, all[len(all)-1].ID, typed(fingerprint)) },
				"our own key, by somebody else":  func() { admin.call("PATCH", "/"+all[len(all)-1].ID, typed(fingerprint)) },
				"an archived key, by us":         func() { patchTenantSecret(t, sim, all[len(all)-2].ID, typed(fingerprint)) },
				"Salesforce's, by somebody else": func() { admin.call("PATCH", "/"+all[0].ID, typed(fingerprint)) },
				"of other inputs":                func() { patchTenantSecret(t, sim, all[0].ID, typed("00000000")) },
			} {
				edit()
				// What is edited on our own key is set back, once.
				if applied := cli.MustApply(); applied.Added+applied.Removed != 0 {
					t.Errorf("%s: expected at most a change in place, found %+v", name, applied)
				}
				if n := acctest.Count(sim, acctest.OpCreate); n != posts {
					t.Fatalf("%s: expected no new key, found %d", name, n-posts)
				}
			}
			for _, value := range []string{"c", "d"} {
				cli.Config(dataKey(trigger(value)))
				cli.MustApply()
				note()
			}
			if n := acctest.Count(sim, acctest.OpCreate); n != posts+2 {
				t.Errorf("expected one key for each request, found %d", n-posts)
			}
		})
	}
}
