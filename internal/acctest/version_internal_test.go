package acctest

import (
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
)

func TestSecretVariable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		product clifind.Product
		version string
		want    string
	}{
		{clifind.Terraform, "1.8.5", "sensitive"},
		{clifind.Terraform, "1.9.8", "sensitive"},
		{clifind.Terraform, "1.10.0", "ephemeral"},
		{clifind.Terraform, "2.0.0", "ephemeral"},
		{clifind.OpenTofu, "1.8.9", "sensitive"},
		{clifind.OpenTofu, "1.10.6", "sensitive"},
		{clifind.OpenTofu, "1.11.0-dev", "ephemeral"},
		{clifind.OpenTofu, "of nobody", "sensitive"},
	} {
		if got := secretVariable(clifind.CLI{Product: tc.product, Version: tc.version}); got != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.product, tc.version, got, tc.want)
		}
	}
}

// What a provider in the test's process would not see is refused, and not lost.
func TestServable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"TF_VAR_material": true, "SALESFORCE_ACCESS_TOKEN": true, "SALESFORCEBYOK_RECEIPT_DIRECTORY": true,
		"TF_CLI_CONFIG_FILE": true, "CHECKPOINT_DISABLE": true, "TF_LOG": false, "TF_LOG_PATH": false, "GODEBUG": false,
		"HTTPS_PROXY": false, "no_proxy": false, "SSL_CERT_FILE": false, "HOME": false, "TF_REATTACH_PROVIDERS": false,
	} {
		if got := servable.MatchString(name); got != want {
			t.Errorf("%s: expected %t, found %t", name, want, got)
		}
	}
}
