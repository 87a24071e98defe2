# JSON over HTTP: one REST API in front of the collector and the read APIs.

resource "aws_api_gateway_rest_api" "this" {
  name        = "liveinsight-${var.environment}"
  description = "Events in, numbers out: docs/api.md."
  # A read key of ours travels in X-API-Key too: see routes.tf.
  api_key_source           = "HEADER"
  minimum_compression_size = local.compressed_from_bytes

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_resource" "api" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = "api"
}

# What several routes have before their last part, as live/events and live/visit do.
resource "aws_api_gateway_resource" "folder" {
  for_each = toset([for route in keys(local.routes) : dirname(route) if strcontains(route, "/")])

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_resource.api.id
  path_part   = each.key
}

resource "aws_api_gateway_resource" "route" {
  for_each = local.routes

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = strcontains(each.key, "/") ? aws_api_gateway_resource.folder[dirname(each.key)].id : aws_api_gateway_resource.api.id
  path_part   = basename(each.key)
}

resource "aws_api_gateway_method" "this" {
  for_each = local.methods

  rest_api_id   = aws_api_gateway_rest_api.this.id
  resource_id   = aws_api_gateway_resource.route[each.value.route].id
  http_method   = each.value.method
  authorization = "NONE" # the functions decide: tokens for events, read keys for numbers

  api_key_required = contains(var.keyed_methods, each.key)

  # Declared, so that the cache can be keyed by them; required of nobody: the functions say what is missing.
  request_parameters = { for parameter in each.value.cache_keys : parameter => false }

  request_models       = each.value.method == "POST" ? each.value.models : {}
  request_validator_id = each.value.method == "POST" ? aws_api_gateway_request_validator.body.id : null
}

resource "aws_api_gateway_integration" "this" {
  for_each = local.methods

  rest_api_id = aws_api_gateway_rest_api.this.id
  resource_id = aws_api_gateway_method.this[each.key].resource_id
  http_method = aws_api_gateway_method.this[each.key].http_method

  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = local.functions[each.value.function].invoke_arn
  timeout_milliseconds    = local.timeouts_ms[each.value.function]

  cache_key_parameters = each.value.cache_keys
}

resource "aws_lambda_permission" "this" {
  for_each = local.methods

  statement_id  = "api-${each.value.name}-${lower(each.value.method)}"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = local.functions[each.value.function].name
  qualifier     = local.functions[each.value.function].alias_name
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${var.stage_name}/${each.value.method}/api/${each.value.route}"
}
