mock_provider "aws" {
  source = "../../testing"
}

variables {
  environment = "dev"
  stream      = { arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/events", kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/stream" }
  tables = {
    events   = { name = "events", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/events" }
    sessions = { name = "sessions", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/sessions" }
    realtime = { name = "realtime", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/realtime" }
    stats    = { name = "stats", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/stats" }
    sites    = { name = "sites", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/sites" }
  }
  archive_bucket      = { name = "archive", arn = "arn:aws:s3:::archive" }
  dead_letters_bucket = { name = "dead-letters", arn = "arn:aws:s3:::dead-letters" }
  stores_kms_key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/stores"
}

run "every_consumer_reads_the_stream_from_its_beginning_through_the_alias" {
  command = plan

  assert {
    condition     = toset(keys(aws_lambda_event_source_mapping.this)) == toset(["archive", "realtime", "stats"])
    error_message = "There are three consumers."
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.this : m.event_source_arn == var.stream.arn && m.starting_position == "TRIM_HORIZON"])
    error_message = "A consumer begins with the oldest record that the stream has."
  }
  assert {
    condition     = alltrue([for n, m in aws_lambda_event_source_mapping.this : m.function_name == module.consumer[n].alias_arn && endswith(m.function_name, ":live")])
    error_message = "Mappings point at the alias live."
  }
}

run "nothing_is_discarded" {
  command = plan

  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.this : m.maximum_retry_attempts == -1 && m.maximum_record_age_in_seconds == -1])
    error_message = "Retries and record age have no limit."
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.this : m.bisect_batch_on_function_error])
    error_message = "A batch that fails is halved."
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.this : m.function_response_types == toset(["ReportBatchItemFailures"])])
    error_message = "Consumers say from which record on they need the batch again."
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.this : m.destination_config[0].on_failure[0].destination_arn == "arn:aws:s3:::dead-letters"])
    error_message = "What Lambda gives up goes to the dead letters."
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.this : m.tumbling_window_in_seconds == null])
    error_message = "Windows are the code's own."
  }
}

run "batches_are_as_large_and_wait_as_long_as_each_consumer_needs" {
  command = plan

  assert {
    condition     = tomap({ for n, m in aws_lambda_event_source_mapping.this : n => m.batch_size }) == tomap({ archive = 10000, realtime = 1000, stats = 10000 })
    error_message = "A batch holds what a shard takes while it waits, and never more than 10,000 records."
  }
  assert {
    condition     = tomap({ for n, m in aws_lambda_event_source_mapping.this : n => m.maximum_batching_window_in_seconds }) == tomap({ archive = 60, realtime = 1, stats = 10 })
    error_message = "Realtime waits 1 s, stats 10 s, the archive a minute."
  }
  assert {
    condition     = { for n, m in output.mappings : n => m.batching_window_seconds } == { archive = 60, realtime = 1, stats = 10 }
    error_message = "Alarms need to know for how long a record waits."
  }
  assert {
    condition     = { for n, f in output.functions : n => f.timeout_seconds } == { archive = 180, archive-compactor = 900, realtime = 60, sealer = 900, stats = 180 }
    error_message = "The largest batch needs less than a third of the time that there is."
  }
}

run "only_the_archive_takes_one_batch_of_a_shard_at_a_time" {
  command = plan

  variables {
    mappings = { archive = { parallelization_factor = 2 }, realtime = { parallelization_factor = 3 }, stats = { parallelization_factor = 10 } }
  }

  assert {
    condition     = tomap({ for n, m in aws_lambda_event_source_mapping.this : n => m.parallelization_factor }) == tomap({ archive = 1, realtime = 3, stats = 10 })
    error_message = "The archive's factor is 1 whatever is asked; the others are as asked."
  }
}

run "stats_takes_more_than_one_batch_of_a_shard_at_a_time" {
  command = plan

  assert {
    condition     = aws_lambda_event_source_mapping.this["stats"].parallelization_factor > 1 && aws_lambda_event_source_mapping.this["archive"].parallelization_factor == 1
    error_message = "Stats works in parallel by default, the archive does not."
  }
}

run "functions_know_what_they_use" {
  command = plan

  assert {
    condition     = { for n, f in output.functions : n => f.name } == { for n in ["archive", "archive-compactor", "realtime", "sealer", "stats"] : n => "liveinsight-${n}-dev" }
    error_message = "Names are liveinsight-<function>-<environment>."
  }
  assert {
    condition = { for n, f in output.functions : n => f.settings.handler } == {
      archive           = "processors.archive.handler.handler"
      archive-compactor = "processors.compaction.handler.handler"
      realtime          = "processors.realtime.handler.handler"
      sealer            = "processors.seal.handler.handler"
      stats             = "processors.stats.handler.handler"
    }
    error_message = "Handlers are the folders' own."
  }
  assert {
    condition = { for n, f in output.functions : n => { for k, v in f.settings.variables : k => v if !startswith(k, "POWERTOOLS") && k != "LIVEINSIGHT_ENGINE" } } == {
      archive           = { ARCHIVE_BUCKET = "archive", EVENTS_TABLE = "events", STATS_TABLE = "stats", SITES_TABLE = "sites", DEAD_LETTERS_BUCKET = "dead-letters" }
      archive-compactor = { ARCHIVE_BUCKET = "archive", SITES_TABLE = "sites" }
      realtime          = { REALTIME_TABLE = "realtime", DEAD_LETTERS_BUCKET = "dead-letters" }
      sealer            = { STATS_TABLE = "stats", SITES_TABLE = "sites" }
      stats             = { STATS_TABLE = "stats", SESSIONS_TABLE = "sessions", SITES_TABLE = "sites", DEAD_LETTERS_BUCKET = "dead-letters" }
    }
    error_message = "Each function knows the names of what it uses, and no more."
  }
}

run "roles_allow_no_more_than_each_function_must" {
  command = plan

  assert {
    condition = alltrue([for n in ["archive", "realtime", "stats"] : alltrue([
      for sid, granted in {
        ReadTheStream        = "kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards on ${var.stream.arn}"
        DecryptTheStream     = "kms:Decrypt on ${var.stream.kms_key_arn}"
        KeepDeadLetters      = "s3:PutObject on arn:aws:s3:::dead-letters/records/* arn:aws:s3:::dead-letters/aws/lambda/*"
        ListDeadLetters      = "s3:ListBucket on arn:aws:s3:::dead-letters"
        UseTheKeyOfTheStores = "kms:Decrypt kms:GenerateDataKey on ${var.stores_kms_key_arn}"
      } : { for s in jsondecode(output.functions[n].work_policy).Statement : s.Sid => "${join(" ", s.Action)} on ${join(" ", s.Resource)}" }[sid] == granted
    ])])
    error_message = "Every consumer reads the stream and keeps dead letters."
  }
  assert {
    condition = { for n in ["archive", "realtime", "stats"] : n => join("; ", [
      for s in slice(jsondecode(output.functions[n].work_policy).Statement, 5, length(jsondecode(output.functions[n].work_policy).Statement)) :
      "${join(" ", s.Action)} on ${join(" ", [for r in s.Resource : replace(r, "/^arn:aws:(dynamodb:eu-central-1:123456789012:table|s3:::)/", "")])}"
      ]) } == {
      archive  = "s3:ListBucket on archive; s3:GetObject on archive/records/* archive/compacted/* archive/manifests/*; s3:PutObject on archive/records/*; s3:DeleteObject on archive/records/*; s3:PutObject on dead-letters/malformed/*; dynamodb:BatchWriteItem on /events; dynamodb:BatchGetItem dynamodb:PutItem on /stats; dynamodb:Query on /stats; dynamodb:BatchGetItem on /sites"
      realtime = "dynamodb:BatchGetItem dynamodb:PutItem on /realtime"
      stats    = "dynamodb:BatchGetItem dynamodb:PutItem on /stats /sessions; dynamodb:Query on /stats; dynamodb:BatchGetItem on /sites"
    }
    error_message = "Beyond that, each consumer has exactly its own tables and prefixes."
  }
  assert {
    condition = { for s in jsondecode(output.functions["archive-compactor"].work_policy).Statement : s.Sid => "${join(" ", s.Action)} on ${join(" ", s.Resource)}" } == {
      ListTheArchive            = "s3:ListBucket on arn:aws:s3:::archive"
      ReadTheArchive            = "s3:GetObject on arn:aws:s3:::archive/records/* arn:aws:s3:::archive/compacted/* arn:aws:s3:::archive/manifests/*"
      WriteWhatIsJoined         = "s3:PutObject on arn:aws:s3:::archive/records/* arn:aws:s3:::archive/compacted/* arn:aws:s3:::archive/manifests/*"
      DeleteWhatWasJoined       = "s3:DeleteObject on arn:aws:s3:::archive/records/* arn:aws:s3:::archive/compacted/*"
      AskSitesForTheirRetention = "dynamodb:BatchGetItem dynamodb:PutItem dynamodb:Scan on ${var.tables["sites"].arn}"
      UseTheKeyOfTheStores      = "kms:Decrypt kms:GenerateDataKey on ${var.stores_kms_key_arn}"
    }
    error_message = "The compactor's role has exactly these actions on these resources."
  }
  assert {
    condition = { for s in jsondecode(output.functions["sealer"].work_policy).Statement : s.Sid => "${join(" ", s.Action)} on ${join(" ", s.Resource)}" } == {
      ReadOpenDaysAndSeals    = "dynamodb:BatchGetItem dynamodb:Query on ${var.tables["stats"].arn}"
      FreezeAndSeal           = "dynamodb:BatchWriteItem dynamodb:PutItem on ${var.tables["stats"].arn}"
      DropWhatIsSealed        = "dynamodb:DeleteItem on ${var.tables["stats"].arn}"
      ListSitesAndLetThemGrow = "dynamodb:BatchGetItem dynamodb:PutItem dynamodb:Scan on ${var.tables["sites"].arn}"
      UseTheKeyOfTheStores    = "kms:Decrypt kms:GenerateDataKey on ${var.stores_kms_key_arn}"
    }
    error_message = "The sealer's role has exactly these actions on these resources."
  }
}

run "a_missing_object_is_told_from_a_forbidden_one" {
  command = plan

  assert {
    condition = alltrue(flatten([for n in ["archive", "archive-compactor"] : [
      for s in jsondecode(output.functions[n].work_policy).Statement : keys(s.Condition) == ["StringLikeIfExists"] if s.Sid == "ListTheArchive"
    ]]))
    error_message = "With StringLike, S3 answers 403 instead of 404: there is no prefix when an object is read."
  }
}

run "the_compactor_runs_daily" {
  command = plan

  assert {
    condition     = output.compactor_schedule == "cron(15 2 * * ? *)" && output.functions["archive-compactor"].settings.reserved_concurrency == -1
    error_message = "The compactor runs once a day, with nothing reserved unless asked for."
  }
}

run "the_sealer_runs_hourly" {
  command = plan

  assert {
    condition     = output.sealer_schedule == "rate(1 hour)" && output.functions["sealer"].settings.reserved_concurrency == -1
    error_message = "The sealer runs once an hour, with nothing reserved unless asked for."
  }
}

run "what_lambda_would_refuse_is_refused_here" {
  command = plan

  variables {
    consumers           = { stats = { timeout_seconds = 15 } }
    mappings            = { archive = { batch_size = 20000 } }
    compactor           = { timeout_seconds = 60 }
    sealer              = { timeout_seconds = 60 }
    stream              = { arn = "events", kms_key_arn = "key" }
    tables              = { events = { name = "events", arn = "events" } }
    archive_bucket      = { name = "archive", arn = "archive" }
    dead_letters_bucket = { name = "dead-letters", arn = "dead-letters" }
    stores_kms_key_arn  = "key"
  }

  expect_failures = [
    var.consumers, var.mappings, var.compactor, var.sealer, var.stream, var.tables, var.archive_bucket, var.dead_letters_bucket,
    var.stores_kms_key_arn,
  ]
}

run "a_batching_window_over_five_minutes_is_refused" {
  command = plan

  variables {
    mappings = { stats = { batching_window_seconds = 400 } }
  }

  expect_failures = [var.mappings]
}

run "a_large_batch_without_a_window_is_refused" {
  command = plan

  variables {
    mappings = { realtime = { batch_size = 11, batching_window_seconds = 0 } }
  }

  expect_failures = [var.mappings]
}

run "a_small_batch_needs_no_window" {
  command = plan

  variables {
    mappings = { realtime = { batch_size = 10, batching_window_seconds = 0 } }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this["realtime"].maximum_batching_window_in_seconds == 0
    error_message = "Up to ten records may be sent as they come."
  }
}

run "a_parallelization_factor_over_ten_is_refused" {
  command = plan

  variables {
    mappings = { stats = { parallelization_factor = 11 } }
  }

  expect_failures = [var.mappings]
}

run "memory_and_concurrency_are_as_asked" {
  command = plan

  variables {
    consumers = { realtime = { memory_mb = 256, reserved_concurrency = 3 } }
    compactor = { reserved_concurrency = 1 }
    sealer    = { reserved_concurrency = 1 }
  }

  assert {
    condition     = output.functions["archive-compactor"].settings.reserved_concurrency == 1 && output.functions["sealer"].settings.reserved_concurrency == 1
    error_message = "Where asked for, two of a job are never at work at once."
  }

  assert {
    condition     = { for n, f in output.functions : n => [f.settings.memory_mb, f.settings.reserved_concurrency] if !contains(["archive-compactor", "sealer"], n) } == { archive = [512, -1], realtime = [256, 3], stats = [1024, -1] }
    error_message = "A consumer has what was asked, the others have what they had."
  }
}
