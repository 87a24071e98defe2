variable "function" {
  description = "The function to invoke, as the module function gives it."
  type = object({
    name       = string
    alias_name = string
    alias_arn  = string
  })

  validation {
    condition     = startswith(var.function.alias_arn, "arn:")
    error_message = "function.alias_arn is an ARN."
  }
}

variable "description" {
  description = "What the runs are for, in one sentence."
  type        = string

  validation {
    condition     = length(var.description) > 0 && length(var.description) <= 512
    error_message = "description has 1 to 512 characters: EventBridge Scheduler takes no more."
  }
}

variable "expression" {
  description = "When, as EventBridge Scheduler writes it: rate(1 minute), or cron(15 1 * * ? *) in UTC."
  type        = string

  validation {
    condition     = can(regex("^(rate\\([1-9][0-9]* (minute|hour|day)s?\\)|cron\\([^ ]+( [^ ]+){5}\\))$", var.expression))
    error_message = "expression is rate(<number> minutes|hours|days) or cron(<six fields>)."
  }
}

variable "maximum_age_seconds" {
  description = "A run that could not begin for so long is dropped."
  type        = number
  default     = 60

  validation {
    condition     = var.maximum_age_seconds >= 60 && var.maximum_age_seconds <= 21600
    error_message = "maximum_age_seconds is 60 to 21600: what Lambda and the scheduler both take."
  }
}
