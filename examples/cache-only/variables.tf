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

variable "generation" {
  description = "A new value makes a new key under a new identifier, and rotates. Files of earlier ones must stay published."
  type        = string
  default     = "1"
}
