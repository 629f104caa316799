package salesforce

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultAPIVersion keeps SearchIndex on TenantSecret: from 63.0 on it moves
	// to DataEncryptionKey on Hyperforce [D ObjRef].
	DefaultAPIVersion = "62.0"
	// MinAPIVersion is the first with every field of TenantSecret that this
	// client reads: the RemoteKey fields came with it [D ObjRef].
	MinAPIVersion = 45
	// DefaultRequestTimeout bounds one attempt of one call.
	DefaultRequestTimeout = 60 * time.Second

	defaultUserAgent = "terraform-provider-salesforcebyok"
	maxConcurrent    = 8
)

// Config says which org a [Client] talks to, as whom, and how patiently.
type Config struct {
	// InstanceURL is the My Domain URL, "https://x.my.salesforce.com", without a
	// path. http is accepted for a loopback host only. With JWTBearer it may be
	// empty; requests then go to the instance_url of the token reply.
	InstanceURL string
	// APIVersion is used by every call, such as "62.0", which is the default.
	APIVersion string
	// Auth is one of ClientCredentials, JWTBearer and AccessToken.
	Auth Authenticator
	// OrganizationID, of 15 or 18 characters, pins the org: a login that
	// reaches another one is a [WrongOrganizationError], before any other call.
	OrganizationID string
	// MaxRetries is how often a call may be repeated; 0 is never.
	MaxRetries int
	// RequestTimeout bounds one attempt, with its body; 0 is the default.
	RequestTimeout time.Duration
	// UserAgent names the caller.
	UserAgent string
	// Transport replaces the client's own, which wants TLS 1.2 or newer and
	// takes proxies and roots from the standard environment.
	Transport http.RoundTripper
	// Events receives structured events for logs. It must be safe for
	// concurrent use.
	Events func(context.Context, Event)
	// WithTimeout replaces [context.WithTimeout], by which RequestTimeout bounds an attempt: a test
	// ends one when it likes.
	WithTimeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	// Sleep replaces every wait of the client, before a retry or between two polls. It returns early,
	// with the context's error, if the context ends.
	Sleep func(context.Context, time.Duration) error
}

var apiVersionForm = regexp.MustCompile(`^([1-9][0-9]{1,2})\.0$`)

// parseAPIVersion returns the whole number of a version like "62.0".
func parseAPIVersion(s string) (int, error) {
	m := apiVersionForm.FindStringSubmatch(s)
	if m == nil {
		return 0, errors.New("api_version is not of the form \"62.0\"")
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, fmt.Errorf("api_version: %w", err)
	}
	if n < MinAPIVersion {
		return 0, fmt.Errorf("api_version %s is too old: this client needs %d.0 or newer, the first with every field of "+
			"TenantSecret", s, MinAPIVersion)
	}
	return n, nil
}

// isLoopback reports whether a host without its port is of this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// parseHostURL parses a URL that names a host only. The value is never quoted
// in errors: it may be a credential in the wrong place.
func parseHostURL(name, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%s is not a URL", name)
	}
	if err := secureURL(name, u); err != nil {
		return nil, err
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return nil, fmt.Errorf("%s must be a scheme and a host only, without a path, query or fragment", name)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// parseInstanceURL parses a My Domain URL.
func parseInstanceURL(s string) (*url.URL, error) {
	u, err := parseHostURL("instance_url", s)
	if err == nil && isLoginHost(u.Hostname()) {
		return nil, fmt.Errorf("instance_url must be the org's My Domain URL, such as https://example.my.salesforce.com; "+
			"%s only serves logins", u.Hostname())
	}
	return u, err
}

// secureURL refuses a URL to which no credential may be sent.
func secureURL(name string, u *url.URL) error {
	switch {
	case u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("%s must be an absolute URL such as https://example.my.salesforce.com", name)
	case u.User != nil:
		return fmt.Errorf("%s must not hold a user name or password", name)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return checkHost(name, u)
	case u.Scheme == "http":
		return fmt.Errorf("%s must be https; http is accepted for a loopback host only", name)
	default:
		return fmt.Errorf("%s must be https", name)
	}
}

// New checks the configuration and returns a client. Nothing is sent before
// the first call.
func New(cfg Config) (*Client, error) {
	c := &Client{
		auth:       cfg.Auth,
		maxRetries: cfg.MaxRetries,
		timeout:    cfg.RequestTimeout,
		userAgent:  cfg.UserAgent,
		events:     cfg.Events,
		slots:      make(chan struct{}, maxConcurrent),
		maxRows:    maxRows,
		maxQuery:   maxQuery,
		now:        time.Now,
		sleep:      cfg.Sleep,
		jitter:     fullJitter,
		bound:      cfg.WithTimeout,
	}
	if c.bound == nil {
		c.bound = context.WithTimeout
	}
	if c.sleep == nil {
		c.sleep = sleepContext
	}
	if c.auth == nil {
		return nil, errors.New("no credentials: give client_id and client_secret, or client_id, username and private_key, " +
			"or access_token")
	}
	if cfg.InstanceURL != "" {
		u, err := parseInstanceURL(cfg.InstanceURL)
		if err != nil {
			return nil, ofSetting("instance_url", err)
		}
		c.instance = u
	}
	c.apiVersion = cfg.APIVersion
	if c.apiVersion == "" {
		c.apiVersion = DefaultAPIVersion
	}
	var err error
	if c.apiNumber, err = parseAPIVersion(c.apiVersion); err != nil {
		return nil, ofSetting("api_version", err)
	}
	if err := c.auth.validate(c.instance); err != nil {
		return nil, err
	}
	if cfg.OrganizationID != "" {
		if c.wantedOrganization, err = ID18(cfg.OrganizationID); err != nil {
			return nil, ofSetting("organization_id", fmt.Errorf("organization_id: %w", err))
		}
		if c.wantedOrganization[:3] != organizationPrefix {
			return nil, ofSetting("organization_id", fmt.Errorf("organization_id must begin with %s, as every organization id "+
				"does", organizationPrefix))
		}
	}
	if cfg.MaxRetries < 0 {
		return nil, ofSetting("max_retries", errors.New("max_retries must not be negative"))
	}
	if cfg.RequestTimeout < 0 {
		return nil, ofSetting("request_timeout_seconds", errors.New("request_timeout_seconds must not be negative"))
	}
	if c.timeout == 0 {
		c.timeout = DefaultRequestTimeout
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	reads, writes := cfg.Transport, cfg.Transport
	if cfg.Transport == nil {
		reads, writes = ownTransports()
		c.traced = true
	}
	c.reads = &http.Client{Transport: withoutUpgrades{reads}, CheckRedirect: refuseRedirect}
	c.writes = &http.Client{Transport: withoutUpgrades{writes}, CheckRedirect: refuseRedirect}
	c.hide(c.auth.secrets()...)
	return c, nil
}

// ownTransports makes one transport for reads and one for writes. A write
// always opens its own connection: a reused one may have been closed by the
// server in the meantime, and then nobody knows whether the write arrived.
func ownTransports() (reads, writes *http.Transport) {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	reads = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    30 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    maxConcurrent,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		OnProxyConnectResponse: refusedByProxy,
	}
	writes = reads.Clone()
	writes.DisableKeepAlives = true
	return reads, writes
}

// refusedByProxy turns down the answer of a proxy that does not connect. Without it net/http would
// make an error of the proxy's words.
func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{answer.StatusCode}
}

// refuseRedirect makes a 3xx an ordinary, failed reply.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// withoutUpgrades ends a connection that a server wants to use for another protocol. net/http hands
// it over, and then neither the timeout nor the end of the context closes it.
type withoutUpgrades struct{ base http.RoundTripper }

func (t withoutUpgrades) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		_ = resp.Body.Close() // nothing of it is wanted
		resp.Body = http.NoBody
	}
	return resp, err
}
