package provider_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// exportVariable gives exported_secret_value_wo its value from an ephemeral variable.
const exportVariable = "\nvariable \"export\" {\n  type      = string\n  ephemeral = true\n}\n"

// givenExport are the lines that hand the export over.
const givenExport = "exported_secret_value_wo = var.export\n  exported_secret_value_wo_version = \"1\""

// skipWithoutWriteOnly skips a test if the CLI has no write-only attributes: Terraform before
// 1.11.
func skipWithoutWriteOnly(t *testing.T, r *custodyRun) {
	t.Helper()
	r.write(exportVariable + r.block(archived, givenExport))
	r.Env["TF_VAR_export"] = "CgMyNjI="
	if result := r.Run("validate", "-no-color"); strings.Contains(result.Output(), "Write-only Attribute Not Allowed") ||
		strings.Contains(result.Output(), "ephemeral") {
		t.Skip("the CLI knows no write-only attributes or no ephemeral variables")
	}
}

func TestAccTenantSecretVersion_restoreFromState(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	hash := r.sim.TenantSecrets()[0].SecretValueHash
	r.mustDestroy()
	if state := r.State(versionAddress); state["secret_value_hash"] != hash {
		t.Errorf("expected the hash to stay after the destruction, found %v", state["secret_value_hash"])
	}
	export := r.export()
	r.sim.NextRelease() // an export of an older release restores too
	r.allowed = false   // restoring destroys nothing: no lock
	result := r.must(archived)
	if result.Changed != 1 || result.Added != 0 || result.Removed != 0 {
		t.Errorf("expected one change in place, found %+v", result)
	}
	r.expectStatus("ARCHIVED")
	r.expectPatches(2, 2)
	state := r.State(versionAddress)
	if state["secret_value_hash"] != hash || state["recoverable"] != true || state["exported_secret_value"] != export {
		t.Errorf("expected the same key as before, found hash %v, recoverable %v", state["secret_value_hash"],
			state["recoverable"])
	}
	for _, key := range r.sim.TenantSecrets() {
		if key.ID == r.id && key.SecretValueHash != hash {
			t.Errorf("expected the key %s in the org, found %s", hash, key.SecretValueHash)
		}
	}
	// And it can be destroyed and restored once more: the first attempt renews the backup, after the
	// release.
	r.allowed = true
	r.want(destroyed)
	if result := r.Apply(); !result.Has("error", "Backup renewed, apply again") {
		t.Fatalf("expected the backup to be renewed, found %+v", result.Diagnostics)
	}
	r.MustApply()
	r.must(archived)
	r.expectStatus("ARCHIVED")
}

func TestAccTenantSecretVersion_restoreFromGivenExport(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	skipWithoutWriteOnly(t, r)
	hash := r.sim.TenantSecrets()[0].SecretValueHash
	r.must(archived)
	export := r.export()
	r.allowed = true
	r.must(destroyed, noBackup, acknowledge(r.id))
	r.want(archived, acknowledge(r.id))
	r.refused("This key can't be restored", "exported_secret_value_wo")

	r.Env["TF_VAR_export"] = export
	r.write(exportVariable + r.block(archived, givenExport))
	result := r.MustApply()
	if strings.Contains(result.Output(), export) {
		t.Error("the output shows the export")
	}
	r.expectStatus("ARCHIVED")
	state := r.State(versionAddress)
	if state["secret_value_hash"] != hash || state["exported_secret_value"] != export || state["recoverable"] != true {
		t.Errorf("expected the key to be back and its export to be kept, found hash %v, recoverable %v",
			state["secret_value_hash"], state["recoverable"])
	}
	if state["exported_secret_value_wo"] != nil {
		t.Error("the write-only value is in state")
	}
	r.expectPatches(2, 2)
}

// A record that was never managed before, and is DESTROYED, is adopted and restored in one apply.
func TestAccTenantSecretVersion_adoptByRestore(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	skipWithoutWriteOnly(t, r)
	r.mustDestroy()
	r.Env["TF_VAR_export"] = r.export()
	if result := r.Run("state", "rm", versionAddress); result.Code != 0 {
		t.Fatal(result.Output())
	}
	r.write(exportVariable + r.block(archived, givenExport, noBackup))
	r.MustApply()
	r.expectStatus("ARCHIVED")
	if state := r.State(versionAddress); state["exported_secret_value"] != nil || state["recoverable"] != false {
		t.Errorf("expected backup = NONE to keep nothing, found recoverable %v", state["recoverable"])
	}
}

func TestAccTenantSecretVersion_restoreWithAWrongExport(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, "tenant_secrets: [{source: UPLOADED, status: ARCHIVED}, {source: UPLOADED, status: ARCHIVED}, "+
		"{}]")
	skipWithoutWriteOnly(t, r)
	first := r.id
	r.id = r.sim.TenantSecrets()[1].ID
	r.must(archived)
	foreign := r.export()
	r.write("")
	r.MustApply()
	r.id = first
	r.mustDestroy()
	held := r.export()

	r.Env["TF_VAR_export"] = foreign
	r.write(exportVariable + r.block(archived, givenExport))
	result := r.Apply()
	if result.Code == 0 || !result.Has("error", "Unable to change the record", r.id, "FIELD_INTEGRITY_EXCEPTION") {
		t.Fatalf("expected Salesforce's refusal, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	if strings.Contains(result.Output(), foreign) || strings.Contains(result.Output(), held) {
		t.Error("the output shows an export")
	}
	r.expectStatus("DESTROYED")
	if r.export() != held {
		t.Fatal("the held export is lost")
	}
	r.must(archived)
	r.expectStatus("ARCHIVED")
}

func TestAccTenantSecretVersion_exportIsValidated(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	skipWithoutWriteOnly(t, r)
	before := r.sim.RequestCount()
	for name, test := range map[string]struct{ lines, summary string }{
		"no base64":         {givenExport, "Invalid exported secret value"},
		"no version":        {"exported_secret_value_wo = var.export", "Export without a version"},
		"version alone":     {`exported_secret_value_wo_version = "1"`, "Invalid Attribute Combination"},
		"unknown status":    {"", "Invalid Attribute Value Match"},
		"unknown backup":    {`backup = "VAULT"`, "Invalid Attribute Value Match"},
		"unknown policy":    {`deletion_policy = "DELETE"`, "Invalid Attribute Value Match"},
		"id of an org":      {"", "Invalid Salesforce id"},
		"id that is no one": {"", "Invalid Salesforce id"},
	} {
		r.Env["TF_VAR_export"] = "not base64, but it is nobody's business"
		body := r.block(archived, test.lines)
		switch name {
		case "no version":
			r.Env["TF_VAR_export"] = "CgMyNjI="
		case "unknown status":
			body = r.block(`desired_status = "DELETED"`)
		case "id of an org":
			body = strings.Replace(body, r.id, r.sim.OrganizationID, 1)
		case "id that is no one":
			body = strings.Replace(body, r.id, "Data", 1)
		}
		r.write(exportVariable + body)
		result := r.Plan()
		if result.Code != acctest.PlanFailed || !result.Has("error", test.summary) {
			t.Errorf("%s: expected the error %q, found exit code %d, %+v", name, test.summary, result.Code, result.Diagnostics)
		}
		if strings.Contains(result.Output(), "nobody's business") {
			t.Errorf("%s: the output shows the value", name)
		}
	}
	for _, request := range r.sim.RequestsFrom(before) {
		if request.Operation != acctest.OpToken {
			t.Errorf("expected nothing to be sent, found %s", request.Operation)
		}
	}
}

// Destroyed by somebody else while ARCHIVED is desired.
func TestAccTenantSecretVersion_destroyedOutside(t *testing.T) {
	t.Parallel()
	t.Run("an export is held", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived)
		r.patchInSetup(map[string]any{"Status": "DESTROYED"})
		if plan := r.Plan(); plan.Code != acctest.PlanChanges || plan.Changed != 1 || plan.Added != 0 || plan.Removed != 0 {
			t.Errorf("expected the plan to restore in place, found %+v", plan)
		}
		r.MustApply()
		r.expectStatus("ARCHIVED")
	})
	t.Run("none is held", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived, noBackup)
		r.patchInSetup(map[string]any{"Status": "DESTROYED"})
		before := len(acctest.Writes(r.sim))
		result := r.Plan()
		if result.Code != acctest.PlanFailed || !result.Has("error", "This key can't be restored", r.id,
			"is DESTROYED, and the state holds no export of it", "accept the loss") {
			t.Errorf("expected an error in words, found exit code %d, %+v", result.Code, result.Diagnostics)
		}
		if len(acctest.Writes(r.sim)) != before || r.State(versionAddress) == nil {
			t.Error("expected nothing to be sent, and the record to stay in state")
		}
		r.must(destroyed, noBackup)
	})
	t.Run("restored again by somebody else", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.mustDestroy()
		r.patchInSetup(map[string]any{"Status": "ARCHIVED", "SecretValue": r.export()})
		plan := r.Plan()
		if plan.Changed != 1 || !plan.Has("warning", "A key will be destroyed", r.id) {
			t.Errorf("expected the plan to destroy it again, with a warning, found %+v", plan)
		}
		r.allowed = false
		r.want(destroyed)
		r.refused("Destroying keys is not allowed", r.id)
		r.allowed = true
		r.want(destroyed)
		r.MustApply()
		r.expectStatus("DESTROYED")
	})
}

// At the cap of 50 kept keys Salesforce refuses a restoration; the export stays held.
func TestAccTenantSecretVersion_restoreAtTheCap(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, "tenant_secrets: [{source: UPLOADED, status: ARCHIVED}, {status: ARCHIVED, count: 48}, {}]",
		sfsim.WithoutIntervals())
	r.mustDestroy()
	export := r.export()
	if _, err := r.sim.Rotate("Data", "HSM"); err != nil {
		t.Fatal(err)
	}
	r.want(archived)
	result := r.Apply()
	if result.Code == 0 || !result.Has("error", "Unable to change the record", r.id, "50 active and archived") {
		t.Fatalf("expected Salesforce's refusal, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	r.expectStatus("DESTROYED")
	if r.export() != export {
		t.Error("the held export is lost")
	}
}

// Restoring brings back the very bytes that were uploaded.
func TestAccTenantSecretVersion_restoredMaterial(t *testing.T) {
	t.Parallel()
	material := acctest.NewMaterial()
	r := newCustodyRun(t, "tenant_secrets: [{source: UPLOADED, status: ARCHIVED, material: '"+material.Base64()+"'}, {}]")
	if !bytes.Equal(r.sim.Unwrapped(r.id), material) {
		t.Fatal("the seed has another key")
	}
	r.mustDestroy()
	r.must(archived)
	if state := r.State(versionAddress); state["secret_value_hash"] != material.Hash() {
		t.Errorf("expected the hash %s, found %v", material.Hash(), state["secret_value_hash"])
	}
}
