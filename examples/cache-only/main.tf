# A cache-only key: its JWE is published at your key service, and Salesforce fetches it from there. Credentials come from SALESFORCE_*
# variables.

terraform {
  required_providers {
    salesforcebyok = {
      source = "salesforcebyok/salesforcebyok"
    }
  }
}

provider "salesforcebyok" {}

resource "salesforcebyok_encryption_key_settings" "this" {
  enable_cache_only_keys = true
}

resource "salesforcebyok_certificate" "wrapping" {
  developer_name = "BYOK_Cache_Only"
}

# Another key is another identifier: data that the first one encrypted needs it for ever.
resource "salesforcebyok_cache_only_key" "data" {
  key_identifier = "data-${var.generation}"
  certificate    = salesforcebyok_certificate.wrapping.developer_name

  escrow = {
    age_recipients = var.escrow_recipients
  }
}

# Publishing is your key service's own affair: here its answer becomes a file that a web server serves. The JWE is ciphertext.
resource "terraform_data" "published" {
  triggers_replace = [salesforcebyok_cache_only_key.data.key_identifier, salesforcebyok_cache_only_key.data.jwe]

  provisioner "local-exec" {
    command = "printf %s \"$ANSWER\" > \"$FOLDER/$KID\""
    environment = {
      FOLDER = var.published_folder
      KID    = salesforcebyok_cache_only_key.data.key_identifier
      ANSWER = jsonencode({ kid = salesforcebyok_cache_only_key.data.key_identifier, jwe = salesforcebyok_cache_only_key.data.jwe })
    }
  }
}

# Salesforce asks for the key at once, so it must be published before.
resource "salesforcebyok_tenant_secret" "data" {
  type                   = "Data"
  source                 = "REMOTE"
  remote_key_identifier  = salesforcebyok_cache_only_key.data.key_identifier
  remote_key_certificate = salesforcebyok_cache_only_key.data.certificate
  remote_key_service_id  = var.named_credential_id

  depends_on = [terraform_data.published, salesforcebyok_encryption_key_settings.this]
}
