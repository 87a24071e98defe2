# What browsers are told about each kind of answer.

locals {
  # The same policy as the embedded engine's (liveinsight/website.py): the dashboard loads its own
  # files, draws with its own scripts, and asks its own API.
  dashboard_csp = join("; ", [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ])
  inert_csp = "default-src 'none'; frame-ancestors 'none'"

  unused_features = join(", ", [
    for feature in ["accelerometer", "camera", "geolocation", "gyroscope", "magnetometer", "microphone", "payment", "usb"] : "${feature}=()"
  ])

  # Cache-Control is for browsers, and only where the file in the bucket does not bring its own.
  response_headers = {
    dashboard = { csp = local.dashboard_csp, cache = "no-cache", resource_policy = "same-origin", any_origin = false }
    hashed    = { csp = local.dashboard_csp, cache = "public, max-age=31536000, immutable", resource_policy = "same-origin", any_origin = false }
    # Every page may load the script, also with `crossorigin` and an integrity hash.
    tracker = { csp = local.inert_csp, cache = "public, max-age=86400, stale-while-revalidate=604800", resource_policy = "cross-origin", any_origin = true }
    # The functions decide about caching and origins themselves.
    api = { csp = local.inert_csp, cache = null, resource_policy = null, any_origin = false }
  }

  response_headers_policy_ids = merge(
    { for name in keys(local.response_headers) : name => null },
    { for name, policy in aws_cloudfront_response_headers_policy.this : name => policy.id },
  )
}

resource "aws_cloudfront_response_headers_policy" "this" {
  for_each = { for name, headers in local.response_headers : name => headers if !var.emulated }

  name    = "${local.name}-${each.key}"
  comment = "LiveInsight ${var.environment}: ${each.key}"

  security_headers_config {
    content_security_policy {
      content_security_policy = each.value.csp
      override                = true
    }
    content_type_options {
      override = true
    }
    frame_options {
      frame_option = "DENY"
      override     = true
    }
    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = true
    }
    strict_transport_security {
      access_control_max_age_sec = var.hsts_seconds
      # Neither: an alias may be a bare domain, whose subdomains belong to others.
      include_subdomains = false
      preload            = false
      override           = true
    }
  }

  dynamic "cors_config" {
    for_each = each.value.any_origin ? ["*"] : []
    content {
      access_control_allow_credentials = false
      access_control_max_age_sec       = 86400
      origin_override                  = true
      access_control_allow_headers {
        items = [cors_config.value]
      }
      access_control_allow_methods {
        items = ["GET", "HEAD"]
      }
      access_control_allow_origins {
        items = [cors_config.value]
      }
    }
  }

  custom_headers_config {
    items {
      header   = "Permissions-Policy"
      value    = local.unused_features
      override = true
    }
    dynamic "items" {
      for_each = { for header, value in { "Cache-Control" = each.value.cache } : header => value if value != null }
      content {
        header   = items.key
        value    = items.value
        override = false
      }
    }
    dynamic "items" {
      for_each = { for header, value in { "Cross-Origin-Resource-Policy" = each.value.resource_policy } : header => value if value != null }
      content {
        header   = items.key
        value    = items.value
        override = true
      }
    }
  }
}
