mock_provider "aws" {
  source = "../../testing"
}

run "buckets_are_versioned_encrypted_and_private" {
  command = plan

  assert {
    condition     = toset([for b in aws_s3_bucket.this : b.bucket]) == toset([for n in ["archive", "dead-letters", "static"] : "liveinsight-${n}-dev-123456789012"])
    error_message = "There are three buckets, with names that are unique by the account."
  }
  assert {
    condition     = length(aws_s3_bucket_versioning.this) == 3 && alltrue([for v in aws_s3_bucket_versioning.this : v.versioning_configuration[0].status == "Enabled"])
    error_message = "Every bucket keeps old versions."
  }
  assert {
    condition = length(aws_s3_bucket_public_access_block.this) == 3 && alltrue([for b in aws_s3_bucket_public_access_block.this :
      b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets
    ])
    error_message = "No bucket can be made public."
  }
  assert {
    condition     = length(aws_s3_bucket_ownership_controls.this) == 3 && alltrue([for o in aws_s3_bucket_ownership_controls.this : o.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "The account owns every object; there are no ACLs."
  }
  assert {
    condition = { for n, e in aws_s3_bucket_server_side_encryption_configuration.this : n => one(one(e.rule).apply_server_side_encryption_by_default).sse_algorithm } == {
      archive = "aws:kms", "dead-letters" = "aws:kms", static = "AES256"
    }
    error_message = "What visitors did is encrypted with a key of ours; the static site is public anyway."
  }
  assert {
    condition     = alltrue([for n in ["archive", "dead-letters"] : one(one(aws_s3_bucket_server_side_encryption_configuration.this[n].rule).apply_server_side_encryption_by_default).kms_master_key_id == aws_kms_key.stores.arn])
    error_message = "The key is the stores' own."
  }
  assert {
    condition     = !anytrue([for b in aws_s3_bucket.this : b.force_destroy])
    error_message = "No bucket is destroyed with what it holds, unless asked."
  }
}

run "buckets_refuse_to_speak_without_tls" {
  command = plan

  assert {
    condition     = toset(keys(aws_s3_bucket_policy.this)) == toset(["archive", "dead-letters"])
    error_message = "The static bucket's policy stands in the module edge: a bucket has one."
  }
  assert {
    condition = alltrue([for p in aws_s3_bucket_policy.this : anytrue([for s in jsondecode(p.policy).Statement :
      s.Effect == "Deny" && s.Principal == "*" && s.Action == "s3:*" && length(s.Resource) == 2 && s.Condition.Bool["aws:SecureTransport"] == "false"
    ])])
    error_message = "Whoever comes without TLS is refused, whatever they want."
  }
}

run "the_archive_moves_to_cheaper_storage_and_never_ends" {
  command = plan

  assert {
    condition = {
      for r in aws_s3_bucket_lifecycle_configuration.archive.rule : r.id => toset([for t in r.transition : "${t.storage_class} ${t.days}"])
    } == { compacted = toset(["GLACIER_IR 90", "STANDARD_IA 30"]), leftovers = toset([]) }
    error_message = "The compacted archive moves after 30 and 90 days, to classes that are read at once; nothing else moves."
  }
  assert {
    condition     = one([for r in aws_s3_bucket_lifecycle_configuration.archive.rule : r.filter[0].prefix if r.id == "compacted"]) == "compacted/"
    error_message = "The rule that moves is for what is compacted."
  }
  assert {
    condition     = alltrue(flatten([for r in aws_s3_bucket_lifecycle_configuration.archive.rule : [for e in r.expiration : e.expired_object_delete_marker && e.date == null]]))
    error_message = "Nothing expires: spilled events are on no stream yet, and a rebuild needs every object."
  }
  assert {
    condition     = alltrue([for r in aws_s3_bucket_lifecycle_configuration.archive.rule : r.noncurrent_version_expiration[0].noncurrent_days == 30 if r.id == "leftovers"])
    error_message = "Old versions go after 30 days."
  }
}

run "dead_letters_go_after_a_while_whoever_wrote_them" {
  command = plan

  assert {
    condition     = { for r in aws_s3_bucket_lifecycle_configuration.dead_letters.rule : r.filter[0].prefix => one(r.expiration).days if length(r.expiration) > 0 } == { "records/" = 90, "malformed/" = 90, "aws/lambda/" = 90 }
    error_message = "All kinds of dead letters are deleted after 90 days."
  }
  assert {
    condition     = output.lambda_failure_prefix == "aws/lambda/"
    error_message = "The prefix is Lambda's own."
  }
}

run "the_keys_for_tokens_are_a_secret_that_terraform_does_not_keep" {
  command = plan

  assert {
    condition     = aws_ssm_parameter.token_keys.name == "/liveinsight/dev/token-keys" && aws_ssm_parameter.token_keys.type == "SecureString"
    error_message = "The keys are a SecureString, named by the environment."
  }
  assert {
    condition     = aws_ssm_parameter.token_keys.key_id == aws_kms_key.stores.arn
    error_message = "The keys are encrypted with the key of the stores."
  }
  assert {
    condition     = aws_ssm_parameter.token_keys.value_wo_version == 1
    error_message = "The value is write-only, and written once: another version would undo a rotation."
  }
}

run "what_s3_would_refuse_is_refused_here" {
  command = plan

  variables {
    first_token_key   = "short"
    archive_tiers     = { infrequent_days = 30, glacier_days = 45 }
    dead_letter_days  = 7
    noncurrent_days   = 0
    key_deletion_days = 31
  }

  expect_failures = [
    var.first_token_key, var.archive_tiers, var.dead_letter_days, var.noncurrent_days, var.key_deletion_days,
  ]
}
