variable "escrow_recipients" {
  type = list(string)
}

provider "salesforcebyok" {
  api_version = "63.0" # this kind of key is newer than the provider's default
}

resource "salesforcebyok_data_encryption_key" "search" {
  rotate_after_days = 365

  escrow = {
    age_recipients = var.escrow_recipients
    directory      = "escrow"
  }
}
