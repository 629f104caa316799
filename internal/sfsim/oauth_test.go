package sfsim_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// token posts a form to the token endpoint of a host.
func (c *client) tokenRequest(host string, form url.Values) *answer {
	c.t.Helper()
	bare := *c
	bare.token = ""
	a, err := bare.try(http.MethodPost, host+"/services/oauth2/token", []byte(form.Encode()),
		"application/x-www-form-urlencoded")
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// oauthRefused checks an OAuth error object.
func (a *answer) oauthRefused(code, description string) {
	a.t.Helper()
	var got struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	a.want(http.StatusBadRequest).into(&got)
	if got.Error != code || got.Description != description {
		a.t.Errorf("refused with %s, want %s: %s", a.body, code, description)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		a.t.Error("no Cache-Control: no-store")
	}
}

func (c *client) credentials() url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.server.ClientID},
		"client_secret": {c.server.ClientSecret},
	}
}

// The reply of a grant; there is no expires_in and no refresh_token [D].
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	c := start(t)
	var got map[string]string
	a := c.tokenRequest(c.server.InstanceURL, c.credentials()).want(http.StatusOK)
	a.into(&got)
	if len(got) != 7 || got["token_type"] != "Bearer" || got["instance_url"] != c.server.InstanceURL ||
		got["scope"] != "api" {
		t.Errorf("reply %v", got)
	}
	if !strings.HasPrefix(got["access_token"], c.server.OrganizationID[:15]+"!") {
		t.Errorf("access_token %s", got["access_token"])
	}
	if !strings.HasPrefix(got["id"], c.server.LoginURL+"/id/"+c.server.OrganizationID+"/005") {
		t.Errorf("id %s", got["id"])
	}
	if len(got["issued_at"]) != 13 {
		t.Errorf("issued_at %s, want milliseconds", got["issued_at"])
	}
	c.token = got["access_token"]
	c.get(data + "/limits").want(http.StatusOK)
	c.get(got["id"]).want(http.StatusOK)
	c.noViolations()
}

// Id and secret may go in HTTP Basic [C].
func TestClientCredentialsByBasic(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.token = ""
	for secret, status := range map[string]int{c.server.ClientSecret: http.StatusOK, "wrong": http.StatusBadRequest} {
		pair := base64.StdEncoding.EncodeToString([]byte(c.server.ClientID + ":" + secret))
		c.header.Set("Authorization", "Basic "+pair)
		a, err := c.try(http.MethodPost, "/services/oauth2/token", []byte("grant_type=client_credentials"),
			"application/x-www-form-urlencoded")
		if err != nil {
			t.Fatal(err)
		}
		a.want(status)
	}
}

// Refusals of the token endpoint.
func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	c := start(t)
	changed := func(name, value string) url.Values {
		form := c.credentials()
		form.Set(name, value)
		return form
	}
	// login. and test. refuse client credentials [C pozil/pub-sub-api-node-client#58].
	c.tokenRequest(c.server.LoginURL, c.credentials()).oauthRefused("invalid_grant",
		"request not supported on this domain")
	c.tokenRequest(c.server.InstanceURL, changed("client_secret", "x")).oauthRefused("invalid_client",
		"invalid client credentials")
	c.tokenRequest(c.server.InstanceURL, changed("client_id", "x")).oauthRefused("invalid_client_id",
		"client identifier invalid")
	c.tokenRequest(c.server.InstanceURL, changed("grant_type", "x")).oauthRefused("unsupported_grant_type",
		"grant type not supported")
	c.tokenRequest(c.server.InstanceURL, changed("grant_type", "password")).oauthRefused("invalid_grant",
		"authentication failure")
	c.do(http.MethodGet, "/services/oauth2/token", "").want(http.StatusMethodNotAllowed)
	c.do(http.MethodPost, "/services/oauth2/token", `{"grant_type":"client_credentials"}`).want(http.StatusBadRequest)
	for _, r := range c.server.Requests() {
		if r.Operation != "token" || r.Query != "" || r.Committed {
			t.Errorf("journal %+v", r)
		}
	}
}

// assertion signs claims with the app's key.
func assertion(t *testing.T, keyPEM, algorithm string, claims map[string]any) string {
	t.Helper()
	block, _ := pem.Decode([]byte(keyPEM))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, isRSA := parsed.(*rsa.PrivateKey)
	if !isRSA {
		t.Fatalf("the app's key is a %T", parsed)
	}
	return signed(t, key, algorithm, claims)
}

func signed(t *testing.T, key *rsa.PrivateKey, algorithm string, claims map[string]any) string {
	t.Helper()
	header, err := json.Marshal(map[string]string{"alg": algorithm})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// JWT bearer on both hosts, with everything of the assertion checked [C].
func TestJWTBearer(t *testing.T) {
	t.Parallel()
	c := start(t)
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	soon := time.Now().Add(3 * time.Minute).Unix()
	claims := func(change map[string]any) map[string]any {
		out := map[string]any{
			"iss": c.server.ClientID, "sub": c.server.Username, "aud": "https://login.salesforce.com",
			"exp": soon,
		}
		maps.Copy(out, change)
		return out
	}
	ask := func(host, text string) *answer {
		return c.tokenRequest(host, url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {text},
		})
	}
	sign := func(change map[string]any) string {
		return assertion(t, c.server.PrivateKeyPEM, "RS256", claims(change))
	}
	for _, host := range []string{c.server.InstanceURL, c.server.LoginURL} {
		for _, audience := range []any{
			"https://login.salesforce.com", c.server.LoginURL, c.server.LoginURL + "/",
			c.server.InstanceURL,
			[]string{c.server.LoginURL},
		} {
			ask(host, sign(map[string]any{"aud": audience})).want(http.StatusOK)
		}
		ask(host, sign(map[string]any{"aud": "https://test.salesforce.com"})).oauthRefused("invalid_grant",
			"audience is invalid")
		ask(host, sign(map[string]any{"iss": "x"})).oauthRefused("invalid_client_id", "client identifier invalid")
		ask(host, sign(map[string]any{"sub": "x@y.z"})).oauthRefused("invalid_grant", "user hasn't approved this consumer")
		ask(host, sign(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})).oauthRefused("invalid_grant",
			"expired authorization code")
		// as the Salesforce CLI does [C]
		ask(host, sign(map[string]any{"exp": time.Now().UnixMilli() + 300})).want(http.StatusOK)
		ask(host, sign(map[string]any{"exp": nil})).oauthRefused("invalid_grant", "expired authorization code")
		ask(host, signed(t, foreign, "RS256", claims(nil))).oauthRefused("invalid_grant", "invalid assertion")
		ask(host, assertion(t, c.server.PrivateKeyPEM, "RS512", claims(nil))).oauthRefused("invalid_grant",
			"invalid assertion")
		ask(host, "a.b").oauthRefused("invalid_grant", "invalid assertion")
		ask(host, "e30.e30.!").oauthRefused("invalid_grant", "invalid assertion")
		ask(host, "").oauthRefused("invalid_grant", "invalid assertion")
	}
}

func TestJWTBearerOfASandbox(t *testing.T) {
	t.Parallel()
	c := start(t, sfsim.WithKind(sfsim.Sandbox))
	for audience, status := range map[string]int{
		"https://test.salesforce.com": http.StatusOK, "https://login.salesforce.com": http.StatusBadRequest,
	} {
		text := assertion(t, c.server.PrivateKeyPEM, "RS256", map[string]any{
			"iss": c.server.ClientID, "sub": c.server.Username, "aud": audience, "exp": time.Now().Add(time.Minute).Unix(),
		})
		c.tokenRequest(c.server.LoginURL, url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {text},
		}).want(status)
	}
}

// Orgs differ in where an assertion may be posted, and for whom it must be [C].
func TestJWTLoginKinds(t *testing.T) {
	t.Parallel()
	const login = "https://login.salesforce.com"
	for kind, want := range map[string][4]string{
		// The host and the audience: My Domain and My Domain, My Domain and login, login and login, login
		// and My Domain.
		"any": {"", "", "", ""},
		"my_domain": {
			"", "audience is invalid", "External client app is not installed in this org",
			"External client app is not installed in this org",
		},
		"login_audience": {"audience is invalid", "", "audience is invalid", "audience is invalid"},
		"login_host":     {"audience is invalid", "audience is invalid", "", "audience is invalid"},
	} {
		c := start(t, configure(func(s *sfsim.Settings) { s.JWTLogin = kind }))
		for i, pair := range [4][2]string{
			{c.server.InstanceURL, c.server.InstanceURL},
			{c.server.InstanceURL, login},
			{c.server.LoginURL, login},
			{c.server.LoginURL, c.server.InstanceURL},
		} {
			a := c.tokenRequest(pair[0], url.Values{
				"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
				"assertion": {assertion(t, c.server.PrivateKeyPEM, "RS256", map[string]any{
					"iss": c.server.ClientID, "sub": c.server.Username, "aud": pair[1], "exp": time.Now().Add(time.Minute).Unix(),
				})},
			})
			switch want[i] {
			case "":
				a.want(http.StatusOK)
			case "audience is invalid":
				a.oauthRefused("invalid_grant", want[i])
			default:
				a.oauthRefused("app_not_found", want[i])
			}
		}
		c.noViolations()
	}
}

// A session ends by several names [C], and SOAP takes no token in the form of a JWT [C].
func TestSessionEndsByItsNames(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]struct {
		status     int
		code, text string
	}{
		"session":   {http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid"},
		"header":    {http.StatusUnauthorized, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT"},
		"forbidden": {http.StatusForbidden, "INVALID_SESSION_ID", "Session expired or invalid"},
		"text":      {http.StatusForbidden, "", "Bad_OAuth_Token"},
	} {
		c := start(t, configure(func(s *sfsim.Settings) { s.SessionEnd, s.JWTTokens = kind, true }))
		if strings.Count(c.server.AccessToken, ".") != 2 || !strings.HasPrefix(c.server.AccessToken, "eyJ") {
			t.Errorf("%s: the token is no JWT", kind)
		}
		c.token = c.server.AccessToken
		c.get(data + "/limits").want(http.StatusOK)
		c.server.RevokeTokens()
		a := c.get(data + "/limits").want(want.status)
		if want.code == "" {
			if string(a.body) != want.text {
				t.Errorf("%s: %s", kind, a.body)
			}
			continue
		}
		if r := a.refused(want.status, want.code); r.Message != want.text {
			t.Errorf("%s: %v", kind, r)
		}
	}
}

// A name that a web page has made resolve to this machine is no host of an org's [D RESTdoc: 420].
func TestHostIsOfThisMachine(t *testing.T) {
	t.Parallel()
	c := start(t)
	for host, status := range map[string]int{
		"evil.example": 420, "evil.example:80": 420, "169.254.169.254": 420,
		"localhost": http.StatusOK, "[::1]:9": http.StatusOK, "127.9.9.9": http.StatusOK,
	} {
		for _, path := range []string{data + "/limits", "/services/data/"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.InstanceURL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			req.Header.Set("Authorization", "Bearer "+c.server.AccessToken)
			resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != status {
				t.Errorf("%s%s: status %d, want %d", host, path, resp.StatusCode, status)
			}
		}
	}
	if n := len(c.server.Violations()); n != 6 {
		t.Errorf("%d violations, want 6", n)
	}
}

// An expired or revoked session is 401 INVALID_SESSION_ID [C].
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	c := start(t, configure(func(s *sfsim.Settings) { s.SessionTimeoutSeconds = 3600 }))
	c.get(data + "/limits").want(http.StatusOK)
	c.server.Clock.Advance(2 * time.Hour)
	a := c.get(data + "/limits")
	if r := a.refused(http.StatusUnauthorized, "INVALID_SESSION_ID"); r.Message != "Session expired or invalid" {
		t.Errorf("message %q", r.Message)
	}
	if a.header.Get("Www-Authenticate") != "Token" {
		t.Errorf("WWW-Authenticate %q", a.header.Get("Www-Authenticate"))
	}

	old := c.token
	c.token = c.server.RevokeTokens()
	c.get(data + "/limits").want(http.StatusOK)
	c.token = old
	c.get(data+"/limits").refused(http.StatusUnauthorized, "INVALID_SESSION_ID")
	c.noViolations()
	c.token = ""
	c.get(data+"/limits").refused(http.StatusUnauthorized, "INVALID_SESSION_ID")
	if n := len(c.server.Violations()); n != 1 {
		t.Errorf("%d violations after a call without a token, want 1", n)
	}
}

// Refusals that no new token helps against [C jsforce#1301, ForceCLI].
func TestSessionSwitches(t *testing.T) {
	t.Parallel()
	c := start(t, configure(func(s *sfsim.Settings) { s.SessionUnfit = true }))
	if r := c.get(data+"/limits").refused(http.StatusUnauthorized,
		"INVALID_SESSION_ID"); r.Message != "This session is not valid for use with the REST API" {
		t.Errorf("message %q", r.Message)
	}
	c.server.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.SessionUnfit, s.APIDisabled = false, true })
	c.get(data+"/limits").refused(http.StatusForbidden, "API_DISABLED_FOR_ORG")
}

// Introspection, userinfo, the id URL, revocation [D/C Salesforce Postman collection, R].
func TestIdentityEndpoints(t *testing.T) {
	t.Parallel()
	c := start(t)
	introspect := func() map[string]any {
		form := c.credentials()
		form.Set("token", c.token)
		a, err := c.try(http.MethodPost, "/services/oauth2/introspect", []byte(form.Encode()),
			"application/x-www-form-urlencoded")
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any
		a.want(http.StatusOK).into(&out)
		return out
	}
	live := introspect()
	if live["active"] != true || live["username"] != c.server.Username || live["client_id"] != c.server.ClientID {
		t.Errorf("introspection %v", live)
	}
	info := c.get("/services/oauth2/userinfo").record()
	if info["organization_id"] != c.server.OrganizationID || info["preferred_username"] != c.server.Username ||
		info["sub"] != live["sub"] {
		t.Errorf("userinfo %v", info)
	}
	id := c.get(fmt.Sprint(info["sub"])).record()
	if id["user_id"] != info["user_id"] || id["username"] != c.server.Username {
		t.Errorf("identity %v", id)
	}
	c.get(c.server.LoginURL + "/id/" + c.server.OrganizationID + "/005000000000000AAA").want(http.StatusForbidden)

	a, err := c.try(http.MethodPost, "/services/oauth2/revoke", []byte(url.Values{"token": {c.token}}.Encode()),
		"application/x-www-form-urlencoded")
	if err != nil {
		t.Fatal(err)
	}
	a.want(http.StatusOK)
	if got := introspect(); got["active"] != false || len(got) != 1 {
		t.Errorf("introspection of a revoked token %v", got)
	}
	c.get("/services/oauth2/userinfo").want(http.StatusForbidden)
	c.get(data+"/limits").refused(http.StatusUnauthorized, "INVALID_SESSION_ID")
}
