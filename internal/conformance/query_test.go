package conformance_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (p *probe) queryRefused(soql, code, text string) {
	p.Helper()
	p.get("/query?q="+url.QueryEscape(soql)).refused(http.StatusBadRequest, code, text)
}

func queryFacts() []fact {
	return []fact{
		{
			"QueryAnswersWithItsRecords", "10", "D", "RESTdoc",
			"A query answers `totalSize`, `done` and `records`, each with `attributes` of `type` and `url`.", 0, "",
			func(p *probe) {
				records, page := p.query("/query", "SELECT Id FROM Organization")
				p.matches(page, map[string]any{"totalSize": 1.0, "done": true})
				attributes, isObject := records[0]["attributes"].(map[string]any)
				if !isObject || attributes["type"] != "Organization" ||
					attributes["url"] != "/services/data/v"+p.version+"/sobjects/Organization/"+p.text(records[0], "Id") {
					p.Errorf("attributes %v", records[0]["attributes"])
				}
			},
		},
		{
			"QueryIgnoresASlashAndTakesPlus", "10", "D", "RESTdoc", "`/query/?q=` is `/query?q=`; a space is `+` or `%20`.", 0,
			"", func(p *probe) {
				for _, path := range []string{
					"/query/?q=SELECT+Id+FROM+Organization",
					"/query?q=SELECT%20Id%20FROM%20Organization",
				} {
					p.equal(path, p.get(path).want(http.StatusOK).object()["totalSize"], 1.0)
				}
			},
		},
		{
			"NamesInQueriesHaveNoCase", "10", "C", "FtxPlugin", "Keywords, objects and fields of SOQL are case-insensitive.", 0,
			"", func(p *probe) {
				records, _ := p.query("/query", "select id, isSandbox from organization")
				if len(records) != 1 || records[0]["IsSandbox"] == nil {
					p.Errorf("%d records, without a field IsSandbox", len(records))
				}
			},
		},
		{
			"CountHasNoRecords", "10", "D", "SOQL reference", "`SELECT COUNT()` gives its number as `totalSize`, with no " +
				"records.", 0, "", func(p *probe) {
				records, page := p.query("/query", "SELECT COUNT() FROM Organization")
				if p.equal("totalSize", page["totalSize"], 1.0); len(records) != 0 {
					p.Errorf("%d records", len(records))
				}
			},
		},
		{
			"QuotesAreEscapedByBackslashes", "10", "D", "SOQL reference",
			`\' and \\ stand for a quote and a backslash in a literal.`, 0, "",
			func(p *probe) {
				_, page := p.query("/query", `SELECT Id FROM Organization WHERE Name = 'it\'s \\ not this'`)
				p.equal("totalSize", page["totalSize"], 0.0)
			},
		},
		{
			"MalformedQueryIsRefused", "3.2", "D", "RESTdoc", "SOQL that does not parse is 400 `MALFORMED_QUERY`.", 0, "",
			func(p *probe) {
				for _, soql := range []string{
					"SELEC Id FROM Organization", "SELECT Id FROM Organization WHERE",
					"SELECT Id FROM Organization LIMIT x",
				} {
					p.queryRefused(soql, "MALFORMED_QUERY", "")
				}
			},
		},
		{
			"UnknownColumnIsNamed", "3.2", "C", "public issue threads",
			"An unknown field is 400 `INVALID_FIELD`, \"No such column 'X'\".", 0, "",
			func(p *probe) {
				p.queryRefused("SELECT Nope FROM TenantSecret", "INVALID_FIELD", "No such column 'Nope'")
			},
		},
		{
			"UnknownObjectIsAnInvalidType", "3.2", "R", "recalled", "An unknown object is 400 `INVALID_TYPE`, \"sObject type " +
				"'X' is not supported\".", 0, "",
			func(p *probe) {
				p.queryRefused("SELECT Id FROM NoSuchObject", "INVALID_TYPE", "sObject type 'NoSuchObject' is not supported")
			},
		},
		{
			"DescriptionAndHashCannotBeFiltered", "10", "D", "ObjRef; sf-skills",
			"Filtering on `Description`, `SecretValue` or `SecretValueHash` is 400 `INVALID_FIELD`, \"field 'X' can not be " +
				"filtered in a query call\".",
			0, "", func(p *probe) {
				for _, field := range []string{"Description", "SecretValue", "SecretValueHash"} {
					p.queryRefused("SELECT Id FROM TenantSecret WHERE "+field+" = 'x'", "INVALID_FIELD",
						"field '"+field+"' can not be filtered in a query call")
				}
			},
		},
		{
			"KeyFieldsCanBeFiltered", "10", "D", "ObjRef",
			"Queries may filter on Type, Status, Source, Version, KeyDerivationMode, SecretValueCertificate and CreatedDate.", 0,
			"", func(p *probe) {
				for _, condition := range []string{
					"Type = 'Data'", "Status IN ('ACTIVE', 'ARCHIVED')", "Source != 'REMOTE'", "Version > 0",
					"KeyDerivationMode = 'PBKDF2'",
					"SecretValueCertificate = null", "CreatedDate > 2015-01-01T00:00:00Z",
				} {
					p.secrets(" WHERE " + condition)
				}
			},
		},
		{
			"TenantSecretsAreOrderedOnRequest", "10", "D", "ObjRef", "`ORDER BY Version` and `LIMIT` work on TenantSecret.", 0,
			"", func(p *probe) {
				var versions []float64
				for _, row := range p.several(" ORDER BY Version LIMIT 20") {
					version, _ := row["Version"].(float64)
					versions = append(versions, version)
				}
				if !slices.IsSorted(versions) {
					p.Errorf("versions %v", versions)
				}
			},
		},
		{
			"FieldsAllNeedsALimit", "10", "R", "recalled", "`FIELDS(ALL)` needs a `LIMIT` of at most 200.", 0, "",
			func(p *probe) {
				p.get("/query?q=SELECT+FIELDS(ALL)+FROM+Organization").want(http.StatusBadRequest)
				p.get("/query?q=SELECT+FIELDS(ALL)+FROM+Organization+LIMIT+201").want(http.StatusBadRequest)
				p.get("/query?q=SELECT+FIELDS(ALL)+FROM+Organization+LIMIT+200").want(http.StatusOK)
			},
		},
		{
			"PagesFollowTheBatchSize", "10", "D", "RESTdoc",
			"`Sforce-Query-Options: batchSize=200` pages a result; `nextRecordsUrl` is got without parameters until `done`.",
			prepared,
			"tenant_secrets: [{count: 230, type: Analytics, status: DESTROYED}]", func(p *probe) {
				header := http.Header{"Authorization": {"Bearer " + p.session()}, "Sforce-Query-Options": {"batchSize=200"}}
				first := p.send(http.MethodGet, "/query?q=SELECT+Id+FROM+TenantSecret", header, nil).want(http.StatusOK).object()
				p.matches(first, map[string]any{"totalSize": 230.0, "done": false})
				next := p.text(first, "nextRecordsUrl")
				if !strings.HasPrefix(next, "/services/data/v"+p.version+"/query/01g") {
					p.Errorf("nextRecordsUrl %q", next)
				}
				second := p.get(next).want(http.StatusOK).object()
				p.equal("done", second["done"], true)
				if records, _ := second["records"].([]any); len(records) != 30 {
					p.Errorf("%d records on the second page", len(records))
				}
			},
		},
		{
			"BadQueryLocatorIsRefused", "3.2", "D", "CoreTypes",
			"A query locator that does not exist is 400 `INVALID_QUERY_LOCATOR`.", 0, "",
			func(p *probe) {
				p.get("/query/01g000000000000AAA-2000").refused(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "")
			},
		},
		{
			"QueryAllIncludesTheSameRows", "10", "D", "RESTdoc", "`/queryAll` finds at least the rows of `/query`: no tenant " +
				"secret is ever deleted.",
			0, "", func(p *probe) {
				_, some := p.query("/query", "SELECT COUNT() FROM TenantSecret")
				_, all := p.query("/queryAll", "SELECT COUNT() FROM TenantSecret")
				p.equal("totalSize", all["totalSize"], some["totalSize"])
			},
		},
		{
			"WithoutPermissionTheObjectIsUnknown", "4.5", "R", "recalled", "Without the permission Manage Encryption Keys the " +
				"object TenantSecret does not exist: 400 `INVALID_TYPE` in SOQL, 404 `NOT_FOUND` for rows.", prepared,
			"permissions: {manage_encryption_keys: false}",
			func(p *probe) {
				p.queryRefused("SELECT Id FROM TenantSecret", "INVALID_TYPE", "sObject type 'TenantSecret' is not supported")
				p.get("/sobjects/TenantSecret/02G000000000000EAA").refused(http.StatusNotFound, "NOT_FOUND", "")
			},
		},
	}
}
