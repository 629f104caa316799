package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	organizationAddress = "data.salesforcebyok_organization.x"
	organizationConfig  = `data "salesforcebyok_organization" "x" {}`
)

func expectOrganization(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(organizationAddress, tfjsonpath.New(name), value)
}

func permissions(names ...string) knownvalue.Check {
	checks := []knownvalue.Check{}
	for _, name := range names {
		checks = append(checks, knownvalue.StringExact(name))
	}

	return knownvalue.ListExact(checks)
}

func TestAccOrganizationDataSource(t *testing.T) {
	t.Parallel()
	for kind, want := range map[sfsim.Kind]struct {
		edition string
		sandbox bool
	}{
		sfsim.Production: {"Enterprise Edition", false}, sfsim.Sandbox: {"Enterprise Edition", true},
		sfsim.Developer: {"Developer Edition", false},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithKind(kind))
			reads(t, sim, organizationConfig,
				expectOrganization("id", knownvalue.StringExact(sim.OrganizationID)),
				expectOrganization("name", knownvalue.StringExact("Simulated Org")),
				expectOrganization("organization_type", knownvalue.StringExact(want.edition)),
				expectOrganization("is_sandbox", knownvalue.Bool(want.sandbox)),
				expectOrganization("instance_name", knownvalue.NotNull()),
				expectOrganization("user_id", knownvalue.StringRegexp(regexp.MustCompile(`^005\w{15}$`))),
				expectOrganization("missing_permissions", permissions()),
				expectOrganization("undetermined_permissions", permissions()),
				acctest.StateFunc(organizationAddress, usageAndVersions),
			)
		})
	}
}

func usageAndVersions(shown map[string]any) error {
	usage, _ := shown["api_usage"].(map[string]any)
	used, _ := usage["used"].(json.Number)
	limit, _ := usage["limit"].(json.Number)
	u, errUsed := used.Int64()
	l, errLimit := limit.Int64()
	if errUsed != nil || errLimit != nil || u <= 0 || l <= u {
		return fmt.Errorf("expected a number of calls below its limit, found %v", usage)
	}
	versions, _ := shown["api_versions"].([]any)
	if i := slices.Index(versions, any("62.0")); i <= 0 || versions[i-1] != "61.0" {
		return fmt.Errorf("expected versions in order, with 62.0, found %v", versions)
	}

	return nil
}

// A session given by its token does not show its user.
func TestAccOrganizationDataSource_accessToken(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{{
			Config: fmt.Sprintf("provider \"salesforcebyok\" {\n  instance_url = %q\n  access_token = %q\n}\n", sim.InstanceURL,
				sim.AccessToken) + organizationConfig,
			ConfigStateChecks: []statecheck.StateCheck{
				expectOrganization("id", knownvalue.StringExact(sim.OrganizationID)),
				expectOrganization("user_id", knownvalue.Null()),
			},
		}},
	})
}

func TestAccOrganizationDataSource_missingPermissions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*sfsim.Permissions)
		want   []string
	}{
		"keys":         {func(p *sfsim.Permissions) { p.ManageEncryptionKeys = false }, []string{"Manage Encryption Keys"}},
		"certificates": {func(p *sfsim.Permissions) { p.ManageCertificates = false }, []string{"Manage Certificates"}},
		"customize":    {func(p *sfsim.Permissions) { p.CustomizeApplication = false }, []string{"Customize Application"}},
		"metadata": {func(p *sfsim.Permissions) {
			p.ModifyMetadata = false
		}, []string{salesforce.PermissionModifyMetadata}},
		"all": {func(p *sfsim.Permissions) { *p = sfsim.Permissions{DeniedAsEmpty: true} }, []string{
			"Manage Encryption Keys", "Manage Certificates", "Customize Application", salesforce.PermissionModifyMetadata,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, denied(tc.change))
			reads(t, sim, organizationConfig, expectOrganization("missing_permissions", permissions(tc.want...)),
				expectOrganization("undetermined_permissions", permissions()))
		})
	}
}

// Whoever runs the plan must see what is missing, also without an output for it.
func TestAccOrganizationDataSource_missingPermissionsWarn(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, denied(func(p *sfsim.Permissions) { p.ManageCertificates = false }))
	cli := acctest.NewCLI(t, sim)
	cli.Config(organizationConfig)
	result := cli.MustApply()
	if !result.Has("warning", "The user lacks permissions that BYOK needs",
		"Missing in org "+sim.OrganizationID+": Manage Certificates.") {
		t.Errorf("expected a warning, found %v", result.Diagnostics)
	}
}

// An org that does not show UserPermissionAccess is judged by what it shows, and what can't be
// judged is said.
func TestAccOrganizationDataSource_permissionsWithoutUserPermissionAccess(t *testing.T) {
	t.Parallel()
	undetermined := []string{"Customize Application", salesforce.PermissionModifyMetadata}
	for name, tc := range map[string]struct {
		change                func(*sfsim.Permissions)
		missing, undetermined []string
	}{
		"none missing": {func(*sfsim.Permissions) {}, nil, undetermined},
		"keys": {func(p *sfsim.Permissions) {
			p.ManageEncryptionKeys = false
		}, []string{"Manage Encryption Keys"}, undetermined},
		"certificates": {func(p *sfsim.Permissions) {
			p.ManageCertificates = false
		}, []string{"Manage Certificates"}, undetermined},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, denied(tc.change))
			if err := sim.AddFault(sfsim.Fault{
				Query: "UserPermissionAccess", Status: http.StatusBadRequest,
				ErrorCode: "INVALID_TYPE",
			}); err != nil {
				t.Fatal(err)
			}
			reads(t, sim, organizationConfig, expectOrganization("missing_permissions", permissions(tc.missing...)),
				expectOrganization("undetermined_permissions", permissions(tc.undetermined...)))
		})
	}
}

func TestAccOrganizationDataSource_fails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault sfsim.Fault
		want  string
	}{
		"organization": {sfsim.Fault{
			Query: "FROM Organization", Status: http.StatusForbidden,
			ErrorCode: "INSUFFICIENT_ACCESS",
		}, "Unable to read the organization"},
		"versions": {sfsim.Fault{
			Path: "/services/data/", Method: http.MethodGet, Nth: 2, Times: 100,
			Status: http.StatusNotFound,
		}, "Unable to read the API versions"},
		"permissions": {sfsim.Fault{Query: "UserPermissionAccess", Body: "malformed"}, "Unable to check the permissions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			if err := sim.AddFault(tc.fault); err != nil {
				t.Fatal(err)
			}
			refuses(t, sim, organizationConfig, acctest.ErrorText(tc.want))
		})
	}
}
