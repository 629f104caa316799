package salesforce

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

func TestParseMessages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want []Message
	}{
		"array": {
			`[{"fields":["Id"],"message":"m","errorCode":"MALFORMED_ID"}]`,
			[]Message{{"m", "MALFORMED_ID", []string{"Id"}}},
		},
		"two": {
			`[{"message":"a","errorCode":"A"},{"message":"b","errorCode":"B"}]`,
			[]Message{{"a", "A", nil}, {"b", "B", nil}},
		},
		"object":         {`{"message":"m","errorCode":"X"}`, []Message{{"m", "X", nil}}},
		"collection":     {`[{"statusCode":"X","message":"m","fields":[]}]`, []Message{{"m", "X", nil}}},
		"OAuth":          {`{"error":"invalid_grant","error_description":"d"}`, []Message{{"d", "invalid_grant", nil}}},
		"fields no list": {`[{"message":"m","errorCode":"X","fields":"Id"}]`, []Message{{"m", "X", nil}}},
		"fields null":    {`[{"message":"m","errorCode":"X","fields":null}]`, []Message{{"m", "X", nil}}},
		"control":        {`[{"message":"a\u001b[31mb\nc","errorCode":"X"}]`, []Message{{"a [31mb c", "X", nil}}},
		"sensitive": {
			`[{"message":"bad hunter2!","errorCode":"hunter2","fields":["hunter2"]}]`,
			[]Message{{"bad [redacted]!", "[redacted]", []string{"[redacted]"}}},
		},
		"no code":         {`[{"message":"m"}]`, []Message{{"m", "", nil}}},
		"code only":       {`[{"errorCode":"X"}]`, []Message{{"", "X", nil}}},
		"empty entries":   {`[{},{}]`, nil},
		"HTML":            {`<html>`, nil},
		"truncated":       {`[{"message":"m","errorCode":"X"`, nil},
		"nothing":         {``, nil},
		"number":          {`12`, nil},
		"null":            {`null`, nil},
		"message no text": {`[{"message":{"x":1},"errorCode":"X"}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, messagesOf([]byte(tc.body), "hunter2", "")); diff != "" {
				t.Error(diff)
			}
		})
	}
	if n := len(messagesOf([]byte("[" + strings.Repeat(`{"message":"m"},`, 99) + `{"message":"m"}]`))); n != maxMessages {
		t.Errorf("%d messages were kept", n)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("x", 3600))
	refused := &Error{
		Status: 400, Method: "POST", Path: "/p",
		Messages: []Message{{"m", "X", []string{"F"}}, {"n", "", nil}}, RequestID: "r",
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{refused, "POST /p: HTTP 400 Bad Request: X: m (fields: F); n [request r]"},
		{
			&Error{Status: 420, Method: "GET", Path: "/p", ContentType: "text/html"},
			"GET /p: HTTP 420: the body is text/html and no Salesforce error",
		},
		{&Error{Status: 404, Method: "GET", Path: "/p"}, "GET /p: HTTP 404 Not Found: no Salesforce error in the body; " +
			"this host is not the org's My Domain"},
		{&OutcomeUnknownError{Method: "POST", Path: "/p", SentAt: at, Err: errors.New("boom")}, "POST /p was sent at " +
			"2026-11-21T11:00:00Z and may or may not have been applied: boom"},
		{&ConnectionError{Method: "GET", Path: "/p", Host: "h", Err: errors.New("boom")}, "GET /p: no reply from h: boom"},
		{
			&ReplyError{Method: "GET", Path: "/p", Status: 200, ContentType: "text/plain", Err: errors.New("boom")},
			"GET /p: HTTP 200 with a body (text/plain) that could not be understood: boom",
		},
		{
			&AuthError{Flow: "JWT bearer", Host: "h", Status: 400, Code: "e", Description: "d"},
			"OAuth JWT bearer login at h was refused with HTTP 400: e: d",
		},
		{&AuthError{Flow: "JWT bearer", Host: "h", Status: 500}, "OAuth JWT bearer login at h was refused with HTTP 500: " +
			"no OAuth error in the body"},
		{
			&AuthError{Flow: "client credentials", Host: "h", Status: 302, Location: "n", kind: loginMoved},
			"OAuth client credentials login at h was refused with HTTP 302: no OAuth error in the body; this host is not the " +
				"org's My Domain: it points to n",
		},
		{
			&AuthError{
				Flow: "JWT bearer", Host: "h", Audience: "a", Status: 400, Code: "e",
				Earlier: []*AuthError{{Host: "g", Audience: "b", Code: "app_not_found", Description: "d"}},
			},
			"OAuth JWT bearer login at h for the audience a was refused with HTTP 400: e; tried before: g for the audience b: " +
				"app_not_found: d",
		},
		{&Error{Status: 301, Method: "GET", Path: "/p", Location: "n"}, "GET /p: HTTP 301 Moved Permanently: a redirect, " +
			"which is never followed since it would carry the access token; this host is not the org's My Domain: it points " +
			"to n"},
		{&ReplyError{Method: "GET", Path: "/p", Status: 200, ContentType: "text/html", page: true}, "GET /p: HTTP 200 with " +
			"a page (text/html) in place of Salesforce's answer; this host is not the org's My Domain"},
		{errors.New(Message{ErrorCode: "X"}.String()), "X"},
	} {
		if tc.err.Error() != tc.want {
			t.Errorf("got  %s\nwant %s", tc.err, tc.want)
		}
	}
	if got := refused.Code(); got != "X" {
		t.Errorf("code %s", got)
	}
	if got := (&Error{}).Code(); got != "" {
		t.Errorf("code %q of nothing", got)
	}
	limit := (&RequestLimitError{Err: refused}).Error()
	if !strings.Contains(limit, "Sforce-Limit-Info: not sent") {
		t.Error(limit)
	}
}

func TestSentinels(t *testing.T) {
	t.Parallel()
	all := []error{
		ErrUnauthorized, ErrNotFound, ErrRequestLimit, ErrLocked, ErrUnavailable, ErrPermission,
		ErrOutcomeUnknown, ErrWrongOrganization, ErrWrongHost, ErrLoginLimit, ErrSOAPToken,
	}
	code := func(status int, code string) *Error {
		return &Error{Status: status, Messages: []Message{{"m", "OTHER", nil}, {"m", code, nil}}}
	}
	for name, tc := range map[string]struct {
		err  error
		want []error
	}{
		"401":      {code(401, "INVALID_SESSION_ID"), []error{ErrUnauthorized}},
		"404":      {code(404, "NOT_FOUND"), []error{ErrNotFound, ErrPermission}},
		"404 bare": {&Error{Status: 404}, []error{ErrNotFound, ErrWrongHost}},
		"405 bare": {&Error{Status: 405}, []error{ErrWrongHost}},
		"redirect": {&Error{Status: 307}, []error{ErrWrongHost}},
		"101":      {&Error{Status: 101}, []error{ErrWrongHost}},
		"page":     {&ReplyError{Status: 200, page: true, Err: errors.New("x")}, []error{ErrWrongHost}},
		"concurrent": {
			&Error{Status: 403, Messages: []Message{{"m", "REQUEST_LIMIT_EXCEEDED", nil}}, concurrent: true},
			[]error{ErrUnavailable},
		},
		"session by 403": {code(403, "INVALID_SESSION_ID"), []error{ErrUnauthorized}},
		"bad token":      {code(403, "Bad_OAuth_Token"), []error{ErrUnauthorized}},
		"JWT text": {
			&Error{Status: 403, Messages: []Message{{"INVALID_JWT_FORMAT", "X", nil}}},
			[]error{ErrUnauthorized},
		},
		"fault": {
			&Error{Status: 500, fault: true, Messages: []Message{{"m", "INVALID_TYPE", nil}}},
			[]error{ErrPermission},
		},
		"fault, session": {
			&Error{Status: 500, fault: true, Messages: []Message{{"m", "INVALID_SESSION_ID", nil}}},
			[]error{ErrUnauthorized},
		},
		"fault, outage": {
			&Error{Status: 500, fault: true, Messages: []Message{{"m", "SERVER_UNAVAILABLE", nil}}},
			[]error{ErrUnavailable},
		},
		"fault, unknown": {&Error{Status: 500, fault: true, Messages: []Message{{"m", "UNKNOWN_EXCEPTION", nil}}}, nil},
		"fault, limit": {
			&Error{Status: 500, fault: true, Messages: []Message{{"m", "REQUEST_LIMIT_EXCEEDED", nil}}},
			[]error{ErrRequestLimit},
		},
		"busy by 400":    {code(400, "SERVER_UNAVAILABLE"), []error{ErrUnavailable}},
		"limit":          {code(403, "REQUEST_LIMIT_EXCEEDED"), []error{ErrRequestLimit}},
		"lock":           {code(400, "unable_to_lock_row"), []error{ErrLocked}},
		"503":            {code(503, "SERVER_UNAVAILABLE"), []error{ErrUnavailable}},
		"429":            {&Error{Status: 429}, []error{ErrUnavailable}},
		"420":            {&Error{Status: 420}, []error{ErrUnavailable}},
		"type":           {code(400, "INVALID_TYPE"), []error{ErrPermission}},
		"access":         {code(403, "INSUFFICIENT_ACCESS_OR_READONLY"), []error{ErrPermission}},
		"400":            {code(400, "FIELD_INTEGRITY_EXCEPTION"), nil},
		"unknown":        {&OutcomeUnknownError{Err: code(503, "X")}, []error{ErrOutcomeUnknown, ErrUnavailable}},
		"limit stop":     {&RequestLimitError{Err: code(403, "REQUEST_LIMIT_EXCEEDED")}, []error{ErrRequestLimit}},
		"wrong org":      {&WrongOrganizationError{}, []error{ErrWrongOrganization}},
		"auth":           {&AuthError{Status: 400}, []error{ErrUnauthorized}},
		"auth, down":     {&AuthError{Status: 503, kind: loginBusy}, []error{ErrUnavailable}},
		"auth, limit":    {&AuthError{Status: 400, kind: loginLimit}, []error{ErrUnavailable, ErrLoginLimit}},
		"auth, audience": {&AuthError{Status: 400, kind: loginElsewhere}, []error{ErrUnauthorized}},
		"auth, foreign":  {&AuthError{Status: 403, kind: loginForeign}, nil},
		"auth, moved":    {&AuthError{Status: 302, kind: loginMoved}, []error{ErrWrongHost}},
		"wait, 503":      {&waitTimeoutError{last: code(503, "X")}, []error{ErrUnavailable}},
		"connection":     {&ConnectionError{Err: errors.New("x")}, nil},
		"bad reply, 404": {&ReplyError{Err: code(404, "X")}, []error{ErrNotFound}},
	} {
		var got []error
		for _, sentinel := range all {
			if errors.Is(tc.err, sentinel) {
				got = append(got, sentinel)
			}
		}
		for _, sentinel := range all {
			is, want := contains(got, sentinel), contains(tc.want, sentinel)
			if is != want {
				t.Errorf("%s: is %q: %v, want %v", name, sentinel, is, want)
			}
		}
	}
}

func contains(list []error, err error) bool {
	return slices.Contains(list, err)
}

func FuzzParseMessages(f *testing.F) {
	for _, seed := range []string{
		`[{"message":"m","errorCode":"X","fields":["a"]}]`, `{"error":"x"}`, `<html>`,
		`[{"message":"\u0000\ud800"}]`, `[[]]`, "[{\"message\":\"\xff\"}]",
	} {
		f.Add([]byte(seed), "secret")
	}
	f.Fuzz(func(t *testing.T, b []byte, sensitive string) {
		for _, m := range messagesOf(b, sensitive) {
			for _, s := range append([]string{m.Message, m.ErrorCode}, m.Fields...) {
				if len(s) > maxMessage+len("…") || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
					t.Errorf("%q is not fit for a diagnostic", s)
				}
			}
		}
	})
}

func messagesOf(body []byte, sensitive ...string) []Message {
	messages, _ := parseMessages(body, (*redact.Redactor)(nil).With(sensitive...))
	return messages
}

// TestDefinite: only a 4xx with Salesforce's own error array says for certain that a write was not
// carried out.
func TestDefinite(t *testing.T) {
	t.Parallel()
	array := `[{"message":"m","errorCode":"X"}]`
	for name, tc := range map[string]struct {
		status int
		body   string
		want   bool
	}{
		"400 array":                {400, array, true},
		"404 array":                {404, array, true},
		"429 array":                {429, array, true},
		"499 array of two":         {499, `[{"message":"m"},{"errorCode":"X"}]`, true},
		"408 array":                {408, array, false},
		"500 array":                {500, array, false},
		"503 array":                {503, array, false},
		"200 array":                {200, array, false},
		"302 array":                {302, array, false},
		"400 object":               {400, `{"message":"m","errorCode":"X"}`, false},
		"400 without code":         {400, `[{"message":"m"}]`, false},
		"400 empty code":           {400, `[{"message":"m","errorCode":""}]`, false},
		"400 statusCode":           {400, `[{"message":"m","statusCode":"X"}]`, false},
		"400 OAuth":                {400, `{"error":"x","error_description":"y"}`, false},
		"400 foreign":              {400, `{"fault":{"faultstring":"no","detail":{"errorcode":"policies.x"}}}`, false},
		"400 empty array":          {400, `[]`, false},
		"400 nothing":              {400, ``, false},
		"400 HTML":                 {400, `<html>`, false},
		"400 truncated":            {400, `[{"message":"m","errorCode":"X"`, false},
		"400 array of strings":     {400, `["X"]`, false},
		"400 array, trailing text": {400, array + `x`, false},
	} {
		messages, envelope := parseMessages([]byte(tc.body), nil)
		if got := (&Error{Status: tc.status, Messages: messages, envelope: envelope}).definite(); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (*Error)(nil).definite() {
		t.Error("nothing is no answer")
	}
}
