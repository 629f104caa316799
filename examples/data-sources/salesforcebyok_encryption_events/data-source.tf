data "salesforcebyok_encryption_events" "this_year" {
  since = "2026-01-01T00:00:00Z"
}

output "who_touched_keys" {
  value = [for e in data.salesforcebyok_encryption_events.this_year.events : "${e.time} ${e.action} ${e.user_id} ${e.client_ip}"]
}
