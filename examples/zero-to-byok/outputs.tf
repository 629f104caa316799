output "inventory" {
  description = "The keys in use, by type: record, hash, due and next allowed dates, end of the certificate."
  value       = module.keys.inventory
}

output "inventory_page" {
  description = "Every key record of the org, as an HTML page with a timeline: terraform output -raw inventory_page > keys.html"
  value       = module.keys.inventory_page
}

output "not_yet_kept" {
  description = "Archived records that kept_versions does not name."
  value       = module.keys.not_yet_kept
}

output "receipts" {
  description = "The evidence of each upload."
  value       = module.keys.receipts
}

output "escrow_copies" {
  description = "The escrow copy of each key, under its hash. State has the newest only: keep each."
  value       = module.keys.escrow_copies
}
