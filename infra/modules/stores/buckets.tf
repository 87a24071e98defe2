# archive: records/, compacted/, manifests/, spill/. dead-letters: records/ by the functions, aws/lambda/ by
# Lambda's mappings. static: the tracker and the dashboard.

locals {
  # Names of buckets are unique in the world: the account's number makes them so.
  bucket_names = {
    for name in ["archive", "dead-letters", "static"] :
    name => "liveinsight-${name}-${var.environment}-${data.aws_caller_identity.current.account_id}"
  }
  # CloudFront reads the static site, which is public anyway: no key of our own to share with it.
  keyed_buckets = toset(["archive", "dead-letters"])
}

resource "aws_s3_bucket" "this" {
  for_each = local.bucket_names

  bucket        = each.value
  force_destroy = var.destroy_buckets_with_content
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    # One data key for many objects: without it KMS is asked, and paid, for every object.
    bucket_key_enabled = contains(local.keyed_buckets, each.key)

    apply_server_side_encryption_by_default {
      sse_algorithm     = contains(local.keyed_buckets, each.key) ? "aws:kms" : "AES256"
      kms_master_key_id = contains(local.keyed_buckets, each.key) ? aws_kms_key.stores.arn : null
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}
