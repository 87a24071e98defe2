"""The names of every metric that a function publishes. docs/metrics.md explains each."""

from typing import Literal

NAMESPACE = "LiveInsight"

MetricName = Literal[
    "events_accepted",  # Count: events that the stream, or else the spill, acknowledged
    "events_rejected",  # Count: hits refused for what they hold
    "events_untokened",  # Count: accepted events that showed no good token, where a site observes
    "events_dropped",  # Count: hits refused on purpose (bots), whatever they hold
    "records_archived",  # Count: stream records written to the archive
    "events_archived",  # Count: events in these records
    "events_counted",  # Count: events folded into rollups
    "events_duplicate",  # Count: events skipped because their id was folded in before
    "records_redelivered",  # Count: records skipped because of a checkpoint
    "records_poisoned",  # Count: records sent to the dead letters
    "write_conflicts",  # Count: conditional writes that lost and were repeated
    "requests_malformed",  # Count: requests that could not be read, or whose fields were wrong
    "requests_spilled",  # Count: requests whose record went to the spill, not to the stream
    "records_drained",  # Count: records put on the stream from the spill
    "spills_left",  # Count: spilled requests that a drain saw and did not move
    "objects_compacted",  # Count: small archive objects merged into bigger ones
    "objects_pruned",  # Count: small archive objects deleted after they were merged
    "partitions_grown",  # Count: sites whose number of partitions doubles from their next day on
    "days_sealed",  # Count: seals of days that were written
    "generations_deleted",  # Count: generations that counted before a rebuild, a week after
    "periods_sealed",  # Count: seals of weeks and months that were written
    "items_dropped",  # Count: open rollup items deleted because seals hold them
    "requests_made",  # Count: calls of AWS services
    "read_units",  # Count: DynamoDB read units
    "write_units",  # Count: DynamoDB write units
    "put_payload_units",  # Count: Kinesis PUT payload units
    "largest_item_bytes",  # Bytes, by table: the largest item that was to be written
]
