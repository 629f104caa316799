package provider

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// The values of deletion_policy. DELETE is for certificates alone: no policy destroys a key.
const (
	policyAbandon = "ABANDON"
	policyPrevent = "PREVENT"
	policyDelete  = "DELETE"
)

// deletionPolicyAttribute is the deletion_policy of a resource, with what each of its policies
// does; the first is the default.
func deletionPolicyAttribute(description string, policies ...string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "What destroying this resource does. " + description,
		Optional:            true,
		Computed:            true,
		Default:             stringdefault.StaticString(policies[0]),
		Validators:          []validator.String{stringvalidator.OneOf(policies...)},
	}
}

// addPrevented refuses a destroy under PREVENT, of what is in state, and names the policies that
// would let it go.
func addPrevented(diags *diag.Diagnostics, what string, others ...string) {
	for i, policy := range others {
		others[i] = fmt.Sprintf("%q", policy)
	}
	diags.AddAttributeError(path.Root("deletion_policy"), "Destroying this resource is prevented",
		fmt.Sprintf("deletion_policy = %q is in the state of %s. Nothing was changed. To let Terraform forget it, set "+
			"deletion_policy = %s, apply, and then remove the block.", policyPrevent, what,
			strings.Join(others, " or ")))
}
