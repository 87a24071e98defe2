# What the counts depend on (infra/README.md): order within a partition key, partial batch answers, and that nothing is
# discarded while the stream still has it.

#
# How often an item is rewritten is bounded by the window, and so is what writing costs. A batch ends before its window
# where it has its number of records, or 6 MB: a shard takes at most 1,000 records a second, so realtime's is full after
# 1 s and that of stats after 10 s. https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html

locals {
  mappings = {
    # Exactly 1: the archive's objects follow each other within a shard. With 2, 11 of 60 simulated schedules lost
    # records from the archive.
    archive  = merge(var.mappings.archive, { parallelization_factor = 1 })
    realtime = var.mappings.realtime
    stats    = var.mappings.stats
  }
}

resource "aws_lambda_event_source_mapping" "this" {
  for_each = local.mappings

  event_source_arn  = var.stream.arn
  function_name     = module.consumer[each.key].alias_arn
  starting_position = "TRIM_HORIZON"

  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.batching_window_seconds
  parallelization_factor             = each.value.parallelization_factor

  function_response_types        = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = -1
  maximum_record_age_in_seconds  = -1

  destination_config {
    on_failure {
      destination_arn = var.dead_letters_bucket.arn
    }
  }
}
