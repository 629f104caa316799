import {
  to = salesforcebyok_platform_encryption_settings.this
  id = "00D000000000001EAA"
}
