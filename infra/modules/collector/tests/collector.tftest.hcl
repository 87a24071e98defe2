mock_provider "aws" {
  source = "../../testing"
}

variables {
  environment          = "dev"
  stream               = { name = "events", arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/events", kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/stream" }
  sites_table          = { name = "sites", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/sites" }
  salts_table          = { name = "salts", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/salts" }
  archive_bucket       = { name = "archive", arn = "arn:aws:s3:::archive" }
  token_keys_parameter = { name = "/token-keys", arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/token-keys" }
  stores_kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/stores"
}

run "the_collector_is_as_planned" {
  command = plan

  assert {
    condition     = output.functions["event-collector"].name == "liveinsight-event-collector-dev"
    error_message = "The name is liveinsight-<function>-<environment>."
  }
  assert {
    condition     = output.functions["event-collector"].settings.handler == "ingest.handler.handler"
    error_message = "The handler is the collector's."
  }
  assert {
    condition     = output.functions["event-collector"].settings.memory_mb == 512 && output.functions["event-collector"].settings.timeout_seconds == 15
    error_message = "The collector has 512 MB and 15 s."
  }
  assert {
    condition     = output.functions["event-collector"].alias_name == "live"
    error_message = "The alias is called live."
  }
  assert {
    condition = output.functions["event-collector"].settings.variables == tomap({
      LIVEINSIGHT_ENGINE      = "aws"
      POWERTOOLS_SERVICE_NAME = "event-collector"
      POWERTOOLS_LOG_LEVEL    = "INFO"
      SITES_TABLE             = "sites"
      SALTS_TABLE             = "salts"
      STREAM_NAME             = "events"
      TOKEN_KEYS_PARAMETER    = "/token-keys"
      ARCHIVE_BUCKET          = "archive"
    })
    error_message = "The collector knows what it uses, and no more."
  }
}

run "the_collector_may_do_no_more_than_it_must" {
  command = plan

  assert {
    condition = { for s in jsondecode(output.functions["event-collector"].work_policy).Statement : s.Sid => "${join(" ", s.Action)} on ${join(" ", s.Resource)}" } == {
      ReadSites                 = "dynamodb:BatchGetItem dynamodb:Scan on ${var.sites_table.arn}"
      MakeTheSaltOfADay         = "dynamodb:PutItem on ${var.salts_table.arn}"
      PutOnTheStream            = "kinesis:PutRecords on ${var.stream.arn}"
      EncryptForTheStream       = "kms:GenerateDataKey on ${var.stream.kms_key_arn}"
      ReadTheKeysForTokens      = "ssm:GetParameter on ${var.token_keys_parameter.arn}"
      SpillWhatTheStreamRefuses = "s3:PutObject on arn:aws:s3:::archive/spill/*"
      UseTheKeyOfTheStores      = "kms:Decrypt kms:GenerateDataKey on ${var.stores_kms_key_arn}"
    }
    error_message = "The collector's role has exactly these actions on these resources."
  }
}

run "the_drain_runs_every_minute" {
  command = plan

  assert {
    condition     = output.drain_schedule == "rate(1 minute)"
    error_message = "The drain runs every minute."
  }
  assert {
    condition     = output.functions["spill-drain"].settings.reserved_concurrency == -1
    error_message = "Nothing is reserved unless asked for: a new account has ten containers, and lets nobody reserve one."
  }
  assert {
    condition     = output.functions["spill-drain"].settings.handler == "ingest.drain.handler.handler"
    error_message = "The handler is the drain's."
  }
  assert {
    condition     = output.functions["spill-drain"].settings.variables["STREAM_NAME"] == "events" && output.functions["spill-drain"].settings.variables["ARCHIVE_BUCKET"] == "archive"
    error_message = "The drain knows the stream and the archive."
  }
  assert {
    condition = { for s in jsondecode(output.functions["spill-drain"].work_policy).Statement : s.Sid => "${join(" ", s.Action)} on ${join(" ", s.Resource)}" } == {
      ListWhatWasSpilled    = "s3:ListBucket on arn:aws:s3:::archive"
      TakeWhatWasSpilled    = "s3:DeleteObject s3:GetObject on arn:aws:s3:::archive/spill/*"
      PutOnTheStream        = "kinesis:PutRecords on ${var.stream.arn}"
      EncryptForTheStream   = "kms:GenerateDataKey on ${var.stream.kms_key_arn}"
      DecryptWhatWasSpilled = "kms:Decrypt on ${var.stores_kms_key_arn}"
    }
    error_message = "The drain's role has exactly these actions on these resources."
  }
}

run "snapshots_are_for_what_users_wait_for" {
  command = plan

  variables {
    snap_start           = true
    reserved_concurrency = 100
    drain                = { reserved_concurrency = 1 }
  }

  assert {
    condition     = output.functions["event-collector"].settings.snap_start && !output.functions["spill-drain"].settings.snap_start
    error_message = "The collector starts from a snapshot, the drain need not."
  }
  assert {
    condition     = output.functions["event-collector"].settings.reserved_concurrency == 100
    error_message = "The collector has the concurrency asked for."
  }
  assert {
    condition     = output.functions["spill-drain"].settings.reserved_concurrency == 1
    error_message = "Where asked for, two drains are never at work at once."
  }
}

run "what_cannot_work_is_refused" {
  command = plan

  variables {
    timeout_seconds      = 30
    drain                = { timeout_seconds = 901 }
    stream               = { name = "events", arn = "events", kms_key_arn = "key" }
    sites_table          = { name = "sites", arn = "sites" }
    salts_table          = { name = "salts", arn = "salts" }
    archive_bucket       = { name = "archive", arn = "archive" }
    token_keys_parameter = { name = "/token-keys", arn = "/token-keys" }
    stores_kms_key_arn   = "key"
  }

  expect_failures = [
    var.timeout_seconds, var.drain, var.stream, var.sites_table, var.salts_table, var.archive_bucket, var.token_keys_parameter,
    var.stores_kms_key_arn,
  ]
}
