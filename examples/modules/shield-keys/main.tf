# The keys of one org. Data comes first: Salesforce wants an ACTIVE Data key before the others.
resource "salesforcebyok_tenant_secret" "data" {
  for_each = { for type, key in var.keys : type => key if type == "Data" }

  type                   = each.key
  description            = each.value.description
  source                 = each.value.source
  certificate            = local.certificates[each.key]
  certificate_pins       = local.certificate_pins[each.key]
  wrapping_algorithm     = each.value.wrapping_algorithm
  key_derivation_mode    = each.value.key_derivation_mode
  rotate_after_days      = local.rotate_after_days[each.key]
  rotation_triggers      = local.rotation_triggers[each.key]
  escrow                 = local.escrow[each.key]
  wrapped_key_material   = each.value.wrapped_key_material
  secret_value_hash      = each.value.secret_value_hash
  remote_key_identifier  = each.value.remote_key_identifier
  remote_key_service_id  = each.value.remote_key_service_id
  remote_key_certificate = each.value.remote_key_certificate
  deletion_policy        = var.deletion_policy

  lifecycle {
    postcondition {
      condition     = var.organization_id == null || self.organization_id == var.organization_id
      error_message = "This is a key of the org ${self.organization_id}, not of ${coalesce(var.organization_id, "any")}."
    }
  }
}

resource "salesforcebyok_tenant_secret" "other" {
  for_each = { for type, key in var.keys : type => key if type != "Data" }

  type                   = each.key
  description            = each.value.description
  source                 = each.value.source
  certificate            = local.certificates[each.key]
  certificate_pins       = local.certificate_pins[each.key]
  wrapping_algorithm     = each.value.wrapping_algorithm
  key_derivation_mode    = each.value.key_derivation_mode
  rotate_after_days      = local.rotate_after_days[each.key]
  rotation_triggers      = local.rotation_triggers[each.key]
  escrow                 = local.escrow[each.key]
  wrapped_key_material   = each.value.wrapped_key_material
  secret_value_hash      = each.value.secret_value_hash
  remote_key_identifier  = each.value.remote_key_identifier
  remote_key_service_id  = each.value.remote_key_service_id
  remote_key_certificate = each.value.remote_key_certificate
  deletion_policy        = var.deletion_policy

  lifecycle {
    postcondition {
      condition     = var.organization_id == null || self.organization_id == var.organization_id
      error_message = "This is a key of the org ${self.organization_id}, not of ${coalesce(var.organization_id, "any")}."
    }
  }

  depends_on = [salesforcebyok_tenant_secret.data]
}

# An archived key still opens the data that it encrypted. Salesforce's export of each one that is named here is kept in state.
resource "salesforcebyok_tenant_secret_version" "this" {
  for_each = var.versions

  tenant_secret_id            = each.key
  desired_status              = each.value.desired_status
  backup                      = each.value.backup
  destruction_acknowledgement = each.value.destruction_acknowledgement
  destruction_not_after       = each.value.destruction_not_after
  destruction_approvals       = each.value.destruction_approvals
}

# Every record of the org, read after the keys are made, so that the first apply shows them.
data "salesforcebyok_tenant_secrets" "all" {
  depends_on = [salesforcebyok_tenant_secret.data, salesforcebyok_tenant_secret.other, salesforcebyok_tenant_secret_version.this]
}

data "salesforcebyok_certificate" "wrapping" {
  for_each = { for type, uploaded in local.uploaded : type => type if uploaded }

  developer_name = local.certificates[each.key]
}

locals {
  keys = merge(salesforcebyok_tenant_secret.data, salesforcebyok_tenant_secret.other)

  uploaded = { for type, key in var.keys : type => coalesce(key.source, "UPLOADED") == "UPLOADED" }

  # The defaults, for the keys that can have them.
  certificates      = { for type, key in var.keys : type => key.certificate != null || !local.uploaded[type] ? key.certificate : var.certificate }
  certificate_pins  = { for type, key in var.keys : type => key.certificate_pins != null || !local.uploaded[type] ? key.certificate_pins : var.certificate_pins }
  rotate_after_days = { for type, key in var.keys : type => key.rotate_after_days != null ? key.rotate_after_days : var.rotate_after_days }
  rotation_triggers = { for type, key in var.keys : type => key.rotation_triggers != null ? key.rotation_triggers : var.rotation_triggers }
  escrow            = { for type, key in var.keys : type => local.uploaded[type] && key.wrapped_key_material == null ? var.escrow : null }
}
