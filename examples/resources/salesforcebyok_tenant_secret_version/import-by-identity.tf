import {
  to = salesforcebyok_tenant_secret_version.old
  identity = {
    organization_id  = "00D000000000001EAA"
    tenant_secret_id = "02G000000000001EAA"
  }
}
