data "salesforcebyok_external_root_keys" "aws" {
  root_key_service = "AWS"
  status           = "Active"
}

output "active_root_keys" {
  value = { for k in data.salesforcebyok_external_root_keys.aws.external_root_keys : k.root_key_id => k.root_key_identifier }
}
