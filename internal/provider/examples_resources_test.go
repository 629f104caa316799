package provider_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// exampleRun is a directory with an example, whose credentials come from the environment.
func exampleRun(t *testing.T, sim *sfsim.Server) *acctest.CLI {
	t.Helper()
	cli := acctest.NewCLI(t, sim).Built() // an example's directory lies beside its configuration
	for name, value := range map[string]string{
		"INSTANCE_URL": sim.InstanceURL, "CLIENT_ID": sim.ClientID,
		"CLIENT_SECRET": sim.ClientSecret,
	} {
		cli.Env["SALESFORCE_"+name] = value
	}
	cli.Env["TF_VAR_escrow_recipients"] = exampleVariables["TF_VAR_escrow_recipients"]

	return cli
}

// exampleFolder copies an example of several files.
func exampleFolder(t *testing.T, cli *acctest.CLI, name string) {
	t.Helper()
	if err := os.CopyFS(cli.Dir, os.DirFS(filepath.Join("..", "..", "examples", name))); err != nil {
		t.Fatal(err)
	}
}

// exampleModules copies the modules to where an example beside them looks, and installs them.
func exampleModules(t *testing.T, cli *acctest.CLI) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(cli.Dir, "..", "modules"),
		os.DirFS(filepath.Join("..", "..", "examples", "modules"))); err != nil {
		t.Fatal(err)
	}
	if got := cli.Run("get"); got.Code != 0 {
		t.Fatal(got.Output())
	}
}

// resourceExample is what the example of a resource needs.
type resourceExample struct {
	org string
	// record is the type and the status of the record that its id 02G000000000001EAA stands for.
	record [2]string
}

// hyperforce is an org that keeps its Search Index key as a DataEncryptionKey.
const hyperforce = "settings: {rotation_intervals: false, hyperforce: true}\n"

var resourceExamples = map[string]resourceExample{
	"salesforcebyok_tenant_secret":                {org: exampleOrg, record: [2]string{"Data", "ACTIVE"}},
	"salesforcebyok_tenant_secret_version":        {org: exampleOrg, record: [2]string{"Data", "ARCHIVED"}},
	"salesforcebyok_certificate":                  {org: "certificates: []"},
	"salesforcebyok_encryption_key_settings":      {},
	"salesforcebyok_platform_encryption_settings": {},
	"salesforcebyok_data_encryption_key":          {org: hyperforce},
	"salesforcebyok_cache_only_key":               {org: exampleOrg},
	"salesforcebyok_external_root_key": {org: "root_keys: [{id: 48q000000000001AAA, identifier: \"" +
		rootKeyARN + "\"}]"},
}

// exampleFile reads a file of a resource's example, with the record that it speaks of put in.
func exampleFile(t *testing.T, sim *sfsim.Server, name, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "resources", name, file))
	if err != nil {
		t.Fatal(err)
	}
	want := resourceExamples[name].record
	for _, key := range acctest.Keys(sim, want[0]) {
		if key.Status == want[1] {
			return strings.ReplaceAll(string(text), "02G000000000001EAA", key.ID)
		}
	}

	return string(text)
}

// required stands above each example.
var required = fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n\n",
	acctest.ProviderName, provider.Address)

// expected are warnings that an example may show.
var expected = []string{
	"A setting of the org may be missing", "An existing key will be archived",
	"The rotation interval is not over",
}

// The example of each resource applies to an org that has what it names, leaves an empty plan, and
// can be imported in each way that is shown, with nothing to do afterwards. A resource without an
// example fails.
func TestAccExamples_resources(t *testing.T) {
	t.Parallel()
	folders := examples(t, "resources", "resource.tf")
	for name := range folders {
		if _, ok := resourceExamples[name]; !ok {
			t.Errorf("the test does not know the example of %s", name)
		}
	}
	for name, test := range resourceExamples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strictFIPS() && name == "salesforcebyok_cache_only_key" {
				t.Skip("RSA-OAEP of JOSE uses SHA-1")
			}
			sim := acctest.StartSim(t, seeded(t, test.org), sfsim.WithOrganizationID("00D000000000001EAA"))
			cli := exampleRun(t, sim)
			body := required + exampleFile(t, sim, name, "resource.tf")
			cli.Write("main.tf", body)
			applied := cli.MustApply()
			for _, warning := range applied.Summaries("warning") {
				if !slices.Contains(expected, warning) && warning != fipsNotice() {
					t.Errorf("it warns: %s", warning)
				}
			}
			address, _, _ := strings.Cut(strings.TrimPrefix(exampleFile(t, sim, name, "import-by-string-id.tf"),
				"import {\n  to = "), "\n")
			jwe, _ := cli.State(address)["jwe"].(string)

			for _, file := range []string{"import-by-string-id.tf", "import-by-identity.tf"} {
				if name == "salesforcebyok_cache_only_key" && file == "import-by-identity.tf" {
					continue // an identity can't bring the JWE
				}
				if file == "import-by-identity.tf" && (acctest.OpenTofu() || acctest.Below(t, 1, 12)) {
					continue
				}
				fresh := exampleRun(t, sim)
				fresh.Write("data-2026-1.jwe", jwe+"\n")
				fresh.Write("main.tf", body+"\n"+exampleFile(t, sim, name, file))
				if result := fresh.MustApply(); result.Removed > 0 {
					t.Errorf("%s: expected nothing to be replaced, found\n%s", file, result.Output())
				}
			}
			for _, command := range regexp.MustCompile(`(?m)^terraform import (\S+) "?([^"\n]+)"?$`).FindAllStringSubmatch(exampleFile(t, sim, name, "import.sh"), -1) {
				fresh := exampleRun(t, sim)
				fresh.Write("main.tf", body)
				if result := fresh.Run("import", "-input=false", strings.Trim(command[1], "'"),
					strings.ReplaceAll(command[2], "$(cat data-2026-1.jwe)", jwe)); result.Code != 0 {
					t.Errorf("%s: exit code %d\n%s", command[0], result.Code, result.Output())
				}
				if fresh.State(address) == nil {
					t.Errorf("%s: nothing is in state", command[0])
				}
			}
		})
	}
}

// No example of a cache-only key loses the old key when another identifier is written over it: each
// has an instance for each key, or a directory that keeps the escrow copies.
func TestExamplesKeepCacheOnlyKeys(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir("../../examples", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".tf" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, block := range regexp.MustCompile(`(?s)resource "salesforcebyok_cache_only_key".*?\n}\n`).FindAllString(string(text), -1) {
			found++
			if !strings.Contains(block, "for_each") && !strings.Contains(block, "directory") {
				t.Errorf("%s: another key_identifier drops the only copy of the key:\n%s", path, block)
			}
		}

		return err
	})
	if err != nil || found < 2 {
		t.Errorf("found %d keys: %v", found, err)
	}
}

// What the other files beside those examples show.
func TestAccExamples_variants(t *testing.T) {
	t.Parallel()
	t.Run("prewrapped", func(t *testing.T) {
		t.Parallel()
		sim := acctest.StartSim(t, seeded(t, exampleOrg))
		cli := exampleRun(t, sim)
		material := acctest.NewMaterial()
		cli.Write("wrapped.b64", wrapByOpenSSL(t, sim, "BYOK_Wrapping", material)+"\n")
		cli.Write("hash.b64", material.Hash()+"\n")
		cli.Write("main.tf", required+exampleFile(t, sim, "salesforcebyok_tenant_secret", "prewrapped.tf"))
		cli.MustApply()
		if key := acctest.ActiveKey(t, sim, "Data"); string(sim.Unwrapped(key.ID)) != string(material) {
			t.Error("expected the ceremony's key in the org")
		}
	})
	t.Run("destroy", func(t *testing.T) {
		t.Parallel()
		sim := acctest.StartSim(t, seeded(t, exampleOrg))
		cli := exampleRun(t, sim)
		name := "salesforcebyok_tenant_secret_version"
		cli.Write("main.tf", required+exampleFile(t, sim, name, "resource.tf"))
		destroy := exampleFile(t, sim, name, "destroy.tf")
		cli.MustApply()
		cli.Write("main.tf", required+destroy)
		cli.MustApply()
		if keys := acctest.Keys(sim, "Data"); keys[0].Status != "DESTROYED" {
			t.Errorf("expected the archived record to be destroyed, found %+v", keys)
		}
	})
}

// One apply takes an org without any certificate to four uploaded keys and an empty plan.
func TestAccExamples_zeroToBYOK(t *testing.T) {
	t.Parallel()
	identity := ageIdentity
	sim := acctest.StartSim(t, seeded(t, "certificates: []"))
	cli := exampleRun(t, sim)
	exampleFolder(t, cli, "zero-to-byok")
	exampleModules(t, cli)
	cli.Env["TF_VAR_escrow_recipients"] = fmt.Sprintf("[%q]", identity.Recipient())
	cli.Env["TF_VAR_organization_id"] = sim.OrganizationID
	if applied := cli.MustApply(); applied.Added != 6 || applied.Removed != 0 {
		t.Errorf("expected six resources, found %d", applied.Added)
	}
	files := map[string]bool{}
	for _, typ := range []string{"Data", "DeterministicData", "EventBus", "SearchIndex"} {
		key := acctest.ActiveKey(t, sim, typ)
		if key.Source != "UPLOADED" || key.Certificate != "BYOK_Wrapping_2026" {
			t.Errorf("%s: expected an upload under the new certificate, found %+v", typ, key)
		}
		copies, err := filepath.Glob(filepath.Join(cli.Dir, "escrow", sim.OrganizationID+"-"+typ+"-*.age"))
		if err != nil || len(copies) != 1 {
			t.Errorf("%s: expected one escrow copy, found %v (%v)", typ, copies, err)

			continue
		}
		armored, err := os.ReadFile(copies[0])
		if err != nil {
			t.Fatal(err)
		}
		if material := openEscrow(t, string(armored), identity); string(material) != string(sim.Unwrapped(key.ID)) {
			t.Errorf("%s: the escrow copy holds another key than the org", typ)
		}
		files[copies[0]] = true
	}
	if len(files) != 4 {
		t.Errorf("expected four escrow copies, found %v", files)
	}
	for output, words := range map[string][]string{
		"inventory": {
			`"Data":`, `"DeterministicData":`, `"EventBus":`, `"SearchIndex":`,
			`"certificate":"BYOK_Wrapping_2026"`,
		},
		"inventory_page": {"ARCHIVED", "DeterministicData"},
		"receipts":       {`\"outcome\":\"uploaded\"`, `\"BYOK_Wrapping_2026\"`},
	} {
		shown := cli.Run("output", "-json", output)
		for _, word := range words {
			if !strings.Contains(shown.Stdout, word) {
				t.Errorf("expected %q in the output %s, found %s", word, output, shown.Output())
			}
		}
	}
	if checked := cli.Plan(); len(checked.Summaries("warning")) != 0 {
		t.Errorf("expected every check to pass, found %v", checked.Summaries("warning"))
	}

	// What the first apply archived is kept by the second.
	cli.Env["TF_VAR_kept_versions"] = strings.TrimSpace(cli.Run("output", "-json", "not_yet_kept").Stdout)
	if kept := cli.MustApply(); kept.Added != 1 {
		t.Errorf("expected the archived record to be kept, found %d to add for %s", kept.Added,
			cli.Env["TF_VAR_kept_versions"])
	}
	if left := strings.TrimSpace(cli.Run("output", "-json", "not_yet_kept").Stdout); left != "[]" {
		t.Errorf("expected every archived record to be kept, found %s", left)
	}

	// A renewal makes the new certificate first and rotates nothing.
	cli.Env["TF_VAR_certificate_name"] = "BYOK_Wrapping_2028"
	cli.MustApply()
	if keys := acctest.Keys(sim, "Data"); len(keys) != 2 {
		t.Errorf("expected no rotation by a new certificate, found %+v", keys)
	}
	if _, old := inOrg(sim, "BYOK_Wrapping_2026"); !old {
		t.Error("expected the old certificate to be left in the org")
	}
	// Checks see what went wrong: a key of a type that is not managed here, made by somebody else.
	if _, err := sim.Rotate("Analytics", "HSM"); err != nil {
		t.Fatal(err)
	}
	if warned := cli.Plan(); !strings.Contains(warned.Output(), "is not managed here: Analytics.") {
		t.Errorf("expected the check of foreign keys to warn, found\n%s", warned.Output())
	}
	if destroyed := cli.Destroy(); destroyed.Code == 0 {
		t.Error("expected a destroy to be prevented")
	}
}

// The JWE is published by the same apply that has Salesforce fetch it.
func TestAccExamples_cacheOnly(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	folder := t.TempDir()
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(server.Close)
	sim := acctest.StartSim(t, sfsim.WithoutIntervals(),
		sfsim.WithSeed(&sfsim.Seed{NamedCredentials: []sfsim.SeedCredential{
			{ID: "0XAWt0000000077", DeveloperName: "Keys", Endpoint: server.URL},
		}}))
	cli := exampleRun(t, sim)
	exampleFolder(t, cli, "cache-only")
	cli.Env["TF_VAR_named_credential_id"], cli.Env["TF_VAR_published_folder"] = "0XAWt0000000077", folder
	cli.MustApply()
	if key := acctest.ActiveKey(t, sim, "Data"); key.Source != "REMOTE" || key.RemoteIdentifier != "data-1" {
		t.Errorf("expected the cache-only key to be ACTIVE, found %+v", key)
	}
	first := cli.State(`salesforcebyok_cache_only_key.data["1"]`)
	if first["jwe"] == nil || first["escrow_ciphertext"] == nil {
		t.Fatalf("expected a JWE and an escrow copy, found %v", first)
	}
	cli.Env["TF_VAR_generations"] = `["1", "2"]`
	applied := cli.MustApply()
	if applied.Removed != 0 || applied.Has("warning", "The only escrow copy leaves the state") {
		t.Errorf("expected the first key to stay, found\n%s", applied.Output())
	}
	if kept := cli.State(`salesforcebyok_cache_only_key.data["1"]`); kept["jwe"] != first["jwe"] ||
		kept["escrow_ciphertext"] != first["escrow_ciphertext"] {
		t.Error("expected the JWE and the escrow copy of the first key to stay in state")
	}
	if key := acctest.ActiveKey(t, sim, "Data"); key.RemoteIdentifier != "data-2" {
		t.Errorf("expected the next key to be ACTIVE, found %+v", key)
	}
	for _, kid := range []string{"data-1", "data-2"} {
		if _, err := os.Stat(filepath.Join(folder, kid)); err != nil {
			t.Errorf("expected %s to be published still: %v", kid, err)
		}
	}
}

// Every file of the examples is as terraform fmt leaves it.
func TestAccExamples_formatted(t *testing.T) {
	t.Parallel()
	cli := acctest.NewCLI(t, acctest.StartSim(t))
	root, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	if result := cli.Run("fmt", "-check", "-recursive", "-diff", root); result.Code != 0 {
		t.Errorf("terraform fmt would change:\n%s", result.Output())
	}
}
