package faultmatrix

import (
	"bytes"
	"crypto/fips140"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// identity opens the escrow copies of this test process.
var identity = func() *age.X25519Identity {
	var made *age.X25519Identity
	var err error
	fips140.WithoutEnforcement(func() { made, err = age.GenerateX25519Identity() })
	if err != nil {
		panic(err)
	}

	return made
}()

// openEscrow decrypts an escrow copy with the age library, and with nothing of the provider's.
func openEscrow(armored string) (key []byte, err error) {
	fips140.WithoutEnforcement(func() {
		var r io.Reader
		if r, err = age.Decrypt(armor.NewReader(strings.NewReader(armored)), identity); err == nil {
			key, err = io.ReadAll(r)
		}
	})

	return key, err
}

// lane is one org with one directory, in which one fault strikes each request of its operations in
// turn. A row starts where the one before it has converged.
type lane struct {
	t     *testing.T
	sim   *sfsim.Server
	edge  *edge
	cli   *acctest.CLI
	fault fault
	// bare is that of the operation under way.
	bare bool
	// killable is true while the CLI starts the built provider, whose process may be killed.
	killable bool
	// timeouts are those of the provider that this process serves.
	timeouts timeouts
	// foreign is how many keys somebody else has had made in the row under way.
	foreign int
	// receipts is the directory of the receipts.
	receipts string
	// elsewhere is another org, nil before it is needed.
	elsewhere *sfsim.Server

	mu      sync.Mutex
	process *os.Process
	exited  chan struct{}
	orphans []*os.Process
	killed  int
}

func newLane(t *testing.T, seed string, f fault) *lane {
	t.Helper()
	opts := []sfsim.Option{sfsim.WithoutIntervals()}
	if seed != "" {
		world, err := sfsim.ReadSeed(strings.NewReader(seed))
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, sfsim.WithSeed(world))
	}
	l := &lane{t: t, fault: f}
	l.sim = acctest.StartSim(t, opts...)
	l.edge = newEdge(t, l.sim)
	l.cli = acctest.NewCLI(t, l.sim).With(provider.WithTimeouts(l.timeouts.withTimeout),
		provider.WithReceiptPatience(receiptPatience))
	l.receipts = filepath.Join(l.cli.Dir, "receipts")
	l.edge.arrive = l.arrive

	return l
}

// config makes body the configuration. The credentials are the simulator's, which are public.
func (l *lane) config(body string) {
	retries := 4
	if l.fault.retries > 0 {
		retries = l.fault.retries
	}
	l.cli.Write("main.tf", fmt.Sprintf(`
terraform {
  required_providers {
    %[1]s = { source = %[2]q }
  }
}

provider %[1]q {
  instance_url            = %[3]q
  client_id               = %[4]q
  client_secret           = %[5]q
  allow_key_destruction   = true
  receipt_directory       = %[7]q
  max_retries             = %[6]d
}
`, acctest.ProviderName, provider.Address, l.sim.InstanceURL, l.sim.ClientID, l.sim.ClientSecret, retries,
		l.receipts)+body)
}

func (l *lane) directory() string { return filepath.Join(l.cli.Dir, "escrow") }

func (l *lane) escrow() string {
	return fmt.Sprintf("escrow = {\n    age_recipients = [%q]\n    directory      = %q\n  }", identity.Recipient(),
		l.directory())
}

// escrowCopy reads the copy in the directory that is of a hash, "" for none.
func (l *lane) escrowCopy(hash string) string {
	raw, err := base64.StdEncoding.DecodeString(hash)
	if err != nil || len(raw) < 4 {
		return ""
	}
	paths, err := filepath.Glob(filepath.Join(l.directory(), "*-"+hex.EncodeToString(raw[:4])+".age"))
	if err != nil || len(paths) == 0 {
		return ""
	}
	text, err := os.ReadFile(paths[len(paths)-1])
	if err != nil {
		return ""
	}

	return string(text)
}

// foreignMark has Salesforce make a key for somebody else, with the Description of the key that a
// POST asks for.
func (l *lane) foreignMark(r *http.Request) {
	body, err := io.ReadAll(r.Body) // it is in memory
	if err != nil {
		l.t.Errorf("reading a POST: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	text, err := json.Marshal(map[string]string{"Type": member(body, "Type"), "Description": member(body, "Description")})
	if err != nil {
		l.t.Error(err)
	}
	copied := httptest.NewRequestWithContext(l.t.Context(), http.MethodPost, l.sim.InstanceURL+r.URL.Path,
		bytes.NewReader(text))
	copied.Header.Set("Authorization", "Bearer "+l.sim.AdminToken())
	copied.Header.Set("Content-Type", "application/json")
	reply := httptest.NewRecorder()
	l.sim.Handler().ServeHTTP(reply, copied)
	if reply.Code != http.StatusCreated {
		l.t.Errorf("copying a mark: status %d, %s", reply.Code, reply.Body)
	}
	l.mu.Lock()
	l.foreign++
	l.mu.Unlock()
}

// another is another org, at the address of the edge.
func (l *lane) another() *sfsim.Server {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.elsewhere == nil {
		l.elsewhere = acctest.StartLenientSim(l.t, sfsim.WithoutIntervals(), sfsim.WithOrganizationID("00DWt0000000777"))
		l.elsewhere.MoveTo(l.sim.InstanceURL)
	}

	return l.elsewhere
}

// touched lists what was changed in the other org.
func (l *lane) touched() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.elsewhere == nil {
		return nil
	}
	var all []string
	for _, r := range l.elsewhere.Requests() {
		if r.Committed || r.Exported {
			all = append(all, "the other org has carried out "+r.Method+" "+r.Path)
		}
	}

	return all
}

// arrive judges a write at the moment at which it reaches the org.
func (l *lane) arrive(name string, body []byte) string {
	if name == post {
		switch hash := member(body, "SecretValueHash"); {
		case member(body, "SecretValue") == "" || hash == "" || member(body, "SecretValueCertificate") == "":
			return "the POST lacks SecretValue, SecretValueHash or SecretValueCertificate: Salesforce would make its own key"
		case !l.bare && l.escrowCopy(hash) == "":
			return "the POST left before its escrow copy was on the disk"
		default:
			return ""
		}
	}
	if member(body, "Status") != "DESTROYED" {
		return ""
	}
	if export, _ := l.state(recordAddress)["exported_secret_value"].(string); export == "" {
		return "a key is destroyed whose export is in no state"
	}

	return ""
}

// stateFile is what is read of a state.
type stateFile struct {
	Resources []struct {
		Mode      string `json:"mode"`
		Type      string `json:"type"`
		Name      string `json:"name"`
		Instances []struct {
			Status     string         `json:"status"`
			Attributes map[string]any `json:"attributes"`
		} `json:"instances"`
	} `json:"resources"`
}

// state reads the attributes of a resource from the state, nil for none. A tainted resource fails
// the lane: it would be replaced.
func (l *lane) state(address string) map[string]any {
	text, err := os.ReadFile(filepath.Join(l.cli.Dir, "terraform.tfstate"))
	if errors.Is(err, os.ErrNotExist) || len(text) == 0 {
		return nil
	}
	var file stateFile
	if err := errors.Join(err, json.Unmarshal(text, &file)); err != nil {
		l.t.Errorf("reading the state: %v", err)

		return nil
	}
	for _, r := range file.Resources {
		name := r.Type + "." + r.Name
		if r.Mode == "data" {
			name = "data." + name
		}
		if name != address || len(r.Instances) == 0 {
			continue
		}
		if r.Instances[0].Status != "" {
			l.t.Errorf("%s is %s in state", address, r.Instances[0].Status)
		}

		return r.Instances[0].Attributes
	}

	return nil
}

// forget drops the state.
func (l *lane) forget() {
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup"} {
		if err := os.Remove(filepath.Join(l.cli.Dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			l.t.Fatal(err)
		}
	}
}

// run runs the CLI to its end, or until it is killed, and returns its exit code and what it
// printed.
func (l *lane) run(args ...string) (int, string) {
	l.edge.runs.Add(1)
	if !l.killable {
		result := l.cli.Run(args...)

		return result.Code, result.Output()
	}
	var out bytes.Buffer
	cmd := l.cli.Command(args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, 10*time.Second
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	exited := make(chan struct{})
	l.mu.Lock()
	l.process, l.exited = cmd.Process, exited
	l.mu.Unlock()
	err := cmd.Wait()
	close(exited)
	if ended := new(exec.ExitError); err != nil && !errors.As(err, &ended) {
		l.t.Errorf("running the CLI: %v", err)
	}

	return cmd.ProcessState.ExitCode(), out.String()
}

func (l *lane) apply() (int, string) {
	return l.run("apply", "-no-color", "-input=false", "-auto-approve")
}

// must applies without any fault.
func (l *lane) must() {
	if code, out := l.apply(); code != 0 {
		l.t.Fatalf("preparing: exit code %d\n%s", code, out)
	}
}

// killProviders kills the provider processes of the running CLI.
func (l *lane) killProviders() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, provider := range providersOf(l.process.Pid) {
		if provider.Kill() == nil {
			l.killed++
		}
	}
}

// killCLI kills the running CLI and waits until it is gone. Its providers live on.
func (l *lane) killCLI() {
	l.mu.Lock()
	process, exited := l.process, l.exited
	l.orphans = append(l.orphans, providersOf(process.Pid)...)
	if process.Kill() == nil {
		l.killed++
	}
	l.mu.Unlock()
	<-exited
}

// bury ends the providers that a killed CLI has left behind, once they have had their say.
func (l *lane) bury() {
	l.mu.Lock()
	orphans := l.orphans
	l.orphans = nil
	l.mu.Unlock()
	if len(orphans) == 0 {
		return
	}
	l.edge.settle()
	for _, orphan := range orphans {
		if err := orphan.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			l.t.Errorf("ending an orphaned provider: %v", err)
		}
	}
}

// requests runs the operation once without a fault, and returns the names of its requests.
func (l *lane) requests(op operation) []string {
	l.bare = op.bare
	op.prepare(l, 1)
	mark := l.edge.mark()
	if code, out := l.apply(); code != 0 {
		l.t.Fatalf("%s without a fault: exit code %d\n%s", op.name, code, out)
	}
	var names []string
	for _, e := range l.edge.since(mark) {
		names = append(names, e.name)
	}
	if wrong := l.judge(op, mark); len(wrong) > 0 {
		l.t.Fatalf("%s without a fault: %s", op.name, strings.Join(wrong, "; "))
	}

	return names
}

// The outcomes of a row.
const (
	atOnce  = "✓"
	inNext  = "↻"
	notHit  = "·"
	failing = "✗"
)

// lag hides the records that are made from now on from that many reads. Those of the preparation
// are in sight: a plan that misses one would look again, and the request to strike would be
// another.
func (l *lane) lag(reads int) {
	l.sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.VisibilityLagReads = reads })
}

// row strikes the nth of the requests that the operation sends, and returns the outcome.
func (l *lane) row(op operation, n int, names []string) string {
	l.bare = op.bare
	l.lag(0)
	op.prepare(l, n)
	l.lag(l.fault.lag)
	mark, keys := l.edge.mark(), len(l.sim.TenantSecrets())
	l.killed, l.foreign = 0, 0

	l.edge.arm(l, l.fault, names, n)
	l.killable = l.fault.kills
	code, out := l.apply()
	l.killable = false
	struck := l.edge.struck()
	l.bury()
	if l.fault.kills {
		l.edge.drain()
	}
	l.edge.heal()

	outcome := atOnce
	var wrong []string
	switch {
	case !struck:
		wrong = append(wrong, "the fault has not struck: no such request arrived")
	case l.fault.kills && l.killed == 0:
		wrong = append(wrong, "no process was killed")
	}
	if code != 0 || op.rereads && len(op.judge(l)) > 0 {
		outcome = inNext
		if code, out := l.apply(); code != 0 {
			wrong = append(wrong, fmt.Sprintf("the next apply fails, exit code %d\n%s", code, out))
		}
	}
	if code, out := l.run("plan", "-no-color", "-input=false", "-detailed-exitcode"); code != acctest.PlanEmpty {
		wrong = append(wrong, fmt.Sprintf("the plan is not empty, exit code %d\n%s", code, out))
	}
	if got := len(l.sim.TenantSecrets()) - keys - l.foreign; got != op.made {
		wrong = append(wrong, fmt.Sprintf("%d keys were made, expected %d", got, op.made))
	}
	wrong = append(wrong, l.touched()...)
	wrong = append(wrong, l.judge(op, mark)...)
	if len(wrong) == 0 {
		return outcome
	}
	var journal strings.Builder
	for _, e := range l.edge.since(mark) {
		fmt.Fprintln(&journal, "  ", e)
	}
	l.t.Errorf("%s, request %d (%s), %s:\n- %s\nrequests:\n%sthe struck apply printed:\n%s",
		op.name, n, targetOf(names, n), l.fault.name, strings.Join(wrong, "\n- "), journal.String(), tail(out))

	return failing
}

// tail cuts what the CLI prints before it applies.
func tail(out string) string {
	if _, after, ok := strings.Cut(out, "\nPlan: "); ok {
		return "Plan: " + after
	}

	return out
}

// judge looks at the requests since mark, and at what they came to.
func (l *lane) judge(op operation, mark int) []string {
	var wrong []string
	committed := map[string]int{}
	open := ""
	var exportedIn int64 // the run of the CLI that has read the export: a later one does not know it
	for _, e := range l.edge.since(mark) {
		if e.complaint != "" {
			wrong = append(wrong, e.complaint)
		}
		if e.committed {
			committed[e.name]++
		}
		if looks(e.name) && e.answered && e.status == 200 {
			open = ""
			if e.exported {
				exportedIn = e.run
			}
		}
		if !once(e.name) {
			continue
		}
		if open != "" {
			wrong = append(wrong, fmt.Sprintf("a blind second write: a %s, after a %s whose outcome was not known, without a "+
				"look in between", e.name, open))
		}
		if !e.answered {
			open = e.name
		}
		if op.name == "destroy" && exportedIn != e.run {
			wrong = append(wrong, "a key is destroyed without its export being read again right before")
		}
	}
	if committed[post] != op.made || committed[patchStatus] != op.patched {
		wrong = append(wrong, fmt.Sprintf("the org made %d keys and changed the status of %d, expected %d and %d",
			committed[post], committed[patchStatus], op.made, op.patched))
	}

	return append(append(wrong, op.judge(l)...), l.judgeReceipt(op)...)
}
