# An org from zero to BYOK: settings, a wrapping certificate, four uploaded keys with escrow, and the archived versions that are kept.
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

# Fields, files and attachments. It comes first: Salesforce wants an ACTIVE Data key before the others.
resource "salesforcebyok_tenant_secret" "data" {
  type              = "Data"
  description       = "Fields and files"
  certificate       = salesforcebyok_certificate.wrapping.developer_name
  rotate_after_days = var.rotate_after_days
  deletion_policy   = "PREVENT"

  escrow = {
    age_recipients = var.escrow_recipients
    directory      = var.escrow_directory
  }
}

# Each of these is a lineage of its own. Salesforce documents CKM_RSA_AES_KEY_WRAP for the Search Index, and OAEP for the others.
resource "salesforcebyok_tenant_secret" "other" {
  for_each = {
    DeterministicData = { description = "Fields that are filtered", wrapping_algorithm = "RSA_OAEP_SHA512" }
    EventBus          = { description = "Change data capture and platform events", wrapping_algorithm = "RSA_OAEP_SHA512" }
    SearchIndex       = { description = "Search index files", wrapping_algorithm = "RSA_AES_KEY_WRAP_SHA512" }
  }

  type               = each.key
  description        = each.value.description
  certificate        = salesforcebyok_certificate.wrapping.developer_name
  wrapping_algorithm = each.value.wrapping_algorithm
  rotate_after_days  = var.rotate_after_days
  deletion_policy    = "PREVENT"

  escrow = {
    age_recipients = var.escrow_recipients
    directory      = var.escrow_directory
  }

  depends_on = [salesforcebyok_tenant_secret.data]
}

# An archived key still opens the data that it encrypted. Salesforce's export of each one that is named here is kept in state.
resource "salesforcebyok_tenant_secret_version" "kept" {
  for_each = var.kept_versions

  tenant_secret_id = each.value
  desired_status   = "ARCHIVED"
}
