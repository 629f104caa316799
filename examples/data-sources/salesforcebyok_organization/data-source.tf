data "salesforcebyok_organization" "this" {
  lifecycle {
    postcondition {
      condition     = length(self.missing_permissions) == 0
      error_message = "The integration user lacks ${join(", ", self.missing_permissions)}."
    }
  }
}
