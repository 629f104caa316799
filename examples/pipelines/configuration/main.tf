# The keys of one org. What differs between orgs stands in terraform.tfvars; credentials come from SALESFORCE_* variables.
terraform {
  required_version = ">= 1.8"
  required_providers {
    salesforcebyok = {
      source = "salesforcebyok/salesforcebyok" # the lock file has its version and hashes
    }
  }
}

provider "salesforcebyok" {
  organization_id = var.organization_id
}

variable "organization_id" {
  description = "Id of the org: credentials of any other org are an error."
  type        = string
}

variable "certificate" {
  description = "Unique name of the wrapping certificate."
  type        = string
}

variable "certificate_pins" {
  description = "SHA-256 fingerprints of the certificates that keys may be wrapped to: of the file that Setup lets you download."
  type        = list(string)
}

variable "escrow_recipients" {
  description = "Age public keys of the custodians."
  type        = list(string)
}

variable "rotation" {
  description = "Change it in a pull request, and the keys rotate."
  type        = map(string)
}

module "keys" {
  source = "./modules/shield-keys"

  organization_id   = var.organization_id
  certificate       = var.certificate
  certificate_pins  = var.certificate_pins
  rotation_triggers = var.rotation
  escrow            = { age_recipients = var.escrow_recipients }
  keys = {
    Data              = {}
    DeterministicData = {}
  }
}

output "inventory" {
  value = module.keys.inventory
}

output "inventory_page" {
  description = "For the auditor: terraform output -raw inventory_page > keys.html"
  value       = module.keys.inventory_page
  sensitive   = true # not secret, but a whole page: it would fill the plan that somebody reviews
}
