package acctest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// ProviderBlock returns a provider block for the org, with the simulator's client credentials as
// literals, which are public. extra lines are added to the block.
func ProviderBlock(sim *sfsim.Server, extra ...string) string {
	return fmt.Sprintf(`
provider %q {
  instance_url  = %q
  client_id     = %q
  client_secret = %q
  %s
}
`, ProviderName, sim.InstanceURL, sim.ClientID, sim.ClientSecret, strings.Join(extra, "\n  "))
}

// Config returns a configuration for the org: the provider block and body.
func Config(sim *sfsim.Server, body string) string { return ProviderBlock(sim) + body }

// VariableProviderBlock returns a provider block without any literal secret: the credentials come
// from variables, whose values Variables returns. The secret one is ephemeral if the CLI under test
// knows such variables.
func VariableProviderBlock(sim *sfsim.Server) string {
	return fmt.Sprintf(`
variable "client_id" {
  type = string
}

variable "client_secret" {
  type      = string
  %s = true
}

provider %q {
  instance_url  = %q
  client_id     = var.client_id
  client_secret = var.client_secret
}
`, SecretVariable(), ProviderName, sim.InstanceURL)
}

// SecretVariable is the argument, "ephemeral" or "sensitive", by which the CLI under test marks a
// variable with a secret.
func SecretVariable() string { return secretVariable(found) }

// secretVariable is how a CLI marks a variable with a secret: Terraform has ephemeral ones since
// 1.10, OpenTofu since 1.11.
func secretVariable(cli clifind.CLI) string {
	since := 10
	if cli.Product == clifind.OpenTofu {
		since = 11
	}
	if older, err := below(cli, 1, since); err != nil || older {
		return "sensitive"
	}

	return "ephemeral"
}

// Variables returns the environment that gives VariableProviderBlock its values.
func Variables(sim *sfsim.Server) map[string]string {
	return map[string]string{"TF_VAR_client_id": sim.ClientID, "TF_VAR_client_secret": sim.ClientSecret}
}

// ErrorText returns an expression for plugin-testing's ExpectError that finds words in the CLI's
// output, which wraps lines and draws a border before them.
func ErrorText(words string) *regexp.Regexp {
	parts := strings.Fields(words)
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}

	return regexp.MustCompile(`(?s)` + strings.Join(parts, `[\s│]+`))
}

// AttributeError returns an expression for an error at an attribute: its summary, the source line
// that names the attribute, and then words of its detail.
func AttributeError(attribute, summary, detail string) *regexp.Regexp {
	return regexp.MustCompile(ErrorText(summary).String() + `.*\b` + regexp.QuoteMeta(attribute) + `\b.*` +
		ErrorText(detail).String())
}
