# What dev is: lean, paid by use, quick to destroy. Not here, because it is a secret: TF_VAR_origin_secret.

environment = "dev"
region      = "eu-central-1"
profile     = "lean"

stores = {
  capacity                     = { mode = "PAY_PER_REQUEST" }
  recovery_days                = 7
  deletion_protection          = false
  destroy_buckets_with_content = true
  dead_letter_days             = 14
}

functions = {
  log_level          = "DEBUG"
  log_retention_days = 7
}

# No cache: it costs by the hour.
api = {}

# Browsers forget it soon, in case the host name is wanted for something else.
edge = { hsts_seconds = 300 }

monitoring = {
  monthly_budget_usd = 100
  expects_traffic    = false
}

backup = { retention_days = 7 }

release = { deployment_config_name = "CodeDeployDefault.LambdaAllAtOnce" }
