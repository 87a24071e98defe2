output "functions" {
  description = "The functions by name: name, arn, alias_arn, alias_name, invoke_arn, timeout_seconds, log_group_name."
  value       = { event-collector = module.event_collector, spill-drain = module.spill_drain }
}

output "drain_schedule" {
  description = "When the drain looks for spilled events."
  value       = module.drain_schedule.expression
}
