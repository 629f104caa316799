terraform {
  required_providers {
    salesforcebyok = {
      source = "salesforcebyok/salesforcebyok"
    }
  }
}

variable "client_secret" {
  type      = string
  ephemeral = true
}

provider "salesforcebyok" {
  instance_url    = "https://example.my.salesforce.com"
  organization_id = "00D000000000001EAA" # any other org is an error
  client_id       = "3MVG9..."
  client_secret   = var.client_secret
}
