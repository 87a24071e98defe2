# The event stream between the collector and the consumers.

resource "aws_kinesis_stream" "events" {
  name             = "liveinsight-events-${var.environment}${var.name_suffix}"
  shard_count      = var.mode == "PROVISIONED" ? var.shards : null
  retention_period = var.retention_hours

  encryption_type = "KMS"
  kms_key_id      = aws_kms_key.stream.arn

  shard_level_metrics = var.shard_metrics

  stream_mode_details {
    stream_mode = var.mode
  }
}
