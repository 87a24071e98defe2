mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

run "the_collectors_paths_and_no_others_come_in" {
  command = plan

  assert {
    condition     = toset([for route in aws_apigatewayv2_route.this : route.route_key]) == toset(["POST /api/csrf-token", "OPTIONS /api/csrf-token", "POST /api/events", "OPTIONS /api/events", "GET /api/pixel.gif"])
    error_message = "The collector's paths, with their preflight."
  }
  assert {
    condition     = aws_apigatewayv2_integration.collector.integration_uri == var.collector.invoke_arn && aws_apigatewayv2_integration.collector.payload_format_version == "1.0"
    error_message = "The alias is invoked, with the events that the handler reads."
  }
  assert {
    condition = { for setting in aws_apigatewayv2_stage.this.route_settings : setting.route_key => "${setting.throttling_rate_limit}/${setting.throttling_burst_limit} ${setting.detailed_metrics_enabled}" if startswith(setting.route_key, "POST") } == {
      "POST /api/csrf-token" = "250/500 true"
      "POST /api/events"     = "500/1000 true"
    }
    error_message = "Each path has its throttle, and its metrics."
  }
  assert {
    condition     = toset(keys(aws_lambda_permission.this)) == toset(["csrf-token", "events", "pixel.gif"]) && alltrue([for permission in aws_lambda_permission.this : permission.qualifier == "live" && permission.principal == "apigateway.amazonaws.com"])
    error_message = "API Gateway may invoke the alias."
  }
}

run "a_collector_that_lets_everybody_in_is_refused" {
  command = plan

  variables {
    collector = merge(var.collector, { settings = { variables = {} } })
  }

  expect_failures = [var.collector]
}

run "what_api_gateway_would_refuse_is_refused_here" {
  command = plan

  variables {
    environment = "Dev"
    throttles   = { events = { rate = 500, burst = 400 } }
  }

  expect_failures = [var.environment, var.throttles]
}
