package sfsim_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const unknown = "FIELD_INTEGRITY_EXCEPTION"

func configure(change func(*sfsim.Settings)) sfsim.Option {
	return sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) { change(s) })
}

func seeded(t *testing.T, text string) sfsim.Option {
	t.Helper()
	seed, err := sfsim.ReadSeed(strings.NewReader(text))
	if err != nil {
		t.Fatalf("ReadSeed: %v", err)
	}
	return sfsim.WithSeed(seed)
}

// An upload by OAEP, with either hash [D Help security_pe_byok_generate_secret] [D ObjRef,
// ShieldREST].
func TestUpload(t *testing.T) {
	t.Parallel()
	for name, h := range oaepHashes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			m := material()
			id := c.create(c.uploadBody(m, map[string]any{
				"SecretValue": c.wrap(h(), "Sim_BYOK", m), "Description": "first", "Source": "UPLOADED",
				"KeyDerivationMode": "PBKDF2",
			})).created()
			if !bytes.Equal(c.server.Unwrapped(id), m) {
				t.Error("the uploaded material is not what was wrapped")
			}
			row := c.secret(id)
			for field, want := range map[string]any{
				"Status": "ACTIVE", "Type": "Data", "Source": "UPLOADED", "KeyDerivationMode": "PBKDF2", "Description": "first",
				"SecretValueHash": sum(m), "SecretValueCertificate": nil, "Version": 2.0, "RemoteKeyIdentifier": nil,
				"IsDeleted": false,
			} {
				if row[field] != want {
					t.Errorf("%s = %v, want %v", field, row[field], want)
				}
			}
			if row["CreatedDate"] != row["LastModifiedDate"] || row["CreatedDate"] != row["SystemModstamp"] {
				t.Error("the dates of a new row differ")
			}
			if old := c.server.TenantSecrets()[0]; old.Status != "ARCHIVED" {
				t.Errorf("the previous key is %s, want ARCHIVED", old.Status)
			}
			c.noViolations()
		})
	}
}

// The envelope of a creation, in this order [D general REST].
func TestCreateEnvelope(t *testing.T) {
	t.Parallel()
	c := start(t)
	a := c.create(c.uploadBody(material(), nil)).want(http.StatusCreated)
	id := a.created()
	if want := `{"id":"` + id + `","success":true,"errors":[]}`; string(a.body) != want {
		t.Errorf("body %s, want %s", a.body, want)
	}
}

// Lower-case member names, an empty KeyDerivationMode, API v50.0 [C FtxPlugin].
func TestUploadAsFortanixDoes(t *testing.T) {
	t.Parallel()
	c := start(t)
	m := material()
	a := c.do(http.MethodPost, "/services/data/v50.0/sobjects/TenantSecret", body(map[string]any{
		"SecretValueCertificate": "Sim_BYOK", "SecretValue": c.wrap(oaepHashes["SHA-1"](), "Sim_BYOK", m),
		"SecretValueHash": sum(m),
		"description":     "Salesforce Data Key", "type": "Data", "KeyDerivationMode": "",
	}))
	row := c.secret(a.created())
	if row["Source"] != "UPLOADED" || row["KeyDerivationMode"] != "PBKDF2" || row["Description"] != "Salesforce Data Key" {
		t.Errorf("row %v", row)
	}
	c.noViolations()
}

// Without a value Salesforce generates a key, whose hash reads UNKNOWM= [V ThalesDoc] [D
// ShieldREST].
func TestCreateWithoutValueGenerates(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"Type":"Data","Description":"by HSM"}`, `{"Source":"hsm"}`} {
		c := start(t)
		row := c.secret(c.create(text).created())
		if row["Source"] != "HSM" || row["SecretValueHash"] != "UNKNOWM=" || row["Type"] != "Data" {
			t.Errorf("%s: row %v", text, row)
		}
	}
}

// The vectors were made by OpenSSL, see testdata/wrapped/make.sh.
func TestUploadOfOpenSSLVectors(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile("testdata/wrapped/" + name + ".b64")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	tests := []struct {
		vector, typ string
		want        string // wrapping algorithm, "" refused
	}{
		{"oaep_sha1", "Data", "RSA_OAEP_SHA1"},
		{"oaep_sha512", "Data", "RSA_OAEP_SHA512"},
		{"oaep_sha512", "SearchIndex", "RSA_OAEP_SHA512"},
		{"ckm_sha512", "SearchIndex", "RSA_AES_KEY_WRAP_SHA512"},
		{"ckm_sha512", "Data", ""}, // field-level encryption uses OAEP [D]
		{"ckm_sha1", "SearchIndex", ""},
		{"oaep_sha256", "Data", ""}, // mentioned by no source [I]
		{"oaep_sha512_mgf1_sha1", "Data", ""},
		{"oaep_sha512_label", "Data", ""},
		{"oaep_sha512_short", "Data", ""},
		{"oaep_sha512_other_key", "Data", ""},
		{"pkcs1", "Data", ""},
	}
	for _, tt := range tests {
		t.Run(tt.vector+" "+tt.typ, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			a := c.create(body(map[string]any{
				"Type": tt.typ, "SecretValue": read(tt.vector), "SecretValueHash": read("hash"),
				"SecretValueCertificate": "Sim_BYOK",
			}))
			if tt.want == "" {
				if r := a.refused(http.StatusBadRequest, unknown); len(r.Fields) != 1 || r.Fields[0] != "SecretValue" {
					t.Errorf("fields %v", r.Fields)
				}
				return
			}
			id := a.created()
			if got := base64.StdEncoding.EncodeToString(c.server.Unwrapped(id)); got != read("secret") {
				t.Errorf("unwrapped %s", got)
			}
			if got := c.server.TenantSecrets()[1].WrappingAlgorithm; got != tt.want {
				t.Errorf("wrapped by %s, want %s", got, tt.want)
			}
		})
	}
}

// What an upload is refused for. The texts are invented, so only code and field count.
func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	m := material()
	no := "platform_encryption: false"
	cert := func(lines ...string) string {
		return "certificates:\n- developer_name: Sim_BYOK\n- developer_name: Other\n  " + strings.Join(lines, "\n  ") + "\n"
	}
	tests := []struct {
		name, seed string
		change     func(*client) map[string]any
		field      string
	}{
		{"only the value", "", func(*client) map[string]any {
			return map[string]any{"SecretValueHash": nil}
		}, "SecretValueHash"},
		{"only the hash", "", func(*client) map[string]any { return map[string]any{"SecretValue": nil} }, "SecretValue"},
		{"no certificate", "", func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": nil}
		}, "SecretValueCertificate"},
		{"unknown certificate", "", func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": "Nope"}
		}, "SecretValueCertificate"},
		{"2048-bit certificate", "", func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": "Sim_Partner_SSO"}
		}, "SecretValueCertificate"},
		{"certificate without platform encryption", cert(no), func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": "Other"}
		}, "SecretValueCertificate"},
		{"exportable private key", cert("private_key_exportable: true"), func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": "Other"}
		}, "SecretValueCertificate"},
		{"unusable certificate", cert("unusable: true"), func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": "Other"}
		}, "SecretValueCertificate"},
		{"expired certificate", cert("expires: -1h"), func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": "Other"}
		}, "SecretValueCertificate"},
		{"KMS certificate", cert("using_kms: true"), func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": "Other"}
		}, "SecretValueCertificate"},
		{"label of a certificate", cert("master_label: Other Label"), func(*client) map[string]any {
			return map[string]any{"SecretValueCertificate": "Other Label"}
		}, "SecretValueCertificate"},
		{"wrapped for another certificate", cert(), func(c *client) map[string]any {
			return map[string]any{"SecretValue": c.wrap(sha512.New(), "Other", m)}
		}, "SecretValue"},
		{"OAEP with SHA-256", "", func(c *client) map[string]any {
			return map[string]any{"SecretValue": c.wrap(sha256.New(), "Sim_BYOK", m)}
		}, "SecretValue"},
		{"not base64", "", func(*client) map[string]any { return map[string]any{"SecretValue": "%%%"} }, "SecretValue"},
		{"base64 in lines", "", func(c *client) map[string]any {
			text := c.wrap(sha512.New(), "Sim_BYOK", m)
			return map[string]any{"SecretValue": text[:64] + "\n" + text[64:]}
		}, "SecretValue"},
		{"31 bytes", "", func(c *client) map[string]any {
			return map[string]any{"SecretValue": c.wrap(sha512.New(), "Sim_BYOK", m[:31]), "SecretValueHash": sum(m[:31])}
		}, "SecretValue"},
		{"base64 text instead of bytes", "", func(c *client) map[string]any {
			text := []byte(base64.StdEncoding.EncodeToString(m))
			return map[string]any{"SecretValue": c.wrap(sha512.New(), "Sim_BYOK", text), "SecretValueHash": sum(text)}
		}, "SecretValue"},
		{"hash of something else", "", func(*client) map[string]any {
			return map[string]any{"SecretValueHash": sum(material())}
		}, "SecretValueHash"},
		{"hash in hexadecimal", "", func(*client) map[string]any {
			return map[string]any{"SecretValueHash": fmt.Sprintf("%x", sha256.Sum256(m))}
		}, "SecretValueHash"},
		{"an HSM key with a value", "", func(*client) map[string]any { return map[string]any{"Source": "HSM"} }, "Source"},
		{"no derivation without the setting", "", func(*client) map[string]any {
			return map[string]any{"KeyDerivationMode": "NONE"}
		}, "KeyDerivationMode"},
		{"Database without the setting", "", func(*client) map[string]any {
			return map[string]any{"Type": "Database"}
		}, "Type"},
		{
			"no derivation for Search Index", "settings: {can_opt_out_of_derivation_with_byok: true}",
			func(*client) map[string]any {
				return map[string]any{"Type": "SearchIndex", "KeyDerivationMode": "NONE"}
			}, "KeyDerivationMode",
		},
		{"DeterministicData without Data", "tenant_secrets: []", func(*client) map[string]any {
			return map[string]any{"Type": "DeterministicData"}
		}, "Type"},
		{"EventBus without Data", "tenant_secrets: []", func(*client) map[string]any {
			return map[string]any{"Type": "EventBus"}
		}, "Type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, seeded(t, tt.seed))
			before := len(c.server.TenantSecrets())
			r := c.create(c.uploadBody(m, tt.change(c))).refused(http.StatusBadRequest, unknown)
			if len(r.Fields) != 1 || r.Fields[0] != tt.field {
				t.Errorf("refused for %v (%s), want %s", r.Fields, r.Message, tt.field)
			}
			if n := len(c.server.TenantSecrets()); n != before {
				t.Errorf("%d secrets after the refusal, want %d", n, before)
			}
			if strings.Contains(r.Message, base64.StdEncoding.EncodeToString(m)) {
				t.Error("the refusal quotes the secret")
			}
		})
	}
}

// What is refused before any rule of tenant secrets counts.
func TestCreateValidation(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, version, body string
		status              int
		code, message       string
		field               string
	}{
		{
			"unknown field", "62.0", `{"Name":"x"}`, 400, "INVALID_FIELD",
			"No such column 'Name' on sobject of type TenantSecret", "",
		},
		{
			"field of a later version", "42.0", `{"KeyDerivationMode":"NONE"}`, 400, "INVALID_FIELD",
			"No such column 'KeyDerivationMode' on sobject of type TenantSecret", "",
		},
		{
			"Status is not createable", "62.0", `{"Status":"ACTIVE"}`, 400, "INVALID_FIELD_FOR_INSERT_UPDATE",
			"Unable to create/update fields: Status. Please check the security settings of this field and verify that it is " +
				"read/write for your profile or permission set.", "Status",
		},
		{"Version is not createable", "62.0", `{"Version":7}`, 400, "INVALID_FIELD_FOR_INSERT_UPDATE", "", "Version"},
		{
			"unknown type", "62.0", `{"Type":"SalesforceDatabase"}`, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
			"Type: bad value for restricted picklist field: SalesforceDatabase", "Type",
		},
		{
			"type of a later version", "61.0", `{"Type":"Database"}`, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "",
			"Type",
		},
		{
			"unknown derivation", "62.0", `{"KeyDerivationMode":"SCRYPT"}`, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "",
			"KeyDerivationMode",
		},
		{
			"long description", "62.0", `{"Description":"` + strings.Repeat("x", 256) + `"}`, 400, "STRING_TOO_LONG", "",
			"Description",
		},
		{"number for text", "62.0", `{"Description":7}`, 400, "JSON_PARSER_ERROR", "", "Description"},
		{"object for text", "62.0", `{"Description":{}}`, 400, "JSON_PARSER_ERROR", "", "Description"},
		{"a name twice", "62.0", `{"Type":"Data","type":"Data"}`, 400, "JSON_PARSER_ERROR", "", ""},
		{"an array", "62.0", `[]`, 400, "JSON_PARSER_ERROR", "", ""},
		{"broken JSON", "62.0", `{"Type":`, 400, "JSON_PARSER_ERROR", "", ""},
		{"text after the object", "62.0", `{} {}`, 400, "JSON_PARSER_ERROR", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			r := c.do(http.MethodPost, "/services/data/v"+tt.version+"/sobjects/TenantSecret", tt.body).refused(tt.status,
				tt.code)
			if tt.message != "" && r.Message != tt.message {
				t.Errorf("message %q, want %q", r.Message, tt.message)
			}
			if got := strings.Join(r.Fields, ","); got != tt.field {
				t.Errorf("fields %q, want %q", got, tt.field)
			}
			if n := len(c.server.TenantSecrets()); n != 1 {
				t.Errorf("%d tenant secrets, want 1", n)
			}
		})
	}
}

// The least time between two keys of a type [D securityImplGuide security_pe_rotate_keys].
func TestRotationIntervals(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := []struct {
		kind sfsim.Kind
		typ  string
		want time.Duration
	}{
		{sfsim.Production, "Data", day},
		{sfsim.Production, "Analytics", day},
		{sfsim.Production, "DeterministicData", 7 * day},
		{sfsim.Production, "SearchIndex", 7 * day},
		{sfsim.Production, "EventBus", 7 * day},
		{sfsim.Developer, "Data", day},
		{sfsim.Developer, "DeterministicData", 7 * day},
		{sfsim.Sandbox, "Data", 4 * time.Hour},
		{sfsim.Sandbox, "DeterministicData", 4 * time.Hour},
		{sfsim.Sandbox, "SearchIndex", 7 * day},
		{sfsim.Sandbox, "EventBus", 7 * day},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind)+" "+tt.typ, func(t *testing.T) {
			t.Parallel()
			c := start(t, sfsim.WithKind(tt.kind))
			text := body(map[string]any{"Type": tt.typ})
			c.create(text).created()
			c.server.Clock.Advance(tt.want - time.Second)
			c.create(text).refused(http.StatusBadRequest, unknown)
			c.server.Clock.Advance(time.Second)
			c.create(text).created()
		})
	}
}

func TestRefusalCodeIsConfigurable(t *testing.T) {
	t.Parallel()
	c := start(t, configure(func(s *sfsim.Settings) { s.RefusalCode = "LIMIT_EXCEEDED" }))
	c.create(`{}`).created()
	c.create(`{}`).refused(http.StatusBadRequest, "LIMIT_EXCEEDED")
}

// [D] 50 active and archived secrets of a type; destroyed ones do not count.
func TestFiftySecretsOfAType(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "tenant_secrets: [{count: 50}]"))
	first := c.server.TenantSecrets()[0].ID
	c.create(`{}`).refused(http.StatusBadRequest, unknown)
	c.create(`{"Type":"Analytics"}`).created()
	export := c.secret(first)["SecretValue"]
	c.patch(first, `{"Status":"DESTROYED"}`).want(http.StatusNoContent)
	c.create(`{}`).created()
	// A restore would be the 51st.
	c.patch(first, body(map[string]any{"Status": "ARCHIVED", "SecretValue": export})).refused(http.StatusBadRequest,
		unknown)
}

// Version is unique in the org, and grows across types [I] [D].
func TestVersionIsOrgWide(t *testing.T) {
	t.Parallel()
	c := start(t)
	for i, typ := range []string{"Analytics", "SearchIndex", "Data", "DeterministicData"} {
		row := c.secret(c.create(body(map[string]any{"Type": typ})).created())
		if row["Version"] != float64(i+2) {
			t.Errorf("%s has version %v, want %d", typ, row["Version"], i+2)
		}
	}
	if got := c.server.TenantSecrets()[0].Status; got != "ARCHIVED" {
		t.Errorf("the old Data key is %s", got)
	}
	if active := c.rows("SELECT Id FROM TenantSecret WHERE Status = 'ACTIVE'"); len(active) != 4 {
		t.Errorf("%d ACTIVE secrets, want one of each type", len(active))
	}
}

// A secret may be a BYOK key only once [D].
func TestReuseIsRefused(t *testing.T) {
	t.Parallel()
	c := start(t, sfsim.WithoutIntervals())
	m := material()
	id := c.create(c.uploadBody(m, nil)).created()
	c.create(c.uploadBody(m, nil)).refused(http.StatusBadRequest, unknown)
	c.create(c.uploadBody(m, map[string]any{"Type": "Analytics"})).refused(http.StatusBadRequest, unknown)
	c.create(c.uploadBody(material(), nil)).created()
	c.patch(id, `{"Status":"DESTROYED"}`).want(http.StatusNoContent)
	c.create(c.uploadBody(m, nil)).refused(http.StatusBadRequest, unknown)
}

// NONE with the setting; it reads back [D opt_out].
func TestOptOutOfDerivation(t *testing.T) {
	t.Parallel()
	c := start(t, configure(func(s *sfsim.Settings) { s.CanOptOutOfDerivationWithBYOK = true }))
	row := c.secret(c.create(c.uploadBody(material(), map[string]any{"KeyDerivationMode": "none"})).created())
	if row["KeyDerivationMode"] != "NONE" {
		t.Errorf("KeyDerivationMode %v", row["KeyDerivationMode"])
	}
	c.create(`{"Type":"Data","KeyDerivationMode":"NONE"}`).refused(http.StatusBadRequest, unknown)
}

// SearchIndex leaves TenantSecret on Hyperforce from API 63.0 on [D ObjRef].
func TestSearchIndexOnHyperforce(t *testing.T) {
	t.Parallel()
	c := start(t, configure(func(s *sfsim.Settings) { s.Hyperforce = true }))
	c.do(http.MethodPost, "/services/data/v63.0/sobjects/TenantSecret",
		`{"Type":"SearchIndex"}`).refused(http.StatusBadRequest, unknown)
	id := c.create(`{"Type":"SearchIndex"}`).created()
	c.server.Clock.Advance(8 * 24 * time.Hour)
	c.create(`{"Type":"SearchIndex"}`).created()
	// Search Index keys of the new framework can't be destroyed [D Help security_pe_destroy_key].
	c.patch(id, `{"Status":"DESTROYED"}`).refused(http.StatusBadRequest, unknown)
}

// Database keys need a KMS certificate and CKM_RSA_AES_KEY_WRAP, and are neither destroyed nor
// exported [D].
func TestDatabaseKeys(t *testing.T) {
	t.Parallel()
	vector, err := os.ReadFile("testdata/wrapped/ckm_sha512.b64")
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, seeded(t, `
settings: {can_encrypt_transactional_database: true}
certificates: [{developer_name: Kms, using_kms: true}, {developer_name: Sim_BYOK}]
`))
	upload := body(map[string]any{"Type": "Database", "SecretValue": string(vector), "SecretValueCertificate": "Kms"})
	m := material()
	c.create(c.uploadBody(m, map[string]any{"Type": "Database"})).refused(http.StatusBadRequest, unknown)
	c.create(c.uploadBody(m, map[string]any{
		"Type": "Database", "SecretValueCertificate": "Kms", "SecretValue": c.wrap(sha512.New(), "Kms", m),
	})).refused(http.StatusBadRequest, unknown)
	id := c.create(upload).created()
	if row := c.secret(id); row["SecretValue"] != nil {
		t.Error("a Database key can be exported")
	}
	c.server.Clock.Advance(80 * 24 * time.Hour)
	c.create(`{"Type":"Database"}`).refused(http.StatusBadRequest, unknown)
	c.server.Clock.Advance(11 * 24 * time.Hour)
	c.create(`{"Type":"Database"}`).created()
	c.patch(id, `{"Status":"DESTROYED"}`).refused(http.StatusBadRequest, unknown)
}

// The whole way, destroy by any case of the status, restore by the exported value only.
func TestDestroyAndRestore(t *testing.T) {
	t.Parallel()
	for _, words := range [][2]string{{"DESTROYED", "ARCHIVED"}, {"Destroyed", "Archived"}} {
		c := start(t, sfsim.WithoutIntervals())
		m := material()
		wrapped := c.wrap(sha512.New(), "Sim_BYOK", m)
		id := c.create(c.uploadBody(m, map[string]any{"SecretValue": wrapped})).created()
		export, _ := c.secret(id)["SecretValue"].(string)
		if export == "" || export == wrapped || !strings.HasPrefix(export, "CgM") { // [D; C]
			t.Fatalf("exported value %q", export)
		}
		c.patch(id, body(map[string]any{"Status": words[0]})).refused(http.StatusBadRequest, unknown) // still ACTIVE
		other := c.create(`{}`).created()
		c.server.Clock.Advance(time.Hour)
		a := c.patch(id, body(map[string]any{"Status": words[0]})).want(http.StatusNoContent)
		if len(a.body) != 0 {
			t.Errorf("PATCH answers %s", a.body)
		}
		row := c.secret(id)
		if row["Status"] != "DESTROYED" || row["SecretValue"] != nil || row["SecretValueHash"] != sum(m) {
			t.Errorf("destroyed row %v", row)
		}
		if row["LastModifiedDate"] == row["CreatedDate"] {
			t.Error("LastModifiedDate did not move")
		}
		foreign := c.secret(other)["SecretValue"]
		for name, value := range map[string]any{
			"the wrapped value": wrapped, "another key's": foreign, "nothing": "",
			"junk": "AAAA",
		} {
			r := c.patch(id, body(map[string]any{"Status": words[1], "SecretValue": value})).refused(http.StatusBadRequest,
				unknown)
			if r.Message != "Invalid Secret/Key" { // [C FtxPlugin]
				t.Errorf("%s: %q", name, r.Message)
			}
		}
		c.patch(id, body(map[string]any{"Status": words[1], "SecretValue": export})).want(http.StatusNoContent)
		row = c.secret(id)
		if row["Status"] != "ARCHIVED" || row["SecretValue"] != export {
			t.Errorf("restored row %v", row)
		}
		if got := c.secret(other)["Status"]; got != "ACTIVE" {
			t.Errorf("the restore made the other key %v", got)
		}
	}
}

// Transitions that do not exist.
func TestForbiddenTransitions(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "tenant_secrets: [{status: ARCHIVED}, {status: DESTROYED}, {}]"))
	secrets := c.server.TenantSecrets()
	ids := map[string]string{}
	for _, s := range secrets {
		ids[s.Status] = s.ID
	}
	for _, move := range [][2]string{
		{"ACTIVE", "ARCHIVED"},
		{"ACTIVE", "DESTROYED"},
		{"ACTIVE", "ACTIVE"},
		{"ARCHIVED", "ACTIVE"},
		{"ARCHIVED", "ARCHIVED"},
		{"DESTROYED", "ACTIVE"},
		{"DESTROYED", "DESTROYED"},
		{"DESTROYED", "ARCHIVED"},
	} {
		r := c.patch(ids[move[0]], body(map[string]any{"Status": move[1]})).refused(http.StatusBadRequest, unknown)
		if move[1] != "ARCHIVED" && strings.Join(r.Fields, ",") != "Status" {
			t.Errorf("%v: fields %v", move, r.Fields)
		}
	}
	c.patch(ids["ACTIVE"], `{"Status":"Removed"}`).refused(http.StatusBadRequest,
		"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
	c.patch(ids["ACTIVE"], `{"Status":""}`).refused(http.StatusBadRequest, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
	for i, s := range c.server.TenantSecrets() {
		if s.Status != secrets[i].Status || !s.LastModifiedDate.Equal(secrets[i].LastModifiedDate) {
			t.Errorf("a refusal changed %+v", s)
		}
	}
	lax := start(t, configure(func(s *sfsim.Settings) { s.ArchiveByPatch = true }))
	lax.patch(lax.server.TenantSecrets()[0].ID, `{"Status":"Archived"}`).want(http.StatusNoContent)
}

// What PATCH may hold [D].
func TestUpdateValidation(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := c.server.TenantSecrets()[0].ID
	c.patch(id, `{"Description":"new","attributes":{"type":"TenantSecret"}}`).want(http.StatusNoContent)
	if got := c.secret(id)["Description"]; got != "new" {
		t.Errorf("Description %v", got)
	}
	c.patch(id, `{"description":null}`).want(http.StatusNoContent)
	if got := c.secret(id)["Description"]; got != nil {
		t.Errorf("Description %v", got)
	}
	for _, field := range []string{
		"Type", "SecretValueHash", "KeyDerivationMode", "Source", "Version",
		"RemoteKeyIdentifier", "CreatedDate",
	} {
		r := c.patch(id, body(map[string]any{field: "x"})).refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE")
		if strings.Join(r.Fields, ",") != field {
			t.Errorf("%s: fields %v", field, r.Fields)
		}
	}
	c.patch(id, `{"SecretValueCertificate":"Sim_BYOK"}`).refused(http.StatusBadRequest, unknown)
	c.patch(id, `{"SecretValue":"AAAA"}`).refused(http.StatusBadRequest, unknown)
	c.patch(id, `{"RemoteKeyCertificate":"Sim_BYOK"}`).refused(http.StatusBadRequest, unknown)
	c.patch("02GWt0000009999", `{"Description":"x"}`).refused(http.StatusNotFound, "NOT_FOUND")
}

// Before API 44 a secret was destroyed and restored by its value, and Status could not be updated
// [D].
func TestOldFormOfDestroyAndRestore(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "tenant_secrets: [{}, {}]"))
	id := c.server.TenantSecrets()[0].ID
	old := "/services/data/v43.0/sobjects/TenantSecret/" + id
	export := c.secret(id)["SecretValue"]
	c.do(http.MethodPatch, old, `{"Status":"DESTROYED"}`).refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE")
	c.do(http.MethodPatch, old, `{"SecretValue":""}`).want(http.StatusNoContent)
	if got := c.secret(id)["Status"]; got != "DESTROYED" {
		t.Errorf("Status %v", got)
	}
	c.do(http.MethodPatch, old, body(map[string]any{"SecretValue": export})).want(http.StatusNoContent)
	if got := c.secret(id)["Status"]; got != "ARCHIVED" {
		t.Errorf("Status %v", got)
	}
}

// An export changes with the release, and one of an older release still restores [I].
func TestExportAcrossReleases(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "tenant_secrets: [{}, {}]"))
	id := c.server.TenantSecrets()[0].ID
	before := c.secret(id)["SecretValue"]
	if again := c.secret(id)["SecretValue"]; again != before {
		t.Error("the export is not stable within a release")
	}
	c.server.NextRelease()
	after := c.secret(id)["SecretValue"]
	if before == after {
		t.Error("the export did not change with the release")
	}
	for _, export := range []any{before, after} {
		c.patch(id, `{"Status":"DESTROYED"}`).want(http.StatusNoContent)
		c.patch(id, body(map[string]any{"Status": "ARCHIVED", "SecretValue": export})).want(http.StatusNoContent)
	}
}

// If-Unmodified-Since is the only optimistic lock [D].
func TestIfUnmodifiedSince(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := c.server.TenantSecrets()[0].ID
	created := c.server.TenantSecrets()[0].CreatedDate
	c.header.Set("If-Unmodified-Since", created.Add(-time.Minute).Format(http.TimeFormat))
	c.patch(id, `{"Description":"x"}`).want(http.StatusPreconditionFailed)
	c.header.Set("If-Unmodified-Since", "yesterday")
	c.patch(id, `{"Description":"x"}`).want(http.StatusBadRequest)
	c.header.Set("If-Unmodified-Since", created.Format(http.TimeFormat))
	c.patch(id, `{"Description":"x"}`).want(http.StatusNoContent)
	c.header.Del("If-Unmodified-Since")
	c.header.Set("If-Modified-Since", c.server.Clock.Now().Format(http.TimeFormat))
	c.get(data + "/sobjects/TenantSecret/" + id).want(http.StatusNotModified)
}

// The prerequisites of a cache-only key, and its two states [D].
func TestCacheOnlyKeys(t *testing.T) {
	t.Parallel()
	good := map[string]any{
		"Source": "Remote", "Type": "DeterministicData", "RemoteKeyIdentifier": "key-1", "RemoteKeyCertificate": "Sim_BYOK",
		"RemoteKeyServiceId": "0XAWt0000000077",
	}
	const credentials = "named_credentials: [{id: 0XAWt0000000077, developer_name: Keys, endpoint: " +
		"'http://127.0.0.1:9/keys'}]\n"
	with := func(name string, value any) string {
		changed := map[string]any{}
		maps.Copy(changed, good)
		changed[name] = value
		return body(changed)
	}

	off := start(t, seeded(t, credentials))
	off.create(body(good)).refused(http.StatusBadRequest, unknown)
	noData := start(t, seeded(t, credentials+"tenant_secrets: []\nsettings: {enable_cache_only_keys: true}"))
	noData.create(with("Type", "Data")).refused(http.StatusBadRequest, unknown)

	c := start(t, seeded(t, credentials+"settings: {enable_cache_only_keys: true}"))
	c.create(with("RemoteKeyIdentifier", "")).refused(http.StatusBadRequest, unknown)
	c.create(with("RemoteKeyCertificate", "Sim_Partner_SSO")).refused(http.StatusBadRequest, unknown)
	c.create(with("RemoteKeyServiceId", "0XAWt0000000078")).refused(http.StatusBadRequest, "INVALID_CROSS_REFERENCE_KEY")
	c.create(with("Source", "UPLOADED")).refused(http.StatusBadRequest, unknown)
	c.do(http.MethodPost, "/services/data/v44.0/sobjects/TenantSecret", body(good)).refused(http.StatusBadRequest,
		"INVALID_FIELD")
}

// A caller without Manage Encryption Keys [R].
func TestMissingPermission(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := c.server.TenantSecrets()[0].ID
	c.server.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) { p.ManageEncryptionKeys = false })
	r := c.get(data+"/query?q=SELECT+Id+FROM+TenantSecret").refused(http.StatusBadRequest, "INVALID_TYPE")
	if !strings.Contains(r.Message, "sObject type 'TenantSecret' is not supported") {
		t.Errorf("message %q", r.Message)
	}
	c.get(data+"/sobjects/TenantSecret/"+id).refused(http.StatusNotFound, "NOT_FOUND")
	c.get(data+"/sobjects/TenantSecret/describe").refused(http.StatusNotFound, "NOT_FOUND")
	c.create(`{}`).refused(http.StatusNotFound, "NOT_FOUND")
	c.patch(id, `{"Description":"x"}`).refused(http.StatusNotFound, "NOT_FOUND")
	c.server.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) { p.DeniedAsEmpty = true })
	if rows := c.rows("SELECT Id FROM TenantSecret"); len(rows) != 0 {
		t.Errorf("%d rows without permission", len(rows))
	}
	c.server.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) { p.ManageEncryptionKeys = true })
	if rows := c.rows("SELECT Id FROM TenantSecret"); len(rows) != 1 {
		t.Errorf("%d rows with permission", len(rows))
	}
}

// A new record may not be visible to reads at once.
func TestVisibilityLag(t *testing.T) {
	t.Parallel()
	c := start(t, sfsim.WithVisibilityLag(2))
	id := c.create(`{}`).created()
	// Until then the predecessor reads as before: both belong to one transaction.
	if rows := c.rows("SELECT Status FROM TenantSecret"); len(rows) != 1 || rows[0]["Status"] != "ACTIVE" {
		t.Errorf("%v at the first read, want one ACTIVE row", rows)
	}
	c.get(data+"/sobjects/TenantSecret/"+id).refused(http.StatusNotFound, "NOT_FOUND")
	if got := c.secret(id)["Status"]; got != "ACTIVE" {
		t.Errorf("Status %v", got)
	}
	if rows := c.rows("SELECT Status FROM TenantSecret WHERE Status = 'ARCHIVED'"); len(rows) != 1 {
		t.Errorf("%d ARCHIVED rows once the new one is visible, want 1", len(rows))
	}
	timed := start(t, configure(func(s *sfsim.Settings) { s.VisibilityLagSeconds = 30 }))
	id = timed.create(`{}`).created()
	timed.get(data+"/sobjects/TenantSecret/"+id).refused(http.StatusNotFound, "NOT_FOUND")
	timed.server.Clock.Advance(time.Minute)
	timed.secret(id)
}

// The description, member by member [V FtxDoc 6.3].
func TestObjectInfo(t *testing.T) {
	t.Parallel()
	const want = `{"objectDescribe":{"queryable":true,"mergeable":false,"hasSubtypes":false,"custom":false,"updateable":true,` +
		`"replicateable":false,"mruEnabled":false,"labelPlural":"Tenant Secret","deepCloneable":false,"feedEnabled":false,` +
		`"activateable":false,"triggerable":false,"retrieveable":true,"urls":{"rowTemplate":"/services/data/v50.0/sobjects/TenantSecret/{ID}",` +
		`"sobject":"/services/data/v50.0/sobjects/TenantSecret","describe":"/services/data/v50.0/sobjects/TenantSecret/describe"},` +
		`"undeletable":false,"keyPrefix":"02G","layoutable":false,"name":"TenantSecret","isSubtype":false,"isInterface":false,` +
		`"deletable":false,"deprecatedAndHidden":false,"customSetting":false,"createable":true,"associateParentEntity":null,` +
		`"associateEntityType":null,"searchable":false,"label":"Tenant Secret"},"recentItems":[]}`
	c := start(t)
	if got := string(c.get("/services/data/v50.0/sobjects/tenantsecret").want(http.StatusOK).body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The properties of each field [D ObjRef].
func TestDescribe(t *testing.T) {
	t.Parallel()
	c := start(t)
	type description struct {
		Name         string `json:"name"`
		Type         string `json:"type"`
		Length       int    `json:"length"`
		Createable   bool   `json:"createable"`
		Updateable   bool   `json:"updateable"`
		Filterable   bool   `json:"filterable"`
		Sortable     bool   `json:"sortable"`
		Groupable    bool   `json:"groupable"`
		Nillable     bool   `json:"nillable"`
		Restricted   bool   `json:"restrictedPicklist"`
		PicklistVals []struct {
			Value string `json:"value"`
		} `json:"picklistValues"`
	}
	read := func(version string) map[string]description {
		var d struct {
			Fields []description `json:"fields"`
		}
		c.get("/services/data/v" + version + "/sobjects/TenantSecret/describe").want(http.StatusOK).into(&d)
		out := map[string]description{}
		for _, f := range d.Fields {
			out[f.Name] = f
		}
		return out
	}
	fields := read("62.0")
	if len(fields) != 19 {
		t.Errorf("%d fields, want 19", len(fields))
	}
	for name, want := range map[string]string{
		"Description": "textarea create nillable update", "KeyDerivationMode": "picklist create filter group sort",
		"RemoteKeyCertificate":   "string create filter group nillable sort update",
		"RemoteKeyIdentifier":    "string create filter group nillable sort",
		"RemoteKeyServiceId":     "reference create filter group nillable sort update",
		"SecretValue":            "base64 create nillable update",
		"SecretValueCertificate": "string create filter group nillable sort update", "SecretValueHash": "base64 create",
		"Source": "picklist create filter group sort", "Status": "picklist filter group nillable sort update",
		"Type": "picklist create filter group sort", "Version": "int filter group sort",
	} {
		f := fields[name]
		var got strings.Builder
		got.WriteString(f.Type)
		for _, p := range []struct {
			has  bool
			word string
		}{
			{f.Createable, "create"},
			{f.Filterable, "filter"},
			{f.Groupable, "group"},
			{f.Nillable, "nillable"},
			{f.Sortable, "sort"},
			{f.Updateable, "update"},
		} {
			if p.has {
				got.WriteString(" " + p.word)
			}
		}
		if got.String() != want {
			t.Errorf("%s is %q, want %q", name, got.String(), want)
		}
	}
	if values := fields["Type"].PicklistVals; len(values) != 6 || !fields["Type"].Restricted {
		t.Errorf("Type has the values %v", values)
	}
	old := read("43.0")
	if _, exists := old["RemoteKeyIdentifier"]; exists || old["Status"].Updateable ||
		len(old["Source"].PicklistVals) != 2 {
		t.Error("API 43.0 shows what came later")
	}
}

// A row with chosen fields; names in any case [D general].
func TestRowFields(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := c.server.TenantSecrets()[0].ID
	a := c.get(data + "/sobjects/TenantSecret/" + id[:15] + "?fields=status,Type").want(http.StatusOK)
	want := `{"attributes":{"type":"TenantSecret","url":"/services/data/v62.0/sobjects/TenantSecret/` + id +
		`"},"Status":"ACTIVE","Type":"Data","Id":"` + id + `"}`
	if string(a.body) != want {
		t.Errorf("got %s, want %s", a.body, want)
	}
	if c.server.Requests()[0].Exported {
		t.Error("the journal calls it an export")
	}
	r := c.get(data+"/sobjects/TenantSecret/"+id+"?fields=Id,Name").refused(http.StatusBadRequest, "INVALID_FIELD")
	if r.Message != "No such column 'Name' on sobject of type TenantSecret" {
		t.Errorf("message %q", r.Message)
	}
	c.get(data + "/sobjects/TenantSecret/" + id).want(http.StatusOK)
	if requests := c.server.Requests(); !requests[2].Exported {
		t.Error("the journal does not call a full read an export")
	}
}

// The members of a full row, in order [V FtxDoc 6.6].
func TestFullRowOrder(t *testing.T) {
	t.Parallel()
	c := start(t)
	a := c.get(data + "/sobjects/TenantSecret/" + c.server.TenantSecrets()[0].ID).want(http.StatusOK)
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	var names []string
	for depth := 0; ; {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		switch v := token.(type) {
		case json.Delim:
			depth += map[json.Delim]int{'{': 1, '}': -1}[v]
		case string:
			if depth == 1 {
				names = append(names, v)
				if next, err := decoder.Token(); err == nil && next == json.Delim('{') {
					depth++
				}
			}
		}
	}
	want := "attributes Id IsDeleted CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp " +
		"Description SecretValue SecretValueHash SecretValueCertificate Status Type Version Source KeyDerivationMode " +
		"RemoteKeyIdentifier RemoteKeyServiceId RemoteKeyCertificate"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Ids of a URL.
func TestRowIDs(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := c.server.TenantSecrets()[0].ID
	c.secret(id[:15])
	r := c.get(data+"/sobjects/TenantSecret/"+id[:17]+"Z").refused(http.StatusBadRequest, "MALFORMED_ID")
	if r.Message != "Tenant Secret ID: id value of incorrect type: "+id[:17]+"Z" || strings.Join(r.Fields, ",") != "Id" {
		t.Errorf("refusal %+v", r)
	}
	c.get(data+"/sobjects/TenantSecret/"+c.server.OrganizationID).refused(http.StatusBadRequest, "MALFORMED_ID")
	c.get(data+"/sobjects/TenantSecret/02GWt0000009999").refused(http.StatusNotFound, "NOT_FOUND")
	r = c.get(data+"/sobjects/TenantSecret/nonsense").refused(http.StatusNotFound, "NOT_FOUND")
	if r.Message != "Provided external ID field does not exist or is not accessible: nonsense" {
		t.Errorf("message %q", r.Message)
	}
}

// There is no DELETE [D].
func TestDeleteIsNotAllowed(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := c.server.TenantSecrets()[0].ID
	r := c.do(http.MethodDelete, data+"/sobjects/TenantSecret/"+id, "").refused(http.StatusMethodNotAllowed,
		"METHOD_NOT_ALLOWED")
	if r.Message != "HTTP Method 'DELETE' not allowed. Allowed are HEAD,GET,PATCH" {
		t.Errorf("message %q", r.Message)
	}
	r = c.do(http.MethodPut, data+"/sobjects/TenantSecret/"+id, "{}").refused(http.StatusMethodNotAllowed,
		"METHOD_NOT_ALLOWED")
	if r.Message != "HTTP Method 'PUT' not allowed. Allowed are HEAD,GET,PATCH" {
		t.Errorf("message %q", r.Message)
	}
	c.do(http.MethodPost, data+"/sobjects/TenantSecret/"+id+"?_HttpMethod=PATCH",
		`{"Description":"x"}`).want(http.StatusNoContent)
}
