# What AWS Backup may do here. AWS's managed policy allows all tables, buckets and keys; these are ours.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html

locals {
  table_arns = [for table in values(var.tables) : table.arn]

  tables_policy = [
    {
      Sid      = "ReadTables"
      Effect   = "Allow"
      Action   = ["dynamodb:DescribeTable", "dynamodb:CreateBackup", "dynamodb:StartAwsBackupJob", "dynamodb:ListTagsOfResource"]
      Resource = local.table_arns
    },
    {
      Sid      = "KeepBackupsOfTables"
      Effect   = "Allow"
      Action   = ["dynamodb:DescribeBackup", "dynamodb:DeleteBackup"]
      Resource = [for arn in local.table_arns : "${arn}/backup/*"]
    },
    {
      Sid      = "FillTheVaults"
      Effect   = "Allow"
      Action   = ["backup:DescribeBackupVault", "backup:CopyIntoBackupVault"]
      Resource = concat([aws_backup_vault.this.arn], var.copy_vault_arn[*])
    },
    {
      Sid      = "UseTheKeys"
      Effect   = "Allow"
      Action   = ["kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey"]
      Resource = concat([aws_kms_key.vault.arn], var.data_key_arns)
    },
    {
      Sid       = "LendTheKeysToServices"
      Effect    = "Allow"
      Action    = "kms:CreateGrant"
      Resource  = concat([aws_kms_key.vault.arn], var.data_key_arns)
      Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
    },
  ]

  copy_policy = [
    for vault in var.copy_vault_arn[*] : {
      Sid      = "CopyFromTheVault"
      Effect   = "Allow"
      Action   = "backup:CopyFromBackupVault"
      Resource = "arn:${local.partition}:backup:${data.aws_region.current.name}:${local.account}:recovery-point:*"
      # A recovery point has no name before it exists; where it may go is what counts.
      Condition = { "ForAllValues:ArnEquals" = { "backup:CopyTargets" = [vault] } }
    }
  ]

  archive_policy = [
    {
      Sid    = "WatchTheBucket"
      Effect = "Allow"
      Action = [
        "s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketNotification", "s3:GetBucketTagging", "s3:GetBucketVersioning",
        "s3:GetInventoryConfiguration", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutBucketNotification", "s3:PutInventoryConfiguration",
      ]
      Resource = var.archive_bucket[*].arn
    },
    {
      Sid    = "ReadObjects"
      Effect = "Allow"
      Action = [
        "s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging",
      ]
      Resource = [for arn in var.archive_bucket[*].arn : "${arn}/*"]
    },
    {
      # AWS Backup follows the bucket through rules of EventBridge that it makes itself.
      Sid    = "FollowChanges"
      Effect = "Allow"
      Action = [
        "events:DeleteRule", "events:DescribeRule", "events:DisableRule", "events:EnableRule", "events:ListTargetsByRule", "events:PutRule",
        "events:PutTargets", "events:RemoveTargets",
      ]
      Resource = "arn:${local.partition}:events:${data.aws_region.current.name}:${local.account}:rule/AwsBackupManagedRule*"
    },
    {
      # These three know no resource: IAM offers nothing narrower.
      Sid      = "AskTheAccount"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetMetricData", "events:ListRules", "s3:ListAllMyBuckets"]
      Resource = "*"
    },
  ]
}

resource "aws_iam_role" "backup" {
  name        = "${local.name}-backup"
  description = "AWS Backup reads the tables and the archive of LiveInsight ${var.environment}"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "tables" {
  name   = "tables"
  role   = aws_iam_role.backup.name
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.tables_policy, local.copy_policy) })
}

resource "aws_iam_role_policy" "archive" {
  count = var.archive_bucket == null ? 0 : 1

  name   = "archive"
  role   = aws_iam_role.backup.name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.archive_policy })
}
