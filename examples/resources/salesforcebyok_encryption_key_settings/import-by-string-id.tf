import {
  to = salesforcebyok_encryption_key_settings.this
  id = "00D000000000001EAA"
}
