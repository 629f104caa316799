# Checks warn at every plan, also in a pipeline that only plans. They never stop an apply.

check "certificate_expiry" {
  assert {
    condition     = timecmp(timeadd(plantimestamp(), "${var.warn_before_days * 24}h"), salesforcebyok_certificate.wrapping.not_after) < 0
    error_message = "The wrapping certificate expires at ${salesforcebyok_certificate.wrapping.not_after}: change certificate_name before the next rotation."
  }
}

check "certificate_fitness" {
  assert {
    condition     = salesforcebyok_certificate.wrapping.byok_compatible
    error_message = "The wrapping certificate can't wrap keys any more."
  }
}

check "key_age" {
  assert {
    condition = alltrue([
      for k in data.salesforcebyok_tenant_secrets.all.tenant_secrets :
      timecmp(timeadd(k.created_date, "${(var.rotate_after_days + var.warn_before_days) * 24}h"), plantimestamp()) > 0
      if k.status == "ACTIVE"
    ])
    error_message = "A key in use is more than ${var.warn_before_days} days past its rotation: is the pipeline running?"
  }
}

check "own_keys" {
  assert {
    condition     = alltrue([for k in data.salesforcebyok_tenant_secrets.all.tenant_secrets : k.source == "UPLOADED" if k.status == "ACTIVE"])
    error_message = "A key in use was not uploaded by you: ${join(", ", [for k in data.salesforcebyok_tenant_secrets.all.tenant_secrets : k.type if k.status == "ACTIVE" && k.source != "UPLOADED"])}."
  }
}
