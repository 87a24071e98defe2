# What CloudFront keeps, for how long, and what it tells the collector.
# Limits: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html

locals {
  # Seconds. min = 0 everywhere: only then does CloudFront keep its hands off what the origin marks
  # private or no-store, such as the answers for a site that is not public. `default` is for answers
  # that say nothing.
  cache_ttls = {
    hashed  = { min = 0, default = 31536000, max = 31536000, by_reader = false }
    tracker = { min = 0, default = 300, max = 3600, by_reader = false }
    static  = { min = 0, default = 60, max = 300, by_reader = false }
    # One look at the tables in three seconds, however many dashboards are open.
    realtime = { min = 0, default = 3, max = 3, by_reader = true }
    # The API knows which days are closed, and says so; the edge adds no opinion.
    stats = { min = 0, default = 0, max = 3600, by_reader = true }
    # Keeps nothing: what is posted is never kept, and no answer to a GET there has a lifetime. It is here for its key, X-API-Key,
    # which thereby reaches the API: an origin request policy takes ten headers, and the collector reads ten others. With a
    # maximum of 0 CloudFront takes no headers ("invalid for policy with caching disabled").
    collector = { min = 0, default = 0, max = 1, by_reader = true }
  }

  cache_policy_ids = merge(
    { for name in keys(local.cache_ttls) : name => null },
    { for name, policy in aws_cloudfront_cache_policy.this : name => policy.id },
  )
  origin_request_policy_ids = {
    collector = one(aws_cloudfront_origin_request_policy.collector[*].id)
  }

  # What the collector reads (ingest/handler.py, ingest/hits/client.py). CloudFront allows ten headers, and
  # not Host: API Gateway would look for an API of that name.
  collector_headers = [
    "X-CSRF-Token",
    "X-Session-ID",
    "Origin",
    "Referer",
    "User-Agent",
    "Accept-Language",
    "CloudFront-Viewer-Address",
    "CloudFront-Viewer-Country",
    "CloudFront-Viewer-Country-Region",
    "CloudFront-Viewer-City",
  ]
}

resource "aws_cloudfront_cache_policy" "this" {
  for_each = { for name, ttl in local.cache_ttls : name => ttl if !var.emulated }

  name        = "${local.name}-${each.key}"
  comment     = "LiveInsight ${var.environment}: ${each.key}"
  min_ttl     = each.value.min
  default_ttl = each.value.default
  max_ttl     = each.value.max

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = each.value.by_reader ? "whitelist" : "none"
      dynamic "headers" {
        for_each = each.value.by_reader ? [["X-API-Key"]] : []
        content {
          items = headers.value
        }
      }
    }

    # All of them: a parameter that is added later must never be answered from another's cache.
    query_strings_config {
      query_string_behavior = each.value.by_reader ? "all" : "none"
    }
  }
}

resource "aws_cloudfront_origin_request_policy" "collector" {
  count = var.emulated ? 0 : 1

  name    = "${local.name}-collector"
  comment = "LiveInsight ${var.environment}: what the collector reads"

  cookies_config {
    cookie_behavior = "none"
  }
  headers_config {
    header_behavior = "whitelist"
    headers {
      items = local.collector_headers
    }
  }
  # What a picture tells (GET /api/pixel.gif) is in its address.
  query_strings_config {
    query_string_behavior = "all"
  }
}
