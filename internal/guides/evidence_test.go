package guides_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// receiptsIn keeps one receipt of each operation that an auditor asks about, and returns their
// texts.
func receiptsIn(t *testing.T, path string, changes ...func(*receipt.Receipt)) []string {
	t.Helper()
	d, err := receipt.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	var texts []string
	for i, change := range changes {
		r := receipt.Receipt{
			Operation: receipt.Upload, Time: receipt.UTC(time.Date(2026, 11, 21, 12, i, 0, 0, time.UTC)),
			OrganizationID: "00DXX0000008abcMAA",
			TenantSecretID: "02G000000000001EAA", Type: "Data", Version: int64(i + 1), FIPSMode: "off", ProviderVersion: "1.2.3",
		}
		change(&r)
		if i > 0 {
			r = r.After(texts[i-1])
		}
		texts = append(texts, r.Encode())
		if _, err := d.Append(t.Context(), texts[i]); err != nil {
			t.Fatal(err)
		}
	}

	return texts
}

// The page for auditors: its commands find a whole chain whole, and a broken one broken.
func TestWalkEvidence(t *testing.T) {
	t.Parallel()
	p := open(t, "evidence")
	const statement = "salesforcebyok-destruction: 1\noperation: destroy\n"
	s := newShell(t, "jq", "sha256sum", "ssh-keygen")
	printed := s.then("sign", "ssh-keygen -q -t ed25519 -N '' -C alice -f alice\nprintf '"+
		strings.ReplaceAll(statement, "\n", "\\n")+
		"' | ssh-keygen -q -Y sign -f alice -n salesforcebyok-destroy > sig\n"+
		"ssh-keygen -l -f alice.pub | cut -d ' ' -f 2\n").run()
	signature, err := os.ReadFile(filepath.Join(s.dir, "sig"))
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := strings.TrimSpace(printed["sign"])

	directory := filepath.Join(s.dir, "receipts")
	texts := receiptsIn(t, directory,
		func(r *receipt.Receipt) { r.StatusAfter = "ACTIVE" },
		func(r *receipt.Receipt) { r.Operation, r.StatusAfter = receipt.Adopt, "ARCHIVED" },
		func(r *receipt.Receipt) {
			r.Operation, r.StatusBefore, r.StatusAfter, r.Statement, r.ApprovalsRequired = receipt.Destroy, "ARCHIVED",
				"DESTROYED", statement, 1
			r.Approvers = []receipt.Approver{{Fingerprint: fingerprint, Comment: "alice", Signature: string(signature)}}
		})
	head, err := os.ReadFile(filepath.Join(directory, "00000003.json"))
	if err != nil {
		t.Fatal(err)
	}
	chain, inState := p.block("sh", "Every file names"), p.block("sh", "is among the files")
	again := newShell(t, "jq", "sha256sum", "ssh-keygen")
	again.env = append(again.env, "RECEIPTS="+directory, "RECEIPT="+texts[1],
		"FILE="+filepath.Join(directory, "00000003.json"))
	printed = again.
		then("chain", chain).
		then("in state", inState).
		then("never kept", p.block("sh", "not among the files")).
		then("list", p.block("sh", "One line for each")).
		then("approval", "cp "+filepath.Join(s.dir, "alice.pub")+" approver.pub\n"+p.block("sh", "check-novalidate")).
		then("another text", "echo x >> statement.txt\n! ssh-keygen -Y check-novalidate -n salesforcebyok-destroy -s "+
			"statement.sig < statement.txt\n").
		then("a file is changed", "sed -i.bak 's/ARCHIVED/ACTIVE/' 00000002.json && rm 00000002.json.bak\n(\n"+chain+
			") && exit 1 || true\n").
		then("a file is lost", "rm 00000002.json\n(\n"+chain+") && exit 1 || true\n").
		run()
	says(t, printed, "chain", "head: 3 "+receipt.Sum(string(head)))
	says(t, printed, "in state", "found in 00000002.json")
	if n := strings.Count(printed["in state"], "found"); n != 1 {
		t.Errorf("the receipt is found %d times", n)
	}
	if printed["never kept"] != "" {
		t.Errorf("expected every receipt to be there, found %s", printed["never kept"])
	}
	says(t, printed, "list", "1\t2026-11-21T12:00:00Z\tupload\tData\t1\tACTIVE",
		"3\t2026-11-21T12:02:00Z\tdestroy\tData\t3\tDESTROYED\talice")
	says(t, printed, "approval", "Good \"salesforcebyok-destroy\" signature with ED25519 key "+fingerprint,
		"256 "+fingerprint)
	says(t, printed, "a file is changed", "changed: the file before 00000003.json")
	says(t, printed, "a file is lost", "missing before 00000003.json")
}

// Two people approve a destruction as the guide has it, and the auditors' page checks what the
// provider has left of it: the chain, the receipt in state, the approvals, and one that was not
// kept.
func TestWalkDestroyByTwo(t *testing.T) {
	t.Parallel()
	guide, auditors := open(t, "destroy-and-restore"), open(t, "evidence")
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{
		{Source: "UPLOADED", Status: "ARCHIVED"}, {Source: "UPLOADED"},
	}}))
	s := newShell(t, "jq", "sha256sum", "ssh-keygen").of(sim)
	receipts := filepath.Join(s.dir, "receipts")
	s.env = append(s.env, "SALESFORCEBYOK_RECEIPT_DIRECTORY="+receipts, "RECEIPTS="+receipts)
	adopt := guide.block("hcl", "destruction_approvers", "02G000000000001EAA", sim.TenantSecrets()[0].ID,
		"2026-12-31T18:00:00Z", sim.Clock.Now().Add(48*time.Hour).UTC().Format(time.RFC3339),
		`"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMzsCX099qQ/Xfg30Hxdc1SbjGbrVOmLDCt4D6RN7Xg3 alice"`, `file("alice.pub")`,
		`"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH8UMR02GQiRYfJslRnB2JJcrM/W4HDDeZIIsfL+0Y7p bob"`, `file("bob.pub")`)
	destroy := strings.Replace(adopt, `"ARCHIVED"`, `"DESTROYED"`+
		"\n  destruction_approvals = [file(\"alice.sig\"), file(\"bob.sig\")]", 1)
	sign := guide.block("sh", "Writes statement.txt.sig")
	const state = `terraform state pull | jq -j '.resources[].instances[].attributes.receipt'`
	printed := s.
		then("people", "for name in alice bob; do ssh-keygen -q -t ed25519 -N '' -C $name -f $name; done\n").
		write("main.tf", required, adopt).
		then("adopt", "terraform apply\nterraform output -raw statement > statement.txt\n").
		then("sign", "for APPROVER_KEY in alice bob; do\n"+sign+"mv statement.txt.sig $APPROVER_KEY.sig\ndone\n").
		write("main.tf", required, destroy).
		then("destroy", "terraform apply\n").
		then("chain", "RECEIPT=$("+state+")\n(\n"+auditors.block("sh", "Every file names")+")\ncd \"$RECEIPTS\"\n").
		then("in state", auditors.block("sh", "is among the files")).
		then("list", auditors.block("sh", "One line for each")).
		then("approval", "FILE=00000002.json\ncp ../alice.pub approver.pub\n"+auditors.block("sh", "check-novalidate")).
		then("gap", "cd ..\nmv receipts/00000002.json kept.json\n").
		write("main.tf", required, adopt).
		then("restore", "terraform apply\ncd receipts\n").
		then("never kept", auditors.block("sh", "not among the files")).
		run()
	says(t, printed, "destroy", "1 changed")
	says(t, printed, "chain", "head: 2 ")
	says(t, printed, "in state", "found in 00000002.json")
	says(t, printed, "list", "adopt\tData", "destroy\tData\t1\tDESTROYED\talice+bob")
	says(t, printed, "approval", "Good \"salesforcebyok-destroy\" signature with ED25519 key SHA256:", "(ED25519)")
	says(t, printed, "never kept", "00000002.json follows a receipt that is not here")
}

// Each block of commands on the auditors' page is walked above.
func TestEveryBlockOfEvidenceIsWalked(t *testing.T) {
	t.Parallel()
	p := open(t, "evidence")
	walked := []string{
		"Every file names", "is among the files", "not among the files", "One line for each",
		"check-novalidate",
	}
	if n := len(p.blocks("sh")); n != len(walked) {
		t.Errorf("the page has %d blocks, and %d are walked", n, len(walked))
	}
	for _, text := range walked {
		p.block("sh", text)
	}
}
