package salesforce

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckPermissions(t *testing.T) {
	t.Parallel()
	const all = `"PermissionsManageEncryptionKeys":true,"PermissionsManageCertificates":true,"PermissionsCustomizeApplication":true`
	one := func(row string) http.HandlerFunc {
		return answer(200, `{"totalSize":1,"done":true,"records":[{`+row+`}]}`)
	}
	unknown := fault(400, "INVALID_TYPE", "sObject type 'UserPermissionAccess' is not supported")
	describe := func(createable string) http.HandlerFunc { return answer(200, `{"createable":`+createable+`}`) }
	none := answer(200, emptyPage)
	hidden := fault(400, "INVALID_TYPE", "sObject type is not supported")
	for name, tc := range map[string]struct {
		access, describe, certificates http.HandlerFunc
		want                           Permissions
	}{
		"all":                {one(all), nil, nil, Permissions{}},
		"none":               {one(strings.ReplaceAll(all, "true", "false")), nil, nil, Permissions{Missing: []string{"Manage Encryption Keys", "Manage Certificates", "Customize Application"}}},
		"one":                {one(strings.Replace(all, "true", "false", 1)), nil, nil, Permissions{Missing: []string{"Manage Encryption Keys"}}},
		"null":               {one(`"PermissionsManageEncryptionKeys":null,"PermissionsManageCertificates":false,"PermissionsCustomizeApplication":true`), nil, nil, Permissions{Untold: []string{"Manage Encryption Keys"}, Missing: []string{"Manage Certificates"}}},
		"probe, all":         {unknown, describe("true"), none, Permissions{Untold: []string{"Customize Application"}}},
		"probe after empty":  {none, describe("true"), none, Permissions{Untold: []string{"Customize Application"}}},
		"probe, no keys":     {unknown, fault(404, "NOT_FOUND", "m"), none, Permissions{Untold: []string{"Customize Application"}, Missing: []string{"Manage Encryption Keys"}}},
		"probe, read only":   {unknown, describe("false"), none, Permissions{Untold: []string{"Customize Application"}, Missing: []string{"Manage Encryption Keys"}}},
		"probe, mute":        {unknown, answer(200, `{}`), none, Permissions{Untold: []string{"Customize Application", "Manage Encryption Keys"}}},
		"probe, no certs":    {unknown, describe("true"), hidden, Permissions{Untold: []string{"Customize Application"}, Missing: []string{"Manage Certificates"}}},
		"probe after a 403":  {fault(403, "INSUFFICIENT_ACCESS", "m"), describe("true"), none, Permissions{Untold: []string{"Customize Application"}}},
		"probe, all missing": {unknown, fault(404, "NOT_FOUND", "m"), hidden, Permissions{Untold: []string{"Customize Application"}, Missing: []string{"Manage Encryption Keys", "Manage Certificates"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, tc.access)
			if tc.describe != nil {
				o.on("GET /services/data/v62.0/sobjects/TenantSecret/describe", tc.describe)
				o.on("GET /services/data/v62.0/tooling/query", tc.certificates)
			}
			c, _, _ := o.client()
			got, err := c.CheckPermissions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			for _, r := range o.seen() {
				if r.method != http.MethodGet {
					t.Errorf("%s %s is no read", r.method, r.path)
				}
			}
			q, err := url.ParseQuery(o.seen()[0].query)
			if err != nil || q.Get("q") != "SELECT PermissionsManageEncryptionKeys,PermissionsManageCertificates,PermissionsCustomizeApplication FROM UserPermissionAccess" {
				t.Errorf("query %v", q)
			}
		})
	}
}

func TestCheckPermissionsFails(t *testing.T) {
	t.Parallel()
	down := answer(503, ``)
	unknown := fault(400, "INVALID_TYPE", "m")
	for name, handlers := range map[string][3]http.HandlerFunc{
		"access":       {down},
		"limit":        {fault(403, "REQUEST_LIMIT_EXCEEDED", "m")},
		"malformed":    {answer(200, `[]`)},
		"describe":     {unknown, down},
		"certificates": {unknown, answer(200, `{"createable":true}`), down},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			for i, route := range []string{queryRoute, "GET /services/data/v62.0/sobjects/TenantSecret/describe", "GET /services/data/v62.0/tooling/query"} {
				if handlers[i] != nil {
					o.on(route, handlers[i])
				}
			}
			c, _, _ := o.client()
			if _, err := c.CheckPermissions(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
}
