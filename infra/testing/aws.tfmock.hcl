# What the mocked provider answers for attributes that AWS computes: ARNs in the shape of ARNs, because the provider checks the shape.

mock_resource "aws_iam_role" {
  override_during = plan
  defaults = {
    arn = "arn:aws:iam::123456789012:role/mocked"
  }
}

mock_resource "aws_lambda_function" {
  override_during = plan
  defaults = {
    arn     = "arn:aws:lambda:eu-central-1:123456789012:function:mocked"
    version = "1"
  }
}

mock_resource "aws_lambda_alias" {
  override_during = plan
  defaults = {
    arn        = "arn:aws:lambda:eu-central-1:123456789012:function:mocked:live"
    invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:mocked:live/invocations"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  override_during = plan
  defaults = {
    arn = "arn:aws:logs:eu-central-1:123456789012:log-group:mocked"
  }
}

mock_resource "aws_kms_key" {
  override_during = plan
  defaults = {
    arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-4000-8000-000000000000"
    key_id = "00000000-0000-4000-8000-000000000000"
  }
}

mock_resource "aws_kinesis_stream" {
  override_during = plan
  defaults = {
    arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/mocked"
  }
}

mock_resource "aws_dynamodb_table" {
  override_during = plan
  defaults = {
    arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/mocked"
  }
}

mock_resource "aws_s3_bucket" {
  override_during = plan
  defaults = {
    arn                         = "arn:aws:s3:::mocked"
    bucket_regional_domain_name = "mocked.s3.eu-central-1.amazonaws.com"
  }
}

mock_resource "aws_ssm_parameter" {
  override_during = plan
  defaults = {
    arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/mocked"
  }
}

mock_resource "aws_appautoscaling_target" {
  override_during = plan
  defaults = {
    arn = "arn:aws:application-autoscaling:eu-central-1:123456789012:scalable-target/mocked"
  }
}

mock_resource "aws_scheduler_schedule" {
  override_during = plan
  defaults = {
    arn = "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/mocked"
  }
}

mock_resource "aws_api_gateway_rest_api" {
  override_during = plan
  defaults = {
    id               = "abcdefghij"
    arn              = "arn:aws:apigateway:eu-central-1::/restapis/abcdefghij"
    execution_arn    = "arn:aws:execute-api:eu-central-1:123456789012:abcdefghij"
    root_resource_id = "rootrootro"
  }
}

mock_resource "aws_api_gateway_resource" {
  override_during = plan
  defaults = {
    id = "resourceid"
  }
}

mock_resource "aws_api_gateway_deployment" {
  override_during = plan
  defaults = {
    id = "deployment"
  }
}

mock_resource "aws_api_gateway_stage" {
  override_during = plan
  defaults = {
    arn        = "arn:aws:apigateway:eu-central-1::/restapis/abcdefghij/stages/live"
    invoke_url = "https://abcdefghij.execute-api.eu-central-1.amazonaws.com/live"
  }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    id            = "httpapihtt"
    api_endpoint  = "https://httpapihtt.execute-api.eu-central-1.amazonaws.com"
    execution_arn = "arn:aws:execute-api:eu-central-1:123456789012:httpapihtt"
  }
}

mock_resource "aws_apigatewayv2_integration" {
  defaults = {
    id = "integratio"
  }
}

mock_resource "aws_api_gateway_request_validator" {
  override_during = plan
  defaults = {
    id = "validator"
  }
}

mock_resource "aws_backup_vault" {
  defaults = {
    arn = "arn:aws:backup:eu-central-1:123456789012:backup-vault:mocked"
  }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn            = "arn:aws:cloudfront::123456789012:distribution/E1EXAMPLE"
    domain_name    = "d111111abcdef8.cloudfront.net"
    hosted_zone_id = "Z2FDTNDATAQYW2"
  }
}

mock_resource "aws_cloudfront_origin_access_control" {
  defaults = {
    id = "E2EXAMPLE"
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = {
    arn = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/origin/1"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:eu-central-1:123456789012:liveinsight-alarms"
  }
}

mock_resource "aws_cloudwatch_metric_alarm" {
  defaults = {
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:mocked"
  }
}

mock_resource "aws_cloudwatch_composite_alarm" {
  defaults = {
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:unwell"
  }
}

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
    arn        = "arn:aws:iam::123456789012:user/mocked"
  }
}

mock_data "aws_region" {
  defaults = {
    name = "eu-central-1"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition = "aws"
  }
}
