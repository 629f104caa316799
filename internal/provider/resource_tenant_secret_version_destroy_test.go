package provider_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func TestAccTenantSecretVersion_destroyInTwoApplies(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	saved := r.export()
	if saved == "" || acctest.Exports(r.sim) != 1 || len(acctest.Writes(r.sim)) != 0 {
		t.Fatalf("expected the adoption to read the export once and to write nothing, found %d exports, %v",
			acctest.Exports(r.sim), acctest.Writes(r.sim))
	}

	r.allowed = true
	r.want(destroyed)
	plan := r.Plan()
	if plan.Added != 0 || plan.Changed != 1 || plan.Removed != 0 {
		t.Errorf("expected one change in place, found %+v", plan)
	}
	if !plan.Has("warning", "A key will be destroyed", r.id, "its data can't be read",
		"The export in state restores it.") {
		t.Errorf("expected a warning that names what is lost, found %+v", plan.Diagnostics)
	}
	if r.status() != "ARCHIVED" {
		t.Fatal("the plan has destroyed the key")
	}
	r.MustApply()
	r.expectStatus("DESTROYED")
	r.expectPatches(1, 1)
	if r.export() != saved {
		t.Error("expected the export that the first apply saved to be held")
	}
	if state := r.State(versionAddress); state["recoverable"] != true {
		t.Errorf("expected recoverable, found %v", state["recoverable"])
	}
	if got := acctest.Exports(r.sim); got != 2 {
		t.Errorf("expected the export to be read once more right before the destroy, found %d readings in all", got)
	}
}

// Each lock alone is closed: allow_key_destruction, and an export that an earlier apply has saved.
func TestAccTenantSecretVersion_eachLockAlone(t *testing.T) {
	t.Parallel()
	t.Run("a saved backup, destruction not allowed", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived)
		r.want(destroyed)
		r.refused("Destroying keys is not allowed", r.id, "allow_key_destruction = true", "Nothing was changed.")
	})
	t.Run("allowed, nothing saved", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.allowed = true
		r.want(destroyed)
		r.refused("No saved backup of this key", r.id, "Apply once with", `desired_status = "ARCHIVED"`, `backup = "NONE"`,
			"Nothing was changed.")
		if state := r.State(versionAddress); state != nil {
			t.Errorf("expected nothing in state, found %v", state)
		}
	})
	t.Run("an acknowledgement is no backup", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.allowed = true
		r.want(destroyed, acknowledge(r.id))
		r.refused("No saved backup of this key", r.id)
	})
	t.Run("allowed, imported and not yet applied", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.allowed = true
		r.want(destroyed)
		if result := r.Run("import", "-no-color", versionAddress, r.id); result.Code != 0 {
			t.Fatalf("import: %s", result.Output())
		}
		r.refused("No saved backup of this key", r.id)
	})
	t.Run("NONE and acknowledged, destruction not allowed", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.want(destroyed, noBackup, acknowledge(r.id))
		r.refused("Destroying keys is not allowed", r.id)
	})
	t.Run("NONE and allowed, not acknowledged", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.allowed = true
		r.want(destroyed, noBackup)
		r.refused("The destruction is not acknowledged", r.id, "found none", "lost for good")
	})
	t.Run("the acknowledgement of another record", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.allowed = true
		r.want(destroyed, noBackup, acknowledge(r.sim.TenantSecrets()[1].ID))
		r.refused("The acknowledgement names another record", r.id, r.sim.TenantSecrets()[1].ID)
	})
	t.Run("a backup that was given up again", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived)
		r.must(archived, noBackup)
		if r.export() != "" {
			t.Error("expected the export to be dropped")
		}
		r.allowed = true
		r.want(destroyed)
		r.refused("No saved backup of this key", r.id)
	})
}

func TestAccTenantSecretVersion_destroyForGood(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]func(id string) string{
		"18 characters": func(id string) string { return id },
		"15 characters": func(id string) string { return id[:15] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.allowed = true
			r.want(destroyed, noBackup, acknowledge(form(r.id)))
			if plan := r.Plan(); !plan.Has("warning", "A key will be destroyed", "No copy is kept") {
				t.Errorf("expected a warning that no copy is kept, found %+v", plan.Diagnostics)
			}
			r.MustApply()
			r.expectStatus("DESTROYED")
			r.expectPatches(1, 1)
			if acctest.Exports(r.sim) != 0 {
				t.Error("expected the export never to be read")
			}
			state := r.State(versionAddress)
			if state["exported_secret_value"] != nil || state["recoverable"] != false {
				t.Errorf("expected nothing to be held, found recoverable %v", state["recoverable"])
			}
			r.want(archived, noBackup, acknowledge(form(r.id)))
			r.refused("This key can't be restored", r.id, "the state holds no export of it", "exported_secret_value_wo",
				"desired_status = \"DESTROYED\"")
		})
	}
}

// An export changes with a Salesforce release. Then the saved one is out of date: it is renewed,
// and the run stops.
func TestAccTenantSecretVersion_backupRenewed(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	before := r.export()
	r.sim.NextRelease()
	r.MustBeEmpty()

	r.allowed = true
	r.want(destroyed)
	result := r.Apply()
	if result.Code == 0 || !result.Has("error", "Backup renewed, apply again", r.id, "nothing was destroyed",
		"Apply again") {
		t.Fatalf("expected the run to stop, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	r.expectStatus("ARCHIVED")
	r.expectPatches(0, 0)
	renewed := r.export()
	if renewed == "" || renewed == before {
		t.Fatal("expected the new export to be in state")
	}
	if state := r.State(versionAddress); state["desired_status"] != "ARCHIVED" {
		t.Errorf("expected the wish not to be taken as fulfilled, found %v", state["desired_status"])
	}

	r.MustApply()
	r.expectStatus("DESTROYED")
	r.expectPatches(1, 1)
	if r.export() != renewed {
		t.Error("expected the renewed export to be held")
	}
	r.must(archived)
	r.expectStatus("ARCHIVED")
}

// The export may be another one at each read: that is no renewed backup, and no reason to
// stop each time.
func TestAccTenantSecretVersion_exportsDiffer(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.ExportsDiffer = true
	}))
	r.must(archived)
	before := r.export()
	r.allowed = true
	r.must(destroyed)
	r.expectStatus("DESTROYED")
	r.expectPatches(1, 1)
	if r.export() != before {
		t.Error("expected the export that an earlier apply saved to be held")
	}
	r.must(archived)
	r.expectStatus("ARCHIVED")
}

func TestAccTenantSecretVersion_dropTheLastCopy(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.mustDestroy()
	r.want(destroyed, noBackup)
	r.refused("The destruction is not acknowledged", r.id, "found none")
	if r.export() == "" {
		t.Fatal("expected the export still to be held")
	}
	r.must(destroyed, noBackup, acknowledge(r.id))
	if state := r.State(versionAddress); state["exported_secret_value"] != nil || state["recoverable"] != false {
		t.Errorf("expected the export to be dropped for good, found recoverable %v", state["recoverable"])
	}
	r.expectPatches(1, 1)
	r.want(archived, noBackup, acknowledge(r.id))
	r.refused("This key can't be restored", r.id)
	r.want(archived)
	r.refused("This key can't be restored", r.id)
}

func TestAccTenantSecretVersion_refusedAtPlan(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		seed, version string
		lines         []string
		summary       string
		details       []string
	}{
		"an ACTIVE key, destroyed": {
			"tenant_secrets: [{source: UPLOADED}]", "",
			[]string{destroyed},
			"An ACTIVE key can't be destroyed",
			[]string{"Rotate salesforcebyok_tenant_secret first"},
		},
		"an ACTIVE key, destroyed for good": {
			"tenant_secrets: [{source: UPLOADED}]", "",
			[]string{destroyed, noBackup, "destruction_acknowledgement = self"},
			"An ACTIVE key can't be destroyed",
			[]string{"destroys ARCHIVED keys only"},
		},
		"an ACTIVE key, archived": {
			"tenant_secrets: [{source: UPLOADED}]", "",
			[]string{archived},
			"An ACTIVE key can't be archived by itself",
			[]string{"Rotate salesforcebyok_tenant_secret first"},
		},
		"an ARCHIVED key, made ACTIVE": {
			archivedKey, "",
			[]string{`desired_status = "ACTIVE"`},
			"Only a cache-only key can be made ACTIVE",
			[]string{"UPLOADED", "Expected ARCHIVED or DESTROYED for record"},
		},
		"a Database key": {
			"settings: {can_encrypt_transactional_database: true}\ntenant_secrets: [{type: Database, status: ARCHIVED}, " +
				"{type: Database}, {}]", "",
			[]string{destroyed, noBackup, "destruction_acknowledgement = self"},
			"This key can't be destroyed",
			[]string{"type Database", `desired_status = "ARCHIVED"`},
		},
		"a Search Index key of API 63": {
			"settings: {hyperforce: true}\ntenant_secrets: [{type: SearchIndex, status: ARCHIVED}, {type: SearchIndex}, {}]",
			"63.0",
			[]string{destroyed, noBackup, "destruction_acknowledgement = self"},
			"This key can't be destroyed",
			[]string{"API version 63.0", "newer framework"},
		},
		"a DESTROYED key, no export": {
			"tenant_secrets: [{source: UPLOADED, status: DESTROYED}, {}]", "",
			[]string{archived},
			"This key can't be restored",
			[]string{"Only its own export", "exported_secret_value_wo"},
		},
		"an older cache-only key": {
			"tenant_secrets: [{type: EventBus, source: REMOTE, status: DESTROYED}, {type: EventBus, source: REMOTE}, {}]", "",
			[]string{`desired_status = "ACTIVE"`},
			"Only the newest cache-only key changes status",
			[]string{"most recent version"},
		},
		"no such record": {
			"tenant_secrets: [{}]", "",
			[]string{archived, "# other"},
			"No such tenant secret",
			[]string{"02G000000000009", "nothing was removed from state", "Manage Encryption Keys"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, test.seed)
			r.allowed = true
			r.version = test.version
			details := append(slices.Clone(test.details), r.id)
			if slices.Contains(test.lines, "# other") {
				r.id, details = "02G000000000009", test.details
			}
			r.want(strings.ReplaceAll(strings.Join(test.lines, "\n  "), "= self", `= "`+r.id+`"`))
			if r.id != "02G000000000009" {
				r.refused(test.summary, details...)

				return
			}
			if plan := r.Plan(); !plan.Has("error", test.summary, details...) {
				t.Errorf("expected %q, found %+v", test.summary, plan.Diagnostics)
			}
		})
	}
}

// The same refusals for a record that is in state, and has changed since.
func TestAccTenantSecretVersion_refusedInState(t *testing.T) {
	t.Parallel()
	t.Run("ACTIVE, of a key that was ARCHIVED", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived)
		r.allowed = true
		r.want(`desired_status = "ACTIVE"`)
		r.refused("Only a cache-only key can be made ACTIVE", r.id)
	})
	t.Run("Database", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, "settings: {can_encrypt_transactional_database: true}\ntenant_secrets: [{type: Database, "+
			"status: ARCHIVED}, {type: Database}, {}]")
		r.must(archived)
		if state := r.State(versionAddress); state["exported_secret_value"] != nil || state["recoverable"] != false {
			t.Errorf("a Database key has no export, found recoverable %v", state["recoverable"])
		}
		r.allowed = true
		r.want(destroyed)
		r.refused("This key can't be destroyed", r.id)
	})
	t.Run("Search Index, after a move to API 63", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, "settings: {hyperforce: true}\ntenant_secrets: [{type: SearchIndex, status: ARCHIVED}, "+
			"{type: SearchIndex}, {}]")
		r.must(archived)
		r.version = "63.0"
		r.allowed = true
		r.want(destroyed)
		r.refused("This key can't be destroyed", r.id)
	})
	t.Run("a cache-only key that a newer one has followed", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, "tenant_secrets: [{type: EventBus, source: REMOTE, status: DESTROYED}, {}]")
		r.must(destroyed, noBackup)
		if _, err := r.sim.Rotate("EventBus", "HSM"); err != nil {
			t.Fatal(err)
		}
		r.want(`desired_status = "ACTIVE"`, noBackup)
		r.refused("Only the newest cache-only key changes status", r.id)
	})
}

// A destroy takes at most four calls of the API, the refresh included.
func TestAccTenantSecretVersion_destroyTakesFourCalls(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	r.allowed = true
	r.want(destroyed)
	before := r.sim.RequestCount()
	if result := r.Apply(); result.Code != 0 {
		t.Fatal(result.Output())
	}
	var calls []string
	for _, request := range r.sim.RequestsFrom(before) {
		if request.Operation != acctest.OpToken {
			calls = append(calls, request.Method+" "+request.Operation)
		}
	}
	if len(calls) > 4 {
		t.Errorf("expected at most four calls, found %v", calls)
	}
	r.expectStatus("DESTROYED")
}

// No run but the first one and the destroy itself reads a SecretValue: Salesforce logs each reading
// as an export.
func TestAccTenantSecretVersion_refreshReadsNoExport(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	exports := acctest.Exports(r.sim)
	for _, args := range [][]string{
		{"plan", "-no-color"},
		{"refresh", "-no-color"},
		{"apply", "-no-color", "-auto-approve"},
		{"apply", "-no-color", "-auto-approve", "-refresh-only"},
	} {
		if result := r.Run(args...); result.Code != 0 {
			t.Fatalf("%v: %s", args, result.Output())
		}
	}
	if got := acctest.Exports(r.sim) - exports; got != 0 {
		t.Errorf("expected no export to be read, found %d", got)
	}
	r.mustDestroy()
	exports = acctest.Exports(r.sim)
	r.MustBeEmpty()
	r.must(archived)
	if got := acctest.Exports(r.sim) - exports; got != 0 {
		t.Errorf("expected a restore from state to read no export, found %d", got)
	}
}

// A plan that is applied later destroys nothing that has changed since.
func TestAccTenantSecretVersion_savedPlanIsOutOfDate(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	r.allowed = true
	r.want(destroyed)
	if plan := r.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
		t.Fatal(plan.Output())
	}
	r.patchInSetup(map[string]any{"Status": "DESTROYED"})
	result := r.Run("apply", "-json", "-input=false", "saved.tfplan")
	if result.Code == 0 || !strings.Contains(result.Output(), "nothing was destroyed") {
		t.Fatalf("expected the apply to notice, found exit code %d, %s", result.Code, result.Output())
	}
	r.expectPatches(1, 1)
	if r.export() == "" {
		t.Error("expected the export still to be held")
	}
	r.MustApply()
	r.expectStatus("DESTROYED")
}

// The export is ciphertext of Salesforce's, and all the same it is in state alone: it is Sensitive.
func TestAccTenantSecretVersion_exportIsSensitive(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	r.allowed = true
	r.want(destroyed)
	export := r.export()
	for _, args := range [][]string{
		{"plan", "-no-color"},
		{"plan", "-json"},
		{"show", "-no-color"},
		{"state", "show", "-no-color", versionAddress},
		{"apply", "-no-color", "-auto-approve"},
	} {
		if result := r.Run(args...); strings.Contains(result.Output(), export) {
			t.Errorf("%v shows the export", args)
		}
	}
	var shown struct {
		Values struct {
			RootModule struct {
				Resources []struct {
					SensitiveValues map[string]any `json:"sensitive_values"`
				} `json:"resources"`
			} `json:"root_module"`
		} `json:"values"`
	}
	if err := json.Unmarshal([]byte(r.Run("show", "-json").Stdout), &shown); err != nil {
		t.Fatal(err)
	}
	if len(shown.Values.RootModule.Resources) != 1 ||
		shown.Values.RootModule.Resources[0].SensitiveValues["exported_secret_value"] != true {
		t.Errorf("expected the export to be marked as sensitive, found %+v", shown)
	}
}
