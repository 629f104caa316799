# First apply: take Salesforce's export of the archived record into state.
resource "salesforcebyok_tenant_secret_version" "old" {
  tenant_secret_id = "02G000000000001EAA"
  desired_status   = "ARCHIVED"
}
