# Keys for servers that call the API: each has the plan's rate for itself. They count only on methods of `keyed_methods`;
# everywhere else X-API-Key is a read key of a site, which API Gateway passes on and does not look at.

resource "aws_api_gateway_usage_plan" "servers" {
  name        = "liveinsight-servers-${var.environment}"
  description = "What a server may ask of the API with its key."

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.this.stage_name
  }

  throttle_settings {
    rate_limit  = var.throttles.key.rate
    burst_limit = var.throttles.key.burst
  }
}

resource "aws_api_gateway_api_key" "server" {
  for_each = var.servers

  name        = "liveinsight-${each.key}-${var.environment}"
  description = "Key of the server ${each.key}."
}

resource "aws_api_gateway_usage_plan_key" "server" {
  for_each = var.servers

  usage_plan_id = aws_api_gateway_usage_plan.servers.id
  key_id        = aws_api_gateway_api_key.server[each.key].id
  key_type      = "API_KEY"
}
