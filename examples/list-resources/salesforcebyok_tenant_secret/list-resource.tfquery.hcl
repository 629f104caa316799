# terraform query -generate-config-out=keys.tf
list "salesforcebyok_tenant_secret" "keys" {
  provider         = salesforcebyok
  include_resource = true
}
