mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_east_1"
  source          = "../../testing/us_east_1"
  override_during = plan
}

run "pages_files_and_api_come_from_one_distribution" {
  command = plan

  # Pages files and api come from one distribution.
  assert {
    condition     = { for origin in aws_cloudfront_distribution.this.origin : origin.origin_id => origin.domain_name } == { static = "liveinsight-static-test.s3.eu-central-1.amazonaws.com", api = "abc123.execute-api.eu-central-1.amazonaws.com" }
    error_message = "The distribution must stand in front of the static bucket and the API."
  }
  assert {
    condition     = one([for origin in aws_cloudfront_distribution.this.origin : origin.origin_path if origin.origin_id == "api"]) == "/live"
    error_message = "The stage's name is the path of the API's origin."
  }
  assert {
    condition     = one(one([for origin in aws_cloudfront_distribution.this.origin : origin.custom_origin_config if origin.origin_id == "api"])).origin_protocol_policy == "https-only"
    error_message = "CloudFront must talk TLS to the API."
  }
  assert {
    condition     = toset(one(one([for origin in aws_cloudfront_distribution.this.origin : origin.custom_origin_config if origin.origin_id == "api"])).origin_ssl_protocols) == toset(["TLSv1.2"])
    error_message = "CloudFront must not speak an old TLS to the API."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.default_root_object == "index.html"
    error_message = "/ is the dashboard."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.http_version == "http2and3" && aws_cloudfront_distribution.this.is_ipv6_enabled
    error_message = "HTTP/2, HTTP/3 and IPv6 must be on."
  }
  assert {
    condition     = { for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.path_pattern => behavior.target_origin_id } == { "/api/realtime" = "api", "/api/live/*" = "api", "/api/stats" = "api", "/api/query" = "api", "/api/goals" = "api", "/api/funnel" = "api", "/api/reconciliation" = "api", "/api/rebuild" = "api", "/api/*" = "api", "/liveinsight*.js" = "static", "/assets/*" = "static" }
    error_message = "Script and API share the host; everything else is the dashboard."
  }
  assert {
    condition     = index(aws_cloudfront_distribution.this.ordered_cache_behavior[*].path_pattern, "/api/*") > max([for path in ["/api/realtime", "/api/live/*", "/api/stats", "/api/query", "/api/goals", "/api/funnel", "/api/reconciliation", "/api/rebuild"] : index(aws_cloudfront_distribution.this.ordered_cache_behavior[*].path_pattern, path)]...)
    error_message = "CloudFront takes the first pattern that fits: /api/* must come after the read APIs."
  }

  # Nothing is answered without tls.
  assert {
    condition     = alltrue([for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.viewer_protocol_policy == "https-only" if behavior.target_origin_id == "api"])
    error_message = "The API must refuse plain HTTP: a redirected POST loses its body."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https" && alltrue([for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.viewer_protocol_policy == "redirect-to-https" if behavior.target_origin_id == "static"])
    error_message = "Files must move to HTTPS."
  }

  # Everything cacheable is compressed.
  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].compress && alltrue(aws_cloudfront_distribution.this.ordered_cache_behavior[*].compress)
    error_message = "Compression must be on for every path."
  }
  assert {
    condition     = alltrue([for policy in aws_cloudfront_cache_policy.this : policy.parameters_in_cache_key_and_forwarded_to_origin[0].enable_accept_encoding_brotli && policy.parameters_in_cache_key_and_forwarded_to_origin[0].enable_accept_encoding_gzip])
    error_message = "Every cache policy must tell brotli and gzip apart, or CloudFront compresses nothing."
  }

  # Without a domain cloudfronts own name serves.
  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].cloudfront_default_certificate && length(aws_route53_record.alias) == 0
    error_message = "No alias: CloudFront's certificate, and no record."
  }
  assert {
    condition     = output.url == "https://d111111abcdef8.cloudfront.net"
    error_message = "Without an alias the distribution's name is the address."
  }

  # Only the distribution reads the bucket.
  assert {
    condition     = one([for origin in aws_cloudfront_distribution.this.origin : origin.origin_access_control_id if origin.origin_id == "static"]) == "E2EXAMPLE"
    error_message = "The bucket must be read through its access control."
  }
  assert {
    condition     = aws_cloudfront_origin_access_control.static.signing_behavior == "always" && aws_cloudfront_origin_access_control.static.signing_protocol == "sigv4"
    error_message = "Requests to the bucket must be signed."
  }
  assert {
    condition     = { for statement in jsondecode(aws_s3_bucket_policy.static.policy).Statement : statement.Action => statement.Condition if statement.Effect == "Allow" } == { for action in ["s3:GetObject", "s3:ListBucket"] : action => { StringEquals = { "AWS:SourceArn" = "arn:aws:cloudfront::123456789012:distribution/E1EXAMPLE" } } }
    error_message = "Only this distribution may read, and nobody may write."
  }
  assert {
    condition     = one([for statement in jsondecode(aws_s3_bucket_policy.static.policy).Statement : statement.Condition if statement.Effect == "Deny"]) == { Bool = { "aws:SecureTransport" = "false" } }
    error_message = "The bucket must refuse plain HTTP."
  }

  # Access logs hold no personal data.
  assert {
    condition     = length(setintersection(aws_cloudwatch_log_delivery.access[0].record_fields, ["c-ip", "c-port", "x-forwarded-for", "cs(User-Agent)", "cs(Referer)", "cs(Cookie)", "cs-uri-query", "cs-cookie", "c-country", "asn"])) == 0
    error_message = "An access log must not hold what leads to a person."
  }
  assert {
    condition     = length(setintersection(aws_cloudwatch_log_delivery.access[0].record_fields, ["cs-method", "cs-uri-stem", "sc-status", "time-taken", "x-edge-result-type"])) == 5
    error_message = "Without method, path, status, time and cache result the log helps nobody."
  }
  assert {
    condition     = aws_cloudwatch_log_group.access[0].retention_in_days == 30
    error_message = "Logs must expire."
  }
  assert {
    condition     = length(aws_cloudfront_distribution.this.logging_config) == 0
    error_message = "The old standard log writes addresses: it must stay off."
  }
}

run "an_own_domain_brings_its_certificate_and_records" {
  command = plan
  variables {
    aliases         = ["stats.example.com", "insight.example.org"]
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b"
    zone_id         = "Z0123456789ABC"
    zone_hosts      = ["stats.example.com"]
  }

  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && aws_cloudfront_distribution.this.viewer_certificate[0].ssl_support_method == "sni-only"
    error_message = "TLS 1.2 is the least, by SNI."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].acm_certificate_arn == var.certificate_arn && !aws_cloudfront_distribution.this.viewer_certificate[0].cloudfront_default_certificate
    error_message = "The aliases need their certificate."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.aliases == toset(["stats.example.com", "insight.example.org"])
    error_message = "Both hosts must be served."
  }
  assert {
    condition     = { for record in aws_route53_record.alias : "${record.name} ${record.type}" => record.alias[0].name } == { "stats.example.com A" = "d111111abcdef8.cloudfront.net", "stats.example.com AAAA" = "d111111abcdef8.cloudfront.net" }
    error_message = "Hosts of the zone, and only they, get an IPv4 and an IPv6 record."
  }
  assert {
    condition     = output.url == "https://stats.example.com"
    error_message = "The first alias is the address."
  }
}

run "an_emulator_gets_what_it_understands" {
  command = plan
  variables { emulated = true }

  assert {
    condition     = length(aws_cloudfront_cache_policy.this) + length(aws_cloudfront_origin_request_policy.collector) + length(aws_cloudfront_response_headers_policy.this) + length(aws_cloudwatch_log_delivery.access) == 0
    error_message = "What moto lacks must be left out."
  }
  assert {
    condition     = length(aws_cloudfront_distribution.this.ordered_cache_behavior) == 11
    error_message = "The paths stay."
  }
  assert {
    condition     = alltrue([for behavior in concat(aws_cloudfront_distribution.this.default_cache_behavior, aws_cloudfront_distribution.this.ordered_cache_behavior) : length(behavior.forwarded_values) == 1 && behavior.cache_policy_id == null])
    error_message = "A behavior takes either cache policies or what they replaced."
  }
}

run "a_lean_distribution_has_no_web_acl_and_takes_events_by_the_http_api" {
  command = plan
  variables {
    web_acl        = false
    origin_web_acl = false
    access_logs    = false
    intake_domain  = "abcdefghij.execute-api.eu-central-1.amazonaws.com"
  }

  assert {
    condition     = length(aws_wafv2_web_acl.edge) + length(aws_wafv2_web_acl.origin) + length(aws_wafv2_web_acl_association.origin) + length(aws_cloudwatch_log_delivery.access) + length(aws_cloudwatch_log_group.access) == 0
    error_message = "Neither web ACL nor access log."
  }
  assert {
    condition     = output.edge_web_acl == null && output.origin_web_acl == null && output.access_log_group_name == null
    error_message = "What is not there has no name."
  }
  assert {
    condition     = { for origin in aws_cloudfront_distribution.this.origin : origin.origin_id => "${origin.domain_name}${origin.origin_path}" if origin.origin_id != "static" } == { api = "abc123.execute-api.eu-central-1.amazonaws.com/live", intake = "abcdefghij.execute-api.eu-central-1.amazonaws.com" }
    error_message = "Events go to the HTTP API, which has no stage in its path."
  }
  assert {
    condition     = nonsensitive(alltrue([for origin in aws_cloudfront_distribution.this.origin : one(origin.custom_header).value == var.origin_secret && one(origin.custom_header).name == "X-LiveInsight-Origin" if origin.origin_id != "static"]))
    error_message = "Both APIs must be told that it is CloudFront that asks."
  }
  assert {
    condition     = { for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.path_pattern => behavior.viewer_protocol_policy if behavior.target_origin_id == "intake" } == { for path in ["/api/csrf-token", "/api/events", "/api/pixel.gif"] : path => "https-only" }
    error_message = "The collector's paths, and no other, are the HTTP API's."
  }
  assert {
    condition     = index(aws_cloudfront_distribution.this.ordered_cache_behavior[*].path_pattern, "/api/*") > index(aws_cloudfront_distribution.this.ordered_cache_behavior[*].path_pattern, "/api/events")
    error_message = "CloudFront takes the first pattern that fits."
  }
}
