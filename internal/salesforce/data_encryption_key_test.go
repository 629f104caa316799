package salesforce

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const (
	dekRoute = "POST /services/data/v63.0/sobjects/DataEncryptionKey"
	testDEK  = "0DKxx0000000001GAA"
)

func withVersion(v string) func(*Config) { return func(cfg *Config) { cfg.APIVersion = v } }

// createdDEK is the reply to a create of a data encryption key.
const createdDEK = `{"id":"` + testDEK + `","success":true,"errors":[]}`

func TestListDataEncryptionKeys(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("GET /services/data/v63.0/queryAll", answer(200, `{"totalSize":2,"done":true,"records":[`+
		`{"Id":"`+testDEK+
		`","Type":"search index","Status":"Activation Pending","Version":2.0,"DataEncryptionKeyCertName":"My_Cert","SessionToken":"hunter2","DoesUseKeyDerivation":"true"},`+
		`{"Type":"search index","Status":"Active","Version":1,"Source":"Salesforce","RootKeyIdentifier":"r","RootKeyKmsIdentifier":"k","CreatedBy":"c","LastModifiedBy":"m","Description":"d","CreatedDate":"2026-11-20T00:00:00.000+0000","SecretValue":"hunter2","SessionToken":null}]}`))
	c, _, _ := o.client(withVersion("63.0"))
	got, err := c.ListDataEncryptionKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []DataEncryptionKey{
		{
			Type: "search index", Status: "Active", Version: 1, Source: "Salesforce", RootKeyIdentifier: "r",
			RootKeyKMSIdentifier: "k", CreatedBy: "c", LastModifiedBy: "m", Description: "d",
			CreatedDate: mustTime(t, "2026-11-20T00:00:00Z"),
		},
		{
			ID: testDEK, Type: "search index", Status: "Activation Pending", Version: 2, CertificateName: "My_Cert",
			DoesUseKeyDerivation: true,
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(DataEncryptionKey{}, "SessionToken")); diff != "" {
		t.Error(diff)
	}
	if got[0].Pending() || !got[1].Pending() || got[1].SessionToken.Expose() != "hunter2" {
		t.Error("the temporary row is the one with a session token")
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", got, got, got), "hunter2") {
		t.Error("a session token prints")
	}
	q, err := url.ParseQuery(o.seen()[0].query)
	if err != nil || q.Get("q") != allDEKFields {
		t.Errorf("query %v", q)
	}
}

const allDEKFields = "SELECT Id,CreatedBy,CreatedDate,DataEncryptionKeyCertName,Description,DoesUseKeyDerivation,LastModifiedBy,LastModifiedDate," +
	"RootKeyIdentifier,RootKeyKmsIdentifier,SessionToken,Source,Status,Type,Version FROM DataEncryptionKey LIMIT 50000"

// TestListDataEncryptionKeysWithoutAField: an org whose keys lack a field is read without it.
func TestListDataEncryptionKeysWithoutAField(t *testing.T) {
	t.Parallel()
	const query, describe = "GET /services/data/v63.0/queryAll",
		"GET /services/data/v63.0/sobjects/DataEncryptionKey/describe"
	noSuchColumn := fault(400, "INVALID_FIELD", "No such column 'Description' on sobject of type DataEncryptionKey")
	for name, tc := range map[string]struct {
		second, describe http.HandlerFunc
		want, text       string
	}{
		"missing": {
			answer(200, `{"totalSize":1,"done":true,"records":[{"Type":"SearchIndex","Status":"Active","Version":7}]}`),
			answer(200, `{"fields":[{"name":"id"},{"name":"Status"},{"name":"Type"},{"name":"Version"}]}`),
			"SELECT Id,Status,Type,Version FROM DataEncryptionKey LIMIT 50000", "",
		},
		"refused all the same": {
			fault(400, "INVALID_FIELD", "still"), answer(200, `{"fields":[{"name":"Type"}]}`),
			"SELECT Type FROM DataEncryptionKey LIMIT 50000", "still",
		},
		"nothing known": {nil, answer(200, `{"fields":[{"name":"Other"}]}`), "", "lists none of the fields"},
		"no describe":   {nil, answer(200, `[]`), "", "describe DataEncryptionKey"},
		"no fields":     {nil, answer(200, `{"fields":7}`), "", "describe DataEncryptionKey"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			handlers := []http.HandlerFunc{noSuchColumn}
			if tc.second != nil {
				handlers = append(handlers, tc.second)
			}
			o.on(query, handlers...)
			o.on(describe, tc.describe)
			c, _, _ := o.client(withVersion("63.0"))
			got, err := c.ListDataEncryptionKeys(t.Context())
			if tc.text == "" && (err != nil || len(got) != 1 || got[0].Version != 7) ||
				tc.text != "" && (err == nil || !strings.Contains(err.Error(), tc.text)) {
				t.Fatalf("%+v, error %v", got, err)
			}
			if tc.want == "" {
				return
			}
			if q, err := url.ParseQuery(o.seen()[2].query); err != nil || q.Get("q") != tc.want {
				t.Errorf("query %v", q)
			}
		})
	}
}

func TestSameDataEncryptionKeyType(t *testing.T) {
	t.Parallel()
	for _, spelled := range []string{"search index", "Search Index", "SearchIndex", "SEARCHINDEX", " search  index "} {
		if !SameDataEncryptionKeyType(spelled, DataEncryptionKeyTypeSearchIndex) ||
			!SameDataEncryptionKeyType(DataEncryptionKeyTypeSearchIndex, spelled) {
			t.Errorf("%q is not the type", spelled)
		}
	}
	for _, other := range []string{"", "search", "search_index", "search index 2", "Data"} {
		if SameDataEncryptionKeyType(other, DataEncryptionKeyTypeSearchIndex) {
			t.Errorf("%q is the type", other)
		}
	}
}

func TestListDataEncryptionKeysRefuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"too many": `{"totalSize":50000,"done":true,"records":[` +
			strings.TrimSuffix(strings.Repeat(`{"Type":"x"},`, 50_000), ",") + `]}`,
		"short":  `{"totalSize":2,"done":true,"records":[{"Type":"x"}]}`,
		"bad id": `{"totalSize":1,"done":true,"records":[{"Id":"x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("GET /services/data/v63.0/queryAll", answer(200, body))
			c, _, _ := o.client(withVersion("63.0"))
			if _, err := c.ListDataEncryptionKeys(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestDataEncryptionKeySteps(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(dekRoute, answer(201, createdDEK))
	c, _, _ := o.client(withVersion("63.0"))
	id, err := c.BeginDataEncryptionKey(t.Context(), DataEncryptionKeyTypeSearchIndex, "My_Cert")
	if err != nil || id != testDEK {
		t.Errorf("%q, %v", id, err)
	}
	id, err = c.FinishDataEncryptionKey(t.Context(), NewDataEncryptionKey{
		Type:        DataEncryptionKeyTypeSearchIndex,
		SecretValue: "dg==", SessionToken: secret.NewText("token"),
	})
	if err != nil || id != testDEK {
		t.Errorf("%q, %v", id, err)
	}
	for i, want := range []string{
		`{"Type":"search index","DataEncryptionKeyCertName":"My_Cert"}`,
		`{"SecretValue":"dg==","SessionToken":"token","Type":"search index"}`,
	} {
		if got := o.seen()[i].body; got != want {
			t.Errorf("body %s, want %s", got, want)
		}
	}
}

// TestDataEncryptionKeyReply: the reference prints the reply to a create as a
// query result.
func TestDataEncryptionKeyReply(t *testing.T) {
	t.Parallel()
	const url = `"attributes":{"type":"DataEncryptionKey","url":"/services/data/v63.0/sobjects/DataEncryptionKey/` +
		testDEK + `"}`
	page := func(record string) string { return `{"totalSize":1,"done":true,"records":[` + record + `]}` }
	for name, tc := range map[string]struct {
		body, id string
		unknown  bool
	}{
		"ordinary":                 {createdDEK, testDEK, false},
		"query, with Id":           {page(`{` + url + `,"Id":"` + testDEK + `"}`), testDEK, false},
		"query, id in the url":     {page(`{` + url + `,"Status":"Active"}`), testDEK, false},
		"query, 15 characters":     {page(`{"Id":"` + testDEK[:15] + `"}`), testDEK, false},
		"query, no id":             {page(`{"Status":"Active"}`), "", false},
		"query, no id in the url":  {page(`{"attributes":{"url":"/x"}}`), "", false},
		"query, no record":         {`{"totalSize":0,"done":true,"records":[]}`, "", true},
		"ordinary, without an id":  {`{"success":true,"errors":[]}`, "", true},
		"nothing that is known":    {`{}`, "", true},
		"records that are no rows": {`{"totalSize":1,"done":true,"records":[7]}`, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(dekRoute, answer(201, tc.body))
			c, _, _ := o.client(withVersion("63.0"))
			id, err := c.BeginDataEncryptionKey(t.Context(), DataEncryptionKeyTypeSearchIndex, "My_Cert")
			if id != tc.id || errors.Is(err, ErrOutcomeUnknown) != tc.unknown || (err != nil) != tc.unknown {
				t.Errorf("id %q, error %v", id, err)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// TestDataEncryptionKeyPath: the documentation prints the resource with /create
// added, as no other object has it.
func TestDataEncryptionKeyPath(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, second http.HandlerFunc
		requests      int
		text          string
		unknown       bool
	}{
		"ordinary":                {answer(201, createdDEK), nil, 1, "", false},
		"as printed":              {fault(405, "METHOD_NOT_ALLOWED", "m"), answer(201, createdDEK), 2, "", false},
		"as printed after 404":    {fault(404, "NOT_FOUND", "m"), answer(201, createdDEK), 2, "", false},
		"neither":                 {fault(404, "NOT_FOUND", "first"), fault(404, "NOT_FOUND", "second"), 2, "first", false},
		"as printed, refused":     {fault(404, "NOT_FOUND", "first"), fault(400, "X", "second"), 2, "second", false},
		"refused":                 {fault(400, "X", "hunter2 and tok3n"), nil, 1, "[redacted] and [redacted]", false},
		"unknown":                 {hangUp, nil, 1, "", true},
		"404 page, unknown":       {answer(404, `<html>`), nil, 1, "", true},
		"as printed, but unknown": {fault(404, "NOT_FOUND", "m"), hangUp, 2, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(dekRoute, tc.first)
			if tc.second != nil {
				o.on(dekRoute+"/create", tc.second)
			}
			c, _, _ := o.client(withVersion("63.0"))
			_, err := c.FinishDataEncryptionKey(t.Context(), NewDataEncryptionKey{
				Type: "search index", SecretValue: "hunter2",
				SessionToken: secret.NewText("tok3n"),
			})
			wantError := tc.text != "" || tc.unknown
			if (err != nil) != wantError || errors.Is(err, ErrOutcomeUnknown) != tc.unknown ||
				err != nil && !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v", err)
			}
			if n := len(o.seen()); n != tc.requests {
				t.Errorf("%d requests, want %d", n, tc.requests)
			}
		})
	}
}

func TestDataEncryptionKeyRequestsThatAreNotSent(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	now, _, _ := o.client(withVersion("63.0"))
	old, _, _ := o.client()
	token := secret.NewText("x")
	run := func(f func() error) error { return f() }
	for name, err := range map[string]error{
		"no type": run(func() error { _, err := now.BeginDataEncryptionKey(t.Context(), "", "A"); return err }),
		"bad name": run(func() error {
			_, err := now.BeginDataEncryptionKey(t.Context(), "search index", "a b")
			return err
		}),
		"no value": run(func() error {
			_, err := now.FinishDataEncryptionKey(t.Context(), NewDataEncryptionKey{Type: "x", SessionToken: token})
			return err
		}),
		"no token": run(func() error {
			_, err := now.FinishDataEncryptionKey(t.Context(), NewDataEncryptionKey{Type: "x", SecretValue: "x"})
			return err
		}),
		"nothing": run(func() error {
			_, err := now.FinishDataEncryptionKey(t.Context(), NewDataEncryptionKey{})
			return err
		}),
		"old, begin": run(func() error {
			_, err := old.BeginDataEncryptionKey(t.Context(), "search index", "A")
			return err
		}),
		"old, list": run(func() error { _, err := old.ListDataEncryptionKeys(t.Context()); return err }),
		"old, finish": run(func() error {
			_, err := old.FinishDataEncryptionKey(t.Context(), NewDataEncryptionKey{
				Type: "x", SecretValue: "x",
				SessionToken: token,
			})
			return err
		}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.HasPrefix(name, "old") && !strings.Contains(err.Error(), "from API version 63.0 on") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(o.seen()) != 0 || o.loginCount() != 0 {
		t.Error("something was sent")
	}
}

const testRootKey = "48q001t5ddzbucnAAA"

func TestExternalRootKeys(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(queryRoute, answer(200, `{"totalSize":1,"done":true,"records":[{"Id":"`+testRootKey+
		`","ActivatedDate":"2026-11-20T00:00:00.000+0000","Description":null,"Region":"eu-west-1","RootKeyIdentifier":"arn:aws:kms:x","RootKeyService":"AWS","Status":"Active"}]}`))
	c, _, _ := o.client()
	want := ExternalRootKey{
		ID: testRootKey, Region: "eu-west-1", RootKeyIdentifier: "arn:aws:kms:x",
		RootKeyService: "AWS", Status: RootKeyActive, ActivatedDate: mustTime(t, "2026-11-20T00:00:00Z"),
	}
	got, found, err := c.GetExternalRootKey(t.Context(), testRootKey[:15])
	if err != nil || !found || got != want {
		t.Errorf("%+v %v %v", got, found, err)
	}
	if _, found, err = c.GetExternalRootKey(t.Context(), testRecord); err != nil || found {
		t.Errorf("another: %v %v", found, err)
	}
	q, err := url.ParseQuery(o.seen()[0].query)
	if err != nil || q.Get("q") != "SELECT Id,ActivatedDate,Description,Region,RootKeyIdentifier,RootKeyService,Status "+
		"FROM ExternalEncryptionRootKey" {
		t.Errorf("query %v", q)
	}
}

func TestExternalRootKeysRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"short":  `{"totalSize":1,"done":true,"records":[]}`,
		"bad id": `{"totalSize":1,"done":true,"records":[{"Id":"x"}]}`,
	} {
		o := newOrg(t)
		o.on(queryRoute, answer(200, body))
		c, _, _ := o.client()
		if _, _, err := c.GetExternalRootKey(t.Context(), testRootKey); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSetExternalRootKeyStatus(t *testing.T) {
	t.Parallel()
	const route = "PATCH /services/data/v62.0/sobjects/ExternalEncryptionRootKey/" + testRootKey
	o := newOrg(t)
	o.on(route, answer(204, ``), answer(204, ``), hangUp)
	c, _, _ := o.client()
	for _, status := range []string{"Active", "INACTIVE"} {
		if err := c.SetExternalRootKeyStatus(t.Context(), testRootKey, status); err != nil {
			t.Error(err)
		}
	}
	if err := c.SetExternalRootKeyStatus(t.Context(), testRootKey, RootKeyInactive); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("error %v", err)
	}
	for i, want := range []string{`{"Status":"Active"}`, `{"Status":"Inactive"}`, `{"Status":"Inactive"}`} {
		if got := o.seen()[i].body; got != want {
			t.Errorf("body %s, want %s", got, want)
		}
	}
	old, _, _ := o.client(withVersion("57.0"))
	_, _, get := old.GetExternalRootKey(t.Context(), testRootKey)
	_, _, badGet := c.GetExternalRootKey(t.Context(), "x")
	for name, err := range map[string]error{
		"status":  c.SetExternalRootKeyStatus(t.Context(), testRootKey, RootKeyUnavailable),
		"id":      c.SetExternalRootKeyStatus(t.Context(), "x", RootKeyActive),
		"old":     old.SetExternalRootKeyStatus(t.Context(), testRootKey, RootKeyActive),
		"old get": get,
		"bad get": badGet,
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if n := len(o.seen()); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}
