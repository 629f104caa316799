package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// certificateAddress is the resource that the tests of the certificate are about.
const certificateAddress = "salesforcebyok_certificate.wrapping"

// opDeploy is a deploy of the Metadata API in the simulator's journal.
const opDeploy = "metadata.deploy"

// wrappingCertificate renders that resource, with lines as its body.
func wrappingCertificate(lines ...string) string {
	return "\nresource \"salesforcebyok_certificate\" \"wrapping\" {\n  " + strings.Join(lines, "\n  ") + "\n}\n"
}

// inOrg returns a certificate of the org by its unique name.
func inOrg(sim *sfsim.Server, name string) (sfsim.Certificate, bool) {
	all := sim.Certificates()
	i := slices.IndexFunc(all, func(c sfsim.Certificate) bool { return c.DeveloperName == name })
	if i < 0 {
		return sfsim.Certificate{}, false
	}

	return all[i], true
}

// expectState compares attributes of a resource in state, as they print.
func expectState(t *testing.T, cli *acctest.CLI, address string, want map[string]any) {
	t.Helper()
	state := cli.State(address)
	for name, value := range want {
		if fmt.Sprint(state[name]) != fmt.Sprint(value) {
			t.Errorf("%s.%s: expected %v, found %v", address, name, value, state[name])
		}
	}
}

// expectError expects that a run failed with this error, whose detail has all the words.
func expectError(t *testing.T, result acctest.Result, summary string, words ...string) {
	t.Helper()
	if result.Code != acctest.PlanFailed || !result.Has("error", summary, words...) {
		t.Errorf("expected the error %q with %q, found exit code %d\n%s", summary, words, result.Code, result.Output())
	}
}

// expectWarning expects a warning whose detail has all the words.
func expectWarning(t *testing.T, result acctest.Result, summary string, words ...string) {
	t.Helper()
	if !result.Has("warning", summary, words...) {
		t.Errorf("expected the warning %q with %q, found\n%s", summary, words, result.Output())
	}
}

// expectCount expects how many requests of an operation the org has received.
func expectCount(t *testing.T, sim *sfsim.Server, operation string, want int) {
	t.Helper()
	if got := acctest.Count(sim, operation); got != want {
		t.Errorf("expected %d requests %s, found %d", want, operation, got)
	}
}

func TestAccCertificate_create(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	expires := sim.Clock.Now().AddDate(1, 0, 0).Truncate(time.Second)
	local := expires.In(time.FixedZone("CEST", 2*60*60)).Format(time.RFC3339)
	body := wrappingCertificate(`developer_name = "BYOK_2027"`, `label = "BYOK <2027> & on"`,
		fmt.Sprintf("expiration_date = %q", local))
	cli.Config(body)
	if applied := cli.MustApply(); applied.Added != 1 {
		t.Errorf("expected one resource to be made, found %d", applied.Added)
	}
	made, ok := inOrg(sim, "BYOK_2027")
	if !ok {
		t.Fatalf("the org has no certificate BYOK_2027: %+v", sim.Certificates())
	}
	if made.KeySize != 4096 || !made.PlatformEncryption || made.PrivateKeyExportable || made.CASigned ||
		!made.ExpirationDate.Equal(expires) {
		t.Errorf("expected a BYOK-compatible certificate that ends at %s, found %+v", expires, made)
	}
	expectState(t, cli, certificateAddress, map[string]any{
		"id": made.ID, "organization_id": sim.OrganizationID, "label": "BYOK <2027> & on", "ca_signed": false,
		"deletion_policy": "DELETE", "expiration_date": local,
		"not_after": expires.Format(time.RFC3339), "certificate_pem": made.PEM, "csr_pem": nil, "key_size": 4096,
		"byok_compatible":  true,
		"compatible_types": []any{"Data", "DeterministicData", "EventBus", "SearchIndex", "Analytics"},
	})
	expectCount(t, sim, opDeploy, 1)

	cli.Config(body + tenantSecret(`type = "Data"`, "certificate = salesforcebyok_certificate.wrapping.developer_name"))
	cli.MustApply()
	if key := acctest.ActiveKey(t, sim, "Data"); key.Certificate != "BYOK_2027" {
		t.Errorf("expected an upload under the new certificate, found %+v", key)
	}

	// The same instant in another zone is the same certificate.
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`, `label = "BYOK <2027> & on"`,
		fmt.Sprintf("expiration_date = %q", expires.Format(time.RFC3339))) +
		tenantSecret(`type = "Data"`, "certificate = salesforcebyok_certificate.wrapping.developer_name"))
	if applied := cli.MustApply(); applied.Added+applied.Removed != 0 {
		t.Errorf("expected no other certificate for the same instant, found %+v", applied)
	}
	expectCount(t, sim, opDeploy, 1)
}

func TestAccCertificate_defaults(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	// The name is not known before the apply.
	cli.Config("\nresource \"terraform_data\" \"name\" {\n  input = \"BYOK_2027\"\n}\n" +
		wrappingCertificate("developer_name = terraform_data.name.output"))
	cli.MustApply()
	made, _ := inOrg(sim, "BYOK_2027")
	expectState(t, cli, certificateAddress, map[string]any{
		"developer_name": "BYOK_2027", "label": "BYOK_2027", "expiration_date": nil,
		"not_after": made.ExpirationDate.Format(time.RFC3339), "byok_compatible": true,
	})
	if years := made.ExpirationDate.Year() - sim.Clock.Now().Year(); years != 2 {
		t.Errorf("expected Salesforce's two years for 4096 bits, found %d", years)
	}
}

// Only another name is another certificate. What Salesforce fixes when it makes one, and its label,
// can't be changed: an error, and neither a replacement nor a deploy over it, which would make a
// new key pair.
func TestAccCertificate_fixed(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	end := `expiration_date = "2099-01-01T00:00:00Z"`
	cli.Config(wrappingCertificate(`developer_name = "One"`, end, `label = "First"`))
	cli.MustApply()
	before, _ := inOrg(sim, "One")
	for name, test := range map[string]struct {
		lines   []string
		summary string
		words   []string
	}{
		"label": {
			[]string{end, `label = "Other"`},
			"The label can't be changed here",
			[]string{`"First"`, `"Other"`, "in Setup", "nothing was sent"},
		},
		"label in case": {[]string{end, `label = "first"`}, "The label can't be changed here", []string{`"first"`}},
		"a later end": {
			[]string{`expiration_date = "2099-01-04T00:00:00Z"`},
			"The certificate expires at another time",
			[]string{
				"2099-01-01T00:00:00Z", "2099-01-04T00:00:00Z",
				"Nothing was sent",
			},
		},
		"an earlier end": {
			[]string{`expiration_date = "2027-01-01T00:00:00Z"`},
			"The certificate expires at another time", nil,
		},
		"a past end": {
			[]string{`expiration_date = "2020-01-01T00:00:00Z"`},
			"The certificate expires at another time", nil,
		},
		"ca_signed": {
			[]string{end, "ca_signed = true"},
			"The kind of a certificate can't be changed",
			[]string{"ca_signed = false"},
		},
		"all of it together": {[]string{`label = "Other"`, "ca_signed = true"}, "The label can't be changed here", nil},
	} {
		cli.Config(wrappingCertificate(append(test.lines, `developer_name = "One"`)...))
		expectError(t, cli.Plan(), test.summary, test.words...)
		if applied := cli.Apply(); applied.Code == 0 {
			t.Errorf("%s: expected the apply to fail, found\n%s", name, applied.Output())
		}
		expectState(t, cli, certificateAddress, map[string]any{
			"label": "First", "expiration_date": "2099-01-01T00:00:00Z",
			"ca_signed": false,
		})
	}
	// Within two days it is the same end, and without a value what the certificate has.
	for _, lines := range [][]string{
		{`expiration_date = "2099-01-02T23:59:59Z"`},
		{},
		{end, `label = " First "`, "ca_signed = false"},
	} {
		cli.Config(wrappingCertificate(append(lines, `developer_name = "One"`)...))
		if applied := cli.MustApply(); applied.Added+applied.Removed != 0 {
			t.Errorf("%q: expected nothing to be replaced, found %+v", lines, applied)
		}
	}
	after, _ := inOrg(sim, "One")
	if after != before {
		t.Errorf("expected the certificate to stay as it was, found %+v", after)
	}
	expectCount(t, sim, opDeploy, 1)

	// A label that was changed in Setup is read, and asked for here.
	sim.SetCertificateLabel("One", "Other")
	expectError(t, cli.Plan(), "The label can't be changed here", `has the label "Other"`)
	cli.Config(wrappingCertificate(`developer_name = "One"`, `label = "Other"`))
	cli.MustApply()
	expectState(t, cli, certificateAddress, map[string]any{"label": "Other"})
	expectCount(t, sim, opDeploy, 1)
}

// Another name is another certificate, with whatever else it is to have.
func TestAccCertificate_replaced(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "One"`))
	cli.MustApply()
	cli.Config(wrappingCertificate(`developer_name = "Two"`, `label = "Other"`, "ca_signed = true",
		`expiration_date = "2099-01-01T00:00:00Z"`))
	plan := cli.Plan()
	if plan.Added != 1 || plan.Removed != 1 {
		t.Errorf("expected a replacement, found %d to add, %d to change, %d to destroy\n%s", plan.Added, plan.Changed,
			plan.Removed, plan.Output())
	}
	expectWarning(t, plan, "The certificate will be deleted", `"One"`)
	// Renewal: the new one is there before the old one goes.
	cli.Config(wrappingCertificate(`developer_name = "Two"`, "lifecycle {\n    create_before_destroy = true\n  }"))
	cli.MustApply()
	if _, old := inOrg(sim, "One"); old {
		t.Error("expected the old certificate to be deleted")
	}
	// A replacement whose chain can't exist yet is refused before the old one is deleted.
	cli.Write("chain.pem", chainFor(t, newAuthority(t, "CA"), newAuthority(t, "Other").key.Public()))
	cli.Config(wrappingCertificate(`developer_name = "Three"`, "ca_signed = true",
		`certificate_chain = file("chain.pem")`))
	expectError(t, cli.Plan(), "The chain comes before its request", "Apply without certificate_chain")
	expectError(t, cli.Apply(), "The chain comes before its request")
	if _, still := inOrg(sim, "Two"); !still {
		t.Error("expected the old certificate to be there still")
	}
}

func TestAccCertificate_existingName(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	for _, name := range []string{"Sim_BYOK", "sim_byok"} {
		cli.Config(wrappingCertificate(fmt.Sprintf("developer_name = %q", name)))
		expectError(t, cli.Apply(), "A certificate of this name exists", "Nothing was sent",
			"terraform import salesforcebyok_certificate.<name> Sim_BYOK")
	}
	expectCount(t, sim, opDeploy, 0)
}

func TestAccCertificate_refusedConfiguration(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Write("chain.pem", chainFor(t, newAuthority(t, "CA"), newAuthority(t, "Other").key.Public()))
	for name, lines := range map[string][]string{
		"a digit first":          {`developer_name = "1st"`},
		"a space":                {`developer_name = "a b"`},
		"two underscores":        {`developer_name = "a__b"`},
		"an underscore last":     {`developer_name = "a_"`},
		"a long name":            {fmt.Sprintf("developer_name = %q", strings.Repeat("a", 81))},
		"an empty label":         {`developer_name = "A"`, `label = ""`},
		"a long label":           {`developer_name = "A"`, fmt.Sprintf("label = %q", strings.Repeat("ä", 65))},
		"a bare date":            {`developer_name = "A"`, `expiration_date = "2027-01-31"`},
		"an unknown policy":      {`developer_name = "A"`, `deletion_policy = "KEEP"`},
		"a chain of self":        {`developer_name = "A"`, `certificate_chain = file("chain.pem")`},
		"a chain without CA":     {`developer_name = "A"`, "ca_signed = false", `certificate_chain = file("chain.pem")`},
		"a chain that is none":   {`developer_name = "A"`, "ca_signed = true", `certificate_chain = "MIIB"`},
		"a chain too early":      {`developer_name = "A"`, "ca_signed = true", `certificate_chain = file("chain.pem")`},
		"a computed attribute":   {`developer_name = "A"`, "key_size = 2048"},
		"no name at all":         {`label = "A"`},
		"an attribute of others": {`developer_name = "A"`, "private_key_exportable = true"},
	} {
		cli.Config(wrappingCertificate(lines...))
		if plan := cli.Plan(); plan.Code != acctest.PlanFailed || len(plan.Summaries("error")) == 0 {
			t.Errorf("%s: expected a refusal at plan, found exit code %d\n%s", name, plan.Code, plan.Output())
		}
	}
	expectCount(t, sim, opDeploy, 0)
}

// Salesforce's own reasons are shown as they come.
func TestAccCertificate_refusedBySalesforce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		option  sfsim.Option
		summary string
		words   []string
	}{
		"without a Data key": {
			seeded(t, "tenant_secrets: []"), "Unable to create the certificate",
			[]string{"BYOK_2027", "Failed", "Certificate BYOK_2027: A certificate whose private key is encrypted with " +
				"Platform Encryption needs an active Data tenant secret"},
		},
		"without the Metadata API": {
			denied(func(p *sfsim.Permissions) {
				p.ModifyMetadata = false
			}), "Unable to create the certificate", []string{"INSUFFICIENT_ACCESS", "ModifyMetadata"},
		},
		"without Manage Encryption Keys": {
			denied(func(p *sfsim.Permissions) {
				p.ManageEncryptionKeys = false
			}), "Unable to create the certificate", []string{"need the permission Manage Encryption Keys"},
		},
		"without Manage Certificates": {
			denied(func(p *sfsim.Permissions) {
				p.ManageCertificates = false
			}), "Unable to read the certificates", []string{"INVALID_TYPE", "Manage Certificates"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, test.option)
			cli := acctest.NewCLI(t, sim)
			cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
			expectError(t, cli.Apply(), test.summary, test.words...)
			if _, made := inOrg(sim, "BYOK_2027"); made {
				t.Error("expected no certificate")
			}
		})
	}
}

// A deploy whose reply is lost is found again, and not repeated.
func TestAccCertificate_lostReply(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	arm(t, sim, sfsim.Fault{Method: "POST", Path: "deployRequest", Drop: "after"})
	cli := acctest.NewCLI(t, sim).With(provider.WithSleep(acctest.Passing(sim)))
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	cli.MustApply()
	expectCount(t, sim, opDeploy, 1)
	expectState(t, cli, certificateAddress, map[string]any{"byok_compatible": true})
}

// Looking after a deploy may fail for a while.
func TestAccCertificate_flakyPolls(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	arm(t, sim, sfsim.Fault{Method: "GET", Path: "deployRequest", Nth: 1, Body: "malformed"},
		sfsim.Fault{Method: "GET", Path: "deployRequest", Nth: 2, Status: 503})
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	cli.MustApply()
	expectCount(t, sim, opDeploy, 1)
}

// A certificate that exists and can't be read back is in state, and not tainted.
func TestAccCertificate_notReadBack(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	arm(t, sim, sfsim.Fault{Method: "GET", Path: "CertificateChain", Status: 400, ErrorCode: "UNKNOWN_EXCEPTION"})
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	applied := cli.Apply()
	if applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	expectWarning(t, applied, "The certificate could not be read back", "BYOK_2027", "UNKNOWN_EXCEPTION")
	expectState(t, cli, certificateAddress, map[string]any{
		"organization_id": sim.OrganizationID, "certificate_pem": nil,
		"byok_compatible": nil,
	})
	sim.ClearFaults()
	if refreshed := cli.Apply("-refresh-only"); refreshed.Code != 0 {
		t.Fatal(refreshed.Output())
	}
	cli.MustBeEmpty()
	made, _ := inOrg(sim, "BYOK_2027")
	expectState(t, cli, certificateAddress, map[string]any{
		"id": made.ID, "certificate_pem": made.PEM,
		"byok_compatible": true,
	})
	expectCount(t, sim, opDeploy, 1)
}

func TestAccCertificate_expiresSoon(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	cli.MustApply()
	if early := cli.Plan(); early.Has("warning", "Certificate expires soon") {
		t.Error("expected no warning two years ahead")
	}
	made, _ := inOrg(sim, "BYOK_2027")
	sim.Clock.Set(made.ExpirationDate.Add(-10 * 24 * time.Hour))
	plan := cli.Plan()
	if plan.Code != acctest.PlanEmpty {
		t.Errorf("expected nothing to do, found\n%s", plan.Output())
	}
	expectWarning(t, plan, "Certificate expires soon", "BYOK_2027", made.ExpirationDate.Format(time.RFC3339),
		"create_before_destroy")

	sim.Clock.Set(made.ExpirationDate.Add(time.Hour))
	if refreshed := cli.Apply("-refresh-only"); refreshed.Code != 0 {
		t.Fatal(refreshed.Output())
	}
	expectState(t, cli, certificateAddress, map[string]any{"byok_compatible": false})
}

// An import changes nothing in the org, whatever the configuration adds that state does not know
// yet.
func TestAccCertificate_import(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	found, _ := inOrg(sim, "Sim_BYOK")
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "Sim_BYOK"`, `label = "Sim_BYOK"`,
		`expiration_date = "2099-01-01T00:00:00Z"`))
	if imported := cli.Run("import", "-input=false", certificateAddress, "Sim_BYOK"); imported.Code != 0 {
		t.Fatal(imported.Output())
	}
	expectState(t, cli, certificateAddress, map[string]any{
		"id": found.ID, "developer_name": "Sim_BYOK", "label": "Sim_BYOK", "ca_signed": false, "deletion_policy": "ABANDON",
		"certificate_pem": found.PEM, "byok_compatible": true,
		"developer_name_prefix": nil,
	})
	// A date that the certificate does not have is refused, and state stays true.
	expectError(t, cli.Apply(), "The certificate expires at another time", found.ExpirationDate.Format(time.RFC3339),
		"2099-01-01T00:00:00Z")
	expectState(t, cli, certificateAddress, map[string]any{"expiration_date": nil})
	near := found.ExpirationDate.Add(-47 * time.Hour).Format(time.RFC3339)
	cli.Config(wrappingCertificate(`developer_name = "Sim_BYOK"`, fmt.Sprintf("expiration_date = %q", near)))
	if applied := cli.MustApply(); applied.Added+applied.Removed != 0 {
		t.Errorf("expected the date to be written down in place, found %+v", applied)
	}
	expectState(t, cli, certificateAddress, map[string]any{"expiration_date": near, "deletion_policy": "ABANDON"})
	expectCount(t, sim, opDeploy, 0)

	none := cli.Run("import", "-input=false", "salesforcebyok_certificate.other", "Sim_Byok")
	if none.Code == 0 {
		t.Errorf("expected the import of an unconfigured address to fail, found\n%s", none.Output())
	}
}

func TestAccCertificate_importBlock(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	block := func(name string) string {
		return fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", certificateAddress, name)
	}
	cli.Config(block("sim_byok") + wrappingCertificate(`developer_name = "Sim_BYOK"`))
	expectError(t, cli.Plan(), "No such certificate", "Sim_Partner_SSO", "Did you mean Sim_BYOK")
	cli.Config(block("Sim_BYOK") + wrappingCertificate(`developer_name = "Sim_BYOK"`))
	if applied := cli.MustApply(); applied.Added+applied.Changed+applied.Removed != 0 {
		t.Errorf("expected an import and nothing else, found %+v", applied)
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected an import to write nothing, found %v", writes)
	}
}

func TestAccCertificate_importByIdentity(t *testing.T) {
	t.Parallel()
	if acctest.OpenTofu() || acctest.Below(t, 1, 12) {
		t.Skip("import by identity needs Terraform 1.12")
	}
	sim := acctest.StartSim(t)
	identity := func(org string) string {
		return fmt.Sprintf("\nimport {\n  to = %s\n  identity = {\n    organization_id = %q\n    developer_name = "+
			"\"Sim_BYOK\"\n  }\n}\n", certificateAddress, org) +
			wrappingCertificate(`developer_name = "Sim_BYOK"`)
	}
	cli := acctest.NewCLI(t, sim)
	cli.Config(identity("00DWt0000000009MAA"))
	expectError(t, cli.Plan(), "This key belongs to another org", sim.OrganizationID)
	cli.Config(identity(sim.OrganizationID))
	cli.MustApply()
}

func TestAccCertificate_deletedOutside(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	cli.MustApply()

	other := acctest.NewCLI(t, sim)
	other.Config(wrappingCertificate(`developer_name = "BYOK_2027"`, `deletion_policy = "DELETE"`))
	if imported := other.Run("import", "-input=false", certificateAddress, "BYOK_2027"); imported.Code != 0 {
		t.Fatal(imported.Output())
	}
	other.MustApply()
	destroyed := other.Destroy()
	if destroyed.Code != 0 {
		t.Fatal(destroyed.Output())
	}
	expectWarning(t, destroyed, "The certificate will be deleted", "BYOK_2027", "cache-only keys that name it do")

	plan := cli.Plan()
	if plan.Added != 1 {
		t.Errorf("expected the certificate to be made again, found\n%s", plan.Output())
	}
	expectWarning(t, plan, "The certificate is gone", "BYOK_2027", "deleted outside Terraform")
	cli.MustApply()
}

// An org that shows no certificate at all may hide them: state is kept.
func TestAccCertificate_noneVisible(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	cli.MustApply()
	sim.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) { p.ManageCertificates, p.DeniedAsEmpty = false, true })
	expectError(t, cli.Plan(), "No certificate is visible", "BYOK_2027", "Nothing was removed from state",
		"Manage Certificates")
	expectState(t, cli, certificateAddress, map[string]any{"developer_name": "BYOK_2027"})
}

func TestAccCertificate_deletion(t *testing.T) {
	t.Parallel()
	for policy, stays := range map[string]bool{"DELETE": false, "ABANDON": true} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`, fmt.Sprintf("deletion_policy = %q", policy)))
			cli.MustApply()
			if destroyed := cli.Destroy(); destroyed.Code != 0 {
				t.Fatal(destroyed.Output())
			} else if stays {
				expectWarning(t, destroyed, "The certificate will be forgotten, not deleted", "BYOK_2027", "stays in org")
			}
			if _, there := inOrg(sim, "BYOK_2027"); there != stays {
				t.Errorf("expected the certificate to be there: %v, found %v", stays, there)
			}
		})
	}
	t.Run("PREVENT", func(t *testing.T) {
		t.Parallel()
		sim := acctest.StartSim(t)
		cli := acctest.NewCLI(t, sim)
		cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`, `deletion_policy = "PREVENT"`))
		cli.MustApply()
		cli.Config("") // the block is gone, the policy is in state
		expectError(t, cli.Apply(), "Destroying this resource is prevented", "BYOK_2027", `"ABANDON"`)
		// Without a policy in the configuration, that of the state stays.
		cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
		cli.MustApply()
		expectState(t, cli, certificateAddress, map[string]any{"deletion_policy": "PREVENT"})
		// A policy is changed in place, without a word to Salesforce.
		cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`, `deletion_policy = "DELETE"`))
		cli.MustApply()
		if destroyed := cli.Destroy(); destroyed.Code != 0 {
			t.Fatal(destroyed.Output())
		}
		expectCount(t, sim, opDeploy, 2)
	})
}

func TestAccCertificate_deletionRefused(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, `
settings: {enable_cache_only_keys: true}
tenant_secrets:
  - {type: Data}
  - {type: SearchIndex, source: REMOTE, certificate: Sim_BYOK, remote_key_identifier: k, remote_key_service_id: 0XAWt0000000077}
named_credentials:
  - {id: 0XAWt0000000077, developer_name: Keys, endpoint: "https://keys.example.com"}
`))
	cli := acctest.NewCLI(t, sim)
	cli.Config("\nimport {\n  to = " + certificateAddress + "\n  id = \"Sim_BYOK\"\n}\n" +
		wrappingCertificate(`developer_name = "Sim_BYOK"`, `deletion_policy = "DELETE"`))
	cli.MustApply()
	needed := "A cache-only key needs this certificate"
	expectError(t, cli.Plan("-destroy"), needed, acctest.ActiveKey(t, sim, "SearchIndex").ID, "Sim_BYOK",
		"allow_key_destruction = true")
	expectError(t, cli.Destroy(), needed)
	// The destroy leg of a replacement is never planned by the provider.
	expectError(t, cli.Apply("-replace="+certificateAddress), needed)
	expectCount(t, sim, opDeploy, 0)
	// What Salesforce says is shown.
	providerConfig(cli, allowing(sim, wrappingCertificate(`developer_name = "Sim_BYOK"`, `deletion_policy = "DELETE"`)))
	expectError(t, cli.Destroy(), "Unable to delete the certificate",
		"The certificate Sim_BYOK is used by a cache-only key")
	if cli.State(certificateAddress) == nil {
		t.Error("expected the certificate to be in state still")
	}
}

// A deletion whose reply is lost is looked for, and is over with the same run.
func TestAccCertificate_deletionLost(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	cli.MustApply()
	arm(t, sim, sfsim.Fault{Method: "POST", Path: "deployRequest", Times: 1, Drop: "after"})
	cli.With(provider.WithSleep(acctest.Passing(sim)))
	if lost := cli.Destroy(); lost.Code != 0 {
		t.Fatal(lost.Output())
	}
	if _, there := inOrg(sim, "BYOK_2027"); there {
		t.Error("expected the certificate to be deleted")
	}
	expectCount(t, sim, opDeploy, 2)
}

// moveState gives a copy of a run's state to a runner for another org.
func moveState(t *testing.T, from *acctest.CLI) (*acctest.CLI, *sfsim.Server) {
	t.Helper()
	sim := acctest.StartSim(t, sfsim.WithOrganizationID("00DWt0000000009"))
	to := acctest.NewCLI(t, sim)
	state, err := os.ReadFile(filepath.Join(from.Dir, "terraform.tfstate"))
	if err != nil || !json.Valid(state) {
		t.Fatalf("reading the state: %v", err)
	}
	to.Write("terraform.tfstate", string(state))

	return to, sim
}

func TestAccCertificate_anotherOrg(t *testing.T) {
	t.Parallel()
	cli := acctest.NewCLI(t, acctest.StartSim(t))
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`))
	cli.MustApply()
	moved, sim := moveState(t, cli)
	moved.Config(wrappingCertificate(`developer_name = "BYOK_2027"`, `deletion_policy = "ABANDON"`))
	expectError(t, moved.Plan(), "This key belongs to another org", sim.OrganizationID)
	expectError(t, moved.Apply("-refresh=false"), "This key belongs to another org")
	expectError(t, moved.Destroy("-refresh=false"), "This key belongs to another org")
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be written to another org, found %v", writes)
	}
}

// A capital letter is no reason to delete a certificate, and neither is a space around its label.
func TestAccCertificate_nameInAnotherCase(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "Wrap_2027"`))
	cli.MustApply()
	cli.Config(wrappingCertificate(`developer_name = "wrap_2027"`))
	expectError(t, cli.Plan(), "The unique name differs in case alone", `"Wrap_2027"`, "Nothing was sent")
	expectError(t, cli.Apply(), "The unique name differs in case alone")
	if _, found := inOrg(sim, "Wrap_2027"); !found {
		t.Error("expected the certificate to be in the org still")
	}
}

func TestAccCertificate_spacesAroundTheLabel(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "Wrap_2027"`, `label = " Wraps keys "`))
	cli.MustApply()
	before := cli.State("salesforcebyok_certificate.wrapping")["id"]
	cli.Config(wrappingCertificate(`developer_name = "Wrap_2027"`, `label = "Wraps keys"`))
	cli.MustApply()
	expectState(t, cli, "salesforcebyok_certificate.wrapping", map[string]any{"id": before, "label": "Wraps keys"})
	expectCount(t, sim, opDeploy, 1)
}
