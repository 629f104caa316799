# 32 bytes that a ceremony made, base64.
variable "key_material" {
  type      = string
  ephemeral = true
}

data "salesforcebyok_tenant_secret" "data" {
  type = "Data"
}

# Is the copy in hand the key that the org has?
check "copy_is_the_key" {
  assert {
    condition     = provider::salesforcebyok::secret_value_hash(var.key_material) == data.salesforcebyok_tenant_secret.data.secret_value_hash
    error_message = "The copy is another key than the ACTIVE one."
  }
}
