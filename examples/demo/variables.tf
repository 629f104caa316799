variable "escrow_recipient" {
  description = "Age public key of those who must be able to recover the keys."
  type        = string
}

variable "quarter" {
  description = "Changes when the Data key is to be rotated."
  type        = string
  default     = "2026-Q4"
}

variable "archived" {
  description = "Archived records to manage: id to ARCHIVED or DESTROYED."
  type        = map(string)
  default     = {}
}

variable "allow_key_destruction" {
  description = "The first of the two locks on destroying a key."
  type        = bool
  default     = false
}

variable "approvers" {
  description = "SSH public keys of those who must approve a destruction."
  type        = list(string)
}

variable "approvals" {
  description = "Their signatures over the statement, as ssh-keygen -Y sign makes them."
  type        = list(string)
  default     = []
}

variable "not_after" {
  description = "End of the approvals, RFC 3339."
  type        = string
  default     = null
}
