package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func TestAccTenantSecret_destroyForgets(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	cli.MustApply()
	key := acctest.ActiveKey(t, sim, "Data")
	if plan := cli.Plan("-destroy"); !plan.Has("warning", "The key will be forgotten, not destroyed", key.ID,
		sim.OrganizationID) {
		t.Errorf("expected the plan to say that the key stays, found %v", plan.Summaries("warning"))
	}
	destroyed := cli.Destroy()
	if destroyed.Code != 0 || destroyed.Removed != 1 || len(destroyed.Summaries("warning")) != 1 ||
		!destroyed.Has("warning", "The key will be forgotten, not destroyed", key.ID, "stays in use") {
		t.Errorf("expected a destroy that says what it is, found %s", destroyed.Output())
	}
	if after := acctest.ActiveKey(t, sim, "Data"); after != key {
		t.Errorf("expected the key to stay as it was, %+v, found %+v", key, after)
	}
	if writes := acctest.Writes(sim); len(writes) != 1 {
		t.Errorf("expected nothing to be sent but the upload, found %v", writes)
	}
}

func TestAccTenantSecret_prevent(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	prevented := []string{"Destroying this resource is prevented", "PREVENT", "Nothing was changed."}
	cli.Config(dataKey(`deletion_policy = "PREVENT"`))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)

	if plan := cli.Plan("-destroy"); plan.Code != acctest.PlanFailed ||
		!plan.Has("error", prevented[0], prevented[1:]...) {
		t.Errorf("expected a plan to destroy to be refused, found %s", plan.Output())
	}
	// The policy is in state: it holds without the block.
	cli.Config("")
	if plan := cli.Plan(); plan.Code != acctest.PlanFailed || !plan.Has("error", prevented[0], prevented[1:]...) {
		t.Errorf("expected a removed block to be refused at plan, found %s", plan.Output())
	}
	// The destroy leg of a replacement is never planned by the provider.
	cli.Config(dataKey(`deletion_policy = "PREVENT"`))
	if applied := cli.Apply("-replace=" + tenantSecretAddress); applied.Code == 0 ||
		!applied.Has("error", prevented[0], prevented[1:]...) {
		t.Errorf("expected a replacement to be refused, found %s", applied.Output())
	}
	if after := cli.State(tenantSecretAddress); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("expected the state to be kept, found %v", after)
	}
	cli.MustBeEmpty()

	cli.Config(dataKey())
	cli.MustApply()
	cli.Config("")
	if applied := cli.MustApply(); applied.Removed != 1 {
		t.Errorf("expected ABANDON to let go, found %+v", applied)
	}
	uploads(t, sim, 1, 1)
}

// Another type is another lineage; the key of the old one is only forgotten.
func TestAccTenantSecret_typeReplaces(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	cli.MustApply()
	key := acctest.ActiveKey(t, sim, "Data")
	cli.Config(tenantSecret(`type = "Analytics"`, `certificate = "Sim_BYOK"`))
	if applied := cli.MustApply(); applied.Added != 1 || applied.Removed != 1 {
		t.Errorf("expected a replacement, found %+v", applied)
	}
	if after := acctest.ActiveKey(t, sim, "Data"); after != key {
		t.Errorf("expected the Data key to stay as it was, found %+v", after)
	}
	if state := cli.State(tenantSecretAddress); state["tenant_secret_id"] != acctest.ActiveKey(t, sim, "Analytics").ID {
		t.Errorf("expected the Analytics key in state, found %v", state["tenant_secret_id"])
	}
}

// A rotation needs no destroy, so PREVENT does not stand in its way.
func TestAccTenantSecret_preventRotates(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	for _, value := range []string{"a", "b"} {
		cli.Config(dataKey(trigger(value), `deletion_policy = "PREVENT"`))
		cli.MustApply()
	}
	uploads(t, sim, 2, 2)
}

// A capital letter is no reason to forget a key.
func TestAccTenantSecret_typeInAnotherCase(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	cli.MustApply()
	cli.Config(tenantSecret(`type = "data"`, `certificate = "Sim_BYOK"`))
	expectError(t, cli.Plan(), "The type is spelled in another case", `"Data"`)
	expectError(t, cli.Apply(), "The type is spelled in another case")
	if cli.State(tenantSecretAddress) == nil {
		t.Error("expected the key to be in state still")
	}
	uploads(t, sim, 1, 1)
}

// A renamed resource keeps its key, and a removed block lets go of it even if a destroy is
// prevented.
func TestAccTenantSecret_movedAndRemoved(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	body := dataKey(`deletion_policy = "PREVENT"`)
	cli.Config(body)
	cli.MustApply()
	cli.Config("\nmoved {\n  from = " + tenantSecretAddress + "\n  to   = salesforcebyok_tenant_secret.renamed\n}\n" +
		strings.Replace(body, `"data"`, `"renamed"`, 1))
	cli.MustApply()
	forget := "lifecycle {\n    destroy = false\n  }"
	if acctest.OpenTofu() && acctest.Below(t, 1, 10) {
		forget = "" // a removed block can do nothing else there
	}
	cli.Config("\nremoved {\n  from = salesforcebyok_tenant_secret.renamed\n  " + forget + "\n}\n")
	cli.MustApply()
	if state := cli.State("salesforcebyok_tenant_secret.renamed"); state != nil {
		t.Errorf("expected the key to be forgotten, found %v", state)
	}
	uploads(t, sim, 1, 1)
}
