mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_east_1"
  source          = "../../testing/us_east_1"
  override_during = plan
}

run "each_alarm_rings_when_it_should" {
  command = plan
  variables {
    alarm_emails      = ["ops@example.com"]
    backup_vault_name = "liveinsight-test"
    certificate_arn   = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b"
  }

  # Comparison (> or <), threshold, datapoints, seconds of a period, what no data means.
  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => join(" ", [
      alarm.comparison_operator == "GreaterThanThreshold" ? ">" : "<", alarm.threshold, "${alarm.datapoints_to_alarm}/${alarm.evaluation_periods}",
      max(concat(flatten([for query in alarm.metric_query : query.metric[*].period]), [for query in alarm.metric_query : coalesce(query.period, 0)])...), alarm.treat_missing_data,
      ]) } == {
      "iterator-age-archive"         = "> 360000 3/3 60 notBreaching"
      "iterator-age-realtime"        = "> 31000 3/3 60 notBreaching"
      "iterator-age-stats"           = "> 130000 3/3 60 notBreaching"
      "consumer-stopped-archive"     = "> 0 3/3 300 notBreaching"
      "consumer-stopped-realtime"    = "> 0 3/3 300 notBreaching"
      "consumer-stopped-stats"       = "> 0 3/3 300 notBreaching"
      "dead-letters"                 = "> 0 1/1 300 notBreaching"
      "batches-discarded"            = "> 0 1/1 60 notBreaching"
      "consumer-errors"              = "> 0 2/3 300 notBreaching"
      "kinesis-write-throttles"      = "> 10 2/3 300 notBreaching"
      "kinesis-read-throttles"       = "> 100 6/6 300 notBreaching"
      "spill-in-use"                 = "> 0 2/5 60 notBreaching"
      "spill-stuck"                  = "> 0 3/3 300 ignore"
      "collector-5xx"                = "> 1 3/5 60 notBreaching"
      "api-5xx"                      = "> 1 3/5 60 notBreaching"
      "collector-latency"            = "> 500 3/3 300 notBreaching"
      "api-latency"                  = "> 0 3/3 300 notBreaching"
      "latency-target"               = "> 0 3/3 300 notBreaching"
      "dynamodb-latency"             = "> 10 3/3 300 notBreaching"
      "cold-starts"                  = "> 1000 3/3 3600 notBreaching"
      "origin-bypass"                = "> 100 2/3 300 notBreaching"
      "front-errors"                 = "> 2 2/3 300 notBreaching"
      "job-errors-spill-drain"       = "> 0 2/3 300 notBreaching"
      "job-errors-archive-compactor" = "> 0 1/1 3600 notBreaching"
      "job-errors-sealer"            = "> 0 2/3 3600 notBreaching"
      "lambda-throttles"             = "> 5 3/5 60 notBreaching"
      "duration-near-timeout"        = "> 0 2/3 300 notBreaching"
      "concurrency"                  = "> 8 3/5 60 notBreaching"
      "spill-drain-stopped"          = "< 1 2/2 300 breaching"
      "compactor-stopped"            = "< 1 2/2 86400 breaching"
      "sealer-stopped"               = "< 1 2/2 10800 breaching"
      "dynamodb-read-throttles"      = "> 10 2/3 300 notBreaching"
      "dynamodb-write-throttles"     = "> 10 2/3 300 notBreaching"
      "dynamodb-system-errors"       = "> 5 2/3 300 notBreaching"
      "item-bytes-realtime"          = "> 307200 1/1 300 notBreaching"
      "item-bytes-sessions"          = "> 307200 1/1 300 notBreaching"
      "item-bytes-stats"             = "> 307200 1/1 300 notBreaching"
      "backup-failed"                = "> 0 1/1 3600 notBreaching"
      "reconciliation-archive"       = "> 0.1 1/1 21600 notBreaching"
      "reconciliation-stats"         = "> 0.1 1/1 21600 notBreaching"
    }
    error_message = "An alarm of the region came, went, or rings at another time than agreed."
  }
  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.edge : name => join(" ", [
      alarm.comparison_operator == "GreaterThanThreshold" ? ">" : "<", alarm.threshold, "${alarm.datapoints_to_alarm}/${alarm.evaluation_periods}",
      max(flatten([for query in alarm.metric_query : query.metric[*].period])...), alarm.treat_missing_data,
      ]) } == {
      "edge-5xx"           = "> 1 3/3 300 notBreaching"
      "waf-blocked"        = "> 20 2/3 300 notBreaching"
      "cost"               = "> 50 1/1 21600 ignore"
      "cache-hit-rate"     = "< 80 3/3 3600 notBreaching"
      "certificate-expiry" = "< 30 1/1 86400 ignore"
    }
    error_message = "An alarm of us-east-1 came, went, or rings at another time than agreed."
  }

  # What each alarm looks at.
  assert {
    condition = { for name, alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.edge) : name => join(", ", sort(distinct(flatten([
      for query in alarm.metric_query : [for metric in query.metric : "${metric.namespace} ${metric.metric_name} ${metric.stat}"]
      ])))) } == {
      "iterator-age-archive"         = "AWS/Lambda IteratorAge Maximum"
      "iterator-age-realtime"        = "AWS/Lambda IteratorAge Maximum"
      "iterator-age-stats"           = "AWS/Lambda IteratorAge Maximum"
      "consumer-stopped-archive"     = "AWS/Kinesis IncomingRecords Sum, AWS/Lambda Invocations Sum"
      "consumer-stopped-realtime"    = "AWS/Kinesis IncomingRecords Sum, AWS/Lambda Invocations Sum"
      "consumer-stopped-stats"       = "AWS/Kinesis IncomingRecords Sum, AWS/Lambda Invocations Sum"
      "dead-letters"                 = "LiveInsight records_poisoned Sum"
      "batches-discarded"            = "AWS/S3 PutRequests Sum"
      "consumer-errors"              = "AWS/Lambda Errors Sum"
      "kinesis-write-throttles"      = "AWS/Kinesis WriteProvisionedThroughputExceeded Sum"
      "kinesis-read-throttles"       = "AWS/Kinesis ReadProvisionedThroughputExceeded Sum"
      "spill-in-use"                 = "LiveInsight requests_spilled Sum"
      "spill-stuck"                  = "LiveInsight spills_left Maximum"
      "collector-5xx"                = "AWS/ApiGateway 5XXError Sum, AWS/ApiGateway Count Sum"
      "api-5xx"                      = "AWS/ApiGateway 5XXError Sum, AWS/ApiGateway Count Sum"
      "collector-latency"            = "AWS/ApiGateway Count Sum, AWS/ApiGateway Latency p95"
      "api-latency"                  = "AWS/ApiGateway Count Sum, AWS/ApiGateway Latency p95"
      "latency-target"               = "AWS/ApiGateway Count Sum, AWS/ApiGateway Latency p95"
      "dynamodb-latency"             = ""
      "cold-starts"                  = "LiveInsight/test cold_start_ms p90"
      "origin-bypass"                = "AWS/WAFV2 BlockedRequests Sum"
      "front-errors"                 = "AWS/Lambda Errors Sum"
      "job-errors-spill-drain"       = "AWS/Lambda Errors Sum"
      "job-errors-archive-compactor" = "AWS/Lambda Errors Sum"
      "job-errors-sealer"            = "AWS/Lambda Errors Sum"
      "lambda-throttles"             = "AWS/Lambda Throttles Sum"
      "duration-near-timeout"        = "AWS/Lambda Duration Maximum"
      "concurrency"                  = "AWS/Lambda ConcurrentExecutions Maximum"
      "spill-drain-stopped"          = "AWS/Lambda Invocations Sum"
      "compactor-stopped"            = "AWS/Lambda Invocations Sum"
      "sealer-stopped"               = "AWS/Lambda Invocations Sum"
      "dynamodb-read-throttles"      = "AWS/DynamoDB ReadThrottleEvents Sum"
      "dynamodb-write-throttles"     = "AWS/DynamoDB WriteThrottleEvents Sum"
      "dynamodb-system-errors"       = ""
      "item-bytes-realtime"          = "LiveInsight largest_item_bytes Maximum"
      "item-bytes-sessions"          = "LiveInsight largest_item_bytes Maximum"
      "item-bytes-stats"             = "LiveInsight largest_item_bytes Maximum"
      "backup-failed"                = "AWS/Backup NumberOfBackupJobsExpired Sum, AWS/Backup NumberOfBackupJobsFailed Sum"
      "reconciliation-archive"       = "LiveInsight events_accepted Sum, LiveInsight events_archived Sum"
      "reconciliation-stats"         = "LiveInsight events_archived Sum, LiveInsight events_counted Sum, LiveInsight events_duplicate Sum"
      "edge-5xx"                     = "AWS/CloudFront 5xxErrorRate Average, AWS/CloudFront Requests Sum"
      "waf-blocked"                  = "AWS/WAFV2 AllowedRequests Sum, AWS/WAFV2 BlockedRequests Sum"
      "cost"                         = "AWS/Billing EstimatedCharges Maximum"
      "cache-hit-rate"               = "LiveInsight/test file_hits Sum, LiveInsight/test file_requests Sum"
      "certificate-expiry"           = "AWS/CertificateManager DaysToExpiry Minimum"
    }
    error_message = "An alarm looks at another metric than agreed."
  }
  assert {
    condition = { for job in ["spill-drain", "archive-compactor", "sealer"] : job => one(aws_cloudwatch_metric_alarm.this["job-errors-${job}"].metric_query).metric[0].dimensions.FunctionName } == {
      for job in ["spill-drain", "archive-compactor", "sealer"] : job => var.functions[job].name
    }
    error_message = "Each job has an alarm of its own: one that fits the job of each minute never rings for that of each hour."
  }
  assert {
    condition = { for query in aws_cloudwatch_metric_alarm.this["lambda-throttles"].metric_query : query.id => query.metric[0].dimensions.FunctionName if query.id != "verdict" } == {
      for name, function in var.functions : replace(name, "-", "_") => function.name if !contains(["rebuild-api", "query-api"], name)
    }
    error_message = "Throttles of every function must count, but of the one that owners call by hand."
  }
  assert {
    condition     = alltrue([for table in values(var.tables) : strcontains(one([for query in aws_cloudwatch_metric_alarm.this["dynamodb-system-errors"].metric_query : query.expression]), "TableName = '${table.name}'")])
    error_message = "System errors of every table must count."
  }
  assert {
    condition = { for consumer in ["archive", "realtime", "stats"] : consumer => [
      one(aws_cloudwatch_metric_alarm.this["iterator-age-${consumer}"].metric_query).metric[0].dimensions.FunctionName,
      one([for query in aws_cloudwatch_metric_alarm.this["consumer-stopped-${consumer}"].metric_query : query.metric[0].dimensions.FunctionName if query.id == "invoked"]),
    ] } == { for consumer in ["archive", "realtime", "stats"] : consumer => [for alarm in range(2) : "liveinsight-${consumer}-test"] }
    error_message = "A consumer's alarms must look at that consumer's function."
  }

  assert {
    condition = { for table in ["realtime", "sessions", "stats"] : table => one(aws_cloudwatch_metric_alarm.this["item-bytes-${table}"].metric_query).metric[0].dimensions } == {
      for table in ["realtime", "sessions", "stats"] : table => tomap({ table = "liveinsight-${table}-test" })
    }
    error_message = "The size of an item is published by the table's own name, and by no other dimension."
  }

  # What is made of the metrics.
  assert {
    condition = { for name in ["reconciliation-archive", "reconciliation-stats"] : name => one([for query in aws_cloudwatch_metric_alarm.this[name].metric_query : query.expression if query.return_data]) } == {
      "reconciliation-archive" = "IF(ABS(FILL(accepted, 0) - FILL(archived, 0)) > 50, IF(FILL(accepted, 0) > 0, 100 * ABS(FILL(accepted, 0) - FILL(archived, 0)) / FILL(accepted, 0), 100), 0)"
      "reconciliation-stats"   = "IF(ABS(FILL(archived, 0) - FILL(counted, 0) - FILL(duplicate, 0)) > 50, IF(FILL(archived, 0) > 0, 100 * ABS(FILL(archived, 0) - FILL(counted, 0) - FILL(duplicate, 0)) / FILL(archived, 0), 100), 0)"
    }
    error_message = "What is accepted must be archived, and what is archived counted or a duplicate."
  }
  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.this["collector-5xx"].metric_query : query.expression if query.return_data]) == "IF((FILL(token_errors, 0) + FILL(events_errors, 0)) >= 5, 100 * (FILL(token_errors, 0) + FILL(events_errors, 0)) / (FILL(token_requests, 0) + FILL(events_requests, 0)), 0)"
    error_message = "The collector's error rate is that of both its routes."
  }
  assert {
    condition     = strcontains(one([for query in aws_cloudwatch_metric_alarm.this["duration-near-timeout"].metric_query : query.expression if query.return_data]), "IF(FILL(event_collector, 0) > 12000, 1, 0)")
    error_message = "80 % of the collector's 15 s are 12,000 ms."
  }
  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.edge["cache-hit-rate"].metric_query : query.expression if query.return_data]) == "IF(FILL(requests, 0) >= 1000, 100 * FILL(hits, 0) / FILL(requests, 0), 100)"
    error_message = "The hit rate needs enough requests to mean something."
  }
  assert {
    condition = { for name, filter in aws_cloudwatch_log_metric_filter.files : name => "${filter.log_group_name} ${filter.pattern}" } == {
      hits     = "/liveinsight/test/edge { ($.cs-uri-stem != \"/api/*\") && ($.x-edge-result-type = \"*Hit\") }"
      requests = "/liveinsight/test/edge { ($.cs-uri-stem != \"/api/*\") && (($.x-edge-result-type = \"*Hit\") || ($.x-edge-result-type = \"Miss\")) }"
    }
    error_message = "What a dashboard of a private site asks is never kept, and must not count as a miss."
  }
  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.this["api-latency"].metric_query : query.expression if query.return_data]) == "IF(FILL(realtime_requests, 0) >= 20 AND FILL(realtime, 0) > 1000, 1, 0) + IF(FILL(stats_requests, 0) >= 20 AND FILL(stats, 0) > 1000, 1, 0)"
    error_message = "One open dashboard asks stats 20 times in 5 min: that must be enough to ring."
  }
  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.this["latency-target"].metric_query : query.expression if query.return_data]) == join(" + ", [for route in ["events", "realtime", "stats"] : "IF(FILL(${route}_requests, 0) >= 20 AND FILL(${route}, 0) > 100, 1, 0)"])
    error_message = "p95 of each of the three routes is promised under 100 ms."
  }
  assert {
    condition     = startswith(one([for query in aws_cloudwatch_metric_alarm.this["dynamodb-latency"].metric_query : query.expression]), "SELECT AVG(SuccessfulRequestLatency) FROM SCHEMA(\"AWS/DynamoDB\", Operation, TableName) WHERE TableName = ")
    error_message = "What DynamoDB takes for a call is promised under 10 ms."
  }
  assert {
    condition     = { for name, filter in aws_cloudwatch_log_metric_filter.cold_starts : name => "${filter.log_group_name} ${filter.metric_transformation[0].value}" } == { for name in ["event-collector", "realtime-api", "stats-api"] : name => "/aws/lambda/liveinsight-${name}-test $took" }
    error_message = "Cold starts of what users wait for are taken from their own log."
  }
  assert {
    condition     = one(aws_s3_bucket_metric.discarded).filter[0].prefix == "aws/lambda/" && one(aws_cloudwatch_metric_alarm.this["batches-discarded"].metric_query).metric[0].dimensions == tomap({ BucketName = "liveinsight-dead-letters-test", FilterId = one(aws_s3_bucket_metric.discarded).name })
    error_message = "Objects that Lambda itself writes to the dead letters must ring."
  }

  # Limits that AWS checks at apply only.
  assert {
    condition     = alltrue([for alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.edge) : length([for query in alarm.metric_query : query if length(query.metric) == 1]) <= 10])
    error_message = "An alarm takes ten metrics."
  }
  assert {
    condition     = alltrue([for alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.edge) : length([for query in alarm.metric_query : query if query.return_data]) == 1])
    error_message = "Exactly one query of an alarm is its verdict."
  }
  assert {
    condition     = alltrue([for alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.edge) : length(alarm.alarm_description) <= 1024 && length(regexall("Runbook: docs/runbook.md#[a-z0-9-]+$", alarm.alarm_description)) == 1])
    error_message = "Every alarm says why, in 1,024 characters, and where the runbook says what to do."
  }

  # Silence and floods of events.
  assert {
    condition     = aws_cloudwatch_metric_alarm.ingest_volume.threshold_metric_id == "usual" && aws_cloudwatch_metric_alarm.ingest_volume.comparison_operator == "LessThanLowerOrGreaterThanUpperThreshold" && one([for query in aws_cloudwatch_metric_alarm.ingest_volume.metric_query : query.expression if query.id == "usual"]) == "ANOMALY_DETECTION_BAND(accepted, 4)"
    error_message = "The volume of events must be compared with what is usual, in both directions."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.ingest_volume.treat_missing_data == "breaching"
    error_message = "Where events are expected, silence is a fault."
  }

  # Who is written to.
  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.this) : alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:liveinsight-alarms"]) && alarm.ok_actions == alarm.alarm_actions])
    error_message = "Alarms of the region go to its topic, and so does their end."
  }
  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.edge) : alarm.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:liveinsight-alarms-edge"]) && alarm.ok_actions == alarm.alarm_actions])
    error_message = "An alarm can use a topic of its own region only."
  }
  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000000" && aws_sns_topic.alarms_us_east_1.kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-00000000000a"
    error_message = "Both topics must be encrypted with a key that alarms may use."
  }
  assert {
    condition     = alltrue([for key in [aws_kms_key.alarms, aws_kms_key.alarms_us_east_1] : key.enable_key_rotation && contains(jsondecode(key.policy).Statement[1].Principal.Service, "cloudwatch.amazonaws.com")])
    error_message = "Without the key, CloudWatch cannot publish to the topic, and nobody is told."
  }
  assert {
    condition     = alltrue([for policy in [aws_sns_topic_policy.alarms, aws_sns_topic_policy.alarms_us_east_1] : jsondecode(policy.policy).Statement[0].Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } }])
    error_message = "Only this account's alarms may publish."
  }
  assert {
    condition     = keys(aws_sns_topic_subscription.email) == ["ops@example.com"] && keys(aws_sns_topic_subscription.email_us_east_1) == ["ops@example.com"]
    error_message = "Every address must subscribe to both topics."
  }

  # Unwell: visitors or numbers suffer.
  assert {
    condition = toset(split(" OR ", one(aws_cloudwatch_composite_alarm.unwell).alarm_rule)) == toset([for name in [
      "iterator-age-archive", "iterator-age-realtime", "iterator-age-stats", "consumer-stopped-archive", "consumer-stopped-realtime", "consumer-stopped-stats",
      "batches-discarded", "spill-stuck", "collector-5xx", "api-5xx", "origin-bypass", "reconciliation-archive", "reconciliation-stats",
    ] : "ALARM(\"liveinsight-test-${name}\")"])
    error_message = "The composite alarm must ring when visitors or numbers suffer, and only then."
  }
  assert {
    condition     = length(setsubtract(output.rollback_alarm_names, [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])) == 0 && length(output.rollback_alarm_names) == 7
    error_message = "A release goes back on alarms that exist."
  }

  # Money.
  assert {
    condition     = one(aws_budgets_budget.monthly).limit_amount == "50" && one(aws_budgets_budget.monthly).time_unit == "MONTHLY"
    error_message = "The budget is monthly."
  }
  assert {
    condition     = toset([for notification in one(aws_budgets_budget.monthly).notification : "${notification.notification_type} ${notification.threshold}"]) == toset(["FORECASTED 100", "ACTUAL 80", "ACTUAL 100"])
    error_message = "The forecast must warn before the money is spent."
  }
}

run "few_alarms_are_those_that_cannot_wait" {
  command = plan
  variables {
    alarms    = "few"
    dashboard = false
    edge      = { distribution_id = "E1EXAMPLE" }
    intake    = { api_id = "httpapihtt", stage_name = "$default" }
  }

  assert {
    condition = toset(concat(keys(aws_cloudwatch_metric_alarm.this), keys(aws_cloudwatch_metric_alarm.edge))) == toset([
      "iterator-age-archive", "iterator-age-realtime", "iterator-age-stats", "consumer-stopped-archive", "consumer-stopped-realtime", "consumer-stopped-stats",
      "batches-discarded", "spill-stuck", "collector-5xx", "api-5xx", "reconciliation-archive", "reconciliation-stats", "dead-letters", "cost",
    ])
    error_message = "Visitors or numbers suffer, records are set aside, or it costs more: nothing else rings."
  }
  assert {
    condition     = length(aws_cloudwatch_dashboard.this) + length(aws_cloudwatch_log_metric_filter.files) + length(aws_cloudwatch_log_metric_filter.cold_starts) == 0
    error_message = "What nobody watches is not paid for."
  }
  assert {
    condition     = length(setsubtract(output.rollback_alarm_names, [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])) == 0
    error_message = "A release goes back on alarms that exist."
  }
  assert {
    condition     = output.alarm_metrics == 33 # liveinsight/cost/profiles.py, lean
    error_message = "liveinsight cost counts as many metrics of alarms: ${output.alarm_metrics}."
  }
  assert {
    condition     = { for query in aws_cloudwatch_metric_alarm.this["collector-5xx"].metric_query : query.id => "${query.metric[0].metric_name} ${query.metric[0].dimensions.ApiId} ${query.metric[0].dimensions.Stage}" if query.id != "verdict" } == { for id, name in { token_errors = "5xx", events_errors = "5xx", token_requests = "Count", events_requests = "Count" } : id => "${name} httpapihtt $default" }
    error_message = "Where the HTTP API takes events, its errors ring."
  }
}

run "a_deployment_without_an_origin_acl_has_the_other_alarms" {
  command = plan
  variables {
    backup_vault_name = "liveinsight-test"
    edge              = { distribution_id = "E1EXAMPLE", access_log_group_name = "/liveinsight/test/edge", edge_web_acl_name = "liveinsight-test-edge" }
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "origin-bypass") && contains(keys(aws_cloudwatch_metric_alarm.edge), "waf-blocked")
    error_message = "An alarm on nothing never rings."
  }
  assert {
    condition     = output.alarm_metrics == 156 # liveinsight/cost/profiles.py, standard
    error_message = "liveinsight cost counts as many metrics of alarms: ${output.alarm_metrics}."
  }
}
