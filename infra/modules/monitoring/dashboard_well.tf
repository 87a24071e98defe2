locals {
  dashboard_well = [
    {
      type = "alarm"
      json = jsonencode({
        title  = "Alarms"
        alarms = concat(aws_cloudwatch_composite_alarm.unwell[*].arn, [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn], [aws_cloudwatch_metric_alarm.ingest_volume.arn])
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title = "Events per minute: accepted, archived, counted", region = local.region, view = "timeSeries", period = 60
        metrics = [
          jsondecode(local.lines["ours.ingest.events_accepted"]), jsondecode(local.lines["ours.archive.events_archived"]),
          jsondecode(local.lines["ours.stats.events_counted"]), jsondecode(local.lines["ours.stats.events_duplicate"]),
        ]
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title   = "Errors of the API (5xx)", region = local.region, view = "timeSeries", period = 60
        metrics = [for route in keys(local.routes) : jsondecode(local.lines["api.${route}.5XXError"])]
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title   = "Errors of the functions", region = local.region, view = "timeSeries", period = 60
        metrics = [for function in keys(var.functions) : jsondecode(local.lines["lambda.${function}.Errors"])]
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title = "Refused by AWS: throttles", region = local.region, view = "timeSeries", period = 60
        metrics = concat(
          [jsondecode(local.lines["kinesis.WriteProvisionedThroughputExceeded"]), jsondecode(local.lines["kinesis.ReadProvisionedThroughputExceeded"])],
          [for function in keys(var.functions) : jsondecode(local.lines["lambda.${function}.Throttles"])],
          [for name in keys(local.dynamodb) : jsondecode(local.lines["dynamodb.${name}"])],
        )
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title       = "Largest item by table (bytes)", region = local.region, view = "timeSeries", period = 300
        metrics     = [for table in local.growing_tables : jsondecode(local.lines["largest_item.${table}"])]
        annotations = { horizontal = [{ label = "alarm", value = var.item_bytes }, { label = "DynamoDB's limit", value = 409600 }] }
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title = "Set aside: dead letters, spill, malformed", region = local.region, view = "timeSeries", period = 60
        metrics = concat(
          [for consumer in local.consumers : jsondecode(local.lines["ours.${consumer}.records_poisoned"])],
          [for name in ["ingest.requests_spilled", "spill-drain.spills_left", "ingest.requests_malformed"] : jsondecode(local.lines["ours.${name}"])],
        )
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title = "Turned away by the web ACLs", region = "us-east-1", view = "timeSeries", period = 60
        metrics = concat(
          [for name in ["edge.BlockedRequests", "edge.AllowedRequests"] : jsondecode(local.lines["waf.${name}"]) if contains(keys(local.waf), name)],
          # The other ACL is regional: a line may name its own region.
          [for name in ["origin.BlockedRequests"] : concat(slice(jsondecode(local.lines["waf.${name}"]), 0, 8), [{ stat = "Sum", label = "waf.${name}", region = local.region }]) if contains(keys(local.waf), name)],
        )
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title = "CloudFront: errors, and files from its cache, in per cent", region = "us-east-1", view = "timeSeries", period = 300
        metrics = concat(
          [jsondecode(local.lines["cloudfront.5xxErrorRate"])],
          [for metric in ["hits", "requests"] : [local.files[metric].namespace, local.files[metric].name, { id = metric, stat = "Sum", visible = false }]],
          [[{ expression = "100 * hits / requests", id = "file_hit_rate", label = "files from the cache" }]],
        )
      })
    },
  ]
}
