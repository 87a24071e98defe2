mock_provider "aws" {
  source = "../../testing"
}

variables {
  environment = "dev"
  functions = {
    stats = {
      name       = "liveinsight-stats-dev"
      arn        = "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-stats-dev"
      alias_arn  = "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-stats-dev:live"
      alias_name = "live"
    }
    stats-api = {
      name       = "liveinsight-stats-api-dev"
      arn        = "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-stats-api-dev"
      alias_arn  = "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-stats-api-dev:live"
      alias_name = "live"
    }
  }
  alarms = { stats = ["liveinsight-stats-errors-dev", "liveinsight-stats-iterator-age-dev"] }
}

run "each_function_has_a_group_that_moves_a_tenth_first" {
  command = plan

  assert {
    condition     = aws_codedeploy_app.this.name == "liveinsight-dev" && aws_codedeploy_app.this.compute_platform == "Lambda"
    error_message = "The application must be one for Lambda, named after the environment."
  }
  assert {
    condition     = toset(keys(aws_codedeploy_deployment_group.function)) == toset(["stats", "stats-api"])
    error_message = "Every function needs a deployment group."
  }
  assert {
    condition     = alltrue([for group in aws_codedeploy_deployment_group.function : group.deployment_config_name == "CodeDeployDefault.LambdaCanary10Percent5Minutes"])
    error_message = "A tenth of the traffic must go first, for five minutes."
  }
  assert {
    condition = alltrue([
      for group in aws_codedeploy_deployment_group.function :
      group.deployment_style[0].deployment_option == "WITH_TRAFFIC_CONTROL" && group.deployment_style[0].deployment_type == "BLUE_GREEN"
    ])
    error_message = "Lambda deployments shift traffic, blue to green."
  }
}

run "an_alarm_rolls_back" {
  command = plan

  assert {
    condition = (
      aws_codedeploy_deployment_group.function["stats"].alarm_configuration[0].enabled &&
      aws_codedeploy_deployment_group.function["stats"].alarm_configuration[0].alarms == toset(["liveinsight-stats-errors-dev", "liveinsight-stats-iterator-age-dev"]) &&
      !aws_codedeploy_deployment_group.function["stats"].alarm_configuration[0].ignore_poll_alarm_failure
    )
    error_message = "The alarms of a function must stop its release, also when they cannot be read."
  }
  assert {
    condition     = !aws_codedeploy_deployment_group.function["stats-api"].alarm_configuration[0].enabled
    error_message = "Without alarms there is nothing to watch."
  }
  assert {
    condition = alltrue([
      for group in aws_codedeploy_deployment_group.function : group.auto_rollback_configuration[0].enabled &&
      group.auto_rollback_configuration[0].events == toset(["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"])
    ])
    error_message = "A failed, alarmed or stopped release must roll back by itself."
  }
}

run "the_role_may_move_these_aliases_and_no_others" {
  command = plan

  assert {
    condition = toset(jsondecode(aws_iam_role_policy.codedeploy.policy).Statement[0].Resource) == toset([
      "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-stats-dev",
      "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-stats-dev:live",
      "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-stats-api-dev",
      "arn:aws:lambda:eu-central-1:123456789012:function:liveinsight-stats-api-dev:live",
    ])
    error_message = "The role must reach the functions' aliases only."
  }
  assert {
    condition = toset(jsondecode(aws_iam_role_policy.codedeploy.policy).Statement[0].Action) == toset([
      "lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig",
    ])
    error_message = "The role must move aliases and do nothing else to functions."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.codedeploy.policy).Statement[1].Resource == "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"
    error_message = "The role must see the alarms of this account and region only."
  }
  assert {
    condition = (
      jsondecode(aws_iam_role.codedeploy.assume_role_policy).Statement[0].Principal.Service == "codedeploy.amazonaws.com" &&
      jsondecode(aws_iam_role.codedeploy.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    )
    error_message = "Only CodeDeploy may take the role, and only for this account."
  }
}

run "the_tool_finds_what_it_needs" {
  command = plan

  assert {
    condition = output.release == {
      application = "liveinsight-dev"
      functions = {
        stats     = { name = "liveinsight-stats-dev", alias = "live", deployment_group = "stats" }
        stats-api = { name = "liveinsight-stats-api-dev", alias = "live", deployment_group = "stats-api" }
      }
    }
    error_message = "infra/release reads this output."
  }
}

run "a_bad_environment_is_refused" {
  command = plan
  variables { environment = "Dev!" }
  expect_failures = [var.environment]
}

run "no_functions_are_refused" {
  command = plan
  variables {
    functions = {}
    alarms    = {}
  }
  expect_failures = [var.functions]
}

run "an_alias_of_another_function_is_refused" {
  command = plan
  variables {
    functions = { stats = { name = "a", arn = "arn:a", alias_arn = "arn:b:live", alias_name = "live" } }
  }
  expect_failures = [var.functions]
}

run "alarms_of_an_unknown_function_are_refused" {
  command = plan
  variables { alarms = { nobody = ["a"] } }
  expect_failures = [var.alarms]
}

run "eleven_alarms_are_refused" {
  command = plan
  variables { alarms = { stats = [for number in range(11) : "alarm-${number}"] } }
  expect_failures = [var.alarms]
}

run "an_unknown_configuration_is_refused" {
  command = plan
  variables { deployment_config_name = "CodeDeployDefault.OneAtATime" }
  expect_failures = [var.deployment_config_name]
}
