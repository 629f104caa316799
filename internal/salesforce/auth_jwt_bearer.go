package salesforce

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const (
	// DefaultLoginURL is the login host of production orgs, sandboxLoginURL that
	// of sandboxes. Logins may also go to an org's My Domain.
	DefaultLoginURL = "https://login.salesforce.com"
	sandboxLoginURL = "https://test.salesforce.com"

	jwtGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	// jwtLifetime: Salesforce accepts about 3 to 5 minutes [C].
	jwtLifetime = 3 * time.Minute
)

// JWTBearer is the OAuth JWT bearer flow: an assertion signed with RS256 by the
// key whose certificate the app knows.
type JWTBearer struct {
	// ClientID is the consumer key of the app.
	ClientID string
	// Username is the Salesforce user to act as.
	Username string
	// PrivateKey is an RSA key in PEM, PKCS #1 or PKCS #8, not encrypted.
	PrivateKey secret.Text
	// LoginURL is where the assertion is posted, Audience whom it is for. Where one
	// or both are empty, those that Salesforce's orgs differ in are tried in turn.
	LoginURL, Audience string
}

func (a JWTBearer) validate(instance *url.URL) error {
	switch {
	case a.ClientID == "":
		return ofSetting("client_id", errors.New("client_id is required with private_key"))
	case a.Username == "":
		return ofSetting("username", errors.New("username is required with private_key"))
	case a.PrivateKey.Expose() == "":
		return ofSetting("private_key", errors.New("private_key is required with username"))
	}
	if err := cmp.Or(checkPasted("client_id", a.ClientID), checkPasted("username", a.Username)); err != nil {
		return err
	}
	if _, err := parsePrivateKey(a.PrivateKey); err != nil {
		return ofSetting("private_key", err)
	}
	_, err := loginPairs(instance, a.LoginURL, a.Audience)
	return err
}

func (JWTBearer) renewable() bool { return true }

func (a JWTBearer) secrets() []string {
	text := a.PrivateKey.Expose()
	return []string{text, unfoldPEM(text)}
}

// login tries the pairs in turn, from the one that worked last. The next one is tried only on a
// refusal that speaks of the pair: any other would come again.
func (a JWTBearer) login(ctx context.Context, c *Client) (*grant, error) {
	pairs, err := loginPairs(c.instance, a.LoginURL, a.Audience)
	if err != nil {
		return nil, err
	}
	key, err := parsePrivateKey(a.PrivateKey)
	if err != nil {
		return nil, err
	}
	first := int(c.pair.Load())
	var earlier []*AuthError
	for i := range pairs {
		n := (first + i) % len(pairs)
		g, err := c.exchange(ctx, a.request(key, pairs[n]))
		if err == nil {
			c.pair.Store(int32(n)) //nolint:gosec // at most maxPairs
			return g, nil
		}
		refused, ok := errors.AsType[*AuthError](err)
		if !ok {
			return nil, err
		}
		refused.Earlier = slices.Clone(earlier)
		if refused.kind != loginElsewhere || i == len(pairs)-1 {
			return nil, refused
		}
		earlier = append(earlier, refused)
	}
	return nil, errors.New("no pair of login_url and audience to log in with")
}

func (a JWTBearer) request(key *rsa.PrivateKey, pair loginPair) tokenRequest {
	return tokenRequest{
		flow:  "JWT bearer",
		pair:  pair,
		dated: true,
		config: func(now time.Time) (clientcredentials.Config, error) {
			assertion, err := a.assertion(key, pair.audience, now)
			if err != nil {
				return clientcredentials.Config{}, &localError{err}
			}
			// The oauth2 package lets the grant type be overridden.
			return clientcredentials.Config{EndpointParams: url.Values{
				"grant_type": {jwtGrantType},
				"assertion":  {assertion},
			}}, nil
		},
	}
}

// assertion is the signed JWT with the claims iss, sub, aud and exp [C].
func (a JWTBearer) assertion(key *rsa.PrivateKey, audience string, now time.Time) (string, error) {
	claims, err := json.Marshal(struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
	}{a.ClientID, a.Username, audience, now.Add(jwtLifetime).Unix()})
	if err != nil {
		return "", errors.New("the JWT claims could not be encoded")
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", errors.New("private_key could not sign the login assertion")
	}
	return signed + "." + encode(signature), nil
}
