import {
  to = salesforcebyok_platform_encryption_settings.this
  identity = {
    organization_id = "00D000000000001EAA"
  }
}
