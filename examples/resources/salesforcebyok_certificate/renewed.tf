# Another certificate takes its place 15 days before it ends. Keys that refer to developer_name move to it without a rotation.
resource "salesforcebyok_certificate" "renewed" {
  developer_name_prefix = "BYOK_Renewed"
  renew_before_days     = 15

  lifecycle {
    create_before_destroy = true
  }
}
