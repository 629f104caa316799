data "salesforcebyok_sobject" "tenant_secret" {
  name = "TenantSecret"
}

output "may_upload_keys" {
  value = data.salesforcebyok_sobject.tenant_secret.createable
}
