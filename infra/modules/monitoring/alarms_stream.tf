# Whether events get from the stream into the tables, and how late.

locals {
  alarms_stream = merge(
    {
      for consumer in local.consumers : "iterator-age-${consumer}" => {
        anchor     = "iterator-age"
        why        = "The consumer ${consumer} is more than ${local.oldest[consumer]} s behind the stream: its numbers are old. Records leave the stream after ${var.stream.retention_hours} h, and uncounted ones are then lost to it."
        unwell     = true
        metrics    = { age = local.lambda["${consumer}.IteratorAge"] }
        threshold  = 1000 * local.oldest[consumer]
        period     = 60
        datapoints = [3, 3]
        # Lambda reports an age with each batch: no batch, no age. A consumer that stands still is
        # seen by consumer-stopped.
        missing = "notBreaching"
      }
    },
    {
      for consumer in local.consumers : "consumer-stopped-${consumer}" => {
        anchor     = "consumer-stopped"
        why        = "Records come in and the consumer ${consumer} is not invoked: its mapping is disabled, or may not read."
        unwell     = true
        metrics    = { incoming = local.kinesis["IncomingRecords"], invoked = local.lambda["${consumer}.Invocations"] }
        expression = "IF(FILL(incoming, 0) > 0 AND FILL(invoked, 0) == 0, 1, 0)"
        threshold  = 0
        period     = 300
        datapoints = [3, 3]
        missing    = "notBreaching" # nothing came in
      }
    },
    {
      dead-letters = {
        anchor     = "dead-letters"
        why        = "A consumer set records aside that can never be processed. The rest is counted; these wait in the bucket of dead letters until somebody reads why."
        unwell     = false
        metrics    = { for consumer in local.consumers : consumer => local.ours["${consumer}.records_poisoned"] }
        expression = join(" + ", [for consumer in local.consumers : "FILL(${consumer}, 0)"])
        threshold  = 0
        period     = 300
        datapoints = [1, 1]
        missing    = "notBreaching" # no batch, no poison
      }
      consumer-errors = {
        anchor     = "consumer-errors"
        why        = "A consumer ends with an error: it ran out of time or memory, or met a fault that its code does not know. The batch is tried again and nothing is lost, but nothing moves either."
        unwell     = false
        metrics    = { for consumer in local.consumers : consumer => local.lambda["${consumer}.Errors"] }
        expression = join(" + ", [for consumer in local.consumers : "FILL(${consumer}, 0)"])
        threshold  = 0
        period     = 300
        datapoints = [2, 3] # one is cured by the next try
        missing    = "notBreaching"
      }
      kinesis-write-throttles = {
        anchor     = "kinesis-write-throttles"
        why        = "The stream refuses records because a shard takes more than it may. The collector tries for five seconds, then spills."
        unwell     = false
        metrics    = { refused = local.kinesis["WriteProvisionedThroughputExceeded"] }
        threshold  = 10
        period     = 300
        datapoints = [2, 3]
        missing    = "notBreaching"
      }
      kinesis-read-throttles = {
        anchor     = "kinesis-read-throttles"
        why        = "The three consumers ask a shard more often than the five times a second that they share: numbers come later. Now and then is normal, steadily is not."
        unwell     = false
        metrics    = { refused = local.kinesis["ReadProvisionedThroughputExceeded"] }
        threshold  = 100
        period     = 300
        datapoints = [6, 6]
        missing    = "notBreaching"
      }
      spill-in-use = {
        anchor     = "spill-in-use"
        why        = "The collector writes to the spill because the stream does not take its records. Browsers notice nothing; counts are late until the stream is back and the drain has caught up."
        unwell     = false
        metrics    = { spilled = local.ours["ingest.requests_spilled"] }
        threshold  = 0
        period     = 60
        datapoints = [2, 5]
        missing    = "notBreaching"
      }
      spill-stuck = {
        anchor     = "spill-stuck"
        why        = "Events have lain in the spill for a quarter of an hour: the stream is still down, or the drain meets something that it cannot move."
        unwell     = true
        metrics    = { left = merge(local.ours["spill-drain.spills_left"], { stat = "Maximum" }) }
        threshold  = 0
        period     = 300
        datapoints = [3, 3]
        missing    = "ignore" # the drain did not run; spill-drain-stopped says so
      }
    },
    # S3's request metrics, which moto does not have, are all that tells of what Lambda gave up.
    var.emulated ? {} : {
      batches-discarded = {
        anchor     = "batches-discarded"
        why        = "Lambda gave up a batch and left its position in the bucket of dead letters. The mappings retry without end, so this means a record older than the stream's retention, or a changed mapping: events are missing from the counts."
        unwell     = true
        metrics    = { objects = { namespace = "AWS/S3", name = "PutRequests", stat = "Sum", dimensions = { BucketName = var.dead_letters.bucket_name, FilterId = local.discarded_filter } } }
        threshold  = 0
        period     = 60
        datapoints = [1, 1]
        missing    = "notBreaching" # S3 reports no request by reporting nothing
      }
    },
  )

  discarded_filter = "discarded-by-lambda"
}

resource "aws_s3_bucket_metric" "discarded" {
  count = var.emulated ? 0 : 1

  bucket = var.dead_letters.bucket_name
  name   = local.discarded_filter

  filter {
    prefix = var.dead_letters.lambda_prefix
  }
}
