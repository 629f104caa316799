# What `make demo` applies, step by step, against the Salesforce simulator. Credentials come from SALESFORCE_* variables.

terraform {
  required_providers {
    salesforcebyok = {
      source = "salesforcebyok/salesforcebyok"
    }
  }
}

provider "salesforcebyok" {
  allow_key_destruction = var.allow_key_destruction

  # Each destruction takes the signatures of both.
  destruction_approvers = {
    public_keys = var.approvers
    threshold   = 2
  }
}

# Fields and files. A changed trigger rotates the key in place.
resource "salesforcebyok_tenant_secret" "data" {
  type              = "Data"
  description       = "Customer data"
  certificate       = "Sim_BYOK"
  rotation_triggers = { quarter = var.quarter }

  escrow = {
    age_recipients = [var.escrow_recipient]
    directory      = "${path.module}/escrow"
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Fields that are searched by equality. Salesforce wants an ACTIVE Data key first.
resource "salesforcebyok_tenant_secret" "deterministic" {
  type        = "DeterministicData"
  description = "Customer lookups"
  certificate = "Sim_BYOK"

  escrow = {
    age_recipients = [var.escrow_recipient]
    directory      = "${path.module}/escrow"
  }

  depends_on = [salesforcebyok_tenant_secret.data]
}

# Archived keys, by record id: kept, destroyed or restored.
resource "salesforcebyok_tenant_secret_version" "archived" {
  for_each = var.archived

  tenant_secret_id      = each.key
  desired_status        = each.value
  destruction_not_after = var.not_after
  destruction_approvals = var.approvals
}

# What the approvers sign.
output "statements" {
  value = { for id, version in salesforcebyok_tenant_secret_version.archived : id => version.destruction_statement }
}
