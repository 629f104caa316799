package guides_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// The guide for somebody who has never seen Shield, from the simulator to the recovered key.
// Cloning and make are left out.
func TestWalkFirstKey(t *testing.T) {
	t.Parallel()
	s := newShell(t, "jq", "curl", "openssl", "age", "age-keygen")
	bin := t.TempDir()
	build(t, bin, ".", "./internal/sfsim/cmd/sfsim")
	p := open(t, "first-key")
	printed := s.
		then("bin", "export BIN="+bin+"\n").
		then("simulator", p.block("sh", "sim.json &")).
		then("override", p.block("sh", "dev.tfrc")).
		write("main.tf", p.block("hcl", "salesforcebyok_tenant_secret")).
		then("upload", p.block("sh", "# No changes.")).
		then("change the trigger", "sed -i.bak 's/\"2026\"/\"2027\"/' main.tf && rm main.tf.bak\n").
		then("plan", p.block("sh", "terraform plan    # 0 to add")).
		then("too early", "! terraform apply\n").
		then("rotate", p.block("sh", "/_sim/clock")).
		then("recover", p.block("sh", "age -d -i identity.txt \"$f\"")).
		then("search", p.block("sh", "grep -rlF")).
		run()

	says(t, printed, "upload", "1 to add, 0 to change, 0 to destroy", "An existing key will be archived", "No changes.")
	says(t, printed, "plan", "0 to add, 1 to change, 0 to destroy", "A key will be rotated",
		"The rotation interval is not over")
	says(t, printed, "too early", "Salesforce refused the new Data key", "Nothing was changed.")
	says(t, printed, "rotate", "0 added, 1 changed, 0 destroyed")
	hashes := strings.Fields(printed["recover"])
	if len(hashes) != 3 || !slices.Contains(hashes[1:], hashes[0]) || hashes[1] == hashes[2] {
		t.Errorf("expected the hash of the active key and those of two copies, one of them the same, found %q", hashes)
	}
	if lines := strings.Split(strings.TrimSpace(printed["search"]), "\n"); len(lines) != 5 ||
		lines[0] != "44 characters" || lines[1] != "in no file" ||
		!hasSuffix(lines[2:4], ".receipt.json") || !hasSuffix(lines[2:4], ".intent") || lines[4] != "./terraform.tfstate" {
		t.Errorf("expected the key in no file, and its hash in an intent, a receipt and the state, found %q", lines)
	}
}

// hasSuffix reports whether a line ends so.
func hasSuffix(lines []string, suffix string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.HasSuffix(line, suffix) })
}

// A ceremony with OpenSSL, on a directory in place of the memory file system.
func TestWalkKeyCeremony(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	s := newShell(t, "openssl", "age", "age-keygen", "shred").of(sim)
	p := open(t, "key-ceremony")
	memory := t.TempDir()
	fetch := required + p.block("hcl", "certificate_pem", "BYOK_Wrapping", "Sim_BYOK")
	printed := s.
		write("main.tf", fetch).
		then("fetch", "terraform apply\n"+p.block("sh", "wrapping.pem -noout")).
		then("custodian", "age-keygen -o identity.txt && age-keygen -y identity.txt > recipients.txt\n").
		then("ceremony", "here=$PWD\n"+p.block("sh", "openssl rand 32 > secret.bin", "/dev/shm/ceremony", memory)).
		then("take out", "wc -c < wrapped.b64\nwc -c < hash.b64\nls\ncp *.b64 *.age \"$here\" && cd \"$here\"\n").
		write("main.tf", fetch, p.block("hcl", "wrapped_key_material", "BYOK_Wrapping", "Sim_BYOK")).
		then("upload", "terraform apply\nterraform plan -detailed-exitcode\n").
		then("escrow", "age -d -i identity.txt data-2026.age | openssl dgst -sha256 -binary | openssl base64 -A\n").
		run()

	if lines := strings.Fields(printed["take out"]); len(lines) < 2 || lines[0] != "684" || lines[1] != "44" ||
		slices.Contains(lines, "secret.bin") {
		t.Errorf("expected 684 and 44 characters, and the secret to be gone, found %q", lines)
	}
	secrets := sim.TenantSecrets()
	if newest := secrets[len(secrets)-1]; newest.Status != "ACTIVE" ||
		newest.SecretValueHash != strings.TrimSpace(printed["escrow"]) {
		t.Errorf("expected the ACTIVE key to be the one of the ceremony, found %+v and the copy's hash %s", newest,
			printed["escrow"])
	}
}

// The recipe for the types that want CKM_RSA_AES_KEY_WRAP, by OpenSSL.
func TestWalkKeyCeremonyForSearchIndex(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	s := newShell(t, "openssl", "shred", "od").of(sim)
	p := open(t, "key-ceremony")
	fetch := required + p.block("hcl", "certificate_pem", "BYOK_Wrapping", "Sim_BYOK")
	upload := p.block("hcl", "wrapped_key_material", "BYOK_Wrapping", "Sim_BYOK", `"RSA_OAEP_SHA512"`,
		`"RSA_AES_KEY_WRAP_SHA512"`)
	printed := s.
		write("main.tf", fetch).
		then("fetch", "terraform apply\n"+p.block("sh", "wrapping.pem -noout")).
		then("ceremony", "openssl rand 32 > secret.bin\nopenssl dgst -sha256 -binary secret.bin | openssl base64 -A > "+
			"hash.b64\n"+
			p.block("sh", "id-aes256-wrap-pad")+"shred -u secret.bin\nwc -c < wrapped.b64\nls\n").
		write("main.tf", fetch, strings.ReplaceAll(upload, `"Data"`, `"SearchIndex"`)).
		then("upload", "terraform apply\nterraform plan -detailed-exitcode\ncat hash.b64\n").
		write("main.tf", fetch, upload).
		then("another type", "if terraform apply; then exit 1; fi\n").
		run()

	if lines := strings.Fields(printed["ceremony"]); len(lines) < 1 || lines[0] != "736" ||
		slices.Contains(lines, "aes.bin") {
		t.Errorf("expected 736 characters and no AES key, found %q", lines)
	}
	if key := acctest.ActiveKey(t, sim, "SearchIndex"); !strings.HasSuffix(printed["upload"], key.SecretValueHash+"\n") &&
		!strings.HasSuffix(printed["upload"], key.SecretValueHash) {
		t.Errorf("expected the ACTIVE key to be the ceremony's, found %s and\n%s", key.SecretValueHash, printed["upload"])
	}
}

// The drill finds the copy by the hash and opens it with either identity.
func TestWalkEscrowDrill(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	s := newShell(t, "jq", "openssl", "age", "age-keygen", "shred").of(sim)
	p := open(t, "escrow-and-recovery")
	printed := s.
		then("custodians", "for c in a b; do age-keygen -o custodian-$c.txt; export TF_VAR_custodian_$c=\"$(age-keygen -y "+
			"custodian-$c.txt)\"; done\n").
		write("main.tf", required, "variable \"custodian_a\" {}\nvariable \"custodian_b\" {}",
			p.block("hcl", "var.custodian_a", "BYOK_Wrapping", "Sim_BYOK")).
		then("upload", "terraform apply\n").
		write("hash.tf", p.block("hcl", "hash_at_salesforce")).
		then("hash", "terraform apply >/dev/null\nterraform output -raw hash_at_salesforce > hash.txt\ncat hash.txt\n").
		then("drill a", "cd escrow\n"+p.block("sh", "shred -u", "'...'", "\"$(cat ../hash.txt)\"", "custodian-a.txt",
			"../custodian-a.txt", "/dev/shm/secret.bin", "../secret.bin")).
		then("drill b", p.block("sh", "shred -u", "'...'", "\"$(cat ../hash.txt)\"", "custodian-a.txt", "../custodian-b.txt",
			"/dev/shm/secret.bin", "../secret.bin")).
		then("state", "cd ..\nterraform state pull | jq -r '.. | .escrow_ciphertext? // empty' | age -d -i custodian-b.txt "+
			"| openssl dgst -sha256 -binary | openssl base64\n").
		run()

	hash := strings.TrimSpace(printed["hash"])
	for step, want := range map[string][]string{"drill a": {"32", hash}, "drill b": {"32", hash}, "state": {hash}} {
		if got := strings.Fields(printed[step]); !slices.Equal(got, want) {
			t.Errorf("%s: expected %q, found %q", step, want, got)
		}
	}
	if !strings.Contains(p.text, "`terraform state pull | jq -r '.. | .escrow_ciphertext? // empty'`") {
		t.Error("the guide does not say how to take the copy out of the state")
	}
}

// Adopt, destroy, restore, restore from an export kept elsewhere, shred: the blocks in the order of
// the guide.
func TestWalkDestroyAndRestore(t *testing.T) {
	t.Parallel()
	p := open(t, "destroy-and-restore")
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{
		{Source: "UPLOADED", Status: "ARCHIVED"}, {Source: "UPLOADED"},
	}}))
	id := sim.TenantSecrets()[0].ID
	const example = "02G000000000001EAA"
	status := func(want string) {
		t.Helper()
		if got := sim.TenantSecrets()[0].Status; got != want {
			t.Errorf("expected %s, found %s", want, got)
		}
	}
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	configure := func(blocks ...string) {
		t.Helper()
		cli.Write("main.tf", required+strings.Join(blocks, "\n"))
	}
	adopt := p.block("hcl", `"ARCHIVED"`+"\n}\n", example, id)
	destroy := p.block("hcl", `"DESTROYED"`+"\n}\n", example, id)

	configure(adopt)
	cli.MustApply()
	status("ARCHIVED")
	export, _ := cli.State("salesforcebyok_tenant_secret_version.old")["exported_secret_value"].(string)
	configure(destroy)
	cli.MustApply()
	status("DESTROYED")
	configure(adopt)
	cli.MustApply()
	status("ARCHIVED")
	cli.MustBeEmpty()

	if !acctest.Below(t, 1, 11) {
		configure(destroy)
		cli.MustApply()
		if forgotten := cli.Run("state", "rm", "salesforcebyok_tenant_secret_version.old"); forgotten.Code != 0 {
			t.Fatal(forgotten.Output())
		}
		cli.Env["TF_VAR_export"] = export
		configure(p.block("hcl", "exported_secret_value_wo ", example, id))
		cli.MustApply()
		status("ARCHIVED")
		delete(cli.Env, "TF_VAR_export")
	}

	configure(p.block("hcl", `backup                      = "NONE"`, example, id))
	cli.MustApply()
	status("DESTROYED")
	if state := cli.State("salesforcebyok_tenant_secret_version.old"); state["exported_secret_value"] != nil ||
		state["recoverable"] != false {
		t.Errorf("expected no export to be kept, found %v", state["recoverable"])
	}
}

// One module for several orgs, by aliases and, with OpenTofu, by iteration.
func TestWalkManyOrgs(t *testing.T) {
	t.Parallel()
	p := open(t, "many-orgs")
	module := p.block("hcl", "# modules/shield-keys/main.tf")
	const recipient = "variable \"escrow_recipients\" {\n  default = " +
		"[\"age1fyge6m808w0ktj2tgy7dz0v8tgedcvpuauf2dekqwf3jnd678s8s7uk7em\"]\n}\n"
	production := acctest.StartSim(t)
	test := acctest.StartSim(t, sfsim.WithKind(sfsim.Sandbox), sfsim.WithOrganizationID("00DWt0000000002MAA"))
	orgs := map[string]*sfsim.Server{"production": production, "test": test}

	root := func(block, variables, values string) *acctest.CLI {
		t.Helper()
		cli := acctest.NewCLIIn(t, t.TempDir(), nil)
		if err := os.MkdirAll(filepath.Join(cli.Dir, "modules", "shield-keys"), 0o700); err != nil {
			t.Fatal(err)
		}
		cli.Write("modules/shield-keys/main.tf", module)
		cli.Write("main.tf", required+recipient+block)
		cli.Write("variables.tf", variables)
		cli.Write("terraform.tfvars", values)
		if got := cli.Run("get"); got.Code != 0 {
			t.Fatal(got.Output())
		}

		return cli
	}
	check := func(cli *acctest.CLI, names ...string) {
		t.Helper()
		cli.MustApply()
		cli.MustBeEmpty()
		for _, name := range names {
			made := 0
			for _, secret := range orgs[name].TenantSecrets() {
				if secret.Status == "ACTIVE" && secret.Source == "UPLOADED" {
					made++
				}
			}
			if made != 2 {
				t.Errorf("%s: expected two uploaded keys in use, found %d", name, made)
			}
		}
	}

	var variables, values strings.Builder
	for name, sim := range orgs {
		fmt.Fprintf(&variables, "variable \"%s_client_id\" {}\nvariable \"%s_client_secret\" {}\n", name, name)
		fmt.Fprintf(&values, "%s_client_id = %q\n%s_client_secret = %q\n", name, sim.ClientID, name, sim.ClientSecret)
	}
	check(root(p.block("hcl", "example--test.sandbox", "https://example.my.salesforce.com", production.InstanceURL,
		"https://example--test.sandbox.my.salesforce.com", test.InstanceURL, "00D000000000001EAA", production.OrganizationID,
		"00D000000000002EAA", test.OrganizationID, "BYOK_Wrapping", "Sim_BYOK"), variables.String(), values.String()),
		"production")

	if !acctest.OpenTofu() || acctest.Below(t, 1, 11) {
		return
	}
	// Each org is given what its argument adds; "" leaves it out.
	iterated := func(production, test string) string {
		var text strings.Builder
		text.WriteString("orgs = {\n")
		for name, extra := range map[string]string{"production": production, "test": test} {
			if sim := orgs[name]; extra != "" {
				fmt.Fprintf(&text, "  %s = { instance_url = %q, organization_id = %q, client_id = %q, %s }\n", name,
					sim.InstanceURL, sim.OrganizationID, sim.ClientID, extra)
			}
		}
		fmt.Fprintf(&text, "}\nclient_secrets = { production = %q, test = %q }\n", orgs["production"].ClientSecret,
			orgs["test"].ClientSecret)

		return text.String()
	}
	const managed, parted = "managed = true", "managed = false"
	cli := root(p.block("hcl", `var.client_secrets[each.key]`, "BYOK_Wrapping", "Sim_BYOK"), "",
		iterated(managed, managed))
	check(cli, "production", "test")
	// Parting with an org, as the text below the block has it.
	cli.Write("terraform.tfvars", iterated(managed, parted))
	cli.MustApply()
	cli.Write("terraform.tfvars", iterated(managed, ""))
	cli.MustBeEmpty()
}

// Importing what another tool made, and then taking over a key of Salesforce's.
func TestWalkMoving(t *testing.T) {
	t.Parallel()
	p := open(t, "moving")
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{{
		Source:      "UPLOADED",
		Certificate: "Sim_BYOK",
	}}}))
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	cli.Write("main.tf", required+p.block("hcl", "created_date"))
	cli.MustApply()
	cli.Write("main.tf", required+"variable \"escrow_recipients\" {\n  default = "+
		"[\"age1fyge6m808w0ktj2tgy7dz0v8tgedcvpuauf2dekqwf3jnd678s8s7uk7em\"]\n}\n"+
		p.block("hcl", "import {", "BYOK_Wrapping", "Sim_BYOK"))
	if plan := cli.Plan(); !strings.Contains(plan.Output(), "1 to import") || plan.Changed != 1 || plan.Added != 0 ||
		plan.Removed != 0 {
		t.Errorf("expected 1 to import and 1 to change, found %s", plan.Output())
	}
	cli.MustApply()
	cli.MustBeEmpty()
	if secrets := sim.TenantSecrets(); len(secrets) != 1 {
		t.Errorf("expected no rotation, found %d records", len(secrets))
	}
	receipt, _ := cli.State("salesforcebyok_tenant_secret.data")["receipt"].(string)
	if !strings.Contains(receipt, `"outcome":"imported"`) {
		t.Errorf("expected the receipt to say imported, found %s", receipt)
	}
}

// The export that Fortanix' plugin keeps after a sync brings a destroyed record back; what it holds
// without one does not.
func TestWalkMovingFromFortanixExports(t *testing.T) {
	t.Parallel()
	if acctest.Below(t, 1, 11) {
		t.Skip("write-only attributes need 1.11")
	}
	p := open(t, "moving")
	sim := acctest.StartLenientSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{
		{Source: "UPLOADED", Status: "ARCHIVED"}, {Source: "UPLOADED"},
	}}))
	id := sim.TenantSecrets()[0].ID
	// As the plugin's sync and destroy do.
	row := func(method, body string) []byte {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method,
			sim.InstanceURL+"/services/data/v50.0/sobjects/TenantSecret/"+id, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+sim.AccessToken)
		request.Header.Set("Content-Type", "application/json")
		answer, err := (&http.Client{Timeout: time.Minute}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode >= http.StatusBadRequest {
			t.Fatalf("%s: %d %v\n%s", method, answer.StatusCode, err, text)
		}

		return text
	}
	var synced struct {
		SecretValue string `json:"SecretValue"`
	}
	if err := json.Unmarshal(row(http.MethodGet, ""), &synced); err != nil || synced.SecretValue == "" {
		t.Fatalf("expected an export, found %v", err)
	}
	row(http.MethodPatch, `{"Status":"Destroyed"}`)

	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	cli.Write("main.tf", required+p.block("hcl", "sf_upload", "02G000000000001EAA", id))
	cli.Env["TF_VAR_sf_upload"] = base64.StdEncoding.EncodeToString(make([]byte, 512))
	if refused := cli.Apply(); refused.Code == 0 || sim.TenantSecrets()[0].Status != "DESTROYED" {
		t.Errorf("expected the wrapped form to be refused, found\n%s", refused.Output())
	}
	cli.Env["TF_VAR_sf_upload"] = synced.SecretValue
	cli.MustApply()
	if status := sim.TenantSecrets()[0].Status; status != "ARCHIVED" {
		t.Errorf("expected the record to be restored, found %s", status)
	}
}

// Another set of credentials is tried beside the old one, and both at once are refused.
func TestWalkRunbookOfAnotherSecret(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	p := open(t, "runbooks")
	s := newShell(t, "env").of(sim)
	s.env = append(s.env, "NEW_CLIENT_ID="+sim.ClientID, "NEW_USERNAME="+sim.Username,
		"NEW_PRIVATE_KEY="+sim.PrivateKeyPEM)
	printed := s.
		write("main.tf", required, "resource \"salesforcebyok_tenant_secret\" \"data\" {\n  type = \"Data\"\n  certificate "+
			"= \"Sim_BYOK\"\n  rotation_triggers = { a = \"b\" }\n}").
		then("upload", "terraform apply\n").
		then("both", "if SALESFORCE_USERNAME=\"$NEW_USERNAME\" SALESFORCE_PRIVATE_KEY=\"$NEW_PRIVATE_KEY\" terraform plan; "+
			"then exit 1; fi\n").
		then("new", p.block("sh", "env -u SALESFORCE_CLIENT_SECRET")).
		then("interval", p.block("sh", "next_rotation_allowed_date")).
		run()
	says(t, printed, "both", "More than one set of credentials")
	says(t, printed, "new", "No changes.")
	says(t, printed, "interval", "next_rotation_allowed_date")
}

// A new custodian opens the copies that were made for the old one.
func TestWalkRunbookOfCustodians(t *testing.T) {
	t.Parallel()
	p := open(t, "runbooks")
	s := newShell(t, "age", "age-keygen")
	printed := s.
		then("copies", "mkdir -p evidence/escrow/00D/Data\nage-keygen -o old-identity.txt 2>/dev/null\nage-keygen -o "+
			"new-identity.txt 2>/dev/null\nage-keygen -y new-identity.txt > recipients.txt\nfor n in 1 2; do echo key $n | "+
			"age -a -r \"$(age-keygen -y old-identity.txt)\" -o evidence/escrow/00D/Data/$n.age; done\n").
		then("again", p.block("sh", "old-identity.txt")).
		then("open", "for n in 1 2; do age -d -i new-identity.txt evidence/escrow/00D/Data/$n.age.new; done\n").
		run()
	if printed["open"] != "key 1\nkey 2\n" {
		t.Errorf("expected both copies to open, found %q", printed["open"])
	}
}
