package tfvalidator

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// SalesforceID accepts a record id of 15 or 18 characters. With prefixes, the id must begin with one of them.
func SalesforceID(prefixes ...string) validator.String {
	expected := "a Salesforce record id of 15 or 18 characters"
	if len(prefixes) > 0 {
		expected += " that begins with " + strings.Join(prefixes, " or ")
	}

	return check{summary: "Invalid Salesforce id", expected: expected, parse: func(s string) error {
		if _, err := salesforce.ID18(s); err != nil {
			return err
		}
		if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) }) {
			return fmt.Errorf("it begins with %s", s[:3])
		}

		return nil
	}}
}

// developerName is Salesforce's form of a unique name [D Help security_keys_creating]: letters, digits and underscores; begins with a
// letter; no underscore at the end and no two in a row.
var developerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$`)

// maxDeveloperName is the length of DataEncryptionKeyCertName [D DEKRef], the longest name of a certificate that is documented.
const maxDeveloperName = 80

// DeveloperName accepts a unique name. Nothing else can reach a query or a path.
func DeveloperName() validator.String {
	return check{
		summary: "Invalid unique name", expected: "a unique name (DeveloperName): letters, digits and single underscores, beginning with a letter, not ending with an underscore",
		parse: func(s string) error {
			switch {
			case s == "":
				return errors.New("it is empty")
			case len(s) > maxDeveloperName:
				return fmt.Errorf("it has %d characters, more than %d", len(s), maxDeveloperName)
			case !developerName.MatchString(s):
				return errors.New("it has another form; the label of a certificate is not its unique name")
			default:
				return nil
			}
		},
	}
}

// RFC3339 accepts an instant.
func RFC3339() validator.String {
	return check{
		summary: "Invalid time", expected: "a time as in RFC 3339, such as 2027-01-31T00:00:00Z",
		parse: func(s string) error {
			if _, err := time.Parse(time.RFC3339, s); err != nil {
				return errors.New("it is not of that form")
			}

			return nil
		},
	}
}
