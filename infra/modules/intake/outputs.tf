output "api_id" {
  description = "Id of the HTTP API: the dimension ApiId of its metrics."
  value       = aws_apigatewayv2_api.this.id
}

output "stage_name" {
  description = "Name of the stage: the dimension Stage of its metrics."
  value       = aws_apigatewayv2_stage.this.name
}

output "origin_domain" {
  description = "Host of the HTTP API: CloudFront's origin for the collector's paths."
  value       = split("/", aws_apigatewayv2_api.this.api_endpoint)[2]
}
