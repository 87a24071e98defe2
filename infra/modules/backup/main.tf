# Daily copies of what cannot be made again from the stream. Point-in-time recovery (module stores) is
# for the mistake of five minutes ago; this is for the table, the account or the region that is gone.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  name      = "liveinsight-${var.environment}"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
}

resource "aws_kms_key" "vault" {
  description         = "LiveInsight ${var.environment}: backups"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      # The role's own policy says what it may do with the key.
      Sid       = "TheAccountAdministers"
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
      Action    = "kms:*"
      Resource  = "*" # of a key's policy: this key
    }]
  })
}

resource "aws_backup_vault" "this" {
  name          = local.name
  kms_key_arn   = aws_kms_key.vault.arn
  force_destroy = var.destroy_with_content
}

# Governance: who may change the lock (backup:DeleteBackupVaultLockConfiguration) can take it away; nobody else deletes a backup early.
resource "aws_backup_vault_lock_configuration" "this" {
  count = var.lock_days == null ? 0 : 1

  backup_vault_name  = aws_backup_vault.this.name
  min_retention_days = var.lock_days
}

resource "aws_backup_plan" "daily" {
  name = "${local.name}-daily"

  rule {
    rule_name                    = "daily"
    target_vault_name            = aws_backup_vault.this.name
    schedule                     = var.schedule
    schedule_expression_timezone = "Etc/UTC"
    # Minutes: begin within an hour, end within eight; else the job counts as expired, and an alarm rings.
    start_window      = 60
    completion_window = 480

    lifecycle {
      delete_after = var.retention_days
    }

    dynamic "copy_action" {
      for_each = var.copy_vault_arn[*]
      content {
        destination_vault_arn = copy_action.value
        lifecycle {
          delete_after = var.copy_retention_days
        }
      }
    }
  }
}

resource "aws_backup_selection" "this" {
  count = var.emulated ? 0 : 1

  name         = local.name
  plan_id      = aws_backup_plan.daily.id
  iam_role_arn = aws_iam_role.backup.arn
  # By ARN and not by tag: a table that loses its tag would lose its backup, unseen.
  resources = concat([for table in values(var.tables) : table.arn], var.archive_bucket[*].arn)

  # A job that begins before its role may do anything fails.
  depends_on = [aws_iam_role_policy.tables, aws_iam_role_policy.archive]
}
