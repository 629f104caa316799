# An org from zero to BYOK: settings, a wrapping certificate, and by the module shield-keys four uploaded keys with escrow.
# Credentials come from SALESFORCE_* variables.

terraform {
  required_providers {
    salesforcebyok = {
      source = "salesforcebyok/salesforcebyok"
    }
  }
}

provider "salesforcebyok" {
  organization_id = var.organization_id
}

# What the org must never allow is held here; drift is shown and taken back.
resource "salesforcebyok_encryption_key_settings" "this" {
  allow_key_derivation_opt_out = false
  enable_cache_only_keys       = false
}

# Its private key never leaves Salesforce. To renew it, change the name: the new one is made before the old one is forgotten, and wraps
# from the next rotation on.
resource "salesforcebyok_certificate" "wrapping" {
  developer_name  = var.certificate_name
  label           = "BYOK wrapping"
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
  }
}

# One key for each type, its escrow copy, and the exports of the archived records that are named. Salesforce documents
# CKM_RSA_AES_KEY_WRAP for the Search Index, and OAEP for the others.
module "keys" {
  source = "../modules/shield-keys"

  organization_id   = var.organization_id
  certificate       = salesforcebyok_certificate.wrapping.developer_name
  rotate_after_days = var.rotate_after_days
  warn_before_days  = var.warn_before_days
  escrow = {
    age_recipients = var.escrow_recipients
    directory      = var.escrow_directory
  }
  keys = {
    Data              = { description = "Fields and files" }
    DeterministicData = { description = "Fields that are filtered" }
    EventBus          = { description = "Change data capture and platform events" }
    SearchIndex       = { description = "Search index files", wrapping_algorithm = "RSA_AES_KEY_WRAP_SHA512" }
  }
  versions = { for id in var.kept_versions : id => {} }

  # The module reads the certificate, which must be there.
  depends_on = [salesforcebyok_certificate.wrapping]
}
