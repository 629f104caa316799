package sfsim

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// materialSize is the length of a tenant secret: 256 bits [D].
const materialSize = 32

// maxKept is how many active and archived secrets of one type an org may hold; destroyed and
// Database ones do not count [D].
const maxKept = 50

// unknownHash is what SecretValueHash reads for an HSM key: "UNKNOWN=" decoded and encoded again [V
// ThalesDoc].
const unknownHash = "UNKNOWM="

// tenantSecretObject describes TenantSecret [D ObjRef v66/67].
var tenantSecretObject = &sobject{
	name: "TenantSecret", label: "Tenant Secret", labelPlural: "Tenant Secret", prefix: "02G", since: 34, verbs: "CRU",
	fields: append(systemFields(), []field{
		{name: "Description", label: "Description", kind: "textarea", props: "CNU", length: 255},
		{name: "SecretValue", label: "Secret Value", kind: "base64", props: "CNU"},
		{name: "SecretValueHash", label: "Secret Value Hash", kind: "base64", props: "C"},
		{name: "SecretValueCertificate", label: "Secret Value Certificate", kind: "string", props: "CFGNSU", length: 80},
		{name: "Status", label: "Status", kind: "picklist", props: "FGNSU", length: 40, values: []picklistValue{
			{"ACTIVE", "Active", 0}, {"ARCHIVED", "Archived", 0}, {"DESTROYED", "Destroyed", 0},
		}},
		{name: "Type", label: "Type", kind: "picklist", props: "CDFGS", since: 39, length: 40, values: []picklistValue{
			{"Data", "Fields and Files (Probabilistic)", 34},
			{"DeterministicData", "Fields (Deterministic)", 39},
			{"SearchIndex", "Search Index", 39},
			{"Analytics", "Analytics", 39},
			{"EventBus", "Event Bus", 43},
			{"Database", "Database Encryption", 62},
		}},
		{name: "Version", label: "Version", kind: "int", props: "FGIS"},
		{name: "Source", label: "Source", kind: "picklist", props: "CDFGS", since: 43, length: 40, values: []picklistValue{
			{"HSM", "HSM", 43}, {"UPLOADED", "Uploaded", 43}, {"REMOTE", "Remote", 44},
		}},
		{
			name: "KeyDerivationMode", label: "Key Derivation Mode", kind: "picklist", props: "CFGS", since: 43, length: 40,
			values: []picklistValue{
				{"PBKDF2", "PBKDF2", 43}, {"NONE", "None", 43},
			},
		},
		{name: "RemoteKeyIdentifier", label: "Remote Key Identifier", kind: "string", props: "CFGNS", since: 45, length: 255},
		{
			name: "RemoteKeyServiceId", label: "Remote Key Service ID", kind: "reference", props: "CFGNSU", since: 45,
			length:      18,
			referenceTo: "NamedCredential", relationship: "RemoteKeyService",
		},
		{
			name: "RemoteKeyCertificate", label: "Remote Key Certificate", kind: "string", props: "CFGNSU", since: 45,
			length: 80,
		},
	}...),
	relationships: map[string]string{"CreatedBy": "User", "LastModifiedBy": "User"},
}

// The functions of the object mention the object, so they are set here.
func init() {
	tenantSecretObject.rows = (*call).tenantSecretRows
	tenantSecretObject.visible = func(c *call) bool { return c.s.world.permissions.ManageEncryptionKeys }
	tenantSecretObject.create = (*call).createTenantSecret
	tenantSecretObject.update = (*call).updateTenantSecret
}

// tenantSecretRows lists the secrets that are visible to reads yet. One transaction makes a secret
// and archives its predecessor, so while the one is hidden the other reads as it was [I].
func (c *call) tenantSecretRows() []soql.Row {
	users := map[string]soql.Row{}
	for _, row := range c.userRows() {
		id, _ := row["Id"].(string)
		users[id] = row
	}
	hidden := map[*tenantSecret]*tenantSecret{} // by predecessor
	for _, s := range c.s.world.tenantSecrets {
		if s.hiddenReads > 0 || c.now.Before(s.hiddenUntil) {
			hidden[s.predecessor] = s
		}
	}
	var rows []soql.Row
	for _, s := range c.s.world.tenantSecrets {
		if c.now.Before(s.hiddenUntil) {
			continue
		}
		if s.hiddenReads > 0 {
			if c.r.Method == http.MethodGet {
				s.hiddenReads--
			}
			continue
		}
		row := c.tenantSecretRow(s, users)
		if successor := hidden[s]; successor != nil && s.status == "ARCHIVED" {
			row["Status"], row["LastModifiedDate"], row["SystemModstamp"] = "ACTIVE", successor.predecessorModified,
				successor.predecessorModified
		}
		rows = append(rows, row)
	}
	return rows
}

func (c *call) tenantSecretRow(s *tenantSecret, users map[string]soql.Row) soql.Row {
	row := soql.Row{
		"Id": s.id, "IsDeleted": false, "CreatedDate": s.created, "CreatedById": s.createdBy, "LastModifiedDate": s.modified,
		"LastModifiedById": s.modifiedBy, "SystemModstamp": s.modified, "CreatedBy": users[s.createdBy],
		"LastModifiedBy": users[s.modifiedBy], "Description": nullable(s.description), "SecretValue": nil,
		// The certificate is not shown after the upload, whatever it was [V FtxDoc].
		"SecretValueCertificate": nil, "SecretValueHash": nil, "Status": s.status, "Type": s.typ, "Version": s.version,
		"Source": s.source, "KeyDerivationMode": s.keyDerivationMode, "RemoteKeyIdentifier": nullable(s.remoteIdentifier),
		"RemoteKeyServiceId": nullable(s.remoteService), "RemoteKeyCertificate": nullable(s.remoteCertificate),
	}
	switch s.source {
	case "HSM":
		row["SecretValueHash"] = unknownHash
	case "UPLOADED":
		row["SecretValueHash"] = s.materialHash // kept after destruction [D]
	}
	// Database keys can't be exported, nor what is destroyed [D Help security_pe_destroy_key,
	// import_export_keys].
	if s.material != nil && s.typ != "Database" && s.source != "REMOTE" {
		if s.exported == "" || s.exportedRelease != c.s.world.release || c.s.world.settings.ExportsDiffer {
			s.exported, s.exportedRelease = c.s.world.exportSecret(s), c.s.world.release
		}
		row["SecretValue"] = s.exported
	}
	return row
}

// refuseUnknown is for rules whose error code no source gives: 400 with a code that Settings
// choose. All its texts are invented.
func (c *call) refuseUnknown(field, message string) *reply {
	return refuse(http.StatusBadRequest, c.s.world.settings.RefusalCode, message, field)
}

// createTenantSecret serves POST: an upload, a cache-only key, or, without a value, a key that
// Salesforce generates [D ShieldREST].
func (c *call) createTenantSecret(values object) *reply {
	w := c.s.world
	secret := &tenantSecret{
		typ: values.text("Type"), source: values.text("Source"), keyDerivationMode: values.text("KeyDerivationMode"),
		description: values.text("Description"), createdBy: c.session.user.id,
	}
	if secret.typ == "" {
		secret.typ = "Data"
	}
	if secret.keyDerivationMode == "" {
		secret.keyDerivationMode = "PBKDF2" // [V; C FtxPlugin]
	}
	var uploads, remotes int
	for _, name := range []string{"SecretValue", "SecretValueHash", "SecretValueCertificate"} {
		if values.text(name) != "" {
			uploads++
		}
	}
	for _, name := range []string{"RemoteKeyIdentifier", "RemoteKeyServiceId", "RemoteKeyCertificate"} {
		if values.text(name) != "" {
			remotes++
		}
	}
	if secret.source == "" {
		switch {
		case uploads > 0:
			secret.source = "UPLOADED" // [V]
		case remotes > 0:
			secret.source = "REMOTE"
		default:
			secret.source = "HSM"
		}
	}
	switch {
	case secret.source != "REMOTE" && remotes > 0:
		return c.refuseUnknown("Source", "RemoteKey fields belong to cache-only keys; the Source is "+secret.source)
	case secret.source != "UPLOADED" && uploads > 0:
		return c.refuseUnknown("Source", "SecretValue fields belong to uploaded keys; the Source is "+secret.source)
	}

	if refusal := c.checkPrerequisites(secret); refusal != nil {
		return refusal
	}
	if refusal := c.checkInterval(secret.typ); refusal != nil {
		return refusal
	}
	if secret.source != "REMOTE" && secret.typ != "Database" && w.kept(secret.typ) >= maxKept {
		return c.refuseUnknown("Type", fmt.Sprintf("The org already holds %d active and archived tenant secrets of type "+
			"%s; destroy one first",
			maxKept, secret.typ))
	}

	var refusal *reply
	switch secret.source {
	case "UPLOADED":
		refusal = c.acceptUpload(secret, values)
	case "REMOTE":
		refusal = c.acceptRemote(secret, values)
	default:
		secret.material = randomBytes(materialSize)
		secret.materialHash = hash(secret.material)
	}
	if refusal != nil {
		return refusal
	}
	w.addSecret(secret, c.now)
	secret.hiddenUntil = c.now.Add(time.Duration(w.settings.VisibilityLagSeconds) * time.Second)
	secret.hiddenReads = w.settings.VisibilityLagReads
	// Only the id comes back, in this order [D general REST; C FtxPlugin].
	return &reply{
		status: http.StatusCreated, committed: true,
		header: http.Header{"Location": {tenantSecretObject.path(c) + "/" + secret.id}},
		body:   object{{"id", secret.id}, {"success", true}, {"errors", []string{}}},
	}
}

// checkPrerequisites applies the rules on types, derivation and settings.
func (c *call) checkPrerequisites(s *tenantSecret) *reply {
	w := c.s.world
	settings := &w.settings
	if s.typ == "SearchIndex" && settings.Hyperforce && c.version >= 63 {
		// [D ObjRef]; the text is unknown.
		return c.refuseUnknown("Type", "From API 63.0 on, Search Index keys of this org are DataEncryptionKey records")
	}
	if s.typ == "Database" && !settings.CanEncryptTransactionalDatabase {
		return c.refuseUnknown("Type", "Database encryption is not turned on in this org")
	}
	if s.typ == "DeterministicData" && w.active("Data") == nil { // [D Help security_pe_ui_setup]
		return c.refuseUnknown("Type", "A DeterministicData tenant secret needs an active Data tenant secret")
	}
	if s.typ == "DeterministicData" && settings.DeterministicNeedsSetting && !w.switched("enableDeterministicEncryption") {
		return c.refuseUnknown("Type", "Deterministic encryption is not turned on in this org")
	}
	// [D platform events guide]
	if s.typ == "EventBus" && w.active("Data") == nil && w.active("DeterministicData") == nil {
		return c.refuseUnknown("Type", "An EventBus tenant secret needs an active Data or DeterministicData tenant secret")
	}
	if s.keyDerivationMode == "NONE" {
		switch {
		case !settings.CanOptOutOfDerivationWithBYOK: // [D EncryptionKeySettings, Help opt_out]
			return c.refuseUnknown("KeyDerivationMode", "Opting out of key derivation is not allowed in this org")
		case s.typ != "Data" && s.typ != "DeterministicData" && s.typ != "EventBus":
			return c.refuseUnknown("KeyDerivationMode", "Tenant secrets of type "+s.typ+" can't opt out of key derivation")
		case s.source == "HSM":
			return c.refuseUnknown("KeyDerivationMode", "Only customer-supplied keys can opt out of key derivation")
		}
	}
	return nil
}

// interval is the least time between two keys of a type [D securityImplGuide
// security_pe_rotate_keys, Help security_shield_pe_byok]. Developer Edition counts as production.
func (o organization) interval(typ string) time.Duration {
	const day = 24 * time.Hour
	switch {
	case typ == "SearchIndex" || typ == "EventBus":
		return 7 * day
	case typ == "Database":
		return 90 * day // "at least 3 months"
	case o.kind == Sandbox:
		return 4 * time.Hour
	case typ == "DeterministicData":
		return 7 * day
	default:
		return day
	}
}

// checkInterval counts from the newest key of the type, however it was made [I].
func (c *call) checkInterval(typ string) *reply {
	if !c.s.world.settings.RotationIntervals {
		return nil
	}
	var newest time.Time
	for _, s := range c.s.world.tenantSecrets {
		if s.typ == typ && s.created.After(newest) {
			newest = s.created
		}
	}
	next := newest.Add(c.s.world.organization.interval(typ))
	if newest.IsZero() || !c.now.Before(next) {
		return nil
	}
	return c.refuseUnknown("Type", fmt.Sprintf("The next %s tenant secret can be created at %s", typ, datetime(next)))
}

func (w *world) kept(typ string) int {
	count := 0
	for _, s := range w.tenantSecrets {
		if s.typ == typ && s.source != "REMOTE" && s.status != "DESTROYED" {
			count++
		}
	}
	return count
}

// acceptUpload opens the wrapped secret and checks it as Salesforce's KMS does [D
// security_shield_pe_byok_secret_flow].
func (c *call) acceptUpload(s *tenantSecret, values object) *reply {
	w := c.s.world
	value, sentHash, name := values.text("SecretValue"), values.text("SecretValueHash"),
		values.text("SecretValueCertificate")
	hashNeeded := s.typ != "Database" && s.typ != "SearchIndex" // "for field-level encryption only" [D]
	switch {
	case value == "":
		return c.refuseUnknown("SecretValue", "An uploaded tenant secret needs a SecretValue")
	case sentHash == "" && hashNeeded:
		return c.refuseUnknown("SecretValueHash", "An uploaded tenant secret needs a SecretValueHash")
	case name == "":
		return c.refuseUnknown("SecretValueCertificate", "An uploaded tenant secret needs a SecretValueCertificate")
	}
	cert := w.certificateNamed(name)
	if cert == nil {
		return c.refuseUnknown("SecretValueCertificate", "There is no certificate of this name: "+name)
	}
	if reason := cert.unfit(c.s.Clock.Now(), s.typ == "Database"); reason != "" {
		return c.refuseUnknown("SecretValueCertificate", "The certificate "+name+" "+reason)
	}
	wrapped, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || strings.ContainsAny(value, "\r\n") {
		return c.refuseUnknown("SecretValue", "The SecretValue is not base64")
	}
	claimed, err := base64.StdEncoding.Strict().DecodeString(sentHash)
	if err != nil || sentHash != "" && len(claimed) != 32 {
		return c.refuseUnknown("SecretValueHash", "The SecretValueHash is not the base64 form of a SHA-256 hash")
	}
	material, how, err := unwrap(cert.key, wrapped)
	if err != nil {
		return c.refuseUnknown("SecretValue", "The SecretValue can't be decrypted with the private key of "+name)
	}
	switch {
	// CKM_RSA_AES_KEY_WRAP is for Search Index and Database, OAEP for field-level encryption [D].
	case how == wrappedCKM && s.typ != "Database" && s.typ != "SearchIndex",
		how != wrappedCKM && s.typ == "Database",
		how != wrappedCKM && s.typ == "SearchIndex" && !w.settings.SearchIndexOAEP:
		return c.refuseUnknown("SecretValue", "The SecretValue is wrapped by an algorithm that does not fit the type "+s.typ)
	case len(material) != materialSize:
		return c.refuseUnknown("SecretValue", fmt.Sprintf("The tenant secret has %d bytes, expected %d", len(material),
			materialSize))
	case sentHash != "" && hash(material) != sentHash:
		return c.refuseUnknown("SecretValueHash", "The SecretValueHash does not match the tenant secret")
	}
	s.materialHash = hash(material)
	// a secret may be a BYOK key only once [D Help security_pe_byok_generate_secret]
	for _, other := range w.tenantSecrets {
		if other.materialHash == s.materialHash {
			return c.refuseUnknown("SecretValue", "This tenant secret was used before; every key needs its own")
		}
	}
	s.material, s.uploaded, s.certificate, s.wrapping = material, bytes.Clone(material), cert.developerName, how
	return nil
}

// unfit says why a certificate can't wrap tenant secrets, "" if it can [R FAQ; V FtxDoc 3.0,
// ThalesDoc].
func (cert *certificate) unfit(now time.Time, database bool) string {
	switch {
	case cert.keySize != 4096:
		return fmt.Sprintf("has a key of %d bits, expected 4096", cert.keySize)
	case !cert.platformEncryption:
		return "does not use Platform Encryption"
	case cert.privateKeyExportable:
		return "has an exportable private key"
	case cert.unusable:
		return "waits for its signed chain"
	case !now.Before(cert.expires):
		return "has expired"
	case database && !cert.usesKMS:
		return "does not use the KMS, which Database keys need"
	case !database && cert.usesKMS:
		return "uses the KMS, which is for Database keys only" // [D CertTooling]
	case cert.key == nil:
		return "has no key"
	}
	if leaf, err := x509.ParseCertificate(cert.chain[0]); err != nil || leaf.PublicKeyAlgorithm != x509.RSA {
		return "is not an RSA certificate"
	}
	return ""
}

// certificateNamed finds a certificate by its unique name [D ObjRef]. A MasterLabel works if it
// equals the name, or if Settings allow it.
func (w *world) certificateNamed(name string) *certificate {
	for _, cert := range w.certificates {
		if cert.developerName == name || w.settings.CertificateByLabel && cert.masterLabel == name {
			return cert
		}
	}
	return nil
}

// acceptRemote checks the prerequisites of a cache-only key [D].
func (c *call) acceptRemote(s *tenantSecret, values object) *reply {
	w := c.s.world
	s.remoteIdentifier = values.text("RemoteKeyIdentifier")
	s.remoteCertificate = values.text("RemoteKeyCertificate")
	s.remoteService = values.text("RemoteKeyServiceId")
	switch {
	case !w.settings.EnableCacheOnlyKeys:
		return c.refuseUnknown("Source", "Cache-only keys are not enabled in this org")
	case w.active("Data") == nil:
		return c.refuseUnknown("Source", "A cache-only key needs an active Data tenant secret")
	case s.remoteIdentifier == "":
		return c.refuseUnknown("RemoteKeyIdentifier", "A cache-only key needs a RemoteKeyIdentifier")
	}
	cert, service, refusal := c.checkRemote(s)
	if refusal != nil {
		return refusal
	}
	return c.fetchRemoteKey(s, cert, service)
}

// checkRemote resolves the certificate and the named credential of a cache-only key.
func (c *call) checkRemote(s *tenantSecret) (*certificate, *namedCredential, *reply) {
	w := c.s.world
	cert := w.certificateNamed(s.remoteCertificate)
	if cert == nil {
		return nil, nil, c.refuseUnknown("RemoteKeyCertificate", "There is no certificate of this name: "+s.remoteCertificate)
	}
	if reason := cert.unfit(c.s.Clock.Now(), false); reason != "" {
		return nil, nil, c.refuseUnknown("RemoteKeyCertificate", "The certificate "+cert.developerName+" "+reason)
	}
	id, _ := parseID(s.remoteService)
	at := slices.IndexFunc(w.namedCredentials, func(n *namedCredential) bool { return n.id == id })
	if at < 0 {
		return nil, nil, refuse(http.StatusBadRequest, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id",
			"RemoteKeyServiceId")
	}
	s.remoteService = w.namedCredentials[at].id
	return cert, w.namedCredentials[at], nil
}

// updateTenantSecret serves PATCH: a new description, or a transition of its status.
func (c *call) updateTenantSecret(id string, values object) *reply {
	w := c.s.world
	s := w.secret(id)
	change := *s

	if values.given("Description") {
		change.description = values.text("Description")
	}
	if values.given("RemoteKeyServiceId") || values.given("RemoteKeyCertificate") {
		if s.source != "REMOTE" {
			return c.refuseUnknown("Source", "RemoteKey fields belong to cache-only keys; the Source is "+s.source)
		}
		if values.given("RemoteKeyServiceId") {
			change.remoteService = values.text("RemoteKeyServiceId")
		}
		if values.given("RemoteKeyCertificate") {
			change.remoteCertificate = values.text("RemoteKeyCertificate")
		}
		if _, _, refusal := c.checkRemote(&change); refusal != nil {
			return refusal
		}
	}
	if values.given("SecretValueCertificate") {
		return c.refuseUnknown("SecretValueCertificate", "The certificate of an existing tenant secret can't be changed")
	}

	status, value := values.text("Status"), values.text("SecretValue")
	if c.version < 44 && values.given("SecretValue") { // before Status was updateable [D]
		status = "ARCHIVED"
		if value == "" {
			status = "DESTROYED"
		}
	}
	switch {
	case values.given("Status") && status == "":
		return refuse(http.StatusBadRequest, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
			"Status: bad value for restricted picklist field: ", "Status")
	case status == "" && values.given("SecretValue"):
		return c.refuseUnknown("SecretValue", "A SecretValue restores a destroyed tenant secret; it needs the Status "+
			"ARCHIVED")
	case status != "":
		if refusal := c.transition(&change, status, value); refusal != nil {
			return refusal
		}
	}
	change.modified, change.modifiedBy = c.now, c.session.user.id
	*s = change
	return &reply{status: http.StatusNoContent, committed: true}
}

// transition moves s to a status, by the documented table [D ShieldREST]. Anything else is refused,
// also staying where it is.
func (c *call) transition(s *tenantSecret, to, value string) *reply {
	w := c.s.world
	forbidden := func(why string) *reply {
		return c.refuseUnknown("Status", fmt.Sprintf("The status of this tenant secret can't change from %s to %s: %s",
			s.status, to, why))
	}
	newest := !slices.ContainsFunc(w.tenantSecrets, func(other *tenantSecret) bool {
		return other.typ == s.typ && other.version > s.version
	})
	switch {
	case s.source == "REMOTE" && s.status == "ACTIVE" && to == "DESTROYED",
		s.source == "REMOTE" && s.status == "DESTROYED" && to == "ACTIVE":
		if !newest {
			return forbidden("only the most recent version of a cache-only key can be destroyed or activated")
		}
		if value != "" {
			return c.refuseUnknown("SecretValue", "A cache-only key has no SecretValue")
		}
		if to == "ACTIVE" {
			cert, service, refusal := c.checkRemote(s)
			if refusal == nil {
				refusal = c.fetchRemoteKey(s, cert, service)
			}
			if refusal != nil {
				return refusal
			}
		}
	case s.source == "REMOTE":
		return forbidden("a cache-only key is ACTIVE or DESTROYED")
	case s.status == "ARCHIVED" && to == "DESTROYED":
		if s.typ == "Database" || s.typ == "SearchIndex" && w.settings.Hyperforce { // [D Help security_pe_destroy_key]
			return forbidden("keys of type " + s.typ + " can't be destroyed")
		}
		if value != "" {
			return c.refuseUnknown("SecretValue", "A destroyed tenant secret has no SecretValue")
		}
		s.material = nil
	case s.status == "DESTROYED" && to == "ARCHIVED":
		if w.kept(s.typ) >= maxKept {
			return c.refuseUnknown("Status", fmt.Sprintf("The org already holds %d active and archived tenant secrets of type "+
				"%s", maxKept, s.typ))
		}
		material, err := w.importSecret(value)
		if err != nil || hash(material) != s.materialHash {
			return c.refuseUnknown("SecretValue", "Invalid Secret/Key") // [C FtxPlugin]
		}
		s.material = material
	case s.status == "ACTIVE" && to == "ARCHIVED" && w.settings.ArchiveByPatch && value == "":
	case s.status == "ACTIVE" && to == "DESTROYED":
		return forbidden("only archived tenant secrets can be destroyed") // [V ThalesDoc]
	default:
		return forbidden("there is no such transition")
	}
	s.status = to
	return nil
}
