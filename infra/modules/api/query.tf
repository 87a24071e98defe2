# Questions with filters, goals and comparison, by what rollups know; and what an owner with an admin key says about goals, which are
# kept in the settings of a site.

module "query_api" {
  source = "../function"

  name        = "query-api"
  environment = var.environment
  common      = var.common
  description = "Answers questions with filters, comparison and goals."
  handler     = "api.query.handler.handler"

  memory_mb            = var.read_apis.memory_mb
  timeout_seconds      = var.read_apis.timeout_seconds
  reserved_concurrency = var.read_apis.reserved_concurrency
  snap_start           = var.snap_start

  variables = { STATS_TABLE = var.tables["stats"].name, SITES_TABLE = var.tables["sites"].name }
  statements = [
    {
      sid       = "ReadNumbers"
      actions   = ["dynamodb:Query"]
      resources = [var.tables["stats"].arn]
    },
    {
      sid       = "KeepGoals"
      actions   = ["dynamodb:BatchGetItem", "dynamodb:PutItem"]
      resources = [var.tables["sites"].arn]
    },
    {
      # DynamoDB asks for them in the function's name.
      sid       = "UseTheKeyOfTheStores"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.stores_kms_key_arn]
    },
  ]
}
