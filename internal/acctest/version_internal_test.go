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
