mock_provider "aws" {
  source = "../../testing"
}

run "answers_are_cached_as_long_as_each_route_allows" {
  command = plan

  variables {
    cache = { size_gb = "0.5", public_sites_only = true }
  }

  assert {
    condition     = aws_api_gateway_stage.this.cache_cluster_enabled && aws_api_gateway_stage.this.cache_cluster_size == "0.5"
    error_message = "The stage has the cache asked for."
  }
  assert {
    condition = { for key, s in aws_api_gateway_method_settings.this : key => s.settings[0].cache_ttl_in_seconds if s.settings[0].caching_enabled } == {
      "GET /api/realtime" = 3, "GET /api/live/events" = 3, "GET /api/stats" = 10, "GET /api/reconciliation" = 10
    }
    error_message = "Realtime and the newest events are kept for 3 s, stats and reconciliation longer, nothing else at all."
  }
  assert {
    condition     = !aws_api_gateway_method_settings.all.settings[0].caching_enabled
    error_message = "What is not listed is not cached."
  }
  assert {
    condition     = alltrue([for s in aws_api_gateway_method_settings.this : s.settings[0].cache_data_encrypted])
    error_message = "The cache is encrypted."
  }
  assert {
    condition = alltrue([for s in aws_api_gateway_method_settings.this :
      s.settings[0].require_authorization_for_cache_control && s.settings[0].unauthorized_cache_control_header_strategy == "SUCCEED_WITHOUT_RESPONSE_HEADER"
    ])
    error_message = "Nobody passes the cache by with a header."
  }
}

run "the_cache_is_keyed_by_all_that_changes_an_answer" {
  command = plan

  assert {
    condition = { for key, i in aws_api_gateway_integration.this : key => toset([for p in i.cache_key_parameters : trimprefix(trimprefix(p, "method.request."), "querystring.")]) if length(i.cache_key_parameters) > 0 } == {
      "GET /api/live/events"    = toset(["site_id", "limit", "at", "header.X-API-Key", "header.If-None-Match"])
      "GET /api/realtime"       = toset(["site_id", "header.X-API-Key", "header.If-None-Match"])
      "GET /api/stats"          = toset(["site_id", "period", "date", "from", "to", "interval", "dimension", "limit", "offset", "search", "sort", "filter", "compare", "goal", "metrics", "breakdowns", "header.X-API-Key", "header.If-None-Match"])
      "GET /api/reconciliation" = toset(["site_id", "from", "to", "header.X-API-Key", "header.If-None-Match"])
    }
    error_message = "Every query parameter of the route, the read key, and If-None-Match are in the key."
  }
  assert {
    condition     = alltrue([for key, i in aws_api_gateway_integration.this : alltrue([for p in i.cache_key_parameters : contains(keys(aws_api_gateway_method.this[key].request_parameters), p)])])
    error_message = "API Gateway takes a cache key only of what the method declares."
  }
}

run "without_a_size_there_is_no_cache" {
  command = plan

  assert {
    condition     = !aws_api_gateway_stage.this.cache_cluster_enabled && !anytrue([for s in aws_api_gateway_method_settings.this : s.settings[0].caching_enabled])
    error_message = "No cache is the default: it could mix up readers, and costs by the hour."
  }
  assert {
    condition     = !anytrue([for f in output.functions : contains(keys(f.settings.variables), "LIVEINSIGHT_PUBLIC_ONLY")])
    error_message = "Without a cache private sites are answered."
  }
}

run "a_cache_is_for_public_sites_alone" {
  command = plan

  variables {
    cache = { size_gb = "0.5", public_sites_only = true }
  }

  assert {
    condition     = alltrue([for key, s in aws_api_gateway_method_settings.this : lookup(output.functions[local.methods[key].function].settings.variables, "LIVEINSIGHT_PUBLIC_ONLY", "") == "yes" if s.settings[0].caching_enabled])
    error_message = "A function whose answers the stage keeps must refuse private sites."
  }
}

run "a_cache_without_that_word_is_refused" {
  command = plan

  variables {
    cache = { size_gb = "0.5" }
  }

  expect_failures = [var.cache]
}

run "every_method_has_its_throttle" {
  command = plan

  assert {
    condition     = toset(keys(aws_api_gateway_method_settings.this)) == toset(keys(aws_api_gateway_method.this))
    error_message = "No method goes without settings of its own."
  }
  assert {
    condition = { for key, s in aws_api_gateway_method_settings.this : key => "${s.settings[0].throttling_rate_limit}/${s.settings[0].throttling_burst_limit}" if !startswith(key, "OPTIONS") && !startswith(key, "HEAD") } == {
      "POST /api/csrf-token"    = "250/500"
      "POST /api/events"        = "500/1000"
      "GET /api/pixel.gif"      = "500/1000"
      "GET /api/realtime"       = "200/400"
      "GET /api/live/events"    = "200/400"
      "GET /api/live/visit"     = "20/40"
      "GET /api/stats"          = "100/200"
      "GET /api/query"          = "50/100"
      "GET /api/goals"          = "20/40"
      "POST /api/goals"         = "20/40"
      "GET /api/funnel"         = "20/40"
      "GET /api/reconciliation" = "10/20"
      "GET /api/rebuild"        = "5/10"
      "POST /api/rebuild"       = "5/10"
    }
    error_message = "Events are throttled at 500 a second and 1,000 at once; the others as listed."
  }
  assert {
    condition     = alltrue([for key, s in aws_api_gateway_method_settings.this : s.method_path == "${replace(split(" ", key)[1], "/", "~1")}/${split(" ", key)[0]}"])
    error_message = "Settings are for the method that they name, with its slashes escaped."
  }
  assert {
    condition     = aws_api_gateway_method_settings.all.method_path == "*/*" && aws_api_gateway_method_settings.all.settings[0].throttling_rate_limit == 1000 && aws_api_gateway_method_settings.all.settings[0].throttling_burst_limit == 2000
    error_message = "Whatever has no throttle of its own has the stage's."
  }
}

run "a_servers_key_has_the_plans_rate" {
  command = plan

  variables {
    servers       = ["shop"]
    keyed_methods = ["POST /api/events"]
  }

  assert {
    condition     = aws_api_gateway_usage_plan.servers.throttle_settings[0].rate_limit == 1000 && aws_api_gateway_usage_plan.servers.throttle_settings[0].burst_limit == 2000
    error_message = "A key has 1,000 requests a second, and 2,000 at once."
  }
  assert {
    condition     = aws_api_gateway_usage_plan.servers.api_stages != null && length(aws_api_gateway_usage_plan.servers.api_stages) == 1
    error_message = "The plan is for this stage."
  }
  assert {
    condition     = aws_api_gateway_api_key.server["shop"].name == "liveinsight-shop-dev" && length(aws_api_gateway_usage_plan_key.server) == 1
    error_message = "Each server has a key of the plan."
  }
  assert {
    condition     = { for key, m in aws_api_gateway_method.this : key => true if m.api_key_required } == { "POST /api/events" = true }
    error_message = "Only the methods named ask for a key."
  }
}

run "browsers_need_no_key_of_the_gateway" {
  command = plan

  assert {
    condition     = !anytrue([for m in aws_api_gateway_method.this : m.api_key_required]) && length(aws_api_gateway_api_key.server) == 0
    error_message = "By default X-API-Key is a read key of ours, and API Gateway passes it on."
  }
}

run "logs_and_traces_name_no_visitor" {
  command = plan

  assert {
    condition     = length(regexall("identity|sourceIp|userAgent|querystring|\\$context\\.path", aws_api_gateway_stage.this.access_log_settings[0].format)) == 0
    error_message = "The access log has neither address, nor user agent, nor query."
  }
  assert {
    condition     = length(setsubtract(["$context.requestId", "$context.resourcePath", "$context.status", "$context.responseLatency", "$context.error.responseType"], values(jsondecode(aws_api_gateway_stage.this.access_log_settings[0].format)))) == 0
    error_message = "The access log tells what was asked, how it went, and how long it took."
  }
  assert {
    condition     = aws_api_gateway_stage.this.access_log_settings[0].destination_arn == aws_cloudwatch_log_group.access[0].arn && aws_cloudwatch_log_group.access[0].retention_in_days == 30
    error_message = "The access log is kept for 30 days."
  }
  assert {
    condition     = !aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "A trace of the stage has the address of whoever asked: only the functions are traced."
  }
  assert {
    condition     = alltrue([for s in concat([aws_api_gateway_method_settings.all], values(aws_api_gateway_method_settings.this)) : s.settings[0].logging_level == "OFF" && !s.settings[0].data_trace_enabled && s.settings[0].metrics_enabled])
    error_message = "Execution logs, which may hold bodies and headers, are off; metrics are on."
  }
}

run "the_log_role_of_the_account_can_be_another_deployments" {
  command = plan

  variables {
    sets_account_log_role = false
  }

  assert {
    condition     = length(aws_api_gateway_account.this) == 0 && length(aws_iam_role.logs) == 0
    error_message = "Two deployments in one region do not fight for the account's setting."
  }
}

run "what_cloudfront_and_the_web_acl_need_is_told" {
  command = plan

  assert {
    condition     = output.origin_domain == "abcdefghij.execute-api.eu-central-1.amazonaws.com" && output.stage_name == "live"
    error_message = "CloudFront's origin is the host of the invoke URL, and its path the stage."
  }
  assert {
    condition     = output.stage_arn == "arn:aws:apigateway:eu-central-1::/restapis/abcdefghij/stages/live"
    error_message = "The web ACL is associated with the stage."
  }
}

run "what_api_gateway_would_refuse_is_refused_here" {
  command = plan

  variables {
    stage_name         = "live stage"
    collector          = { name = "c", alias_name = "live", alias_arn = "arn:aws:lambda:eu-central-1:123456789012:function:c", invoke_arn = "i", timeout_seconds = 15 }
    tables             = { stats = { name = "stats", arn = "stats" } }
    stores_kms_key_arn = "key"
    read_apis          = { timeout_seconds = 30 }
    cache              = { size_gb = "1" }
    throttles          = { events = { rate = 500, burst = 400 } }
    servers            = ["Shop!"]
    keyed_methods      = ["DELETE /api/events"]
  }

  expect_failures = [
    var.stage_name, var.collector, var.tables, var.stores_kms_key_arn, var.read_apis, var.cache, var.throttles, var.servers,
    var.keyed_methods,
  ]
}

run "the_live_view_is_never_older_than_it_says" {
  command = plan

  variables {
    cache = { ttl_seconds = { realtime = 4 } }
  }

  expect_failures = [var.cache]
}

run "a_ttl_has_an_end" {
  command = plan

  variables {
    cache = { ttl_seconds = { stats = 3601 } }
  }

  expect_failures = [var.cache]
}

run "rates_have_an_end" {
  command = plan

  variables {
    throttles = { key = { rate = 20000, burst = 20000 } }
  }

  expect_failures = [var.throttles]
}

run "requests_need_not_be_logged" {
  command = plan

  variables {
    access_logs = false
  }

  assert {
    condition     = length(aws_api_gateway_stage.this.access_log_settings) == 0 && length(aws_cloudwatch_log_group.access) == 0
    error_message = "Where nobody reads it, no log is written and paid for."
  }
}
