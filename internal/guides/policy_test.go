package guides_test

import (
	"encoding/json"
	"errors"
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
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// recipients are those of nobody: what is encrypted to them is lost.
const (
	recipientOne = "age1fyge6m808w0ktj2tgy7dz0v8tgedcvpuauf2dekqwf3jnd678s8s7uk7em"
	recipientTwo = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z"
)

// denied runs conftest over a plan's JSON, and returns what it says, empty for a plan that passes.
func denied(t *testing.T, policy, plan string) []string {
	t.Helper()
	conftest, err := exec.LookPath("conftest")
	if err != nil {
		t.Skip("conftest is not on PATH: make integrations builds it")
	}
	file := filepath.Join(t.TempDir(), "plan.json")
	put(t, file, []byte(plan))
	command := exec.CommandContext(t.Context(), conftest, "test", "--policy", policy, "--parser", "json", "--output",
		"json", file)
	out, err := command.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var results []struct {
		Successes int `json:"successes"`
		Failures  []struct {
			Msg string `json:"msg"`
		} `json:"failures"`
	}
	if err := json.Unmarshal(out, &results); err != nil || len(results) != 1 {
		t.Fatalf("conftest: %v\n%s", err, out)
	}
	if results[0].Successes == 0 && len(results[0].Failures) == 0 {
		t.Fatalf("conftest ran no rule: %s", out)
	}
	var messages []string
	for _, failure := range results[0].Failures {
		messages = append(messages, failure.Msg)
	}
	if (exit == nil) != (len(messages) == 0) {
		t.Errorf("expected the exit code to say what the messages say, found %v and %q", exit, messages)
	}

	return messages
}

// planned is the JSON of a plan over a configuration.
func planned(t *testing.T, cli *acctest.CLI, configuration string) string {
	t.Helper()
	cli.Write("main.tf", required+configuration)
	if plan := cli.Run("plan", "-input=false", "-out=keys.tfplan"); plan.Code != 0 {
		t.Fatal(plan.Output())
	}
	shown := cli.Run("show", "-json", "keys.tfplan")
	if shown.Code != 0 {
		t.Fatal(shown.Output())
	}

	return shown.Stdout
}

// key is a key with the attributes that are given.
func key(attributes ...string) string {
	return "resource \"salesforcebyok_tenant_secret\" \"data\" {\n  type = \"Data\"\n  " +
		strings.Join(attributes, "\n  ") + "\n}\n"
}

func version(id string, attributes ...string) string {
	return "provider \"salesforcebyok\" {\n  allow_key_destruction = true\n}\nresource " +
		"\"salesforcebyok_tenant_secret_version\" \"old\" {\n  tenant_secret_id = \"" + id +
		"\"\n  " + strings.Join(attributes, "\n  ") + "\n}\n"
}

const (
	certificateLine = `certificate = "Sim_BYOK"`
	escrowLine      = `escrow = { age_recipients = ["` + recipientOne + `", "` + recipientTwo + `"] }`
	preventLine     = `deletion_policy = "PREVENT"`
)

// Every rule denies a plan that it is for, and lets one pass that differs in this alone. The plans
// are real ones.
func TestPolicy(t *testing.T) {
	t.Parallel()
	policy := example(t, "policy")
	denied(t, policy, "{}") // skips if there is no conftest
	genuine(t, "conftest over plans of the examples' policy")
	archived := &sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{
		{Source: "UPLOADED", Status: "ARCHIVED"},
		{Source: "UPLOADED", Certificate: "Sim_BYOK"},
	}}
	hyperforce := func(s *sfsim.Settings, _ *sfsim.Permissions) { s.Hyperforce = true }
	search := func(attributes ...string) string {
		return "provider \"salesforcebyok\" {\n  api_version = \"63.0\"\n}\nresource " +
			"\"salesforcebyok_data_encryption_key\" \"search\" {\n  " + strings.Join(attributes, "\n  ") + "\n}\n"
	}
	cacheOnly := func(attributes ...string) string {
		return "resource \"salesforcebyok_cache_only_key\" \"k\" {\n  certificate = \"Sim_BYOK\"\n  key_identifier = " +
			"\"k1\"\n  " + strings.Join(attributes, "\n  ") + "\n}\n"
	}
	root := &sfsim.Seed{RootKeys: []sfsim.SeedRootKey{{
		ID:         "48q000000000001AAA",
		Identifier: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	}}}
	const id = "ID" // the archived record's
	for name, test := range map[string]struct {
		seed *sfsim.Seed
		// applied comes before the plan, one after the other.
		applied   []string
		bad, good string
		want      string
	}{
		"one recipient": {
			bad:  key(certificateLine, preventLine, `escrow = { age_recipients = ["`+recipientOne+`"] }`),
			good: key(certificateLine, preventLine, escrowLine), want: "needs an escrow copy for at least 2 recipients",
		},
		"two groups": {
			bad: key(certificateLine, preventLine),
			good: key(certificateLine, preventLine, `escrow = { recipient_groups = [["`+recipientOne+`"], ["`+recipientTwo+
				`"]] }`), want: "needs an escrow copy for at least 2 recipients",
		},
		"a certificate with a pin": {
			bad:  key(certificateLine, preventLine),
			good: key(certificateLine, preventLine, `certificate_pins = ["PIN"]`), want: "needs certificate_pins",
		},
		"no escrow": {
			bad:  key(certificateLine, preventLine),
			good: key(`source = "HSM"`, preventLine), want: "needs an escrow copy for at least 2 recipients",
		},
		"a key that may be let go of": {
			bad:  key(certificateLine, escrowLine),
			good: key(certificateLine, escrowLine, preventLine), want: `needs deletion_policy = "PREVENT"`,
		},
		"a certificate without a pin": {
			bad:  key(certificateLine, escrowLine, preventLine),
			good: key(`source = "HSM"`, preventLine), want: "needs certificate_pins",
		},
		"a key that is let go of": {
			applied: []string{key(certificateLine, escrowLine)}, bad: "",
			good: key(certificateLine, escrowLine, `description = "x"`), want: "is let go of",
		},
		"a key that is forgotten": {
			applied: []string{key(certificateLine, escrowLine)}, bad: "removed {\n  from = " +
				"salesforcebyok_tenant_secret.data\n  lifecycle {\n    destroy = false\n  }\n}\n",
			good: key(certificateLine, escrowLine, `description = "x"`), want: "is let go of",
		},
		"a destroyed record that is let go of": {
			seed: archived, applied: []string{
				version(id, `desired_status = "ARCHIVED"`),
				version(id, `desired_status = "DESTROYED"`, `destruction_acknowledgement = "`+id+`"`),
			},
			bad: "", good: version(id, `desired_status = "ARCHIVED"`), want: "lets go of a destroyed record",
		},
		"a data encryption key without escrow": {
			bad: search(preventLine), good: search(preventLine, escrowLine),
			want: "needs an escrow copy for at least 2 recipients",
		},
		"a data encryption key that may be let go of": {
			bad: search(escrowLine), good: search(escrowLine, preventLine), want: `needs deletion_policy = "PREVENT"`,
		},
		"a data encryption key too soon": {
			applied: []string{search(escrowLine)}, bad: search(escrowLine, `rotation_triggers = { a = "b" }`),
			good: search(escrowLine, `rotate_after_days = 90`),
			want: "before 30 days are over",
		},
		"a cache-only key without escrow": {
			bad: cacheOnly(), good: cacheOnly(escrowLine), want: "needs an escrow copy for at least 2 recipients",
		},
		"a cache-only key without a pin": {
			bad: cacheOnly(), good: cacheOnly(`certificate_pins = ["PIN"]`), want: "needs certificate_pins",
		},
		"an org that is known when it is applied": {
			bad: "resource \"terraform_data\" \"org\" {\n  input = \"URL\"\n}\nprovider \"salesforcebyok\" {\n  instance_url " +
				"= terraform_data.org.output\n}\n" + key(certificateLine),
			good: key(certificateLine), want: "does not say which org",
		},
		"too soon": {
			applied: []string{key(certificateLine, escrowLine)},
			bad:     key(certificateLine, escrowLine, `rotation_triggers = { a = "b" }`),
			good:    key(certificateLine, escrowLine, `description = "patched"`), want: "before 30 days are over",
		},
		"a destruction": {
			seed: archived, applied: []string{version(id, `desired_status = "ARCHIVED"`)},
			bad:  version(id, `desired_status = "DESTROYED"`),
			good: version(id, `desired_status = "ARCHIVED"`, preventLine), want: "destroys a key with 0 of 2 approvals",
		},
		"a create that destroys": {
			seed: archived, bad: version(id, `desired_status = "DESTROYED"`, `backup = "NONE"`,
				`destruction_acknowledgement = "`+id+`"`),
			good: version(id, `desired_status = "ARCHIVED"`), want: "destroys a key with 0 of 2 approvals",
		},
		"no backup": {
			seed: archived, bad: version(id, `desired_status = "ARCHIVED"`, `backup = "NONE"`),
			good: version(id, `desired_status = "ARCHIVED"`), want: `has backup = "NONE"`,
		},
		"a root key": {
			seed: root, bad: "provider \"salesforcebyok\" {\n  allow_key_destruction = true\n}\nresource " +
				"\"salesforcebyok_external_root_key\" \"k\" {\n  root_key_id = \"48q000000000001AAA\"\n  desired_status = " +
				"\"Inactive\"\n}\n",
			good: "resource \"salesforcebyok_external_root_key\" \"k\" {\n  root_key_id = \"48q000000000001AAA\"\n  " +
				"desired_status = \"Active\"\n}\n",
			want: "makes a root key Inactive",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithSeed(test.seed), sfsim.WithoutIntervals(), sfsim.WithConfiguration(hyperforce))
			cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
			named := func(configuration string) string {
				configuration = strings.Replace(configuration, `"PIN"`, `"`+fingerprint(t, sim)+`"`, 1)
				configuration = strings.Replace(configuration, `"URL"`, `"`+sim.InstanceURL+`"`, 1)
				if secrets := sim.TenantSecrets(); len(secrets) > 0 {
					return strings.ReplaceAll(configuration, `"`+id+`"`, `"`+secrets[0].ID+`"`)
				}

				return configuration
			}
			for _, applied := range test.applied {
				cli.Write("main.tf", required+named(applied))
				cli.MustApply()
			}
			if messages := denied(t, policy, planned(t, cli, named(test.bad))); !slices.ContainsFunc(messages,
				func(m string) bool {
					return strings.Contains(m, test.want)
				}) {
				t.Errorf("expected %q, found %q", test.want, messages)
			}
			if messages := denied(t, policy, planned(t, cli, named(test.good))); slices.ContainsFunc(messages,
				func(m string) bool {
					return strings.Contains(m, test.want)
				}) {
				t.Errorf("expected no %q, found %q", test.want, messages)
			}
		})
	}
}

// A first plan knows which org it is for, and one that keeps every rule passes all of them.
func TestPolicyPassesAWholePlan(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	plan := planned(t, cli, key(certificateLine, preventLine, escrowLine,
		`certificate_pins = ["`+fingerprint(t, sim)+`"]`))
	if messages := denied(t, example(t, "policy"), plan); len(messages) != 0 {
		t.Errorf("expected the plan to pass, found %q", messages)
	}
	for org, want := range map[string]int{sim.OrganizationID: 0, "00D000000000001EAA": 1} {
		if messages := denied(t, policyFor(t, org), plan); len(messages) != want {
			t.Errorf("%s: expected %d, found %q", org, want, messages)
		}
	}
}

// policyFor is the policy with the settings of a team that has one org.
func policyFor(t *testing.T, org string) string {
	t.Helper()
	mine := t.TempDir()
	for _, name := range []string{"shield.rego", "settings.rego"} {
		text, err := os.ReadFile(filepath.Join(example(t, "policy"), name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(mine, name), []byte(strings.Replace(string(text), "organizations := set()",
			`organizations := {"`+org+`"}`, 1)))
	}

	return mine
}

// A destruction passes with the signatures of two over the statement that the adopting apply left
// in state, and not with one.
func TestPolicyCountsApprovals(t *testing.T) {
	t.Parallel()
	policy := example(t, "policy")
	denied(t, policy, "{}")
	s := newShell(t, "ssh-keygen")
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{
		Source: "UPLOADED",
		Status: "ARCHIVED",
	}, {Source: "UPLOADED"}}}))
	public := strings.Split(strings.TrimSpace(s.then("keys", "for n in alice bob; do ssh-keygen -q -t ed25519 -N '' -C "+
		"$n -f $n; cat $n.pub; done\n").run()["keys"]), "\n")
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	end := fmt.Sprintf("destruction_not_after = %q", sim.Clock.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
	configuration := func(lines ...string) string {
		text := version(sim.TenantSecrets()[0].ID, append(lines, end)...)

		return strings.Replace(text, "allow_key_destruction = true",
			fmt.Sprintf("allow_key_destruction = true\n  destruction_approvers = {\n    public_keys = [%q, %q]\n    threshold "+
				"= 1\n  }", public[0], public[1]), 1)
	}
	cli.Write("main.tf", required+configuration(`desired_status = "ARCHIVED"`))
	cli.MustApply()
	statement, _ := cli.State("salesforcebyok_tenant_secret_version.old")["destruction_statement"].(string)
	if statement == "" {
		t.Fatal("expected a statement to sign")
	}
	put(t, filepath.Join(s.dir, "statement"), []byte(statement))
	again := newShell(t, "ssh-keygen")
	again.dir = s.dir
	signed := again.
		then("alice", "ssh-keygen -q -Y sign -n salesforcebyok-destroy -f alice < statement\n").
		then("bob", "ssh-keygen -q -Y sign -n salesforcebyok-destroy -f bob < statement\n").
		run()
	for name, test := range map[string]struct {
		approvals []string
		want      string
	}{
		"one": {[]string{signed["alice"]}, "destroys a key with 1 of 2 approvals"},
		"two": {[]string{signed["alice"], signed["bob"]}, ""},
	} {
		var quoted []string
		for _, approval := range test.approvals {
			quoted = append(quoted, strconv.Quote(approval))
		}
		plan := planned(t, cli, configuration(`desired_status = "DESTROYED"`,
			"destruction_approvals = ["+strings.Join(quoted, ", ")+"]"))
		if got := strings.Join(denied(t, policy, plan), "\n"); test.want == "" && got != "" ||
			!strings.Contains(got, test.want) {
			t.Errorf("%s: expected %q, found %q", name, test.want, got)
		}
		if test.want != "" {
			continue
		}
		if applied := cli.Run("apply", "-auto-approve", "keys.tfplan"); applied.Code != 0 ||
			sim.TenantSecrets()[0].Status != "DESTROYED" {
			t.Errorf("expected the approved plan to destroy the key, found\n%s", applied.Output())
		}
	}
}

// A plan that ended with an error can be saved and shown, and what it lacks would pass every other
// rule.
func TestPolicyOfAnErroredPlan(t *testing.T) {
	t.Parallel()
	policy := example(t, "policy")
	denied(t, policy, "{}")
	sim := acctest.StartSim(t)
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	cli.Write("main.tf", required+version(sim.TenantSecrets()[0].ID, `desired_status = "DESTROYED"`)) // the ACTIVE record
	if plan := cli.Run("plan", "-input=false", "-out=keys.tfplan"); plan.Code == 0 {
		t.Fatalf("expected the plan to fail, found\n%s", plan.Output())
	}
	shown := cli.Run("show", "-json", "keys.tfplan")
	if shown.Code != 0 {
		t.Skipf("this CLI saves no plan that ended with an error: %s", shown.Output())
	}
	if messages := denied(t, policy, shown.Stdout); len(messages) != 1 || !strings.Contains(messages[0], "not complete") {
		t.Errorf("expected this rule alone to see it, found %q", messages)
	}
}

// A policy that looks for deletions sees none in a plan that destroys a key.
func TestAPolicyOfDeletesMissesADestruction(t *testing.T) {
	t.Parallel()
	naive := t.TempDir()
	put(t, filepath.Join(naive, "naive.rego"), []byte(`package main

import rego.v1

deny contains "something is deleted" if {
	some change in input.resource_changes
	"delete" in change.change.actions
}
`))
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{
		Source: "UPLOADED",
		Status: "ARCHIVED",
	}, {Source: "UPLOADED"}}}))
	id := sim.TenantSecrets()[0].ID
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	cli.Write("main.tf", required+version(id, `desired_status = "ARCHIVED"`))
	cli.MustApply()
	plan := planned(t, cli, version(id, `desired_status = "DESTROYED"`))
	if messages := denied(t, naive, plan); len(messages) != 0 {
		t.Errorf("expected the naive policy to see nothing, found %q", messages)
	}
	if messages := denied(t, example(t, "policy"), plan); len(messages) == 0 {
		t.Error("expected the policy of the examples to see a destruction")
	}
	if applied := cli.Run("apply", "-auto-approve", "keys.tfplan"); applied.Code != 0 ||
		sim.TenantSecrets()[0].Status != "DESTROYED" {
		t.Errorf("expected the plan to destroy the key, found %s\n%s", sim.TenantSecrets()[0].Status, applied.Output())
	}
}

// A plan that ended with an error, and what is no plan at all, pass no policy. HCP Terraform's
// input has the plan one level down.
func TestPolicyOfWhatIsNoPlan(t *testing.T) {
	t.Parallel()
	policy := example(t, "policy")
	for name, test := range map[string]struct{ plan, want string }{
		"nothing":               {"{}", "This is not a plan"},
		"a state":               {`{"format_version":"1.0","values":{"root_module":{}}}`, ""},
		"errored":               {`{"format_version":"1.2","errored":true}`, "not complete"},
		"empty":                 {`{"format_version":"1.2","errored":false}`, ""},
		"another":               {`{"format_version":"1.2","resource_changes":[{"address":"x.y","mode":"managed","type":"x","change":{"actions":["delete"],"before":{},"after":null,"after_unknown":{}}}]}`, ""},
		"approved twice by one": {`{"format_version":"1.2","resource_changes":[{"address":"a","mode":"managed","type":"salesforcebyok_tenant_secret_version","change":{"actions":["update"],"before":{"status":"ARCHIVED"},"after":{"organization_id":"00D000000000001EAA","desired_status":"DESTROYED","destruction_approvals":["x","x"]},"after_unknown":{}}}]}`, "1 of 2 approvals"},
		"HCP's":                 {`{"plan":{"format_version":"1.2","errored":true},"run":{}}`, "not complete"},
		"org unknown":           {`{"format_version":"1.2","resource_changes":[{"address":"a","mode":"managed","type":"salesforcebyok_certificate","change":{"actions":["create"],"before":null,"after":{},"after_unknown":{"organization_id":true}}}]}`, "which org"},
		"no such rule":          {`{"format_version":"1.2","resource_changes":[{"address":"a","mode":"managed","type":"salesforcebyok_certificate","change":{"actions":["create"],"before":null,"after":{"organization_id":"00D000000000001EAA"},"after_unknown":{}}}]}`, ""},
	} {
		messages := denied(t, policy, test.plan)
		if test.want == "" && len(messages) > 0 || test.want != "" && !slices.ContainsFunc(messages, func(m string) bool {
			return strings.Contains(m, test.want)
		}) {
			t.Errorf("%s: expected %q, found %q", name, test.want, messages)
		}
	}
	// A team's own orgs.
	mine := policyFor(t, "00D000000000001EAA")
	for org, want := range map[string]int{"00D000000000001EAA": 0, "00D000000000002EAA": 1} {
		plan := `{"format_version":"1.2","resource_changes":[{"address":"a","mode":"managed","type":"salesforcebyok_certificate","change":{"actions":["create"],"before":null,"after":{"organization_id":"` + org + `"},"after_unknown":{}}}]}`
		if messages := denied(t, mine, plan); len(messages) != want {
			t.Errorf("%s: expected %d, found %q", org, want, messages)
		}
	}
}
