# The ACTIVE record of a type.
data "salesforcebyok_tenant_secret" "data" {
  type = "Data"
}

output "hash_at_salesforce" {
  value = data.salesforcebyok_tenant_secret.data.secret_value_hash
}
