variable "environment" {
  description = "Name of the deployment: the last part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment has 2 to 16 lower-case letters, digits and hyphens, such as dev."
  }
}

variable "region" {
  description = "Region of all but what CloudFront wants in us-east-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is the code of an AWS region, such as eu-central-1."
  }
}

variable "profile" {
  description = "How much stands around the pipeline: lean, standard or guarded (profiles.tf). `liveinsight cost --profile` says what each costs."
  type        = string
  default     = "standard"

  validation {
    condition     = contains(["lean", "standard", "guarded"], var.profile)
    error_message = "profile is lean, standard or guarded."
  }
}

variable "packages_dir" {
  description = "Where make package puts the zips; null: dist/lambda of this repository."
  type        = string
  default     = null
}

variable "architecture" {
  description = "Instruction set of the functions: see infra/modules/function, which also says what is valid."
  type        = string
  default     = "arm64"
}

variable "runtime" {
  description = "Lambda runtime: the Python that the packages were built for."
  type        = string
  default     = "python3.13"
}

variable "stream" {
  description = "The event stream, where it is not as the profile says: see infra/modules/stream, which also says what is valid."
  type = object({
    mode            = optional(string)
    shards          = optional(number)
    retention_hours = optional(number)
    shard_metrics   = optional(set(string))
    name_suffix     = optional(string, "")
  })
  default = {}

  validation {
    condition     = var.profile == "lean" || try(var.stream.retention_hours >= 168, true)
    error_message = "stream.retention_hours is 168 or more, but in the profile lean: a consumer may stand still for a week before an event is lost."
  }
}

variable "stores" {
  description = "Tables and buckets: see infra/modules/stores, which also says what is valid. deletion_protection also keeps the whole deployment from being destroyed (infra/modules/guard)."
  type = object({
    capacity = optional(object({
      mode           = string
      read           = optional(object({ minimum = number, maximum = number }))
      write          = optional(object({ minimum = number, maximum = number }))
      target_percent = optional(number)
    }), { mode = "PAY_PER_REQUEST" })
    recovery_days                = optional(number, 35)
    deletion_protection          = optional(bool, true)
    destroy_buckets_with_content = optional(bool, false)
    archive_tiers                = optional(object({ infrequent_days = number, glacier_days = number }), { infrequent_days = 30, glacier_days = 90 })
    dead_letter_days             = optional(number, 90)
  })
  default = {}

  validation {
    condition     = !(var.stores.deletion_protection && var.stores.destroy_buckets_with_content)
    error_message = "stores protects tables and destroys buckets at once: what is that deployment for?"
  }
}

variable "functions" {
  description = "Sizes, batches and logs of the functions: see infra/modules/function, collector, processors and api, which also say what is valid. Concurrency -1: none is reserved."
  type = object({
    snap_start            = optional(bool, false)
    log_level             = optional(string, "INFO")
    log_retention_days    = optional(number, 30)
    write_versions        = optional(map(number), {})
    collector_memory_mb   = optional(number, 512)
    collector_concurrency = optional(number, -1)
    jobs_concurrency      = optional(number, -1)
    read_apis             = optional(object({ memory_mb = optional(number), timeout_seconds = optional(number), reserved_concurrency = optional(number) }), {})
    consumers = optional(object({
      archive  = optional(object({ memory_mb = optional(number), timeout_seconds = optional(number), reserved_concurrency = optional(number) }), {})
      realtime = optional(object({ memory_mb = optional(number), timeout_seconds = optional(number), reserved_concurrency = optional(number) }), {})
      stats    = optional(object({ memory_mb = optional(number), timeout_seconds = optional(number), reserved_concurrency = optional(number) }), {})
    }), {})
    mappings = optional(object({
      archive  = optional(object({ batch_size = optional(number), batching_window_seconds = optional(number) }), {})
      realtime = optional(object({ batch_size = optional(number), batching_window_seconds = optional(number), parallelization_factor = optional(number) }), {})
      stats    = optional(object({ batch_size = optional(number), batching_window_seconds = optional(number), parallelization_factor = optional(number) }), {})
    }), {})
  })
  default = {}

  validation {
    condition     = var.functions.log_retention_days >= 7
    error_message = "functions.log_retention_days is 7 or more: a weekend is not enough to look into a fault."
  }

  validation {
    condition     = contains([-1, 1], var.functions.jobs_concurrency)
    error_message = "functions.jobs_concurrency is 1 (two drains, compactors or sealers are never at work at once) or -1 (nothing is reserved)."
  }
}

variable "api" {
  description = "Cache, throttles and keys of the API: see infra/modules/api, which also says what is valid."
  type = object({
    cache = optional(object({
      size_gb           = optional(string)
      public_sites_only = optional(bool)
      ttl_seconds       = optional(object({ realtime = optional(number), stats = optional(number), reconciliation = optional(number) }), {})
    }), {})
    throttles             = optional(map(object({ rate = number, burst = number })), {})
    servers               = optional(set(string), [])
    keyed_methods         = optional(set(string), [])
    sets_account_log_role = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.profile == "guarded" || !anytrue([for method in var.api.keyed_methods : startswith(method, "POST /api/events") || startswith(method, "POST /api/csrf-token")])
    error_message = "api.keyed_methods of the collector need the profile guarded: an HTTP API has no usage plans."
  }

  validation {
    condition     = length(setsubtract(keys(var.api.throttles), ["csrf-token", "events", "realtime", "live-events", "live-visit", "stats", "query", "goals", "funnel", "reconciliation", "rebuild", "stage", "key"])) == 0
    error_message = "api.throttles are of csrf-token, events, realtime, live-events, live-visit, stats, query, goals, funnel, reconciliation, rebuild, stage or key."
  }
}

variable "edge" {
  description = "Host names and limits of the distribution: see infra/modules/edge, which also says what is valid."
  type = object({
    aliases         = optional(list(string), [])
    certificate_arn = optional(string)
    zone_id         = optional(string)
    zone_hosts      = optional(list(string), [])
    price_class     = optional(string, "PriceClass_100")
    rate_limit      = optional(number, 10000)
    hsts_seconds    = optional(number, 31536000)
  })
  default = {}

  validation {
    condition     = (var.edge.certificate_arn != null) == (length(var.edge.aliases) > 0)
    error_message = "edge.aliases and edge.certificate_arn go together: give both or neither."
  }
}

variable "monitoring" {
  description = "Who is told, what is expected, and what it may cost: see infra/modules/monitoring, which also says what is valid."
  type = object({
    monthly_budget_usd   = number
    alarm_emails         = optional(list(string), [])
    runbook              = optional(string, "docs/runbook.md")
    account_concurrency  = optional(number, 10)
    expects_traffic      = optional(bool, true)
    budget_tag           = optional(string)
    iterator_age_seconds = optional(object({ archive = number, realtime = number, stats = number }), { archive = 300, realtime = 30, stats = 120 })
    latency_p95_ms       = optional(object({ collector = number, api = number }), { collector = 500, api = 1000 })
    targets              = optional(object({ latency_p95_ms = optional(number), dynamodb_ms = optional(number), cold_start_ms = optional(number) }), {})
  })

  validation {
    condition     = var.monitoring.monthly_budget_usd >= 1
    error_message = "monitoring.monthly_budget_usd is 1 or more."
  }
}

variable "backup" {
  description = "When backups are made, how long they are kept, and where a copy goes: see infra/modules/backup, which also says what is valid."
  type = object({
    schedule            = optional(string, "cron(30 2 * * ? *)")
    retention_days      = optional(number, 35)
    lock_days           = optional(number)
    copy_vault_arn      = optional(string)
    copy_retention_days = optional(number, 35)
  })
  default = {}

  validation {
    condition     = var.backup.retention_days >= 7
    error_message = "backup.retention_days is 7 or more: a fault may be a week old when it is seen."
  }
}

variable "release" {
  description = "How traffic moves to new versions: see infra/modules/release, which also says what is valid."
  type        = object({ deployment_config_name = optional(string, "CodeDeployDefault.LambdaCanary10Percent5Minutes") })
  default     = {}

  validation {
    condition     = startswith(var.release.deployment_config_name, "CodeDeployDefault.Lambda")
    error_message = "release.deployment_config_name is one of CodeDeploy's for Lambda."
  }
}

variable "origin_secret" {
  description = "What CloudFront shows the API: openssl rand -hex 32, in TF_VAR_origin_secret."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{32,128}$", var.origin_secret))
    error_message = "origin_secret has 32 to 128 letters, digits, hyphens or underscores: openssl rand -hex 32"
  }
}

variable "previous_origin_secret" {
  description = "The origin_secret before the last change, for as long as CloudFront's edges still show it; else null."
  type        = string
  sensitive   = true
  default     = null

  validation {
    condition     = var.previous_origin_secret == null ? true : can(regex("^[A-Za-z0-9_-]{32,128}$", var.previous_origin_secret))
    error_message = "previous_origin_secret is null, or has 32 to 128 letters, digits, hyphens or underscores."
  }
}

variable "emulated" {
  description = "True only against a local emulator: leaves out what it lacks."
  type        = bool
  default     = false
  nullable    = false
}
