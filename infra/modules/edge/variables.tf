variable "environment" {
  description = "Name of the environment: the last part of every name."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 lower-case letters, digits or hyphens, and begin with a letter."
  }
}

variable "static_bucket" {
  description = "The bucket of the tracker and the dashboard. It is encrypted with S3's own key: what it holds is public. This module writes its bucket policy."
  type        = object({ name = string, arn = string, regional_domain = string })
  validation {
    condition     = can(regex("^arn:[a-z-]+:s3:::.+", var.static_bucket.arn)) && length(regexall("/", var.static_bucket.regional_domain)) == 0
    error_message = "static_bucket needs the bucket's ARN, and a regional_domain that is a host name alone."
  }
}

variable "rest_api" {
  description = "The stage that answers /api/*: its ARN, its name, and the host name of its invoke URL."
  type        = object({ stage_arn = string, stage_name = string, origin_domain = string })
  validation {
    condition     = length(regexall("[/:]", var.rest_api.origin_domain)) == 0 && length(var.rest_api.origin_domain) > 0
    error_message = "rest_api.origin_domain must be a host name: no scheme, no path."
  }
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.rest_api.stage_name))
    error_message = "rest_api.stage_name must be the bare name of the stage: CloudFront gets it as the path /<stage_name>."
  }
  validation {
    condition     = can(regex("^arn:[a-z-]+:apigateway:[a-z0-9-]+::/restapis/.+/stages/.+", var.rest_api.stage_arn))
    error_message = "rest_api.stage_arn must look like arn:aws:apigateway:<region>::/restapis/<id>/stages/<name>."
  }
}

variable "origin_secret" {
  description = "What CloudFront tells the API in the header X-LiveInsight-Origin, to prove that a request came through it. Make one with: openssl rand -hex 32"
  type        = string
  sensitive   = true
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{32,128}$", var.origin_secret))
    error_message = "origin_secret must be 32 to 128 letters, digits, hyphens or underscores: openssl rand -hex 32"
  }
}

variable "previous_origin_secret" {
  description = "The origin_secret before the last change, accepted while CloudFront's edges still send it; null once they do not."
  type        = string
  sensitive   = true
  default     = null
  validation {
    condition     = var.previous_origin_secret == null || can(regex("^[A-Za-z0-9_-]{32,128}$", var.previous_origin_secret))
    error_message = "previous_origin_secret must be null, or 32 to 128 letters, digits, hyphens or underscores."
  }
}

variable "aliases" {
  description = "Host names that the distribution answers to besides its own, the main one first. Owners of measured sites may add a CNAME of theirs here, for a first-party path."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for host in var.aliases : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", host))])
    error_message = "aliases must be lower-case host names such as stats.example.com."
  }
}

variable "certificate_arn" {
  description = "ACM certificate, in us-east-1, that covers every alias; null without aliases."
  type        = string
  default     = null
  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[a-z-]+:acm:us-east-1:[0-9]{12}:certificate/.+", var.certificate_arn))
    error_message = "certificate_arn must be an ACM certificate of us-east-1: CloudFront takes no other."
  }
  validation {
    condition     = (var.certificate_arn != null) == (length(var.aliases) > 0)
    error_message = "aliases and certificate_arn go together: give both or neither."
  }
}

variable "zone_id" {
  description = "Route 53 zone for A and AAAA records of zone_hosts; null where DNS is kept elsewhere."
  type        = string
  default     = null
  validation {
    condition     = var.zone_id == null || can(regex("^[A-Z0-9]{8,32}$", var.zone_id))
    error_message = "zone_id must be the id of a Route 53 zone, such as Z0123456789ABCDEFGHIJ."
  }
}

variable "zone_hosts" {
  description = "Which of the aliases lie in the zone zone_id and get records there."
  type        = list(string)
  default     = []
  validation {
    condition     = length(setsubtract(var.zone_hosts, var.aliases)) == 0
    error_message = "zone_hosts names a host that is not in aliases."
  }
  validation {
    condition     = length(var.zone_hosts) == 0 || var.zone_id != null
    error_message = "zone_hosts needs zone_id."
  }
}

variable "price_class" {
  description = "Which edge locations serve: PriceClass_100 (North America, Europe), PriceClass_200 (and Asia, Africa), PriceClass_All."
  type        = string
  default     = "PriceClass_100"
  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class must be PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "hashed_paths" {
  description = "Path patterns of static files whose names change with their content: kept for a year, by browsers too."
  type        = list(string)
  default     = ["/assets/*"]
  validation {
    condition     = alltrue([for path in var.hashed_paths : startswith(path, "/") && !startswith(path, "/api/")]) && length(var.hashed_paths) <= 10
    error_message = "hashed_paths takes up to 10 patterns that begin with / and lie outside /api/."
  }
}

variable "rate_limit" {
  description = "Requests that one address may send in five minutes. Generous, because a school or a mobile network shares one."
  type        = number
  default     = 10000
  validation {
    condition     = var.rate_limit >= 1000 && var.rate_limit <= 2000000000 && floor(var.rate_limit) == var.rate_limit
    error_message = "rate_limit must be a whole number from 1,000 (less shuts out shared addresses) to 2,000,000,000."
  }
}

variable "hsts_seconds" {
  description = "For how long browsers shall insist on HTTPS for the host names of the distribution."
  type        = number
  default     = 31536000
  validation {
    condition     = var.hsts_seconds >= 300 && var.hsts_seconds <= 63072000 && floor(var.hsts_seconds) == var.hsts_seconds
    error_message = "hsts_seconds must be a whole number from 300 to 63,072,000 (two years)."
  }
}

variable "web_acl" {
  description = "Whether a web ACL stands before the distribution: rules on size and number of requests, and AWS's managed ones."
  type        = bool
  default     = true
  nullable    = false
}

variable "origin_web_acl" {
  description = "Whether a web ACL before the API's stage looks at the origin secret. Without it the functions must (infra/modules/function, common.origin_digests)."
  type        = bool
  default     = true
  nullable    = false
}

variable "intake_domain" {
  description = "Host of the HTTP API that takes events (infra/modules/intake); null: the REST API does."
  type        = string
  default     = null
  validation {
    condition     = var.intake_domain == null ? true : length(regexall("[/:]", var.intake_domain)) == 0 && length(var.intake_domain) > 0
    error_message = "intake_domain must be null or a host name: no scheme, no path."
  }
}

variable "access_logs" {
  description = "Whether requests are logged."
  type        = bool
  default     = true
  nullable    = false
}

variable "access_log_retention_days" {
  description = "For how long access logs (without addresses, user agents and queries) are kept."
  type        = number
  default     = 30
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.access_log_retention_days)
    error_message = "access_log_retention_days must be a period that CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "emulated" {
  description = "True only against a local emulator: leaves out what moto lacks (cache, origin request and response headers policies, the origin's access control, log delivery)."
  type        = bool
  default     = false
}
