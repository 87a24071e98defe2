# The three ways to deploy. What terraform.tfvars says by itself goes before. liveinsight/cost/profiles.py has the same in
# numbers, and `liveinsight cost --profile` says what each costs.

locals {
  profiles = {
    # As little as counts exactly: no web ACL, one shard that keeps a day, few alarms, no traces, no access logs.
    lean = {
      web_acl        = false
      origin_web_acl = false
      http_api       = true
      stream         = { mode = "PROVISIONED", shards = 1, retention_hours = 24, shard_metrics = toset([]) }
      alarms         = "few"
      access_logs    = false
      traced         = false
      dashboard      = false
    }
    # The edge is guarded, and all that can go wrong is watched.
    standard = {
      web_acl        = true
      origin_web_acl = false
      http_api       = true
      stream         = { mode = "PROVISIONED", shards = 1, retention_hours = 168, shard_metrics = toset([]) }
      alarms         = "all"
      access_logs    = true
      traced         = false
      dashboard      = true
    }
    # Everything: events by the REST API, with its usage plans, behind a web ACL of its own.
    guarded = {
      web_acl        = true
      origin_web_acl = true
      http_api       = false
      stream         = { mode = "PROVISIONED", shards = 2, retention_hours = 168, shard_metrics = toset(["IncomingBytes", "IncomingRecords", "WriteProvisionedThroughputExceeded"]) }
      alarms         = "all"
      access_logs    = true
      traced         = true
      dashboard      = true
    }
  }
  profile = local.profiles[var.profile]

  # Where no web ACL looks at the origin secret, the functions do. Of a secret of 32 random bytes the digest tells nothing.
  origin_digests = local.profile.origin_web_acl ? [] : [for secret in nonsensitive(concat([var.origin_secret], var.previous_origin_secret[*])) : sha256(secret)]
}
