package sfsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// serveControl serves /_sim/, which Salesforce does not have: it lets a person or a script watch
// and steer the simulator. All but the page write JSON; a refusal is {"error": "..."} with status
// 400, 403, 404 or 405.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	routes := map[string]map[string]func(*http.Request) (any, error){
		"/_sim/requests": {
			http.MethodGet:    func(*http.Request) (any, error) { return s.Requests(), nil },
			http.MethodDelete: func(*http.Request) (any, error) { return s.clearJournal(), nil },
		},
		"/_sim/violations": {http.MethodGet: func(*http.Request) (any, error) { return orEmpty(s.Violations()), nil }},
		"/_sim/clock":      {http.MethodGet: s.controlClock, http.MethodPost: s.controlClock},
		"/_sim/faults": {
			http.MethodGet: func(*http.Request) (any, error) { return s.armedFaults(), nil }, http.MethodPost: s.controlFault,
			http.MethodDelete: func(*http.Request) (any, error) { s.ClearFaults(); return []Fault{}, nil },
		},
		"/_sim/rotate":      {http.MethodPost: s.controlRotate},
		"/_sim/reset":       {http.MethodPost: func(*http.Request) (any, error) { return struct{}{}, s.Reset() }},
		"/_sim/revoke":      {http.MethodPost: s.controlRevoke},
		"/_sim/release":     {http.MethodPost: func(*http.Request) (any, error) { s.NextRelease(); return s.State(), nil }},
		"/_sim/state":       {http.MethodGet: func(*http.Request) (any, error) { return s.State(), nil }},
		"/_sim/callouts":    {http.MethodGet: func(*http.Request) (any, error) { return s.Callouts(), nil }},
		"/_sim/flush":       {http.MethodPost: s.controlFlush},
		"/_sim/save":        {http.MethodPost: s.controlSave},
		"/_sim/settings":    {http.MethodGet: s.controlSettings, http.MethodPost: s.controlSettings},
		"/_sim/permissions": {http.MethodGet: s.controlPermissions, http.MethodPost: s.controlPermissions},
	}
	if err := fromThisMachine(r); err != nil {
		writeControl(w, http.StatusForbidden, map[string]string{"error": err.Error()})
		return
	}
	if r.URL.Path == "/_sim/" && r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src "+
			"'unsafe-inline'; connect-src 'self'")
		_ = s.writePage(w) // the client may be gone
		return
	}
	methods, known := routes[r.URL.Path]
	if !known {
		writeControl(w, http.StatusNotFound, map[string]string{"error": "there is no control route " + r.URL.Path})
		return
	}
	serve, allowed := methods[r.Method]
	if !allowed {
		writeControl(w, http.StatusMethodNotAllowed, map[string]string{"error": r.URL.Path + " does not have the method " +
			r.Method})
		return
	}
	answer, err := serve(r)
	if err != nil {
		writeControl(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	writeControl(w, http.StatusOK, answer)
}

// fromThisMachine refuses what a web page of another site could send through the user's browser:
// requests of another origin, and names that were made to resolve to the loopback address.
func fromThisMachine(r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return fmt.Errorf("control routes refuse other origins: %w", err)
	}
	return forThisMachine(r.Host)
}

// forThisMachine refuses a Host that is neither localhost nor a loopback address.
func forThisMachine(name string) error {
	host, _, err := net.SplitHostPort(name)
	if err != nil {
		host = strings.Trim(name, "[]")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the simulator is for this machine: the Host is %q, expected localhost or a loopback address", name)
	}
	return nil
}

func writeControl(w http.ResponseWriter, status int, answer any) {
	body, err := encodeJSON(answer)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer can't be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

// readControl decodes the body strictly; an empty one leaves into as it is.
func readControl(r *http.Request, into any) error {
	decoder := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the body does not fit: %w", err)
	}
	return nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) clearJournal() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal, s.violations = nil, nil
	return []Request{}
}

func (s *Server) armedFaults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Fault{}
	for _, f := range s.faults {
		out = append(out, f.Fault)
	}
	return out
}

// controlClock takes {"advance":"24h"} or {"set":"2026-01-31T12:00:00Z"}, and answers
// {"now":"..."}.
func (s *Server) controlClock(r *http.Request) (any, error) {
	var change struct {
		Advance Duration  `json:"advance"`
		Set     time.Time `json:"set"`
	}
	if err := readControl(r, &change); err != nil {
		return nil, err
	}
	if !change.Set.IsZero() {
		s.Clock.Set(change.Set)
	}
	s.Clock.Advance(time.Duration(change.Advance))
	return map[string]time.Time{"now": s.Clock.Now()}, nil
}

func (s *Server) controlFault(r *http.Request) (any, error) {
	var fault Fault
	if err := readControl(r, &fault); err != nil {
		return nil, err
	}
	if err := s.AddFault(fault); err != nil {
		return nil, err
	}
	return s.armedFaults(), nil
}

// controlRotate takes {"type":"Data","source":"HSM"}, and answers {"id":"02G..."}.
func (s *Server) controlRotate(r *http.Request) (any, error) {
	want := struct {
		Type   string `json:"type"`
		Source string `json:"source"`
	}{"Data", "HSM"}
	if err := readControl(r, &want); err != nil {
		return nil, err
	}
	id, err := s.Rotate(want.Type, want.Source)
	return map[string]string{"id": id}, err
}

// controlSave writes the org to the file that it is kept in, and answers {"file":"..."}.
func (s *Server) controlSave(*http.Request) (any, error) {
	return map[string]string{"file": s.options.persist}, s.Save()
}

func (s *Server) controlRevoke(*http.Request) (any, error) {
	return map[string]string{"access_token": s.RevokeTokens()}, nil
}

// controlSettings changes the settings that are given and answers all of them.
func (s *Server) controlSettings(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := s.world.settings
	if err := readControl(r, &changed); err != nil {
		return nil, err
	}
	if err := changed.validate(); err != nil {
		return nil, err
	}
	s.world.settings = changed
	return changed, nil
}

func (s *Server) controlPermissions(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := s.world.permissions
	if err := readControl(r, &changed); err != nil {
		return nil, err
	}
	s.world.permissions = changed
	return changed, nil
}

// State is what the org holds, without any secret.
type State struct {
	OrganizationID string         `json:"organization_id"`
	Organization   string         `json:"organization"`
	Kind           Kind           `json:"kind"`
	Now            time.Time      `json:"now"`
	Release        int            `json:"release"`
	Settings       Settings       `json:"settings"`
	Permissions    Permissions    `json:"permissions"`
	TenantSecrets  []TenantSecret `json:"tenant_secrets"`
	Certificates   []Certificate  `json:"certificates"`
}

// Certificate is a certificate of the org, for inspection.
type Certificate struct {
	ID                   string    `json:"id"`
	DeveloperName        string    `json:"developer_name"`
	MasterLabel          string    `json:"master_label"`
	KeySize              int       `json:"key_size"`
	CreatedDate          time.Time `json:"created_date"`
	ExpirationDate       time.Time `json:"expiration_date"`
	CASigned             bool      `json:"ca_signed"`
	PlatformEncryption   bool      `json:"encrypted_with_platform_encryption"`
	PrivateKeyExportable bool      `json:"private_key_exportable"`
	Unusable             bool      `json:"unusable"`
	UsingKMS             bool      `json:"using_kms"`
	// PEM is the chain, or the request of a certificate that waits for its chain.
	PEM string `json:"pem"`
}

// Certificates returns the certificates of the org.
func (s *Server) Certificates() []Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Certificate, 0, len(s.world.certificates))
	for _, c := range s.world.certificates {
		out = append(out, Certificate{
			ID: c.id, DeveloperName: c.developerName, MasterLabel: c.masterLabel, KeySize: c.keySize, CreatedDate: c.created,
			ExpirationDate: c.expires, CASigned: c.caSigned, PlatformEncryption: c.platformEncryption,
			PrivateKeyExportable: c.privateKeyExportable, Unusable: c.unusable, UsingKMS: c.usesKMS, PEM: c.pem(),
		})
	}
	return out
}

// State returns what the org holds.
func (s *Server) State() State {
	secrets, certificates := s.TenantSecrets(), s.Certificates()
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{
		OrganizationID: s.world.organization.id, Organization: s.world.organization.name, Kind: s.world.organization.kind,
		Now: s.Clock.Now(), Release: s.world.release, Settings: s.world.settings, Permissions: s.world.permissions,
		TenantSecrets: secrets, Certificates: certificates,
	}
}

// SetCertificateLabel changes the label of a certificate, as Setup does. It reports whether there
// is one of that name.
func (s *Server) SetCertificateLabel(developerName, label string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	cert := s.world.certificateByName(developerName)
	if cert == nil {
		return false
	}
	cert.masterLabel = label
	return true
}

// RemakeCertificate gives a certificate another key pair under its name, as a deploy over it does,
// or whoever stands in its place.
func (s *Server) RemakeCertificate(developerName string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cert := s.world.certificateByName(developerName)
	if cert == nil {
		return fmt.Errorf("there is no certificate %q", developerName)
	}

	return s.world.remake(cert, cert.masterLabel, s.Clock.Now())
}
