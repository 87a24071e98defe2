# Whether browsers can send and readers can read, and how long it takes them.

locals {
  write_routes = ["token", "events"]
  read_routes  = ["realtime", "stats", "reconciliation"]
  timed_routes = ["events", "realtime", "stats"]

  # Per cent of 5xx over some routes. Under five errors a minute a rate means nothing.
  error_rate = {
    for side, routes in { collector = local.write_routes, api = local.read_routes } : side => {
      metrics = merge([for route in routes : {
        "${route}_errors"   = local.api["${route}.5XXError"]
        "${route}_requests" = local.api["${route}.Count"]
      }]...)
      errors   = join(" + ", [for route in routes : "FILL(${route}_errors, 0)"])
      requests = join(" + ", [for route in routes : "FILL(${route}_requests, 0)"])
    }
  }

  alarms_front = {
    collector-5xx = {
      anchor     = "collector-5xx"
      why        = "More than 1 % of requests that bring events fail with a 5xx. Trackers try again four times; then these visits are lost."
      unwell     = true
      metrics    = local.error_rate.collector.metrics
      expression = "IF((${local.error_rate.collector.errors}) >= 5, 100 * (${local.error_rate.collector.errors}) / (${local.error_rate.collector.requests}), 0)"
      threshold  = 1
      period     = 60
      datapoints = [3, 5]
      missing    = "notBreaching" # no request; ingest-volume watches for silence
    }
    api-5xx = {
      anchor     = "api-5xx"
      why        = "More than 1 % of the read APIs' answers are 5xx: dashboards show old numbers or an error."
      unwell     = true
      metrics    = local.error_rate.api.metrics
      expression = "IF((${local.error_rate.api.errors}) >= 5, 100 * (${local.error_rate.api.errors}) / (${local.error_rate.api.requests}), 0)"
      threshold  = 1
      period     = 60
      datapoints = [3, 5]
      missing    = "notBreaching"
    }
    collector-latency = {
      anchor     = "collector-latency"
      why        = "One request in twenty that brings events takes over ${var.latency_p95_ms.collector} ms: the stream is slow, or cold starts pile up. A closing page may not wait that long."
      unwell     = false
      metrics    = { latency = local.api["events.Latency"], requests = local.api["events.Count"] }
      expression = "IF(requests >= 100, latency, 0)" # of few requests most are cold starts
      threshold  = var.latency_p95_ms.collector
      period     = 300
      datapoints = [3, 3]
      missing    = "notBreaching"
    }
    api-latency = {
      anchor = "api-latency"
      why    = "One read in twenty takes over ${var.latency_p95_ms.api} ms: the tables are slow or throttled, or a question asks for too many days at once."
      unwell = false
      metrics = {
        realtime          = local.api["realtime.Latency"]
        realtime_requests = local.api["realtime.Count"]
        stats             = local.api["stats.Latency"]
        stats_requests    = local.api["stats.Count"]
      }
      # How many of the two are too slow. 20 are what one open dashboard asks of stats.
      expression = join(" + ", [
        for route in ["realtime", "stats"] : "IF(FILL(${route}_requests, 0) >= 20 AND FILL(${route}, 0) > ${var.latency_p95_ms.api}, 1, 0)"
      ])
      threshold  = 0
      period     = 300
      datapoints = [3, 3]
      missing    = "notBreaching"
    }
    latency-target = {
      anchor = "latency-target"
      why    = "One request in twenty takes longer than the ${var.targets.latency_p95_ms} ms that were promised, when events are sent or numbers are read."
      unwell = false
      metrics = merge([for route in local.timed_routes : {
        (route)             = local.api["${route}.Latency"]
        "${route}_requests" = local.api["${route}.Count"]
      }]...)
      # How many of the three are slower than promised.
      expression = join(" + ", [
        for route in local.timed_routes : "IF(FILL(${route}_requests, 0) >= 20 AND FILL(${route}, 0) > ${var.targets.latency_p95_ms}, 1, 0)"
      ])
      threshold  = 0
      period     = 300
      datapoints = [3, 3]
      missing    = "notBreaching"
    }
  }

  alarms_bypass = {
    for acl in setintersection(["origin"], keys(local.web_acls)) : "origin-bypass" => {
      anchor     = "origin-bypass"
      why        = "The API turns away requests that do not carry the distribution's secret. Few: somebody tries the API's own address. As many as there are visits: the secrets of CloudFront and API differ, and nothing gets in."
      unwell     = true
      metrics    = { refused = local.waf["origin.BlockedRequests"] }
      threshold  = 100
      period     = 300
      datapoints = [2, 3]
      missing    = "notBreaching" # WAF reports zero by reporting nothing
    }
  }
}
