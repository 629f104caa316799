data "salesforcebyok_tenant_secrets" "archived" {
  type   = "Data"
  status = "ARCHIVED"
}

# Each opening of each record is an export that the org may audit.
ephemeral "salesforcebyok_tenant_secret_export" "archived" {
  for_each         = toset([for k in data.salesforcebyok_tenant_secrets.archived.tenant_secrets : k.tenant_secret_id])
  tenant_secret_id = each.key
}

# For a write-only attribute of a secret store, such as data_json_wo of vault_kv_secret_v2.
locals {
  exports = { for id, e in ephemeral.salesforcebyok_tenant_secret_export.archived : id => e.exported_secret_value }
}
