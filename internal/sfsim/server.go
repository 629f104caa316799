// Package sfsim simulates the part of Salesforce that Shield Platform Encryption's BYOK keys live
// in: OAuth, the REST and tooling APIs, TenantSecret and Certificate, with real RSA keys, real
// unwrapping and a clock of its own.
//
// It is shaped like net/http/httptest: New starts a server on a loopback address, Close stops it.
// Everything a client sends is judged strictly, and what no correct client does is also recorded
// (Violations). It shares no code and no types with the provider's client, so that a mistake in one
// can't hide in the other.
//
// Rules cite their confidence and source as docs/guides/conformance.md does: D documented by
// Salesforce, V by a vendor, C seen in public code, I inferred, R recalled, U unknown. Texts of
// replies that no source gives are marked as invented.
//
// The simulator protects nothing: its private keys are public, and it speaks plain HTTP. It listens
// on loopback addresses only.
package sfsim

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Server is a running simulator: an instance host (My Domain) and a login host.
type Server struct {
	// InstanceURL is the org's My Domain, without a path.
	InstanceURL string
	// LoginURL stands for https://login.salesforce.com or https://test.salesforce.com.
	LoginURL string
	// ClientID and ClientSecret are those of the one external client app.
	ClientID, ClientSecret string
	// Username is the integration user's, for JWT bearer.
	Username string
	// PrivateKeyPEM is the app's RSA key (PKCS#8), for JWT bearer. It is a public test key.
	PrivateKeyPEM string
	// AccessToken is a session that exists from the start. RevokeTokens replaces it.
	AccessToken string
	// OrganizationID is the 18-character id of the org.
	OrganizationID string
	// Clock is the time in the org.
	Clock *Clock

	options   options
	listeners []net.Listener
	servers   []*http.Server
	serving   sync.WaitGroup

	mu         sync.Mutex
	world      *world
	sessions   map[string]*session
	locators   map[string]*locator
	lastPage   int
	journal    []*Request
	violations []Violation
	faults     []*armedFault
}

// publicClientSecret is the client secret of the simulated app. Like the simulator's keys it guards
// nothing.
const publicClientSecret = "sfsim-client-secret" //nolint:gosec // see above

// New starts a simulator. Unless options say otherwise it is a production org as one would find it:
// the BYOK-compatible certificate Sim_BYOK, the certificate Sim_Partner_SSO that is not compatible,
// and one ACTIVE Data secret that Salesforce made a year ago.
func New(opts ...Option) (*Server, error) {
	s := &Server{
		Clock: &Clock{},
		options: options{
			listen: "127.0.0.1:0", loginListen: "127.0.0.1:0", kind: Production,
			clientID: "3MVG9sfsim.client_id", clientSecret: publicClientSecret, username: "byok.integration@sfsim.example",
		},
	}
	for _, opt := range opts {
		if err := opt(&s.options); err != nil {
			return nil, fmt.Errorf("sfsim: %w", err)
		}
	}
	keys, err := embeddedKeys()
	if err != nil {
		return nil, fmt.Errorf("sfsim: read the embedded test keys: %w", err)
	}
	appKey, err := x509.MarshalPKCS8PrivateKey(keys[appKeyFile])
	if err != nil {
		return nil, fmt.Errorf("sfsim: encode the app's key: %w", err)
	}
	s.PrivateKeyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: appKey}))
	s.ClientID, s.ClientSecret, s.Username = s.options.clientID, s.options.clientSecret, s.options.username
	if err := s.Reset(); err != nil {
		return nil, err
	}
	if s.options.persist != "" {
		if err := s.restore(); err != nil {
			return nil, err
		}
	}

	hosts := []struct {
		listen string
		url    *string
		serve  http.Handler
	}{
		{s.options.listen, &s.InstanceURL, s.Handler()},
		{s.options.loginListen, &s.LoginURL, s.LoginHandler()},
	}
	for _, host := range hosts {
		listener, err := listen(host.listen)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("sfsim: %w", err)
		}
		*host.url = "http://" + listener.Addr().String()
		s.listeners = append(s.listeners, listener)
		s.servers = append(s.servers, &http.Server{Handler: host.serve, ReadHeaderTimeout: time.Minute})
	}
	for i, server := range s.servers {
		s.serving.Go(func() {
			// Serve always fails in the end: with ErrServerClosed after Close, or with an error that every
			// client will see too.
			_ = server.Serve(lenientListener{s.listeners[i]})
		})
	}
	return s, nil
}

// listen opens a TCP listener, on loopback addresses only: the simulator's keys and secrets are
// public.
func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: expected host:port, such as 127.0.0.1:0", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen address %q is not a loopback address: the simulator protects nothing and must not "+
			"be reachable from other machines; use 127.0.0.1, [::1] or localhost", address)
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return listener, nil
}

// MoveTo gives the org another My Domain, such as that of a proxy before it. Requests may be under
// way.
func (s *Server) MoveTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.InstanceURL = url
}

// Close stops the server and drops open connections.
func (s *Server) Close() {
	for _, server := range s.servers {
		_ = server.Close() // closes the listener too; nothing can be done about an error
	}
	if len(s.servers) == 0 {
		for _, listener := range s.listeners {
			_ = listener.Close()
		}
	}
	s.serving.Wait()
}

// Reset returns to the initial world at the initial time, without faults, journal, violations,
// query pages and sessions other than that of AccessToken.
func (s *Server) Reset() error {
	s.Clock.Set(time.Now())
	if s.options.now != nil {
		s.Clock.Set(*s.options.now)
	}
	w, err := s.newWorld()
	if err != nil {
		return fmt.Errorf("sfsim: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world = w
	if s.OrganizationID == "" { // the same after each reset, so it can be read at any time
		s.OrganizationID = w.organization.id
	}
	s.journal, s.violations, s.faults = nil, nil, nil
	s.sessions, s.locators = map[string]*session{}, map[string]*locator{}
	if s.AccessToken == "" {
		s.AccessToken = w.newToken()
	}
	s.sessions[s.AccessToken] = &session{user: w.mainUser(), issued: s.Clock.Now()}
	return nil
}

// TenantSecret is a row of the org's key table, for inspection. It holds no key material.
type TenantSecret struct {
	ID                string `json:"id"`
	Type              string `json:"type"`
	Version           int64  `json:"version"`
	Status            string `json:"status"`
	Source            string `json:"source"`
	KeyDerivationMode string `json:"key_derivation_mode"`
	Description       string `json:"description"`
	// SecretValueHash is the true hash of the material, also for HSM keys, whose hash Salesforce does
	// not show.
	SecretValueHash string `json:"secret_value_hash"`
	// Certificate and WrappingAlgorithm say how it was uploaded.
	Certificate       string    `json:"certificate,omitempty"`
	WrappingAlgorithm string    `json:"wrapping_algorithm,omitempty"`
	RemoteIdentifier  string    `json:"remote_key_identifier,omitempty"`
	RemoteCertificate string    `json:"remote_key_certificate,omitempty"`
	CreatedByID       string    `json:"created_by_id"`
	CreatedDate       time.Time `json:"created_date"`
	LastModifiedDate  time.Time `json:"last_modified_date"`
}

// TenantSecrets returns every tenant secret, oldest first, also those hidden by a visibility lag.
func (s *Server) TenantSecrets() []TenantSecret {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]TenantSecret, 0, len(s.world.tenantSecrets))
	for _, t := range s.world.tenantSecrets {
		out = append(out, TenantSecret{
			ID: t.id, Type: t.typ, Version: t.version, Status: t.status, Source: t.source,
			KeyDerivationMode: t.keyDerivationMode,
			Description:       t.description, SecretValueHash: t.materialHash, Certificate: t.certificate,
			WrappingAlgorithm: t.wrapping,
			RemoteIdentifier:  t.remoteIdentifier, RemoteCertificate: t.remoteCertificate, CreatedByID: t.createdBy,
			CreatedDate: t.created, LastModifiedDate: t.modified,
		})
	}
	return out
}

// Unwrapped returns the plaintext that was uploaded as the tenant secret of an id (15 or 18
// characters), also after its destruction; nil if the secret was not uploaded.
func (s *Server) Unwrapped(id string) []byte {
	full, valid := parseID(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.world.secret(full); valid && t != nil {
		return slices.Clone(t.uploaded)
	}
	return nil
}

// Rotate creates a tenant secret as an administrator would in Setup, regardless of intervals, and
// returns its id. The source is HSM, or UPLOADED for random material of the simulator's own.
func (s *Server) Rotate(typ, source string) (string, error) {
	f, _ := tenantSecretObject.field("Type", maxVersion)
	canonical, known := f.allowed(typ, maxVersion)
	if !known {
		return "", fmt.Errorf("sfsim: rotate: %q is not a type of tenant secret", typ)
	}
	if source != "HSM" && source != "UPLOADED" {
		return "", fmt.Errorf("sfsim: rotate: the source is %q, expected HSM or UPLOADED", source)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := &tenantSecret{
		typ: canonical, source: source, keyDerivationMode: "PBKDF2", createdBy: s.world.mainUser().id,
		material: randomBytes(32),
	}
	secret.materialHash = hash(secret.material)
	if source == "UPLOADED" {
		secret.uploaded = slices.Clone(secret.material)
	}
	s.world.addSecret(secret, s.Clock.Now().Truncate(time.Second))
	return secret.id, nil
}

// AdminToken opens a session of the administrator, who is another user than the integration user,
// and returns its access token.
func (s *Server) AdminToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.world.newToken()
	s.sessions[token] = &session{user: s.world.administrator(), issued: s.Clock.Now()}
	return token
}

// RevokeTokens ends every session. It returns a new access token, as a user would get one by
// logging in again, and makes it the server's AccessToken.
func (s *Server) RevokeTokens() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.AccessToken = s.world.newToken()
	s.sessions = map[string]*session{s.AccessToken: {user: s.world.mainUser(), issued: s.Clock.Now()}}
	return s.AccessToken
}

// Settings returns the switches of the org.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.settings
}

// Configure changes settings and permissions while the server runs.
func (s *Server) Configure(change func(*Settings, *Permissions)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.world.settings, &s.world.permissions)
}

// NextRelease upgrades the org: exports are wrapped by another tenant wrapping key from now on, and
// older ones still restore [D flow, I].
func (s *Server) NextRelease() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.release += 2
}

// newToken mints an access token: the org's 15-character id, "!", and random text, or something in
// the form of a JWT.
func (w *world) newToken() string {
	if w.settings.JWTTokens {
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + part([]byte(`{"sub":"uid:`+w.mainUser().id+`"}`)) + "." +
			part(randomBytes(32))
	}
	return w.organization.id[:15] + "!AQ" + hex.EncodeToString(randomBytes(40))
}
