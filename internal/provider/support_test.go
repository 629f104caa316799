package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

var rotationIDForm = regexp.MustCompile(`^[0-9a-f]{8}\.\d+$`)

func hexDigits(n int) *regexp.Regexp { return regexp.MustCompile(fmt.Sprintf(`^[0-9a-f]{%d}$`, n)) }

// strictFIPS reports whether this process refuses what FIPS 140-3 does not approve.
func strictFIPS() bool { return strings.Contains(os.Getenv("GODEBUG"), "fips140=only") }

// knownLate is a resource whose output is unknown at each plan in which now has changed, and input,
// an expression, after the apply.
func knownLate(name, input, now string) string {
	return fmt.Sprintf("\nresource \"terraform_data\" %q {\n  input            = %s\n  triggers_replace = %q\n}\n", name,
		input, now)
}

// patchTenantSecret changes fields of a record as another client of the org would.
func patchTenantSecret(t *testing.T, sim *sfsim.Server, id string, fields map[string]any) {
	t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch,
		sim.InstanceURL+"/services/data/v62.0/sobjects/TenantSecret/"+id, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sim.AccessToken)
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("patching %s: status %d", id, resp.StatusCode)
	}
}

// skipBelowEphemeral skips a test that runs the CLI itself if the CLI knows no ephemeral values,
// which came with Terraform 1.10 and OpenTofu 1.11.
func skipBelowEphemeral(t *testing.T) {
	t.Helper()
	if acctest.Below(t, 1, 10) || acctest.OpenTofu() && acctest.Below(t, 1, 11) {
		t.Skip("ephemeral values need Terraform 1.10 or OpenTofu 1.11")
	}
}

// skipBelowWriteOnly skips a test that runs the CLI itself if the CLI knows no write-only
// attributes, which came with Terraform and OpenTofu 1.11.
func skipBelowWriteOnly(t *testing.T) {
	t.Helper()
	if acctest.Below(t, 1, 11) {
		t.Skip("write-only attributes need Terraform or OpenTofu 1.11")
	}
}
