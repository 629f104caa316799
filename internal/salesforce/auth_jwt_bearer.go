package salesforce

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const (
	// DefaultLoginURL is where a JWT bearer login goes for production orgs; a
	// sandbox uses https://test.salesforce.com, or either its My Domain.
	DefaultLoginURL = "https://login.salesforce.com"

	jwtGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	// jwtLifetime: Salesforce accepts about 3 to 5 minutes [C].
	jwtLifetime = 3 * time.Minute
	minRSABits  = 2048
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
	// LoginURL is where the assertion is posted, and its audience;
	// DefaultLoginURL if empty.
	LoginURL string
}

func (a JWTBearer) validate(*url.URL) error {
	switch {
	case a.ClientID == "":
		return errors.New("client_id is required with private_key")
	case a.Username == "":
		return errors.New("username is required with private_key")
	case a.PrivateKey.Expose() == "":
		return errors.New("private_key is required with username")
	}
	if _, err := parsePrivateKey(a.PrivateKey); err != nil {
		return err
	}
	_, err := a.issuer()
	return err
}

func (JWTBearer) renewable() bool { return true }

func (a JWTBearer) issuer() (*url.URL, error) {
	if a.LoginURL == "" {
		return parseHostURL("login_url", DefaultLoginURL)
	}
	return parseHostURL("login_url", a.LoginURL)
}

func (a JWTBearer) login(ctx context.Context, c *Client) (*grant, error) {
	issuer, err := a.issuer()
	if err != nil {
		return nil, err
	}
	key, err := parsePrivateKey(a.PrivateKey)
	if err != nil {
		return nil, err
	}
	return c.exchange(ctx, tokenRequest{
		flow:   "JWT bearer",
		issuer: issuer,
		dated:  true,
		config: func(now time.Time) (clientcredentials.Config, error) {
			assertion, err := a.assertion(key, issuer, now)
			if err != nil {
				return clientcredentials.Config{}, &localError{err}
			}
			// The oauth2 package lets the grant type be overridden.
			return clientcredentials.Config{EndpointParams: url.Values{
				"grant_type": {jwtGrantType},
				"assertion":  {assertion},
			}}, nil
		},
	})
}

// assertion is the signed JWT with the claims iss, sub, aud and exp [C].
func (a JWTBearer) assertion(key *rsa.PrivateKey, audience *url.URL, now time.Time) (string, error) {
	claims, err := json.Marshal(struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
	}{a.ClientID, a.Username, audience.String(), now.Add(jwtLifetime).Unix()})
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

// parsePrivateKey never quotes its input, nor an error of a parser that might.
func parsePrivateKey(text secret.Text) (*rsa.PrivateKey, error) {
	block, rest := pem.Decode([]byte(text.Expose()))
	if block == nil {
		return nil, errors.New("private_key is not PEM: it must be the content of the key file, with its BEGIN and END lines")
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("private_key holds more than one PEM block: give the private key alone")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("private_key is encrypted: decrypt it first")
		}
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("private_key is encrypted: decrypt it first")
	case "CERTIFICATE", "PUBLIC KEY":
		return nil, errors.New("private_key is a certificate or public key: the private key is needed")
	default:
		return nil, errors.New("private_key must be an RSA key in PEM, PKCS #1 or PKCS #8")
	}
	if err != nil {
		return nil, errors.New("private_key could not be parsed as an RSA key")
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("private_key is not an RSA key: Salesforce accepts RS256 only")
	}
	if rsaKey.N.BitLen() < minRSABits {
		return nil, errors.New("private_key is shorter than 2048 bits")
	}
	return rsaKey, nil
}
