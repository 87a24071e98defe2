resource "aws_kms_key" "stream" {
  description             = "Encrypts the event stream of LiveInsight ${var.environment}."
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_days
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      # Hands the decision to IAM: each function's role names this key, nobody else's does.
      Sid       = "PoliciesOfThisAccountDecide"
      Effect    = "Allow"
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_kms_alias" "stream" {
  name          = "alias/liveinsight-stream-${var.environment}"
  target_key_id = aws_kms_key.stream.key_id
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
