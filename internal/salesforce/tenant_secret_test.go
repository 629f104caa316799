package salesforce

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// fullRow is the row of a published guide [V FtxDoc 6.6], with ids made whole.
const fullRow = `{"attributes":{"type":"TenantSecret","url":"/services/data/v50.0/sobjects/TenantSecret/` + testRecord +
	`"},
"Id":"` + testRecord + `","IsDeleted":false,"CreatedDate":"2020-12-29T18:55:49.000+0000","CreatedById":"` + testUser +
	`",
"LastModifiedDate":"2020-12-30T18:55:49.000+0000","LastModifiedById":"` + testUser + `",
"SystemModstamp":"2020-12-29T18:55:49.000+0000","Description":"Salesforce Data Key 20201229T185546Z",
"SecretValue":"CgMexported","SecretValueHash":"ESP=","SecretValueCertificate":null,"Status":"Active","Type":"Data","Version":6,"Source":"uploaded",
"KeyDerivationMode":"PBKDF2","RemoteKeyIdentifier":null,"RemoteKeyServiceId":null,"RemoteKeyCertificate":null}`

var fullRecord = TenantSecret{
	ID: testRecord, Description: "Salesforce Data Key 20201229T185546Z", KeyDerivationMode: "PBKDF2",
	SecretValueHash: "ESP=", Source: SourceUploaded, Status: StatusActive, Type: "Data", Version: 6,
	CreatedDate: time.Date(2020, 12, 29, 18, 55, 49, 0, time.UTC), CreatedByID: testUser,
	LastModifiedDate: time.Date(2020, 12, 30, 18, 55, 49, 0, time.UTC), LastModifiedByID: testUser,
}

func TestListTenantSecrets(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	const next = "/services/data/v62.0/query/01gRO0000016PIAYA2-500"
	o.on(queryRoute, answer(200, `{"totalSize":4,"done":false,"nextRecordsUrl":"`+next+`","records":[`+
		`{"Id":"`+testRecord+`","Type":"Data","Version":12.0,"Status":"ARCHIVED"},`+fullRow+`]}`,
		"Date", "Sat, 21 Nov 2026 12:00:00 GMT"))
	o.on("GET "+next, answer(200, `{"totalSize":4,"done":true,"records":[`+
		`{"id":"`+testRecord2+
		`","TYPE":"Analytics","version":"3","status":null,"SecretValueHash":"UNKNOWM=","Novel":{"x":[1]}},`+
		`{"Id":"`+testRecord2[:15]+`","Type":"Data","Version":1,"Status":"Destroyed","Source":"HSM"}]}`))
	c, _, _ := o.client()
	list, err := c.ListTenantSecrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := TenantSecrets{
		ServerTime: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		Records: []TenantSecret{
			{ID: testRecord2, Type: "Analytics", Version: 3, SecretValueHash: UnknownHash},
			{ID: testRecord2, Type: "Data", Version: 1, Status: StatusDestroyed, Source: SourceHSM},
			fullRecord,
			{ID: testRecord, Type: "Data", Version: 12, Status: StatusArchived},
		},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	requests := o.seen()
	q, err := url.ParseQuery(requests[0].query)
	if err != nil {
		t.Fatal(err)
	}
	const soql = "SELECT Id,Description,KeyDerivationMode,RemoteKeyCertificate,RemoteKeyIdentifier,RemoteKeyServiceId," +
		"SecretValueCertificate,SecretValueHash,Source,Status,Type,Version,CreatedDate,CreatedById,LastModifiedDate,LastModifiedById FROM TenantSecret"
	if q.Get("q") != soql || len(q) != 1 {
		t.Errorf("query %v", q)
	}
	if requests[1].query != "" {
		t.Errorf("the next page was asked for with %q", requests[1].query)
	}
}

func TestListTenantSecretsRefusesWhatItCannotTrust(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, text string }{
		"short": {
			`{"totalSize":2,"done":true,"records":[{"Id":"` + testRecord + `","Type":"Data","Version":1}]}`,
			"counted 2 records but sent 1",
		},
		"no id":      {`{"totalSize":1,"done":true,"records":[{"Type":"Data","Version":1}]}`, "Id of a tenant secret"},
		"no version": {`{"totalSize":1,"done":true,"records":[{"Id":"` + testRecord + `","Type":"Data"}]}`, "has no Version"},
		"no type":    {`{"totalSize":1,"done":true,"records":[{"Id":"` + testRecord + `","Version":1}]}`, "has no Type"},
		"bad date": {`{"totalSize":1,"done":true,"records":[{"Id":"` + testRecord +
			`","Type":"Data","Version":1,"CreatedDate":"soon"}]}`, "unknown form"},
		"bad number": {
			`{"totalSize":1,"done":true,"records":[{"Id":"` + testRecord + `","Type":"Data","Version":1.5}]}`,
			"whole number",
		},
		"bad string": {`{"totalSize":1,"done":true,"records":[{"Id":7,"Type":"Data","Version":1}]}`, "unexpected type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, answer(200, tc.body))
			c, _, _ := o.client()
			_, err := c.ListTenantSecrets(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want %q in it", err, tc.text)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func TestServerTimeFallsBack(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, emptyPage, "Date", "not a date"))
	c, _, _ := o.client()
	local := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c.now = func() time.Time { return local }
	list, err := c.ListTenantSecrets(t.Context())
	if err != nil || !list.ServerTime.Equal(local) {
		t.Errorf("%s, %v", list.ServerTime, err)
	}
}

func TestGetTenantSecret(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("GET "+rowRoute, answer(200, fullRow))
	c, _, _ := o.client()
	for _, id := range []string{testRecord, testRecord[:15]} {
		got, err := c.GetTenantSecret(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fullRecord, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, r := range o.seen() {
		fields, err := url.ParseQuery(r.query)
		if err != nil {
			t.Fatal(err)
		}
		for field := range strings.SplitSeq(fields.Get("fields"), ",") {
			if field == "SecretValue" {
				t.Error("a refresh asked for SecretValue")
			}
		}
		if !strings.HasPrefix(r.query, "fields=Id,Description,") {
			t.Errorf("query %s", r.query)
		}
	}
}

func TestExportTenantSecret(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("GET "+rowRoute, answer(200, fullRow), answer(200, strings.Replace(fullRow, `"CgMexported"`, "null", 1)))
	c, _, _ := o.client()
	got, err := c.ExportTenantSecret(t.Context(), testRecord)
	if err != nil {
		t.Fatal(err)
	}
	if got.SecretValue.Expose() != "CgMexported" || got.TenantSecret != fullRecord {
		t.Errorf("export %v", got.TenantSecret)
	}
	if !strings.HasSuffix(o.seen()[0].query, ",SecretValue") {
		t.Errorf("query %s", o.seen()[0].query)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", got, got, got), "CgMexported") {
		t.Error("the export prints")
	}
	if got, err = c.ExportTenantSecret(t.Context(), testRecord); err != nil || !got.SecretValue.IsZero() {
		t.Errorf("export of a null: %v, zero %v", err, got.SecretValue.IsZero())
	}
	if strings.Contains(strings.Join(tenantSecretColumns, ","), "SecretValue,") {
		t.Error("the export changed the columns of every read")
	}
}

func TestGetTenantSecretRefusesAnotherRecord(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("GET "+rowRoute, answer(200, strings.Replace(fullRow, `"Id":"`+testRecord, `"Id":"`+testRecord2, 1)))
	c, _, _ := o.client()
	_, err := c.GetTenantSecret(t.Context(), testRecord)
	if err == nil || !strings.Contains(err.Error(), "another record") {
		t.Errorf("error %v", err)
	}
}

func TestCreateTenantSecret(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secret NewTenantSecret
		body   string
	}{
		"uploaded": {
			upload,
			`{"Type":"Data","Description":"d [tf:1.0]","SecretValue":"d3JhcHBlZCBtYXRlcmlhbA==","SecretValueHash":"aGFzaA==",` +
				`"SecretValueCertificate":"My_Cert","Source":"UPLOADED","KeyDerivationMode":"PBKDF2"}`,
		},
		"uploaded, least": {
			UploadedTenantSecret{Type: "Data", SecretValue: "dg==", SecretValueHash: "aA==", Certificate: "C"},
			`{"Type":"Data","SecretValue":"dg==","SecretValueHash":"aA==","SecretValueCertificate":"C","Source":"UPLOADED"}`,
		},
		"generated": {GeneratedTenantSecret{Type: "EventBus", Description: "d"}, `{"Type":"EventBus","Description":"d"}`},
		"remote": {
			RemoteTenantSecret{
				Type: "Data", Description: "d", RemoteKeyIdentifier: "kid", RemoteKeyServiceID: "0XA",
				RemoteKeyCertificate: "C",
			},
			`{"Type":"Data","Description":"d","Source":"REMOTE","RemoteKeyIdentifier":"kid","RemoteKeyServiceId":"0XA","RemoteKeyCertificate":"C"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(createRoute, answer(201, strings.Replace(created, testRecord, testRecord[:15], 1)))
			c, _, _ := o.client()
			id, err := c.CreateTenantSecret(t.Context(), tc.secret)
			if err != nil || id != testRecord {
				t.Fatalf("%q, %v", id, err)
			}
			if r := o.seen()[0]; r.body != tc.body || r.query != "" {
				t.Errorf("body %s, query %q", r.body, r.query)
			}
		})
	}
}

// TestNothingWithoutMaterialIsSent: Salesforce takes a POST without SecretValue
// for an order to generate a key.
func TestNothingWithoutMaterialIsSent(t *testing.T) {
	t.Parallel()
	without := func(change func(*UploadedTenantSecret)) NewTenantSecret {
		s := upload
		change(&s)
		return s
	}
	for name, s := range map[string]NewTenantSecret{
		"nothing":        nil,
		"zero":           UploadedTenantSecret{},
		"no value":       without(func(s *UploadedTenantSecret) { s.SecretValue = "" }),
		"blank value":    without(func(s *UploadedTenantSecret) { s.SecretValue = " \n" }),
		"no hash":        without(func(s *UploadedTenantSecret) { s.SecretValueHash = "" }),
		"no certificate": without(func(s *UploadedTenantSecret) { s.Certificate = "" }),
		"no type":        without(func(s *UploadedTenantSecret) { s.Type = "" }),
		"HSM, no type":   GeneratedTenantSecret{},
		"no kid":         RemoteTenantSecret{Type: "Data", RemoteKeyServiceID: "0XA", RemoteKeyCertificate: "C"},
		"no service":     RemoteTenantSecret{Type: "Data", RemoteKeyIdentifier: "kid", RemoteKeyCertificate: "C"},
		"no remote cert": RemoteTenantSecret{Type: "Data", RemoteKeyIdentifier: "kid", RemoteKeyServiceID: "0XA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			c, _, _ := o.client()
			if _, err := c.CreateTenantSecret(t.Context(), s); err == nil {
				t.Error("no error")
			}
			if len(o.seen()) != 0 || o.loginCount() != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestChangesOfATenantSecret(t *testing.T) {
	t.Parallel()
	text, empty := "new", ""
	for name, tc := range map[string]struct {
		do   func(*testing.T, *Client) error
		body string
	}{
		"describe": {func(t *testing.T, c *Client) error {
			t.Helper()
			return c.UpdateTenantSecret(t.Context(), testRecord, TenantSecretChange{Description: &text})
		}, `{"Description":"new"}`},
		"describe as nothing": {func(t *testing.T, c *Client) error {
			t.Helper()
			return c.UpdateTenantSecret(t.Context(), testRecord, TenantSecretChange{Description: &empty})
		}, `{"Description":""}`},
		"move": {func(t *testing.T, c *Client) error {
			t.Helper()
			return c.UpdateTenantSecret(t.Context(), testRecord,
				TenantSecretChange{RemoteKeyServiceID: &text, RemoteKeyCertificate: &text})
		}, `{"RemoteKeyServiceId":"new","RemoteKeyCertificate":"new"}`},
		"destroy": {func(t *testing.T, c *Client) error {
			t.Helper()
			return c.DestroyTenantSecret(t.Context(), testRecord)
		}, `{"Status":"DESTROYED"}`},
		"restore": {func(t *testing.T, c *Client) error {
			t.Helper()
			return c.RestoreTenantSecret(t.Context(), testRecord, secret.NewText("CgM="))
		}, `{"Status":"ARCHIVED","SecretValue":"CgM="}`},
		"reactivate": {func(t *testing.T, c *Client) error {
			t.Helper()
			return c.ReactivateTenantSecret(t.Context(), testRecord)
		}, `{"Status":"ACTIVE"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("PATCH "+rowRoute, answer(204, ``), fault(400, "FIELD_INTEGRITY_EXCEPTION", "no: CgM="))
			c, _, _ := o.client()
			if err := tc.do(t, c); err != nil {
				t.Fatal(err)
			}
			if r := o.seen()[0]; r.body != tc.body || r.header.Get("Content-Type") != "application/json" {
				t.Errorf("body %s", r.body)
			}
			err := tc.do(t, c)
			var e *Error
			if !errors.As(err, &e) || !e.HasCode("FIELD_INTEGRITY_EXCEPTION") || !strings.Contains(err.Error(), testRecord) {
				t.Errorf("error %v", err)
			}
			if name == "restore" && strings.Contains(err.Error(), "CgM=") {
				t.Errorf("the error quotes the export: %v", err)
			}
		})
	}
}

// TestStatusChangesAreSentOnce: the caller looks before it tries again.
func TestStatusChangesAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*testing.T, *Client) error{
		"destroy": func(t *testing.T, c *Client) error {
			t.Helper()
			return c.DestroyTenantSecret(t.Context(), testRecord)
		},
		"restore": func(t *testing.T, c *Client) error {
			t.Helper()
			return c.RestoreTenantSecret(t.Context(), testRecord, secret.NewText("CgM="))
		},
		"reactivate": func(t *testing.T, c *Client) error {
			t.Helper()
			return c.ReactivateTenantSecret(t.Context(), testRecord)
		},
	} {
		for fault, handler := range map[string]http.HandlerFunc{"reset": hangUp, "503": answer(503, ``)} {
			t.Run(name+" "+fault, func(t *testing.T) {
				t.Parallel()
				o := newOrg(t)
				o.on("PATCH "+rowRoute, handler)
				c, _, _ := o.client()
				if err := do(t, c); !errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("error %v", err)
				}
				if n := len(o.seen()); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
			})
		}
	}
}

func TestBadIDsAreNotSent(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	c, _, _ := o.client()
	text := "x"
	for _, id := range []string{"", "../../x", "02GB0000000HYsw?", testRecord[:17] + "-"} {
		_, get := c.GetTenantSecret(t.Context(), id)
		_, export := c.ExportTenantSecret(t.Context(), id)
		_, chain := c.CertificateChain(t.Context(), id)
		for name, err := range map[string]error{
			"get": get, "export": export, "chain": chain,
			"update":     c.UpdateTenantSecret(t.Context(), id, TenantSecretChange{Description: &text}),
			"destroy":    c.DestroyTenantSecret(t.Context(), id),
			"restore":    c.RestoreTenantSecret(t.Context(), id, secret.NewText("x")),
			"reactivate": c.ReactivateTenantSecret(t.Context(), id),
		} {
			if !errors.Is(err, errBadID) {
				t.Errorf("%s %q: %v", name, id, err)
			}
		}
	}
	if err := c.RestoreTenantSecret(t.Context(), testRecord, secret.Text{}); err == nil {
		t.Error("restore without an export: no error")
	}
	if err := c.UpdateTenantSecret(t.Context(), testRecord, TenantSecretChange{}); err != nil {
		t.Error(err)
	}
	if len(o.seen()) != 0 || o.loginCount() != 0 {
		t.Error("something was sent")
	}
}

func FuzzTenantSecretRow(f *testing.F) {
	f.Add([]byte(fullRow))
	f.Add([]byte(`{"Id":"` + testRecord + `","Type":"Data","Version":"12.0","Status":null}`))
	f.Add([]byte(`{"Id":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var row tenantSecretRow
		if json.Unmarshal(b, &row) != nil {
			return
		}
		record, err := row.tenantSecret()
		if err != nil {
			return
		}
		if len(record.ID) != 18 || !ValidID(record.ID[:15]) || record.Type == "" ||
			record.Status != strings.ToUpper(record.Status) {
			t.Errorf("%q gives %+v", b, record)
		}
	})
}
