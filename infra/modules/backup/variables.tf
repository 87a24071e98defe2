variable "environment" {
  description = "Name of the environment: the last part of every name."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters, digits or hyphens, and begin with a letter."
  }
}

variable "tables" {
  description = "The DynamoDB tables to back up, by logical name. Worth it are those that cannot be made again in a day: stats, sessions, sites."
  type        = map(object({ name = string, arn = string }))
  validation {
    condition     = length(var.tables) > 0 && alltrue([for table in values(var.tables) : can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", table.arn))])
    error_message = "tables needs at least one table, each with its ARN: arn:aws:dynamodb:<region>:<account>:table/<name>."
  }
}

variable "archive_bucket" {
  description = "The bucket of the raw archive, to be backed up too (it must be versioned); null leaves it to its own versions."
  type        = object({ name = string, arn = string })
  default     = null
  validation {
    condition     = var.archive_bucket == null || can(regex("^arn:[a-z-]+:s3:::[^/]+$", var.archive_bucket.arn))
    error_message = "archive_bucket needs a bucket's ARN: arn:aws:s3:::<name>."
  }
}

variable "data_key_arns" {
  description = "Keys that encrypt the tables and the bucket: the backup reads through them."
  type        = list(string)
  validation {
    condition     = length(var.data_key_arns) > 0 && alltrue([for key in var.data_key_arns : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+", key))])
    error_message = "data_key_arns needs at least one KMS key, by ARN (not by alias: a policy does not follow aliases)."
  }
}

variable "schedule" {
  description = "When the backup begins, as an EventBridge cron expression in UTC."
  type        = string
  default     = "cron(30 2 * * ? *)"
  validation {
    condition     = can(regex("^cron\\([0-9]{1,2} [0-9]{1,2} (\\*|\\?) \\* (\\*|\\?) \\*\\)$", var.schedule))
    error_message = "schedule must name a minute and an hour of every day, such as cron(30 2 * * ? *): the runbook promises a daily backup."
  }
}

variable "retention_days" {
  description = "For how long a backup is kept. It also keeps what has been erased since: not longer than the privacy notice says."
  type        = number
  default     = 35
  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 1 to 3,650."
  }
}

variable "lock_days" {
  description = "For how many days nobody may delete a backup, whatever their rights but that to the lock itself; null: no lock. Whom you erase stays in it for so long."
  type        = number
  default     = null
  validation {
    condition     = var.lock_days == null ? true : var.lock_days >= 1 && var.lock_days <= var.retention_days && floor(var.lock_days) == var.lock_days
    error_message = "lock_days must be null or a whole number from 1 to retention_days: a lock that is longer makes every backup fail."
  }
}

variable "copy_vault_arn" {
  description = "A vault in another region (or account) that gets a copy of every backup; null makes none. DynamoDB copies need AWS Backup's advanced features switched on for the account and region."
  type        = string
  default     = null
  validation {
    condition     = var.copy_vault_arn == null || can(regex("^arn:[a-z-]+:backup:[a-z0-9-]+:[0-9]{12}:backup-vault:[A-Za-z0-9_-]{2,50}$", var.copy_vault_arn))
    error_message = "copy_vault_arn must be null or look like arn:aws:backup:<region>:<account>:backup-vault:<name>."
  }
}

variable "copy_retention_days" {
  description = "For how long the copy is kept."
  type        = number
  default     = 35
  validation {
    condition     = var.copy_retention_days >= 1 && var.copy_retention_days <= 3650 && floor(var.copy_retention_days) == var.copy_retention_days
    error_message = "copy_retention_days must be a whole number from 1 to 3,650."
  }
}

variable "destroy_with_content" {
  description = "Whether `terraform destroy` may delete the vault with its backups: for throw-away environments."
  type        = bool
  default     = false
}

variable "emulated" {
  description = "True only against a local emulator: leaves out what moto lacks (the selection of what is backed up)."
  type        = bool
  default     = false
}
