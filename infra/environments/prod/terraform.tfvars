# What prod is: protected, cached, with room set aside. Not here, because it is a secret: TF_VAR_origin_secret.

environment = "prod"
region      = "eu-central-1"

# Up to about 2,000 records a second: cheaper than on demand for steady traffic.
stream = {
  mode          = "PROVISIONED"
  shards        = 2
  shard_metrics = ["IncomingBytes", "IncomingRecords", "WriteProvisionedThroughputExceeded"]
}

stores = {
  capacity = {
    mode  = "PROVISIONED"
    read  = { minimum = 5, maximum = 500 }
    write = { minimum = 10, maximum = 2000 }
  }
}

functions = {
  snap_start            = true
  log_retention_days    = 90
  collector_concurrency = 200
  read_apis             = { reserved_concurrency = 50 }
  consumers = {
    archive  = { reserved_concurrency = 10 }
    realtime = { reserved_concurrency = 10 }
    stats    = { reserved_concurrency = 20 }
  }
}

api = { cache = { size_gb = "0.5" } }

# Alarms need somebody to tell: name at least one address.
monitoring = {
  monthly_budget_usd = 500
  alarm_emails       = []
}
