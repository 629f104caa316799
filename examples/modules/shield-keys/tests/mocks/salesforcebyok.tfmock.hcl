# What a mocked provider answers: ids, dates and receipts of the right shape, so that formatdate() and jsondecode() work.
# In a test of a configuration of yours:
#   mock_provider "salesforcebyok" {
#     source = "./modules/shield-keys/tests/mocks"
#   }

mock_resource "salesforcebyok_tenant_secret" {
  defaults = {
    organization_id             = "00D000000000001EAA"
    tenant_secret_id            = "02G000000000001EAA"
    version                     = 1
    status                      = "ACTIVE"
    secret_value_hash           = "ZpKSJsVQTdt3/KJoEHeDc+9iJyMcrbyH7LIPZ3dHP/0="
    created_date                = "2026-01-31T12:00:00Z"
    created_by_id               = "005000000000001AAA"
    last_modified_date          = "2026-01-31T12:00:00Z"
    rotation_id                 = "1a2b3c4d.1"
    rotation_due_date           = "2027-01-31T12:00:00Z"
    next_rotation_allowed_date  = "2026-02-01T12:00:00Z"
    escrow_ciphertext           = "-----BEGIN AGE ENCRYPTED FILE-----\nbW9jaw==\n-----END AGE ENCRYPTED FILE-----\n"
    key_check_value             = "a1b2c3"
    wrapping_certificate_sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
    certificate_sha256          = "0000000000000000000000000000000000000000000000000000000000000000"
    receipt                     = "{\"cause\":\"plan\",\"fips_mode\":\"on\",\"hash_matched_on_read_back\":true,\"key_source\":\"generated\",\"operation\":\"upload\",\"organization_id\":\"00D000000000001EAA\",\"outcome\":\"uploaded\",\"previous\":null,\"provider_version\":\"mock\",\"receipt_format\":1,\"resource\":\"salesforcebyok_tenant_secret\",\"rotation_id\":\"1a2b3c4d.1\",\"secret_value_hash\":\"ZpKSJsVQTdt3/KJoEHeDc+9iJyMcrbyH7LIPZ3dHP/0=\",\"source\":\"UPLOADED\",\"status_after\":\"ACTIVE\",\"tenant_secret_id\":\"02G000000000001EAA\",\"time\":\"2026-01-31T12:00:00Z\",\"type\":\"Data\",\"version\":1,\"wrapping_algorithm\":\"RSA_OAEP_SHA512\"}"
    # What a configuration leaves out has its default. OpenTofu refuses a mock of what a configuration may set.
    source              = "UPLOADED"        # Terraform only
    key_derivation_mode = "PBKDF2"          # Terraform only
    wrapping_algorithm  = "RSA_OAEP_SHA512" # Terraform only
  }
}

mock_resource "salesforcebyok_tenant_secret_version" {
  defaults = {
    organization_id    = "00D000000000001EAA"
    type               = "Data"
    version            = 1
    status             = "ARCHIVED"
    source             = "UPLOADED"
    secret_value_hash  = "ZpKSJsVQTdt3/KJoEHeDc+9iJyMcrbyH7LIPZ3dHP/0="
    created_date       = "2025-01-31T12:00:00Z"
    last_modified_date = "2026-01-31T12:00:00Z"
    recoverable        = true
    receipt            = "{\"cause\":\"plan\",\"export_held\":true,\"fips_mode\":\"on\",\"hash_matched_on_read_back\":null,\"operation\":\"adopt\",\"organization_id\":\"00D000000000001EAA\",\"outcome\":\"adopted\",\"previous\":null,\"provider_version\":\"mock\",\"receipt_format\":1,\"resource\":\"salesforcebyok_tenant_secret_version\",\"secret_value_hash\":\"ZpKSJsVQTdt3/KJoEHeDc+9iJyMcrbyH7LIPZ3dHP/0=\",\"source\":\"UPLOADED\",\"status_after\":\"ARCHIVED\",\"status_before\":\"ARCHIVED\",\"tenant_secret_id\":\"02G000000000000EAA\",\"time\":\"2026-01-31T12:00:00Z\",\"type\":\"Data\",\"version\":1}"
  }
}

mock_data "salesforcebyok_certificate" {
  defaults = {
    organization_id    = "00D000000000001EAA"
    byok_compatible    = true
    compatible_types   = ["Analytics", "Data", "DeterministicData", "EventBus", "SearchIndex"]
    not_before         = "2026-01-01T00:00:00Z"
    not_after          = "2099-12-31T00:00:00Z"
    sha256_fingerprint = "0000000000000000000000000000000000000000000000000000000000000000"
  }
}

mock_data "salesforcebyok_tenant_secrets" {
  defaults = {
    organization_id = "00D000000000001EAA"
    # Terraform can mock no list of objects: tenant_secrets is empty.
    counts = { ACTIVE = 1, ARCHIVED = 1, DESTROYED = 0 }
  }
}
