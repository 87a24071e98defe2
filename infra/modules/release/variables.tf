variable "environment" {
  type        = string
  description = "Name of the environment, a part of every name."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.environment))
    error_message = "environment must have 2 to 16 small letters, digits or hyphens and begin with a letter."
  }
}

variable "functions" {
  type = map(object({
    name       = string
    arn        = string
    alias_arn  = string
    alias_name = string
  }))
  description = "The functions to release, by their names without prefix and environment: outputs of the modules collector, processors and api."

  validation {
    condition     = length(var.functions) > 0
    error_message = "functions must name one function or more."
  }

  validation {
    condition     = alltrue([for function in values(var.functions) : function.alias_arn == "${function.arn}:${function.alias_name}"])
    error_message = "every function's alias_arn must be its arn, a colon and its alias_name."
  }
}

variable "alarms" {
  type        = map(list(string))
  description = "Names of the alarms that stop the release of a function and roll it back, by function. CodeDeploy takes up to 10 for each."
  default     = {}

  validation {
    condition     = alltrue([for function in keys(var.alarms) : contains(keys(var.functions), function)])
    error_message = "alarms names a function that is not among functions."
  }

  validation {
    condition     = alltrue([for names in values(var.alarms) : length(names) <= 10 && length(names) == length(distinct(names))])
    error_message = "CodeDeploy takes up to 10 different alarms for a function."
  }
}

variable "deployment_config_name" {
  type        = string
  description = "How traffic moves to a new version: one of CodeDeploy's own configurations for Lambda."
  default     = "CodeDeployDefault.LambdaCanary10Percent5Minutes"

  validation {
    condition = contains([
      "CodeDeployDefault.LambdaAllAtOnce",
      "CodeDeployDefault.LambdaCanary10Percent5Minutes",
      "CodeDeployDefault.LambdaCanary10Percent10Minutes",
      "CodeDeployDefault.LambdaCanary10Percent15Minutes",
      "CodeDeployDefault.LambdaCanary10Percent30Minutes",
      "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
      "CodeDeployDefault.LambdaLinear10PercentEvery2Minutes",
      "CodeDeployDefault.LambdaLinear10PercentEvery3Minutes",
      "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes",
    ], var.deployment_config_name)
    error_message = "deployment_config_name must be one of CodeDeploy's configurations for Lambda, such as CodeDeployDefault.LambdaCanary10Percent5Minutes."
  }
}
