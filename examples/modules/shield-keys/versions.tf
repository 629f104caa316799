# A module has no provider block: the caller configures the org, and passes it.
terraform {
  required_version = ">= 1.8"
  required_providers {
    salesforcebyok = {
      source = "salesforcebyok/salesforcebyok"
    }
  }
}
