output "url" {
  description = "Where the dashboard and the API are: what liveinsight smoke takes."
  value       = module.edge.url
}

output "embed_snippet" {
  description = "The line that a measured page carries."
  value       = module.edge.embed_snippet
}

output "invoke_url" {
  description = "Address of the API without CloudFront: it refuses who does not show the origin secret."
  value       = module.api.invoke_url
}

output "distribution_id" {
  description = "Id of the distribution: for invalidations."
  value       = module.edge.distribution_id
}

output "static_bucket" {
  description = "Name of the bucket that takes the tracker and the dashboard."
  value       = module.stores.static_bucket.name
}

output "region" {
  description = "Where all this is."
  value       = var.region
}

output "stream_name" {
  description = "Name of the event stream."
  value       = module.stream.stream_name
}

output "release" {
  description = "What python -m infra.release needs to move traffic to new versions."
  value       = module.release.release
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = module.monitoring.dashboard_name
}

output "tables" {
  description = "Names of the tables, by what they hold."
  value       = { for name, table in module.stores.tables : name => table.name }
}

output "archive_bucket" {
  description = "Name of the bucket of the raw archive."
  value       = module.stores.archive_bucket.name
}

output "dead_letters_bucket" {
  description = "Name of the bucket of what could not be processed."
  value       = module.stores.dead_letters_bucket.name
}

output "token_keys_parameter" {
  description = "Name of the parameter that holds the keys for tokens."
  value       = module.stores.token_keys_parameter.name
}
