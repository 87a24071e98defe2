# HTTP -> stream: the collector, and the drain that puts on the stream what the collector had to spill.

module "event_collector" {
  source = "../function"

  name        = "event-collector"
  environment = var.environment
  common      = var.common
  description = "Takes hits, and puts them on the event stream."
  handler     = "ingest.handler.handler"

  memory_mb            = var.memory_mb
  timeout_seconds      = var.timeout_seconds
  reserved_concurrency = var.reserved_concurrency
  snap_start           = var.snap_start

  variables = {
    SITES_TABLE          = var.sites_table.name
    SALTS_TABLE          = var.salts_table.name
    STREAM_NAME          = var.stream.name
    TOKEN_KEYS_PARAMETER = var.token_keys_parameter.name
    ARCHIVE_BUCKET       = var.archive_bucket.name
  }
  statements = local.collector_statements
}

module "spill_drain" {
  source = "../function"

  name        = "spill-drain"
  environment = var.environment
  common      = var.common
  description = "Puts events that the collector spilled on the event stream."
  handler     = "ingest.drain.handler.handler"

  memory_mb            = var.drain.memory_mb
  timeout_seconds      = var.drain.timeout_seconds
  reserved_concurrency = var.drain.reserved_concurrency

  variables = {
    STREAM_NAME    = var.stream.name
    ARCHIVE_BUCKET = var.archive_bucket.name
  }
  statements = local.drain_statements
}

module "drain_schedule" {
  source = "../schedule"

  function    = module.spill_drain
  description = "Looks for spilled events."
  expression  = "rate(1 minute)"
}
