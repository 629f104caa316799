variable "escrow_recipients" {
  type = list(string)
}

resource "salesforcebyok_cache_only_key" "data" {
  certificate    = "BYOK_Wrapping"
  key_identifier = "data-2026-1"

  escrow = {
    age_recipients = var.escrow_recipients
  }
}

# What the key service answers.
output "answer" {
  value = jsonencode({
    kid = "data-2026-1"
    jwe = salesforcebyok_cache_only_key.data.jwe
  })
}
