mock_provider "aws" {
  source = "../../testing"
}

variables {
  function    = { name = "liveinsight-spill-drain-dev", alias_name = "live", alias_arn = "arn:aws:lambda:eu-central-1:123456789012:function:drain:live" }
  description = "Looks for spilled events."
  expression  = "rate(1 minute)"
}

run "a_run_is_invoked_through_the_alias_and_never_repeated" {
  command = plan

  assert {
    condition     = aws_scheduler_schedule.this.schedule_expression == "rate(1 minute)" && aws_scheduler_schedule.this.target[0].arn == var.function.alias_arn
    error_message = "The schedule invokes the alias."
  }
  assert {
    condition     = aws_scheduler_schedule.this.flexible_time_window[0].mode == "OFF"
    error_message = "Runs begin on time."
  }
  assert {
    condition     = aws_scheduler_schedule.this.target[0].retry_policy[0].maximum_retry_attempts == 0 && aws_scheduler_schedule.this.target[0].retry_policy[0].maximum_event_age_in_seconds == 60
    error_message = "The scheduler does not repeat."
  }
  assert {
    condition = (
      aws_lambda_function_event_invoke_config.this.maximum_retry_attempts == 0 && aws_lambda_function_event_invoke_config.this.maximum_event_age_in_seconds == 60 &&
      aws_lambda_function_event_invoke_config.this.qualifier == "live"
    )
    error_message = "Lambda's queue does not repeat: runs would pile up behind a slow one."
  }
}

run "the_scheduler_may_invoke_this_function_alone" {
  command = plan

  assert {
    condition     = one(jsondecode(aws_iam_role_policy.invoke.policy).Statement).Action == ["lambda:InvokeFunction"] && one(jsondecode(aws_iam_role_policy.invoke.policy).Statement).Resource == [var.function.alias_arn]
    error_message = "Its role invokes the alias, and nothing else."
  }
  assert {
    condition     = one(jsondecode(aws_iam_role.this.assume_role_policy).Statement).Condition.StringEquals["aws:SourceAccount"] == ["123456789012"]
    error_message = "No other account's scheduler takes the role."
  }
}

run "what_the_scheduler_would_refuse_is_refused_here" {
  command = plan

  variables {
    function            = { name = "drain", alias_name = "live", alias_arn = "drain" }
    description         = ""
    expression          = "every minute"
    maximum_age_seconds = 59
  }

  expect_failures = [var.function, var.description, var.expression, var.maximum_age_seconds]
}
