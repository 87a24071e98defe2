# Who asked is nobody's business; what was asked, and how it went, is the operator's. CloudFront's
# standard log writes addresses, user agents, referrers and queries; this delivery picks its fields.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html

locals {
  access_log_fields = [
    "timestamp(ms)",
    "x-edge-location",
    "cs-method",
    "x-host-header",
    "cs-uri-stem",
    "cs-protocol",
    "cs-protocol-version",
    "ssl-protocol",
    "cs-bytes",
    "sc-bytes",
    "sc-status",
    "sc-content-type",
    "time-taken",
    "time-to-first-byte",
    "x-edge-result-type",
    "x-edge-detailed-result-type",
    "x-edge-request-id",
  ]
}

resource "aws_cloudwatch_log_group" "access" {
  count    = var.access_logs ? 1 : 0
  provider = aws.us_east_1

  name              = "/liveinsight/${var.environment}/edge"
  retention_in_days = var.access_log_retention_days
}

resource "aws_cloudwatch_log_delivery_source" "access" {
  count    = var.emulated || !var.access_logs ? 0 : 1
  provider = aws.us_east_1

  name         = "${local.name}-edge"
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.this.arn
}

resource "aws_cloudwatch_log_delivery_destination" "access" {
  count    = var.emulated || !var.access_logs ? 0 : 1
  provider = aws.us_east_1

  name          = "${local.name}-edge"
  output_format = "json"
  delivery_destination_configuration {
    destination_resource_arn = aws_cloudwatch_log_group.access[0].arn
  }
}

resource "aws_cloudwatch_log_delivery" "access" {
  count    = var.emulated || !var.access_logs ? 0 : 1
  provider = aws.us_east_1

  delivery_source_name     = aws_cloudwatch_log_delivery_source.access[0].name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.access[0].arn
  record_fields            = local.access_log_fields
}
