package soql_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// now is a Wednesday in the third quarter.
var now = time.Date(2026, time.August, 19, 15, 30, 0, 0, time.UTC)

type schema []*soql.Object

func (s schema) Object(name string) (*soql.Object, bool) {
	for _, object := range s {
		if strings.EqualFold(object.Name, name) {
			return object, true
		}
	}
	return nil, false
}

// org is the part of an org that these tests query. The properties of the
// TenantSecret fields are those of the object reference.
func org() schema {
	open := func(name, kind string) soql.Field {
		return soql.Field{Name: name, Type: kind, Filterable: true, Sortable: true, Groupable: true}
	}
	user := &soql.Object{Name: "User", Fields: []soql.Field{
		open("Id", "id"), open("Name", "string"),
		open("ManagerId", "reference"),
	}}
	user.Relationships = map[string]*soql.Object{"Manager": user}
	return schema{
		user,
		{
			Name: "TenantSecret",
			Fields: []soql.Field{
				open("Id", "id"),
				{Name: "Description", Type: "textarea", Nillable: true},
				open("Type", "picklist"),
				open("Status", "picklist"),
				open("RemoteKeyIdentifier", "string"),
				open("Version", "int"),
				{Name: "SecretValueHash", Type: "base64"},
				open("IsDeleted", "boolean"),
				open("CreatedDate", "datetime"),
				open("CreatedById", "reference"),
			},
			Relationships: map[string]*soql.Object{"CreatedBy": user},
		},
		{
			Name:   "Holiday",
			Fields: []soql.Field{open("Name", "string"), open("ActivityDate", "date"), open("Weight__c", "double")},
		},
	}
}

const (
	adaID  = "005000000000001AAA"
	bobID  = "005000000000002AAA"
	first  = "02G000000000001AAA"
	second = "02G000000000002AAA"
	third  = "02G000000000003AAA"
	fourth = "02G00000000000aAAA"
	fifth  = "02G00000000000AAAA"
)

func rows(object string) []soql.Row {
	ada := soql.Row{"Id": adaID, "Name": "Ada Ames", "ManagerId": nil, "Manager": nil}
	bob := soql.Row{"Id": bobID, "Name": "Bob O'Neil", "ManagerId": adaID, "Manager": ada}
	secret := func(id, kind, status string, version int64, created time.Time, by soql.Row, remote any) soql.Row {
		return soql.Row{
			"Id": id, "Description": "key " + id, "Type": kind, "Status": status, "Version": version,
			"SecretValueHash": "AAAA", "IsDeleted": false, "CreatedDate": created, "CreatedById": by["Id"],
			"CreatedBy": by, "RemoteKeyIdentifier": remote,
		}
	}
	switch object {
	case "User":
		return []soql.Row{ada, bob}
	case "TenantSecret":
		return []soql.Row{
			secret(third, "Data", "ACTIVE", 3, now.Add(-time.Hour), ada, nil),
			secret(first, "Data", "ARCHIVED", 1, now.AddDate(-1, 0, 0), bob, nil),
			secret(second, "Data", "DESTROYED", 2, now.AddDate(0, 0, -3), ada, nil),
			secret(fourth, "EventBus", "ACTIVE", 4, now.AddDate(0, -2, 0), bob, "100%_sure"),
			secret(fifth, "Analytics", "ACTIVE", 5, now.AddDate(0, 0, -1), bob, "plain"),
		}
	case "Holiday":
		return []soql.Row{
			{"Name": "May Day", "ActivityDate": time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC), "Weight__c": 1.5},
			{"Name": "Assumption", "ActivityDate": time.Date(2026, time.August, 15, 0, 0, 0, 0, time.UTC), "Weight__c": 2.0},
			{"Name": "Today", "ActivityDate": time.Date(2026, time.August, 19, 0, 0, 0, 0, time.UTC), "Weight__c": nil},
		}
	}
	return nil
}

func run(t *testing.T, text string) *soql.Result {
	t.Helper()
	q, err := soql.Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	result, err := q.Run(org(), rows, now)
	if err != nil {
		t.Fatalf("Run(%q): %v", text, err)
	}
	return result
}

// versions names the tenant secrets of a result by version, in order.
func versions(result *soql.Result) string {
	var names []string
	for _, row := range result.Rows {
		names = append(names, fmt.Sprint(row["Version"]))
	}
	return strings.Join(names, "")
}

func TestWhere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ where, want string }{
		{"Type = 'Data'", "312"},
		{"type = 'data'", "312"},
		{"Type != 'Data'", "45"},
		{"Type <> 'Data'", "45"},
		{"Type = 'Data' AND Status = 'ACTIVE'", "3"},
		{"Type='Data'and Status='ACTIVE'", "3"},
		{"(Type = 'Data' AND Status = 'ACTIVE') OR Version = 5", "35"},
		{"Type = 'Data' AND (Status = 'ACTIVE' OR Status = 'ARCHIVED')", "31"},
		{"((((Version = 1))))", "1"},
		{"NOT Type = 'Data'", "45"},
		{"NOT (Type = 'Data' AND Status = 'ACTIVE')", "1245"},
		{"Status = 'ACTIVE' AND (NOT Type = 'Data')", "45"},
		{"Type IN ('Data', 'EVENTBUS')", "3124"},
		{"Type NOT IN ('Data')", "45"},
		{"Version IN (1, 2, 99)", "12"},
		{"Version > 3", "45"},
		{"Version >= 3", "345"},
		{"Version < 3", "12"},
		{"Version <= 3", "312"},
		{"Version = 3.0", "3"},
		{"Version > -1", "31245"},
		{"Version > +4", "5"},
		{"Status LIKE 'A%'", "3145"},
		{"Status LIKE '%ed'", "12"},
		{"Status LIKE 'a_tive'", "345"},
		{"Status LIKE 'A_'", ""},
		{"Status LIKE '%C%IV%'", "3145"},
		{"Status LIKE '%'", "31245"},
		{"(NOT Status LIKE 'A%')", "2"},
		{`RemoteKeyIdentifier LIKE '100\%%'`, "4"},
		{`RemoteKeyIdentifier LIKE '%\_sure'`, "4"},
		{`RemoteKeyIdentifier LIKE '%\_%'`, "4"},
		{`RemoteKeyIdentifier LIKE 'pl\u0061in'`, "5"},
		{"RemoteKeyIdentifier = '100%_sure'", "4"},
		{"RemoteKeyIdentifier = null", "312"},
		{"RemoteKeyIdentifier = NULL", "312"},
		{"RemoteKeyIdentifier = ''", "312"},
		{"RemoteKeyIdentifier != null", "45"},
		{"RemoteKeyIdentifier != 'plain'", "3124"},
		{"RemoteKeyIdentifier > 'a'", "5"},
		{"RemoteKeyIdentifier < null", ""},
		{"RemoteKeyIdentifier IN (null, 'plain')", "3125"},
		{"IsDeleted = false", "31245"},
		{"IsDeleted = TRUE", ""},
		{"IsDeleted != true", "31245"},
		{"Id = '" + third + "'", "3"},
		{"Id = '" + third[:15] + "'", "3"},
		{"Id != '" + third + "'", "1245"},
		{"Id IN ('" + first[:15] + "', '" + second + "')", "12"},
		{"Id = '" + fourth + "'", "4"}, // the case of an id counts
		{"Id > '" + third[:15] + "'", "45"},
		{"Id = ''", ""},
		{"CreatedById = '" + adaID[:15] + "'", "32"},
		{"CreatedBy.Name = 'ada ames'", "32"},
		{`CreatedBy.Name = 'Bob O\'Neil'`, "145"},
		{"CreatedBy.Manager.Name = 'Ada Ames'", "145"},
		{"CreatedBy.Manager.Name = null", "32"},
		{"CreatedBy.Manager.Name != 'nobody'", "31245"},
		{"TenantSecret.Version = 1", "1"},
		{"tenantsecret.createdby.name LIKE 'Ada%'", "32"},
		{"CreatedDate = TODAY", "3"},
		{"CreatedDate = YESTERDAY", "5"},
		{"CreatedDate = LAST_N_DAYS:1", "35"},
		{"CreatedDate = last_n_days:3", "325"},
		{"CreatedDate != TODAY", "1245"},
		{"CreatedDate < TODAY", "1245"},
		{"CreatedDate >= YESTERDAY", "35"},
		{"CreatedDate > YESTERDAY", "3"},
		{"CreatedDate <= YESTERDAY", "1245"},
		{"CreatedDate > N_DAYS_AGO:3", "35"},
		{"CreatedDate IN (TODAY, YESTERDAY)", "35"},
		{"CreatedDate = LAST_YEAR", "1"},
		{"CreatedDate >= 2026-08-18T15:30:00Z", "35"},
		{"CreatedDate = 2026-08-19T14:30:00.000Z", "3"},
		{"CreatedDate = 2026-08-19T16:30:00+02:00", "3"},
		{"CreatedDate = 2026-08-19T10:00:00.000-0430", "3"},
		{"CreatedDate > 2026-08-19t14:29:59z", "3"},
		{"CreatedById IN (SELECT Id FROM User WHERE Name LIKE 'Bob%')", "145"},
		{"CreatedById NOT IN (SELECT Id FROM User WHERE Name LIKE 'Bob%')", "32"},
		{"CreatedById IN (SELECT ManagerId FROM User)", "32"},
	} {
		t.Run(tc.where, func(t *testing.T) {
			t.Parallel()
			result := run(t, "SELECT Version FROM TenantSecret WHERE "+tc.where)
			if got := versions(result); got != tc.want {
				t.Errorf("versions %q, want %q", got, tc.want)
			}
			if result.TotalSize != len(tc.want) {
				t.Errorf("TotalSize %d, want %d", result.TotalSize, len(tc.want))
			}
		})
	}
}

func TestDateFields(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		where string
		want  int
	}{
		{"ActivityDate = 2026-05-01", 1},
		{"ActivityDate > 2026-05-01", 2},
		{"ActivityDate = TODAY", 1},
		{"ActivityDate = THIS_MONTH", 2},
		{"ActivityDate = LAST_WEEK", 1},
		{"ActivityDate != null", 3},
		{"Weight__c = 1.5", 1},
		{"Weight__c >= 1.5", 2},
		{"Weight__c != 1.5", 2},
	} {
		if got := run(t, "SELECT Name FROM Holiday WHERE "+tc.where).TotalSize; got != tc.want {
			t.Errorf("%s: %d rows, want %d", tc.where, got, tc.want)
		}
	}
}

func TestOrderLimitOffset(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ clauses, want string }{
		{"", "31245"},
		{"ORDER BY Version", "12345"},
		{"order by version asc", "12345"},
		{"ORDER BY Version DESC", "54321"},
		{"ORDER BY Type, Version DESC", "53214"},
		{"ORDER BY CreatedBy.Name DESC, Version", "14523"},
		{"ORDER BY CreatedDate", "14253"},
		{"ORDER BY RemoteKeyIdentifier, Version", "12345"},
		{"ORDER BY RemoteKeyIdentifier NULLS LAST, Version", "45123"},
		{"ORDER BY RemoteKeyIdentifier DESC NULLS LAST, Version", "54123"},
		{"ORDER BY RemoteKeyIdentifier DESC NULLS FIRST, Version", "12354"},
		{"ORDER BY RemoteKeyIdentifier DESC, Version", "12354"},
		{"ORDER BY Id DESC", "45321"}, // binary, as Id > '...' is
		{"ORDER BY Version LIMIT 2", "12"},
		{"ORDER BY Version LIMIT 2 OFFSET 1", "23"},
		{"ORDER BY Version OFFSET 3", "45"},
		{"LIMIT 0", ""},
		{"LIMIT 100", "31245"},
		{"OFFSET 2000", ""},
		{"LIMIT 1 FOR VIEW", "3"},
		{"LIMIT 1 FOR VIEW FOR REFERENCE", "3"},
	} {
		t.Run(tc.clauses, func(t *testing.T) {
			t.Parallel()
			if got := versions(run(t, "SELECT Version FROM TenantSecret "+tc.clauses)); got != tc.want {
				t.Errorf("versions %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSelectedFieldsAreCanonical(t *testing.T) {
	t.Parallel()
	result := run(t, "select id, TYPE, createdby.name, t.Version\n from TENANTSECRET t where t.version = 1")
	want := []soql.SelectedField{
		{Path: []string{"Id"}}, {Path: []string{"Type"}}, {Path: []string{"CreatedBy", "Name"}}, {Path: []string{"Version"}},
	}
	if diff := cmp.Diff(want, result.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if result.Aggregate || result.Count {
		t.Errorf("Aggregate %v, Count %v for a plain query", result.Aggregate, result.Count)
	}
}

func TestObjectIsAsWritten(t *testing.T) {
	t.Parallel()
	q, err := soql.Parse("SELECT Id FROM tenantSECRET")
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Object(); got != "tenantSECRET" {
		t.Errorf("Object() = %q", got)
	}
}

func TestFieldSets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		query string
		want  []string
	}{
		{"SELECT FIELDS(ALL) FROM User LIMIT 200", []string{"Id", "Name", "ManagerId"}},
		{"SELECT fields(all) FROM Holiday LIMIT 1", []string{"Name", "ActivityDate", "Weight__c"}},
		{"SELECT FIELDS(STANDARD) FROM Holiday", []string{"Name", "ActivityDate"}},
		{"SELECT FIELDS(CUSTOM), Name FROM Holiday LIMIT 10", []string{"Weight__c", "Name"}},
	} {
		var got []string
		for _, field := range run(t, tc.query).Fields {
			got = append(got, strings.Join(field.Path, "."))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: fields %v, want %v", tc.query, got, tc.want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		query string
		want  int
	}{
		{"SELECT COUNT() FROM TenantSecret", 5},
		{"select count() from TenantSecret where Type = 'Data'", 3},
		{"SELECT COUNT() FROM TenantSecret LIMIT 2", 2},
	} {
		result := run(t, tc.query)
		if !result.Count || result.TotalSize != tc.want || len(result.Rows) != 0 {
			t.Errorf("%s: Count %v, TotalSize %d, %d rows; want TotalSize %d and no rows",
				tc.query, result.Count, result.TotalSize, len(result.Rows), tc.want)
		}
	}
}

func TestAggregates(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		query string
		want  []soql.Row
	}{
		{
			"SELECT COUNT(Id), MAX(Version), MIN(CreatedDate) oldest FROM TenantSecret",
			[]soql.Row{{"expr0": int64(5), "expr1": int64(5), "oldest": now.AddDate(-1, 0, 0)}},
		},
		{
			"SELECT Type, COUNT(Id) n FROM TenantSecret GROUP BY Type ORDER BY COUNT(Id) DESC, Type",
			[]soql.Row{
				{"Type": "Data", "n": int64(3)},
				{"Type": "Analytics", "n": int64(1)},
				{"Type": "EventBus", "n": int64(1)},
			},
		},
		{
			"SELECT Type, MAX(CreatedDate) FROM TenantSecret GROUP BY Type HAVING COUNT(Id) > 1",
			[]soql.Row{{"Type": "Data", "expr0": now.Add(-time.Hour)}},
		},
		{
			"SELECT Status FROM TenantSecret GROUP BY Status ORDER BY Status DESC LIMIT 2",
			[]soql.Row{{"Status": "DESTROYED"}, {"Status": "ARCHIVED"}},
		},
		{
			"SELECT CreatedBy.Name, SUM(Version), AVG(Version) FROM TenantSecret GROUP BY CreatedBy.Name ORDER BY " +
				"CreatedBy.Name",
			[]soql.Row{
				{"Name": "Ada Ames", "expr0": 5.0, "expr1": 2.5},
				{"Name": "Bob O'Neil", "expr0": 10.0, "expr1": 10.0 / 3},
			},
		},
		{
			"SELECT COUNT_DISTINCT(Status), COUNT(RemoteKeyIdentifier) FROM TenantSecret",
			[]soql.Row{{"expr0": int64(3), "expr1": int64(2)}},
		},
		{
			"SELECT MAX(Version), COUNT(Id) FROM TenantSecret WHERE Type = 'Database'",
			[]soql.Row{{"expr0": nil, "expr1": int64(0)}},
		},
		{
			"SELECT Type, MAX(Version) FROM TenantSecret WHERE Type = 'Database' GROUP BY Type",
			nil,
		},
		{
			"SELECT Type FROM TenantSecret GROUP BY Type HAVING MAX(CreatedDate) = TODAY",
			[]soql.Row{{"Type": "Data"}},
		},
	} {
		t.Run(tc.query, func(t *testing.T) {
			t.Parallel()
			result := run(t, tc.query)
			if !result.Aggregate {
				t.Error("Aggregate is false")
			}
			if diff := cmp.Diff(tc.want, result.Rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if result.TotalSize != len(tc.want) {
				t.Errorf("TotalSize %d, want %d", result.TotalSize, len(tc.want))
			}
			for _, row := range result.Rows {
				if len(row) != len(result.Fields) {
					t.Errorf("row has %d values for %d fields", len(row), len(result.Fields))
				}
			}
		})
	}
}

func TestRunLeavesTheGivenRows(t *testing.T) {
	t.Parallel()
	given := rows("TenantSecret")
	q, err := soql.Parse("SELECT Id FROM TenantSecret ORDER BY Version")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Run(org(), func(string) []soql.Row { return given }, now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows("TenantSecret"), given); diff != "" {
		t.Errorf("given rows changed (-before +after):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		query, code string
		row, column int
		detail      string
	}{
		{"SELECT foo FROM TenantSecret", "INVALID_FIELD", 1, 8, "No such column 'foo' on sobject of type TenantSecret"},
		{
			"SELECT Id,\n  foo\nFROM tenantsecret", "INVALID_FIELD", 2, 3,
			"No such column 'foo' on sobject of type TenantSecret",
		},
		{"SELECT Name FROM TenantSecret", "INVALID_FIELD", 1, 8, "No such column 'Name' on sobject of type TenantSecret"},
		{"SELECT CreatedBy.foo FROM TenantSecret", "INVALID_FIELD", 1, 8, "No such column 'foo' on sobject of type User"},
		{
			"SELECT Owner.Name FROM TenantSecret", "INVALID_FIELD", 1, 8,
			"Didn't understand relationship 'Owner' in field path.",
		},
		{
			"SELECT Id FROM TenantSecret WHERE foo = 1", "INVALID_FIELD", 1, 35,
			"No such column 'foo' on sobject of type TenantSecret",
		},
		{
			"SELECT Id FROM TenantSecret ORDER BY foo", "INVALID_FIELD", 1, 38,
			"No such column 'foo' on sobject of type TenantSecret",
		},
		{
			"SELECT Id FROM TenantSecret WHERE Description = 'x'", "INVALID_FIELD", 1, 35,
			"field 'Description' can not be filtered in a query call",
		},
		{
			"SELECT Id FROM TenantSecret WHERE Version = 1 AND secretvaluehash != null", "INVALID_FIELD", 1, 51,
			"field 'SecretValueHash' can not be filtered in a query call",
		},
		{
			"SELECT Id FROM TenantSecret ORDER BY Version, Description", "INVALID_FIELD", 1, 47,
			"field 'Description' can not be sorted in a query call",
		},
		{
			"SELECT COUNT(Id) FROM TenantSecret GROUP BY Description", "INVALID_FIELD", 1, 45,
			"field 'Description' can not be grouped in a query call",
		},
		{
			"SELECT Id FROM Certificate", "INVALID_TYPE", 1, 16,
			"sObject type 'Certificate' is not supported. If you are attempting to use a custom object, be sure to append the " +
				"'__c'",
		},
		{"SELECT Id FROM TenantSecret WHERE Type = Data", "MALFORMED_QUERY", 1, 42, "unexpected token: 'Data'"},
		{
			"SELECT Id FROM TenantSecret WHERE Type = 5", "INVALID_FIELD", 1, 42,
			"must be of type string and should be enclosed in quotes",
		},
		{
			"SELECT Id FROM TenantSecret WHERE Version = '5'", "INVALID_FIELD", 1, 45,
			"must be of type int and should not be enclosed in quotes",
		},
		{
			"SELECT Id FROM TenantSecret WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD", 1, 49,
			"value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
		},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", 1, 49, "must be of type dateTime"},
		{
			"SELECT Name FROM Holiday WHERE ActivityDate > 2026-01-01T00:00:00Z", "INVALID_FIELD", 1, 47,
			"must be of type date ",
		},
		{"SELECT Id FROM TenantSecret WHERE IsDeleted = 'false'", "INVALID_FIELD", 1, 47, "must be of type boolean"},
		{"SELECT Id FROM TenantSecret WHERE Version = TODAY", "INVALID_FIELD", 1, 45, "must be of type int"},
		{
			"SELECT Id FROM TenantSecret WHERE IsDeleted > false", "INVALID_QUERY_FILTER_OPERATOR", 1, 35,
			"invalid operator on boolean field",
		},
		{
			"SELECT Id FROM TenantSecret WHERE Id LIKE '02G%'", "INVALID_QUERY_FILTER_OPERATOR", 1, 35,
			"invalid operator on id field",
		},
		{"SELECT Id FROM TenantSecret WHERE Id = '02G'", "INVALID_QUERY_FILTER_OPERATOR", 1, 40, "invalid ID field: 02G"},
		{
			"SELECT Id FROM TenantSecret WHERE Id = '02G00000000000_'", "INVALID_QUERY_FILTER_OPERATOR", 1, 40,
			"invalid ID field: 02G",
		},
		{
			"SELECT Id FROM TenantSecret WHERE Type INCLUDES ('Data')", "INVALID_QUERY_FILTER_OPERATOR", 1, 35,
			"'INCLUDES' operator",
		},
		{"SELECT Id, id FROM TenantSecret", "INVALID_FIELD", 1, 12, "duplicate field selected: Id"},
		{"SELECT Id key FROM TenantSecret", "MALFORMED_QUERY", 1, 8, "only aggregate expressions use field aliasing"},
		{"SELECT FIELDS(ALL), Id FROM User LIMIT 1", "INVALID_FIELD", 1, 21, "duplicate field selected: Id"},
		{"SELECT FIELDS(ALL) FROM User", "MALFORMED_QUERY", 0, 0, "must have a LIMIT of at most 200"},
		{"SELECT FIELDS(ALL) FROM User LIMIT 201", "MALFORMED_QUERY", 0, 0, "must have a LIMIT of at most 200"},
		{"SELECT FIELDS(CUSTOM) FROM User LIMIT 1", "MALFORMED_QUERY", 1, 8, "selects no field of User"},
		{"SELECT FIELDS(SOME) FROM User LIMIT 1", "MALFORMED_QUERY", 1, 15, "unexpected token: 'SOME'"},
		{"SELECT FIELDS(STANDARD), COUNT(Id) FROM User", "MALFORMED_QUERY", 1, 8, "not supported in an aggregate query"},
		{"SELECT COUNT(), Id FROM TenantSecret", "MALFORMED_QUERY", 1, 8, "COUNT() must be the only element"},
		{"SELECT COUNT() FROM TenantSecret GROUP BY Type", "MALFORMED_QUERY", 1, 43, "COUNT() without a field"},
		{"SELECT COUNT() FROM TenantSecret ORDER BY Type", "MALFORMED_QUERY", 1, 43, "ORDER BY"},
		{"SELECT Type, COUNT(Id) FROM TenantSecret", "MALFORMED_QUERY", 1, 8, "Field must be grouped or aggregated: Type"},
		{"SELECT COUNT(Id) FROM TenantSecret LIMIT 1", "MALFORMED_QUERY", 1, 42, "cannot also use LIMIT"},
		{"SELECT COUNT(Description) FROM TenantSecret", "INVALID_FIELD", 1, 8, "does not support aggregate operator COUNT"},
		{"SELECT SUM(Type) FROM TenantSecret", "INVALID_FIELD", 1, 8, "does not support aggregate operator SUM"},
		{"SELECT MAX(IsDeleted) FROM TenantSecret", "INVALID_FIELD", 1, 8, "does not support aggregate operator MAX"},
		{"SELECT MAX(Version) v, MIN(Version) V FROM TenantSecret", "MALFORMED_QUERY", 1, 24, "duplicate alias: V"},
		{"SELECT Id FROM TenantSecret WHERE COUNT(Id) > 1", "MALFORMED_QUERY", 1, 35, "not allowed in a WHERE clause"},
		{"SELECT Id FROM TenantSecret ORDER BY MAX(Id)", "MALFORMED_QUERY", 1, 38, "needs an aggregate query"},
		{"SELECT Id FROM TenantSecret HAVING Version > 1", "MALFORMED_QUERY", 1, 36, "having clause requires group by"},
		{
			"SELECT Id FROM TenantSecret WHERE Type IN (SELECT Id FROM User)", "MALFORMED_QUERY", 1, 35,
			"left operand of a semi-join",
		},
		{
			"SELECT Id FROM TenantSecret WHERE CreatedById IN (SELECT Name FROM User)", "MALFORMED_QUERY", 1, 58,
			"must be an id or a reference",
		},
		{
			"SELECT Id FROM TenantSecret WHERE CreatedById IN (SELECT Id, Name FROM User)", "MALFORMED_QUERY", 1, 58,
			"exactly one field",
		},
		{
			"SELECT Id FROM TenantSecret WHERE CreatedById IN (SELECT foo FROM User)", "INVALID_FIELD", 1, 58,
			"No such column 'foo' on sobject of type User",
		},
		{
			"SELECT Id FROM TenantSecret WHERE CreatedById IN (SELECT Id FROM Foo)", "INVALID_TYPE", 1, 66,
			"sObject type 'Foo' is not supported",
		},
		{
			"SELECT CreatedBy.Manager.Manager.Manager.Manager.Manager.Name FROM TenantSecret", "INVALID_FIELD", 1, 8,
			"more than 5 relationships",
		},
	} {
		t.Run(tc.query, func(t *testing.T) {
			t.Parallel()
			q, err := soql.Parse(tc.query)
			if err == nil {
				_, err = q.Run(org(), rows, now)
			}
			checkRefusal(t, err, tc.code, tc.row, tc.column, tc.detail)
		})
	}
}

func TestMalformedQueries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		query       string
		row, column int
		detail      string
	}{
		{"", 1, 1, "unexpected token: '<EOF>'"},
		{"DELETE FROM TenantSecret", 1, 1, "unexpected token: 'DELETE'"},
		{"SELECT FROM TenantSecret", 1, 8, "unexpected token: 'FROM'"},
		{"SELECT Id, FROM TenantSecret", 1, 12, "unexpected token: 'FROM'"},
		{"SELECT * FROM TenantSecret", 1, 8, "no viable alternative at character '*'"},
		{"SELECT Id FRM TenantSecret", 1, 15, "unexpected token: 'TenantSecret'"},
		{"SELECT Id FROM", 1, 15, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM 'TenantSecret'", 1, 16, "unexpected token: 'TenantSecret'"},
		{"SELECT Id. FROM TenantSecret", 1, 12, "unexpected token: 'FROM'"},
		{"SELECT Id FROM TenantSecret;", 1, 28, "no viable alternative at character ';'"},
		{"SELECT Id FROM TenantSecret -- all", 1, 29, "no viable alternative at character '-'"},
		{"SELECT Id FROM TenantSecret /* all */", 1, 29, "no viable alternative at character '/'"},
		{"SELECT Id FROM TenantSecret AS t", 1, 32, "unexpected token: 't'"},
		{"SELECT Id FROM TenantSecret a b", 1, 31, "unexpected token: 'b'"},
		{"SELECT Id FROM TenantSecret, User", 1, 28, "unexpected token: ','"},
		{"SELECT Id FROM TenantSecret WHERE", 1, 34, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM TenantSecret WHERE Type", 1, 39, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM TenantSecret WHERE Type == 'Data'", 1, 41, "unexpected token: '='"},
		{"SELECT Id FROM TenantSecret WHERE Type = \"Data\"", 1, 42, "no viable alternative at character '\"'"},
		{"SELECT Id FROM TenantSecret WHERE Type = 'Data", 1, 47, "mismatched character '<EOF>' expecting '''"},
		{`SELECT Id FROM TenantSecret WHERE Type = 'Data\'`, 1, 49, "mismatched character '<EOF>' expecting '''"},
		{`SELECT Id FROM TenantSecret WHERE Type = 'Data\`, 1, 48, "mismatched character '<EOF>' expecting '''"},
		{`SELECT Id FROM TenantSecret WHERE Type = 'a\qb'`, 1, 42, `illegal character sequence '\q'`},
		{`SELECT Id FROM TenantSecret WHERE Type = '\u00'`, 1, 42, `illegal character sequence '\u00'`},
		{`SELECT Id FROM TenantSecret WHERE Type = '\u00zz'`, 1, 42, `illegal character sequence '\u00zz'`},
		{"SELECT Id FROM TenantSecret WHERE Type LIKE 5", 1, 45, "LIKE requires a string"},
		{"SELECT Id FROM TenantSecret WHERE Type NOT LIKE 'a'", 1, 44, "unexpected token: 'LIKE'"},
		{"SELECT Id FROM TenantSecret WHERE Type IN ()", 1, 44, "unexpected token: ')'"},
		{"SELECT Id FROM TenantSecret WHERE Type IN 'Data'", 1, 43, "unexpected token: 'Data'"},
		{"SELECT Id FROM TenantSecret WHERE Type IN ('Data'", 1, 50, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM TenantSecret WHERE Type = :kind", 1, 42, "Bind variables only allowed in Apex code"},
		{"SELECT Id FROM TenantSecret WHERE Type IN :kinds", 1, 43, "Bind variables only allowed in Apex code"},
		{"SELECT Id FROM TenantSecret WHERE (Version = 1", 1, 47, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM TenantSecret WHERE Version = 1)", 1, 46, "unexpected token: ')'"},
		{"SELECT Id FROM TenantSecret WHERE ()", 1, 36, "unexpected token: ')'"},
		{"SELECT Id FROM TenantSecret WHERE Version = 1 AND Version = 2 OR Version = 3", 1, 63, "unexpected token: 'OR'"},
		{"SELECT Id FROM TenantSecret WHERE Version = 1 or Version = 2 and Version = 3", 1, 62, "unexpected token: 'and'"},
		{"SELECT Id FROM TenantSecret WHERE Version = 1 AND NOT (Version = 2)", 1, 51, "unexpected token: 'NOT'"},
		{"SELECT Id FROM TenantSecret WHERE NOT NOT Version = 1", 1, 39, "unexpected token: 'NOT'"},
		{"SELECT Id FROM TenantSecret WHERE Version = 1x", 1, 46, "no viable alternative at character 'x'"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = 2026-13-01", 1, 49, "invalid date: 2026-13-01"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = 2026-02-30T00:00:00Z", 1, 49, "invalid date: 2026-02-30T00:00:00Z"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = 2026-01-01T00:00:00", 1, 49, "invalid date: 2026-01-01T00:00:00"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = LAST_N_DAYS", 1, 60, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = LAST_N_DAYS:x", 1, 61, "unexpected token: 'x'"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = LAST_N_DAYS:-1", 1, 61, "unexpected token: '-1'"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = LAST_N_DAYS:99999999", 1, 61, "unexpected token: '99999999'"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = TODAY:1", 1, 54, "unexpected token: ':'"},
		{"SELECT Id FROM TenantSecret WHERE CreatedDate = LAST_DAY", 1, 49, "unexpected token: 'LAST_DAY'"},
		{"SELECT Id FROM TenantSecret ORDER Version", 1, 35, "unexpected token: 'Version'"},
		{"SELECT Id FROM TenantSecret ORDER BY Version NULLS", 1, 51, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM TenantSecret ORDER BY Version UP", 1, 46, "unexpected token: 'UP'"},
		{"SELECT Id FROM TenantSecret GROUP Version", 1, 35, "unexpected token: 'Version'"},
		{"SELECT Id FROM TenantSecret LIMIT", 1, 34, "unexpected token: '<EOF>'"},
		{"SELECT Id FROM TenantSecret LIMIT -1", 1, 35, "unexpected token: '-1'"},
		{"SELECT Id FROM TenantSecret LIMIT 1.5", 1, 35, "unexpected token: '1.5'"},
		{"SELECT Id FROM TenantSecret LIMIT 99999999999", 1, 35, "unexpected token: '99999999999'"},
		{"SELECT Id FROM TenantSecret LIMIT 1 ORDER BY Id", 1, 37, "unexpected token: 'ORDER'"},
		{"SELECT Id FROM TenantSecret OFFSET 1 LIMIT 1", 1, 38, "unexpected token: 'LIMIT'"},
		{"SELECT Id FROM TenantSecret FOR UPDATE", 1, 33, "unexpected token: 'UPDATE'"},
		{"SELECT Id FROM TenantSecret ALL ROWS", 1, 29, "ALL ROWS not allowed in this context"},
		{"SELECT Id FROM TenantSecret USING SCOPE mine", 1, 29, "unexpected token: 'USING'"},
		{"SELECT (SELECT Id FROM Users) FROM TenantSecret", 1, 8, "subqueries are not supported by the simulator"},
		{"SELECT TYPEOF x WHEN y FROM TenantSecret", 1, 8, "TYPEOF is not supported by the simulator"},
		{"SELECT toLabel(Status) FROM TenantSecret", 1, 8, "function 'toLabel' is not supported by the simulator"},
		{
			"SELECT Id FROM TenantSecret WHERE CALENDAR_YEAR(CreatedDate) = 2026", 1, 35,
			"function 'CALENDAR_YEAR' is not supported",
		},
		{"SELECT MAX() FROM TenantSecret", 1, 12, "unexpected token: ')'"},
	} {
		t.Run(tc.query, func(t *testing.T) {
			t.Parallel()
			_, err := soql.Parse(tc.query)
			checkRefusal(t, err, "MALFORMED_QUERY", tc.row, tc.column, tc.detail)
		})
	}
}

func checkRefusal(t *testing.T, err error, code string, row, column int, detail string) {
	t.Helper()
	var refusal *soql.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("error %v, want a *soql.Error %s", err, code)
	}
	if refusal.Code != code {
		t.Errorf("code %s, want %s", refusal.Code, code)
	}
	if refusal.Row != row || refusal.Column != column {
		t.Errorf("at %d:%d, want %d:%d", refusal.Row, refusal.Column, row, column)
	}
	if !strings.Contains(refusal.Message, detail) {
		t.Errorf("message %q lacks %q", refusal.Message, detail)
	}
}

func TestErrorShowsThePlace(t *testing.T) {
	t.Parallel()
	_, err := soql.Parse("SELECT Id\nFROM TenantSecret\nWHERE Version = 1 AND Version = 2 OR Version = 3")
	var refusal *soql.Error
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	want := "\nWHERE Version = 1 AND Version = 2 OR Version = 3\n" +
		"                                  ^\n" +
		"ERROR at Row:3:Column:35\n" +
		"unexpected token: 'OR'"
	if refusal.Message != want {
		t.Errorf("message\n%s\nwant\n%s", refusal.Message, want)
	}
	if got := refusal.Error(); got != "MALFORMED_QUERY: "+want {
		t.Errorf("Error() = %q", got)
	}
}

func TestErrorShowsAnExcerptOfALongLine(t *testing.T) {
	t.Parallel()
	_, err := soql.Parse("SELECT " + strings.Repeat("Aé, ", 500) + ", Id FROM TenantSecret " + strings.Repeat("x ", 500))
	var refusal *soql.Error
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	if refusal.Column != len("SELECT A")+1 {
		t.Errorf("column %d: characters are to be counted, not bytes", refusal.Column)
	}
	_, err = soql.Parse("SELECT " + strings.Repeat("Ae, ", 500) + ", Id FROM TenantSecret " + strings.Repeat("x ", 500))
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	lines := strings.Split(refusal.Message, "\n")
	if len(lines) != 5 || len(lines[1]) > 90 || lines[1][len(lines[2])-1] != ',' {
		t.Errorf("message %q: want an excerpt of at most 90 characters with the caret under the second comma",
			refusal.Message)
	}
}

func TestQueryLength(t *testing.T) {
	t.Parallel()
	query := "SELECT Id FROM TenantSecret"
	if _, err := soql.Parse(query + strings.Repeat(" ", 100_000-len(query))); err != nil {
		t.Errorf("100,000 characters: %v", err)
	}
	_, err := soql.Parse(query + strings.Repeat(" ", 100_001-len(query)))
	checkRefusal(t, err, "MALFORMED_QUERY", 0, 0, "cannot be longer than 100000 characters")
}

func TestOffsetOverTheLimit(t *testing.T) {
	t.Parallel()
	_, err := soql.Parse("SELECT Id FROM TenantSecret OFFSET 2001")
	checkRefusal(t, err, "NUMBER_OUTSIDE_VALID_RANGE", 1, 36, "Maximum SOQL offset allowed is 2000")
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string {
		return "SELECT Id FROM TenantSecret WHERE " + strings.Repeat("(", depth) + "Version = 1" + strings.Repeat(")", depth)
	}
	if _, err := soql.Parse(nested(49)); err != nil {
		t.Errorf("49 parentheses: %v", err)
	}
	_, err := soql.Parse(nested(30_000))
	checkRefusal(t, err, "MALFORMED_QUERY", 1, 85, "nested more than 50 levels deep")
	deepJoin := "SELECT Id FROM User WHERE " + strings.Repeat("Id IN (SELECT Id FROM User WHERE ", 1000)
	if _, err := soql.Parse(deepJoin); err == nil || !strings.Contains(err.Error(), "nested more than 50 levels deep") {
		t.Errorf("1000 semi-joins: %v", err)
	}
}

// TestLikeIsNotExponential runs a pattern that makes a backtracking matcher
// take longer than any test run.
func TestLikeIsNotExponential(t *testing.T) {
	t.Parallel()
	q, err := soql.Parse("SELECT Name FROM Holiday WHERE Name LIKE '" + strings.Repeat("%a", 40) + "b'")
	if err != nil {
		t.Fatal(err)
	}
	result, err := q.Run(org(), func(string) []soql.Row {
		return []soql.Row{{"Name": strings.Repeat("a", 5000)}}
	}, now)
	if err != nil || result.TotalSize != 0 {
		t.Errorf("%v, %v; want no rows", result, err)
	}
}
