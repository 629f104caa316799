data "salesforcebyok_certificates" "usable" {
  byok_compatible_only = true
}

output "usable_certificates" {
  value = { for c in data.salesforcebyok_certificates.usable.certificates : c.developer_name => c.not_after }
}
