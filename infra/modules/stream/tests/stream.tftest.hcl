mock_provider "aws" {
  source = "../../testing"
}

variables {
  environment = "dev"
}

run "another_suffix_is_another_stream" {
  command = plan
  variables { name_suffix = "-2" }

  assert {
    condition     = aws_kinesis_stream.events.name == "liveinsight-events-dev-2"
    error_message = "The suffix ends the name."
  }
}

run "records_stay_for_seven_days_encrypted_with_a_key_of_our_own" {
  command = plan

  assert {
    condition     = aws_kinesis_stream.events.name == "liveinsight-events-dev"
    error_message = "The stream's name ends in the environment."
  }
  assert {
    condition     = aws_kinesis_stream.events.retention_period == 168
    error_message = "Records stay for 7 days."
  }
  assert {
    condition     = aws_kinesis_stream.events.encryption_type == "KMS" && aws_kinesis_stream.events.kms_key_id == aws_kms_key.stream.arn
    error_message = "The stream is encrypted with its own key."
  }
  assert {
    condition     = aws_kms_key.stream.enable_key_rotation
    error_message = "The key rotates."
  }
}

run "on_demand_has_no_shard_count" {
  command = plan

  assert {
    condition     = aws_kinesis_stream.events.stream_mode_details[0].stream_mode == "ON_DEMAND" && aws_kinesis_stream.events.shard_count == null
    error_message = "Kinesis refuses a shard count on demand."
  }
}

run "provisioned_has_the_shards_asked_for" {
  command = plan

  variables {
    mode          = "PROVISIONED"
    shards        = 6
    shard_metrics = ["IncomingBytes", "WriteProvisionedThroughputExceeded"]
  }

  assert {
    condition     = aws_kinesis_stream.events.stream_mode_details[0].stream_mode == "PROVISIONED" && aws_kinesis_stream.events.shard_count == 6
    error_message = "The shards asked for are made."
  }
  assert {
    condition     = length(aws_kinesis_stream.events.shard_level_metrics) == 2
    error_message = "The enhanced metrics asked for are on."
  }
}

run "what_kinesis_or_kms_would_refuse_is_refused_here" {
  command = plan

  variables {
    environment       = "Dev"
    mode              = "SERVERLESS"
    shards            = 0
    retention_hours   = 8761
    shard_metrics     = ["ALL_OF_THEM"]
    key_deletion_days = 6
  }

  expect_failures = [
    var.environment, var.mode, var.shards, var.retention_hours, var.shard_metrics, var.key_deletion_days,
  ]
}
