package sfsim

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/jwe"
)

// keyServiceTimeout is how long a key service may take [V ThalesDoc].
const keyServiceTimeout = 3 * time.Second

// Retries after a failed callout [D Help cache_considerations]: each minute for five minutes, then
// every five minutes for a day.
const (
	retryOften       = time.Minute
	retryOftenFor    = 5 * time.Minute
	retrySeldom      = 5 * time.Minute
	retryGivenUpFrom = 24 * time.Hour
)

// callout is one request for a cache-only key, as a RemoteKeyCalloutEvent reports it.
type callout struct {
	at         time.Time
	secret     string
	identifier string
	nonce      string
	httpStatus int
	status     jwe.Status
}

// retry is the plan to ask again for a key whose callout failed.
type retry struct {
	failed, next time.Time
}

// Callout is one request for a cache-only key, for inspection.
type Callout struct {
	Time                time.Time `json:"time"`
	TenantSecretID      string    `json:"tenant_secret_id"` // "" for the callout of a secret that is being created
	RemoteKeyIdentifier string    `json:"remote_key_identifier"`
	RequestID           string    `json:"request_id"`
	HTTPStatus          int       `json:"http_status"` // 0: no answer
	StatusCode          string    `json:"status_code"`
}

// Callouts returns what the simulator asked key services, oldest first.
func (s *Server) Callouts() []Callout {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Callout{}
	for _, made := range s.world.estate().callouts {
		out = append(out, Callout{
			Time: made.at, TenantSecretID: made.secret, RemoteKeyIdentifier: made.identifier, RequestID: made.nonce,
			HTTPStatus: made.httpStatus, StatusCode: string(made.status),
		})
	}
	return out
}

// fetchRemoteKey asks for the key of a secret that is created or reactivated. A failure refuses the
// call; text invented.
func (c *call) fetchRemoteKey(s *tenantSecret, cert *certificate, service *namedCredential) *reply {
	if status := c.s.callOut(s, cert, service, c.now); status != jwe.Success {
		return c.refuseUnknown("RemoteKeyIdentifier", "The callout for the key "+s.remoteIdentifier+" failed: "+
			string(status))
	}
	delete(c.s.world.estate().retries, s.id) // reactivating by hand stops the retries [D]
	return nil
}

// callOut asks the key service for a key and judges the answer. The simulator calls loopback
// addresses only: a service elsewhere is taken to answer well, so that cache-only keys can be tried
// without one. The lock is held when it is called and when it returns, but not while it waits.
func (s *Server) callOut(secret *tenantSecret, cert *certificate, service *namedCredential, now time.Time) jwe.Status {
	made := &callout{
		at: now, secret: secret.id, identifier: secret.remoteIdentifier,
		nonce: hex.EncodeToString(randomBytes(16)),
	}
	estate := s.world.estate()
	estate.callouts = append(estate.callouts, made)
	want := jwe.Expectation{
		KeyID: secret.remoteIdentifier, Nonce: made.nonce, ReplayDetection: s.world.settings.EnableReplayDetection,
	}
	if !onLoopback(service.endpoint) {
		made.status = jwe.Success
		return made.status
	}
	s.mu.Unlock()
	timeout := cmp.Or(s.options.keyServiceTimeout, keyServiceTimeout)
	httpStatus, answer, status := askKeyService(service.endpoint, secret.remoteIdentifier, made.nonce, timeout)
	if status == jwe.Success {
		_, status = jwe.Open(cert.key, answer, want)
	}
	s.mu.Lock()
	made.httpStatus, made.status = httpStatus, status
	return status
}

// askKeyService sends the request that key services see [C distributey]. Salesforce demands https;
// on loopback http will do.
func askKeyService(endpoint, identifier, nonce string, timeout time.Duration) (
	httpStatus int, answer []byte, status jwe.Status,
) {
	target, err := url.Parse(endpoint)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" {
		return 0, nil, jwe.UnknownError
	}
	target = target.JoinPath(identifier)
	query := target.Query()
	query.Set("requestId", nonce)
	target.RawQuery = query.Encode()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return 0, nil, jwe.UnknownError
	}
	req.Header.Set("User-Agent", "SFDC-Callout/49.0") // [C distributey]
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return 0, nil, jwe.ResponseTimeout
		}
		return 0, nil, jwe.UnknownError
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return resp.StatusCode, nil, jwe.ResponseTimeout
	case err != nil:
		return resp.StatusCode, nil, jwe.UnknownError
	case resp.StatusCode == http.StatusOK:
		return resp.StatusCode, answer, jwe.Success
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return resp.StatusCode, nil, jwe.AuthenticationFailure
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone: // which codes destroy is [U]
		return resp.StatusCode, nil, jwe.DestroyHTTPCode
	}
	return resp.StatusCode, nil, jwe.ErrorHTTPCode
}

func onLoopback(endpoint string) bool {
	target, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(target.Hostname())
	return strings.EqualFold(target.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
}

// FlushKeyCache makes the simulator ask again for the ACTIVE cache-only key of an id (15 or 18
// characters), as Salesforce does when its cache has dropped the key, and returns the callout's
// status code. On a failure the key is DESTROYED, and asked for again on the simulated clock [D
// Help cache_considerations].
func (s *Server) FlushKeyCache(id string) (string, error) {
	full, _ := parseID(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := s.world.secret(full)
	if secret == nil || secret.source != "REMOTE" || secret.status != "ACTIVE" {
		return "", fmt.Errorf("sfsim: flush: %q is not an ACTIVE cache-only key", id)
	}
	return string(s.refetch(secret, s.Clock.Now().Truncate(time.Second))), nil
}

// controlFlush takes {"id":"02G..."}, and answers {"status_code":"SUCCESS"}.
func (s *Server) controlFlush(r *http.Request) (any, error) {
	var want struct {
		ID string `json:"id"`
	}
	if err := readControl(r, &want); err != nil {
		return nil, err
	}
	status, err := s.FlushKeyCache(want.ID)
	if err != nil {
		return nil, err
	}
	return map[string]string{"status_code": status}, nil
}

// refetch asks for the key of an existing secret and sets its status by the outcome.
func (s *Server) refetch(secret *tenantSecret, now time.Time) jwe.Status {
	world := s.world
	status := jwe.UnknownError
	cert := world.certificateNamed(secret.remoteCertificate)
	at := slices.IndexFunc(world.namedCredentials, func(n *namedCredential) bool { return n.id == secret.remoteService })
	if cert != nil && at >= 0 {
		before := secret.status
		status = s.callOut(secret, cert, world.namedCredentials[at], now)
		if s.world != world || secret.status != before {
			return status // reset, or changed by hand meanwhile
		}
	}
	retries := world.estate().retries
	plan := retries[secret.id]
	switch {
	case status == jwe.Success:
		delete(retries, secret.id)
		// Only the most recent version of a type can be ACTIVE again [D ShieldREST]: two are never
		// ACTIVE.
		if secret.status == "DESTROYED" && world.newest(secret.typ) == secret {
			secret.status, secret.modified = "ACTIVE", now
		}
	case plan == nil:
		secret.status, secret.modified = "DESTROYED", now
		retries[secret.id] = &retry{failed: now, next: now.Add(retryOften)}
	case now.Sub(plan.failed) >= retryGivenUpFrom:
		delete(retries, secret.id)
	case now.Sub(plan.failed) < retryOftenFor:
		plan.next = now.Add(retryOften)
	default:
		plan.next = now.Add(retrySeldom)
	}
	return status
}

// retryCallouts makes the retries that are due.
func (c *call) retryCallouts() {
	world := c.s.world
	for _, secret := range slices.Clone(world.tenantSecrets) {
		plan := world.estate().retries[secret.id]
		if plan == nil || c.now.Before(plan.next) {
			continue
		}
		if secret.status != "DESTROYED" || world.newest(secret.typ) != secret { // reactivated by hand, or replaced
			delete(world.estate().retries, secret.id)
			continue
		}
		c.s.refetch(secret, c.now)
		if c.s.world != world {
			return
		}
	}
}
