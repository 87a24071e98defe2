# From where on somebody is written to. Each is a variable, because each is a judgement.

variable "iterator_age_seconds" {
  description = "How far each consumer may fall behind the stream, beyond its batching window."
  type        = object({ archive = number, realtime = number, stats = number })
  default     = { archive = 300, realtime = 30, stats = 120 }
  validation {
    condition     = alltrue([for age in values(var.iterator_age_seconds) : age >= 5 && age <= 86400])
    error_message = "iterator_age_seconds must be 5 to 86,400: the stream forgets after its retention."
  }
}

variable "item_bytes" {
  description = "How large an item of a table may become. DynamoDB takes 409,600 bytes; the code bounds what it writes at 262,144, without keys."
  type        = number
  default     = 307200
  validation {
    condition     = var.item_bytes >= 262144 && var.item_bytes <= 409600
    error_message = "item_bytes must be 262,144 to 409,600: an item may take the first by design, and no table takes more than the last."
  }
}

variable "latency_p95_ms" {
  description = "How long the slowest 5 % of requests may take: those that send events, and those that read."
  type        = object({ collector = number, api = number })
  default     = { collector = 500, api = 1000 }
  validation {
    condition     = alltrue([for limit in values(var.latency_p95_ms) : limit >= 50 && limit <= 29000])
    error_message = "latency_p95_ms must be 50 to 29,000: API Gateway gives up after 29 s."
  }
}

variable "imbalance" {
  description = "How many events of six hours may be missing between two stages of the pipeline before it counts as a loss: more than `events` and more than `percent`."
  type        = object({ events = number, percent = number })
  default     = { events = 50, percent = 0.1 }
  validation {
    condition     = var.imbalance.events >= 0 && var.imbalance.percent >= 0 && var.imbalance.percent <= 100
    error_message = "imbalance.events must not be negative, imbalance.percent must be 0 to 100."
  }
}

variable "cache_hit_percent" {
  description = "What share of requests for files CloudFront should answer by itself. Those of the API are not counted: answers of private sites are never kept."
  type        = number
  default     = 80
  validation {
    condition     = var.cache_hit_percent > 0 && var.cache_hit_percent < 100
    error_message = "cache_hit_percent must lie between 0 and 100."
  }
}

variable "account_concurrency" {
  description = "Lambda's quota of concurrent executions in this account and region (aws lambda get-account-settings); that of a new account is 10. What functions reserve must leave 100 of it: Lambda asks for it."
  type        = number
  default     = 10
  validation {
    condition     = var.account_concurrency >= 10 && floor(var.account_concurrency) == var.account_concurrency
    error_message = "account_concurrency must be a whole number from 10 on."
  }
  validation {
    condition     = local.reserved == 0 || local.reserved + 100 <= var.account_concurrency
    error_message = <<-EOT
      The functions reserve ${local.reserved} concurrent executions, and Lambda wants 100 more that nobody reserves: a quota of ${local.reserved + 100}. That of this account is said to be ${var.account_concurrency} (monitoring.account_concurrency). Reserve less (functions.*_concurrency, reserved_concurrency), or ask for more, which takes hours to days, and then say so in monitoring.account_concurrency:
        aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value ${max(1000, local.reserved + 100)}
    EOT
  }
}

locals {
  # -1: none.
  reserved = sum([for function in var.functions : max(0, function.settings.reserved_concurrency)])
}

variable "targets" {
  description = "What was promised to users, in milliseconds: p95 of what the API answers, the average of DynamoDB's calls, nine of ten cold starts. Alarms compare; a release does not go back because of them."
  type        = object({ latency_p95_ms = optional(number, 100), dynamodb_ms = optional(number, 10), cold_start_ms = optional(number, 1000) })
  default     = {}
  validation {
    condition     = alltrue([for limit in values(var.targets) : limit >= 1 && limit <= 29000])
    error_message = "targets must be 1 to 29,000 ms."
  }
}

variable "expects_traffic" {
  description = "Whether events come at every hour, so that silence is a fault."
  type        = bool
  default     = true
}

variable "monthly_budget_usd" {
  description = "What a month may cost, in US dollars."
  type        = number
  validation {
    condition     = var.monthly_budget_usd >= 1 && var.monthly_budget_usd <= 1000000
    error_message = "monthly_budget_usd must be 1 to 1,000,000."
  }
}

variable "budget_tag" {
  description = "Cost allocation tag and value (key$value) that the budget counts; null counts the whole account. The tag must be activated in the billing console first."
  type        = string
  default     = null
  validation {
    condition     = var.budget_tag == null || can(regex("^(user|aws):[^$]+\\$.+$", var.budget_tag))
    error_message = "budget_tag must look like user:Project$LiveInsight."
  }
}

variable "prices" {
  description = "US dollars for what the dashboard adds up: a million DynamoDB read and write units, a million Kinesis PUT payload units, a million requests of a REST and of an HTTP API, a million Lambda requests and a GB-second on arm64."
  type = object({
    read_units        = number
    write_units       = number
    put_payload_units = number
    api_requests      = number
    http_api_requests = number
    lambda_requests   = number
    lambda_gb_second  = number
  })
  # List prices of us-east-1 as of 2025-06: aws.amazon.com/{dynamodb,kinesis,api-gateway,lambda}/pricing.
  default = {
    read_units        = 0.125
    write_units       = 0.625
    put_payload_units = 0.014
    api_requests      = 3.50
    http_api_requests = 1.00
    lambda_requests   = 0.20
    lambda_gb_second  = 0.0000133334
  }
  validation {
    condition     = alltrue([for price in values(var.prices) : price >= 0])
    error_message = "prices must not be negative."
  }
}
