package sfsim

import (
	"fmt"
	"slices"
	"time"
)

// Request is one entry of the journal. It holds no header, no body and no query value that could be
// a secret.
type Request struct {
	// Time is the simulated time of arrival.
	Time time.Time `json:"time"`
	// Host is "instance" or "login".
	Host   string `json:"host"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// Query is the decoded query string; empty for OAuth paths, where it may carry secrets.
	Query string `json:"query"`
	// Status is that of the reply; 0 when the connection was dropped before one.
	Status int `json:"status"`
	// Operation names what was asked, such as "token", "query", "TenantSecret.create".
	Operation string `json:"operation"`
	// Committed says that the state of the org was changed, whatever the client was answered.
	Committed bool `json:"committed"`
	// Exported says that the request read an encrypted SecretValue.
	Exported bool `json:"exported"`
	// Fields are the names of the body's members.
	Fields []string `json:"fields,omitempty"`
	// ErrorCode is the errorCode of a refusal, or the OAuth error.
	ErrorCode string `json:"error_code,omitempty"`
	// Fault describes the injected fault that struck.
	Fault string `json:"fault,omitempty"`
	// UserAgent is the client's.
	UserAgent string `json:"user_agent,omitempty"`
}

// Violation is something that no correct client does: an unknown path or field, a wrong content
// type, a call without a token, an unreadable body.
type Violation struct {
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Text   string    `json:"text"`
}

func (v Violation) String() string { return v.Method + " " + v.Path + ": the client " + v.Text }

// Requests returns the journal, oldest first.
func (s *Server) Requests() []Request { return s.RequestsFrom(0) }

// RequestCount returns the length of the journal.
func (s *Server) RequestCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.journal)
}

// RequestsFrom returns the journal without its first n requests.
func (s *Server) RequestsFrom(n int) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	journal := s.journal[min(n, len(s.journal)):]
	out := make([]Request, len(journal))
	for i, entry := range journal {
		out[i] = *entry
		out[i].Fields = slices.Clone(entry.Fields)
	}
	return out
}

// Violations returns what clients did wrong, oldest first. A test of a client should find none.
func (s *Server) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (c *call) violation(format string, args ...any) {
	c.s.violations = append(c.s.violations, Violation{
		Time: c.now, Method: c.r.Method, Path: c.r.URL.Path, Text: fmt.Sprintf(format, args...),
	})
}
