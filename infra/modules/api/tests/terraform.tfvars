environment = "dev"
collector = {
  name            = "liveinsight-event-collector-dev"
  alias_name      = "live"
  alias_arn       = "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-event-collector-dev:live"
  invoke_arn      = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/collector-live/invocations"
  timeout_seconds = 15
}
tables = {
  realtime = { name = "realtime", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/realtime" }
  events   = { name = "events", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/events" }
  stats    = { name = "stats", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/stats" }
  sites    = { name = "sites", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/sites" }
}
stores_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/stores"
