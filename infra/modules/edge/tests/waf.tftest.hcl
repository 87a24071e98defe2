mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_east_1"
  source          = "../../testing/us_east_1"
  override_during = plan
}

run "requests_are_checked_at_the_edge_and_at_the_api" {
  command = plan

  # A body of 64 kib passes and a larger one does not.
  assert {
    condition     = aws_wafv2_web_acl.edge[0].association_config[0].request_body[0].cloudfront[0].default_size_inspection_limit == "KB_64"
    error_message = "Without it WAF sees 16 KB of a body, and takes every larger one for too large."
  }
  assert {
    condition     = one(one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "body-too-large"]).statement[0].and_statement[0].statement[1].size_constraint_statement).size == 65536
    error_message = "The collector reads 64 KiB."
  }
  assert {
    condition     = one(one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "body-too-large"]).statement[0].and_statement[0].statement[1].size_constraint_statement).comparison_operator == "GT"
    error_message = "64 KiB exactly must pass."
  }
  assert {
    condition     = one(one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "body-too-large"]).statement[0].and_statement[0].statement[1].size_constraint_statement).field_to_match[0].body[0].oversize_handling == "MATCH"
    error_message = "What WAF cannot see to its end is too large."
  }
  assert {
    condition     = one(one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "body-too-large"]).statement[0].and_statement[0].statement[0].byte_match_statement).search_string == "/api/"
    error_message = "The limit is for the API."
  }
  assert {
    condition     = one(one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "body-too-large"]).action[0].block[0].custom_response).response_code == 413
    error_message = "The tracker understands 413."
  }

  # One address may send much but not everything.
  assert {
    condition     = one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "too-many"]).statement[0].rate_based_statement[0].limit == 10000 && one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "too-many"]).statement[0].rate_based_statement[0].aggregate_key_type == "IP" && one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "too-many"]).statement[0].rate_based_statement[0].evaluation_window_sec == 300
    error_message = "10,000 requests of an address in five minutes."
  }
  assert {
    condition     = one(one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "too-many"]).action[0].block[0].custom_response).response_code == 429
    error_message = "The tracker waits after 429."
  }

  # Managed rules refuse attacks but do not judge the text of events.
  assert {
    condition     = toset([for rule in aws_wafv2_web_acl.edge[0].rule : one(rule.statement[0].managed_rule_group_statement).name if length(rule.statement[0].managed_rule_group_statement) == 1]) == toset(["AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesAmazonIpReputationList"])
    error_message = "Common attacks, known bad inputs and addresses of bad repute are turned away."
  }
  assert {
    condition     = alltrue([for rule in aws_wafv2_web_acl.edge[0].rule : length(rule.override_action[0].none) == 1 if length(rule.statement[0].managed_rule_group_statement) == 1])
    error_message = "A group that only counts protects nothing."
  }
  assert {
    condition = { for rule in aws_wafv2_web_acl.edge[0].rule : rule.name => toset(flatten([for scope in one(rule.statement[0].managed_rule_group_statement).scope_down_statement : [
      for path in scope.not_statement[0].statement[0].or_statement[0].statement : "${path.byte_match_statement[0].positional_constraint} ${path.byte_match_statement[0].search_string}"
      ]])) if length(rule.statement[0].managed_rule_group_statement) == 1 } == {
      AWSManagedRulesAmazonIpReputationList = toset([])
      AWSManagedRulesKnownBadInputsRuleSet  = toset(["EXACTLY /api/csrf-token", "EXACTLY /api/events", "EXACTLY /api/pixel.gif"])
      AWSManagedRulesCommonRuleSet          = toset(["EXACTLY /api/csrf-token", "EXACTLY /api/events", "EXACTLY /api/pixel.gif"])
    }
    error_message = "A title with $${jndi: or a tag in it, and a cookie of another program, must cost no event: the groups that judge texts stay out of the collector's paths."
  }

  # Every answer that turns away is readable by the page that sent the events.
  assert {
    condition = alltrue(flatten([for rule in aws_wafv2_web_acl.edge[0].rule : concat(
      [for action in rule.action : [for header in action.block[0].custom_response[0].response_header : header.value if header.name == "Access-Control-Allow-Origin"] == ["*"]],
      [for group in rule.statement[0].managed_rule_group_statement : length(group.scope_down_statement) == 1 || alltrue([
        for override in group.rule_action_override : [for header in override.action_to_use[0].block[0].custom_response[0].response_header : header.value if header.name == "Access-Control-Allow-Origin"] == ["*"]
      ]) && length(group.rule_action_override) == 2],
    )]))
    error_message = "Whatever blocks a request for the collector must answer with CORS: without it a tracker takes it for a network that is down."
  }
  assert {
    condition     = contains([for header in one(one([for rule in aws_wafv2_web_acl.edge[0].rule : rule if rule.name == "too-many"]).action[0].block[0].custom_response).response_header : "${header.name}: ${header.value}"], "Access-Control-Expose-Headers: Retry-After")
    error_message = "A page may read Retry-After only if it is told so."
  }

  # The edge lets others in and the distribution uses it.
  assert {
    condition     = aws_wafv2_web_acl.edge[0].scope == "CLOUDFRONT" && length(aws_wafv2_web_acl.edge[0].default_action[0].allow) == 1
    error_message = "What no rule refuses is welcome."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.web_acl_id == "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/1"
    error_message = "The distribution must stand behind its web ACL."
  }
  assert {
    condition     = length(distinct([for rule in aws_wafv2_web_acl.edge[0].rule : rule.priority])) == length(aws_wafv2_web_acl.edge[0].rule)
    error_message = "Two rules of one priority fail at apply."
  }
  assert {
    condition     = alltrue([for rule in setunion(aws_wafv2_web_acl.edge[0].rule, aws_wafv2_web_acl.origin[0].rule) : !rule.visibility_config[0].sampled_requests_enabled && rule.visibility_config[0].cloudwatch_metrics_enabled])
    error_message = "Samples keep addresses; metrics do not."
  }

  # The api answers only to the distribution.
  assert {
    condition     = aws_wafv2_web_acl.origin[0].scope == "REGIONAL" && length(aws_wafv2_web_acl.origin[0].default_action[0].block) == 1
    error_message = "Who does not know the secret is blocked."
  }
  assert {
    condition     = one(aws_wafv2_web_acl.origin[0].rule).statement[0].byte_match_statement[0].field_to_match[0].single_header[0].name == "x-liveinsight-origin" && one(aws_wafv2_web_acl.origin[0].rule).statement[0].byte_match_statement[0].positional_constraint == "EXACTLY"
    error_message = "The whole header must be the secret."
  }
  assert {
    condition     = nonsensitive(one(aws_wafv2_web_acl.origin[0].rule).statement[0].byte_match_statement[0].search_string == var.origin_secret)
    error_message = "The API must know the secret."
  }
  assert {
    condition     = nonsensitive(one(one([for origin in aws_cloudfront_distribution.this.origin : origin.custom_header if origin.origin_id == "api"])).value == var.origin_secret) && nonsensitive(one(one([for origin in aws_cloudfront_distribution.this.origin : origin.custom_header if origin.origin_id == "api"])).name == "X-LiveInsight-Origin")
    error_message = "CloudFront must send the secret."
  }
  assert {
    condition     = aws_wafv2_web_acl_association.origin[0].resource_arn == var.rest_api.stage_arn && aws_wafv2_web_acl_association.origin[0].web_acl_arn == "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/origin/1"
    error_message = "The stage must stand behind its web ACL."
  }
}

run "while_the_secret_changes_both_are_accepted" {
  command = plan
  variables {
    origin_secret          = "ffffffffffffffffffffffffffffffff"
    previous_origin_secret = "0123456789abcdef0123456789abcdef"
  }

  assert {
    condition     = nonsensitive(toset([for rule in aws_wafv2_web_acl.origin[0].rule : rule.statement[0].byte_match_statement[0].search_string]) == toset(["ffffffffffffffffffffffffffffffff", "0123456789abcdef0123456789abcdef"]))
    error_message = "Edges that still send the old secret must be let in."
  }
}
