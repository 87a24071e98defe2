output "vault_name" {
  description = "Name of the vault: where restores begin, and what an alarm watches."
  value       = aws_backup_vault.this.name
}

output "vault_arn" {
  description = "ARN of the vault: what another region copies into."
  value       = aws_backup_vault.this.arn
}

output "plan_id" {
  description = "Id of the daily plan."
  value       = aws_backup_plan.daily.id
}

output "role_arn" {
  description = "Role with which AWS Backup reads; a backup by hand takes it too."
  value       = aws_iam_role.backup.arn
}
