output "name" {
  description = "Deployed name of the function."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "ARN of the function, without a version."
  value       = aws_lambda_function.this.arn
}

output "alias_name" {
  description = "Name of the alias that receives the traffic."
  value       = aws_lambda_alias.live.name
}

output "alias_arn" {
  description = "ARN of the alias: what mappings, schedules and permissions point at."
  value       = aws_lambda_alias.live.arn

  # Whoever invokes through the alias may do so only once the function may do its work.
  depends_on = [aws_iam_role_policy.work]
}

output "invoke_arn" {
  description = "What API Gateway invokes: the alias, in API Gateway's own form."
  value       = aws_lambda_alias.live.invoke_arn
}

output "timeout_seconds" {
  description = "Longest invocation in seconds: what an alarm on the duration is measured by."
  value       = var.timeout_seconds
}

output "log_group_name" {
  description = "Where the function logs."
  value       = aws_cloudwatch_log_group.this.name
}

output "role_name" {
  description = "Name of the function's role."
  value       = aws_iam_role.this.name
}

output "work_policy" {
  description = "What the function may do beyond its logs and traces, as JSON: for the tests of the modules that say so."
  value       = aws_iam_role_policy.work.policy
}

output "settings" {
  description = "The function as it was asked for, for the tests of the modules that ask."
  value = {
    handler              = aws_lambda_function.this.handler
    runtime              = aws_lambda_function.this.runtime
    architecture         = one(aws_lambda_function.this.architectures)
    memory_mb            = aws_lambda_function.this.memory_size
    timeout_seconds      = aws_lambda_function.this.timeout
    reserved_concurrency = aws_lambda_function.this.reserved_concurrent_executions
    snap_start           = length(aws_lambda_function.this.snap_start) == 1
    variables            = aws_lambda_function.this.environment[0].variables
    log_retention_days   = aws_cloudwatch_log_group.this.retention_in_days
  }
}
