# Without an org and without a network: what the module makes of its variables. The mocks stand in a file of their own, which the tests
# of a caller can use too. OpenTofu has no such file and takes mocks.tofutest.hcl instead.

mock_provider "salesforcebyok" {
  source = "./tests/mocks"
}

variables {
  organization_id = "00D000000000001EAA"
  certificate     = "BYOK_Wrapping"
  escrow          = { age_recipients = ["age1fyge6m808w0ktj2tgy7dz0v8tgedcvpuauf2dekqwf3jnd678s8s7uk7em"] }
  keys = {
    Data        = { rotation_triggers = { year = "2026" } }
    SearchIndex = { wrapping_algorithm = "RSA_AES_KEY_WRAP_SHA512", rotate_after_days = 90 }
    EventBus    = { source = "HSM" }
  }
}

run "defaults" {
  command = apply

  variables {
    report_time = "2026-12-31T23:59:59Z"
  }

  assert {
    condition     = salesforcebyok_tenant_secret.data["Data"].certificate == "BYOK_Wrapping" && salesforcebyok_tenant_secret.data["Data"].rotate_after_days == 365
    error_message = "Data must have the module's certificate and age."
  }
  assert {
    condition     = output.inventory["Data"].source == "UPLOADED" && salesforcebyok_tenant_secret.other["EventBus"].source == "HSM"
    error_message = "Defaults and what is configured must be readable."
  }
  assert {
    condition     = salesforcebyok_tenant_secret.other["SearchIndex"].rotate_after_days == 90 && salesforcebyok_tenant_secret.other["SearchIndex"].escrow != null
    error_message = "SearchIndex must have its own age and the module's escrow."
  }
  assert {
    condition     = salesforcebyok_tenant_secret.other["EventBus"].certificate == null && salesforcebyok_tenant_secret.other["EventBus"].escrow == null
    error_message = "A key that Salesforce makes has neither certificate nor escrow."
  }
  assert {
    condition     = alltrue([for key in values(local.keys) : key.deletion_policy == "PREVENT"])
    error_message = "Nothing may let go of a key by accident."
  }
  assert {
    condition     = output.inventory["Data"].days_to_rotation == 31 && output.inventory["Data"].days_to_certificate_expiry == 26663
    error_message = "From 2026-12-31 to 2027-01-31 it is 31 days, to 2099-12-31 26663: found ${output.inventory["Data"].days_to_rotation} and ${output.inventory["Data"].days_to_certificate_expiry}."
  }
  assert {
    condition     = jsondecode(output.receipts["Data"]).outcome == "uploaded" && length(output.escrow_copies) == 3
    error_message = "Receipts and copies must be there for every key that has one."
  }
  assert {
    condition     = strcontains(output.inventory_page, "Shield keys of <code>00D000000000001EAA</code>")
    error_message = "The page must name the org."
  }
}

run "a_plan_has_no_days" {
  command = apply

  assert {
    condition     = output.inventory["Data"].days_to_rotation == null
    error_message = "Without report_time days would change every plan."
  }
}

run "kept" {
  command = apply

  variables {
    versions = { "02G000000000000EAA" = {} }
  }

  assert {
    condition     = salesforcebyok_tenant_secret_version.this["02G000000000000EAA"].desired_status == "ARCHIVED"
    error_message = "A record that is named without more is kept."
  }
  assert {
    condition     = jsondecode(output.version_receipts["02G000000000000EAA"].receipt).operation == "adopt"
    error_message = "A record that is kept must have its receipt."
  }
}

run "another_org" {
  command = plan

  variables {
    organization_id = "00D000000000002EAA"
  }

  expect_failures = [salesforcebyok_tenant_secret.data]
}

run "not_a_type" {
  command = plan

  variables {
    keys = { Date = {} }
  }

  expect_failures = [var.keys]
}

run "both_kinds_of_escrow" {
  command = plan

  variables {
    escrow = { age_recipients = ["age1"], recipient_groups = [["age1"], ["age2"]] }
  }

  expect_failures = [var.escrow]
}

run "wrapped_without_its_hash" {
  command = plan

  variables {
    keys = { Data = { wrapped_key_material = "AAAA" } }
  }

  expect_failures = [var.keys]
}

run "certificate_near_its_end" {
  command = apply

  override_data {
    target = data.salesforcebyok_certificate.wrapping
    values = { not_after = "2026-01-31T00:00:00Z", compatible_types = ["Database"] }
  }

  expect_failures = [check.certificates]
}
