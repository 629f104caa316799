package sfsim

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// session is what an access token stands for.
type session struct {
	user   *user
	issued time.Time // simulated
}

const (
	grantClientCredentials = "client_credentials"
	grantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // the name of a grant (RFC 7523)
)

func refuseOAuth(code, description string) *reply {
	return &reply{
		status: http.StatusBadRequest, errorCode: code, header: http.Header{"Cache-Control": {"no-store"}},
		body: object{{"error", code}, {"error_description", description}},
	}
}

// session returns the live session of a token, or nil.
func (s *Server) session(token string) *session {
	found := s.sessions[token]
	timeout := time.Duration(s.world.settings.SessionTimeoutSeconds) * time.Second
	if found == nil || timeout > 0 && s.Clock.Now().After(found.issued.Add(timeout)) {
		return nil
	}
	return found
}

// dispatchLogin serves what both hosts have: OAuth and identity. The login host has nothing else.
func (c *call) dispatchLogin() *reply {
	path := c.r.URL.Path
	switch {
	case path == "/services/oauth2/token":
		c.entry.Operation = "token"
		if c.r.Method != http.MethodPost {
			return methodNotAllowed(c.r.Method, []string{"POST"})
		}
		return c.issueToken()
	case path == "/services/oauth2/introspect" && c.r.Method == http.MethodPost:
		c.entry.Operation = "introspect"
		return c.introspect()
	case path == "/services/oauth2/revoke":
		c.entry.Operation = "revoke"
		return c.revokeToken()
	case path == "/services/oauth2/userinfo":
		c.entry.Operation = "userinfo"
		return c.identity(true)
	case strings.HasPrefix(path, "/id/"):
		c.entry.Operation = "identity"
		if c.session = c.s.session(c.bearer()); c.session != nil &&
			path != "/id/"+c.s.world.organization.id+"/"+c.session.user.id {
			return &reply{
				status: http.StatusForbidden, body: []byte("Wrong_Org"), contentType: "text/plain",
				errorCode: "Wrong_Org",
			}
		}
		return c.identity(false)
	default:
		c.violation("calls a path that the %s host does not have", c.host)
		return notFound()
	}
}

func (c *call) bearer() string {
	_, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token)
}

func (c *call) issueToken() *reply {
	for name := range c.r.URL.Query() {
		if name == "client_secret" || name == "assertion" {
			c.violation("puts %s into the URL", name)
		}
	}
	form, refusal := c.formValues()
	if refusal != nil {
		return refusal
	}
	switch form.Get("grant_type") {
	case grantClientCredentials:
		return c.clientCredentials(form)
	case grantJWTBearer:
		return c.jwtBearer(form.Get("assertion"))
	case "password":
		return refuseOAuth("invalid_grant", "authentication failure") // blocked by default [C]
	default:
		c.violation("asks for a token by a grant that does not exist")
		return refuseOAuth("unsupported_grant_type", "grant type not supported")
	}
}

// clientCredentials works on My Domain only [C pozil/pub-sub-api-node-client#58].
func (c *call) clientCredentials(form url.Values) *reply {
	if c.host == "login" {
		return refuseOAuth("invalid_grant", "request not supported on this domain")
	}
	if refusal := c.checkClient(form); refusal != nil {
		return refusal
	}
	if !c.s.world.mainUser().active {
		return refuseOAuth("invalid_grant", "no client credentials user enabled") // [R]
	}
	return c.grant(c.s.world.mainUser())
}

// checkClient authenticates the app by HTTP Basic or by the form.
func (c *call) checkClient(form url.Values) *reply {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, given := c.r.BasicAuth(); given {
		id, secret = user, password
	}
	if id != c.s.ClientID {
		return refuseOAuth("invalid_client_id", "client identifier invalid")
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(c.s.ClientSecret)) != 1 {
		return refuseOAuth("invalid_client", "invalid client credentials")
	}
	return nil
}

// grant issues a session. There is no expires_in and no refresh_token [D Help].
func (c *call) grant(u *user) *reply {
	token := c.s.world.newToken()
	c.s.sessions[token] = &session{user: u, issued: c.s.Clock.Now()}
	identity := c.s.LoginURL + "/id/" + c.s.world.organization.id + "/" + u.id
	issued := strconv.FormatInt(c.s.Clock.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(c.s.ClientSecret))
	mac.Write([]byte(identity + issued))
	return &reply{
		status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}},
		body: object{
			{"access_token", token},
			{"signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))},
			{"scope", "api"},
			{"instance_url", c.s.InstanceURL},
			{"id", identity},
			{"token_type", "Bearer"},
			{"issued_at", issued},
		},
	}
}

// jwtBearer verifies an RS256 assertion. Its times are judged by the real clock, because the client
// stamps it by its own.
func (c *call) jwtBearer(assertion string) *reply {
	invalid := refuseOAuth("invalid_grant", "invalid assertion") // [R]
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return invalid
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return invalid
		}
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Audience json.RawMessage `json:"aud"`
		Expires  json.Number     `json:"exp"`
	}
	if json.Unmarshal(decoded[0], &header) != nil || json.Unmarshal(decoded[1], &claims) != nil {
		return invalid
	}
	if header.Algorithm != "RS256" {
		c.violation("signs its assertion with an algorithm other than RS256")
		return invalid
	}
	if claims.Issuer != c.s.ClientID {
		return refuseOAuth("invalid_client_id", "client identifier invalid")
	}
	keys, err := embeddedKeys()
	if err != nil {
		return invalid
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&keys[appKeyFile].PublicKey, crypto.SHA256, sum[:], decoded[2]) != nil {
		return invalid
	}
	if refusal := c.checkPair(audiences(claims.Audience)); refusal != nil {
		return refusal
	}
	// Most clients let an assertion live for 3 to 5 minutes, but the Salesforce CLI writes
	// milliseconds where seconds belong, and gets its token [C @salesforce/core]: so there is no upper
	// bound.
	expires, err := claims.Expires.Float64()
	if err != nil || expires <= float64(time.Now().Unix()) {
		return refuseOAuth("invalid_grant", "expired authorization code")
	}
	for _, u := range c.s.world.users {
		if strings.EqualFold(u.username, claims.Subject) {
			if !u.active {
				return refuseOAuth("invalid_grant", "inactive user")
			}
			return c.grant(u)
		}
	}
	return refuseOAuth("invalid_grant", "user hasn't approved this consumer")
}

// audiences reads aud, which is a string or an array of them (RFC 7519).
func audiences(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return many
	}
	return nil
}

// jwtLogins and sessionEnds list the values of Settings.JWTLogin and Settings.SessionEnd.
var (
	jwtLogins   = []string{"any", "my_domain", "login_audience", "login_host"}
	sessionEnds = []string{"session", "header", "forbidden", "text"}
)

// checkPair judges the host that an assertion was posted to together with its audiences, by the
// kind of org.
func (c *call) checkPair(audiences []string) *reply {
	atLogin := c.host == "login"
	ofLogin, ofInstance := false, false
	for _, audience := range audiences {
		// The Salesforce CLI adds a slash to the host it was given [C @salesforce/core].
		audience = strings.TrimSuffix(audience, "/")
		ofInstance = ofInstance || audience == c.s.InstanceURL
		ofLogin = ofLogin || slices.Contains(c.loginAudiences(), audience)
	}
	fits := false
	switch c.s.world.settings.JWTLogin {
	case "my_domain":
		if atLogin {
			return refuseOAuth("app_not_found", "External client app is not installed in this org") // [C n8n#28990]
		}
		fits = ofInstance
	case "login_audience":
		fits = !atLogin && ofLogin
	case "login_host":
		fits = atLogin && ofLogin
	default:
		fits = ofLogin || ofInstance
	}
	if !fits {
		return refuseOAuth("invalid_grant", "audience is invalid")
	}
	return nil
}

// loginAudiences are the login host of the org's kind, as the real world and as the simulator call
// it.
func (c *call) loginAudiences() []string {
	if c.s.world.organization.kind == Sandbox {
		return []string{"https://test.salesforce.com", c.s.LoginURL}
	}
	return []string{"https://login.salesforce.com", c.s.LoginURL}
}

// introspect is the only way to learn when a session ends [D/C Salesforce Postman collection].
func (c *call) introspect() *reply {
	form, refusal := c.formValues()
	if refusal != nil {
		return refusal
	}
	if refusal := c.checkClient(form); refusal != nil {
		return refusal
	}
	found := c.s.session(form.Get("token"))
	if found == nil {
		return ok(object{{"active", false}})
	}
	expires := found.issued.Add(2 * time.Hour)
	if timeout := c.s.world.settings.SessionTimeoutSeconds; timeout > 0 {
		expires = found.issued.Add(time.Duration(timeout) * time.Second)
	}
	return ok(object{
		{"active", true},
		{"scope", "api"},
		{"client_id", c.s.ClientID},
		{"username", found.user.username},
		{"sub", c.s.LoginURL + "/id/" + c.s.world.organization.id + "/" + found.user.id},
		{"token_type", "access_token"},
		{"exp", expires.Unix()},
		{"iat", found.issued.Unix()},
		{"nbf", found.issued.Unix()},
	})
}

func (c *call) revokeToken() *reply {
	token, _ := c.query("token")
	if c.r.Method == http.MethodPost {
		form, refusal := c.formValues()
		if refusal != nil {
			return refusal
		}
		token = form.Get("token")
	}
	if c.s.sessions[token] == nil {
		return refuseOAuth("unsupported_token_type", "this token type is not supported") // [R]
	}
	delete(c.s.sessions, token)
	return &reply{status: http.StatusOK}
}

// identity answers the userinfo endpoint (OpenID names) and the id URL [R].
func (c *call) identity(openID bool) *reply {
	found := c.s.session(c.bearer())
	if found == nil {
		return &reply{
			status: http.StatusForbidden, body: []byte("Bad_OAuth_Token"), contentType: "text/html",
			errorCode: "Bad_OAuth_Token",
		}
	}
	u, org := found.user, c.s.world.organization.id
	urls := object{
		{"enterprise", c.s.InstanceURL + "/services/Soap/c/{version}/" + org[:15]},
		{"metadata", c.s.InstanceURL + "/services/Soap/m/{version}/" + org[:15]},
		{"partner", c.s.InstanceURL + "/services/Soap/u/{version}/" + org[:15]},
		{"rest", c.s.InstanceURL + "/services/data/v{version}/"},
		{"sobjects", c.s.InstanceURL + "/services/data/v{version}/sobjects/"},
		{"query", c.s.InstanceURL + "/services/data/v{version}/query/"},
		{"tooling_rest", c.s.InstanceURL + "/services/data/v{version}/tooling/"},
		{"tooling_soap", c.s.InstanceURL + "/services/Soap/T/{version}/" + org[:15]},
		{"custom_domain", c.s.InstanceURL},
	}
	id := c.s.LoginURL + "/id/" + org + "/" + u.id
	name := u.firstName + " " + u.lastName
	if openID {
		return ok(object{
			{"sub", id},
			{"user_id", u.id},
			{"organization_id", org},
			{"preferred_username", u.username},
			{"nickname", "integration"},
			{"name", name},
			{"email", u.email},
			{"email_verified", true},
			{"given_name", u.firstName},
			{"family_name", u.lastName},
			{"zoneinfo", "GMT"},
			{"urls", urls},
			{"active", u.active},
			{"user_type", "STANDARD"},
			{"language", "en_US"},
			{"locale", "en_US"},
			{"utcOffset", 0},
			{"updated_at", u.created.UTC().Format(time.RFC3339)},
		})
	}
	return ok(object{
		{"id", id},
		{"asserted_user", true},
		{"user_id", u.id},
		{"organization_id", org},
		{"username", u.username},
		{"nick_name", "integration"},
		{"display_name", name},
		{"email", u.email},
		{"email_verified", true},
		{"first_name", u.firstName},
		{"last_name", u.lastName},
		{"timezone", "GMT"},
		{"active", u.active},
		{"user_type", "STANDARD"},
		{"language", "en_US"},
		{"locale", "en_US"},
		{"utcOffset", 0},
		{"urls", urls},
		{"last_modified_date", datetime(u.created)},
		{"is_app_installed", true},
	})
}
