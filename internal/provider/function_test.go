package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// zeros is base64 of 32 zero bytes.
const zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// Functions need no org, and no provider block.
func functionCase(step resource.TestStep) resource.TestCase {
	return resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_8_0)},
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps:                    []resource.TestStep{step},
	}
}

// skipWhereFunctionsConfigure skips a test of a call that succeeds without a provider block.
func skipWhereFunctionsConfigure(t *testing.T) {
	t.Helper()
	if acctest.OpenTofu() && acctest.Below(t, 1, 9) {
		t.Skip("OpenTofu 1.8 configures the provider before it calls a function")
	}
}

func TestAccFunctions(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	skipWhereFunctionsConfigure(t)
	for name, tc := range map[string]struct{ call, want string }{
		// openssl dgst -sha256 -binary, and openssl enc -aes-256-ecb -nopad over 16 zero bytes, of 32
		// zero bytes.
		"secret_value_hash of zeros": {`secret_value_hash("` + zeros + `")`, seededHash},
		"key_check_value of zeros":   {`key_check_value("` + zeros + `")`, "dc95c0"},
		// The same of the bytes 00 to 1f.
		"key_check_value of a count": {`key_check_value("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")`, "f29000"},
		"secret_value_hash of a count": {
			`secret_value_hash("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")`, "Yw3NKWbEM2aRElRIu7JbT/QSpJxzLbLIq8G4WBvXEN0=",
		},
		// Ids of Salesforce's documentation and of vendors' [V FtxDoc].
		"id18 of 15":        {`id18("02GB0000000HYsw")`, "02GB0000000HYswMAG"},
		"id18 of 18":        {`id18("02GB0000000HYswMAG")`, "02GB0000000HYswMAG"},
		"id18, other block": {`id18("02G41000000HLXr")`, "02G41000000HLXrEAO"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.UnitTest(t, functionCase(resource.TestStep{
				Config:            "output \"x\" {\n  value = provider::salesforcebyok::" + tc.call + "\n}\n",
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("x", knownvalue.StringExact(tc.want))},
			}))
		})
	}
}

func TestAccFunctions_badArgument(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	material := "Expected base64 (standard alphabet, padded, no line breaks or spaces) of exactly 32 bytes."
	id := "Expected a Salesforce record id of 15 or 18 characters."
	for name, tc := range map[string]struct{ function, argument, want string }{
		"31 bytes":        {"secret_value_hash", strings.Repeat("QUFB", 10) + "QQ==", material},
		"33 bytes":        {"key_check_value", strings.Repeat("QUFB", 11), material},
		"no base64":       {"secret_value_hash", "correct horse battery staple", material},
		"URL alphabet":    {"key_check_value", "__" + zeros[2:], material},
		"line break":      {"secret_value_hash", zeros + `\n`, material},
		"unpadded":        {"key_check_value", strings.TrimSuffix(zeros, "="), material},
		"empty":           {"secret_value_hash", "", material},
		"id too short":    {"id18", "02GB0000000HYs", id},
		"id too long":     {"id18", "02GB0000000HYswMAGX", id},
		"id and checksum": {"id18", "02GB0000000HYswMAH", id},
		"id and dash":     {"id18", "02GB0000000HY-w", id},
		"id empty":        {"id18", "", id},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.UnitTest(t, functionCase(resource.TestStep{
				Config: fmt.Sprintf("output \"x\" {\n  value = provider::salesforcebyok::%s(\"%s\")\n}\n", tc.function,
					tc.argument),
				ExpectError: acctest.ErrorText(tc.want + " Found a value that does not fit:"),
			}))
		})
	}
}

func TestAccFunctions_null(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	for _, function := range []string{"secret_value_hash", "key_check_value", "id18"} {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			resource.UnitTest(t, functionCase(resource.TestStep{
				Config:      "output \"x\" {\n  value = provider::salesforcebyok::" + function + "(null)\n}\n",
				ExpectError: acctest.ErrorText("argument must not be null"),
			}))
		})
	}
}

func TestAccFunctions_unknown(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	skipWhereFunctionsConfigure(t)
	resource.UnitTest(t, functionCase(resource.TestStep{
		Config: `
resource "terraform_data" "x" {
  input = "` + zeros + `"
}

output "hash" {
  value = provider::salesforcebyok::secret_value_hash(terraform_data.x.output)
}

output "kcv" {
  value = provider::salesforcebyok::key_check_value(terraform_data.x.output)
}
`,
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownOutputValue("hash"), plancheck.ExpectUnknownOutputValue("kcv"),
		}},
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownOutputValue("hash", knownvalue.StringExact(seededHash)),
			statecheck.ExpectKnownOutputValue("kcv", knownvalue.StringExact("dc95c0")),
		},
	}))
}
