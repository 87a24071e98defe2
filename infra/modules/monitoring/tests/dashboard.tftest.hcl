mock_provider "aws" {
  override_during = plan

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:111122223333:liveinsight-alarms" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/here" }
  }
  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:mocked" }
  }
  mock_resource "aws_cloudwatch_composite_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:unwell" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

mock_provider "aws" {
  alias           = "us_east_1"
  override_during = plan

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:111122223333:liveinsight-alarms-edge" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:us-east-1:111122223333:key/there" }
  }
}

variables {
  environment = "test"
  functions = {
    event-collector    = { name = "liveinsight-event-collector-test", timeout_seconds = 15, log_group_name = "/aws/lambda/liveinsight-event-collector-test", settings = { memory_mb = 512 } }
    spill-drain        = { name = "liveinsight-spill-drain-test", timeout_seconds = 50, log_group_name = "/aws/lambda/liveinsight-spill-drain-test", settings = { memory_mb = 512 } }
    archive            = { name = "liveinsight-archive-test", timeout_seconds = 60, log_group_name = "/aws/lambda/liveinsight-archive-test", settings = { memory_mb = 512 } }
    realtime           = { name = "liveinsight-realtime-test", timeout_seconds = 60, log_group_name = "/aws/lambda/liveinsight-realtime-test", settings = { memory_mb = 512 } }
    stats              = { name = "liveinsight-stats-test", timeout_seconds = 60, log_group_name = "/aws/lambda/liveinsight-stats-test", settings = { memory_mb = 1024 } }
    archive-compactor  = { name = "liveinsight-archive-compactor-test", timeout_seconds = 900, log_group_name = "/aws/lambda/liveinsight-archive-compactor-test", settings = { memory_mb = 1024 } }
    realtime-api       = { name = "liveinsight-realtime-api-test", timeout_seconds = 10, log_group_name = "/aws/lambda/liveinsight-realtime-api-test", settings = { memory_mb = 512 } }
    stats-api          = { name = "liveinsight-stats-api-test", timeout_seconds = 15, log_group_name = "/aws/lambda/liveinsight-stats-api-test", settings = { memory_mb = 512 } }
    reconciliation-api = { name = "liveinsight-reconciliation-api-test", timeout_seconds = 15, log_group_name = "/aws/lambda/liveinsight-reconciliation-api-test", settings = { memory_mb = 512 } }
  }
  stream             = { name = "liveinsight-events-test", retention_hours = 168 }
  tables             = { for name in ["events", "sessions", "realtime", "stats", "sites"] : name => { name = "liveinsight-${name}-test" } }
  rest_api           = { name = "liveinsight-test", stage_name = "live" }
  dead_letters       = { bucket_name = "liveinsight-dead-letters-test", lambda_prefix = "aws/lambda/" }
  edge               = { distribution_id = "E1EXAMPLE", edge_web_acl_name = "liveinsight-test-edge", origin_web_acl_name = "liveinsight-test-origin" }
  monthly_budget_usd = 50
}

run "the_dashboard_answers_three_questions" {
  command = plan

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.markdown if widget.type == "text"] == ["## Is it well?", "## How late is it?", "## What does it cost?"]
    error_message = "Well, late, cost: in this order."
  }
  assert {
    condition     = length(distinct([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x},${widget.y}"])) == length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets)
    error_message = "Two widgets lie in one place."
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.x + widget.width <= 24])
    error_message = "The dashboard is 24 columns wide."
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : contains(["eu-central-1", "us-east-1"], widget.properties.region) && length(widget.properties.title) > 0 && widget.properties.period >= 60 if widget.type == "metric"])
    error_message = "A metric widget needs a region, a title and a period."
  }
  assert {
    condition     = length(one([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.alarms if widget.type == "alarm"])) == length(aws_cloudwatch_metric_alarm.this) + 2
    error_message = "All alarms of the region, with the composite one and that of the volume, must be on it."
  }
  assert {
    condition     = alltrue([for name in ["events_accepted", "events_archived", "events_counted", "IteratorAge", "EstimatedCharges", "write_units", "CacheHitRate"] : strcontains(aws_cloudwatch_dashboard.this.dashboard_body, name)])
    error_message = "One of the three questions has lost its answer."
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : length(distinct(flatten([for metric in try(widget.properties.metrics, []) : try([metric[length(metric) - 1].id], [])]))) == length(flatten([for metric in try(widget.properties.metrics, []) : try([metric[length(metric) - 1].id], [])]))])
    error_message = "Two lines of a widget have one id."
  }

  # Saved queries.
  assert {
    condition     = toset(keys(aws_cloudwatch_query_definition.this)) == toset(["errors", "faulted-batches", "poison", "refusals", "slow-invocations", "cold-starts", "spill", "consumption"])
    error_message = "The runbook names these queries."
  }
  assert {
    condition     = length(aws_cloudwatch_query_definition.this["errors"].log_group_names) == 9 && toset(aws_cloudwatch_query_definition.this["poison"].log_group_names) == toset([for consumer in ["archive", "realtime", "stats"] : "/aws/lambda/liveinsight-${consumer}-test"])
    error_message = "A query looks into the logs of the functions it is about."
  }

  # Without a certificate or a vault there is nothing to watch.
  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.edge), "certificate-expiry") && !contains(keys(aws_cloudwatch_metric_alarm.this), "backup-failed")
    error_message = "An alarm on nothing never rings."
  }
}

run "a_quiet_place_and_a_tagged_budget_are_respected" {
  command = plan
  variables {
    expects_traffic = false
    budget_tag      = "user:Project$LiveInsight"
    runbook         = "https://example.com/runbook"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.ingest_volume.treat_missing_data == "notBreaching"
    error_message = "Where no events are expected, silence is fine."
  }
  assert {
    condition     = one(one(aws_budgets_budget.monthly).cost_filter).values[0] == "user:Project$LiveInsight"
    error_message = "The budget must count the tag alone."
  }
  assert {
    condition     = endswith(aws_cloudwatch_metric_alarm.this["dead-letters"].alarm_description, " Runbook: https://example.com/runbook#dead-letters")
    error_message = "The link must lead to the runbook that was given."
  }
}

run "an_emulator_gets_what_it_understands" {
  command = plan
  variables { emulated = true }

  assert {
    condition     = length(aws_cloudwatch_composite_alarm.unwell) + length(aws_cloudwatch_query_definition.this) + length(aws_budgets_budget.monthly) + length(aws_s3_bucket_metric.discarded) + length(aws_cloudfront_monitoring_subscription.this) == 0
    error_message = "What moto lacks must be left out."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 29 && length(aws_cloudwatch_metric_alarm.edge) == 3
    error_message = "All other alarms stay."
  }
}
