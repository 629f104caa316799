list "salesforcebyok_external_root_key" "all" {
  provider = salesforcebyok
}
