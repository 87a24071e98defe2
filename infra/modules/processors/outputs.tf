output "functions" {
  description = "The functions by name: name, arn, alias_arn, alias_name, invoke_arn, timeout_seconds, log_group_name."
  value       = merge(module.consumer, { archive-compactor = module.archive_compactor, sealer = module.sealer })
}

output "mappings" {
  description = "The event source mappings by consumer: id, batch size, batching window in seconds, parallelization factor."
  value = { for name, mapping in aws_lambda_event_source_mapping.this : name => {
    id                      = mapping.id
    batch_size              = mapping.batch_size
    batching_window_seconds = mapping.maximum_batching_window_in_seconds
    parallelization_factor  = mapping.parallelization_factor
  } }
}

output "compactor_schedule" {
  description = "When the compactor runs."
  value       = module.compactor_schedule.expression
}

output "sealer_schedule" {
  description = "When the sealer runs."
  value       = module.sealer_schedule.expression
}
