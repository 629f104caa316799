package acctest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// providerDirectory is where the built provider lies, or will lie: in TF_ACC_PROVIDER_DIR, if that
// is set, else in this process's own directory.
func providerDirectory() (dir string, given bool, err error) {
	if dir := os.Getenv("TF_ACC_PROVIDER_DIR"); dir != "" {
		dir, err = filepath.Abs(dir)

		return dir, true, err
	}
	if scratch == "" {
		return "", false, errors.New("acctest.Main has not run: the test package needs a TestMain")
	}

	return filepath.Join(scratch, "provider"), false, nil
}

// binary is the name of the built provider's file.
var binary = "terraform-provider-" + ProviderName + map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]

// ProviderDirectory builds the provider, once per process, and returns the directory of the binary:
// that of TF_ACC_PROVIDER_DIR, if that is set, where a built provider, such as a release's, lies
// already.
var ProviderDirectory = sync.OnceValues(func() (string, error) {
	dir, given, err := providerDirectory()
	if given || err != nil {
		return dir, err
	}
	modFile, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, binary), ".") //nolint:gosec // constant command
	build.Dir = filepath.Dir(strings.TrimSpace(string(modFile)))
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the provider: %w\n%s", err, out)
	}

	return dir, nil
})

// CLI runs the real CLI over one directory. It is for what plugin-testing can't show: warnings,
// exit codes, plan files, logs and processes that are killed.
type CLI struct {
	t   testing.TB
	sim *sfsim.Server
	// Dir is the directory of the configuration and of the state.
	Dir string
	// Env is set for the CLI, and so for the provider.
	Env map[string]string
	// built is true where the CLI starts the built provider. Else opts are options of the one that
	// this process serves.
	built bool
	opts  []provider.Option
}

// openTofuAddress is where OpenTofu looks for a provider whose address has no host, as in the
// examples.
var openTofuAddress = strings.Replace(provider.Address, "registry.terraform.io/", "registry.opentofu.org/", 1)

// servable matches the variables that mean the same to a provider which this process serves. Any
// other, such as GODEBUG, a proxy or TF_LOG, is one of a process.
var servable = regexp.MustCompile(`^(CHECKPOINT_DISABLE|SALESFORCE(BYOK)?_\w+|TF_(CLI_CONFIG_FILE|IN_AUTOMATION|VAR_\w+))$`)

// NewCLI returns a runner in an empty directory. The test's process serves the provider: a run
// takes half the processor time of one that starts the built provider, once for each phase. That
// provider waits for moments only, and it resolves relative paths against the directory of the
// test's package: give it absolute ones. A test whose subject is the process itself, its
// environment, its log, its end or its network, calls Built or Command.
func NewCLI(t testing.TB, sim *sfsim.Server) *CLI {
	t.Helper()
	c := NewCLIIn(t, t.TempDir(), Variables(sim))
	c.sim, c.built = sim, false

	return c
}

// NewCLIIn returns a runner over a directory that may outlive the test, for an org that is no
// simulator of this test: env, and the process's own environment, show the provider where it is.
// The provider is the built one. Write the whole configuration with Write: Config needs a
// simulator.
func NewCLIIn(t testing.TB, directory string, env map[string]string) *CLI {
	t.Helper()
	NeedsCLI(t)
	dir, _, err := providerDirectory()
	if err != nil {
		t.Fatal(err)
	}
	c := &CLI{
		t: t, Dir: directory, built: true,
		Env: map[string]string{"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"},
	}
	c.Env["TF_CLI_CONFIG_FILE"] = filepath.Join(t.TempDir(), "cli.tfrc")
	c.override(dir)
	maps.Copy(c.Env, env)

	return c
}

// override makes the CLI look for the provider in a directory.
func (c *CLI) override(dir string) {
	c.t.Helper()
	text := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n    %q = %q\n  }\n  direct {}\n}\n",
		provider.Address, dir, openTofuAddress, dir)
	if err := os.WriteFile(c.Env["TF_CLI_CONFIG_FILE"], []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// With gives options to the provider that the test's process serves, and returns the runner.
func (c *CLI) With(opts ...provider.Option) *CLI {
	c.opts = opts

	return c
}

// Built makes the CLI start the built provider, in processes of its own, and returns the runner.
// The caller says what a provider in the test's process would not show.
func (c *CLI) Built() *CLI {
	c.built = true

	return c
}

// serve starts the provider in this process, for one run of the CLI, and returns what points the
// CLI to it.
func (c *CLI) serve() (reattach string, stop func()) {
	c.t.Helper()
	for name := range c.Env {
		if !servable.MatchString(name) {
			c.t.Fatalf("%s is nothing to a provider that this process serves: call Built", name)
		}
	}
	environment := provider.WithEnvironment(func(name string) (string, bool) {
		if value, ok := c.Env[name]; ok {
			return value, true
		}

		return os.LookupEnv(name)
	})
	server, err := Factories(append([]provider.Option{environment}, c.opts...)...)[ProviderName]()
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	started, ended := make(chan *plugin.ReattachConfig), make(chan struct{})
	failed := make(chan error, 1)
	opts := []tf6server.ServeOpt{
		tf6server.WithDebug(ctx, started, ended),
		tf6server.WithGoPluginLogger(hclog.NewNullLogger()),
	}
	if t, ok := c.t.(*testing.T); ok {
		opts = append(opts, tf6server.WithLoggingSink(t))
	}
	go func() {
		failed <- tf6server.Serve(provider.Address, func() tfprotov6.ProviderServer { return server }, opts...)
	}()
	var config *plugin.ReattachConfig
	select {
	case config = <-started:
	case err := <-failed:
		cancel()
		c.t.Fatalf("serving the provider: %v", err)
	}
	reattachConfig := map[string]any{
		"Protocol": config.Protocol, "ProtocolVersion": config.ProtocolVersion, "Pid": config.Pid, "Test": true,
		"Addr": map[string]string{"Network": config.Addr.Network(), "String": config.Addr.String()},
	}
	text, err := json.Marshal(map[string]any{provider.Address: reattachConfig, openTofuAddress: reattachConfig})
	if err != nil {
		cancel()
		c.t.Fatal(err)
	}

	return string(text), func() { cancel(); <-ended }
}

// Write stores a file in the directory.
func (c *CLI) Write(name, content string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.Dir, name), []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// Config makes body the configuration, below the provider's source and a provider block whose
// credentials come from variables.
func (c *CLI) Config(body string) {
	c.t.Helper()
	c.Write("main.tf", fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n", ProviderName,
		provider.Address)+
		VariableProviderBlock(c.sim)+body)
}

// Command returns the CLI, ready to be started, for tests that signal it. Its provider is the built
// one, in the same process group.
func (c *CLI) Command(args ...string) *exec.Cmd {
	c.t.Helper()
	dir, err := ProviderDirectory()
	if err != nil {
		c.t.Fatal(err)
	}
	mode := cmp.Or(c.Env["GODEBUG"], os.Getenv("GODEBUG"))
	if mode == "" {
		return c.command(args...)
	}
	// The mode is the provider's alone. Under fips140=only a CLI built by Go 1.24 panics when it makes
	// the certificate of its connection to the provider, whose key id is a SHA-1.
	script := fmt.Sprintf("#!/bin/sh\nGODEBUG='%s' exec '%s' \"$@\"\n", mode, filepath.Join(dir, binary))
	starter := c.t.TempDir()
	if err := os.WriteFile(filepath.Join(starter, binary), []byte(script), 0o700); err != nil { //nolint:gosec // it is run
		c.t.Fatal(err)
	}
	c.override(starter)
	cmd := c.command(args...)
	cmd.Env = append(cmd.Env, "GODEBUG=")

	return cmd
}

func (c *CLI) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), found.Path, args...) //nolint:gosec // the CLI under test
	cmd.Dir = c.Dir
	cmd.Env = os.Environ()
	for name, value := range c.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}

	return cmd
}

// Result is what one run of the CLI printed.
type Result struct {
	Stdout, Stderr string
	Code           int
	// Diagnostics and the numbers below are filled by runs with -json.
	Diagnostics             []Diagnostic
	Added, Changed, Removed int
}

// Diagnostic is one error or warning.
type Diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Address  string `json:"address"`
	// Snippet is the part of the configuration that it points at.
	Snippet struct {
		// Context is the block, Code the lines.
		Context string `json:"context"`
		Code    string `json:"code"`
	} `json:"snippet"`
}

// At reports whether the diagnostic points at an attribute, or at one within it.
func (d Diagnostic) At(attribute string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(d.Snippet.Code), "=")
	// A one-line object is shown whole, so the name is the first word of the line.
	return strings.TrimSpace(name) == attribute
}

// Run runs the CLI to its end, whatever that is.
func (c *CLI) Run(args ...string) Result {
	c.t.Helper()
	var cmd *exec.Cmd
	if c.built {
		cmd = c.Command(args...)
	} else {
		reattach, stop := c.serve()
		defer stop()
		cmd = c.command(args...)
		cmd.Env = append(cmd.Env, "TF_REATTACH_PROVIDERS="+reattach)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("running the CLI: %v", err)
	}
	result := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
	if slices.Contains(args, "-json") {
		result.read()
	}

	return result
}

// read parses the messages of -json, one a line. Lines that are none are left alone.
func (r *Result) read() {
	lines := bufio.NewScanner(strings.NewReader(r.Stdout))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var message struct {
			Type       string     `json:"type"`
			Diagnostic Diagnostic `json:"diagnostic"`
			Changes    struct {
				Add    int `json:"add"`
				Change int `json:"change"`
				Remove int `json:"remove"`
			} `json:"changes"`
		}
		if json.Unmarshal(lines.Bytes(), &message) != nil {
			continue
		}
		switch message.Type {
		case "diagnostic":
			r.Diagnostics = append(r.Diagnostics, message.Diagnostic)
		case "change_summary":
			r.Added, r.Changed, r.Removed = message.Changes.Add, message.Changes.Change, message.Changes.Remove
		}
	}
}

// Plan plans with args. With -out=FILE it saves the plan.
func (c *CLI) Plan(args ...string) Result {
	c.t.Helper()

	return c.Run(append([]string{"plan", "-json", "-input=false", "-detailed-exitcode"}, args...)...)
}

// Apply plans and applies.
func (c *CLI) Apply(args ...string) Result {
	c.t.Helper()

	return c.Run(append([]string{"apply", "-json", "-input=false", "-auto-approve"}, args...)...)
}

// Destroy destroys.
func (c *CLI) Destroy(args ...string) Result {
	c.t.Helper()

	return c.Run(append([]string{"destroy", "-json", "-input=false", "-auto-approve"}, args...)...)
}

// The exit codes of Plan.
const (
	PlanEmpty   = 0
	PlanFailed  = 1
	PlanChanges = 2
)

// Output is all that was printed.
func (r Result) Output() string { return r.Stdout + r.Stderr }

// Has reports whether a diagnostic of a severity ("error", "warning") has this summary, and all the
// words in its detail.
func (r Result) Has(severity, summary string, details ...string) bool {
	return slices.ContainsFunc(r.Diagnostics, func(d Diagnostic) bool {
		return d.Severity == severity && d.Summary == summary &&
			!slices.ContainsFunc(details, func(words string) bool { return !strings.Contains(d.Detail, words) })
	})
}

// Summaries lists the summaries of a severity, in order.
func (r Result) Summaries(severity string) []string {
	var all []string
	for _, d := range r.Diagnostics {
		// The CLI warns of every run with dev_overrides.
		if d.Severity == severity && d.Summary != "Provider development overrides are in effect" {
			all = append(all, d.Summary)
		}
	}

	return all
}

// MustApply applies, fails the test if that does not succeed, and expects an empty plan
// afterwards, and each receipt in state to fit its schema.
func (c *CLI) MustApply(args ...string) Result {
	c.t.Helper()
	result := c.Apply(args...)
	if result.Code != 0 {
		c.t.Fatalf("apply: exit code %d\n%s", result.Code, result.Output())
	}
	c.MustBeEmpty()
	for address, attributes := range c.StateFile() {
		text, _ := attributes["receipt"].(string)
		// Those of the first versions have no form.
		if r, err := receipt.Parse(text); text == "" || err == nil && r.Format == 0 {
			continue
		}
		if err := schema.Validate(text); err != nil {
			c.t.Errorf("the receipt of %s: %v\n%s", address, err, text)
		}
	}

	return result
}

// MustBeEmpty expects an empty plan.
func (c *CLI) MustBeEmpty() {
	c.t.Helper()
	if plan := c.Plan(); plan.Code != PlanEmpty {
		c.t.Fatalf("expected an empty plan, found exit code %d, %d to add, %d to change, %d to destroy\n%s", plan.Code,
			plan.Added, plan.Changed, plan.Removed, plan.Output())
	}
}

// StateFile returns the attributes of each resource in the directory's state file, by address,
// without a run of the CLI; instances of count and for_each have theirs in brackets. Without a
// state file there are none.
func (c *CLI) StateFile() map[string]map[string]any {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.Dir, "terraform.tfstate"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		c.t.Fatal(err)
	}
	var file struct {
		Resources []struct {
			Mode      string `json:"mode"`
			Type      string `json:"type"`
			Name      string `json:"name"`
			Instances []struct {
				IndexKey   any            `json:"index_key"`
				Attributes map[string]any `json:"attributes"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		c.t.Fatalf("reading the state: %v", err)
	}
	found := map[string]map[string]any{}
	for _, r := range file.Resources {
		address := r.Type + "." + r.Name
		if r.Mode == "data" {
			address = "data." + address
		}
		for _, instance := range r.Instances {
			switch key := instance.IndexKey.(type) {
			case string:
				found[fmt.Sprintf("%s[%q]", address, key)] = instance.Attributes
			case float64:
				found[fmt.Sprintf("%s[%d]", address, int(key))] = instance.Attributes
			default:
				found[address] = instance.Attributes
			}
		}
	}

	return found
}

// State returns the attributes of a resource in the state file, and nil if it has none.
func (c *CLI) State(address string) map[string]any { return c.StateFile()[address] }
