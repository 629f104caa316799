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

# One instance for each generation. Another key is another identifier, and data that the first one encrypted needs it for ever: an instance
# that stays keeps its JWE and its escrow copy.
resource "salesforcebyok_cache_only_key" "data" {
  for_each = toset(var.generations)

  key_identifier = "data-${each.key}"
  certificate    = salesforcebyok_certificate.wrapping.developer_name

  escrow = {
    age_recipients = var.escrow_recipients
  }
}

# Publishing is your key service's own affair: here its answers become files that a web server serves. The JWE is ciphertext.
resource "terraform_data" "published" {
  for_each = salesforcebyok_cache_only_key.data

  triggers_replace = [each.value.key_identifier, each.value.jwe]

  provisioner "local-exec" {
    command = "printf %s \"$ANSWER\" > \"$FOLDER/$KID\""
    environment = {
      FOLDER = var.published_folder
      KID    = each.value.key_identifier
      ANSWER = jsonencode({ kid = each.value.key_identifier, jwe = each.value.jwe })
    }
  }
}

locals {
  current = salesforcebyok_cache_only_key.data[var.generations[length(var.generations) - 1]]
}

# Salesforce asks for the key at once, so it must be published before.
resource "salesforcebyok_tenant_secret" "data" {
  type                   = "Data"
  source                 = "REMOTE"
  remote_key_identifier  = local.current.key_identifier
  remote_key_certificate = local.current.certificate
  remote_key_service_id  = var.named_credential_id

  depends_on = [terraform_data.published, salesforcebyok_encryption_key_settings.this]
}
