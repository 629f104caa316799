package guides_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// example is the absolute path of something in examples.
func example(t *testing.T, path ...string) string {
	t.Helper()
	absolute, err := filepath.Abs(filepath.Join(append([]string{top, "examples"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}

	return absolute
}

// mirrored lets a user's CLI install the provider of this repository by init, from a mirror.
func mirrored(t *testing.T, sim *sfsim.Server, programs ...string) *shell {
	t.Helper()
	s := user(t, append(programs, "awk")...)
	for name, value := range credentials(sim) {
		s.env = append(s.env, name+"="+value)
	}
	s.env = append(s.env, "RELEASE="+release(t, "1.2.3"))

	return s.then("mirror", "UNSIGNED=1 bash distribution/mirror \"$RELEASE\" ~/mirror 2>/dev/null\n"+
		"printf 'provider_installation {\\n  filesystem_mirror { path = \"%s\" }\\n}\\n' ~/mirror > ~/.terraformrc\ncp ~/.terraformrc ~/.tofurc\n")
}

// The module's own tests, as its README has them: on mocks, and through the life of a key on the simulator.
func TestWalkTheModule(t *testing.T) {
	t.Parallel()
	if acctest.Below(t, 1, 11) {
		t.Skip("mocks whose values are known at plan need 1.11")
	}
	readme, err := os.ReadFile(example(t, "modules", "shield-keys", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := page{t, "shield-keys", string(readme)}
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	tests, want := p.block("sh", "terraform test"), []string{"Success! 8 passed, 0 failed", "Success! 6 passed, 0 failed"}
	if acctest.OpenTofu() { // which takes another file for the mocks, and all files at once if none is named
		tests, want = "terraform init\nterraform test\n", []string{"14 passed, 0 failed"}
	}
	printed := mirrored(t, sim).
		then("copy", "cp -r '"+example(t, "modules", "shield-keys")+"'/. .\n").
		then("tests", tests).
		run()

	says(t, printed, "tests", want...)
	counts := map[string]int{}
	for _, secret := range sim.TenantSecrets() {
		counts[secret.Type+" "+secret.Status+" "+secret.Source]++
	}
	for want, n := range map[string]int{
		"Data ACTIVE UPLOADED": 1, "Data ARCHIVED UPLOADED": 1, "Data ARCHIVED HSM": 1, "DeterministicData ACTIVE UPLOADED": 1, "SearchIndex ARCHIVED UPLOADED": 1,
	} {
		if counts[want] != n {
			t.Errorf("expected %d of %q, found %v", n, want, counts)
		}
	}
}

// OpenTofu reads mocks from the test file only: both files say the same.
func TestTheModulesMocksAreOne(t *testing.T) {
	t.Parallel()
	read := func(path ...string) string {
		t.Helper()
		text, err := os.ReadFile(example(t, append([]string{"modules", "shield-keys", "tests"}, path...)...))
		if err != nil {
			t.Fatal(err)
		}

		return string(text)
	}
	from := func(text, mark string) string {
		_, after, found := strings.Cut(text, mark)
		if !found {
			t.Fatalf("expected %q", mark)
		}

		return mark + after
	}
	var mocks strings.Builder
	for line := range strings.Lines(from(read("mocks", "salesforcebyok.tfmock.hcl"), "mock_resource")) {
		// OpenTofu refuses a mock of what a configuration may set.
		if strings.Contains(line, "Terraform only") || strings.Contains(line, "OpenTofu refuses") {
			continue
		}
		if line != "\n" {
			line = "  " + line
		}
		mocks.WriteString(line)
	}
	want := strings.Replace(from(read("mocks.tftest.hcl"), "mock_provider"), "  source = \"./tests/mocks\"\n", mocks.String(), 1)
	if got := from(read("mocks.tofutest.hcl"), "mock_provider"); got != want {
		t.Error("mocks.tofutest.hcl is not mocks.tftest.hcl with the mocks of salesforcebyok.tfmock.hcl in place of their source")
	}
}

// The receipts of the mocks are ones that the provider could have written.
func TestTheModulesMocksHaveValidReceipts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(example(t, "modules", "shield-keys", "tests", "mocks", "salesforcebyok.tfmock.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ *receipt *= (".*")$`).FindAllStringSubmatch(string(text), -1)
	if len(found) != 2 {
		t.Fatalf("expected the receipts of a key and of a version, found %d", len(found))
	}
	for _, quoted := range found {
		receipt, err := strconv.Unquote(quoted[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(receipt); err != nil {
			t.Errorf("%s: %v", receipt, err)
		}
	}
}

// A caller's own test, with the module's mocks, and the block of its README.
func TestWalkAModuleOfTheCaller(t *testing.T) {
	t.Parallel()
	if acctest.OpenTofu() || acctest.Below(t, 1, 11) {
		t.Skip("mock files are Terraform's, and known at plan from 1.11 on")
	}
	readme, err := os.ReadFile(example(t, "modules", "shield-keys", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := page{t, "shield-keys", string(readme)}
	printed := mirrored(t, acctest.StartSim(t)).
		then("copy", "mkdir modules\ncp -r '"+example(t, "modules", "shield-keys")+"' modules\n").
		write("main.tf", required, "variable \"escrow_recipients\" {\n  default = [\""+recipientOne+"\"]\n}\nvariable \"certificate_pins\" {\n  default = [\""+strings.Repeat("ab", 32)+"\"]\n}", p.block("hcl", "module \"keys\"")).
		write("keys.tftest.hcl", `mock_provider "salesforcebyok" { source = "./modules/shield-keys/tests/mocks" }
run "dates" {
  assert {
    condition     = formatdate("YYYY", module.keys.inventory["Data"].rotation_due_date) == "2027" && jsondecode(module.keys.receipts["SearchIndex"]).version == 1
    error_message = "Dates and receipts must be readable."
  }
}
`).
		then("test", "terraform init >/dev/null\nterraform test\n").
		run()
	says(t, printed, "test", "Success! 1 passed, 0 failed")
}
