# Everything of a deployment is made before this, and so would be destroyed after it: while this refuses, nothing goes.
#
# Terraform's own prevent_destroy takes no variable, and DynamoDB's deletion protection stops a destroy only where it arrives at
# the tables: of prod's 290 resources 284 were gone by then.

resource "terraform_data" "this" {
  input = { environment = var.environment, protected = var.protected }

  provisioner "local-exec" {
    when    = destroy
    command = self.output.protected ? "echo '${self.output.environment} is protected: nothing was destroyed. To mean it: stores = { deletion_protection = false, ... }, terraform apply, and then terraform destroy.' >&2; exit 1" : "true"
    quiet   = true
  }
}
