locals {
  read_apis = {
    realtime = {
      description = "Answers what happens now, and what a visit did."
      handler     = "api.realtime.handler.handler"
      variables   = { REALTIME_TABLE = var.tables["realtime"].name, EVENTS_TABLE = var.tables["events"].name }
      tables      = [var.tables["realtime"].arn, var.tables["events"].arn]
    }
    stats = {
      description = "Answers totals, series and breakdowns of a range of days."
      handler     = "api.stats.handler.handler"
      variables   = { STATS_TABLE = var.tables["stats"].name }
      tables      = [var.tables["stats"].arn]
    }
    reconciliation = {
      description = "Answers whether every event that came was counted."
      handler     = "api.reconciliation.handler.handler"
      variables   = { STATS_TABLE = var.tables["stats"].name }
      tables      = [var.tables["stats"].arn]
    }
  }
}

module "read_api" {
  source   = "../function"
  for_each = local.read_apis

  name        = "${each.key}-api"
  environment = var.environment
  common      = var.common
  description = each.value.description
  handler     = each.value.handler

  memory_mb            = var.read_apis.memory_mb
  timeout_seconds      = var.read_apis.timeout_seconds
  reserved_concurrency = var.read_apis.reserved_concurrency
  snap_start           = var.snap_start

  variables = merge(
    each.value.variables,
    { SITES_TABLE = var.tables["sites"].name },
    # What the stage keeps it may give to anybody: then there is nothing private to keep.
    var.cache.size_gb == null ? {} : { LIVEINSIGHT_PUBLIC_ONLY = "yes" },
  )
  statements = [
    {
      sid       = "ReadNumbers"
      actions   = ["dynamodb:Query"]
      resources = each.value.tables
    },
    {
      sid       = "ReadSites"
      actions   = ["dynamodb:BatchGetItem"]
      resources = [var.tables["sites"].arn]
    },
    {
      # DynamoDB asks for it in the function's name.
      sid       = "DecryptTables"
      actions   = ["kms:Decrypt"]
      resources = [var.stores_kms_key_arn]
    },
  ]
}
