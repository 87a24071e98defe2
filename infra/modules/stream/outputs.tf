output "stream_name" {
  description = "Name of the stream."
  value       = aws_kinesis_stream.events.name
}

output "stream_arn" {
  description = "ARN of the stream."
  value       = aws_kinesis_stream.events.arn
}

output "kms_key_arn" {
  description = "Key that encrypts the stream: writers generate data keys with it, readers decrypt."
  value       = aws_kms_key.stream.arn
}

output "retention_hours" {
  description = "How long records stay on the stream: an alarm on the iterator age is measured by it."
  value       = aws_kinesis_stream.events.retention_period
}
