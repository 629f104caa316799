import {
  to = salesforcebyok_encryption_key_settings.this
  identity = {
    organization_id = "00D000000000001EAA"
  }
}
