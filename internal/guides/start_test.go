package guides_test

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age/plugin"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// aRecipient declares the recipients that the guides leave to their reader.
const aRecipient = "variable \"escrow_recipients\" {\n  default = " +
	"[\"age1fyge6m808w0ktj2tgy7dz0v8tgedcvpuauf2dekqwf3jnd678s8s7uk7em\"]\n}\n"

// freePort is a port of the loopback address that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}

	return port
}

// withSimulator is a shell that finds sfsim on PATH, and knows no org yet.
func withSimulator(t *testing.T, programs ...string) *shell {
	t.Helper()
	s := newShell(t, append(programs, "jq", "curl")...).of(nil)
	bin := t.TempDir()
	build(t, bin, "./internal/sfsim/cmd/sfsim")

	return s.then("PATH", "export PATH='"+bin+"':\"$PATH\"\n")
}

// A cache-only key from a fixed answer, tried as the guide says: on the simulator, with a web
// server of Python.
func TestWalkCacheOnlyKeys(t *testing.T) {
	t.Parallel()
	p := open(t, "cache-only-keys")
	s := withSimulator(t, "python3")
	made := required + aRecipient + p.block("hcl", `output "answer"`, "BYOK_Wrapping", "Sim_BYOK")
	printed := s.
		then("simulator", p.block("sh", "sfsim -seed", "8081", freePort(t))).
		then("credentials", open(t, "simulator").block("sh", "export SALESFORCE_INSTANCE_URL")).
		write("main.tf", made).
		then("make", "terraform apply >/dev/null\n").
		then("publish", p.block("sh", "terraform output -raw answer", "/srv/keys", "keys")).
		write("main.tf", made, p.block("hcl", `"REMOTE"`)).
		then("register", "terraform apply\nterraform plan -detailed-exitcode\n").
		then("calls", "curl -s \"$SALESFORCE_INSTANCE_URL/_sim/callouts\"\n").
		then("keys", "terraform state show salesforcebyok_tenant_secret.data\n").
		run()

	says(t, printed, "register", "1 added, 0 changed, 0 destroyed", "No changes.")
	says(t, printed, "calls", "data-2026-1")
	says(t, printed, "keys", `= "ACTIVE"`, `= "REMOTE"`)
}

// A key that was generated goes from its escrow copy to a JWE for another certificate: the same
// key, in the same instance, under the same identifier.
func TestWalkANewCertificateForACacheOnlyKey(t *testing.T) {
	t.Parallel()
	if acctest.Below(t, 1, 11) {
		t.Skip("write-only attributes need 1.11")
	}
	seed, err := sfsim.ReadSeed(strings.NewReader("certificates: [{developer_name: BYOK_Wrapping}, {developer_name: " +
		"BYOK_Wrapping_2028}]"))
	if err != nil {
		t.Fatal(err)
	}
	sim := acctest.StartSim(t, sfsim.WithSeed(seed))
	s := newShell(t, "age", "age-keygen", "base64", "jq").of(sim)
	p := open(t, "cache-only-keys")
	const show = "terraform state show 'salesforcebyok_cache_only_key.data[\"data-2026-1\"]' | grep -E '^ " +
		"+(certificate|secret_value_hash|jwe) '\n"
	const recipients = "variable \"escrow_recipients\" {\n  type = list(string)\n}\n"
	const settings = "resource \"salesforcebyok_encryption_key_settings\" \"this\" {\n  enable_cache_only_keys = true\n}\n"
	made := required + recipients + p.block("hcl", `output "answer"`)
	printed := s.
		then("custodian", "age-keygen -o identity.txt 2>/dev/null\nexport TF_VAR_escrow_recipients=\"[\\\"$(age-keygen -y "+
			"identity.txt)\\\"]\"\n").
		write("main.tf", made).
		then("make", "terraform apply >/dev/null\n"+show).
		then("save", p.block("sh", "escrow_ciphertext")).
		then("open", p.block("sh", "TF_VAR_key_materials")).
		write("main.tf", required+recipients+p.block("hcl", "BYOK_Wrapping_2028"), settings).
		then("again", "terraform apply\nterraform plan -detailed-exitcode\n").
		then("after", show).
		run()

	says(t, printed, "again", "0 added, 1 changed, 0 destroyed", "No changes.")
	value := func(step, name string) string {
		found := regexp.MustCompile(name + ` +=\s+"?([^"\s]+)`).FindStringSubmatch(printed[step])
		if found == nil {
			t.Fatalf("%s: no %s in %s", step, name, printed[step])
		}

		return found[1]
	}
	if value("make", "secret_value_hash") != value("after", "secret_value_hash") ||
		value("make", "jwe") == value("after", "jwe") ||
		value("after", "certificate") != "BYOK_Wrapping_2028" {
		t.Errorf("expected the same key in another JWE, found %s\nand %s", printed["make"], printed["after"])
	}
}

// The first look at an org: login by each way that is shown, certificate, permissions.
func TestWalkConnectARealOrg(t *testing.T) {
	t.Parallel()
	if acctest.Below(t, 1, 11) {
		t.Skip("ephemeral variables need Terraform 1.10 or OpenTofu 1.11")
	}
	p := open(t, "connect-a-real-org")
	sim := acctest.StartSim(t)
	s := newShell(t, "jq").of(nil)
	s.env = append(s.env, "TF_VAR_salesforce_client_id="+sim.ClientID, "TF_VAR_salesforce_client_secret="+sim.ClientSecret)
	look := p.block("hcl", "wrapping_certificate", "BYOK_Wrapping", "Sim_BYOK") + p.block("hcl", "preflight")
	answer := fmt.Sprintf(`{"result":{"instanceUrl":%q,"accessToken":%q}}`, sim.InstanceURL, sim.AccessToken)
	printed := s.
		write("main.tf", required, look, p.block("hcl", "salesforce_client_secret", "https://example.my.salesforce.com",
			sim.InstanceURL,
			"00D000000000001EAA", sim.OrganizationID)).
		then("client credentials", "terraform apply\n").
		then("preflight", "terraform output -json | jq -c '[.preflight.value.missing, .wrapping_certificate.value.usable, "+
			".preflight.value.keys]'\n").
		write("main.tf", required, look).
		then("session", "sf() { echo '"+answer+"'; }\n"+p.block("sh", "sf org display")+
			"terraform plan -detailed-exitcode\n").
		run()

	if got := strings.TrimSpace(printed["preflight"]); got != "[[],true,1]" {
		t.Errorf("expected no missing permission, a usable certificate and one key, found %s", got)
	}
	says(t, printed, "session", "No changes.")
}

// The simulator's own page: started, moved in time, struck by a fault, described by a seed.
func TestWalkTheSimulator(t *testing.T) {
	t.Parallel()
	p := open(t, "simulator")
	s := withSimulator(t)
	rotation := func(round string) string {
		return required + "resource \"salesforcebyok_tenant_secret\" \"data\" {\n  type = \"Data\"\n  certificate = " +
			"\"Sim_BYOK\"\n  rotation_triggers = { round = \"" + round + "\" }\n}"
	}
	const newest = "curl -s \"$SALESFORCE_INSTANCE_URL/_sim/state\" | jq '[.tenant_secrets[] | select(.type == " +
		"\"Data\")] | length'\n"
	printed := s.
		then("start", p.block("sh", "bin/sfsim > sim.json", "git clone "+
			"https://github.com/salesforcebyok/terraform-provider-salesforcebyok\ncd terraform-provider-salesforcebyok\n",
			"mkdir bin\n", "go build -o bin/sfsim ./internal/sfsim/cmd/sfsim", "ln -s \"$(command -v sfsim)\" bin/sfsim")).
		then("credentials", p.block("sh", "export SALESFORCE_INSTANCE_URL")).
		write("main.tf", rotation("1")).
		then("upload", "terraform apply\n").
		then("time", p.block("sh", "/_sim/clock")).
		write("main.tf", rotation("2")).
		then("fault", p.block("sh", "/_sim/faults")).
		then("rotate", "terraform apply || terraform apply\nterraform plan -detailed-exitcode\n").
		then("keys", newest).
		write("seed.yaml", p.block("yaml", "Bank of Examples")).
		then("seed", "bin/sfsim -seed seed.yaml > second.json &\nuntil [ -s second.json ]; do sleep 1; done\n"+
			"curl -s \"$(jq -r .instance_url second.json)/_sim/state\" | jq -c '[.tenant_secrets | length]'\n").
		then("two orgs", "jq -r .organization_id sim.json second.json | sort -u | wc -l\n").
		run()

	for step, want := range map[string]string{"keys": "3", "seed": "[21]", "two orgs": "2"} {
		if got := strings.TrimSpace(printed[step]); got != want {
			t.Errorf("%s: expected %s, found %s", step, want, got)
		}
	}
	says(t, printed, "rotate", "No changes.")
}

// The pipeline's own table: what rotates a key is planned as one change, what does not leaves the
// record.
func TestWalkRotationInAPipeline(t *testing.T) {
	t.Parallel()
	p := open(t, "rotation-in-a-pipeline")
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	sim.Configure(func(settings *sfsim.Settings, _ *sfsim.Permissions) { settings.CanOptOutOfDerivationWithBYOK = true })
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	block := p.block("hcl", "rotate_after_days", "BYOK_Wrapping", "Sim_BYOK")
	step := func(rotates bool, old, changed string) {
		t.Helper()
		block = strings.Replace(block, old, changed, 1)
		cli.Write("main.tf", required+aRecipient+block)
		before := len(sim.TenantSecrets())
		if got := cli.MustApply(); got.Removed != 0 {
			t.Errorf("%s: expected nothing to be destroyed, found\n%s", changed, got.Output())
		}
		cli.MustBeEmpty()
		if made := len(sim.TenantSecrets()) - before; (made == 1) != rotates {
			t.Errorf("%s: expected a rotation: %t, found %d new keys", changed, rotates, made)
		}
	}
	step(true, "", "")
	step(true, `incident = "none"`, `incident = "42"`)
	step(true, `type `, "key_derivation_mode = \"NONE\"\n  type ")
	step(false, `type `, "description = \"fields and files\"\n  type ")
	step(false, "age1fyge6m808w0ktj2tgy7dz0v8tgedcvpuauf2dekqwf3jnd678s8s7uk7em", recipientTwo)
}

// A long plan in lines: what rotates and what is only changed.
func TestWalkThePlanInLines(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	p := open(t, "rotation-in-a-pipeline")
	keys := func(round, description string) string {
		return fmt.Sprintf("%sresource \"salesforcebyok_tenant_secret\" \"this\" {\n  for_each = { Data = %q, Analytics = "+
			"\"1\" }\n  type = each.key\n  certificate = \"Sim_BYOK\"\n  description = %q\n  rotation_triggers = { round = "+
			"each.value }\n}", required, round, description)
	}
	const plan = "terraform plan -out keys.tfplan >/dev/null\n"
	printed := newShell(t, "jq").of(sim).
		write("main.tf", keys("1", "a")).
		then("upload", "terraform apply >/dev/null\n").
		write("main.tf", keys("2", "b")).
		then("lines", plan+p.block("sh", "keys.tfplan")).
		run()
	lines := strings.Split(strings.TrimSpace(printed["lines"]), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "\"Analytics\"]\tupdate\tversion ") ||
		!strings.Contains(lines[1], "\"Data\"]\tnew key\tversion ") {
		t.Errorf("expected a line for each key, found %q", lines)
	}
}

// tagRecipient is the fixed recipient of age's software stand-in for a token, and tagPlugin the
// package that holds it.
const (
	tagRecipient = "age1tag1qwe0kafsjrar4txm6heqnhpfuggzr0gvznz7fvygxrlq90u5mq2pysxtw6h"
	tagPlugin    = "filippo.io/age/tag/internal/age-plugin-tagtest"
)

// A copy that the provider encrypts to a token is opened as the guide says, by the plugin of age's
// own stand-in for one.
func TestWalkHardwareIdentities(t *testing.T) {
	t.Parallel()
	p := open(t, "hardware-identities")
	s := newShell(t, "age", "openssl", "go")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(s.dir, "age-plugin-tagtest"), tagPlugin)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build age's stand-in: %v\n%s", err, out)
	}
	material := byok.GenerateMaterial()
	defer material.Destroy()
	plan, err := escrow.NewPlan([]string{tagRecipient})
	if err != nil {
		t.Fatal(err)
	}
	armored, err := plan.Encrypt(material)
	if err != nil {
		t.Fatal(err)
	}
	printed := s.
		write("copy.age", strings.TrimSpace(armored)).
		write("identity.txt", plugin.EncodeIdentity("tagtest", nil)).
		then("open", "export PATH=\"$PWD:$PATH\" copy=copy.age\n"+p.block("sh", "hash_at_salesforce")).
		run()
	if want := byok.HashMaterial(material); strings.TrimSpace(printed["open"]) != want {
		t.Errorf("expected %s, found %s", want, printed["open"])
	}
}

// The dry run of the page for those who check the facts on their own org: it prints its steps, and
// sends nothing.
func TestWalkConformance(t *testing.T) {
	t.Parallel()
	p := open(t, "conformance")
	s := newShell(t, "make", "go")
	root, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	sim := acctest.StartSim(t)
	block := p.block("sh", "SALESFORCE_LIVE_DRY_RUN=1", "https://mydomain--dev.sandbox.my.salesforce.com", sim.InstanceURL,
		"=00D...", "="+sim.OrganizationID)
	dry, after, _ := strings.Cut(block, "\nmake testacc-live\n")
	if after != "" || !strings.Contains(block, "\nmake testacc-live\n") {
		t.Fatalf("expected the block to end with the real run, found\n%s", block)
	}
	printed := s.then("dry run", "cd '"+root+"'\n"+dry+"\n").run()
	says(t, printed, "dry run", "ok")
	if sent := sim.Requests(); len(sent) != 0 {
		t.Errorf("expected nothing to be sent, found %d requests", len(sent))
	}
}
