package provider_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// configured renders a whole configuration with a provider block of its own; secrets come by
// variables, so that the CLI does not show them as source lines.
func configured(lines ...string) string {
	mark := acctest.SecretVariable()

	return fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n", acctest.ProviderName,
		provider.Address) +
		"variable \"client_secret\" {\n  " + mark + " = true\n}\n" +
		"variable \"wrong_secret\" {\n  " + mark + " = true\n  default = \"not-the-secret\"\n}\n" +
		"variable \"private_key\" {\n  " + mark + " = true\n  default = \"\"\n}\n" +
		"provider \"" + acctest.ProviderName + "\" {\n  " + strings.Join(lines, "\n  ") + "\n}\n" + dataKey()
}

func TestAccProvider_badInput(t *testing.T) {
	t.Parallel()
	url := func(sim *sfsim.Server) string { return fmt.Sprintf("instance_url = %q", sim.InstanceURL) }
	id := func(sim *sfsim.Server) string { return fmt.Sprintf("client_id = %q", sim.ClientID) }
	const secret = "client_secret = var.client_secret"
	for name, test := range map[string]struct {
		lines              func(*sfsim.Server) []string
		attribute, summary string
		detail             []string
	}{
		"nothing": {
			func(*sfsim.Server) []string { return nil }, "", "No credentials",
			[]string{"client_id and client_secret", "access_token", "Nothing was sent."},
		},
		"client id alone": {
			func(s *sfsim.Server) []string { return []string{url(s), id(s)} },
			"", "Incomplete credentials",
			[]string{"missing: client_secret (or SALESFORCE_CLIENT_SECRET)", "Nothing was sent."},
		},
		"client secret alone": {
			func(s *sfsim.Server) []string { return []string{url(s), secret} },
			"", "Incomplete credentials",
			[]string{"missing: client_id (or SALESFORCE_CLIENT_ID)"},
		},
		"username alone": {
			func(s *sfsim.Server) []string { return []string{url(s), id(s), `username = "u@example.com"`} },
			"", "Incomplete credentials",
			[]string{"private_key"},
		},
		"two sets": {
			func(s *sfsim.Server) []string {
				return []string{url(s), id(s), secret, `access_token = var.wrong_secret`}
			},
			"instance_url", "More than one set of credentials",
			[]string{"client_secret and access_token", "Remove one"},
		},
		"no instance URL": {
			func(s *sfsim.Server) []string { return []string{id(s), secret} },
			"", "No instance URL",
			[]string{"SALESFORCE_INSTANCE_URL", "Nothing was sent."},
		},
		"http to another host": {
			func(s *sfsim.Server) []string {
				return []string{`instance_url = "http://example.my.salesforce.com"`, id(s), secret}
			},
			"instance_url", "Invalid instance URL",
			[]string{"https"},
		},
		"a path": {
			func(s *sfsim.Server) []string {
				return []string{`instance_url = "https://example.my.salesforce.com/services/data"`, id(s), secret}
			},
			"instance_url", "Invalid instance URL",
			[]string{"without a path"},
		},
		"a login host": {
			func(s *sfsim.Server) []string {
				return []string{`instance_url = "https://login.salesforce.com"`, id(s), secret}
			},
			"instance_url", "Invalid instance URL",
			[]string{"My Domain"},
		},
		"a sandbox's login host": {
			func(s *sfsim.Server) []string {
				return []string{`instance_url = "https://test.salesforce.com"`, id(s), secret}
			},
			"instance_url", "Invalid instance URL",
			[]string{"My Domain"},
		},
		"a password in the URL": {
			func(s *sfsim.Server) []string {
				return []string{`instance_url = "https://u:p@example.my.salesforce.com"`, id(s), secret}
			},
			"instance_url", "Invalid instance URL", nil,
		},
		"API version": {
			func(s *sfsim.Server) []string { return []string{url(s), id(s), secret, `api_version = "v62"`} },
			"api_version", "Invalid API version",
			[]string{`such as "62.0"`},
		},
		"a private key that is none": {
			func(s *sfsim.Server) []string {
				return []string{url(s), id(s), `username = "u@example.com"`, "private_key = var.wrong_secret"}
			},
			"username", "Invalid private key",
			[]string{"not a path", "in private_key"},
		},
		"a line end after the secret": {
			func(s *sfsim.Server) []string {
				return []string{url(s), id(s), `client_secret = "${var.wrong_secret}\n"`}
			},
			"client_id", "Invalid characters in a credential",
			[]string{"client_secret begins or ends with a blank or a line end"},
		},
		"a blank before the client id": {
			func(s *sfsim.Server) []string { return []string{url(s), `client_id = " 3MVG9"`, secret} },
			"client_id", "Invalid characters in a credential",
			[]string{"client_id begins or ends with"},
		},
		"a line end after the user name": {
			func(s *sfsim.Server) []string {
				return []string{url(s), id(s), `username = "u@example.com\n"`, "private_key = var.private_key"}
			},
			"username", "Invalid characters in a credential",
			[]string{"username begins or ends with"},
		},
		"what sf org display prints": {
			func(s *sfsim.Server) []string {
				return []string{url(s), `access_token = "[REDACTED] Use 'sf org auth show-access-token' to view"`}
			},
			"instance_url", "Invalid access token",
			[]string{"in access_token", "sf org auth show-access-token --json"},
		},
		"what jq prints of nothing": {
			func(s *sfsim.Server) []string { return []string{url(s), `access_token = "null"`} },
			"instance_url", "Invalid access token",
			[]string{"the word null"},
		},
		"Lightning's host": {
			func(*sfsim.Server) []string {
				return []string{`instance_url = "https://example.lightning.force.com"`, `client_id = "x"`, secret}
			},
			"instance_url", "Invalid instance URL",
			[]string{"https://example.my.salesforce.com", "Lightning Experience"},
		},
		"Setup's host": {
			func(*sfsim.Server) []string {
				return []string{`instance_url = "https://example--uat.sandbox.my.salesforce-setup.com"`, `client_id = "x"`, secret}
			},
			"instance_url", "Invalid instance URL",
			[]string{"https://example--uat.sandbox.my.salesforce.com"},
		},
		"a trailing dot": {
			func(*sfsim.Server) []string {
				return []string{`instance_url = "https://example.my.salesforce.com."`, `client_id = "x"`, secret}
			},
			"instance_url", "Invalid instance URL",
			[]string{"must not end in a dot"},
		},
		"an audience that is none": {
			func(s *sfsim.Server) []string {
				return []string{
					url(s), id(s), `username = "u@example.com"`, "private_key = var.private_key",
					`audience = "login.salesforce.com"`,
				}
			},
			"audience", "Invalid audience",
			[]string{"such as https://login.salesforce.com"},
		},
		"an organization id that is none": {
			func(s *sfsim.Server) []string {
				return []string{url(s), id(s), secret, `organization_id = "005Wt0000000001MAA"`}
			},
			"organization_id", "Invalid Salesforce id",
			[]string{"00D"},
		},
		"too many retries": {
			func(s *sfsim.Server) []string { return []string{url(s), id(s), secret, "max_retries = 11"} },
			"max_retries", "Invalid Attribute Value",
			[]string{"between 0 and 10"},
		},
		"no time for a request": {
			func(s *sfsim.Server) []string { return []string{url(s), id(s), secret, "request_timeout_seconds = 0"} },
			"request_timeout_seconds", "Invalid Attribute Value",
			[]string{"between 1 and 600"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Write("main.tf", configured(test.lines(sim)...))
			plan := cli.Plan()
			if plan.Code != acctest.PlanFailed || !plan.Has("error", test.summary, test.detail...) {
				t.Errorf("expected an error %q with %q, found %s", test.summary, test.detail, plan.Output())
			}
			for _, d := range plan.Diagnostics {
				if d.Severity == "error" && d.Summary == test.summary && test.attribute != "" && !d.At(test.attribute) {
					t.Errorf("expected the error at %s, found it at %q", test.attribute, d.Snippet.Code)
				}
			}
			for _, secret := range []string{"not-the-secret", sim.ClientSecret} {
				if strings.Contains(plan.Output(), secret) {
					t.Errorf("the output shows a secret: %s", plan.Output())
				}
			}
			if n := sim.RequestCount(); n != 0 {
				t.Errorf("expected nothing to be sent, found %v", sim.Requests())
			}
		})
	}
}

// What only Salesforce can refuse.
func TestAccProvider_refusedCredentials(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Write("main.tf", configured(fmt.Sprintf("instance_url = %q", sim.InstanceURL),
		fmt.Sprintf("client_id = %q", sim.ClientID), "client_secret = var.wrong_secret"))
	plan := cli.Plan()
	if plan.Code != acctest.PlanFailed || !plan.Has("error", "Salesforce refused the credentials",
		"Check client_id, client_secret", "Nothing else was sent.") {
		t.Errorf("expected the secret to be refused, found %s", plan.Output())
	}
	if strings.Contains(plan.Output(), "not-the-secret") {
		t.Error("the output shows the secret")
	}
	for _, request := range sim.Requests() {
		if request.Operation != acctest.OpToken {
			t.Errorf("expected nothing but the login, found %+v", request)
		}
	}
}

func TestAccProvider_organizationPin(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	base := []string{
		fmt.Sprintf("instance_url = %q", sim.InstanceURL), fmt.Sprintf("client_id = %q", sim.ClientID),
		"client_secret = var.client_secret",
	}
	cli := acctest.NewCLI(t, sim)
	for _, wrong := range []string{"00DWt0000000009MAA", "00DWt0000000009"} {
		cli.Write("main.tf", configured(append(base, fmt.Sprintf("organization_id = %q", wrong))...))
		if failed := cli.Apply(); failed.Code == 0 || !failed.Has("error", "Credentials of another org", sim.OrganizationID) {
			t.Errorf("expected another org to be refused, found %s", failed.Output())
		}
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be sent, found %v", writes)
	}
	for _, right := range []string{sim.OrganizationID, sim.OrganizationID[:15]} {
		cli.Write("main.tf", configured(append(base, fmt.Sprintf("organization_id = %q", right))...))
		cli.MustApply()
	}
	uploads(t, sim, 1, 1)
}

// A version that the org lacks is named before anything else that may be wrong.
func TestAccProvider_versionThatTheOrgLacks(t *testing.T) {
	t.Parallel()
	sim := acctest.StartLenientSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Write("main.tf", configured(fmt.Sprintf("instance_url = %q", sim.InstanceURL),
		fmt.Sprintf("client_id = %q", sim.ClientID),
		"client_secret = var.client_secret", `api_version = "99.0"`))
	failed := cli.Apply()
	if failed.Code == 0 || !failed.Has("error", "Unable to upload the Data key", "/services/data/v99.0/query",
		"check api_version") {
		t.Errorf("expected api_version to be named, found %s", failed.Output())
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be sent, found %v", writes)
	}
}

// Every credential set, from the block and from the environment.
func TestAccProvider_credentialSets(t *testing.T) {
	t.Parallel()
	for name, environment := range map[string]func(*sfsim.Server) map[string]string{
		"client credentials": func(s *sfsim.Server) map[string]string {
			return map[string]string{"SALESFORCE_CLIENT_ID": s.ClientID, "SALESFORCE_CLIENT_SECRET": s.ClientSecret}
		},
		"JWT bearer": func(s *sfsim.Server) map[string]string {
			return map[string]string{
				"SALESFORCE_CLIENT_ID": s.ClientID, "SALESFORCE_USERNAME": s.Username, "SALESFORCE_PRIVATE_KEY": s.PrivateKeyPEM,
				"SALESFORCE_LOGIN_URL": s.LoginURL,
			}
		},
		"access token": func(s *sfsim.Server) map[string]string {
			return map[string]string{"SALESFORCE_ACCESS_TOKEN": s.AccessToken}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim).Built() // the environment is that of the provider's own process
			cli.Env["SALESFORCE_INSTANCE_URL"] = sim.InstanceURL
			maps.Copy(cli.Env, environment(sim))
			cli.Write("main.tf", configured())
			cli.MustApply()
			if org := cli.State(tenantSecretAddress)["organization_id"]; org != sim.OrganizationID {
				t.Errorf("expected the org %s, found %v", sim.OrganizationID, org)
			}
		})
	}
}

// Credentials that are not known at plan are judged when they are: one of two sets may turn out to
// be null.
func TestAccProvider_credentialsUnknownAtPlan(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	config := func(token string) string {
		return fmt.Sprintf("\nresource \"terraform_data\" \"late\" {\n  input = { id = %q, secret = %q, token = %s "+
			"}\n}\n\nprovider \"salesforcebyok\" {\n  instance_url  = %q\n  client_id     = terraform_data.late.output.id\n  "+
			"client_secret = terraform_data.late.output.secret\n  access_token  = terraform_data.late.output.token\n}\n",
			sim.ClientID, sim.ClientSecret, token, sim.InstanceURL) + dataKey()
	}
	providerConfig(cli, config("null"))
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges || plan.Added != 2 {
		t.Errorf("expected the plan to wait for the credentials, found\n%s", plan.Output())
	}
	if n := sim.RequestCount(); n != 0 {
		t.Errorf("expected nothing to be sent, found %v", sim.Requests())
	}
	cli.MustApply()
	uploads(t, sim, 1, 1)

	both := acctest.NewCLI(t, sim)
	providerConfig(both, config(`"another"`))
	if applied := both.Apply(); !applied.Has("error", "More than one set of credentials") {
		t.Errorf("expected two sets to be refused at apply, found\n%s", applied.Output())
	}
}

// A provider block that is not known at plan plans what needs no org, and the apply makes it.
func TestAccProvider_unknownAtPlan(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(*sfsim.Server) string{
		"tenant secret": func(*sfsim.Server) string { return dataKey() },
		"version": func(s *sfsim.Server) string {
			return fmt.Sprintf("\nresource \"salesforcebyok_tenant_secret_version\" \"old\" {\n  tenant_secret_id = %q\n  "+
				"desired_status = \"ARCHIVED\"\n}\n", s.TenantSecrets()[0].ID)
		},
		"certificate": func(*sfsim.Server) string { return wrappingCertificate(`developer_name = "Wrap_2027"`) },
		"settings":    func(*sfsim.Server) string { return keySettings("enable_cache_only_keys = true") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seedOf(t, archivedKey))
			cli := acctest.NewCLI(t, sim)
			providerConfig(cli, fmt.Sprintf("\nresource \"terraform_data\" \"url\" {\n  input = %q\n}\n\nprovider "+
				"\"salesforcebyok\" {\n  instance_url  = terraform_data.url.output\n  client_id     = %q\n  client_secret = "+
				"%q\n}\n", sim.InstanceURL, sim.ClientID, sim.ClientSecret)+body(sim))
			if plan := cli.Plan(); plan.Code != acctest.PlanChanges || plan.Added != 2 {
				t.Errorf("expected a plan to create, found\n%s", plan.Output())
			}
			if n := sim.RequestCount(); n != 0 {
				t.Errorf("expected nothing to be sent, found %v", sim.Requests())
			}
			cli.MustApply()
		})
	}
}
