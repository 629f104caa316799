data "salesforcebyok_certificate" "wrapping" {
  developer_name = "BYOK_Wrapping"

  lifecycle {
    postcondition {
      condition     = self.byok_compatible
      error_message = "BYOK_Wrapping can't wrap keys."
    }
  }
}
