package sfsim_test

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	data63      = "/services/data/v63.0"
	dataKeyPath = data63 + "/sobjects/DataEncryptionKey"
)

// wrapCKM wraps by CKM_RSA_AES_KEY_WRAP: an AES-256 key under OAEP-SHA-512, and the material under
// that key by RFC 5649.
func (c *client) wrapCKM(certificate string, m []byte) string {
	c.t.Helper()
	kek := material()
	wrapped, err := rsa.EncryptOAEP(sha512.New(), rand.Reader, c.publicKey(certificate), kek, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		c.t.Fatal(err)
	}
	padded := append(bytes.Clone(m), make([]byte, (8-len(m)%8)%8)...)
	register := binary.BigEndian.AppendUint32([]byte{0xA6, 0x59, 0x59, 0xA6}, uint32(len(m)))
	if len(padded) == 8 {
		out := append(register, padded...)
		block.Encrypt(out, out)
		return base64.StdEncoding.EncodeToString(append(wrapped, out...))
	}
	n := len(padded) / 8
	for j := range 6 {
		for i := range n {
			half := append(bytes.Clone(register), padded[8*i:8*i+8]...)
			block.Encrypt(half, half)
			register = binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(half[:8])^uint64(n*j+i+1))
			copy(padded[8*i:], half[8:])
		}
	}
	return base64.StdEncoding.EncodeToString(append(append(wrapped, register...), padded...))
}

// open is step 1; it returns the session token.
func (c *client) open(certificate string) string {
	c.t.Helper()
	c.do(http.MethodPost, dataKeyPath, body(map[string]any{
		"Type":                      "search index",
		"DataEncryptionKeyCertName": certificate,
	})).want(http.StatusCreated)
	for _, row := range c.dataKeys() {
		if row["DataEncryptionKeyCertName"] == certificate {
			token, _ := row["SessionToken"].(string)
			return token
		}
	}
	c.t.Fatal("there is no temporary row")
	return ""
}

func (c *client) dataKeys() []map[string]any {
	c.t.Helper()
	var page struct {
		Records []map[string]any `json:"records"`
	}
	c.get(data63 + "/queryAll/?q=" +
		url.QueryEscape("SELECT FIELDS(ALL) FROM DataEncryptionKey LIMIT 10")).want(http.StatusOK).into(&page)
	return page.Records
}

func hyperforce(s *sfsim.Settings) { s.Hyperforce = true }

// The two steps of a Search Index key [D DEKRef].
func TestDataEncryptionKey(t *testing.T) {
	t.Parallel()
	c := start(t, configure(hyperforce))
	token := c.open("my-byok-compatible-cert")
	row := c.dataKeys()[0]
	if token == "" || row["Status"] != "Activation Pending" || row["Type"] != "search index" {
		t.Fatalf("temporary row %v", row)
	}
	m := material()
	var reply struct {
		ID string `json:"id"`
	}
	// The path that the reference prints has an odd suffix.
	c.do(http.MethodPost, dataKeyPath+"/create", body(map[string]any{
		"SecretValue": c.wrapCKM("my-byok-compatible-cert", m), "SessionToken": token, "Type": "search index",
	})).want(http.StatusCreated).into(&reply)
	rows := c.dataKeys()
	if len(rows) != 1 || rows[0]["Status"] != "Active" || rows[0]["Version"] != 1.0 || rows[0]["Id"] != reply.ID ||
		rows[0]["SessionToken"] != nil || rows[0]["SecretValue"] != nil {
		t.Errorf("rows after the upload: %v", rows)
	}
	if got := c.server.DataEncryptionKeyMaterial(reply.ID); !bytes.Equal(got, m) {
		t.Error("the uploaded key is another")
	}
	if _, exists := c.certificate("my-byok-compatible-cert"); exists {
		t.Error("the temporary certificate is still there")
	}
	c.noViolations()

	// One hour between keys.
	c.do(http.MethodPost, dataKeyPath,
		`{"Type":"search index","DataEncryptionKeyCertName":"next"}`).refused(http.StatusBadRequest, unknown)
	c.server.Clock.Advance(time.Hour)
	token = c.open("next")
	c.do(http.MethodPost, dataKeyPath, body(map[string]any{
		"SecretValue": c.wrapCKM("next", m), "SessionToken": token, "Type": "search index",
	})).refused(http.StatusBadRequest, unknown) // used before
	c.do(http.MethodPost, dataKeyPath, body(map[string]any{
		"SecretValue": c.wrapCKM("next", material()), "SessionToken": token, "Type": "Search Index", "Description": "second",
	})).want(http.StatusCreated)
	rows = c.dataKeys()
	if len(rows) != 2 || rows[0]["Status"] != "Archived" || rows[1]["Status"] != "Active" || rows[1]["Version"] != 2.0 ||
		rows[1]["Description"] != "second" {
		t.Errorf("rows after the second upload: %v", rows)
	}
}

func TestDataEncryptionKeyRefusals(t *testing.T) {
	t.Parallel()
	c := start(t, configure(hyperforce))
	token := c.open("Session")
	upload := func(change map[string]any) string {
		members := map[string]any{
			"SecretValue": c.wrapCKM("Session", material()), "SessionToken": token,
			"Type": "search index",
		}
		maps.Copy(members, change)
		return body(members)
	}
	for name, text := range map[string]string{
		"no type":             `{"DataEncryptionKeyCertName":"A"}`,
		"another type":        `{"Type":"Data","DataEncryptionKeyCertName":"A"}`,
		"nothing":             `{"Type":"search index"}`,
		"existing name":       `{"Type":"search index","DataEncryptionKeyCertName":"Sim_BYOK"}`,
		"bad name":            `{"Type":"search index","DataEncryptionKeyCertName":"a b"}`,
		"unknown session":     upload(map[string]any{"SessionToken": "x"}),
		"no session":          upload(map[string]any{"SessionToken": ""}),
		"no value":            upload(map[string]any{"SecretValue": ""}),
		"no base64":           upload(map[string]any{"SecretValue": "!"}),
		"wrapped by OAEP":     upload(map[string]any{"SecretValue": c.wrap(sha512.New(), "Session", material())}),
		"another certificate": upload(map[string]any{"SecretValue": c.wrapCKM("Sim_BYOK", material())}),
		"16 bytes":            upload(map[string]any{"SecretValue": c.wrapCKM("Session", material()[:16])}),
		"8 bytes":             upload(map[string]any{"SecretValue": c.wrapCKM("Session", material()[:8])}),
		"status of its own":   upload(map[string]any{"Status": "Active"}),
		"version of its own":  upload(map[string]any{"Version": 9}),
	} {
		if a := c.do(http.MethodPost, dataKeyPath, text); a.status != http.StatusBadRequest {
			t.Errorf("%s: status %d, body %s", name, a.status, a.body)
		}
	}
	if rows := c.dataKeys(); len(rows) != 1 || rows[0]["Status"] != "Activation Pending" {
		t.Errorf("a refused upload changed the rows: %v", rows)
	}
	c.deployed(map[string]string{
		"package.xml":            packageXML("62.0"),
		"destructiveChanges.xml": packageXML("62.0", "Certificate:Session"),
	})
	if a := c.do(http.MethodPost, dataKeyPath, `{"Type":"search index","SessionToken":"`+token+
		`","SecretValue":"AAAA"}`); !strings.Contains(string(a.body), "is gone") {
		t.Errorf("without the session's certificate: %s", a.body)
	}
	id, _ := c.dataKeys()[0]["Id"].(string)
	c.do(http.MethodPatch, dataKeyPath+"/"+id, `{"Description":"x"}`).refused(http.StatusMethodNotAllowed,
		"METHOD_NOT_ALLOWED")
	c.do(http.MethodDelete, dataKeyPath+"/"+id, "").refused(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
}

// What documents give in several ways, the simulator can answer in each.
func TestDataEncryptionKeyShapes(t *testing.T) {
	t.Parallel()
	for _, spelled := range []string{"search index", "Search Index", "SearchIndex"} {
		c := start(t, seeded(t, "settings: {hyperforce: true, data_encryption_key_type: "+spelled+", "+
			"data_encryption_key_reply: query, data_encryption_key_without: 'Description, CreatedDate'}"))
		var reply struct {
			TotalSize int              `json:"totalSize"`
			Done      bool             `json:"done"`
			Records   []map[string]any `json:"records"`
		}
		c.do(http.MethodPost, dataKeyPath, body(map[string]any{
			"Type":                      spelled,
			"DataEncryptionKeyCertName": "Cert",
		})).want(http.StatusCreated).into(&reply)
		if reply.TotalSize != 1 || !reply.Done || len(reply.Records) != 1 ||
			reply.Records[0]["DataEncryptionKeyCertName"] != "Cert" {
			t.Fatalf("the reply to a create: %+v", reply)
		}
		row := c.dataKeys()[0]
		_, described := row["Description"]
		_, dated := row["CreatedDate"]
		if row["Type"] != spelled || described || dated || row["CreatedBy"] != "byok.integration@sfsim.example" ||
			row["Version"] != nil {
			t.Errorf("%s: row %v", spelled, row)
		}
		c.do(http.MethodPost, dataKeyPath, body(map[string]any{
			"SecretValue": c.wrapCKM("Cert", material()), "SessionToken": row["SessionToken"], "Type": "searchindex",
		})).want(http.StatusCreated)
		c.do(http.MethodPost, dataKeyPath,
			`{"Type":"search index","DataEncryptionKeyCertName":"A","Description":"x"}`).refused(http.StatusBadRequest,
			"INVALID_FIELD")
	}
	for _, bad := range []string{
		"data_encryption_key_type: Search", "data_encryption_key_reply: odd",
		"data_encryption_key_without: Status", "data_encryption_key_without: description",
	} {
		if _, err := sfsim.ReadSeed(strings.NewReader("settings: {" + bad + "}")); err == nil {
			t.Errorf("the setting %s was accepted", bad)
		}
	}
	for field, refused := range map[string]bool{
		"CreatedBy": false, "LastModifiedDate": false, "SystemModstamp": true,
		"IsDeleted": true, "CreatedById": true,
	} {
		c := start(t, configure(hyperforce))
		a := c.get(data63 + "/query/?q=" + url.QueryEscape("SELECT "+field+" FROM DataEncryptionKey LIMIT 1"))
		if (a.status == http.StatusBadRequest) != refused {
			t.Errorf("%s: status %d", field, a.status)
		}
	}
}

// The object exists on Hyperforce from API 63 on, for callers with Manage Encryption Keys [D
// ObjRef].
func TestDataEncryptionKeyVisibility(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		seed, version string
		status        int
	}{
		"there":         {"settings: {hyperforce: true}", "63.0", http.StatusOK},
		"older API":     {"settings: {hyperforce: true}", "62.0", http.StatusNotFound},
		"no Hyperforce": {"", "63.0", http.StatusNotFound},
		"no permissions": {
			"settings: {hyperforce: true}\npermissions: {manage_encryption_keys: false}", "63.0",
			http.StatusNotFound,
		},
	} {
		c := start(t, seeded(t, tc.seed))
		if a := c.get("/services/data/v" + tc.version + "/sobjects/DataEncryptionKey/describe"); a.status != tc.status {
			t.Errorf("%s: status %d, want %d", name, a.status, tc.status)
		}
	}
	// A Search Index key needs an active root key of Salesforce's own [D Help upload_seas], which is a
	// row like any other.
	for _, seed := range []string{
		"settings: {hyperforce: true, salesforce_root_key: false}",
		"settings: {hyperforce: true}\nroot_keys: [{identifier: 6c84fb90-12c4-11e1-840d-7b25c5ee775a, service: SF, status: " +
			"Inactive}]",
	} {
		c := start(t, seeded(t, seed))
		c.do(http.MethodPost, dataKeyPath,
			`{"Type":"search index","DataEncryptionKeyCertName":"A"}`).refused(http.StatusBadRequest, unknown)
	}
	c := start(t, configure(hyperforce))
	rows := c.rows("SELECT RootKeyService, RootKeyIdentifier, Status, CreatedBy FROM ExternalEncryptionRootKey")
	if len(rows) != 1 || rows[0]["RootKeyService"] != "SF" ||
		strings.HasPrefix(fmt.Sprint(rows[0]["RootKeyIdentifier"]), "arn:") ||
		rows[0]["CreatedBy"] != "byok.integration@sfsim.example" {
		t.Errorf("root keys %v", rows)
	}
	c.get(data63+"/query/?q="+url.QueryEscape("SELECT Id FROM DataEncryptionKey")).refused(http.StatusBadRequest,
		"MALFORMED_QUERY")
	for _, field := range []string{"IsDeleted", "SystemModstamp", "CreatedById"} {
		c.get(data63+"/query/?q="+url.QueryEscape("SELECT "+field+
			" FROM ExternalEncryptionRootKey")).refused(http.StatusBadRequest, "INVALID_FIELD")
	}
	c.get(data63+"/query/?q="+
		url.QueryEscape("SELECT Id FROM ExternalEncryptionRootKey ORDER BY ActivatedDate")).refused(http.StatusBadRequest,
		"INVALID_FIELD")
}

// Of the six statuses, only Active and Inactive turn into each other.
func TestRootKeyStatuses(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"Activation Pending", "Archived", "Canceled", "Unavailable"} {
		c := start(t, seeded(t, "root_keys: [{identifier: 'arn:aws:kms:us-east-1:111122223333:key/def', status: "+status+
			"}]"))
		row := c.rows("SELECT Id, Status FROM ExternalEncryptionRootKey")[0]
		if row["Status"] != status {
			t.Errorf("status %v, want %s", row["Status"], status)
		}
		for _, to := range []string{"Active", "Inactive"} {
			c.do(http.MethodPatch, fmt.Sprintf("%s/sobjects/ExternalEncryptionRootKey/%s", data, row["Id"]),
				`{"Status":"`+to+`"}`).refused(http.StatusBadRequest, unknown)
		}
	}
}

// The members of a root key, and what may be changed of it [D EERKRef].
func TestExternalEncryptionRootKey(t *testing.T) {
	t.Parallel()
	const seed = "root_keys: [{id: 48q001t5ddzbucn, identifier: 'arn:aws:kms:eu-central-1:111122223333:key/abc', " +
		"description: EU}, {identifier: 'arn:aws:kms:us-east-1:111122223333:key/def', status: Unavailable}]"
	c := start(t, seeded(t, seed))
	rows := c.rows("SELECT Id, Status, Region, RootKeyIdentifier, RootKeyService, ActivatedDate FROM " +
		"ExternalEncryptionRootKey ORDER BY Region")
	if len(rows) != 2 || rows[0]["Region"] != "eu-central-1" || rows[0]["RootKeyService"] != "AWS" ||
		rows[0]["Status"] != "Active" ||
		rows[1]["Status"] != "Unavailable" || rows[1]["ActivatedDate"] != nil {
		t.Fatalf("rows %v", rows)
	}
	id, _ := rows[0]["Id"].(string)
	if id[:15] != "48q001t5ddzbucn" || len(id) != 18 {
		t.Errorf("id %s", id)
	}
	path := data + "/sobjects/ExternalEncryptionRootKey/"
	unavailable, _ := rows[1]["Id"].(string)
	set := func(id, status string) *answer { return c.do(http.MethodPatch, path+id, `{"Status":"`+status+`"}`) }
	set(id, "Active").refused(http.StatusBadRequest, unknown)
	set(id, "Unavailable").refused(http.StatusBadRequest, unknown)
	set(id, "").refused(http.StatusBadRequest, unknown)
	set(unavailable, "").refused(http.StatusBadRequest, unknown)
	set(id, "Gone").refused(http.StatusBadRequest, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
	set(id, "Inactive").want(http.StatusNoContent)
	if row := c.get(path + id).record(); row["Status"] != "Inactive" {
		t.Errorf("row %v", row)
	}
	set(id[:15], "active").want(http.StatusNoContent)
	set(unavailable, "Active").refused(http.StatusBadRequest, unknown)
	c.do(http.MethodPatch, path+id, `{"Region":"x"}`).refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE")
	c.do(http.MethodPost, strings.TrimSuffix(path, "/"), `{"Region":"x"}`).refused(http.StatusMethodNotAllowed,
		"METHOD_NOT_ALLOWED")

	denied := start(t, seeded(t, seed+"\npermissions: {manage_encryption_keys: false}"))
	denied.get(path+id).refused(http.StatusNotFound, "NOT_FOUND")
	for _, bad := range []string{
		"root_keys: [{}]", "root_keys: [{identifier: a, id: 02G000000000001}]", "root_keys: [{identifier: a, status: Odd}]",
		"root_keys: [{identifier: a, service: GCP}]",
	} {
		if _, err := sfsim.ReadSeed(strings.NewReader(bad)); err == nil {
			t.Errorf("the seed %s was accepted", bad)
		}
	}
}

// An org may begin with keys: the last one is Active, and all have versions and dates in their
// order.
func TestSeededDataEncryptionKeys(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "settings: {hyperforce: true}\ndata_encryption_keys: [{count: 250, description: old}, "+
		"{created: -2h}]"))
	var page struct {
		Records []struct {
			Status, Description, CreatedDate string
			Version                          int
		} `json:"records"`
	}
	c.get("/services/data/v63.0/queryAll?q=SELECT+Status,Description,Version,CreatedDate+FROM+DataEncryptionKey+LIMIT+2000").
		want(http.StatusOK).into(&page)
	if len(page.Records) != 251 {
		t.Fatalf("%d keys", len(page.Records))
	}
	for i, row := range page.Records {
		status, description := "Archived", "old"
		if i == 250 {
			status, description = "Active", ""
		}
		if row.Status != status || row.Description != description || row.Version != i+1 ||
			i > 0 && row.CreatedDate <= page.Records[i-1].CreatedDate {
			t.Errorf("key %d: %+v", i, row)
		}
	}
	if _, err := sfsim.ReadSeed(strings.NewReader("data_encryption_keys: [{count: -1}]")); err == nil {
		t.Error("a negative count was accepted")
	}
}
