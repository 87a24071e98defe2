locals {
  functions = merge(
    { for name, function in module.read_api : "${name}-api" => function },
    { rebuild-api = module.rebuild_api, query-api = module.query_api, event-collector = var.collector },
  )

  # API Gateway waits as long as the function may take, but no longer than 29 s.
  timeouts_ms = { for name, function in local.functions : name => min(29000, function.timeout_seconds * 1000) }

  compressed_from_bytes = 1024

  writes = ["POST", "OPTIONS"]
  reads  = ["GET", "HEAD"]
  # No OPTIONS: no page of another host may ask.
  owners = ["GET", "HEAD", "POST"]

  # `query`: every parameter that changes the answer. A cache that is not keyed by one of them would give one range of days
  # for another; tests/infra compares them with what the code reads.
  routes = {
    csrf-token     = { function = "event-collector", methods = local.writes, query = [], models = local.token_models }
    events         = { function = "event-collector", methods = local.writes, query = [], models = local.event_models }
    "pixel.gif"    = { function = "event-collector", methods = ["GET"], query = ["site_id", "page_url", "title", "referrer", "name", "event_id"], models = {} }
    realtime       = { function = "realtime-api", methods = local.reads, query = ["site_id"], models = {} }
    "live/events"  = { function = "realtime-api", methods = local.reads, query = ["site_id", "limit", "at"], models = {} }
    "live/visit"   = { function = "realtime-api", methods = local.reads, query = ["site_id", "visit"], models = {} }
    stats          = { function = "stats-api", methods = local.reads, query = ["site_id", "period", "date", "from", "to", "interval", "limit", "dimension", "offset", "search", "sort", "filter", "compare", "goal", "metrics", "breakdowns"], models = {} }
    query          = { function = "query-api", methods = local.reads, query = ["site_id", "period", "date", "from", "to", "interval", "limit", "dimension", "offset", "search", "sort", "filter", "compare", "goal", "metrics", "breakdowns"], models = {} }
    goals          = { function = "query-api", methods = local.owners, query = ["site_id", "period", "date", "from", "to", "filter", "compare"], models = {} }
    funnel         = { function = "query-api", methods = local.reads, query = ["site_id", "period", "date", "from", "to", "filter", "step"], models = {} }
    reconciliation = { function = "reconciliation-api", methods = local.reads, query = ["site_id", "from", "to"], models = {} }
    rebuild        = { function = "rebuild-api", methods = local.owners, query = ["site_id", "from", "limit"], models = {} }
  }

  methods = merge([
    for route, about in local.routes : {
      for method in about.methods : "${method} /api/${route}" => {
        route    = route
        name     = replace(route, "/[/.]/", "-") # of its throttle and its cache, and in ids
        method   = method
        function = about.function
        models   = about.models
        # A picture's event counts among the others.
        throttle = route == "pixel.gif" ? "events" : replace(route, "/", "-")
        # X-API-Key, because private sites answer by it. If-None-Match, because it turns an answer into an empty 304, which
        # the cache would give to those who have nothing yet.
        cache_keys = method != "GET" || !contains(keys(var.cache.ttl_seconds), replace(route, "/", "-")) ? [] : concat(
          [for name in about.query : "method.request.querystring.${name}"],
          ["method.request.header.X-API-Key", "method.request.header.If-None-Match"],
        )
      }
    }
  ]...)
}
