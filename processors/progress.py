"""Checkpoints of items: what they hold already, and how far they come with more records."""

from collections.abc import Iterable
from datetime import datetime

from aggregates.stores.ports import Progress
from processors.record import Record


def is_ahead(record: Record, progress: Progress) -> bool:
    """Say whether an item does not hold the record yet."""
    position = record.position
    return position.sequence_number > progress.checkpoints.get(position.shard, -1)


def advance(progress: Progress, records: Iterable[Record], now: datetime) -> Progress:
    """Return the progress of an item into which the records have been folded."""
    checkpoints = dict(progress.checkpoints)
    arrived_at, processed_at = progress.arrived_at, progress.processed_at
    for record in records:
        position = record.position
        known = checkpoints.get(position.shard, -1)
        checkpoints[position.shard] = max(known, position.sequence_number)
        if record.arrived_at >= arrived_at:
            arrived_at, processed_at = record.arrived_at, int(now.timestamp() * 1000)
    return Progress(checkpoints, arrived_at, processed_at)
