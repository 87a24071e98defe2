# What API Gateway answers by itself looks like every other problem of the API (RFC 9457), and browsers may read it from any
# page: it says nothing about anybody.

locals {
  problems = {
    DEFAULT_4XX         = { status = null, title = "Bad Request", code = "refused", detail = "The API's gateway refused the request." }
    DEFAULT_5XX         = { status = null, title = "Internal Server Error", code = "internal_error", detail = "The API failed. Send the request again.", retry_after = 5 }
    ACCESS_DENIED       = { status = 403, title = "Forbidden", code = "forbidden", detail = "This request is not allowed." }
    BAD_REQUEST_BODY    = { status = 400, title = "Bad Request", code = "invalid_body", detail = "The body is not JSON in UTF-8, or not the object that the route takes." }
    INTEGRATION_FAILURE = { status = 503, title = "Service Unavailable", code = "function_unavailable", detail = "The function did not answer. Send the request again.", retry_after = 5 }
    INTEGRATION_TIMEOUT = { status = 503, title = "Service Unavailable", code = "function_unavailable", detail = "The function did not answer in time. Send the request again.", retry_after = 5 }
    INVALID_API_KEY     = { status = 403, title = "Forbidden", code = "api_key_invalid", detail = "This route takes a key of its usage plan in the header X-API-Key." }
    # API Gateway's answer to a path or a method that is not there.
    MISSING_AUTHENTICATION_TOKEN = { status = 404, title = "Not Found", code = "not_found", detail = "There is no such route: see docs/api.md." }
    QUOTA_EXCEEDED               = { status = 429, title = "Too Many Requests", code = "quota_exceeded", detail = "The key's quota is used up.", retry_after = 3600 }
    REQUEST_TOO_LARGE            = { status = 413, title = "Content Too Large", code = "body_too_large", detail = "A body has at most 65536 bytes: send fewer events at once." }
    THROTTLED                    = { status = 429, title = "Too Many Requests", code = "throttled", detail = "Too many requests at once. Send it again.", retry_after = 1 }
    UNSUPPORTED_MEDIA_TYPE       = { status = 415, title = "Unsupported Media Type", code = "unsupported_media_type", detail = "Send application/json or text/plain." }
    WAF_FILTERED                 = { status = 403, title = "Forbidden", code = "forbidden", detail = "This request is not allowed." }
  }
}

resource "aws_api_gateway_gateway_response" "this" {
  for_each = local.problems

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key
  status_code   = each.value.status == null ? null : tostring(each.value.status)

  response_templates = {
    "application/json" = jsonencode(merge(
      { type = "about:blank", title = each.value.title, code = each.value.code, detail = each.value.detail },
      # The status of the two defaults is only known when they happen.
      each.value.status == null ? {} : { status = each.value.status },
    ))
  }

  response_parameters = merge(
    {
      "gatewayresponse.header.Content-Type"                  = "'application/problem+json'"
      "gatewayresponse.header.Cache-Control"                 = "'no-store'"
      "gatewayresponse.header.X-Content-Type-Options"        = "'nosniff'"
      "gatewayresponse.header.Access-Control-Allow-Origin"   = "'*'"
      "gatewayresponse.header.Access-Control-Expose-Headers" = "'Retry-After'"
    },
    try({ "gatewayresponse.header.Retry-After" = "'${each.value.retry_after}'" }, {}),
  )
}
