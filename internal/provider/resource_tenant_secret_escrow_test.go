package provider_test

import (
	"bytes"
	"crypto/fips140"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// ageIdentity and ageRecipient are a key pair of this test process.
var ageIdentity, ageRecipient = func() (*age.X25519Identity, string) {
	var identity *age.X25519Identity
	var err error
	fips140.WithoutEnforcement(func() { identity, err = age.GenerateX25519Identity() })
	if err != nil {
		panic(err)
	}

	return identity, identity.Recipient().String()
}()

// hybridIdentity makes a post-quantum identity.
func hybridIdentity(t *testing.T) *age.HybridIdentity {
	t.Helper()
	var identity *age.HybridIdentity
	var err error
	fips140.WithoutEnforcement(func() { identity, err = age.GenerateHybridIdentity() })
	if err != nil {
		t.Fatal(err)
	}

	return identity
}

// escrowIn renders escrow to ageRecipient, with copies in the directory escrow beside the
// configuration.
func escrowIn(cli *acctest.CLI) string {
	return fmt.Sprintf("escrow = {\n    age_recipients = [%q]\n    directory      = %q\n  }", ageRecipient,
		filepath.Join(cli.Dir, "escrow"))
}

// escrowCopies lists the names of the escrow copies below the runner's directory.
func escrowCopies(t *testing.T, cli *acctest.CLI) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(cli.Dir, "escrow", "*.age"))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		paths[i] = filepath.Base(path)
	}

	return paths
}

// openEscrow decrypts an escrow copy with the age library, and with nothing of the provider's.
func openEscrow(t *testing.T, armored string, identity age.Identity) []byte {
	t.Helper()
	var plain []byte
	var err error
	fips140.WithoutEnforcement(func() {
		var r io.Reader
		if r, err = age.Decrypt(armor.NewReader(strings.NewReader(armored)), identity); err == nil {
			plain, err = io.ReadAll(r)
		}
	})
	if err != nil {
		t.Fatalf("opening the escrow copy: %v", err)
	}

	return plain
}

func TestAccTenantSecret_escrow(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(trigger("a"), escrowIn(cli)))
	if applied := cli.MustApply(); applied.Has("warning", "The key will be generated without escrow") {
		t.Error("expected no warning of a missing escrow")
	}

	state := cli.State(tenantSecretAddress)
	key := acctest.ActiveKey(t, sim, "Data")
	armored := fmt.Sprint(state["escrow_ciphertext"])
	if !bytes.Equal(openEscrow(t, armored, ageIdentity), sim.Unwrapped(key.ID)) {
		t.Error("the escrow_ciphertext in state does not hold the key that Salesforce has")
	}
	copies := escrowCopies(t, cli)
	want := regexp.MustCompile(fmt.Sprintf(`^%s-Data-%s-[0-9a-f]{8}\.age$`, sim.OrganizationID,
		regexp.QuoteMeta(fmt.Sprint(state["rotation_id"]))))
	if len(copies) != 1 || !want.MatchString(copies[0]) {
		t.Fatalf("expected one escrow copy with a name like %s, found %v", want, copies)
	}
	path := filepath.Join(cli.Dir, "escrow", copies[0])
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != armored {
		t.Error("the copy in the directory is not the one in state")
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("expected the mode 0600, found %v, %v", info.Mode(), err)
	}
	receipt, err := os.ReadFile(strings.TrimSuffix(path, ".age") + ".receipt.json")
	if err != nil || string(receipt) != fmt.Sprint(state["receipt"]) {
		t.Errorf("expected the receipt of the state beside the copy, found %s, %v", receipt, err)
	}

	cli.Config(dataKey(trigger("b"), escrowIn(cli)))
	cli.MustApply()
	if copies := escrowCopies(t, cli); len(copies) != 2 {
		t.Errorf("expected a second copy beside the first, found %v", copies)
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, text) {
		t.Errorf("expected the first copy to be kept as it was: %v", err)
	}
}

func TestAccTenantSecret_escrowPostQuantum(t *testing.T) {
	t.Parallel()
	identity := hybridIdentity(t)
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(fmt.Sprintf("escrow = { age_recipients = [%q] }", identity.Recipient())))
	cli.MustApply()
	plain := openEscrow(t, fmt.Sprint(cli.State(tenantSecretAddress)["escrow_ciphertext"]), identity)
	if !bytes.Equal(plain, sim.Unwrapped(acctest.ActiveKey(t, sim, "Data").ID)) {
		t.Error("the escrow copy does not hold the key that Salesforce has")
	}
}

// The copy is on disk before the POST leaves, whatever becomes of the POST.
func TestAccTenantSecret_escrowBeforePost(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(escrowIn(cli)))
	// The connection ends with the POST, and the org is out of reach from then on.
	for _, fault := range []sfsim.Fault{
		{Method: "POST", Path: "*/sobjects/TenantSecret", Drop: "after"},
		{
			Method: "GET", Path: "*/query*", Query: "FROM TenantSecret", Nth: 4, Times: 1000, Status: 500,
			ErrorCode: "UNKNOWN_EXCEPTION",
		},
	} {
		if err := sim.AddFault(fault); err != nil {
			t.Fatal(err)
		}
	}
	failed := cli.Apply()
	if failed.Code == 0 || !failed.Has("error", "Outcome of the upload is unknown", "rotation id", "SecretValueHash",
		"nothing was sent twice", "Apply again") {
		t.Fatalf("expected an unknown outcome, found %s", failed.Output())
	}
	if state := cli.State(tenantSecretAddress); state != nil {
		t.Errorf("expected no state after an error, found %v", state)
	}
	copies := escrowCopies(t, cli)
	if len(copies) != 1 {
		t.Fatalf("expected the escrow copy that was written before the POST, found %v", copies)
	}

	sim.ClearFaults()
	adopted := cli.MustApply()
	if slices.Contains(adopted.Summaries("warning"), "No escrow copy of the adopted key") {
		t.Error("expected the escrow copy of the interrupted run to be found")
	}
	armored := fmt.Sprint(cli.State(tenantSecretAddress)["escrow_ciphertext"])
	key := acctest.ActiveKey(t, sim, "Data")
	if !bytes.Equal(openEscrow(t, armored, ageIdentity), sim.Unwrapped(key.ID)) {
		t.Error("the adopted escrow copy does not hold the key that Salesforce has")
	}
	if n := acctest.Count(sim, acctest.OpCreate); n != 1 || len(acctest.Keys(sim, "Data")) != 2 {
		t.Errorf("expected one POST and one new key, found %d and %d keys", n, len(acctest.Keys(sim, "Data")))
	}
}

func TestAccTenantSecret_escrowAppliesFromNextUpload(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey())
	cli.MustApply()
	cli.Config(dataKey(escrowIn(cli)))
	if plan := cli.Plan(); plan.Changed != 1 || !plan.Has("warning", "Escrow applies from the next upload") {
		t.Errorf("expected a change with a warning, found %s", plan.Output())
	}
	cli.MustApply()
	if state := cli.State(tenantSecretAddress); state["escrow_ciphertext"] != nil ||
		acctest.Count(sim, acctest.OpCreate) != 1 {
		t.Errorf("expected no new key and no escrow of the old one, found %v", state["escrow_ciphertext"])
	}
}

// A directory that can't be written is found out before anything is sent.
func TestAccTenantSecret_escrowDirectoryUnusable(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Write("escrow", "a file where a directory should be")
	cli.Config(dataKey(escrowIn(cli)))
	failed := cli.Apply()
	if failed.Code == 0 || !failed.Has("error", "Escrow directory is not usable", "Nothing was sent.") {
		t.Errorf("expected the directory to be refused, found %s", failed.Output())
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be sent, found %v", writes)
	}
}
