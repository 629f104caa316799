package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
)

// approver is a person with a key of ssh-keygen.
type approver struct{ file, public string }

func newApprover(t *testing.T, name string) approver {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("there is no ssh-keygen")
	}
	file := filepath.Join(t.TempDir(), name)
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f",
		file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v, %s", err, out)
	}
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}

	return approver{file, strings.TrimSpace(string(public))}
}

// sign approves a text by ssh-keygen, as a person does.
func (a approver) sign(t *testing.T, text string) string {
	t.Helper()

	return a.signAs(t, "salesforcebyok-destroy", text)
}

// signAs signs a text in a namespace.
func (a approver) signAs(t *testing.T, namespace, text string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", a.file)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh-keygen -Y sign: %v", err)
	}

	return string(out)
}

// guarded is a run whose provider block has a quorum.
type guarded struct {
	*custodyRun

	threshold int
	approvers []approver
	// inEnvironment puts the quorum into the environment instead.
	inEnvironment bool
	end           string
}

func newGuarded(t *testing.T, threshold int, approvers ...approver) *guarded {
	t.Helper()
	r := newCustodyRun(t, otherArchived)
	r.allowed = true

	return &guarded{r, threshold, approvers, false, r.sim.Clock.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)}
}

func (g *guarded) want(lines ...string) {
	g.t.Helper()
	quoted := []string{}
	for _, a := range g.approvers {
		quoted = append(quoted, strconv.Quote(a.public))
	}
	extra := []string{"allow_key_destruction = true"}
	if g.inEnvironment {
		text, err := json.Marshal(map[string]any{
			"threshold": g.threshold,
			"public_keys": slices.Collect(func(yield func(string) bool) {
				for _, a := range g.approvers {
					if !yield(a.public) {
						return
					}
				}
			}),
		})
		if err != nil {
			g.t.Fatal(err)
		}
		g.Env["SALESFORCEBYOK_DESTRUCTION_APPROVERS"] = string(text)
	} else {
		extra = append(extra, fmt.Sprintf("destruction_approvers = {\n    public_keys = [%s]\n    threshold   = %d\n  }",
			strings.Join(quoted, ", "), g.threshold))
	}
	body := ""
	if lines != nil {
		body = g.block(lines...)
	}
	g.Write("main.tf", requiredProvider+acctest.ProviderBlock(g.sim, extra...)+body)
}

func (g *guarded) notAfter() string { return fmt.Sprintf("destruction_not_after = %q", g.end) }

// approvals are the signatures as lines of the configuration.
func approvals(signatures ...string) string {
	quoted := []string{}
	for _, s := range signatures {
		quoted = append(quoted, strconv.Quote(s))
	}

	return "destruction_approvals = [" + strings.Join(quoted, ", ") + "]"
}

func (g *guarded) statement() string {
	g.t.Helper()
	text, _ := g.State(versionAddress)["destruction_statement"].(string)

	return text
}

// evidence is the receipt in state.
func (r *custodyRun) evidence() (receipt.Receipt, error) {
	r.t.Helper()
	text, _ := r.State(versionAddress)["receipt"].(string)

	return receipt.Parse(text)
}

// A destruction takes signatures of k of n over the statement in state, made by ssh-keygen. What
// the receipt says of it can be checked.
func TestAccTenantSecretVersion_quorum(t *testing.T) {
	t.Parallel()
	alice, bob := newApprover(t, "alice"), newApprover(t, "bob")
	g := newGuarded(t, 2, alice, bob)
	g.want(archived, g.notAfter())
	g.MustApply()
	statement := g.statement()
	for _, line := range []string{
		"salesforcebyok-destruction: 1\noperation: destroy\norganization: " + g.sim.OrganizationID + "\nrecord: " + g.id +
			"\n", "not after: " + g.end + "\n",
	} {
		if !strings.Contains(statement, line) {
			t.Errorf("expected the statement to say %q, found %q", line, statement)
		}
	}
	const missing, invalid = "The destruction lacks approvals", "An approval is not valid"
	byAlice, byBob := alice.sign(t, statement), bob.sign(t, statement)
	// What was signed is another operation.
	g.want(destroyed, noBackup, acknowledge(g.id), g.notAfter(), approvals(byAlice, byBob))
	g.refused(invalid, "Nothing was changed")

	g.want(destroyed, g.notAfter(), approvals(byAlice, byBob))
	if plan := g.Plan(); !plan.Has("warning", "A key will be destroyed", g.id) {
		t.Errorf("expected the destroy to be announced, found %+v", plan.Diagnostics)
	}
	if _, change := planned(t, g.CLI, versionAddress); change.After["destruction_statement"] != statement {
		t.Errorf("expected the plan to show what was signed, found %v", change.After["destruction_statement"])
	}
	if result := g.Apply(); result.Code != 0 {
		t.Fatalf("apply: %+v", result.Diagnostics)
	}
	g.expectStatus("DESTROYED")
	if g.statement() != statement {
		t.Errorf("expected the signed statement to stay, found %q", g.statement())
	}
	evidence, err := g.evidence()
	if err != nil || evidence.Operation != receipt.Destroy || evidence.StatusBefore != "ARCHIVED" ||
		evidence.StatusAfter != "DESTROYED" || !*evidence.ExportHeld ||
		evidence.Statement != statement || evidence.ApprovalsRequired != 2 || len(evidence.Approvers) != 2 ||
		evidence.Approvers[0].Comment != "alice" {
		t.Errorf("expected the receipt to say who approved, found %+v, %v", evidence, err)
	}
	g.MustBeEmpty()

	// The last copy is guarded as well: its statement is another one.
	if result := g.Apply("-refresh-only"); result.Code != 0 {
		t.Fatal(result.Output())
	}
	drop := g.statement()
	if !strings.Contains(drop, "operation: drop-export\n") {
		t.Fatalf("expected the statement of a drop, found %q", drop)
	}
	g.want(destroyed, noBackup, acknowledge(g.id), g.notAfter(), approvals(byAlice, byBob))
	g.refused(invalid)
	g.want(destroyed, acknowledge(g.id), g.notAfter())
	g.MustApply()
	g.want()
	g.refused(missing) // a block is removed by the approvals in state
	g.want(destroyed, acknowledge(g.id), g.notAfter(), approvals(alice.sign(t, drop), bob.sign(t, drop)))
	g.MustApply()
	g.want()
	g.MustApply()
	g.expectPatches(1, 1)
}

// A restore, a keep and a forgetting of what is not the last copy need no approval.
func TestAccTenantSecretVersion_quorumIsForDestructions(t *testing.T) {
	t.Parallel()
	alice := newApprover(t, "alice")
	g := newGuarded(t, 1, alice)
	g.want(archived)
	g.MustApply()
	if g.State(versionAddress)["destruction_statement"] != nil {
		t.Error("expected no statement without destruction_not_after")
	}
	g.want(archived, noBackup, approvals("nothing is pending, so that nobody looks"))
	g.MustApply()
	g.want(archived)
	g.MustApply()
	g.patchInSetup(map[string]any{"Status": "DESTROYED"})
	g.MustApply()
	g.expectStatus("ARCHIVED")
	evidence, err := g.evidence()
	if err != nil || evidence.Operation != receipt.Restore || evidence.Cause != receipt.CauseDrift ||
		evidence.Previous == nil {
		t.Errorf("expected a restore because of drift in the chain, found %+v, %v", evidence, err)
	}
	g.want()
	g.MustApply()
}

// An approval holds for the record as it was signed: right before the PATCH it is asked again.
func TestAccTenantSecretVersion_quorumRightBeforeThePatch(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*guarded){
		"the record has changed": func(g *guarded) {
			g.sim.Clock.Advance(time.Minute)
			g.patchInSetup(map[string]any{"Description": "edited"})
		},
		"the end is over": func(g *guarded) { g.sim.Clock.Advance(49 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alice := newApprover(t, "alice")
			g := newGuarded(t, 1, alice)
			g.t = t
			g.want(archived, g.notAfter())
			g.MustApply()
			g.want(destroyed, g.notAfter(), approvals(alice.sign(t, g.statement())))
			if plan := g.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
				t.Fatal(plan.Output())
			}
			change(g)
			before, _ := g.patches()
			result := g.Run("apply", "-json", "-input=false", "saved.tfplan")
			if result.Code == 0 || !result.Has("error", map[bool]string{
				true:  "destruction_not_after is not usable",
				false: "An approval is not valid",
			}[name == "the end is over"]) {
				t.Errorf("expected the apply to stop, found exit code %d, %+v", result.Code, result.Diagnostics)
			}
			if after, _ := g.patches(); after != before || g.status() != "ARCHIVED" {
				t.Errorf("expected nothing to be sent, found %d changes", after-before)
			}
		})
	}
}

// The quorum of a protected runner holds whatever the configuration says; a variable that is empty
// is an error.
func TestAccTenantSecretVersion_quorumOfTheEnvironment(t *testing.T) {
	t.Parallel()
	alice, bob := newApprover(t, "alice"), newApprover(t, "bob")
	g := newGuarded(t, 1, bob)
	g.inEnvironment = true
	g.want(archived, g.notAfter())
	g.MustApply()
	byAlice, byBob := alice.sign(t, g.statement()), bob.sign(t, g.statement())
	g.want(destroyed, g.notAfter(), approvals(byAlice))
	g.refused("An approval is not valid")
	g.inEnvironment, g.approvers = false, []approver{alice} // both must be met
	g.want(destroyed, g.notAfter(), approvals(byAlice))
	g.refused("The destruction lacks approvals")
	g.Env["SALESFORCEBYOK_DESTRUCTION_APPROVERS"] = ""
	g.refused("The destruction approvers are not usable")
	g.inEnvironment, g.approvers = true, []approver{bob}
	g.want(destroyed, g.notAfter(), approvals(byBob))
	g.MustApply()
	g.expectStatus("DESTROYED")
}

// Each write of a version has its receipt, in state and in the directory, chained.
func TestAccTenantSecretVersion_receipts(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	directory := t.TempDir()
	write := func(lines ...string) {
		body := ""
		if lines != nil {
			body = r.block(lines...)
		}
		r.Write("main.tf", requiredProvider+acctest.ProviderBlock(r.sim, "allow_key_destruction = true",
			fmt.Sprintf("receipt_directory = %q", directory))+body)
	}
	var texts []string
	for _, step := range []struct {
		lines     []string
		operation receipt.Operation
		before    string
		held      bool
	}{
		{[]string{archived}, receipt.Adopt, "ARCHIVED", true},
		{[]string{destroyed}, receipt.Destroy, "ARCHIVED", true},
		{[]string{archived}, receipt.Restore, "DESTROYED", true},
		{[]string{archived, noBackup}, receipt.DropExport, "ARCHIVED", false},
		{[]string{archived}, receipt.Adopt, "ARCHIVED", true},
		{[]string{destroyed}, receipt.Destroy, "ARCHIVED", true},
		{[]string{destroyed, noBackup, acknowledge(r.id)}, receipt.DropExport, "DESTROYED", false},
	} {
		write(step.lines...)
		r.MustApply()
		text, _ := r.State(versionAddress)["receipt"].(string)
		evidence, err := receipt.Parse(text)
		if err != nil || evidence.Operation != step.operation || evidence.StatusBefore != step.before ||
			evidence.ExportHeld == nil || *evidence.ExportHeld != step.held ||
			evidence.TenantSecretID != r.id || evidence.OrganizationID != r.sim.OrganizationID ||
			evidence.SecretValueHash == "" {
			t.Errorf("%v: found %s, %v", step.lines, text, err)
		}
		texts = append(texts, text)
	}
	if err := schema.VerifyChain(texts...); err != nil {
		t.Error(err)
	}
	kept, err := receipt.OpenDirectory(directory)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close() //nolint:errcheck // nothing is written
	if chain, err := kept.Verify(); err != nil || chain.Last != int64(len(texts)) {
		t.Errorf("expected %d files in a chain, found %+v, %v", len(texts), chain, err)
	}
}

// A receipt that could not be kept stops a write before anything is sent.
func TestAccTenantSecretVersion_receiptFirst(t *testing.T) {
	t.Parallel()
	r := newCustodyRun(t, archivedKey)
	directory := t.TempDir()
	write := func(lines ...string) {
		r.Write("main.tf", requiredProvider+acctest.ProviderBlock(r.sim, "allow_key_destruction = true",
			fmt.Sprintf("receipt_directory = %q", directory))+r.block(lines...))
	}
	write(archived)
	r.MustApply()
	file := filepath.Join(directory, "00000001.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("no receipt"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(destroyed)
	if result := r.Apply(); result.Code == 0 || !result.Has("error", "The receipt directory can't be written to",
		"Nothing was sent.") {
		t.Errorf("expected the apply to stop, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	r.expectStatus("ARCHIVED")
	r.expectPatches(0, 0)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r.MustApply()
	r.expectStatus("DESTROYED")
}
