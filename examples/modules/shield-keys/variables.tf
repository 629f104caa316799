variable "keys" {
  description = <<-EOT
    The keys of the org, by type: Data, DeterministicData, EventBus, SearchIndex, Analytics, Database. What a key leaves out comes from the
    variable of the same name below; `{}` is a key with all defaults. See salesforcebyok_tenant_secret for each attribute.
  EOT
  type = map(object({
    description         = optional(string)
    source              = optional(string)
    certificate         = optional(string)
    certificate_pins    = optional(list(string))
    wrapping_algorithm  = optional(string)
    key_derivation_mode = optional(string)
    rotate_after_days   = optional(number)
    rotation_triggers   = optional(map(string))

    # Of a key ceremony; then there is no escrow here.
    wrapped_key_material = optional(string)
    secret_value_hash    = optional(string)

    # Of a cache-only key (source = "REMOTE").
    remote_key_identifier  = optional(string)
    remote_key_service_id  = optional(string)
    remote_key_certificate = optional(string)
  }))

  validation {
    condition     = alltrue([for type in keys(var.keys) : contains(["Data", "DeterministicData", "EventBus", "SearchIndex", "Analytics", "Database"], type)])
    error_message = "Each key of the map must be a type of tenant secret: Data, DeterministicData, EventBus, SearchIndex, Analytics or Database."
  }
  validation {
    condition     = alltrue([for key in values(var.keys) : (key.wrapped_key_material == null) == (key.secret_value_hash == null) || key.wrapped_key_material == null])
    error_message = "A key with wrapped_key_material needs its secret_value_hash."
  }
}

variable "organization_id" {
  description = "Id of the org that these keys are for (18 characters): a key that turns out to be another org's is an error. Pin the provider too."
  type        = string
  default     = null
}

variable "certificate" {
  description = "Unique name of the wrapping certificate of the keys that name none of their own."
  type        = string
  default     = null
}

variable "certificate_pins" {
  description = <<-EOT
    SHA-256 fingerprints of the certificates that keys may be wrapped to, for the keys that have none of their own. Take them from
    the file that Setup lets you download: a pin that comes from the certificate's own data source protects nothing.
  EOT
  type        = list(string)
  default     = null
}

variable "escrow" {
  description = "Who can open the copies of the keys that are generated here: one identity of age_recipients, or one of each of recipient_groups (dual control)."
  type = object({
    age_recipients   = optional(list(string))
    recipient_groups = optional(list(list(string)))
    directory        = optional(string)
  })
  default = null

  validation {
    condition     = var.escrow == null || try((var.escrow.age_recipients == null) != (var.escrow.recipient_groups == null), false)
    error_message = "escrow needs exactly one of age_recipients and recipient_groups."
  }
}

variable "rotate_after_days" {
  description = "Age at which the first plan rotates a key."
  type        = number
  default     = 365
}

variable "rotation_triggers" {
  description = "Any change rotates every key that has no triggers of its own."
  type        = map(string)
  default     = {}
}

variable "deletion_policy" {
  description = "PREVENT keeps `terraform destroy` and a removed block from letting go of a key. A test sets ABANDON, or its teardown fails."
  type        = string
  default     = "PREVENT"
}

variable "versions" {
  description = "Archived records by id (02G...): kept with Salesforce's export, destroyed, restored. See salesforcebyok_tenant_secret_version."
  type = map(object({
    desired_status              = optional(string, "ARCHIVED")
    backup                      = optional(string)
    destruction_acknowledgement = optional(string)

    # Under a quorum of the provider block: when the approvals end, and the signatures over destruction_statement.
    destruction_not_after = optional(string)
    destruction_approvals = optional(list(string))
  }))
  default = {}
}

variable "warn_before_days" {
  description = "How long before its end a certificate, and how long after its rotation was due a key, fails its check."
  type        = number
  default     = 30
}

variable "report_time" {
  description = <<-EOT
    Time that the days in the output inventory count from, RFC 3339. Without it they are null: counted from now they would change the
    outputs, and so the plan, every day.
  EOT
  type        = string
  default     = null
}
