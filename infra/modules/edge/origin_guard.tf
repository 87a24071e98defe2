# The API's own address is public, and the collector believes CloudFront-Viewer-*: whoever called the
# API directly could pretend to be any visitor in any place, and pass by the edge's web ACL. So the
# stage answers only to who knows a secret that CloudFront adds. (README.md: what else was weighed.) Without this web ACL the
# functions look at the secret themselves: a refused request then costs an invocation.

locals {
  origin_header = "X-LiveInsight-Origin"

  accepted_secrets = concat([var.origin_secret], var.previous_origin_secret[*])
}

resource "aws_wafv2_web_acl" "origin" {
  count = var.origin_web_acl ? 1 : 0

  name        = "${local.name}-origin"
  description = "LiveInsight ${var.environment}: the API answers only to CloudFront"
  scope       = "REGIONAL"

  default_action {
    block {}
  }

  dynamic "rule" {
    # How many there are is no secret; a `for_each` takes no sensitive value.
    for_each = range(nonsensitive(length(local.accepted_secrets)))
    content {
      name     = rule.value == 0 ? "from-the-distribution" : "from-the-distribution-previous-secret"
      priority = rule.value
      action {
        allow {}
      }
      statement {
        byte_match_statement {
          search_string         = local.accepted_secrets[rule.value]
          positional_constraint = "EXACTLY"
          field_to_match {
            single_header {
              name = lower(local.origin_header)
            }
          }
          text_transformation {
            priority = 0
            type     = "NONE"
          }
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.value == 0 ? "from-the-distribution" : "from-the-distribution-previous-secret"
        sampled_requests_enabled   = false
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${local.name}-origin"
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "origin" {
  count = var.origin_web_acl ? 1 : 0

  resource_arn = var.rest_api.stage_arn
  web_acl_arn  = aws_wafv2_web_acl.origin[0].arn
}
