import {
  to = salesforcebyok_certificate.wrapping
  identity = {
    organization_id = "00D000000000001EAA"
    developer_name  = "BYOK_Wrapping"
  }
}
