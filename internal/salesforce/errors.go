package salesforce

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

// Sentinels for errors.Is.
var (
	// ErrUnauthorized is any 401, and any other answer that says so: the session
	// ended or may not use the API, or the credentials were refused.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrNotFound is a 404.
	ErrNotFound = errors.New("not found")
	// ErrRequestLimit is REQUEST_LIMIT_EXCEEDED if the org's API calls of a day
	// are used up.
	ErrRequestLimit = errors.New("API request limit exceeded")
	// ErrLocked is UNABLE_TO_LOCK_ROW: another transaction holds the record.
	ErrLocked = errors.New("record locked")
	// ErrUnavailable is 420, 429 or 5xx, or a code that says the same: Salesforce
	// did not serve the request. A SOAP fault is judged by its code alone.
	ErrUnavailable = errors.New("service unavailable")
	// ErrPermission is an answer that a user without the needed permissions
	// gets: INVALID_TYPE, NOT_FOUND, INSUFFICIENT_ACCESS and the like. Salesforce
	// answers alike if the object does not exist [R], so it is a hint.
	ErrPermission = errors.New("not visible or not permitted")
	// ErrOutcomeUnknown is matched by every [OutcomeUnknownError].
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrWrongOrganization is matched by every [WrongOrganizationError].
	ErrWrongOrganization = errors.New("wrong organization")
	// ErrWrongHost is an answer that no My Domain of an org gives: a redirect, a
	// page, or no such resource from something that is not Salesforce.
	ErrWrongHost = errors.New("not the org's My Domain")
	// ErrLoginLimit is a login that was refused because there were too many.
	ErrLoginLimit = errors.New("too many logins")
	// ErrSOAPToken is a valid access token that SOAP does not take.
	ErrSOAPToken = errors.New("SOAP refuses the access token")
)

const (
	// maxMessage bounds what is kept of one message of a server, in bytes.
	maxMessage = 2000
	// maxMessages bounds how many messages of one reply are kept.
	maxMessages = 20
)

// Message is one entry of a Salesforce error reply, which is a JSON array of
// such entries [D RESTdoc].
type Message struct {
	// Message is Salesforce's text, bounded in length and free of control
	// characters and of what the request held that is sensitive.
	Message string
	// ErrorCode is Salesforce's code, such as "INVALID_FIELD".
	ErrorCode string
	// Fields names the fields that the message is about, if any.
	Fields []string
}

// String is the code and the message.
func (m Message) String() string {
	s := m.Message
	switch {
	case m.ErrorCode != "" && s != "":
		s = m.ErrorCode + ": " + s
	case s == "":
		s = m.ErrorCode
	}
	if len(m.Fields) > 0 {
		s += " (fields: " + strings.Join(m.Fields, ", ") + ")"
	}
	return s
}

// Error is an answer with the status of a failure. A write that fails with one
// that no [OutcomeUnknownError] wraps was refused, and was not applied.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Method and Path are those of the request; the path is without its query.
	Method, Path string
	// Messages is empty if the body was no Salesforce error, such as HTML.
	Messages []Message
	// ContentType is the media type of the reply.
	ContentType string
	// RetryAfter is what the server asked for; zero if it did not.
	RetryAfter time.Duration
	// RequestID identifies the request in Salesforce's logs, if it was given.
	RequestID string
	// Location is the other host that a redirect points to, "" for none.
	Location string

	// envelope says that the body is Salesforce's error array with an errorCode,
	// fault that it is a SOAP fault, page that it is a page for people.
	envelope, fault, page bool
	// concurrent says that REQUEST_LIMIT_EXCEEDED is of calls at the same time.
	concurrent bool
}

// definite reports whether the answer is certain to be Salesforce's own refusal: a 4xx with its
// error array. 408 says that the request did not come in whole, as far as whoever wrote it knows;
// 5xx and what lacks the array may have been written by any box on the way, in place of an answer.
func (e *Error) definite() bool {
	return e != nil && e.envelope && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout
}

// Error says what was asked and what was answered.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: HTTP %d", e.Method, e.Path, e.Status)
	if text := http.StatusText(e.Status); text != "" {
		b.WriteString(" " + text)
	}
	switch {
	case len(e.Messages) > 0:
		for i, m := range e.Messages {
			if i == 0 {
				b.WriteString(": ")
			} else {
				b.WriteString("; ")
			}
			b.WriteString(m.String())
		}
	case e.Status >= 300 && e.Status < 400:
		b.WriteString(": a redirect, which is never followed since it would carry the access token")
		b.WriteString(pointer(e.Location))
	default:
		if e.ContentType != "" {
			b.WriteString(": the body is " + e.ContentType + " and no Salesforce error")
		} else {
			b.WriteString(": no Salesforce error in the body")
		}
		if e.wrongHost() {
			b.WriteString(pointer(e.Location))
		}
	}
	if e.RequestID != "" {
		b.WriteString(" [request " + e.RequestID + "]")
	}
	return b.String()
}

// Code is the first error code of the reply, or "".
func (e *Error) Code() string {
	for _, m := range e.Messages {
		if m.ErrorCode != "" {
			return m.ErrorCode
		}
	}
	return ""
}

// HasCode reports whether any message of the reply has the error code.
func (e *Error) HasCode(code string) bool {
	for _, m := range e.Messages {
		if strings.EqualFold(m.ErrorCode, code) {
			return true
		}
	}
	return false
}

// pointer says of an answer that no My Domain gives where the org may be.
func pointer(location string) string {
	if location == "" {
		return "; this host is not the org's My Domain"
	}
	return "; this host is not the org's My Domain: it points to " + location
}

// wrongHost recognises the answers that no My Domain gives.
func (e *Error) wrongHost() bool {
	if len(e.Messages) > 0 {
		return false
	}
	return e.Status < 200 || e.Status >= 300 && e.Status < 400 || e.Status == http.StatusNotFound ||
		e.Status == http.StatusMethodNotAllowed
}

// sessionCodes are the ways in which Salesforce says that a session is over, as the code or the
// text of an error: as the REST API [C restforce#284], for tokens in the form of a JWT [C], and as
// the identity service [R].
var sessionCodes = []string{
	"INVALID_SESSION_ID", "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT", "INVALID_HEADER_TYPE",
	badToken,
}

// badToken is the whole body of a 403, in plain text.
const badToken = "Bad_OAuth_Token" //nolint:gosec // the text of an error

// sessionRefused recognises the answers that are about the session and not about the request.
func (e *Error) sessionRefused() bool {
	return e.Status == http.StatusUnauthorized || slices.ContainsFunc(e.Messages, func(m Message) bool {
		return slices.ContainsFunc(sessionCodes, func(code string) bool {
			return strings.EqualFold(m.ErrorCode, code) || strings.EqualFold(m.Message, code)
		})
	})
}

// Is matches the sentinels of this package.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.sessionRefused()
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrRequestLimit:
		return e.HasCode("REQUEST_LIMIT_EXCEEDED") && !e.concurrent
	case ErrLocked:
		return e.HasCode("UNABLE_TO_LOCK_ROW")
	case ErrWrongHost:
		return e.wrongHost()
	case ErrUnavailable:
		return e.concurrent || e.HasCode("SERVER_UNAVAILABLE") || !e.fault && unavailableStatus(e.Status)
	case ErrPermission:
		if slices.ContainsFunc([]string{
			"INVALID_TYPE", "NOT_FOUND", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY",
			"API_CURRENTLY_DISABLED", "API_DISABLED_FOR_ORG", "FUNCTIONALITY_NOT_ENABLED",
		}, e.HasCode) {
			return true
		}
	}
	return false
}

// statusNoRoute is what Salesforce's edge answers if it has no route for the
// host [D RESTdoc].
const statusNoRoute = 420

// unavailableStatus recognises the statuses with which the platform says that it did
// not serve the request. 429 is not in Salesforce's table and is treated like
// 503 [I].
func unavailableStatus(status int) bool {
	return status == statusNoRoute || status == http.StatusTooManyRequests || status >= 500
}

// OutcomeUnknownError is a write whose reply never came, or came in a form that
// does not say whether Salesforce applied it. The caller must look for the
// effect before it tries again.
type OutcomeUnknownError struct {
	// Method and Path are those of the request.
	Method, Path string
	// SentAt is when it was sent, by the local clock.
	SentAt time.Time
	// Err is what happened in place of a usable reply.
	Err error
}

// Error says what was sent and when, and why its effect is not known.
func (e *OutcomeUnknownError) Error() string {
	return fmt.Sprintf("%s %s was sent at %s and may or may not have been applied: %s",
		e.Method, e.Path, e.SentAt.UTC().Format(time.RFC3339), e.Err)
}

// Unwrap is the cause.
func (e *OutcomeUnknownError) Unwrap() error { return e.Err }

// Is matches ErrOutcomeUnknown.
func (e *OutcomeUnknownError) Is(target error) bool { return target == ErrOutcomeUnknown }

// ConnectionError is a request that brought no reply: the connection failed,
// broke or timed out. For a write it means that nothing was sent; otherwise the
// write fails with an [OutcomeUnknownError] that wraps this error.
type ConnectionError struct {
	// Method and Path are those of the request.
	Method, Path string
	// Host is where it was sent, or would have been.
	Host string
	// Err is the cause. It holds no query and no credential.
	Err error
}

// Error says what was tried, and what came in place of a reply.
func (e *ConnectionError) Error() string {
	return fmt.Sprintf("%s %s: no reply from %s: %s", e.Method, e.Path, e.Host, e.Err)
}

// Unwrap is the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

// ReplyError is a reply with the status of success that could not be understood. Where it is the
// reply to a write, an [OutcomeUnknownError] wraps it.
type ReplyError struct {
	// Method and Path are those of the request.
	Method, Path string
	// Status is the HTTP status, a 2xx.
	Status int
	// ContentType is the media type of the reply.
	ContentType string
	// Err says what is wrong with the body, without quoting it.
	Err error

	// page says that the body is a page for people.
	page bool
}

// Is matches ErrWrongHost for a page.
func (e *ReplyError) Is(target error) bool { return target == ErrWrongHost && e.page }

// Error says what was asked, and what is wrong with the reply.
func (e *ReplyError) Error() string {
	if e.page {
		return fmt.Sprintf("%s %s: HTTP %d with a page (%s) in place of Salesforce's answer", e.Method, e.Path, e.Status,
			e.ContentType) + pointer("")
	}
	return fmt.Sprintf("%s %s: HTTP %d with a body (%s) that could not be understood: %s",
		e.Method, e.Path, e.Status, e.ContentType, e.Err)
}

// Unwrap is the cause.
func (e *ReplyError) Unwrap() error { return e.Err }

// AuthError is an answer of the OAuth token endpoint that has no token.
type AuthError struct {
	// Flow is the OAuth flow: "client credentials" or "JWT bearer".
	Flow string
	// Host is the host of the token endpoint, Audience that of the assertion, if
	// the flow has one.
	Host, Audience string
	// Status is the HTTP status, usually 400.
	Status int
	// Code and Description are OAuth's error and error_description, as far as
	// the reply had them.
	Code, Description string
	// Location is the other host that a redirect points to, "" for none.
	Location string
	// RetryAfter is what the host asked for; zero if it did not.
	RetryAfter time.Duration
	// Earlier are the refusals of the pairs of host and audience that were tried
	// before.
	Earlier []*AuthError

	kind loginKind
}

// Error says which flow was refused, by whom and why.
func (e *AuthError) Error() string {
	where := e.Host
	if e.Audience != "" {
		where += " for the audience " + e.Audience
	}
	var s strings.Builder
	fmt.Fprintf(&s, "OAuth %s login at %s was refused with HTTP %d: %s", e.Flow, where, e.Status, e.reason())
	if e.kind == loginMoved {
		s.WriteString(pointer(e.Location))
	}
	for _, before := range e.Earlier {
		fmt.Fprintf(&s, "; tried before: %s for the audience %s: %s", before.Host, before.Audience, before.reason())
	}
	return s.String()
}

func (e *AuthError) reason() string {
	switch {
	case e.Code != "" && e.Description != "":
		return e.Code + ": " + e.Description
	case e.Code != "":
		return e.Code
	default:
		return "no OAuth error in the body"
	}
}

// Is matches the sentinel of what the answer means.
func (e *AuthError) Is(target error) bool {
	switch e.kind {
	case loginMoved:
		return target == ErrWrongHost
	case loginBusy:
		return target == ErrUnavailable
	case loginLimit:
		return target == ErrLoginLimit || target == ErrUnavailable
	case loginForeign:
		return false
	default:
		return target == ErrUnauthorized
	}
}

// WrongOrganizationError is a login that reached another org than the pinned
// one. Nothing was sent to that org but the login.
type WrongOrganizationError struct {
	// Want is the configured organization id, Got that of the login.
	Want, Got string
}

// Error names both ids.
func (e *WrongOrganizationError) Error() string {
	return fmt.Sprintf("the credentials belong to organization %s, but organization_id pins %s: nothing was changed; "+
		"check which org the credentials and the instance URL are of", e.Got, e.Want)
}

// Is matches ErrWrongOrganization.
func (e *WrongOrganizationError) Is(target error) bool { return target == ErrWrongOrganization }

// RequestLimitError is returned once the org refuses calls for its request
// limit: by the call that met it and by every later one, which is not sent. All
// of them return the same error, so that one can report it for all: see
// [RequestLimitError.ReportFirst].
type RequestLimitError struct {
	// Usage is the newest Sforce-Limit-Info header, such as
	// "api-usage=100000/100000", or "".
	Usage string
	// Err is Salesforce's answer to the call that met the limit.
	Err *Error

	mu    sync.Mutex
	first any
}

// ReportFirst returns true to the first one who asks, however often it does, and
// false to all others: the first one shows the error in full. reporter must be
// comparable.
func (e *RequestLimitError) ReportFirst(reporter any) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.first == nil {
		e.first = reporter
	}
	return e.first == reporter
}

// Brief is the part of the error that quotes the limit.
func (e *RequestLimitError) Brief() string {
	usage := e.Usage
	if usage == "" {
		usage = "not sent"
	}
	return fmt.Sprintf("the org's API request limit (Sforce-Limit-Info: %s)", usage)
}

// Error quotes the limit. The code stands for the limit of a day and for that
// of concurrent requests [D CoreTypes], which Salesforce's message names.
func (e *RequestLimitError) Error() string {
	return fmt.Sprintf("calls are refused by %s, so no further one is made in this run; "+
		"api-usage counts the calls of the last 24 hours, by whomever. %s", e.Brief(), e.Err)
}

// Unwrap is Salesforce's answer.
func (e *RequestLimitError) Unwrap() error { return e.Err }

// SettingError is a [Config] that can't be used, and the setting in it that must
// change, under the name that a user knows: "instance_url".
type SettingError struct {
	Setting string
	Err     error
}

// Error is the text of what is wrong, which begins with the setting.
func (e *SettingError) Error() string { return e.Err.Error() }

// Unwrap is what is wrong.
func (e *SettingError) Unwrap() error { return e.Err }

// ofSetting says which setting an error is about; nil stays nil.
func ofSetting(setting string, err error) error {
	if err == nil {
		return nil
	}
	return &SettingError{setting, err}
}

// parseMessages reads the body of a failed request. It knows the array that
// REST sends, the single object that some endpoints send, the OAuth form, and
// the statusCode form of composite replies [R]; anything else gives no
// messages. envelope is true for the array with an errorCode: the one form in
// which Salesforce itself refuses a REST request [D RESTdoc].
func parseMessages(body []byte, r *redact.Redactor) (messages []Message, envelope bool) {
	type wire struct {
		Message          string          `json:"message"`
		ErrorCode        string          `json:"errorCode"`
		StatusCode       string          `json:"statusCode"`
		Error            string          `json:"error"`
		ErrorDescription string          `json:"error_description"`
		Fields           json.RawMessage `json:"fields"`
	}
	var entries []wire
	if json.Unmarshal(body, &entries) == nil {
		envelope = slices.ContainsFunc(entries, func(w wire) bool { return w.ErrorCode != "" })
	} else {
		var one wire
		if json.Unmarshal(body, &one) != nil {
			return nil, false
		}
		entries = []wire{one}
	}
	for _, w := range entries {
		m := Message{Message: w.Message, ErrorCode: w.ErrorCode}
		if m.ErrorCode == "" {
			m.ErrorCode = w.StatusCode
		}
		if m.ErrorCode == "" {
			m.ErrorCode = w.Error
		}
		if m.Message == "" {
			m.Message = w.ErrorDescription
		}
		if m.Message == "" && m.ErrorCode == "" {
			continue
		}
		m.Message = r.Text(m.Message, maxMessage)
		m.ErrorCode = r.Text(m.ErrorCode, maxMessage)
		var fields []string
		if json.Unmarshal(w.Fields, &fields) == nil {
			for _, f := range fields[:min(len(fields), maxMessages)] {
				m.Fields = append(m.Fields, r.Text(f, maxMessage))
			}
		}
		messages = append(messages, m)
		if len(messages) == maxMessages {
			break
		}
	}
	return messages, envelope
}
