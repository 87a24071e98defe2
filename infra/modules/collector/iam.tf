# One statement for each group of actions. DynamoDB, S3 and SSM ask for the key of the stores in the function's name,
# Kinesis for the key of the stream.
#
# s3:ListBucket is limited by StringLikeIfExists, not StringLike: S3 asks for it also when it answers 404 to a read, and
# then there is no prefix. Without it the answer is 403, a fault that is repeated for ever.

locals {
  collector_statements = [
    {
      sid       = "ReadSites"
      actions   = ["dynamodb:BatchGetItem", "dynamodb:Scan"]
      resources = [var.sites_table.arn]
    },
    {
      # Nobody else has a right to this table. A write that finds a salt answers with it.
      sid       = "MakeTheSaltOfADay"
      actions   = ["dynamodb:PutItem"]
      resources = [var.salts_table.arn]
    },
    {
      sid       = "PutOnTheStream"
      actions   = ["kinesis:PutRecords"]
      resources = [var.stream.arn]
    },
    {
      sid       = "EncryptForTheStream"
      actions   = ["kms:GenerateDataKey"]
      resources = [var.stream.kms_key_arn]
    },
    {
      sid       = "ReadTheKeysForTokens"
      actions   = ["ssm:GetParameter"]
      resources = [var.token_keys_parameter.arn]
    },
    {
      sid       = "SpillWhatTheStreamRefuses"
      actions   = ["s3:PutObject"]
      resources = ["${var.archive_bucket.arn}/spill/*"]
    },
    {
      sid       = "UseTheKeyOfTheStores"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.stores_kms_key_arn]
    },
  ]

  drain_statements = [
    {
      sid        = "ListWhatWasSpilled"
      actions    = ["s3:ListBucket"]
      resources  = [var.archive_bucket.arn]
      conditions = { StringLikeIfExists = { "s3:prefix" = ["spill/*"] } }
    },
    {
      sid       = "TakeWhatWasSpilled"
      actions   = ["s3:DeleteObject", "s3:GetObject"]
      resources = ["${var.archive_bucket.arn}/spill/*"]
    },
    {
      sid       = "PutOnTheStream"
      actions   = ["kinesis:PutRecords"]
      resources = [var.stream.arn]
    },
    {
      sid       = "EncryptForTheStream"
      actions   = ["kms:GenerateDataKey"]
      resources = [var.stream.kms_key_arn]
    },
    {
      sid       = "DecryptWhatWasSpilled"
      actions   = ["kms:Decrypt"]
      resources = [var.stores_kms_key_arn]
    },
  ]
}
