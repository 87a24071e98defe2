# One Lambda function with all that belongs to it: role, log group, published version, alias.

locals {
  full_name = "liveinsight-${var.name}-${var.environment}"
  package   = "${var.common.packages_dir}/${var.common.architecture}/liveinsight.zip"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${local.full_name}"
  retention_in_days = var.common.log_retention_days
}

resource "aws_lambda_function" "this" {
  function_name = local.full_name
  description   = var.description
  role          = aws_iam_role.this.arn

  filename         = local.package
  source_code_hash = filebase64sha256(local.package)
  handler          = var.handler
  runtime          = var.common.runtime
  architectures    = [var.common.architecture]
  publish          = true

  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = merge(var.variables, length(var.common.write_versions) == 0 ? {} : {
      LIVEINSIGHT_WRITE_VERSIONS = join(",", [for name, number in var.common.write_versions : "${name}=${number}"])
      }, length(var.common.origin_digests) == 0 ? {} : {
      LIVEINSIGHT_ORIGIN_DIGESTS = join(",", var.common.origin_digests)
      }, {
      LIVEINSIGHT_ENGINE      = "aws"
      POWERTOOLS_SERVICE_NAME = var.name
      POWERTOOLS_LOG_LEVEL    = var.common.log_level
    })
  }

  tracing_config {
    mode = var.common.traced ? "Active" : "PassThrough"
  }

  dynamic "snap_start" {
    for_each = var.snap_start ? ["PublishedVersions"] : []
    content {
      apply_on = snap_start.value
    }
  }

  # Else Lambda makes the log group by itself, and it keeps logs for ever; and the snapshot of a first version would be taken before
  # the function may read its keys, so that each container built all anew.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.own, aws_iam_role_policy.work]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What receives the traffic; the release tool moves it."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  lifecycle {
    # A release shifts the traffic step by step, and rolls back: Terraform must not undo either.
    ignore_changes = [function_version, routing_config]
  }
}
