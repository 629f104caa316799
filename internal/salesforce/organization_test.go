package salesforce

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGetOrganization(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, `{"totalSize":1,"done":true,"records":[{"Id":"`+testOrg[:15]+
		`","Name":"Acme","OrganizationType":"Enterprise Edition","InstanceName":"NA139","IsSandbox":true}]}`))
	c, _, _ := o.client()
	got, err := c.GetOrganization(t.Context())
	want := Organization{
		ID: testOrg, Name: "Acme", OrganizationType: "Enterprise Edition", InstanceName: "NA139",
		IsSandbox: true,
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestGetOrganizationRefusesOtherThanOne(t *testing.T) {
	t.Parallel()
	for name, records := range map[string]string{
		"none": "", "two": `{"Id":"` + testOrg + `"},{"Id":"` + testOrg + `"}`,
		"bad id": `{"Id":"x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, answer(200, `{"totalSize":1,"done":true,"records":[`+records+`]}`))
			c, _, _ := o.client()
			if _, err := c.GetOrganization(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestAPIVersions(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("GET /services/data/", answer(200,
		`[{"label":"x","url":"/services/data/v100.0","version":"100.0"},{"label":"Summer '14","url":"/services/data/v31.0","version":"31.0"},{"version":"62.0"},{"label":"none"}]`))
	c, _, _ := o.client()
	got, err := c.APIVersions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"31.0", "62.0", "100.0"}, got); diff != "" {
		t.Error(diff)
	}
	if r := o.seen()[0]; r.header.Get("Authorization") != "" || o.loginCount() != 0 {
		t.Error("the list of versions needs no token")
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for route, tooling := range map[string]bool{
		"GET /services/data/v62.0/sobjects/TenantSecret/describe":         false,
		"GET /services/data/v62.0/tooling/sobjects/TenantSecret/describe": true,
	} {
		o := newOrg(t)
		o.on(route, answer(200, `{"name":"TenantSecret","keyPrefix":"02G"}`), answer(200, `[]`))
		c, _, _ := o.client()
		got, err := c.Describe(t.Context(), "TenantSecret", tooling)
		if err != nil || string(got) != `{"name":"TenantSecret","keyPrefix":"02G"}` {
			t.Errorf("%s: %s, %v", route, got, err)
		}
		var bad *ReplyError
		if _, err := c.Describe(t.Context(), "TenantSecret", tooling); !errors.As(err, &bad) {
			t.Errorf("%s: a list as description: %v", route, err)
		}
	}
	o := newOrg(t)
	c, _, _ := o.client()
	for _, name := range []string{"", "../query", "a b", "1x", "x/describe", strings.Repeat("x", 200)} {
		if _, err := c.Describe(t.Context(), name, false); err == nil {
			t.Errorf("%q: no error", name)
		}
	}
	if len(o.seen()) != 0 {
		t.Error("something was sent")
	}
}

// TestIDsOfServersAreComparedByTheirFirstPart: a server may send ids of 18
// characters whose checksum does not fit.
func TestIDsOfServersAreComparedByTheirFirstPart(t *testing.T) {
	t.Parallel()
	odd := testRecord[:15] + "AAA"
	oddOrg := testOrg[:15] + "AAA"
	o := newOrg(t)
	o.login = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		encode(t, w, map[string]string{
			"access_token": "t", "instance_url": o.URL,
			"id": "https://x/id/" + oddOrg + "/" + testUser,
		})
	}
	o.on("GET "+rowRoute, answer(200, strings.Replace(fullRow, `"Id":"`+testRecord, `"Id":"`+odd, 1)))
	c, _, _ := o.client(func(cfg *Config) { cfg.OrganizationID = testOrg })
	record, err := c.GetTenantSecret(t.Context(), testRecord)
	if err != nil || record.ID != odd {
		t.Errorf("%s, %v", record.ID, err)
	}
}
