environment = "dev"
collector = {
  name            = "liveinsight-event-collector-dev"
  alias_name      = "live"
  alias_arn       = "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-event-collector-dev:live"
  invoke_arn      = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/collector-live/invocations"
  timeout_seconds = 15
  settings        = { variables = { LIVEINSIGHT_ORIGIN_DIGESTS = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" } }
}
