mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_east_1"
  source          = "../../testing/us_east_1"
  override_during = plan
}

# Each run refuses many variables at once: a run costs seconds, a variable nothing.

run "bad_values_are_refused" {
  command = plan
  variables {
    environment          = "Prod EU"
    alarm_emails         = ["ops"]
    runbook              = "docs/runbook.md#top"
    functions            = { event-collector = { name = "c", timeout_seconds = 15, log_group_name = "/c", settings = { memory_mb = 512, reserved_concurrency = -1 } } }
    stream               = { name = "s", retention_hours = 12 }
    mappings             = {}
    tables               = {}
    alarms               = "some"
    rest_api             = { name = "", stage_name = "live" }
    dead_letters         = { bucket_name = "b", lambda_prefix = "aws/lambda" }
    edge                 = { distribution_id = "", access_log_group_name = "e", edge_web_acl_name = "e", origin_web_acl_name = "o" }
    certificate_arn      = "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b"
    backup_vault_name    = "a vault"
    iterator_age_seconds = { archive = 300, realtime = 1, stats = 120 }
    item_bytes           = 500000
    latency_p95_ms       = { collector = 500, api = 30000 }
    imbalance            = { events = -1, percent = 0.1 }
    cache_hit_percent    = 100
    targets              = { dynamodb_ms = 0 }
    monthly_budget_usd   = 0
    budget_tag           = "LiveInsight"
    prices               = { read_units = -1, write_units = 0, put_payload_units = 0, api_requests = 0, http_api_requests = 0, lambda_requests = 0, lambda_gb_second = 0 }
  }
  expect_failures = [
    var.environment, var.alarm_emails, var.runbook, var.functions, var.stream, var.mappings, var.tables, var.rest_api, var.dead_letters, var.edge,
    var.certificate_arn, var.backup_vault_name, var.iterator_age_seconds, var.item_bytes, var.latency_p95_ms, var.imbalance, var.alarms, var.cache_hit_percent,
    var.targets, var.monthly_budget_usd, var.budget_tag, var.prices,
  ]
}

run "more_than_an_alarm_can_add_up_is_refused" {
  command = plan
  variables {
    functions = merge(
      { for name in ["event-collector", "spill-drain", "archive", "realtime", "stats", "archive-compactor", "sealer", "realtime-api", "stats-api", "query-api", "reconciliation-api", "rebuild-api"] : name => { name = name, timeout_seconds = 15, log_group_name = name, settings = { memory_mb = 512, reserved_concurrency = -1 } } },
      { for number in range(1) : "extra-${number}" => { name = "extra", timeout_seconds = 15, log_group_name = "extra", settings = { memory_mb = 512, reserved_concurrency = -1 } } },
    )
    tables = { for number in range(11) : "table-${number}" => { name = "table-${number}" } }
  }
  expect_failures = [var.functions, var.tables]
}

run "more_than_the_account_has_is_not_reserved" {
  command = plan
  variables {
    functions           = merge(var.functions, { event-collector = merge(var.functions["event-collector"], { settings = { memory_mb = 512, reserved_concurrency = 1 } }) })
    account_concurrency = 100 # of which Lambda wants 100 that nobody reserves
  }
  expect_failures = [var.account_concurrency]
}

run "what_the_account_has_is_reserved" {
  command = plan
  variables {
    functions           = merge(var.functions, { event-collector = merge(var.functions["event-collector"], { settings = { memory_mb = 512, reserved_concurrency = 1 } }) })
    account_concurrency = 101
  }

  assert {
    condition     = local.reserved == 1
    error_message = "-1 reserves nothing."
  }
}

run "an_account_has_at_least_what_a_new_one_has" {
  command = plan
  variables { account_concurrency = 5 }
  expect_failures = [var.account_concurrency]
}
