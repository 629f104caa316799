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
	const all = `"PermissionsManageEncryptionKeys":true,"PermissionsManageCertificates":true,"PermissionsCustomizeApplication":true,"PermissionsModifyMetadata":true,"PermissionsModifyAllData":true`
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
		"all": {one(all), nil, nil, Permissions{}},
		"none": {
			one(strings.ReplaceAll(all, "true", "false")), nil, nil,
			Permissions{Missing: []string{"Manage Encryption Keys", "Manage Certificates", "Customize Application", modify}},
		},
		"one": {
			one(strings.Replace(all, "true", "false", 1)), nil, nil,
			Permissions{Missing: []string{"Manage Encryption Keys"}},
		},
		"null": {one(`"PermissionsManageEncryptionKeys":null,"PermissionsManageCertificates":false,"PermissionsCustomizeApplication":true,"PermissionsModifyMetadata":false,"PermissionsModifyAllData":true`), nil, nil, Permissions{Undetermined: []string{"Manage Encryption Keys"}, Missing: []string{"Manage Certificates"}}},
		"probe, all": {
			unknown, describe("true"), none,
			Permissions{Undetermined: []string{"Customize Application", modify}},
		},
		"probe after empty": {none, describe("true"), none, Permissions{Undetermined: []string{
			"Customize Application",
			modify,
		}}},
		"probe, no keys": {
			unknown, fault(404, "NOT_FOUND", "m"), none,
			Permissions{Undetermined: []string{"Customize Application", modify}, Missing: []string{"Manage Encryption Keys"}},
		},
		"probe, read only": {
			unknown, describe("false"), none,
			Permissions{Undetermined: []string{"Customize Application", modify}, Missing: []string{"Manage Encryption Keys"}},
		},
		"probe, mute": {
			unknown, answer(200, `{}`), none,
			Permissions{Undetermined: []string{"Customize Application", modify, "Manage Encryption Keys"}},
		},
		"probe, no certs": {
			unknown, describe("true"), hidden,
			Permissions{Undetermined: []string{"Customize Application", modify}, Missing: []string{"Manage Certificates"}},
		},
		"probe after a 403": {
			fault(403, "INSUFFICIENT_ACCESS", "m"), describe("true"), none,
			Permissions{Undetermined: []string{"Customize Application", modify}},
		},
		"probe, all missing": {
			unknown, fault(404, "NOT_FOUND", "m"), hidden,
			Permissions{
				Undetermined: []string{"Customize Application", modify},
				Missing:      []string{"Manage Encryption Keys", "Manage Certificates"},
			},
		},
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
			if err != nil ||
				q.Get("q") != "SELECT PermissionsManageEncryptionKeys,PermissionsManageCertificates,PermissionsCustomizeApplication,PermissionsModifyMetadata,PermissionsModifyAllData FROM UserPermissionAccess" {
				t.Errorf("query %v", q)
			}
		})
	}
}

// TestCheckPermissionsOfAnOldOrg: an org that does not know the fields of Modify Metadata is asked
// for the others.
func TestCheckPermissionsOfAnOldOrg(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, fault(400, "INVALID_FIELD", "No such column 'PermissionsModifyMetadata'"),
		answer(200,
			`{"totalSize":1,"done":true,"records":[{"PermissionsManageEncryptionKeys":true,"PermissionsManageCertificates":false,"PermissionsCustomizeApplication":true}]}`))
	c, _, _ := o.client()
	got, err := c.CheckPermissions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Permissions{Missing: []string{"Manage Certificates"}, Undetermined: []string{modify}},
		got); diff != "" {
		t.Error(diff)
	}
	if q, err := url.ParseQuery(o.seen()[1].query); err != nil || strings.Contains(q.Get("q"), "Modify") {
		t.Errorf("query %v", q)
	}
}

const modify = "Modify Metadata Through Metadata API Functions"

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
			for i, route := range []string{
				queryRoute, "GET /services/data/v62.0/sobjects/TenantSecret/describe",
				"GET /services/data/v62.0/tooling/query",
			} {
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
