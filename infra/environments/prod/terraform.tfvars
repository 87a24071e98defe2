# What prod is: protected, with room set aside. Not here, because it is a secret: TF_VAR_origin_secret.

environment = "prod"
region      = "eu-central-1"
# Everything, and two shards: about 2,000 records a second.
profile = "guarded"

# Tables are paid by use: provisioned ones throttle until their scaling has followed, which takes minutes. For traffic that is
# steady and known they cost less: capacity = { mode = "PROVISIONED", read = { minimum = 5, maximum = 500 }, write = { minimum = 200, maximum = 2000 } }
stores = { capacity = { mode = "PAY_PER_REQUEST" } }

functions = {
  snap_start            = true
  log_retention_days    = 90
  collector_concurrency = 200
  jobs_concurrency      = 1
  read_apis             = { reserved_concurrency = 50 }
  consumers = {
    archive  = { reserved_concurrency = 10 }
    realtime = { reserved_concurrency = 10 }
    stats    = { reserved_concurrency = 20 }
  }
}

# Edges in Asia, Africa and the Middle East too.
edge = { price_class = "PriceClass_200" }

# Alarms need somebody to tell: name at least one address. A new account has 10 concurrent executions, not 1,000: the plan says how
# to ask for more.
monitoring = {
  monthly_budget_usd  = 500
  alarm_emails        = []
  account_concurrency = 1000
}
