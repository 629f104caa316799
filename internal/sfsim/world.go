package sfsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Kind is the kind of a simulated org. Intervals between keys, the token audience and the
// Organization row depend on it.
type Kind string

// The kinds of orgs.
const (
	Production Kind = "production"
	Sandbox    Kind = "sandbox"
	Developer  Kind = "developer"
)

// Settings are the switches of the org and of the simulator itself. JSON and YAML names are those
// of the tags.
type Settings struct {
	// CanOptOutOfDerivationWithBYOK allows KeyDerivationMode NONE [D EncryptionKeySettings].
	CanOptOutOfDerivationWithBYOK bool `json:"can_opt_out_of_derivation_with_byok" yaml:"can_opt_out_of_derivation_with_byok"`
	// EnableCacheOnlyKeys allows secrets of Source REMOTE [D EncryptionKeySettings].
	EnableCacheOnlyKeys bool `json:"enable_cache_only_keys" yaml:"enable_cache_only_keys"`
	// EnableReplayDetection makes cache-only callouts demand the nonce back [D EncryptionKeySettings].
	EnableReplayDetection bool `json:"enable_replay_detection" yaml:"enable_replay_detection"`
	// CanEncryptTransactionalDatabase allows secrets of Type Database [D EncryptionKeySettings].
	CanEncryptTransactionalDatabase bool `json:"can_encrypt_transactional_database" yaml:"can_encrypt_transactional_database"`
	// SettingsAbsent names switches that the org does not show, by metadata name with commas between
	// them, as files of three real orgs lack some [C]. A deploy that turns one on succeeds and changes
	// nothing, or, with SettingsAbsentRefused, fails; which it is is unknown.
	SettingsAbsent        string `json:"settings_absent" yaml:"settings_absent"`
	SettingsAbsentRefused bool   `json:"settings_absent_refused" yaml:"settings_absent_refused"`
	// SettingsKept names switches that no deploy changes, with commas between them, although it
	// succeeds and the org shows them: what a missing add-on does to them is unknown.
	SettingsKept string `json:"settings_kept" yaml:"settings_kept"`
	// SettingsDeployResets makes a deploy of settings turn off what it does not name; whether
	// Salesforce does is unknown.
	SettingsDeployResets bool `json:"settings_deploy_resets" yaml:"settings_deploy_resets"`
	// DeterministicNeedsSetting refuses keys of type DeterministicData while
	// enableDeterministicEncryption is off. Public scripts turn it on first [C
	// platform-encryption-demo, CMSS]; whether its absence is refused is unknown.
	DeterministicNeedsSetting bool `json:"deterministic_needs_setting" yaml:"deterministic_needs_setting"`
	// Hyperforce moves SearchIndex off TenantSecret from API 63.0 on [D ObjRef].
	Hyperforce bool `json:"hyperforce" yaml:"hyperforce"`

	// DataEncryptionKeyType is how Type reads back: search index, Search Index or SearchIndex. One
	// page of the reference has all three, and says that case does not matter [D DEKRef].
	DataEncryptionKeyType string `json:"data_encryption_key_type" yaml:"data_encryption_key_type"`
	// DataEncryptionKeyReply is the shape of the reply to a create: record, as of every object, or
	// query, as the reference prints it [D].
	DataEncryptionKeyReply string `json:"data_encryption_key_reply" yaml:"data_encryption_key_reply"`
	// DataEncryptionKeyWithout names fields that the object lacks, with commas between them, such as
	// Description; a public describe of v64 has them all [C NetCoreForce].
	DataEncryptionKeyWithout string `json:"data_encryption_key_without" yaml:"data_encryption_key_without"`

	// RotationIntervals enforces the least time between two keys of a type [D securityImplGuide]. On
	// by default.
	RotationIntervals bool `json:"rotation_intervals" yaml:"rotation_intervals"`
	// RefusalCode is the errorCode of refusals whose code is not known.
	RefusalCode string `json:"refusal_code" yaml:"refusal_code"`
	// SearchIndexOAEP lets Search Index secrets be wrapped by OAEP too, as one client does. On by
	// default.
	SearchIndexOAEP bool `json:"search_index_oaep" yaml:"search_index_oaep"`
	// ArchiveByPatch allows PATCH ACTIVE -> ARCHIVED, which only one client tries.
	ArchiveByPatch bool `json:"archive_by_patch" yaml:"archive_by_patch"`
	// CertificateByLabel accepts a MasterLabel in SecretValueCertificate even if it differs from
	// the DeveloperName.
	CertificateByLabel bool `json:"certificate_by_label" yaml:"certificate_by_label"`
	// CertificateChainForm is the body form of CertificateChain, which is not documented: pem, base64,
	// json, der, bom (PEM after a byte order mark), pkcs7, base64-pem, trusted (OpenSSL's TRUSTED
	// CERTIFICATE), x509 (X509 CERTIFICATE), one-line (PEM without line breaks) or root-first.
	CertificateChainForm string `json:"certificate_chain_form" yaml:"certificate_chain_form"`
	// CertificateDateOnly shows ExpirationDate as a date, as the reference has it; the WSDL has a
	// dateTime [D].
	CertificateDateOnly bool `json:"certificate_date_only" yaml:"certificate_date_only"`
	// CertificateMaxDays is how many days a new certificate is valid at most, whatever is asked for:
	// the lifespans that certificate authorities agree on shrink, and may hold for Salesforce's own
	// certificates [D Help security_keys_policy_and_rotation]. 0 is for no such limit.
	CertificateMaxDays int `json:"certificate_max_days" yaml:"certificate_max_days"`
	// CertificateTooLongRefused refuses an expirationDate beyond CertificateMaxDays instead of
	// shortening it. Neither is documented.
	CertificateTooLongRefused bool `json:"certificate_too_long_refused" yaml:"certificate_too_long_refused"`
	// CertificateDeletion says whose certificates can't be deleted, which is not documented: remote
	// (those that any cache-only key names, the default), active (those that an ACTIVE one names) or
	// free (none).
	CertificateDeletion string `json:"certificate_deletion" yaml:"certificate_deletion"`
	// ExportsDiffer gives another export of a key at each read. Whether Salesforce's stay the same
	// is [U 11.1].
	ExportsDiffer bool `json:"exports_differ" yaml:"exports_differ"`
	// CertificateRedeployKeys makes a new key pair by any deploy over an existing certificate [D
	// CertMeta: it copies the X.509 parameters to a new one]. Off, a deploy changes the label, or
	// brings the signed chain.
	CertificateRedeployKeys bool `json:"certificate_redeploy_keys" yaml:"certificate_redeploy_keys"`
	// CertificateChainStrict refuses chains with certificates that Go can't read, such as issuers with
	// negative serial numbers.
	CertificateChainStrict bool `json:"certificate_chain_strict" yaml:"certificate_chain_strict"`
	// JWTLogin says which host an assertion may be posted to, and for whom it must be, in which orgs
	// differ [C n8n#28990, simple-salesforce PR#711, forrest#302]: any (the default); my_domain (both
	// are My Domain, and the login host knows no such app); login_audience (posted to My Domain, for
	// the login host); login_host (both are the login host).
	JWTLogin string `json:"jwt_login" yaml:"jwt_login"`
	// JWTTokens makes access tokens in the form of a JWT, which SOAP does not take [C]. Those issued
	// before stay as they are.
	JWTTokens bool `json:"jwt_tokens" yaml:"jwt_tokens"`
	// SessionEnd is how REST says that a session is over: session (401 INVALID_SESSION_ID, the
	// default), header (401 INVALID_AUTH_HEADER, as for JWT-based tokens), forbidden (403
	// INVALID_SESSION_ID) or text (403, the text Bad_OAuth_Token) [C].
	SessionEnd string `json:"session_end" yaml:"session_end"`
	// SessionUnfit makes every session "not valid for use with the REST API" (401) [C jsforce#1301].
	SessionUnfit bool `json:"session_unfit" yaml:"session_unfit"`
	// APIDisabled refuses every call with 403 API_DISABLED_FOR_ORG [C ForceCLI].
	APIDisabled bool `json:"api_disabled" yaml:"api_disabled"`
	// APILimit is the number of calls that the org may make; beyond it every call is 403
	// REQUEST_LIMIT_EXCEEDED.
	APILimit int `json:"api_limit" yaml:"api_limit"`
	// PageSize caps the rows of one query page below Salesforce's least batch of 200; 0 leaves the
	// real sizes.
	PageSize int `json:"page_size" yaml:"page_size"`
	// SessionTimeoutSeconds ends sessions on the simulated clock; 0 means never.
	SessionTimeoutSeconds int `json:"session_timeout_seconds" yaml:"session_timeout_seconds"`
	// VisibilityLagSeconds hides a new tenant secret from reads for that long on the simulated clock.
	VisibilityLagSeconds int `json:"visibility_lag_seconds" yaml:"visibility_lag_seconds"`
	// VisibilityLagReads hides a new tenant secret from that many read requests.
	VisibilityLagReads int `json:"visibility_lag_reads" yaml:"visibility_lag_reads"`
	// DeployPolls is how many times a deploy or retrieve must be asked for until it is done. 2 by
	// default.
	DeployPolls int `json:"deploy_polls" yaml:"deploy_polls"`
	// EventLogLagSeconds is how long after its day an event log file appears; 0 shows the running day
	// too, at once.
	EventLogLagSeconds int `json:"event_log_lag_seconds" yaml:"event_log_lag_seconds"`
	// SalesforceRootKey says that the org has an active Salesforce root key, which Search Index keys
	// of API 63.0 need [D Help upload_seas]. On by default.
	SalesforceRootKey bool `json:"salesforce_root_key" yaml:"salesforce_root_key"`
}

// names splits a list of names with commas between them.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// Permissions are those of the integration user [D ShieldREST; D Help
// security_pe_byok_generate_secret].
type Permissions struct {
	ManageEncryptionKeys bool `json:"manage_encryption_keys" yaml:"manage_encryption_keys"`
	ManageCertificates   bool `json:"manage_certificates" yaml:"manage_certificates"`
	CustomizeApplication bool `json:"customize_application" yaml:"customize_application"`
	ModifyMetadata       bool `json:"modify_metadata" yaml:"modify_metadata"`
	// DeniedAsEmpty answers queries without permission with no rows instead of INVALID_TYPE.
	DeniedAsEmpty bool `json:"denied_as_empty" yaml:"denied_as_empty"`
}

// organization is the one row of the Organization object, with the switches of its kind.
type organization struct {
	id, name, instanceName string
	kind                   Kind
}

// user is a row of the User object.
type user struct {
	id, username, firstName, lastName, email string
	active                                   bool
	created                                  time.Time
}

// namedCredential is where a cache-only key is fetched from.
type namedCredential struct {
	id, developerName, label, endpoint string
	created                            time.Time
}

// world is the whole state of the simulated org. The server's lock guards it.
type world struct {
	organization     organization
	users            []*user
	certificates     []*certificate
	tenantSecrets    []*tenantSecret
	namedCredentials []*namedCredential
	settings         Settings
	permissions      Permissions
	release          int // see currentRelease
	wrappingMaster   []byte
	keys             keyring
	lastID           int
	lastVersion      int64
	apiUsage         int
	extra            map[string]any // state of the objects of other files, by name
}

// certificate is a row of the tooling object Certificate, with the private key that Salesforce
// never gives away.
type certificate struct {
	id, developerName, masterLabel          string
	created, expires                        time.Time
	keySize                                 int
	caSigned, platformEncryption            bool
	privateKeyExportable, unusable, usesKMS bool
	key                                     *rsa.PrivateKey
	chain                                   [][]byte // DER, leaf first
}

// tenantSecret is a row of TenantSecret, with what Salesforce keeps to itself.
type tenantSecret struct {
	id, typ, source, status, keyDerivationMode string
	description                                string
	version                                    int64
	created, modified                          time.Time
	createdBy, modifiedBy                      string

	remoteIdentifier, remoteService, remoteCertificate string

	certificate  string // the DeveloperName it was uploaded with; reads back null [V FtxDoc]
	wrapping     string // how it was wrapped
	material     []byte // nil once destroyed, and for REMOTE
	materialHash string // base64 SHA-256 of the material; kept after destruction [D]
	uploaded     []byte // what was uploaded, for inspection by tests

	exported        string // SecretValue of exportedRelease, kept because it takes time to make
	exportedRelease int

	hiddenUntil time.Time
	hiddenReads int
	// predecessor is the secret that this one archived, and predecessorModified when that had last
	// been changed before.
	predecessor         *tenantSecret
	predecessorModified time.Time
}

func defaultSettings() Settings {
	return Settings{
		RotationIntervals: true, RefusalCode: "FIELD_INTEGRITY_EXCEPTION", SearchIndexOAEP: true,
		CertificateChainForm: "pem", CertificateDeletion: "remote", APILimit: 100_000, DeployPolls: 2,
		SalesforceRootKey:     true,
		DataEncryptionKeyType: dataKeyTypes[0], DataEncryptionKeyReply: dataKeyReplies[0], JWTLogin: jwtLogins[0],
		SessionEnd: sessionEnds[0],
	}
}

func allPermissions() Permissions {
	return Permissions{
		ManageEncryptionKeys: true, ManageCertificates: true, CustomizeApplication: true,
		ModifyMetadata: true,
	}
}

// hash is Salesforce's SecretValueHash: base64 of the SHA-256 of the plaintext [D FAQ].
func hash(material []byte) string {
	sum := sha256.Sum256(material)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func randomBytes(n int) []byte {
	out := make([]byte, n)
	if _, err := rand.Read(out); err != nil {
		panic("sfsim: crypto/rand failed: " + err.Error())
	}
	return out
}

// addCertificate makes the key pair and the self-signed certificate of c and adds it to the org.
func (w *world) addCertificate(c *certificate) error {
	key, err := w.keys.next(c.keySize)
	if err != nil {
		return err
	}
	serial := new(big.Int).SetBytes(append([]byte{0x01}, randomBytes(15)...))
	subject := pkix.Name{
		CommonName: c.developerName, OrganizationalUnit: []string{w.organization.id},
		Organization: []string{"Salesforce.com"},
		Locality:     []string{"San Francisco"}, Province: []string{"CA"}, Country: []string{"USA"},
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: subject, Issuer: subject, NotBefore: c.created, NotAfter: c.expires,
		SignatureAlgorithm: x509.SHA256WithRSA, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make the certificate %s: %w", c.developerName, err)
	}
	c.key, c.chain = key, [][]byte{der}
	if c.id == "" {
		c.id = w.newID("0P1")
	}
	if c.masterLabel == "" {
		c.masterLabel = c.developerName
	}
	w.certificates = append(w.certificates, c)
	return nil
}

// addSecret gives s an id and the next Version of the org, makes it the ACTIVE one of its type, and
// archives the one that was [D Help upload page, ShieldREST transitions].
func (w *world) addSecret(s *tenantSecret, now time.Time) {
	for _, other := range w.tenantSecrets {
		if other.typ == s.typ && other.status == "ACTIVE" {
			s.predecessor, s.predecessorModified = other, other.modified
			other.status, other.modified, other.modifiedBy = "ARCHIVED", now, s.createdBy
		}
	}
	if s.id == "" {
		s.id = w.newID("02G")
	}
	w.lastVersion++
	s.version, s.status = w.lastVersion, "ACTIVE"
	s.created, s.modified, s.modifiedBy = now, now, s.createdBy
	w.tenantSecrets = append(w.tenantSecrets, s)
}

func (w *world) secret(id string) *tenantSecret {
	for _, s := range w.tenantSecrets {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (w *world) active(typ string) *tenantSecret {
	for _, s := range w.tenantSecrets {
		if s.typ == typ && s.status == "ACTIVE" {
			return s
		}
	}
	return nil
}

// newest is the secret of a type with the highest Version, nil if there is none.
func (w *world) newest(typ string) *tenantSecret {
	var last *tenantSecret
	for _, s := range w.tenantSecrets {
		if s.typ == typ && (last == nil || s.version > last.version) {
			last = s
		}
	}
	return last
}

// emails are the addresses of the users, by id.
func (w *world) emails() map[string]string {
	out := map[string]string{}
	for _, u := range w.users {
		out[u.id] = u.email
	}
	return out
}

// mainUser is the integration user, as whom every client runs.
func (w *world) mainUser() *user { return w.users[0] }

// administrator is who works in Setup.
func (w *world) administrator() *user { return w.users[1] }
