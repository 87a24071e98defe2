# What keeps data: tables, buckets, the keys for tokens, and the key that encrypts them all.

locals {
  # Where Lambda's mappings put what they give up. The prefix is Lambda's own:
  # https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
  lambda_failure_prefix = "aws/lambda/"
}

resource "aws_kms_key" "stores" {
  description             = "Encrypts the tables, buckets and parameters of LiveInsight ${var.environment}."
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

resource "aws_kms_alias" "stores" {
  name          = "alias/liveinsight-stores-${var.environment}"
  target_key_id = aws_kms_key.stores.key_id
}

# The first key for tokens is made outside the state: its value is write-only, and Terraform never reads it back. So
# that a key that was rotated since (infra/README.md) stays, the version of the value is fixed for ever.
resource "aws_ssm_parameter" "token_keys" {
  name             = "/liveinsight/${var.environment}/token-keys"
  description      = "The keys that sign tokens, by key id: see docs/settings.md, Keys for tokens."
  type             = "SecureString"
  tier             = "Standard"
  key_id           = aws_kms_key.stores.arn
  value_wo         = jsonencode({ current = "first", keys = { first = var.first_token_key } })
  value_wo_version = 1
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
