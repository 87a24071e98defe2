variable "environment" {
  description = "Name of the deployment, such as dev: the last part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment has 2 to 16 lower-case letters, digits and hyphens, such as dev."
  }
}

variable "packages_dir" {
  description = "Where make package puts the zips: <packages_dir>/<architecture>/<function>.zip."
  type        = string

  validation {
    condition     = var.packages_dir != "" && !endswith(var.packages_dir, "/")
    error_message = "packages_dir is a folder, without a slash at its end."
  }
}

variable "architecture" {
  description = "Instruction set of the packages: arm64 costs 20 % less per ms than x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "runtime" {
  description = "Lambda runtime: the Python that the packages' bytecode was compiled for."
  type        = string
  default     = "python3.13"

  validation {
    condition     = contains(["python3.12", "python3.13", "python3.14"], var.runtime)
    error_message = "runtime is python3.12, python3.13 or python3.14: older ones have no SnapStart."
  }
}

variable "log_level" {
  description = "Least level that Powertools' logger writes."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.log_level)
    error_message = "log_level is DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the logs, in days."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is one of the numbers that CloudWatch Logs takes: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 ..."
  }
}

variable "consumers" {
  description = "Memory in MB, longest invocation in seconds and reserved concurrency (-1: none) of each consumer. More memory is more CPU."
  type = object({
    archive  = optional(object({ memory_mb = optional(number, 512), timeout_seconds = optional(number, 60), reserved_concurrency = optional(number, -1) }), {})
    realtime = optional(object({ memory_mb = optional(number, 512), timeout_seconds = optional(number, 60), reserved_concurrency = optional(number, -1) }), {})
    stats    = optional(object({ memory_mb = optional(number, 1024), timeout_seconds = optional(number, 60), reserved_concurrency = optional(number, -1) }), {})
  })
  default = {}

  validation {
    condition     = alltrue([for c in var.consumers : c.memory_mb >= 128 && c.memory_mb <= 10240])
    error_message = "memory_mb of a consumer is 128 to 10240."
  }

  validation {
    condition     = alltrue([for c in var.consumers : c.timeout_seconds >= 20 && c.timeout_seconds <= 900])
    error_message = "timeout_seconds of a consumer is 20 to 900: no write begins in the last 10 s (runtime/aws.py)."
  }

  validation {
    condition     = alltrue([for c in var.consumers : c.reserved_concurrency == -1 || (c.reserved_concurrency >= 1 && c.reserved_concurrency <= 10000)])
    error_message = "reserved_concurrency of a consumer is -1, or 1 to 10000: 0 would switch it off."
  }
}

variable "mappings" {
  description = "Batches of each consumer: records, longest wait in seconds for a full batch, and how many batches of a shard are processed at once. The archive's factor is 1 and no setting: its objects follow each other."
  type = object({
    archive  = optional(object({ batch_size = optional(number, 2000), batching_window_seconds = optional(number, 5) }), {})
    realtime = optional(object({ batch_size = optional(number, 500), batching_window_seconds = optional(number, 1), parallelization_factor = optional(number, 1) }), {})
    stats    = optional(object({ batch_size = optional(number, 1000), batching_window_seconds = optional(number, 2), parallelization_factor = optional(number, 4) }), {})
  })
  default = {}

  validation {
    condition     = alltrue([for m in var.mappings : m.batch_size >= 1 && m.batch_size <= 10000 && floor(m.batch_size) == m.batch_size])
    error_message = "batch_size is a whole number from 1 to 10000: what Lambda takes of a stream."
  }

  validation {
    condition     = alltrue([for m in var.mappings : m.batching_window_seconds >= 0 && m.batching_window_seconds <= 300 && floor(m.batching_window_seconds) == m.batching_window_seconds])
    error_message = "batching_window_seconds is a whole number from 0 to 300: what Lambda takes."
  }

  validation {
    condition     = alltrue([for m in [var.mappings.realtime, var.mappings.stats] : m.parallelization_factor >= 1 && m.parallelization_factor <= 10 && floor(m.parallelization_factor) == m.parallelization_factor])
    error_message = "parallelization_factor is a whole number from 1 to 10: what Lambda takes."
  }
}

variable "compactor" {
  description = "Memory in MB, longest invocation in seconds and schedule (UTC) of the archive's compactor."
  type = object({
    memory_mb       = optional(number, 1024)
    timeout_seconds = optional(number, 900)
    schedule        = optional(string, "cron(15 2 * * ? *)")
  })
  default = {}

  validation {
    condition     = var.compactor.memory_mb >= 128 && var.compactor.memory_mb <= 10240
    error_message = "compactor.memory_mb is 128 to 10240."
  }

  validation {
    condition     = var.compactor.timeout_seconds >= 120 && var.compactor.timeout_seconds <= 900
    error_message = "compactor.timeout_seconds is 120 to 900: with less than a minute left it begins nothing."
  }
}

variable "stream" {
  description = "The event stream, and the key that encrypts it."
  type        = object({ arn = string, kms_key_arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:kinesis:", var.stream.arn)) && can(regex("^arn:[a-z-]+:kms:", var.stream.kms_key_arn))
    error_message = "stream.arn is the ARN of a Kinesis stream, stream.kms_key_arn that of a KMS key."
  }
}

variable "tables" {
  description = "The tables by logical name: events, sessions, realtime, stats, sites."
  type        = map(object({ name = string, arn = string }))

  validation {
    condition     = length(setsubtract(["events", "sessions", "realtime", "stats", "sites"], keys(var.tables))) == 0
    error_message = "tables has events, sessions, realtime, stats and sites."
  }

  validation {
    condition     = alltrue([for t in var.tables : can(regex("^arn:[a-z-]+:dynamodb:", t.arn))])
    error_message = "Each of tables has the ARN of a DynamoDB table."
  }
}

variable "archive_bucket" {
  description = "The bucket of the raw archive."
  type        = object({ name = string, arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:s3:::", var.archive_bucket.arn))
    error_message = "archive_bucket.arn is the ARN of an S3 bucket."
  }
}

variable "dead_letters_bucket" {
  description = "The bucket of what can never be processed."
  type        = object({ name = string, arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:s3:::", var.dead_letters_bucket.arn))
    error_message = "dead_letters_bucket.arn is the ARN of an S3 bucket."
  }
}

variable "stores_kms_key_arn" {
  description = "Key that encrypts tables, buckets and parameters."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.stores_kms_key_arn))
    error_message = "stores_kms_key_arn is the ARN of a KMS key."
  }
}
