# Read after the keys are made, so that the first apply shows them.
data "salesforcebyok_tenant_secrets" "all" {
  depends_on = [salesforcebyok_tenant_secret.data, salesforcebyok_tenant_secret.other]
}

output "inventory" {
  description = "Every key record of the org: type and version, status, source, hash and creation."
  value = {
    for k in data.salesforcebyok_tenant_secrets.all.tenant_secrets : k.tenant_secret_id => {
      key     = "${k.type} v${k.version}"
      status  = k.status
      source  = k.source
      hash    = k.secret_value_hash
      created = k.created_date
    }
  }
}

output "not_yet_kept" {
  description = "Archived records that kept_versions does not name."
  value = [
    for k in data.salesforcebyok_tenant_secrets.all.tenant_secrets : k.tenant_secret_id
    if k.status == "ARCHIVED" && !contains(var.kept_versions, k.tenant_secret_id)
  ]
}

output "receipts" {
  description = "The evidence of each upload."
  value = merge(
    { Data = jsondecode(salesforcebyok_tenant_secret.data.receipt) },
    { for type, key in salesforcebyok_tenant_secret.other : type => jsondecode(key.receipt) },
  )
}
