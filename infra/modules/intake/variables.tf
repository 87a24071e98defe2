variable "environment" {
  description = "Name of the deployment, such as dev: the last part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment has 2 to 16 lower-case letters, digits and hyphens, such as dev."
  }
}

variable "collector" {
  description = "The collector, as the module collector gives it. It must look at the origin secret itself: no web ACL can stand before an HTTP API."
  type = object({
    name            = string
    alias_name      = string
    alias_arn       = string
    invoke_arn      = string
    timeout_seconds = number
    settings        = object({ variables = map(string) })
  })

  validation {
    condition     = endswith(var.collector.alias_arn, ":${var.collector.alias_name}")
    error_message = "collector.alias_arn is the ARN of the alias, not of the function."
  }

  validation {
    condition     = lookup(var.collector.settings.variables, "LIVEINSIGHT_ORIGIN_DIGESTS", "") != ""
    error_message = "collector knows no origin secret (common.origin_digests): whoever found the address of the HTTP API could pretend to be any visitor."
  }
}

variable "throttles" {
  description = "Requests a second, and how many at once, of each path."
  type = object({
    csrf-token = optional(object({ rate = number, burst = number }), { rate = 250, burst = 500 })
    events     = optional(object({ rate = number, burst = number }), { rate = 500, burst = 1000 })
  })
  default = {}

  validation {
    condition     = alltrue([for t in var.throttles : t.rate >= 1 && t.rate <= 10000 && t.burst >= t.rate && t.burst <= 10000])
    error_message = "A rate is 1 to 10000, a burst from its rate to 10000: an account's quota in a region."
  }
}
