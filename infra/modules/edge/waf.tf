# What is turned away at the edge, before it costs an invocation. Requests are not sampled and WAF's
# log is off: both would keep addresses. The metrics of each rule remain.

locals {
  # schemas/hit.py: the collector reads no more.
  max_body_bytes = 65536

  problems = {
    forbidden      = { status = 403, title = "Forbidden", detail = "This address is known for attacks.", retry_after = null }
    body_too_large = { status = 413, title = "Content Too Large", detail = "A body may have 64 KiB: send fewer events at once.", retry_after = null }
    too_many       = { status = 429, title = "Too Many Requests", detail = "This address sent too much in five minutes: wait, then go on.", retry_after = "60" }
  }

  managed_rules = {
    # Whom it blocks is told so, readably: a browser hides an answer without CORS, and the tracker would take it for a network
    # that is down.
    AWSManagedRulesAmazonIpReputationList = {
      priority = 20, told = ["AWSManagedIPReputationList", "AWSManagedReconnaissanceList"], everywhere = true
    }
    AWSManagedRulesKnownBadInputsRuleSet = { priority = 30, told = [], everywhere = false }
    AWSManagedRulesCommonRuleSet         = { priority = 40, told = [], everywhere = false }
  }

  # What browsers of visitors ask. A body there is a list of addresses and titles of pages that anybody wrote, a Referer one of
  # them, and cookies are of other programs: nothing ever renders, opens or runs them, and one odd title must not cost the other
  # events of the request. So the groups that judge texts do not look there at all, whatever rules AWS adds to them; size and
  # number are limited by the rules body-too-large and too-many, and the collector judges each field.
  collector_paths = ["/api/csrf-token", "/api/events", "/api/pixel.gif"]
}

resource "aws_wafv2_web_acl" "edge" {
  count    = var.web_acl ? 1 : 0
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
            name  = "Access-Control-Expose-Headers"
            value = "Retry-After"
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
            for_each = rule.value.told
            content {
              name = rule_action_override.value
              action_to_use {
                block {
                  custom_response {
                    response_code            = local.problems.forbidden.status
                    custom_response_body_key = "forbidden"
                    response_header {
                      name  = "Access-Control-Allow-Origin"
                      value = "*"
                    }
                  }
                }
              }
            }
          }
          dynamic "scope_down_statement" {
            for_each = rule.value.everywhere ? [] : ["elsewhere"]
            content {
              not_statement {
                statement {
                  or_statement {
                    dynamic "statement" {
                      for_each = local.collector_paths
                      content {
                        byte_match_statement {
                          search_string         = statement.value
                          positional_constraint = "EXACTLY"
                          field_to_match {
                            uri_path {}
                          }
                          text_transformation {
                            priority = 0
                            type     = "NONE"
                          }
                        }
                      }
                    }
                  }
                }
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
