# Invokes one function again and again. A run that fails, or finds the one before it still at work, is
# dropped: the next one does the same.

resource "aws_scheduler_schedule" "this" {
  name                = var.function.name
  description         = var.description
  schedule_expression = var.expression

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.function.alias_arn
    role_arn = aws_iam_role.this.arn

    retry_policy {
      maximum_event_age_in_seconds = var.maximum_age_seconds
      maximum_retry_attempts       = 0
    }
  }
}

resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = var.function.name
  qualifier                    = var.function.alias_name
  maximum_event_age_in_seconds = var.maximum_age_seconds
  maximum_retry_attempts       = 0
}

resource "aws_iam_role" "this" {
  name        = "${var.function.name}-schedule"
  description = "What the schedule of ${var.function.name} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "SchedulerOfThisAccount"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = [data.aws_caller_identity.current.account_id] } }
    }]
  })
}

resource "aws_iam_role_policy" "invoke" {
  name = "invoke"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "InvokeTheAlias"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [var.function.alias_arn]
    }]
  })
}

data "aws_caller_identity" "current" {}
