variable "named_credential_id" {
  description = "Id (0XA...) of the Named Credential that leads to the key service."
  type        = string
}

variable "published_folder" {
  description = "Folder that the key service serves."
  type        = string
}

variable "escrow_recipients" {
  description = "Age public keys of the custodians."
  type        = list(string)
}

variable "generations" {
  description = "Names of the keys, the newest last: it is the one in use. A further name makes a new key and rotates. Remove none."
  type        = list(string)
  default     = ["1"]

  validation {
    condition     = length(var.generations) > 0 && length(distinct(var.generations)) == length(var.generations)
    error_message = "Expected at least one name, each once."
  }
}
