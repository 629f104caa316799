# terraform query -generate-config-out=versions.tf
list "salesforcebyok_tenant_secret_version" "archived" {
  provider         = salesforcebyok
  include_resource = true

  config {
    type   = "Data"
    status = "ARCHIVED"
  }
}
