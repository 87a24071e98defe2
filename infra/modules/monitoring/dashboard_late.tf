locals {
  dashboard_late = [
    {
      type = "metric"
      json = jsonencode({
        title   = "Behind the stream now (ms)", region = local.region, view = "singleValue", period = 60
        metrics = [for consumer in local.consumers : jsondecode(local.lines["lambda.${consumer}.IteratorAge"])]
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title   = "Behind the stream (ms)", region = local.region, view = "timeSeries", period = 60
        metrics = [for consumer in local.consumers : jsondecode(local.lines["lambda.${consumer}.IteratorAge"])]
        annotations = {
          horizontal = [for consumer in local.consumers : { label = "alarm: ${consumer}", value = 1000 * local.oldest[consumer] }]
        }
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title   = "API: slowest 5 % of requests (ms)", region = local.region, view = "timeSeries", period = 60
        metrics = [for route in keys(local.routes) : jsondecode(local.lines["api.${route}.Latency"])]
        annotations = {
          horizontal = [for side, limit in var.latency_p95_ms : { label = "alarm: ${side}", value = limit }]
        }
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title   = "Sealed, dropped and grown, per hour", region = local.region, view = "timeSeries", period = 3600
        metrics = [for name in ["days_sealed", "periods_sealed", "items_dropped", "partitions_grown", "generations_deleted"] : jsondecode(local.lines["ours.sealer.${name}"])]
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title   = "Longest invocation (ms)", region = local.region, view = "timeSeries", period = 60
        metrics = [for function in keys(var.functions) : jsondecode(local.lines["lambda.${function}.Duration"])]
      })
    },
  ]
}
