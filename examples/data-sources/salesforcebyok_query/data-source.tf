# What the provider has no data source for. Escape whatever is interpolated.
data "salesforcebyok_query" "integration_users" {
  soql = "SELECT Id, Username FROM User WHERE IsActive = true AND Profile.Name = 'Salesforce API Only System Integrations'"
}

output "integration_users" {
  value = [for u in jsondecode(data.salesforcebyok_query.integration_users.records_json) : u.Username]
}
