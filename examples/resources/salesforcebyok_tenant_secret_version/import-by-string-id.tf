import {
  to = salesforcebyok_tenant_secret_version.old
  id = "02G000000000001EAA"
}
