# What is turned away at the edge, before it costs an invocation. Requests are not sampled and WAF's
# log is off: both would keep addresses. The metrics of each rule remain.

locals {
  # schemas/hit.py: the collector reads no more.
  max_body_bytes = 65536

  problems = {
    body_too_large = { status = 413, title = "Content Too Large", detail = "A body may have 64 KiB: send fewer events at once.", retry_after = null }
    too_many       = { status = 429, title = "Too Many Requests", detail = "This address sent too much in five minutes: wait, then go on.", retry_after = "60" }
  }

  managed_rules = {
    AWSManagedRulesAmazonIpReputationList = { priority = 20, counted = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 30, counted = [] }
    # A body is a list of addresses and titles of pages that anybody wrote: nothing ever renders,
    # opens or runs it, and one odd title must not cost the other events of the request. Its size is
    # limited by the rule body-too-large (this group would refuse 8 KB).
    AWSManagedRulesCommonRuleSet = {
      priority = 40
      counted  = ["SizeRestrictions_BODY", "CrossSiteScripting_BODY", "EC2MetaDataSSRF_BODY", "GenericLFI_BODY", "GenericRFI_BODY"]
    }
  }
}

resource "aws_wafv2_web_acl" "edge" {
  provider = aws.us_east_1

  name        = "${local.name}-edge"
  description = "LiveInsight ${var.environment}: what may reach the distribution"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  # WAF looks at the first 16 KB unless told otherwise. What lies beyond counts as too large.
  association_config {
    request_body {
      cloudfront {
        default_size_inspection_limit = "KB_64"
      }
    }
  }

  dynamic "custom_response_body" {
    for_each = local.problems
    content {
      key          = custom_response_body.key
      content_type = "APPLICATION_JSON"
      content = jsonencode({
        type = "about:blank", title = custom_response_body.value.title, status = custom_response_body.value.status,
        code = custom_response_body.key, detail = custom_response_body.value.detail
      })
    }
  }

  rule {
    name     = "body-too-large"
    priority = 0
    action {
      block {
        custom_response {
          response_code            = local.problems.body_too_large.status
          custom_response_body_key = "body_too_large"
          # So that the page may see why, and the tracker stops repeating it.
          response_header {
            name  = "Access-Control-Allow-Origin"
            value = "*"
          }
        }
      }
    }
    statement {
      and_statement {
        statement {
          byte_match_statement {
            search_string         = "/api/"
            positional_constraint = "STARTS_WITH"
            field_to_match {
              uri_path {}
            }
            text_transformation {
              priority = 0
              type     = "NONE"
            }
          }
        }
        statement {
          size_constraint_statement {
            comparison_operator = "GT"
            size                = local.max_body_bytes
            field_to_match {
              body {
                oversize_handling = "MATCH"
              }
            }
            text_transformation {
              priority = 0
              type     = "NONE"
            }
          }
        }
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "body-too-large"
      sampled_requests_enabled   = false
    }
  }

  rule {
    name     = "too-many"
    priority = 10
    action {
      block {
        custom_response {
          response_code            = local.problems.too_many.status
          custom_response_body_key = "too_many"
          response_header {
            name  = "Access-Control-Allow-Origin"
            value = "*"
          }
          response_header {
            name  = "Retry-After"
            value = local.problems.too_many.retry_after
          }
        }
      }
    }
    statement {
      rate_based_statement {
        limit                 = var.rate_limit
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "too-many"
      sampled_requests_enabled   = false
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules
    content {
      name     = rule.key
      priority = rule.value.priority
      override_action {
        none {}
      }
      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key
          dynamic "rule_action_override" {
            for_each = rule.value.counted
            content {
              name = rule_action_override.value
              action_to_use {
                count {}
              }
            }
          }
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = false
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${local.name}-edge"
    sampled_requests_enabled   = false
  }
}
