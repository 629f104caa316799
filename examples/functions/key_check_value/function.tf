# 32 bytes that a ceremony made, base64.
variable "key_material" {
  type      = string
  ephemeral = true
}

# What the HSM printed when it made the key.
variable "expected_key_check_value" {
  type = string
}

check "copied_without_a_mistake" {
  assert {
    condition     = provider::salesforcebyok::key_check_value(var.key_material) == lower(var.expected_key_check_value)
    error_message = "The key check value differs: the key was not copied as the HSM made it."
  }
}
