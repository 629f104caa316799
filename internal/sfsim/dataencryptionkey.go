package sfsim

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// dataKey is a row of DataEncryptionKey: the Search Index key of a Hyperforce org [D DEKRef].
type dataKey struct {
	id, certificate, description, status, token string
	version                                     int64
	created, modified                           time.Time
	by                                          string
	material                                    []byte
	hash                                        string
}

// SeedDataKey is a Search Index key of a Seed, or Count of them, an hour apart: the last of all is
// Active, those before are Archived.
type SeedDataKey struct {
	Description string `yaml:"description"`
	Created     Moment `yaml:"created"` // of the first; default -8760h (a year ago)
	Count       int    `yaml:"count"`   // default 1
}

func (w *world) seedDataKeys(seed *Seed, start time.Time) error {
	e := w.estate()
	for _, s := range seed.DataKeys {
		created := s.Created.or(Moment{from: -8760 * time.Hour}).resolve(start)
		for n := range max(s.Count, 1) {
			key := &dataKey{
				id: w.newID(dataKeyObject.prefix), description: s.Description, status: dataKeyActive,
				created: created.Add(time.Duration(n) * time.Hour), by: w.administrator().id, material: randomBytes(materialSize),
			}
			key.modified, key.hash = key.created, hash(key.material)
			for _, other := range e.dataKeys {
				key.version, other.status = max(key.version, other.version), dataKeyArchived
			}
			key.version++
			e.dataKeys = append(e.dataKeys, key)
		}
	}
	return nil
}

// Statuses of a data encryption key that the simulator reaches [D].
const (
	dataKeyPending  = "Activation Pending"
	dataKeyActive   = "Active"
	dataKeyArchived = "Archived"
)

// dataKeyInterval is the least time between two keys [D securityImplGuide].
const dataKeyInterval = time.Hour

// What Settings choose from: how the one Type is spelled, and the shape of the reply to a create.
var (
	dataKeyTypes   = []string{"search index", "Search Index", "SearchIndex"}
	dataKeyReplies = []string{"record", "query"}
)

// dataKeyNeeds are the fields without which the documented flow has no way to go on.
var dataKeyNeeds = []string{
	"Id", "DataEncryptionKeyCertName", "SecretValue", "SessionToken", "Status", "Type",
	"Version",
}

// dataKeyObject describes DataEncryptionKey, API 63+: fields and lengths [D DEKRef], their types
// and that all but Id can be created and updated [C NetCoreForce, a describe of v64]. Users are
// strings. Its key prefix is not documented; "4vQ" is invented.
var dataKeyObject = &sobject{
	name: "DataEncryptionKey", label: "Data Encryption Key", labelPlural: "Data Encryption Keys", prefix: "4vQ", since: 63,
	verbs: "C",
	fields: []field{
		{name: "Id", label: "Data Encryption Key Id", kind: "id", props: "DFGIS", length: 18},
		{name: "CreatedBy", label: "Created By", kind: "string", props: "CFGNSU", length: 64},
		{name: "CreatedDate", label: "Created Date", kind: "datetime", props: "CFNSU"},
		{
			name: "DataEncryptionKeyCertName", label: "Data Encryption Key Certificate Name", kind: "string", props: "CFGNSU",
			length: 80,
		},
		{name: "Description", label: "Description", kind: "string", props: "CFGNSU", length: 100},
		{name: "DoesUseKeyDerivation", label: "Key Derivation", kind: "boolean", props: "CDFGSU"},
		{name: "LastModifiedBy", label: "Last Modified By", kind: "string", props: "CFGNSU", length: 64},
		{name: "LastModifiedDate", label: "Last Modified Date", kind: "datetime", props: "CFNSU"},
		{name: "RootKeyIdentifier", label: "Root Key Identifier", kind: "string", props: "CFGNSU", length: 15},
		{name: "RootKeyKmsIdentifier", label: "Root Key KMS Identifier", kind: "string", props: "CFNSU", length: 512},
		{name: "SecretValue", label: "Secret Value", kind: "textarea", props: "CNU", length: 2000},
		{name: "SessionToken", label: "Session Token", kind: "textarea", props: "CNU", length: 3000},
		{name: "Source", label: "Source", kind: "string", props: "CFGNSU", length: 100},
		{name: "Status", label: "Status", kind: "string", props: "CFGNSU", length: 32},
		{name: "Type", label: "Type", kind: "string", props: "CFGNSU", length: 150},
		{name: "Version", label: "Version", kind: "int", props: "CFGNSU"},
	},
}

func init() {
	dataKeyObject.rows = (*call).dataKeyRows
	dataKeyObject.visible = func(c *call) bool {
		return c.s.world.permissions.ManageEncryptionKeys && c.s.world.settings.Hyperforce
	}
	dataKeyObject.without = func(c *call) []string { return names(c.s.world.settings.DataEncryptionKeyWithout) }
	dataKeyObject.create = (*call).createDataKey
}

// dataKeyRoutes serve the path that the reference prints, with its odd suffix [D DEKRef].
func dataKeyRoutes() []route {
	return []route{{"POST", "sobjects/DataEncryptionKey/create", "DataEncryptionKey.create", 63, func(c *call) *reply {
		c.params["object"] = dataKeyObject.name
		return createRow(c)
	}}}
}

func (c *call) dataKeyRows() []soql.Row {
	w := c.s.world
	emails := w.emails()
	var rows []soql.Row
	for _, key := range w.estate().dataKeys {
		var version any // a temporary row has none [I]
		if key.version > 0 {
			version = key.version
		}
		rows = append(rows, soql.Row{
			"Id": key.id, "CreatedBy": emails[key.by], "CreatedDate": key.created, "LastModifiedBy": emails[key.by],
			"LastModifiedDate":          key.modified,
			"DataEncryptionKeyCertName": nullable(key.certificate), "Description": nullable(key.description),
			"DoesUseKeyDerivation": false,
			"RootKeyIdentifier":    nil, "RootKeyKmsIdentifier": nil, "SecretValue": nil, "SessionToken": nullable(key.token),
			"Source": "Salesforce", "Status": key.status, "Type": w.settings.DataEncryptionKeyType, "Version": version,
		})
	}
	return rows
}

// dataKeySends are the members of the two documented requests, and Description, which describe
// calls createable [D; C NetCoreForce].
var dataKeySends = []string{"DataEncryptionKeyCertName", "Description", "SecretValue", "SessionToken", "Type"}

// createDataKey serves both steps: a certificate name asks for a session, a session token brings
// the wrapped key.
func (c *call) createDataKey(values object) *reply {
	for _, m := range values {
		if !slices.Contains(dataKeySends, m.name) {
			c.violation("sends %s, which no documented request for a data encryption key does", m.name)
			return c.refuseUnknown(m.name, m.name+" can't be set")
		}
	}
	typ := strings.ReplaceAll(values.text("Type"), " ", "")
	switch {
	case typ == "":
		return refuse(http.StatusBadRequest, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Type]", "Type")
	case !strings.EqualFold(typ, "SearchIndex"):
		return c.refuseUnknown("Type", "There is no data encryption key of the type "+values.text("Type"))
	case !c.s.world.salesforceRootKeyActive(): // [D Help upload_seas]
		return c.refuseUnknown("Type", "A Search Index key needs an active Salesforce root key")
	case values.text("SessionToken") != "" || values.text("SecretValue") != "":
		return c.uploadDataKey(values)
	case values.text("DataEncryptionKeyCertName") != "":
		return c.openDataKeySession(values)
	}
	return c.refuseUnknown("DataEncryptionKeyCertName", "Expected DataEncryptionKeyCertName, or SecretValue and "+
		"SessionToken")
}

// dataKeyCertName allows hyphens, as the example of the reference has them [D].
var dataKeyCertName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,79}$`)

// openDataKeySession is step 1: a temporary row with a session token, and a certificate to wrap
// with.
func (c *call) openDataKeySession(values object) *reply {
	w := c.s.world
	name := values.text("DataEncryptionKeyCertName")
	switch {
	case !dataKeyCertName.MatchString(name):
		return c.refuseUnknown("DataEncryptionKeyCertName", "The certificate name "+name+" is not valid")
	case w.certificateByName(name) != nil:
		return c.refuseUnknown("DataEncryptionKeyCertName", "There already is a certificate of this name: "+name)
	}
	if refusal := c.checkDataKeyInterval(); refusal != nil {
		return refusal
	}
	cert := &certificate{
		developerName: name, created: c.now, expires: c.now.AddDate(2, 0, 0), keySize: 4096, platformEncryption: true,
	}
	if err := w.addCertificate(cert); err != nil {
		return refuse(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", err.Error())
	}
	key := &dataKey{
		id: w.newID(dataKeyObject.prefix), certificate: name, description: values.text("Description"), status: dataKeyPending,
		token: hex.EncodeToString(randomBytes(32)), created: c.now, modified: c.now, by: c.session.user.id,
	}
	w.estate().dataKeys = append(w.estate().dataKeys, key)
	return c.createdDataKey(key)
}

// createdDataKey answers in one of the two shapes.
func (c *call) createdDataKey(key *dataKey) *reply {
	if c.s.world.settings.DataEncryptionKeyReply == "record" {
		return created(dataKeyObject.path(c), key.id)
	}
	o := dataKeyObject.inOrg(c)
	rows := c.dataKeyRows()
	row := rows[slices.IndexFunc(rows, func(r soql.Row) bool { return r["Id"] == key.id })]
	return &reply{
		status: http.StatusCreated, committed: true, header: http.Header{"Location": {dataKeyObject.path(c) + "/" + key.id}},
		body: object{{"totalSize", 1}, {"done", true}, {"records", []object{o.record(c, row, o.allPaths(c))}}},
	}
}

func created(path, id string) *reply {
	return &reply{
		status: http.StatusCreated, committed: true, header: http.Header{"Location": {path + "/" + id}},
		body: object{{"id", id}, {"success", true}, {"errors", []string{}}},
	}
}

func (c *call) checkDataKeyInterval() *reply {
	if !c.s.world.settings.RotationIntervals {
		return nil
	}
	for _, key := range c.s.world.estate().dataKeys {
		next := key.created.Add(dataKeyInterval)
		if key.status != dataKeyPending && c.now.Before(next) {
			return c.refuseUnknown("Type", "The next Search Index key can be created at "+datetime(next))
		}
	}
	return nil
}

// uploadDataKey is step 2: the key wrapped by CKM_RSA_AES_KEY_WRAP under the session's certificate.
// On success the temporary row and the certificate vanish [D].
func (c *call) uploadDataKey(values object) *reply {
	w := c.s.world
	e := w.estate()
	token := values.text("SessionToken")
	at := slices.IndexFunc(e.dataKeys, func(k *dataKey) bool { return k.token != "" && k.token == token })
	if at < 0 {
		return c.refuseUnknown("SessionToken", "The SessionToken is not that of an open session")
	}
	session := e.dataKeys[at]
	if refusal := c.checkDataKeyInterval(); refusal != nil {
		return refusal
	}
	cert := w.certificateByName(session.certificate)
	if cert == nil {
		return c.refuseUnknown("SessionToken", "The certificate of the session is gone")
	}
	wrapped, err := base64.StdEncoding.Strict().DecodeString(values.text("SecretValue"))
	if err != nil || len(wrapped) == 0 {
		return c.refuseUnknown("SecretValue", "The SecretValue is not base64")
	}
	material, how, err := unwrap(cert.key, wrapped)
	switch {
	case err != nil:
		return c.refuseUnknown("SecretValue", "The SecretValue can't be decrypted with the private key of "+
			cert.developerName)
	case how != wrappedCKM:
		return c.refuseUnknown("SecretValue", "The SecretValue is not wrapped by CKM_RSA_AES_KEY_WRAP")
	case len(material) != materialSize:
		return c.refuseUnknown("SecretValue", fmt.Sprintf("The key has %d bytes, expected %d", len(material), materialSize))
	}
	digest := hash(material)
	used := slices.ContainsFunc(e.dataKeys, func(k *dataKey) bool { return k.hash == digest }) ||
		slices.ContainsFunc(w.tenantSecrets, func(s *tenantSecret) bool { return s.materialHash == digest })
	if used { // [D Help security_pe_byok_generate_secret]
		return c.refuseUnknown("SecretValue", "This key was used before; every key needs its own")
	}
	key := &dataKey{
		id: w.newID(dataKeyObject.prefix), description: session.description, status: dataKeyActive,
		created: c.now, modified: c.now, by: c.session.user.id, material: bytes.Clone(material), hash: digest,
	}
	if description := values.text("Description"); description != "" {
		key.description = description
	}
	for _, other := range e.dataKeys {
		key.version = max(key.version, other.version)
		if other.status == dataKeyActive {
			other.status, other.modified = dataKeyArchived, c.now
		}
	}
	key.version++
	e.dataKeys = append(slices.Delete(e.dataKeys, at, at+1), key)
	w.certificates = slices.DeleteFunc(w.certificates, func(x *certificate) bool { return x == cert })
	return c.createdDataKey(key)
}

// DataEncryptionKeyMaterial returns the plaintext of a data encryption key by id (15 or 18
// characters), for inspection by tests; nil if there is none.
func (s *Server) DataEncryptionKeyMaterial(id string) []byte {
	full, _ := parseID(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range s.world.estate().dataKeys {
		if key.id == full {
			return bytes.Clone(key.material)
		}
	}
	return nil
}
