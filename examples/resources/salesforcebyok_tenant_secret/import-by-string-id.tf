import {
  to = salesforcebyok_tenant_secret.data
  id = "Data"
}
