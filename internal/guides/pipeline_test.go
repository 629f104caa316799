package guides_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// keysRepository is what the README of the pipelines makes of nothing: a repository with its
// evidence beside it.
type keysRepository struct {
	*shell
	sim *sfsim.Server
	// clone is the user's, bare what the pipeline sees.
	clone, bare, evidence string
	signingKey            string
}

// set runs the README's steps up to the first push.
func newKeysRepository(t *testing.T, sim *sfsim.Server, programs ...string) *keysRepository {
	t.Helper()
	readme, err := os.ReadFile(example(t, "pipelines", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := page{t, "pipelines", string(readme)}
	settings, err := os.ReadFile(example(t, "pipelines", "configuration", "terraform.rc.example"))
	if err != nil {
		t.Fatal(err)
	}
	s := mirrored(t, sim, append(programs, "git", "jq", "openssl", "ssh-keygen", "ssh-agent", "ssh-add", "age",
		"age-keygen")...)
	// A user's settings of git and of an agent are none of the pipeline's.
	s.env = append(s.env, "EXAMPLES="+example(t), "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=dev",
		"GIT_AUTHOR_EMAIL=dev@invalid", "GIT_COMMITTER_NAME=dev",
		"GIT_COMMITTER_EMAIL=dev@invalid", "SSH_AUTH_SOCK=", "SSH_AGENT_PID=")
	printed := s.
		then("custodian", "age-keygen -o identity.txt 2>/dev/null\nage-keygen -y identity.txt > recipient.txt\n").
		then("copy", p.block("sh", "git init -q -b main")).
		write("terraform.tfvars", "organization_id   = \""+sim.OrganizationID+
			"\"\ncertificate       = \"Sim_BYOK\"\ncertificate_pins  = [\""+fingerprint(t, sim)+
			"\"]\nescrow_recipients = [\"RECIPIENT\", \""+recipientTwo+"\"]\nrotation          = { round = \"1\" }").
		then("recipient", "sed -i.bak \"s/RECIPIENT/$(cat ../recipient.txt)/\" terraform.tfvars && rm "+
			"terraform.tfvars.bak\n").
		write("backend.tf", "terraform {\n  backend \"local\" { path = \""+s.dir+"/state/terraform.tfstate\" }\n}").
		// The mirror is named in the repository and nowhere else.
		then("settings", "rm ~/.terraformrc ~/.tofurc\n"+p.block("sh", "terraform.rc.example")).
		write("terraform.rc", strings.Replace(string(settings),
			"network_mirror {\n    url     = \"https://mirror.example.com/\"",
			"filesystem_mirror {\n    path    = \""+filepath.Join(s.home(), "mirror")+"\"", 1)).
		then("lock", p.block("sh", "terraform init\n")+p.block("sh", "terraform providers lock",
			"-net-mirror=https://mirror.example.com/", "-fs-mirror=$HOME/mirror",
			"linux_amd64", runtime.GOOS+"_"+runtime.GOARCH, "darwin_arm64", "solaris_amd64")).
		then("commit", p.block("sh", "git add .")).
		then("signer", p.block("sh", "echo \"pipeline ")).
		then("push", "git clone -q --bare . ../keys.git\ngit remote add origin \"$PWD/../keys.git\"\ngit init -q --bare -b "+
			"main ../evidence.git\ngit ls-files\n").
		run()
	says(t, printed, "push", ".terraform.lock.hcl", ".github/workflows/keys.yml", "ci/keep", "modules/shield-keys/main.tf",
		"terraform.tfvars")
	if strings.Contains(printed["push"], "tfstate") {
		t.Errorf("expected no state in the repository, found %s", printed["push"])
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "evidence-key"))
	if err != nil {
		t.Fatal(err)
	}

	return &keysRepository{
		s, sim, filepath.Join(s.dir, "keys"), filepath.Join(s.dir, "keys.git"),
		filepath.Join(s.dir, "evidence.git"), string(key),
	}
}

// fingerprint is that of the org's wrapping certificate.
func fingerprint(t *testing.T, sim *sfsim.Server) string {
	t.Helper()
	for _, certificate := range sim.Certificates() {
		if block, _ := pem.Decode([]byte(certificate.PEM)); block != nil && certificate.DeveloperName == "Sim_BYOK" {
			return fmt.Sprintf("%x", sha256.Sum256(block.Bytes))
		}
	}
	t.Fatal("the org has no certificate Sim_BYOK")

	return ""
}

// sh runs a script in the user's clone, and returns what it printed and whether it succeeded.
func (k *keysRepository) sh(script string) (string, bool) {
	k.t.Helper()
	command := exec.CommandContext(k.t.Context(), "bash", "-eo", "pipefail", "-c", script)
	command.Dir, command.Env = k.clone, withoutConfig(k.env)
	out, err := command.CombinedOutput()

	return string(out), err == nil
}

func (k *keysRepository) mustSh(script string) string {
	k.t.Helper()
	out, ok := k.sh(script)
	if !ok {
		k.t.Fatalf("%s\n%s", script, out)
	}

	return out
}

// withoutConfig leaves the tests' own CLI configuration out: the user's lies in his home.
func withoutConfig(env []string) []string {
	var kept []string
	for _, variable := range env {
		if !strings.HasPrefix(variable, "TF_CLI_CONFIG_FILE=") && !strings.HasPrefix(variable, "TF_CLI_ARGS_apply=") {
			kept = append(kept, variable)
		}
	}

	return kept
}

// rotate merges a change of the rotation.
func (k *keysRepository) rotate(round int) {
	k.t.Helper()
	k.mustSh(fmt.Sprintf("sed -i.bak 's/round = \"[0-9]*\"/round = \"%d\"/' terraform.tfvars && rm "+
		"terraform.tfvars.bak\ngit commit -q -a -m 'Rotate'\ngit push -q origin main\n", round))
}

// copies are the escrow copies in the evidence: hash of the key, as the name has it, and the hash
// of what the custodian opens.
func (k *keysRepository) copies() map[string]string {
	k.t.Helper()
	k.mustSh("rm -rf ../checked && git clone -q ../evidence.git ../checked\n")
	files, err := filepath.Glob(filepath.Join(k.dir, "checked", "escrow", "*", "*", "*.age"))
	if err != nil {
		k.t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		opened := k.mustSh("age -d -i ../identity.txt '" + file + "' | openssl dgst -sha256 -r | cut -d' ' -f1")
		all[strings.TrimSuffix(filepath.Base(file), ".age")] = strings.TrimSpace(opened)
	}

	return all
}

// mustKeepAll expects a copy of every key that was ever uploaded, and that all of it can be
// verified.
func (k *keysRepository) mustKeepAll() {
	k.t.Helper()
	copies, uploaded := k.copies(), 0
	for _, secret := range k.sim.TenantSecrets() {
		if secret.Source != "UPLOADED" {
			continue
		}
		uploaded++
		hash, err := base64.StdEncoding.DecodeString(secret.SecretValueHash)
		if err != nil {
			k.t.Fatal(err)
		}
		if opened := copies[hex.EncodeToString(hash)]; opened != hex.EncodeToString(hash) {
			k.t.Errorf("%s version %d: expected its copy to be kept, found %q", secret.Type, secret.Version, opened)
		}
	}
	if len(copies) != uploaded {
		k.t.Errorf("expected %d copies, found %d", uploaded, len(copies))
	}
	if out, ok := k.sh("ci/verify ../checked ../signers"); !ok {
		k.t.Errorf("verify: %s", out)
	}
}

func (k *keysRepository) runner() *runner {
	k.t.Helper()
	env := withoutConfig(k.env)
	var kept []string
	for _, variable := range env {
		if !strings.HasPrefix(variable, "SALESFORCE_") {
			kept = append(kept, variable)
		}
	}

	return &runner{
		t: k.t, repository: k.bare, others: map[string]string{"example/evidence": k.evidence}, env: kept,
		artifacts: k.t.TempDir(),
		contexts: map[string]string{
			"vars.SALESFORCE_INSTANCE_URL": k.sim.InstanceURL, "vars.SALESFORCE_ORGANIZATION_ID": k.sim.OrganizationID,
			"vars.EVIDENCE_REPOSITORY":     "example/evidence",
			"secrets.SALESFORCE_CLIENT_ID": k.sim.ClientID, "secrets.SALESFORCE_CLIENT_SECRET": k.sim.ClientSecret,
			"secrets.EVIDENCE_KEY": k.signingKey, "secrets.EVIDENCE_DEPLOY_KEY": "a deploy key",
		},
	}
}

// The GitHub workflows of the examples, run step by step: from nothing through three keys, a failed
// apply, drift, and evidence of it all.
func TestWalkThePipelineOnGitHub(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	k := newKeysRepository(t, sim, "conftest")
	genuine(t, "git, ssh-keygen, age and conftest in the GitHub workflows")
	// The rounds follow each other in seconds.
	k.mustSh("sed -i.bak 's/^days_between_rotations := 30/days_between_rotations := 0/; s/^organizations := " +
		"set()/organizations := {\"" + sim.OrganizationID + "\"}/' policy/settings.rego\n" +
		"rm policy/settings.rego.bak\ngit commit -q -a -m 'Our policy'\ngit push -q origin main\n")
	// go install would build conftest again.
	k.env = append(k.env, "GOPATH="+t.TempDir(), "PATH="+stub(t, "go", "[ \"$1\" = install ] || echo /nowhere\n")+
		string(os.PathListSeparator)+k.path())
	keys := readWorkflow(t, filepath.Join(k.clone, ".github", "workflows", "keys.yml"))
	if keys.Jobs["apply"].Environment == keys.Jobs["plan"].Environment {
		t.Error("plan and apply must have environments of their own: the approval stands between them")
	}

	run := func() (plan, apply ran, r *runner) {
		t.Helper()
		r = k.runner()
		plan = r.job(keys, "plan", nil)
		if plan.failed {
			t.Fatalf("plan: %s", plan.log)
		}

		return plan, r.job(keys, "apply", plan.outputs), r
	}
	for round := 1; round <= 3; round++ {
		if round > 1 {
			k.rotate(round)
		}
		plan, apply, r := run()
		if apply.skipped || apply.failed {
			t.Fatalf("round %d: plan\n%s\napply\n%s", round, plan.log, apply.log)
		}
		if !strings.Contains(plan.log, "0 failures") {
			t.Errorf("expected the policy to judge the plan, found\n%s", plan.log)
		}
		_, approved, _ := strings.Cut(plan.log, "plan: ")
		if approved, _, _ = strings.Cut(approved, ","); approved == "" || !strings.Contains(apply.log, "plan: "+approved) {
			t.Errorf("expected the plan with the hash %q to be applied, found\n%s", approved, apply.log)
		}
		for artifact, want := range map[string]string{"plan": "keys.tfplan", "evidence": "escrow heads receipts"} {
			entries, err := os.ReadDir(filepath.Join(r.artifacts, artifact))
			var names []string
			for _, entry := range entries {
				names = append(names, entry.Name())
			}
			if got := strings.Replace(strings.Join(names, " "), "journal ", "", 1); err != nil || got != want {
				t.Errorf("artifact %s: expected %q, found %q (%v)", artifact, want, got, err)
			}
		}
		k.mustKeepAll()
	}
	if journal, _ := filepath.Glob(filepath.Join(k.dir, "checked", "journal", "[0-9]*.json")); len(journal) != 0 &&
		len(journal) != 6 {
		t.Errorf("expected one entry of the journal for each upload, or no journal at all, found %q", journal)
	}
	if n := len(k.copies()); n != 6 {
		t.Errorf("expected the copies of two types and three rounds, found %d", n)
	}

	plan, apply, r := run()
	if !apply.skipped || plan.outputs["needs.plan.outputs.changes"] != "false" {
		t.Errorf("expected nothing to apply, found\n%s", plan.log)
	}
	if artifacts, _ := os.ReadDir(r.artifacts); len(artifacts) != 0 {
		t.Errorf("expected no artifact of a plan without changes, found %v", artifacts)
	}

	// The second of two keys is refused: the apply fails, and the copy of the first one is kept all
	// the same.
	k.rotate(4)
	if err := sim.AddFault(sfsim.Fault{
		Method: "POST", Path: "TenantSecret", Nth: 2, Status: 400,
		ErrorCode: "FIELD_INTEGRITY_EXCEPTION",
	}); err != nil {
		t.Fatal(err)
	}
	if _, apply, _ = run(); !apply.failed {
		t.Errorf("expected the apply to fail, found\n%s", apply.log)
	}
	sim.ClearFaults()
	k.mustKeepAll()
	if _, apply, _ = run(); apply.failed {
		t.Errorf("expected the next run to converge, found\n%s", apply.log)
	}
	k.mustKeepAll()

	// Drift is another workflow's, and it changes nothing.
	drift := readWorkflow(t, filepath.Join(k.clone, ".github", "workflows", "drift.yml"))
	if looked := k.runner().job(drift, "drift", nil); looked.failed {
		t.Errorf("expected no drift, found\n%s", looked.log)
	}
	if _, err := sim.Rotate("Data", "HSM"); err != nil {
		t.Fatal(err)
	}
	before := len(acctest.Writes(sim))
	if looked := k.runner().job(drift, "drift", nil); !looked.failed ||
		!strings.Contains(looked.log, "the org is not as the state says") {
		t.Errorf("expected drift, found\n%s", looked.log)
	}
	if after := len(acctest.Writes(sim)); after != before {
		t.Errorf("expected the drift check to change nothing, found %d writes", after-before)
	}

	// What a pull request runs.
	review := readWorkflow(t, filepath.Join(k.clone, ".github", "workflows", "review.yml"))
	r = k.runner()
	r.contexts = map[string]string{}
	if reviewed := r.job(review, "review", nil); reviewed.failed && !acctest.Below(t, 1, 11) && !acctest.OpenTofu() {
		t.Errorf("review: %s", reviewed.log)
	}
}

// path is the PATH of a shell, home its HOME.
func (s *shell) path() string { return s.variable("PATH") }
func (s *shell) home() string { return s.variable("HOME") }

// variable is the last value of a variable, which is the one that counts.
func (s *shell) variable(name string) string {
	last := ""
	for _, variable := range s.env {
		if value, found := strings.CutPrefix(variable, name+"="); found {
			last = value
		}
	}

	return last
}

// The README's trial, word for word: from a checkout and an empty directory to a rotation that left
// evidence.
func TestWalkThePipelineAsANewUser(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(example(t, "pipelines", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := page{t, "pipelines", string(readme)}
	s := user(t, "make", "jq", "curl", "git", "openssl", "ssh-keygen", "ssh-agent", "ssh-add", "age", "age-keygen",
		"conftest")
	genuine(t, "git, ssh-keygen, age and conftest in the trial of the pipelines")
	root, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, goCaches(t)...)
	// The example is copied, so that what is being edited is tried, and not what is committed.
	printed := s.
		then("checkout", "git clone -q --depth 1 --no-tags \"file://"+root+"\" byok && cd byok\ngit config --global "+
			"user.name dev && git config --global user.email dev@invalid\ncp -r '"+example(t)+"' .\n").
		then("build", p.block("sh", "make mirror", "go install github.com/open-policy-agent/conftest@v0.71.1",
			": conftest is there")).
		then("simulator", p.block("sh", "sfsim > sim.json")).
		then("step 1", p.block("sh", "git init -q -b main")).
		then("step 2", p.block("sh", "cat > terraform.tfvars")).
		then("step 4", p.block("sh", "terraform init\n")+p.block("sh", "git add .")).
		then("step 5", p.block("sh", "echo \"pipeline ")).
		then("first keys", p.block("sh", "git clone -q ../evidence.git")).
		then("rotate", p.block("sh", "git switch")).
		then("audit", p.block("sh", "for copy in")).
		then("end", "git status --short\n").
		run()
	says(t, printed, "first keys", "Success! 8 passed, 0 failed", "Plan: 2 to add, 0 to change, 0 to destroy",
		"0 failures", "changes: true", "2 added, 0 changed, 0 destroyed")
	says(t, printed, "rotate", "Plan: 0 to add, 2 to change, 0 to destroy", "0 failures",
		"0 added, 2 changed, 0 destroyed", "no drift")
	if strings.Contains(printed["rotate"], "<table>") {
		t.Error("expected no page of HTML in a plan")
	}
	says(t, printed, "audit", "2 signed lists over 8 files are as they were")
	_, hashes, _ := strings.Cut(printed["audit"], "as they were\n")
	copies := strings.Fields(hashes)
	if len(copies) != 8 {
		t.Fatalf("expected four copies, found %q", copies)
	}
	for i := 0; i < len(copies); i += 2 {
		if copies[i] != copies[i+1] {
			t.Errorf("expected each copy to be the key of its name, found %q", copies)
		}
	}
	if strings.TrimSpace(printed["end"]) != "" {
		t.Errorf("expected everything to be committed or ignored, found %s", printed["end"])
	}
}

// stub makes a program of a script, and returns its directory.
func stub(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}

	return dir
}

// The evidence speaks up when something of it was changed, lost, or signed by somebody else.
func TestTheEvidenceIsChecked(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	k := newKeysRepository(t, sim)
	k.env = append(k.env, "EVIDENCE_KEY="+k.signingKey, "EVIDENCE=../evidence")
	// The policy is another test's.
	k.mustSh("rm -rf policy\nci/plan\nci/apply\nci/verify ../evidence ../signers\n")
	if again := k.mustSh("ci/keep"); again != "" {
		t.Errorf("expected nothing new to keep, found %s", again)
	}
	for name, test := range map[string]struct{ script, want string }{
		"a copy was changed":    {"echo >> \"$(ls $e/escrow/*/tenant_secret-Data/*.age)\"", "is not what heads/"},
		"a copy was lost":       {"rm $e/escrow/*/tenant_secret-Data/*.age", "is gone, which heads/"},
		"a receipt was changed": {"sed -i.bak s/uploaded/imported/ $e/receipts/*/tenant_secret-Data/*.json", "is not what"},
		"the list was changed":  {"sed -i.bak 1d $e/heads/*.txt", "not signed by the pipeline"},
		"the list is unsigned":  {"rm $e/heads/*.sig", "not signed by the pipeline"},
		"somebody else's key": {"ssh-keygen -q -t ed25519 -N '' -f $e.key; for l in $e/heads/*.txt; do rm $l.sig; " +
			"ssh-keygen -q -Y sign -n salesforcebyok-receipts -f $e.key $l; done", "not signed by the pipeline"},
		"nothing is there": {"rm -r $e/heads", "there is no list"},
		"a receipt is missing": {
			"for n in 1 2; do printf '{\"previous\":\"%s\"}' $n > $e/r; mv $e/r \"$(ls -d " +
				"$e/receipts/*/tenant_secret-Data)/$(openssl dgst -sha256 -r $e/r | cut -d' ' -f1).json\"; done",
			"2 receipts follow ones that are not here",
		},
		"the journal has a gap": {"mkdir -p $e/journal; for n in 1 2; do printf '{\"previous\":\"%s\"}' $n > " +
			"$e/journal/0000000$n.json; done", "does not follow the file before it"},
		"a receipt without list": {"echo '{}' > $e/receipts/0/x/0.json 2>/dev/null || { mkdir -p $e/receipts/0/x; echo " +
			"'{}' > $e/receipts/0/x/0.json; }", "is not what its name says"},
	} {
		e := filepath.Join(t.TempDir(), "evidence")
		out, ok := k.sh("e=" + e + "\ncp -r ../evidence $e\n" + test.script + "\nci/verify $e ../signers")
		if ok || !strings.Contains(out, test.want) {
			t.Errorf("%s: expected %q, found %s", name, test.want, out)
		}
	}
	for name, test := range map[string]struct{ script, want string }{
		"no key": {"EVIDENCE_KEY= ci/keep", "EVIDENCE_KEY is not set"},
		"another copy under the same hash": {
			"e=$(mktemp -d)\ncp -r ../evidence/. $e\nfor f in $e/escrow/*/tenant_secret-Data/*.age; do echo x > $f; " +
				"done\nEVIDENCE=$e ci/keep",
			"is there with another content",
		},
		"a plan of before": {"cp keys.tfplan old.tfplan\nTF_VAR_x=1 PLANFILE=old.tfplan ci/apply", "stale"},
	} {
		if out, ok := k.sh(test.script); ok || !strings.Contains(strings.ToLower(out), strings.ToLower(test.want)) {
			t.Errorf("%s: expected %q, found %s", name, test.want, out)
		}
	}
	out := k.mustSh("EVIDENCE_KEY= EVIDENCE_UNSIGNED=1 EVIDENCE=../unsigned ci/keep && ls ../unsigned/heads")
	if strings.Contains(out, ".sig") {
		t.Errorf("expected no signature, found %s", out)
	}
}

// On Atlantis the server's workflow runs the same scripts, with the plan where Atlantis wants it.
func TestWalkThePipelineOnAtlantis(t *testing.T) {
	t.Parallel()
	var server struct {
		Repos []struct {
			ID                        string   `yaml:"id"`
			Workflow                  string   `yaml:"workflow"`
			ApplyRequirements         []string `yaml:"apply_requirements"`
			AllowedOverrides          []string `yaml:"allowed_overrides"`
			AllowCustomWorkflows      bool     `yaml:"allow_custom_workflows"`
			DeleteSourceBranchOnMerge bool     `yaml:"delete_source_branch_on_merge"`
		} `yaml:"repos"`
		Workflows map[string]map[string]struct {
			Steps []struct {
				Run string `yaml:"run"`
			} `yaml:"steps"`
		} `yaml:"workflows"`
	}
	var repository struct {
		Version  int `yaml:"version"`
		Projects []struct {
			Name     string `yaml:"name"`
			Dir      string `yaml:"dir"`
			Autoplan struct {
				Enabled      bool     `yaml:"enabled"`
				WhenModified []string `yaml:"when_modified"`
			} `yaml:"autoplan"`
		} `yaml:"projects"`
	}
	for file, into := range map[string]any{"repos.yaml": &server, "atlantis.yaml": &repository} {
		f, err := os.Open(example(t, "pipelines", "atlantis", file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close() //nolint:errcheck // only read
		decoder := yaml.NewDecoder(f)
		decoder.KnownFields(true)
		if err := decoder.Decode(into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	if got := server.Repos[0]; got.AllowCustomWorkflows || len(got.AllowedOverrides) != 0 ||
		strings.Join(got.ApplyRequirements, " ") != "approved mergeable undiverged" {
		t.Errorf("expected that a pull request changes nothing of its own approval, found %+v", got)
	}
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	k := newKeysRepository(t, sim)
	k.mustSh("rm -rf policy")
	k.env = append(k.env, "EVIDENCE_KEY="+k.signingKey, "EVIDENCE="+filepath.Join(k.dir, "server"),
		"PLANFILE="+filepath.Join(k.dir, "default.tfplan"))
	k.mustSh("git clone -q ../evidence.git \"$EVIDENCE\"")
	flow := server.Workflows[server.Repos[0].Workflow]
	for _, stage := range []string{"plan", "apply"} {
		for _, step := range flow[stage].Steps {
			k.mustSh(step.Run)
		}
	}
	k.mustKeepAll()
	if _, err := os.Stat(filepath.Join(k.clone, "keys.tfplan")); err == nil {
		t.Error("expected the plan to lie where Atlantis wants it")
	}
}

// What HCP Terraform reads is HCL; its evidence is kept by the same script.
func TestThePipelineOnHCP(t *testing.T) {
	t.Parallel()
	evidence := readWorkflow(t, example(t, "pipelines", "hcp", "evidence.yml"))
	var runs []string
	for _, step := range evidence.Jobs["keep"].Steps {
		if step.Run != "" {
			runs = append(runs, step.Run)
		}
	}
	if got := strings.Join(runs, "; "); got != "ci/init; ci/keep" {
		t.Errorf("expected ci/init and ci/keep, found %s", got)
	}
}

// shellcheck accepts the scripts, and actionlint the workflows.
func TestPipelinesAreLinted(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not in a short run: the linters take seconds")
	}
	for _, tool := range []struct {
		name  string
		files []string
	}{
		{"shellcheck", []string{"pipelines/ci/*", "distribution/mirror"}},
		{"actionlint", []string{"pipelines/github/*.yml", "pipelines/hcp/*.yml"}},
		{"action-validator", []string{"pipelines/github/*.yml", "pipelines/hcp/*.yml"}},
	} {
		t.Run(tool.name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(tool.name)
			if err != nil {
				t.Skipf("%s is not on PATH", tool.name)
			}
			genuine(t, tool.name)
			var files []string
			for _, pattern := range tool.files {
				found, err := filepath.Glob(example(t, pattern))
				if err != nil || len(found) == 0 {
					t.Fatalf("%s: nothing there (%v)", pattern, err)
				}
				files = append(files, found...)
			}
			for _, file := range files {
				if out, err := exec.CommandContext(t.Context(), program, file).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", file, err, out)
				}
			}
		})
	}
}

// Actions are pinned to commits, as in this repository's own workflows.
func TestPipelinesPinTheirActions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(example(t, "pipelines", "*", "*.yml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("found %q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			_, uses, found := strings.Cut(line, "uses: ")
			if _, version, _ := strings.Cut(uses, "@"); found && len(strings.Split(version, " # v")[0]) != hex.EncodedLen(20) {
				t.Errorf("%s: not pinned to a commit: %s", file, line)
			}
		}
	}
}

// The GitLab file, run by gitlab-ci-local, which also holds it against GitLab's schema.
func TestWalkThePipelineOnGitLab(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	k := newKeysRepository(t, sim, "gitlab-ci-local", "rsync")
	genuine(t, "gitlab-ci-local: GitLab's schema and a run of the GitLab file")
	k.mustSh("rm -rf policy\ncp '" + example(t, "pipelines", "gitlab", ".gitlab-ci.yml") +
		"' .\ngit add -A\ngit commit -q -m GitLab\n" +
		"git remote set-url origin git@gitlab.example.com:bank/keys.git\n")
	k.env = append(k.env, "EVIDENCE_KEY="+k.signingKey, "EVIDENCE_URL="+k.evidence)
	const local = "gitlab-ci-local --force-shell-executor --shell-isolation --variable CI_DEFAULT_BRANCH=main "
	plan := k.mustSh(local + "plan 2>&1")
	if !strings.Contains(plan, "json schema validated") || !strings.Contains(plan, "changes: true") {
		t.Errorf("expected a plan of a valid file, found\n%s", plan)
	}
	k.mustSh(local + "apply 2>&1")
	k.mustKeepAll()
	if out := k.mustSh(local + "plan 2>&1\n" + local + "apply 2>&1"); !strings.Contains(out, "nothing to apply") {
		t.Errorf("expected nothing to apply, found\n%s", out)
	}
	scheduled := local + "--variable JOB=drift "
	if out := k.mustSh(scheduled + "--list"); strings.Contains(out, "apply") || !strings.Contains(out, "drift") {
		t.Errorf("expected the drift check alone, found\n%s", out)
	}
	if out, ok := k.sh(scheduled + "drift 2>&1"); !ok || !strings.Contains(out, "no drift") {
		t.Errorf("expected no drift, found\n%s", out)
	}
}
