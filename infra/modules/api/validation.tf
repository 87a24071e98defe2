# API Gateway turns away what the collector would turn away, before a function runs; never what the collector takes. It
# checks no field of an event: the collector counts what it refuses, and keeps it for a redrive. Of text/plain, which the
# tracker sends, it checks nothing of events at all. (docs/decisions/0013-terraform.md)

locals {
  event_models = { "application/json" = aws_api_gateway_model.this["Events"].name }
  token_models = {
    "application/json" = aws_api_gateway_model.this["TokenRequest"].name
    "text/plain"       = aws_api_gateway_model.this["TokenRequest"].name
  }

  schemas = {
    Events       = { file = "events.json", description = "One event, or an object with a list of them." }
    TokenRequest = { file = "token_request.json", description = "A session that asks for its token." }
  }
}

resource "aws_api_gateway_model" "this" {
  for_each = local.schemas

  rest_api_id  = aws_api_gateway_rest_api.this.id
  name         = each.key
  description  = each.value.description
  content_type = "application/json"
  schema       = jsonencode(jsondecode(file("${path.module}/schemas/${each.value.file}")))
}

resource "aws_api_gateway_request_validator" "body" {
  rest_api_id                 = aws_api_gateway_rest_api.this.id
  name                        = "body"
  validate_request_body       = true
  validate_request_parameters = false
}
