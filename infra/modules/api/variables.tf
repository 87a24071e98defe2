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

variable "stage_name" {
  description = "Name of the stage, which is the path before /api in the invoke URL."
  type        = string
  default     = "live"

  validation {
    condition     = can(regex("^[a-z0-9_-]{1,32}$", var.stage_name))
    error_message = "stage_name has 1 to 32 lower-case letters, digits, hyphens and underscores."
  }
}

variable "collector" {
  description = "The collector, as the module collector gives it."
  type = object({
    name            = string
    alias_name      = string
    alias_arn       = string
    invoke_arn      = string
    timeout_seconds = number
  })

  validation {
    condition     = endswith(var.collector.alias_arn, ":${var.collector.alias_name}")
    error_message = "collector.alias_arn is the ARN of the alias, not of the function."
  }
}

variable "tables" {
  description = "The tables by logical name: realtime, events, stats and sites are read."
  type        = map(object({ name = string, arn = string }))

  validation {
    condition     = length(setsubtract(["realtime", "events", "stats", "sites"], keys(var.tables))) == 0
    error_message = "tables has realtime, events, stats and sites."
  }

  validation {
    condition     = alltrue([for t in var.tables : can(regex("^arn:[a-z-]+:dynamodb:", t.arn))])
    error_message = "Each of tables has the ARN of a DynamoDB table."
  }
}

variable "stores_kms_key_arn" {
  description = "Key that encrypts the tables."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.stores_kms_key_arn))
    error_message = "stores_kms_key_arn is the ARN of a KMS key."
  }
}

variable "read_apis" {
  description = "Memory in MB, longest invocation in seconds and reserved concurrency (-1: none) of each read API."
  type = object({
    memory_mb            = optional(number, 512)
    timeout_seconds      = optional(number, 15)
    reserved_concurrency = optional(number, -1)
  })
  default = {}

  validation {
    condition     = var.read_apis.timeout_seconds >= 5 && var.read_apis.timeout_seconds <= 29
    error_message = "read_apis.timeout_seconds is 5 to 29: API Gateway waits no longer."
  }
}

variable "cache" {
  description = "The stage's cache: its size in GB as API Gateway writes it (null: no cache, and nothing to pay), and for how many seconds it keeps the answers of a route. With a cache the read APIs refuse every private site, so `public_sites_only` must say that there is none: the stage may take a read key for no part of a question (docs/decisions/0035-no-stage-cache.md)."
  type = object({
    size_gb           = optional(string)
    public_sites_only = optional(bool, false)
    ttl_seconds = optional(object({
      realtime       = optional(number, 3)
      live-events    = optional(number, 3)
      stats          = optional(number, 10)
      reconciliation = optional(number, 10)
    }), {})
  })
  default = {}

  # An `||` would ask whether a list contains null.
  validation {
    condition     = var.cache.size_gb == null ? true : contains(["0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"], var.cache.size_gb)
    error_message = "cache.size_gb is one of API Gateway's sizes: 0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118 or 237."
  }

  validation {
    condition     = var.cache.size_gb == null || var.cache.public_sites_only
    error_message = "cache.size_gb needs cache.public_sites_only = true: the stage could give a private site's answer to anybody."
  }

  validation {
    condition     = alltrue([for seconds in var.cache.ttl_seconds : seconds >= 0 && seconds <= 3600 && floor(seconds) == seconds])
    error_message = "cache.ttl_seconds are whole numbers from 0 to 3600: what API Gateway takes."
  }

  validation {
    condition     = max(var.cache.ttl_seconds.realtime, var.cache.ttl_seconds.live-events) <= 3
    error_message = "cache.ttl_seconds of realtime and live-events is 3 at most: the live view promises no more (docs/api.md)."
  }
}

variable "throttles" {
  description = "Requests a second, and how many at once, of each route; `stage` for what has no throttle of its own, `key` for each server's key."
  type = object({
    csrf-token     = optional(object({ rate = number, burst = number }), { rate = 250, burst = 500 })
    events         = optional(object({ rate = number, burst = number }), { rate = 500, burst = 1000 })
    realtime       = optional(object({ rate = number, burst = number }), { rate = 200, burst = 400 })
    live-events    = optional(object({ rate = number, burst = number }), { rate = 200, burst = 400 })
    live-visit     = optional(object({ rate = number, burst = number }), { rate = 20, burst = 40 })
    stats          = optional(object({ rate = number, burst = number }), { rate = 100, burst = 200 })
    reconciliation = optional(object({ rate = number, burst = number }), { rate = 10, burst = 20 })
    query          = optional(object({ rate = number, burst = number }), { rate = 50, burst = 100 })
    goals          = optional(object({ rate = number, burst = number }), { rate = 20, burst = 40 })
    funnel         = optional(object({ rate = number, burst = number }), { rate = 20, burst = 40 })
    rebuild        = optional(object({ rate = number, burst = number }), { rate = 5, burst = 10 })
    stage          = optional(object({ rate = number, burst = number }), { rate = 1000, burst = 2000 })
    key            = optional(object({ rate = number, burst = number }), { rate = 1000, burst = 2000 })
  })
  default = {}

  validation {
    condition     = alltrue([for t in var.throttles : t.rate >= 1 && t.rate <= 10000 && floor(t.rate) == t.rate])
    error_message = "A rate is a whole number from 1 to 10000: an account's quota in a region."
  }

  validation {
    condition     = alltrue([for t in var.throttles : t.burst >= t.rate && t.burst <= 10000 && floor(t.burst) == t.burst])
    error_message = "A burst is a whole number from its rate to 10000."
  }
}

variable "servers" {
  description = "Names of servers that get a key of the usage plan."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.servers : can(regex("^[a-z][a-z0-9-]{1,30}$", name))])
    error_message = "servers have names of 2 to 31 lower-case letters, digits and hyphens."
  }
}

variable "keyed_methods" {
  description = "Methods that only keys of the usage plan may call, such as `POST /api/events`. Browsers have none. On a read route, a server's key must also be a read key of the site: both travel in X-API-Key."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = length(setsubtract(var.keyed_methods, [
      "POST /api/csrf-token", "POST /api/events", "GET /api/realtime", "GET /api/live/events", "GET /api/live/visit", "GET /api/stats", "GET /api/query", "GET /api/goals", "POST /api/goals", "GET /api/funnel", "GET /api/reconciliation", "GET /api/rebuild", "POST /api/rebuild",
    ])) == 0
    error_message = "keyed_methods are methods of the API, such as `POST /api/events`."
  }
}

variable "access_logs" {
  description = "Whether requests are logged."
  type        = bool
  default     = true
  nullable    = false
}

variable "sets_account_log_role" {
  description = "Whether this deployment sets the role with which API Gateway writes logs. It is one for the whole account in a region: true for one deployment there, false for others."
  type        = bool
  default     = true
  nullable    = false
}
