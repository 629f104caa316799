package sfsim_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const metadataNS = ` xmlns="http://soap.sforce.com/2006/04/metadata"`

// packageXML names components of types; each argument is "Type:Member".
func packageXML(version string, members ...string) string {
	var out strings.Builder
	out.WriteString(`<Package` + metadataNS + `>`)
	for _, m := range members {
		typ, name, _ := strings.Cut(m, ":")
		fmt.Fprintf(&out, "<types><members>%s</members><name>%s</name></types>", name, typ)
	}
	return out.String() + "<version>" + version + "</version></Package>"
}

// certificateXML is the recipe that public repositories use [C], with changes: "element=value".
func certificateXML(changes ...string) string {
	values := map[string]string{
		"caSigned": "false", "encryptedWithPlatformEncryption": "true", "keySize": "4096", "masterLabel": "My BYOK Cert",
		"privateKeyExportable": "false",
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		values[name] = value
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] != "" {
			fmt.Fprintf(&out, "<%[1]s>%[2]s</%[1]s>", name, values[name])
		}
	}
	return "<Certificate" + metadataNS + ">" + out.String() + "</Certificate>"
}

// certificateFiles deploys one certificate.
func certificateFiles(name, content string, changes ...string) map[string]string {
	return map[string]string{
		"package.xml": packageXML("62.0", "Certificate:"+name), "certs/" + name + ".crt": content,
		"certs/" + name + ".crt-meta.xml": certificateXML(changes...),
	}
}

func deletionFiles(names ...string) map[string]string {
	members := make([]string, 0, len(names))
	for _, name := range names {
		members = append(members, "Certificate:"+name)
	}
	return map[string]string{"package.xml": packageXML("62.0"), "destructiveChanges.xml": packageXML("62.0", members...)}
}

func settingsFiles(version, elements string) map[string]string {
	return map[string]string{
		"package.xml": packageXML(version, "Settings:EncryptionKey"),
		"settings/EncryptionKey.settings": "<EncryptionKeySettings" + metadataNS + ">" + elements +
			"</EncryptionKeySettings>",
	}
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := writer.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type part struct{ name, contentType, file, body string }

func (c *client) multipart(parts ...part) *answer {
	c.t.Helper()
	var out bytes.Buffer
	writer := multipart.NewWriter(&out)
	for _, p := range parts {
		disposition := `form-data; name="` + p.name + `"`
		if p.file != "" {
			disposition += `; filename="` + p.file + `"`
		}
		w, err := writer.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {disposition},
			"Content-Type":        {p.contentType},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := w.Write([]byte(p.body)); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		c.t.Fatal(err)
	}
	a, err := c.try(http.MethodPost, data+"/metadata/deployRequest", out.Bytes(), writer.FormDataContentType())
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

const singlePackage = `{"deployOptions":{"singlePackage":true,"rollbackOnError":true}}`

func (c *client) post(options string, files map[string]string) *answer {
	c.t.Helper()
	return c.multipart(part{"json", "application/json", "", options},
		part{"file", "application/zip", "deploy.zip", string(zipOf(c.t, files))})
}

type deployMessage struct {
	FullName, ComponentType, FileName, Problem, ProblemType, ID string
	Success, Created, Changed, Deleted                          bool
	LineNumber                                                  int
}

type deployState struct {
	ID           string `json:"id"`
	DeployResult struct {
		Status, ErrorMessage, CanceledBy                string
		Done, Success, CheckOnly                        bool
		NumberComponentsDeployed, NumberComponentsTotal int
		NumberComponentErrors                           int
		CreatedDate, CompletedDate                      string
		Details                                         struct{ ComponentFailures, ComponentSuccesses []deployMessage }
	}
}

func (c *client) status(id string) deployState {
	c.t.Helper()
	var state deployState
	c.get(data + "/metadata/deployRequest/" + id + "?includeDetails=true").want(http.StatusOK).into(&state)
	return state
}

// deploy posts and polls until the deployment is done.
func (c *client) deploy(options string, files map[string]string) deployState {
	c.t.Helper()
	var state deployState
	c.post(options, files).want(http.StatusCreated).into(&state)
	for range 5 {
		if state = c.status(state.ID); state.DeployResult.Done {
			return state
		}
	}
	c.t.Fatalf("the deployment is not done after 5 polls: %+v", state)
	return state
}

func (c *client) deployed(files map[string]string) deployState {
	c.t.Helper()
	state := c.deploy(singlePackage, files)
	if !state.DeployResult.Success || state.DeployResult.Status != "Succeeded" {
		c.t.Fatalf("the deployment failed: %+v", state.DeployResult)
	}
	return state
}

// failed deploys and returns the one failure that it must have.
func (c *client) failed(files map[string]string) deployMessage {
	c.t.Helper()
	state := c.deploy(singlePackage, files)
	result := state.DeployResult
	if result.Success || result.Status != "Failed" || len(result.Details.ComponentFailures) != 1 ||
		result.NumberComponentErrors != 1 {
		c.t.Fatalf("want one failure, got %+v", result)
	}
	return result.Details.ComponentFailures[0]
}

func (c *client) certificate(name string) (sfsim.Certificate, bool) {
	for _, cert := range c.server.Certificates() {
		if cert.DeveloperName == name {
			return cert, true
		}
	}
	return sfsim.Certificate{}, false
}

// [C two repositories] A deploy with an empty .crt makes a key pair; with Platform Encryption, 4096
// bits and without export it wraps tenant secrets [I].
func TestDeployOfACertificate(t *testing.T) {
	t.Parallel()
	c := start(t, sfsim.WithoutIntervals())
	var state deployState
	c.post(singlePackage, certificateFiles("My_Cert", "",
		"expirationDate=2099-11-20T00:00:00.000Z")).want(http.StatusCreated).into(&state)
	if !strings.HasPrefix(state.ID, "0Af") || len(state.ID) != 18 {
		t.Errorf("id %q, want 18 characters that begin with 0Af", state.ID)
	}
	if r := state.DeployResult; r.Status != "Pending" || r.Done {
		t.Errorf("a new deployment is %s, done %v", r.Status, r.Done)
	}
	if _, made := c.certificate("My_Cert"); made {
		t.Error("the certificate exists before the deployment ran")
	}
	if r := c.status(state.ID).DeployResult; r.Status != "InProgress" || r.Done {
		t.Errorf("after one poll the deployment is %s, done %v", r.Status, r.Done)
	}
	result := c.status(state.ID).DeployResult
	if !result.Done || !result.Success || result.NumberComponentsDeployed != 1 || result.NumberComponentsTotal != 1 ||
		result.CompletedDate == "" {
		t.Fatalf("result %+v", result)
	}
	message := result.Details.ComponentSuccesses[0]
	cert, made := c.certificate("My_Cert")
	if !made || message.ID != cert.ID || !message.Created || message.ComponentType != "Certificate" ||
		message.FileName != "certs/My_Cert.crt" {
		t.Errorf("message %+v, certificate %+v", message, cert)
	}
	row := c.get(data + "/tooling/query?q=" + url.QueryEscape("SELECT KeySize,ExpirationDate,OptionsIsUnusable FROM "+
		"Certificate WHERE DeveloperName='My_Cert'"))
	if text := string(row.want(http.StatusOK).body); !strings.Contains(text,
		`"KeySize":4096,"ExpirationDate":"2099-11-20T00:00:00.000+0000","OptionsIsUnusable":false`) {
		t.Errorf("tooling row %s", text)
	}
	m := material()
	c.create(c.uploadBody(m, map[string]any{
		"SecretValueCertificate": "My_Cert", "SecretValue": c.wrap(sha512.New(), "My_Cert", m),
	})).created()
	again := c.status(state.ID)
	if len(c.server.Certificates()) != 3 || !again.DeployResult.Done {
		t.Error("asking again for a finished deployment changed something")
	}
	c.noViolations()
}

// The validity that Salesforce gives by itself [D CertMeta].
func TestDeployedCertificateDefaults(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for size, years := range map[string]int{"4096": 2, "2048": 1, "": 1} {
		c := start(t, sfsim.WithTime(now))
		c.deployed(certificateFiles("My_Cert", "", "keySize="+size, "privateKeyExportable=",
			"encryptedWithPlatformEncryption="))
		cert, _ := c.certificate("My_Cert")
		if want := now.AddDate(years, 0, 0); cert.ExpirationDate.Sub(want).Abs() > time.Minute {
			t.Errorf("keySize %q: expires %s, want %s", size, cert.ExpirationDate, want)
		}
		row := c.get(data +
			"/tooling/query?q=SELECT+OptionsIsPrivateKeyExportable+FROM+Certificate+WHERE+DeveloperName='My_Cert'")
		if !strings.Contains(string(row.body), `"OptionsIsPrivateKeyExportable":true`) {
			t.Errorf("the key is exportable by default, got %s", row.body)
		}
	}
}

func TestDeployFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		seed  string
		files map[string]string
		text  string
	}{
		{"no package.xml", "", map[string]string{"certs/a.crt": ""}, "No package.xml found"},
		{"version of the future", "", map[string]string{"package.xml": packageXML("99.0")}, "Invalid version specified:99.0"},
		{
			"missing files", "",
			map[string]string{"package.xml": packageXML("62.0", "Certificate:X")},
			"was not found in zipped directory",
		},
		{"expired", "", certificateFiles("My_Cert", "", "expirationDate=2020-01-01T00:00:00Z"), "is not in the future"},
		{
			"bare date", "", certificateFiles("My_Cert", "", "expirationDate=2099-01-01"),
			"not a valid value for the type xsd:dateTime",
		},
		{
			"no active Data secret", "tenant_secrets: []", certificateFiles("My_Cert", ""),
			"needs an active Data tenant secret",
		},
		{
			"no permission for certificates", "permissions: {manage_certificates: false}", certificateFiles("My_Cert", ""),
			"Manage Certificates",
		},
		{
			"no permission for keys", "permissions: {manage_encryption_keys: false}", certificateFiles("My_Cert", ""),
			"Manage Encryption Keys",
		},
		{
			"no permission for settings", "permissions: {customize_application: false}", settingsFiles("62.0", ""),
			"Customize Application",
		},
		{"content that is no certificate", "", certificateFiles("My_Cert", "hello"), "not a chain of certificates in PEM"},
		{
			"size of an existing one", "", certificateFiles("Sim_BYOK", "", "keySize=2048"),
			"keySize of the certificate Sim_BYOK can't be changed",
		},
		{"kind of an existing one", "", certificateFiles("Sim_BYOK", "", "caSigned=true"), "caSigned of the certificate"},
		{
			"encryption of an existing one", "", certificateFiles("Sim_BYOK", "", "encryptedWithPlatformEncryption=false"),
			"encryptedWithPlatformEncryption of the certificate",
		},
		{
			"exportability of an existing one", "", certificateFiles("Sim_BYOK", "", "privateKeyExportable=true"),
			"privateKeyExportable of the certificate",
		},
		{
			"expiry of an existing one", "", certificateFiles("Sim_BYOK", "", "expirationDate=2099-01-01T00:00:00Z"),
			"expirationDate of the certificate",
		},
		{"deletion of none", "", deletionFiles("Nobody"), "No Certificate named: Nobody found"},
		{
			"deletion without permission", "permissions: {manage_certificates: false}", deletionFiles("Sim_BYOK"),
			"Manage Certificates",
		},
		{
			"deletion of a cache-only key's", "settings: {enable_cache_only_keys: true}\ntenant_secrets: [{}, {type: " +
				"EventBus, source: REMOTE, certificate: Sim_BYOK, remote_key_identifier: k}]",
			deletionFiles("Sim_BYOK"), "is used by a cache-only key",
		},
		{
			"replay detection alone", "", settingsFiles("62.0", "<enableReplayDetection>true</enableReplayDetection>"),
			"needs enableCacheOnlyKeys",
		},
		{"cache-only keys off under replay detection", "settings: {enable_cache_only_keys: true, enable_replay_detection: " +
			"true}", settingsFiles("62.0", "<enableCacheOnlyKeys>false</enableCacheOnlyKeys>"), "needs enableCacheOnlyKeys"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, seeded(t, tc.seed))
			before, settings := c.server.Certificates(), c.server.Settings()
			if got := c.failed(tc.files); !strings.Contains(got.Problem, tc.text) || got.Success {
				t.Errorf("failure %+v, want a problem with %q", got, tc.text)
			}
			if after := c.server.Certificates(); len(after) != len(before) || c.server.Settings() != settings {
				t.Errorf("a failed deployment changed the org: %+v", after)
			}
		})
	}
}

// Real orgs do not show every switch [C], and what becomes of one that a file omits is not
// documented.
func TestSettingsThatAnOrgDoesNotShow(t *testing.T) {
	t.Parallel()
	read := func(c *client) string {
		var out struct {
			Records []struct {
				Elements string `xml:",innerxml"`
			} `xml:"result>records"`
		}
		c.call("63.0", "<readMetadata><type>EncryptionKeySettings</type><fullNames>EncryptionKey</fullNames></readMetadata>",
			&out)
		return out.Records[0].Elements
	}
	const hidden = "settings: {settings_absent: 'enableCacheOnlyKeys, enableReplayDetection'}\nswitches: " +
		"[canOptOutOfDerivationWithBYOK]"
	c := start(t, seeded(t, hidden))
	if got := read(c); strings.Contains(got, "enable") || !strings.Contains(got, "<canOptOutOfDerivationWithBYOK>true<") {
		t.Errorf("the org shows %s", got)
	}
	c.deployed(settingsFiles("63.0", "<enableCacheOnlyKeys>true</enableCacheOnlyKeys>"))
	if got := read(c); strings.Contains(got, "enable") || c.server.Switch("enableCacheOnlyKeys") ||
		!c.server.Switch("canOptOutOfDerivationWithBYOK") {
		t.Errorf("a switch that is not shown was turned on, or another one off: %s", got)
	}
	c.server.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.SettingsAbsentRefused = true })
	if got := c.failed(settingsFiles("63.0",
		"<enableCacheOnlyKeys>true</enableCacheOnlyKeys>")); !strings.Contains(got.Problem, "enableCacheOnlyKeys") {
		t.Errorf("failure %+v", got)
	}
	c.deployed(settingsFiles("63.0", "<enableCacheOnlyKeys>false</enableCacheOnlyKeys>"))
	c.server.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.SettingsAbsent, s.SettingsDeployResets = "", true
	})
	c.deployed(settingsFiles("63.0", "<enableCacheOnlyKeys>true</enableCacheOnlyKeys>"))
	if !c.server.Switch("enableCacheOnlyKeys") || c.server.Switch("canOptOutOfDerivationWithBYOK") {
		t.Error("a deploy that resets kept a switch that it does not name")
	}
	c.deployed(settingsFiles("63.0", "<canEncryptTransactionalDatabase>true</canEncryptTransactionalDatabase>"))
	if got := c.failed(settingsFiles("63.0",
		"<canEncryptTransactionalDatabase>false</canEncryptTransactionalDatabase>")); !strings.Contains(got.Problem,
		"can't be turned off") {
		t.Errorf("failure %+v", got)
	}
	c = start(t, seeded(t, "settings: {settings_kept: 'enableCacheOnlyKeys, canOptOutOfDerivationWithBYOK'}\n"+
		"switches: [canOptOutOfDerivationWithBYOK]"))
	c.deployed(settingsFiles("63.0",
		"<canOptOutOfDerivationWithBYOK>false</canOptOutOfDerivationWithBYOK><enableCacheOnlyKeys>true</enableCacheOnlyKeys>"))
	if got := read(c); !strings.Contains(got, "<enableCacheOnlyKeys>false<") ||
		!strings.Contains(got, "<canOptOutOfDerivationWithBYOK>true<") {
		t.Errorf("a deploy changed a switch that is kept: %s", got)
	}
	if _, err := sfsim.ReadSeed(strings.NewReader("switches: [enableOdd]")); err == nil {
		t.Error("an unknown switch was accepted")
	}
}

// Public scripts turn the setting on before they make the key [C]; an org may insist on it.
func TestDeterministicDataMayNeedItsSetting(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "settings: {deterministic_needs_setting: true}"))
	c.do(http.MethodPost, data+"/sobjects/TenantSecret", `{"Type":"DeterministicData"}`).refused(http.StatusBadRequest,
		unknown)
	c = start(t, seeded(t, "settings: {deterministic_needs_setting: true}\nswitches: [enableDeterministicEncryption]"))
	c.do(http.MethodPost, data+"/sobjects/TenantSecret", `{"Type":"DeterministicData"}`).want(http.StatusCreated)
}

func TestDeployChangesALabel(t *testing.T) {
	t.Parallel()
	c := start(t)
	before, _ := c.certificate("Sim_BYOK")
	state := c.deployed(certificateFiles("Sim_BYOK", before.PEM, "masterLabel=New Label"))
	if m := state.DeployResult.Details.ComponentSuccesses[0]; !m.Changed || m.Created || m.ID != before.ID {
		t.Errorf("message %+v", m)
	}
	after, _ := c.certificate("Sim_BYOK")
	if after.MasterLabel != "New Label" || after.PEM != before.PEM {
		t.Errorf("certificate %+v", after)
	}
	state = c.deployed(certificateFiles("Sim_BYOK", "", "masterLabel=New Label"))
	if m := state.DeployResult.Details.ComponentSuccesses[0]; m.Changed {
		t.Errorf("deploying the same again says changed: %+v", m)
	}
	if got := c.failed(certificateFiles("Sim_BYOK", selfSigned(t),
		"masterLabel=New Label")); !strings.Contains(got.Problem, "can't be changed") {
		t.Errorf("other content: %+v", got)
	}
}

func selfSigned(t *testing.T) string {
	t.Helper()
	ca := newAuthority(t)
	return ca.pem
}

// A CA-signed certificate holds a request, is unusable, and becomes usable with its signed chain [D
// CertMeta].
func TestDeployOfACASignedCertificate(t *testing.T) {
	t.Parallel()
	c := start(t, sfsim.WithoutIntervals())
	c.deployed(certificateFiles("My_Cert", "", "caSigned=true"))
	cert, _ := c.certificate("My_Cert")
	block, _ := pem.Decode([]byte(cert.PEM))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		t.Fatalf("content %s, want a certificate request", cert.PEM)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || request.CheckSignature() != nil {
		t.Fatalf("request: %v", err)
	}
	tooling := data +
		"/tooling/query?q=SELECT+ExpirationDate,OptionsIsUnusable,OptionsIsCaSigned+FROM+Certificate+WHERE+DeveloperName='My_Cert'"
	if text := string(c.get(tooling).body); !strings.Contains(text,
		`"ExpirationDate":null,"OptionsIsUnusable":true,"OptionsIsCaSigned":true`) {
		t.Errorf("row %s", text)
	}
	c.deployed(certificateFiles("My_Cert", cert.PEM, "caSigned=true")) // a retrieved request may be deployed again

	ca, other := newAuthority(t), newAuthority(t)
	signed := ca.sign(t, request.PublicKey, time.Hour)
	for name, tc := range map[string]struct{ content, text string }{
		"wrong key":     {ca.sign(t, other.key.Public(), time.Hour) + ca.pem, "does not have the public key"},
		"expired":       {ca.sign(t, request.PublicKey, -time.Hour) + ca.pem, "is not valid now"},
		"wrong issuer":  {signed + other.pem, "Certificate 1 of the chain is not signed"},
		"wrong order":   {ca.pem + signed, "does not have the public key"},
		"no PEM":        {"hello", "not a chain of certificates"},
		"a key":         {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "expected CERTIFICATE"},
		"broken inside": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can't be parsed"},
	} {
		if got := c.failed(certificateFiles("My_Cert", tc.content, "caSigned=true")); !strings.Contains(got.Problem,
			tc.text) {
			t.Errorf("%s: %+v, want a problem with %q", name, got, tc.text)
		}
	}
	c.deployed(certificateFiles("My_Cert", signed+ca.pem, "caSigned=true"))
	if text := string(c.get(tooling).body); !strings.Contains(text, `"OptionsIsUnusable":false`) ||
		strings.Contains(text, `"ExpirationDate":null`) {
		t.Errorf("row after signing %s", text)
	}
	if cert, _ := c.certificate("My_Cert"); strings.Count(cert.PEM, "BEGIN CERTIFICATE-----") != 2 {
		t.Errorf("chain %s", cert.PEM)
	}
}

func TestDeployDeletesACertificate(t *testing.T) {
	t.Parallel()
	c := start(t)
	state := c.deployed(deletionFiles("Sim_BYOK"))
	if m := state.DeployResult.Details.ComponentSuccesses[0]; !m.Deleted || m.FullName != "Sim_BYOK" {
		t.Errorf("message %+v", m)
	}
	if _, exists := c.certificate("Sim_BYOK"); exists {
		t.Error("the certificate is still there")
	}
	state = c.deploy(`{"deployOptions":{"singlePackage":true,"ignoreWarnings":true}}`, deletionFiles("Sim_BYOK"))
	result := state.DeployResult
	if !result.Success || len(result.Details.ComponentFailures) != 1 ||
		result.Details.ComponentFailures[0].ProblemType != "Warning" {
		t.Errorf("deleting nothing with ignoreWarnings: %+v", result)
	}
}

// A deploy of settings changes what its file names, and nothing else [D].
func TestDeployOfSettings(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.deployed(settingsFiles("62.0",
		"<enableCacheOnlyKeys>true</enableCacheOnlyKeys><enableReplayDetection>true</enableReplayDetection>"))
	if s := c.server.Settings(); !s.EnableCacheOnlyKeys || !s.EnableReplayDetection || s.CanOptOutOfDerivationWithBYOK {
		t.Errorf("settings %+v", s)
	}
	c.deployed(settingsFiles("62.0", "<canOptOutOfDerivationWithBYOK>true</canOptOutOfDerivationWithBYOK>"))
	if s := c.server.Settings(); !s.EnableCacheOnlyKeys || !s.CanOptOutOfDerivationWithBYOK {
		t.Errorf("a deploy changed more than it named: %+v", s)
	}
	if got := c.failed(settingsFiles("62.0",
		"<canEncryptTransactionalDatabase>true</canEncryptTransactionalDatabase>")); !strings.Contains(got.Problem,
		"invalid at this location") {
		t.Errorf("API 62 took a field of API 63: %+v", got)
	}
	c.deployed(settingsFiles("63.0", "<canEncryptTransactionalDatabase>true</canEncryptTransactionalDatabase>"))
	secrets := c.server.TenantSecrets()
	if last := secrets[len(secrets)-1]; last.Type != "Database" || last.Status != "ACTIVE" || last.Source != "HSM" {
		t.Errorf("turning Database encryption on made %+v", last)
	}
	c.deployed(settingsFiles("63.0", "<canEncryptTransactionalDatabase>true</canEncryptTransactionalDatabase>"))
	if len(c.server.TenantSecrets()) != len(secrets) {
		t.Error("deploying the same settings again made another Database secret")
	}
}

func TestDeployOptions(t *testing.T) {
	t.Parallel()
	mixed := certificateFiles("My_Cert", "")
	mixed["package.xml"] = packageXML("62.0", "Certificate:My_Cert", "Certificate:Gone")
	for _, tc := range []struct {
		name, options string
		kind          sfsim.Kind
		files         map[string]string
		status        string
		made          bool
	}{
		{
			"checkOnly", `{"deployOptions":{"singlePackage":true,"checkOnly":true}}`, sfsim.Sandbox,
			certificateFiles("My_Cert", ""), "Succeeded", false,
		},
		{"partial", `{"deployOptions":{"singlePackage":true}}`, sfsim.Sandbox, mixed, "SucceededPartial", true},
		{
			"rollback", `{"deployOptions":{"singlePackage":true,"rollbackOnError":true}}`, sfsim.Sandbox, mixed, "Failed",
			false,
		},
		{"production rolls back", `{"deployOptions":{"singlePackage":true}}`, sfsim.Production, mixed, "Failed", false},
		{
			"missing files allowed", `{"deployOptions":{"singlePackage":true,"allowMissingFiles":true}}`, sfsim.Production,
			mixed, "Succeeded", true,
		},
		{"not a single package", `{"deployOptions":{}}`, sfsim.Production, certificateFiles("My_Cert", ""), "Failed", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, sfsim.WithKind(tc.kind))
			result := c.deploy(tc.options, tc.files).DeployResult
			if result.Status != tc.status || result.Success != (tc.status == "Succeeded") {
				t.Errorf("status %s, success %v, want %s: %+v", result.Status, result.Success, tc.status, result)
			}
			if _, made := c.certificate("My_Cert"); made != tc.made {
				t.Errorf("certificate made: %v, want %v", made, tc.made)
			}
			if tc.name == "not a single package" && !strings.Contains(result.ErrorMessage, "outside a package folder") {
				t.Errorf("errorMessage %q", result.ErrorMessage)
			}
		})
	}
	c := start(t)
	folder := map[string]string{}
	for name, text := range certificateFiles("My_Cert", "") {
		folder["unpackaged/"+name] = text
	}
	if state := c.deploy(`{"deployOptions":{}}`, folder); !state.DeployResult.Success {
		t.Errorf("a package in a folder: %+v", state.DeployResult)
	}
}

func TestDeployEndsByItself(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.post(singlePackage, certificateFiles("My_Cert", "")).want(http.StatusCreated)
	c.rows("SELECT Id FROM TenantSecret")
	if _, made := c.certificate("My_Cert"); made {
		t.Error("the deployment ended at once")
	}
	c.server.Clock.Advance(time.Minute)
	c.rows("SELECT Id FROM TenantSecret")
	if _, made := c.certificate("My_Cert"); !made {
		t.Error("a deployment whose reply was lost did not end by itself")
	}
}

// A client that lost the reply finds its deployment by the tooling object.
func TestDeployRequestObject(t *testing.T) {
	t.Parallel()
	c := start(t)
	query := func(where string) []map[string]any {
		t.Helper()
		var page struct {
			Records []map[string]any `json:"records"`
		}
		c.get(data + "/tooling/query?q=" + url.QueryEscape("SELECT Id, Status, CompletedDate, NumberComponentErrors, "+
			"ErrorMessage, CreatedBy.Name FROM DeployRequest WHERE "+where+
			" ORDER BY CreatedDate DESC")).want(http.StatusOK).into(&page)
		return page.Records
	}
	if rows := query("Status = 'Pending'"); len(rows) != 0 {
		t.Errorf("rows before any deploy: %v", rows)
	}
	var state deployState
	c.post(singlePackage, certificateFiles("My_Cert", "")).into(&state)
	if rows := query("Status IN ('Pending', 'InProgress') AND CreatedDate = TODAY"); len(rows) != 1 ||
		rows[0]["Id"] != state.ID || rows[0]["CompletedDate"] != nil {
		t.Errorf("rows of a pending deploy: %v", rows)
	}
	c.deploy(singlePackage, map[string]string{"package.xml": packageXML("62.0", "Certificate:X")})
	c.deploy("{\"deployOptions\":{}}", map[string]string{"package.xml": packageXML("62.0")})
	failed := query("Status = 'Failed'")
	if len(failed) != 2 || failed[0]["CompletedDate"] == nil || failed[0]["NumberComponentErrors"] != 1.0 ||
		failed[1]["ErrorMessage"] == nil {
		t.Errorf("rows of failed deploys: %v", failed)
	}
	denied := start(t, seeded(t, "permissions: {modify_metadata: false}"))
	denied.get(data+"/tooling/query?q=SELECT+Id+FROM+DeployRequest").refused(http.StatusBadRequest, "INVALID_TYPE")
}

func TestDeployPollsAreConfigurable(t *testing.T) {
	t.Parallel()
	c := start(t, configure(func(s *sfsim.Settings) { s.DeployPolls = 4 }))
	var state deployState
	c.post(singlePackage, certificateFiles("My_Cert", "")).into(&state)
	for poll := 1; poll <= 4; poll++ {
		if got := c.status(state.ID).DeployResult; got.Done != (poll == 4) {
			t.Errorf("poll %d: done %v", poll, got.Done)
		}
	}
}

func TestDeployCancel(t *testing.T) {
	t.Parallel()
	c := start(t)
	var state deployState
	c.post(singlePackage, certificateFiles("My_Cert", "")).into(&state)
	path := data + "/metadata/deployRequest/" + state.ID
	c.do(http.MethodPatch, path, `{"deployResult":{"status":"Canceled"}}`).refused(http.StatusBadRequest,
		"JSON_PARSER_ERROR")
	var canceling deployState
	c.do(http.MethodPatch, path, `{"deployResult":{"status":"Canceling"}}`).want(http.StatusAccepted).into(&canceling)
	if canceling.DeployResult.Status != "Canceling" || canceling.DeployResult.Done {
		t.Errorf("answer %+v", canceling.DeployResult)
	}
	if got := c.status(state.ID).DeployResult; got.Status != "Canceled" || !got.Done || got.Success ||
		got.CanceledBy == "" {
		t.Errorf("after the next poll: %+v", got)
	}
	c.do(http.MethodPatch, path, `{"deployResult":{"status":"Canceling"}}`).refused(http.StatusBadRequest,
		"INVALID_ID_FIELD")
	c.server.Clock.Advance(time.Hour)
	c.rows("SELECT Id FROM TenantSecret")
	if _, made := c.certificate("My_Cert"); made {
		t.Error("a canceled deployment was carried out")
	}

	c.post(singlePackage, certificateFiles("My_Cert", "")).into(&state)
	c.do(http.MethodPatch, data+"/metadata/deployRequest/"+state.ID,
		`{"deployResult":{"status":"Canceling"}}`).want(http.StatusAccepted)
	c.server.Clock.Advance(time.Hour)
	if got := c.status(state.ID).DeployResult; got.Status != "Canceled" {
		t.Errorf("a cancellation ends by itself, got %s", got.Status)
	}
}

func TestDeployRequestsAreStrict(t *testing.T) {
	t.Parallel()
	archive := part{"file", "application/zip", "deploy.zip", "PK"}
	options := part{"json", "application/json", "", singlePackage}
	for name, parts := range map[string][]part{
		"no parts":          {},
		"no file":           {options},
		"no options":        {archive},
		"two options":       {options, {"entity_content", "application/json", "", singlePackage}, archive},
		"two files":         {options, archive, archive},
		"another part":      {options, archive, {"zip", "application/zip", "a.zip", ""}},
		"options type":      {{"json", "text/plain", "", singlePackage}, archive},
		"file type":         {options, {"file", "text/plain", "deploy.zip", "PK"}},
		"no file name":      {options, {"file", "application/zip", "", "PK"}},
		"options empty":     {{"json", "application/json", "", "{}"}, archive},
		"unknown option":    {{"json", "application/json", "", `{"deployOptions":{"single":true}}`}, archive},
		"option of no bool": {{"json", "application/json", "", `{"deployOptions":{"checkOnly":"true"}}`}, archive},
		"text after":        {{"json", "application/json", "", singlePackage + "{}"}, archive},
		"test level":        {{"json", "application/json", "", `{"deployOptions":{"testLevel":"None"}}`}, archive},
		"tests":             {{"json", "application/json", "", `{"deployOptions":{"runTests":["A"]}}`}, archive},
		"tests to run": {{
			"json", "application/json", "",
			`{"deployOptions":{"runTests":["A"],"testLevel":"RunSpecifiedTests"}}`,
		}, archive},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			c.multipart(parts...).refused(http.StatusBadRequest, "INVALID_MULTIPART_REQUEST")
			if len(c.server.Violations()) != 1 {
				t.Errorf("violations %v, want one", c.server.Violations())
			}
		})
	}
	c := start(t)
	c.do(http.MethodPost, data+"/metadata/deployRequest", "{}").refused(http.StatusUnsupportedMediaType,
		"UNSUPPORTED_MEDIA_TYPE")
	c.get(data+"/metadata/deployRequest/0AfWt0000000099").refused(http.StatusNotFound, "NOT_FOUND")
	c.do(http.MethodPatch, data+"/metadata/deployRequest/0AfWt0000000099",
		`{"deployResult":{"status":"Canceling"}}`).refused(http.StatusNotFound, "NOT_FOUND")
	var state deployState
	c.multipart(part{"entity_content", "application/json", "", singlePackage},
		archive).want(http.StatusCreated).into(&state)
	c.status(state.ID)
	if got := c.status(state.ID).DeployResult; got.Status != "Failed" ||
		!strings.Contains(got.ErrorMessage, "not a zip archive") {
		t.Errorf("a file that is no zip: %+v", got)
	}
	denied := start(t, seeded(t, "permissions: {modify_metadata: false}"))
	denied.post(singlePackage, certificateFiles("My_Cert", "")).refused(http.StatusForbidden, "INSUFFICIENT_ACCESS")
	denied.get(data+"/metadata/deployRequest/0AfWt0000000099").refused(http.StatusForbidden, "INSUFFICIENT_ACCESS")
	denied.do(http.MethodPatch, data+"/metadata/deployRequest/0AfWt0000000099", "{}").refused(http.StatusForbidden,
		"INSUFFICIENT_ACCESS")
}

// authority is a certificate authority outside the simulator.
type authority struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-24 * time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

func (a *authority) sign(t *testing.T, key any, validFor time.Duration) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "My_Cert"}, NotBefore: time.Now().Add(-24 * time.Hour),
		NotAfter: time.Now().Add(validFor),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// FuzzDeployRequest checks that no multipart body makes the simulator panic.
func FuzzDeployRequest(f *testing.F) {
	f.Add("b", "--b\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n"+
		singlePackage+"\r\n--b--\r\n")
	f.Add("b", "--b\r\n\r\n--b--")
	f.Add("", "")
	server, err := sfsim.New()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, boundary, text string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			server.InstanceURL+data+"/metadata/deployRequest", strings.NewReader(text))
		if err != nil {
			t.Skip()
		}
		req.Header.Set("Authorization", "Bearer "+server.AccessToken)
		req.Header["Content-Type"] = []string{"multipart/form-data; boundary=" + url.QueryEscape(boundary)}
		recorder := &discard{header: http.Header{}}
		req.RequestURI = data + "/metadata/deployRequest"
		server.Handler().ServeHTTP(recorder, req)
		if recorder.status != http.StatusBadRequest && recorder.status != http.StatusCreated &&
			recorder.status != http.StatusUnsupportedMediaType {
			t.Errorf("status %d, body %s", recorder.status, recorder.body)
		}
		var list []json.RawMessage
		if recorder.status != http.StatusCreated && json.Unmarshal(recorder.body, &list) != nil {
			t.Errorf("refusal %s is not an array", recorder.body)
		}
	})
}

// discard records a reply.
type discard struct {
	header http.Header
	status int
	body   []byte
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(p []byte) (int, error) { d.body = append(d.body, p...); return len(p), nil }

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
