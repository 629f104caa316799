package tfvalidator

import (
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// SObjectName accepts the API name of an object. Nothing else can reach a path.
func SObjectName() validator.String {
	return check{
		summary: "Invalid name of an object", expected: "the API name of an object, such as TenantSecret: letters, digits " +
			"and underscores, beginning with a letter",
		parse: salesforce.CheckSObjectName,
	}
}
