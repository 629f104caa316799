package salesforce

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
)

// TestWire pins the first request of every operation, so that a change of what
// goes to Salesforce shows in one place.
func TestWire(t *testing.T) {
	t.Parallel()
	const data = "/services/data/v63.0"
	for name, want := range map[string]struct {
		method, path, query, body string
	}{
		"list": {
			"GET", data + "/query",
			"q=SELECT Id,Description,KeyDerivationMode,RemoteKeyCertificate,RemoteKeyIdentifier,RemoteKeyServiceId," +
				"SecretValueCertificate,SecretValueHash,Source,Status,Type,Version,CreatedDate,CreatedById,LastModifiedDate,LastModifiedById FROM TenantSecret", "",
		},
		"get": {
			"GET", data + "/sobjects/TenantSecret/" + testRecord,
			"fields=Id,Description,KeyDerivationMode,RemoteKeyCertificate,RemoteKeyIdentifier,RemoteKeyServiceId," +
				"SecretValueCertificate,SecretValueHash,Source,Status,Type,Version,CreatedDate,CreatedById,LastModifiedDate,LastModifiedById", "",
		},
		"export": {
			"GET", data + "/sobjects/TenantSecret/" + testRecord,
			"fields=Id,Description,KeyDerivationMode,RemoteKeyCertificate,RemoteKeyIdentifier,RemoteKeyServiceId," +
				"SecretValueCertificate,SecretValueHash,Source,Status,Type,Version,CreatedDate,CreatedById,LastModifiedDate,LastModifiedById,SecretValue", "",
		},
		"create": {
			"POST", data + "/sobjects/TenantSecret", "",
			`{"Type":"Data","SecretValue":"` + leakMaterial +
				`","SecretValueHash":"aA==","SecretValueCertificate":"C","Source":"UPLOADED"}`,
		},
		"update":  {"PATCH", data + "/sobjects/TenantSecret/" + testRecord, "", `{"Description":"x"}`},
		"destroy": {"PATCH", data + "/sobjects/TenantSecret/" + testRecord, "", `{"Status":"DESTROYED"}`},
		"restore": {
			"PATCH", data + "/sobjects/TenantSecret/" + testRecord, "",
			`{"Status":"ARCHIVED","SecretValue":"` + leakExport + `"}`,
		},
		"reactivate": {"PATCH", data + "/sobjects/TenantSecret/" + testRecord, "", `{"Status":"ACTIVE"}`},
		"certificates": {"GET", data + "/tooling/query", "q=SELECT " +
			"Id,DeveloperName,MasterLabel,ExpirationDate,CreatedDate,KeySize,OptionsIsCaSigned,OptionsIsEncryptedWithPE,OptionsIsPrivateKeyExportable,OptionsIsUnusable,OptionsIsUsingKMS FROM Certificate", ""},
		"chain": {"GET", data + "/tooling/sobjects/Certificate/" + testCertificate + "/CertificateChain", "", ""},
		"organization": {"GET", data + "/query", "q=SELECT Id,Name,OrganizationType,InstanceName,IsSandbox FROM " +
			"Organization", ""},
		"versions": {"GET", "/services/data/", "", ""},
		"describe": {"GET", data + "/sobjects/TenantSecret/describe", "", ""},
		"query":    {"GET", data + "/tooling/query", "q=SELECT Id FROM X", ""},
		"finish": {
			"POST", data + "/sobjects/DataEncryptionKey", "",
			`{"SecretValue":"` + leakMaterial + `","SessionToken":"` + leakSession + `","Type":"x"}`,
		},
		"root keys": {"GET", data + "/query", "q=SELECT " +
			"Id,ActivatedDate,Description,Region,RootKeyIdentifier,RootKeyService,Status FROM ExternalEncryptionRootKey", ""},
		"events": {"GET", data + "/query", "q=SELECT Id,LogDate FROM EventLogFile WHERE EventType = " +
			"'PlatformEncryption'", ""},
		"permissions": {"GET", data + "/query", "q=SELECT " +
			"PermissionsManageEncryptionKeys,PermissionsManageCertificates,PermissionsCustomizeApplication,PermissionsModifyMetadata,PermissionsModifyAllData FROM UserPermissionAccess", ""},
		"deploy":   {"POST", data + "/metadata/deployRequest", "", ""},
		"content":  {"POST", "/services/Soap/m/63.0", "", ""},
		"settings": {"POST", "/services/Soap/m/63.0", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var first *http.Request
			var body bytes.Buffer
			c := inMemory(t, func(r *http.Request) (*http.Response, error) {
				if first == nil {
					first = r
					if r.Body != nil {
						if _, err := body.ReadFrom(r.Body); err != nil {
							t.Error(err)
						}
					}
				}
				return page(400, `[{"errorCode":"X","message":"m"}]`), nil
			}, func(cfg *Config) { cfg.APIVersion = "63.0" })
			if err := everyCall[name](t.Context(), c); err == nil {
				t.Error("no error")
			}
			if first == nil {
				t.Fatal("nothing was sent")
			}
			query, err := url.QueryUnescape(first.URL.RawQuery)
			if err != nil {
				t.Error(err)
			}
			if first.Method != want.method || first.URL.Path != want.path || query != want.query {
				t.Errorf("%s %s?%s", first.Method, first.URL.Path, query)
			}
			if want.body != "" && body.String() != want.body {
				t.Errorf("body %s", body.String())
			}
			if want.method == http.MethodGet && body.Len() > 0 {
				t.Errorf("a GET with the body %s", body.String())
			}
			wantAuthorization := "Bearer " + testToken
			if name == "versions" {
				wantAuthorization = ""
			}
			if got := first.Header.Get("Authorization"); got != wantAuthorization {
				t.Errorf("authorization %q", got)
			}
		})
	}
}

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"https://x.example", "https://X.example:443/path", true},
		{"http://127.0.0.1", "http://127.0.0.1:80", true},
		{"https://x.example", "http://x.example", false},
		{"https://x.example", "https://x.example:8443", false},
		{"https://x.example", "https://x.example.evil", false},
		{"https://x.example:443", "http://x.example:443", false},
	} {
		a, errA := url.Parse(tc.a)
		b, errB := url.Parse(tc.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if sameOrigin(a, b) != tc.want || sameOrigin(b, a) != tc.want {
			t.Errorf("%s and %s: want %v", tc.a, tc.b, tc.want)
		}
	}
}
