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

variable "snap_start" {
  description = "Whether what users wait for starts from a snapshot (only where the region has it for Python)."
  type        = bool
  default     = false
  nullable    = false
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

variable "memory_mb" {
  description = "Memory of the collector in MB."
  type        = number
  default     = 512

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb is 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "Longest invocation of the collector: the stream may refuse for 5 s (ingest/stream/kinesis.py), then there is the spill."
  type        = number
  default     = 15

  validation {
    condition     = var.timeout_seconds >= 12 && var.timeout_seconds <= 29
    error_message = "timeout_seconds is 12 (the stream's 5 s of patience, and the spill) to 29 (API Gateway waits no longer)."
  }
}

variable "reserved_concurrency" {
  description = "Containers set aside for the collector, and its limit; -1: it shares the account's."
  type        = number
  default     = -1

  validation {
    condition     = var.reserved_concurrency == -1 || (var.reserved_concurrency >= 1 && var.reserved_concurrency <= 10000)
    error_message = "reserved_concurrency is -1, or 1 to 10000: 0 would switch the collector off."
  }
}

variable "drain" {
  description = "Memory in MB and longest invocation in seconds of the drain."
  type = object({
    memory_mb       = optional(number, 512)
    timeout_seconds = optional(number, 55)
  })
  default = {}

  validation {
    condition     = var.drain.memory_mb >= 128 && var.drain.memory_mb <= 10240
    error_message = "drain.memory_mb is 128 to 10240."
  }

  validation {
    condition     = var.drain.timeout_seconds >= 15 && var.drain.timeout_seconds <= 900
    error_message = "drain.timeout_seconds is 15 to 900."
  }
}

variable "stream" {
  description = "The event stream, and the key that encrypts it."
  type        = object({ name = string, arn = string, kms_key_arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:kinesis:", var.stream.arn)) && can(regex("^arn:[a-z-]+:kms:", var.stream.kms_key_arn))
    error_message = "stream.arn is the ARN of a Kinesis stream, stream.kms_key_arn that of a KMS key."
  }
}

variable "sites_table" {
  description = "The table of site settings and salts."
  type        = object({ name = string, arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:", var.sites_table.arn))
    error_message = "sites_table.arn is the ARN of a DynamoDB table."
  }
}

variable "archive_bucket" {
  description = "The bucket under whose spill/ lies what the stream refused."
  type        = object({ name = string, arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:s3:::", var.archive_bucket.arn))
    error_message = "archive_bucket.arn is the ARN of an S3 bucket."
  }
}

variable "token_keys_parameter" {
  description = "The parameter that holds the keys for tokens."
  type        = object({ name = string, arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:ssm:", var.token_keys_parameter.arn))
    error_message = "token_keys_parameter.arn is the ARN of an SSM parameter."
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
