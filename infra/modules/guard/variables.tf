variable "environment" {
  description = "Name of the deployment, such as prod."
  type        = string
}

variable "protected" {
  description = "Whether a destroy of the deployment is refused, before anything of it goes."
  type        = bool
}
