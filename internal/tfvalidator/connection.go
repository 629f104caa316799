package tfvalidator

import (
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// InstanceURL accepts a My Domain URL: https (http for a loopback host), no path, no login host.
func InstanceURL() validator.String {
	return check{
		summary: "Invalid instance URL", expected: "the My Domain URL of an org, such as https://example.my.salesforce.com, without a path",
		parse: salesforce.CheckInstanceURL,
	}
}

// LoginURL accepts the URL of a login host.
func LoginURL() validator.String {
	return check{
		summary: "Invalid login URL", expected: "the URL of a login host, such as https://login.salesforce.com, without a path",
		parse: salesforce.CheckLoginURL,
	}
}

// APIVersion accepts a version of the Salesforce API that the client can use.
func APIVersion() validator.String {
	return check{summary: "Invalid API version", expected: `a version of the Salesforce API, such as "62.0"`, parse: salesforce.CheckAPIVersion}
}

// PrivateKeyPEM accepts an RSA private key as PEM text.
func PrivateKeyPEM() validator.String {
	return check{
		summary: "Invalid private key", expected: "an RSA private key as PEM text (not a path)",
		parse: func(s string) error { return salesforce.CheckPrivateKey(secret.NewText(s)) },
	}
}
