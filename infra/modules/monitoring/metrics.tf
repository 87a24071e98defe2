# The metrics that alarms and dashboard are made of, in the shape of an alarm's metric query.

locals {
  consumers = ["archive", "realtime", "stats"]

  # How old the records are that a consumer gets, at most, while all is well enough. In seconds.
  oldest = { for consumer in local.consumers : consumer => var.mappings[consumer].batching_window_seconds + var.iterator_age_seconds[consumer] }

  # Of our own functions (runtime/metrics.py).
  ours = {
    for metric in [
      "ingest events_accepted", "ingest requests_spilled", "ingest requests_malformed", "spill-drain spills_left",
      "archive events_archived", "stats events_counted", "stats events_duplicate",
      "sealer days_sealed", "sealer periods_sealed", "sealer items_dropped", "sealer partitions_grown", "sealer generations_deleted",
      "archive records_poisoned", "realtime records_poisoned", "stats records_poisoned",
      ] : replace(metric, " ", ".") => {
      namespace  = "LiveInsight"
      name       = split(" ", metric)[1]
      stat       = "Sum"
      dimensions = { service = split(" ", metric)[0] }
    }
  }

  # The tables whose items grow with traffic. Whichever function wrote them: the metric has no other dimension.
  growing_tables = ["realtime", "sessions", "stats"]
  largest_item = {
    for table in local.growing_tables : table => {
      namespace  = "LiveInsight"
      name       = "largest_item_bytes"
      stat       = "Maximum"
      dimensions = { table = var.tables[table].name }
    }
  }

  lambda = {
    for pair in setproduct(keys(var.functions), ["Errors/Sum", "Throttles/Sum", "Invocations/Sum", "Duration/Maximum", "IteratorAge/Maximum"]) :
    "${pair[0]}.${split("/", pair[1])[0]}" => {
      namespace  = "AWS/Lambda"
      name       = split("/", pair[1])[0]
      stat       = split("/", pair[1])[1]
      dimensions = { FunctionName = var.functions[pair[0]].name }
    }
  }

  kinesis = {
    for metric in ["IncomingRecords", "WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded"] : metric => {
      namespace  = "AWS/Kinesis"
      name       = metric
      stat       = "Sum"
      dimensions = { StreamName = var.stream.name }
    }
  }

  dynamodb = {
    for pair in setproduct(keys(var.tables), ["ReadThrottleEvents", "WriteThrottleEvents"]) : join(".", pair) => {
      namespace  = "AWS/DynamoDB"
      name       = pair[1]
      stat       = "Sum"
      dimensions = { TableName = var.tables[pair[0]].name }
    }
  }

  routes = {
    token          = { resource = "/api/csrf-token", method = "POST" }
    events         = { resource = "/api/events", method = "POST" }
    realtime       = { resource = "/api/realtime", method = "GET" }
    stats          = { resource = "/api/stats", method = "GET" }
    reconciliation = { resource = "/api/reconciliation", method = "GET" }
  }
  # An HTTP API calls its errors 5xx, and goes by its id.
  by_intake = { for route in keys(local.routes) : route => var.intake != null && contains(local.write_routes, route) }
  api = {
    for pair in setproduct(keys(local.routes), ["Count/Sum", "5XXError/Sum", "Latency/p95"]) : "${pair[0]}.${split("/", pair[1])[0]}" => {
      namespace = "AWS/ApiGateway"
      name      = local.by_intake[pair[0]] ? replace(split("/", pair[1])[0], "5XXError", "5xx") : split("/", pair[1])[0]
      stat      = split("/", pair[1])[1]
      dimensions = merge(
        { Resource = local.routes[pair[0]].resource, Method = local.routes[pair[0]].method },
        local.by_intake[pair[0]] ? { ApiId = var.intake.api_id, Stage = var.intake.stage_name } : { ApiName = var.rest_api.name, Stage = var.rest_api.stage_name },
      )
    }
  }

  cloudfront = {
    for metric in ["Requests/Sum", "5xxErrorRate/Average"] : split("/", metric)[0] => {
      namespace  = "AWS/CloudFront"
      name       = split("/", metric)[0]
      stat       = split("/", metric)[1]
      dimensions = { DistributionId = var.edge.distribution_id, Region = "Global" }
    }
  }

  # From logs: their metrics have no dimensions, so the namespace is the deployment's.
  files = {
    for metric in ["hits", "requests"] : metric => { namespace = "LiveInsight/${var.environment}", name = "file_${metric}", stat = "Sum", dimensions = {} }
  }
  cold_start = { namespace = "LiveInsight/${var.environment}", name = "cold_start_ms", stat = "p90", dimensions = {} }

  web_acls = { for acl, dimensions in {
    edge   = { WebACL = var.edge.edge_web_acl_name, Rule = "ALL" }
    origin = { WebACL = var.edge.origin_web_acl_name, Rule = "ALL", Region = data.aws_region.current.name }
  } : acl => dimensions if dimensions.WebACL != null }
  waf = {
    for pair in setproduct(keys(local.web_acls), ["AllowedRequests", "BlockedRequests"]) : join(".", pair) => {
      namespace  = "AWS/WAFV2"
      name       = pair[1]
      stat       = "Sum"
      dimensions = local.web_acls[pair[0]]
    }
  }
}
