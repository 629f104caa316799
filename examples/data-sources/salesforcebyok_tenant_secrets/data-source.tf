data "salesforcebyok_tenant_secrets" "archived" {
  status = "ARCHIVED"
}

output "archived_keys" {
  value = { for k in data.salesforcebyok_tenant_secrets.archived.tenant_secrets : k.tenant_secret_id => "${k.type} v${k.version}" }
}
