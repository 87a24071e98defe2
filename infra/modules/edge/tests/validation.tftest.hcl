mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_east_1"
  source          = "../../testing/us_east_1"
  override_during = plan
}

# Each run refuses many variables at once: a run costs seconds, a variable nothing.

run "bad_values_are_refused" {
  command = plan
  variables {
    environment               = "Prod EU"
    origin_secret             = "hunter2"
    previous_origin_secret    = "hunter2"
    static_bucket             = { name = "b", arn = "arn:aws:s3:::b", regional_domain = "b.s3.eu-central-1.amazonaws.com/x" }
    rest_api                  = { stage_arn = "arn:aws:apigateway:eu-central-1::/restapis/abc123/stages/live", stage_name = "live", origin_domain = "https://abc123.execute-api.eu-central-1.amazonaws.com/live" }
    aliases                   = ["https://stats.example.com"]
    zone_id                   = "example.com"
    price_class               = "PriceClass_300"
    hashed_paths              = ["/api/stats"]
    rate_limit                = 100
    hsts_seconds              = 315360000
    access_log_retention_days = 31
  }
  expect_failures = [
    var.environment, var.origin_secret, var.previous_origin_secret, var.static_bucket, var.rest_api, var.aliases, var.zone_id,
    var.price_class, var.hashed_paths, var.rate_limit, var.hsts_seconds, var.access_log_retention_days,
  ]
}

run "what_does_not_go_together_is_refused" {
  command = plan
  variables {
    aliases      = ["stats.example.com"] # no certificate
    zone_hosts   = ["stats.example.com"] # no zone
    rest_api     = { stage_arn = "arn:aws:apigateway:eu-central-1::/restapis/abc123/stages/live", stage_name = "/live", origin_domain = "abc123.execute-api.eu-central-1.amazonaws.com" }
    rate_limit   = 10000.5
    hashed_paths = ["assets/*"]
  }
  expect_failures = [var.certificate_arn, var.zone_hosts, var.rest_api, var.rate_limit, var.hashed_paths]
}

run "what_lies_elsewhere_is_refused" {
  command = plan
  variables {
    rest_api        = { stage_arn = "arn:aws:execute-api:eu-central-1:123456789012:abc123/live", stage_name = "live", origin_domain = "abc123.execute-api.eu-central-1.amazonaws.com" }
    static_bucket   = { name = "b", arn = "b", regional_domain = "b.s3.eu-central-1.amazonaws.com" }
    aliases         = ["stats.example.com"]
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b" # not us-east-1
    zone_id         = "Z0123456789ABC"
    zone_hosts      = ["other.example.com"] # not an alias
    hsts_seconds    = 60
  }
  expect_failures = [var.rest_api, var.static_bucket, var.certificate_arn, var.zone_hosts, var.hsts_seconds]
}
