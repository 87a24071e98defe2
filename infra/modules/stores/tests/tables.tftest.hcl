mock_provider "aws" {
  source = "../../testing"
}

run "every_table_has_the_keys_of_the_code" {
  command = plan

  assert {
    condition     = toset([for t in aws_dynamodb_table.this : t.name]) == toset([for n in ["events", "sessions", "realtime", "stats", "sites", "salts"] : "liveinsight-${n}-dev"])
    error_message = "There are six tables, named by what they hold."
  }
  assert {
    condition     = alltrue([for t in aws_dynamodb_table.this : t.hash_key == "pk"])
    error_message = "Every table has the hash key pk."
  }
  assert {
    condition     = tomap({ for n, t in aws_dynamodb_table.this : n => t.range_key }) == tomap({ events = "sk", sessions = null, realtime = "sk", stats = "sk", sites = null, salts = null })
    error_message = "Events, realtime and stats have the range key sk; sessions, sites and salts have none."
  }
  assert {
    condition     = alltrue([for t in aws_dynamodb_table.this : tomap({ for a in t.attribute : a.name => a.type }) == tomap({ for key in compact(["pk", t.range_key]) : key => "S" })])
    error_message = "Keys are strings, and no other attribute is declared."
  }
}

run "items_expire_but_for_rollups_and_sites" {
  command = plan

  assert {
    condition     = alltrue([for n in ["events", "sessions", "realtime", "salts"] : aws_dynamodb_table.this[n].ttl[0].attribute_name == "expires_at" && aws_dynamodb_table.this[n].ttl[0].enabled])
    error_message = "Events, sessions, realtime and salts expire by expires_at."
  }
  assert {
    condition     = alltrue([for n in ["stats", "sites"] : length(aws_dynamodb_table.this[n].ttl) == 0])
    error_message = "Rollups and sites never expire."
  }
}

run "tables_are_protected" {
  command = plan

  assert {
    condition     = alltrue([for n, t in aws_dynamodb_table.this : t.point_in_time_recovery[0].enabled && t.point_in_time_recovery[0].recovery_period_in_days == 35 if n != "salts"])
    error_message = "Every table but that of the salts can be restored to any second of 35 days."
  }
  assert {
    condition     = !aws_dynamodb_table.this["salts"].point_in_time_recovery[0].enabled
    error_message = "A salt that is gone cannot be brought back."
  }
  assert {
    condition     = alltrue([for t in aws_dynamodb_table.this : t.server_side_encryption[0].enabled && t.server_side_encryption[0].kms_key_arn == aws_kms_key.stores.arn])
    error_message = "Every table is encrypted with the key of the stores."
  }
  assert {
    condition     = alltrue([for t in aws_dynamodb_table.this : t.deletion_protection_enabled])
    error_message = "Every table refuses to be deleted, unless asked otherwise."
  }
  assert {
    condition     = aws_kms_key.stores.enable_key_rotation
    error_message = "The key rotates."
  }
}

run "on_demand_tables_do_not_scale" {
  command = plan

  assert {
    condition     = alltrue([for t in aws_dynamodb_table.this : t.billing_mode == "PAY_PER_REQUEST"]) && length(aws_appautoscaling_target.this) == 0
    error_message = "On demand is the default, and needs no scaling."
  }
}

run "provisioned_tables_scale_reads_and_writes" {
  command = plan

  variables {
    capacity = {
      mode           = "PROVISIONED"
      read           = { minimum = 10, maximum = 100 }
      write          = { minimum = 20, maximum = 400 }
      target_percent = 60
    }
  }

  assert {
    condition     = alltrue([for t in aws_dynamodb_table.this : t.billing_mode == "PROVISIONED" && t.read_capacity == 10 && t.write_capacity == 20])
    error_message = "Provisioned tables begin at the minimum."
  }
  assert {
    condition     = length(aws_appautoscaling_target.this) == 12 && length(aws_appautoscaling_policy.this) == 12
    error_message = "Reads and writes of each of six tables scale."
  }
  assert {
    condition = alltrue([for n, t in aws_appautoscaling_target.this :
      t.scalable_dimension == (endswith(n, "-read") ? "dynamodb:table:ReadCapacityUnits" : "dynamodb:table:WriteCapacityUnits") &&
      t.min_capacity == (endswith(n, "-read") ? 10 : 20) && t.max_capacity == (endswith(n, "-read") ? 100 : 400)
    ])
    error_message = "Each dimension has its own bounds."
  }
  assert {
    condition = alltrue([for n, p in aws_appautoscaling_policy.this :
      p.target_tracking_scaling_policy_configuration[0].target_value == 60 &&
      p.target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].predefined_metric_type == (endswith(n, "-read") ? "DynamoDBReadCapacityUtilization" : "DynamoDBWriteCapacityUtilization")
    ])
    error_message = "Scaling follows the use of what it scales."
  }
}

run "what_dynamodb_would_refuse_is_refused_here" {
  command = plan

  variables {
    environment   = "DEV"
    capacity      = { mode = "PROVISIONED", read = { minimum = 10, maximum = 5 } }
    recovery_days = 36
  }

  expect_failures = [var.environment, var.capacity, var.recovery_days]
}

run "a_use_to_aim_at_has_bounds" {
  command = plan

  variables {
    capacity = { mode = "PROVISIONED", target_percent = 95 }
  }

  expect_failures = [var.capacity]
}

run "a_mode_that_does_not_exist_is_refused" {
  command = plan

  variables {
    capacity = { mode = "SERVERLESS" }
  }

  expect_failures = [var.capacity]
}

run "tables_that_are_backed_up_say_so" {
  command = plan

  assert {
    condition     = toset([for name, t in aws_dynamodb_table.this : name if lookup(coalesce(t.tags, {}), "BackupSchedule", "") == "daily"]) == toset(["sessions", "sites", "stats"])
    error_message = "Those that infra/environments hands to the module backup, and no other: salts must not outlive their days."
  }
}
