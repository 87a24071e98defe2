resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # A deployment is a copy of what stands now, made anew when one of these changes. What is asked for is listed, not what the
  # resources say: they have attributes that AWS computes or writes in another way, and every plan would find them different.
  triggers = {
    copied = sha1(jsonencode({
      methods      = local.methods
      keyed        = var.keyed_methods
      integrations = { for key, about in local.methods : key => [local.functions[about.function].invoke_arn, local.timeouts_ms[about.function]] }
      schemas      = { for name, schema in local.schemas : name => filesha1("${path.module}/schemas/${schema.file}") }
      problems     = local.problems
      compression  = local.compressed_from_bytes
    }))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_api_gateway_gateway_response.this, aws_api_gateway_integration.this]
}

resource "aws_api_gateway_stage" "this" {
  rest_api_id   = aws_api_gateway_rest_api.this.id
  deployment_id = aws_api_gateway_deployment.this.id
  stage_name    = var.stage_name
  description   = "What CloudFront forwards to."

  cache_cluster_enabled = var.cache.size_gb != null
  cache_cluster_size    = var.cache.size_gb
  # Its segments keep the address of whoever asked. The functions trace themselves, without it.
  xray_tracing_enabled = false

  dynamic "access_log_settings" {
    for_each = var.access_logs ? [local.access_log] : []
    content {
      destination_arn = aws_cloudwatch_log_group.access[0].arn
      format          = jsonencode(access_log_settings.value)
    }
  }

  depends_on = [aws_api_gateway_account.this]
}

resource "aws_api_gateway_method_settings" "all" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = true
    caching_enabled        = false
    throttling_rate_limit  = var.throttles.stage.rate
    throttling_burst_limit = var.throttles.stage.burst
    # Execution logs may hold headers and bodies, and so addresses: the access log says which request failed, and why.
    logging_level      = "OFF"
    data_trace_enabled = false
  }
}

resource "aws_api_gateway_method_settings" "this" {
  for_each = local.methods

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  # API Gateway wants the slashes of a nested path escaped as in a JSON pointer, the first one too.
  method_path = "~1api~1${replace(each.value.route, "/", "~1")}/${each.value.method}"

  settings {
    metrics_enabled        = true
    throttling_rate_limit  = var.throttles[each.value.throttle].rate
    throttling_burst_limit = var.throttles[each.value.throttle].burst
    logging_level          = "OFF"
    data_trace_enabled     = false

    caching_enabled      = each.value.method == "GET" && contains(keys(var.cache.ttl_seconds), each.value.name) && var.cache.size_gb != null
    cache_ttl_in_seconds = lookup(var.cache.ttl_seconds, each.value.name, 0)
    cache_data_encrypted = true
    # Whoever asks with `Cache-Control: max-age=0` gets what the cache has: else anybody could pass it by.
    require_authorization_for_cache_control    = true
    unauthorized_cache_control_header_strategy = "SUCCEED_WITHOUT_RESPONSE_HEADER"
  }

  # API Gateway loses settings that are changed at the same time as the default.
  depends_on = [aws_api_gateway_method_settings.all]
}
