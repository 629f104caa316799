variable "escrow_recipients" {
  type = list(string)
}

# One instance for each key that was ever in use: data that a key has encrypted needs it for ever.
resource "salesforcebyok_cache_only_key" "data" {
  for_each = toset(["data-2026-1"])

  certificate    = "BYOK_Wrapping"
  key_identifier = each.key

  escrow = {
    age_recipients = var.escrow_recipients
  }
}

# What the key service answers.
output "answers" {
  value = {
    for id, key in salesforcebyok_cache_only_key.data : id => jsonencode({ kid = id, jwe = key.jwe })
  }
}
