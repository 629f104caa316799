package guides_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// runner runs the jobs of a GitHub workflow as far as the examples need it: run steps in bash, the
// few actions that they use, outputs, environments and artifacts. Whatever else a workflow says
// fails the test.
type runner struct {
	t *testing.T
	// repository is what checkout clones, others the repositories that it may be asked to clone, by
	// name.
	repository string
	others     map[string]string
	// contexts are vars and secrets.
	contexts map[string]string
	env      []string
	// artifacts is a directory with one directory for each artifact of the workflow's run.
	artifacts string
}

type workflow struct {
	Jobs map[string]workflowJob `yaml:"jobs"`
}

type workflowJob struct {
	If          string            `yaml:"if"`
	Environment string            `yaml:"environment"`
	Env         map[string]string `yaml:"env"`
	Outputs     map[string]string `yaml:"outputs"`
	Steps       []workflowStep    `yaml:"steps"`
}

type workflowStep struct {
	ID               string            `yaml:"id"`
	Name             string            `yaml:"name"`
	If               string            `yaml:"if"`
	Uses             string            `yaml:"uses"`
	Run              string            `yaml:"run"`
	With             map[string]string `yaml:"with"`
	WorkingDirectory string            `yaml:"working-directory"`
}

func readWorkflow(t *testing.T, path string) workflow {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatalf("%s: %v", path, err)
	}

	return w
}

// ran is what became of a job.
type ran struct {
	skipped bool
	failed  bool
	log     string
	outputs map[string]string
	dir     string
}

var expression = regexp.MustCompile(`\$\{\{\s*([a-zA-Z0-9_.-]+)\s*\}\}`)

// job runs one job in a directory of its own. needs are the outputs of earlier ones, as
// "needs.plan.outputs.changes".
func (r *runner) job(w workflow, name string, needs map[string]string) ran {
	r.t.Helper()
	job, ok := w.Jobs[name]
	if !ok {
		r.t.Fatalf("no job %q", name)
	}
	known := maps.Clone(r.contexts)
	maps.Copy(known, needs)
	result := ran{outputs: map[string]string{}, dir: r.t.TempDir()}
	known["github.workspace"] = result.dir
	if !r.holds(job.If, known, result.dir, false) {
		result.skipped = true

		return result
	}
	env := slices.Clone(r.env)
	for _, variable := range slices.Sorted(maps.Keys(job.Env)) {
		env = append(env, variable+"="+r.fill(job.Env[variable], known))
	}
	scratch := r.t.TempDir()
	for i, step := range job.Steps {
		if !r.holds(step.If, known, result.dir, result.failed) {
			continue
		}
		out := filepath.Join(scratch, strconv.Itoa(i))
		script := step.Run
		if step.Uses != "" {
			script = r.action(step, known)
		}
		command := exec.CommandContext(r.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
		command.Dir = filepath.Join(result.dir, step.WorkingDirectory)
		command.Env = append(slices.Clone(env), "GITHUB_OUTPUT="+out, "GITHUB_PATH="+out+".path",
			"GITHUB_SHA=0123456789abcdef")
		printed, err := command.CombinedOutput()
		result.log += fmt.Sprintf("== %s%s%s\n%s", step.ID, step.Name, step.Uses, printed)
		result.failed = result.failed || err != nil
		text, _ := os.ReadFile(out)
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			known["steps."+step.ID+".outputs."+key] = value
		}
	}
	for output, value := range job.Outputs {
		result.outputs["needs."+name+".outputs."+output] = r.fill(value, known)
	}

	return result
}

// fill puts values in the place of expressions.
func (r *runner) fill(text string, known map[string]string) string {
	r.t.Helper()

	return expression.ReplaceAllStringFunc(text, func(found string) string {
		name := expression.FindStringSubmatch(found)[1]
		value, ok := known[name]
		if !ok {
			r.t.Fatalf("nothing is known of %s", name)
		}

		return value
	})
}

var (
	compared = regexp.MustCompile(`^([a-z][a-zA-Z0-9_.-]+) == '([^']*)'$`)
	anyFile  = regexp.MustCompile(`^hashFiles\('([^']*)'\) != ''$`)
)

// holds evaluates a condition.
func (r *runner) holds(condition string, known map[string]string, dir string, failed bool) bool {
	r.t.Helper()
	if condition == "always()" {
		return true
	}
	if failed {
		return false
	}
	if condition == "" {
		return true
	}
	if m := compared.FindStringSubmatch(condition); m != nil {
		return known[m[1]] == m[2]
	}
	if m := anyFile.FindStringSubmatch(condition); m != nil {
		found, _ := filepath.Glob(filepath.Join(dir, m[1]))

		return len(found) > 0
	}
	r.t.Fatalf("the condition %q is not understood", condition)

	return false
}

// action is what an action does, as a script.
func (r *runner) action(step workflowStep, known map[string]string) string {
	r.t.Helper()
	with := map[string]string{}
	for key, value := range step.With {
		with[key] = r.fill(value, known)
	}
	name, _, _ := strings.Cut(step.Uses, "@")
	switch name {
	case "actions/checkout":
		from, to := r.repository, "."
		if with["repository"] != "" {
			from, to = r.others[with["repository"]], with["path"]
			if from == "" || with["ssh-key"] == "" {
				r.t.Fatalf("no repository %q, or no key for it", with["repository"])
			}
		}

		return fmt.Sprintf("git clone -q '%s' '%s'", from, to)
	case "hashicorp/setup-terraform":
		if with["terraform_wrapper"] != "false" {
			r.t.Fatal("the wrapper of setup-terraform hides exit codes")
		}

		return "terraform version"
	case "actions/upload-artifact":
		// As the action has it: below the least directory that holds all paths.
		to := filepath.Join(r.artifacts, with["name"])
		paths := strings.Fields(with["path"])
		common := filepath.Dir(paths[0])

		return fmt.Sprintf("mkdir -p '%s'\nfor path in %s; do [ ! -e \"$path\" ] || cp -r \"$path\" '%s/'; done # from %s\n",
			to, strings.Join(paths, " "), to, common)
	case "actions/download-artifact":
		return fmt.Sprintf("cp -r '%s'/. .", filepath.Join(r.artifacts, with["name"]))
	}
	r.t.Fatalf("the action %s is not known here", name)

	return ""
}
