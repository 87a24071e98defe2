# From metered units and list prices (var.prices): what an hour costs, before any free tier. The bill
# itself comes hours later.

locals {
  million = 1000000

  # Units of all functions: new ones need no line here.
  priced_units = {
    for unit in ["read_units", "write_units", "put_payload_units"] :
    unit => "SUM(SEARCH('{LiveInsight,service} MetricName=\"${unit}\"', 'Sum', 3600)) * ${var.prices[unit]} / ${local.million}"
  }

  lambda_usage = {
    for function, id in local.ids : id => {
      name       = var.functions[function].name
      gb         = var.functions[function].settings.memory_mb / 1024
      dimensions = ["FunctionName", var.functions[function].name]
    }
  }
  lambda_dollars = join(" + ", [
    for id, usage in local.lambda_usage :
    "FILL(${id}_ms, 0) / 1000 * ${usage.gb} * ${var.prices.lambda_gb_second} + FILL(${id}_n, 0) * ${var.prices.lambda_requests} / ${local.million}"
  ])

  dashboard_cost = [
    {
      type = "metric"
      json = jsonencode({
        title   = "Account's charges this month (USD)", region = "us-east-1", view = "singleValue", period = local.six_hours
        metrics = [["AWS/Billing", "EstimatedCharges", "Currency", "USD", { stat = "Maximum", label = "of ${var.monthly_budget_usd} USD" }]]
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title = "USD per hour at list prices", region = local.region, view = "timeSeries", stacked = true, period = 3600
        metrics = concat(
          [for unit, expression in local.priced_units : [{ expression = expression, id = unit, label = unit }]],
          [[{ expression = local.lambda_dollars, id = "lambda", label = "lambda" }]],
          [[{ expression = "(${join(" + ", [for route, is_http in local.by_intake : "FILL(${route}_requests, 0) * ${is_http ? var.prices.http_api_requests : var.prices.api_requests}"])}) / ${local.million}", id = "api", label = "api requests" }]],
          [for id, usage in local.lambda_usage : concat(["AWS/Lambda", "Duration"], usage.dimensions, [{ id = "${id}_ms", stat = "Sum", visible = false }])],
          [for id, usage in local.lambda_usage : concat(["AWS/Lambda", "Invocations"], usage.dimensions, [{ id = "${id}_n", stat = "Sum", visible = false }])],
          [for route in keys(local.routes) : concat(slice(jsondecode(local.lines["api.${route}.Count"]), 0, 10), [{ id = "${route}_requests", stat = "Sum", visible = false }])],
        )
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title   = "Units per hour, by function", region = local.region, view = "timeSeries", period = 3600
        metrics = [for unit in keys(local.priced_units) : [{ expression = "SEARCH('{LiveInsight,service} MetricName=\"${unit}\"', 'Sum', 3600)", id = unit, label = unit }]]
      })
    },
    {
      type = "metric"
      json = jsonencode({
        title = "Requests at the edge, and at the API", region = "us-east-1", view = "timeSeries", period = 3600
        metrics = concat(
          [jsondecode(local.lines["cloudfront.Requests"])],
          [for route in keys(local.routes) : concat(slice(jsondecode(local.lines["api.${route}.Count"]), 0, 10), [{ stat = "Sum", label = "api.${route}", region = local.region }])],
        )
      })
    },
  ]
}
