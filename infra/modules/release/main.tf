# Traffic moves from one published version of a function to the next by a weighted alias, and back when
# an alarm fires. Terraform makes the alias and the versions; CodeDeploy alone moves it afterwards.

locals {
  name = "liveinsight-${var.environment}"
}

resource "aws_codedeploy_app" "this" {
  name             = local.name
  compute_platform = "Lambda"
}

resource "aws_codedeploy_deployment_group" "function" {
  for_each = var.functions

  app_name               = aws_codedeploy_app.this.name
  deployment_group_name  = each.key
  deployment_config_name = var.deployment_config_name
  service_role_arn       = aws_iam_role.codedeploy.arn

  deployment_style {
    deployment_type   = "BLUE_GREEN"
    deployment_option = "WITH_TRAFFIC_CONTROL"
  }

  alarm_configuration {
    enabled = length(lookup(var.alarms, each.key, [])) > 0
    alarms  = lookup(var.alarms, each.key, [])
    # An alarm that cannot be read must stop a release: it would be blind.
    ignore_poll_alarm_failure = false
  }

  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
  }

  # CodeDeploy asks for the alias when a group is made.
  depends_on = [aws_iam_role_policy.codedeploy]
}
