import {
  to = salesforcebyok_tenant_secret.data
  identity = {
    organization_id = "00D000000000001EAA"
    type            = "Data"
  }
}
