package salesforce

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func TestClassifyLogin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status            int
		code, description string
		page              bool
		want              loginKind
	}{
		{400, "unknown_error", "retry your request", false, loginBusy},
		{400, "UNKNOWN_ERROR", "", false, loginBusy},
		{400, "temporarily_unavailable", "x", false, loginBusy},
		{503, "temporarily_unavailable", "x", false, loginBusy},
		{400, "server_error", "", false, loginBusy},
		{400, "invalid_grant", "Retry your request", false, loginBusy},
		{500, "", "", true, loginBusy},
		{420, "", "", true, loginBusy},
		{503, "", "", false, loginBusy},
		{400, "rate_limit_exceeded", "", false, loginLimit},
		{400, "invalid_grant", "login rate exceeded", false, loginLimit},
		{403, "", "Login Rate Exceeded", false, loginLimit},
		{429, "", "", true, loginLimit},
		{301, "", "", false, loginMoved},
		{302, "", "", true, loginMoved},
		{308, "", "", false, loginMoved},
		{101, "", "", false, loginMoved},
		{404, "", "", false, loginMoved},
		{404, "", "", true, loginMoved},
		{405, "", "", false, loginMoved},
		{200, "", "", true, loginMoved},
		{401, "", "", true, loginMoved},
		{400, "app_not_found", "External client app is not installed in this org", false, loginElsewhere},
		{400, "invalid_grant", "audience is invalid", false, loginElsewhere},
		{400, "invalid_grant", "Audience validation failed", false, loginElsewhere},
		{400, "invalid_client", "the audience of this app", false, loginRefused},
		{400, "invalid_grant", "authentication failure", false, loginRefused},
		{400, "invalid_grant", "user hasn't approved this consumer", false, loginRefused},
		{400, "invalid_grant", "request not supported on this domain", false, loginRefused},
		{400, "invalid_client_id", "client identifier invalid", false, loginRefused},
		{401, "invalid_client", "", false, loginRefused},
		{404, "invalid_request", "", false, loginRefused},
		{200, "invalid_grant", "", false, loginRefused},
		{400, "", "", false, loginForeign},
		{401, "", "", false, loginForeign},
		{403, "", "policy", false, loginForeign},
	} {
		if got := classifyLogin(tc.status, tc.code, tc.description, tc.page); got != tc.want {
			t.Errorf("%d %q %q %t: %d, want %d", tc.status, tc.code, tc.description, tc.page, got, tc.want)
		}
	}
}

// FuzzLogin: whatever a token endpoint answers, it is judged, is repeated only so often, and
// nothing of what was sent is shown.
func FuzzLogin(f *testing.F) {
	const clientSecret = "hunter2-client-secret-of-the-fuzzer"
	for _, body := range []string{
		`{"error":"unknown_error","error_description":"retry your request"}`,
		`{"error":"invalid_grant","error_description":"login rate exceeded"}`,
		`{"error":"app_not_found"}`, `{"error":["a"],"error_description":{"b":1}}`, `<html>`, `[{"errorCode":"X"}]`, `"x"`,
		``,
		`{"error":"x\u202e\n","error_description":"` + clientSecret + `"}`,
	} {
		for _, status := range []int{200, 302, 400, 404, 429, 503} {
			f.Add(status, body, "https://elsewhere.example/?"+clientSecret)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, location string) {
		if status < 101 || status > 599 {
			return
		}
		code, description := oauthError([]byte(body))
		if kind := classifyLogin(status, code, description, false); kind < loginRefused || kind > loginForeign {
			t.Errorf("kind %d", kind)
		}
		logins := 0
		c := inMemory(t, func(*http.Request) (*http.Response, error) {
			logins++
			answer := page(status, body)
			answer.Header.Set("Location", location)
			return answer, nil
		}, func(cfg *Config) {
			cfg.MaxRetries, cfg.Sleep = 2, (&pauses{}).sleep
			cfg.Auth = ClientCredentials{ClientID: "app", ClientSecret: secret.NewText(clientSecret)}
		})
		_, err := c.Session(t.Context())
		if logins < 1 || err != nil && logins > 3 {
			t.Errorf("%d logins: %v", logins, err)
		}
		if err == nil {
			return
		}
		for i := 0; i+16 <= len(clientSecret); i++ {
			if strings.Contains(err.Error(), clientSecret[i:i+16]) {
				t.Errorf("the error quotes the secret: %v", err)
			}
		}
		if strings.ContainsAny(err.Error(), "\n\r\x1b\u202e") {
			t.Errorf("the error %q has more than one line", err)
		}
	})
}

// TestLoginsThatMustBeTriedAgain: within bounds, with words that fit where they stay.
func TestLoginsThatMustBeTriedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply http.HandlerFunc
		is    []error
	}{
		"retry your request": {
			answer(400, `{"error":"unknown_error","error_description":"retry your request"}`),
			[]error{ErrUnavailable},
		},
		"unavailable":  {answer(400, `{"error":"temporarily_unavailable"}`), []error{ErrUnavailable}},
		"server error": {answer(400, `{"error":"server_error"}`), []error{ErrUnavailable}},
		"rate":         {answer(400, `{"error":"rate_limit_exceeded"}`), []error{ErrUnavailable, ErrLoginLimit}},
		"login rate": {
			answer(400, `{"error":"invalid_grant","error_description":"login rate exceeded"}`),
			[]error{ErrUnavailable, ErrLoginLimit},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(queryRoute, answer(200, emptyPage))
			o.login = func(w http.ResponseWriter, r *http.Request) {
				if o.loginCount() < 3 {
					tc.reply(w, r)
					return
				}
				o.grant(w, testToken, o.URL)
			}
			c, p, _ := o.client()
			if _, err := c.ListTenantSecrets(t.Context()); err != nil || len(p.all()) != 2 {
				t.Errorf("%v after %d pauses", err, len(p.all()))
			}
			stays := newOrg(t)
			stays.login = tc.reply
			c, _, _ = stays.client()
			_, err := c.ListTenantSecrets(t.Context())
			for _, sentinel := range []error{ErrUnavailable, ErrLoginLimit, ErrUnauthorized, ErrWrongHost} {
				if errors.Is(err, sentinel) != slices.Contains(tc.is, sentinel) {
					t.Errorf("%v is %v: %t", err, sentinel, errors.Is(err, sentinel))
				}
			}
			if n := stays.loginCount(); n != 4 {
				t.Errorf("%d logins, want 4", n)
			}
		})
	}
}

// TestLoginMoved: what no token endpoint answers names where it points to, and is not sent again,
// nor followed.
func TestLoginMoved(t *testing.T) {
	t.Parallel()
	const target = "https://new-name.my.salesforce.com/services/oauth2/token?x=" + testSecret
	for _, status := range []int{200, 301, 302, 303, 307, 308, 401, 404, 405} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.login = answer(status, `<html>moved</html>`, "Location", target)
			c, p, _ := o.client()
			_, err := c.ListTenantSecrets(t.Context())
			if !errors.Is(err, ErrWrongHost) || errors.Is(err, ErrUnauthorized) ||
				!strings.Contains(err.Error(), "it points to new-name.my.salesforce.com") {
				t.Errorf("error %v", err)
			}
			if strings.Contains(err.Error(), testSecret) || o.loginCount() != 1 || len(p.all()) != 0 {
				t.Errorf("%d logins: %v", o.loginCount(), err)
			}
		})
	}
}

func TestLoginPairs(t *testing.T) {
	t.Parallel()
	const (
		d, l, test = "https://x.my.salesforce.com", "https://login.salesforce.com", "https://test.salesforce.com"
		sandbox    = "https://x--dev.sandbox.my.salesforce.com"
		foreign    = "https://gateway.example"
		local      = "http://127.0.0.1:1"
	)
	for name, tc := range map[string]struct {
		instance, login, audience string
		want                      []string
		text                      string
	}{
		"neither":          {d, "", "", []string{d, d, d, l, l, l}, ""},
		"neither, sandbox": {sandbox, "", "", []string{sandbox, sandbox, sandbox, test, test, test}, ""},
		"neither, older sandbox": {
			"https://x--dev.my.salesforce.com", "", "",
			[]string{
				"https://x--dev.my.salesforce.com", "https://x--dev.my.salesforce.com", "https://x--dev.my.salesforce.com",
				test, test, test,
			},
			"",
		},
		"neither, scratch org": {
			"https://a-1.scratch.my.salesforce.com", "", "",
			[]string{
				"https://a-1.scratch.my.salesforce.com", "https://a-1.scratch.my.salesforce.com",
				"https://a-1.scratch.my.salesforce.com", test, test, test,
			},
			"",
		},
		"neither, no instance":      {"", "", "", []string{l, l}, ""},
		"neither, loopback":         {local, "", "", []string{local, local, local, l, l, l}, ""},
		"neither, foreign":          {foreign, "", "", []string{foreign, foreign, l, l}, ""},
		"login URL":                 {d, test, "", []string{test, test, test, l, test, d}, ""},
		"login URL, the login host": {d, l, "", []string{l, l, l, d}, ""},
		"login URL, the instance":   {d, d + "/", "", []string{d, d, d, l}, ""},
		"login URL, no instance":    {"", test, "", []string{test, test, test, l}, ""},
		"login URL, foreign":        {d, foreign, "", []string{foreign, foreign, foreign, d}, ""},
		"login URL, military": {
			d, "https://y.my.salesforce.mil", "",
			[]string{
				"https://y.my.salesforce.mil", "https://y.my.salesforce.mil", "https://y.my.salesforce.mil", l,
				"https://y.my.salesforce.mil", d,
			},
			"",
		},
		"audience":                {d, "", l, []string{d, l, l, l}, ""},
		"audience of the sandbox": {sandbox, "", test + "/", []string{sandbox, test, test, test}, ""},
		"audience, no instance":   {"", "", d, []string{l, d}, ""},
		"audience, site": {
			d, "", "https://x.my.site.com/customers/",
			[]string{d, "https://x.my.site.com/customers", l, "https://x.my.site.com/customers"},
			"",
		},
		"audience, foreign instance":   {foreign, "", l, []string{l, l}, ""},
		"both":                         {d, d, l, []string{d, l}, ""},
		"both, the other way":          {d, l, d, []string{l, d}, ""},
		"both, loopback":               {local, local, l, []string{local, l}, ""},
		"both, foreign":                {d, foreign, d, []string{foreign, d}, ""},
		"both, foreign, for the login": {d, foreign, l, nil, "must be a host of Salesforce's"},
		"both, looks like Salesforce's": {
			d, "https://my.salesforce.com.example", test, nil,
			"must be a host of Salesforce's",
		},
		"audience is no URL":    {d, "", "login.salesforce.com", nil, "audience must be"},
		"audience is not https": {d, "", "http://login.salesforce.com", nil, "audience must be https"},
		"audience with a query": {d, "", l + "?x", nil, "audience must be"},
		"login URL with a path": {d, l + "/x", "", nil, "login_url must be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var instance *url.URL
			if tc.instance != "" {
				var err error
				if instance, err = parseHostURL("instance_url", tc.instance); err != nil {
					t.Fatal(err)
				}
			}
			pairs, err := loginPairs(instance, tc.login, tc.audience)
			if tc.text != "" {
				if err == nil || !strings.Contains(err.Error(), tc.text) {
					t.Errorf("error %v, want %q in it", err, tc.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range pairs {
				got = append(got, p.host.String(), p.audience)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPairsInTurn logs in to orgs of each kind [C], by their pairs of host and audience.
func TestPairsInTurn(t *testing.T) {
	t.Parallel()
	const instance, login = "https://x.my.salesforce.com", "https://login.salesforce.com"
	for name, tc := range map[string]struct {
		// answers are by host and audience; what is missing is refused as a wrong audience.
		answers  map[string]string
		tried    []string
		text     string
		earlier  int
		loginURL string
	}{
		"My Domain only": {map[string]string{instance + " " + instance: ""}, []string{instance + " " + instance}, "", 0, ""},
		"My Domain only, login_url given": {
			map[string]string{
				instance + " " + instance: "", login + " " + login: "app_not_found",
				login + " " + instance: "app_not_found",
			},
			[]string{login + " " + login, login + " " + instance},
			"app_not_found", 1, login,
		},
		"audience of the login host": {
			map[string]string{instance + " " + login: ""},
			[]string{instance + " " + instance, instance + " " + login},
			"", 0, "",
		},
		"login host only": {
			map[string]string{login + " " + login: ""}, []string{
				instance + " " + instance, instance + " " + login,
				login + " " + login,
			}, "", 0, "",
		},
		"none": {
			map[string]string{},
			[]string{instance + " " + instance, instance + " " + login, login + " " + login},
			"audience is invalid", 2, "",
		},
		"another refusal ends it": {
			map[string]string{instance + " " + login: "invalid_client_id"},
			[]string{instance + " " + instance, instance + " " + login},
			"invalid_client_id", 1, "",
		},
		"the first refusal ends it": {
			map[string]string{instance + " " + instance: "invalid_grant"},
			[]string{instance + " " + instance},
			"invalid_grant", 0, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var tried []string
			log := &events{}
			c := inMemory(t, func(r *http.Request) (*http.Response, error) {
				if !strings.HasSuffix(r.URL.Path, "/oauth2/token") {
					return page(401, expired), nil
				}
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				pair := "https://" + r.URL.Host + " " + audienceOf(t, r.PostForm.Get("assertion"))
				mu.Lock()
				tried = append(tried, pair)
				mu.Unlock()
				switch code, known := tc.answers[pair]; {
				case !known:
					return page(400, `{"error":"invalid_grant","error_description":"audience is invalid"}`), nil
				case code != "":
					return page(400, `{"error":"`+code+`"}`), nil
				}
				return page(200, `{"access_token":"00D!t","instance_url":"`+instance+`","id":"`+login+`/id/`+testOrg+`/`+testUser+
					`"}`), nil
			}, func(cfg *Config) {
				cfg.Auth = JWTBearer{
					ClientID: "app", Username: "u", PrivateKey: secret.NewText(pkcs8(t, testKey())),
					LoginURL: tc.loginURL,
				}
				cfg.Events = log.add
			})
			_, err := c.Session(t.Context())
			if diff := cmp.Diff(tc.tried, tried); diff != "" {
				t.Error(diff)
			}
			host, audience, _ := strings.Cut(strings.TrimPrefix(tc.tried[len(tc.tried)-1], "https://"), " ")
			if tc.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				if login := log.of(EventLogin); len(login) != 1 || !strings.Contains(login[0].Message,
					host+" for the audience "+audience) {
					t.Errorf("the log does not say which pair was used: %v", login)
				}
				// The renewal begins with the pair that worked, and comes to no other.
				_, err = c.ListTenantSecrets(t.Context())
				if want := append(slices.Clone(tc.tried), tc.tried[len(tc.tried)-1]); !errors.Is(err, ErrUnauthorized) ||
					cmp.Diff(want, tried) != "" {
					t.Errorf("renewal: %v, %v", tried, err)
				}
				return
			}
			var refused *AuthError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tc.text) || len(refused.Earlier) != tc.earlier {
				t.Fatalf("error %v", err)
			}
			for _, pair := range tc.tried {
				host, audience, _ := strings.Cut(strings.TrimPrefix(pair, "https://"), " ")
				if !strings.Contains(err.Error(), host+" for the audience "+audience) {
					t.Errorf("the error %v does not say that %s was tried", err, pair)
				}
			}
		})
	}
}

// audienceOf reads the aud of an assertion.
func audienceOf(t *testing.T, assertion string) string {
	t.Helper()
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Errorf("no assertion")
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Audience string `json:"aud"`
	}
	if err := errors.Join(err, json.Unmarshal(payload, &claims)); err != nil {
		t.Error(err)
	}
	return claims.Audience
}

// TestPastedValues: what came along with a value is named, by its attribute, before anything is
// sent.
func TestPastedValues(t *testing.T) {
	t.Parallel()
	key := secret.NewText(pkcs8(t, testKey()))
	for name, tc := range map[string]struct {
		auth Authenticator
		text string
	}{
		"secret, line end": {
			ClientCredentials{ClientID: "app", ClientSecret: secret.NewText("hunter2\n")},
			"client_secret begins or ends with",
		},
		"secret, blank": {
			ClientCredentials{ClientID: "app", ClientSecret: secret.NewText(" hunter2")},
			"client_secret begins or ends with",
		},
		"secret, inside": {
			ClientCredentials{ClientID: "app", ClientSecret: secret.NewText("hunt\r\ner2")},
			"client_secret holds a line end",
		},
		"secret, zero width": {
			ClientCredentials{ClientID: "app", ClientSecret: secret.NewText("hunter2\u200b")},
			"client_secret holds",
		},
		"id, tab": {
			ClientCredentials{ClientID: "app\t", ClientSecret: secret.NewText("hunter2")},
			"client_id begins or ends with",
		},
		"id, JWT": {JWTBearer{ClientID: "app\n", Username: "u", PrivateKey: key}, "client_id begins or ends with"},
		"id, BOM": {JWTBearer{ClientID: "\ufeffapp", Username: "u", PrivateKey: key}, "client_id holds"},
		"user": {
			JWTBearer{ClientID: "app", Username: "u@example.com\n", PrivateKey: key},
			"username begins or ends with",
		},
		"no-break blank": {
			JWTBearer{ClientID: "app", Username: "\u00a0u", PrivateKey: key},
			"username begins or ends with",
		},
		"redacted token": {
			AccessToken{Token: secret.NewText("[REDACTED] Use 'sf org auth show-access-token' to view")},
			"show-access-token --json",
		},
		"null token":      {AccessToken{Token: secret.NewText("null")}, "the word null"},
		"undefined token": {AccessToken{Token: secret.NewText("undefined")}, "the word undefined"},
	} {
		_, err := New(Config{InstanceURL: "https://x.my.salesforce.com", Auth: tc.auth})
		if err == nil || !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want %q in it", name, err, tc.text)
		}
	}
	if _, err := New(Config{
		InstanceURL: "https://x.my.salesforce.com",
		Auth:        ClientCredentials{ClientID: "app", ClientSecret: secret.NewText("with a blank")},
	}); err != nil {
		t.Errorf("a blank within a secret: %v", err)
	}
}
