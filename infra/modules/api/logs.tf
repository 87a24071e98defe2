# Neither address nor user agent, and of the path no query: what names a visitor stays in the collector.

locals {
  access_log = {
    request_id          = "$context.requestId"
    requested_at        = "$context.requestTimeEpoch"
    method              = "$context.httpMethod"
    resource            = "$context.resourcePath"
    status              = "$context.status"
    response_bytes      = "$context.responseLength"
    latency_ms          = "$context.responseLatency"
    function_latency_ms = "$context.integrationLatency"
    function_status     = "$context.integrationStatus"
    error               = "$context.error.responseType"
    waf                 = "$context.wafResponseCode"
  }
}

resource "aws_cloudwatch_log_group" "access" {
  count = var.access_logs ? 1 : 0

  name              = "/aws/apigateway/liveinsight-${var.environment}"
  retention_in_days = var.common.log_retention_days
}

# One for all APIs of an account in a region: without it API Gateway writes no access logs.
resource "aws_api_gateway_account" "this" {
  count = var.sets_account_log_role ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.logs[0].arn

  depends_on = [aws_iam_role_policy_attachment.logs]
}

resource "aws_iam_role" "logs" {
  count = var.sets_account_log_role ? 1 : 0

  name        = "liveinsight-api-logs-${var.environment}"
  description = "Lets API Gateway write the access logs."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ApiGatewayOfThisAccount"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "apigateway.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = [data.aws_caller_identity.current.account_id] } }
    }]
  })
}

# API Gateway refuses a role that may do less than AWS's own policy for it.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
resource "aws_iam_role_policy_attachment" "logs" {
  count = var.sets_account_log_role ? 1 : 0

  role       = aws_iam_role.logs[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
