# Whether all that was accepted was kept and counted, and whether as much comes as usual. Events that
# are on their way at the edge of a window make a small difference; six hours make it smaller still.
# The exact account, day by day, is GET /api/reconciliation.

locals {
  six_hours = 21600

  imbalances = {
    archive = {
      before  = "accepted"
      metrics = { accepted = local.ours["ingest.events_accepted"], archived = local.ours["archive.events_archived"] }
      missing = "FILL(accepted, 0) - FILL(archived, 0)"
      why     = "Events that browsers were told are accepted did not reach the archive (or reached it twice). While events are spilled this is expected, and the next window makes up for it."
    }
    stats = {
      before  = "archived"
      metrics = { archived = local.ours["archive.events_archived"], counted = local.ours["stats.events_counted"], duplicate = local.ours["stats.events_duplicate"] }
      missing = "FILL(archived, 0) - FILL(counted, 0) - FILL(duplicate, 0)"
      why     = "Events that are in the archive were neither counted nor recognised as duplicates (or were counted twice): the dashboard shows wrong numbers."
    }
  }

  alarms_counts = {
    for stage, imbalance in local.imbalances : "reconciliation-${stage}" => {
      anchor     = "reconciliation"
      why        = imbalance.why
      unwell     = true
      metrics    = imbalance.metrics
      expression = "IF(ABS(${imbalance.missing}) > ${var.imbalance.events}, IF(FILL(${imbalance.before}, 0) > 0, 100 * ABS(${imbalance.missing}) / FILL(${imbalance.before}, 0), 100), 0)"
      threshold  = var.imbalance.percent
      period     = local.six_hours
      datapoints = [1, 1]
      missing    = "notBreaching" # no event at all is in balance
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "ingest_volume" {
  alarm_name = "${local.name}-ingest-volume"
  alarm_description = join(" ", [
    "Far more or far fewer events are accepted than at this hour of the week before. Fewer: a site removed the script, a release broke it, or browsers cannot reach the collector.",
    "More: a campaign, a bot, or a page that sends in a loop. Runbook: ${var.runbook}#ingest-volume",
  ])
  comparison_operator = "LessThanLowerOrGreaterThanUpperThreshold"
  threshold_metric_id = "usual"
  evaluation_periods  = 4
  datapoints_to_alarm = 4
  # Silence is missing data. Whether it is a fault depends on the sites.
  treat_missing_data = var.expects_traffic ? "breaching" : "notBreaching"
  alarm_actions      = [aws_sns_topic.alarms.arn]
  ok_actions         = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "accepted"
    return_data = true
    metric {
      namespace   = local.ours["ingest.events_accepted"].namespace
      metric_name = local.ours["ingest.events_accepted"].name
      stat        = local.ours["ingest.events_accepted"].stat
      dimensions  = local.ours["ingest.events_accepted"].dimensions
      period      = 900
    }
  }
  metric_query {
    id          = "usual"
    expression  = "ANOMALY_DETECTION_BAND(accepted, 4)"
    label       = "Usual at this time"
    return_data = true
  }
}
