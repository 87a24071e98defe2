mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_east_1"
  source          = "../../testing/us_east_1"
  override_during = plan
}

run "the_dashboard_answers_three_questions" {
  command = plan

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget.properties.markdown if widget.type == "text"] == ["## Is it well?", "## How late is it?", "## What does it cost?"]
    error_message = "Well, late, cost: in this order."
  }
  assert {
    condition     = length(distinct([for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : "${widget.x},${widget.y}"])) == length(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets)
    error_message = "Two widgets lie in one place."
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget.x + widget.width <= 24])
    error_message = "The dashboard is 24 columns wide."
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : contains(["eu-central-1", "us-east-1"], widget.properties.region) && length(widget.properties.title) > 0 && widget.properties.period >= 60 if widget.type == "metric"])
    error_message = "A metric widget needs a region, a title and a period."
  }
  assert {
    condition     = length(one([for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget.properties.alarms if widget.type == "alarm"])) == length(aws_cloudwatch_metric_alarm.this) + 2
    error_message = "All alarms of the region, with the composite one and that of the volume, must be on it."
  }
  assert {
    condition     = alltrue([for name in ["events_accepted", "events_archived", "events_counted", "IteratorAge", "EstimatedCharges", "write_units", "file_hit_rate", "largest_item_bytes", "days_sealed", "partitions_grown"] : strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, name)])
    error_message = "One of the three questions has lost its answer."
  }
  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : length(distinct(flatten([for metric in try(widget.properties.metrics, []) : try([metric[length(metric) - 1].id], [])]))) == length(flatten([for metric in try(widget.properties.metrics, []) : try([metric[length(metric) - 1].id], [])]))])
    error_message = "Two lines of a widget have one id."
  }

  # Saved queries.
  assert {
    condition     = toset(keys(aws_cloudwatch_query_definition.this)) == toset(["errors", "faulted-batches", "poison", "refusals", "slow-invocations", "cold-starts", "spill", "consumption"])
    error_message = "The runbook names these queries."
  }
  assert {
    condition     = length(aws_cloudwatch_query_definition.this["errors"].log_group_names) == 12 && toset(aws_cloudwatch_query_definition.this["poison"].log_group_names) == toset([for consumer in ["archive", "realtime", "stats"] : "/aws/lambda/liveinsight-${consumer}-test"])
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
    condition     = length(aws_cloudwatch_composite_alarm.unwell) + length(aws_cloudwatch_query_definition.this) + length(aws_budgets_budget.monthly) + length(aws_s3_bucket_metric.discarded) + length(aws_cloudwatch_log_metric_filter.files) + length(aws_cloudwatch_log_metric_filter.cold_starts) == 0
    error_message = "What moto lacks must be left out."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 37 && length(aws_cloudwatch_metric_alarm.edge) == 3
    error_message = "All other alarms stay."
  }
}
