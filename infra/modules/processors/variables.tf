variable "environment" {
  description = "Name of the deployment, such as dev: the last part of every name."
  type        = string
}

variable "common" {
  description = "What all functions have in common: see the module function, which also says what is valid."
  type        = object({ packages_dir = string, architecture = string, runtime = string, log_level = string, log_retention_days = number, write_versions = optional(map(number), {}), origin_digests = optional(list(string), []), traced = optional(bool, true) })
}

variable "consumers" {
  description = "Memory in MB, longest invocation in seconds and reserved concurrency (-1: none) of each consumer. More memory is more CPU."
  type = object({
    archive  = optional(object({ memory_mb = optional(number, 512), timeout_seconds = optional(number, 180), reserved_concurrency = optional(number, -1) }), {})
    realtime = optional(object({ memory_mb = optional(number, 512), timeout_seconds = optional(number, 60), reserved_concurrency = optional(number, -1) }), {})
    stats    = optional(object({ memory_mb = optional(number, 1024), timeout_seconds = optional(number, 180), reserved_concurrency = optional(number, -1) }), {})
  })
  default = {}

  validation {
    condition     = alltrue([for c in var.consumers : c.timeout_seconds >= 20 && c.timeout_seconds <= 900])
    error_message = "timeout_seconds of a consumer is 20 to 900: no write begins in the last 10 s (runtime/aws.py)."
  }
}

variable "mappings" {
  description = "Batches of each consumer: records, longest wait in seconds for a full batch, and how many batches of a shard are processed at once. The archive's factor is 1 and no setting: its objects follow each other."
  type = object({
    archive  = optional(object({ batch_size = optional(number, 10000), batching_window_seconds = optional(number, 60) }), {})
    realtime = optional(object({ batch_size = optional(number, 1000), batching_window_seconds = optional(number, 1), parallelization_factor = optional(number, 1) }), {})
    stats    = optional(object({ batch_size = optional(number, 10000), batching_window_seconds = optional(number, 10), parallelization_factor = optional(number, 4) }), {})
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
    condition     = alltrue([for m in var.mappings : m.batching_window_seconds >= 1 if m.batch_size > 10])
    error_message = "batching_window_seconds is at least 1 where batch_size is more than 10: Lambda asks for it."
  }

  validation {
    condition     = alltrue([for m in [var.mappings.realtime, var.mappings.stats] : m.parallelization_factor >= 1 && m.parallelization_factor <= 10 && floor(m.parallelization_factor) == m.parallelization_factor])
    error_message = "parallelization_factor is a whole number from 1 to 10: what Lambda takes."
  }
}

variable "compactor" {
  description = "Memory in MB, longest invocation in seconds, reserved concurrency (1: two are never at work at once; -1: none) and schedule (UTC) of the archive's compactor."
  type = object({
    memory_mb            = optional(number, 1024)
    timeout_seconds      = optional(number, 900)
    reserved_concurrency = optional(number, -1)
    schedule             = optional(string, "cron(15 2 * * ? *)")
  })
  default = {}

  validation {
    condition     = var.compactor.timeout_seconds >= 120 && var.compactor.timeout_seconds <= 900
    error_message = "compactor.timeout_seconds is 120 to 900: with less than a minute left it begins nothing."
  }
}

variable "sealer" {
  description = "Memory in MB, longest invocation in seconds, reserved concurrency (1: two are never at work at once; -1: none) and schedule (UTC) of the sealer."
  type = object({
    memory_mb            = optional(number, 1024)
    timeout_seconds      = optional(number, 900)
    reserved_concurrency = optional(number, -1)
    schedule             = optional(string, "rate(1 hour)")
  })
  default = {}

  validation {
    condition     = var.sealer.timeout_seconds >= 120 && var.sealer.timeout_seconds <= 900
    error_message = "sealer.timeout_seconds is 120 to 900: no write begins in the last 10 s (runtime/aws.py), and a run reads all that is open."
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
