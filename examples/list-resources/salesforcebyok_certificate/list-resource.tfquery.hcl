list "salesforcebyok_certificate" "all" {
  provider = salesforcebyok
}
