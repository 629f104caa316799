package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// everything is one org with one resource of each type, and three versions that are kept, destroyed
// and dropped.
const everything = hyperforce + `
tenant_secrets:
  - {source: UPLOADED, status: ARCHIVED, description: 'destroyed and restored'}
  - {source: UPLOADED, status: ARCHIVED, description: 'destroyed for good'}
  - {source: UPLOADED, status: ARCHIVED, description: 'forgotten'}
  - {}
  - {type: Analytics}
root_keys: [{id: ` + rootKeyID + `, identifier: '` + rootKeyARN + `', status: Active}]
`

// Every operation of every managed resource leaves a receipt that fits the published schema, in
// state and in one whole chain of files.
func TestAccReceipts_everyOperation(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seedOf(t, everything))
	sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CanOptOutOfDerivationWithBYOK = false })
	cli := acctest.NewCLI(t, sim)
	name := filepath.Join(t.TempDir(), "receipts")
	versions := func(lines ...[]string) string {
		var body strings.Builder
		for i, key := range sim.TenantSecrets()[:3] {
			lines := append([]string{fmt.Sprintf("tenant_secret_id = %q", key.ID)}, lines[i]...)
			fmt.Fprintf(&body, "\nresource \"salesforcebyok_tenant_secret_version\" \"v%d\" {\n  %s\n}\n", i,
				strings.Join(lines, "\n  "))
		}

		return body.String()
	}
	apply := func(blocks ...string) {
		t.Helper()
		providerConfig(cli, acctest.ProviderBlock(sim, `api_version = "63.0"`, "allow_key_destruction = true",
			fmt.Sprintf("receipt_directory = %q", name))+strings.Join(blocks, ""))
		cli.MustApply()
	}
	const analytics = `
resource "salesforcebyok_tenant_secret" "analytics" {
  type   = "Analytics"
  source = "HSM"
}
`
	const importing = `
import {
  to = salesforcebyok_tenant_secret.analytics
  id = "Analytics"
}
`
	pinned := func(lines ...string) string {
		found, _ := inOrg(sim, "Sim_BYOK")

		return dataKey(append(lines, fmt.Sprintf("certificate_pins = [%q]", fingerprintOf(t, found.PEM)),
			fmt.Sprintf("escrow = { recipient_groups = [[%q], [%q]] }", ageRecipient, secondRecipient))...)
	}
	others := searchKey(escrowIn(cli)) + cacheOnly(`certificate = "Sim_BYOK"`, escrowIn(cli)) +
		keySettings("allow_key_derivation_opt_out = true") + platformSettings("enable_search_encryption = true")
	kept := []string{archived}
	good := []string{destroyed, noBackup, acknowledge(sim.TenantSecrets()[1].ID)}

	apply(analytics, importing, pinned(), others, caSigned(), rootKeyBlock("Active"), versions(kept, kept, kept))
	cli.Write("chain.pem", chainFor(t, newAuthority(t, "Bank CA"), requestIn(t, cli).PublicKey))
	signed := caSigned(`certificate_chain = file("chain.pem")`, `deletion_policy = "DELETE"`)
	apply(analytics, pinned(`description = "Finance"`), others, signed, rootKeyBlock("Inactive"),
		versions([]string{destroyed}, good, []string{archived, noBackup}))
	apply(analytics, pinned(`description = "Finance"`), others, rootKeyBlock("Active"),
		versions(kept, good, []string{archived, noBackup}))

	files, err := filepath.Glob(filepath.Join(name, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	verifyDirectory(t, name, len(files))
	operations, resources := map[receipt.Operation]bool{}, map[string]bool{}
	for _, file := range files {
		var e receipt.Envelope
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		r, parseErr := receipt.Parse(string(e.Receipt))
		if err != nil || parseErr != nil {
			t.Fatal(file, err, parseErr)
		}
		operations[r.Operation], resources[r.Resource] = true, true
	}
	known, err := schema.Operations()
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range known {
		if !operations[operation] {
			t.Errorf("no receipt of the operation %s", operation)
		}
	}
	for _, of := range managedTypes(t) {
		if !resources[of] {
			t.Errorf("no receipt of a %s", of)
		}
	}
}

// managedTypes are the types of the managed resources.
func managedTypes(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, construct := range provider.New(acctest.Version)().Resources(t.Context()) {
		var resp resource.MetadataResponse
		construct().Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: acctest.ProviderName}, &resp)
		names = append(names, resp.TypeName)
	}

	return names
}
