package sfsim_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// events reads every row of the Platform Encryption files as "ACTION type id user".
func (c *client) events() []string {
	c.t.Helper()
	var out []string
	for _, file := range c.rows("SELECT Id, LogDate, LogFile, LogFileFieldNames, LogFileLength FROM EventLogFile WHERE " +
		"EventType = 'PlatformEncryption' ORDER BY LogDate") {
		path, _ := file["LogFile"].(string)
		a := c.get(path).want(http.StatusOK)
		if got := a.header.Get("Content-Type"); got != "text/csv" {
			c.t.Errorf("Content-Type %q", got)
		}
		if length, _ := file["LogFileLength"].(float64); int(length) != len(a.body) {
			c.t.Errorf("LogFileLength %v of %d bytes", length, len(a.body))
		}
		rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
		if err != nil {
			c.t.Fatal(err)
		}
		if names, _ := file["LogFileFieldNames"].(string); strings.Join(rows[0], ",") != names {
			c.t.Errorf("columns %v, want %s", rows[0], names)
		}
		for _, row := range rows[1:] {
			values := map[string]string{}
			for i, name := range rows[0] {
				values[name] = row[i]
			}
			if values["EVENT_TYPE"] != "PlatformEncryption" || len(values["KEY_ID"]) != 15 || len(values["USER_ID"]) != 15 ||
				len(values["ORGANIZATION_ID"]) != 15 || values["KEY_ID_DERIVED"][:15] != values["KEY_ID"] {
				c.t.Errorf("row %v", values)
			}
			if _, err := time.Parse(time.RFC3339, values["TIMESTAMP_DERIVED"]); err != nil {
				c.t.Errorf("TIMESTAMP_DERIVED: %v", err)
			}
			out = append(out, fmt.Sprintf("%s %s %s %s", values["ACTION"], values["KEY_TYPE"], values["KEY_ID"],
				values["CLIENT_IP"]))
		}
	}
	return out
}

// The simulator's own key operations make the events [D].
func TestEventLogFiles(t *testing.T) {
	t.Parallel()
	c := start(t, sfsim.WithoutIntervals())
	if got := c.events(); len(got) != 0 {
		t.Errorf("events of a new org: %v", got)
	}
	m := material()
	id := c.create(c.uploadBody(m, nil)).created()
	export, _ := c.secret(id)["SecretValue"].(string)
	c.get(data + "/sobjects/TenantSecret/" + id + "?fields=Id,Status").want(http.StatusOK) // no export
	c.rows("SELECT Id, SecretValue FROM TenantSecret WHERE Id = '" + id + "'")
	c.server.Clock.Advance(48 * time.Hour)
	next := c.create("{}").created()
	c.patch(id, `{"Status":"DESTROYED"}`).want(http.StatusNoContent)
	c.patch(id, body(map[string]any{"Status": "ARCHIVED", "SecretValue": export})).want(http.StatusNoContent)
	c.server.Clock.Advance(2 * time.Second)
	setup, err := c.server.Rotate("EventBus", "HSM")
	if err != nil {
		t.Fatal(err)
	}
	c.server.Clock.Advance(2 * time.Second)
	c.rows("SELECT Id FROM TenantSecret")

	want := []string{
		"TS Imported Data " + id[:15] + " 127.0.0.1", "TS Exported Data " + id[:15] + " 127.0.0.1",
		"TS Exported Data " + id[:15] + " 127.0.0.1",
		"TS Generated Data " + next[:15] + " 127.0.0.1", "TS Destroyed Data " + id[:15] + " 127.0.0.1",
		"TS Imported Data " + id[:15] + " 127.0.0.1",
		"TS Generated EventBus " + setup[:15] + " Salesforce.com IP",
	}
	if got := c.events(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if files := c.rows("SELECT Id, Interval FROM EventLogFile"); len(files) != 2 || files[0]["Interval"] != "Daily" {
		t.Errorf("files %v, want one for each of two days", files)
	}
	if files := c.rows("SELECT Id FROM EventLogFile WHERE EventType = 'Login'"); len(files) != 0 {
		t.Errorf("files of another type: %v", files)
	}
	c.get(data+"/sobjects/EventLogFile/0ATWt0000099999/LogFile").refused(http.StatusNotFound, "NOT_FOUND")
	c.get(data+"/sobjects/EventLogFile/02GWt0000099999/LogFile").refused(http.StatusBadRequest, "MALFORMED_ID")
	c.noViolations()
}

func TestEventLogLag(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := start(t, sfsim.WithTime(noon), sfsim.WithoutIntervals(), configure(func(s *sfsim.Settings) {
		s.EventLogLagSeconds = 3600
	}))
	c.create("{}").created()
	c.server.Clock.Advance(12*time.Hour + 30*time.Minute)
	if got := c.events(); len(got) != 0 {
		t.Errorf("events before the file is due: %v", got)
	}
	c.server.Clock.Advance(time.Hour)
	if got := c.events(); len(got) != 1 {
		t.Errorf("events after the file is due: %v", got)
	}
}

// UserPermissionAccess shows the caller's own permissions [D].
func TestUserPermissionAccess(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "permissions: {manage_certificates: false}"))
	rows := c.rows("SELECT PermissionsManageEncryptionKeys, PermissionsManageCertificates, " +
		"PermissionsCustomizeApplication FROM UserPermissionAccess")
	if len(rows) != 1 || rows[0]["PermissionsManageEncryptionKeys"] != true ||
		rows[0]["PermissionsManageCertificates"] != false ||
		rows[0]["PermissionsCustomizeApplication"] != true {
		t.Errorf("rows %v", rows)
	}
	c.get("/services/data/v40.0/query?q="+
		url.QueryEscape("SELECT LastCacheUpdate FROM UserPermissionAccess")).refused(http.StatusBadRequest, "INVALID_TYPE")
}

// A seed can fill the log, also with lines that no reader expects.
func TestSeededEvents(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "clock: 2027-03-02T12:00:00Z\nevents: [{key_id: 02G000000000001, count: 3, at: -10h}, {raw: "+
		"'odd \"row', at: -9h}, {key_id: 02G000000000002, action: TS Exported, key_type: EventBus, at: -30h}]"))
	files := c.rows("SELECT Id, LogFile FROM EventLogFile ORDER BY LogDate")
	if len(files) != 2 {
		t.Fatalf("%d files, want one a day", len(files))
	}
	var all strings.Builder
	for _, file := range files {
		path, _ := file["LogFile"].(string)
		all.Write(c.get(path).want(http.StatusOK).body)
	}
	whole := all.String()
	if strings.Count(whole, "TS Read") != 3 || !strings.Contains(whole, "\nodd \"row\n") ||
		!strings.Contains(whole, "TS Exported") || !strings.Contains(whole, "EventBus") {
		t.Errorf("files:\n%s", whole)
	}
	for _, bad := range []string{"events: [{}]", "events: [{key_id: 005000000000001}]"} {
		if _, err := sfsim.ReadSeed(strings.NewReader(bad)); err == nil {
			t.Errorf("the seed %s was accepted", bad)
		}
	}
}
