package tfvalidator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// SalesforceID accepts a record id of 15 or 18 characters. With prefixes, the id must begin with
// one of them.
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
			return errors.New("it is the id of a record of another kind")
		}

		return nil
	}}
}

// DeveloperName accepts a unique name. Nothing else can reach a query or a path.
func DeveloperName() validator.String {
	return check{
		summary: "Invalid unique name", expected: "a unique name (DeveloperName): letters, digits and single underscores, " +
			"beginning with a letter, not ending with an underscore",
		parse: func(s string) error {
			if err := salesforce.CheckDeveloperName(s); err != nil {
				return fmt.Errorf("%w; the label of a certificate is not its unique name", err)
			}

			return nil
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
