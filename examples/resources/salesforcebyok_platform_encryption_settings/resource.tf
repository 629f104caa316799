# Only what is set here is changed. A key of type DeterministicData or EventBus
# is made once its setting is on.
resource "salesforcebyok_platform_encryption_settings" "this" {
  enable_deterministic_encryption = true
  enable_event_bus_encryption     = true
}
