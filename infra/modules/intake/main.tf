# HTTP -> collector for less: an HTTP API costs $1.00 for a million requests, a REST API $3.50. It has what the collector's paths
# need, and neither usage plans, nor a cache, nor a web ACL.
#
# A function URL would cost nothing, but a signed POST (origin access control) needs a hash of the body that a beacon cannot send, and an
# open one since October 2025 needs a permission with lambda:InvokedViaFunctionUrl, which the provider does not have: without that
# condition everybody could invoke the function, by any way (hashicorp/terraform-provider-aws#44829).

locals {
  # By whose throttle each goes.
  routes = {
    "POST /api/csrf-token"    = "csrf-token"
    "OPTIONS /api/csrf-token" = "csrf-token"
    "POST /api/events"        = "events"
    "OPTIONS /api/events"     = "events"
    "GET /api/pixel.gif"      = "events"
  }
}

resource "aws_apigatewayv2_api" "this" {
  name          = "liveinsight-intake-${var.environment}"
  description   = "Events in: the collector's two paths of docs/api.md."
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "collector" {
  api_id             = aws_apigatewayv2_api.this.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = var.collector.invoke_arn
  # The shape of a REST API's events, which is what the handlers read (runtime/gateway.py).
  payload_format_version = "1.0"
  timeout_milliseconds   = min(30000, var.collector.timeout_seconds * 1000)
}

resource "aws_apigatewayv2_route" "this" {
  for_each = local.routes

  api_id    = aws_apigatewayv2_api.this.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.collector.id}"
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  dynamic "route_settings" {
    for_each = aws_apigatewayv2_route.this
    content {
      route_key              = route_settings.value.route_key
      throttling_rate_limit  = var.throttles[local.routes[route_settings.key]].rate
      throttling_burst_limit = var.throttles[local.routes[route_settings.key]].burst
      # By path and method, for the alarms.
      detailed_metrics_enabled = true
    }
  }
}

resource "aws_lambda_permission" "this" {
  for_each = toset([for route in keys(local.routes) : split("/", route)[2]])

  statement_id  = "intake-${replace(each.key, ".", "-")}"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = var.collector.name
  qualifier     = var.collector.alias_name
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*/api/${each.key}"
}
