variable "environment" {
  description = "Name of the environment: the last part of every name."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters, digits or hyphens, and begin with a letter."
  }
}

variable "alarm_emails" {
  description = "Who is written to when an alarm changes. Each gets two letters to confirm: one for each region with alarms."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails must be e-mail addresses."
  }
}

variable "runbook" {
  description = "Where the runbook is: the first part of the link in an alarm's text."
  type        = string
  default     = "docs/runbook.md"
  validation {
    condition     = length(var.runbook) > 0 && length(var.runbook) <= 200 && !strcontains(var.runbook, "#")
    error_message = "runbook must be a path or URL of up to 200 characters without #: the alarm adds its own."
  }
}

variable "functions" {
  description = "All functions by name, as the modules collector, processors and api give them out."
  type = map(object({
    name            = string
    timeout_seconds = number
    log_group_name  = string
    settings        = object({ memory_mb = number, reserved_concurrency = number })
  }))
  validation {
    condition = length(setsubtract([
      "event-collector", "spill-drain", "archive", "realtime", "stats", "archive-compactor", "sealer", "realtime-api", "stats-api", "query-api", "reconciliation-api", "rebuild-api",
    ], keys(var.functions))) == 0
    error_message = "functions must hold the collector, the drain, three consumers, the compactor, the sealer, three read APIs, and those of queries and rebuilds: a function nobody watches fails unseen."
  }
  validation {
    condition     = length(setsubtract(keys(var.functions), ["rebuild-api", "query-api"])) <= 10
    error_message = "functions has more than ten entries beside rebuild-api and query-api, and an alarm adds up ten metrics at most: split the alarms of functions.tf first."
  }
}

variable "stream" {
  description = "The Kinesis stream, and how long it keeps records."
  type        = object({ name = string, retention_hours = number })
  validation {
    condition     = var.stream.retention_hours >= 24 && var.stream.retention_hours <= 8760
    error_message = "stream.retention_hours must be 24 to 8,760."
  }
}

variable "tables" {
  description = "The DynamoDB tables by logical name."
  type        = map(object({ name = string }))
  validation {
    condition     = length(var.tables) > 0 && length(var.tables) <= 10
    error_message = "tables must be one to ten: an alarm adds up ten metrics at most."
  }
  validation {
    condition     = length(setsubtract(["realtime", "sessions", "stats"], keys(var.tables))) == 0
    error_message = "tables must hold realtime, sessions and stats: their items grow with traffic."
  }
}

variable "mappings" {
  description = "For how many seconds the event source mapping of each consumer waits for a full batch: so much older its records may be."
  type        = map(object({ batching_window_seconds = number }))
  validation {
    condition     = length(setsubtract(["archive", "realtime", "stats"], keys(var.mappings))) == 0
    error_message = "mappings must hold archive, realtime and stats."
  }
}

variable "rest_api" {
  description = "The REST API and its stage, by name."
  type        = object({ name = string, stage_name = string })
  validation {
    condition     = length(var.rest_api.name) > 0 && length(var.rest_api.stage_name) > 0
    error_message = "rest_api needs the names of the API and of the stage: they are dimensions of its metrics."
  }
}

variable "intake" {
  description = "The HTTP API that takes events, by id, and its stage, by name; null: the REST API takes them."
  type        = object({ api_id = string, stage_name = string })
  default     = null
}

variable "alarms" {
  description = "Which alarms there are: `all`, or `few`: those that make `unwell` ring, dead letters, failed backups, an ending certificate, the cost, and unusual volume."
  type        = string
  default     = "all"
  nullable    = false
  validation {
    condition     = contains(["all", "few"], var.alarms)
    error_message = "alarms must be all or few."
  }
}

variable "dashboard" {
  description = "Whether there is a dashboard, which costs by the month."
  type        = bool
  default     = true
  nullable    = false
}

variable "dead_letters" {
  description = "The bucket of dead letters, and the prefix under which Lambda's mappings put what they give up."
  type        = object({ bucket_name = string, lambda_prefix = string })
  validation {
    condition     = length(var.dead_letters.bucket_name) > 0 && endswith(var.dead_letters.lambda_prefix, "/")
    error_message = "dead_letters needs a bucket's name and a prefix that ends in /."
  }
}

variable "edge" {
  description = "What stands before the API: the distribution with its access log, and the web ACLs of the edge and of the API's stage; null what is not there."
  type        = object({ distribution_id = string, access_log_group_name = optional(string), edge_web_acl_name = optional(string), origin_web_acl_name = optional(string) })
  validation {
    condition     = alltrue([for value in values(var.edge) : value == null ? true : length(value) > 0]) && var.edge.distribution_id != null
    error_message = "edge needs the distribution, and null for what is not there: an empty dimension watches nothing."
  }
}

variable "certificate_arn" {
  description = "The distribution's certificate, to warn before it ends; null without one."
  type        = string
  default     = null
  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[a-z-]+:acm:us-east-1:[0-9]{12}:certificate/.+", var.certificate_arn))
    error_message = "certificate_arn must be null or an ACM certificate of us-east-1."
  }
}

variable "backup_vault_name" {
  description = "The vault whose jobs are watched; null without backups."
  type        = string
  default     = null
  validation {
    condition     = var.backup_vault_name == null || can(regex("^[A-Za-z0-9_-]{2,50}$", var.backup_vault_name))
    error_message = "backup_vault_name must be null or the name of a vault."
  }
}

variable "emulated" {
  description = "True only against a local emulator: leaves out what moto lacks (composite alarm, saved queries, budget, S3 request metrics, metrics from logs)."
  type        = bool
  default     = false
}
