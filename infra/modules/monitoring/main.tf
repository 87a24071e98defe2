# Alarms are values in alarms_*.tf, by name:
#   anchor      where the runbook (docs/runbook.md) says what to do
#   why         why somebody is written to
#   unwell      whether the alarm makes the composite alarm ring: visitors or numbers suffer now
#   metrics     metric queries by id; expression: what is made of them (none: the one metric itself)
#   threshold   above which it rings, or below which, by `comparison`
#   datapoints  how many of how many periods
#   missing     what no data means

locals {
  every_alarm = merge(local.alarms_stream, local.alarms_front, local.alarms_bypass, local.alarms_functions, local.alarms_starts, local.alarms_jobs, local.alarms_stores, local.alarms_counts)
  # What is not `unwell` and yet cannot wait for somebody to look.
  few_others = ["dead-letters", "backup-failed", "certificate-expiry", "cost"]
  alarms     = { for name, alarm in local.every_alarm : name => alarm if var.alarms == "all" || alarm.unwell || contains(local.few_others, name) }

  comparisons = { for name, alarm in merge(local.alarms, local.alarms_edge) : name => try(alarm.comparison, "GreaterThanThreshold") }
  expressions = { for name, alarm in merge(local.alarms, local.alarms_edge) : name => try(alarm.expression, null) }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.why} Runbook: ${var.runbook}#${each.value.anchor}"
  comparison_operator = local.comparisons[each.key]
  threshold           = each.value.threshold
  datapoints_to_alarm = each.value.datapoints[0]
  evaluation_periods  = each.value.datapoints[1]
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  dynamic "metric_query" {
    for_each = each.value.metrics
    iterator = query
    content {
      id          = query.key
      return_data = local.expressions[each.key] == null
      metric {
        namespace   = query.value.namespace
        metric_name = query.value.name
        stat        = query.value.stat
        dimensions  = query.value.dimensions
        period      = each.value.period
      }
    }
  }

  dynamic "metric_query" {
    for_each = local.expressions[each.key][*]
    iterator = expression
    content {
      id          = "verdict"
      label       = each.key
      expression  = expression.value
      return_data = true
      # A query has no metric beside it that could say its period.
      period = length(each.value.metrics) == 0 ? each.value.period : null
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "edge" {
  for_each = local.alarms_edge
  provider = aws.us_east_1

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.why} Runbook: ${var.runbook}#${each.value.anchor}"
  comparison_operator = local.comparisons[each.key]
  threshold           = each.value.threshold
  datapoints_to_alarm = each.value.datapoints[0]
  evaluation_periods  = each.value.datapoints[1]
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms_us_east_1.arn]
  ok_actions          = [aws_sns_topic.alarms_us_east_1.arn]

  dynamic "metric_query" {
    for_each = each.value.metrics
    iterator = query
    content {
      id          = query.key
      return_data = local.expressions[each.key] == null
      metric {
        namespace   = query.value.namespace
        metric_name = query.value.name
        stat        = query.value.stat
        dimensions  = query.value.dimensions
        period      = each.value.period
      }
    }
  }

  dynamic "metric_query" {
    for_each = local.expressions[each.key][*]
    iterator = expression
    content {
      id          = "verdict"
      label       = each.key
      expression  = expression.value
      return_data = true
    }
  }
}

locals {
  # A release goes back by itself when one of these rings, so each must follow from new code within
  # minutes; they are in the region of the functions.
  rollback_names  = ["collector-5xx", "api-5xx", "collector-latency", "api-latency", "front-errors", "consumer-errors", "dead-letters"]
  rollback_alarms = [for name in local.rollback_names : aws_cloudwatch_metric_alarm.this[name].alarm_name if contains(keys(local.alarms), name)]

  # What alarms pay for: each of their metrics.
  alarm_metrics = sum(concat(
    # A query pays for each metric that it looks at: about four operations of each table.
    [for alarm in merge(local.alarms, local.alarms_edge) : length(alarm.metrics) == 0 ? 4 * length(var.tables) : length(alarm.metrics)],
    [3], # ingest-volume: the metric, and the two ends of what is usual
  ))
}

resource "aws_cloudwatch_composite_alarm" "unwell" {
  count = var.emulated ? 0 : 1

  alarm_name        = "${local.name}-unwell"
  alarm_description = "Visitors or numbers suffer now: at least one of the alarms that say so rings. Runbook: ${var.runbook}#unwell"
  alarm_rule = join(" OR ", [
    for name, alarm in local.alarms : "ALARM(\"${aws_cloudwatch_metric_alarm.this[name].alarm_name}\")" if alarm.unwell
  ])
  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}
