environment = "test"
functions = {
  event-collector    = { name = "liveinsight-event-collector-test", timeout_seconds = 15, log_group_name = "/aws/lambda/liveinsight-event-collector-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
  spill-drain        = { name = "liveinsight-spill-drain-test", timeout_seconds = 50, log_group_name = "/aws/lambda/liveinsight-spill-drain-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
  archive            = { name = "liveinsight-archive-test", timeout_seconds = 180, log_group_name = "/aws/lambda/liveinsight-archive-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
  realtime           = { name = "liveinsight-realtime-test", timeout_seconds = 60, log_group_name = "/aws/lambda/liveinsight-realtime-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
  stats              = { name = "liveinsight-stats-test", timeout_seconds = 180, log_group_name = "/aws/lambda/liveinsight-stats-test", settings = { memory_mb = 1024, reserved_concurrency = -1 } }
  archive-compactor  = { name = "liveinsight-archive-compactor-test", timeout_seconds = 900, log_group_name = "/aws/lambda/liveinsight-archive-compactor-test", settings = { memory_mb = 1024, reserved_concurrency = -1 } }
  sealer             = { name = "liveinsight-sealer-test", timeout_seconds = 900, log_group_name = "/aws/lambda/liveinsight-sealer-test", settings = { memory_mb = 1024, reserved_concurrency = -1 } }
  realtime-api       = { name = "liveinsight-realtime-api-test", timeout_seconds = 10, log_group_name = "/aws/lambda/liveinsight-realtime-api-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
  stats-api          = { name = "liveinsight-stats-api-test", timeout_seconds = 15, log_group_name = "/aws/lambda/liveinsight-stats-api-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
  query-api          = { name = "liveinsight-query-api-test", timeout_seconds = 15, log_group_name = "/aws/lambda/liveinsight-query-api-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
  rebuild-api        = { name = "liveinsight-rebuild-api-test", timeout_seconds = 15, log_group_name = "/aws/lambda/liveinsight-rebuild-api-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
  reconciliation-api = { name = "liveinsight-reconciliation-api-test", timeout_seconds = 15, log_group_name = "/aws/lambda/liveinsight-reconciliation-api-test", settings = { memory_mb = 512, reserved_concurrency = -1 } }
}
mappings = {
  archive  = { batching_window_seconds = 60 }
  realtime = { batching_window_seconds = 1 }
  stats    = { batching_window_seconds = 10 }
}
stream = { name = "liveinsight-events-test", retention_hours = 168 }
tables = {
  events   = { name = "liveinsight-events-test" }
  sessions = { name = "liveinsight-sessions-test" }
  realtime = { name = "liveinsight-realtime-test" }
  stats    = { name = "liveinsight-stats-test" }
  sites    = { name = "liveinsight-sites-test" }
  salts    = { name = "liveinsight-salts-test" }
}
rest_api           = { name = "liveinsight-test", stage_name = "live" }
dead_letters       = { bucket_name = "liveinsight-dead-letters-test", lambda_prefix = "aws/lambda/" }
edge               = { distribution_id = "E1EXAMPLE", access_log_group_name = "/liveinsight/test/edge", edge_web_acl_name = "liveinsight-test-edge", origin_web_acl_name = "liveinsight-test-origin" }
monthly_budget_usd = 50
