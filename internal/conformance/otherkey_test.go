package conformance_test

import (
	"net/http"
	"strings"
)

// cacheOnly makes a cache-only key of the type Analytics, and returns its id.
func (p *probe) cacheOnly(identifier string) string {
	p.Helper()
	return p.text(p.call(http.MethodPost, "/sobjects/TenantSecret", map[string]any{
		"Type": "Analytics", "Source": "Remote", "RemoteKeyIdentifier": identifier, "RemoteKeyServiceId": "0XAWt0000000077",
		"RemoteKeyCertificate": p.certificate, "Description": mark,
	}).want(http.StatusCreated).object(), "id")
}

// otherKeyFacts are about keys that are not tenant secrets of field-level encryption.
func otherKeyFacts() []fact {
	remote := remoteOrg()
	cacheOnly := func(p *probe) string { return p.cacheOnly("key-1") }
	return []fact{
		{
			"CacheOnlyKeysKeepTheirCertificate", "8", "D", "ObjRef example 8",
			"A key of Source REMOTE is made with identifier, named credential and certificate, reads them back and has " +
				"neither secret nor hash.", prepared, remote,
			func(p *probe) {
				p.matches(p.row(cacheOnly(p), "Source,Status,RemoteKeyIdentifier,RemoteKeyCertificate,SecretValue,SecretValueHash"),
					map[string]any{
						"Source": "REMOTE", "Status": "ACTIVE", "RemoteKeyIdentifier": "key-1", "RemoteKeyCertificate": p.certificate,
						"SecretValue": nil, "SecretValueHash": nil,
					})
			},
		},
		{
			"CacheOnlyKeysAreDestroyedWhileActive", "6.1", "D", "ShieldREST",
			"The newest REMOTE key goes from ACTIVE to DESTROYED and back by PATCH of Status, without a secret.", prepared,
			remote, func(p *probe) {
				id := cacheOnly(p)
				for _, status := range []string{"DESTROYED", "ACTIVE"} {
					p.patch(id, map[string]any{"Status": status}).want(http.StatusNoContent)
					p.equal("Status", p.row(id, "Status")["Status"], status)
				}
			},
		},
		{
			"CacheOnlyKeysNeedASetting", "8", "D", "Help cache_callout",
			"Without the setting Allow Cache-Only Keys a REMOTE key is refused.", prepared,
			strings.Replace(remote, "true", "false", 1), func(p *probe) {
				p.call(http.MethodPost, "/sobjects/TenantSecret", map[string]any{
					"Type": "Analytics", "Source": "REMOTE", "RemoteKeyIdentifier": "key-1", "RemoteKeyServiceId": "0XAWt0000000077",
					"RemoteKeyCertificate": p.certificate,
				}).refused(http.StatusBadRequest, "", "")
			},
		},
		{
			"DataEncryptionKeysBeginWithAPI63", "9.1", "D", "DEKRef", "DataEncryptionKey exists from API 63.0 on.", 0, "",
			func(p *probe) {
				p.get("/services/data/v62.0/sobjects/DataEncryptionKey/describe").refused(http.StatusNotFound, "NOT_FOUND", "")
			},
		},
		{
			"DataEncryptionKeysAreOnlyCreated", "9.1", "D", "DEKRef",
			"On Hyperforce DataEncryptionKey can be created and queried, not updated or deleted.", prepared,
			"settings: {hyperforce: true}", func(p *probe) {
				about := p.get("/services/data/v63.0/sobjects/DataEncryptionKey/describe").want(http.StatusOK).object()
				p.matches(about, map[string]any{"createable": true, "queryable": true, "updateable": false, "deletable": false})
			},
		},
		{
			"SearchIndexMovesOnHyperforce", "1", "D", "ObjRef",
			"On Hyperforce a TenantSecret of Type SearchIndex can be made by API 62.0, and not by 63.0.", rotates | prepared,
			"settings: {hyperforce: true}",
			func(p *probe) {
				body := map[string]any{"Type": "SearchIndex"}
				p.call(http.MethodPost, "/services/data/v63.0/sobjects/TenantSecret", body).refused(http.StatusBadRequest, "", "")
				p.call(http.MethodPost, "/services/data/v62.0/sobjects/TenantSecret", body).want(http.StatusCreated)
			},
		},
		{
			"RootKeysChangeTheirStatusOnly", "9.2", "D", "EERKRef", "Of ExternalEncryptionRootKey (API 58.0) Status alone can " +
				"be updated; nothing is created.", prepared,
			"root_keys: [{identifier: \"arn:aws:kms:eu-central-1:111122223333:key/abc\"}]", func(p *probe) {
				for name, f := range p.describe("/sobjects/ExternalEncryptionRootKey/describe") {
					if f.Updateable != (name == "Status") || f.Createable {
						p.Errorf("%s: createable %t, updateable %t", name, f.Createable, f.Updateable)
					}
				}
				records, _ := p.query("/query", "SELECT Id, Status FROM ExternalEncryptionRootKey")
				row := "/sobjects/ExternalEncryptionRootKey/" + p.text(records[0], "Id")
				p.call(http.MethodPatch, row, map[string]any{"Status": "Inactive"}).want(http.StatusNoContent)
				p.equal("Status", p.get(row).object()["Status"], "Inactive")
			},
		},
		{
			"DatabaseKeysNeedASetting", "9.3", "D", "EncryptionKeySettings", "A tenant secret of Type Database needs " +
				"`canEncryptTransactionalDatabase`.", prepared,
			"settings: {can_encrypt_transactional_database: false}", func(p *probe) {
				p.call(http.MethodPost, "/sobjects/TenantSecret", map[string]any{"Type": "Database"}).refused(http.StatusBadRequest,
					"", "")
			},
		},
		{
			"DatabaseKeysAreNotExported", "6.1", "D", "Help security_pe_destroy_key, import_export_keys",
			"A Database key gives no SecretValue.", rotates | prepared,
			"settings: {can_encrypt_transactional_database: true}", func(p *probe) {
				id := p.text(p.call(http.MethodPost, "/sobjects/TenantSecret",
					map[string]any{"Type": "Database"}).want(http.StatusCreated).object(), "id")
				p.equal("SecretValue", p.row(id, "SecretValue")["SecretValue"], nil)
			},
		},
	}
}
