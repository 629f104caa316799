package soql_test

import (
	"errors"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// FuzzQuery checks that no query panics, that every refusal is a typed error
// with a code and a place within the query, and that results keep their
// promises.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"",
		"SELECT Id FROM TenantSecret",
		"select Id, Status, Version from TenantSecret where Type = 'Data' and Status = 'ACTIVE'",
		"SELECT FIELDS(ALL) FROM TenantSecret LIMIT 200",
		"SELECT COUNT() FROM TenantSecret WHERE NOT (Version IN (1, 2.5) OR IsDeleted = true)",
		"SELECT Type, COUNT(Id) n, MAX(CreatedDate) FROM TenantSecret GROUP BY Type HAVING COUNT(Id) > 1 ORDER BY " +
			"MAX(CreatedDate) DESC",
		"SELECT t.CreatedBy.Manager.Name FROM TenantSecret t ORDER BY t.Id DESC NULLS LAST LIMIT 1 OFFSET 1 FOR VIEW",
		`SELECT Id FROM TenantSecret WHERE RemoteKeyIdentifier LIKE '100\%_\_\u0041\'\\' OR Type NOT IN (null, '')`,
		"SELECT Id FROM TenantSecret WHERE CreatedDate >= 2026-01-01T00:00:00.000+0000 AND CreatedDate < LAST_N_QUARTERS:3",
		"SELECT Name FROM Holiday WHERE ActivityDate = 2026-02-29 AND Weight__c != -1.50",
		"SELECT Id FROM TenantSecret WHERE CreatedById IN (SELECT ManagerId FROM User WHERE Name != null)",
		"SELECT Id FROM TenantSecret WHERE ((((((((((",
		"SELECT é\n\t\xff\x00 FROM TenantSecret",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := soql.Parse(text)
		var result *soql.Result
		if err == nil {
			result, err = q.Run(org(), rows, now)
		}
		if err != nil {
			var refusal *soql.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("%q: error of type %T: %v", text, err, err)
			}
			if refusal.Code == "" || refusal.Message == "" || refusal.Column > len([]rune(text))+1 {
				t.Fatalf("%q: incomplete refusal %+v", text, refusal)
			}
			return
		}
		if result.Count {
			return
		}
		if result.TotalSize != len(result.Rows) || len(result.Fields) == 0 {
			t.Fatalf("%q: TotalSize %d with %d rows and %d fields", text, result.TotalSize, len(result.Rows), len(result.Fields))
		}
	})
}
