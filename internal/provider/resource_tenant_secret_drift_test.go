package provider_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// A key that somebody rotated outside is shown, and rotated back; also if a refresh-only apply
// has saved it, or if the refresh is left out of the next plan.
func TestAccTenantSecret_rotatedOutside(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source  string
		refresh bool
		args    []string
	}{
		"by Salesforce":                  {"HSM", false, nil},
		"by an upload":                   {"UPLOADED", false, nil},
		"after a refresh-only apply":     {"HSM", true, nil},
		"after it, by an upload":         {"UPLOADED", true, nil},
		"after it, without more refresh": {"UPLOADED", true, []string{"-refresh=false"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey())
			cli.MustApply()
			before := cli.State(tenantSecretAddress)
			outside, err := sim.Rotate("Data", test.source)
			if err != nil {
				t.Fatal(err)
			}
			if test.refresh {
				if refreshed := cli.Apply("-refresh-only"); refreshed.Code != 0 {
					t.Fatal(refreshed.Output())
				}
				if id := cli.State(tenantSecretAddress)["tenant_secret_id"]; id != outside {
					t.Errorf("expected the refresh to follow the ACTIVE record %s, found %v", outside, id)
				}
			}
			plan := cli.Plan(test.args...)
			if plan.Changed != 1 || plan.Added != 0 || plan.Removed != 0 ||
				!plan.Has("warning", "The Data key will be rotated", "Another record was made ACTIVE outside this configuration",
					outside) {
				t.Fatalf("expected 1 to change with its reason, found %s", plan.Output())
			}
			cli.MustApply(test.args...)
			after := cli.State(tenantSecretAddress)
			fingerprint, _, _ := strings.Cut(fmt.Sprint(before["rotation_id"]), ".")
			if after["rotation_id"] != fingerprint+".1" {
				t.Errorf("expected the counter to be raised from %v, found %v", before["rotation_id"], after["rotation_id"])
			}
			uploads(t, sim, 2, 3)
		})
	}
}

// A rotation that fails after the refresh has moved the attributes still knows what is ours.
func TestAccTenantSecret_failedRotationBack(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	cli.MustApply()
	if _, err := sim.Rotate("Data", "UPLOADED"); err != nil {
		t.Fatal(err)
	}
	if failed := cli.Apply(); failed.Code == 0 || !failed.Has("error", "Salesforce refused the new Data key") {
		t.Fatalf("expected the interval to refuse the rotation, found %s", failed.Output())
	}
	if plan := cli.Plan(); plan.Changed != 1 {
		t.Errorf("expected the rotation to be planned still, found %s", plan.Output())
	}
	sim.Clock.Advance(25 * time.Hour)
	cli.MustApply()
	uploads(t, sim, 3, 3) // the refused POST is one of them
}

func TestAccTenantSecret_descriptionEditedOutside(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(description string) any{
		"text":           func(d string) any { return strings.Replace(d, "Ours", "Edited", 1) },
		"marker removed": func(string) any { return "Ours" },
		"all removed":    func(string) any { return nil },
		"other marker":   func(string) any { return "Ours [tf:ffffffff.9]" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey(`description = "Ours"`))
			cli.MustApply()
			before := acctest.ActiveKey(t, sim, "Data")
			patchTenantSecret(t, sim, before.ID, map[string]any{"Description": edit(before.Description)})
			plan := cli.Plan()
			if plan.Changed != 1 || plan.Has("warning", "The Data key will be rotated") {
				t.Fatalf("expected a patch and no rotation, found %s", plan.Output())
			}
			cli.MustApply()
			if after := acctest.ActiveKey(t, sim, "Data"); after.Description != before.Description || after.ID != before.ID {
				t.Errorf("expected the Description %q back, found %q", before.Description, after.Description)
			}
			uploads(t, sim, 1, 1)
		})
	}
}

// State is never dropped: a tenant secret can't be deleted, so an answer without it speaks of
// permissions or of another org.
func TestAccTenantSecret_permissionsLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change  func(*sfsim.Settings, *sfsim.Permissions)
		fault   sfsim.Fault
		summary string
		detail  string
	}{
		"refused": {
			func(_ *sfsim.Settings, p *sfsim.Permissions) { p.ManageEncryptionKeys = false },
			sfsim.Fault{},
			"Unable to read the tenant secrets", "Manage Encryption Keys",
		},
		"empty answer": {
			func(_ *sfsim.Settings, p *sfsim.Permissions) { p.ManageEncryptionKeys, p.DeniedAsEmpty = false, true },
			sfsim.Fault{},
			"No ACTIVE tenant secret of this type", "Manage Encryption Keys",
		},
		"not found": {
			nil,
			sfsim.Fault{Method: http.MethodGet, Query: "FROM TenantSecret", Status: http.StatusNotFound},
			"Unable to read the tenant secrets", "Manage Encryption Keys",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(dataKey())
			cli.MustApply()
			before := cli.State(tenantSecretAddress)
			if test.change != nil {
				sim.Configure(test.change)
			} else {
				arm(t, sim, test.fault)
			}
			for _, run := range []acctest.Result{cli.Plan(), cli.Apply("-refresh-only"), cli.Apply()} {
				if run.Code == 0 || !run.Has("error", test.summary, test.detail) {
					t.Errorf("expected %q with %q, found %s", test.summary, test.detail, run.Output())
				}
			}
			if after := cli.State(tenantSecretAddress); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("expected the state to be kept, found %v", after)
			}
			sim.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) {
				p.ManageEncryptionKeys, p.DeniedAsEmpty = true, false
			})
			sim.ClearFaults()
			cli.MustBeEmpty()
			uploads(t, sim, 1, 1)
		})
	}
}

// A state is of one org.
func TestAccTenantSecret_stateOfAnotherOrg(t *testing.T) {
	t.Parallel()
	ours := acctest.StartSim(t)
	other := acctest.StartSim(t, sfsim.WithOrganizationID("00DWt0000000009MAA"))
	cli := acctest.NewCLI(t, ours)
	cli.Config(dataKey())
	cli.MustApply()
	before := cli.State(tenantSecretAddress)

	moved := acctest.NewCLI(t, other)
	moved.Dir = cli.Dir
	moved.Config(dataKey(trigger("b")))
	if failed := moved.Apply(); failed.Code == 0 || !failed.Has("error", "This key belongs to another org",
		ours.OrganizationID, other.OrganizationID) {
		t.Errorf("expected the state of another org to be refused, found %s", failed.Output())
	}
	if failed := moved.Apply("-refresh=false"); failed.Code == 0 ||
		!failed.Has("error", "This key belongs to another org") {
		t.Errorf("expected the state of another org to be refused without a refresh too, found %s", failed.Output())
	}
	if writes := acctest.Writes(other); len(writes) != 0 {
		t.Errorf("expected nothing to be written to the other org, found %v", writes)
	}
	if after := cli.State(tenantSecretAddress); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("expected the state to be kept, found %v", after)
	}
}

// Age is noticed by the refresh, by the org's clock.
func TestAccTenantSecret_age(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey("rotate_after_days = 10"))
	cli.MustApply()
	created := acctest.ActiveKey(t, sim, "Data").CreatedDate
	if due := cli.State(tenantSecretAddress)["rotation_due_date"]; due != created.Add(240*time.Hour).Format(time.RFC3339) {
		t.Errorf("expected the key to be due 10 days after %s, found %v", created, due)
	}
	sim.Clock.Advance(9*24*time.Hour + 23*time.Hour)
	cli.MustBeEmpty()

	sim.Clock.Advance(2 * time.Hour)
	if plan := cli.Plan("-refresh=false"); plan.Code != acctest.PlanEmpty {
		t.Errorf("expected age not to be noticed without a refresh, found %s", plan.Output())
	}
	plan := cli.Plan("-out=saved.tfplan")
	if plan.Changed != 1 || plan.Removed != 0 || !plan.Has("warning", "The Data key will be rotated",
		"The ACTIVE record has reached rotate_after_days") {
		t.Fatalf("expected a rotation by age, found %s", plan.Output())
	}
	// A saved plan decides the same at apply, without a refresh of its own.
	if applied := cli.Run("apply", "-json", "-input=false", "saved.tfplan"); applied.Code != 0 || applied.Changed != 1 {
		t.Fatalf("expected the saved plan to rotate, found %s", applied.Output())
	}
	cli.MustBeEmpty()
	uploads(t, sim, 2, 2)

	// The age is no part of the fingerprint: without it, nothing changes but the date.
	cli.Config(dataKey())
	if applied := cli.MustApply(); applied.Changed != 1 {
		t.Errorf("expected the due date to go, found %+v", applied)
	}
	if due := cli.State(tenantSecretAddress)["rotation_due_date"]; due != nil {
		t.Errorf("expected no due date, found %v", due)
	}
	uploads(t, sim, 2, 2)
}

// The second rotation by age has another id than the first.
func TestAccTenantSecret_counterRisesWithEveryRotation(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey("rotate_after_days = 10"))
	var ids []string
	for range 3 {
		cli.MustApply()
		ids = append(ids, fmt.Sprint(cli.State(tenantSecretAddress)["rotation_id"]))
		sim.Clock.Advance(11 * 24 * time.Hour)
	}
	fingerprint, _, _ := strings.Cut(ids[0], ".")
	if want := []string{fingerprint + ".0", fingerprint + ".1", fingerprint + ".2"}; !slices.Equal(ids, want) {
		t.Errorf("expected %v, found %v", want, ids)
	}
	uploads(t, sim, 3, 3)
}

// Salesforce drops the spaces around a text; that is no drift.
func TestAccTenantSecret_spacesAroundTheDescription(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(`description = "  Owned by the key team "`))
	cli.MustApply()
	key := acctest.ActiveKey(t, sim, "Data")
	patchTenantSecret(t, sim, key.ID, map[string]any{"Description": strings.TrimSpace(key.Description)})
	cli.MustBeEmpty()
	// What is different in another place is.
	patchTenantSecret(t, sim, key.ID, map[string]any{"Description": strings.Replace(key.Description, "Owned by",
		"Owned  by", 1)})
	if plan := cli.Plan(); plan.Changed != 1 {
		t.Errorf("expected the text to be taken back, found\n%s", plan.Output())
	}
}
