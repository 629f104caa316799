package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const queryAddress = "data.salesforcebyok_query.x"

func expectQuery(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(queryAddress, tfjsonpath.New(name), value)
}

// recordsCheck decodes records_json and looks at it.
func recordsCheck(check func(records []map[string]any) error) statecheck.StateCheck {
	return acctest.StateFunc(queryAddress, func(shown map[string]any) error {
		text, _ := shown["records_json"].(string)
		var records []map[string]any
		if err := json.Unmarshal([]byte(text), &records); err != nil {
			return fmt.Errorf("records_json: %w", err)
		}

		return check(records)
	})
}

func TestAccQueryDataSource(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, history))
	reads(t, sim,
		`data "salesforcebyok_query" "x" { soql = "SELECT Id, Type, SecretValueHash FROM TenantSecret WHERE Source = 'UPLOADED'" }`,
		expectQuery("total_size", knownvalue.Int64Exact(1)),
		recordsCheck(func(records []map[string]any) error {
			attributes, _ := records[0]["attributes"].(map[string]any)
			if len(records) != 1 || records[0]["SecretValueHash"] != seededHash || records[0]["Type"] != "Data" ||
				attributes["type"] != "TenantSecret" {
				return fmt.Errorf("expected the uploaded record with its attributes, found %v", records)
			}

			return nil
		}),
	)
}

func TestAccQueryDataSource_tooling(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	reads(t, sim, `
data "salesforcebyok_query" "x" {
  soql    = "SELECT DeveloperName FROM Certificate ORDER BY DeveloperName"
  tooling = true
}
`,
		expectQuery("total_size", knownvalue.Int64Exact(2)),
		recordsCheck(func(records []map[string]any) error {
			if len(records) != 2 || records[0]["DeveloperName"] != "Sim_BYOK" {
				return fmt.Errorf("expected two certificates, found %v", records)
			}

			return nil
		}),
	)
}

// All pages are read, and their order is kept.
func TestAccQueryDataSource_paging(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, "tenant_secrets: [{type: Data, count: 31, status: ARCHIVED}]\nsettings: "+
		"{page_size: 4}\n"))
	reads(t, sim, `data "salesforcebyok_query" "x" { soql = "SELECT Version FROM TenantSecret ORDER BY Version DESC" }`,
		expectQuery("total_size", knownvalue.Int64Exact(31)),
		recordsCheck(func(records []map[string]any) error {
			if len(records) != 31 {
				return fmt.Errorf("expected 31 records, found %d", len(records))
			}
			for i := range records[1:] {
				newer, _ := records[i]["Version"].(float64)
				if older, _ := records[i+1]["Version"].(float64); older == 0 || newer != older+1 {
					return fmt.Errorf("expected descending versions, found %v", records)
				}
			}

			return nil
		}),
	)
}

func TestAccQueryDataSource_noRecords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		soql  string
		total int64
	}{
		"none matches": {"SELECT Id FROM TenantSecret WHERE Type = 'Analytics'", 0},
		"count":        {"SELECT COUNT() FROM TenantSecret", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seeded(t, history))
			reads(t, sim, `data "salesforcebyok_query" "x" { soql = "`+tc.soql+`" }`,
				expectQuery("total_size", knownvalue.Int64Exact(tc.total)),
				expectQuery("records_json", knownvalue.StringExact("[]")))
		})
	}
}

// What Salesforce says of a query is shown at the query.
func TestAccQueryDataSource_refused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ soql, want string }{
		"syntax":         {"SELECT FROM", "MALFORMED_QUERY"},
		"unknown field":  {"SELECT Nonsense FROM TenantSecret", "INVALID_FIELD"},
		"unknown object": {"SELECT Id FROM Nonsense", "INVALID_TYPE"},
		// [D ObjRef]: these can't be filtered.
		"filter on the hash": {"SELECT Id FROM TenantSecret WHERE SecretValueHash = 'x'", "INVALID_FIELD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			refuses(t, sim, `data "salesforcebyok_query" "x" { soql = "`+tc.soql+`" }`,
				acctest.AttributeError("soql", "Unable to run the query", tc.want))
		})
	}
}

// A failure that is not the query's is not put down to it.
func TestAccQueryDataSource_fails(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	if err := sim.AddFault(sfsim.Fault{
		Query: "FROM Organization", Status: http.StatusForbidden,
		ErrorCode: "REQUEST_LIMIT_EXCEEDED",
	}); err != nil {
		t.Fatal(err)
	}
	refuses(t, sim, `data "salesforcebyok_query" "x" { soql = "SELECT Id FROM Organization" }`,
		regexp.MustCompile(`(?s)Unable to run the query\s[│\s]*with data.salesforcebyok_query.x,.*REQUEST_LIMIT_EXCEEDED`))
}

// What must not be in state is null there, however the query has come by it, and a warning says so.
func TestAccQueryDataSource_secretsAreLeftOut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ soql, field string }{
		"named":        {"SELECT Id, SecretValue FROM TenantSecret WHERE Source = 'UPLOADED'", "SecretValue"},
		"another case": {"select id, secretvalue from tenantsecret where source = 'UPLOADED'", "SecretValue"},
		"all fields":   {"SELECT FIELDS(ALL) FROM TenantSecret WHERE Source = 'UPLOADED' LIMIT 10", "SecretValue"},
		"token":        {"SELECT FIELDS(ALL) FROM DataEncryptionKey LIMIT 10", "SessionToken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seedOf(t, archivedKey), sfsim.WithConfiguration(func(s *sfsim.Settings,
				_ *sfsim.Permissions,
			) {
				s.Hyperforce = true
			}))
			cli := acctest.NewCLI(t, sim)
			body := "\ndata \"salesforcebyok_query\" \"x\" { soql = \"" + tc.soql + "\" }\n"
			if tc.field == "SessionToken" {
				beginDataKey(t, sim)
				body = "\nprovider \"salesforcebyok\" {\n  instance_url = " + strconv.Quote(sim.InstanceURL) +
					"\n  access_token = " + strconv.Quote(sim.AccessToken) + "\n  api_version = \"63.0\"\n}\n" + body
				providerConfig(cli, body)
			} else {
				cli.Config(body)
			}
			applied := cli.Apply()
			if applied.Code != 0 || !applied.Has("warning", "Secrets of the result are left out",
				"salesforcebyok_tenant_secret_export") {
				t.Fatalf("expected a warning, found\n%s", applied.Output())
			}
			text, _ := cli.State("data.salesforcebyok_query.x")["records_json"].(string)
			var records []map[string]any
			if err := json.Unmarshal([]byte(text), &records); err != nil || len(records) == 0 {
				t.Fatalf("%s: %v", text, err)
			}
			for _, record := range records {
				if value, there := record[tc.field]; !there || value != nil {
					t.Errorf("%s is %v in %v", tc.field, value, record)
				}
			}
		})
	}
}

// beginDataKey makes a temporary data encryption key, which has a session token.
func beginDataKey(t *testing.T, sim *sfsim.Server) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		sim.InstanceURL+"/services/data/v63.0/sobjects/DataEncryptionKey",
		strings.NewReader(`{"Type":"search index","DataEncryptionKeyCertName":"Sim_DEK"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sim.AccessToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatal(resp.Status)
	}
}

func TestAccQueryDataSource_empty(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	refuses(t, sim, `data "salesforcebyok_query" "x" { soql = "" }`,
		acctest.ErrorText("Attribute soql string length must be at least 1"))
	unsent(t, sim)
}

// An empty list of what Salesforce hides says when a missing permission may be why, and only then.
func TestAccQueryDataSource_hidden(t *testing.T) {
	t.Parallel()
	const summary = "Missing permissions may hide records"
	deny := func(p *sfsim.Permissions) {
		p.ManageEncryptionKeys, p.ManageCertificates, p.DeniedAsEmpty = false, false, true
	}
	for name, test := range map[string]struct {
		query string
		deny  func(*sfsim.Permissions)
		words string
	}{
		"keys": {
			`soql = "SELECT Id FROM TenantSecret"`, deny,
			"lacks Manage Encryption Keys, Manage Certificates",
		},
		"count": {`soql = "SELECT COUNT() FROM tenantsecret"`, deny, "lacks Manage Encryption Keys"},
		"certificates": {
			"tooling = true\n soql = \"SELECT Id FROM Certificate\"", deny,
			"lacks Manage Encryption Keys, Manage Certificates",
		},
		"none of that name": {
			`soql = "SELECT Id FROM TenantSecret WHERE Type = 'EventBus'"`,
			func(*sfsim.Permissions) {}, "",
		},
		"another object": {`soql = "SELECT Id FROM User WHERE Username = 'x'"`, deny, ""},
		"only Modify Metadata": {`soql = "SELECT Id FROM TenantSecret WHERE Type = 'EventBus'"`, func(p *sfsim.Permissions) {
			p.ModifyMetadata = false
		}, ""},
		"records are there anyway": {`soql = "SELECT Id FROM TenantSecret"`, func(p *sfsim.Permissions) {
			p.CustomizeApplication = false
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli := acctest.NewCLI(t, acctest.StartSim(t, denied(test.deny)))
			cli.Config("\ndata \"salesforcebyok_query\" \"x\" {\n" + test.query + "\n}\n")
			plan := cli.Plan()
			if test.words == "" {
				if slices.Contains(plan.Summaries("warning"), summary) {
					t.Errorf("expected no warning, found\n%s", plan.Output())
				}

				return
			}
			expectWarning(t, plan, summary, test.words, "missing_permissions")
		})
	}
}
