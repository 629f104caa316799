package guides_test

import (
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

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
		"printf 'provider_installation {\\n  filesystem_mirror { path = \"%s\" }\\n}\\n' ~/mirror > ~/.terraformrc\ncp "+
		"~/.terraformrc ~/.tofurc\n")
}

// The module's own tests, as its README has them: on mocks, and through the life of a key on the
// simulator.
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
		"Data ACTIVE UPLOADED": 1, "Data ARCHIVED UPLOADED": 1, "Data ARCHIVED HSM": 1,
		"DeterministicData ACTIVE UPLOADED": 1, "SearchIndex ARCHIVED UPLOADED": 1,
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
	want := strings.Replace(from(read("mocks.tftest.hcl"), "mock_provider"), "  source = \"./tests/mocks\"\n",
		mocks.String(), 1)
	if got := from(read("mocks.tofutest.hcl"), "mock_provider"); got != want {
		t.Error("mocks.tofutest.hcl is not mocks.tftest.hcl with the mocks of salesforcebyok.tfmock.hcl in place of their " +
			"source")
	}
}

// The inventory page, which has no script, in a browser: the bars of keys in use, archived and
// destroyed are there to see.
func TestTheInventoryPageInABrowser(t *testing.T) {
	t.Parallel()
	var seed sfsim.Seed
	if err := yaml.Unmarshal([]byte("tenant_secrets:\n  - {type: Data, source: UPLOADED, status: DESTROYED, created: "+
		"-9000h}\n  - {type: Data, source: UPLOADED, status: ARCHIVED, created: -5000h}\n  - {type: Data, source: HSM, "+
		"created: -2000h}\n"), &seed); err != nil {
		t.Fatal(err)
	}
	sim := acctest.StartSim(t, sfsim.WithSeed(&seed))
	s := mirrored(t, sim, "chromium")
	genuine(t, "chromium, for the inventory page")
	s.then("copy", "mkdir modules\ncp -r '"+example(t, "modules", "shield-keys")+"' modules\n").
		write("main.tf", required, "module \"keys\" {\n  source = \"./modules/shield-keys\"\n  certificate = "+
			"\"Sim_BYOK\"\n  keys = { Data = {} }\n}", "output \"page\" {\n  value = module.keys.inventory_page\n}").
		then("apply", "terraform init >/dev/null\nterraform apply >/dev/null\nterraform output -raw page > keys.html\n").
		then("look", "timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage "+
			"--user-data-dir=\"$PWD/browser\" --virtual-time-budget=1000 --window-size=1100,900 "+
			"--screenshot=\"$PWD/page.png\" \"file://$PWD/keys.html\" >chromium.log 2>&1 || cat chromium.log\n").
		run()
	if html, err := os.ReadFile(filepath.Join(s.dir, "keys.html")); err != nil ||
		!strings.Contains(string(html), "<svg") || strings.Contains(string(html), "<script") {
		t.Errorf("expected a page with timelines and without scripts (%v)", err)
	}
	file, err := os.Open(filepath.Join(s.dir, "page.png"))
	if err != nil {
		t.Skipf("chromium took no picture: %v", err)
	}
	defer file.Close() //nolint:errcheck // only read
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[color.RGBA]int{}
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if c, ok := color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA); ok {
				seen[c]++
			}
		}
	}
	for what, c := range map[string]color.RGBA{
		"in use": {0x1f, 0x6f, 0x4a, 0xff}, "archived": {0x5f, 0x73, 0x89, 0xff}, "destroyed": {0xaa, 0x33, 0x33, 0xff},
		"text": {0x16, 0x20, 0x2c, 0xff},
	} {
		if seen[c] < 100 {
			t.Errorf("%s: expected its colour, found %d pixels", what, seen[c])
		}
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
		write("main.tf", required, "variable \"escrow_recipients\" {\n  default = [\""+recipientOne+
			"\"]\n}\nvariable \"certificate_pins\" {\n  default = [\""+strings.Repeat("ab", 32)+"\"]\n}",
			p.block("hcl", "module \"keys\"")).
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
