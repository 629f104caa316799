variable "organization_id" {
  description = "Id of the org that this configuration is for. Credentials of any other org are an error."
  type        = string
  default     = null
}

variable "escrow_recipients" {
  description = "Age public keys of the custodians: any one of them can open the escrow copies."
  type        = list(string)
}

variable "escrow_directory" {
  description = "Where the escrow copies and receipts are written, beside those in state."
  type        = string
  default     = "escrow"
}

variable "certificate_name" {
  description = "Unique name of the wrapping certificate. A new name is a renewal."
  type        = string
  default     = "BYOK_Wrapping_2026"
}

variable "rotate_after_days" {
  description = "Age at which the first plan rotates a key."
  type        = number
  default     = 365
}

variable "warn_before_days" {
  description = "How long before its end a certificate, and how long after its rotation was due a key, fails its check."
  type        = number
  default     = 30
}

variable "kept_versions" {
  description = "Ids of archived records whose export is kept, as the output not_yet_kept lists them."
  type        = set(string)
  default     = []
}
