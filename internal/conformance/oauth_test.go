package conformance_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// oauthRefused checks an OAuth error: an object of two texts, with status 400.
func (r reply) oauthRefused(code, description string) {
	r.p.Helper()
	r.want(http.StatusBadRequest)
	var body map[string]any
	if err := json.Unmarshal(r.body, &body); err != nil {
		r.p.Fatalf("%s: the body is no object", r.what)
	}
	r.p.matches(body, map[string]any{"error": code, "error_description": description})
}

// wantClientCredentials skips if another way to log in was given.
func (p *probe) wantClientCredentials() {
	p.Helper()
	if p.credentials.clientSecret == "" {
		p.Skip("no client secret is given")
	}
}

func (p *probe) granted() map[string]any {
	p.Helper()
	p.wantClientCredentials()
	return p.tokenRequest(p.instance, p.form(), nil).want(http.StatusOK).object()
}

func oauthFacts() []fact {
	return []fact{
		{
			"TokenReplyHasNoExpiry", "2.1", "D", "Help remoteaccess_oauth_client_credentials_flow",
			"A client credentials token comes with `token_type` Bearer, `instance_url` and `issued_at`, without `expires_in` " +
				"and `refresh_token`.",
			0, "", func(p *probe) {
				answer := p.granted()
				p.equal("token_type", answer["token_type"], "Bearer")
				p.equal("instance_url", p.text(answer, "instance_url"), p.instance)
				for _, name := range []string{"expires_in", "refresh_token"} {
					if _, present := answer[name]; present {
						p.Errorf("there is a member %s", name)
					}
				}
			},
		},
		{
			"TokenIsIssuedAtAStringOfMilliseconds", "2.1", "D", "Help remoteaccess_oauth_client_credentials_flow",
			"`issued_at` is a string: milliseconds since 1970.", 0, "", func(p *probe) {
				issued, err := strconv.ParseInt(p.text(p.granted(), "issued_at"), 10, 64)
				if at := time.UnixMilli(issued); err != nil || time.Since(at).Abs() > time.Hour {
					p.Errorf("issued_at is %s, %v", at, err)
				}
			},
		},
		{
			"TokenNamesOrganizationAndUser", "2.1", "D", "Help remoteaccess_oauth_client_credentials_flow",
			"The last two parts of the token's `id` are the ids of the org (00D, 18 characters) and of the user (005).", 0, "",
			func(p *probe) {
				parts := strings.Split(p.text(p.granted(), "id"), "/")
				organization, user := parts[len(parts)-2], parts[len(parts)-1]
				rows, _ := p.query("/query", "SELECT Id FROM Organization")
				if len(rows) != 1 || rows[0]["Id"] != organization {
					p.Error("the organization's id is not that of the row Organization")
				}
				if len(user) != 18 || !strings.HasPrefix(user, "005") {
					p.Errorf("user id %q", user)
				}
			},
		},
		{
			"ClientMayAuthenticateByBasic", "2.1", "C", "simple-salesforce",
			"Client id and secret may be sent as HTTP Basic instead of in the form.", 0, "", func(p *probe) {
				p.wantClientCredentials()
				basic := base64.StdEncoding.EncodeToString([]byte(p.credentials.clientID + ":" + p.credentials.clientSecret))
				p.tokenRequest(p.instance, url.Values{"grant_type": {"client_credentials"}},
					http.Header{"Authorization": {"Basic " + basic}}).
					want(http.StatusOK)
			},
		},
		{
			"LoginHostRefusesClientCredentials", "2.1", "C", "pozil/pub-sub-api-node-client#58",
			"The login host grants no client credentials: 400 `invalid_grant`, \"request not supported on this domain\".", sends,
			"",
			func(p *probe) {
				form := p.form()
				form.Set("client_secret", "not sent there")
				p.tokenRequest(p.login, form, nil).oauthRefused("invalid_grant", "request not supported on this domain")
			},
		},
		{
			"WrongClientSecretIsInvalidClient", "2.4", "C", "restforce#338",
			"A wrong client secret is 400 with the object `{\"error\":\"invalid_client\",\"error_description\":\"invalid " +
				"client credentials\"}`.",
			sends, "", func(p *probe) {
				p.wantClientCredentials()
				form := p.form()
				form.Set("client_secret", "wrong")
				p.tokenRequest(p.instance, form, nil).oauthRefused("invalid_client", "invalid client credentials")
			},
		},
		{
			"UnknownClientIsInvalidClientID", "2.4", "C", "forrest#290",
			"An unknown client id is 400 `invalid_client_id`, \"client identifier invalid\".", sends, "", func(p *probe) {
				form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"nobody"}, "client_secret": {"wrong"}}
				p.tokenRequest(p.instance, form, nil).oauthRefused("invalid_client_id", "client identifier invalid")
			},
		},
		{
			"UnknownGrantIsUnsupported", "2.4", "C", "public code",
			"An unknown grant type is 400 `unsupported_grant_type`, \"grant type not supported\".", sends, "", func(p *probe) {
				p.tokenRequest(p.instance, url.Values{"grant_type": {"nothing"}}, nil).
					oauthRefused("unsupported_grant_type", "grant type not supported")
			},
		},
		{
			"JWTBearerGrantsNoRefreshToken", "2.2", "C", "simple-salesforce, go-salesforce",
			"JWT bearer works on the login host with RS256 and three minutes of validity; no refresh token and no " +
				"`expires_in` come back.", 0, "",
			func(p *probe) {
				answer := p.tokenRequest(p.login, url.Values{
					"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
					"assertion":  {p.assertion(time.Now().Add(3 * time.Minute))},
				}, nil).want(http.StatusOK).object()
				for _, name := range []string{"access_token", "instance_url", "id", "token_type", "scope"} {
					_ = p.text(answer, name)
				}
				for _, name := range []string{"expires_in", "refresh_token"} {
					if _, present := answer[name]; present {
						p.Errorf("there is a member %s", name)
					}
				}
			},
		},
		{
			"ExpiredAssertionIsAnExpiredCode", "2.4", "C", "stackexchange",
			"An assertion whose `exp` has passed is 400 `invalid_grant`, \"expired authorization code\".", sends, "",
			func(p *probe) {
				p.tokenRequest(p.login, url.Values{
					"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
					"assertion":  {p.assertion(time.Now().Add(-time.Hour))},
				}, nil).oauthRefused("invalid_grant", "expired authorization code")
			},
		},
		{
			"IntrospectionTellsTheExpiry", "2.3", "D, C", "Salesforce's Postman collection",
			"`/services/oauth2/introspect` shows `active`, `username`, `sub` and the moments `iat`, `nbf` and `exp` of a " +
				"token.", 0, "",
			func(p *probe) {
				p.wantClientCredentials()
				form := url.Values{
					"token": {p.session()}, "token_type_hint": {"access_token"}, "client_id": {p.credentials.clientID},
					"client_secret": {p.credentials.clientSecret},
				}
				r := p.send(http.MethodPost, p.instance+"/services/oauth2/introspect",
					http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
				answer := r.want(http.StatusOK).object()
				p.matches(answer, map[string]any{"active": true, "token_type": "access_token"})
				for _, name := range []string{"iat", "nbf", "exp"} {
					if _, isNumber := answer[name].(float64); !isNumber {
						p.Errorf("%s is a %T, want a number", name, answer[name])
					}
				}
			},
		},
		{
			"EndedSessionIs401", "2.1", "C", "restforce#284",
			"A session that does not exist is 401 with the array `[{\"message\":\"Session expired or " +
				"invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]`.",
			sends, "", func(p *probe) {
				p.send(http.MethodGet, "/limits", http.Header{"Authorization": {"Bearer 00D000000000000!ended"}}, nil).
					refused(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
			},
		},
	}
}
