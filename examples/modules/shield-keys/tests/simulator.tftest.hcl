# Against the simulator as it starts without a seed, which SALESFORCE_* name. It goes through the life of a key: create, rotate,
# destroy, restore. Conditions name no earlier run, and variables the one before alone: OpenTofu knows no more.

provider "salesforcebyok" {
  allow_key_destruction = true
}

variables {
  certificate = "Sim_BYOK"
  escrow = { recipient_groups = [
    ["age1fyge6m808w0ktj2tgy7dz0v8tgedcvpuauf2dekqwf3jnd678s8s7uk7em"], ["age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z"],
  ] }
  deletion_policy = "ABANDON" # or the teardown fails
  keys = {
    Data              = { description = "<b>fields</b> & files" }
    DeterministicData = {}
    SearchIndex       = { wrapping_algorithm = "RSA_AES_KEY_WRAP_SHA512" }
  }
}

run "create" {
  variables {
    rotation_triggers = { year = "2026" }
  }

  assert {
    condition     = alltrue([for key in values(output.inventory) : key.status == "ACTIVE" && key.source == "UPLOADED"])
    error_message = "Every key must be in use, and uploaded."
  }
  assert {
    condition     = alltrue([for type, receipt in output.receipts : jsondecode(receipt).type == type])
    error_message = "Every key must have its receipt."
  }
  assert {
    condition     = length(output.escrow_copies) == 3 && alltrue([for copy in values(output.escrow_copies) : startswith(copy.ciphertext, "-----BEGIN AGE")])
    error_message = "Every key must have its escrow copy."
  }
}

run "nothing_to_do" {
  variables {
    rotation_triggers = { year = "2026" }
  }

  assert {
    condition     = length([for key in data.salesforcebyok_tenant_secrets.all.tenant_secrets : key if key.source == "UPLOADED"]) == 3
    error_message = "A second apply must change nothing."
  }
}

run "rotate" {
  variables {
    rotation_triggers = { year = "2027" }
  }

  assert {
    condition = alltrue([
      for type, key in output.inventory :
      length(distinct([for record in data.salesforcebyok_tenant_secrets.all.tenant_secrets : record.secret_value_hash if record.type == type && record.source == "UPLOADED"])) == 2
    ])
    error_message = "Every key must be a new one."
  }
  assert {
    condition     = length(output.not_yet_kept) == 4
    error_message = "The three old keys must be archived, as the one of Salesforce's is."
  }
  assert {
    condition     = strcontains(output.inventory_page, "&lt;b&gt;fields&lt;/b&gt; &amp; files") && !strcontains(output.inventory_page, "<b>")
    error_message = "The page must escape what comes from the org."
  }
  assert {
    condition     = length(regexall("class=\"ACTIVE\"", output.inventory_page)) == 3 && strcontains(output.inventory_page, "due ")
    error_message = "The page must show one key in use for each type, and when its rotation is due."
  }
}

run "keep" {
  variables {
    rotation_triggers = { year = "2027" }
    versions          = { for id in run.rotate.not_yet_kept : id => {} }
  }

  assert {
    condition     = alltrue([for version in values(output.version_receipts) : version.status == "ARCHIVED" && jsondecode(version.receipt).operation == "adopt" && version.recoverable])
    error_message = "The export of each archived key must be held."
  }
}

run "destroy" {
  variables {
    rotation_triggers = { year = "2027" }
    versions          = { for id in keys(run.keep.version_receipts) : id => { desired_status = "DESTROYED" } }
  }

  assert {
    condition     = alltrue([for version in values(output.version_receipts) : version.status == "DESTROYED" && jsondecode(version.receipt).operation == "destroy" && version.recoverable])
    error_message = "Each archived key must be destroyed, and its export be held."
  }
}

run "restore" {
  variables {
    rotation_triggers = { year = "2027" }
    versions          = { for id in keys(run.destroy.version_receipts) : id => {} }
  }

  assert {
    condition     = alltrue([for version in values(output.version_receipts) : version.status == "ARCHIVED" && jsondecode(version.receipt).operation == "restore"])
    error_message = "Each key must be back."
  }
}
