# Stream -> tables: the three consumers, the compactor of what the first of them archives, and the sealer of what the
# third counts.

locals {
  consumers = {
    archive = {
      description = "Archives every record, and keeps raw events for a day."
      handler     = "processors.archive.handler.handler"
      variables = {
        ARCHIVE_BUCKET      = var.archive_bucket.name
        EVENTS_TABLE        = var.tables["events"].name
        STATS_TABLE         = var.tables["stats"].name
        SITES_TABLE         = var.tables["sites"].name
        DEAD_LETTERS_BUCKET = var.dead_letters_bucket.name
      }
    }
    realtime = {
      description = "Counts the last minutes."
      handler     = "processors.realtime.handler.handler"
      variables = {
        REALTIME_TABLE      = var.tables["realtime"].name
        DEAD_LETTERS_BUCKET = var.dead_letters_bucket.name
      }
    }
    stats = {
      description = "Counts visits, visitors and pages into rollups."
      handler     = "processors.stats.handler.handler"
      variables = {
        STATS_TABLE         = var.tables["stats"].name
        SESSIONS_TABLE      = var.tables["sessions"].name
        SITES_TABLE         = var.tables["sites"].name
        DEAD_LETTERS_BUCKET = var.dead_letters_bucket.name
      }
    }
  }
}

module "consumer" {
  source   = "../function"
  for_each = local.consumers

  name        = each.key
  environment = var.environment
  common      = var.common
  description = each.value.description
  handler     = each.value.handler

  memory_mb            = var.consumers[each.key].memory_mb
  timeout_seconds      = var.consumers[each.key].timeout_seconds
  reserved_concurrency = var.consumers[each.key].reserved_concurrency

  variables  = each.value.variables
  statements = concat(local.consumer_statements, local.own_statements[each.key])
}

module "archive_compactor" {
  source = "../function"

  name        = "archive-compactor"
  environment = var.environment
  common      = var.common
  description = "Joins the archive's many small objects into few large ones, and erases what its sites keep no longer."
  handler     = "processors.compaction.handler.handler"

  memory_mb            = var.compactor.memory_mb
  timeout_seconds      = var.compactor.timeout_seconds
  reserved_concurrency = var.compactor.reserved_concurrency

  variables  = { ARCHIVE_BUCKET = var.archive_bucket.name, SITES_TABLE = var.tables["sites"].name }
  statements = local.compactor_statements
}

module "compactor_schedule" {
  source = "../schedule"

  function            = module.archive_compactor
  description         = "Joins the archived objects of yesterday."
  expression          = var.compactor.schedule
  maximum_age_seconds = 3600
}

module "sealer" {
  source = "../function"

  name        = "sealer"
  environment = var.environment
  common      = var.common
  description = "Seals closed days and months, and lets sites grow."
  handler     = "processors.seal.handler.handler"

  memory_mb            = var.sealer.memory_mb
  timeout_seconds      = var.sealer.timeout_seconds
  reserved_concurrency = var.sealer.reserved_concurrency

  variables  = { STATS_TABLE = var.tables["stats"].name, SITES_TABLE = var.tables["sites"].name }
  statements = local.sealer_statements
}

module "sealer_schedule" {
  source = "../schedule"

  function            = module.sealer
  description         = "Seals what has closed, drops what has been sealed for a day, and lets sites grow."
  expression          = var.sealer.schedule
  maximum_age_seconds = 1800
}
