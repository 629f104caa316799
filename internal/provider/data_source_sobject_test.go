package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const sobjectAddress = "data.salesforcebyok_sobject.x"

func expectSObject(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(sobjectAddress, tfjsonpath.New(name), value)
}

func TestAccSObjectDataSource(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, prefix                      string
		createable, updateable, deletable bool
	}{
		"TenantSecret": {`name = "TenantSecret"`, "02G", true, true, false},
		"Certificate":  {"name = \"Certificate\"\ntooling = true", "0P1", false, false, false},
		"Organization": {"name = \"Organization\"\ntooling = false", "00D", false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			reads(t, sim, "data \"salesforcebyok_sobject\" \"x\" {\n"+tc.body+"\n}\n",
				expectSObject("key_prefix", knownvalue.StringExact(tc.prefix)),
				expectSObject("createable", knownvalue.Bool(tc.createable)),
				expectSObject("updateable", knownvalue.Bool(tc.updateable)),
				expectSObject("queryable", knownvalue.Bool(true)),
				expectSObject("deletable", knownvalue.Bool(tc.deletable)),
				acctest.StateFunc(sobjectAddress, func(shown map[string]any) error {
					text, _ := shown["describe_json"].(string)
					var description struct {
						Name   string           `json:"name"`
						Fields []map[string]any `json:"fields"`
					}
					if err := json.Unmarshal([]byte(text), &description); err != nil || description.Name != name ||
						len(description.Fields) == 0 {
						return fmt.Errorf("expected the description of %s, found %.100q (%w)", name, text, err)
					}

					return nil
				}),
			)
		})
	}
}

func TestAccSObjectDataSource_notFound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body, detail string
		options      []sfsim.Option
	}{
		"unknown": {`name = "Nonsense"`, "Expected an object Nonsense in the data API of version 62.0 in org " +
			"00D", nil},
		"of the tooling API": {`name = "Certificate"`, "It may belong to the Tooling API (tooling = true)", nil},
		"of the data API": {
			"name = \"TenantSecret\"\ntooling = true",
			"It may belong to the data API (tooling = false)", nil,
		},
		"hidden from the user": {
			`name = "TenantSecret"`, "user has Manage Encryption Keys",
			[]sfsim.Option{denied(func(p *sfsim.Permissions) {
				p.ManageEncryptionKeys = false
			})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartLenientSim(t, tc.options...)
			refuses(t, sim, "data \"salesforcebyok_sobject\" \"x\" {\n"+tc.body+"\n}\n",
				acctest.AttributeError("name", "No such object", tc.detail))
		})
	}
}

func TestAccSObjectDataSource_fails(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	if err := sim.AddFault(sfsim.Fault{
		Path: "describe", Status: http.StatusForbidden,
		ErrorCode: "INSUFFICIENT_ACCESS",
	}); err != nil {
		t.Fatal(err)
	}
	refuses(t, sim, `data "salesforcebyok_sobject" "x" { name = "TenantSecret" }`,
		acctest.ErrorText("Unable to describe the object"))
}

func TestAccSObjectDataSource_badInput(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"empty": "", "path": "TenantSecret/02G", "query": "TenantSecret?x=1", "dots": "..", "quote": "x' OR Id != '",
		"space": "Tenant Secret", "escape": "Tenant%2F",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			refuses(t, sim, `data "salesforcebyok_sobject" "x" { name = "`+value+`" }`,
				acctest.AttributeError("name", "Invalid name of an object", "Expected the API name of an object"))
			unsent(t, sim)
		})
	}
}
