package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
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

// Each write of a certificate leaves its receipt: made, signed, deleted. Those in state and those in the directory are chains.
func TestAccCertificate_receipts(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	name := recording(t, cli)
	cli.Config(caSigned())
	cli.MustApply()
	first := receiptInState(t, cli, certificateAddress)
	made := cli.State(certificateAddress)["receipt"]
	if first.Operation != receipt.MakeCertificate || first.OrganizationID != sim.OrganizationID || first.Certificate.DeveloperName != "BYOK_2027" || first.Resource != "salesforcebyok_certificate" || first.Previous != nil {
		t.Errorf("expected the making of BYOK_2027, found %+v", first)
	}
	cli.Write("chain.pem", chainFor(t, newAuthority(t, "Bank CA"), requestIn(t, cli).PublicKey))
	cli.Config(caSigned(`certificate_chain = file("chain.pem")`, `deletion_policy = "DELETE"`))
	cli.MustApply()
	second := receiptInState(t, cli, certificateAddress)
	state := cli.State(certificateAddress)
	if second.Operation != receipt.CompleteCASigned || second.Certificate.SHA256 != state["sha256_fingerprint"] || second.Certificate.SerialNumber != state["serial_number"] || second.Certificate.NotAfter != state["not_after"] {
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
	for value, summary := range map[string]string{"~/receipts": "The receipt directory is not usable", file: "The receipt directory can't be written to"} {
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
