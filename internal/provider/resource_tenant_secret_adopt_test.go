package provider_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// arm adds faults to an org.
func arm(t *testing.T, sim *sfsim.Server, faults ...sfsim.Fault) {
	t.Helper()
	for _, fault := range faults {
		if err := sim.AddFault(fault); err != nil {
			t.Fatal(err)
		}
	}
}

// uploads expects how many POSTs the org has received, and how many Data keys it has beside its
// first one.
func uploads(t *testing.T, sim *sfsim.Server, posts, keys int) {
	t.Helper()
	if n := acctest.Count(sim, acctest.OpCreate); n != posts {
		t.Errorf("expected %d POSTs, found %d", posts, n)
	}
	if n := len(acctest.Keys(sim, "Data")) - 1; n != keys {
		t.Errorf("expected %d new keys, found %d", keys, n)
	}
}

// outOfReach makes every query for tenant secrets fail from the fourth on, after those of refresh,
// plan and write, with an answer that the client does not repeat.
var outOfReach = sfsim.Fault{
	Method: http.MethodGet, Query: "FROM TenantSecret", Nth: 4, Times: 1000, Status: http.StatusBadRequest,
	ErrorCode: "SIMULATED_OUTAGE",
}

// lostReply ends the connection after the org has made the record.
var lostReply = sfsim.Fault{Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Nth: 1, Drop: "after"}

// A state that was lost finds its key again by the marker.
func TestAccTenantSecret_lostStateAdopts(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(trigger("a"), escrowIn(cli)))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	if plan := cli.Plan(); plan.Added != 1 || !plan.Has("warning", "An existing key will be adopted",
		"Nothing will be uploaded") {
		t.Errorf("expected the plan to announce an adoption, found %v", plan.Summaries("warning"))
	}
	cli.MustApply()
	after := cli.State(tenantSecretAddress)
	for _, name := range []string{
		"tenant_secret_id", "rotation_id", "secret_value_hash", "escrow_ciphertext", "receipt",
		"certificate_sha256", "version",
	} {
		if fmt.Sprint(before[name]) != fmt.Sprint(after[name]) || after[name] == nil {
			t.Errorf("%s: expected the adoption to bring back %v, found %v", name, before[name], after[name])
		}
	}
	uploads(t, sim, 1, 1)
	if n := acctest.Count(sim, acctest.OpUpdate); n != 0 {
		t.Errorf("expected the adopted record to be left as it is, found %d patches", n)
	}
}

// The certificate of an adopted key is the one that wrapped it, and not the one that is named now.
func TestAccTenantSecret_lostStateAfterARenewal(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, withCertificate(sfsim.SeedCertificate{DeveloperName: "Renewed"}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(tenantSecret(`type = "Data"`, `certificate = "Good"`, trigger("a"), escrowIn(cli)))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	cli.Config(tenantSecret(`type = "Data"`, `certificate = "Renewed"`, trigger("a"), escrowIn(cli)))
	cli.MustApply()
	renewed, _ := inOrg(sim, "Renewed")
	expectState(t, cli, tenantSecretAddress, map[string]any{
		"certificate_sha256": before["certificate_sha256"], "wrapping_certificate_sha256": fingerprintOf(t, renewed.PEM),
		"receipt": before["receipt"],
	})
	uploads(t, sim, 1, 1)
}

// Adoption patches what is configured otherwise, and says what is lost with the state.
func TestAccTenantSecret_adoptionWithoutDirectory(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	escrow := fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient)
	cli.Config(dataKey(escrow))
	cli.MustApply()
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	cli.Config(dataKey(escrow, `description = "Now with a text"`))
	adopted := cli.MustApply()
	if !adopted.Has("warning", "No escrow copy of the adopted key", "escrow has no directory",
		"rotate: change rotation_triggers") {
		t.Errorf("expected a warning of the lost escrow copy, found %v", adopted.Summaries("warning"))
	}
	state := cli.State(tenantSecretAddress)
	if state["escrow_ciphertext"] != nil || !strings.Contains(fmt.Sprint(state["receipt"]), `"outcome":"adopted"`) {
		t.Errorf("expected no escrow and a receipt of the adoption, found %v and %v", state["escrow_ciphertext"],
			state["receipt"])
	}
	if key := acctest.ActiveKey(t, sim, "Data"); !strings.HasPrefix(key.Description, "Now with a text [tf:") {
		t.Errorf("expected the description to be patched, found %q", key.Description)
	}
	uploads(t, sim, 1, 1)
}

// -replace asks for another resource, not for another key.
func TestAccTenantSecret_replaceKeepsTheKey(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(escrowIn(cli)))
	cli.MustApply()
	before := cli.State(tenantSecretAddress)
	replaced := cli.MustApply("-replace=" + tenantSecretAddress)
	if replaced.Added != 1 || replaced.Removed != 1 {
		t.Errorf("expected a replacement, found %+v", replaced)
	}
	if !replaced.Has("warning", "An existing key will be adopted", "change rotation_triggers") {
		t.Errorf("expected a warning that points to the rotation inputs, found %v", replaced.Summaries("warning"))
	}
	after := cli.State(tenantSecretAddress)
	for _, name := range []string{"tenant_secret_id", "rotation_id", "receipt", "escrow_ciphertext"} {
		if fmt.Sprint(before[name]) != fmt.Sprint(after[name]) {
			t.Errorf("%s: expected %v to survive, found %v", name, before[name], after[name])
		}
	}
	uploads(t, sim, 1, 1)
}

// The reply to the POST is lost, and so is every look for the record. Nothing is sent a second
// time: not by this apply, not by the next.
func TestAccTenantSecret_unknownOutcome(t *testing.T) {
	t.Parallel()
	for name, rotation := range map[string]bool{"create": false, "update": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			posts := 1
			if rotation {
				cli.Config(dataKey(trigger("a")))
				cli.MustApply()
				posts = 2
			}
			before := cli.State(tenantSecretAddress)
			cli.Config(dataKey(trigger("b")))
			// The plan reads the keys once, the apply once for its plan and once for the write.
			arm(t, sim, lostReply, outOfReach)
			failed := cli.Apply()
			if failed.Code == 0 || !failed.Has("error", "Outcome of the upload is unknown", "A new Data key was sent",
				"rotation id", "Apply again") {
				t.Fatalf("expected an unknown outcome, found %s", failed.Output())
			}
			if after := cli.State(tenantSecretAddress); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("expected the state to stay as it was,\nbefore %v\nafter  %v", before, after)
			}
			uploads(t, sim, posts, posts)

			sim.ClearFaults()
			adopted := cli.MustApply()
			if rotation && (adopted.Changed != 1 || adopted.Removed != 0) || !rotation && adopted.Added != 1 {
				t.Errorf("expected the record to be adopted by one change, found %+v", adopted)
			}
			uploads(t, sim, posts, posts)
			if id := cli.State(tenantSecretAddress)["tenant_secret_id"]; id != acctest.ActiveKey(t, sim, "Data").ID {
				t.Errorf("expected the state to know the ACTIVE record, found %v", id)
			}
		})
	}
}

// The POST never arrived, but nobody can see that: the next apply looks first, and then uploads
// once.
func TestAccTenantSecret_neverArrived(t *testing.T) {
	t.Parallel()
	for name, rotation := range map[string]bool{"create": false, "update": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := acctest.NewCLI(t, sim)
			posts := 0
			if rotation {
				cli.Config(dataKey(trigger("a")))
				cli.MustApply()
				posts = 1
			}
			cli.Config(dataKey(trigger("b")))
			arm(t, sim, sfsim.Fault{Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Nth: 1, Drop: "before"})
			if failed := cli.Apply(); failed.Code == 0 || !failed.Has("error", "Outcome of the upload is unknown") {
				t.Fatalf("expected an unknown outcome, found %s", failed.Output())
			}
			// A dropped connection leaves no operation in the journal, so the attempt is not counted.
			before := acctest.Count(sim, acctest.OpCreate)
			cli.MustApply()
			if n := acctest.Count(sim, acctest.OpCreate) - before; n != 1 {
				t.Errorf("expected one POST of the next apply, found %d", n)
			}
			if n := len(acctest.Keys(sim, "Data")) - 1; n != posts+1 {
				t.Errorf("expected one new key, found %d", n-posts)
			}
		})
	}
}

// The record is there, but reads do not show it for a while.
func TestAccTenantSecret_visibleLate(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithVisibilityLag(3))
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(escrowIn(cli)))
	arm(t, sim, lostReply)
	if failed := cli.Apply(); failed.Code == 0 && failed.Has("warning", "The reply to an upload was lost") {
		t.Log("the record was found by this apply")
	} else if !failed.Has("error", "Outcome of the upload is unknown") {
		t.Fatalf("expected an unknown outcome, found %s", failed.Output())
	}
	cli.MustApply()
	uploads(t, sim, 1, 1)
	armored := fmt.Sprint(cli.State(tenantSecretAddress)["escrow_ciphertext"])
	if !bytes.Equal(openEscrow(t, armored, ageIdentity), sim.Unwrapped(acctest.ActiveKey(t, sim, "Data").ID)) {
		t.Error("the escrow copy does not hold the key that Salesforce has")
	}
}

// Somebody rotated after the interrupted run: its record is no longer ACTIVE, so a new
// rotation follows.
func TestAccTenantSecret_overtakenRecordIsNotAdopted(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	cli.MustApply()
	first := cli.State(tenantSecretAddress)
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	if _, err := sim.Rotate("Data", "HSM"); err != nil {
		t.Fatal(err)
	}
	cli.MustApply()
	second := cli.State(tenantSecretAddress)
	fingerprint, _, _ := strings.Cut(fmt.Sprint(first["rotation_id"]), ".")
	if second["rotation_id"] != fingerprint+".1" || second["tenant_secret_id"] == first["tenant_secret_id"] {
		t.Errorf("expected a new key with the next counter after %v, found %v", first["rotation_id"], second["rotation_id"])
	}
	uploads(t, sim, 2, 3)
}

// Given material that an adopted record does not have is not silently dropped.
func TestAccTenantSecret_adoptionWithOtherMaterial(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	first, second := acctest.NewMaterial(), acctest.NewMaterial()
	line, variable := givenMaterial(first, "1")
	cli.Config(variable + dataKey(line))
	cli.MustApply()
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	line, variable = givenMaterial(second, "1")
	cli.Config(variable + dataKey(line))
	adopted := cli.MustApply()
	if !adopted.Has("warning", "The given key material was not uploaded", first.Hash(), "raise key_material_wo_version") {
		t.Errorf("expected a warning, found %v", adopted.Summaries("warning"))
	}
	if strings.Contains(adopted.Output(), second.Base64()) {
		t.Error("the output shows the material")
	}
	uploads(t, sim, 1, 1)
}

// The interval is judged by the org's clock, not by this machine's.
func TestAccTenantSecret_intervalByTheOrgsClock(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithKind(sfsim.Developer))
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(trigger("a")))
	cli.MustApply()
	sim.Clock.Advance(24*time.Hour + time.Minute)
	cli.Config(dataKey(trigger("b")))
	if plan := cli.Plan(); plan.Has("warning", "The rotation interval is not over") {
		t.Error("expected no warning once the interval is over")
	}
	cli.MustApply()
	uploads(t, sim, 2, 2)
}
