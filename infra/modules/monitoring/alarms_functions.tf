# Lambda itself: room, time, schedules.

locals {
  ids = { for function in keys(var.functions) : function => replace(function, "-", "_") }

  # An alarm adds up ten metrics at most. Left out where all are added up are the function that only owners call, by hand, and the
  # one that answers the questions of single readers: front-errors has both.
  busy = { for function, id in local.ids : function => id if !contains(["rebuild-api", "query-api"], function) }

  fronts = ["event-collector", "realtime-api", "stats-api", "query-api", "reconciliation-api", "rebuild-api"]

  # What a job does not do, its next run does: it rings when that fails, too.
  jobs = {
    spill-drain       = { period = 300, datapoints = [2, 3], why = "The spill's drain, which runs every minute, fails: spilled events stay uncounted." }
    archive-compactor = { period = 3600, datapoints = [1, 1], why = "The archive's compactor, which runs daily, failed: small objects pile up." }
    sealer            = { period = 3600, datapoints = [2, 3], why = "The sealer, which runs hourly, fails: closed days stay open, reads get slower, and sites do not grow." }
  }
  alarms_jobs = {
    for job, one in local.jobs : "job-errors-${job}" => {
      anchor     = "job-errors"
      why        = "${one.why} Nothing is lost."
      unwell     = false
      metrics    = { errors = local.lambda["${job}.Errors"] }
      threshold  = 0
      period     = one.period
      datapoints = one.datapoints
      missing    = "notBreaching"
    }
  }

  alarms_functions = {
    front-errors = {
      anchor     = "front-errors"
      why        = "The collector or a read API ends with an error instead of an answer: a fault that its code does not know, or no time or memory left."
      unwell     = false
      metrics    = { for function in local.fronts : local.ids[function] => local.lambda["${function}.Errors"] }
      expression = join(" + ", [for function in local.fronts : "FILL(${local.ids[function]}, 0)"])
      threshold  = 2
      period     = 300
      datapoints = [2, 3]
      missing    = "notBreaching"
    }
    lambda-throttles = {
      anchor     = "lambda-throttles"
      why        = "Lambda turns invocations away, because a function's reserved concurrency or the account's is used up: events are refused, or consumers wait."
      unwell     = false
      metrics    = { for function, id in local.busy : id => local.lambda["${function}.Throttles"] }
      expression = join(" + ", [for id in values(local.busy) : "FILL(${id}, 0)"])
      threshold  = 5
      period     = 60
      datapoints = [3, 5]
      missing    = "notBreaching"
    }
    duration-near-timeout = {
      anchor  = "duration-near-timeout"
      why     = "A function took more than 80 % of the time it has. What runs into its time-out is done again from the start, and gets no further."
      unwell  = false
      metrics = { for function, id in local.busy : id => local.lambda["${function}.Duration"] }
      # How many functions came that near.
      expression = join(" + ", [
        for function, id in local.busy : "IF(FILL(${id}, 0) > ${800 * var.functions[function].timeout_seconds}, 1, 0)"
      ])
      threshold  = 0
      period     = 300
      datapoints = [2, 3]
      missing    = "notBreaching"
    }
    concurrency = {
      anchor     = "concurrency"
      why        = "The account runs more than 80 % of its ${var.account_concurrency} concurrent executions; at 100 % every function in the region is throttled. A higher quota takes days to get."
      unwell     = false
      metrics    = { running = { namespace = "AWS/Lambda", name = "ConcurrentExecutions", stat = "Maximum", dimensions = {} } }
      threshold  = floor(0.8 * var.account_concurrency)
      period     = 60
      datapoints = [3, 5]
      missing    = "notBreaching"
    }
    spill-drain-stopped = {
      anchor     = "spill-drain-stopped"
      why        = "The drain, which a schedule calls every minute, did not run for ten: what is spilled stays uncounted."
      unwell     = false
      metrics    = { runs = local.lambda["spill-drain.Invocations"] }
      comparison = "LessThanThreshold"
      threshold  = 1
      period     = 300
      datapoints = [2, 2]
      missing    = "breaching" # a function that does not run reports nothing
    }
    compactor-stopped = {
      anchor     = "compactor-stopped"
      why        = "The archive's compactor, which a schedule calls every day, did not run for two: small objects pile up and cost requests."
      unwell     = false
      metrics    = { runs = local.lambda["archive-compactor.Invocations"] }
      comparison = "LessThanThreshold"
      threshold  = 1
      period     = 86400
      datapoints = [2, 2]
      missing    = "breaching"
    }
    sealer-stopped = {
      anchor     = "sealer-stopped"
      why        = "The sealer, which a schedule calls every hour, did not run for six: closed days stay open, reads get slower, and sites do not grow."
      unwell     = false
      metrics    = { runs = local.lambda["sealer.Invocations"] }
      comparison = "LessThanThreshold"
      threshold  = 1
      period     = 10800
      datapoints = [2, 2]
      missing    = "breaching"
    }
  }
}
