package salesforce

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/detach"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const (
	tokenPath          = "/services/oauth2/token" //nolint:gosec // a path, no credential
	organizationPrefix = "00D"
	userPrefix         = "005"
)

// Authenticator is how the client gets its access token: ClientCredentials,
// JWTBearer or AccessToken.
type Authenticator interface {
	// validate refuses what can't work, before anything is sent. instance is nil
	// if none is configured.
	validate(instance *url.URL) error
	// login gets a token.
	login(ctx context.Context, c *Client) (*grant, error)
	// renewable reports whether login can be repeated.
	renewable() bool
	// secrets are what no text may show.
	secrets() []string
}

// Session says who the client is.
type Session struct {
	// OrganizationID and UserID have 18 characters. UserID is "" if it is not
	// known, as with AccessToken.
	OrganizationID, UserID string
	// Sandbox is true if the hosts show that the org is a sandbox: its My
	// Domain has the label "sandbox", or the identity URL is of
	// test.salesforce.com [R]. False says nothing.
	Sandbox bool
}

// sandboxHosts recognises a sandbox by the host of its My Domain, as in
// example--uat.sandbox.my.salesforce.com, or of its identity URL.
func sandboxHosts(instance, identity string) bool {
	return strings.Contains(strings.ToLower(instance), ".sandbox.") || strings.EqualFold(identity, "test.salesforce.com")
}

// grant is one login: a token, and the only place that it may be sent to.
type grant struct {
	token   secret.Text
	base    *url.URL
	session Session
	// login counts the logins of the client, so that a call that finds its
	// session over can see whether another call has renewed it already.
	login int64
}

// Session logs in, if that has not happened, and reports which org and user the
// token is of. The org comes from the id URL of the token reply, else from the
// token's own prefix; only if neither names it is queried.
func (c *Client) Session(ctx context.Context) (Session, error) {
	g, err := c.authorize(ctx)
	if err != nil {
		return Session{}, err
	}
	if g.session.OrganizationID != "" {
		return g.session, nil
	}
	org, err := c.GetOrganization(ctx)
	if err != nil {
		return Session{}, err
	}
	session := g.session
	session.OrganizationID = org.ID
	c.current.CompareAndSwap(g, &grant{token: g.token, base: g.base, session: session, login: g.login})
	return session, nil
}

// authorize returns the current grant, or logs in.
func (c *Client) authorize(ctx context.Context) (*grant, error) {
	if g := c.current.Load(); g != nil {
		return g, nil
	}
	return c.relogin(ctx, nil)
}

// relogin replaces the grant that was found to be over. Callers that come at
// once share one login; one that comes late finds it done. The login is not
// bound to the caller that happened to come first: when that one gives up, the
// others still get the token.
func (c *Client) relogin(ctx context.Context, over *grant) (*grant, error) {
	result := c.logins.DoChan("", func() (any, error) {
		count := int64(1)
		if g := c.current.Load(); g != nil {
			if over == nil || g.login != over.login {
				return g, nil
			}
			count = g.login + 1
		}
		ctx, cancel := context.WithTimeout(detach.From(ctx), c.loginPatience())
		defer cancel()
		g, err := c.login(ctx, over)
		if err != nil {
			return nil, err
		}
		g.login = count
		c.current.Store(g)
		return g, nil
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("login: %w", ctx.Err())
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		g, ok := r.Val.(*grant)
		if !ok {
			return nil, errors.New("login: no session")
		}
		return g, nil
	}
}

// maxPairs is how many pairs of host and audience one login may try.
const maxPairs = 3

// loginPatience bounds a login with all its attempts.
func (c *Client) loginPatience() time.Duration {
	return maxPairs * time.Duration(c.maxRetries+1) * (c.timeout + backoffMax)
}

// login gets a token and checks which org it is of before it is used for
// anything else.
func (c *Client) login(ctx context.Context, over *grant) (*grant, error) {
	g, err := c.auth.login(ctx, c)
	if err != nil {
		return nil, err
	}
	if g.session.OrganizationID == "" && c.wantedOrganization != "" {
		org, err := c.getOrganization(ctx, g)
		if err != nil {
			return nil, fmt.Errorf("to compare the organization with organization_id: %w", err)
		}
		g.session.OrganizationID = org.ID
	}
	if c.wantedOrganization != "" && !SameID(g.session.OrganizationID, c.wantedOrganization) {
		return nil, &WrongOrganizationError{Want: c.wantedOrganization, Got: g.session.OrganizationID}
	}
	if over != nil {
		before := over.session.OrganizationID
		if after := g.session.OrganizationID; before != "" && after != "" && !SameID(before, after) {
			return nil, fmt.Errorf("%w: the first login of this run was to organization %s, the renewed one is to %s",
				ErrWrongOrganization, before, after)
		}
	}
	return g, nil
}

// ClientCredentials is the OAuth client credentials flow, with the run-as user
// of the app. The token comes from the org's My Domain host only [C].
type ClientCredentials struct {
	ClientID     string
	ClientSecret secret.Text
}

func (a ClientCredentials) validate(instance *url.URL) error {
	switch {
	case instance == nil:
		return ofSetting("instance_url", errors.New("instance_url is required with client credentials: the token comes "+
			"from the org's My Domain host"))
	case a.ClientID == "":
		return ofSetting("client_id", errors.New("client_id is required with client_secret"))
	case a.ClientSecret.Expose() == "":
		return ofSetting("client_secret", errors.New("client_secret is required with client_id"))
	}
	return cmp.Or(checkPasted("client_id", a.ClientID), checkPasted("client_secret", a.ClientSecret.Expose()))
}

func (ClientCredentials) renewable() bool { return true }

func (a ClientCredentials) secrets() []string { return []string{a.ClientSecret.Expose()} }

func (a ClientCredentials) login(ctx context.Context, c *Client) (*grant, error) {
	return c.exchange(ctx, tokenRequest{
		flow: "client credentials",
		pair: loginPair{host: c.instance},
		config: func(time.Time) (clientcredentials.Config, error) {
			return clientcredentials.Config{ClientID: a.ClientID, ClientSecret: a.ClientSecret.Expose()}, nil
		},
	})
}

// AccessToken is a session that already exists, such as sf org auth show-access-token shows.
// It can't be renewed.
type AccessToken struct{ Token secret.Text }

func (a AccessToken) validate(instance *url.URL) error {
	if instance == nil {
		return ofSetting("instance_url", errors.New("instance_url is required with access_token"))
	}
	return ofSetting("access_token", a.check())
}

func (a AccessToken) check() error {
	switch token := a.Token.Expose(); {
	case token == "":
		return errors.New("access_token is empty")
	case strings.HasPrefix(token, "[REDACTED]"):
		return errors.New("access_token is the text that sf org display prints in place of a token: take it from sf org " +
			"auth show-access-token --json")
	case token == "null", token == "undefined":
		return fmt.Errorf("access_token is the word %s, which a JSON query gives where there is no token: take it from "+
			".result.accessToken of sf org auth show-access-token --json", token)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("access_token holds a space, a line break or a character that no token has")
	default:
		return nil
	}
}

func (AccessToken) renewable() bool { return false }

func (a AccessToken) secrets() []string { return []string{a.Token.Expose()} }

func (a AccessToken) login(_ context.Context, c *Client) (*grant, error) {
	return &grant{
		token: a.Token,
		base:  c.instance,
		session: Session{
			OrganizationID: organizationOfToken(a.Token.Expose()),
			Sandbox:        sandboxHosts(c.instance.Hostname(), ""),
		},
	}, nil
}

// organizationOfToken reads the org id that a session id begins with, as in
// 00D...!AQ..., or "".
func organizationOfToken(token string) string {
	prefix, _, found := strings.Cut(token, "!")
	if !found || !strings.HasPrefix(prefix, organizationPrefix) {
		return ""
	}
	id, err := ID18(prefix)
	if err != nil {
		return ""
	}
	return id
}

// sessionOfIdentity reads the last two parts of an identity URL,
// .../id/00D.../005...
func sessionOfIdentity(identity string) Session {
	u, err := url.Parse(identity)
	if err != nil {
		return Session{}
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 2 {
		return Session{}
	}
	org, err := recordID(parts[len(parts)-2])
	if err != nil || org[:3] != organizationPrefix {
		return Session{}
	}
	user, err := recordID(parts[len(parts)-1])
	if err != nil || user[:3] != userPrefix {
		user = ""
	}
	return Session{OrganizationID: org, UserID: user}
}

// tokenRequest is one exchange with an OAuth token endpoint.
type tokenRequest struct {
	flow string
	// pair is where to ask; without an audience if the flow has none.
	pair loginPair
	// config is asked again for each attempt, with the time: an assertion is short-lived.
	config func(now time.Time) (clientcredentials.Config, error)
	// dated says that config depends on the time.
	dated bool
}

// errNoToken never says what the reply was: it may hold a token.
var errNoToken = errors.New("the reply could not be read as an OAuth token")

// exchange asks for a token, with the retries of a read: nothing is changed by
// asking twice.
func (c *Client) exchange(ctx context.Context, r tokenRequest) (*grant, error) {
	clock, corrected := c.now, false
	for attempt := 1; ; attempt++ {
		token, rep, err := c.exchangeOnce(ctx, r, clock())
		if err == nil {
			return c.grantOf(ctx, r, token)
		}
		failure, again := c.loginFailure(ctx, r, rep, err)
		// The refusal has shown the org's time. Where this machine's is another, the assertion may have
		// borne wrong dates.
		if refused := (*AuthError)(nil); errors.As(failure, &refused) && refused.kind == loginRefused && r.dated &&
			!corrected && c.Now().Sub(c.now()).Abs() > jwtLifetime/2 {
			clock, corrected = c.Now, true
			attempt--
			continue
		}
		if !again || attempt > c.maxRetries {
			return nil, failure
		}
		delay := c.backoff(attempt, retryAfterOf(failure))
		c.emit(ctx, Event{
			Kind: EventRetry, Method: http.MethodPost, Path: tokenPath, Host: r.pair.host.Host,
			Attempt: attempt, Delay: delay, Status: statusOf(rep),
		})
		if err := c.sleep(ctx, delay); err != nil {
			return nil, failure
		}
	}
}

// exchangeOnce asks once. The reply is nil if none came.
func (c *Client) exchangeOnce(ctx context.Context, r tokenRequest, now time.Time) (*oauth2.Token, *reply, error) {
	config, err := r.config(now)
	if err != nil {
		return nil, nil, err
	}
	c.hide(config.EndpointParams["assertion"]...)
	config.TokenURL = r.pair.host.JoinPath(tokenPath).String()
	// Detecting the style would try twice, and log a failed login.
	config.AuthStyle = oauth2.AuthStyleInParams
	ctx, cancel := c.bound(ctx, c.timeout)
	defer cancel()
	transport := &tokenTransport{client: c}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport, CheckRedirect: refuseRedirect})
	token, err := config.Token(ctx)
	if err == nil {
		c.hide(token.AccessToken)
	}
	return token, transport.reply, err
}

// loginFailure turns what came in place of a token into an error of this package, and reports
// whether to try again. Errors of the oauth2 package quote bodies, and are never kept.
//
//nolint:revive // the error is the subject, not the outcome
func (c *Client) loginFailure(ctx context.Context, r tokenRequest, rep *reply, err error) (failure error, again bool) {
	if local, ok := errors.AsType[*localError](err); ok {
		return local, false
	}
	if rep == nil {
		if broken, ok := errors.AsType[*url.Error](err); ok {
			err = broken.Err
		}
		return &ConnectionError{Method: http.MethodPost, Path: tokenPath, Host: r.pair.host.Host, Err: presentable(err)},
			ctx.Err() == nil && transient(err)
	}
	code, description := oauthError(rep.body)
	success := rep.status >= 200 && rep.status < 300
	if success && code == "" && !rep.isPage() {
		return &ConnectionError{Method: http.MethodPost, Path: tokenPath, Host: r.pair.host.Host, Err: errNoToken},
			ctx.Err() == nil
	}
	e := &AuthError{
		Flow:        r.flow,
		Host:        r.pair.host.Host,
		Audience:    r.pair.audience,
		Status:      rep.status,
		Code:        rep.text.Text(code, maxMessage),
		Description: rep.text.Text(description, maxMessage),
		Location:    rep.elsewhere(r.pair.host.Host),
		RetryAfter:  parseRetryAfter(rep.header, rep.serverTime()),
		kind:        classifyLogin(rep.status, code, description, rep.isPage()),
	}
	return e, e.kind == loginBusy || e.kind == loginLimit
}

// localError is a failure before anything was sent.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// grantOf decides where the token may go. A token belongs to two places: the
// host that issued it, and the instance_url that came with it. A configured
// instance_url must be one of them; if none is configured, the reply's is
// used. Anything else is an error, since the token would be shown to a host
// that nobody named.
func (c *Client) grantOf(ctx context.Context, r tokenRequest, token *oauth2.Token) (*grant, error) {
	identity, _ := token.Extra("id").(string)
	replied, _ := token.Extra("instance_url").(string)
	g := &grant{token: secret.NewText(token.AccessToken), session: sessionOfIdentity(identity)}
	if g.session.OrganizationID == "" {
		g.session.OrganizationID = organizationOfToken(token.AccessToken)
	}

	var instance *url.URL
	if replied != "" {
		u, err := url.Parse(replied)
		if err == nil {
			err = secureURL("the instance_url of the token reply", u)
		}
		if err == nil {
			instance = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}
		} else if c.instance == nil {
			return nil, errors.New("the token reply has no instance_url that a token may be sent to: it must be https")
		}
	}

	switch {
	case c.instance == nil && instance == nil:
		return nil, errors.New("the token reply has no instance_url: configure instance_url")
	case c.instance == nil:
		g.base = instance
	case instance != nil && sameOrigin(instance, c.instance):
		g.base = instance
	case sameOrigin(r.pair.host, c.instance):
		g.base = c.instance
		if instance != nil {
			c.emit(ctx, Event{
				Kind: EventInstanceDiffers,
				Host: instance.Host,
				Message: fmt.Sprintf("the token reply names %s as its instance; requests go to %s, which issued the token",
					instance.Host, c.instance.Host),
			})
		}
	case instance == nil:
		return nil, fmt.Errorf("the token was issued by %s without an instance_url, so it may not be sent to %s: check "+
			"login_url", r.pair.host.Host, c.instance.Host)
	default:
		return nil, fmt.Errorf("the token belongs to %s, but instance_url names %s: configure the instance of the user's "+
			"own org", instance.Host, c.instance.Host)
	}
	if u, err := url.Parse(identity); err == nil {
		g.session.Sandbox = sandboxHosts(g.base.Hostname(), u.Hostname())
	}
	c.emit(ctx, Event{
		Kind: EventLogin, Method: http.MethodPost, Path: tokenPath, Host: r.pair.host.Host,
		Message: "logged in by " + r.flow + " at " + r.pair.String(),
	})
	return g, nil
}

// maxTokenBody bounds the reply of a token endpoint.
const maxTokenBody = 1 << 20

// tokenTransport adds what the oauth2 package does not send, keeps the reply, and has it read as
// JSON whatever it says that it is.
type tokenTransport struct {
	client *Client
	reply  *reply
}

func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := t.client
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "application/json")
	resp, err := c.reads.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	rep := &reply{status: resp.StatusCode, header: resp.Header.Clone(), text: c.redactor()}
	rep.body, rep.bodyErr = readBody(resp.Body, maxTokenBody)
	rep.received = c.now()
	c.clock.note(rep.header, rep.received)
	if rep.bodyErr != nil {
		return nil, rep.bodyErr
	}
	t.reply = rep
	resp.Body = io.NopCloser(bytes.NewReader(rep.body))
	// Salesforce answers JSON only; the oauth2 package reads plain text as a form, and would miss the
	// error in it.
	resp.Header.Set("Content-Type", "application/json")
	return resp, nil
}

// checkPasted refuses what comes along when a value is pasted, and would be sent as part of it.
// Salesforce's answer to it would speak of something else.
func checkPasted(name, value string) error {
	switch {
	case strings.TrimFunc(value, unicode.IsSpace) != value:
		return ofSetting(name, fmt.Errorf("%s begins or ends with a blank or a line end, which would be sent as part of "+
			"it: remove it", name))
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return ofSetting(name, fmt.Errorf("%s holds a line end or another invisible character, which would be sent as part "+
			"of it: remove it", name))
	}
	return nil
}
