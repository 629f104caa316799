package salesforce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

const (
	maxLogFile = 128 << 20
	// maxEvents bounds the events that are kept, of all files together: a Terraform state is no
	// archive.
	maxEvents = 250_000
	// maxLogFiles bounds the calls: one for each file. An org that keeps hourly files besides the
	// daily ones has 25 a day.
	maxLogFiles = 1000
)

// EncryptionEvent is a row of an EventLogFile of the type PlatformEncryption
// (API 41 and later) [D].
type EncryptionEvent struct {
	// Time is zero if the row has none that can be read.
	Time time.Time
	// Action is such as "TS Imported", "TS Exported" or "TS Destroyed".
	Action string
	// KeyID is the tenant secret's id, as 18 characters if it is one.
	KeyID   string
	KeyType string
	// UserID is as 18 characters if it is an id.
	UserID   string
	ClientIP string
	Method   string
	// RequestID groups the rows of one request.
	RequestID string
	// Unreadable is the row as it stands in the file, made fit to be shown, if it does not have the
	// columns of its file or has no time that can be read. The other fields hold what could be read
	// all the same.
	Unreadable string
}

// EventFilter chooses events while the files are read. The zero filter matches
// every one. What can't be read matches every filter: an event must not be
// dropped because its row is odd.
type EventFilter struct {
	Since time.Time
	// Action is compared without case; KeyID and UserID as ids of 15 or 18 characters.
	Action, KeyID, UserID string
}

func (f EventFilter) matches(e EncryptionEvent) bool {
	if e.Unreadable != "" {
		return e.Time.IsZero() || !e.Time.Before(f.Since)
	}
	same := func(wanted, id string) bool { return wanted == "" || SameID(wanted, id) }
	return !e.Time.Before(f.Since) && (f.Action == "" || strings.EqualFold(f.Action, e.Action)) &&
		same(f.KeyID, e.KeyID) && same(f.UserID, e.UserID)
}

// ListEncryptionEvents reads the encryption events that a filter matches, from
// the log files that cover its time, oldest first; unreadable times come first.
// One file is held at a time, and of its rows only what matches. Orgs without
// Event Monitoring have few or none.
func (c *Client) ListEncryptionEvents(ctx context.Context, filter EventFilter) ([]EncryptionEvent, error) {
	type row struct {
		ID      string   `json:"Id"`
		LogDate wireTime `json:"LogDate"`
	}
	soql := "SELECT Id,LogDate FROM EventLogFile WHERE EventType = " + QuoteSOQL("PlatformEncryption")
	if !filter.Since.IsZero() {
		// A daily file bears the date of its first hour.
		soql += " AND LogDate >= " + filter.Since.UTC().Add(-24*time.Hour).Format("2006-01-02T15:04:05Z")
	}
	rows, err := queryAll[row](ctx, c, queryCall{soql: soql})
	if err != nil {
		return nil, fmt.Errorf("list encryption event files: %w", err)
	}
	if len(rows.records) > maxLogFiles {
		return nil, fmt.Errorf("the encryption events are in %d log files, each of which costs an API call; at most %d are "+
			"read: ask for a shorter time", len(rows.records), maxLogFiles)
	}
	slices.SortFunc(rows.records, func(a, b row) int {
		return cmp.Or(a.LogDate.Compare(b.LogDate.Time), cmp.Compare(a.ID, b.ID))
	})
	list := eventList{most: maxEvents}
	for number, file := range rows.records {
		id, err := recordID(file.ID)
		if err != nil {
			return nil, fmt.Errorf("list encryption event files: %w", err)
		}
		content, err := c.logFile(ctx, id)
		if err != nil {
			return nil, err
		}
		err = readEncryptionEvents(content, func(event EncryptionEvent) error {
			if !filter.matches(event) {
				return nil
			}
			return list.add(number, event)
		})
		if err != nil {
			return nil, fmt.Errorf("event log file %s: %w", id, err)
		}
	}
	return list.events()
}

// logFile downloads the CSV of an event log file.
func (c *Client) logFile(ctx context.Context, id string) (string, error) {
	rep, err := c.do(ctx, call{
		method:  http.MethodGet,
		path:    c.dataPath("/sobjects/EventLogFile/" + id + "/LogFile"),
		accept:  "*/*",
		maxBody: maxLogFile,
		// The body is no JSON: the length alone shows that it is whole.
		decode: func(*reply) error { return nil },
	})
	if err != nil {
		return "", fmt.Errorf("read event log file %s: %w", id, err)
	}
	return string(rep.body), nil
}

// The columns that are read, in the order in which an event takes them.
const (
	columnAction = iota
	columnDerivedTime
	columnTime
	columnKey
	columnKeyType
	columnDerivedUser
	columnUser
	columnIP
	columnMethod
	columnRequest
	columnCount
)

// eventColumns are their names [D].
var eventColumns = [columnCount]string{
	"ACTION", "TIMESTAMP_DERIVED", "TIMESTAMP", "KEY_ID", "KEY_TYPE", "USER_ID_DERIVED", "USER_ID", "CLIENT_IP", "METHOD",
	"REQUEST_ID",
}

// readEncryptionEvents calls yield for each row of a file. It reads the columns
// that it knows by the names in the first line, in whatever order they come.
func readEncryptionEvents(content string, yield func(EncryptionEvent) error) error {
	header, rest, whole := cutRecord(strings.TrimPrefix(content, "\ufeff"), nil)
	if len(header) == 0 && rest == "" {
		return nil
	}
	var at [columnCount]int
	for column, name := range eventColumns {
		at[column] = slices.IndexFunc(header, func(field string) bool {
			return strings.EqualFold(strings.TrimSpace(field), name)
		})
	}
	if at[columnAction] < 0 || !whole {
		return errors.New("its first line does not name the column ACTION")
	}
	width := len(header)
	var record []string
	for rest != "" {
		from := rest
		record, rest, whole = cutRecord(from, record[:0])
		line := strings.TrimRight(from[:len(from)-len(rest)], "\r\n")
		if len(record) == 0 {
			continue // an empty line
		}
		odd := !whole || len(record) != width
		if odd && strings.Contains(line, "\n") {
			// A quote that nobody closed has taken in the next rows: give them back.
			line, rest, _ = strings.Cut(from, "\n")
			record, _, _ = cutRecord(line, record[:0])
		}
		var fields [columnCount]string
		for column, index := range at {
			if index >= 0 && index < len(record) {
				fields[column] = shown(record[index])
			}
		}
		event := EncryptionEvent{
			Time:      eventTime(fields[columnDerivedTime], fields[columnTime]),
			Action:    fields[columnAction],
			KeyID:     fields[columnKey],
			KeyType:   fields[columnKeyType],
			UserID:    cmp.Or(fields[columnDerivedUser], fields[columnUser]),
			ClientIP:  fields[columnIP],
			Method:    fields[columnMethod],
			RequestID: fields[columnRequest],
		}
		if odd || event.Time.IsZero() {
			event.Unreadable = cmp.Or(shown(line), "an empty row")
		}
		if err := yield(event); err != nil {
			return err
		}
	}
	return nil
}

// shown makes text of the log fit to be shown.
func shown(text string) string {
	plain := len(text) <= maxMessage
	for i := 0; plain && i < len(text); i++ {
		plain = text[i] >= ' ' && text[i] <= '~'
	}
	if plain {
		return text
	}
	return (*redact.Redactor)(nil).Text(text, maxMessage)
}

// maxRecordLines bounds how far a quoted field may reach over line ends. A quote that nobody closes
// must not swallow the file.
const maxRecordLines = 16

// cutRecord cuts the first record off CSV, appends its fields to fields, and
// returns what follows. A quote inside a quoted field that no comma or line end
// follows is taken as it is, as real files have it. A quoted field that does
// not end is cut at the end of its first line, and whole is false.
func cutRecord(text string, fields []string) (record []string, rest string, whole bool) {
	whole = true
	for {
		var field string
		var more bool
		if strings.HasPrefix(text, `"`) {
			var closed bool
			field, text, more, closed = cutQuoted(text[1:])
			whole = whole && closed
		} else {
			end := strings.IndexAny(text, ",\n")
			if end < 0 {
				end = len(text)
			}
			field = strings.TrimSuffix(text[:end], "\r")
			more = end < len(text) && text[end] == ','
			text = text[min(end+1, len(text)):]
		}
		if field == "" && !more && len(fields) == 0 {
			return fields, text, whole
		}
		fields = append(fields, field)
		if !more {
			return fields, text, whole
		}
	}
}

// cutQuoted cuts a quoted field, whose first quote is gone already, and the
// comma or line end after it. more reports a comma, closed a closing quote.
func cutQuoted(text string) (field, rest string, more, closed bool) {
	var doubled bool
	lines := 0
scan:
	for i := 0; i < len(text) && lines < maxRecordLines; i++ {
		switch text[i] {
		case '\n':
			lines++
		case '"':
			tail := text[i+1:]
			if strings.HasPrefix(tail, `"`) {
				doubled = true
				i++
				continue
			}
			trimmed := strings.TrimPrefix(tail, "\r")
			if tail != "" && tail[0] != ',' && !strings.HasPrefix(trimmed, "\n") && trimmed != "" {
				if i > 0 && text[i-1] == '\n' {
					break scan // the next row begins, and this field was never closed
				}
				continue // a quote within the field
			}
			field = text[:i]
			if doubled {
				field = strings.ReplaceAll(field, `""`, `"`)
			}
			if strings.HasPrefix(tail, ",") {
				return field, tail[1:], true, true
			}
			return field, strings.TrimPrefix(trimmed, "\n"), false, true
		}
	}
	line, rest, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest, false, false
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
