variable "name" {
  description = "Name of the function within the deployment, such as event-collector. Deployed as liveinsight-<name>-<environment>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,29}$", var.name))
    error_message = "name has 3 to 30 lower-case letters, digits and hyphens, such as event-collector."
  }
}

variable "environment" {
  description = "Name of the deployment, such as dev: the last part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment has 2 to 16 lower-case letters, digits and hyphens, such as dev."
  }
}

variable "description" {
  description = "What the function does, in one sentence."
  type        = string

  validation {
    condition     = length(var.description) > 0 && length(var.description) <= 256
    error_message = "description has 1 to 256 characters: Lambda takes no more."
  }
}

variable "handler" {
  description = "Import path of the handler, such as ingest.handler.handler."
  type        = string

  validation {
    condition     = can(regex("^[a-z_]+(\\.[a-z_]+)*\\.handler\\.handler$", var.handler))
    error_message = "handler is an import path that ends in .handler.handler, such as ingest.handler.handler."
  }
}

variable "common" {
  description = "What all functions of a deployment have in common: where make package puts their zip (<packages_dir>/<architecture>/liveinsight.zip), its instruction set (arm64 costs 20 % less per ms than x86_64), the Python that its bytecode was compiled for, the least level that Powertools' logger writes, how many days CloudWatch keeps the logs, which versions of Avro schemas are written that the code would not write by itself (docs/deploy.md), SHA-256 of the origin secrets of which a request must show one (none: a web ACL looks), and whether X-Ray traces."
  type = object({
    packages_dir       = string
    architecture       = string
    runtime            = string
    log_level          = string
    log_retention_days = number
    write_versions     = optional(map(number), {})
    origin_digests     = optional(list(string), [])
    traced             = optional(bool, true)
  })

  validation {
    condition     = !endswith(var.common.packages_dir, "/")
    error_message = "common.packages_dir is a folder, without a slash at its end."
  }

  validation {
    condition     = fileexists("${var.common.packages_dir}/${var.common.architecture}/liveinsight.zip")
    error_message = "The package ${var.common.packages_dir}/${var.common.architecture}/liveinsight.zip is missing: run make package first."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.common.architecture)
    error_message = "common.architecture is arm64 or x86_64."
  }

  validation {
    condition     = contains(["python3.12", "python3.13", "python3.14"], var.common.runtime)
    error_message = "common.runtime is python3.12, python3.13 or python3.14: older ones have no SnapStart."
  }

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.common.log_level)
    error_message = "common.log_level is DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }

  validation {
    condition     = alltrue([for digest in var.common.origin_digests : can(regex("^[0-9a-f]{64}$", digest))])
    error_message = "common.origin_digests are SHA-256 in hex: not the secrets, which everybody could read who may see a function's settings."
  }

  validation {
    condition     = alltrue([for name, number in var.common.write_versions : can(regex("^[a-z_]{1,40}$", name)) && number >= 1 && floor(number) == number])
    error_message = "common.write_versions are versions of schemas in schemas/avro, such as { event_batch = 2 }."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.common.log_retention_days)
    error_message = "common.log_retention_days is one of the numbers that CloudWatch Logs takes: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 ..."
  }
}

variable "memory_mb" {
  description = "Memory in MB. CPU grows with it: one whole vCPU at 1,769."
  type        = number
  default     = 512

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb is a whole number from 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "Longest invocation in seconds. A write begins only while 10 s are left (runtime/aws.py), so a consumer needs more."
  type        = number
  default     = 15

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds is a whole number from 1 to 900."
  }
}

variable "reserved_concurrency" {
  description = "Containers set aside for the function, and its limit; -1: it shares the account's."
  type        = number
  default     = -1

  validation {
    condition     = var.reserved_concurrency == -1 || (var.reserved_concurrency >= 1 && var.reserved_concurrency <= 10000)
    error_message = "reserved_concurrency is -1, or 1 to 10000: 0 would switch the function off."
  }
}

variable "snap_start" {
  description = "Whether published versions start from a snapshot of an initialised container (only where the region has it for Python)."
  type        = bool
  default     = false
  nullable    = false
}

variable "variables" {
  description = "Environment variables of the function, besides LIVEINSIGHT_ENGINE and Powertools' own."
  type        = map(string)

  validation {
    condition     = alltrue([for name, value in var.variables : can(regex("^[A-Z][A-Z0-9_]*$", name)) && value != ""])
    error_message = "variables have names in capitals and values that are not empty."
  }
}

variable "statements" {
  description = "What the function may do, beyond its own logs and traces: one statement for each group of actions. `conditions` are operator -> key -> values."
  type = list(object({
    sid        = string
    actions    = list(string)
    resources  = list(string)
    conditions = optional(map(map(list(string))), {})
  }))

  validation {
    condition     = alltrue([for s in var.statements : length(s.actions) > 0 && length(s.resources) > 0])
    error_message = "Every statement names at least one action and one resource."
  }

  validation {
    condition     = alltrue(flatten([for s in var.statements : [for a in s.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", a))]]))
    error_message = "Actions are named one by one, such as kinesis:PutRecords: no wildcard."
  }

  validation {
    condition     = alltrue(flatten([for s in var.statements : [for r in s.resources : startswith(r, "arn:")]]))
    error_message = "Resources are ARNs: a bare * is not least privilege."
  }
}
