# Where alarms go: a topic in the region, and one in us-east-1 for what is measured there. Alarms cannot
# use AWS's own key for SNS, so each topic has one of ours.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  name    = "liveinsight-${var.environment}"
  account = data.aws_caller_identity.current.account_id

  senders = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]

  topic_key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TheAccountAdministers"
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*" # of a key's policy: this key
      },
      {
        Sid       = "AlarmsEncrypt"
        Effect    = "Allow"
        Principal = { Service = local.senders }
        Action    = ["kms:GenerateDataKey*", "kms:Decrypt"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
  })

  topic_policies = {
    for region, topic in { here = aws_sns_topic.alarms.arn, us_east_1 = aws_sns_topic.alarms_us_east_1.arn } : region => jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "AlarmsPublish"
          Effect    = "Allow"
          Principal = { Service = local.senders }
          Action    = "sns:Publish"
          Resource  = topic
          Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
        },
        {
          Sid       = "TlsOnly"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sns:Publish"
          Resource  = topic
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ]
    })
  }
}

resource "aws_kms_key" "alarms" {
  description         = "LiveInsight ${var.environment}: alarms in the region"
  enable_key_rotation = true
  policy              = local.topic_key_policy
}

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = aws_kms_key.alarms.arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = local.topic_policies.here
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alarm_emails)

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_kms_key" "alarms_us_east_1" {
  provider = aws.us_east_1

  description         = "LiveInsight ${var.environment}: alarms in us-east-1"
  enable_key_rotation = true
  policy              = local.topic_key_policy
}

resource "aws_sns_topic" "alarms_us_east_1" {
  provider = aws.us_east_1

  name              = "${local.name}-alarms-edge"
  kms_master_key_id = aws_kms_key.alarms_us_east_1.arn
}

resource "aws_sns_topic_policy" "alarms_us_east_1" {
  provider = aws.us_east_1

  arn    = aws_sns_topic.alarms_us_east_1.arn
  policy = local.topic_policies.us_east_1
}

resource "aws_sns_topic_subscription" "email_us_east_1" {
  for_each = toset(var.alarm_emails)
  provider = aws.us_east_1

  topic_arn = aws_sns_topic.alarms_us_east_1.arn
  protocol  = "email"
  endpoint  = each.value
}
