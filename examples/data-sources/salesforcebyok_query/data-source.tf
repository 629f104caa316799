# What the provider has no data source for. Escape whatever is interpolated.
data "salesforcebyok_query" "uploaded" {
  soql = "SELECT Id, Type, Version, CreatedById FROM TenantSecret WHERE Source = 'UPLOADED' ORDER BY Version"
}

output "who_uploaded" {
  value = { for k in jsondecode(data.salesforcebyok_query.uploaded.records_json) : "${k.Type} v${k.Version}" => k.CreatedById }
}
