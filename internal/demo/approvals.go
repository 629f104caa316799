package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
)

// approver is somebody who must approve destructions.
type approver struct {
	name   string
	signer ssh.Signer
}

func newApprover(name string) (approver, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return approver{}, err
	}
	signer, err := ssh.NewSignerFromSigner(private)

	return approver{name, signer}, err
}

// public is the approver's line of destruction_approvers.
func (a approver) public() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(a.signer.PublicKey()))) + " " + a.name
}

// sign makes what `ssh-keygen -Y sign -n salesforcebyok-destroy` makes.
func (a approver) sign(text string) (string, error) {
	signature, err := sshsig.Sign(strings.NewReader(text), a.signer, sshsig.HashSHA512, "salesforcebyok-destroy")
	if err != nil {
		return "", err
	}

	return string(sshsig.Armor(signature)), nil
}

// list is a list of texts as a variable of the CLI.
func list(texts []string) (string, error) {
	text, err := json.Marshal(texts)

	return string(text), err
}

// appoint makes the two approvers.
func (d *demo) appoint() error {
	var public []string
	for _, name := range []string{"alice", "bob"} {
		a, err := newApprover(name)
		if err != nil {
			return err
		}
		d.approvers, public = append(d.approvers, a), append(public, a.public())
	}
	var err error
	d.vars["approvers"], err = list(public)

	return err
}

// approve has the first of the approvers sign the statement in state, as many as count.
func (d *demo) approve(ctx context.Context, count int) error {
	out, err := d.cli(ctx, "output", "-json", "statements")
	if err != nil {
		return fmt.Errorf("%w: output: %w\n%s", errFailed, err, out)
	}
	var statements map[string]string
	if err := json.Unmarshal([]byte(out), &statements); err != nil {
		return fmt.Errorf("%w: the statements are %s: %w", errFailed, out, err)
	}
	statement := statements[d.oldest().ID]
	var signatures []string
	for _, a := range d.approvers[:count] {
		signature, err := a.sign(statement)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	d.vars["approvals"], err = list(signatures)

	return err
}

// destroyUnapproved shows that one approval of two destroys nothing.
func (d *demo) destroyUnapproved(ctx context.Context) error {
	d.vars["allow_key_destruction"] = "true"
	d.title("The lock is opened, and alice signs the statement in state (ssh-keygen -Y sign -n salesforcebyok-destroy). " +
		"Two approvals are asked for.")
	if err := d.approve(ctx, 1); err != nil {
		return err
	}
	out, err := d.cli(ctx, "plan", "-no-color", "-input=false")
	if err == nil {
		return fmt.Errorf("%w: a destroy with one approval was planned\n%s", errFailed, out)
	}
	flat := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
	for _, want := range []string{"The destruction lacks approvals", "needs 2 approvals and has 1", "(alice)"} {
		if err := expect(flat, want); err != nil {
			return err
		}
	}
	d.result("Refused at plan: The destruction lacks approvals: 1 of 2, signed by alice. Nothing was sent; the key is "+
		"%s.", d.oldest().Status)

	return nil
}

// evidence verifies the receipts of the whole run.
func (d *demo) evidence(context.Context) error {
	d.title("Everything that was written has left a receipt, and each names the SHA-256 of the one before it. The chain " +
		"of this whole run:")
	directory, err := receipt.OpenDirectory(d.receipts())
	if err != nil {
		return err
	}
	chain, err := directory.Verify()
	if err = firstError(err, directory.Close()); err != nil {
		return fmt.Errorf("%w: the chain of receipts: %w", errFailed, err)
	}
	approved := 0
	for n := chain.First; n <= chain.Last; n++ {
		text, err := os.ReadFile(filepath.Join(d.receipts(), fmt.Sprintf("%08d.json", n)))
		if err != nil {
			return err
		}
		var e receipt.Envelope
		if err := json.Unmarshal(text, &e); err != nil {
			return err
		}
		r, err := receipt.Parse(string(e.Receipt))
		if err != nil {
			return err
		}
		d.say("     %s", receiptLine(n, r))
		if r.Operation == receipt.Destroy {
			approved += len(r.Approvers)
		}
	}
	if approved != len(d.approvers) {
		return fmt.Errorf("%w: the receipt of the destruction names %d approvers", errFailed, approved)
	}
	d.result("Verified: %d receipts without a gap. Head %s: note it where nobody can rewrite it.", chain.Last, chain.Head)

	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}

	return nil
}

// receiptLine is one receipt in a line of the story.
func receiptLine(n int64, r receipt.Receipt) string {
	parts := []string{fmt.Sprintf("%2d  %-19s", n, r.Outcome)}
	switch {
	case r.Type != "":
		parts = append(parts, fmt.Sprintf("%s, version %d, %s", r.Type, r.Version, r.StatusAfter))
	case r.Certificate != nil:
		parts = append(parts, r.Certificate.DeveloperName)
	case len(r.Settings) > 0:
		parts = append(parts, r.Settings[0].Name)
	}
	var names []string
	for _, a := range r.Approvers {
		names = append(names, a.Comment)
	}
	if len(names) > 0 {
		parts = append(parts, "approved by "+strings.Join(names, " and "))
	}

	return strings.Join(parts, "  ")
}

func (d *demo) receipts() string { return filepath.Join(d.folder, "receipts") }

// approvalsEnd is when approvals of this run end.
func (d *demo) approvalsEnd() string {
	return d.sim.Clock.Now().Add(2 * 24 * time.Hour).UTC().Format(time.RFC3339)
}
