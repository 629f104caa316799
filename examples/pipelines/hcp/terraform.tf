# HCP Terraform runs plan and apply itself: the approval is the workspace's (manual apply), the policy a policy set (policies.hcl), drift
# and the module's check blocks its health assessments. Set SALESFORCE_* as sensitive environment variables of the workspace.
terraform {
  cloud {
    organization = "example"
    workspaces {
      name = "salesforce-keys"
    }
  }
}
