# Three rows of questions: is it well, how late is it, what does it cost. Widgets are values in
# dashboard_*.tf; this file gives them their places, 24 columns wide.

locals {
  region = data.aws_region.current.name

  rows = [
    # Without web ACLs nothing is turned away by them.
    { title = "Is it well?", widgets = [for widget in local.dashboard_well : widget if try(length(jsondecode(widget.json).metrics), 1) > 0] },
    { title = "How late is it?", widgets = local.dashboard_late },
    { title = "What does it cost?", widgets = local.dashboard_cost },
  ]

  widget_height = 6
  widget_width  = 6
  per_line      = 24 / local.widget_width

  # Where each row begins: below its predecessors, of which each has a title (1) and its lines.
  row_lines = [for row in local.rows : ceil(length(row.widgets) / local.per_line)]
  row_tops = [
    for i in range(length(local.rows)) : sum(concat([0], [for lines in slice(local.row_lines, 0, i) : 1 + lines * local.widget_height]))
  ]

  widgets = flatten([
    for i, row in local.rows : concat(
      [{ type = "text", x = 0, y = local.row_tops[i], width = 24, height = 1, properties = { markdown = "## ${row.title}" } }],
      [
        for j, widget in row.widgets : {
          type   = widget.type
          x      = (j % local.per_line) * local.widget_width
          y      = local.row_tops[i] + 1 + floor(j / local.per_line) * local.widget_height
          width  = local.widget_width
          height = local.widget_height
          # Encoded and decoded, so that widgets of every kind fit into one list.
          properties = jsondecode(widget.json)
        }
      ],
    )
  ])

  # In the dashboard's form, a metric is a list: namespace, name, dimension, value, ..., options.
  lines = {
    for name, metric in merge(
      { for name, metric in local.ours : "ours.${name}" => metric },
      { for name, metric in local.lambda : "lambda.${name}" => metric },
      { for name, metric in local.kinesis : "kinesis.${name}" => metric },
      { for name, metric in local.dynamodb : "dynamodb.${name}" => metric },
      { for name, metric in local.largest_item : "largest_item.${name}" => metric },
      { for name, metric in local.api : "api.${name}" => metric },
      { for name, metric in local.cloudfront : "cloudfront.${name}" => metric },
      { for name, metric in local.waf : "waf.${name}" => metric },
    ) : name => jsonencode(concat([metric.namespace, metric.name], flatten([for dimension, value in metric.dimensions : [dimension, value]]), [{ stat = metric.stat, label = name }]))
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard ? 1 : 0

  dashboard_name = local.name
  dashboard_body = jsonencode({ start = "-PT3H", periodOverride = "inherit", widgets = local.widgets })
}
