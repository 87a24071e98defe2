output "release" {
  description = "What python -m infra.release needs: the CodeDeploy application, and by function its deployed name, alias and deployment group."
  value = {
    application = aws_codedeploy_app.this.name
    functions = {
      for function, group in aws_codedeploy_deployment_group.function : function => {
        name             = var.functions[function].name
        alias            = var.functions[function].alias_name
        deployment_group = group.deployment_group_name
      }
    }
  }
}

output "role_arn" {
  description = "The role with which CodeDeploy moves the aliases."
  value       = aws_iam_role.codedeploy.arn
}
