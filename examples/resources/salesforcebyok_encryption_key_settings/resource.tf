# Only what is set here is changed.
resource "salesforcebyok_encryption_key_settings" "this" {
  enable_cache_only_keys  = true
  enable_replay_detection = true
}
