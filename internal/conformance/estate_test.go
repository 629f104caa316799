package conformance_test

import (
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// estateFacts are about what surrounds the keys, most of which may be so in several ways: logins by
// JWT, certificates, data encryption keys, root keys and settings.
func estateFacts() []fact {
	return slices.Concat(assertionFacts(), chainFacts(), dataKeyFacts(), rootKeyFacts(), settingsFacts(), intervalFacts())
}

// pair is where an assertion is posted, and whom it is for.
type pair struct{ host, audience string }

// pairs are the ones that documents and clients name, in the order in which the provider tries
// them.
func (p *probe) pairs() []pair {
	return []pair{{p.instance, p.instance}, {p.instance, p.loginAudience()}, {p.login, p.loginAudience()}}
}

// assert posts an assertion to a pair.
func (p *probe) assert(to pair) reply {
	p.Helper()
	return p.tokenRequest(to.host, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
		"assertion":  {p.assertionFor(to.audience, time.Now().Add(3*time.Minute))},
	}, nil)
}

// answers posts an assertion to a pair, and says "" for a token, else the error and its
// description.
func (p *probe) answers(to pair) string {
	p.Helper()
	r := p.assert(to)
	var refusal struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(r.body, &refusal); err != nil {
		p.Fatalf("%s: status %d, and no JSON", r.what, r.status)
	}
	if r.status == http.StatusOK {
		return ""
	}
	r.want(http.StatusBadRequest)
	return refusal.Error + ": " + refusal.Description
}

const (
	appUnknown    = "app_not_found: External client app is not installed in this org"
	wrongAudience = "invalid_grant: audience is invalid"
)

func assertionFacts() []fact {
	orgs := func(kinds ...string) string {
		return "settings: {jwt_login: " + strings.Join(kinds, "}\n---\nsettings: {jwt_login: ") + "}"
	}
	return []fact{
		{
			"OnePairOfHostAndAudienceWorks", "2.2", "C", "n8n#28990; simple-salesforce PR#711; forrest#302; sfdx-core",
			"Of (My Domain, My Domain), (My Domain, login host) and (login host, login host) as host and audience of an " +
				"assertion one works; the others are 400 `app_not_found`, or `invalid_grant` about the audience. If another " +
				"refusal comes: the login stops with it and names the pair; give `login_url` and `audience`.",
			sends, orgs("my_domain", "login_audience", "login_host"), func(p *probe) {
				works := 0
				for _, to := range p.pairs() {
					answer := p.answers(to)
					switch {
					case answer == "":
						works++
					case !strings.HasPrefix(answer, "app_not_found: ") &&
						(!strings.HasPrefix(answer, "invalid_grant: ") || !strings.Contains(strings.ToLower(answer), "audience")):
						p.Errorf("%+v: %s", to, answer)
					}
				}
				if works == 0 {
					p.Error("no pair works")
				}
			},
		},
		{
			"LoginHostMayNotKnowTheApp", "2.2", "C", "n8n#28990, #29016; forcedotcom/cli#3482, #3638",
			"Since Spring '26 the login host of some orgs answers external client apps with 400 `app_not_found`: My Domain " +
				"must be both host and audience. If not: the next pair is tried.", prepared, orgs("my_domain"),
			func(p *probe) {
				all := p.pairs()
				p.equal("My Domain", p.answers(all[0]), "")
				p.equal("login host", p.answers(all[2]), appUnknown)
			},
		},
		{
			"AudienceMayHaveToBeTheLoginHost", "2.2", "C", "simple-salesforce#672, PR#711; forrest#302",
			"In other orgs an assertion is posted to My Domain, or to the login host, and its audience must be the login " +
				"host: My Domain as audience is 400 `audience is invalid`. If not: the next pair is tried.", prepared,
			orgs("login_audience", "login_host"), func(p *probe) {
				all := p.pairs()
				p.equal("My Domain", p.answers(all[0]), wrongAudience)
				if p.answers(all[1]) != "" && p.answers(all[2]) != "" {
					p.Error("no pair works")
				}
			},
		},
	}
}

// signedBy signs a certificate for a public key as an authority of its own would, and returns the
// chain as PEM.
func (p *probe) signedBy(name string, key any, until time.Time) string {
	p.Helper()
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.Fatal(err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: until.AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name + " BYOK"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
	}
	var chain strings.Builder
	for _, c := range []struct {
		template *x509.Certificate
		key      any
	}{{leaf, key}, {authority, own.Public()}} {
		der, err := x509.CreateCertificate(rand.Reader, c.template, authority, c.key, own)
		if err != nil {
			p.Fatal(err)
		}
		chain.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return chain.String()
}

const caSigned = `<caSigned>true</caSigned><encryptedWithPlatformEncryption>true</encryptedWithPlatformEncryption>` +
	`<keySize>4096</keySize><masterLabel>Conformance</masterLabel><privateKeyExportable>false</privateKeyExportable>`

// chainFacts are of certificates: their ends, their chains, their names and their deletion.
func chainFacts() []fact {
	const fields = "Id, DeveloperName, ExpirationDate, KeySize, OptionsIsCaSigned, OptionsIsUnusable"
	succeeded := map[string]any{"status": "Succeeded"}
	return []fact{
		{
			"ExpirationDateIsADateOrADateTime", "7.1", "D", "CertTooling; WSDL",
			"ExpirationDate of a row is a date, as the reference says, or a dateTime, as the WSDL does; the certificate ends " +
				"within a day of it. If not: `not_after` is that of the certificate itself.", 0,
			"settings: {certificate_date_only: true}", func(p *probe) {
				for _, row := range p.certificates(fields, " WHERE OptionsIsUnusable = false LIMIT 3") {
					text := p.text(row, "ExpirationDate")
					at, err := time.Parse(time.DateOnly, text)
					if err != nil {
						at = p.date(text)
					}
					if leaf := p.leaf(p.text(row, "Id")); leaf.NotAfter.Sub(at).Abs() > 24*time.Hour {
						p.Errorf("the row says %s, the certificate %s", text, leaf.NotAfter)
					}
				}
			},
		},
		{
			"SignedChainsAreDeployed", "7.1", "D", "Metadata API guide v67; CertMeta",
			"A deploy of the signed chain to a CA-signed certificate that waits for it makes it usable: it ends when the " +
				"chain says, keeps its key pair, and its signing request is gone. If not: the upload fails in Salesforce's " +
				"words, and another key pair is an error of the apply.", deploys, "", func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_Signed", time.Now().Unix())
				p.matches(p.deploy("json", p.certificateFiles(name, caSigned)), succeeded)
				body, err := base64.StdEncoding.DecodeString(p.metadataContent(name))
				block, _ := pem.Decode(body)
				if err != nil || block == nil {
					p.Fatalf("content is no PEM: %v", err)
				}
				request, err := x509.ParseCertificateRequest(block.Bytes)
				if err != nil {
					p.Fatal(err)
				}
				until := time.Now().AddDate(0, 6, 0).UTC().Truncate(time.Second)
				files := p.certificateFiles(name, caSigned)
				files["certs/"+name+".crt"] = p.signedBy(name, request.PublicKey, until)
				p.matches(p.deploy("json", files), succeeded)
				row := p.certificates(fields, " WHERE DeveloperName = '"+name+"'")[0]
				p.matches(row, map[string]any{"OptionsIsUnusable": false, "OptionsIsCaSigned": true})
				if leaf := p.leaf(p.text(row, "Id")); !leaf.NotAfter.Equal(until) ||
					string(leaf.RawSubjectPublicKeyInfo) != string(request.RawSubjectPublicKeyInfo) {
					p.Errorf("the certificate ends at %s, want %s; or its key is another", leaf.NotAfter, until)
				}
				if body, err = base64.StdEncoding.DecodeString(p.metadataContent(name)); err != nil ||
					strings.Contains(string(body), "REQUEST") {
					p.Errorf("content is still a request: %v", err)
				}
				p.matches(p.deploy("json", p.removal(name)), succeeded)
			},
		},
		{
			"ChainsForAnotherKeyAreRefused", "7.1", "I", "CertMeta: the .crt of a CA-signed certificate holds its request",
			"A chain that was signed for another request is refused. The provider compares the keys first and sends none.",
			deploys, "", func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_Other", time.Now().Unix())
				p.matches(p.deploy("json", p.certificateFiles(name, caSigned)), succeeded)
				other, err := rsa.GenerateKey(rand.Reader, 4096)
				if err != nil {
					p.Fatal(err)
				}
				files := p.certificateFiles(name, caSigned)
				files["certs/"+name+".crt"] = p.signedBy(name, other.Public(), time.Now().AddDate(0, 6, 0))
				p.matches(p.deploy("json", files), map[string]any{"success": false})
				p.matches(p.deploy("json", p.removal(name)), succeeded)
			},
		},
		{
			"CertificatesOf4096BitsLiveLonger", "7.2", "D", "CertMeta; Help security_keys_creating, " +
				"security_keys_policy_and_rotation",
			"Without `expirationDate` a certificate of 4096 bits ends after two years at most. Lives grow shorter (200, 100, " +
				"47 days), so that nothing is computed from the size of its key.", deploys,
			"settings: {certificate_max_days: 200}\n---\nsettings: {certificate_max_days: 47}", func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_Life", time.Now().Unix())
				p.matches(p.deploy("json", p.certificateFiles(name, fmt.Sprintf(fitting, ""))), succeeded)
				leaf := p.leaf(p.text(p.certificates(fields, " WHERE DeveloperName = '"+name+"'")[0], "Id"))
				if life := leaf.NotAfter.Sub(leaf.NotBefore); life > (2*366+1)*24*time.Hour || life <= 0 {
					p.Errorf("it lives %s", life)
				}
				p.Logf("it lives %s", leaf.NotAfter.Sub(leaf.NotBefore))
				p.matches(p.deploy("json", p.removal(name)), succeeded)
			},
		},
		{
			"UniqueNamesHaveRules", "7.2", "D", "CertMeta",
			"A unique name with two underscores in a row, or one at its end, is refused. The provider refuses it first.",
			deploys,
			"", func(p *probe) {
				for _, name := range []string{"Conformance__Two", "Conformance_"} {
					result := p.deploy("json", p.certificateFiles(name, fmt.Sprintf(fitting, "")))
					if result["success"] != false {
						p.deploy("json", p.removal(name))
						p.Errorf("%s was accepted", name)
					}
				}
			},
		},
		{
			"CertificatesOfUploadsMayBeDeleted", "7.2", "I", "Help security_shield_pe_byok_secret_flow",
			"A certificate that has wrapped a key can be deleted, and the key stays as it is. If not: the destroy fails in " +
				"Salesforce's words, and nothing is lost.", rotates | prepared,
			"certificates: [{developer_name: Sim_BYOK}, {developer_name: Other}]", func(p *probe) {
				ours := p.ours()
				p.matches(p.deploy("json", p.removal(p.certificate)), succeeded)
				p.matches(p.row(ours.id, "Status,SecretValueHash"), map[string]any{
					"Status":          "ACTIVE",
					"SecretValueHash": ours.hash,
				})
			},
		},
		{
			"CertificatesOfCacheOnlyKeysAreKept", "7.2", "U", "undocumented",
			"A certificate that an ACTIVE cache-only key names is not deleted, or it is. The provider deletes none without " +
				"`allow_key_destruction`, and none that an archived record names.", prepared,
			remoteOrg("certificate_deletion: remote") + "---\n" + remoteOrg("certificate_deletion: active") + "---\n" +
				remoteOrg("certificate_deletion: free"), func(p *probe) {
				p.cacheOnly("key-1")
				deleted := p.deploy("json", p.removal(p.certificate))["success"] == true
				_, page := p.query("/tooling/query", "SELECT COUNT() FROM Certificate WHERE DeveloperName = '"+p.certificate+"'")
				p.equal("deleted, and none left", deleted, page["totalSize"] == 0.0)
				p.Logf("deleted: %t", deleted)
			},
		},
	}
}

// remoteOrg is the seed of an org with cache-only keys and a Named Credential.
func remoteOrg(settings ...string) string {
	return "settings: {" + strings.Join(append(settings, "enable_cache_only_keys: true"), ", ") + "}\n" +
		"named_credentials: [{id: 0XAWt0000000077, developer_name: Keys, endpoint: \"https://keys.example.com/byok\"}]\n"
}

// wrapCKM wraps a key as CKM_RSA_AES_KEY_WRAP does: an AES key by RSA-OAEP with SHA-512, and the
// key by that (RFC 5649).
func (p *probe) wrapCKM(key *rsa.PublicKey, material []byte) string {
	p.Helper()
	const blocks = 4 // of 8 bytes
	inner := make([]byte, 32)
	_, _ = rand.Read(inner) // never fails
	sealed, err := rsa.EncryptOAEP(sha512.New(), rand.Reader, key, inner, nil)
	if err != nil {
		p.Fatal(err)
	}
	cipher, err := aes.NewCipher(inner)
	if err != nil || len(material) != 8*blocks {
		p.Fatalf("%d bytes: %v", len(material), err)
	}
	work := append([]byte{0xA6, 0x59, 0x59, 0xA6, 0, 0, 0, 8 * blocks}, material...)
	var block [16]byte
	for step := 1; step <= 6*blocks; step++ {
		register := work[8+8*((step-1)%blocks):][:8]
		copy(block[:], work[:8])
		copy(block[8:], register)
		cipher.Encrypt(block[:], block[:])
		binary.BigEndian.PutUint64(work, binary.BigEndian.Uint64(block[:])^uint64(step))
		copy(register, block[8:])
	}
	return base64.StdEncoding.EncodeToString(append(sealed, work...))
}

// dataKeys is the path of the object below API 63.0, which is the first to have it.
const dataKeys = "/services/data/v63.0/sobjects/DataEncryptionKey"

// dataKeysAre skips where the org has none.
func (p *probe) dataKeysAre() map[string]describedField {
	p.Helper()
	if p.get(dataKeys+"/describe").status == http.StatusNotFound {
		p.Skip("the org does not show DataEncryptionKey: it is not on Hyperforce")
	}
	return p.describe(dataKeys + "/describe")
}

// dataKeyRows reads rows, of which archived ones come too.
func (p *probe) dataKeyRows(fields, rest string) []map[string]any {
	p.Helper()
	records, _ := p.query("/services/data/v63.0/queryAll", "SELECT "+fields+" FROM DataEncryptionKey"+rest)
	return records
}

// dataKeyID is the id that a create answers with, in either shape.
func (p *probe) dataKeyID(r reply) string {
	p.Helper()
	answer := r.want(http.StatusCreated).object()
	if _, plain := answer["id"]; plain {
		p.matches(answer, map[string]any{"success": true})
		return p.text(answer, "id")
	}
	p.matches(answer, map[string]any{"totalSize": 1.0, "done": true})
	list, _ := answer["records"].([]any)
	if len(list) != 1 {
		p.Fatalf("%d records, want 1", len(list))
	}
	row, _ := list[0].(map[string]any)
	return p.text(row, "Id")
}

// newDataKey goes through both steps, and returns the id of the key and the name of the certificate
// that it was wrapped with.
func (p *probe) newDataKey(name string) (id, certificate string) {
	p.Helper()
	session := p.dataKeyID(p.call(http.MethodPost, dataKeys, map[string]any{
		"Type": "search index", "DataEncryptionKeyCertName": name,
	}))
	rows := p.dataKeyRows("Id, SessionToken, Status", " WHERE Id = '"+session+"' LIMIT 1")
	if len(rows) != 1 {
		p.Fatal("the temporary row is not there")
	}
	made := p.certificates("Id", " WHERE DeveloperName = '"+name+"'")[0]
	key, isRSA := p.leaf(p.text(made, "Id")).PublicKey.(*rsa.PublicKey)
	if !isRSA {
		p.Fatal("the certificate of the session holds no RSA key")
	}
	return p.dataKeyID(p.call(http.MethodPost, dataKeys, map[string]any{
		"Type": "search index", "SecretValue": p.wrapCKM(key, newMaterial()), "SessionToken": p.text(rows[0], "SessionToken"),
	})), name
}

// hyperforce is the seed of an org on Hyperforce.
func hyperforce(settings ...string) string {
	return "settings: {" + strings.Join(append(settings, "hyperforce: true"), ", ") + "}"
}

func dataKeyFacts() []fact {
	plain := hyperforce()
	spelled := hyperforce("data_encryption_key_type: Search Index") + "\n---\n" +
		hyperforce("data_encryption_key_type: SearchIndex") +
		"\n---\n" + plain
	return []fact{
		{
			"DataEncryptionKeysNameTheirUsers", "9.1", "C, D", "NetCoreForce, a describe of v64; DEKRef",
			"CreatedBy and LastModifiedBy of DataEncryptionKey are texts, and there is neither SystemModstamp nor IsDeleted. " +
				"If there are references: they read as texts all the same. Description may be missing; a key is then recognised " +
				"by its version.", present, plain + "\n---\n" + hyperforce("data_encryption_key_without: Description"),
			func(p *probe) {
				fields := p.dataKeysAre()
				for _, name := range []string{"CreatedBy", "LastModifiedBy"} {
					p.equal("type of "+name, fields[name].Type, "string")
				}
				for _, name := range []string{"SystemModstamp", "IsDeleted", "CreatedById", "LastModifiedById"} {
					if _, there := fields[name]; there {
						p.Errorf("there is a field %s", name)
					}
				}
				if f, there := fields["Description"]; there {
					p.equal("Description createable", f.Createable, true)
				}
			},
		},
		{
			"DataEncryptionKeysAreReadByName", "9.1", "D", "DEKRef",
			"Rows of DataEncryptionKey are selected by the names of their fields with a LIMIT above the 200 of `FIELDS(ALL)`. " +
				"If not: the reading fails in Salesforce's words, and nothing is decided on it.", present, plain, func(p *probe) {
				p.dataKeysAre()
				p.dataKeyRows("Id, Type, Status, Version, CreatedBy, CreatedDate", " LIMIT 50000")
			},
		},
		{
			"DataEncryptionKeyTypesAreSpelledInThreeWays", "9.1", "D, U", "DEKRef, which has all three",
			"Type reads `search index`, `Search Index` or `SearchIndex`. It is compared without case and spaces; another " +
				"spelling is another type.", present, spelled, func(p *probe) {
				p.dataKeysAre()
				if p.sim != nil {
					p.newDataKey("Conformance_Type")
				}
				rows := p.dataKeyRows("Type", " LIMIT 200")
				if len(rows) == 0 {
					p.Skip("the org has no data encryption key")
				}
				for _, row := range rows {
					p.equal("Type", strings.ToLower(strings.ReplaceAll(p.text(row, "Type"), " ", "")), "searchindex")
				}
			},
		},
		{
			"DataEncryptionKeysAreMadeInTwoSteps", "9.1", "D", "DEKRef; Help upload_seas",
			"A POST with the name of a certificate makes a temporary row with SessionToken and that certificate; a POST with " +
				"the token and the key, wrapped by CKM_RSA_AES_KEY_WRAP, makes the key Active and archives the one before. Row " +
				"and certificate vanish. Replies come as of every object, or as a query result.", prepared,
			hyperforce("rotation_intervals: false") + "\n---\n" +
				hyperforce("rotation_intervals: false", "data_encryption_key_reply: query"),
			func(p *probe) {
				first, _ := p.newDataKey("Conformance_First")
				second, name := p.newDataKey("Conformance_Second")
				status := map[string]any{}
				for _, row := range p.dataKeyRows("Id, Status, SessionToken", " LIMIT 200") {
					status[p.text(row, "Id")] = row["Status"]
					p.equal("SessionToken", row["SessionToken"], nil)
				}
				p.equal("keys", len(status), 2)
				p.matches(status, map[string]any{first: "Archived", second: "Active"})
				_, page := p.query("/tooling/query", "SELECT COUNT() FROM Certificate WHERE DeveloperName = '"+name+"'")
				p.equal("certificates of the session", page["totalSize"], 0.0)
			},
		},
		{
			"NextDataEncryptionKeyWaitsAnHour", "9.1", "D", "securityImplGuide security_pe_rotate_keys",
			"A second Search Index key within an hour is refused, and accepted then. If the interval is longer: Salesforce's " +
				"refusal is shown, with the hour that is known.", prepared, plain, func(p *probe) {
				p.newDataKey("Conformance_First")
				begin := map[string]any{"Type": "search index", "DataEncryptionKeyCertName": "Conformance_Early"}
				p.advance(59 * time.Minute)
				p.call(http.MethodPost, dataKeys, begin).refused(http.StatusBadRequest, "", "")
				p.advance(time.Minute)
				p.newDataKey("Conformance_Later")
			},
		},
		{
			"DataEncryptionKeysNeedARootKey", "9.1", "D", "Help upload_seas",
			"A Search Index key needs an active root key of Salesforce's own. The plan warns without one; the refusal is " +
				"Salesforce's.", prepared, hyperforce("salesforce_root_key: false") + "\n---\n" + plain +
				"\nroot_keys: [{identifier: 6c84fb90-12c4-11e1-840d-7b25c5ee775a, service: SF, status: Inactive}]", func(p *probe) {
				p.call(http.MethodPost, dataKeys, map[string]any{
					"Type":                      "search index",
					"DataEncryptionKeyCertName": "Conformance",
				}).
					refused(http.StatusBadRequest, "", "")
			},
		},
	}
}

// rootKeys is the path of the object.
const rootKeys = "/sobjects/ExternalEncryptionRootKey"

// rootKeysAre skips where the org has none.
func (p *probe) rootKeysAre() map[string]describedField {
	p.Helper()
	if p.get(rootKeys+"/describe").status == http.StatusNotFound {
		p.Skip("the org does not show ExternalEncryptionRootKey: it may lack the Cache-Only Key Service add-on")
	}
	return p.describe(rootKeys + "/describe")
}

func rootKeyFacts() []fact {
	const (
		aws = "{identifier: \"arn:aws:kms:eu-central-1:111122223333:key/abc\"}"
		own = "{identifier: 6c84fb90-12c4-11e1-840d-7b25c5ee775a, service: SF}"
	)
	org := func(status string) string {
		return "root_keys: [{identifier: \"arn:aws:kms:eu-central-1:111122223333:key/abc\", status: " + status + "}]"
	}
	return []fact{
		{
			"RootKeysHaveSixStatuses", "9.2", "D", "sf-skills enterprise_api/ExternalEncryptionRootKey.json",
			"Status of a root key is Activation Pending, Active, Archived, Canceled, Inactive or Unavailable. Another one is " +
				"shown, and nothing is sent from it.", present, "root_keys: [" + aws + "]", func(p *probe) {
				var values []string
				for _, v := range p.rootKeysAre()["Status"].PicklistValues {
					values = append(values, v.Value)
				}
				slices.Sort(values)
				p.equal("values", strings.Join(values, ", "), "Activation Pending, Active, Archived, Canceled, Inactive, "+
					"Unavailable")
			},
		},
		{
			"RootKeysNameTheirUsers", "9.2", "D, C", "EERKRef; NetCoreForce",
			"CreatedBy and LastModifiedBy of a root key are texts, and there is neither SystemModstamp nor IsDeleted.", present,
			"root_keys: [" + aws + "]", func(p *probe) {
				fields := p.rootKeysAre()
				for _, name := range []string{"CreatedBy", "LastModifiedBy"} {
					p.equal("type of "+name, fields[name].Type, "string")
				}
				for _, name := range []string{"SystemModstamp", "IsDeleted"} {
					if _, there := fields[name]; there {
						p.Errorf("there is a field %s", name)
					}
				}
			},
		},
		{
			"RootKeyDatesAreNotFiltered", "9.2", "C", "tap-salesforce; dlt",
			"Root keys are neither filtered nor sorted by dates: that is refused. The provider reads all of them.", present,
			"root_keys: [" + aws + "]", func(p *probe) {
				p.rootKeysAre()
				for _, rest := range []string{"WHERE CreatedDate > 2020-01-01T00:00:00Z", "ORDER BY LastModifiedDate"} {
					p.get("/query?q="+url.QueryEscape("SELECT Id FROM ExternalEncryptionRootKey "+rest)).
						refused(http.StatusBadRequest, "INVALID_FIELD", "")
				}
			},
		},
		{
			"RootKeysMayBeSalesforces", "9.2", "D", "sf-skills enterprise_api/ExternalEncryptionRootKey.json; EERKRef",
			"A root key of service AWS is named by an ARN, one of Salesforce's own (SF) by a UUID. Whatever it is, it is " +
				"shown as `root_key_identifier`; `arn` is null unless it is one.", present,
			"root_keys: [" + aws + ", " + own + "]", func(p *probe) {
				p.rootKeysAre()
				rows, _ := p.query("/query", "SELECT RootKeyIdentifier, RootKeyService FROM ExternalEncryptionRootKey")
				if len(rows) == 0 {
					p.Skip("the org has no root key")
				}
				for _, row := range rows {
					arn, service := strings.HasPrefix(p.text(row, "RootKeyIdentifier"), "arn:"), row["RootKeyService"]
					if service != "AWS" && service != "SF" || arn != (service == "AWS") {
						p.Errorf("service %v, an ARN: %t", service, arn)
					}
				}
			},
		},
		{
			"RootKeysTurnBetweenActiveAndInactive", "9.2", "D, I", "EERKRef",
			"From Activation Pending, Archived, Canceled and Unavailable a status can't be changed. The provider sends none, " +
				"and the plan says so.", prepared, strings.Join([]string{
				org("Activation Pending"), org("Archived"), org("Canceled"), org("Unavailable"),
			}, "\n---\n"), func(p *probe) {
				rows, _ := p.query("/query", "SELECT Id FROM ExternalEncryptionRootKey")
				for _, status := range []string{"Active", "Inactive"} {
					p.call(http.MethodPatch, rootKeys+"/"+p.text(rows[0], "Id"), map[string]any{"Status": status}).
						refused(http.StatusBadRequest, "", "")
				}
			},
		},
	}
}

// switches reads the settings of a member, as the org shows them.
func (p *probe) switches(version, typ, member string) map[string]bool {
	p.Helper()
	var record struct {
		Elements []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	text := "<record>" + p.readMetadata(version, typ, member) + "</record>"
	if err := xml.Unmarshal([]byte(text), &record); err != nil { //nolint:musttag // XMLName takes whatever name there is
		p.Fatal(err)
	}
	shown := map[string]bool{}
	for _, e := range record.Elements {
		switch text := strings.TrimSpace(e.Text); text {
		case "true", "false":
			shown[e.XMLName.Local] = text == "true"
		default:
			if e.XMLName.Local != "fullName" {
				p.Errorf("%s is neither true nor false", e.XMLName.Local)
			}
		}
	}
	return shown
}

// settingsFiles is a package that sets switches.
func (p *probe) settingsFiles(member string, values map[string]bool) map[string]string {
	root := member + "Settings"
	var elements strings.Builder
	for name, value := range values {
		fmt.Fprintf(&elements, "<%[1]s>%[2]t</%[1]s>", name, value)
	}
	return map[string]string{
		"package.xml": `<Package xmlns="http://soap.sforce.com/2006/04/metadata"><types><members>` + member +
			`</members><name>Settings</name></types><version>` + p.version + `</version></Package>`,
		"settings/" + member + ".settings": `<` + root + ` xmlns="http://soap.sforce.com/2006/04/metadata">` +
			elements.String() +
			`</` + root + `>`,
	}
}

func settingsFacts() []fact {
	const optOut, cacheOnly, replay = "canOptOutOfDerivationWithBYOK", "enableCacheOnlyKeys", "enableReplayDetection"
	const absent = "settings: {settings_absent: \"enableCacheOnlyKeys, enableReplayDetection\"}"
	keys := func(p *probe) map[string]bool {
		return p.switches("63.0", "EncryptionKeySettings", "EncryptionKey")
	}
	only := func(p *probe, shown map[string]bool, known ...string) {
		p.Helper()
		for _, name := range known {
			if _, there := shown[name]; !there {
				p.Logf("the org does not show %s", name)
			}
		}
		for name := range shown {
			if !slices.Contains(known, name) {
				p.Errorf("there is a switch %s", name)
			}
		}
	}
	return []fact{
		{
			"EncryptionKeySettingsHaveSixSwitches", "9.4", "D, C", "Metadata API guide, EncryptionKeySettings; files of three " +
				"public repositories",
			"`readMetadata` of EncryptionKeySettings gives some of six switches, each true or false: absent is not false. " +
				"What the org does not show is null; another switch is left as it is.", 0,
			absent + "\n---\nsettings: {settings_absent: " + optOut + "}",
			func(p *probe) {
				only(p, keys(p), "canEncryptTransactionalDatabase", "canExternalKeyManagement", "canManageDataCloudKeys", optOut,
					cacheOnly,
					replay)
			},
		},
		{
			"PlatformEncryptionSettingsHaveSevenSwitches", "9.4", "D", "Metadata API guide, PlatformEncryptionSettings; WSDL",
			"`readMetadata` of PlatformEncryptionSettings gives some of seven switches, with `enableDeterministicEncryption`, " +
				"which the table of the guide spells otherwise. What the org does not show is null; another switch is left as it " +
				"is.", 0,
			"settings: {settings_absent: \"enableEventBusEncryption, isMEKForEncryptionRequired\"}", func(p *probe) {
				only(p, p.switches(p.version, "PlatformEncryptionSettings", "PlatformEncryption"), "canEncryptManagedPackageFields",
					"enableDeterministicEncryption", "enableEncryptFieldHistory", "enableEncryptionSearchEnabled",
					"enableEventBusEncryption", "isMEKForEncryptionRequired", "isUseHighAssuranceKeysRequired")
			},
		},
		{
			"SettingsOfAPI63AreNotShownBefore", "9.4", "D", "Metadata API guide, EncryptionKeySettings",
			"`canEncryptTransactionalDatabase`, `canManageDataCloudKeys` and `canExternalKeyManagement` begin with API 63.0. " +
				"Before, they are null, and turning one on is refused by the plan.", 0, "", func(p *probe) {
				only(p, p.switches("62.0", "EncryptionKeySettings", "EncryptionKey"), optOut, cacheOnly, replay)
			},
		},
		{
			"SettingsMembersHaveTheirOwnNames", "9.4", "D", "sf-skills platform-encryption-configure",
			"The members are EncryptionKey and PlatformEncryption: a deploy of EncryptionKeySettings fails, \"The object " +
				"'EncryptionKeySettings' of type Settings metadata does not exist.\"", deploys, "", func(p *probe) {
				files := p.settingsFiles("EncryptionKey", map[string]bool{optOut: keys(p)[optOut]})
				for name, text := range files {
					files[strings.ReplaceAll(name, "EncryptionKey", "EncryptionKeySettings")] = strings.ReplaceAll(text,
						">EncryptionKey<",
						">EncryptionKeySettings<")
				}
				delete(files, "settings/EncryptionKey.settings")
				result := p.deploy("json", files)
				details, err := json.Marshal(result["details"])
				if result["success"] != false || err != nil || !strings.Contains(string(details), "does not exist") {
					p.Errorf("%v, %v", result["status"], err)
				}
			},
		},
		{
			"SettingsThatAreNotShownDoNotTake", "9.4", "U", "undocumented",
			"A deploy that turns on a switch which the org lacks an add-on for succeeds without an effect, or fails. Either " +
				"is an error that names the add-on, and a create leaves no state.", prepared,
			absent + "\n---\n" + strings.Replace(absent, "{", "{settings_absent_refused: true, ", 1) + "\n---\n" +
				strings.Replace(absent, "absent", "kept", 1), func(p *probe) {
				result := p.deploy("json", p.settingsFiles("EncryptionKey", map[string]bool{cacheOnly: true}))
				p.Logf("the deploy ended as %v", result["status"])
				if keys(p)[cacheOnly] {
					p.Error("it took")
				}
			},
		},
		{
			"SettingsThatAreNamedStayAsTheyAre", "9.4", "U", "undocumented",
			"A deploy that names every switch as it was read changes the one that differs alone. Whether one that is omitted " +
				"is kept or turned off is unknown, so none is omitted but what the org does not show.", prepared,
			"switches: [canOptOutOfDerivationWithBYOK]\n---\nswitches: [canOptOutOfDerivationWithBYOK]\nsettings: " +
				"{settings_deploy_resets: true}",
			func(p *probe) {
				p.version = "63.0"
				all := keys(p)
				all[cacheOnly] = true
				p.matches(p.deploy("json", p.settingsFiles("EncryptionKey", all)), map[string]any{"status": "Succeeded"})
				for name, value := range keys(p) {
					p.equal(name, value, all[name])
				}
			},
		},
		{
			"ReplayDetectionNeedsCacheOnlyKeys", "9.4", "D", "Metadata API guide, EncryptionKeySettings",
			"`enableReplayDetection` without `enableCacheOnlyKeys` is refused. If it is not: the provider refuses it at plan " +
				"where the org shows both.", prepared, "settings: {}", func(p *probe) {
				p.matches(p.deploy("json", p.settingsFiles("EncryptionKey", map[string]bool{replay: true})),
					map[string]any{"success": false})
				p.equal(replay, keys(p)[replay], false)
			},
		},
		{
			"DatabaseEncryptionMakesAKeyAndStaysOn", "9.4", "D", "Metadata API guide, EncryptionKeySettings; Help " +
				"security_pe_onboard_switch_to_dbe",
			"Turning `canEncryptTransactionalDatabase` on makes a tenant secret of Type Database, and it can't be turned off. " +
				"It needs `acknowledge_irreversible`; turning it off is refused at plan.", prepared, "settings: {}",
			func(p *probe) {
				const database = "canEncryptTransactionalDatabase"
				p.version = "63.0"
				p.matches(p.deploy("json", p.settingsFiles("EncryptionKey", map[string]bool{database: true})),
					map[string]any{"success": true})
				p.equal("Database keys", len(p.secrets(" WHERE Type = 'Database'")), 1)
				p.matches(p.deploy("json", p.settingsFiles("EncryptionKey", map[string]bool{database: false})),
					map[string]any{"success": false})
			},
		},
		{
			"DeterministicDataMayNeedItsSetting", "5.4", "C, U", "SFDC-Assets/platform-encryption-demo; CMSS",
			"Public scripts turn `enableDeterministicEncryption` on before they make the DeterministicData key; whether the " +
				"key is refused without is unknown. The plan warns while the setting is off, and a refusal names it.",
			rotates | prepared,
			"settings: {deterministic_needs_setting: true}\n---\nsettings: {deterministic_needs_setting: false}",
			func(p *probe) {
				const setting = "enableDeterministicEncryption"
				before := p.call(http.MethodPost, "/sobjects/TenantSecret",
					p.uploadBody(newMaterial(), map[string]any{"Type": "DeterministicData"}))
				p.Logf("without the setting: status %d", before.status)
				if before.status == http.StatusCreated {
					return
				}
				before.refused(http.StatusBadRequest, "", "")
				files := p.settingsFiles("PlatformEncryption", map[string]bool{setting: true})
				p.matches(p.deploy("json", files), map[string]any{"status": "Succeeded"})
				p.call(http.MethodPost, "/sobjects/TenantSecret", p.uploadBody(newMaterial(),
					map[string]any{"Type": "DeterministicData"})).
					want(http.StatusCreated)
			},
		},
		{
			"WaitingCertificatesWrapNothing", "5.4", "D", "CertTooling",
			"A CA-signed certificate that waits for its chain (`OptionsIsUnusable`) wraps no key. The provider refuses it " +
				"first.", prepared,
			"certificates: [{developer_name: Sim_BYOK}, {developer_name: Waiting, ca_signed: true, unusable: true}]",
			func(p *probe) {
				body := p.uploadBody(newMaterial(), map[string]any{"SecretValueCertificate": "Waiting"})
				p.uploadRefused(body)
			},
		},
	}
}

func intervalFacts() []fact {
	return []fact{
		{
			"IntervalsCountByType", "9.5", "C", "SFDC-Assets/platform-encryption-demo; CMSS",
			"The interval counts for each Type: keys of two types follow each other at once. If not: Salesforce's refusal is " +
				"shown, with the interval of the type.", rotates | prepared, "tenant_secrets: [{}]", func(p *probe) {
				for _, typ := range []string{"Data", "EventBus", "Analytics"} {
					p.call(http.MethodPost, "/sobjects/TenantSecret", p.uploadBody(newMaterial(), map[string]any{"Type": typ})).
						want(http.StatusCreated)
				}
			},
		},
		{
			"PostOfADescriptionMakesAKey", "9.5", "C", "SFDC-Assets/platform-encryption-demo",
			"A POST of a Description alone makes Salesforce generate a key of Source HSM. The client sends none without key " +
				"material, unless `source = \"HSM\"`.", rotates | prepared, "tenant_secrets: [{}]", func(p *probe) {
				id := p.text(p.call(http.MethodPost, "/sobjects/TenantSecret", map[string]any{"Description": mark}).
					want(http.StatusCreated).object(), "id")
				p.matches(p.row(id, "Source,Type,Status"), map[string]any{"Source": "HSM", "Type": "Data", "Status": "ACTIVE"})
			},
		},
		{
			"NewestCacheOnlyKeysAloneComeBack", "8", "D", "ShieldREST; Help cache_considerations",
			"A DESTROYED cache-only key becomes ACTIVE again while it is the newest of its type, and never after a newer one. " +
				"The provider makes none over it without `allow_key_destruction`.", rotates | prepared,
			remoteOrg("rotation_intervals: false"), func(p *probe) {
				id := p.cacheOnly("key-1")
				for _, status := range []string{"DESTROYED", "ACTIVE", "DESTROYED"} {
					p.patch(id, map[string]any{"Status": status}).want(http.StatusNoContent)
				}
				p.cacheOnly("key-2")
				p.patch(id, map[string]any{"Status": "ACTIVE"}).refused(http.StatusBadRequest, "", "")
			},
		},
	}
}
