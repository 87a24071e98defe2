mock_provider "aws" {
  source = "../../testing"
}

variables {
  name        = "stats"
  environment = "dev"
  description = "Counts."
  handler     = "processors.stats.handler.handler"
  variables   = { STATS_TABLE = "stats" }
  statements = [{
    sid        = "Count"
    actions    = ["dynamodb:PutItem"]
    resources  = ["arn:aws:dynamodb:eu-central-1:123456789012:table/stats"]
    conditions = { StringEquals = { "aws:SourceAccount" = ["123456789012"] } }
  }]
}

run "a_function_is_told_which_versions_to_write" {
  command = plan
  variables {
    common = merge(var.common, { write_versions = { event_batch = 1, seal = 2 } })
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables["LIVEINSIGHT_WRITE_VERSIONS"] == "event_batch=1,seal=2"
    error_message = "Schemas and versions are those of the deployment."
  }
}

run "a_version_that_is_none_is_refused" {
  command = plan
  variables {
    common = merge(var.common, { write_versions = { event_batch = 0 } })
  }
  expect_failures = [var.common]
}

run "a_function_is_published_and_invoked_through_its_alias" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.function_name == "liveinsight-stats-dev" && aws_lambda_function.this.publish
    error_message = "Every change makes a version."
  }
  assert {
    condition     = aws_lambda_alias.live.name == "live" && aws_lambda_alias.live.function_version == "1"
    error_message = "The alias live points at a version."
  }
  assert {
    condition     = one(aws_lambda_function.this.architectures) == "arm64" && aws_lambda_function.this.runtime == "python3.13"
    error_message = "Functions run on arm64 and a Python that is new enough, unless asked otherwise."
  }
  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("../../testing/packages/arm64/liveinsight.zip")
    error_message = "Another package is another version."
  }
  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "Invocations are traced."
  }
  assert {
    condition     = length(aws_lambda_function.this.snap_start) == 0 && aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "Snapshots and reserved concurrency are asked for."
  }
}

run "snapshots_and_concurrency_are_as_asked" {
  command = plan

  variables {
    snap_start           = true
    reserved_concurrency = 7
    common               = merge(var.common, { architecture = "x86_64" })
  }

  assert {
    condition     = aws_lambda_function.this.snap_start[0].apply_on == "PublishedVersions"
    error_message = "Versions start from a snapshot."
  }
  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 7 && one(aws_lambda_function.this.architectures) == "x86_64"
    error_message = "Concurrency and architecture are as asked."
  }
}

run "logs_are_kept_as_long_as_asked_where_lambda_writes_them" {
  command = plan

  variables {
    common = merge(var.common, { log_retention_days = 90 })
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/liveinsight-stats-dev" && aws_cloudwatch_log_group.this.retention_in_days == 90
    error_message = "The log group is Lambda's own by name, and has an end."
  }
}

run "the_role_is_lambdas_and_may_do_what_it_must" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal.Service == "lambda.amazonaws.com"
    error_message = "Nobody but Lambda takes the role."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.work.policy).Statement == [{
      Sid       = "Count"
      Effect    = "Allow"
      Action    = ["dynamodb:PutItem"]
      Resource  = ["arn:aws:dynamodb:eu-central-1:123456789012:table/stats"]
      Condition = { StringEquals = { "aws:SourceAccount" = ["123456789012"] } }
    }]
    error_message = "The role may do what was asked, under the conditions that were asked."
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.own.policy).Statement : "${join(" ", s.Action)}" => s.Resource } == {
      "logs:CreateLogStream logs:PutLogEvents"         = ["${aws_cloudwatch_log_group.this.arn}:*"]
      "xray:PutTelemetryRecords xray:PutTraceSegments" = ["*"]
    }
    error_message = "Of itself it may write its own logs, and traces: X-Ray alone has no resources."
  }
}

run "what_lambda_would_refuse_is_refused_here" {
  command = plan

  variables {
    name                 = "Stats"
    environment          = "x"
    description          = ""
    handler              = "processors.stats.handler"
    memory_mb            = 127
    timeout_seconds      = 901
    reserved_concurrency = 0
    variables            = { stats_table = "stats" }
  }

  expect_failures = [
    var.name, var.environment, var.description, var.handler, var.memory_mb, var.timeout_seconds, var.reserved_concurrency,
    var.variables,
  ]
}

run "a_package_that_was_not_built_is_named" {
  command = plan

  variables {
    common = merge(var.common, { packages_dir = "../../testing/nothing" })
  }

  expect_failures = [var.common]
}

run "an_action_with_a_wildcard_is_refused" {
  command = plan

  variables {
    statements = [{ sid = "All", actions = ["dynamodb:*"], resources = ["arn:aws:dynamodb:eu-central-1:123456789012:table/stats"] }]
  }

  expect_failures = [var.statements]
}

run "a_resource_that_is_everything_is_refused" {
  command = plan

  variables {
    statements = [{ sid = "All", actions = ["dynamodb:PutItem"], resources = ["*"] }]
  }

  expect_failures = [var.statements]
}

run "a_folder_has_no_slash_at_its_end" {
  command = plan

  variables {
    common = merge(var.common, { packages_dir = "../../testing/packages/" })
  }

  expect_failures = [var.common]
}

run "an_architecture_that_lambda_lacks_is_refused" {
  command = plan

  variables {
    common = merge(var.common, { architecture = "arm" })
  }

  expect_failures = [var.common]
}

run "a_python_without_snapshots_is_refused" {
  command = plan

  variables {
    common = merge(var.common, { runtime = "python3.8" })
  }

  expect_failures = [var.common]
}

run "a_level_that_powertools_does_not_know_is_refused" {
  command = plan

  variables {
    common = merge(var.common, { log_level = "info" })
  }

  expect_failures = [var.common]
}

run "days_that_cloudwatch_does_not_take_are_refused" {
  command = plan

  variables {
    common = merge(var.common, { log_retention_days = 8 })
  }

  expect_failures = [var.common]
}

run "a_function_may_look_at_the_origin_secret_itself_and_go_untraced" {
  command = plan
  variables {
    common = merge(var.common, { origin_digests = [sha256("secret"), sha256("former")], traced = false })
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables["LIVEINSIGHT_ORIGIN_DIGESTS"] == "${sha256("secret")},${sha256("former")}"
    error_message = "The function knows digests of the secrets, and none of them."
  }
  assert {
    condition     = one(aws_lambda_function.this.tracing_config).mode == "PassThrough"
    error_message = "Nothing is traced unless asked for."
  }
}

run "a_secret_is_not_taken_for_a_digest" {
  command = plan
  variables {
    common = merge(var.common, { origin_digests = ["0123456789abcdef0123456789abcdef"] })
  }
  expect_failures = [var.common]
}

run "a_role_is_for_this_account_and_keys_are_used_through_services_alone" {
  command = plan
  variables {
    statements = [{
      sid       = "UseTheKey"
      actions   = ["kms:Decrypt"]
      resources = ["arn:aws:kms:eu-central-1:123456789012:key/stores"]
    }]
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    error_message = "Lambda may take the role for a function of this account alone."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.work.policy).Statement[0].Condition == { StringEquals = { "kms:ViaService" = [for service in ["dynamodb", "kinesis", "s3", "ssm"] : "${service}.eu-central-1.amazonaws.com"] } }
    error_message = "A function decrypts through the service that keeps the data, and not by itself."
  }
}
