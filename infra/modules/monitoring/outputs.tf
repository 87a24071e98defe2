output "topic_arn" {
  description = "Topic of the alarms in the region."
  value       = aws_sns_topic.alarms.arn
}

output "topic_us_east_1_arn" {
  description = "Topic of the alarms in us-east-1, and of the budget."
  value       = aws_sns_topic.alarms_us_east_1.arn
}

output "alarms" {
  description = "Deployed names of all alarms by their names in the runbook."
  value = merge(
    { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.alarm_name },
    { for name, alarm in aws_cloudwatch_metric_alarm.edge : name => alarm.alarm_name },
    { ingest-volume = aws_cloudwatch_metric_alarm.ingest_volume.alarm_name },
    { for alarm in aws_cloudwatch_composite_alarm.unwell : "unwell" => alarm.alarm_name },
  )
}

output "runbook_anchors" {
  description = "Sections that the runbook must have: the alarms' texts link to them."
  value = sort(distinct(concat(
    [for alarm in merge(local.every_alarm, local.every_edge) : alarm.anchor], ["ingest-volume", "unwell"],
  )))
}

output "rollback_alarm_names" {
  description = "Alarms on which a release goes back by itself."
  value       = local.rollback_alarms
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard; null without one."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}

output "alarm_metrics" {
  description = "How many metrics the alarms watch: what they pay for (liveinsight/cost/profiles.py)."
  value       = local.alarm_metrics
}

output "query_names" {
  description = "Names of the saved Logs Insights queries."
  value       = [for query in aws_cloudwatch_query_definition.this : query.name]
}
