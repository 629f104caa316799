# Checks warn at every plan and never stop an apply. HCP Terraform's health checks run them between applies as well.

check "certificates" {
  assert {
    condition = alltrue([
      for certificate in values(data.salesforcebyok_certificate.wrapping) :
      timecmp(timeadd(plantimestamp(), "${var.warn_before_days * 24}h"), certificate.not_after) < 0
    ])
    error_message = "A wrapping certificate expires in less than ${var.warn_before_days} days: ${join(", ", distinct([
      for certificate in values(data.salesforcebyok_certificate.wrapping) : "${certificate.developer_name} at ${certificate.not_after}"
      if timecmp(timeadd(plantimestamp(), "${var.warn_before_days * 24}h"), certificate.not_after) >= 0
    ]))}. Make another one before the next rotation."
  }
  assert {
    condition = alltrue([for type, certificate in data.salesforcebyok_certificate.wrapping : contains(certificate.compatible_types, type)])
    error_message = "A certificate can't wrap a key of its type: ${join(", ", [
      for type, certificate in data.salesforcebyok_certificate.wrapping : "${certificate.developer_name} for ${type}"
      if !contains(certificate.compatible_types, type)
    ])}."
  }
}

check "rotations" {
  assert {
    condition = alltrue([
      for key in values(local.keys) : key.rotation_due_date == null ||
      timecmp(timeadd(coalesce(key.rotation_due_date, plantimestamp()), "${var.warn_before_days * 24}h"), plantimestamp()) >= 0
    ])
    error_message = "A key is more than ${var.warn_before_days} days past its rotation: is the pipeline running?"
  }
}

check "keys_in_use" {
  assert {
    condition     = alltrue([for type, key in local.keys : key.status == "ACTIVE"])
    error_message = "A key is not ACTIVE: ${join(", ", [for type, key in local.keys : type if key.status != "ACTIVE"])}."
  }
  assert {
    condition = alltrue([
      for key in data.salesforcebyok_tenant_secrets.all.tenant_secrets : contains(keys(var.keys), key.type) if key.status == "ACTIVE"
    ])
    error_message = "The org has a key in use that is not managed here: ${join(", ", [
      for key in data.salesforcebyok_tenant_secrets.all.tenant_secrets : key.type if key.status == "ACTIVE" && !contains(keys(var.keys), key.type)
    ])}."
  }
}

check "escrow" {
  assert {
    condition     = alltrue([for type, key in local.keys : key.escrow_ciphertext != null if local.escrow[type] != null])
    error_message = "A key has no escrow copy here: ${join(", ", [for type, key in local.keys : type if local.escrow[type] != null && key.escrow_ciphertext == null])}. It has one from its next rotation on."
  }
}
