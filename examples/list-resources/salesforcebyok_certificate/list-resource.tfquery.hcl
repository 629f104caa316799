# terraform query -generate-config-out=certificates.tf
list "salesforcebyok_certificate" "wrapping" {
  provider         = salesforcebyok
  include_resource = true

  config {
    byok_compatible_only = true
  }
}
