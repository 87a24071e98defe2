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

# Each run refuses many variables at once: a run costs seconds, a variable nothing.

run "bad_values_are_refused" {
  command = plan
  variables {
    environment          = "Prod EU"
    alarm_emails         = ["ops"]
    runbook              = "docs/runbook.md#top"
    functions            = { event-collector = { name = "c", timeout_seconds = 15, log_group_name = "/c", settings = { memory_mb = 512 } } }
    stream               = { name = "s", retention_hours = 12 }
    tables               = {}
    rest_api             = { name = "", stage_name = "live" }
    dead_letters         = { bucket_name = "b", lambda_prefix = "aws/lambda" }
    edge                 = { distribution_id = "", edge_web_acl_name = "e", origin_web_acl_name = "o" }
    certificate_arn      = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b"
    backup_vault_name    = "a vault"
    iterator_age_seconds = { archive = 300, realtime = 1, stats = 120 }
    latency_p95_ms       = { collector = 500, api = 30000 }
    imbalance            = { events = -1, percent = 0.1 }
    cache_hit_percent    = 100
    account_concurrency  = 5
    monthly_budget_usd   = 0
    budget_tag           = "LiveInsight"
    prices               = { read_units = -1, write_units = 0, put_payload_units = 0, api_requests = 0, lambda_requests = 0, lambda_gb_second = 0 }
  }
  expect_failures = [
    var.environment, var.alarm_emails, var.runbook, var.functions, var.stream, var.tables, var.rest_api, var.dead_letters, var.edge,
    var.certificate_arn, var.backup_vault_name, var.iterator_age_seconds, var.latency_p95_ms, var.imbalance, var.cache_hit_percent,
    var.account_concurrency, var.monthly_budget_usd, var.budget_tag, var.prices,
  ]
}

run "more_than_an_alarm_can_add_up_is_refused" {
  command = plan
  variables {
    functions = merge(
      { for name in ["event-collector", "spill-drain", "archive", "realtime", "stats", "archive-compactor", "realtime-api", "stats-api", "reconciliation-api"] : name => { name = name, timeout_seconds = 15, log_group_name = name, settings = { memory_mb = 512 } } },
      { for number in range(2) : "extra-${number}" => { name = "extra", timeout_seconds = 15, log_group_name = "extra", settings = { memory_mb = 512 } } },
    )
    tables = { for number in range(11) : "table-${number}" => { name = "table-${number}" } }
  }
  expect_failures = [var.functions, var.tables]
}
