package conformance_test

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // OAEP with SHA-1 is what older clients send
	_ "crypto/sha512"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// uploadRefused posts what must not become a key: 400 with one error, whose code is not known.
func (p *probe) uploadRefused(body map[string]any) {
	p.Helper()
	p.mayCreate()
	p.call(http.MethodPost, "/sobjects/TenantSecret", body).refused(http.StatusBadRequest, "", "")
}

// refusalFacts are uploads that Salesforce must refuse.
func refusalFacts() []fact {
	refused := func(name, section, confidence, source, claim string, body func(*probe, []byte) map[string]any) fact {
		return fact{name, section, confidence, source, claim, rotates, "", func(p *probe) {
			p.uploadRefused(body(p, newMaterial()))
		}}
	}
	return []fact{
		{
			"UnknownTypeIsABadPicklistValue", "3.2", "C", "public issue threads",
			"An unknown Type is 400 `INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST`, \"bad value for restricted picklist field: " +
				"X\", with `fields` Type.",
			rotates, "", func(p *probe) {
				p.call(http.MethodPost, "/sobjects/TenantSecret", map[string]any{
					"Type":        "NoSuchType",
					"Description": mark,
				}).refused(
					http.StatusBadRequest, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
					"bad value for restricted picklist field: NoSuchType", "Type")
			},
		},
		{
			"StatusCannotBeCreated", "4.2", "D", "ObjRef", "Status in a POST is 400 `INVALID_FIELD_FOR_INSERT_UPDATE`, with " +
				"`fields` Status.", rotates, "",
			func(p *probe) {
				p.call(http.MethodPost, "/sobjects/TenantSecret", map[string]any{
					"Type": "Data", "Status": "ACTIVE",
					"Description": mark,
				}).
					refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Status",
						"Status")
			},
		},
		refused("WrongHashIsRefused", "5.3", "D", "security_shield_pe_byok_secret_flow",
			"An upload whose hash is not that of the secret is 400.",
			func(p *probe, m []byte) map[string]any {
				return p.uploadBody(m, map[string]any{"SecretValueHash": sum(newMaterial())})
			}),
		refused("HashOfAnotherEncodingIsRefused", "5.3", "C, I", "FtxPlugin",
			"The hash is taken over the 32 bytes, not over their base64 form.", func(p *probe, m []byte) map[string]any {
				return p.uploadBody(m, map[string]any{"SecretValueHash": sum([]byte(base64.StdEncoding.EncodeToString(m)))})
			}),
		refused("MissingHashIsRefused", "5.4", "R", "FAQ", "An upload without SecretValueHash is 400.",
			func(p *probe, m []byte) map[string]any {
				return p.uploadBody(m, map[string]any{"SecretValueHash": nil})
			}),
		refused("MissingCertificateIsRefused", "5.4", "D", "ObjRef example 3",
			"An upload without SecretValueCertificate is 400.",
			func(p *probe, m []byte) map[string]any {
				return p.uploadBody(m, map[string]any{"SecretValueCertificate": nil})
			}),
		refused("UnknownCertificateIsRefused", "5.4", "R", "FAQ", "An upload for a certificate that does not exist is 400.",
			func(p *probe, m []byte) map[string]any {
				return p.uploadBody(m, map[string]any{"SecretValueCertificate": "No_Such_Certificate"})
			}),
		refused("OAEPWithSHA256IsRefused", "5.2", "I", "no source mentions it", "RSA-OAEP with SHA-256 is 400.",
			func(p *probe, m []byte) map[string]any {
				return p.uploadBody(m, map[string]any{"SecretValue": p.wrap(crypto.SHA256, m)})
			}),
		refused("ShortSecretIsRefused", "5.1", "D", "Help security_pe_byok_generate_secret",
			"A secret of 16 bytes is 400: it has 256 bits.",
			func(p *probe, m []byte) map[string]any { return p.uploadBody(m[:16], nil) }),
		refused("UnwrappedSecretIsRefused", "5.4", "D", "security_shield_pe_byok_secret_flow",
			"A secret that is not encrypted is 400.",
			func(p *probe, m []byte) map[string]any {
				return p.uploadBody(m, map[string]any{"SecretValue": base64.StdEncoding.EncodeToString(m)})
			}),
		{
			"UnfitCertificateIsRefused", "5.4", "R, V", "FAQ; FtxDoc 3.0, ThalesDoc",
			"An upload for a certificate of 2048 bits, without Platform Encryption, exportable or expired is 400.", prepared,
			`certificates:
  - {developer_name: Small, key_size: 2048}
  - {developer_name: Plain, platform_encryption: false}
  - {developer_name: Exportable, private_key_exportable: true}
  - {developer_name: Old, created: -1000h, expires: -1h}
`, func(p *probe) {
				for _, name := range []string{"Small", "Plain", "Exportable", "Old"} {
					p.certificate = name
					p.uploadRefused(p.uploadBody(newMaterial(), nil))
				}
			},
		},
		{
			"DeterministicDataNeedsADataKey", "5.4", "D", "Help security_pe_ui_setup",
			"DeterministicData and EventBus need an ACTIVE Data key.", prepared,
			"tenant_secrets: []", func(p *probe) {
				p.uploadRefused(p.uploadBody(newMaterial(), map[string]any{"Type": "DeterministicData"}))
				p.uploadRefused(p.uploadBody(newMaterial(), map[string]any{"Type": "EventBus"}))
			},
		},
		{
			"OptOutOfDerivationNeedsASetting", "5.4", "D", "EncryptionKeySettings; Help opt_out",
			"KeyDerivationMode NONE is 400 unless `canOptOutOfDerivationWithBYOK` is on.", prepared,
			"settings: {can_opt_out_of_derivation_with_byok: false}", func(p *probe) {
				p.uploadRefused(p.uploadBody(newMaterial(), map[string]any{"KeyDerivationMode": "NONE"}))
			},
		},
		{
			"FiftyKeysOfATypeAreTheMost", "3.3", "D, V", "Help upload_your_byok_key_material; ThalesDoc",
			"At most 50 ACTIVE and ARCHIVED tenant secrets of a type are kept; DESTROYED ones do not count.", prepared,
			"tenant_secrets: [{count: 5, status: DESTROYED}, {count: 50, status: ARCHIVED}]", func(p *probe) {
				p.uploadRefused(p.uploadBody(newMaterial(), nil))
			},
		},
	}
}

// uploadFacts look at a key that this suite uploaded.
func uploadFacts() []fact {
	return []fact{
		{
			"UploadAnswersWithTheIDAlone", "5.4", "D, C", "RESTdoc; FtxPlugin", "An upload is 201 with " +
				"`{\"id\":\"02G...\",\"success\":true,\"errors\":[]}`.",
			looks, "", func(p *probe) {
				ours := p.ours()
				p.equal("status", ours.status, http.StatusCreated)
				p.equal("body", string(ours.body), `{"id":"`+ours.id+`","success":true,"errors":[]}`)
			},
		},
		{
			"UploadWithSHA512IsAccepted", "5.2", "D", "Help security_pe_byok_generate_secret",
			"A secret wrapped by RSA-OAEP with SHA-512 and MGF1 with SHA-512 is accepted.", looks, "", func(p *probe) {
				p.equal("Status", p.row(p.ours().id, "Status")["Status"], "ACTIVE")
			},
		},
		{
			"UploadReadsBack", "5.4", "V", "FtxDoc", "An uploaded key reads Source UPLOADED, Status ACTIVE and its Type, mode " +
				"and Description.", looks, "",
			func(p *probe) {
				p.matches(p.row(p.ours().id, "Source,Status,Type,KeyDerivationMode,Description,IsDeleted"), map[string]any{
					"Source": "UPLOADED", "Status": "ACTIVE", "Type": "Data", "KeyDerivationMode": "PBKDF2", "Description": mark,
					"IsDeleted": false,
				})
			},
		},
		{
			"CertificatesOfUploadsReadNull", "1", "V", "FtxDoc status output",
			"SecretValueCertificate of an uploaded key reads null.", looks, "",
			func(p *probe) {
				p.ours()
				for _, row := range p.secrets(" WHERE Source = 'UPLOADED'") {
					p.equal("SecretValueCertificate", row["SecretValueCertificate"], nil)
				}
			},
		},
		{
			"UploadArchivesThePreviousKey", "1", "D, V", "ShieldREST; NetskopeDoc, ThalesDoc",
			"The key that was ACTIVE becomes ARCHIVED.", looks, "",
			func(p *probe) {
				if previous := p.ours().previous; previous != "" {
					p.equal("Status", p.row(previous, "Status")["Status"], "ARCHIVED")
				}
			},
		},
		{
			"HashIsOfThePlainSecret", "5.3", "D, C", "FAQ; FtxPlugin", "SecretValueHash reads the base64 of the SHA-256 of " +
				"the 32 plain bytes.", looks, "",
			func(p *probe) {
				ours := p.ours()
				p.equal("SecretValueHash", p.row(ours.id, "SecretValueHash")["SecretValueHash"], ours.hash)
			},
		},
		{
			"ExportIsAnotherCiphertext", "6.2", "D, C", "Help security_pe_byok_upload_secret; FtxPlugin",
			"SecretValue reads back encrypted otherwise than it was sent; its base64 begins with CgM.", looks, "",
			func(p *probe) {
				ours := p.ours()
				export := p.text(p.row(ours.id, "SecretValue"), "SecretValue")
				if export == ours.wrapped || !strings.HasPrefix(export, "CgM") {
					p.Error("the export is what was sent, or begins otherwise")
				}
				raw, err := base64.StdEncoding.DecodeString(export)
				if err != nil || bytes.Contains(raw, ours.material) {
					p.Errorf("the export is no ciphertext in base64: %v", err)
				}
			},
		},
		{
			"ExportIsAProtobufMessage", "4.4", "I", "decoded from a sample in ThalesDoc",
			"An export is a message of the release (three digits), an IV of 16 bytes, and 48 bytes of ciphertext.", looks, "",
			func(p *probe) {
				raw, err := base64.StdEncoding.DecodeString(p.text(p.row(p.ours().id, "SecretValue"), "SecretValue"))
				if err != nil || len(raw) != 73 {
					p.Fatalf("%d bytes, want 73; %v", len(raw), err)
				}
				if !bytes.Equal(raw[:2], []byte{0x0a, 3}) || !bytes.Equal(raw[5:7], []byte{0x12, 16}) ||
					!bytes.Equal(raw[23:25], []byte{0x1a, 48}) ||
					strings.Trim(string(raw[2:5]), "0123456789") != "" {
					p.Error("the fields have other numbers or lengths")
				}
			},
		},
		{
			"ExportDoesNotChangeTheKey", "6.2", "C, V", "FtxPlugin; FtxDoc",
			"Reading SecretValue changes neither Status nor LastModifiedDate.", looks, "",
			func(p *probe) {
				id := p.ours().id
				before := p.row(id, "Status,LastModifiedDate")
				p.row(id, "SecretValue")
				p.matches(p.row(id, "Status,LastModifiedDate"), map[string]any{
					"Status":           before["Status"],
					"LastModifiedDate": before["LastModifiedDate"],
				})
			},
		},
		{
			"SecretValueCanBeSelected", "10", "D", "ObjRef example 5", "SOQL selects SecretValue, as base64 in the row.", looks,
			"", func(p *probe) {
				id := p.ours().id
				records, _ := p.query("/query", "SELECT SecretValue FROM TenantSecret WHERE Id = '"+id+"'")
				if len(records) != 1 || records[0]["SecretValue"] != p.row(id, "SecretValue")["SecretValue"] {
					p.Error("it is not what the row says")
				}
			},
		},
		{
			"NewRowsHaveOneDate", "4.4", "V", "FtxDoc 6.6", "Of a new key CreatedDate, LastModifiedDate and SystemModstamp " +
				"are equal.", looks, "",
			func(p *probe) {
				row := p.row(p.ours().id, "CreatedDate,LastModifiedDate,SystemModstamp")
				p.equal("LastModifiedDate", row["LastModifiedDate"], row["CreatedDate"])
				p.equal("SystemModstamp", row["SystemModstamp"], row["CreatedDate"])
			},
		},
		{
			"WholeRowsHaveTheseMembers", "4.4", "V", "FtxDoc 6.6",
			"A whole row has the members that Fortanix shows, and no other.", looks, "",
			func(p *probe) {
				row := p.get("/sobjects/TenantSecret/" + p.ours().id).want(http.StatusOK).object()
				members := strings.Fields("attributes Id IsDeleted CreatedDate CreatedById LastModifiedDate LastModifiedById " +
					"SystemModstamp Description SecretValue SecretValueHash SecretValueCertificate Status Type Version Source " +
					"KeyDerivationMode RemoteKeyIdentifier RemoteKeyServiceId RemoteKeyCertificate")
				for _, name := range members {
					if _, present := row[name]; !present {
						p.Errorf("%s is missing", name)
					}
				}
				p.equal("the number of members", len(row), len(members))
			},
		},
		{
			"NextKeyMustWait", "3.3", "D", "securityImplGuide security_pe_rotate_keys",
			"A second Data key right after the first is refused with 400: an interval must pass (4 hours in a sandbox, else " +
				"24).", rotates, "",
			func(p *probe) {
				p.ours()
				p.call(http.MethodPost, "/sobjects/TenantSecret", p.uploadBody(newMaterial(), nil)).refused(http.StatusBadRequest,
					"", "")
			},
		},
		{
			"NextKeyWaitsADay", "3.3", "D", "securityImplGuide security_pe_rotate_keys",
			"In production the next Data key is refused for 24 hours and accepted then.", rotates | prepared, "",
			func(p *probe) {
				p.ours()
				p.advance(23*time.Hour + 59*time.Minute)
				p.uploadRefused(p.uploadBody(newMaterial(), nil))
				p.advance(time.Minute)
				p.make(newMaterial())
			},
		},
		{
			"SecretIsAKeyOnlyOnce", "5.1", "D", "Help security_pe_byok_generate_secret",
			"A secret that was a key before is refused.", rotates | prepared, "",
			func(p *probe) {
				ours := p.ours()
				p.advance(24 * time.Hour)
				p.uploadRefused(p.uploadBody(ours.material, nil))
			},
		},
		{
			"FortanixUploadsWork", "6.3", "C", "FtxPlugin",
			"Lower-case names of members, an empty KeyDerivationMode, no Source, SHA-1 and API v50.0 work: Source UPLOADED, " +
				"mode PBKDF2.", rotates | prepared, "",
			func(p *probe) {
				m := newMaterial()
				id := p.text(p.call(http.MethodPost, "/services/data/v50.0/sobjects/TenantSecret", map[string]any{
					"SecretValueCertificate": p.certificate, "SecretValue": p.wrap(crypto.SHA1, m), "SecretValueHash": sum(m),
					"description": mark,
					"type":        "Data", "KeyDerivationMode": "",
				}).want(http.StatusCreated).object(), "id")
				p.matches(p.row(id, "Source,KeyDerivationMode,Description,Type,SecretValueHash"), map[string]any{
					"Source": "UPLOADED", "KeyDerivationMode": "PBKDF2", "Description": mark, "Type": "Data",
					"SecretValueHash": sum(m),
				})
			},
		},
		{
			"PostWithoutSecretMakesAKey", "5.4", "D", "ShieldREST", "POST `{}` makes Salesforce generate a Data key of Source " +
				"HSM, which archives the ACTIVE one.",
			rotates | prepared, "", func(p *probe) {
				id := p.text(p.call(http.MethodPost, "/sobjects/TenantSecret", map[string]any{}).want(http.StatusCreated).object(),
					"id")
				p.matches(p.row(id, "Source,Type,Status,SecretValueHash"), map[string]any{
					"Source": "HSM", "Type": "Data", "Status": "ACTIVE", "SecretValueHash": "UNKNOWM=",
				})
			},
		},
	}
}
