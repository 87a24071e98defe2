variable "environment" {
  description = "Name of the deployment, such as dev: the last part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment has 2 to 16 lower-case letters, digits and hyphens, such as dev."
  }
}

variable "first_token_key" {
  description = "The first key for tokens, in hex, 32 bytes or more. Used once, when the parameter is made; never kept in the state."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = can(regex("^([0-9a-f]{2}){32,}$", var.first_token_key))
    error_message = "first_token_key is hex of 32 bytes or more."
  }
}

variable "capacity" {
  description = "How the tables are paid: PAY_PER_REQUEST, or PROVISIONED with bounds (capacity units of each table) and the use to aim at."
  type = object({
    mode           = string
    read           = optional(object({ minimum = number, maximum = number }), { minimum = 5, maximum = 200 })
    write          = optional(object({ minimum = number, maximum = number }), { minimum = 5, maximum = 500 })
    target_percent = optional(number, 70)
  })
  default = { mode = "PAY_PER_REQUEST" }

  validation {
    condition     = contains(["PAY_PER_REQUEST", "PROVISIONED"], var.capacity.mode)
    error_message = "capacity.mode is PAY_PER_REQUEST or PROVISIONED."
  }

  validation {
    condition     = alltrue([for b in [var.capacity.read, var.capacity.write] : b.minimum >= 1 && b.minimum <= b.maximum && b.maximum <= 40000])
    error_message = "Each bound of capacity has 1 <= minimum <= maximum <= 40000: a table's quota."
  }

  validation {
    condition     = var.capacity.target_percent >= 20 && var.capacity.target_percent <= 90
    error_message = "capacity.target_percent is 20 to 90: what DynamoDB's scaling takes."
  }
}

variable "recovery_days" {
  description = "How far back a table can be restored to the second."
  type        = number
  default     = 35

  validation {
    condition     = var.recovery_days >= 1 && var.recovery_days <= 35
    error_message = "recovery_days is 1 to 35: what DynamoDB takes."
  }
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted."
  type        = bool
  default     = true
  nullable    = false
}

variable "destroy_buckets_with_content" {
  description = "Whether destroy also deletes buckets that hold something: for short-lived deployments only."
  type        = bool
  default     = false
  nullable    = false
}

variable "archive_tiers" {
  description = "After how many days the compacted archive moves to cheaper storage: infrequent access, then Glacier Instant Retrieval."
  type        = object({ infrequent_days = number, glacier_days = number })
  default     = { infrequent_days = 30, glacier_days = 90 }

  validation {
    condition     = var.archive_tiers.infrequent_days >= 30 && var.archive_tiers.glacier_days >= var.archive_tiers.infrequent_days + 30
    error_message = "archive_tiers.infrequent_days is 30 or more, and glacier_days 30 more than that: what S3 takes."
  }
}

variable "dead_letter_days" {
  description = "After how many days dead letters are deleted."
  type        = number
  default     = 90

  validation {
    condition     = var.dead_letter_days >= 14
    error_message = "dead_letter_days is 14 or more: twice as long as the stream keeps what could be looked at beside them."
  }
}

variable "noncurrent_days" {
  description = "After how many days overwritten and deleted versions of objects go."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days is 1 or more."
  }
}

variable "key_deletion_days" {
  description = "How many days a key that was deleted can still be saved."
  type        = number
  default     = 30

  validation {
    condition     = var.key_deletion_days >= 7 && var.key_deletion_days <= 30
    error_message = "key_deletion_days is 7 to 30: what KMS takes."
  }
}
