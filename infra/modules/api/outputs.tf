output "functions" {
  description = "The functions by name: name, arn, alias_arn, alias_name, invoke_arn, timeout_seconds, log_group_name."
  value       = merge({ for name, function in module.read_api : "${name}-api" => function }, { rebuild-api = module.rebuild_api, query-api = module.query_api })
}

output "rest_api_id" {
  description = "Id of the REST API."
  value       = aws_api_gateway_rest_api.this.id
}

output "rest_api_name" {
  description = "Name of the REST API: the dimension ApiName of its metrics."
  value       = aws_api_gateway_rest_api.this.name
}

output "stage_name" {
  description = "Name of the stage: the dimension Stage of its metrics, and the path before /api."
  value       = aws_api_gateway_stage.this.stage_name
}

output "stage_arn" {
  description = "ARN of the stage: what a web ACL is associated with."
  value       = aws_api_gateway_stage.this.arn
}

output "invoke_url" {
  description = "Address of the stage; CloudFront stands before it."
  value       = aws_api_gateway_stage.this.invoke_url
}

output "origin_domain" {
  description = "Host of the invoke URL: CloudFront's origin."
  value       = split("/", aws_api_gateway_stage.this.invoke_url)[2]
}

output "throttles" {
  description = "Rates and bursts: of a route, of the stage, and of a server's key."
  value       = var.throttles
}

output "cached" {
  description = "Whether the stage has a cache: without one there is no hit rate to watch."
  value       = aws_api_gateway_stage.this.cache_cluster_enabled
}

output "access_log_group_name" {
  description = "Where API Gateway logs requests; null where it does not."
  value       = one(aws_cloudwatch_log_group.access[*].name)
}

output "server_keys" {
  description = "Ids of the servers' keys; `aws apigateway get-api-key --include-value` tells a key."
  value       = { for name, key in aws_api_gateway_api_key.server : name => key.id }
}
