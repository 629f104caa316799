package sfsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault makes matching requests go wrong. Every empty condition matches, so the zero Fault with a
// Status strikes each request.
type Fault struct {
	// Method is an HTTP method, or "" for any.
	Method string `json:"method,omitempty"`
	// Path is a glob if it contains "*" (which matches across slashes); with a leading slash it is
	// a path or the front of one up to a slash; otherwise any part of the path.
	Path string `json:"path,omitempty"`
	// Query is text that the decoded query string contains, in any case.
	Query string `json:"query,omitempty"`
	// Host is "instance", "login", or "" for both.
	Host string `json:"host,omitempty"`
	// Nth strikes from the nth matching request on, counted from 1, and then only once unless Times
	// says otherwise. 0 strikes every matching request (or the first Times of them).
	Nth int `json:"nth,omitempty"`
	// Times bounds how many requests are struck. 0 is once with Nth, and no bound without.
	Times int `json:"times,omitempty"`

	// Status answers with this status instead of doing the work, 503 if only HTML, ErrorCode or
	// RetryAfter is given.
	Status int `json:"status,omitempty"`
	// ErrorCode and Message fill the error envelope. Without ErrorCode the usual one of the status
	// is used.
	ErrorCode string `json:"error_code,omitempty"`
	Message   string `json:"message,omitempty"`
	// HTML answers with a web page instead of the envelope, as the edge does.
	HTML bool `json:"html,omitempty"`
	// RetryAfter becomes the Retry-After header, in seconds.
	RetryAfter int `json:"retry_after,omitempty"`
	// Commit does the work before Status is answered.
	Commit bool `json:"commit,omitempty"`
	// Delay is how late the reply is, in real time. The work is done at once.
	Delay Duration `json:"delay,omitempty"`
	// Drop closes the connection: "before" the work, or "after" it, when the reply is lost.
	Drop string `json:"drop,omitempty"`
	// Body spoils the bytes of the reply: "malformed" or "truncated".
	Body string `json:"body,omitempty"`

	// hold is set by [Server.Hold].
	hold *hold
}

// hold keeps the reply of the first request that a fault strikes.
type hold struct {
	struck, released chan struct{}
	once             sync.Once
}

// keep reports the request as struck, and waits until its reply may leave, or until nobody waits
// for it any more.
func (h *hold) keep(ctx context.Context) error {
	h.once.Do(func() { close(h.struck) })
	select {
	case <-h.released:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Duration is a time.Duration that JSON writes as "1.5s".
type Duration time.Duration

// UnmarshalJSON reads a Go duration in a string.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("expected a duration in a string, such as \"90s\": %w", err)
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	*d = Duration(parsed)
	return nil
}

// MarshalJSON writes a Go duration in a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

func (f Fault) validate() error {
	switch {
	case f.Drop != "" && f.Drop != "before" && f.Drop != "after":
		return fmt.Errorf("drop is %q, expected \"before\" or \"after\"", f.Drop)
	case f.Body != "" && f.Body != "malformed" && f.Body != "truncated":
		return fmt.Errorf("body is %q, expected \"malformed\" or \"truncated\"", f.Body)
	case f.Host != "" && f.Host != "instance" && f.Host != "login":
		return fmt.Errorf("host is %q, expected \"instance\" or \"login\"", f.Host)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status is %d, expected 200 to 599", f.Status)
	case f.Nth < 0 || f.Times < 0 || f.RetryAfter < 0 || f.Delay < 0:
		return errors.New("nth, times, retry_after and delay must not be negative")
	case !f.answers() && f.Delay == 0 && f.Drop == "" && f.Body == "" && f.hold == nil:
		return errors.New("the fault does nothing: give status, error_code, html, retry_after, delay, drop or body")
	}
	return nil
}

func (f Fault) answers() bool {
	return f.Status != 0 || f.ErrorCode != "" || f.HTML || f.RetryAfter != 0
}

// armedFault is a fault with its counters.
type armedFault struct {
	Fault
	matched, struck int
}

// strikes counts a request against the fault and reports whether it is hit.
func (f *armedFault) strikes(host, method, path, query string) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, method) ||
		f.Host != "" && f.Host != host ||
		f.Path != "" && !matchPath(f.Path, path) ||
		f.Query != "" && !strings.Contains(strings.ToLower(query), strings.ToLower(f.Query)) {
		return false
	}
	f.matched++
	times := f.Times
	if f.Nth > 0 && times == 0 {
		times = 1
	}
	if f.matched < f.Nth || times > 0 && f.struck >= times {
		return false
	}
	f.struck++
	return true
}

func matchPath(pattern, path string) bool {
	switch {
	case strings.Contains(pattern, "*"):
		return matchGlob(pattern, path)
	case strings.HasPrefix(pattern, "/"):
		return path == pattern || strings.HasPrefix(path, strings.TrimSuffix(pattern, "/")+"/")
	default:
		return strings.Contains(path, pattern)
	}
}

func matchGlob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, last)
}

// reply is what the fault answers in place of the real reply, in the error form of the path: OAuth
// has its own.
func (f Fault) reply(path string) *reply {
	status := f.Status
	if status == 0 {
		status = http.StatusServiceUnavailable
		if f.ErrorCode == "UNABLE_TO_LOCK_ROW" {
			status = http.StatusBadRequest
		}
	}
	usual := map[int][2]string{
		http.StatusUnauthorized:        {"INVALID_SESSION_ID", "Session expired or invalid"},
		http.StatusForbidden:           {"REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."},
		http.StatusNotFound:            {"NOT_FOUND", "The requested resource does not exist"},
		http.StatusInternalServerError: {"UNKNOWN_EXCEPTION", "An unexpected error occurred"},
		http.StatusServiceUnavailable:  {"SERVER_UNAVAILABLE", "Server unavailable"},
	}
	code, message := f.ErrorCode, f.Message
	if code == "" {
		code = usual[status][0]
	}
	if code == "" {
		code = "UNKNOWN_EXCEPTION"
	}
	if message == "" {
		message = usual[status][1]
		if code == "UNABLE_TO_LOCK_ROW" {
			message = "unable to obtain exclusive access to this record"
		}
	}
	var r *reply
	switch {
	case f.HTML || status == statusNoRoute:
		r = htmlPage(status)
	case status < 300:
		r = &reply{status: status}
	case status < 400:
		r = &reply{status: status, header: http.Header{"Location": {"/"}}}
	case strings.HasPrefix(path, "/services/oauth2/"):
		r = refuseOAuth(code, message)
		r.status = status
	default:
		r = refuse(status, code, message)
	}
	if f.RetryAfter > 0 {
		if r.header == nil {
			r.header = http.Header{}
		}
		r.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	return r
}

// AddFault arms a fault. It stays armed until it has struck as often as it may, or ClearFaults.
func (s *Server) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("refused fault: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armedFault{Fault: f})
	return nil
}

// Hold arms a fault that keeps replies back once the work is done. The channel is closed when the
// first request is struck; release lets the replies go. Without it a reply is kept until its client
// is gone: on a machine of any speed, what a test does in between happens in between.
func (s *Server) Hold(f Fault) (struck <-chan struct{}, release func(), err error) {
	f.hold = &hold{struck: make(chan struct{}), released: make(chan struct{})}
	return f.hold.struck, sync.OnceFunc(func() { close(f.hold.released) }), s.AddFault(f)
}

// ClearFaults disarms every fault.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (f Fault) String() string {
	text, err := json.Marshal(f)
	if err != nil {
		return "fault"
	}
	return string(text)
}
