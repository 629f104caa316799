package guides_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
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
	chain, inState := p.block("sh", "Every file names"), p.block("sh", "among the files")
	again := newShell(t, "jq", "sha256sum", "ssh-keygen")
	again.env = append(again.env, "RECEIPTS="+directory, "RECEIPT="+texts[1],
		"FILE="+filepath.Join(directory, "00000003.json"))
	printed = again.
		then("chain", chain).
		then("in state", inState).
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
	says(t, printed, "list", "1\t2026-11-21T12:00:00Z\tupload\tData\t1\tACTIVE",
		"3\t2026-11-21T12:02:00Z\tdestroy\tData\t3\tDESTROYED\talice")
	says(t, printed, "approval", "Good \"salesforcebyok-destroy\" signature with ED25519 key "+fingerprint,
		"256 "+fingerprint)
	says(t, printed, "a file is changed", "changed: the file before 00000003.json")
	says(t, printed, "a file is lost", "missing before 00000003.json")
}
