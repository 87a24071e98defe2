# What an owner with an admin key may see and ask for. It writes one thing, the settings of a site, where the wish is kept; who
# carries it out is `liveinsight rebuild --attend`, with rights that no function before the world should have.

module "rebuild_api" {
  source = "../function"

  name        = "rebuild-api"
  environment = var.environment
  common      = var.common
  description = "Answers how far a rebuild is, and takes the wish that it shall count."
  handler     = "api.rebuild.handler.handler"

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
      sid       = "KeepWishes"
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
