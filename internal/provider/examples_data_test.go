package provider_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// exampleOrg has what the examples name.
const exampleOrg = `
certificates: [{developer_name: BYOK_Wrapping}]
tenant_secrets:
  - {type: Data, status: ARCHIVED, source: UPLOADED}
  - {type: Data, source: UPLOADED, material: ` + zeros + `}
settings: {rotation_intervals: false}
root_keys: [{id: 48q000000000001AAA, identifier: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}]
`

// exampleVariables gives the variables of the examples their values.
var exampleVariables = map[string]string{
	"TF_VAR_escrow_recipients":        `["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]`,
	"TF_VAR_key_material":             zeros,
	"TF_VAR_expected_key_check_value": "DC95C0",
}

// examples returns the files of a kind of examples by the name of their folder.
func examples(t *testing.T, kind, file string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "examples", kind, "*", file))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples of %s: %v", kind, err)
	}
	found := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(filepath.Dir(path))] = string(text)
	}

	return found
}

// Each example applies to an org that has what it names, without a warning, and leaves an empty
// plan.
func TestAccExamples_read(t *testing.T) {
	t.Parallel()
	for kind, file := range map[string]string{
		"data-sources": "data-source.tf", "functions": "function.tf", "ephemeral-resources": "ephemeral-resource.tf",
	} {
		for name, text := range examples(t, kind, file) {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				if regexp.MustCompile(`(?m)^ephemeral |^ *ephemeral *= true`).MatchString(text) {
					skipBelowEphemeral(t)
				}
				cli := acctest.NewCLI(t, acctest.StartSim(t, seeded(t, exampleOrg)))
				for variable, value := range exampleVariables {
					if strings.Contains(text, `"`+strings.TrimPrefix(variable, "TF_VAR_")+`"`) {
						cli.Env[variable] = value
					}
				}
				cli.Config(text)
				result := cli.MustApply()
				// The org has a key already, as any org that this is tried on.
				warnings := slices.DeleteFunc(result.Summaries("warning"), func(s string) bool {
					return s == "An existing key will be archived" || s == fipsNotice()
				})
				if len(warnings) > 0 {
					t.Errorf("it warns: %v", warnings)
				}
			})
		}
	}
}

// Each query finds something, and generates its configuration.
func TestAccExamples_list(t *testing.T) {
	t.Parallel()
	for name, text := range examples(t, "list-resources", "list-resource.tfquery.hcl") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli := acctest.NewCLI(t, acctest.StartSim(t, seeded(t, exampleOrg)))
			if !supportsQuery(t, cli) {
				t.Skip("needs Terraform 1.14 or newer")
			}
			cli.Config("")
			cli.Write("example.tfquery.hcl", text)
			if r := cli.Run("query", "-generate-config-out=generated.tf"); r.Code != 0 {
				t.Fatalf("query: exit code %d\n%s", r.Code, r.Output())
			}
			generated, err := os.ReadFile(filepath.Join(cli.Dir, "generated.tf"))
			if err != nil || !strings.Contains(string(generated), `resource "`+name+`"`) {
				t.Errorf("it generates %s (%v)", generated, err)
			}
		})
	}
}
