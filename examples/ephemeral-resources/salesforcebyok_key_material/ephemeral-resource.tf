variable "escrow_recipients" {
  type        = list(string)
  description = "age public keys of the custodians"
}

# Another value at each opening.
ephemeral "salesforcebyok_key_material" "new" {}

# One resource both escrows and uploads the value, so that the copy is the key. To keep the copy in a secret store
# instead: store the value, read it back from the store, and upload what was read.
resource "salesforcebyok_tenant_secret" "data" {
  type                    = "Data"
  certificate             = "BYOK_Wrapping"
  key_material_wo         = ephemeral.salesforcebyok_key_material.new.key_material
  key_material_wo_version = "1"

  escrow = {
    age_recipients = var.escrow_recipients
  }
}
