package provider

import (
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// environment names the variable behind each attribute of the provider block that has one.
var environment = map[string]string{ //nolint:gosec // names of variables, no values
	"instance_url":    "SALESFORCE_INSTANCE_URL",
	"api_version":     "SALESFORCE_API_VERSION",
	"client_id":       "SALESFORCE_CLIENT_ID",
	"client_secret":   "SALESFORCE_CLIENT_SECRET",
	"username":        "SALESFORCE_USERNAME",
	"private_key":     "SALESFORCE_PRIVATE_KEY",
	"login_url":       "SALESFORCE_LOGIN_URL",
	"audience":        "SALESFORCE_AUDIENCE",
	"access_token":    "SALESFORCE_ACCESS_TOKEN",
	"organization_id": "SALESFORCE_ORGANIZATION_ID",

	"receipt_directory": "SALESFORCEBYOK_RECEIPT_DIRECTORY",
}

// setting is one attribute of the provider block after its environment variable was considered.
type setting struct {
	value string
	// configured is true if the value stands in the configuration, not in the environment.
	configured bool
	unknown    bool
}

func (s setting) given() bool { return s.value != "" || s.unknown }

// settings are all string attributes of the provider block by name.
type settings map[string]setting

func newSettings(model providerModel, lookup func(string) (string, bool)) settings {
	all := settings{}
	for name, value := range map[string]types.String{
		"instance_url": model.InstanceURL, "api_version": model.APIVersion, "client_id": model.ClientID,
		"client_secret": model.ClientSecret,
		"username":      model.Username, "private_key": model.PrivateKey, "login_url": model.LoginURL,
		"audience":        model.Audience,
		"access_token":    model.AccessToken,
		"organization_id": model.OrganizationID, "receipt_directory": model.ReceiptDirectory,
	} {
		switch {
		case value.IsUnknown():
			all[name] = setting{unknown: true, configured: true}
		case !value.IsNull():
			all[name] = setting{value: value.ValueString(), configured: true}
		default:
			value, _ := lookup(environment[name])
			all[name] = setting{value: value}
		}
	}

	return all
}

// anyUnknown reports whether a given attribute is not known yet.
func (s settings) anyUnknown() bool {
	for _, v := range s {
		if v.unknown {
			return true
		}
	}

	return false
}

// credentialsUnknown reports whether an attribute of a credential set is not known yet: it may turn
// out to be null.
func (s settings) credentialsUnknown() bool {
	for _, set := range credentialSets {
		if slices.ContainsFunc(set.required, func(name string) bool { return s[name].unknown }) {
			return true
		}
	}

	return false
}

// A credential set is identified by the attribute that only it has.
type credentialSet struct {
	name     string
	mark     string
	required []string
}

var credentialSets = []credentialSet{
	{"OAuth client credentials", "client_secret", []string{"client_id", "client_secret"}},
	{"OAuth JWT bearer", "private_key", []string{"client_id", "username", "private_key"}},
	{"access token", "access_token", []string{"access_token"}},
}

const credentialChoices = "client_id and client_secret (OAuth client credentials), or client_id, username and " +
	"private_key (OAuth JWT bearer), or access_token (an existing session)"

// chooseCredentials finds the one credential set that is given. A set in the configuration goes
// before one in the environment, so that a variable left over in a shell can't stand in the way;
// within one place, two sets are an error.
func (s settings) chooseCredentials(diags *diag.Diagnostics) *credentialSet {
	for _, inConfiguration := range []bool{true, false} {
		var chosen []credentialSet
		for _, set := range credentialSets {
			if v := s[set.mark]; v.given() && v.configured == inConfiguration {
				chosen = append(chosen, set)
			}
		}
		if len(chosen) > 1 {
			diags.AddAttributeError(attributePath(chosen[1].mark), "More than one set of credentials",
				"Expected exactly one of: "+credentialChoices+". Found "+chosen[0].mark+" and "+chosen[1].mark+" in "+
					place(inConfiguration)+
					". Remove one of them.")

			return nil
		}
		if len(chosen) == 1 {
			return s.complete(chosen[0], diags)
		}
	}

	return s.complain(diags)
}

func place(inConfiguration bool) string {
	if inConfiguration {
		return "the provider block"
	}

	return "the environment"
}

// complete checks that nothing of a chosen set is missing.
func (s settings) complete(set credentialSet, diags *diag.Diagnostics) *credentialSet {
	var missing []string
	for _, name := range set.required {
		if !s[name].given() {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return &set
	}
	diags.AddAttributeError(attributePath(missing[0]), "Incomplete credentials",
		set.mark+" is given, so the "+set.name+" credentials need "+strings.Join(set.required, ", ")+"; missing: "+
			withVariables(missing)+". Nothing was sent.")

	return nil
}

// complain says what is missing if no set is recognisable.
func (s settings) complain(diags *diag.Diagnostics) *credentialSet {
	switch {
	case s["username"].given():
		missing := []string{"private_key"}
		if !s["client_id"].given() {
			missing = append(missing, "client_id")
		}
		diags.AddAttributeError(attributePath("private_key"), "Incomplete credentials",
			"username is given, so the OAuth JWT bearer credentials need client_id, username, private_key; missing: "+
				withVariables(missing)+". Nothing was sent.")
	case s["client_id"].given():
		diags.AddAttributeError(attributePath("client_secret"), "Incomplete credentials",
			"client_id is given; missing: "+withVariables([]string{"client_secret"})+", or both "+
				withVariables([]string{"username", "private_key"})+". Nothing was sent.")
	default:
		diags.AddError("No credentials", "Expected exactly one of: "+credentialChoices+". Found none, neither in the "+
			"provider block nor in the environment (SALESFORCE_CLIENT_ID and so on). Nothing was sent.")
	}

	return nil
}

// withVariables lists attributes with the variables that could set them.
func withVariables(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name + " (or " + environment[name] + ")"
	}

	return strings.Join(parts, ", ")
}

// authenticator turns a complete set into what the client logs in with.
func (s settings) authenticator(set credentialSet) salesforce.Authenticator {
	switch set.mark {
	case "client_secret":
		return salesforce.ClientCredentials{
			ClientID:     s["client_id"].value,
			ClientSecret: secret.NewText(s["client_secret"].value),
		}
	case "private_key":
		return salesforce.JWTBearer{
			ClientID: s["client_id"].value, Username: s["username"].value,
			PrivateKey: secret.NewText(s["private_key"].value), LoginURL: s["login_url"].value, Audience: s["audience"].value,
		}
	default:
		return salesforce.AccessToken{Token: secret.NewText(s["access_token"].value)}
	}
}
