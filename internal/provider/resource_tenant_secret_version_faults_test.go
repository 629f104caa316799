package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// patchFault strikes changes of a tenant secret.
func patchFault(f sfsim.Fault) sfsim.Fault {
	f.Method, f.Path = "PATCH", "*/sobjects/TenantSecret/*"

	return f
}

// getFault strikes readings of one record.
func getFault(f sfsim.Fault) sfsim.Fault {
	f.Method, f.Path = "GET", "*/sobjects/TenantSecret/*"

	return f
}

// Whatever happens to the PATCH of a destroy or of a restore, after at most one more apply the
// record has the wanted status, the change took effect once, the export is still held, and the plan
// is empty.
func TestAccTenantSecretVersion_faults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault sfsim.Fault
		// applies is how many it takes; sent is how many PATCHes are sent in all.
		applies, sent int
		// says is what the first apply's error says.
		says string
	}{
		"dropped before": {patchFault(sfsim.Fault{Nth: 1, Drop: "before"}), 2, 2, "nothing was sent twice"},
		"dropped after":  {patchFault(sfsim.Fault{Nth: 1, Drop: "after"}), 1, 1, ""},
		"503 HTML before": {
			patchFault(sfsim.Fault{Nth: 1, Status: 503, HTML: true}), 2, 2,
			"nothing was sent twice",
		},
		"503 HTML after":    {patchFault(sfsim.Fault{Nth: 1, Status: 503, HTML: true, Commit: true}), 1, 1, ""},
		"500 before":        {patchFault(sfsim.Fault{Nth: 1, Status: 500}), 2, 2, "nothing was sent twice"},
		"500 after":         {patchFault(sfsim.Fault{Nth: 1, Status: 500, Commit: true}), 1, 1, ""},
		"420 of the edge":   {patchFault(sfsim.Fault{Nth: 1, Status: 420}), 2, 2, "nothing was sent twice"},
		"the session ends":  {patchFault(sfsim.Fault{Nth: 1, Status: 401}), 1, 2, ""},
		"the request limit": {patchFault(sfsim.Fault{Nth: 1, Status: 403}), 2, 2, "REQUEST_LIMIT_EXCEEDED"},
		"refused": {
			patchFault(sfsim.Fault{Nth: 1, Status: 400, ErrorCode: "FIELD_INTEGRITY_EXCEPTION"}),
			2, 2, "FIELD_INTEGRITY_EXCEPTION",
		},
		"read back: dropped once":   {getFault(sfsim.Fault{Nth: 2, Drop: "before"}), 1, 1, ""},
		"read back: malformed once": {getFault(sfsim.Fault{Nth: 2, Body: "malformed"}), 1, 1, ""},
		"read back: refused for good": {
			getFault(sfsim.Fault{Nth: 2, Times: 100, Status: 400, ErrorCode: "UNKNOWN_EXCEPTION"}),
			2, 1, "was accepted, but reading it back failed",
		},
	}
	for operation, wish := range map[string]string{"destroy": destroyed, "restore": archived} {
		for name, test := range tests {
			t.Run(operation+"/"+name, func(t *testing.T) {
				t.Parallel()
				r := newCustodyRun(t, archivedKey)
				r.must(archived)
				r.allowed = true
				if operation == "restore" {
					r.must(destroyed)
				}
				hash, export := r.sim.TenantSecrets()[0].SecretValueHash, r.export()
				sent, committed := r.patches()
				r.want(wish)
				if err := r.sim.AddFault(test.fault); err != nil {
					t.Fatal(err)
				}
				result := r.Apply()
				if (result.Code == 0) != (test.applies == 1) {
					t.Fatalf("expected %d applies, found exit code %d, %+v", test.applies, result.Code, result.Diagnostics)
				}
				if test.says != "" && !slices.ContainsFunc(result.Diagnostics, func(d acctest.Diagnostic) bool {
					return d.Severity == "error" && strings.Contains(d.Detail, test.says)
				}) {
					t.Errorf("expected the error to say %q, found %+v", test.says, result.Diagnostics)
				}
				if r.export() != export {
					t.Fatal("the first apply lost the export")
				}
				r.sim.ClearFaults()
				if test.applies == 2 {
					if result := r.Apply(); result.Code != 0 {
						t.Fatalf("expected the second apply to succeed, found %+v", result.Diagnostics)
					}
				}
				r.MustBeEmpty()
				r.expectStatus(map[string]string{destroyed: "DESTROYED", archived: "ARCHIVED"}[wish])
				r.expectPatches(sent+test.sent, committed+1)
				if state := r.State(versionAddress); state["exported_secret_value"] != export ||
					state["secret_value_hash"] != hash || state["recoverable"] != true {
					t.Errorf("expected the same key and its export, found hash %v, recoverable %v", state["secret_value_hash"],
						state["recoverable"])
				}
			})
		}
	}
}

// The adoption reads an export; if that fails, nothing is in state, so nothing is tainted,
// and the next apply adopts.
func TestAccTenantSecretVersion_adoptionFails(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.want(archived)
	if err := r.sim.AddFault(getFault(sfsim.Fault{Nth: 1, Status: 400, ErrorCode: "UNKNOWN_EXCEPTION"})); err != nil {
		t.Fatal(err)
	}
	result := r.Apply()
	if result.Code == 0 || !result.Has("error", "Unable to manage the record", r.id) {
		t.Fatalf("expected an error, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	if state := r.State(versionAddress); state != nil {
		t.Errorf("expected nothing in state, found %v", state)
	}
	r.MustApply()
	if r.export() == "" {
		t.Error("expected the second apply to adopt")
	}
}

// A destroy whose export can't be read destroys nothing.
func TestAccTenantSecretVersion_exportNotReadable(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	r.allowed = true
	r.want(destroyed)
	if err := r.sim.AddFault(getFault(sfsim.Fault{Nth: 1, Status: 400, ErrorCode: "UNKNOWN_EXCEPTION"})); err != nil {
		t.Fatal(err)
	}
	if result := r.Apply(); result.Code == 0 || !result.Has("error", "Unable to change the record", r.id,
		"nothing was destroyed") {
		t.Fatalf("expected an error, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	r.expectStatus("ARCHIVED")
	r.expectPatches(0, 0)
	r.MustApply()
	r.expectStatus("DESTROYED")
}

// Without its permissions the user sees nothing. That is never a reason to drop a record.
func TestAccTenantSecretVersion_permissionsLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asEmpty bool
		summary string
	}{"INVALID_TYPE": {false, "Unable to read the tenant secrets"}, "an empty answer": {true, "No such tenant secret"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.mustDestroy()
			export := r.export()
			permit := func(yes bool) {
				r.sim.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) {
					p.ManageEncryptionKeys, p.DeniedAsEmpty = yes, test.asEmpty
				})
			}
			permit(false)
			for command, result := range map[string]acctest.Result{
				"plan": r.Plan(), "apply": r.Apply(),
				"refresh": r.Run("apply", "-json", "-refresh-only", "-auto-approve"),
			} {
				if result.Code != acctest.PlanFailed || !result.Has("error", test.summary, "Manage Encryption Keys",
					"Manage Certificates", "Customize Application") {
					t.Errorf("%s: expected an error that names the permissions, found exit code %d, %+v", command, result.Code,
						result.Diagnostics)
				}
			}
			if r.export() != export {
				t.Fatal("the record, or its export, was dropped from state")
			}
			permit(true)
			r.MustBeEmpty()
		})
	}
}

// A sandbox refreshed from production has the same records under another org id. The state of the
// one is refused by the other.
func TestAccTenantSecretVersion_sandboxRefreshed(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	r.must(archived)
	export := r.export()
	sandbox := acctest.StartSim(t, seedOf(t, archivedKey), sfsim.WithKind(sfsim.Sandbox),
		sfsim.WithOrganizationID("00DWt0000000777"))
	if sandbox.TenantSecrets()[0].ID != r.id {
		t.Fatal("expected the sandbox to have the records of production")
	}
	production := r.sim
	r.sim, r.allowed = sandbox, true
	for _, wish := range []string{archived, destroyed} {
		r.want(wish)
		for command, result := range map[string]acctest.Result{
			"plan": r.Plan(), "apply": r.Apply(),
			"apply without a refresh": r.Apply("-refresh=false"),
		} {
			if command == "apply without a refresh" && wish == archived {
				continue // nothing to do, and nothing is looked at
			}
			if result.Code != acctest.PlanFailed || !result.Has("error", "This key belongs to another org",
				production.OrganizationID, sandbox.OrganizationID, "Nothing was read or changed.") {
				t.Errorf("%s: expected an error that names both orgs, found exit code %d, %+v", command, result.Code,
					result.Diagnostics)
			}
		}
	}
	for _, request := range sandbox.Requests() {
		if request.Operation != acctest.OpToken {
			t.Errorf("expected nothing to be read in the sandbox, found %s", request.Operation)
		}
	}
	r.sim = production
	if r.export() != export {
		t.Error("expected the state to be as it was")
	}
	// A pin says so before anything else.
	r.sim = sandbox
	r.Write("main.tf", requiredProvider+acctest.ProviderBlock(sandbox,
		fmt.Sprintf("organization_id = %q", production.OrganizationID))+r.block(archived))
	if result := r.Plan(); !result.Has("error", "Credentials of another org") {
		t.Errorf("expected the pin to refuse the org, found %+v", result.Diagnostics)
	}
	// Imported again under a state of its own, it is another resource.
	if result := r.Run("state", "rm", versionAddress); result.Code != 0 {
		t.Fatal(result.Output())
	}
	r.must(archived)
	if state := r.State(versionAddress); state["organization_id"] != sandbox.OrganizationID {
		t.Errorf("expected the sandbox's org, found %v", state["organization_id"])
	}
}

// What somebody else changes between a plan and its apply is for the next plan to show.
func TestAccTenantSecretVersion_changedBetweenPlanAndApply(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines  []string
		status string
	}{
		"a destroy": {[]string{destroyed}, "DESTROYED"}, "another backup": {[]string{archived, noBackup}, "ARCHIVED"},
		"a policy": {[]string{archived, prevent}, "ARCHIVED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.must(archived)
			r.allowed = true
			r.want(test.lines...)
			if plan := r.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
				t.Fatal(plan.Output())
			}
			r.patchInSetup(map[string]any{"Description": "edited in Setup"})
			if result := r.Run("apply", "-json", "-input=false", "saved.tfplan"); result.Code != 0 {
				t.Fatalf("expected the plan to be applied, found %+v", result.Diagnostics)
			}
			r.expectStatus(test.status)
			r.MustBeEmpty()
			if result := r.Apply("-refresh-only"); result.Code != 0 ||
				r.State(versionAddress)["description"] != "edited in Setup" {
				t.Errorf("expected the next refresh to show the edit, found exit code %d", result.Code)
			}
		})
	}
}
