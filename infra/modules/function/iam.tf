resource "aws_iam_role" "this" {
  name        = local.full_name
  description = "What ${local.full_name} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LambdaRunsTheFunction"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
      # For functions of this account alone.
      # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "own" {
  name = "logs-and-traces"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteOwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
      },
      {
        # X-Ray has no resources: "*" is the only value that IAM takes for these two actions.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
        Sid      = "WriteTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = ["*"]
      },
    ]
  })
}

locals {
  # A key is used by a service in the function's name, never by the function itself: stolen credentials decrypt nothing that
  # the service would not show them.
  keys_are_used_by = { StringEquals = { "kms:ViaService" = [
    for service in ["dynamodb", "kinesis", "s3", "ssm"] : "${service}.${data.aws_region.current.name}.amazonaws.com"
  ] } }
  conditions = [for s in var.statements : merge(s.conditions, alltrue([for a in s.actions : startswith(a, "kms:")]) ? local.keys_are_used_by : {})]
}

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

resource "aws_iam_role_policy" "work" {
  name = "work"
  role = aws_iam_role.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for i, s in var.statements : merge(
      { Sid = s.sid, Effect = "Allow", Action = s.actions, Resource = s.resources },
      length(local.conditions[i]) == 0 ? {} : { Condition = local.conditions[i] },
    )]
  })
}
