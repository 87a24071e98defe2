environment = "test"
static_bucket = {
  name            = "liveinsight-static-test"
  arn             = "arn:aws:s3:::liveinsight-static-test"
  regional_domain = "liveinsight-static-test.s3.eu-central-1.amazonaws.com"
}
rest_api = {
  stage_arn     = "arn:aws:apigateway:eu-central-1::/restapis/abc123/stages/live"
  stage_name    = "live"
  origin_domain = "abc123.execute-api.eu-central-1.amazonaws.com"
}
origin_secret = "0123456789abcdef0123456789abcdef"
