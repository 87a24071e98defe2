# One statement for each group of actions. DynamoDB and S3 ask for the key of the stores in the function's name.
#
# s3:ListBucket is limited by StringLikeIfExists, not StringLike: S3 asks for it also when it answers 404 to a read, and
# then there is no prefix. Without it the answer is 403, a fault that is repeated for ever.

locals {
  dead_letters = var.dead_letters_bucket.arn

  # What every consumer does: read the stream, and keep what can never be processed.
  consumer_statements = [
    {
      sid = "ReadTheStream"
      actions = [
        "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator",
        "kinesis:ListShards",
      ]
      resources = [var.stream.arn]
    },
    {
      sid       = "DecryptTheStream"
      actions   = ["kms:Decrypt"]
      resources = [var.stream.kms_key_arn]
    },
    {
      # Under aws/lambda/ Lambda itself writes in the function's name, and asks to list the bucket.
      # https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
      sid       = "KeepDeadLetters"
      actions   = ["s3:PutObject"]
      resources = ["${local.dead_letters}/records/*", "${local.dead_letters}/aws/lambda/*"]
    },
    {
      sid       = "ListDeadLetters"
      actions   = ["s3:ListBucket"]
      resources = [local.dead_letters]
    },
    {
      sid       = "UseTheKeyOfTheStores"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.stores_kms_key_arn]
    },
  ]

  own_statements = {
    archive = [
      {
        sid        = "ListTheArchive"
        actions    = ["s3:ListBucket"]
        resources  = [var.archive_bucket.arn]
        conditions = { StringLikeIfExists = { "s3:prefix" = ["records/*", "manifests/*"] } }
      },
      {
        sid        = "ReadTheArchive"
        actions    = ["s3:GetObject"]
        resources  = [for prefix in ["records", "compacted", "manifests"] : "${var.archive_bucket.arn}/${prefix}/*"]
        conditions = {}
      },
      {
        sid        = "AppendToTheArchive"
        actions    = ["s3:PutObject"]
        resources  = ["${var.archive_bucket.arn}/records/*"]
        conditions = {}
      },
      {
        # Of an object that somebody has cut off: one that says what is gone takes its place.
        sid        = "ReplaceWhatIsBroken"
        actions    = ["s3:DeleteObject"]
        resources  = ["${var.archive_bucket.arn}/records/*"]
        conditions = {}
      },
      {
        sid        = "KeepMalformedRequests"
        actions    = ["s3:PutObject"]
        resources  = ["${local.dead_letters}/malformed/*"]
        conditions = {}
      },
      {
        sid        = "KeepRawEvents"
        actions    = ["dynamodb:BatchWriteItem"]
        resources  = [var.tables["events"].arn]
        conditions = {}
      },
      {
        sid        = "CountWhatWasArchived"
        actions    = ["dynamodb:BatchGetItem", "dynamodb:PutItem"]
        resources  = [var.tables["stats"].arn]
        conditions = {}
      },
      {
        sid        = "ReadSeals"
        actions    = ["dynamodb:Query"]
        resources  = [var.tables["stats"].arn]
        conditions = {}
      },
      {
        sid        = "ReadSites"
        actions    = ["dynamodb:BatchGetItem"]
        resources  = [var.tables["sites"].arn]
        conditions = {}
      },
    ]
    realtime = [
      {
        sid        = "CountMinutes"
        actions    = ["dynamodb:BatchGetItem", "dynamodb:PutItem"]
        resources  = [var.tables["realtime"].arn]
        conditions = {}
      },
    ]
    stats = [
      {
        sid        = "CountIntoRollupsAndStates"
        actions    = ["dynamodb:BatchGetItem", "dynamodb:PutItem"]
        resources  = [var.tables["stats"].arn, var.tables["sessions"].arn]
        conditions = {}
      },
      {
        sid        = "ReadSeals"
        actions    = ["dynamodb:Query"]
        resources  = [var.tables["stats"].arn]
        conditions = {}
      },
      {
        sid        = "ReadSites"
        actions    = ["dynamodb:BatchGetItem"]
        resources  = [var.tables["sites"].arn]
        conditions = {}
      },
    ]
  }

  compactor_statements = [
    {
      sid        = "ListTheArchive"
      actions    = ["s3:ListBucket"]
      resources  = [var.archive_bucket.arn]
      conditions = { StringLikeIfExists = { "s3:prefix" = ["records/*", "compacted/*", "manifests/*"] } }
    },
    {
      sid       = "ReadTheArchive"
      actions   = ["s3:GetObject"]
      resources = [for prefix in ["records", "compacted", "manifests"] : "${var.archive_bucket.arn}/${prefix}/*"]
    },
    {
      # What was joined, and what retention has left of it: of records/, too.
      sid       = "WriteWhatIsJoined"
      actions   = ["s3:PutObject"]
      resources = [for prefix in ["records", "compacted", "manifests"] : "${var.archive_bucket.arn}/${prefix}/*"]
    },
    {
      sid       = "DeleteWhatWasJoined"
      actions   = ["s3:DeleteObject"]
      resources = [for prefix in ["records", "compacted"] : "${var.archive_bucket.arn}/${prefix}/*"]
    },
    {
      sid       = "AskSitesForTheirRetention"
      actions   = ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Scan"]
      resources = [var.tables["sites"].arn]
    },
    {
      sid       = "UseTheKeyOfTheStores"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.stores_kms_key_arn]
    },
  ]
  sealer_statements = [
    {
      sid       = "ReadOpenDaysAndSeals"
      actions   = ["dynamodb:BatchGetItem", "dynamodb:Query"]
      resources = [var.tables["stats"].arn]
    },
    {
      # In batches the pieces of a seal that is larger than an item may be.
      sid       = "FreezeAndSeal"
      actions   = ["dynamodb:BatchWriteItem", "dynamodb:PutItem"]
      resources = [var.tables["stats"].arn]
    },
    {
      sid       = "DropWhatIsSealed"
      actions   = ["dynamodb:DeleteItem"]
      resources = [var.tables["stats"].arn]
    },
    {
      sid       = "ListSitesAndLetThemGrow"
      actions   = ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Scan"]
      resources = [var.tables["sites"].arn]
    },
    {
      # DynamoDB asks for them in the function's name.
      sid       = "UseTheKeyOfTheStores"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.stores_kms_key_arn]
    },
  ]
}
