variable "environment" {
  description = "Name of the deployment, such as dev: the last part of every name."
  type        = string
}

variable "common" {
  description = "What all functions have in common: see the module function, which also says what is valid."
  type        = object({ packages_dir = string, architecture = string, runtime = string, log_level = string, log_retention_days = number, write_versions = optional(map(number), {}), origin_digests = optional(list(string), []), traced = optional(bool, true) })
}

variable "snap_start" {
  description = "Whether what users wait for starts from a snapshot (only where the region has it for Python)."
  type        = bool
  default     = false
  nullable    = false
}

variable "memory_mb" {
  description = "Memory of the collector in MB."
  type        = number
  default     = 512
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
}

variable "drain" {
  description = "Memory in MB, longest invocation in seconds and reserved concurrency of the drain: 1 keeps two from working at once, which would do work twice and no harm; -1 reserves none."
  type = object({
    memory_mb            = optional(number, 512)
    timeout_seconds      = optional(number, 55)
    reserved_concurrency = optional(number, -1)
  })
  default = {}

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
  description = "The table of site settings."
  type        = object({ name = string, arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:", var.sites_table.arn))
    error_message = "sites_table.arn is the ARN of a DynamoDB table."
  }
}

variable "salts_table" {
  description = "The table of the salts that make visitor ids. Only the collector has a right to it."
  type        = object({ name = string, arn = string })

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:", var.salts_table.arn))
    error_message = "salts_table.arn is the ARN of a DynamoDB table."
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
