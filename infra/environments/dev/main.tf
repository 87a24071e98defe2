# One deployment. The files of both environments are the same (prod's are links to dev's): only terraform.tfvars differs.

locals {
  tags = { project = "liveinsight", environment = var.environment }

  # What all functions have in common.
  common = {
    packages_dir       = coalesce(var.packages_dir, "${path.root}/../../../dist/lambda")
    architecture       = var.architecture
    runtime            = var.runtime
    log_level          = var.functions.log_level
    log_retention_days = var.functions.log_retention_days
    write_versions     = var.functions.write_versions
    origin_digests     = local.origin_digests
    traced             = local.profile.traced
  }

  functions = merge(module.collector.functions, module.processors.functions, module.api.functions)
}

# The first key for tokens: random hex that neither a person nor the state ever holds.
ephemeral "aws_secretsmanager_random_password" "first_token_key" {
  password_length            = 64
  exclude_characters         = "ghijklmnopqrstuvwxyz"
  exclude_punctuation        = true
  exclude_uppercase          = true
  require_each_included_type = false
}

module "stream" {
  source = "../../modules/stream"

  environment     = var.environment
  mode            = coalesce(var.stream.mode, local.profile.stream.mode)
  shards          = coalesce(var.stream.shards, local.profile.stream.shards)
  retention_hours = coalesce(var.stream.retention_hours, local.profile.stream.retention_hours)
  shard_metrics   = var.stream.shard_metrics == null ? local.profile.stream.shard_metrics : var.stream.shard_metrics
  name_suffix     = var.stream.name_suffix
}

module "stores" {
  source = "../../modules/stores"

  environment                  = var.environment
  first_token_key              = ephemeral.aws_secretsmanager_random_password.first_token_key.random_password
  capacity                     = var.stores.capacity
  recovery_days                = var.stores.recovery_days
  deletion_protection          = var.stores.deletion_protection
  destroy_buckets_with_content = var.stores.destroy_buckets_with_content
  archive_tiers                = var.stores.archive_tiers
  dead_letter_days             = var.stores.dead_letter_days
}

module "collector" {
  source = "../../modules/collector"

  environment          = var.environment
  common               = local.common
  memory_mb            = var.functions.collector_memory_mb
  reserved_concurrency = var.functions.collector_concurrency
  drain                = { reserved_concurrency = var.functions.jobs_concurrency }
  snap_start           = var.functions.snap_start

  stream               = { name = module.stream.stream_name, arn = module.stream.stream_arn, kms_key_arn = module.stream.kms_key_arn }
  sites_table          = module.stores.tables["sites"]
  salts_table          = module.stores.tables["salts"]
  archive_bucket       = module.stores.archive_bucket
  token_keys_parameter = module.stores.token_keys_parameter
  stores_kms_key_arn   = module.stores.kms_key_arn
}

module "processors" {
  source = "../../modules/processors"

  environment = var.environment
  common      = local.common
  consumers   = var.functions.consumers
  mappings    = var.functions.mappings
  compactor   = { reserved_concurrency = var.functions.jobs_concurrency }
  sealer      = { reserved_concurrency = var.functions.jobs_concurrency }

  stream              = { arn = module.stream.stream_arn, kms_key_arn = module.stream.kms_key_arn }
  tables              = module.stores.tables
  archive_bucket      = module.stores.archive_bucket
  dead_letters_bucket = module.stores.dead_letters_bucket
  stores_kms_key_arn  = module.stores.kms_key_arn
}

module "api" {
  source = "../../modules/api"

  environment           = var.environment
  common                = local.common
  read_apis             = var.functions.read_apis
  snap_start            = var.functions.snap_start
  cache                 = var.api.cache
  throttles             = var.api.throttles
  servers               = var.api.servers
  keyed_methods         = var.api.keyed_methods
  access_logs           = local.profile.access_logs
  sets_account_log_role = var.api.sets_account_log_role && local.profile.access_logs

  collector          = module.collector.functions["event-collector"]
  tables             = module.stores.tables
  stores_kms_key_arn = module.stores.kms_key_arn
}

module "intake" {
  source = "../../modules/intake"
  count  = local.profile.http_api ? 1 : 0

  environment = var.environment
  collector   = module.collector.functions["event-collector"]
  throttles   = { for path, throttle in var.api.throttles : path => throttle if contains(["csrf-token", "events"], path) }
}

module "edge" {
  source = "../../modules/edge"

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  environment               = var.environment
  origin_secret             = var.origin_secret
  previous_origin_secret    = var.previous_origin_secret
  aliases                   = var.edge.aliases
  certificate_arn           = var.edge.certificate_arn
  zone_id                   = var.edge.zone_id
  zone_hosts                = var.edge.zone_hosts
  price_class               = var.edge.price_class
  rate_limit                = var.edge.rate_limit
  hsts_seconds              = var.edge.hsts_seconds
  web_acl                   = local.profile.web_acl
  origin_web_acl            = local.profile.origin_web_acl
  intake_domain             = one(module.intake[*].origin_domain)
  access_logs               = local.profile.access_logs
  access_log_retention_days = var.functions.log_retention_days
  emulated                  = var.emulated

  static_bucket = module.stores.static_bucket
  rest_api = {
    stage_arn     = module.api.stage_arn
    stage_name    = module.api.stage_name
    origin_domain = module.api.origin_domain
  }
}

module "monitoring" {
  source = "../../modules/monitoring"

  providers = {
    aws           = aws
    aws.us_east_1 = aws.us_east_1
  }

  environment          = var.environment
  alarm_emails         = var.monitoring.alarm_emails
  runbook              = var.monitoring.runbook
  account_concurrency  = var.monitoring.account_concurrency
  expects_traffic      = var.monitoring.expects_traffic
  monthly_budget_usd   = var.monitoring.monthly_budget_usd
  budget_tag           = var.monitoring.budget_tag
  iterator_age_seconds = var.monitoring.iterator_age_seconds
  latency_p95_ms       = var.monitoring.latency_p95_ms
  targets              = var.monitoring.targets
  emulated             = var.emulated

  functions    = local.functions
  mappings     = module.processors.mappings
  stream       = { name = module.stream.stream_name, retention_hours = module.stream.retention_hours }
  tables       = module.stores.tables
  rest_api     = { name = module.api.rest_api_name, stage_name = module.api.stage_name }
  dead_letters = { bucket_name = module.stores.dead_letters_bucket.name, lambda_prefix = module.stores.lambda_failure_prefix }
  edge = {
    distribution_id       = module.edge.distribution_id
    access_log_group_name = module.edge.access_log_group_name
    edge_web_acl_name     = one(module.edge.edge_web_acl[*].name)
    origin_web_acl_name   = one(module.edge.origin_web_acl[*].name)
  }
  intake            = one([for intake in module.intake : { api_id = intake.api_id, stage_name = intake.stage_name }])
  alarms            = local.profile.alarms
  dashboard         = local.profile.dashboard
  certificate_arn   = var.edge.certificate_arn
  backup_vault_name = module.backup.vault_name
}

module "backup" {
  source = "../../modules/backup"

  environment          = var.environment
  schedule             = var.backup.schedule
  retention_days       = var.backup.retention_days
  lock_days            = var.backup.lock_days
  copy_vault_arn       = var.backup.copy_vault_arn
  copy_retention_days  = var.backup.copy_retention_days
  destroy_with_content = var.stores.destroy_buckets_with_content
  emulated             = var.emulated

  # Events and realtime hold a day or two, and are made again from the archive. Salts must not outlive their two days.
  tables         = { for name in ["stats", "sessions", "sites"] : name => module.stores.tables[name] }
  archive_bucket = module.stores.archive_bucket
  data_key_arns  = [module.stores.kms_key_arn]
}

module "release" {
  source = "../../modules/release"

  environment            = var.environment
  functions              = local.functions
  deployment_config_name = var.release.deployment_config_name
  alarms                 = { for name in keys(local.functions) : name => module.monitoring.rollback_alarm_names }
}

# The last to be made, and the first that a destroy meets.
module "guard" {
  source = "../../modules/guard"

  environment = var.environment
  protected   = var.stores.deletion_protection

  depends_on = [
    module.stream, module.stores, module.collector, module.processors, module.api, module.intake, module.edge, module.monitoring, module.backup, module.release,
  ]
}
