mock_provider "aws" {
  source          = "../../testing"
  override_during = plan
}

variables {
  environment = "test"
  tables = {
    stats = { name = "liveinsight-stats-test", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/liveinsight-stats-test" }
    sites = { name = "liveinsight-sites-test", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/liveinsight-sites-test" }
  }
  data_key_arns = ["arn:aws:kms:eu-central-1:123456789012:key/stores"]
}

run "tables_are_backed_up_every_day" {
  command = plan

  assert {
    condition     = one(aws_backup_plan.daily.rule).schedule == "cron(30 2 * * ? *)" && one(aws_backup_plan.daily.rule).schedule_expression_timezone == "Etc/UTC"
    error_message = "Every night, by UTC."
  }
  assert {
    condition     = one(aws_backup_plan.daily.rule).lifecycle[0].delete_after == 35 && one(aws_backup_plan.daily.rule).target_vault_name == aws_backup_vault.this.name
    error_message = "A backup lies in the vault for 35 days."
  }
  assert {
    condition     = one(aws_backup_plan.daily.rule).completion_window > one(aws_backup_plan.daily.rule).start_window && length(one(aws_backup_plan.daily.rule).copy_action) == 0
    error_message = "A job needs time to end after it began, and makes no copy unless asked."
  }
  assert {
    condition     = one(aws_backup_selection.this).resources == toset([for table in values(var.tables) : table.arn]) && one(aws_backup_selection.this).iam_role_arn == "arn:aws:iam::123456789012:role/mocked"
    error_message = "Every table that was named must be selected."
  }
  assert {
    condition     = aws_backup_vault.this.kms_key_arn == "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000000" && aws_kms_key.vault.enable_key_rotation && !aws_backup_vault.this.force_destroy
    error_message = "The vault must be encrypted with its own rotating key, and must not vanish with its backups."
  }
  assert {
    condition     = one(jsondecode(aws_iam_role.backup.assume_role_policy).Statement).Principal == { Service = "backup.amazonaws.com" } && one(jsondecode(aws_iam_role.backup.assume_role_policy).Statement).Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    error_message = "Only AWS Backup, for this account, may take the role."
  }
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.tables.policy).Statement : !contains(flatten([statement.Resource]), "*") && length([for action in flatten([statement.Action]) : action if strcontains(action, "*")]) == 0])
    error_message = "The role may do named things to named resources."
  }
  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_role_policy.tables.policy).Statement : statement.Resource if startswith(flatten([statement.Action])[0], "dynamodb:")])) == toset(flatten([for table in values(var.tables) : [table.arn, "${table.arn}/backup/*"]]))
    error_message = "The role may read these tables, and no other."
  }
  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_role_policy.tables.policy).Statement : statement.Resource if startswith(flatten([statement.Action])[0], "kms:")])) == toset(["arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000000", "arn:aws:kms:eu-central-1:123456789012:key/stores"])
    error_message = "The role needs the key of the tables and that of the vault, and no other."
  }
  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.tables.policy).Statement : statement.Condition if flatten([statement.Action])[0] == "kms:CreateGrant"]) == { Bool = { "kms:GrantIsForAWSResource" = "true" } }
    error_message = "Keys may be lent to AWS's services only."
  }
  assert {
    condition     = length(aws_iam_role_policy.archive) == 0
    error_message = "Without the archive's backup the role has nothing to do with buckets."
  }
}

run "the_archive_and_another_region_come_on_request" {
  command = plan
  variables {
    archive_bucket      = { name = "liveinsight-archive-test", arn = "arn:aws:s3:::liveinsight-archive-test" }
    copy_vault_arn      = "arn:aws:backup:eu-west-1:123456789012:backup-vault:liveinsight-test"
    copy_retention_days = 90
    retention_days      = 14
  }

  assert {
    condition     = one(one(aws_backup_plan.daily.rule).copy_action).destination_vault_arn == var.copy_vault_arn && one(one(aws_backup_plan.daily.rule).copy_action).lifecycle[0].delete_after == 90
    error_message = "Every backup must be copied, and the copy kept for its own time."
  }
  assert {
    condition     = one(aws_backup_plan.daily.rule).lifecycle[0].delete_after == 14
    error_message = "The retention is the one that was asked for."
  }
  assert {
    condition     = contains(one(aws_backup_selection.this).resources, "arn:aws:s3:::liveinsight-archive-test") && length(one(aws_backup_selection.this).resources) == 3
    error_message = "The archive must be selected beside the tables."
  }
  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_iam_role_policy.archive[0].policy).Statement : statement.Action if contains(flatten([statement.Resource]), "*")])) == toset(["cloudwatch:GetMetricData", "events:ListRules", "s3:ListAllMyBuckets"])
    error_message = "Only what IAM cannot narrow may go without a resource."
  }
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.archive[0].policy).Statement : alltrue([for resource in flatten([statement.Resource]) : startswith(resource, "arn:aws:s3:::liveinsight-archive-test")]) if startswith(statement.Action[0], "s3:Get")])
    error_message = "The role may read the archive, and no other bucket."
  }
  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.tables.policy).Statement : statement.Condition if flatten([statement.Action])[0] == "backup:CopyFromBackupVault"]) == { "ForAllValues:ArnEquals" = { "backup:CopyTargets" = [var.copy_vault_arn] } }
    error_message = "Copies may go to the named vault only."
  }
}

run "an_emulator_gets_what_it_understands" {
  command = plan
  variables { emulated = true }

  assert {
    condition     = length(aws_backup_selection.this) == 0
    error_message = "What moto lacks must be left out."
  }
}

run "bad_values_are_refused" {
  command = plan
  variables {
    environment         = "Prod EU"
    tables              = { stats = { name = "s", arn = "s" } }
    archive_bucket      = { name = "b", arn = "arn:aws:s3:::b/*" }
    data_key_arns       = ["alias/liveinsight"]
    schedule            = "rate(7 days)"
    retention_days      = 0
    copy_vault_arn      = "liveinsight"
    copy_retention_days = 4000
  }
  expect_failures = [
    var.environment, var.tables, var.archive_bucket, var.data_key_arns, var.schedule, var.retention_days, var.copy_vault_arn, var.copy_retention_days,
  ]
}

run "a_vault_may_be_locked_for_as_long_as_backups_are_kept" {
  command = plan
  variables { lock_days = 7 }

  assert {
    condition     = one(aws_backup_vault_lock_configuration.this).min_retention_days == 7 && one(aws_backup_vault_lock_configuration.this).changeable_for_days == null
    error_message = "Seven days, in governance mode: a lock for ever cannot be mended."
  }
}

run "a_lock_beyond_the_retention_is_refused" {
  command = plan
  variables { lock_days = 36 }
  expect_failures = [var.lock_days]
}
