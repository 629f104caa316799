package sfsim

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// Actions of the Platform Encryption event type [D].
const (
	actionGenerated = "TS Generated"
	actionImported  = "TS Imported"
	actionExported  = "TS Exported"
	actionDestroyed = "TS Destroyed"
)

// keyEvent is one row of a Platform Encryption event log file.
type keyEvent struct {
	at             time.Time
	user           string
	action         string
	keyID, keyType string
	ip             string
	request        int
	raw            string // a line that is written as it is, instead of all else
}

// SeedEvent is an event of a Seed, or Count alike ones, a second apart.
type SeedEvent struct {
	At      Moment `yaml:"at"`       // default -24h
	Action  string `yaml:"action"`   // default TS Read
	KeyID   string `yaml:"key_id"`   // 02G..., 15 or 18 characters; required without raw
	KeyType string `yaml:"key_type"` // default Data
	Count   int    `yaml:"count"`    // default 1
	// Raw is a line of the log file in its place, as it is, to try what a reader makes of it.
	Raw string `yaml:"raw"`
}

func (w *world) seedEvents(seed *Seed, start time.Time) error {
	for _, s := range seed.Events {
		at := s.At.or(Moment{from: -24 * time.Hour}).resolve(start)
		id, _ := parseID(s.KeyID)
		for n := range max(s.Count, 1) {
			w.noteKeyEvent(at.Add(time.Duration(n)*time.Second), w.mainUser(), cmp.Or(s.Action, "TS Read"), id,
				cmp.Or(s.KeyType, "Data"), "192.0.2.7")
			w.estate().events[len(w.estate().events)-1].raw = s.Raw
		}
	}
	return nil
}

// noteKeyEvent records a key operation. ip is "" for what Salesforce does by itself.
func (w *world) noteKeyEvent(at time.Time, by *user, action, keyID, keyType, ip string) {
	if ip == "" {
		ip = "Salesforce.com IP" // [D]
	}
	e := w.estate()
	e.requests++
	e.events = append(e.events, keyEvent{
		at: at, user: by.id, action: action, keyID: keyID, keyType: keyType, ip: ip, request: e.requests,
	})
}

// noteKeyChanges records what a request did to tenant secrets, by comparing them with what they
// were after the last one. What the simulator's own methods changed in between counts as done by an
// administrator in Setup.
func (c *call) noteKeyChanges() {
	w := c.s.world
	e := w.estate()
	first := e.known == nil
	if first {
		e.known = map[string]string{}
	}
	for _, s := range w.tenantSecrets {
		before, known := e.known[s.id]
		e.known[s.id] = s.status
		by, ip := c.session, c.clientIP()
		if by == nil || s.modified.Before(c.now) {
			by, ip = &session{user: w.users[len(w.users)-1]}, ""
		}
		switch {
		case first && s.created.Before(c.now) || s.source == "REMOTE":
		case !known && s.source == "UPLOADED":
			w.noteKeyEvent(s.created, by.user, actionImported, s.id, s.typ, ip)
		case !known:
			w.noteKeyEvent(s.created, by.user, actionGenerated, s.id, s.typ, ip)
		case before != "DESTROYED" && s.status == "DESTROYED":
			w.noteKeyEvent(s.modified, by.user, actionDestroyed, s.id, s.typ, ip)
		case before == "DESTROYED" && s.status != "DESTROYED":
			w.noteKeyEvent(s.modified, by.user, actionImported, s.id, s.typ, ip)
		}
	}
}

// noteExportEvents records that encrypted secrets were read [D for the action; I that a read of a
// row counts].
func (c *call) noteExportEvents(rows []soql.Row) {
	for _, row := range rows {
		if s := c.s.world.secret(fmt.Sprint(row["Id"])); s != nil && row["SecretValue"] != nil {
			c.s.world.noteKeyEvent(c.now, c.session.user, actionExported, s.id, s.typ, c.clientIP())
		}
	}
}

// clientIP is the address of the caller.
func (c *call) clientIP() string {
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		return c.r.RemoteAddr
	}
	return host
}

// keyColumns are the columns of the event type [D]; their order is [I]. METHOD stays empty: its
// values are not documented.
var keyColumns = []string{
	"EVENT_TYPE", "TIMESTAMP", "REQUEST_ID", "ORGANIZATION_ID", "USER_ID", "RUN_TIME", "CPU_TIME", "URI", "SESSION_KEY",
	"LOGIN_KEY",
	"ACTION", "METHOD", "KEY_ID", "KEY_TYPE", "TIMESTAMP_DERIVED", "USER_ID_DERIVED", "CLIENT_IP", "URI_ID_DERIVED",
	"KEY_ID_DERIVED",
}

// record is the event as a line of the file: ids of 15 characters, and of 18 in the derived columns
// [D].
func (e keyEvent) record(organization string) []string {
	values := map[string]string{
		"EVENT_TYPE": "PlatformEncryption", "TIMESTAMP": e.at.UTC().Format("20060102150405.000"),
		"REQUEST_ID": fmt.Sprintf("TID:%022d", e.request), "ORGANIZATION_ID": organization[:15], "USER_ID": e.user[:15],
		"ACTION": e.action, "KEY_ID": e.keyID[:15], "KEY_TYPE": e.keyType,
		"TIMESTAMP_DERIVED": e.at.UTC().Format("2006-01-02T15:04:05.000Z"), "USER_ID_DERIVED": e.user, "CLIENT_IP": e.ip,
		"KEY_ID_DERIVED": e.keyID, "RUN_TIME": "12", "CPU_TIME": "7",
	}
	out := make([]string, len(keyColumns))
	for i, column := range keyColumns {
		out[i] = values[column]
	}
	return out
}

// logFile is the events of one day.
type logFile struct {
	day    time.Time
	events []keyEvent
}

func (f logFile) id() string {
	return serialID("0AT", int(f.day.Unix()/int64((24*time.Hour).Seconds())))
}

// logFiles splits the events by day. Real files appear hours after their day; here, by default, at
// once.
func (c *call) logFiles() []logFile {
	w := c.s.world
	lag := time.Duration(w.settings.EventLogLagSeconds) * time.Second
	var files []logFile
	events := slices.Clone(w.estate().events) // in order, even if the clock was turned back
	slices.SortStableFunc(events, func(a, b keyEvent) int { return a.at.Compare(b.at) })
	for _, event := range events {
		day := event.at.UTC().Truncate(24 * time.Hour)
		if lag > 0 && c.now.Before(day.AddDate(0, 0, 1).Add(lag)) {
			continue
		}
		if len(files) == 0 || !files[len(files)-1].day.Equal(day) {
			files = append(files, logFile{day: day})
		}
		last := &files[len(files)-1]
		last.events = append(last.events, event)
	}
	return files
}

func (f logFile) csv(organization string) []byte {
	var out bytes.Buffer
	writer := csv.NewWriter(&out)
	_ = writer.Write(keyColumns) // a bytes.Buffer does not fail
	for _, event := range f.events {
		if event.raw != "" {
			writer.Flush()
			out.WriteString(event.raw + "\n")
			continue
		}
		_ = writer.Write(event.record(organization))
	}
	writer.Flush()
	return out.Bytes()
}

// eventLogFileObject describes EventLogFile, API 32+ [R; the file's content is D].
var eventLogFileObject = &sobject{
	name: "EventLogFile", label: "Event Log File", labelPlural: "Event Log Files", prefix: "0AT", since: 32, verbs: "R",
	fields: append(systemFields(), []field{
		{name: "EventType", label: "Event Type", kind: "picklist", props: "FGS", length: 255},
		{name: "LogDate", label: "Log Date", kind: "datetime", props: "FS"},
		{name: "LogFile", label: "Log File", kind: "base64", props: ""},
		{name: "LogFileContentType", label: "Log File Content Type", kind: "string", props: "FGS", length: 128},
		{name: "LogFileFieldNames", label: "Log File Field Names", kind: "textarea", props: "N", length: 32000},
		{name: "LogFileFieldTypes", label: "Log File Field Types", kind: "textarea", props: "N", length: 32000},
		{name: "LogFileLength", label: "Log File Length", kind: "double", props: "FS"},
		{name: "ApiVersion", label: "Api Version", kind: "double", props: "FS"},
		{name: "Interval", label: "Interval", kind: "picklist", props: "FGS", since: 37, length: 40},
		{name: "Sequence", label: "Sequence", kind: "int", props: "FGS", since: 37},
	}...),
	relationships: map[string]string{"CreatedBy": "User", "LastModifiedBy": "User"},
}

func init() { eventLogFileObject.rows = (*call).eventLogFileRows }

func (c *call) eventLogFileRows() []soql.Row {
	w := c.s.world
	var rows []soql.Row
	for _, file := range c.logFiles() {
		types := strings.TrimSuffix(strings.Repeat("String,", len(keyColumns)), ",")
		row := system(file.id(), file.events[len(file.events)-1].at, w.mainUser(), soql.Row{
			"EventType": "PlatformEncryption", "LogDate": file.day, "LogFileContentType": "text/csv",
			"LogFile":           eventLogFileObject.path(c) + "/" + file.id() + "/LogFile",
			"LogFileFieldNames": strings.Join(keyColumns, ","), "LogFileFieldTypes": types,
			"LogFileLength": float64(len(file.csv(w.organization.id))), "ApiVersion": float64(c.version), "Interval": "Daily",
			"Sequence": int64(0),
		})
		row["CreatedBy"], row["LastModifiedBy"] = c.userRows()[0], c.userRows()[0]
		rows = append(rows, row)
	}
	return rows
}

func eventLogRoutes() []route {
	return []route{{"GET", "sobjects/EventLogFile/{id}/LogFile", "EventLogFile.body", 32, showLogFile}}
}

// showLogFile answers the CSV of a file.
func showLogFile(c *call) *reply {
	id, refusal := eventLogFileObject.rowID(c.param("id"))
	if refusal != nil {
		return refusal
	}
	for _, file := range c.logFiles() {
		if file.id() == id {
			return &reply{status: http.StatusOK, contentType: "text/csv", body: file.csv(c.s.world.organization.id)}
		}
	}
	return notFound()
}

// userPermissionAccessObject describes the permissions of the caller's own session, API 41+ [D].
// The names of the permissions' fields follow those of the permissions [R].
var userPermissionAccessObject = &sobject{
	name: "UserPermissionAccess", label: "User Permission Access", labelPlural: "User Permission Access", since: 41,
	fields: []field{
		{name: "LastCacheUpdate", label: "Last Cache Update", kind: "datetime", props: "FNS"},
		{name: "PermissionsApiEnabled", label: "API Enabled", kind: "boolean", props: "F"},
		{name: "PermissionsCustomizeApplication", label: "Customize Application", kind: "boolean", props: "F"},
		{name: "PermissionsManageCertificates", label: "Manage Certificates", kind: "boolean", props: "F"},
		{name: "PermissionsManageEncryptionKeys", label: "Manage Encryption Keys", kind: "boolean", props: "F"},
		{name: "PermissionsModifyAllData", label: "Modify All Data", kind: "boolean", props: "F"},
		{
			name: "PermissionsModifyMetadata", label: "Modify Metadata Through Metadata API Functions", kind: "boolean",
			props: "F",
		},
	},
}

func init() {
	userPermissionAccessObject.rows = func(c *call) []soql.Row {
		p := c.s.world.permissions
		return []soql.Row{{
			"LastCacheUpdate": c.now, "PermissionsApiEnabled": true, "PermissionsCustomizeApplication": p.CustomizeApplication,
			"PermissionsManageCertificates": p.ManageCertificates, "PermissionsManageEncryptionKeys": p.ManageEncryptionKeys,
			"PermissionsModifyAllData": false, "PermissionsModifyMetadata": p.ModifyMetadata,
		}}
	}
}
