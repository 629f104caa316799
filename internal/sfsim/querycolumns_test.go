package sfsim_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The Salesforce CLI asks for the columns of a query before it prints a table.
func TestQueryColumns(t *testing.T) {
	t.Parallel()
	c := start(t)
	type column struct {
		ColumnName  string   `json:"columnName"`
		Aggregate   bool     `json:"aggregate"`
		JoinColumns []column `json:"joinColumns"`
	}
	var names func([]column) string
	names = func(columns []column) string {
		var out strings.Builder
		for _, col := range columns {
			out.WriteString(" " + col.ColumnName)
			if col.Aggregate {
				out.WriteString("*")
			}
			if len(col.JoinColumns) > 0 {
				out.WriteString("(" + names(col.JoinColumns) + " )")
			}
		}
		return out.String()
	}
	for query, want := range map[string]string{
		"SELECT Id, CreatedBy.Name, Type, CreatedBy.Id FROM TenantSecret": "TenantSecret true: Id CreatedBy( Name Id ) Type",
		"SELECT Type, COUNT(Id) FROM TenantSecret GROUP BY Type":          "TenantSecret false: Type expr0*",
		"SELECT PermissionsApiEnabled FROM UserPermissionAccess": "UserPermissionAccess false: " +
			"PermissionsApiEnabled",
	} {
		var reply struct {
			ColumnMetadata []column `json:"columnMetadata"`
			EntityName     string   `json:"entityName"`
			IDSelected     bool     `json:"idSelected"`
		}
		c.get(data + "/query?q=" + url.QueryEscape(query) + "&columns=true").want(http.StatusOK).into(&reply)
		if got := fmt.Sprintf("%s %v:%s", reply.EntityName, reply.IDSelected, names(reply.ColumnMetadata)); got != want {
			t.Errorf("%s:\n%s, want\n%s", query, got, want)
		}
	}
	c.get(data+"/query?columns=true&q=SELECT+Foo+FROM+TenantSecret").refused(http.StatusBadRequest, "INVALID_FIELD")
	c.noViolations()
}

// The Salesforce CLI puts two slashes after the host.
func TestDoubleSlash(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.get("//services/data/v62.0/limits").want(http.StatusOK)
	c.get("//services/data/v62.0/query?q=SELECT+Id+FROM+TenantSecret").want(http.StatusOK)
	c.noViolations()
}
