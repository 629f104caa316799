import {
  to = salesforcebyok_external_root_key.aws
  identity = {
    organization_id = "00D000000000001EAA"
    root_key_id     = "48q000000000001AAA"
  }
}
