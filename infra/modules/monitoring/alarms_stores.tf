# The tables and their backups.

locals {
  table_ids = { for table in keys(var.tables) : table => replace(table, "-", "_") }

  alarms_stores = merge(
    {
      for side, metric in { read = "ReadThrottleEvents", write = "WriteThrottleEvents" } : "dynamodb-${side}-throttles" => {
        anchor                   = "dynamodb-${side}-throttles"
        why                      = "A table refuses ${side}s: its capacity, or that of one partition key, is used up. ${side == "read" ? "Answers become slow, then 503." : "Consumers repeat their batch, and fall behind."}"
        unwell                   = false
        metrics                  = { for table, id in local.table_ids : id => local.dynamodb["${table}.${metric}"] }
        expression               = join(" + ", [for id in values(local.table_ids) : "FILL(${id}, 0)"])
        threshold                = 10
        period                   = 300
        datapoints               = [2, 3]
        missing                  = "notBreaching" # DynamoDB reports no throttle by reporting nothing
      }
    },
    {
      for table in local.growing_tables : "item-bytes-${table}" => {
        anchor     = "item-bytes"
        why        = "An item of the table ${table} takes more than ${var.item_bytes} bytes: the bound of the code does not hold. From 409,600 on DynamoDB takes none, and records that it should hold become dead letters."
        unwell     = false
        metrics    = { largest = local.largest_item[table] }
        threshold  = var.item_bytes
        period     = 300
        datapoints = [1, 1]
        missing    = "notBreaching" # nothing was written
      }
    },
    {
      dynamodb-system-errors = {
        anchor  = "dynamodb-system-errors"
        why     = "DynamoDB answers with errors of its own (HTTP 500). Every write is tried again and conditional, so counts stay right; readers may get 503."
        unwell  = false
        metrics = {}
        # The metric exists by table and operation only: a query adds them all up.
        expression = format(
          "SELECT SUM(SystemErrors) FROM SCHEMA(\"AWS/DynamoDB\", Operation, TableName) WHERE %s",
          join(" OR ", [for table in values(var.tables) : "TableName = '${table.name}'"]),
        )
        threshold  = 5
        period     = 300
        datapoints = [2, 3]
        missing    = "notBreaching"
      }
    },
    {
      dynamodb-latency = {
        anchor  = "dynamodb-latency"
        why     = "DynamoDB takes over ${var.targets.dynamodb_ms} ms for a call on average: items have grown, or a range of many days is read again and again."
        unwell  = false
        metrics = {}
        expression = format(
          "SELECT AVG(SuccessfulRequestLatency) FROM SCHEMA(\"AWS/DynamoDB\", Operation, TableName) WHERE %s",
          join(" OR ", [for table in values(var.tables) : "TableName = '${table.name}'"]),
        )
        threshold  = var.targets.dynamodb_ms
        period     = 300
        datapoints = [3, 3]
        missing    = "notBreaching"
      }
    },
    {
      for vault in var.backup_vault_name[*] : "backup-failed" => {
        anchor     = "backup-failed"
        why        = "A backup or its copy failed or expired. Point-in-time recovery still reaches back 35 days, but only inside this account and region."
        unwell     = false
        metrics    = { for metric in ["Failed", "Expired"] : lower(metric) => { namespace = "AWS/Backup", name = "NumberOfBackupJobs${metric}", stat = "Sum", dimensions = { BackupVaultName = vault } } }
        expression = "FILL(failed, 0) + FILL(expired, 0)"
        threshold  = 0
        period     = 3600
        datapoints = [1, 1]
        missing    = "notBreaching"
      }
    },
  )
}
