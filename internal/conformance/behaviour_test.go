package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
)

// behaviour is one thing that the provider promises its users: checked with the built provider
// under the real CLI.
type behaviour struct {
	// name is that of its subtest: the object, and what it does.
	name string
	// section is the part of the provider that it is of.
	section string
	// claim is the behaviour in words.
	claim string
	// does says what checking it does to the org.
	does string
	// needs says the same to the budget.
	needs need
	// makes is how many tenant secrets it makes besides the one that all behaviours look at.
	makes int
	// calls is how many API calls it makes at most.
	calls int
	check func(*probe)
}

// item is the behaviour as a live run sees it.
func (b behaviour) item() item {
	return item{
		kind: asBehaviour, name: b.name, section: b.section, claim: b.claim, does: b.does, needs: b.needs, makes: b.makes,
		calls: b.calls, check: b.check,
	}
}

// behaviours are all of them, in order: what reads, what is refused, and then what makes keys.
func behaviours() []behaviour {
	return slices.Concat(readBehaviours(), estateBehaviours(), refusedBehaviours(), uploadBehaviours(),
		custodyBehaviours())
}

// cli is the CLI over a directory of this run, which is there until the run ends.
func (p *probe) cli(directory string) *acctest.CLI {
	p.Helper()
	directory = filepath.Join(p.folder, directory)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		p.Fatal(err)
	}
	return acctest.NewCLIIn(p, directory, nil)
}

// write makes body the configuration, below a provider block that is pinned to the org of this run.
// More lines go into that block; the credentials come from the environment.
func (p *probe) write(c *acctest.CLI, body string, lines ...string) {
	p.Helper()
	if !strings.Contains(strings.Join(lines, "\n"), "organization_id") {
		lines = append(lines, fmt.Sprintf("organization_id = %q", p.about.id))
	}
	c.Write("main.tf", fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n\nprovider "+
		"%q {\n  %s\n}\n\n%s\n",
		acctest.ProviderName, provider.Address, acctest.ProviderName, strings.Join(lines, "\n  "), body))
}

// troubles are the errors of a run of the CLI.
func troubles(r acctest.Result) string {
	var all []string
	for _, d := range r.Diagnostics {
		if d.Severity == "error" {
			all = append(all, d.Summary+": "+d.Detail)
		}
	}
	if len(all) == 0 {
		return strings.TrimSpace(r.Stderr)
	}
	return strings.Join(all, " / ")
}

// succeeded fails the test unless the CLI did its work.
func (p *probe) succeeded(what string, r acctest.Result) acctest.Result {
	p.Helper()
	if r.Code != 0 {
		p.Fatalf("%s: exit code %d: %s", what, r.Code, troubles(r))
	}
	return r
}

// empty expects an empty plan.
func (p *probe) empty(c *acctest.CLI) {
	p.Helper()
	if plan := c.Plan(); plan.Code != acctest.PlanEmpty {
		p.Fatalf("expected an empty plan, found exit code %d, %d to add, %d to change, %d to destroy: %s", plan.Code,
			plan.Added, plan.Changed, plan.Removed, troubles(plan))
	}
}

// refusedBy expects an error with this summary and these words, and nothing else that is wrong.
func (p *probe) refusedBy(what string, r acctest.Result, summary string, words ...string) {
	p.Helper()
	if r.Code == 0 || r.Code == acctest.PlanChanges || !r.Has("error", summary, words...) {
		p.Errorf("%s: expected the error %q with %q, found exit code %d, %s", what, summary, words, r.Code, troubles(r))
	}
}

// untouched expects that no tenant secret of the org changes meanwhile, and none is made.
func (p *probe) untouched(do func()) {
	p.Helper()
	look := func() map[string]string {
		rows := map[string]string{}
		for _, row := range p.secrets("") {
			rows[p.text(row, "Id")] = fmt.Sprint(row["Status"], " ", row["SystemModstamp"], " ", row["Description"])
		}
		return rows
	}
	before := look()
	do()
	after := look()
	for id, row := range after {
		if was, known := before[id]; !known {
			p.Errorf("nothing was to be sent, and there is a new tenant secret %s", id)
		} else if was != row {
			p.Errorf("nothing was to be sent, and %s is now %q, was %q", id, row, was)
		}
	}
}

// attributes are those of a resource or data source that must be in the state.
func (p *probe) attributes(c *acctest.CLI, address string) map[string]any {
	p.Helper()
	state := c.StateFile()[address]
	if state == nil {
		p.Fatalf("the state has no %s", address)
	}
	return state
}

// entries are a list attribute's objects.
func (p *probe) entries(object map[string]any, name string) []map[string]any {
	p.Helper()
	list, isList := object[name].([]any)
	if !isList {
		p.Fatalf("%s is a %T, want a list", name, object[name])
	}
	var all []map[string]any
	for _, entry := range list {
		o, isObject := entry.(map[string]any)
		if !isObject {
			p.Fatalf("%s holds a %T, want objects", name, entry)
		}
		all = append(all, o)
	}
	return all
}

// found reads the results of `query -json`, by address.
func found(r acctest.Result) (map[string][]map[string]any, error) {
	all := map[string][]map[string]any{}
	for line := range strings.Lines(r.Stdout) {
		var message struct {
			Found *struct {
				Address  string         `json:"address"`
				Identity map[string]any `json:"identity"`
			} `json:"list_resource_found"`
		}
		if err := json.Unmarshal([]byte(line), &message); err != nil {
			return nil, errors.New("query -json prints a line that is no JSON")
		}
		if message.Found != nil {
			all[message.Found.Address] = append(all[message.Found.Address], message.Found.Identity)
		}
	}
	return all, nil
}

// The behaviours are distinct, complete, and say what they do.
func TestBehavioursAreComplete(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, i := range items() {
		if names[i.name] {
			t.Errorf("%q is the name of two items", i.name)
		}
		names[i.name] = true
		if i.does == "" || i.calls < 1 {
			t.Errorf("%s does not say what it does, or how many calls it makes", i.name)
		}
	}
	for _, b := range behaviours() {
		if !regexp.MustCompile(`^[A-Z][A-Za-z]+_[a-z][A-Za-z0-9]+$`).MatchString(b.name) {
			t.Errorf("%q is no name", b.name)
		}
		if b.section == "" || b.claim == "" || b.check == nil {
			t.Errorf("%s lacks a section, a claim or a check", b.name)
		}
		if b.makes > 0 && b.needs&rotates == 0 || b.needs&prepared != 0 {
			t.Errorf("%s makes %d tenant secrets, and needs %s", b.name, b.makes, b.needs)
		}
	}
}

func TestFound(t *testing.T) {
	t.Parallel()
	const line = `{"list_resource_found":{"address":"list.a.b","identity":{"type":"Data"}},"type":"list_resource_found"}` +
		"\n"
	got, err := found(acctest.Result{Stdout: `{"type":"version"}` + "\n" + line + line})
	if err != nil || len(got) != 1 || len(got["list.a.b"]) != 2 || got["list.a.b"][0]["type"] != "Data" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := found(acctest.Result{Stdout: "Error: no\n"}); err == nil {
		t.Error("text was read as results")
	}
}
