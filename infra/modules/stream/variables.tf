variable "environment" {
  description = "Name of the deployment, such as dev: the last part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment has 2 to 16 lower-case letters, digits and hyphens, such as dev."
  }
}

variable "mode" {
  description = "ON_DEMAND grows by itself; PROVISIONED is cheaper for steady traffic and needs shards."
  type        = string
  default     = "ON_DEMAND"

  validation {
    condition     = contains(["ON_DEMAND", "PROVISIONED"], var.mode)
    error_message = "mode is ON_DEMAND or PROVISIONED."
  }
}

variable "shards" {
  description = "Shards of a provisioned stream: each takes 1 MB or 1,000 records a second. Ignored on demand."
  type        = number
  default     = 2

  validation {
    condition     = var.shards >= 1 && var.shards <= 500 && floor(var.shards) == var.shards
    error_message = "shards is a whole number from 1 to 500."
  }
}

variable "retention_hours" {
  description = "How long records stay on the stream: how long a consumer may stand still before something is lost."
  type        = number
  default     = 168

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760
    error_message = "retention_hours is 24 to 8760: what Kinesis takes."
  }
}

variable "shard_metrics" {
  description = "Enhanced metrics for each shard, which cost extra: the hot shard shows in them."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = length(setsubtract(var.shard_metrics, [
      "IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords", "WriteProvisionedThroughputExceeded",
      "ReadProvisionedThroughputExceeded", "IteratorAgeMilliseconds",
    ])) == 0
    error_message = "shard_metrics are names of Kinesis' shard-level metrics, such as IncomingBytes."
  }
}

variable "name_suffix" {
  description = "Ends the stream's name. Another one makes another stream: a stream that is made again under the old name has the shards of the old one, and what is counted by them would not be counted."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(-[a-z0-9]{1,16})?$", var.name_suffix))
    error_message = "name_suffix is empty, or a hyphen with up to 16 lower-case letters and digits, such as -2."
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
