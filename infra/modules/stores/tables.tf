# Every table has the string key pk; all but two have sk as well (runtime/dynamodb.py).

locals {
  # What a table that forgets has lost cannot be brought back: the salts make visitor ids, and end with their two days.
  tables = {
    events   = { sorted = true, expires = true }
    sessions = { sorted = false, expires = true }
    realtime = { sorted = true, expires = true }
    stats    = { sorted = true, expires = false }
    sites    = { sorted = false, expires = false }
    salts    = { sorted = false, expires = true, forgets = true }
  }
}

resource "aws_dynamodb_table" "this" {
  for_each = local.tables

  name         = "liveinsight-${each.key}-${var.environment}"
  billing_mode = var.capacity.mode
  # Starting values: the scaling moves them.
  read_capacity  = local.provisioned ? var.capacity.read.minimum : null
  write_capacity = local.provisioned ? var.capacity.write.minimum : null

  hash_key  = "pk"
  range_key = each.value.sorted ? "sk" : null

  dynamic "attribute" {
    for_each = each.value.sorted ? ["pk", "sk"] : ["pk"]
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "ttl" {
    for_each = each.value.expires ? ["expires_at"] : []
    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled                 = !lookup(each.value, "forgets", false)
    recovery_period_in_days = lookup(each.value, "forgets", false) ? null : var.recovery_days
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.stores.arn
  }

  deletion_protection_enabled = var.deletion_protection

  # For people; AWS Backup goes by ARN (infra/modules/backup).
  tags = contains(["sessions", "sites", "stats"], each.key) ? { BackupSchedule = "daily" } : null

  lifecycle {
    ignore_changes = [read_capacity, write_capacity]
  }
}
