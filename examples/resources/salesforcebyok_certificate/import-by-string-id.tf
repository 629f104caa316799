import {
  to = salesforcebyok_certificate.wrapping
  id = "BYOK_Wrapping"
}
