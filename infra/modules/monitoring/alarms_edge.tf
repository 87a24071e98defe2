# What AWS measures in us-east-1: the distribution, its web ACL, its certificate, and the bill.

locals {
  every_edge = merge(
    {
      for acl in setintersection(["edge"], keys(local.web_acls)) : "waf-blocked" => {
        anchor     = "waf-blocked"
        why        = "The edge turns away more than a fifth of all requests: an attack, or a rule that takes visitors for attackers."
        unwell     = false
        metrics    = { blocked = local.waf["edge.BlockedRequests"], allowed = local.waf["edge.AllowedRequests"] }
        expression = "IF(FILL(blocked, 0) >= 500, 100 * FILL(blocked, 0) / (FILL(blocked, 0) + FILL(allowed, 0)), 0)"
        threshold  = 20
        period     = 300
        datapoints = [2, 3]
        missing    = "notBreaching"
      }
    },
    {
      edge-5xx = {
        anchor     = "edge-5xx"
        why        = "More than 1 % of what CloudFront answers is a 5xx, whether it comes from the API or from CloudFront's way to it."
        unwell     = false # collector-5xx and api-5xx say it sooner, in the region of the composite alarm
        metrics    = { rate = local.cloudfront["5xxErrorRate"], requests = local.cloudfront["Requests"] }
        expression = "IF(requests >= 100, rate, 0)"
        threshold  = 1
        period     = 300
        datapoints = [3, 3]
        missing    = "notBreaching"
      }
      cost = {
        anchor     = "cost"
        why        = "The account's charges of this month have passed ${var.monthly_budget_usd} US dollars. The budget warned before, if its tag counts the same."
        unwell     = false
        metrics    = { charges = { namespace = "AWS/Billing", name = "EstimatedCharges", stat = "Maximum", dimensions = { Currency = "USD" } } }
        threshold  = var.monthly_budget_usd
        period     = local.six_hours
        datapoints = [1, 1]
        missing    = "ignore" # AWS updates it a few times a day
      }
    },
    # Counted from the access log, which an emulator does not write.
    !local.counts_files ? {} : {
      cache-hit-rate = {
        anchor     = "cache-hit-rate"
        why        = "CloudFront answers under ${var.cache_hit_percent} % of requests for files (tracker, dashboard) by itself, so pages wait for the bucket."
        unwell     = false
        metrics    = { hits = local.files["hits"], requests = local.files["requests"] }
        expression = "IF(FILL(requests, 0) >= 1000, 100 * FILL(hits, 0) / FILL(requests, 0), 100)"
        comparison = "LessThanThreshold"
        threshold  = var.cache_hit_percent
        period     = 3600
        datapoints = [3, 3]
        missing    = "notBreaching" # nobody asked
      }
    },
    {
      for certificate in var.certificate_arn[*] : "certificate-expiry" => {
        anchor     = "certificate-expiry"
        why        = "The certificate ends in under 30 days. ACM renews by itself 60 days before, unless its DNS record is gone."
        unwell     = false
        metrics    = { days = { namespace = "AWS/CertificateManager", name = "DaysToExpiry", stat = "Minimum", dimensions = { CertificateArn = certificate } } }
        comparison = "LessThanThreshold"
        threshold  = 30
        period     = 86400
        datapoints = [1, 1]
        missing    = "ignore" # measured twice a day
      }
    },
  )
}

locals {
  counts_files = !var.emulated && var.edge.access_log_group_name != null
  alarms_edge  = { for name, alarm in local.every_edge : name => alarm if var.alarms == "all" || contains(local.few_others, name) }
}

# CloudFront's own hit rate is that of the whole distribution: one dashboard on a private site, which asks every 3 s and may never
# be answered from a cache, would ring by night. So files are counted, from the access log.
# Limits of the patterns: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
resource "aws_cloudwatch_log_metric_filter" "files" {
  for_each = !local.counts_files ? {} : {
    hits     = "($.x-edge-result-type = \"*Hit\")"
    requests = "(($.x-edge-result-type = \"*Hit\") || ($.x-edge-result-type = \"Miss\"))"
  }
  provider = aws.us_east_1

  name           = "${local.name}-files-${each.key}"
  log_group_name = var.edge.access_log_group_name
  pattern        = "{ ($.cs-uri-stem != \"/api/*\") && ${each.value} }"

  metric_transformation {
    namespace = local.files[each.key].namespace
    name      = local.files[each.key].name
    value     = "1"
  }
}
