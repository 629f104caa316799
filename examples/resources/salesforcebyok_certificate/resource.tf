# RSA of 4096 bits; its private key never leaves Salesforce.
resource "salesforcebyok_certificate" "wrapping" {
  developer_name  = "BYOK_Wrapping"
  label           = "BYOK wrapping"
  deletion_policy = "ABANDON"
}
