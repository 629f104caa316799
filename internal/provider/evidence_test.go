package provider_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// recording has the provider keep its receipts in a directory below the test's own.
func recording(t *testing.T, cli *acctest.CLI) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "receipts")
	cli.Env["SALESFORCEBYOK_RECEIPT_DIRECTORY"] = name

	return name
}

// receiptInState reads the receipt of a resource.
func receiptInState(t *testing.T, cli *acctest.CLI, address string) receipt.Receipt {
	t.Helper()
	text, _ := cli.State(address)["receipt"].(string)
	r, err := receipt.Parse(text)
	if err != nil {
		t.Fatalf("the receipt in state %q %s", text, err)
	}

	return r
}

// Each write of a certificate leaves its receipt: made, signed, deleted. Those in state and those
// in the directory are chains.
func TestAccCertificate_receipts(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	name := recording(t, cli)
	cli.Config(caSigned())
	cli.MustApply()
	first := receiptInState(t, cli, certificateAddress)
	made := cli.State(certificateAddress)["receipt"]
	if first.Operation != receipt.MakeCertificate || first.OrganizationID != sim.OrganizationID ||
		first.Certificate.DeveloperName != "BYOK_2027" || first.Resource != "salesforcebyok_certificate" ||
		first.Previous != nil {
		t.Errorf("expected the making of BYOK_2027, found %+v", first)
	}
	cli.Write("chain.pem", chainFor(t, newAuthority(t, "Bank CA"), requestIn(t, cli).PublicKey))
	cli.Config(caSigned(`certificate_chain = file("chain.pem")`, `deletion_policy = "DELETE"`))
	cli.MustApply()
	second := receiptInState(t, cli, certificateAddress)
	state := cli.State(certificateAddress)
	if second.Operation != receipt.CompleteCASigned || second.Certificate.SHA256 != state["sha256_fingerprint"] ||
		second.Certificate.SerialNumber != state["serial_number"] || second.Certificate.NotAfter != state["not_after"] {
		t.Errorf("expected the signed certificate, found %+v", second)
	}
	if text, ok := made.(string); !ok || second.Previous == nil || *second.Previous != receipt.Sum(text) {
		t.Errorf("expected the receipt to follow the first, found %v", second.Previous)
	}
	if destroyed := cli.Destroy(); destroyed.Code != 0 {
		t.Fatal(destroyed.Output())
	}
	directory, err := receipt.OpenDirectory(name)
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close() //nolint:errcheck // it was only read
	if chain, err := directory.Verify(); err != nil || chain.Last != 3 {
		t.Errorf("expected a chain of three receipts, found %+v, %v", chain, err)
	}
	last, err := os.ReadFile(filepath.Join(name, "00000003.json"))
	if err != nil || !strings.Contains(string(last), `"operation":"delete-certificate"`) {
		t.Errorf("expected the deletion last, found %s, %v", last, err)
	}
}

// Without a place for the receipt nothing is written to the org.
func TestAccCertificate_receiptDirectoryUnusable(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_A"`))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for value, summary := range map[string]string{
		"~/receipts": "The receipt directory is not usable",
		file:         "The receipt directory can't be written to",
	} {
		cli.Env["SALESFORCEBYOK_RECEIPT_DIRECTORY"] = value
		if applied := cli.Apply(); applied.Code == 0 || !applied.Has("error", summary, "Nothing was sent") {
			t.Errorf("%s: expected the error %q, found\n%s", value, summary, applied.Output())
		}
	}
	expectCount(t, sim, opDeploy, 0)
	if names := madeNames(sim); len(names) != 0 {
		t.Errorf("expected no certificate, found %v", names)
	}
}

// chainOf applies one configuration after the other and returns the receipts that a resource had,
// each of which fits the schema.
func chainOf(t *testing.T, cli *acctest.CLI, address string, steps ...func()) []receipt.Receipt {
	t.Helper()
	var texts []string
	var all []receipt.Receipt
	for i, step := range steps {
		step()
		cli.MustApply()
		text, _ := cli.State(address)["receipt"].(string)
		if err := schema.Validate(text); err != nil {
			t.Errorf("step %d: %v: %s", i, err, text)
		}
		texts, all = append(texts, text), append(all, receiptInState(t, cli, address))
		if plan := cli.Plan(); plan.Code != 0 {
			t.Errorf("step %d: expected an empty plan, found\n%s", i, plan.Output())
		}
	}
	if err := schema.VerifyChain(texts...); err != nil {
		t.Error(err)
	}

	return all
}

// verifyDirectory expects so many receipts in a whole chain, each of which fits the schema.
func verifyDirectory(t *testing.T, name string, count int) {
	t.Helper()
	directory, err := receipt.OpenDirectory(name)
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close() //nolint:errcheck // it was only read
	if chain, err := directory.Verify(); err != nil || chain.Last != int64(count) {
		t.Errorf("expected a chain of %d receipts, found %+v, %v", count, chain, err)
	}
	files, err := filepath.Glob(filepath.Join(name, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var e receipt.Envelope
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err == nil {
			err = schema.Validate(string(e.Receipt))
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// A key's receipts: made, patched because the configuration says so, patched because somebody
// edited its mark, and made again. A patch repeats how the key was made.
func TestAccTenantSecret_receipts(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	name := recording(t, cli)
	config := func(lines ...string) func() {
		return func() { cli.Config(dataKey(append(lines, escrowIn(cli))...)) }
	}
	all := chainOf(t, cli, tenantSecretAddress,
		config(trigger("a")),
		config(trigger("a"), `description = "A text"`),
		func() {
			id, _ := cli.State(tenantSecretAddress)["tenant_secret_id"].(string)
			editInSetup(t, sim, id, map[string]any{"Description": "A text"})
		},
		config(trigger("b"), `description = "A text"`),
	)
	for i, want := range []struct {
		operation receipt.Operation
		cause     receipt.Cause
		version   int64
	}{
		{receipt.Upload, receipt.CausePlan, 2},
		{receipt.Patch, receipt.CausePlan, 2},
		{receipt.Patch, receipt.CauseDrift, 2},
		{receipt.Upload, receipt.CausePlan, 3},
	} {
		r := all[i]
		if r.Operation != want.operation || r.Cause != want.cause || r.Version != want.version || r.StatusAfter != "ACTIVE" ||
			r.Resource != "salesforcebyok_tenant_secret" || r.UserID == "" {
			t.Errorf("receipt %d: expected %v, found %+v", i, want, r)
		}
		if r.KeySource != "generated" || r.Certificate == nil || len(r.EscrowRecipients) != 1 || r.EscrowSHA256 == "" ||
			r.HashMatched == nil || !*r.HashMatched {
			t.Errorf("receipt %d: expected it to say how the key was made, found %+v", i, r)
		}
	}
	armored, _ := cli.State(tenantSecretAddress)["escrow_ciphertext"].(string)
	if all[3].EscrowSHA256 != receipt.Sum(armored) {
		t.Errorf("expected the sum of escrow_ciphertext, found %s", all[3].EscrowSHA256)
	}
	verifyDirectory(t, name, 4)

	// A lost state finds the receipt beside the escrow copy, which the directory has already.
	before := cli.State(tenantSecretAddress)["receipt"]
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	cli.MustApply()
	if after := cli.State(tenantSecretAddress)["receipt"]; after != before {
		t.Errorf("expected the receipt of the upload, found %v", after)
	}
	verifyDirectory(t, name, 4)
}

// A run that was killed after its upload has left neither state nor receipt: the next one, which
// adopts the key, leaves one.
func TestAccTenantSecret_receiptOfAKilledRun(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	directory := filepath.Join(t.TempDir(), "receipts")
	cli.Config(dataKey(trigger("a")))
	cli.MustApply()
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	providerConfig(cli, acctest.ProviderBlock(sim, fmt.Sprintf("receipt_directory = %q", directory))+dataKey(trigger("a")))
	cli.MustApply()
	if r := receiptInState(t, cli, tenantSecretAddress); r.Operation != receipt.Adopt || r.SecretValueHash == "" ||
		r.StatusBefore != "ACTIVE" {
		t.Errorf("expected the receipt of an adoption, found %+v", r)
	}
	verifyDirectory(t, directory, 1)
	uploads(t, sim, 1, 1)
}

// Settings leave a receipt only if something was changed, which names what was changed.
func TestAccEncryptionKeySettings_receipts(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, settingsAre(false, true, false))
	cli := acctest.NewCLI(t, sim)
	name := recording(t, cli)
	cli.Config(keySettings("enable_cache_only_keys = true"))
	cli.MustApply()
	if text := cli.State(settingsAddress)["receipt"]; text != nil {
		t.Errorf("expected no receipt of nothing, found %v", text)
	}
	all := chainOf(t, cli, settingsAddress,
		func() {
			cli.Config(keySettings("enable_cache_only_keys = true", "allow_key_derivation_opt_out = true"))
		},
		func() {
			sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CanOptOutOfDerivationWithBYOK = false })
		},
	)
	for i, cause := range []receipt.Cause{receipt.CausePlan, receipt.CauseDrift} {
		r := all[i]
		if r.Operation != receipt.ChangeSettings || r.Cause != cause || len(r.Settings) != 1 ||
			r.Settings[0].Name != "allow_key_derivation_opt_out" || *r.Settings[0].Before || !*r.Settings[0].After {
			t.Errorf("expected the change because of %s, found %+v", cause, r)
		}
	}
	verifyDirectory(t, name, 2)
}

// The JWE of a cache-only key is evidence too, and is made for a pinned certificate only.
func TestAccCacheOnlyKey_pinsAndReceipts(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	name := recording(t, cli)
	cli.Config(cacheOnly(`certificate = "Sim_BYOK"`, fmt.Sprintf("certificate_pins = [%q]", strings.Repeat("ab", 32)),
		escrowIn(cli)))
	expectError(t, cli.Plan(), "The wrapping certificate is not pinned", "Sim_BYOK")
	if applied := cli.Apply(); applied.Code == 0 || cli.State(cacheOnlyAddress) != nil {
		t.Errorf("expected no key, found\n%s", applied.Output())
	}
	found, _ := inOrg(sim, "Sim_BYOK")
	pin := fingerprintOf(t, found.PEM)
	all := chainOf(t, cli, cacheOnlyAddress, func() {
		cli.Config(cacheOnly(`certificate = "Sim_BYOK"`, fmt.Sprintf("certificate_pins = [%q]", strings.ToUpper(pin)),
			escrowIn(cli)))
	})
	r := all[0]
	if r.Operation != receipt.MakeJWE || r.PinsHeld == nil || *r.PinsHeld != receipt.PinsHeld ||
		r.Certificate.SHA256 != pin || r.KeySource != "generated" || len(r.EscrowRecipients) != 1 || r.EscrowFile == "" {
		t.Errorf("expected the evidence of the JWE, found %+v", r)
	}
	verifyDirectory(t, name, 1)
	// A pin that no longer holds is a warning while nothing is made.
	cli.Config(cacheOnly(`certificate = "Sim_BYOK"`, fmt.Sprintf("certificate_pins = [%q]", strings.Repeat("ab", 32)),
		escrowIn(cli)))
	expectWarning(t, cli.MustApply(), "The wrapping certificate is not pinned")
	verifyDirectory(t, name, 1)
}

// fingerprintOf is the SHA-256 of a certificate's DER.
func fingerprintOf(t *testing.T, text string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM: %q", text)
	}
	sum := sha256.Sum256(block.Bytes)

	return hex.EncodeToString(sum[:])
}

// Receipts of every kind of write are refused a place before the write, and the org stays as it is.
func TestAccReceipts_first(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"key":      dataKey(),
		"settings": keySettings("allow_key_derivation_opt_out = true"),
		"jwe":      cacheOnly(`certificate = "Sim_BYOK"`),
		"root key": rootKeyBlock("Active"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, withRootKey("Inactive"))
			cli := acctest.NewCLI(t, sim)
			providerConfig(cli, acctest.ProviderBlock(sim, fmt.Sprintf("receipt_directory = %q", file))+body)
			if applied := cli.Apply(); applied.Code == 0 || !applied.Has("error", "The receipt directory can't be written to",
				"Nothing was sent") {
				t.Errorf("expected the write to be refused, found\n%s", applied.Output())
			}
			expectCount(t, sim, opDeploy, 0)
			if writes := slices.DeleteFunc(acctest.Writes(sim), func(s string) bool {
				return strings.Contains(s, "/Soap/")
			}); len(writes) != 0 {
				t.Errorf("expected no write, found %v", writes)
			}
		})
	}
}
