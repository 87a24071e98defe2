# Saved questions for CloudWatch Logs Insights; the runbook names them. Logs hold no addresses, so
# neither do the answers.

locals {
  log_groups = { for function, deployed in var.functions : function => deployed.log_group_name }

  queries = {
    errors = {
      groups = values(local.log_groups)
      query  = <<-EOT
        fields @timestamp, @log, level, message, exception
        | filter level in ["ERROR", "CRITICAL"] or @message like /Task timed out|Runtime exited|Traceback/
        | sort @timestamp desc
        | limit 100
      EOT
    }
    faulted-batches = {
      groups = [for consumer in local.consumers : local.log_groups[consumer]]
      query  = <<-EOT
        fields @timestamp, service, records, exception_name, exception
        | filter message = "batch_faulted"
        | stats count(*) as batches, sum(records) as records by service, exception_name, bin(5m)
        | sort batches desc
      EOT
    }
    poison = {
      groups = [for consumer in local.consumers : local.log_groups[consumer]]
      query  = <<-EOT
        fields @timestamp, service, records_poisoned
        | filter records_poisoned > 0
        | stats sum(records_poisoned) as records by service, bin(5m)
        | sort records desc
      EOT
    }
    refusals = {
      groups = [local.log_groups["event-collector"]]
      query  = <<-EOT
        filter ispresent(events_accepted) or ispresent(requests_malformed)
        | stats sum(events_accepted) as accepted, sum(events_rejected) as rejected, sum(events_dropped) as dropped,
            sum(requests_malformed) as malformed, sum(requests_spilled) as spilled by bin(5m)
      EOT
    }
    slow-invocations = {
      groups = values(local.log_groups)
      query  = <<-EOT
        filter @type = "REPORT"
        | stats count(*) as invocations, pct(@duration, 50) as p50, pct(@duration, 95) as p95, max(@duration) as longest,
            max(@maxMemoryUsed / 1000000) as memory_mb by @log
        | sort p95 desc
      EOT
    }
    cold-starts = {
      groups = values(local.log_groups)
      query  = <<-EOT
        filter @type = "REPORT"
        | stats count(*) as invocations, count(@initDuration) as cold, avg(@initDuration) as mean_ms, max(@initDuration) as longest_ms by @log, bin(1h)
        | sort cold desc
      EOT
    }
    spill = {
      groups = [local.log_groups["event-collector"], local.log_groups["spill-drain"]]
      query  = <<-EOT
        fields @timestamp, @log, message, records_drained, spills_left, stopped_by
        | filter message = "drain_stopped" or message like /spill|the stream/
        | sort @timestamp desc
        | limit 100
      EOT
    }
    consumption = {
      groups = values(local.log_groups)
      query  = <<-EOT
        filter ispresent(requests_made)
        | stats sum(requests_made) as requests, sum(read_units) as reads, sum(write_units) as writes,
            sum(put_payload_units) as put_units by service, bin(1h)
      EOT
    }
  }
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each = { for name, query in local.queries : name => query if !var.emulated }

  name            = "${local.name}/${each.key}"
  log_group_names = each.value.groups
  query_string    = each.value.query
}
