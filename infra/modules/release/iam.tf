data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

resource "aws_iam_role" "codedeploy" {
  name        = "${local.name}-release"
  description = "CodeDeploy moves the aliases of LiveInsight's functions (${var.environment})."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "CodeDeploy"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "codedeploy.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
      }
    }]
  })
}

resource "aws_iam_role_policy" "codedeploy" {
  name = "move-aliases"
  role = aws_iam_role.codedeploy.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "MoveAliases"
        Effect = "Allow"
        Action = ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"]
        Resource = sort(concat(
          [for function in values(var.functions) : function.arn],
          [for function in values(var.functions) : function.alias_arn],
        ))
      },
      {
        # AWS's own policy for this purpose (AWSCodeDeployRoleForLambdaLimited) asks for "*"; the alarms
        # of this account and region are the narrowest that a listing call can be held to.
        Sid      = "WatchAlarms"
        Effect   = "Allow"
        Action   = "cloudwatch:DescribeAlarms"
        Resource = "arn:${data.aws_partition.current.partition}:cloudwatch:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:alarm:*"
      },
    ]
  })
}
