# One distribution for the tracker, the dashboard and the API: a page that embeds the script sends its
# events to the host the script came from, and an owner needs one name and one certificate.

locals {
  name = "liveinsight-${var.environment}"

  origins = { static = "static", api = "api", intake = "intake" }
  # What CloudFront asks in the name of visitors, with the secret. The path before /api is the stage's name; an HTTP API has none.
  api_origins = merge(
    { (local.origins.api) = { domain = var.rest_api.origin_domain, path = "/${var.rest_api.stage_name}" } },
    { for domain in var.intake_domain[*] : (local.origins.intake) => { domain = domain, path = "" } },
  )
  methods = {
    read = ["GET", "HEAD", "OPTIONS"]
    # CloudFront takes POST only together with the other writing methods; API Gateway refuses those.
    write = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
  }

  # In the order in which CloudFront tries them.
  behaviors = concat(
    # What is of rebuilds says no-store, and is not kept; the policy lets the key through.
    [for path in ["realtime", "live/*", "stats", "query", "goals", "funnel", "reconciliation", "rebuild"] : {
      path  = "/api/${path}", origin = local.origins.api, methods = contains(["rebuild", "goals"], path) ? local.methods.write : local.methods.read,
      cache = contains(["realtime", "live/*"], path) ? "realtime" : "stats", headers = "api", request = null
    }],
    [for path in var.intake_domain == null ? [] : local.collector_paths : {
      path  = path, origin = local.origins.intake, methods = local.methods.write,
      cache = "collector", headers = "api", request = "collector"
    }],
    [{
      path  = "/api/*", origin = local.origins.api, methods = local.methods.write,
      cache = "collector", headers = "api", request = "collector"
    }],
    [{
      path  = "/liveinsight*.js", origin = local.origins.static, methods = local.methods.read,
      cache = "tracker", headers = "tracker", request = null
    }],
    [for path in var.hashed_paths : {
      path  = path, origin = local.origins.static, methods = local.methods.read,
      cache = "hashed", headers = "hashed", request = null
    }],
  )
}

resource "aws_cloudfront_origin_access_control" "static" {
  name                              = local.name
  description                       = "Lets the distribution, and nobody else, read the static bucket"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "this" {
  comment             = "LiveInsight ${var.environment}: tracker, dashboard, API"
  enabled             = true
  aliases             = var.aliases
  default_root_object = "index.html"
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = var.price_class
  web_acl_id          = one(aws_wafv2_web_acl.edge[*].arn)

  # The API must accept a new secret before an edge sends it.
  depends_on = [aws_wafv2_web_acl.origin]

  origin {
    origin_id   = local.origins.static
    domain_name = var.static_bucket.regional_domain
    # moto forgets it, and every plan would set it again.
    origin_access_control_id = var.emulated ? null : aws_cloudfront_origin_access_control.static.id
  }

  dynamic "origin" {
    for_each = local.api_origins
    content {
      origin_id           = origin.key
      domain_name         = origin.value.domain
      origin_path         = origin.value.path
      connection_attempts = 2
      connection_timeout  = 5

      custom_header {
        name  = local.origin_header
        value = var.origin_secret
      }

      custom_origin_config {
        http_port              = 80
        https_port             = 443
        origin_protocol_policy = "https-only"
        origin_ssl_protocols   = ["TLSv1.2"]
        # API Gateway gives up after 29 s; an edge that gave up earlier would hide why.
        origin_read_timeout      = 30
        origin_keepalive_timeout = 60
      }
    }
  }

  default_cache_behavior {
    target_origin_id           = local.origins.static
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = local.methods.read
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.cache_policy_ids["static"]
    response_headers_policy_id = local.response_headers_policy_ids["dashboard"]

    # moto knows only the settings that cache policies replaced.
    dynamic "forwarded_values" {
      for_each = var.emulated ? [false] : []
      content {
        query_string = forwarded_values.value
        cookies {
          forward = "none"
        }
      }
    }
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.behaviors
    iterator = behavior
    content {
      path_pattern     = behavior.value.path
      target_origin_id = behavior.value.origin
      # A redirected POST loses its body, and a redirect would excuse sending a key in the clear.
      viewer_protocol_policy     = behavior.value.origin != local.origins.static ? "https-only" : "redirect-to-https"
      allowed_methods            = behavior.value.methods
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      cache_policy_id            = local.cache_policy_ids[behavior.value.cache]
      origin_request_policy_id   = behavior.value.request == null ? null : local.origin_request_policy_ids[behavior.value.request]
      response_headers_policy_id = local.response_headers_policy_ids[behavior.value.headers]

      dynamic "forwarded_values" {
        for_each = var.emulated ? [false] : []
        content {
          query_string = forwarded_values.value
          cookies {
            forward = "none"
          }
        }
      }
    }
  }

  # An error of the API passes: it asks for a second's patience (Retry-After), so keep it no longer.
  dynamic "custom_error_response" {
    for_each = [500, 502, 503, 504]
    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 1
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.certificate_arn == null
    acm_certificate_arn            = var.certificate_arn
    # moto says sni-only whatever the certificate; CloudFront only with one of ours.
    ssl_support_method = var.certificate_arn == null && !var.emulated ? null : "sni-only"
    # With CloudFront's own certificate AWS fixes the minimum, and reports it as TLSv1.
    minimum_protocol_version = var.certificate_arn == null ? "TLSv1" : "TLSv1.2_2021"
  }
}
