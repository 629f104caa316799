// Package demo runs the provider through the life of a key, with the real Terraform or OpenTofu CLI
// against the Salesforce simulator on loopback, and says in plain lines what it does and what came
// of it. It is a tool of the repository and no part of the provider.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// Options say how a demo runs.
type Options struct {
	// Root is the project's root, where the provider is built from.
	Root string
	// CLI is the path of terraform or tofu.
	CLI string
	// Out receives the story.
	Out io.Writer
	// Verbose shows all that the CLI prints.
	Verbose bool
}

// demo is one run.
type demo struct {
	Options

	folder   string // everything that the run makes; removed at its end
	work     string // the configuration
	sim      *sfsim.Server
	identity *age.X25519Identity
	vars     map[string]string
	step     int
	// approvers must approve each destruction.
	approvers []approver
}

// errFailed ends a run whose story did not go as announced.
var errFailed = errors.New("the demo did not go as it should")

// Run shows the whole story. It leaves nothing behind.
func Run(ctx context.Context, o Options) (err error) {
	d := &demo{Options: o, vars: map[string]string{}}
	if d.folder, err = os.MkdirTemp("", "salesforcebyok-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.folder)) }()

	if err := d.prepare(ctx); err != nil {
		return err
	}
	defer func() { d.sim.Close() }()
	for _, chapter := range []func(context.Context) error{
		d.firstKeys, d.emptyPlan, d.rotate, d.lostReply, d.escrow, d.adoptOld, d.destroyRefused, d.destroyUnapproved,
		d.destroy, d.restore, d.zeroToBYOK, d.evidence,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	d.say("")
	d.say("That was the life of a key. Read on: docs/guides/first-key.md, or `make sim` for a simulator of your own.")

	return nil
}

func (d *demo) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.Out, format+"\n", args...)
}

// title begins a step.
func (d *demo) title(format string, args ...any) {
	d.step++
	d.say("\n%d. "+format, append([]any{d.step}, args...)...)
}

func (d *demo) result(format string, args ...any) { d.say("   -> "+format, args...) }

// prepare builds the provider, starts the simulator and lays out the configuration.
func (d *demo) prepare(ctx context.Context) error {
	d.title("Building the provider and starting a Salesforce simulator on loopback. No Salesforce org and no account is " +
		"needed.")
	d.work = filepath.Join(d.folder, "configuration")
	if err := os.CopyFS(d.work, os.DirFS(filepath.Join(d.Root, "examples", "demo"))); err != nil {
		return err
	}
	binary := filepath.Join(d.folder, "plugin", "terraform-provider-salesforcebyok")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	//nolint:gosec // the path is one that this function made
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	build.Dir = d.Root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the provider: %w\n%s", err, out)
	}
	settings := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n    %q = %q\n  }\n  direct {}\n}\n",
		provider.Address, filepath.Dir(binary), openTofuAddress(), filepath.Dir(binary))
	if err := os.WriteFile(filepath.Join(d.folder, "cli.tfrc"), []byte(settings), 0o600); err != nil {
		return err
	}

	var err error
	if d.sim, err = sfsim.New(); err != nil {
		return err
	}
	if d.identity, err = age.GenerateX25519Identity(); err != nil {
		return err
	}
	d.vars["escrow_recipient"] = d.identity.Recipient().String()
	if err := d.appoint(); err != nil {
		return err
	}
	version, err := d.cli(ctx, "version")
	if err != nil {
		return err
	}
	d.result("%s; org %s at %s; escrow recipient %s", strings.SplitN(version, "\n", 2)[0], d.sim.OrganizationID,
		d.sim.InstanceURL, d.vars["escrow_recipient"])
	d.keyTable("The org as it was found: one key, made by Salesforce")

	return nil
}

// openTofuAddress is the provider's address as OpenTofu completes a source without a host.
func openTofuAddress() string {
	return "registry.opentofu.org" + strings.TrimPrefix(provider.Address, "registry.terraform.io")
}

// cli runs the CLI in the configuration and returns what it printed, also with an error.
func (d *demo) cli(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, d.CLI, args...) //nolint:gosec // the caller names the CLI
	cmd.Dir = d.work
	cmd.Env = append(os.Environ(), "SALESFORCEBYOK_RECEIPT_DIRECTORY="+d.receipts(),
		"TF_CLI_CONFIG_FILE="+filepath.Join(d.folder, "cli.tfrc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1",
		"SALESFORCE_INSTANCE_URL="+d.sim.InstanceURL, "SALESFORCE_CLIENT_ID="+d.sim.ClientID,
		"SALESFORCE_CLIENT_SECRET="+d.sim.ClientSecret)
	for name, value := range d.vars {
		cmd.Env = append(cmd.Env, "TF_VAR_"+name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if d.Verbose {
		d.say("%s", out)
	}

	return string(out), err
}

// apply plans into a file, applies that file and returns the line that sums up the plan.
func (d *demo) apply(ctx context.Context) (string, error) {
	out, err := d.cli(ctx, "plan", "-no-color", "-input=false", "-out=plan.tfplan")
	if err != nil {
		return out, fmt.Errorf("%w: plan: %w\n%s", errFailed, err, out)
	}
	summary := summaryLine.FindString(out)
	if applied, err := d.cli(ctx, "apply", "-no-color", "-input=false", "plan.tfplan"); err != nil {
		return summary, fmt.Errorf("%w: apply: %w\n%s", errFailed, err, applied)
	}

	return summary, nil
}

var summaryLine = regexp.MustCompile(`Plan: .*|No changes\..*`)

// expect fails the demo unless a text holds another.
func expect(text, want string) error {
	if strings.Contains(text, want) {
		return nil
	}

	return fmt.Errorf("%w: expected %q in:\n%s", errFailed, want, text)
}

func (d *demo) firstKeys(ctx context.Context) error {
	d.title("First apply: generate two keys here, escrow them to an age recipient, wrap them with the org's " +
		"certificate, upload them.")
	summary, err := d.apply(ctx)
	if err != nil {
		return err
	}
	d.result("%s", summary)
	d.keyTable("The keys that this configuration made are the uploaded ones")

	return expect(summary, "2 to add, 0 to change, 0 to destroy")
}

func (d *demo) emptyPlan(ctx context.Context) error {
	d.title("A second plan: nothing has changed.")
	out, err := d.cli(ctx, "plan", "-no-color", "-input=false", "-detailed-exitcode")
	if err != nil {
		return fmt.Errorf("%w: the second plan is not empty: %w\n%s", errFailed, err, out)
	}
	d.result("%s", summaryLine.FindString(out))

	return expect(out, "No changes.")
}

const oneDay = 25 * time.Hour

func (d *demo) rotate(ctx context.Context) error {
	d.sim.Clock.Advance(oneDay)
	d.vars["quarter"] = "2027-Q1"
	d.title("A day passes (Salesforce allows one new Data key in 24 hours). A changed trigger rotates the key, in place.")
	summary, err := d.apply(ctx)
	if err != nil {
		return err
	}
	d.result("%s", summary)
	d.keyTable("The previous Data key is ARCHIVED: what it encrypted stays readable")

	return expect(summary, "0 to add, 1 to change, 0 to destroy")
}

func (d *demo) lostReply(ctx context.Context) error {
	d.sim.Clock.Advance(oneDay)
	d.vars["quarter"] = "2027-Q2"
	d.title("Another day, another rotation, and this time Salesforce takes the key but its reply is lost.")
	before := len(d.sim.TenantSecrets())
	if err := d.sim.AddFault(sfsim.Fault{
		Method: "POST", Path: "/services/data/*/sobjects/TenantSecret", Nth: 1,
		Drop: "after",
	}); err != nil {
		return err
	}
	summary, err := d.apply(ctx)
	if err != nil {
		return err
	}
	d.sim.ClearFaults()
	made := len(d.sim.TenantSecrets()) - before
	out, err := d.cli(ctx, "plan", "-no-color", "-input=false", "-detailed-exitcode")
	if err != nil || made != 1 {
		return fmt.Errorf("%w: %d new keys, then a plan: %w\n%s", errFailed, made, err, out)
	}
	d.result("%s The provider looked the key up by its marker and sent nothing twice: %d new key, and the next plan is "+
		"empty.", summary, made)

	return nil
}

// keyTable shows the org's keys as the simulator holds them.
func (d *demo) keyTable(title string) {
	d.say("   %s:", title)
	d.say("     %-18s  %-17s  %7s  %-9s  %-8s  %-9s  %s", "id", "type", "version", "status", "source", "hash",
		"description")
	for _, k := range d.sim.TenantSecrets() {
		hash := "-"
		if k.Source == "UPLOADED" {
			hash = k.SecretValueHash[:8] + "…"
		}
		d.say("%s", strings.TrimRight(fmt.Sprintf("     %-18s  %-17s  %7d  %-9s  %-8s  %-9s  %s", k.ID, k.Type, k.Version,
			k.Status, k.Source, hash, k.Description), " "))
	}
}

// oldest returns the oldest uploaded Data key.
func (d *demo) oldest() sfsim.TenantSecret {
	for _, k := range d.sim.TenantSecrets() {
		if k.Type == "Data" && k.Source == "UPLOADED" {
			return k
		}
	}

	return sfsim.TenantSecret{}
}

func (d *demo) manage(status string) {
	d.vars["archived"] = fmt.Sprintf("{%q = %q}", d.oldest().ID, status)
}

func (d *demo) adoptOld(ctx context.Context) error {
	d.manage("ARCHIVED")
	d.vars["not_after"] = d.approvalsEnd()
	d.title("The oldest uploaded key, %s, comes under management: its export, which Salesforce has encrypted, is kept "+
		"in state.", d.oldest().ID)
	summary, err := d.apply(ctx)
	if err != nil {
		return err
	}
	d.result("%s", summary)

	return expect(summary, "1 to add, 0 to change, 0 to destroy")
}

func (d *demo) destroyRefused(ctx context.Context) error {
	d.manage("DESTROYED")
	d.title("Somebody asks to destroy it, without the lock being open.")
	out, err := d.cli(ctx, "plan", "-no-color", "-input=false")
	if err == nil {
		return fmt.Errorf("%w: a destroy without the lock was planned\n%s", errFailed, out)
	}
	if err := expect(out, "Destroying keys is not allowed"); err != nil {
		return err
	}
	d.result("Refused at plan: Destroying keys is not allowed. Nothing was sent; the key is %s.", d.oldest().Status)

	return nil
}

func (d *demo) destroy(ctx context.Context) error {
	d.title("Bob signs the same statement too. With both approvals, and the export saved by the earlier apply, the key " +
		"is destroyed.")
	if err := d.approve(ctx, len(d.approvers)); err != nil {
		return err
	}
	d.keyTable("Before")
	summary, err := d.apply(ctx)
	if err != nil {
		return err
	}
	d.result("%s", summary)
	d.keyTable("After: data under that key can't be read now")
	if d.oldest().Status != "DESTROYED" {
		return fmt.Errorf("%w: the key is %s", errFailed, d.oldest().Status)
	}

	return nil
}

func (d *demo) restore(ctx context.Context) error {
	hash := d.oldest().SecretValueHash
	d.manage("ARCHIVED")
	d.title("That was a mistake: it is restored from the export in state.")
	summary, err := d.apply(ctx)
	if err != nil {
		return err
	}
	k := d.oldest()
	if k.Status != "ARCHIVED" || k.SecretValueHash != hash {
		return fmt.Errorf("%w: the key is %s with the hash %s, expected ARCHIVED and %s", errFailed, k.Status,
			k.SecretValueHash, hash)
	}
	d.result("%s The same key is back: SHA-256 %s.", summary, hash)
	d.keyTable("After")
	out, err := d.cli(ctx, "plan", "-no-color", "-input=false", "-detailed-exitcode")
	if err != nil {
		return fmt.Errorf("%w: the last plan is not empty: %w\n%s", errFailed, err, out)
	}
	d.result("%s", summaryLine.FindString(out))

	return nil
}

// zeroToBYOK takes an org that has never seen a key of ours to four keys, by one apply of
// examples/zero-to-byok.
func (d *demo) zeroToBYOK(ctx context.Context) error {
	d.title("Another org, without any certificate: one apply of examples/zero-to-byok makes settings, certificate and " +
		"four keys.")
	seed, err := sfsim.ReadSeed(strings.NewReader("certificates: []"))
	if err != nil {
		return err
	}
	fresh, err := sfsim.New(sfsim.WithSeed(seed))
	if err != nil {
		return err
	}
	d.sim.Close()
	d.sim = fresh
	d.work = filepath.Join(d.folder, "zero-to-byok")
	if err := os.CopyFS(d.work, os.DirFS(filepath.Join(d.Root, "examples", "zero-to-byok"))); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(d.folder, "modules"),
		os.DirFS(filepath.Join(d.Root, "examples", "modules"))); err != nil {
		return err
	}
	if _, err := d.cli(ctx, "get", "-no-color"); err != nil {
		return err
	}
	d.vars = map[string]string{
		"organization_id":   fresh.OrganizationID,
		"escrow_recipients": fmt.Sprintf("[%q]", d.identity.Recipient()),
	}
	summary, err := d.apply(ctx)
	if err != nil {
		return err
	}
	d.result("%s", summary)
	d.keyTable("After")
	out, err := d.cli(ctx, "plan", "-no-color", "-input=false", "-detailed-exitcode")
	if err != nil {
		return fmt.Errorf("%w: the second plan is not empty: %w\n%s", errFailed, err, out)
	}
	d.result("%s", summaryLine.FindString(out))

	return expect(summary, "6 to add, 0 to change, 0 to destroy")
}

// openEscrow decrypts one escrow copy, as `age -d` would.
func (d *demo) openEscrow(armored []byte) ([]byte, error) {
	reader, err := age.Decrypt(armorReader(bytes.NewReader(armored)), d.identity)
	if err != nil {
		return nil, err
	}

	return io.ReadAll(reader)
}
