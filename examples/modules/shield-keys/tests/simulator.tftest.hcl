# Against an org: the simulator, or a sandbox whose keys may rotate. SALESFORCE_* name it, TF_VAR_archived one of its archived records.
# It goes through the life of a key: create, rotate, destroy, restore.

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
  command = plan

  variables {
    rotation_triggers = { year = "2026" }
  }

  assert {
    condition     = output.inventory == run.create.inventory
    error_message = "A second plan must change nothing."
  }
}

run "rotate" {
  variables {
    rotation_triggers = { year = "2027" }
  }

  assert {
    condition = alltrue([
      for type, key in output.inventory : key.version > run.create.inventory[type].version && key.secret_value_hash != run.create.inventory[type].secret_value_hash
    ])
    error_message = "Every key must be a new one."
  }
  assert {
    condition     = contains(output.not_yet_kept, run.create.inventory["Data"].tenant_secret_id)
    error_message = "The old key must be archived."
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
    versions          = { (run.create.inventory["Data"].tenant_secret_id) = {} }
  }

  assert {
    condition     = alltrue([for version in values(output.version_receipts) : version.status == "ARCHIVED" && version.recoverable])
    error_message = "The export of the archived key must be held."
  }
}

run "destroy" {
  variables {
    rotation_triggers = { year = "2027" }
    versions          = { (run.create.inventory["Data"].tenant_secret_id) = { desired_status = "DESTROYED" } }
  }

  assert {
    condition     = alltrue([for version in values(output.version_receipts) : version.status == "DESTROYED" && version.recoverable])
    error_message = "The archived key must be destroyed, and its export be held."
  }
}

run "restore" {
  variables {
    rotation_triggers = { year = "2027" }
    versions          = { (run.create.inventory["Data"].tenant_secret_id) = {} }
  }

  assert {
    condition     = alltrue([for version in values(output.version_receipts) : version.status == "ARCHIVED"])
    error_message = "The key must be back."
  }
}
