resource "aws_budgets_budget" "monthly" {
  count = var.emulated ? 0 : 1

  name         = local.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"

  dynamic "cost_filter" {
    for_each = var.budget_tag[*]
    content {
      name   = "TagKeyValue"
      values = [cost_filter.value]
    }
  }

  # The forecast leaves time to act; the other two say that it came true.
  dynamic "notification" {
    for_each = [
      { type = "FORECASTED", percent = 100 },
      { type = "ACTUAL", percent = 80 },
      { type = "ACTUAL", percent = 100 },
    ]
    content {
      notification_type         = notification.value.type
      threshold                 = notification.value.percent
      threshold_type            = "PERCENTAGE"
      comparison_operator       = "GREATER_THAN"
      subscriber_sns_topic_arns = [aws_sns_topic.alarms_us_east_1.arn]
    }
  }

  depends_on = [aws_sns_topic_policy.alarms_us_east_1]
}
