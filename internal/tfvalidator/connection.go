package tfvalidator

import (
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// InstanceURL accepts a My Domain URL: https (http for a loopback host), no path, no login host.
func InstanceURL() validator.String {
	return check{
		summary: "Invalid instance URL", expected: "the My Domain URL of an org, such as " +
			"https://example.my.salesforce.com, without a path",
		parse: salesforce.CheckInstanceURL,
	}
}

// LoginURL accepts the URL of a login host.
func LoginURL() validator.String {
	return check{
		summary: "Invalid login URL", expected: "the URL of a login host, such as https://login.salesforce.com, without a " +
			"path",
		parse: salesforce.CheckLoginURL,
	}
}

// Audience accepts the audience of a login assertion.
func Audience() validator.String {
	return check{
		summary: "Invalid audience", expected: "the URL of a login host or a My Domain, such as https://login.salesforce.com",
		parse: salesforce.CheckAudience,
	}
}

// Pasted accepts a value without the blanks and line ends that come along when it is pasted. name
// is the attribute's.
func Pasted(name string) validator.String {
	return check{
		summary: "Invalid characters in a credential", expected: "the value alone, without blanks or line ends around it",
		parse: func(s string) error { return salesforce.CheckPasted(name, s) },
	}
}

// AccessToken accepts what may be an access token.
func AccessToken() validator.String {
	return check{
		summary: "Invalid access token", expected: "an access token",
		parse: func(s string) error { return salesforce.CheckAccessToken(secret.NewText(s)) },
	}
}

// APIVersion accepts a version of the Salesforce API that the client can use.
func APIVersion() validator.String {
	return check{
		summary: "Invalid API version", expected: `a version of the Salesforce API, such as "62.0"`,
		parse: salesforce.CheckAPIVersion,
	}
}

// PrivateKeyPEM accepts an RSA private key as PEM text.
func PrivateKeyPEM() validator.String {
	return check{
		summary: "Invalid private key", expected: "an RSA private key as PEM text (not a path)",
		parse: func(s string) error { return salesforce.CheckPrivateKey(secret.NewText(s)) },
	}
}
