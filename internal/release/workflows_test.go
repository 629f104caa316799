package release

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A workflow, as far as it is judged.
type workflow struct {
	On          yaml.Node         `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency yaml.Node         `yaml:"concurrency"`
	Jobs        map[string]struct {
		Uses        string            `yaml:"uses"`
		Timeout     int               `yaml:"timeout-minutes"`
		Permissions map[string]string `yaml:"permissions"`
		Environment string            `yaml:"environment"`
		Steps       []struct {
			Uses string            `yaml:"uses"`
			Run  string            `yaml:"run"`
			With map[string]string `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

var (
	uses   = regexp.MustCompile(`(?m)^\s*(?:- )?uses: *(.*)$`)
	pinned = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	secret = regexp.MustCompile(`\bsecrets\.`)
)

// complaints reports what an attacker who controls an action's tag, a pull request or a branch's
// name could use.
func complaints(body string) []string {
	var w workflow
	if err := yaml.Unmarshal([]byte(body), &w); err != nil {
		return []string{err.Error()}
	}
	var bad []string
	add := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	for _, m := range uses.FindAllStringSubmatch(body, -1) {
		if !pinned.MatchString(m[1]) && !strings.HasPrefix(m[1], "./.github/workflows/") {
			add("%s is not pinned to a commit, with its version behind", m[1])
		}
	}
	if w.Permissions == nil {
		add("no permissions: the repository's default may be to write")
	}
	for scope, access := range w.Permissions {
		if access != "read" {
			add("every job may %s %s", access, scope)
		}
	}
	if w.Concurrency.IsZero() {
		add("no concurrency")
	}
	events := events(w.On)
	if slices.Contains(events, "pull_request_target") {
		add("pull_request_target runs with this repository's rights on somebody else's code")
	}
	if slices.Contains(events, "pull_request") && secret.MatchString(body) {
		add("a workflow of pull requests names secrets")
	}
	for name, job := range w.Jobs {
		if job.Uses == "" && job.Timeout == 0 {
			add("job %s: no timeout", name)
		}
		for scope, access := range job.Permissions {
			if access == "write" && job.Environment == "" {
				add("job %s may write %s outside an environment", name, scope)
			}
		}
		for _, step := range job.Steps {
			if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != "false" {
				add("job %s: checkout leaves the token in .git/config", name)
			}
			if strings.Contains(step.Run, "${{") {
				add("job %s: %q is put together from an expression; hand it over in env", name, step.Run)
			}
		}
	}
	return bad
}

func events(on yaml.Node) []string {
	var names []string
	switch on.Kind {
	case yaml.ScalarNode:
		names = []string{on.Value}
	case yaml.SequenceNode:
		for _, n := range on.Content {
			names = append(names, n.Value)
		}
	case yaml.MappingNode:
		for i := 0; i < len(on.Content); i += 2 {
			names = append(names, on.Content[i].Value)
		}
	}
	return names
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	dir := os.DirFS(filepath.Join("..", "..", ".github", "workflows"))
	files, err := fs.Glob(dir, "*.y*ml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 3 {
		t.Fatalf("want the workflows of CI, night and release, have %q", files)
	}
	for _, file := range files {
		body, err := fs.ReadFile(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range complaints(string(body)) {
			t.Errorf("%s: %s", file, c)
		}
	}
}

// The judge sees what it is there for.
func TestWorkflows_judge(t *testing.T) {
	t.Parallel()
	const good = `
on: {pull_request: {}, push: {branches: [main]}}
permissions: {contents: read}
concurrency: {group: x}
jobs:
  build:
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@9c091bb21b7c1c1d1991bb908d89e4e9dddfe3e0 # v7.0.0
        with: {persist-credentials: false}
      - run: make test
`
	if got := complaints(good); got != nil {
		t.Fatalf("complains of a good workflow: %q", got)
	}
	tests := map[string]struct{ old, new, want string }{
		"tag":            {"@9c091bb21b7c1c1d1991bb908d89e4e9dddfe3e0 # v7.0.0", "@v7", "not pinned"},
		"no version":     {" # v7.0.0", "", "not pinned"},
		"no permissions": {"permissions: {contents: read}", "", "no permissions"},
		"all may write":  {"contents: read", "contents: write", "every job may write contents"},
		"no concurrency": {"concurrency: {group: x}", "", "no concurrency"},
		"no timeout":     {"timeout-minutes: 5", "runs-on: x", "no timeout"},
		"token kept":     {"persist-credentials: false", "fetch-depth: 0", "leaves the token"},
		"injection":      {"make test", "make ${{ github.head_ref }}", "put together from an expression"},
		"secrets":        {"make test", "make test\n        env: {A: '${{ secrets.A }}'}", "names secrets"},
		"target":         {"pull_request:", "pull_request_target:", "somebody else's code"},
		"job that writes": {
			"timeout-minutes: 5", "timeout-minutes: 5\n    permissions: {contents: write}",
			"outside an environment",
		},
		"not YAML": {"jobs:", "jobs: [", "yaml"},
	}
	for title, tc := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, tc.old, tc.new, 1)
			if bad == good {
				t.Fatalf("%q is not in the workflow", tc.old)
			}
			got := complaints(bad)
			if len(got) != 1 || !strings.Contains(got[0], tc.want) {
				t.Errorf("got %q, want one about %q", got, tc.want)
			}
		})
	}
}
