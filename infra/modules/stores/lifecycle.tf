# What moves to cheaper storage, and what ends. In the archive nothing ever expires: what lies under spill/ was accepted
# and is on no stream yet, and a rebuild needs every object that a manifest names.

resource "aws_s3_bucket_lifecycle_configuration" "archive" {
  bucket = aws_s3_bucket.this["archive"].id

  # A rebuild reads it at once, so no class that has to be thawed first. What lies under records/ is small, and joined
  # into larger objects here within days: moving it would cost more than it saves.
  rule {
    id     = "compacted"
    status = "Enabled"

    filter {
      prefix = "compacted/"
    }

    transition {
      storage_class = "STANDARD_IA"
      days          = var.archive_tiers.infrequent_days
    }

    transition {
      storage_class = "GLACIER_IR"
      days          = var.archive_tiers.glacier_days
    }
  }

  rule {
    id     = "leftovers"
    status = "Enabled"

    filter {}

    # What was drained or compacted, and so deleted, is kept a while longer as an old version. The marker that is left
    # behind goes too: the drain lists spill/ every minute, and would wade through them.
    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "dead_letters" {
  bucket = aws_s3_bucket.this["dead-letters"].id

  # By the functions, of what the collector refused for its form, and by Lambda's mappings.
  dynamic "rule" {
    for_each = { records = "records/", malformed = "malformed/", lambda = local.lambda_failure_prefix }
    content {
      id     = rule.key
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = var.dead_letter_days
      }

      noncurrent_version_expiration {
        noncurrent_days = var.noncurrent_days
      }
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "static" {
  bucket = aws_s3_bucket.this["static"].id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
