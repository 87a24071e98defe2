# With provisioned capacity, each table's reads and writes follow their use between two bounds.

locals {
  provisioned = var.capacity.mode == "PROVISIONED"

  scaled = local.provisioned ? {
    for pair in setproduct(keys(local.tables), ["read", "write"]) : "${pair[0]}-${pair[1]}" => {
      table     = pair[0]
      dimension = pair[1] == "read" ? "dynamodb:table:ReadCapacityUnits" : "dynamodb:table:WriteCapacityUnits"
      metric    = pair[1] == "read" ? "DynamoDBReadCapacityUtilization" : "DynamoDBWriteCapacityUtilization"
      bounds    = pair[1] == "read" ? var.capacity.read : var.capacity.write
    }
  } : {}
}

resource "aws_appautoscaling_target" "this" {
  for_each = local.scaled

  service_namespace  = "dynamodb"
  resource_id        = "table/${aws_dynamodb_table.this[each.value.table].name}"
  scalable_dimension = each.value.dimension
  min_capacity       = each.value.bounds.minimum
  max_capacity       = each.value.bounds.maximum
}

resource "aws_appautoscaling_policy" "this" {
  for_each = local.scaled

  name               = "liveinsight-${each.key}-${var.environment}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value = var.capacity.target_percent

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
    }
  }
}
