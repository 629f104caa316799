package salesforce

import (
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// CheckInstanceURL says what is wrong with a My Domain URL, before a [Client] is made of it. No
// error quotes a path, a query or user information, which may hold a credential in the wrong place.
func CheckInstanceURL(s string) error {
	_, err := parseInstanceURL(s)
	return err
}

// CheckLoginURL says what is wrong with the URL of a login host.
func CheckLoginURL(s string) error {
	_, err := parseHostURL("login_url", s)
	return err
}

// CheckAudience says what is wrong with the audience of an assertion.
func CheckAudience(s string) error {
	_, err := parseAudience(s)
	return err
}

// CheckPasted says what is wrong with the characters of a value that is sent as it is, under the
// name of its attribute. No error quotes it.
func CheckPasted(name, value string) error { return checkPasted(name, value) }

// CheckAPIVersion says what is wrong with an API version.
func CheckAPIVersion(s string) error {
	_, err := parseAPIVersion(s)
	return err
}

// CheckAccessToken says what is wrong with the characters of an access token. No error quotes it.
func CheckAccessToken(text secret.Text) error { return AccessToken{Token: text}.check() }

// CheckPrivateKey says what is wrong with the private key of the JWT bearer flow. No error quotes
// it.
func CheckPrivateKey(text secret.Text) error {
	_, err := parsePrivateKey(text)
	return err
}

// CheckSObjectName says what is wrong with the API name of an sObject.
func CheckSObjectName(s string) error {
	if !sobjectName.MatchString(s) {
		return errBadSObjectName
	}
	return nil
}
