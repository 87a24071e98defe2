output "name" {
  description = "Name of the schedule."
  value       = aws_scheduler_schedule.this.name
}

output "expression" {
  description = "When it runs."
  value       = aws_scheduler_schedule.this.schedule_expression
}
