package guides_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// shell runs the blocks of a guide one after the other in one bash, which ends at the first command
// that fails.
type shell struct {
	t     *testing.T
	dir   string
	env   []string
	steps []step
}

type step struct{ name, script string }

// newShell skips the test if a program that the guide asks for is not there, and in a short run.
func newShell(t *testing.T, programs ...string) *shell {
	t.Helper()
	acctest.NeedsCLI(t)
	if runtime.GOOS == "windows" {
		t.Skip("the guides are written for a POSIX shell")
	}
	for _, program := range append(programs, "bash") {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not on PATH, so that this guide can't be walked", program)
		}
	}
	// The guides say terraform; the CLI under test may be another.
	bin := t.TempDir()
	if err := os.Symlink(os.Getenv(clifind.PathVariable), filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "TF_IN_AUTOMATION=1",
		"TF_INPUT=0",
		"TF_CLI_ARGS=-no-color", "TF_CLI_ARGS_apply=-no-color -auto-approve")

	return &shell{t: t, dir: t.TempDir(), env: env}
}

// credentials are what a reader exports, for a simulator; none without one.
func credentials(sim *sfsim.Server) map[string]string {
	if sim == nil {
		return nil
	}

	return map[string]string{
		"SALESFORCE_INSTANCE_URL": sim.InstanceURL, "SALESFORCE_CLIENT_ID": sim.ClientID,
		"SALESFORCE_CLIENT_SECRET": sim.ClientSecret,
	}
}

// of lets the blocks see a simulator, if there is one, and the provider that was built for the
// tests.
func (s *shell) of(sim *sfsim.Server) *shell {
	s.t.Helper()
	if _, err := acctest.ProviderDirectory(); err != nil {
		s.t.Fatal(err)
	}
	cli := acctest.NewCLIIn(s.t, s.dir, credentials(sim))
	for _, name := range slices.Sorted(maps.Keys(cli.Env)) {
		s.env = append(s.env, name+"="+cli.Env[name])
	}

	return s
}

// then adds a step.
func (s *shell) then(name, script string) *shell {
	s.steps = append(s.steps, step{name, script})

	return s
}

// write adds a step that a reader does with an editor.
func (s *shell) write(file string, content ...string) *shell {
	return s.then("write "+file, "cat > "+file+" <<'END_OF_FILE'\n"+strings.Join(content, "\n")+"\nEND_OF_FILE\n")
}

// run runs the steps, and returns what each printed.
func (s *shell) run() map[string]string {
	s.t.Helper()
	const mark = "===== step: "
	var script strings.Builder
	script.WriteString("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n")
	for _, step := range s.steps {
		script.WriteString("echo '" + mark + step.name + "'\n" + step.script)
	}
	command := exec.CommandContext(s.t.Context(), "bash", "-c", script.String())
	command.Dir, command.Env = s.dir, s.env
	out, err := command.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	printed := map[string]string{}
	for part := range strings.SplitSeq(string(out), mark) {
		name, text, _ := strings.Cut(part, "\n")
		printed[name] += text
	}

	return printed
}

// says checks what a step printed.
func says(t *testing.T, printed map[string]string, step string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(printed[step], w) {
			t.Errorf("%s: expected %q, found\n%s", step, w, printed[step])
		}
	}
}

// required is what every root module begins with.
const required = `terraform {
  required_providers {
    salesforcebyok = { source = "salesforcebyok/salesforcebyok" }
  }
}
`

// build compiles a command of this repository into a directory.
func build(t *testing.T, directory string, pkg ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{
		"build", "-o",
		directory + string(filepath.Separator),
	}, pkg...)...)
	command.Dir = top
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}
