mock_provider "aws" {
  source = "../../testing"
}

run "every_route_of_the_api_is_there" {
  command = plan

  assert {
    condition = toset(keys(aws_api_gateway_method.this)) == toset([
      "POST /api/csrf-token", "OPTIONS /api/csrf-token", "POST /api/events", "OPTIONS /api/events", "GET /api/pixel.gif", "GET /api/realtime", "HEAD /api/realtime",
      "GET /api/live/events", "HEAD /api/live/events", "GET /api/live/visit", "HEAD /api/live/visit",
      "GET /api/stats", "HEAD /api/stats", "GET /api/reconciliation", "HEAD /api/reconciliation",
      "GET /api/query", "HEAD /api/query", "GET /api/funnel", "HEAD /api/funnel", "GET /api/goals", "HEAD /api/goals", "POST /api/goals",
      "GET /api/rebuild", "HEAD /api/rebuild", "POST /api/rebuild",
    ])
    error_message = "The API has the routes of docs/api.md, with CORS' OPTIONS where browsers write, and HEAD where they read."
  }
  assert {
    condition = aws_api_gateway_resource.api.path_part == "api" && alltrue([for name, r in aws_api_gateway_resource.route :
      r.path_part == basename(name) && r.parent_id == (strcontains(name, "/") ? aws_api_gateway_resource.folder[dirname(name)].id : aws_api_gateway_resource.api.id)
    ]) && alltrue([for name, f in aws_api_gateway_resource.folder : f.path_part == name && f.parent_id == aws_api_gateway_resource.api.id])
    error_message = "Every route lies under /api, with what it has before its last part between."
  }
  assert {
    condition     = alltrue([for key, m in aws_api_gateway_method.this : key == "${m.http_method} ${substr(key, length(m.http_method) + 1, -1)}" && strcontains(key, " /api/")])
    error_message = "Methods are what their keys say."
  }
}

run "functions_answer_through_their_alias" {
  command = plan

  assert {
    condition     = alltrue([for i in aws_api_gateway_integration.this : i.type == "AWS_PROXY" && i.integration_http_method == "POST"])
    error_message = "Every method is a Lambda proxy."
  }
  assert {
    condition     = alltrue([for key in ["POST /api/csrf-token", "OPTIONS /api/csrf-token", "POST /api/events", "OPTIONS /api/events"] : aws_api_gateway_integration.this[key].uri == var.collector.invoke_arn])
    error_message = "The collector answers what browsers write, and its preflight."
  }
  assert {
    condition     = alltrue([for key, i in aws_api_gateway_integration.this : strcontains(i.uri, ":live/invocations") if(startswith(key, "GET") || startswith(key, "HEAD")) && key != "GET /api/pixel.gif"])
    error_message = "The read APIs are invoked through the alias live."
  }
  assert {
    condition     = alltrue([for i in aws_api_gateway_integration.this : i.timeout_milliseconds == 15000])
    error_message = "API Gateway waits as long as the function may take."
  }
  assert {
    condition = alltrue([for key, p in aws_lambda_permission.this :
      p.qualifier == "live" && p.principal == "apigateway.amazonaws.com" && p.action == "lambda:InvokeFunction" &&
      p.source_arn == "arn:aws:execute-api:eu-central-1:123456789012:abcdefghij/live/${replace(key, " ", "")}"
    ])
    error_message = "Each permission is for the alias, and for one method of this API."
  }
  assert {
    condition = { for key, p in aws_lambda_permission.this : key => p.function_name if !startswith(key, "OPTIONS") && !startswith(key, "HEAD") } == {
      "POST /api/csrf-token"    = "liveinsight-event-collector-dev"
      "POST /api/events"        = "liveinsight-event-collector-dev"
      "GET /api/pixel.gif"      = "liveinsight-event-collector-dev"
      "GET /api/realtime"       = "liveinsight-realtime-api-dev"
      "GET /api/live/events"    = "liveinsight-realtime-api-dev"
      "GET /api/live/visit"     = "liveinsight-realtime-api-dev"
      "GET /api/stats"          = "liveinsight-stats-api-dev"
      "GET /api/query"          = "liveinsight-query-api-dev"
      "GET /api/goals"          = "liveinsight-query-api-dev"
      "POST /api/goals"         = "liveinsight-query-api-dev"
      "GET /api/funnel"         = "liveinsight-query-api-dev"
      "GET /api/reconciliation" = "liveinsight-reconciliation-api-dev"
      "GET /api/rebuild"        = "liveinsight-rebuild-api-dev"
      "POST /api/rebuild"       = "liveinsight-rebuild-api-dev"
    }
    error_message = "Each route has its function."
  }
}

run "a_validator_checks_bodies_and_only_where_there_are_some" {
  command = plan

  assert {
    condition     = alltrue([for key, m in aws_api_gateway_method.this : (m.request_validator_id != null) == startswith(key, "POST")])
    error_message = "Only POST is validated."
  }
  assert {
    condition     = aws_api_gateway_request_validator.body.validate_request_body && !aws_api_gateway_request_validator.body.validate_request_parameters
    error_message = "Bodies are validated; parameters are the functions' business."
  }
  assert {
    condition     = aws_api_gateway_method.this["POST /api/events"].request_models == tomap({ "application/json" = "Events" })
    error_message = "Of text/plain, which the tracker sends, nothing is checked."
  }
  assert {
    condition     = aws_api_gateway_method.this["POST /api/csrf-token"].request_models == tomap({ "application/json" = "TokenRequest", "text/plain" = "TokenRequest" })
    error_message = "A request for a token is checked, whichever type it has."
  }
  assert {
    condition     = !anytrue([for m in aws_api_gateway_method.this : anytrue(values(m.request_parameters)) if m.request_parameters != null])
    error_message = "No parameter is required: the functions say what is missing."
  }
}

run "problems_of_the_gateway_look_like_the_apis" {
  command = plan

  assert {
    condition = alltrue([for r in aws_api_gateway_gateway_response.this :
      r.response_parameters["gatewayresponse.header.Content-Type"] == "'application/problem+json'" &&
      r.response_parameters["gatewayresponse.header.Cache-Control"] == "'no-store'" &&
      r.response_parameters["gatewayresponse.header.X-Content-Type-Options"] == "'nosniff'" &&
      r.response_parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
    ])
    error_message = "They are problem documents, never cached, and browsers may read them."
  }
  assert {
    condition     = alltrue([for r in aws_api_gateway_gateway_response.this : length(setsubtract(["type", "title", "code", "detail"], keys(jsondecode(r.response_templates["application/json"])))) == 0])
    error_message = "They have the members of RFC 9457, and a code."
  }
  assert {
    condition     = alltrue([for type, r in aws_api_gateway_gateway_response.this : tostring(jsondecode(r.response_templates["application/json"]).status) == r.status_code if !startswith(type, "DEFAULT")])
    error_message = "The document tells the status that the answer has."
  }
  assert {
    condition     = aws_api_gateway_gateway_response.this["THROTTLED"].status_code == "429" && aws_api_gateway_gateway_response.this["THROTTLED"].response_parameters["gatewayresponse.header.Retry-After"] == "'1'"
    error_message = "Whoever is throttled is told when to come again."
  }
}

run "apis_may_do_what_they_need" {
  command = plan

  assert {
    condition = { for n, f in output.functions : n => join("; ", [for s in jsondecode(f.work_policy).Statement : "${join(" ", s.Action)} on ${join(" ", [for r in s.Resource : element(split("/", r), 1)])}"]) } == {
      realtime-api       = "dynamodb:Query on realtime events; dynamodb:BatchGetItem on sites; kms:Decrypt on stores"
      stats-api          = "dynamodb:Query on stats; dynamodb:BatchGetItem on sites; kms:Decrypt on stores"
      reconciliation-api = "dynamodb:Query on stats; dynamodb:BatchGetItem on sites; kms:Decrypt on stores"
      query-api          = "dynamodb:Query on stats; dynamodb:BatchGetItem dynamodb:PutItem on sites; kms:Decrypt kms:GenerateDataKey on stores"
      rebuild-api        = "dynamodb:Query on stats; dynamodb:BatchGetItem dynamodb:PutItem on sites; kms:Decrypt kms:GenerateDataKey on stores"
    }
    error_message = "Each read API reads its table and the sites; those of rebuilds and goals keep what owners say in the sites."
  }
  assert {
    condition = { for n, f in output.functions : n => f.settings.handler } == {
      realtime-api       = "api.realtime.handler.handler"
      stats-api          = "api.stats.handler.handler"
      reconciliation-api = "api.reconciliation.handler.handler"
      query-api          = "api.query.handler.handler"
      rebuild-api        = "api.rebuild.handler.handler"
    }
    error_message = "Handlers are the folders' own."
  }
  assert {
    condition = { for n, f in output.functions : n => { for k, v in f.settings.variables : k => v if endswith(k, "_TABLE") } } == {
      realtime-api       = { REALTIME_TABLE = "realtime", EVENTS_TABLE = "events", SITES_TABLE = "sites" }
      stats-api          = { STATS_TABLE = "stats", SITES_TABLE = "sites" }
      reconciliation-api = { STATS_TABLE = "stats", SITES_TABLE = "sites" }
      query-api          = { STATS_TABLE = "stats", SITES_TABLE = "sites" }
      rebuild-api        = { STATS_TABLE = "stats", SITES_TABLE = "sites" }
    }
    error_message = "Each read API knows its tables."
  }
}
