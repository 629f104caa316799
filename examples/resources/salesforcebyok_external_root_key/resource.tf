resource "salesforcebyok_external_root_key" "aws" {
  root_key_id    = "48q000000000001AAA"
  desired_status = "Active"
}
