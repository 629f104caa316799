# For whoever has applied this example before it used the module: nothing is made again.

moved {
  from = salesforcebyok_tenant_secret.data
  to   = module.keys.salesforcebyok_tenant_secret.data["Data"]
}

moved {
  from = salesforcebyok_tenant_secret.other
  to   = module.keys.salesforcebyok_tenant_secret.other
}

moved {
  from = salesforcebyok_tenant_secret_version.kept
  to   = module.keys.salesforcebyok_tenant_secret_version.this
}
