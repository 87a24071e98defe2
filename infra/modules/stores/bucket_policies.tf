# Nobody speaks to a bucket without TLS. The static bucket's policy names the distribution that reads it, so it stands in
# the module edge: a bucket has one policy.

resource "aws_s3_bucket_policy" "this" {
  for_each = { for name, bucket in aws_s3_bucket.this : name => bucket if name != "static" }

  bucket = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [each.value.arn, "${each.value.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 refuses to change both at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
