# How long the first request of a new container waits. Lambda has no metric of it, but says it in the line REPORT of that
# invocation: "Init Duration", or "Restore Duration" where it starts from a snapshot.

locals {
  awaited = ["event-collector", "realtime-api", "stats-api"]

  report_line = join(", ", [
    "report = REPORT", "id_is", "id", "duration_is", "duration", "ms", "billed", "billed_is", "billed_ms", "ms_too", "memory", "size_is", "size", "mb",
    "most", "memory_too", "used_is", "used", "mb_too", "start = Init || start = Restore", "start_is", "took", "ms_last", "...",
  ])

  alarms_starts = var.emulated ? {} : {
    cold-starts = {
      anchor     = "cold-starts"
      why        = "One cold start in ten takes over ${var.targets.cold_start_ms} ms: the visitor or reader who meets it waits so much longer."
      unwell     = false
      metrics    = { took = local.cold_start }
      threshold  = var.targets.cold_start_ms
      period     = 3600
      datapoints = [3, 3]
      missing    = "notBreaching" # no new container
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "cold_starts" {
  for_each = contains(keys(local.alarms), "cold-starts") ? toset(local.awaited) : []

  name           = "${local.name}-${each.key}-cold-starts"
  log_group_name = var.functions[each.key].log_group_name
  pattern        = "[${local.report_line}]"

  metric_transformation {
    namespace = local.cold_start.namespace
    name      = local.cold_start.name
    value     = "$took"
    unit      = "Milliseconds"
  }
}
