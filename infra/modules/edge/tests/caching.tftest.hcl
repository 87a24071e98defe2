mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_east_1"
  source          = "../../testing/us_east_1"
  override_during = plan
}

run "each_answer_is_kept_and_labelled_as_it_should_be" {
  command = plan

  override_resource {
    target          = aws_cloudfront_cache_policy.this["realtime"]
    override_during = plan
    values          = { id = "realtime" }
  }
  override_resource {
    target          = aws_cloudfront_cache_policy.this["stats"]
    override_during = plan
    values          = { id = "stats" }
  }
  override_resource {
    target          = aws_cloudfront_cache_policy.this["tracker"]
    override_during = plan
    values          = { id = "tracker" }
  }
  override_resource {
    target          = aws_cloudfront_cache_policy.this["hashed"]
    override_during = plan
    values          = { id = "hashed" }
  }
  override_resource {
    target          = aws_cloudfront_cache_policy.this["static"]
    override_during = plan
    values          = { id = "static" }
  }
  override_resource {
    target          = aws_cloudfront_cache_policy.this["collector"]
    override_during = plan
    values          = { id = "collector-cache" }
  }
  override_resource {
    target          = aws_cloudfront_origin_request_policy.collector
    override_during = plan
    values          = { id = "collector" }
  }

  # Each kind of answer is kept as long as it is true.
  assert {
    condition     = { for name, policy in aws_cloudfront_cache_policy.this : name => [policy.min_ttl, policy.default_ttl, policy.max_ttl] } == { hashed = [0, 31536000, 31536000], tracker = [0, 300, 3600], static = [0, 60, 300], realtime = [0, 3, 3], stats = [0, 0, 3600], collector = [0, 0, 1] }
    error_message = "A TTL moved: hashed files a year, the script 5 minutes, pages 1, realtime 3 s, stats as the API says, nothing of the collector."
  }
  assert {
    condition     = alltrue([for policy in aws_cloudfront_cache_policy.this : policy.min_ttl == 0])
    error_message = "With a minimum above 0 CloudFront would keep answers that are marked private or no-store."
  }

  # Answers for different readers or questions are never mixed.
  assert {
    condition     = alltrue([for name in ["realtime", "stats", "collector"] : aws_cloudfront_cache_policy.this[name].parameters_in_cache_key_and_forwarded_to_origin[0].headers_config[0].headers[0].items == toset(["X-API-Key"])])
    error_message = "The read key must be part of the cache key."
  }
  assert {
    condition     = alltrue([for name in ["realtime", "stats", "collector"] : aws_cloudfront_cache_policy.this[name].parameters_in_cache_key_and_forwarded_to_origin[0].query_strings_config[0].query_string_behavior == "all"])
    error_message = "Every query parameter must be part of the cache key."
  }
  assert {
    condition     = alltrue([for name in ["hashed", "tracker", "static"] : aws_cloudfront_cache_policy.this[name].parameters_in_cache_key_and_forwarded_to_origin[0].query_strings_config[0].query_string_behavior == "none"])
    error_message = "A file is the same whatever query follows it: it must not fill the cache twice."
  }

  # Each path has the policy of its answers.
  assert {
    condition     = { for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.path_pattern => behavior.cache_policy_id } == { "/api/realtime" = "realtime", "/api/live/*" = "realtime", "/api/stats" = "stats", "/api/query" = "stats", "/api/goals" = "stats", "/api/funnel" = "stats", "/api/reconciliation" = "stats", "/api/rebuild" = "stats", "/api/*" = "collector-cache", "/liveinsight*.js" = "tracker", "/assets/*" = "hashed" }
    error_message = "A path has the wrong cache policy."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].cache_policy_id == "static"
    error_message = "The dashboard's own files change at any release: a short time."
  }
  assert {
    condition     = [for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.path_pattern if behavior.origin_request_policy_id == "collector"] == ["/api/*"]
    error_message = "The collector, and it alone, is told about the viewer."
  }
  assert {
    condition     = [for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.path_pattern if contains(behavior.allowed_methods, "POST")] == ["/api/goals", "/api/rebuild", "/api/*"]
    error_message = "Only the collector and owners, about goals and rebuilds, may POST."
  }

  # The collector gets what it reads and no more than cloudfront allows.
  assert {
    condition     = aws_cloudfront_origin_request_policy.collector[0].headers_config[0].headers[0].items == toset(["X-CSRF-Token", "X-Session-ID", "Origin", "Referer", "User-Agent", "Accept-Language", "CloudFront-Viewer-Address", "CloudFront-Viewer-Country", "CloudFront-Viewer-Country-Region", "CloudFront-Viewer-City"])
    error_message = "The collector needs these headers, or visitors, places and tokens go wrong."
  }
  assert {
    condition     = length(aws_cloudfront_origin_request_policy.collector[0].headers_config[0].headers[0].items) <= 10
    error_message = "CloudFront takes ten headers in an origin request policy."
  }
  assert {
    condition     = !contains([for header in aws_cloudfront_origin_request_policy.collector[0].headers_config[0].headers[0].items : lower(header)], "host")
    error_message = "API Gateway answers 403 to a Host that is not its own."
  }

  # Keys arrive, whichever path they are for.
  assert {
    condition = alltrue([for behavior in local.behaviors :
      contains(flatten([for headers in aws_cloudfront_cache_policy.this[behavior.cache].parameters_in_cache_key_and_forwarded_to_origin[0].headers_config[0].headers : tolist(headers.items)]), "X-API-Key")
    if behavior.origin == "api"])
    error_message = "X-API-Key must reach every path of the API: a method that asks for a key of the usage plan refuses everybody else."
  }

  # A passing error is not kept.
  assert {
    condition     = { for response in aws_cloudfront_distribution.this.custom_error_response : response.error_code => response.error_caching_min_ttl } == { 500 = 1, 502 = 1, 503 = 1, 504 = 1 }
    error_message = "An error of the API may be kept for a second only."
  }

  # The dashboard may load its own files and nothing else.
  assert {
    condition     = aws_cloudfront_response_headers_policy.this["dashboard"].security_headers_config[0].content_security_policy[0].content_security_policy == local.dashboard_csp
    error_message = "The policy must be the one that the embedded engine sends: tests/engine/test_website.py compares them."
  }
  assert {
    condition     = alltrue([for policy in aws_cloudfront_response_headers_policy.this : strcontains(policy.security_headers_config[0].content_security_policy[0].content_security_policy, "frame-ancestors 'none'") && policy.security_headers_config[0].frame_options[0].frame_option == "DENY"])
    error_message = "Nothing of this host belongs in a frame."
  }
  assert {
    condition     = alltrue([for policy in aws_cloudfront_response_headers_policy.this : policy.security_headers_config[0].strict_transport_security[0].access_control_max_age_sec == 31536000 && policy.security_headers_config[0].strict_transport_security[0].override])
    error_message = "Every answer carries HSTS for a year."
  }
  assert {
    condition     = alltrue([for policy in aws_cloudfront_response_headers_policy.this : policy.security_headers_config[0].content_type_options[0].override && policy.security_headers_config[0].referrer_policy[0].referrer_policy == "strict-origin-when-cross-origin"])
    error_message = "Every answer carries nosniff and a referrer policy."
  }
  assert {
    condition     = alltrue([for policy in aws_cloudfront_response_headers_policy.this : strcontains(one([for item in policy.custom_headers_config[0].items : item.value if item.header == "Permissions-Policy"]), "geolocation=()")])
    error_message = "Every answer carries a permissions policy."
  }

  # Every page may load the script.
  assert {
    condition     = { for name, policy in aws_cloudfront_response_headers_policy.this : name => length(policy.cors_config) } == { dashboard = 0, hashed = 0, tracker = 1, api = 0 }
    error_message = "The script is for every origin; the API decides about origins itself."
  }
  assert {
    condition     = aws_cloudfront_response_headers_policy.this["tracker"].cors_config[0].access_control_allow_origins[0].items == toset(["*"]) && !aws_cloudfront_response_headers_policy.this["tracker"].cors_config[0].access_control_allow_credentials
    error_message = "Any origin, without credentials."
  }
  assert {
    condition     = { for name, policy in aws_cloudfront_response_headers_policy.this : name => { for item in policy.custom_headers_config[0].items : item.header => item.value if item.header != "Permissions-Policy" } } == { dashboard = { "Cache-Control" = "no-cache", "Cross-Origin-Resource-Policy" = "same-origin" }, hashed = { "Cache-Control" = "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy" = "same-origin" }, tracker = { "Cache-Control" = "public, max-age=86400, stale-while-revalidate=604800", "Cross-Origin-Resource-Policy" = "cross-origin" }, api = {} }
    error_message = "Browsers keep the script an hour, hashed files a year, and ask about the rest."
  }
}
