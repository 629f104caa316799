# Made and wrapped in a key ceremony: both files may be public.
resource "salesforcebyok_tenant_secret" "ceremony" {
  type                 = "Data"
  certificate          = "BYOK_Wrapping"
  wrapping_algorithm   = "RSA_OAEP_SHA512"
  wrapped_key_material = trimspace(file("${path.module}/wrapped.b64"))
  secret_value_hash    = trimspace(file("${path.module}/hash.b64"))
}
