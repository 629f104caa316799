output "inventory" {
  description = "The keys in use, by type: record, source, hash, due and next allowed dates, and the end of the certificate that wraps the next one."
  value = {
    for type, key in local.keys : type => {
      organization_id            = key.organization_id
      tenant_secret_id           = key.tenant_secret_id
      version                    = key.version
      status                     = key.status
      source                     = coalesce(var.keys[type].source, "UPLOADED")
      secret_value_hash          = key.secret_value_hash
      created_date               = key.created_date
      rotation_due_date          = key.rotation_due_date
      next_rotation_allowed_date = key.next_rotation_allowed_date
      certificate                = local.certificates[type]
      certificate_not_after      = try(data.salesforcebyok_certificate.wrapping[type].not_after, null)

      days_to_rotation           = try(local.day[key.rotation_due_date] - local.day[var.report_time], null)
      days_to_certificate_expiry = try(local.day[data.salesforcebyok_certificate.wrapping[type].not_after] - local.day[var.report_time], null)
    }
  }
}

output "receipts" {
  description = "The evidence of each key's last upload or adoption: the JSON text as it was written, since its SHA-256 links the next one to it."
  value       = { for type, key in local.keys : type => key.receipt }
}

output "escrow_copies" {
  description = "The encrypted copy of each key that was generated here, under its hash. State has the newest only: keep each."
  value = {
    for type, key in local.keys : type => {
      organization_id   = key.organization_id
      secret_value_hash = key.secret_value_hash
      ciphertext        = key.escrow_ciphertext
    } if key.escrow_ciphertext != null
  }
}

output "version_receipts" {
  description = "Each archived record that is managed here: the evidence of its last change, and the statement that approvers sign before it is destroyed."
  value = {
    for id, version in salesforcebyok_tenant_secret_version.this : id => {
      status                = version.status
      recoverable           = version.recoverable
      receipt               = version.receipt
      destruction_statement = version.destruction_statement
    }
  }
}

output "not_yet_kept" {
  description = "Archived records that the variable versions does not name."
  value = [
    for key in data.salesforcebyok_tenant_secrets.all.tenant_secrets : key.tenant_secret_id
    if key.status == "ARCHIVED" && !contains(keys(var.versions), key.tenant_secret_id)
  ]
}

output "inventory_page" {
  description = "The inventory as one HTML page, for the auditor: terraform output -raw inventory_page > keys.html"
  value = templatefile("${path.module}/inventory.html.tftpl", {
    organization_id = data.salesforcebyok_tenant_secrets.all.organization_id
    types = {
      for type, records in local.records : type => {
        records = records
        bars    = local.bars[type]
        due     = try(local.keys[type].rotation_due_date, null)
        next    = try(local.keys[type].next_rotation_allowed_date, null)
        expiry  = try(data.salesforcebyok_certificate.wrapping[type].not_after, null)
        name    = try(local.certificates[type], null)
        managed = contains(keys(local.keys), type)
      }
    }
  })
}

locals {
  # Dates as day numbers, since the language has no difference of two dates: the Julian day number of the date in UTC.
  dates = toset(compact(concat(
    [for key in data.salesforcebyok_tenant_secrets.all.tenant_secrets : key.created_date],
    [for key in values(local.keys) : key.rotation_due_date],
    [for certificate in values(data.salesforcebyok_certificate.wrapping) : certificate.not_after],
    [var.report_time],
  )))
  calendar = {
    for date in local.dates : date => {
      # January and February belong to the year before, so that the leap day comes last.
      y = tonumber(formatdate("YYYY", date)) + 4800 - (tonumber(formatdate("M", date)) < 3 ? 1 : 0)
      m = tonumber(formatdate("M", date)) + (tonumber(formatdate("M", date)) < 3 ? 9 : -3)
      d = tonumber(formatdate("D", date))
    }
  }
  day = {
    for date, c in local.calendar : date =>
    c.d + floor((153 * c.m + 2) / 5) + 365 * c.y + floor(c.y / 4) - floor(c.y / 100) + floor(c.y / 400) - 32045
  }

  # The records by type, oldest first, and each as a bar of the time that it was in use, on a line of 940.
  records = {
    for type in distinct([for key in data.salesforcebyok_tenant_secrets.all.tenant_secrets : key.type]) : type =>
    [for key in data.salesforcebyok_tenant_secrets.all.tenant_secrets : key if key.type == type]
  }
  # The line of a type ends when its rotation is due, else a quarter after its newest key.
  span = {
    for type, records in local.records : type => {
      from = local.day[records[0].created_date]
      to = max(
        local.day[records[length(records) - 1].created_date] + 1,
        try(local.day[local.keys[type].rotation_due_date], local.day[records[length(records) - 1].created_date] + 90),
      )
    }
  }
  bars = {
    for type, records in local.records : type => [
      for i, key in records : {
        x = floor(940 * (local.day[key.created_date] - local.span[type].from) / (local.span[type].to - local.span[type].from))
        width = max(3, floor(940 * (
          (i + 1 < length(records) ? local.day[records[min(i + 1, length(records) - 1)].created_date] : local.span[type].to) - local.day[key.created_date]
        ) / (local.span[type].to - local.span[type].from)) - 2)
        until = i + 1 < length(records) ? records[min(i + 1, length(records) - 1)].created_date : null
      }
    ]
  }
}
