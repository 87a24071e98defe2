"""The names of every metric that a function publishes. docs/metrics.md explains each."""

from typing import Literal

NAMESPACE = "LiveInsight"

MetricName = Literal[
    "events_accepted",  # Count: events that the stream acknowledged
    "events_rejected",  # Count: hits refused for what they hold
    "events_dropped",  # Count: hits refused on purpose (bots), whatever they hold
    "records_archived",  # Count: stream records written to the archive
    "events_counted",  # Count: events folded into rollups
    "events_duplicate",  # Count: events skipped because their id was folded in before
    "records_redelivered",  # Count: records skipped because of a checkpoint
    "records_poisoned",  # Count: records sent to the dead letters
    "write_conflicts",  # Count: conditional writes that lost and were repeated
]
