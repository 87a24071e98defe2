# What AWS measures in us-east-1: the distribution, its web ACL, its certificate, and the bill.

locals {
  alarms_edge = merge(
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
      waf-blocked = {
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
    # The hit rate is one of CloudFront's additional metrics, which an emulator does not switch on.
    var.emulated ? {} : {
      cache-hit-rate = {
        anchor     = "cache-hit-rate"
        why        = "CloudFront answers under ${var.cache_hit_percent} % of cacheable requests by itself, so the API and the tables pay for the rest. Many readers of private sites have this effect: their answers are never cached at the edge."
        unwell     = false
        metrics    = { hits = local.cloudfront["CacheHitRate"], requests = local.cloudfront["Requests"] }
        expression = "IF(requests >= 1000, hits, 100)"
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

resource "aws_cloudfront_monitoring_subscription" "this" {
  count = var.emulated ? 0 : 1

  distribution_id = var.edge.distribution_id

  monitoring_subscription {
    realtime_metrics_subscription_config {
      realtime_metrics_subscription_status = "Enabled"
    }
  }
}
