# The id as it stands in the URL of a record in Setup.
output "record" {
  value = provider::salesforcebyok::id18("02GB0000000HYsw") # "02GB0000000HYswMAG"
}
