provider "salesforcebyok" {
  allow_key_destruction = true
}

# Second apply: destroy it. ARCHIVED restores it from the export.
resource "salesforcebyok_tenant_secret_version" "old" {
  tenant_secret_id = "02G000000000001EAA"
  desired_status   = "DESTROYED"
}
