package salesforce

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

const (
	maxLogFile = 128 << 20
	// maxEvents bounds the rows of all files together.
	maxEvents = 1_000_000
	// maxLogFiles bounds the calls: one for each file. An org that keeps hourly files beside the daily ones has 25 a day.
	maxLogFiles = 1000
)

// EncryptionEvent is a row of an EventLogFile of the type PlatformEncryption
// (API 41 and later) [D].
type EncryptionEvent struct {
	// Time is zero where the row tells none that can be read.
	Time time.Time
	// Action is such as "TS Imported", "TS Exported" or "TS Destroyed".
	Action string
	// KeyID is the tenant secret's id, as 18 characters where it is one.
	KeyID   string
	KeyType string
	// UserID is as 18 characters where it is an id.
	UserID   string
	ClientIP string
	Method   string
	// RequestID groups the rows of one request.
	RequestID string
}

// ListEncryptionEvents reads the encryption events of the log files that cover
// the time since, oldest first. Orgs without Event Monitoring have few or none.
func (c *Client) ListEncryptionEvents(ctx context.Context, since time.Time) ([]EncryptionEvent, error) {
	type row struct {
		ID      string   `json:"Id"`
		LogDate wireTime `json:"LogDate"`
	}
	soql := "SELECT Id,LogDate FROM EventLogFile WHERE EventType = " + QuoteSOQL("PlatformEncryption")
	if !since.IsZero() {
		// A daily file bears the date of its first hour.
		soql += " AND LogDate >= " + since.UTC().Add(-24*time.Hour).Format("2006-01-02T15:04:05Z")
	}
	rows, err := queryAll[row](ctx, c, queryCall{soql: soql})
	if err != nil {
		return nil, fmt.Errorf("list encryption event files: %w", err)
	}
	if len(rows.records) > maxLogFiles {
		return nil, fmt.Errorf("the encryption events are in %d log files, each of which costs an API call; at most %d are read: ask for a shorter time", len(rows.records), maxLogFiles)
	}
	slices.SortFunc(rows.records, func(a, b row) int { return cmp.Or(a.LogDate.Compare(b.LogDate.Time), cmp.Compare(a.ID, b.ID)) })
	var events []EncryptionEvent
	// Hourly and daily files may both cover an event.
	seen := map[EncryptionEvent]bool{}
	for _, file := range rows.records {
		id, err := recordID(file.ID)
		if err != nil {
			return nil, fmt.Errorf("list encryption event files: %w", err)
		}
		content, err := c.logFile(ctx, id)
		if err != nil {
			return nil, err
		}
		parsed, err := parseEncryptionEvents(content)
		if err != nil {
			return nil, fmt.Errorf("event log file %s: %w", id, err)
		}
		here := map[EncryptionEvent]bool{}
		for _, event := range parsed {
			here[event] = true
			if event.Time.IsZero() || event.Time.Before(since) || seen[event] {
				continue
			}
			if len(events) == maxEvents {
				return nil, fmt.Errorf("there are more than %d encryption events: ask for a shorter time", maxEvents)
			}
			events = append(events, event)
		}
		maps.Copy(seen, here)
	}
	slices.SortStableFunc(events, func(a, b EncryptionEvent) int { return a.Time.Compare(b.Time) })
	return events, nil
}

// logFile downloads the CSV of an event log file.
func (c *Client) logFile(ctx context.Context, id string) ([]byte, error) {
	rep, err := c.do(ctx, call{
		method:  http.MethodGet,
		path:    c.dataPath("/sobjects/EventLogFile/" + id + "/LogFile"),
		accept:  "*/*",
		maxBody: maxLogFile,
		// The body is no JSON: the length alone tells that it is whole.
		decode: func(*reply) error { return nil },
	})
	if err != nil {
		return nil, fmt.Errorf("read event log file %s: %w", id, err)
	}
	return rep.body, nil
}

// parseEncryptionEvents reads the columns that it knows by the names in the
// first line, in whatever order they come.
func parseEncryptionEvents(content []byte) ([]EncryptionEvent, error) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.New("it is not CSV")
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.ToUpper(strings.TrimSpace(name))] = i
	}
	if _, ok := columns["ACTION"]; !ok {
		return nil, errors.New("its first line does not name the column ACTION")
	}
	var events []EncryptionEvent
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			if at, ok := errors.AsType[*csv.ParseError](err); ok {
				return nil, fmt.Errorf("it is not CSV from line %d on", at.Line)
			}
			return nil, errors.New("it is not CSV")
		}
		field := func(names ...string) string {
			for _, name := range names {
				if i, ok := columns[name]; ok && i < len(record) && record[i] != "" {
					return (*redact.Redactor)(nil).Text(record[i], maxMessage)
				}
			}
			return ""
		}
		if len(events) == maxEvents {
			return nil, fmt.Errorf("it has more than %d rows", maxEvents)
		}
		events = append(events, EncryptionEvent{
			Time:      eventTime(field("TIMESTAMP_DERIVED"), field("TIMESTAMP")),
			Action:    field("ACTION"),
			KeyID:     longID(field("KEY_ID")),
			KeyType:   field("KEY_TYPE"),
			UserID:    longID(field("USER_ID_DERIVED", "USER_ID")),
			ClientIP:  field("CLIENT_IP"),
			Method:    field("METHOD"),
			RequestID: field("REQUEST_ID"),
		})
	}
}

// eventTime reads TIMESTAMP_DERIVED, which is ISO 8601, else TIMESTAMP, which is
// digits with a fraction [D].
func eventTime(derived, digits string) time.Time {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, derived); err == nil {
			return t.UTC()
		}
	}
	if t, err := time.Parse("20060102150405", digits); err == nil {
		return t.UTC()
	}
	return time.Time{}
}

func longID(id string) string {
	if full, err := recordID(id); err == nil {
		return full
	}
	return id
}
