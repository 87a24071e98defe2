output "tables" {
  description = "The tables by logical name: events, sessions, realtime, stats, sites, salts."
  value       = { for name, table in aws_dynamodb_table.this : name => { name = table.name, arn = table.arn } }
}

output "archive_bucket" {
  description = "The bucket of the raw archive and of what could not be put on the stream."
  value       = local.buckets["archive"]
}

output "dead_letters_bucket" {
  description = "The bucket of what can never be processed."
  value       = local.buckets["dead-letters"]
}

output "static_bucket" {
  description = "The bucket of the tracker and the dashboard."
  value       = local.buckets["static"]
}

output "lambda_failure_prefix" {
  description = "Where in the bucket of dead letters Lambda's mappings put what they give up."
  value       = local.lambda_failure_prefix
}

output "kms_key_arn" {
  description = "Key that encrypts tables, buckets and parameters: every function decrypts with it."
  value       = aws_kms_key.stores.arn
}

output "token_keys_parameter" {
  description = "The parameter that holds the keys for tokens."
  value       = { name = aws_ssm_parameter.token_keys.name, arn = aws_ssm_parameter.token_keys.arn }
}

locals {
  buckets = {
    for name, bucket in aws_s3_bucket.this : name => {
      name            = bucket.bucket
      arn             = bucket.arn
      regional_domain = bucket.bucket_regional_domain_name
    }
  }
}
