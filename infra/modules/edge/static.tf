# Who may read the static bucket. A bucket has one policy, and this one names the distribution: so it
# stands here and not beside the bucket.

locals {
  static_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyTheDistributionReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${var.static_bucket.arn}/*"
        Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.this.arn } }
      },
      {
        # Without it S3 answers 403 for a file that does not exist.
        Sid       = "TheDistributionSeesWhatIsMissing"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:ListBucket"
        Resource  = var.static_bucket.arn
        Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.this.arn } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [var.static_bucket.arn, "${var.static_bucket.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  }
}

resource "aws_s3_bucket_policy" "static" {
  bucket = var.static_bucket.name
  policy = jsonencode(local.static_policy)
}
