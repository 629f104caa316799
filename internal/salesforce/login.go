package salesforce

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// loginKind is what an answer of the token endpoint that has no token means.
type loginKind int

const (
	// loginRefused is a refusal of the credentials.
	loginRefused loginKind = iota
	// loginElsewhere is a refusal that speaks of the host or the audience of an assertion.
	loginElsewhere
	// loginBusy asks to try again.
	loginBusy
	// loginLimit asks to try again, after too many logins.
	loginLimit
	// loginMoved is no answer of a token endpoint, and says that there is none at this host.
	loginMoved
	// loginForeign is an answer without an OAuth error, as of a gateway: it says nothing about the
	// credentials.
	loginForeign
)

// classifyLogin judges an answer by its status, OAuth's error and error_description, and whether
// its body is a page. The codes and texts are those that public clients have met [C,
// docs/guides/troubleshooting.md].
func classifyLogin(status int, code, description string, page bool) loginKind {
	code, description = strings.ToLower(code), strings.ToLower(description)
	switch {
	case status < 200, status >= 300 && status < 400:
		return loginMoved
	case code == "rate_limit_exceeded", strings.Contains(description, "login rate exceeded"),
		status == http.StatusTooManyRequests:
		return loginLimit
	case slices.Contains([]string{"unknown_error", "temporarily_unavailable", "server_error"}, code),
		strings.Contains(description, "retry your request"), unavailableStatus(status):
		return loginBusy
	case code == "" && (page || status == http.StatusNotFound || status == http.StatusMethodNotAllowed):
		return loginMoved
	case code == "":
		return loginForeign
	case code == "app_not_found", code == "invalid_grant" && strings.Contains(description, "audience"):
		return loginElsewhere
	default:
		return loginRefused
	}
}

// oauthError reads the error object of a token endpoint [D], "" if there is none.
func oauthError(body []byte) (code, description string) {
	var object struct {
		Error       any `json:"error"`
		Description any `json:"error_description"`
	}
	if json.Unmarshal(body, &object) != nil {
		return "", ""
	}
	code, _ = object.Error.(string)
	description, _ = object.Description.(string)
	return code, description
}

// loginPair is where an assertion is posted, and for whom it is.
type loginPair struct {
	host     *url.URL
	audience string
}

// loginPairs lists the pairs to try in turn. With D the org's My Domain and L the login host of its
// kind: without any setting (D, D), (D, L), (L, L); with a login URL U alone (U, U), (U, L), (U,
// D); with an audience A alone (D, A), (L, A); with both exactly that pair. An assertion for a
// login host, which is good for every org there, goes to Salesforce's own hosts and to loopback
// hosts only.
func loginPairs(instance *url.URL, loginURL, audience string) ([]loginPair, error) {
	login, err := parseHostURL("login_url", loginHostOf(instance))
	if err != nil {
		return nil, err
	}
	var candidates []loginPair
	add := func(host *url.URL, audience string) {
		if host != nil {
			candidates = append(candidates, loginPair{host, audience})
		}
	}
	var given *url.URL
	if loginURL != "" {
		if given, err = parseHostURL("login_url", loginURL); err != nil {
			return nil, ofSetting("login_url", err)
		}
	}
	if audience != "" {
		if audience, err = parseAudience(audience); err != nil {
			return nil, ofSetting("audience", err)
		}
	}
	switch {
	case given != nil && audience != "":
		add(given, audience)
	case given != nil:
		add(given, given.String())
		add(given, login.String())
		if instance != nil {
			add(given, instance.String())
		}
	case audience != "":
		add(instance, audience)
		add(login, audience)
	default:
		if instance != nil {
			add(instance, instance.String())
			add(instance, login.String())
		}
		add(login, login.String())
	}
	var pairs []loginPair
	for _, p := range candidates {
		same := func(q loginPair) bool { return sameOrigin(p.host, q.host) && p.audience == q.audience }
		if p.allowed() && !slices.ContainsFunc(pairs, same) {
			pairs = append(pairs, p)
		}
	}
	if len(pairs) == 0 {
		return nil, ofSetting("login_url", fmt.Errorf("login_url must be a host of Salesforce's for the audience %s: an "+
			"assertion for it is good for every org there", audience))
	}
	return pairs, nil
}

// allowed keeps an assertion that is good for every org from a host that is not Salesforce's.
func (p loginPair) allowed() bool {
	u, err := url.Parse(p.audience)
	return err == nil && (!isLoginHost(u.Hostname()) || isSalesforceHost(p.host.Hostname()) ||
		isLoopback(p.host.Hostname()))
}

func (p loginPair) String() string {
	if p.audience == "" {
		return p.host.Host
	}
	return p.host.Host + " for the audience " + p.audience
}

var errNoAudience = errors.New("audience must be a URL such as https://login.salesforce.com, without a query or " +
	"fragment")

// parseAudience checks an audience, which may be of a site and have a path [D].
func parseAudience(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", errNoAudience
	}
	if err := secureURL("audience", u); err != nil {
		return "", err
	}
	if u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return "", errNoAudience
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}).String(), nil
}
