output "distribution_id" {
  description = "Id of the distribution: for invalidations and metrics."
  value       = aws_cloudfront_distribution.this.id
}

output "distribution_arn" {
  description = "ARN of the distribution."
  value       = aws_cloudfront_distribution.this.arn
}

output "domain_name" {
  description = "The distribution's own host name: where the CNAME of an alias points."
  value       = aws_cloudfront_distribution.this.domain_name
}

output "url" {
  description = "Where the dashboard is, and what `liveinsight smoke` takes: the first alias, else the distribution's own name."
  value       = "https://${try(var.aliases[0], aws_cloudfront_distribution.this.domain_name)}"
}

output "embed_snippet" {
  description = "The line that a measured page carries."
  value       = "<script defer src=\"https://${try(var.aliases[0], aws_cloudfront_distribution.this.domain_name)}/liveinsight.js\"></script>"
}

output "edge_web_acl" {
  description = "Web ACL of the distribution (us-east-1); null without one."
  value       = one([for acl in aws_wafv2_web_acl.edge : { name = acl.name, arn = acl.arn }])
}

output "origin_web_acl" {
  description = "Web ACL of the API's stage, which lets only CloudFront in; null without one."
  value       = one([for acl in aws_wafv2_web_acl.origin : { name = acl.name, arn = acl.arn }])
}

output "access_log_group_name" {
  description = "Log group of the access logs (us-east-1); null without them."
  value       = one(aws_cloudwatch_log_group.access[*].name)
}
